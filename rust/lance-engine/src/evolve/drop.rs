//! Columns dropped.

use std::sync::Arc;

use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use lance::dataset::transaction::Operation;
use lance::datatypes::Schema;

use super::names::{all_stored, path};
use super::primary_key::is_in_key;
use crate::change::{Change, commit};
use crate::error::{Error, Result, code};
use crate::read::Opened;
use crate::task::Task;

pub fn drop_columns(opened: Arc<Opened>, columns: Vec<String>) -> Task<Opened> {
    Box::pin(async move {
        let schema = remaining(&opened, &columns)?;
        let operation = Operation::Project {
            schema,
            preserves_nullability: true,
        };
        let dropping = |dataset| commit(dataset, operation);
        Change::new(&opened)?
            .run_to_version(&opened, dropping)
            .await
    })
}

/// The schema that would be left.
pub fn plan_drop_columns(opened: &Opened, columns: &[String]) -> Result<SchemaRef> {
    Ok(Arc::new(ArrowSchema::from(&remaining(opened, columns)?)))
}

fn remaining(opened: &Opened, columns: &[String]) -> Result<Schema> {
    let schema = opened.dataset.schema();
    let fields = all_stored(schema, columns)?;
    for (field, name) in fields.iter().zip(columns) {
        if is_in_key(schema, field) {
            return Err(Error::new(
                code::FAILED_PRECONDITION,
                format!(
                    "column {name:?} is of the primary key, which stays as it is: it cannot be dropped"
                ),
            ));
        }
    }
    let paths: Result<Vec<_>> = fields.iter().map(|field| path(schema, field)).collect();
    let paths = paths?;
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    Ok(opened.dataset.plan_drop_columns(&paths)?)
}
