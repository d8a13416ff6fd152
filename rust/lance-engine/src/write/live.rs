//! The caller's arrays that are not released yet.

use crate::callers::Callers;
use crate::sync::{Condvar, Mutex, lock, wait, wait_while};
use crate::threads;

/// Counts arrays until each is released.
#[derive(Debug, Default)]
pub struct Live {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    count: usize,
    releasing: Callers,
}

impl Live {
    pub fn add(&self) {
        lock(&self.state).count += 1;
    }

    /// Release one that was added.
    pub fn release<T>(&self, array: T) {
        if !lock(&self.state).releasing.enter() {
            // The process is about to end, and what the release uses may be gone already.
            std::mem::forget(array);
            return;
        }
        drop(array);
        let mut state = lock(&self.state);
        state.releasing.leave();
        state.count -= 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Wait until every array is released. Call it when nothing can hold one for good any more.
    pub fn wait_until_none(&self) {
        let mut state = lock(&self.state);
        while state.count > 0 {
            state = wait(&self.changed, state);
        }
    }

    /// Release nothing any more. Returns when no other thread is releasing.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        state.releasing.stop();
        drop(wait_while(
            &self.changed,
            state,
            threads::patience(),
            |state| state.releasing.others(),
        ));
    }
}
