//! A lane as the engine's writer reads it: batches joined to what is encoded in one go.
//!
//! The engine encodes the columns of a batch side by side, but only those of which a page is full, and waits for them
//! before it looks at the next batch. A batch that fills a page of every column keeps all cores busy.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use async_trait::async_trait;
use futures::future::{self, BoxFuture};
use futures::stream::{BoxStream, poll_fn};
use futures::{FutureExt, Stream, StreamExt};
use lance::datatypes::Schema as LanceSchema;
use lance::deps::datafusion::error::DataFusionError;
use lance::deps::datafusion::execution::SendableRecordBatchStream;
use lance::deps::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use lance_core::utils::tokio::spawn_cpu;
use lance_datafusion::utils::StreamingWriteSource;

use super::lanes::{Credit, Lanes, Load, cancelled};
/// The load that is encoded, and the one that is joined meanwhile.
const LOADS: usize = 2;

/// What the engine's writer reads. Its own sources look at the first batch before they check anything, and
/// keep that batch's dictionaries alive in the schema of the new version.
pub struct LaneSource {
    schema: SchemaRef,
    stream: LaneStream,
}

impl LaneSource {
    /// The batches of `lane`, joined to about `gathered` bytes, or as they come if that is 0.
    pub fn new(lanes: Arc<Lanes>, lane: usize, schema: SchemaRef, gathered: u64) -> Self {
        Self {
            schema,
            stream: LaneStream::new(lanes, lane, gathered),
        }
    }
}

#[async_trait]
impl StreamingWriteSource for LaneSource {
    async fn into_stream_and_schema(
        self,
    ) -> lance_core::Result<(SendableRecordBatchStream, LanceSchema)> {
        let schema = LanceSchema::try_from(self.schema.as_ref())?;
        schema.validate()?;
        Ok((self.into_stream(), schema))
    }

    fn arrow_schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn into_stream(self) -> SendableRecordBatchStream {
        Box::pin(RecordBatchStreamAdapter::new(self.schema, self.stream))
    }
}

/// Whether batches can be joined whatever they hold: a joined dictionary may be too long for its keys.
pub fn can_join(schema: &Schema) -> bool {
    let mut types = schema.flattened_fields().into_iter().map(Field::data_type);
    !types.any(|data_type| matches!(data_type, DataType::Dictionary(..)))
}

/// Several batches as one; those taken apart are released.
fn join(batches: Vec<RecordBatch>) -> BoxFuture<'static, Result<RecordBatch, ArrowError>> {
    match <[RecordBatch; 1]>::try_from(batches) {
        Ok([only]) => future::ready(Ok(only)).boxed(),
        Err(batches) => spawn_cpu(move || concat_batches(&batches[0].schema(), &batches)).boxed(),
    }
}

type Joined = (Result<RecordBatch, ArrowError>, Credit);

/// A lane's batches as a stream. It ends only after an explicit finish: when the write is given up, or the
/// writer vanishes, it yields an error, so that a truncated table is never committed.
struct LaneStream {
    lanes: Arc<Lanes>,
    joined: BoxStream<'static, Joined>,
    /// Of the batch the encoder is working on; asking for the next one says it is done.
    encoding: Option<Credit>,
    ended: bool,
}

impl LaneStream {
    fn new(lanes: Arc<Lanes>, lane: usize, gathered: u64) -> Self {
        let source = lanes.clone();
        let loads = poll_fn(move |context| source.poll_load(lane, gathered, context));
        let joined = loads.map(|Load { batches, credit }| {
            // Begun here and now, not when its turn comes.
            let batch = join(batches);
            async { (batch.await, credit) }
        });
        Self {
            lanes,
            joined: joined.buffered(LOADS).boxed(),
            encoding: None,
            ended: false,
        }
    }
}

impl Stream for LaneStream {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.encoding = None;
        if self.ended {
            return Poll::Ready(None);
        }
        let mut next = None;
        if !self.lanes.is_given_up() {
            next = ready!(self.joined.poll_next_unpin(context));
        }
        if let Some((batch, credit)) = next {
            self.encoding = Some(credit);
            return Poll::Ready(Some(batch.map_err(DataFusionError::from)));
        }
        self.ended = true;
        Poll::Ready(self.lanes.is_given_up().then(|| {
            let error = lance_core::Error::external(Box::new(cancelled()));
            Err(DataFusionError::External(Box::new(error)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use futures::StreamExt;

    use super::*;

    fn batch(values: std::ops::Range<i64>) -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("id", ids)]).unwrap()
    }

    fn rows_of(lanes: &Arc<Lanes>, schema: SchemaRef) -> Vec<Vec<i64>> {
        let batches = lanes.source(0, schema).stream.map(|batch| {
            let batch = batch.unwrap();
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        });
        futures::executor::block_on(batches.collect())
    }

    #[test]
    fn small_batches_that_wait_together_are_joined_in_order() {
        let lanes = Arc::new(Lanes::new(1, 1 << 20));
        let size = JOINED_ROWS as i64 / 2;
        let parts = [
            0..10,
            10..20,
            20..size,
            size..2 * size,
            2 * size..2 * size + 1,
        ];
        for part in parts {
            lanes.push(0, batch(part)).unwrap();
        }
        lanes.close(Phase::Finishing, |_| None).unwrap();
        let rows = rows_of(&lanes, batch(0..0).schema());
        assert_eq!(
            rows.iter().map(Vec::len).collect::<Vec<_>>(),
            [JOINED_ROWS, 1]
        );
        assert_eq!(rows.concat(), (0..2 * size + 1).collect::<Vec<_>>());
        assert_eq!(lanes.stats().bytes_in_flight, 0);
    }

    #[test]
    fn large_batches_stay_as_they_are() {
        let lanes = Arc::new(Lanes::new(1, 1 << 30));
        let size = JOINED_ROWS as i64;
        lanes.push(0, batch(0..size)).unwrap();
        lanes.push(0, batch(size..size + 1)).unwrap();
        lanes.close(Phase::Finishing, |_| None).unwrap();
        let rows = rows_of(&lanes, batch(0..0).schema());
        assert_eq!(
            rows.iter().map(Vec::len).collect::<Vec<_>>(),
            [size as usize, 1]
        );
    }

    #[test]
    fn dictionaries_are_not_joined_at_any_depth() {
        let words = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let nested = DataType::new_list(words.clone(), true);
        for data_type in [words, nested] {
            assert!(!can_join(&Schema::new(vec![Field::new(
                "a", data_type, true
            )])));
        }
        assert!(can_join(&Schema::new(vec![Field::new(
            "a",
            DataType::Utf8,
            true
        )])));
    }
}
