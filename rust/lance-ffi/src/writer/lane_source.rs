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

/// The load that is encoded, and the one that comes in and is joined meanwhile.
pub const LOADS: usize = 2;

/// What the engine's writer reads. Its own sources look at the first batch before they check anything, and
/// keep that batch's dictionaries alive in the schema of the new version.
pub struct LaneSource {
    schema: SchemaRef,
    stream: LaneStream,
}

impl LaneSource {
    /// The batches of `lane`, joined to loads.
    pub fn new(lanes: Arc<Lanes>, lane: usize, schema: SchemaRef) -> Self {
        Self {
            schema,
            stream: LaneStream::new(lanes, lane),
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
    fn new(lanes: Arc<Lanes>, lane: usize) -> Self {
        let source = lanes.clone();
        let loads = poll_fn(move |context| source.poll_load(lane, context));
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
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::writer::lanes::Phase;
    use crate::writer::lanes::tests::{VALUE, batch};

    fn values_of(batch: RecordBatch) -> Vec<i64> {
        batch
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    }

    fn stream(lanes: &Arc<Lanes>) -> LaneStream {
        LaneSource::new(lanes.clone(), 0, batch(0..0).schema()).stream
    }

    /// What is encoded of these batches, when all of them are there.
    fn loads(batches: &[std::ops::Range<i64>], gathered: u64) -> Vec<Vec<i64>> {
        let longest = if gathered > 0 { gathered } else { u64::MAX };
        let lanes = Arc::new(Lanes::new(1, 1 << 20, gathered, longest));
        for values in batches {
            lanes.push(0, batch(values.clone())).unwrap();
        }
        lanes.close(Phase::Finishing, |_| None).unwrap();
        let loads = stream(&lanes).map(|load| values_of(load.unwrap()));
        let loads = futures::executor::block_on(loads.collect());
        assert_eq!(lanes.stats().bytes_in_flight, 0);
        loads
    }

    #[test]
    fn batches_are_joined_in_order_up_to_what_is_gathered() {
        let loads = loads(&[0..10, 10..20, 20..30, 30..70, 70..71], 30 * VALUE);
        let sizes: Vec<_> = loads.iter().map(Vec::len).collect();
        assert_eq!(sizes, [30, 40, 1]);
        assert_eq!(loads.concat(), (0..71).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_batch_is_encoded_in_parts() {
        let loads = loads(&[0..100, 100..101], 30 * VALUE);
        let sizes: Vec<_> = loads.iter().map(Vec::len).collect();
        assert_eq!(sizes, [34, 34, 32, 1]);
        assert_eq!(loads.concat(), (0..101).collect::<Vec<_>>());
    }

    #[test]
    fn batches_stay_as_they_are_when_nothing_is_gathered() {
        assert_eq!(loads(&[0..1, 1..3], 0), [vec![0], vec![1, 2]]);
    }

    #[test]
    fn an_encoder_waits_for_a_full_load_but_not_when_a_producer_waits() {
        let lanes = Arc::new(Lanes::new(1, 3 * VALUE, 100 * VALUE, u64::MAX));
        let mut stream = stream(&lanes);
        lanes.push(0, batch(0..2)).unwrap();
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(stream.poll_next_unpin(&mut context).is_pending());
        let producer = {
            let lanes = lanes.clone();
            std::thread::spawn(move || lanes.push(0, batch(2..4)))
        };
        let load = futures::executor::block_on(stream.next());
        assert_eq!(values_of(load.unwrap().unwrap()), [0, 1]);
        // To ask for more says that the load is encoded, which makes room for the producer.
        assert!(stream.poll_next_unpin(&mut context).is_pending());
        producer.join().unwrap().unwrap();
    }

    #[test]
    fn a_write_that_is_given_up_ends_with_an_error_whatever_is_joined() {
        let lanes = Arc::new(Lanes::new(1, 1 << 20, VALUE, VALUE));
        let mut stream = stream(&lanes);
        for i in 0..4 {
            lanes.push(0, batch(i..i + 1)).unwrap();
        }
        assert!(futures::executor::block_on(stream.next()).unwrap().is_ok());
        lanes.fail(cancelled());
        assert!(futures::executor::block_on(stream.next()).unwrap().is_err());
        assert!(futures::executor::block_on(stream.next()).is_none());
        drop(stream);
        assert_eq!(lanes.stats().bytes_in_flight, 0);
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
