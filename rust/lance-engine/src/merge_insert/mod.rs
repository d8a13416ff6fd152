//! Upserts: rows merged into a dataset by their keys.
//!
//! The engine joins the source with the dataset and writes what comes out; what is added here is that no key is doubled.
//! Keys are told apart before they are joined (`keys`), and every upsert tells in its transaction which keys it may have
//! inserted (`inserted`), so that the engine finds it in conflict with whatever else may have inserted one of them.

mod columns;
mod inserted;
mod inserter;
mod keys;
mod plan;
mod run;
mod source;

use std::sync::Arc;

use arrow::datatypes::Schema;

pub use inserter::MergeInserter;

use crate::error::{Error, code};
use crate::read::Opened;
use crate::settings::MergeInsertSettings;
use crate::task::Task;
use plan::Plan;

/// Begin an upsert of rows with these columns.
pub fn open(
    opened: Arc<Opened>,
    schema: Schema,
    settings: MergeInsertSettings,
) -> Task<MergeInserter> {
    Box::pin(async move {
        let plan = Plan::new(&opened.dataset, &schema, settings)?;
        MergeInserter::new(opened, schema, plan)
    })
}

/// The plan of an upsert of rows with these columns, or with those of the dataset.
pub fn explain(
    opened: Arc<Opened>,
    schema: Option<Schema>,
    settings: MergeInsertSettings,
    verbose: bool,
) -> Task<String> {
    Box::pin(async move {
        let dataset = &opened.dataset;
        let schema = schema.unwrap_or_else(|| dataset.schema().into());
        let plan = Plan::new(dataset, &schema, settings)?;
        let job = plan.job(dataset.clone(), false)?;
        let explained = job.explain_plan(Some(plan.columns.schema.as_ref()), verbose);
        match explained.await.map_err(Error::from) {
            Err(error) if error.code() == code::NOT_SUPPORTED => Ok(plan.by_index()),
            explained => explained.map_err(|error| plan.blame(error)),
        }
    })
}
