//! Fault points of test builds: the k-th step fails or panics.
//!
//! Production builds compile `point()` to nothing.

#[cfg(not(feature = "fault-injection"))]
pub fn point() -> crate::error::Result<()> {
    Ok(())
}

#[cfg(feature = "fault-injection")]
pub use enabled::*;

#[cfg(feature = "fault-injection")]
mod enabled {
    use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

    use crate::error::{Error, Result, code};

    const ERROR: i32 = 1;
    const PANIC: i32 = 2;

    static FAIL_AT: AtomicI64 = AtomicI64::new(0);
    static MODE: AtomicI32 = AtomicI32::new(0);
    static HIT: AtomicI64 = AtomicI64::new(0);

    /// Fail here if this is the step that was asked for.
    pub fn point() -> Result<()> {
        let hit = HIT.fetch_add(1, Ordering::SeqCst) + 1;
        if hit != FAIL_AT.load(Ordering::SeqCst) {
            return Ok(());
        }
        match MODE.load(Ordering::SeqCst) {
            ERROR => Err(Error::new(code::INTERNAL, format!("injected fault {hit}"))),
            PANIC => panic!("injected panic {hit}"),
            _ => Ok(()),
        }
    }

    /// Make the `k`-th step from now fail: mode 0 never, 1 with an error, 2 with a panic.
    pub fn fail_at(k: i64, mode: i32) {
        HIT.store(0, Ordering::SeqCst);
        FAIL_AT.store(k, Ordering::SeqCst);
        MODE.store(mode, Ordering::SeqCst);
    }

    /// How many steps were passed since the last call of `fail_at`.
    pub fn points_hit() -> i64 {
        HIT.load(Ordering::SeqCst)
    }
}
