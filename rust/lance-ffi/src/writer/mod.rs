//! The push-based writer: any number of batches, one atomic commit.

mod booleans;
pub mod bytes;
mod dictionaries;
mod encoder;
mod hints;
mod lane_source;
mod lanes;
mod leaving;
mod legacy;
mod nested;
mod options;
mod progress;
mod tuning;
mod write;

use std::ffi::c_char;

use arrow::array::RecordBatch;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use lance::dataset::transaction::Transaction;

pub use hints::LanceColumnHint;
pub use options::LanceWriteOptions;
pub use progress::LanceWriteStats;

use crate::arrow_io::{check_same_columns, import_schema, required, take};
use crate::error::LanceError;
use crate::guard::guard;
use crate::handle::Handle;
use crate::params::{required_place, write_sized};
use crate::runtime::block_on;
use crate::source::Source;
use crate::transaction::{LanceCommitResult, LanceTransaction, Pending};
use options::WriteSettings;
use write::Write;

/// A writer of one dataset.
pub type LanceWriter = Handle<Write>;

/// What is between its producers and its encoders.
type Lanes = lanes::Lanes<RecordBatch, Transaction>;
type Credit = lanes::Credit<RecordBatch, Transaction>;

/// Equals `LANCE_ANY_LANE` of the header.
const ANY_LANE: u32 = u32::MAX;

fn lane_index(lane: u32) -> Option<usize> {
    (lane != ANY_LANE).then_some(lane as usize)
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_open(
    uri: *const c_char,
    schema: *mut FFI_ArrowSchema,
    options: *const LanceWriteOptions,
    out: *mut *mut LanceWriter,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract.
    let schema = unsafe { take(schema) };
    guard(error, move || {
        if out.is_null() {
            return Err(LanceError::invalid_argument("the output pointer is NULL"));
        }
        // SAFETY: by this function's contract.
        unsafe {
            let settings = WriteSettings::read(required_place(uri)?, options)?;
            let schema = import_schema(&required(schema, "schema")?)?;
            Handle::give(Write::open(settings, schema)?, out)
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_write_batch(
    writer: *mut LanceWriter,
    array: *mut FFI_ArrowArray,
    schema: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: forwarded contract.
    unsafe { lance_writer_write_batch_to_lane(writer, ANY_LANE, array, schema, error) }
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_write_batch_to_lane(
    writer: *mut LanceWriter,
    lane: u32,
    array: *mut FFI_ArrowArray,
    schema: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract; both are moved before anything can fail.
    let (array, schema) = unsafe { (take(array), take(schema)) };
    guard(error, move || {
        // SAFETY: by this function's contract.
        unsafe {
            LanceWriter::with(writer, |write| {
                let array = required(array, "array")?;
                if let Some(schema) = schema {
                    check_same_columns(&import_schema(&schema)?, &write.schema)?;
                }
                write.push(lane_index(lane), array)
            })
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_write_stream(
    writer: *mut LanceWriter,
    lane: u32,
    stream: *mut FFI_ArrowArrayStream,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract.
    let stream = unsafe { take(stream) };
    guard(error, move || {
        // SAFETY: by this function's contract.
        unsafe {
            LanceWriter::with(writer, |write| {
                let mut source = Source::new(required(stream, "stream")?)?;
                check_same_columns(
                    &source.schema().inspect_err(|e| write.fail(e.clone()))?,
                    &write.schema,
                )?;
                while let Some(array) = source.next().inspect_err(|e| write.fail(e.clone()))? {
                    write.push(lane_index(lane), array)?;
                }
                Ok(())
            })
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_stats(
    writer: *const LanceWriter,
    out: *mut LanceWriteStats,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let stats = LanceWriter::with(writer, |write| Ok(write.stats()))?;
            write_sized(&stats, out, "the output struct")
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_finish(
    writer: *mut LanceWriter,
    out: *mut LanceCommitResult,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            LanceWriter::with(writer, |write| {
                let commit = || write.finish(|write| block_on(async move { write.commit().await }));
                LanceCommitResult::give(commit, out)
            })
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_finish_uncommitted(
    writer: *mut LanceWriter,
    out: *mut *mut LanceTransaction,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        if out.is_null() {
            return Err(LanceError::invalid_argument("the output pointer is NULL"));
        }
        // SAFETY: by this function's contract.
        unsafe {
            let pending = LanceWriter::with(writer, |write| {
                write.finish(|write| {
                    block_on(async move { write.verify().await.map(|()| Pending::new(write)) })
                })
            })?;
            Handle::give(pending, out)
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_abort(
    writer: *mut LanceWriter,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe { LanceWriter::with(writer, Write::abort) }
    })
}

/// # Safety
/// `writer` is NULL or a live handle, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_writer_free(writer: *mut LanceWriter) {
    // SAFETY: by this function's contract.
    unsafe { Handle::free(writer, leaving::end) }
}
