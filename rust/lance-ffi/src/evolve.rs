//! Schema evolution: columns added, altered and dropped, metadata, keys, migrations.

use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use lance_engine::error::code;
use lance_engine::read::Opened;
use lance_engine::settings::{
    AddColumnsSettings, ColumnAlteration, KeyColumn, MetadataEntry, MetadataKind,
};
use lance_engine::{ColumnFunction, Error, Result, evolve};

use crate::arguments::OwnedContext;
use crate::arrow::{export_batch, import_ffi_batch, import_schema};
use crate::error::LanceError;
use crate::generated::evolve::LanceColumnFn;
use crate::generated::telemetry::LanceReleaseFn;
use crate::guard::guard;
use crate::handle::Handle;
use crate::incoming::pull;
use crate::out::Out;

/// A callback that computes columns.
pub type LanceColumnFunction = Handle<ColumnFunction>;

pub use lance_engine::evolve::{
    add_columns, drop_columns, migrate, set_primary_key, update_field_metadata, update_metadata,
    upgrade_storage, validate,
};

/// Room for what a callback says of its failure.
const MESSAGE_BYTES: usize = 1024;

/// Have the callback compute columns of this schema.
fn call(
    function: LanceColumnFn,
    context: &OwnedContext,
    batch: RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    // Released at the end, unless the callback has taken them over.
    let (mut array, mut array_schema) = export_batch(batch)?;
    let mut out = FFI_ArrowArray::empty();
    let mut message = [0; MESSAGE_BYTES];
    // SAFETY: the context lives until the function is dropped, and the rest until the call returns.
    let status = unsafe {
        function(
            context.get(),
            &mut array,
            &mut array_schema,
            &mut out,
            message.as_mut_ptr(),
            MESSAGE_BYTES,
        )
    };
    if status != code::OK {
        return Err(failure(message));
    }
    if out.is_released() {
        let why = "the function has returned no array";
        return Err(Error::new(code::CALLBACK, why));
    }
    import_ffi_batch(out, schema, &Arc::default())
        .map_err(|error| error.context("the function has returned an array that is refused"))
}

fn failure(mut message: [c_char; MESSAGE_BYTES]) -> Error {
    message[MESSAGE_BYTES - 1] = 0;
    // SAFETY: it ends with NUL.
    let why = unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy();
    let why = match why.is_empty() {
        true => String::new(),
        false => format!(": {why}"),
    };
    Error::new(code::CALLBACK, format!("the function failed{why}"))
}

/// # Safety
/// `call` and `release` are NULL or functions as the header says, which take `context`; the others are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_column_function_create(
    function: Option<LanceColumnFn>,
    context: *mut c_void,
    release: Option<LanceReleaseFn>,
    out: *mut *mut LanceColumnFunction,
    error: *mut *mut LanceError,
) -> i32 {
    let owned = OwnedContext::new(context, release);
    guard(error, move || {
        // SAFETY: by this function's contract.
        let out = unsafe { Out::required(out, "out") }?;
        let function = function.ok_or_else(|| Error::invalid_argument("call is NULL"))?;
        out.give(ColumnFunction::new(move |batch, schema: &SchemaRef| {
            call(function, &owned, batch, schema)
        }))
    })
}

pub async fn add_columns_from_stream(
    dataset: Arc<Opened>,
    stream: FFI_ArrowArrayStream,
) -> Result<Opened> {
    evolve::add_columns_from_stream(dataset, pull(stream).await?).await
}

pub async fn merge_columns(
    dataset: Arc<Opened>,
    stream: FFI_ArrowArrayStream,
    left_on: String,
    right_on: String,
) -> Result<Opened> {
    evolve::merge_columns(dataset, pull(stream).await?, left_on, right_on).await
}

pub async fn add_null_columns(dataset: Arc<Opened>, schema: FFI_ArrowSchema) -> Result<Opened> {
    evolve::add_null_columns(dataset, import_schema(&schema)?).await
}

pub async fn add_columns_by_function(
    dataset: Arc<Opened>,
    function: Arc<ColumnFunction>,
    schema: FFI_ArrowSchema,
    settings: AddColumnsSettings,
) -> Result<Opened> {
    let schema = import_schema(&schema)?;
    evolve::add_columns_by_function(dataset, function, schema, settings).await
}

pub async fn alter_columns(
    dataset: Arc<Opened>,
    alterations: Vec<ColumnAlteration>,
    types: Option<FFI_ArrowSchema>,
) -> Result<Opened> {
    let types: Option<Schema> = types.as_ref().map(import_schema).transpose()?;
    evolve::alter_columns(dataset, alterations, types).await
}

pub fn plan_drop_columns(dataset: Arc<Opened>, columns: Vec<String>) -> Result<SchemaRef> {
    evolve::plan_drop_columns(&dataset, &columns)
}

pub fn metadata(dataset: Arc<Opened>, kind: MetadataKind) -> Result<Vec<MetadataEntry>> {
    Ok(evolve::metadata(&dataset, kind))
}

pub fn field_metadata(dataset: Arc<Opened>, column: String) -> Result<Vec<MetadataEntry>> {
    evolve::field_metadata(&dataset, &column)
}

pub fn primary_key(dataset: Arc<Opened>) -> Result<Vec<KeyColumn>> {
    evolve::primary_key(&dataset)
}
