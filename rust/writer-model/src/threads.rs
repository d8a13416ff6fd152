//! What the code under test asks about threads.

use std::time::Duration;

pub const PATIENCE_AT_EXIT: Duration = Duration::MAX;

pub type ThreadKey = loom::thread::ThreadId;

pub fn current() -> ThreadKey {
    loom::thread::current().id()
}

pub fn enter_callback() {}

pub fn leave_callback() {}

pub fn patience() -> Duration {
    Duration::MAX
}
