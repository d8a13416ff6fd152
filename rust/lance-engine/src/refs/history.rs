//! What made the versions.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::VersionTransaction;

use super::tags::sorted;
use crate::error::{Result, code};
use crate::panics::contained;
use crate::read::{Opened, made_at};
use crate::settings::TransactionInfo;
use crate::task::Task;
use crate::write::transaction::MESSAGE;

const MANIFESTS_AT_ONCE: usize = 8;

/// The transactions that made the versions of this branch up to this one, the newest first, and so many at most.
pub fn transactions(opened: Arc<Opened>, limit: Option<u64>) -> Task<Vec<TransactionInfo>> {
    Box::pin(async move {
        let dataset = &opened.dataset;
        let newest = dataset.manifest().version;
        let versions = dataset
            .version_refs()
            .await?
            .into_iter()
            .map(|it| it.version);
        let mut versions: Vec<_> = versions.filter(|version| *version <= newest).collect();
        versions.reverse();
        let limit = limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        versions.truncate(limit);
        let read = stream::iter(versions)
            .map(|version| look(dataset, version))
            .buffered(MANIFESTS_AT_ONCE);
        let infos: Vec<Option<TransactionInfo>> = read.try_collect().await?;
        Ok(infos.into_iter().flatten().collect())
    })
}

/// None: the version is gone.
async fn look(dataset: &Dataset, version: u64) -> Result<Option<TransactionInfo>> {
    let read = contained(async { Ok(dataset.read_version_transaction(version).await?) });
    let error = match read.await {
        Ok(made) => return Ok(Some(info(made))),
        Err(error) => error,
    };
    if ![code::NOT_FOUND, code::DATASET_NOT_FOUND].contains(&error.code()) {
        return Err(error.context(&format!("version {version}")));
    }
    // Perhaps only the file of its transaction is gone.
    let made = made_at(dataset, version).await?;
    Ok(made.map(|made| {
        info(VersionTransaction {
            version,
            timestamp: made.into(),
            transaction: None,
        })
    }))
}

fn info(made: VersionTransaction) -> TransactionInfo {
    let transaction = made.transaction;
    let operation = transaction
        .as_ref()
        .map(|it| it.operation.name().to_string());
    let properties = transaction
        .as_ref()
        .and_then(|it| it.transaction_properties.clone());
    let properties = properties.as_deref().cloned().unwrap_or_default();
    TransactionInfo {
        version: made.version,
        timestamp_micros: made.timestamp.timestamp_micros(),
        operation: operation.unwrap_or_default(),
        uuid: transaction
            .as_ref()
            .map_or_else(String::new, |it| it.uuid.clone()),
        read_version: transaction.map(|it| it.read_version),
        message: properties.get(MESSAGE).cloned().unwrap_or_default(),
        properties: sorted(properties),
    }
}
