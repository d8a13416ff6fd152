//! The rows of a search that finds few, taken by their ids.
//!
//! The engine takes their columns as the last step of the plan, in one task. Here the plan ends with the ids, and the rows
//! are taken as any others are, on all cores.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{SchemaRef, UInt64Type};
use futures::TryStreamExt;
use lance::dataset::scanner::Scanner;
use lance_core::{ROW_ID, is_system_column};
use lance_io::stream::RecordBatchStream;

use super::found::ranks_few;
use super::opened::Opened;
use super::take::{TakeBy, take};
use crate::error::{Error, Result};
use crate::fault;
use crate::settings::{BlobHandling, Materialization, ScanSettings, TakeSettings};

/// The answer, if these rows can be taken. None where the plan yields them.
pub async fn found_rows(
    opened: &Arc<Opened>,
    settings: &ScanSettings,
    scanner: &Scanner,
    schema: &SchemaRef,
) -> Result<Option<RecordBatch>> {
    let Some((rank, taken)) = ranks_few(settings)
        .filter(|_| is_plain(settings))
        .and_then(|rank| Some((rank, taken_columns(settings, rank)?)))
    else {
        return Ok(None);
    };
    fault::point()?;
    let found = Found::by(scanner, rank).await?;
    let ids = found.ids.values().to_vec();
    let rows = take(opened.clone(), TakeBy::RowId, ids, taken).await?;
    if rows.num_rows() != found.ids.len() {
        return Ok(None);
    }
    let columns = schema.fields().iter().map(|field| {
        let column: ArrayRef = match field.name().as_str() {
            name if name == rank => found.ranks.clone(),
            ROW_ID => Arc::new(found.ids.clone()),
            name => rows.column_by_name(name)?.clone(),
        };
        (column.data_type() == field.data_type()).then_some(column)
    });
    let Some(columns) = columns.collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    Ok(Some(RecordBatch::try_new(schema.clone(), columns)?))
}

/// Nothing is told of how it is read, nor asked for it.
fn is_plain(settings: &ScanSettings) -> bool {
    settings.expressions.is_empty()
        && settings.aggregates.is_empty()
        && settings.order_by.is_empty()
        && settings.statistics.is_none()
        && settings.batch_size.is_none()
        && settings.batch_bytes.is_none()
        && !settings.strict_batch_size
        && !settings.with_row_address
        && settings.materialization == Materialization::Heuristic
        && settings.blob_handling == BlobHandling::Descriptions
}

/// What is taken of the rows: None where a column has no value of its own in them.
fn taken_columns(settings: &ScanSettings, rank: &str) -> Option<TakeSettings> {
    let columns = match &settings.columns {
        None => None,
        Some(names) if names.iter().any(|name| is_system_column(name)) => return None,
        Some(names) => {
            let stored = names.iter().filter(|name| *name != rank);
            let stored: Vec<_> = stored.cloned().collect();
            // Nothing is to be taken.
            if stored.is_empty() {
                return None;
            }
            Some(stored)
        }
    };
    Some(TakeSettings {
        columns,
        ..TakeSettings::default()
    })
}

/// The ids of rows, and their ranks.
struct Found {
    ids: UInt64Array,
    ranks: ArrayRef,
}

impl Found {
    async fn by(scanner: &Scanner, rank: &str) -> Result<Self> {
        let mut scanner = scanner.clone();
        scanner.project_with_transform(&[(rank, rank)])?;
        scanner.with_row_id();
        let stream = scanner.try_into_stream().await?;
        let schema = stream.schema();
        let batches: Vec<_> = stream.try_collect().await?;
        let all = concat_batches(&schema, &batches)?;
        let place = |name: &str| Ok::<_, Error>(schema.index_of(name)?);
        Ok(Self {
            ids: all
                .column(place(ROW_ID)?)
                .as_primitive::<UInt64Type>()
                .clone(),
            ranks: all.column(place(rank)?).clone(),
        })
    }
}
