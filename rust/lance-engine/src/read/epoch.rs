//! Reading the rows of an epoch: in loads of several batches, some of them at once, and batch by batch of these.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::batches::Yield;
use super::live_rows::LiveRows;
use super::order::Order;
use super::ranges::with_schema;
use super::take::Selection;
use crate::error::{Error, Result, code};
use crate::parallel::beside;

/// Rows that are to be read.
pub struct Epoch {
    pub rows: Arc<LiveRows>,
    pub order: Order,
    /// Those of the order that are wanted.
    pub places: Range<u64>,
    /// Of no rows yet.
    pub selection: Selection,
    pub schema: SchemaRef,
}

/// How rows are read.
#[derive(Clone, Copy)]
pub struct Loads {
    /// Of the first load, which somebody waits for; of the others twice as many as of the one before, until
    pub first_rows: u64,
    /// it has these. Rows that are stored near each other are read together all the same.
    pub rows: u64,
    pub at_once: usize,
    /// In which one of them is read.
    pub tasks: usize,
}

impl Epoch {
    /// All batches but the last have so many rows.
    pub fn batches(self, loads: Loads, batch_rows: usize) -> Yield {
        let schema = self.schema.clone();
        let cutting = Cutting {
            schema: schema.clone(),
            loads: self.loads(loads).boxed(),
            rest: None,
            rows: batch_rows,
        };
        let batches = stream::try_unfold(cutting, |mut cutting| async move {
            Ok(cutting.next().await?.map(|batch| (batch, cutting)))
        });
        batches.into()
    }

    fn loads(self, loads: Loads) -> impl Stream<Item = Result<RecordBatch>> + Send {
        let pieces = Pieces {
            next: self.places.start,
            end: self.places.end,
            rows: loads.first_rows,
            most: loads.rows,
        };
        let epoch = Arc::new(self);
        let cut = epoch.clone();
        stream::iter(pieces.cut_by(move |place| cut.order.near_end(place)))
            .map(move |places| beside(epoch.clone().load(places, loads.tasks)))
            .buffered(loads.at_once)
    }

    async fn load(self: Arc<Self>, places: Range<u64>, tasks: usize) -> Result<RecordBatch> {
        let rows = self.order.at(places);
        let addresses: Arc<[u64]> = rows.iter().map(|row| self.rows.address(*row)).collect();
        let expected = addresses.len();
        let selection = Selection {
            rows: addresses,
            ..self.selection.clone()
        };
        let batch = selection.take_as_stored(tasks).await?;
        match batch.num_rows() == expected {
            true => with_schema(&self.schema, batch),
            false => Err(Error::new(
                code::CORRUPT,
                format!(
                    "{} rows came of {expected} that the version has",
                    batch.num_rows()
                ),
            )),
        }
    }
}

/// The places of one load after another.
struct Pieces {
    next: u64,
    end: u64,
    /// Of the next piece, and of the largest.
    rows: u64,
    most: u64,
}

impl Pieces {
    /// `near_end` says up to where it pays to read on.
    fn cut_by(mut self, near_end: impl Fn(u64) -> u64) -> impl Iterator<Item = Range<u64>> {
        std::iter::from_fn(move || {
            if self.next >= self.end {
                return None;
            }
            let last = self.next.saturating_add(self.rows).min(self.end) - 1;
            let piece = self.next..near_end(last).min(self.end);
            self.next = piece.end;
            self.rows = (2 * self.rows).min(self.most);
            Some(piece)
        })
    }
}

/// Loads that are cut into batches.
struct Cutting {
    schema: SchemaRef,
    loads: BoxStream<'static, Result<RecordBatch>>,
    /// Of the last load.
    rest: Option<RecordBatch>,
    rows: usize,
}

impl Cutting {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut parts: Vec<RecordBatch> = Vec::new();
        let mut missing = self.rows;
        while missing > 0 {
            let load = match self.rest.take() {
                Some(rest) => rest,
                None => match self.loads.try_next().await? {
                    Some(load) => load,
                    None => break,
                },
            };
            let taken = missing.min(load.num_rows());
            if taken < load.num_rows() {
                self.rest = Some(load.slice(taken, load.num_rows() - taken));
            }
            parts.push(load.slice(0, taken));
            missing -= taken;
        }
        match parts.len() {
            0 | 1 => Ok(parts.pop()),
            _ => Ok(Some(concat_batches(&self.schema, &parts)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, UInt64Array};
    use arrow::datatypes::UInt64Type;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn pieces_grow_and_end_where_it_pays() {
        let pieces = |rows, most, near_end: fn(u64) -> u64| -> Vec<Range<u64>> {
            let (next, end) = (3, 40);
            let pieces = Pieces {
                next,
                end,
                rows,
                most,
            };
            pieces.cut_by(near_end).collect()
        };
        assert_eq!(
            pieces(4, 12, |place| place + 1),
            [3..7, 7..15, 15..27, 27..39, 39..40]
        );
        assert_eq!(
            pieces(1, 8, |place| place - place % 10 + 10),
            [3..10, 10..20, 20..30, 30..40]
        );
        let whole = std::slice::from_ref(&(3..40));
        assert_eq!(pieces(100, 100, |place| place + 1), whole);
    }

    #[test]
    fn batches_are_full_but_for_the_last() {
        let batch = |numbers: Range<u64>| {
            let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(numbers));
            RecordBatch::try_from_iter([("x", column)]).expect("a batch")
        };
        for (rows, expected) in [
            (1, vec![1; 11]),
            (3, vec![3, 3, 3, 2]),
            (4, vec![4, 4, 3]),
            (11, vec![11]),
            (12, vec![11]),
        ] {
            let loads = [batch(0..5), batch(5..6), batch(6..6), batch(6..11)];
            let mut cutting = Cutting {
                schema: loads[0].schema(),
                loads: stream::iter(loads.map(Ok)).boxed(),
                rest: None,
                rows,
            };
            let mut numbers = Vec::<u64>::new();
            let mut sizes = Vec::new();
            while let Some(batch) = block_on(cutting.next()).expect("no error") {
                sizes.push(batch.num_rows());
                numbers.extend(batch.column(0).as_primitive::<UInt64Type>().values().iter());
            }
            assert_eq!(sizes, expected);
            assert!(numbers.into_iter().eq(0..11_u64));
        }
    }
}
