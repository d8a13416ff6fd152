//! A version that is equal to an earlier one.

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::transaction::{Operation, Transaction};

use super::version;
use crate::change::Change;
use crate::error::Result;
use crate::read::Opened;
use crate::settings::RestoreSettings;
use crate::task::Task;

/// Commit a version equal to the one that is open, on its branch.
pub fn restore(opened: Arc<Opened>, settings: RestoreSettings) -> Task<Opened> {
    Box::pin(async move {
        version::require(&opened).await?;
        Change::new(&opened)?
            .run_to_version(&opened, |dataset| commit(dataset, settings))
            .await
    })
}

async fn commit(dataset: Dataset, settings: RestoreSettings) -> Result<Dataset> {
    let operation = Operation::Restore {
        version: dataset.manifest().version,
    };
    let latest = dataset.latest_version_id().await?;
    let mut transaction = Transaction::new(latest, operation, None);
    if !settings.transaction_properties.is_empty() {
        transaction.transaction_properties = Some(Arc::new(settings.transaction_properties));
    }
    let commit = CommitBuilder::new(Arc::new(dataset))
        // The engine's own removes what a branch lives on, if its place was typed otherwise.
        .with_skip_auto_cleanup(true);
    Ok(commit.execute(transaction).await?)
}
