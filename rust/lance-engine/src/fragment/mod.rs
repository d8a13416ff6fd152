//! What is done to one fragment, and left to a transaction: workers that each have fragments of their own change one
//! version together.

mod columns;
mod delete;
mod reader;
mod register;
mod stage;

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::fragment::FileFragment;
use lance::dataset::transaction::{Operation, Transaction};

pub use columns::{
    add as add_columns, merge as merge_columns, update as update_columns, write as write_columns,
};
pub use delete::{delete, delete_offsets};
pub use register::{describe_data_file, register_file};
pub use stage::{read_transaction, stage};

use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::read::{Opened, no_such_fragment};
use crate::write::transaction::{Pending, Staged};

/// The fragment of this number, with the store of `dataset`.
fn fragment(dataset: &Dataset, id: u64) -> Result<FileFragment> {
    let found = usize::try_from(id).ok();
    let found = found.and_then(|id| dataset.get_fragment(id));
    found.ok_or_else(|| no_such_fragment(dataset, id))
}

/// Let `work` change a fragment: a transaction of that.
async fn change<W>(
    opened: Arc<Opened>,
    id: u64,
    work: impl FnOnce(FileFragment) -> W + Send + 'static,
) -> Result<Pending>
where
    W: Future<Output = Result<Staged>> + Send + 'static,
{
    fragment(&opened.dataset, id)?;
    let staging = move |dataset: Dataset| async move {
        let changed = fragment(&dataset, id)?;
        Ok((work(changed).await?, ()))
    };
    let (pending, ()) = Change::new(&opened)?.run_staged(&opened, staging).await?;
    Ok(pending)
}

/// An operation on the version that `fragment` is of.
fn staged(fragment: &FileFragment, operation: Operation) -> Staged {
    Staged {
        transaction: Transaction::new(fragment.dataset().manifest().version, operation, None),
        affected_rows: None,
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(code::INTERNAL, format!("cannot write JSON: {error}")))
}
