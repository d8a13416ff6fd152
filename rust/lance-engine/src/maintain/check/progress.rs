//! How far a check is, and the callback that is told.

use std::time::{Duration, Instant};

use crate::settings::{Callback, CheckProgress};
use crate::threads;

/// A report more often than this would cost more than it tells.
const INTERVAL: Duration = Duration::from_millis(50);

/// Counts, and tells the caller now and then.
pub struct Progress {
    callback: Option<Callback<CheckProgress>>,
    so_far: CheckProgress,
    last: Option<Instant>,
}

impl Progress {
    pub fn new(callback: Option<Callback<CheckProgress>>) -> Self {
        Self {
            callback,
            so_far: CheckProgress::default(),
            last: None,
        }
    }

    pub fn advance(&mut self, count: impl FnOnce(&mut CheckProgress)) {
        count(&mut self.so_far);
        if self.last.is_none_or(|at| at.elapsed() >= INTERVAL) {
            self.tell();
        }
    }

    /// Tell the caller, whenever it was told last.
    pub fn tell(&mut self) {
        self.last = Some(Instant::now());
        if let Some(callback) = &self.callback {
            threads::enter_callback();
            callback.call(&self.so_far);
            threads::leave_callback();
        }
    }
}
