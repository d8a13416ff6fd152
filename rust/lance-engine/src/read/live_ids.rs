//! Row ids that an index may still have, and no row has any more.

use std::sync::Arc;

use futures::future::OptionFuture;
use lance::Dataset;
use lance::dataset::scanner::RowAddrMask;
use lance::index::prefilter::DatasetPreFilter;

use crate::error::Result;

/// The ids of all rows, where others were given. With stable row ids a compaction takes rows away and leaves indices as they
/// are; the engine knows deleted rows by the files of deletions alone, and would find fewer rows than it is asked for.
pub async fn live_ids(dataset: &Dataset) -> Result<Option<Arc<RowAddrMask>>> {
    let manifest = dataset.manifest();
    if !manifest.uses_stable_row_ids() {
        return Ok(None);
    }
    let rows = dataset.fragments().iter().map(|it| it.num_rows());
    let live = rows.sum::<Option<usize>>();
    if live.is_some_and(|live| live as u64 == manifest.next_row_id) {
        return Ok(None);
    }
    // A fragment that is not there makes the engine list the rows of all others.
    let none = std::iter::once(u32::MAX).collect();
    let listed = DatasetPreFilter::create_deletion_mask(Arc::new(dataset.clone()), none);
    Ok(OptionFuture::from(listed).await.transpose()?)
}
