//! A function of the caller's over batches.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;

use crate::callers::Callers;
use crate::error::{Error, Result, code};
use crate::operation::cancelled;
use crate::sync::{Condvar, Mutex, lock, wait_while};
use crate::threads;

type Call = dyn Fn(RecordBatch, &SchemaRef) -> Result<RecordBatch> + Send + Sync;

/// Computes columns of a given schema. It may block.
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
        let computed = (self.function.0)(batch, &self.schema);
        lock(&self.callers).leave();
        self.changed.notify_all();
        let computed = computed?;
        if computed.num_rows() != rows {
            return Err(Error::new(
                code::SCHEMA_MISMATCH,
                format!(
                    "the function has returned {} rows for a batch of {rows}",
                    computed.num_rows()
                ),
            ));
        }
        for (column, field) in computed.columns().iter().zip(self.schema.fields()) {
            if column.data_type() != field.data_type() {
                return Err(Error::new(
                    code::SCHEMA_MISMATCH,
                    format!(
                        "the function has returned {} for column {:?}, which is {}",
                        column.data_type(),
                        field.name(),
                        field.data_type()
                    ),
                ));
            }
        }
        Ok(computed)
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
