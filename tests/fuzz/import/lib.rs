//! What a writer does with a caller's Arrow structs before the engine sees them: the product's own sources,
//! behind two functions for the fuzzer.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::util::display::{ArrayFormatter, FormatOptions};

#[path = "../../../rust/lance-ffi/src/arrow_io.rs"]
pub mod arrow_io;
#[path = "../../../rust/lance-ffi/src/callers.rs"]
mod callers;
#[path = "../../../rust/lance-ffi/src/column_path.rs"]
mod column_path;
#[path = "../../../rust/lance-ffi/src/engine_text.rs"]
mod engine_text;
#[path = "../../../rust/lance-ffi/src/error.rs"]
pub mod error;
#[path = "../../../rust/lance-ffi/src/fault.rs"]
mod fault;
#[path = "../../../rust/lance-ffi/src/fork.rs"]
pub mod fork;
#[path = "../../../rust/lance-ffi/src/guard.rs"]
pub mod guard;
#[path = "../../../rust/lance-ffi/src/handle.rs"]
pub mod handle;
#[path = "../../../rust/lance-ffi/src/item_names.rs"]
mod item_names;
#[path = "../../../rust/lance-ffi/src/live.rs"]
mod live;
#[path = "../../../rust/lance-ffi/src/preflight.rs"]
mod preflight;
#[path = "../../../rust/lance-ffi/src/redact.rs"]
mod redact;
#[path = "../../../rust/lance-ffi/src/source.rs"]
pub mod source;
#[path = "../../../rust/lance-ffi/src/sync.rs"]
mod sync;
#[path = "../../../rust/lance-ffi/src/text.rs"]
mod text;
#[path = "../../../rust/lance-ffi/src/threads.rs"]
pub mod threads;
#[path = "../../../rust/lance-ffi/src/values.rs"]
mod values;

/// What error.rs and arrow_io.rs take from rooms that know the engine, which the import never comes to.
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

mod params {
    use crate::error::{LanceError, Result};

    /// # Safety
    /// `out` is NULL or valid for writing.
    pub unsafe fn write_out<T>(value: T, out: *mut T, what: &str) -> Result<()> {
        if out.is_null() {
            return Err(LanceError::invalid_argument(format!("{what} is NULL")));
        }
        // SAFETY: by this function's contract.
        unsafe { out.write(value) };
        Ok(())
    }
}

use arrow_io::{export_batch, import_ffi_batch, import_schema, required, take};
use error::{LanceError, Result};
use guard::guard;
use live::Live;
use source::Source;

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

/// # Safety
/// Both out pointers are NULL or valid for writing.
unsafe fn import(
    array: FFI_ArrowArray,
    schema: arrow::datatypes::Schema,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
) -> Result<()> {
    let batch = import_ffi_batch(array, &Arc::new(schema), &Arc::new(Live::default()))?;
    read(&batch);
    // SAFETY: forwarded contract.
    unsafe { export_batch(batch, out_array, out_schema) }
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
            None => Err(LanceError::invalid_argument("the stream is empty")),
        }
    })
}
