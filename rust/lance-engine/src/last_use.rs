//! Notes that a store may have been used for the last time, for whoever keeps something of it until then.

use std::sync::atomic::{AtomicBool, Ordering};

static NOTED: AtomicBool = AtomicBool::new(false);

/// What uses a store is dropped.
pub fn note() {
    NOTED.store(true, Ordering::Release);
}

/// Notes it when it is dropped.
#[derive(Default)]
pub struct LastUse;

impl Drop for LastUse {
    fn drop(&mut self) {
        note();
    }
}

/// Whether that was so since this was asked last.
pub fn take_note() -> bool {
    NOTED.load(Ordering::Relaxed) && NOTED.swap(false, Ordering::Acquire)
}
