//! Operations that a caller describes.

use std::sync::Arc;

use lance::dataset::transaction::Transaction;

use crate::error::{Error, code};
use crate::panics::contained;
use crate::read::Opened;
use crate::task::Task;
use crate::write::transaction::{
    Pending, Staged, UncommittedWrite, read_operation, write_document,
};
use crate::write::written_files::WrittenFiles;

/// A transaction that does to this version what the JSON says, in the form that a transaction's own has. Its files are
/// the caller's: others may know them.
pub fn stage(opened: Arc<Opened>, operation: String) -> Task<Pending> {
    Box::pin(async move {
        let operation = read_operation(&operation)?;
        let written = Arc::new(WrittenFiles::default());
        let dataset = opened
            .plain
            .with_object_store_wrappers([written.clone() as _]);
        let staged = Staged {
            transaction: Transaction::new(dataset.manifest().version, operation, None),
            affected_rows: None,
        };
        let mut write = UncommittedWrite::staged(&opened, Arc::new(dataset), staged, written)?;
        write.is_shared = true;
        Ok(Pending::new(write))
    })
}

/// The transaction that made a version, in its JSON form.
pub fn read_transaction(opened: Arc<Opened>, version: u64) -> Task<String> {
    Box::pin(async move {
        let dataset = &opened.dataset;
        let reading = async { Ok(dataset.read_transaction_by_version(version).await?) };
        let found = match contained(reading).await {
            Err(error) if [code::DATASET_NOT_FOUND, code::NOT_FOUND].contains(&error.code()) => {
                None
            }
            found => found?,
        };
        let transaction = found.ok_or_else(|| {
            Error::new(
                code::NOT_FOUND,
                format!("there is no transaction of a version {version}"),
            )
        })?;
        let written = Arc::new(WrittenFiles::none());
        let staged = Staged {
            transaction,
            affected_rows: None,
        };
        let mut write = UncommittedWrite::staged(&opened, dataset.clone(), staged, written)?;
        // That version is none that it was made of.
        write.origin = None;
        write_document(&write)
    })
}
