//! A lane as the engine's writer reads it: batches joined to what is encoded in one go.
//!
//! The engine encodes the columns of a batch side by side, but only those of which a page is full, and waits for them
//! before it looks at the next batch. A batch that fills a page of every column keeps all cores busy.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::stream::{BoxStream, poll_fn};
use futures::{Stream, StreamExt};
use lance::datatypes::Schema as LanceSchema;
use lance::deps::datafusion::error::DataFusionError;
use lance::deps::datafusion::execution::SendableRecordBatchStream;
use lance::deps::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use lance_core::utils::tokio::spawn_cpu;
use lance_datafusion::utils::StreamingWriteSource;

use super::booleans::aligned;
use super::dictionaries::Joined;
use super::lanes::Load;
use super::tuning::Tuning;
use super::{Credit, Lanes};
use crate::engine_error::as_engine_error;
use crate::error::Result;
use crate::sync::lock;

/// The load that is encoded, and the one that comes in and is joined meanwhile.
pub const LOADS: usize = 2;

/// A lane's batches, for one engine write after the other.
pub struct LaneReader(Mutex<LaneStream>);

impl LaneReader {
    /// `rooms` are those of `Dictionaries`. Without a tuning all loads are encoded alike.
    pub fn new(
        lanes: Arc<Lanes>,
        lane: usize,
        rooms: Vec<usize>,
        tuning: Option<Tuning>,
        join: impl Fn(Vec<RecordBatch>) -> Result<Joined> + Clone + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self(Mutex::new(LaneStream::new(
            lanes, lane, rooms, tuning, join,
        ))))
    }

    /// What the next engine write reads: as much as may be in one file.
    pub fn part(
        self: &Arc<Self>,
        arrow_schema: SchemaRef,
        schema: LanceSchema,
        max_rows_per_file: usize,
    ) -> impl StreamingWriteSource + 'static {
        LaneSource {
            arrow_schema,
            schema,
            max_rows_per_file,
            reader: self.clone(),
        }
    }

    /// Whether a part ended before the lane did. The first one is empty where there is a tuning, which depends on what
    /// comes: by that part the engine accepts the schema and the target.
    pub fn has_more(&self) -> bool {
        lock(&self.0).next.is_some()
    }

    /// The schema by which the part that comes next is encoded, unless it is the one before it.
    pub fn tuned(&self) -> Option<LanceSchema> {
        let mut stream = lock(&self.0);
        let LaneStream { tuning, next, .. } = &mut *stream;
        let (next, _) = next.as_ref()?;
        Some(tuning.as_mut()?.adopt(&next.batch))
    }
}

/// What the engine's writer reads. Its own sources look at the first batch before they check anything, and
/// keep that batch's dictionaries alive in the schema of the new version.
struct LaneSource {
    arrow_schema: SchemaRef,
    schema: LanceSchema,
    max_rows_per_file: usize,
    reader: Arc<LaneReader>,
}

#[async_trait]
impl StreamingWriteSource for LaneSource {
    async fn into_stream_and_schema(
        self,
    ) -> lance_core::Result<(SendableRecordBatchStream, LanceSchema)> {
        let schema = self.schema.clone();
        Ok((self.into_stream(), schema))
    }

    fn arrow_schema(&self) -> SchemaRef {
        self.arrow_schema.clone()
    }

    fn into_stream(self) -> SendableRecordBatchStream {
        let reader = self.reader;
        let part = poll_fn(move |context| lock(&reader.0).poll_next_unpin(context));
        let part = RecordBatchStreamAdapter::new(self.arrow_schema, part.fuse());
        aligned(Box::pin(part), self.max_rows_per_file)
    }
}

/// A lane's batches as a stream. It ends only after an explicit finish, or where a new file has to begin: when the write
/// is given up, or the writer vanishes, it yields an error, so that a truncated table is never committed.
struct LaneStream {
    lanes: Arc<Lanes>,
    joined: BoxStream<'static, Result<(Joined, Credit)>>,
    /// Of the batch the encoder is working on; asking for the next one says it is done.
    encoding: Option<Credit>,
    /// For each column with narrow keys, how many values they can count. A reader puts the dictionaries of a file behind
    /// each other.
    rooms: Vec<usize>,
    /// How many values these have so far.
    lengths: Vec<usize>,
    tuning: Option<Tuning>,
    /// The first load of the next file.
    next: Option<(Joined, Credit)>,
    ended: bool,
}

impl LaneStream {
    fn new(
        lanes: Arc<Lanes>,
        lane: usize,
        rooms: Vec<usize>,
        tuning: Option<Tuning>,
        join: impl Fn(Vec<RecordBatch>) -> Result<Joined> + Clone + Send + 'static,
    ) -> Self {
        let source = lanes.clone();
        let loads = poll_fn(move |context| source.poll_load(lane, context));
        let joined = loads.map(move |load| {
            // Begun here and now, not when its turn comes.
            let joining = load.map(|Load { batches, credit }| {
                let join = join.clone();
                (spawn_cpu(move || join(batches)), credit)
            });
            async {
                let (joined, credit) = joining?;
                Ok((joined.await?, credit))
            }
        });
        Self {
            lanes,
            joined: joined.buffered(LOADS).boxed(),
            encoding: None,
            lengths: vec![0; rooms.len()],
            rooms,
            tuning,
            next: None,
            ended: false,
        }
    }

    fn poll_joined(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<(Joined, Credit)>>> {
        if let Some(failure) = self.lanes.failure() {
            return Poll::Ready(Some(Err(failure)));
        }
        match self.next.take() {
            Some(next) => Poll::Ready(Some(Ok(next))),
            None => self.joined.poll_next_unpin(context),
        }
    }

    /// Whether a load is encoded like the file so far, and a reader can put its dictionaries behind those.
    fn fits(&self, load: &Joined) -> bool {
        let mut sums = self.lengths.iter().zip(&load.lengths).zip(&self.rooms);
        let is_first = self.lengths.iter().all(|length| *length == 0);
        let has_room = is_first || sums.all(|((sum, more), room)| sum + more < *room);
        has_room
            && self
                .tuning
                .as_ref()
                .is_none_or(|tuning| tuning.suits(&load.batch))
    }
}

impl Stream for LaneStream {
    type Item = std::result::Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.encoding = None;
        if self.ended {
            return Poll::Ready(None);
        }
        let (joined, credit) = match ready!(self.poll_joined(context)) {
            Some(Ok(next)) => next,
            outcome => {
                self.ended = true;
                let failure = outcome.and_then(Result::err);
                return Poll::Ready(failure.map(|error| Err(as_engine_error(error))));
            }
        };
        if !self.fits(&joined) {
            self.lengths.fill(0);
            self.next = Some((joined, credit));
            return Poll::Ready(None);
        }
        for (sum, more) in self.lengths.iter_mut().zip(&joined.lengths) {
            *sum += more;
        }
        self.encoding = Some(credit);
        Poll::Ready(Some(Ok(joined.batch)))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::Int64Type;
    use lance::dataset::transaction::{Operation, Transaction};

    use super::*;
    use crate::error::Error;
    use crate::settings::EncodingProfile;

    const VALUE: u64 = size_of::<i64>() as u64;

    fn batch(values: Range<i64>) -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("id", ids)]).unwrap()
    }

    fn values_of(batch: RecordBatch) -> Vec<i64> {
        batch
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    }

    /// A lane whose loads are said to have dictionaries as long as their first value says, for keys that count 10.
    fn reader(lanes: &Arc<Lanes>) -> Arc<LaneReader> {
        LaneReader::new(lanes.clone(), 0, vec![10], None, |batches| {
            let batch = concat_batches(&batches[0].schema(), &batches)?;
            let lengths = vec![values_of(batch.clone())[0] as usize];
            Ok(Joined { batch, lengths })
        })
    }

    fn stream(lanes: &Arc<Lanes>) -> LaneStream {
        LaneStream::new(lanes.clone(), 0, Vec::new(), None, |batches| {
            let batch = concat_batches(&batches[0].schema(), &batches)?;
            Ok(Joined {
                batch,
                lengths: Vec::new(),
            })
        })
    }

    /// Finish the write, while `drain` takes what the lane has.
    fn finish<T>(lanes: &Arc<Lanes>, drain: impl FnOnce() -> T) -> T {
        let closing = {
            let lanes = lanes.clone();
            std::thread::spawn(move || lanes.finish(|_| Ok(()), |_| {}))
        };
        let drained = drain();
        let nothing = Operation::Append {
            fragments: Vec::new(),
        };
        lanes.lane_ended(0, Ok(Transaction::new(0, nothing, None)));
        closing.join().unwrap().unwrap();
        assert_eq!(lanes.accepted().bytes_in_flight, 0);
        drained
    }

    /// What is encoded of these batches, when all of them are there.
    fn loads(batches: &[Range<i64>], gathered: u64) -> Vec<Vec<i64>> {
        let longest = if gathered > 0 { gathered } else { u64::MAX };
        let lanes = Arc::new(Lanes::new(1, 1 << 20, gathered, longest));
        for values in batches {
            lanes.push(0, batch(values.clone())).unwrap();
        }
        finish(&lanes, || {
            let loads = stream(&lanes).map(|load| values_of(load.unwrap()));
            futures::executor::block_on(loads.collect())
        })
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
        lanes.fail(Error::invalid_state("enough"));
        assert!(futures::executor::block_on(stream.next()).unwrap().is_err());
        assert!(futures::executor::block_on(stream.next()).is_none());
        drop(stream);
        assert_eq!(lanes.accepted().bytes_in_flight, 0);
    }

    #[test]
    fn a_file_ends_where_its_dictionaries_would_be_too_long_together() {
        let lanes = Arc::new(Lanes::new(1, 1 << 20, 0, u64::MAX));
        for first in [4, 5, 1, 20, 3] {
            lanes.push(0, batch(first..first + 1)).unwrap();
        }
        let reader = reader(&lanes);
        let files = finish(&lanes, || {
            let mut files = Vec::new();
            loop {
                let schema = batch(0..0).schema();
                let lance_schema = LanceSchema::try_from(schema.as_ref()).unwrap();
                let part = reader.part(schema, lance_schema, usize::MAX).into_stream();
                let part = part.map(|load| values_of(load.unwrap())[0]);
                files.push(futures::executor::block_on(part.collect::<Vec<_>>()));
                if !reader.has_more() {
                    return files;
                }
            }
        });
        assert_eq!(files, [vec![4, 5], vec![1], vec![20], vec![3]]);
    }

    #[test]
    fn a_part_ends_before_a_load_that_is_encoded_otherwise() {
        const ROWS: usize = 40_000;
        let texts = |text: &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
                text, ROWS,
            )))
        };
        let loads = ["a", "b", "a longer one", "c"]
            .map(|text| RecordBatch::try_from_iter([("t", texts(text))]).unwrap());
        let schema = loads[0].schema();
        let lance_schema = LanceSchema::try_from(schema.as_ref()).unwrap();
        let lanes = Arc::new(Lanes::new(1, 1 << 30, 0, u64::MAX));
        for load in &loads {
            lanes.push(0, load.clone()).unwrap();
        }
        let tuning = Tuning::new(EncodingProfile::Read, lance_schema.clone());
        let reader = LaneReader::new(lanes.clone(), 0, Vec::new(), tuning, |batches| {
            let batch = batches[0].clone();
            let lengths = Vec::new();
            Ok(Joined { batch, lengths })
        });
        let parts = finish(&lanes, || {
            let mut parts = Vec::new();
            loop {
                let tuned = reader.tuned();
                let part = reader.part(schema.clone(), lance_schema.clone(), usize::MAX);
                let part = part.into_stream().map(|load| load.unwrap());
                let part: Vec<_> = futures::executor::block_on(part.collect());
                parts.push((tuned.is_some(), part));
                if !reader.has_more() {
                    return parts;
                }
            }
        });
        let [a, b, c, d] = loads;
        assert_eq!(
            parts,
            [(false, vec![]), (true, vec![a, b]), (true, vec![c, d])]
        );
    }
}
