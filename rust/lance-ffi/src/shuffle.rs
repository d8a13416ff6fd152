//! Rows in a random order, for training.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use lance_engine::Result;
use lance_engine::read::Shuffler;
use lance_engine::settings::ShuffleInfo;
use lance_engine::task::Task;

use crate::batches::{self, Polled};
use crate::handle::Handle;
use crate::out::Batches;

/// What is read in each epoch.
pub type LanceShuffler = Handle<Shuffler>;

pub use lance_engine::read::shuffle::{open, resume};

pub fn schema(shuffler: Arc<Shuffler>) -> Result<SchemaRef> {
    Ok(shuffler.schema().clone())
}

pub fn info(shuffler: Arc<Shuffler>) -> Result<ShuffleInfo> {
    Ok(shuffler.info())
}

pub fn to_stream(shuffler: Arc<Shuffler>, epoch: u64, rows_done: u64) -> Task<Batches> {
    shuffler.read(epoch, rows_done)
}

pub async fn to_batches(shuffler: Arc<Shuffler>, epoch: u64, rows_done: u64) -> Result<Polled> {
    batches::start(shuffler.read(epoch, rows_done).await?)
}

pub fn state(shuffler: Arc<Shuffler>, epoch: u64, rows_done: u64) -> Result<String> {
    shuffler.state(epoch, rows_done)
}
