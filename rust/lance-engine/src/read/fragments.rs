//! The fragments of a dataset version.

use std::sync::Arc;

use super::data_bytes::data_bytes;
use super::opened::Opened;
use crate::settings::FragmentInfo;
use crate::task::Task;

/// Describe each of them.
pub fn list(opened: Arc<Opened>) -> Task<Vec<FragmentInfo>> {
    Box::pin(async move {
        let mut infos = Vec::new();
        for fragment in opened.dataset.get_fragments() {
            let metadata = fragment.metadata();
            infos.push(FragmentInfo {
                id: metadata.id,
                rows: fragment.count_rows(None).await? as u64,
                deleted_rows: fragment.count_deletions().await? as u64,
                data_files: metadata.files.len() as u64,
                data_bytes: data_bytes(metadata),
            });
        }
        Ok(infos)
    })
}
