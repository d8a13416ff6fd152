//! Taking rows by position, id or address, on all cores.
//!
//! The engine plans and decodes what is taken in one task. Here a task per core takes some of the columns or, of many
//! rows, some of the rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Fields, Schema};
use lance::Dataset;
use lance::dataset::{ProjectionRequest, TakeBuilder};
use lance_core::utils::address::RowAddress;
use lance_core::{ROW_ID, ROW_OFFSET, is_system_column};

use super::attempt::attempt;
use super::expression;
use super::found::Found;
use super::opened::Opened;
use super::projection::{Names, Output};
use super::shrink::too_long;
use crate::error::{Error, Result};
use crate::fault;
use crate::panics::contained;
use crate::parallel::{cores, run_all};
use crate::settings::TakeSettings;
use crate::task::Task;

/// A task with fewer rows takes some of the columns: parts of the columns share no work, but are not equally long.
const ROWS_PER_TASK: usize = 1024;

#[derive(Clone, Copy)]
pub enum TakeBy {
    Position,
    RowId,
    Address,
}

/// The rows in the order given, as often as they are named.
pub fn take(
    opened: Arc<Opened>,
    by: TakeBy,
    mut rows: Vec<u64>,
    settings: TakeSettings,
) -> Task<RecordBatch> {
    Box::pin(async move {
        let dataset = opened.dataset.clone();
        let columns = outputs(&dataset, &settings)?;
        match by {
            TakeBy::Position => check_positions(&dataset, &rows).await?,
            TakeBy::RowId if dataset.manifest().uses_stable_row_ids() => {}
            TakeBy::RowId => leave_out_unstored(&dataset, &mut rows).await?,
            TakeBy::Address => check_addresses(&dataset, &rows).await?,
        }
        let selection = Selection {
            dataset,
            by,
            rows: rows.into(),
            columns: columns.into(),
        };
        if let Some(batch) = attempt(selection.take_rows_apart()).await.flatten() {
            return Ok(batch);
        }
        if let Some(batch) = attempt(selection.take_columns_apart()).await.flatten() {
            return Ok(batch);
        }
        selection.take_at_once().await
    })
}

/// The columns that a take returns.
pub fn outputs(dataset: &Arc<Dataset>, settings: &TakeSettings) -> Result<Vec<Output>> {
    Names::of(dataset, Found::default(), &settings.expressions)?
        .outputs(settings.columns.as_deref())
}

/// What is taken.
#[derive(Clone)]
pub struct Selection {
    pub dataset: Arc<Dataset>,
    pub by: TakeBy,
    pub rows: Arc<[u64]>,
    pub columns: Arc<[Output]>,
}

impl Selection {
    /// In one task.
    pub async fn take_at_once(self) -> Result<RecordBatch> {
        let computes = self.columns.iter().any(|column| column.stored.is_none());
        let taken = match self.computed_apart() {
            Some(parts) => contained(self.take_parts(&parts)).await,
            None => contained(self.take()).await,
        };
        taken.map_err(|error| {
            let error = too_long(error.while_reading(), "these rows have");
            match computes {
                true => expression::blame("an expression", error),
                false => error,
            }
        })
    }

    async fn take(self) -> Result<RecordBatch> {
        let columns = self.columns.iter();
        let mut columns: Vec<_> = columns
            .map(|column| (column.name.as_str(), column.sql.as_str()))
            .collect();
        if columns.is_empty() {
            columns.push((ROW_ID, ROW_ID)); // The engine counts what it reads.
        }
        let projection = ProjectionRequest::from_sql(columns);
        let taken = match self.by {
            TakeBy::Position => self.dataset.take(&self.rows, projection).await?,
            TakeBy::RowId => self.dataset.take_rows(&self.rows, projection).await?,
            TakeBy::Address => {
                let plan = projection.into_projection_plan(self.dataset.clone())?;
                let (dataset, rows) = (self.dataset.clone(), self.rows.to_vec());
                TakeBuilder::try_new_from_addresses(dataset, rows, plan.into())?
                    .execute()
                    .await?
            }
        };
        match self.columns.is_empty() {
            true => Ok(taken.project(&[])?),
            false => as_scanned(taken),
        }
    }

    /// In so many tasks, which read rows as they are stored: other orders cost the engine more than us.
    pub async fn take_as_stored(self, tasks: usize) -> Result<RecordBatch> {
        match attempt(self.take_sorted(distinct(&self.rows), tasks))
            .await
            .flatten()
        {
            Some(batch) => Ok(batch),
            None => self.take_at_once().await,
        }
    }

    /// None when there are too few rows, and where `take_sorted` cannot do it.
    async fn take_rows_apart(&self) -> Result<Option<RecordBatch>> {
        let distinct = distinct(&self.rows);
        let tasks = (distinct.len() / ROWS_PER_TASK).min(cores());
        match tasks < 2 {
            true => Ok(None),
            false => self.take_sorted(distinct, tasks).await,
        }
    }

    /// These are taken in so many parts, and then put into the order asked for. None when the parts cannot be put
    /// together: an id may have no row, and joined dictionaries may be too long for their keys.
    async fn take_sorted(&self, distinct: Vec<u64>, tasks: usize) -> Result<Option<RecordBatch>> {
        fault::point()?;
        let parts = distinct.chunks(distinct.len().div_ceil(tasks).max(1));
        let parts = parts.map(|rows| Self {
            rows: rows.into(),
            ..self.clone()
        });
        let taken = run_all(parts.map(Self::take)).await?;
        let Some(first) = taken.first() else {
            return Ok(None);
        };
        let batch = concat_batches(&first.schema(), &taken)?;
        if batch.num_rows() != distinct.len() {
            return Ok(None);
        }
        Ok(Some(in_order(batch, &distinct, &self.rows)?))
    }

    /// None when there is one column, or one that is not stored.
    async fn take_columns_apart(&self) -> Result<Option<RecordBatch>> {
        let columns = &self.columns;
        let tasks = columns.len().min(cores());
        if tasks < 2 || columns.iter().any(|column| column.stored.is_none()) {
            return Ok(None);
        }
        // Neighbours are often alike, and so go to different tasks.
        let parts = (0..tasks).map(|first| (first..columns.len()).step_by(tasks).collect());
        Ok(Some(self.take_parts(&parts.collect::<Vec<_>>()).await?))
    }

    /// Which columns are computed, and which are not, where the engine cannot take both at once.
    fn computed_apart(&self) -> Option<[Vec<usize>; 2]> {
        let column = |i: &usize| &self.columns[*i];
        let is_computed =
            |i: &usize| column(i).stored.is_none() && !is_system_column(&column(i).name);
        let (computed, others): (Vec<_>, Vec<_>) = (0..self.columns.len()).partition(is_computed);
        let is_mixed = !computed.is_empty() && others.iter().any(|i| column(i).name == ROW_OFFSET);
        is_mixed.then_some([computed, others])
    }

    /// Columns by their places, a task for each part of them.
    async fn take_parts(&self, parts: &[Vec<usize>]) -> Result<RecordBatch> {
        fault::point()?;
        let selections = parts.iter().map(|part| Self {
            columns: part.iter().map(|i| self.columns[*i].clone()).collect(),
            ..self.clone()
        });
        let taken = run_all(selections.map(Self::take)).await?;
        let mut columns: Vec<_> = parts
            .iter()
            .zip(&taken)
            .flat_map(|(part, taken)| {
                let fields = taken.schema_ref().fields().iter().cloned();
                let columns = fields.zip(taken.columns().iter().cloned());
                part.iter().zip(columns)
            })
            .collect();
        columns.sort_by_key(|(place, _)| **place);
        let (fields, columns): (Vec<_>, Vec<_>) = columns.into_iter().map(|(_, it)| it).unzip();
        let metadata = taken[0].schema_ref().metadata.clone();
        let schema = Schema::new_with_metadata(fields, metadata);
        Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
    }
}

/// Each row once, as they are stored.
pub fn distinct(rows: &[u64]) -> Vec<u64> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// What was taken of distinct rows, in the order asked for.
pub fn in_order(batch: RecordBatch, distinct: &[u64], asked: &[u64]) -> Result<RecordBatch> {
    if distinct == asked {
        return Ok(batch);
    }
    let place = |row: &u64| distinct.partition_point(|other| other < row) as u64;
    let places = UInt64Array::from_iter_values(asked.iter().map(place));
    Ok(take_record_batch(&batch, &places)?)
}

/// What a scan calls nullable is so here.
fn as_scanned(taken: RecordBatch) -> Result<RecordBatch> {
    let schema = taken.schema();
    let fields = schema
        .fields()
        .iter()
        .map(|field| match field.name() == ROW_OFFSET {
            true => field.as_ref().clone().with_nullable(true).into(),
            false => field.clone(),
        });
    let fields: Fields = fields.collect();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    Ok(taken.with_schema(schema.into())?)
}

/// The engine's message for a position out of range speaks of row addresses.
async fn check_positions(dataset: &Dataset, positions: &[u64]) -> Result<()> {
    let rows = dataset.count_rows(None).await? as u64;
    match positions.iter().find(|position| **position >= rows) {
        Some(position) => Err(Error::invalid_argument(format!(
            "row {position} is out of range: the dataset has {rows} rows"
        ))),
        None => Ok(()),
    }
}

/// How many rows are stored in each of the fragments that have one of these addresses, deleted rows among them.
async fn stored_rows(dataset: &Dataset, addresses: &[u64]) -> Result<HashMap<u32, u64>> {
    let mut stored = HashMap::new();
    for address in addresses {
        let id = RowAddress::from(*address).fragment_id();
        if stored.contains_key(&id) {
            continue;
        }
        if let Some(fragment) = dataset.get_fragment(id as usize) {
            stored.insert(id, fragment.physical_rows().await? as u64);
        }
    }
    Ok(stored)
}

fn is_stored(address: u64, stored: &HashMap<u32, u64>) -> bool {
    let address = RowAddress::from(address);
    let rows = stored.get(&address.fragment_id());
    rows.is_some_and(|rows| u64::from(address.row_offset()) < *rows)
}

/// The engine panics on some addresses where nothing is stored.
async fn check_addresses(dataset: &Dataset, addresses: &[u64]) -> Result<()> {
    let stored = stored_rows(dataset, addresses).await?;
    let Some(wrong) = addresses.iter().find(|it| !is_stored(**it, &stored)) else {
        return Ok(());
    };
    let place = RowAddress::from(*wrong);
    let (id, row) = (place.fragment_id(), place.row_offset());
    Err(Error::invalid_argument(match stored.get(&id) {
        Some(rows) => format!(
            "row address {wrong} is out of range: it is row {row} of fragment {id}, which has {rows} rows"
        ),
        None => format!("row address {wrong} is out of range: there is no fragment {id}"),
    }))
}

/// Row ids that are not stable are addresses. One where nothing is stored is that of no row.
async fn leave_out_unstored(dataset: &Dataset, row_ids: &mut Vec<u64>) -> Result<()> {
    let stored = stored_rows(dataset, row_ids).await?;
    row_ids.retain(|id| is_stored(*id, &stored));
    Ok(())
}
