//! The rows of a file as one batch, for columns of which the engine can take neither several batches nor a slice.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use lance_file::version::ConcreteFileVersion;

use super::booleans;
use super::dictionaries::Dictionaries;
use super::nested::contains;
use crate::error::Result;

/// Whether some column is of that kind.
pub fn must_be_whole(schema: &Schema) -> bool {
    let is_dictionary = |data_type: &DataType| matches!(data_type, DataType::Dictionary(..));
    let mut types = schema.fields().iter().map(|field| field.data_type());
    types.any(|it| contains(it, is_dictionary) || booleans::is_concerned(it))
}

/// Batches as one.
pub fn whole(
    schema: &SchemaRef,
    version: ConcreteFileVersion,
    batches: Vec<RecordBatch>,
) -> Result<RecordBatch> {
    if batches.is_empty() {
        return Ok(RecordBatch::new_empty(schema.clone()));
    }
    let joined = Dictionaries::new(schema.clone(), version, None).join(batches)?;
    booleans::align(&joined.batch)
}
