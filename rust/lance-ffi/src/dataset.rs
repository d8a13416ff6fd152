//! Datasets: open, describe, count, take.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lance_engine::Result;
use lance_engine::read::{self, Opened, TakeBy};
use lance_engine::task::Task;

use crate::handle::Handle;

/// One open version.
pub type LanceDataset = Handle<Opened>;

pub use lance_engine::read::count_rows;
pub use lance_engine::read::dataset::{describe as info, latest_version, open};
pub use lance_engine::read::fragments::list as fragments;
pub use lance_engine::read::versions::list as versions;

pub fn schema(dataset: Arc<Opened>) -> Result<SchemaRef> {
    Ok(read::dataset::schema(&dataset))
}

pub fn take(
    dataset: Arc<Opened>,
    indices: Vec<u64>,
    columns: Option<Vec<String>>,
) -> Task<RecordBatch> {
    read::take(dataset, TakeBy::Position, indices, columns)
}

pub fn take_rows(
    dataset: Arc<Opened>,
    row_ids: Vec<u64>,
    columns: Option<Vec<String>>,
) -> Task<RecordBatch> {
    read::take(dataset, TakeBy::RowId, row_ids, columns)
}
