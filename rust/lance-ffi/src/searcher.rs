//! Searches that are prepared.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::Result;
use lance_engine::prepared::Searcher;
use lance_engine::task::Task;

use crate::arrow::import_array;
use crate::handle::Handle;

/// A search that is prepared.
pub type LanceSearcher = Handle<Searcher>;

pub use lance_engine::prepared::open;

pub fn is_prepared(searcher: Arc<Searcher>) -> Result<bool> {
    Ok(searcher.is_prepared())
}

pub fn run(
    searcher: Arc<Searcher>,
    vectors: FFI_ArrowArray,
    vector_type: FFI_ArrowSchema,
) -> Task<RecordBatch> {
    match import_array(vectors, &vector_type) {
        Ok(vectors) => searcher.run(vectors),
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}
