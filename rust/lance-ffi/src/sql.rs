//! SQL over one and several datasets.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::read::Opened;
use lance_engine::settings::{SqlSettings, SqlTable};
use lance_engine::sql::{SqlContext, SqlQuery};
use lance_engine::task::Task;
use lance_engine::{Error, Result};

use crate::arrow::{import_ffi_batch, import_schema};
use crate::batches::{self, Polled};
use crate::handle::Handle;
use crate::out::Batches;

/// Datasets under names.
pub type LanceSqlContext = Handle<SqlContext>;
/// A query that is planned.
pub type LanceSqlQuery = Handle<SqlQuery>;

pub fn context_create(settings: SqlSettings) -> Result<SqlContext> {
    SqlContext::new(settings)
}

pub fn context_register(context: Arc<SqlContext>, name: String, dataset: Arc<Opened>) -> Task<()> {
    context.register(name, dataset)
}

pub fn context_deregister(context: Arc<SqlContext>, name: String) -> Result<()> {
    context.deregister(&name)
}

pub fn context_tables(context: Arc<SqlContext>) -> Result<Vec<SqlTable>> {
    Ok(context.tables())
}

pub fn prepare(
    context: Arc<SqlContext>,
    text: String,
    parameters: Option<FFI_ArrowArray>,
    types: Option<FFI_ArrowSchema>,
) -> Task<SqlQuery> {
    match import(parameters, types) {
        Ok(parameters) => context.prepare(text, parameters),
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}

fn import(
    parameters: Option<FFI_ArrowArray>,
    types: Option<FFI_ArrowSchema>,
) -> Result<Option<RecordBatch>> {
    match (parameters, types) {
        (None, None) => Ok(None),
        (Some(array), Some(schema)) => {
            let schema = Arc::new(import_schema(&schema)?);
            import_ffi_batch(array, &schema, &Arc::default()).map(Some)
        }
        _ => Err(Error::invalid_argument(
            "parameters and parameter_types are NULL both or neither",
        )),
    }
}

pub fn query_schema(query: Arc<SqlQuery>) -> Result<SchemaRef> {
    Ok(query.schema().clone())
}

pub fn query_to_stream(query: Arc<SqlQuery>) -> Task<Batches> {
    query.run()
}

pub async fn query_to_batches(query: Arc<SqlQuery>) -> Result<Polled> {
    batches::start(query.run().await?)
}

pub fn query_explain(query: Arc<SqlQuery>, verbose: bool) -> Task<String> {
    query.explain(verbose)
}

pub fn query_analyze(query: Arc<SqlQuery>) -> Task<String> {
    query.analyze()
}
