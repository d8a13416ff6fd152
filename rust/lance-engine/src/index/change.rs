//! Changes of the indices of a dataset.

use lance::Dataset;
use lance::dataset::transaction::Operation;
use lance_table::format::IndexMetadata;

use crate::change::{self, Change};
use crate::error::{Error, Result, code};
use crate::read::Opened;

/// Let `work` make something of a copy of the version; see [Change::run].
pub async fn run<T, W>(opened: &Opened, work: impl FnOnce(Dataset) -> W) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let outcome = Change::new(opened)?.run(work).await;
    outcome.map_err(|error| as_failure(error, CANNOT_BE_BUILT))
}

/// Let `work` change a copy of the version; see [Change::run_to_version].
pub async fn run_to_version<W>(opened: &Opened, work: impl FnOnce(Dataset) -> W) -> Result<Opened>
where
    W: Future<Output = Result<Dataset>> + Send + 'static,
{
    let outcome = Change::new(opened)?.run_to_version(opened, work).await;
    outcome.map_err(|error| as_failure(error, CANNOT_BE_BUILT))
}

const CANNOT_BE_BUILT: &str = "the index cannot be built";

/// The engine is not told what is wrong with values before it reads them, and panics at some.
pub fn as_failure(error: Error, what: &str) -> Error {
    match error.code() {
        code::PANIC => error.with_code(code::INDEX).context(what),
        _ => error,
    }
}

/// Commit what was built, in place of what is given: the version that has it.
pub async fn commit(
    dataset: Dataset,
    new_indices: Vec<IndexMetadata>,
    removed_indices: Vec<IndexMetadata>,
) -> Result<Dataset> {
    let operation = Operation::CreateIndex {
        new_indices,
        removed_indices,
    };
    change::commit(dataset, operation).await
}
