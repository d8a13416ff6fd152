//! Asynchronous forms of calls: an operation's start, its callback, and its handle.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, LazyLock, Mutex};

use lance_engine::cancel::cancellable;
use lance_engine::error::code;
use lance_engine::operation::{Operation, Running};
use lance_engine::panics::contain;
use lance_engine::sync::lock;
use lance_engine::{Error, Result, fault, process, runtime};

use crate::error::LanceError;
use crate::exit::{self, Step};
use crate::generated::operation::LanceDoneFn;
use crate::guard::guard;
use crate::handle::Handle;
use crate::plain::into_plain;

/// A call on its way.
pub type LanceOperation = Handle<Operation>;

static RUNNING: LazyLock<Running> = LazyLock::new(Running::default);

/// An operation among those that run. An exit cancels it, and waits for its end: what that uses is destroyed next.
pub struct Entered(Arc<Operation>);

impl Entered {
    pub fn new(cancel: impl FnOnce() + Send + 'static) -> Result<Self> {
        // From here on only the system can refuse to run the work.
        runtime::session()?;
        fault::point()?;
        exit::first(Step::Calls, || RUNNING.end_all());
        let operation = Arc::new(Operation::new(cancel));
        RUNNING.add(&operation)?;
        Ok(Self(operation))
    }

    pub fn operation(&self) -> &Arc<Operation> {
        &self.0
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        RUNNING.remove(&self.0);
    }
}

/// Where the end of a call is told, and where its handle goes.
pub struct Ending {
    done: LanceDoneFn,
    context: *mut c_void,
    operation: *mut *mut LanceOperation,
}

// SAFETY: the header demands that the callback can be called on any thread; the rest is used before the start returns.
unsafe impl Send for Ending {}

impl Ending {
    /// Check the arguments that all asynchronous forms share.
    ///
    /// # Safety
    /// `operation` is NULL or valid for writing one pointer until the start returns.
    pub unsafe fn new(
        done: Option<LanceDoneFn>,
        context: *mut c_void,
        operation: *mut *mut LanceOperation,
    ) -> Result<Self> {
        let done = done.ok_or_else(|| Error::invalid_argument("done is NULL"))?;
        Ok(Self {
            done,
            context,
            operation,
        })
    }

    /// Make the operation, and give its handle away: the callback may free that before the start returns.
    fn begin(self, cancel: impl FnOnce() + Send + 'static) -> Result<Call> {
        let entered = Entered::new(cancel)?;
        if !self.operation.is_null() {
            // SAFETY: valid by the contract of `new`.
            unsafe {
                self.operation
                    .write(Handle::into_raw_shared(entered.operation().clone()))
            };
        }
        Ok(Call {
            entered,
            ending: self,
        })
    }
}

/// A call whose work is about to run, or does. It is ended, or taken back.
struct Call {
    entered: Entered,
    ending: Ending,
}

impl Call {
    /// Hand out what the work made, and tell the end.
    fn end<T>(self, outcome: Result<T>, give: impl FnOnce(T) -> Result<()>) {
        let Ending { done, context, .. } = self.ending;
        self.entered.operation().end(|| {
            let outcome = outcome.and_then(|value| contain(|| give(value)));
            let (status, error) = match outcome {
                Ok(()) => (code::OK, null_mut()),
                Err(error) => (error.code(), into_plain(error.into())),
            };
            // SAFETY: the callback and its context live until this call by the header's contract; the error becomes
            // the callback's.
            unsafe { done(context, status, error) };
        });
    }

    /// It could not be started, which its caller is told.
    fn take_back(self) {
        if !self.ending.operation.is_null() {
            // SAFETY: `begin` wrote the handle, and the start has not returned yet.
            unsafe {
                let handle = self.ending.operation.replace(null_mut());
                Handle::free(handle, |_| ());
            }
        }
    }
}

/// Run a future on the runtime, and tell its end. `give` hands out what it made, on the same thread. When it is cancelled, the
/// future is dropped, unless it is making a version. On an error nothing was started.
pub fn start<T: Send + 'static>(
    ending: Ending,
    work: impl Future<Output = Result<T>> + Send + 'static,
    give: impl FnOnce(T) -> Result<()> + Send + 'static,
) -> Result<()> {
    let (cancel, work) = cancellable(work);
    let call = ending.begin(move || cancel.abort())?;
    launch(call, give, |end| runtime::spawn(work, end))
}

/// Run what blocks on a thread of its own, and tell its end. `cancel` is called once at most, must not wait, and makes `work`
/// return.
pub fn start_thread<T: Send + 'static>(
    ending: Ending,
    work: impl FnOnce() -> Result<T> + Send + 'static,
    give: impl FnOnce(T) -> Result<()> + Send + 'static,
    cancel: impl FnOnce() + Send + 'static,
) -> Result<()> {
    let call = ending.begin(cancel)?;
    launch(call, give, |end| {
        let thread = std::thread::Builder::new().name("lance-call".into());
        let spawned = thread.spawn(move || end(contain(work)));
        spawned.map(drop).map_err(|error| {
            Error::new(
                code::RESOURCE_EXHAUSTED,
                format!("cannot start a thread: {error}"),
            )
        })
    })
}

/// Let `spawn` run the work with what is to be done at its end. If it cannot, the call is taken back.
fn launch<T: Send + 'static>(
    call: Call,
    give: impl FnOnce(T) -> Result<()> + Send + 'static,
    spawn: impl FnOnce(Box<dyn FnOnce(Result<T>) + Send>) -> Result<()>,
) -> Result<()> {
    let call = Arc::new(Mutex::new(Some(call)));
    let ends = call.clone();
    let spawned = spawn(Box::new(move |outcome| {
        let call = lock(&ends).take();
        if let Some(call) = call {
            call.end(outcome, give);
        }
    }));
    if spawned.is_err() {
        let call = lock(&call).take();
        call.into_iter().for_each(Call::take_back);
    }
    spawned
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_operation_cancel(
    operation: *const LanceOperation,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe { LanceOperation::get(operation, "operation") }?
            .value()
            .cancel();
        Ok(())
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_operation_wait(
    operation: *const LanceOperation,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        let operation = unsafe { LanceOperation::get(operation, "operation") }?.value();
        runtime::refuse_runtime_thread()?;
        operation.wait();
        Ok(())
    })
}

/// # Safety
/// `operation` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_operation_is_done(operation: *const LanceOperation) -> i32 {
    if process::refuse_forked_child().is_err() {
        return 1;
    }
    // SAFETY: by this function's contract.
    match unsafe { LanceOperation::get(operation, "operation") } {
        Ok(operation) => operation.value().is_done().into(),
        Err(_) => 1,
    }
}

/// # Safety
/// `error` is NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_may_wait(error: *mut *mut LanceError) -> i32 {
    guard(error, runtime::refuse_runtime_thread)
}

/// # Safety
/// `operation` is NULL or a live handle, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_operation_free(operation: *mut LanceOperation) {
    // SAFETY: by this function's contract.
    unsafe { Handle::free(operation, |_| ()) }
}
