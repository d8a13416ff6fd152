//! Changes of the indices of a dataset, which leave no file when they come to nothing.

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::transaction::{Operation, Transaction};
use lance_table::format::IndexMetadata;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::error::{Error, Result, code};
use crate::fault;
use crate::read::Opened;
use crate::write::written_files::{Landing, WrittenFiles};

/// A change under way, on a copy of the version. Its files stay when it ends well, and when a version may have them;
/// otherwise they are gone when it has ended, or is dropped.
pub struct Change {
    pub dataset: Dataset,
    /// None: they stay.
    written: Option<Arc<WrittenFiles>>,
    runtime: Handle,
}

impl Change {
    pub fn new(opened: &Opened) -> Result<Self> {
        fault::point()?;
        let written = Arc::new(WrittenFiles::default());
        Ok(Self {
            dataset: opened
                .plain
                .with_object_store_wrappers([written.clone() as _]),
            written: Some(written),
            runtime: Handle::current(),
        })
    }

    /// Keep what was made, or delete the files, unless a version may have them.
    pub async fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        let written = self.written.take();
        let (Err(error), Some(written)) = (&outcome, written) else {
            return outcome;
        };
        let error = error.clone();
        if written.landing() != Landing::None {
            return Err(error
                .with_code(code::COMMIT_STATUS_UNKNOWN)
                .context("the outcome of the commit is unknown, the files of the index stay"));
        }
        tell(remove(&self.dataset, &written).await);
        Err(as_failure(error))
    }

    /// End, and open the version that was made, reached as the one before it.
    pub async fn end_at_version(self, opened: &Opened, outcome: Result<()>) -> Result<Opened> {
        let version = self.dataset.manifest().version;
        self.end(outcome).await?;
        let dataset = opened
            .plain
            .checkout_version(version)
            .await
            .map_err(|error| {
                Error::from(error).context(&format!(
                    "version {version} was made, but it cannot be opened"
                ))
            })?;
        Ok(Opened::new(dataset))
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        let Some(written) = self.written.take() else {
            return;
        };
        if written.landing() != Landing::None {
            return;
        }
        // Whoever has cancelled the work is told that it has ended when the files are gone.
        let removal = || self.runtime.block_on(remove(&self.dataset, &written));
        tell(match Handle::try_current() {
            Ok(_) => block_in_place(removal),
            Err(_) => removal(),
        });
    }
}

fn tell(removed: Result<()>) {
    if let Err(failure) = removed {
        tracing::warn!(target: "lance_cpp::index", "files of an index that was given up stay: {failure}");
    }
}

async fn remove(dataset: &Dataset, written: &WrittenFiles) -> Result<()> {
    let store = dataset.object_store(None).await?;
    written.give_up(&store).await
}

/// The engine is not told what is wrong with values before it reads them, and panics at some.
fn as_failure(error: Error) -> Error {
    match error.code() {
        code::PANIC => error
            .with_code(code::INDEX)
            .context("the index cannot be built"),
        _ => error,
    }
}

/// Commit what was built, in place of what is given.
pub async fn commit(
    dataset: &mut Dataset,
    new_indices: Vec<IndexMetadata>,
    removed_indices: Vec<IndexMetadata>,
) -> Result<()> {
    let operation = Operation::CreateIndex {
        new_indices,
        removed_indices,
    };
    let transaction = Transaction::new(dataset.manifest().version, operation, None);
    let commit = CommitBuilder::new(Arc::new(dataset.clone()))
        // The engine's own removes what a branch lives on, if its place was typed otherwise.
        .with_skip_auto_cleanup(true);
    *dataset = commit.execute(transaction).await?;
    Ok(())
}
