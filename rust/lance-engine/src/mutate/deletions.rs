//! Fragments without some of their rows.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::scanner::RowAddrTreeMap;
use lance_core::ROW_ADDR;
use lance_table::format::Fragment;

use crate::error::{Error, Result, code};
use crate::fault;

/// What becomes of the fragments that have the rows.
#[derive(Default)]
pub struct Deletions {
    pub updated: Vec<Fragment>,
    /// Those of which no row is left.
    pub removed: Vec<u64>,
}

/// Note these rows, by their addresses, as deleted. Nothing is committed.
pub async fn without(dataset: &Dataset, addresses: &RowAddrTreeMap) -> Result<Deletions> {
    fault::point()?;
    let fragments = dataset.get_fragments().into_iter();
    let touched: Vec<_> = fragments
        .filter_map(|fragment| {
            let rows = addresses.get_fragment_bitmap(fragment.id() as u32)?;
            Some((fragment, rows.clone()))
        })
        .collect();
    let touched = touched.into_iter().map(|(fragment, rows)| async move {
        let id = fragment.id() as u64;
        let left = fragment.extend_deletions(rows).await?;
        Ok::<_, lance_core::Error>((id, left))
    });
    let parallelism = dataset.object_store(None).await?.io_parallelism();
    let touched: Vec<_> = stream::iter(touched)
        .buffered(parallelism)
        .try_collect()
        .await?;
    let mut deletions = Deletions::default();
    for (id, left) in touched {
        match left {
            Some(fragment) => deletions.updated.push(fragment.metadata().clone()),
            None => deletions.removed.push(id),
        }
    }
    Ok(deletions)
}

/// How many rows these are.
pub fn count(addresses: &RowAddrTreeMap) -> u64 {
    let fragments = addresses.iter().map(|(fragment, _)| *fragment);
    fragments
        .filter_map(|fragment| addresses.get_fragment_bitmap(fragment))
        .map(|rows| rows.len())
        .sum()
}

/// Add the addresses that a batch has.
pub fn collect(addresses: &mut RowAddrTreeMap, batch: &RecordBatch) -> Result<()> {
    let column = batch.column_by_name(ROW_ADDR);
    let Some(column) = column.and_then(|column| column.as_primitive_opt::<UInt64Type>()) else {
        return Err(Error::new(code::INTERNAL, "rows came without addresses"));
    };
    addresses.extend(column.values().iter());
    Ok(())
}
