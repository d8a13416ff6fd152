//! Scanners: a prepared query over one dataset version.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use lance_engine::Result;
use lance_engine::read::Query;
use lance_engine::task::Task;

use crate::handle::Handle;
use crate::out::Batches;

/// A prepared query.
pub type LanceScanner = Handle<Query>;

pub use lance_engine::read::scan::prepare as open;
pub use lance_engine::read::split::{open as open_split, splits};

pub fn schema(scanner: Arc<Query>) -> Result<SchemaRef> {
    Ok(scanner.schema().clone())
}

pub fn to_stream(scanner: Arc<Query>) -> Task<Batches> {
    Arc::unwrap_or_clone(scanner).run()
}

pub fn count_rows(scanner: Arc<Query>) -> Task<u64> {
    Arc::unwrap_or_clone(scanner).count()
}

pub fn explain(scanner: Arc<Query>) -> Task<String> {
    Arc::unwrap_or_clone(scanner).explain()
}

pub fn analyze(scanner: Arc<Query>) -> Task<String> {
    Arc::unwrap_or_clone(scanner).analyze()
}
