//! Batches of a scan for engines with schedulers of their own: asked for without waiting, and with a waker.

use std::ffi::c_void;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ffi::FFI_ArrowArray;
use lance_engine::callers::Callers;
use lance_engine::read::{Batches, Query};
use lance_engine::sync::{Condvar, Mutex, lock, wait_while};
use lance_engine::{Error, Result, fault, threads};

use crate::arrow::export_array;
use crate::error::LanceError;
use crate::generated::batches::{LanceWakeFn, PollState};
use crate::guard::guard;
use crate::handle::Handle;

/// A scan under way.
pub type LanceBatches = Handle<Polled>;

/// Batches, and whom to wake for them.
pub struct Polled {
    batches: Batches,
    waking: Arc<Waking>,
}

pub async fn open(scanner: Arc<Query>) -> Result<Polled> {
    let (schema, batches) = crate::scanner::to_stream(scanner).await?;
    Ok(Polled {
        batches: Batches::start(schema, batches)?,
        waking: Arc::default(),
    })
}

pub fn schema(batches: Arc<Polled>) -> Result<SchemaRef> {
    Ok(batches.batches.schema.clone())
}

/// The next batch, or None at the end.
pub async fn next(batches: Arc<Polled>) -> Result<Option<RecordBatch>> {
    std::future::poll_fn(|context| batches.batches.poll(context)).await
}

pub fn cancel(batches: Arc<Polled>) -> Result<()> {
    batches.batches.cancel();
    Ok(())
}

/// The last use of the handle: nobody is woken any more.
pub fn end(batches: Arc<Polled>) {
    batches.batches.cancel();
    batches.waking.stop();
}

impl Polled {
    fn poll(&self, sleeper: Option<Sleeper>) -> Result<Poll<Option<FFI_ArrowArray>>> {
        fault::point()?;
        let waker = Waker::from(self.waking.clone());
        loop {
            self.waking.begin_look();
            match self.batches.poll(&mut Context::from_waker(&waker))? {
                Poll::Ready(batch) => {
                    return Ok(Poll::Ready(batch.map(export_array)));
                }
                Poll::Pending if self.waking.sleep(sleeper) => return Ok(Poll::Pending),
                Poll::Pending => {}
            }
        }
    }
}

/// Whoever waits for the next batch.
#[derive(Clone, Copy)]
struct Sleeper {
    wake: LanceWakeFn,
    context: *mut c_void,
}

// SAFETY: the header demands that the callback can be called on any thread.
unsafe impl Send for Sleeper {}

/// Wakes the latest sleeper, once.
#[derive(Default)]
struct Waking {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    sleeper: Option<Sleeper>,
    /// Something has come since the last look began.
    awake: bool,
    callers: Callers,
}

impl Waking {
    fn begin_look(&self) {
        let mut state = lock(&self.state);
        state.sleeper = None;
        state.awake = false;
    }

    /// A look has found nothing: wake this one when something comes. False if it has come since, so that nobody is
    /// woken whose poll finds something.
    fn sleep(&self, sleeper: Option<Sleeper>) -> bool {
        let mut state = lock(&self.state);
        if !state.awake {
            state.sleeper = sleeper;
        }
        !state.awake
    }

    /// Wake nobody any more. Returns when no other thread is doing so.
    fn stop(&self) {
        let mut state = lock(&self.state);
        state.callers.stop();
        drop(wait_while(
            &self.changed,
            state,
            threads::patience(),
            |state| state.callers.others(),
        ));
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        let mut state = lock(&self.state);
        state.awake = true;
        let Some(sleeper) = state.sleeper.take() else {
            return;
        };
        if !state.callers.enter() {
            return;
        }
        drop(state);
        // SAFETY: by the header's contract the callback and its context live until it was called, or the batches are
        // freed, which waits for this.
        unsafe { (sleeper.wake)(sleeper.context) };
        lock(&self.state).callers.leave();
        self.changed.notify_all();
    }
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_batches_poll(
    batches: *const LanceBatches,
    wake: Option<LanceWakeFn>,
    context: *mut c_void,
    state: *mut i32,
    out: *mut FFI_ArrowArray,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        if state.is_null() || out.is_null() {
            return Err(Error::invalid_argument("state or out is NULL"));
        }
        // SAFETY: by this function's contract.
        let batches = unsafe { LanceBatches::get(batches, "batches") }?;
        let sleeper = wake.map(|wake| Sleeper { wake, context });
        let polled = batches.read(|batches| batches.poll(sleeper))?;
        let (found, array) = match polled {
            Poll::Pending => (PollState::Pending, None),
            Poll::Ready(None) => (PollState::End, None),
            Poll::Ready(array) => (PollState::Ready, array),
        };
        // SAFETY: not NULL, and valid by this function's contract; the array becomes the caller's.
        unsafe {
            if let Some(array) = array {
                out.write(array);
            }
            state.write(found as i32);
        }
        Ok(())
    })
}
