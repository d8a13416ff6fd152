//! Calls that go on while their caller does something else: each ends once, tells it once, and can be asked to end
//! early. `rust/writer-model` runs this file through every order of its threads, so it knows nothing of the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::callers::Callers;
use crate::error::{Error, Result, code};
use crate::sync::{Condvar, Mutex, lock, wait, wait_while};
use crate::threads;

type Cancel = Box<dyn FnOnce() + Send>;

/// A call on its way.
pub struct Operation {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Until somebody cancels, or the work has ended.
    cancel: Option<Cancel>,
    telling: Callers,
    /// Its end has been told.
    done: bool,
}

impl Operation {
    /// `cancel` is called once at most. It must not wait, and makes the work end.
    pub fn new(cancel: impl FnOnce() + Send + 'static) -> Self {
        Self {
            state: Mutex::new(State {
                cancel: Some(Box::new(cancel)),
                telling: Callers::default(),
                done: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Ask the work to end. What has ended already stays as it is.
    pub fn cancel(&self) {
        let cancel = lock(&self.state).cancel.take();
        // Outside the lock: it may drop what the work holds.
        if let Some(cancel) = cancel {
            cancel();
        }
    }

    /// Call `tell` in the middle of the work, unless the process is too far gone for that.
    pub fn tell<T>(&self, tell: impl FnOnce() -> T) -> Option<T> {
        if !lock(&self.state).telling.enter() {
            return None;
        }
        let told = tell();
        lock(&self.state).telling.leave();
        self.changed.notify_all();
        Some(told)
    }

    /// The work has ended: call `tell`, which hands out what came of it, unless the process is too far gone for that. Called
    /// once.
    pub fn end(&self, tell: impl FnOnce()) {
        let too_late = lock(&self.state).cancel.take();
        drop(too_late);
        self.tell(tell);
        lock(&self.state).done = true;
        self.changed.notify_all();
    }

    /// Whether its end has been told.
    pub fn is_done(&self) -> bool {
        lock(&self.state).done
    }

    /// Wait until its end has been told.
    pub fn wait(&self) {
        let mut state = lock(&self.state);
        while !state.done {
            state = wait(&self.changed, state);
        }
    }

    /// The process exits: wait for the end, but not for ever, and then tell nothing any more. What is told on this very
    /// thread has called exit(), and cannot end.
    fn last_wait(&self, patience: Duration) {
        let mut state = wait_while(&self.changed, lock(&self.state), patience, |state| {
            !state.done && (state.telling.is_empty() || state.telling.others())
        });
        state.telling.stop();
    }
}

/// The calls that are on their way.
#[derive(Default)]
pub struct Running {
    state: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    calls: Vec<Arc<Operation>>,
    exiting: bool,
}

impl Running {
    /// Before its work begins.
    pub fn add(&self, operation: &Arc<Operation>) -> Result<()> {
        let mut state = lock(&self.state);
        if state.exiting {
            return Err(Error::new(
                code::INVALID_STATE,
                "the process is exiting, which has cancelled all calls",
            ));
        }
        state.calls.push(operation.clone());
        Ok(())
    }

    /// It is done, or was never begun.
    pub fn remove(&self, operation: &Arc<Operation>) {
        let mut state = lock(&self.state);
        state.calls.retain(|other| !Arc::ptr_eq(other, operation));
    }

    /// The process exits: cancel all of them, and wait until their ends are told, as what that uses is destroyed next.
    pub fn end_all(&self) {
        let mut state = lock(&self.state);
        state.exiting = true;
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        calls.iter().for_each(|call| call.cancel());
        let begun = Instant::now();
        for call in calls {
            call.last_wait(threads::PATIENCE_AT_EXIT.saturating_sub(begun.elapsed()));
        }
    }
}

/// What a cancelled call ends with.
pub fn cancelled() -> Error {
    Error::new(code::CANCELLED, "the call was cancelled")
}
