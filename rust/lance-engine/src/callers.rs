//! Who is inside a callback of the caller's.

use crate::threads::{self, ThreadKey};

/// The threads that are inside a callback of one kind, and whether another one may enter. It lives under its owner's
/// lock, which is not held during the callback: that may call anything, even exit().
#[derive(Debug, Default)]
pub struct Callers {
    inside: Vec<ThreadKey>,
    stopped: bool,
}

impl Callers {
    /// Before a callback; false if it must not be called any more.
    pub fn enter(&mut self) -> bool {
        if !self.stopped {
            threads::enter_callback();
            self.inside.push(threads::current());
        }
        !self.stopped
    }

    /// After a callback, on the same thread.
    pub fn leave(&mut self) {
        let here = threads::current();
        if let Some(index) = self.inside.iter().position(|thread| *thread == here) {
            self.inside.swap_remove(index);
            threads::leave_callback();
        }
    }

    /// No callback begins any more. Wait until there are no others() to see the last one end.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    pub fn is_empty(&self) -> bool {
        self.inside.is_empty()
    }

    /// Whether another thread is inside.
    pub fn others(&self) -> bool {
        let here = threads::current();
        self.inside.iter().any(|thread| *thread != here)
    }
}
