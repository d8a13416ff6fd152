//! Threads do not survive fork(): a child that used the engine would wait for ever, so it is refused.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result, code};

/// The process that first started the engine, or tried to; 0 before.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// From now on only this process may use the engine.
pub fn remember_process() {
    let _ = OWNER.compare_exchange(0, std::process::id(), Ordering::SeqCst, Ordering::SeqCst);
}

pub fn refuse_forked_child() -> Result<()> {
    let owner = OWNER.load(Ordering::Acquire);
    if owner == 0 || owner == std::process::id() {
        return Ok(());
    }
    Err(Error::new(
        code::FORKED,
        "this process was forked after the library was first used; use it in the parent, or fork before",
    ))
}
