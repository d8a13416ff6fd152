//! Statistics of a write, and the callback that reports them.

use std::time::{Duration, Instant};

use lance::dataset::progress::WriteStats as LaneStats;

use super::lanes::Accepted;
use crate::callers::Callers;
use crate::settings::{Callback, WriteStats};
use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait_while};
use crate::threads;

/// A report more often than this would cost more than it tells.
const INTERVAL: Duration = Duration::from_millis(50);

/// What was accepted, and what the encoder of each lane has written.
pub fn stats(accepted: &Accepted, written: &[LaneStats]) -> WriteStats {
    WriteStats {
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
    }
}

/// The caller's callback, called one at a time. It may free the writer, and exit the process.
pub struct Progress {
    callback: Option<Callback<WriteStats>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    callers: Callers,
    last: Option<Instant>,
}

impl Progress {
    pub fn new(callback: Option<Callback<WriteStats>>) -> Self {
        Self {
            callback,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Report, unless another thread is doing so or did so just now.
    pub fn report(&self, stats: impl FnOnce() -> WriteStats) {
        let Some(callback) = &self.callback else {
            return;
        };
        let state = lock(&self.state);
        let is_soon = state.last.is_some_and(|at| at.elapsed() < INTERVAL);
        if state.callers.is_empty() && !is_soon {
            self.call(state, callback, stats);
        }
    }

    /// Report the end of the write, whenever the last report was.
    pub fn report_last(&self, stats: &WriteStats) {
        if let Some(callback) = &self.callback {
            self.call(self.wait_for_others(lock(&self.state)), callback, || {
                stats.clone()
            });
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
        callback: &Callback<WriteStats>,
        stats: impl FnOnce() -> WriteStats,
    ) {
        if !state.callers.enter() {
            return;
        }
        state.last = Some(Instant::now());
        drop(state);
        callback.call(&stats());
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

    fn progress(body: impl Fn() + Send + Sync + 'static) -> Progress {
        Progress::new(Some(Callback::new(move |_| body())))
    }

    #[test]
    fn nothing_is_reported_when_it_is_stopped() {
        let (send, receive) = mpsc::channel();
        let send = Mutex::new(send);
        let progress = progress(move || lock(&send).send(()).unwrap());
        progress.report_last(&WriteStats::default());
        progress.stop();
        progress.report_last(&WriteStats::default());
        progress.report(WriteStats::default);
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
        let reporting = progress(move || {
            lock(&entered).send(()).unwrap();
            let _ = lock(&goes_on).recv();
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        std::thread::scope(|scope| {
            scope.spawn(|| reporting.report_last(&WriteStats::default()));
            enters.recv().unwrap();
            let stopping = scope.spawn(|| {
                reporting.stop();
                assert!(done.load(std::sync::atomic::Ordering::SeqCst));
            });
            go_on.send(()).unwrap();
            stopping.join().unwrap();
        });

        let slot: &'static std::sync::OnceLock<Progress> = Box::leak(Box::default());
        let own = slot.get_or_init(|| progress(|| slot.get().unwrap().stop()));
        own.report_last(&WriteStats::default());
    }
}
