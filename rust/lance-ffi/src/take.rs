//! Taking rows by position or id, on all cores.
//!
//! The engine plans and decodes what is taken in one task. Here a task per core takes some of the columns or, of many
//! rows, some of the rows.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes;
use lance::Dataset;
use lance::datatypes::Schema;
use lance_core::is_system_column;

use crate::error::{LanceError, Result};
use crate::tasks::{cores, run_all};

/// A task with fewer rows takes some of the columns: parts of the columns share no work, but are not equally long.
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
    let schema = projected(&dataset, columns)?;
    if matches!(by, TakeBy::Position) {
        check_positions(&dataset, &rows).await?;
    }
    let selection = Selection {
        dataset,
        by,
        rows: rows.into(),
        schema: schema.into(),
    };
    if let Some(batch) = selection.take_rows_apart().await? {
        return Ok(batch);
    }
    if let Some(batch) = selection.take_columns_apart().await? {
        return Ok(batch);
    }
    selection.take().await
}

/// What is taken.
#[derive(Clone)]
struct Selection {
    dataset: Arc<Dataset>,
    by: TakeBy,
    rows: Arc<[u64]>,
    schema: Arc<Schema>,
}

impl Selection {
    async fn take(self) -> Result<RecordBatch> {
        Ok(match self.by {
            TakeBy::Position => self.dataset.take(&self.rows, self.schema).await?,
            TakeBy::RowId => self.dataset.take_rows(&self.rows, self.schema).await?,
        })
    }

    /// None when there are too few rows, and when the parts cannot be put together: an id may have no row, and joined
    /// dictionaries may be too long for their keys.
    async fn take_rows_apart(&self) -> Result<Option<RecordBatch>> {
        let mut distinct = self.rows.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let tasks = (distinct.len() / ROWS_PER_TASK).min(cores());
        if tasks < 2 {
            return Ok(None);
        }
        let parts = distinct.chunks(distinct.len().div_ceil(tasks));
        let parts = parts.map(|rows| Self {
            rows: rows.into(),
            ..self.clone()
        });
        let taken = run_all(parts.map(Self::take)).await?;
        let Ok(batch) = concat_batches(&taken[0].schema(), &taken) else {
            return Ok(None);
        };
        if batch.num_rows() != distinct.len() {
            return Ok(None);
        }
        let place = |row: &u64| distinct.partition_point(|other| other < row) as u64;
        let places = UInt64Array::from_iter_values(self.rows.iter().map(place));
        Ok(take_record_batch(&batch, &places).ok())
    }

    /// None when there is one column, or one that is not stored.
    async fn take_columns_apart(&self) -> Result<Option<RecordBatch>> {
        let fields = &self.schema.fields;
        let tasks = fields.len().min(cores());
        if tasks < 2 || fields.iter().any(|field| is_system_column(&field.name)) {
            return Ok(None);
        }
        // Neighbours are often alike, and so go to different tasks.
        let parts = (0..tasks).map(|first| fields.iter().skip(first).step_by(tasks));
        let parts = parts.map(|fields| Self {
            schema: Arc::new(Schema {
                fields: fields.cloned().collect(),
                metadata: self.schema.metadata.clone(),
            }),
            ..self.clone()
        });
        let taken = run_all(parts.map(Self::take)).await?;
        let columns = (0..fields.len()).map(|i| {
            let (part, i) = (&taken[i % tasks], i / tasks);
            (part.schema_ref().field(i).clone(), part.column(i).clone())
        });
        let (fields, columns): (Vec<_>, Vec<_>) = columns.unzip();
        let metadata = taken[0].schema_ref().metadata.clone();
        let schema = datatypes::Schema::new_with_metadata(fields, metadata);
        Ok(Some(RecordBatch::try_new(Arc::new(schema), columns)?))
    }
}

/// The columns to read; a name that does not exist is an error here, where the engine would panic.
fn projected(dataset: &Dataset, columns: Option<Vec<String>>) -> Result<Schema> {
    Ok(match columns {
        None => dataset.schema().clone(),
        Some(columns) => dataset.schema().project_preserve_system_columns(&columns)?,
    })
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
