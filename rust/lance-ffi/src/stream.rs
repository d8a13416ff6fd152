//! Scans as exported Arrow streams: decoded ahead on the runtime, guarded against panics on every callback.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use futures::channel::mpsc;
use futures::{SinkExt, Stream, StreamExt};

use crate::error::{LanceError, Result};
use crate::guard::contain;
use crate::{fault, fork, runtime};

/// One batch waits here while the next is decoded; the engine reads further ahead by itself.
const BATCHES_AHEAD: usize = 1;

/// The reader behind an exported stream. It ends after its first error.
struct GuardedReader {
    schema: SchemaRef,
    batches: Option<mpsc::Receiver<Result<RecordBatch>>>,
}

impl GuardedReader {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        fork::refuse_forked_child()?;
        runtime::refuse_runtime_thread()?;
        fault::point()?;
        let Some(batches) = &mut self.batches else {
            return Ok(None);
        };
        futures::executor::block_on(batches.next()).transpose()
    }
}

impl Iterator for GuardedReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = contain(|| self.next_batch());
        if !matches!(next, Ok(Some(_))) {
            self.batches = None;
        }
        next.map_err(|error| ArrowError::ExternalError(Box::new(error)))
            .transpose()
    }
}

impl RecordBatchReader for GuardedReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Drop for GuardedReader {
    fn drop(&mut self) {
        let batches = self.batches.take();
        if fork::refuse_forked_child().is_err() {
            std::mem::forget(batches);
            return;
        }
        // A panic must not reach the C release callback; there is nobody to report it to.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(batches)));
    }
}

/// Drive `batches` on the runtime and hand them out through a C stream that is the caller's.
pub fn export_stream<S>(schema: SchemaRef, mut batches: S) -> Result<FFI_ArrowArrayStream>
where
    S: Stream<Item = lance_core::Result<RecordBatch>> + Send + Unpin + 'static,
{
    let (mut send, receive) = mpsc::channel(BATCHES_AHEAD);
    let mut failures = send.clone();
    runtime::spawn(
        async move {
            while let Some(batch) = batches.next().await {
                let batch = batch.map_err(LanceError::from);
                let failed = batch.is_err();
                // The receiver is gone when the caller released the stream early.
                if send.send(batch).await.is_err() || failed {
                    break;
                }
            }
            Ok(())
        },
        move |outcome| {
            if let Err(panic) = outcome {
                // A full channel has room for one message of each sender.
                let _ = failures.try_send(Err(panic));
            }
        },
    )?;
    Ok(FFI_ArrowArrayStream::new(Box::new(GuardedReader {
        schema,
        batches: Some(receive),
    })))
}
