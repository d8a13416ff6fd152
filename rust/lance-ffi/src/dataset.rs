//! Datasets: open, describe, count, take, hand over.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lance_engine::Result;
use lance_engine::read::{self, Opened, TakeBy};
use lance_engine::settings::TakeSettings;
use lance_engine::task::Task;

use crate::handle::Handle;

/// One open version.
pub type LanceDataset = Handle<Opened>;

pub use lance_engine::read::count_rows;
pub use lance_engine::read::dataset::{describe as info, latest, latest_version, open, statistics};
pub use lance_engine::read::fragments::list as fragments;
pub use lance_engine::read::handover::deserialize;
pub use lance_engine::read::versions::list as versions;
pub use lance_engine::read::{sample, take_ranges};

pub fn schema(dataset: Arc<Opened>) -> Result<SchemaRef> {
    Ok(read::dataset::schema(&dataset))
}

pub fn uri(dataset: Arc<Opened>) -> Result<String> {
    Ok(read::dataset::uri(&dataset))
}

/// What the forms without options ask for.
fn named(columns: Option<Vec<String>>) -> TakeSettings {
    TakeSettings {
        columns,
        ..TakeSettings::default()
    }
}

pub fn take(
    dataset: Arc<Opened>,
    indices: Vec<u64>,
    columns: Option<Vec<String>>,
) -> Task<RecordBatch> {
    take_positions(dataset, indices, named(columns))
}

pub fn take_rows(
    dataset: Arc<Opened>,
    row_ids: Vec<u64>,
    columns: Option<Vec<String>>,
) -> Task<RecordBatch> {
    take_row_ids(dataset, row_ids, named(columns))
}

pub fn take_positions(
    dataset: Arc<Opened>,
    positions: Vec<u64>,
    options: TakeSettings,
) -> Task<RecordBatch> {
    read::take(dataset, TakeBy::Position, positions, options)
}

pub fn take_row_ids(
    dataset: Arc<Opened>,
    row_ids: Vec<u64>,
    options: TakeSettings,
) -> Task<RecordBatch> {
    read::take(dataset, TakeBy::RowId, row_ids, options)
}

pub fn take_addresses(
    dataset: Arc<Opened>,
    addresses: Vec<u64>,
    options: TakeSettings,
) -> Task<RecordBatch> {
    read::take(dataset, TakeBy::Address, addresses, options)
}

pub fn serialize(dataset: Arc<Opened>) -> Result<Vec<u8>> {
    read::handover::serialize(&dataset)
}
