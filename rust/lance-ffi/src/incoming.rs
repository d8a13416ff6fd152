//! A caller's stream, pulled on a thread of its own.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use lance_engine::Result;
use lance_engine::incoming::{BatchSource, Incoming};

use crate::arrow::{Source, import_ffi_batch};

/// Its batches, imported one by one.
struct Imported {
    /// Until its schema is asked for.
    stream: Option<FFI_ArrowArrayStream>,
    source: Option<(Source, SchemaRef)>,
}

impl BatchSource for Imported {
    fn schema(&mut self) -> Result<SchemaRef> {
        let stream = self.stream.take();
        let mut source = Source::new(stream.unwrap_or_else(FFI_ArrowArrayStream::empty))?;
        let schema = Arc::new(source.schema()?);
        self.source = Some((source, schema.clone()));
        Ok(schema)
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some((source, schema)) = &mut self.source else {
            return Ok(None);
        };
        let array = source.next()?;
        let batch = array.map(|array| import_ffi_batch(array, schema, &Arc::default()));
        batch.transpose()
    }
}

/// Begin to pull it.
pub async fn pull(stream: FFI_ArrowArrayStream) -> Result<Incoming> {
    Incoming::start(Imported {
        stream: Some(stream),
        source: None,
    })
    .await
}
