//! Schemas and batches that become the caller's.

use arrow::array::{Array, RecordBatch, StructArray};
use arrow::datatypes::Schema;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::error::code;
use lance_engine::{Error, Result};

pub fn export_schema(schema: &Schema) -> Result<FFI_ArrowSchema> {
    FFI_ArrowSchema::try_from(schema).map_err(|error| Error::new(code::ARROW, error.to_string()))
}

/// A batch as a struct array.
pub fn export_array(batch: RecordBatch) -> FFI_ArrowArray {
    FFI_ArrowArray::new(&StructArray::from(batch).into_data())
}

/// Both structs, or neither.
pub fn export_batch(batch: RecordBatch) -> Result<(FFI_ArrowArray, FFI_ArrowSchema)> {
    let schema = export_schema(batch.schema().as_ref())?;
    Ok((export_array(batch), schema))
}
