//! Fragments as values, and what is done to one of them.

use std::sync::Arc;

use arrow::ffi_stream::FFI_ArrowArrayStream;
use lance_engine::read::Opened;
use lance_engine::settings::{FieldInfo, FragmentMetadata};
use lance_engine::write::transaction::Pending;
use lance_engine::{Result, fragment, read};

use crate::incoming::pull;

pub use lance_engine::fragment::{
    add_columns as add_fragment_columns, delete as delete_in_fragment, delete_offsets,
    describe_data_file, read_transaction, register_file, stage,
};
pub use lance_engine::read::fragments::take_in as take_in_fragment;
pub use lance_engine::write::transaction::commit_to as commit;

pub fn fields(dataset: Arc<Opened>) -> Result<Vec<FieldInfo>> {
    Ok(read::fragments::fields(&dataset))
}

pub fn fragment_metadata(
    dataset: Arc<Opened>,
    ids: Option<Vec<u64>>,
) -> Result<Vec<FragmentMetadata>> {
    read::fragments::metadata(&dataset, ids)
}

pub async fn write_fragment_columns(
    dataset: Arc<Opened>,
    id: u64,
    stream: FFI_ArrowArrayStream,
) -> Result<Pending> {
    fragment::write_columns(dataset, id, pull(stream).await?).await
}

pub async fn merge_fragment_columns(
    dataset: Arc<Opened>,
    id: u64,
    stream: FFI_ArrowArrayStream,
    left_on: String,
    right_on: String,
) -> Result<Pending> {
    fragment::merge_columns(dataset, id, pull(stream).await?, left_on, right_on).await
}

pub async fn update_fragment_columns(
    dataset: Arc<Opened>,
    id: u64,
    stream: FFI_ArrowArrayStream,
    left_on: String,
    right_on: String,
) -> Result<Pending> {
    fragment::update_columns(dataset, id, pull(stream).await?, left_on, right_on).await
}
