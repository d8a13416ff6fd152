//! A dataset version that is open.

use std::sync::Arc;

use lance::Dataset;
use lance_io::object_store::WrappingObjectStore;
use lance_io::utils::tracking_store::IOTracker;

use super::row_widths::RowWidths;
use crate::last_use::LastUse;
use crate::open::Access;

/// A version, and what was learnt of it. Neither ever changes what it tells.
pub struct Opened {
    pub dataset: Arc<Dataset>,
    /// The same, without the counts of this one: other versions are made of it.
    pub plain: Dataset,
    /// The way there.
    pub access: Access,
    pub widths: RowWidths,
    /// What it was asked for. Others have counts of their own, although they share the connections.
    pub requests: IOTracker,
    /// Behind what uses stores.
    _last_use: LastUse,
}

impl Opened {
    /// Another version of the same dataset, reached as this one.
    pub fn at(&self, dataset: Dataset) -> Self {
        Self::reached(dataset, self.access.clone())
    }

    pub fn reached(dataset: Dataset, access: Access) -> Self {
        let requests = IOTracker::default();
        let counted: Arc<dyn WrappingObjectStore> = Arc::new(requests.clone());
        Self {
            dataset: Arc::new(dataset.with_object_store_wrappers([counted])),
            plain: dataset,
            access,
            widths: RowWidths::default(),
            requests,
            _last_use: LastUse,
        }
    }
}
