//! Updates of rows with blobs that are stored beside them, which only the engine's own update takes along.

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::UpdateBuilder;
use lance::datatypes::Schema;

use super::assignments::Assignments;
use super::attempts::Attempts;
use super::filter::Filter;
use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::read::{Opened, expression, scan};

/// Whether it has such blobs.
pub fn has_blobs_apart(schema: &Schema) -> bool {
    schema.fields_pre_order().any(|field| field.is_blob_v2())
}

/// What the engine's own update does not know.
pub fn check(
    schema: &Schema,
    assignments: &Assignments,
    attempts: &Attempts,
    rows: &Filter,
) -> Result<()> {
    let reason = if !attempts.properties.is_empty() {
        "keep no properties"
    } else if rows.substrait.is_some() {
        "take no Substrait message"
    } else if assignments.depend_on_each_other(schema)? {
        "do not let an expression read a column that is assigned to, too"
    } else {
        return Ok(());
    };
    Err(Error::new(
        code::NOT_SUPPORTED,
        format!("updates of rows with blobs that are stored apart {reason}"),
    ))
}

/// One attempt.
pub async fn update(
    opened: Arc<Opened>,
    assignments: &Assignments,
    rows: &Filter,
    allow_empty: bool,
) -> Result<(Opened, u64)> {
    let passing = scan::count_rows(opened.clone(), rows.sql.clone()).await?;
    if passing == 0 && !allow_empty {
        return Ok((opened.at(opened.plain.clone()), 0));
    }
    let schema = opened.dataset.schema();
    let filter = match &rows.sql {
        Some(sql) => Some(expression::check("the filter", sql, schema)?.sql),
        None => None,
    };
    let expressions = assignments.checked(schema)?;
    let work = |dataset: Dataset| async move {
        let mut update = UpdateBuilder::new(Arc::new(dataset)).conflict_retries(0);
        if let Some(filter) = filter {
            update = update.update_where(&filter)?;
        }
        for (column, sql) in expressions {
            update = update.set(column, &sql)?;
        }
        let updated = update.build()?.execute().await.map_err(as_conflict)?;
        let dataset = Arc::unwrap_or_clone(updated.new_dataset);
        Ok((dataset, updated.rows_updated))
    };
    Change::new(&opened)?
        .run_to_version_with(&opened, work)
        .await
}

/// The engine tells of no conflict, but of retries that are used up.
fn as_conflict(error: lance_core::Error) -> Error {
    let error = Error::from(error);
    match error.code() {
        code::CONTENTION => error.with_code(code::COMMIT_CONFLICT_RETRYABLE),
        _ => error,
    }
}
