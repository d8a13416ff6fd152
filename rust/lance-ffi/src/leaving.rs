//! The end of a writer whose handle is freed.

use std::sync::Arc;
use std::thread;

use lance_engine::panics::contain;
use lance_engine::sync::{Condvar, Mutex, lock, wait_while};
use lance_engine::threads;
use lance_engine::write::Write;

use crate::exit::{self, Step};

/// Writers that were freed inside a callback. An encoder may be waiting for that, so another thread ends them.
static LEAVING: Mutex<Vec<Arc<Write>>> = Mutex::new(Vec::new());
static LEFT: Condvar = Condvar::new();

/// Abort a writer that is not finished. From now on its callback is not called any more.
pub fn end(writer: Arc<Write>) {
    // It fails when there is nothing to abort.
    let aborted = writer.abort();
    writer.silence();
    if aborted.is_ok() && threads::must_not_wait() && !threads::is_exiting() {
        end_elsewhere(writer);
    }
}

fn end_elsewhere(writer: Arc<Write>) {
    exit::first(Step::Writers, wait_at_exit);
    lock(&LEAVING).push(writer.clone());
    let thread = thread::Builder::new().name("lance-free".into());
    let started = thread.spawn({
        let writer = writer.clone();
        move || {
            let _ = contain(|| writer.abort());
            forget(&writer);
        }
    });
    if started.is_err() {
        // The encoders stop all the same; what they wrote is left to a clean-up.
        forget(&writer);
    }
}

fn forget(writer: &Arc<Write>) {
    lock(&LEAVING).retain(|other| !Arc::ptr_eq(other, writer));
    LEFT.notify_all();
}

/// What the release of a batch uses is destroyed after this.
fn wait_at_exit() {
    let leaving = lock(&LEAVING);
    if threads::must_not_wait() {
        let writers = leaving.clone();
        drop(leaving);
        for writer in writers {
            let _ = writer.abort();
        }
    } else {
        let patience = threads::PATIENCE_AT_EXIT;
        drop(wait_while(&LEFT, leaving, patience, |writers| {
            !writers.is_empty()
        }));
    }
}
