//! What a scan looks for.

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::settings::VectorQuerySettings;
use lance_engine::{Result, TextQuery, VectorQuery};

use crate::arrow::import_array;
use crate::handle::Handle;

/// A search for the nearest vectors.
pub type LanceVectorQuery = Handle<VectorQuery>;
/// A search for words.
pub type LanceTextQuery = Handle<TextQuery>;

pub fn query_new(
    column: String,
    vectors: FFI_ArrowArray,
    vector_type: FFI_ArrowSchema,
    settings: VectorQuerySettings,
) -> Result<VectorQuery> {
    let vectors = import_array(vectors, &vector_type)?;
    VectorQuery::new(column, &vectors, settings)
}

pub fn query_from_json(json: String) -> Result<TextQuery> {
    TextQuery::from_json(&json)
}
