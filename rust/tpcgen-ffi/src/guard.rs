//! Keeps panics inside this library.

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::Reader;

/// Runs `f` and turns a panic into its message; nothing is printed.
pub fn contain<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    contain::contain(f).unwrap_or_else(|panic| Err(format!("the generator panicked: {panic}")))
}

/// A reader whose panics become errors. It ends after the first error.
pub struct GuardedReader {
    schema: SchemaRef,
    inner: Option<Reader>,
}

impl GuardedReader {
    pub fn new(inner: Reader) -> Self {
        Self {
            schema: inner.schema(),
            inner: Some(inner),
        }
    }

    /// Drops the generator, whatever that does.
    fn close(&mut self) {
        let inner = self.inner.take();
        // Nobody is left to tell about a panic in a destructor.
        let _ = contain(|| {
            drop(inner);
            Ok(())
        });
    }
}

impl Iterator for GuardedReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let inner = self.inner.as_mut()?;
        let item = contain(|| inner.next().transpose().map_err(|error| error.to_string()));
        if !matches!(item, Ok(Some(_))) {
            self.close();
        }
        // The C stream interface cannot carry a NUL in a message.
        item.map_err(|message| ArrowError::ComputeError(message.replace('\0', " ")))
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
        self.close();
    }
}
