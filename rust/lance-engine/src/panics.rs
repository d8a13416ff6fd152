//! The engine's panics as errors.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use contain::Panic;
use futures::FutureExt;

use crate::error::{Error, Result};

/// Turn a panic's payload into an error, with the place it came from. Call it on the panicking thread.
pub fn panic_error(payload: Box<dyn Any + Send>) -> Error {
    Panic::of(payload).into()
}

/// Run `body`; contain its panic.
pub fn contain<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    ::contain::contain(body).unwrap_or_else(|panic| Err(panic.into()))
}

/// Run `task`; contain its panic, so that one damaged file does not end the work on the others.
pub async fn contained<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(task)
        .catch_unwind()
        .await
        .unwrap_or_else(|payload| Err(panic_error(payload)))
}
