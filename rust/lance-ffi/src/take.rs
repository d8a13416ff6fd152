//! Taking rows by position or id, on all cores.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use lance::Dataset;
use lance::dataset::ProjectionRequest;

use crate::error::{LanceError, Result};
use crate::tasks::{cores, run_all};

/// The engine decodes what is taken in one task, which pays for few rows. A task of ours takes at least so many.
const ROWS_PER_TASK: usize = 1024;

#[derive(Clone, Copy)]
pub enum TakeBy {
    Position,
    RowId,
}

/// The rows in the order given, as often as they are named.
pub async fn take(
    dataset: Arc<Dataset>,
    by: TakeBy,
    rows: Vec<u64>,
    columns: Option<Vec<String>>,
) -> Result<RecordBatch> {
    let projection = projection(&dataset, columns)?;
    if matches!(by, TakeBy::Position) {
        check_positions(&dataset, &rows).await?;
    }
    if let Some(batch) = take_in_tasks(&dataset, by, &rows, &projection).await? {
        return Ok(batch);
    }
    take_at_once(dataset, by, rows, projection).await
}

async fn take_at_once(
    dataset: Arc<Dataset>,
    by: TakeBy,
    rows: Vec<u64>,
    projection: ProjectionRequest,
) -> Result<RecordBatch> {
    Ok(match by {
        TakeBy::Position => dataset.take(&rows, projection).await?,
        TakeBy::RowId => dataset.take_rows(&rows, projection).await?,
    })
}

/// None when there are too few rows, and when the parts cannot be put together: an id may have no row, and joined
/// dictionaries may be too long for their keys.
async fn take_in_tasks(
    dataset: &Arc<Dataset>,
    by: TakeBy,
    rows: &[u64],
    projection: &ProjectionRequest,
) -> Result<Option<RecordBatch>> {
    let mut distinct = rows.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let tasks = (distinct.len() / ROWS_PER_TASK).min(cores());
    if tasks < 2 {
        return Ok(None);
    }
    let parts = distinct.chunks(distinct.len().div_ceil(tasks));
    let parts =
        parts.map(|part| take_at_once(dataset.clone(), by, part.to_vec(), projection.clone()));
    let taken = run_all(parts).await?;
    let Ok(batch) = concat_batches(&taken[0].schema(), &taken) else {
        return Ok(None);
    };
    if batch.num_rows() != distinct.len() {
        return Ok(None);
    }
    let place = |row: &u64| distinct.partition_point(|other| other < row) as u64;
    let places = UInt64Array::from_iter_values(rows.iter().map(place));
    Ok(take_record_batch(&batch, &places).ok())
}

/// The columns to read; a name that does not exist is an error here, where the engine would panic.
fn projection(dataset: &Dataset, columns: Option<Vec<String>>) -> Result<ProjectionRequest> {
    let Some(columns) = columns else {
        return Ok(dataset.schema().clone().into());
    };
    let schema = dataset.schema().project_preserve_system_columns(&columns)?;
    Ok(schema.into())
}

/// The engine's message for a position out of range speaks of row addresses.
async fn check_positions(dataset: &Dataset, positions: &[u64]) -> Result<()> {
    let rows = dataset.count_rows(None).await? as u64;
    match positions.iter().find(|position| **position >= rows) {
        Some(position) => Err(LanceError::invalid_argument(format!(
            "row {position} is out of range: the dataset has {rows} rows"
        ))),
        None => Ok(()),
    }
}
