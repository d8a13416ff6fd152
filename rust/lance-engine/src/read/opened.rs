//! A dataset version that is open.

use std::sync::Arc;

use lance::Dataset;
use lance_io::object_store::WrappingObjectStore;
use lance_io::utils::tracking_store::IOTracker;

use super::row_widths::RowWidths;
use crate::last_use::LastUse;

/// A version, and what was learnt of it. Neither ever changes what it tells.
pub struct Opened {
    pub dataset: Arc<Dataset>,
    /// The same, without the counts of this one: other versions are made of it.
    pub plain: Dataset,
    pub widths: RowWidths,
    /// What it was asked for. Others have counts of their own, although they share the connections.
    pub requests: IOTracker,
    /// Behind what uses stores.
    _last_use: LastUse,
}

impl Opened {
    pub fn new(dataset: Dataset) -> Self {
        let requests = IOTracker::default();
        let counted: Arc<dyn WrappingObjectStore> = Arc::new(requests.clone());
        Self {
            dataset: Arc::new(dataset.with_object_store_wrappers([counted])),
            plain: dataset,
            widths: RowWidths::default(),
            requests,
            _last_use: LastUse,
        }
    }
}
