//! What a thread is doing: whether it is the library's, inside a callback of the caller's, or ending the process.
//!
//! A process may exit inside a callback, on any thread. Exit handlers and destructors of static variables then run on a
//! thread whose thread-locals are destroyed, tokio's among them, so that tokio no longer knows its own threads. The marks
//! here have no destructor: they stay readable.

use std::cell::Cell;
use std::time::Duration;

use tokio::runtime::Handle;

/// How long an exit waits for other threads: they may wait for what the exiting one holds.
pub const PATIENCE_AT_EXIT: Duration = Duration::from_secs(5);

/// A thread, among those that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadKey(usize);

/// Destroyed before the exit handlers run.
struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {}
}

thread_local! {
    static IS_LIBRARYS: Cell<bool> = const { Cell::new(false) };
    static CALLBACKS: Cell<usize> = const { Cell::new(0) };
    static ALIVE: Alive = const { Alive };
}

pub fn current() -> ThreadKey {
    CALLBACKS.with(|mark| ThreadKey(std::ptr::from_ref(mark).addr()))
}

/// Mark this thread as the library's.
pub fn adopt() {
    IS_LIBRARYS.set(true);
}

/// Before a callback, which may call anything.
pub fn enter_callback() {
    CALLBACKS.set(CALLBACKS.get() + 1);
    let _ = ALIVE.try_with(|_| ());
}

/// After a callback.
pub fn leave_callback() {
    CALLBACKS.set(CALLBACKS.get() - 1);
}

/// Whether the library may be waiting for this thread, so that it must not wait for the library.
pub fn must_not_wait() -> bool {
    CALLBACKS.get() > 0 || IS_LIBRARYS.get() || Handle::try_current().is_ok()
}

/// Whether a callback on this thread has called exit().
pub fn is_exiting() -> bool {
    CALLBACKS.get() > 0 && ALIVE.try_with(|_| ()).is_err()
}

/// How long to wait for callbacks on other threads.
pub fn patience() -> Duration {
    match is_exiting() {
        true => PATIENCE_AT_EXIT,
        false => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Looks at the marks while its thread's other thread-locals are being destroyed.
    struct Late(mpsc::Sender<(bool, bool)>);

    impl Drop for Late {
        fn drop(&mut self) {
            // Made after this one, `ALIVE` is destroyed before.
            self.0.send((must_not_wait(), is_exiting())).unwrap();
        }
    }

    thread_local! {
        static LATE: Cell<Option<Late>> = const { Cell::new(None) };
    }

    /// What a destructor sees that runs after those of the marks would.
    fn seen_late(prepare: fn()) -> (bool, bool) {
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            LATE.set(Some(Late(send)));
            prepare();
            assert!(!is_exiting());
        });
        thread.join().unwrap();
        receive.recv().unwrap()
    }

    #[test]
    fn marks_are_known_when_thread_locals_are_destroyed() {
        assert_eq!(seen_late(|| ()), (false, false));
        assert_eq!(seen_late(adopt), (true, false));
        assert_eq!(seen_late(enter_callback), (true, true));
        let returned = || {
            enter_callback();
            leave_callback();
        };
        assert_eq!(seen_late(returned), (false, false));
    }

    #[test]
    fn threads_are_told_apart() {
        let here = current();
        assert_eq!(here, current());
        assert_ne!(std::thread::spawn(current).join().unwrap(), here);
    }
}
