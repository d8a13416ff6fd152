//! Statistics of a write, and the callback that reports them.

use std::ffi::c_void;
use std::time::{Duration, Instant};

use lance::dataset::progress::WriteStats;

use super::lanes::Accepted;
use crate::callers::Callers;
use crate::params::Versioned;
use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait_while};
use crate::threads;

/// A report more often than this would cost more than it tells.
const INTERVAL: Duration = Duration::from_millis(50);

/// Mirrors `LanceWriteStats`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceWriteStats {
    pub struct_size: usize,
    pub batches: u64,
    pub rows: u64,
    pub bytes: u64,
    pub bytes_in_flight: u64,
    pub peak_bytes_in_flight: u64,
    pub rows_written: u64,
    pub bytes_written: u64,
    pub files_written: u64,
}

// SAFETY: repr(C), begins with struct_size, plain integers.
unsafe impl Versioned for LanceWriteStats {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        batches: 0,
        rows: 0,
        bytes: 0,
        bytes_in_flight: 0,
        peak_bytes_in_flight: 0,
        rows_written: 0,
        bytes_written: 0,
        files_written: 0,
    };
}

impl LanceWriteStats {
    /// What was accepted, and what the encoder of each lane has written.
    pub fn new(accepted: &Accepted, written: &[WriteStats]) -> Self {
        Self {
            batches: accepted.batches,
            rows: accepted.rows,
            bytes: accepted.bytes,
            bytes_in_flight: accepted.bytes_in_flight,
            peak_bytes_in_flight: accepted.peak_bytes_in_flight,
            rows_written: written.iter().map(|lane| lane.rows_written).sum(),
            bytes_written: written.iter().map(|lane| lane.bytes_written).sum(),
            files_written: written
                .iter()
                .map(|lane| u64::from(lane.files_written))
                .sum(),
            ..Self::INIT
        }
    }
}

/// Mirrors the function type of the header; it never unwinds.
pub type LanceWriteProgressFn = unsafe extern "C" fn(*mut c_void, *const LanceWriteStats);

/// The caller's callback, called one at a time. It may free the writer, and exit the process.
pub struct Progress {
    callback: Option<LanceWriteProgressFn>,
    context: *mut c_void,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    callers: Callers,
    last: Option<Instant>,
}

// SAFETY: the header demands that the callback can be called on any thread; calls are serialised.
unsafe impl Send for Progress {}
// SAFETY: as above.
unsafe impl Sync for Progress {}

impl Progress {
    pub fn new(callback: Option<LanceWriteProgressFn>, context: *mut c_void) -> Self {
        Self {
            callback,
            context,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Report, unless another thread is doing so or did so just now.
    pub fn report(&self, stats: impl FnOnce() -> LanceWriteStats) {
        let Some(callback) = self.callback else {
            return;
        };
        let state = lock(&self.state);
        let is_soon = state.last.is_some_and(|at| at.elapsed() < INTERVAL);
        if state.callers.is_empty() && !is_soon {
            self.call(state, callback, stats);
        }
    }

    /// Report the end of the write, whenever the last report was.
    pub fn report_last(&self, stats: &LanceWriteStats) {
        if let Some(callback) = self.callback {
            self.call(self.wait_for_others(lock(&self.state)), callback, || *stats);
        }
    }

    /// Report nothing any more. Returns when no other thread is in the callback.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        state.callers.stop();
        drop(self.wait_for_others(state));
    }

    fn call(
        &self,
        mut state: MutexGuard<'_, State>,
        callback: LanceWriteProgressFn,
        stats: impl FnOnce() -> LanceWriteStats,
    ) {
        if !state.callers.enter() {
            return;
        }
        state.last = Some(Instant::now());
        drop(state);
        // SAFETY: the callback and its context outlive the writer by the header's contract.
        unsafe { callback(self.context, &stats()) };
        lock(&self.state).callers.leave();
        self.changed.notify_all();
    }

    fn wait_for_others<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        wait_while(&self.changed, state, threads::patience(), |state| {
            state.callers.others()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// What a callback of these tests does.
    type Body = Box<dyn Fn() + Sync>;

    unsafe extern "C" fn call_body(context: *mut c_void, _: *const LanceWriteStats) {
        // SAFETY: the context of these tests, alive as long as their progress.
        let body = unsafe { &*context.cast::<Body>() };
        body();
    }

    fn progress(body: &Body) -> Progress {
        let context = std::ptr::from_ref(body).cast_mut().cast();
        Progress::new(Some(call_body), context)
    }

    #[test]
    fn nothing_is_reported_when_it_is_stopped() {
        let (send, receive) = mpsc::channel();
        let send = Mutex::new(send);
        let body: Body = Box::new(move || lock(&send).send(()).unwrap());
        let progress = progress(&body);
        progress.report_last(&LanceWriteStats::INIT);
        progress.stop();
        progress.report_last(&LanceWriteStats::INIT);
        progress.report(|| LanceWriteStats::INIT);
        assert_eq!(receive.try_iter().count(), 1);
    }

    #[test]
    fn a_stop_waits_for_the_callback_on_another_thread_but_not_for_the_one_that_it_is_called_from()
    {
        let (entered, enters) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let (entered, goes_on) = (Mutex::new(entered), Mutex::new(goes_on));
        let done = std::sync::atomic::AtomicBool::new(false);
        let done: &'static _ = Box::leak(Box::new(done));
        let body: Body = Box::new(move || {
            lock(&entered).send(()).unwrap();
            let _ = lock(&goes_on).recv();
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let reporting = progress(&body);
        std::thread::scope(|scope| {
            scope.spawn(|| reporting.report_last(&LanceWriteStats::INIT));
            enters.recv().unwrap();
            let stopping = scope.spawn(|| {
                reporting.stop();
                assert!(done.load(std::sync::atomic::Ordering::SeqCst));
            });
            go_on.send(()).unwrap();
            stopping.join().unwrap();
        });

        let slot: &'static std::sync::OnceLock<Progress> = Box::leak(Box::default());
        let stops_itself: Body = Box::new(|| slot.get().unwrap().stop());
        let own = slot.get_or_init(|| progress(&stops_itself));
        own.report_last(&LanceWriteStats::INIT);
    }
}
