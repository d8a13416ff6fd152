//! Reports of how far something is, to a callback of the caller's.

use std::time::{Duration, Instant};

use crate::callers::Callers;
use crate::settings::Callback;
use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait_while};
use crate::threads;

/// A report more often than this would cost more than it tells.
const INTERVAL: Duration = Duration::from_millis(50);

/// The caller's callback, called one at a time. It may free what reports, and exit the process.
pub struct Reporter<T> {
    callback: Option<Callback<T>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    callers: Callers,
    last: Option<Instant>,
}

impl<T> Reporter<T> {
    pub fn new(callback: Option<Callback<T>>) -> Self {
        Self {
            callback,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Report, unless another thread is doing so or did so just now.
    pub fn report(&self, told: impl FnOnce() -> T) {
        let Some(callback) = &self.callback else {
            return;
        };
        let state = lock(&self.state);
        let is_soon = state.last.is_some_and(|at| at.elapsed() < INTERVAL);
        if state.callers.is_empty() && !is_soon {
            self.call(state, callback, told);
        }
    }

    /// Report something, whenever the last report was.
    pub fn report_now(&self, told: impl FnOnce() -> T) {
        if let Some(callback) = &self.callback {
            self.call(self.wait_for_others(lock(&self.state)), callback, told);
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
        callback: &Callback<T>,
        told: impl FnOnce() -> T,
    ) {
        if !state.callers.enter() {
            return;
        }
        state.last = Some(Instant::now());
        drop(state);
        callback.call(&told());
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

    fn reporter(body: impl Fn() + Send + Sync + 'static) -> Reporter<()> {
        Reporter::new(Some(Callback::new(move |_| body())))
    }

    #[test]
    fn nothing_is_reported_when_it_is_stopped() {
        let (send, receive) = mpsc::channel();
        let send = Mutex::new(send);
        let reporter = reporter(move || lock(&send).send(()).unwrap());
        reporter.report_now(|| ());
        reporter.stop();
        reporter.report_now(|| ());
        reporter.report(|| ());
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
        let reporting = reporter(move || {
            lock(&entered).send(()).unwrap();
            let _ = lock(&goes_on).recv();
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        std::thread::scope(|scope| {
            scope.spawn(|| reporting.report_now(|| ()));
            enters.recv().unwrap();
            let stopping = scope.spawn(|| {
                reporting.stop();
                assert!(done.load(std::sync::atomic::Ordering::SeqCst));
            });
            go_on.send(()).unwrap();
            stopping.join().unwrap();
        });

        let slot: &'static std::sync::OnceLock<Reporter<()>> = Box::leak(Box::default());
        let own = slot.get_or_init(|| reporter(|| slot.get().unwrap().stop()));
        own.report_now(|| ());
    }
}
