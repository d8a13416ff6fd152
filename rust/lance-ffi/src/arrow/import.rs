//! Schemas and batches that the caller hands over.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, StructArray, make_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use lance_engine::error::code;
use lance_engine::write::Live;
use lance_engine::{Error, Result, fault};

use super::tracked::track;
use super::{item_names, preflight, values};

/// Read a schema. `schema` stays the caller's to drop.
pub fn import_schema(schema: &FFI_ArrowSchema) -> Result<Schema> {
    fault::point()?;
    // SAFETY: the C caller vouches for the pointers inside.
    unsafe { preflight::check_schema(schema) }?;
    let schema = Schema::try_from(schema).map_err(unreadable_schema)?;
    preflight::check_types(schema.fields())?;
    let fields = item_names::with_item_names(schema.fields());
    Ok(Schema::new_with_metadata(fields, schema.metadata))
}

fn unreadable_schema(error: ArrowError) -> Error {
    Error::invalid_argument(format!("cannot read the Arrow schema: {error}"))
}

/// Take ownership of one record batch without copying it; `live` counts it until it is released.
pub fn import_ffi_batch(
    array: FFI_ArrowArray,
    schema: &SchemaRef,
    live: &Arc<Live>,
) -> Result<RecordBatch> {
    let data_type = DataType::Struct(schema.fields().clone());
    let rows = array.len();
    let no_nulls = "the top-level struct of a record batch must not contain nulls";
    let data = import_data(array, data_type, live, no_nulls)?;
    let (_, columns, _) = StructArray::from(data).into_parts();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| Error::new(code::SCHEMA_MISMATCH, error.to_string()))
}

/// Take ownership of one array, without NULLs but inside it. `schema` stays the caller's to drop.
pub fn import_array(array: FFI_ArrowArray, schema: &FFI_ArrowSchema) -> Result<ArrayRef> {
    // SAFETY: the C caller vouches for the pointers inside.
    unsafe { preflight::check_schema(schema) }?;
    let field = Field::try_from(schema).map_err(unreadable_schema)?;
    let data_type = field.data_type().clone();
    preflight::check_types(&vec![field].into())?;
    let no_nulls = "the array must not contain nulls";
    let data = import_data(array, data_type, &Arc::default(), no_nulls)?;
    Ok(make_array(data))
}

fn import_data(
    array: FFI_ArrowArray,
    data_type: DataType,
    live: &Arc<Live>,
    no_nulls: &str,
) -> Result<ArrayData> {
    fault::point()?;
    // SAFETY: the C caller vouches for the pointers inside.
    unsafe { preflight::check_array(&array, &data_type) }?;
    let array = track(array, live);
    let unreadable =
        |error| Error::invalid_argument(format!("cannot read the Arrow array: {error}"));
    // SAFETY: the counts were checked above; what the buffers hold is the caller's promise.
    let mut data = unsafe { from_ffi_and_data_type(array, data_type) }.map_err(unreadable)?;
    data.align_buffers();
    if any_node(&data, ArrayData::is_empty) {
        data = rewrite(data, plain_empty_slice);
    }
    if data.null_count() > 0 {
        return Err(Error::invalid_argument(no_nulls));
    }
    let has_garbage = values::check(&data)?;
    if any_node(&data, |node| rows_to_slice(node).is_some()) {
        data = rewrite(data, plain_slice);
    }
    match has_garbage {
        true => values::without_garbage(data).map_err(unreadable),
        false => Ok(data),
    }
}

fn any_node(data: &ArrayData, test: fn(&ArrayData) -> bool) -> bool {
    test(data) || data.child_data().iter().any(|child| any_node(child, test))
}

/// Rewrite the nodes of an array without copying values, children first.
fn rewrite(data: ArrayData, node: fn(ArrayData) -> ArrayData) -> ArrayData {
    if data.child_data().is_empty() {
        return node(data);
    }
    let children = data
        .child_data()
        .iter()
        .map(|child| rewrite(child.clone(), node))
        .collect();
    // SAFETY: the same rows of the same type, checked before or after.
    node(unsafe { data.into_builder().child_data(children).build_unchecked() })
}

/// arrow-rs refuses an imported slice of no rows: its offsets still are its parent's, and point beyond the
/// values imported for it.
fn plain_empty_slice(data: ArrayData) -> ArrayData {
    match data.is_empty() {
        true => ArrayData::new_empty(data.data_type()),
        false => data,
    }
}

/// Which rows of its children a slice of a struct or a fixed-size list stands for, where those are more: the first,
/// and how many.
fn rows_to_slice(data: &ArrayData) -> Option<(usize, usize)> {
    let (offset, rows) = (data.offset(), data.len());
    let (start, length) = match data.data_type() {
        DataType::Struct(_) => (offset, rows),
        DataType::FixedSizeList(_, size) => (offset * *size as usize, rows * *size as usize),
        _ => return None,
    };
    let is_plain = offset == 0 && data.child_data().iter().all(|child| child.len() == length);
    (!is_plain).then_some((start, length))
}

/// arrow-rs would slice a struct twice that lies in a slice.
fn plain_slice(data: ArrayData) -> ArrayData {
    let Some((start, length)) = rows_to_slice(&data) else {
        return data;
    };
    let rows = data.len();
    let children = data.child_data().iter().cloned().map(make_array);
    let children = children.map(|child| child.slice(start, length).into_data());
    let builder = ArrayData::builder(data.data_type().clone())
        .len(rows)
        .nulls(data.nulls().cloned())
        .child_data(children.collect());
    // SAFETY: the same rows of the same type.
    unsafe { builder.build_unchecked() }
}
