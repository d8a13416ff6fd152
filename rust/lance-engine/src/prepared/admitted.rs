//! Which rows of an index may be found: those that are not deleted, pass the filter, and belong to the segment.

use std::sync::Arc;

use async_trait::async_trait;
use lance::dataset::scanner::{RowAddrMask, RowAddrTreeMap};
use lance_core::Result;
use lance_index::prefilter::{NoFilter, PreFilter};

/// Known before any query. The engine asks as it asks its own, so that it searches in the same way.
struct Admitted {
    mask: Arc<RowAddrMask>,
    /// Rows of other segments are all that is left out.
    owned_alone: Option<Arc<RowAddrMask>>,
}

/// What is left out of all segments, and what one of them owns.
pub fn admitted(
    common: Option<&RowAddrMask>,
    owned: Option<&Arc<RowAddrMask>>,
) -> Arc<dyn PreFilter> {
    match (common, owned) {
        (None, None) => Arc::new(NoFilter),
        (None, Some(owned)) => Arc::new(Admitted {
            mask: owned.clone(),
            owned_alone: Some(owned.clone()),
        }),
        (Some(common), owned) => {
            let mut mask = common.clone();
            if let Some(owned) = owned {
                mask = mask & owned.as_ref().clone();
            }
            Arc::new(Admitted {
                mask: mask.into(),
                owned_alone: None,
            })
        }
    }
}

#[async_trait]
impl PreFilter for Admitted {
    async fn wait_for_ready(&self) -> Result<()> {
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }

    fn needs_partition_row_ids(&self) -> bool {
        self.owned_alone.is_some()
    }

    fn is_empty_for(&self, rows: &RowAddrTreeMap) -> bool {
        let owned = self.owned_alone.as_ref();
        owned.is_some_and(|owned| owned.selects_all(rows))
    }

    fn mask(&self) -> Arc<RowAddrMask> {
        self.mask.clone()
    }

    fn filter_row_ids<'a>(&self, row_ids: Box<dyn Iterator<Item = &'a u64> + 'a>) -> Vec<u64> {
        self.mask.selected_indices(row_ids)
    }
}
