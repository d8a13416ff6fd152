//! Upserts: rows merged into a dataset by their keys.

use std::sync::Arc;

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use futures::future::AbortRegistration;
use lance_engine::merge_insert::{self, MergeInserter};
use lance_engine::operation::cancelled;
use lance_engine::read::Opened;
use lance_engine::runtime::block_on;
use lance_engine::settings::{MergeInsertResult, MergeInsertSettings};
use lance_engine::task::Task;
use lance_engine::write::transaction::Pending;
use lance_engine::{Error, Result};

use crate::arrow::{Source, check_same_columns, import_ffi_batch, import_schema};
use crate::handle::Handle;

/// An upsert in progress.
pub type LanceMergeInserter = Handle<MergeInserter>;

pub fn merge_insert(
    dataset: Arc<Opened>,
    stream: FFI_ArrowArrayStream,
    settings: MergeInsertSettings,
    stop: AbortRegistration,
) -> Result<(Opened, MergeInsertResult)> {
    gather(dataset, stream, settings, stop)?.finish()
}

pub fn merge_insert_uncommitted(
    dataset: Arc<Opened>,
    stream: FFI_ArrowArrayStream,
    settings: MergeInsertSettings,
    stop: AbortRegistration,
) -> Result<(Pending, MergeInsertResult)> {
    gather(dataset, stream, settings, stop)?.finish_uncommitted()
}

pub fn analyze_merge_insert(
    dataset: Arc<Opened>,
    stream: FFI_ArrowArrayStream,
    settings: MergeInsertSettings,
    stop: AbortRegistration,
) -> Result<String> {
    gather(dataset, stream, settings, stop)?.analyze()
}

/// Pull a stream to its end, on this thread, for an upsert that something else may stop.
fn gather(
    dataset: Arc<Opened>,
    stream: FFI_ArrowArrayStream,
    settings: MergeInsertSettings,
    stop: AbortRegistration,
) -> Result<MergeInserter> {
    let mut source = Source::new(stream)?;
    let inserter = block_on(merge_insert::open(dataset, source.schema()?, settings))?;
    let asked = stop.handle();
    while let Some(array) = source.next()? {
        if asked.is_aborted() {
            return Err(cancelled());
        }
        push(&inserter, array)?;
    }
    inserter.stop_by(stop);
    Ok(inserter)
}

pub fn explain_merge_insert(
    dataset: Arc<Opened>,
    schema: Option<FFI_ArrowSchema>,
    settings: MergeInsertSettings,
    verbose: bool,
) -> Task<String> {
    match schema.as_ref().map(import_schema).transpose() {
        Ok(schema) => merge_insert::explain(dataset, schema, settings, verbose),
        Err(error) => fail(error),
    }
}

pub fn open_merge_inserter(
    dataset: Arc<Opened>,
    schema: FFI_ArrowSchema,
    settings: MergeInsertSettings,
) -> Task<MergeInserter> {
    match import_schema(&schema) {
        Ok(schema) => merge_insert::open(dataset, schema, settings),
        Err(error) => fail(error),
    }
}

fn fail<T: Send + 'static>(error: Error) -> Task<T> {
    Box::pin(std::future::ready(Err(error)))
}

pub fn inserter_write_batch(
    inserter: Arc<MergeInserter>,
    array: FFI_ArrowArray,
    schema: Option<FFI_ArrowSchema>,
) -> Result<()> {
    if let Some(schema) = schema {
        check_same_columns(&import_schema(&schema)?, &inserter.schema)?;
    }
    push(&inserter, array)
}

fn push(inserter: &MergeInserter, array: FFI_ArrowArray) -> Result<()> {
    inserter.push(|schema, live| import_ffi_batch(array, schema, live))
}

pub fn inserter_finish(inserter: Arc<MergeInserter>) -> Result<(Opened, MergeInsertResult)> {
    inserter.finish()
}

pub fn inserter_finish_uncommitted(
    inserter: Arc<MergeInserter>,
) -> Result<(Pending, MergeInsertResult)> {
    inserter.finish_uncommitted()
}

pub fn inserter_abort(inserter: Arc<MergeInserter>) -> Result<()> {
    inserter.abort()
}

/// Make the calls that are on their way return.
pub fn cancel(inserter: Arc<MergeInserter>) {
    inserter.cancel();
}

/// The last use of the handle.
pub fn end(inserter: Arc<MergeInserter>) {
    // It fails inside a callback, where what has come is released with the last use of all.
    let _ = inserter.abort();
}
