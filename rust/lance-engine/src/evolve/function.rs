//! A function of the caller's over batches.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::callers::Callers;
use crate::error::{Error, Result, code};
use crate::operation::cancelled;
use crate::panics::contain;
use crate::sync::{Condvar, Mutex, lock, wait_while};
use crate::threads;

type Call = dyn Fn(RecordBatch, &SchemaRef) -> Result<RecordBatch> + Send + Sync;

/// Computes columns, which have the schema that it is given. It may block.
pub struct ColumnFunction(Box<Call>);

impl ColumnFunction {
    pub fn new(
        call: impl Fn(RecordBatch, &SchemaRef) -> Result<RecordBatch> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(call))
    }
}

impl fmt::Debug for ColumnFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ColumnFunction")
    }
}

/// Calls a function until it is dropped, which waits for the calls under way.
pub struct Calling(pub Arc<Calls>);

impl Calling {
    pub fn new(function: Arc<ColumnFunction>, schema: SchemaRef) -> Self {
        Self(Arc::new(Calls {
            function,
            schema,
            callers: Mutex::default(),
            changed: Condvar::new(),
        }))
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.0.stop();
    }
}

pub struct Calls {
    function: Arc<ColumnFunction>,
    schema: SchemaRef,
    callers: Mutex<Callers>,
    changed: Condvar,
}

impl Calls {
    pub fn call(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        if !lock(&self.callers).enter() {
            return Err(cancelled());
        }
        let computed = contain(|| (self.function.0)(batch, &self.schema));
        lock(&self.callers).leave();
        self.changed.notify_all();
        let computed = computed?;
        match computed.num_rows() {
            got if got == rows => Ok(computed),
            got => Err(Error::new(
                code::SCHEMA_MISMATCH,
                format!("the function has returned {got} rows for a batch of {rows}"),
            )),
        }
    }

    fn stop(&self) {
        let mut callers = lock(&self.callers);
        callers.stop();
        drop(wait_while(
            &self.changed,
            callers,
            threads::patience(),
            |callers| callers.others(),
        ));
    }
}
