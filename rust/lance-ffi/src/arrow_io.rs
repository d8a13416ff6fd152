//! Arrow structs in and out: moves, imports, exports.

use std::ffi::c_void;
use std::sync::Arc;

use arrow::array::{Array, ArrayData, RecordBatch, RecordBatchOptions, StructArray, make_array};
use arrow::datatypes::{DataType, Fields, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::error::{LanceError, Result, code};
use crate::live::Live;
use crate::params::write_out;
use crate::{fault, item_names, preflight, values};

/// A C struct whose contents can be moved out of the caller's shell.
pub trait Movable: Sized {
    /// The state a shell is left in: released.
    fn empty() -> Self;
}

impl Movable for FFI_ArrowArray {
    fn empty() -> Self {
        Self::empty()
    }
}

impl Movable for FFI_ArrowSchema {
    fn empty() -> Self {
        Self::empty()
    }
}

impl Movable for FFI_ArrowArrayStream {
    fn empty() -> Self {
        Self::empty()
    }
}

/// Move a consumed argument out of the caller's shell, which is left released. Call it before anything
/// that can fail: dropping the result releases the contents.
///
/// # Safety
/// `shell` is NULL or points to an initialised struct that nobody else uses during the call.
pub unsafe fn take<T: Movable>(shell: *mut T) -> Option<T> {
    if shell.is_null() {
        return None;
    }
    // SAFETY: valid for reads and writes by this function's contract.
    Some(unsafe { std::ptr::replace(shell, T::empty()) })
}

/// Insist on a consumed argument.
pub fn required<T>(taken: Option<T>, what: &str) -> Result<T> {
    taken.ok_or_else(|| LanceError::invalid_argument(format!("{what} is NULL")))
}

struct Tracked {
    contents: FFI_ArrowArray,
    live: Arc<Live>,
}

/// Wrap an array so that its release is counted.
fn track(contents: FFI_ArrowArray, live: &Arc<Live>) -> FFI_ArrowArray {
    live.add();
    let mut view = FFI_ArrowArray {
        length: contents.length,
        null_count: contents.null_count,
        offset: contents.offset,
        n_buffers: contents.n_buffers,
        n_children: contents.n_children,
        buffers: contents.buffers,
        children: contents.children,
        dictionary: contents.dictionary,
        release: Some(release_tracked),
        private_data: std::ptr::null_mut(),
    };
    let tracked = Box::new(Tracked {
        contents,
        live: live.clone(),
    });
    view.private_data = Box::into_raw(tracked).cast::<c_void>();
    view
}

/// # Safety
/// `array` was made by `track` and is released for the first time.
unsafe extern "C" fn release_tracked(array: *mut FFI_ArrowArray) {
    // SAFETY: by contract the array is live and its private data is a `Tracked`.
    let tracked = unsafe {
        (*array).release = None;
        Box::from_raw((*array).private_data.cast::<Tracked>())
    };
    let Tracked { contents, live } = *tracked;
    live.release(contents);
}

/// Read a schema. `schema` stays the caller's to drop.
pub fn import_schema(schema: &FFI_ArrowSchema) -> Result<Schema> {
    fault::point()?;
    // SAFETY: the C caller vouches for the pointers inside.
    unsafe { preflight::check_schema(schema) }?;
    let schema = Schema::try_from(schema).map_err(|error| {
        LanceError::invalid_argument(format!("cannot read the Arrow schema: {error}"))
    })?;
    preflight::check_types(schema.fields())?;
    let fields = item_names::with_item_names(schema.fields());
    Ok(Schema::new_with_metadata(fields, schema.metadata))
}

/// Take ownership of one record batch without copying it; `live` counts it until it is released.
pub fn import_ffi_batch(
    array: FFI_ArrowArray,
    schema: &SchemaRef,
    live: &Arc<Live>,
) -> Result<RecordBatch> {
    fault::point()?;
    let data_type = DataType::Struct(schema.fields().clone());
    // SAFETY: the C caller vouches for the pointers inside.
    unsafe { preflight::check_array(&array, &data_type) }?;
    let rows = array.len();
    let array = track(array, live);
    let unreadable =
        |error| LanceError::invalid_argument(format!("cannot read the Arrow array: {error}"));
    // SAFETY: the counts were checked above; what the buffers hold is the caller's promise.
    let mut data = unsafe { from_ffi_and_data_type(array, data_type) }.map_err(unreadable)?;
    data.align_buffers();
    if any_node(&data, ArrayData::is_empty) {
        data = rewrite(data, plain_empty_slice);
    }
    if data.null_count() > 0 {
        return Err(LanceError::invalid_argument(
            "the top-level struct of a record batch must not contain nulls",
        ));
    }
    let has_garbage = values::check(&data)?;
    if any_node(&data, |node| rows_to_slice(node).is_some()) {
        data = rewrite(data, plain_slice);
    }
    if has_garbage {
        data = values::without_garbage(data).map_err(unreadable)?;
    }
    let (_, columns, _) = StructArray::from(data).into_parts();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| LanceError::new(code::SCHEMA_MISMATCH, error.to_string()))
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

/// Check that data of `given` can be read as `expected`: the same names and types in the same order. Nullability is a
/// question of values, and an extension type is its storage.
pub fn check_same_columns(given: &Schema, expected: &Schema) -> Result<()> {
    let mismatch = |what: String| Err(LanceError::new(code::SCHEMA_MISMATCH, what));
    let (n, m) = (given.fields().len(), expected.fields().len());
    if n != m {
        return mismatch(format!(
            "the batch has {n} columns, the writer's schema has {m}"
        ));
    }
    for (given, expected) in given.fields().iter().zip(expected.fields()) {
        if given.name() != expected.name() {
            return mismatch(format!(
                "the batch has column {:?} where the writer's schema has {:?}",
                given.name(),
                expected.name()
            ));
        }
        if !is_readable_as(given.data_type(), expected.data_type()) {
            return mismatch(format!(
                "column {:?} is {} in the batch and {} in the writer's schema",
                given.name(),
                given.data_type(),
                expected.data_type()
            ));
        }
    }
    Ok(())
}

/// Whether types are the same but for the nullability, the metadata and the meaningless names inside them.
fn is_readable_as(given: &DataType, expected: &DataType) -> bool {
    match (given, expected) {
        (DataType::Struct(given), DataType::Struct(expected)) => {
            let names = given.iter().map(|field| field.name());
            names.eq(expected.iter().map(|field| field.name())) && are_readable_as(given, expected)
        }
        (DataType::Map(given, _), DataType::Map(expected, _)) => {
            match (given.data_type(), expected.data_type()) {
                (DataType::Struct(given), DataType::Struct(expected)) => {
                    are_readable_as(given, expected)
                }
                _ => false,
            }
        }
        (DataType::List(given), DataType::List(expected))
        | (DataType::LargeList(given), DataType::LargeList(expected)) => {
            is_readable_as(given.data_type(), expected.data_type())
        }
        (DataType::FixedSizeList(given, n), DataType::FixedSizeList(expected, m)) => {
            n == m && is_readable_as(given.data_type(), expected.data_type())
        }
        _ => given == expected,
    }
}

fn are_readable_as(given: &Fields, expected: &Fields) -> bool {
    let mut pairs = given.iter().zip(expected);
    given.len() == expected.len()
        && pairs.all(|(given, expected)| is_readable_as(given.data_type(), expected.data_type()))
}

/// Export a schema to the caller.
///
/// # Safety
/// `out` is NULL or valid for writing.
pub unsafe fn export_schema(schema: &Schema, out: *mut FFI_ArrowSchema) -> Result<()> {
    // SAFETY: forwarded contract.
    unsafe { write_out(exported_schema(schema)?, out, "the output schema") }
}

fn exported_schema(schema: &Schema) -> Result<FFI_ArrowSchema> {
    FFI_ArrowSchema::try_from(schema)
        .map_err(|error| LanceError::new(code::ARROW, error.to_string()))
}

/// Export a batch to the caller: both structs, or neither.
///
/// # Safety
/// Both pointers are NULL or valid for writing.
pub unsafe fn export_batch(
    batch: RecordBatch,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
) -> Result<()> {
    if out_array.is_null() || out_schema.is_null() {
        return Err(LanceError::invalid_argument(
            "the output array or schema is NULL",
        ));
    }
    let schema = exported_schema(batch.schema().as_ref())?;
    let array = FFI_ArrowArray::new(&StructArray::from(batch).into_data());
    // SAFETY: checked above, valid by this function's contract.
    unsafe {
        out_array.write(array);
        out_schema.write(schema);
    }
    Ok(())
}
