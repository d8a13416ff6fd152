//! Operations that a caller describes.

use std::sync::Arc;

use lance::dataset::transaction::Transaction;

use crate::read::Opened;
use crate::task::Task;
use crate::write::transaction::{Pending, Staged, UncommittedWrite, read_operation};
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
