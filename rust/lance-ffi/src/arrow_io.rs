//! Arrow structs in and out: moves, imports, exports, and the count of what is still alive.

use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use arrow::array::{Array, ArrayData, RecordBatch, RecordBatchOptions, StructArray, make_array};
use arrow::datatypes::{DataType, Schema, SchemaRef, UnionMode};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::error::{LanceError, Result, code};
use crate::params::write_out;
use crate::sync::lock;
use crate::{fault, preflight};

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

/// How many imported arrays are not released yet.
#[derive(Default)]
pub struct Live {
    count: Mutex<u64>,
    none: Condvar,
}

impl Live {
    fn add(&self) {
        *lock(&self.count) += 1;
    }

    fn remove(&self) {
        let mut count = lock(&self.count);
        *count -= 1;
        if *count == 0 {
            self.none.notify_all();
        }
    }

    /// Wait until every array is released. Call it when nothing can hold one for good any more.
    pub fn wait_until_none(&self) {
        let guard = self
            .none
            .wait_while(lock(&self.count), |count| *count > 0)
            .unwrap_or_else(PoisonError::into_inner);
        drop(guard);
    }
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
    drop(contents);
    live.remove();
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
    Ok(schema)
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
    data.validate().map_err(unreadable)?;
    if any_node(&data, |node| rows_to_slice(node).is_some()) {
        data = rewrite(data, plain_slice);
        // A slice begins with offsets that were in the middle before, and not looked at.
        data.validate().map_err(unreadable)?;
    }
    let (_, columns, nulls) = StructArray::from(data).into_parts();
    if nulls.is_some_and(|nulls| nulls.null_count() > 0) {
        return Err(LanceError::invalid_argument(
            "the top-level struct of a record batch must not contain nulls",
        ));
    }
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
    // SAFETY: the same rows of the same type; what else is wrong with them is found by the validation.
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

/// Which rows of its children a slice of a struct, a fixed-size list or a union stands for, where those are
/// more: the first, and how many.
fn rows_to_slice(data: &ArrayData) -> Option<(usize, usize)> {
    let (offset, rows) = (data.offset(), data.len());
    let (start, length) = match data.data_type() {
        DataType::Struct(_) | DataType::Union(_, UnionMode::Sparse) => (offset, rows),
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
    // The type ids of a union, a byte each; the others have none.
    let buffers = data.buffers().iter();
    let buffers = buffers.map(|ids| ids.slice_with_length(start, length));
    let builder = ArrayData::builder(data.data_type().clone())
        .len(rows)
        .nulls(data.nulls().cloned())
        .buffers(buffers.collect())
        .child_data(children.collect());
    // SAFETY: the same rows of the same type.
    unsafe { builder.build_unchecked() }
}

/// Check that data of `given` can be read as `expected`: the same names and types in the same order.
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
        if !given.data_type().equals_datatype(expected.data_type()) {
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
