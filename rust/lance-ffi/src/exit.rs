//! What ends with the process, while what its callbacks use is still there.

use lance_engine::process;
use lance_engine::sync::{Mutex, lock};

/// What there is to end, in this order.
#[derive(Clone, Copy)]
pub enum Step {
    /// Asynchronous calls and streams.
    Calls,
    /// Writers that were freed inside a callback, perhaps by the end of a call.
    Writers,
    /// The logger, which is told of all that.
    Logger,
}

type End = fn();

static ENDS: Mutex<[Option<End>; 3]> = Mutex::new([None; 3]);

/// There is something to end from now on. The handler runs before those that were registered earlier, and before what was
/// constructed earlier is destroyed, so that it is registered by the first of each kind.
pub fn first(step: Step, end: fn()) {
    let mut ends = lock(&ENDS);
    if ends[step as usize].replace(end).is_none() {
        // SAFETY: the handler is a plain function, and the library stays loaded.
        unsafe { libc::atexit(end_all) };
    }
}

/// Runs once for each kind, and finds nothing to do after the first time.
extern "C" fn end_all() {
    if process::refuse_forked_child().is_err() {
        return;
    }
    let ends = *lock(&ENDS);
    ends.into_iter().flatten().for_each(|end| end());
}
