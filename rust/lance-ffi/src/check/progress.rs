//! How far a check is, and the callback that is told.

use std::ffi::c_void;
use std::time::{Duration, Instant};

use crate::params::Versioned;
use crate::threads;

/// A report more often than this would cost more than it tells.
const INTERVAL: Duration = Duration::from_millis(50);

/// Mirrors `LanceCheckProgress`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceCheckProgress {
    pub struct_size: usize,
    pub manifests: u64,
    pub files: u64,
    pub rows_decoded: u64,
    pub bytes_decoded: u64,
}

// SAFETY: repr(C), begins with struct_size, plain integers.
unsafe impl Versioned for LanceCheckProgress {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        manifests: 0,
        files: 0,
        rows_decoded: 0,
        bytes_decoded: 0,
    };
}

/// Mirrors the function type of the header; it never unwinds.
pub type LanceCheckProgressFn = unsafe extern "C" fn(*mut c_void, *const LanceCheckProgress);

/// Counts, and tells the caller now and then.
pub struct Progress {
    callback: Option<LanceCheckProgressFn>,
    context: *mut c_void,
    so_far: LanceCheckProgress,
    last: Option<Instant>,
}

// SAFETY: the header demands that the callback can be called on any thread; a check owns its progress, so
// calls come one after the other.
unsafe impl Send for Progress {}

impl Progress {
    pub fn new(callback: Option<LanceCheckProgressFn>, context: *mut c_void) -> Self {
        Self {
            callback,
            context,
            so_far: LanceCheckProgress::INIT,
            last: None,
        }
    }

    pub fn advance(&mut self, count: impl FnOnce(&mut LanceCheckProgress)) {
        count(&mut self.so_far);
        if self.last.is_none_or(|at| at.elapsed() >= INTERVAL) {
            self.tell();
        }
    }

    /// Tell the caller, whenever it was told last.
    pub fn tell(&mut self) {
        self.last = Some(Instant::now());
        if let Some(callback) = self.callback {
            threads::enter_callback();
            // SAFETY: the callback and its context outlive the call by the header's contract.
            unsafe { callback(self.context, &self.so_far) }
            threads::leave_callback();
        }
    }
}
