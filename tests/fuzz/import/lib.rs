//! What a writer does with a caller's Arrow structs before the engine sees them: the product's own sources,
//! behind two functions for the fuzzer.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::util::display::{ArrayFormatter, FormatOptions};

#[path = "../../../rust/lance-ffi/src/arrow/mod.rs"]
pub mod arrow_structs;
#[path = "../../../rust/lance-ffi/src/error.rs"]
mod boundary_error;
#[path = "../../../rust/lance-engine/src/callers.rs"]
mod callers;
#[path = "../../../rust/lance-engine/src/settings/codes.rs"]
pub mod codes;
#[path = "../../../rust/lance-engine/src/column_path.rs"]
pub mod column_path;
#[path = "../../../rust/lance-engine/src/error/mod.rs"]
mod engine_error;
#[path = "../../../rust/lance-engine/src/fault.rs"]
pub mod fault;
#[path = "../../../rust/lance-ffi/src/guard.rs"]
mod guard;
#[path = "../../../rust/lance-engine/src/write/live.rs"]
mod live;
#[path = "../../../rust/lance-ffi/src/plain.rs"]
mod plain;
#[path = "../../../rust/lance-engine/src/process.rs"]
pub mod process;
#[path = "../../../rust/lance-engine/src/redact.rs"]
mod redact;
#[path = "../../../rust/lance-engine/src/sync.rs"]
mod sync;
#[path = "../../../rust/lance-engine/src/text.rs"]
mod text;
#[path = "../../../rust/lance-engine/src/threads.rs"]
pub mod threads;

/// The errors of both crates.
pub mod error {
    pub use super::boundary_error::*;
    pub use super::engine_error::*;
}

pub mod settings {
    pub use super::codes;
}

pub mod write {
    pub use super::live::Live;
}

pub mod panics {
    use crate::Result;

    pub fn contain<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
        ::contain::contain(body).unwrap_or_else(|panic| Err(panic.into()))
    }
}

/// What the errors take from the engine, which the import never comes to.
mod engine {
    pub fn is_system_column(_: &str) -> bool {
        false
    }

    pub mod levenshtein {
        pub fn levenshtein_distance(_: &str, _: &str) -> usize {
            0
        }
    }
}
pub use engine::*;
extern crate self as lance_core;
extern crate self as lance_engine;

use arrow_structs::{Source, export_batch, import_ffi_batch, import_schema, required, take};
use error::LanceError;
pub use error::{Error, Result};
use guard::guard;
use live::Live;

/// An array without buffers may have more rows than anybody can read.
const MOST_ROWS: usize = 1000;
/// One row of an array without buffers may have more values.
const LONGEST_TEXT: usize = 1 << 20;

/// Looks at every letter of a text and keeps none; a text that is too long is an error.
struct Reader {
    left: usize,
}

impl Write for Reader {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        std::hint::black_box(text.bytes().fold(0, u8::wrapping_add));
        self.left = self.left.checked_sub(text.len()).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

/// Read every value of the columns that are sound as a whole. Rows that are not in use may be anything.
fn read(batch: &RecordBatch) {
    for column in batch.columns() {
        if column.to_data().validate_full().is_err() {
            continue;
        }
        let Ok(values) = ArrayFormatter::try_new(column, &FormatOptions::default()) else {
            continue;
        };
        for row in 0..column.len().min(MOST_ROWS) {
            // A value without a text, such as a date beyond the calendar, is an error here and no fault.
            let mut reader = Reader { left: LONGEST_TEXT };
            let _ = write!(reader, "{}", values.value(row));
        }
    }
}

/// Whether a writer could be opened with a column of this type, as far as the import relies on that.
fn is_storable(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => is_storable(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_storable(field.data_type())),
        DataType::Dictionary(_, words) => is_storable(words),
        DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => false,
        _ => true,
    }
}

/// # Safety
/// Both out pointers are NULL or valid for writing.
unsafe fn import(
    array: FFI_ArrowArray,
    schema: Schema,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
) -> Result<()> {
    if out_array.is_null() || out_schema.is_null() {
        return Err(Error::invalid_argument("an output is NULL"));
    }
    let mut fields = schema.fields().iter();
    if !fields.all(|field| is_storable(field.data_type())) {
        return Err(Error::invalid_argument("a column cannot be stored"));
    }
    let batch = import_ffi_batch(array, &Arc::new(schema), &Arc::new(Live::default()))?;
    read(&batch);
    let (array, schema) = export_batch(batch)?;
    // SAFETY: not NULL, and valid by this function's contract.
    unsafe {
        out_array.write(array);
        out_schema.write(schema);
    }
    Ok(())
}

/// Import a batch, read it and export it again. Both structs are consumed.
///
/// # Safety
/// Pointers are NULL or valid; memory behind the structs is as large as their headers say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuzz_import_batch(
    array: *mut FFI_ArrowArray,
    schema: *mut FFI_ArrowSchema,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract.
    let (array, schema) = unsafe { (take(array), take(schema)) };
    guard(error, move || {
        let schema = import_schema(&required(schema, "schema")?)?;
        // SAFETY: by this function's contract.
        unsafe { import(required(array, "array")?, schema, out_array, out_schema) }
    })
}

/// The same for the first batch of a stream.
///
/// # Safety
/// As `fuzz_import_batch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuzz_import_stream(
    stream: *mut FFI_ArrowArrayStream,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract.
    let stream = unsafe { take(stream) };
    guard(error, move || {
        let mut source = Source::new(required(stream, "stream")?)?;
        let schema = source.schema()?;
        match source.next()? {
            // SAFETY: by this function's contract.
            Some(array) => unsafe { import(array, schema, out_array, out_schema) },
            None => Err(Error::invalid_argument("the stream is empty")),
        }
    })
}
