//! Work that is split over the cores.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::{AbortHandle, abortable, join_all};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, block_in_place, spawn_blocking};

use crate::error::{Error, Result, code};
use crate::operation::cancelled;

/// How many tasks keep all cores busy.
pub fn cores() -> usize {
    Handle::current().metrics().num_workers()
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = std::result::Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Run it beside the caller, which need not poll for it to go on. It ends when this is dropped.
pub async fn beside<T: Send + 'static>(
    part: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    joined(AbortOnDrop(Handle::current().spawn(part)).await)
}

/// Ends a future when it is dropped.
pub struct EndOnDrop(pub AbortHandle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Run what computes for long without a pause, on a thread that nothing else needs. It goes on when nobody waits for it, and
/// ends at its next pause when it is aborted.
pub fn aside<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> (AbortHandle, impl Future<Output = Result<T>>) {
    let (work, abort) = abortable(work);
    let runtime = Handle::current();
    let work = spawn_blocking(move || runtime.block_on(work));
    let outcome = async move {
        let outcome = work.await;
        joined(outcome.map(|outcome| outcome.unwrap_or_else(|_| Err(cancelled()))))
    };
    (abort, outcome)
}

/// Run what must not be left undone to its end, from wherever something is dropped.
pub fn to_its_end<T>(runtime: &Handle, work: impl Future<Output = T>) -> T {
    let run = || runtime.block_on(work);
    match Handle::try_current() {
        Ok(_) => block_in_place(run),
        Err(_) => run(),
    }
}

/// A task that is waited for when it is dropped, as what it yields is dropped then.
struct Unbroken<T> {
    /// Until it has ended.
    task: Option<JoinHandle<T>>,
    runtime: Handle,
}

impl<T> Future for Unbroken<T> {
    type Output = std::result::Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = &mut self.task else {
            return Poll::Pending;
        };
        let outcome = Pin::new(task).poll(context);
        if outcome.is_ready() {
            self.task = None;
        }
        outcome
    }
}

impl<T> Drop for Unbroken<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            drop(to_its_end(&self.runtime, task));
        }
    }
}

/// Run what takes something that has to be given back, which what it yields does when it is dropped. It goes to its end in
/// any case: a store that writes on another thread does, too. When this is dropped, it has ended, and all is given back.
pub async fn unbroken<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let runtime = Handle::current();
    let task = Some(runtime.spawn(work));
    joined(Unbroken { task, runtime }.await)
}

/// Run the parts side by side; what they yield, in their order. A panic in one goes on here. All of them end when this is
/// dropped.
pub async fn run_all<T: Send + 'static>(
    parts: impl Iterator<Item: Future<Output = Result<T>> + Send + 'static>,
) -> Result<Vec<T>> {
    let runtime = Handle::current();
    let tasks = join_all(parts.map(|part| AbortOnDrop(runtime.spawn(part))));
    tasks.await.into_iter().map(joined).collect()
}

fn joined<T>(outcome: std::result::Result<Result<T>, JoinError>) -> Result<T> {
    outcome.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => Err(Error::new(code::INTERNAL, error.to_string())),
    })
}
