//! What was read of a dataset.

use std::sync::Arc;

use super::opened::Opened;
use crate::settings::DatasetStatistics;
use crate::task::Task;
use crate::telemetry::metrics::of_session;

/// Its requests so far, and the hits and misses in the caches of its session.
pub fn of_dataset(opened: Arc<Opened>) -> Task<DatasetStatistics> {
    Box::pin(async move {
        let requests = opened.requests.stats();
        let caches = of_session(&opened.dataset.session()).await;
        Ok(DatasetStatistics {
            reads: requests.read_iops,
            bytes_read: requests.read_bytes,
            index_cache_hits: caches.index_cache_hits,
            index_cache_misses: caches.index_cache_misses,
            metadata_cache_hits: caches.metadata_cache_hits,
            metadata_cache_misses: caches.metadata_cache_misses,
        })
    })
}
