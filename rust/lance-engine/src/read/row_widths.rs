//! How many rows a batch may have, so that wide rows make it no larger than memory likes, and its text no longer than
//! offsets of 32 bits count.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, UInt64Type};
use lance::Dataset;
use lance::dataset::ProjectionRequest;
use lance::datatypes::Field;

use super::attempt::attempt;
use super::columns::columns;
use super::data_bytes::data_bytes;
use crate::batch_bytes::batch_bytes;
use crate::error::Result;
use crate::fault;
use crate::sync::lock;

/// A batch is to have about so many bytes at most.
pub const MOST_BYTES: u64 = 32 << 20;
/// Rows of a batch that are not asked for by number.
pub const BATCH_ROWS: usize = 8192;
/// Rows looked at, and bytes on disk for that.
const SAMPLE_ROWS: u64 = 16;
const SAMPLE_BYTES: u64 = 32 << 20;
/// The description of a blob.
const BLOB_BYTES: u64 = 64;

/// Bytes of some rows of the columns that have no fixed width, as far as they were asked for.
#[derive(Default)]
pub struct RowWidths(Mutex<HashMap<String, Arc<[u64]>>>);

impl RowWidths {
    /// The rows of a batch of these columns, or None where as many as ever will do. `blobs` come as their bytes.
    pub async fn batch_rows(
        &self,
        dataset: &Arc<Dataset>,
        names: &BTreeSet<String>,
        blobs: bool,
    ) -> Option<usize> {
        let rows = MOST_BYTES / self.row_bytes(dataset, names, blobs).await;
        (rows < BATCH_ROWS as u64).then_some(rows.max(1) as usize)
    }

    /// About how many bytes a wide row of these columns has, at least one.
    pub async fn row_bytes(
        &self,
        dataset: &Arc<Dataset>,
        names: &BTreeSet<String>,
        blobs: bool,
    ) -> u64 {
        let fields = dataset.schema().fields.iter();
        let fields = fields.filter(|field| names.contains(&field.name));
        let fixed_bytes = |field: &&Field| match field.is_blob() {
            true => (!blobs).then_some(BLOB_BYTES),
            false => type_bytes(&field.data_type()),
        };
        let (fixed, varying): (Vec<_>, Vec<_>) =
            fields.partition(|field| fixed_bytes(field).is_some());
        let mut width: u64 = fixed.iter().filter_map(fixed_bytes).sum();
        if !varying.is_empty() {
            let names: Vec<_> = varying.iter().map(|field| field.name.clone()).collect();
            let looked_at = attempt(self.look(dataset, &names)).await;
            width += looked_at.map_or(0, |rows| wide(&rows));
        }
        width.max(1)
    }

    /// The bytes of some rows, all of these columns together.
    async fn look(&self, dataset: &Arc<Dataset>, names: &[String]) -> Result<Vec<u64>> {
        let unknown: Vec<_> = {
            let known = lock(&self.0);
            let unknown = names.iter().filter(|name| !known.contains_key(*name));
            unknown.cloned().collect()
        };
        if !unknown.is_empty() {
            fault::point()?;
            let widths = sample(dataset, &unknown).await?;
            lock(&self.0).extend(unknown.into_iter().zip(widths));
        }
        let known = lock(&self.0);
        let columns: Vec<_> = names.iter().filter_map(|name| known.get(name)).collect();
        let rows = columns.iter().map(|column| column.len()).min();
        let row = |i| columns.iter().map(|column| column[i]).sum();
        Ok((0..rows.unwrap_or(0)).map(row).collect())
    }
}

/// The bytes of some rows spread evenly, for each of the columns.
async fn sample(dataset: &Arc<Dataset>, names: &[String]) -> Result<Vec<Arc<[u64]>>> {
    let total = dataset.count_rows(None).await? as u64;
    let bytes: u64 = dataset.fragments().iter().map(data_bytes).sum();
    let affordable = SAMPLE_BYTES.saturating_mul(total) / bytes.max(1);
    let rows = affordable.clamp(1, SAMPLE_ROWS).min(total);
    let positions: Vec<_> = (0..rows).map(|i| i * total / rows).collect();
    let columns = columns(dataset.schema(), Some(names))?;
    let columns = columns
        .into_iter()
        .map(|column| (column.name, column.expression));
    let batch = dataset
        .take(&positions, ProjectionRequest::from_sql(columns))
        .await?;
    let fields = &dataset.schema().fields;
    let is_blob = |name: &String| {
        fields
            .iter()
            .any(|field| field.name == *name && field.is_blob())
    };
    let blobs: Vec<_> = names.iter().map(is_blob).collect();
    let width = |column: usize, row| match blobs[column] {
        true => Ok(described_bytes(batch.column(column), row)),
        false => Ok(batch_bytes(&batch.project(&[column])?.slice(row, 1))),
    };
    (0..batch.num_columns())
        .map(|column| {
            (0..batch.num_rows())
                .map(|row| width(column, row))
                .collect()
        })
        .collect()
}

/// The bytes of a blob, as far as its description tells.
fn described_bytes(column: &ArrayRef, row: usize) -> u64 {
    let sizes = column
        .as_struct_opt()
        .and_then(|blob| blob.column_by_name("size"));
    let sizes = sizes.and_then(|sizes| sizes.as_primitive_opt::<UInt64Type>());
    BLOB_BYTES + sizes.map_or(0, |sizes| sizes.value(row))
}

/// The mean of the widest quarter: wide rows may be neighbours.
fn wide(rows: &[u64]) -> u64 {
    let mut rows = rows.to_vec();
    rows.sort_unstable_by(|a, b| b.cmp(a));
    let quarter = rows.len().div_ceil(4);
    rows[..quarter].iter().sum::<u64>() / quarter.max(1) as u64
}

fn type_bytes(data_type: &DataType) -> Option<u64> {
    match data_type {
        DataType::Null | DataType::Boolean => Some(1),
        DataType::FixedSizeBinary(bytes) => Some(*bytes as u64),
        DataType::FixedSizeList(item, items) => {
            Some(type_bytes(item.data_type())?.saturating_mul(*items as u64))
        }
        DataType::Struct(fields) => {
            let bytes = fields.iter().map(|field| type_bytes(field.data_type()));
            bytes.sum()
        }
        other => other.primitive_width().map(|bytes| bytes as u64),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field as ArrowField;

    use super::*;

    #[test]
    fn types_of_fixed_width() {
        let vector = DataType::new_fixed_size_list(DataType::Float32, 1536, true);
        assert_eq!(type_bytes(&vector), Some(6144));
        let pair = |t: DataType| {
            DataType::Struct(
                vec![
                    ArrowField::new("a", DataType::Int64, true),
                    ArrowField::new("b", t, true),
                ]
                .into(),
            )
        };
        assert_eq!(type_bytes(&pair(vector)), Some(6152));
        assert_eq!(type_bytes(&pair(DataType::Utf8)), None);
        assert_eq!(type_bytes(&DataType::new_list(DataType::Int8, true)), None);
    }

    #[test]
    fn a_quarter_of_the_rows_tells_the_width() {
        assert_eq!(wide(&[]), 0);
        assert_eq!(wide(&[7]), 7);
        assert_eq!(wide(&[1, 100, 1, 1, 1, 200, 1, 1]), 150);
    }
}
