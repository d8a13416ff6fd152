//! The history of a dataset.

use std::sync::Arc;

use super::opened::Opened;
use crate::settings::VersionInfo;
use crate::task::Task;

/// The versions that are there, the oldest first.
pub fn list(opened: Arc<Opened>) -> Task<Vec<VersionInfo>> {
    Box::pin(async move {
        let versions = opened.dataset.versions().await?;
        Ok(versions
            .into_iter()
            .map(|version| VersionInfo {
                version: version.version,
                timestamp_micros: version.timestamp.timestamp_micros(),
                metadata: version.metadata.into_iter().collect(),
            })
            .collect())
    })
}
