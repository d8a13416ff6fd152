//! The push-based writer: any number of batches, one atomic commit.

use std::sync::Arc;

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use futures::future::AbortRegistration;
use lance_engine::Result;
use lance_engine::place::Place;
use lance_engine::settings::{CommitResult, WriteSettings, WriteStats};
use lance_engine::write::Write;
use lance_engine::write::transaction::Pending;

use crate::arrow::{Source, check_same_columns, import_ffi_batch, import_schema};
use crate::generated::write::ANY_LANE;
use crate::handle::Handle;

/// A writer of one dataset.
pub type LanceWriter = Handle<Write>;

pub use crate::leaving::end;

pub fn open(
    place: Place,
    schema: FFI_ArrowSchema,
    settings: WriteSettings,
    stop: AbortRegistration,
) -> Result<Write> {
    Write::open(place, settings, import_schema(&schema)?, stop)
}

pub fn write_batch(
    writer: Arc<Write>,
    array: FFI_ArrowArray,
    schema: Option<FFI_ArrowSchema>,
) -> Result<()> {
    write_batch_to_lane(writer, ANY_LANE, array, schema)
}

pub fn write_batch_to_lane(
    writer: Arc<Write>,
    lane: u32,
    array: FFI_ArrowArray,
    schema: Option<FFI_ArrowSchema>,
) -> Result<()> {
    if let Some(schema) = schema {
        check_same_columns(&import_schema(&schema)?, &writer.schema)?;
    }
    push(&writer, lane, array)
}

/// Pull a stream to its end, on this thread.
pub fn write_stream(writer: Arc<Write>, lane: u32, stream: FFI_ArrowArrayStream) -> Result<()> {
    let mut source = Source::new(stream)?;
    check_same_columns(
        &source.schema().inspect_err(|e| writer.fail(e.clone()))?,
        &writer.schema,
    )?;
    while let Some(array) = source.next().inspect_err(|e| writer.fail(e.clone()))? {
        push(&writer, lane, array)?;
    }
    // What was given up meanwhile has thrown the batches away.
    writer.check_failure()
}

fn push(writer: &Write, lane: u32, array: FFI_ArrowArray) -> Result<()> {
    let lane = (lane != ANY_LANE).then_some(lane as usize);
    writer.push(lane, |schema, live| import_ffi_batch(array, schema, live))
}

pub fn stats(writer: Arc<Write>) -> Result<WriteStats> {
    Ok(writer.stats())
}

pub fn finish(writer: Arc<Write>) -> Result<CommitResult> {
    writer.finish()
}

pub fn finish_uncommitted(writer: Arc<Write>) -> Result<Pending> {
    writer.finish_uncommitted()
}

pub fn abort(writer: Arc<Write>) -> Result<()> {
    writer.abort()
}

/// Make the calls that are on their way return.
pub fn cancel(writer: Arc<Write>) {
    writer.cancel();
}
