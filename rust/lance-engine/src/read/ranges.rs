//! Taking ranges of rows, as a stream of batches that are read side by side.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::StreamExt;
use futures::stream;

use super::batches::Yield;
use super::opened::Opened;
use super::row_widths::BATCH_ROWS;
use super::take::{Selection, TakeBy, outputs};
use crate::error::{Error, Result};
use crate::parallel::{beside, cores};
use crate::settings::{RowRange, TakeSettings};
use crate::task::Task;

/// The rows of the ranges, one range after another.
pub fn take_ranges(
    opened: Arc<Opened>,
    ranges: Vec<RowRange>,
    settings: TakeSettings,
) -> Task<(SchemaRef, Yield)> {
    Box::pin(async move {
        let dataset = opened.dataset.clone();
        let columns = outputs(&dataset, &settings)?;
        let ranges = checked(&ranges, dataset.count_rows(None).await? as u64)?;
        let reads: BTreeSet<_> = columns.iter().flat_map(|it| it.reads.clone()).collect();
        let batch_rows = opened.widths.batch_rows(&dataset, &reads, false).await;
        let nothing = Selection {
            dataset,
            by: TakeBy::Position,
            rows: Arc::default(),
            columns: columns.into(),
        };
        let schema = nothing.clone().take_at_once().await?.schema();
        let pieces = Pieces::of(ranges, batch_rows.unwrap_or(BATCH_ROWS));
        let expected = schema.clone();
        let batches = stream::iter(pieces)
            .map(move |rows| {
                let rows = rows.into();
                beside(
                    Selection {
                        rows,
                        ..nothing.clone()
                    }
                    .take_at_once(),
                )
            })
            .buffered(cores())
            .map(move |batch| with_schema(&expected, batch?));
        Ok((schema, batches.into()))
    })
}

/// The engine says of some rows other than of none whether values may be null.
pub fn with_schema(schema: &SchemaRef, batch: RecordBatch) -> Result<RecordBatch> {
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().to_vec();
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns,
        &rows,
    )?)
}

/// The ranges as positions, all of which the dataset has.
fn checked(ranges: &[RowRange], rows: u64) -> Result<Vec<Range<u64>>> {
    let positions = |range: &RowRange| {
        let (first, count) = (range.first_row, range.row_count);
        match first.checked_add(count).filter(|end| *end <= rows) {
            Some(end) => Ok(first..end),
            None => Err(Error::invalid_argument(format!(
                "a range of {count} rows from row {first} on is out of range: the dataset has {rows} rows"
            ))),
        }
    };
    ranges.iter().map(positions).collect()
}

/// The positions of one batch after another.
struct Pieces {
    ranges: std::vec::IntoIter<Range<u64>>,
    current: Range<u64>,
    /// Of a batch.
    rows: usize,
}

impl Pieces {
    fn of(ranges: Vec<Range<u64>>, rows: usize) -> Self {
        Self {
            ranges: ranges.into_iter(),
            current: 0..0,
            rows,
        }
    }
}

impl Iterator for Pieces {
    type Item = Vec<u64>;

    fn next(&mut self) -> Option<Vec<u64>> {
        let mut positions = Vec::new();
        while positions.len() < self.rows {
            if self.current.is_empty() {
                match self.ranges.next() {
                    Some(next) => self.current = next,
                    None => break,
                }
            }
            let room = (self.rows - positions.len()) as u64;
            let end = self
                .current
                .end
                .min(self.current.start.saturating_add(room));
            positions.extend(self.current.start..end);
            self.current.start = end;
        }
        (!positions.is_empty()).then_some(positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first_row: u64, row_count: u64) -> RowRange {
        RowRange {
            first_row,
            row_count,
        }
    }

    #[test]
    fn pieces_are_full_but_for_the_last_and_keep_the_order() {
        let pieces: Vec<_> = Pieces::of(vec![7..9, 3..3, 0..4, 8..9], 3).collect();
        assert_eq!(pieces, [vec![7, 8, 0], vec![1, 2, 3], vec![8]]);
        assert_eq!(Pieces::of(vec![5..5, 7..7], 3).count(), 0);
    }

    #[test]
    fn ranges_that_end_beyond_the_dataset_are_refused() {
        assert_eq!(
            checked(&[range(2, 3), range(5, 0)], 5).unwrap(),
            [2..5, 5..5]
        );
        for wrong in [range(2, 4), range(6, 0), range(u64::MAX, 2)] {
            assert!(checked(&[wrong], 5).is_err());
        }
    }
}
