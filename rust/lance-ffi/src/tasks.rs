//! Work that is split over the cores.

use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::task::JoinError;

use crate::error::{LanceError, Result, code};

/// How many tasks keep all cores busy.
pub fn cores() -> usize {
    Handle::current().metrics().num_workers()
}

/// Run the parts side by side; what they yield, in their order. A panic in one goes on here.
pub async fn run_all<T: Send + 'static>(
    parts: impl Iterator<Item: Future<Output = Result<T>> + Send + 'static>,
) -> Result<Vec<T>> {
    let runtime = Handle::current();
    let tasks = join_all(parts.map(|part| runtime.spawn(part)));
    tasks.await.into_iter().map(joined).collect()
}

fn joined<T>(outcome: std::result::Result<Result<T>, JoinError>) -> Result<T> {
    outcome.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => Err(LanceError::new(code::INTERNAL, error.to_string())),
    })
}
