//! What a scan has read, for the caller.

use std::sync::Arc;

use lance_datafusion::exec::{ExecutionStatsCallback, ExecutionSummaryCounts};
use lance_datafusion::utils::{
    FRAGMENTS_SCANNED_METRIC, RANGES_SCANNED_METRIC, ROWS_SCANNED_METRIC,
};

use crate::settings::{Callback, ScanStatistics};
use crate::sync::{Mutex, lock};

/// What the engine tells when a plan has run to its end, kept until the caller has read that far.
#[derive(Clone)]
pub struct Statistics {
    callback: Callback<ScanStatistics>,
    counts: Arc<Mutex<ScanStatistics>>,
}

impl Statistics {
    pub fn new(callback: Callback<ScanStatistics>) -> Self {
        Self {
            callback,
            counts: Arc::default(),
        }
    }

    /// For the engine to tell.
    pub fn engines(&self) -> ExecutionStatsCallback {
        let counts = self.counts.clone();
        Arc::new(move |told| *lock(&counts) = of(told))
    }

    /// Tell the caller.
    pub fn tell(&self) {
        let counts = lock(&self.counts).clone();
        self.callback.call(&counts);
    }
}

fn of(counts: &ExecutionSummaryCounts) -> ScanStatistics {
    let count = |name| counts.all_counts.get(name).copied().unwrap_or(0) as u64;
    ScanStatistics {
        read_operations: counts.iops as u64,
        requests: counts.requests as u64,
        bytes_read: counts.bytes_read as u64,
        indices_loaded: counts.indices_loaded as u64,
        index_parts_loaded: counts.parts_loaded as u64,
        index_comparisons: counts.index_comparisons as u64,
        fragments_scanned: count(FRAGMENTS_SCANNED_METRIC),
        ranges_scanned: count(RANGES_SCANNED_METRIC),
        rows_scanned: count(ROWS_SCANNED_METRIC),
    }
}
