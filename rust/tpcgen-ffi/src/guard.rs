//! Keeps panics inside this library.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::Reader;

thread_local! {
    /// How many `contain` calls this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f` and turns a panic into its message; nothing is printed.
pub fn contain<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    silence_contained_panics();
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(f));
    DEPTH.set(DEPTH.get() - 1);
    result.unwrap_or_else(|payload| Err(format!("the generator panicked: {}", describe(payload))))
}

fn describe(payload: Box<dyn Any + Send>) -> String {
    let payload = match payload.downcast::<String>() {
        Ok(message) => return *message,
        Err(payload) => payload,
    };
    match payload.downcast::<&str>() {
        Ok(message) => message.to_string(),
        Err(payload) => {
            // A foreign payload could panic again when it is dropped.
            std::mem::forget(payload);
            "unknown cause".to_string()
        }
    }
}

/// Panics outside `contain` still go to the hook that was there before.
fn silence_contained_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                previous(info);
            }
        }));
    });
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
