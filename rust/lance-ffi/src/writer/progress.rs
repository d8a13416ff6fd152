//! Statistics of a write, and the callback that reports them.

use std::ffi::c_void;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::params::Versioned;
use crate::sync::lock;

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

/// Mirrors the function type of the header; it never unwinds.
pub type LanceWriteProgressFn = unsafe extern "C" fn(*mut c_void, *const LanceWriteStats);

/// The caller's callback, called one at a time.
pub struct Progress {
    callback: Option<LanceWriteProgressFn>,
    context: *mut c_void,
    last: Mutex<Option<Instant>>,
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
            last: Mutex::new(None),
        }
    }

    /// Report, unless another thread is doing so or did so just now.
    pub fn report(&self, stats: impl FnOnce() -> LanceWriteStats) {
        let Some(callback) = self.callback else {
            return;
        };
        let Ok(mut last) = self.last.try_lock() else {
            return;
        };
        if last.is_some_and(|at| at.elapsed() < INTERVAL) {
            return;
        }
        *last = Some(Instant::now());
        // SAFETY: the callback and its context outlive the writer by the header's contract.
        unsafe { callback(self.context, &stats()) }
    }

    /// Report the end of the write, whenever the last report was.
    pub fn report_last(&self, stats: &LanceWriteStats) {
        if let Some(callback) = self.callback {
            let _serialised = lock(&self.last);
            // SAFETY: as above.
            unsafe { callback(self.context, stats) }
        }
    }
}
