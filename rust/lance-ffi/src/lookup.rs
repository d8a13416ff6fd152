//! Rows by the values of a column.

use std::future::ready;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::Result;
use lance_engine::prepared::{Lookup, Values};
use lance_engine::task::Task;

use crate::arrow::import_array;
use crate::handle::Handle;

/// A column in which values are looked up.
pub type LanceLookup = Handle<Lookup>;

pub use lance_engine::prepared::open_lookup as open;

pub fn is_prepared(lookup: Arc<Lookup>) -> Result<bool> {
    Ok(lookup.is_prepared())
}

pub fn take(
    lookup: Arc<Lookup>,
    values: FFI_ArrowArray,
    value_type: FFI_ArrowSchema,
) -> Task<RecordBatch> {
    with(values, value_type, |values| {
        lookup.take(Values::Among(values))
    })
}

pub fn take_between(
    lookup: Arc<Lookup>,
    bounds: FFI_ArrowArray,
    value_type: FFI_ArrowSchema,
) -> Task<RecordBatch> {
    with(bounds, value_type, |bounds| {
        lookup.take(Values::Between(bounds))
    })
}

pub fn count(
    lookup: Arc<Lookup>,
    values: FFI_ArrowArray,
    value_type: FFI_ArrowSchema,
) -> Task<u64> {
    with(values, value_type, |values| {
        lookup.count(Values::Among(values))
    })
}

pub fn count_between(
    lookup: Arc<Lookup>,
    bounds: FFI_ArrowArray,
    value_type: FFI_ArrowSchema,
) -> Task<u64> {
    with(bounds, value_type, |bounds| {
        lookup.count(Values::Between(bounds))
    })
}

fn with<T: Send + 'static>(
    values: FFI_ArrowArray,
    value_type: FFI_ArrowSchema,
    work: impl FnOnce(ArrayRef) -> Task<T>,
) -> Task<T> {
    match import_array(values, &value_type) {
        Ok(values) => work(values),
        Err(error) => Box::pin(ready(Err(error))),
    }
}
