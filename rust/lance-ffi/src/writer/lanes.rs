//! The hand-over between producers and encoders: one ordered queue per lane, one bound on the bytes of all.
//!
//! Producers only ever wait on a condition variable; encoders only ever wait as futures.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use async_trait::async_trait;
use futures::Stream;
use lance::dataset::progress::WriteStats;
use lance::dataset::transaction::Transaction;
use lance::datatypes::Schema as LanceSchema;
use lance::deps::datafusion::error::DataFusionError;
use lance::deps::datafusion::execution::SendableRecordBatchStream;
use lance::deps::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use lance_datafusion::utils::StreamingWriteSource;

use super::bytes::batch_bytes;
use super::progress::LanceWriteStats;
use crate::error::{LanceError, Result, code};
use crate::params::Versioned;
use crate::sync::lock;

/// Small batches that wait together are joined up to this: each batch costs the encoder something.
const JOINED_ROWS: usize = 8192;
const JOINED_BYTES: u64 = 1 << 20;

/// Where a write stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Batches are accepted.
    Open,
    /// The producers are done: what is queued is written, then the lanes end.
    Finishing,
    /// The write is given up: the lanes fail at once.
    Aborting,
    /// Finished, with a commit or a transaction.
    Finished,
    /// Nothing was committed, and the files are gone.
    Closed,
}

struct Lane {
    queue: VecDeque<Queued>,
    queued_bytes: u64,
    encoder: Option<Waker>,
    /// The encoder asked for its first batch: schema and target are accepted.
    started: bool,
    outcome: Option<Result<Transaction>>,
    written: WriteStats,
}

struct Queued {
    batch: RecordBatch,
    bytes: u64,
}

struct State {
    phase: Phase,
    lanes: Vec<Lane>,
    /// The first failure of any lane; every later call returns it.
    failure: Option<LanceError>,
    stats: LanceWriteStats,
}

/// The lanes of one write.
pub struct Lanes {
    state: Mutex<State>,
    changed: Condvar,
    max_bytes_in_flight: u64,
}

impl Lanes {
    pub fn new(count: usize, max_bytes_in_flight: u64) -> Self {
        let lane = || Lane {
            queue: VecDeque::new(),
            queued_bytes: 0,
            encoder: None,
            started: false,
            outcome: None,
            written: WriteStats::default(),
        };
        Self {
            state: Mutex::new(State {
                phase: Phase::Open,
                lanes: (0..count).map(|_| lane()).collect(),
                failure: None,
                stats: LanceWriteStats::INIT,
            }),
            changed: Condvar::new(),
            max_bytes_in_flight,
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Check that `lane` exists and the write still accepts batches.
    pub fn check_open(&self, lane: usize) -> Result<()> {
        let state = lock(&self.state);
        if lane >= state.lanes.len() {
            return Err(LanceError::invalid_argument(format!(
                "there is no lane {lane}: the writer has {}",
                state.lanes.len()
            )));
        }
        state.accepts()
    }

    /// The lane that has the least to do.
    pub fn idlest(&self) -> usize {
        let state = lock(&self.state);
        let least = state
            .lanes
            .iter()
            .enumerate()
            .min_by_key(|(_, lane)| lane.queued_bytes);
        least.map_or(0, |(index, _)| index)
    }

    /// Queue one batch; wait for room. A batch larger than the bound is taken when nothing else is in flight.
    pub fn push(&self, lane: usize, batch: RecordBatch) -> Result<()> {
        let bytes = batch_bytes(&batch);
        let mut state = lock(&self.state);
        loop {
            state.accepts()?;
            let in_flight = state.stats.bytes_in_flight;
            if in_flight == 0 || in_flight + bytes <= self.max_bytes_in_flight {
                break;
            }
            state = self.wait(state);
            if state.phase == Phase::Aborting || state.phase == Phase::Closed {
                return Err(state.failure.clone().unwrap_or_else(cancelled));
            }
        }
        let stats = &mut state.stats;
        stats.batches += 1;
        stats.rows += batch.num_rows() as u64;
        stats.bytes += bytes;
        // A batch without rows has nothing to write.
        if batch.num_rows() == 0 {
            drop(state);
            return Ok(());
        }
        stats.bytes_in_flight += bytes;
        stats.peak_bytes_in_flight = stats.peak_bytes_in_flight.max(stats.bytes_in_flight);
        let lane = &mut state.lanes[lane];
        lane.queue.push_back(Queued { batch, bytes });
        lane.queued_bytes += bytes;
        let encoder = lane.encoder.take();
        drop(state);
        if let Some(encoder) = encoder {
            encoder.wake();
        }
        Ok(())
    }

    /// Wait until every encoder has accepted the schema and the target, or one has not.
    pub fn wait_until_started(&self) -> Result<()> {
        let mut state = lock(&self.state);
        loop {
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            if state
                .lanes
                .iter()
                .all(|lane| lane.started || lane.outcome.is_some())
            {
                return Ok(());
            }
            state = self.wait(state);
        }
    }

    /// Stop accepting batches. Only the first caller goes on; `refuse` tells the others why not.
    pub fn close(&self, next: Phase, refuse: impl Fn(Phase) -> Option<Result<()>>) -> Result<bool> {
        let mut state = lock(&self.state);
        loop {
            if let Some(answer) = refuse(state.phase) {
                return answer.map(|()| false);
            }
            match state.phase {
                Phase::Open => break,
                // Somebody else is closing: ask again when it is done. An abort cuts a finish short.
                Phase::Finishing if next == Phase::Aborting => {
                    state.phase = Phase::Aborting;
                    state = self.wake_all(state);
                }
                _ => {}
            }
            state = self.wait(state);
        }
        state.phase = next;
        drop(self.wake_all(state));
        Ok(true)
    }

    /// Wait for the end of all encoders and take what they made. Queued batches are released by then.
    pub fn join(&self) -> Vec<Result<Transaction>> {
        let mut state = lock(&self.state);
        while !state.lanes.iter().all(|lane| lane.outcome.is_some()) {
            state = self.wait(state);
        }
        state
            .lanes
            .iter_mut()
            .filter_map(|lane| lane.outcome.take())
            .collect()
    }

    /// Record how the write ended.
    pub fn end(&self, phase: Phase) {
        lock(&self.state).phase = phase;
        self.changed.notify_all();
    }

    pub fn failure(&self) -> Option<LanceError> {
        lock(&self.state).failure.clone()
    }

    /// Fail the write: every lane stops, every later call returns `error`.
    pub fn fail(&self, error: LanceError) {
        let mut state = lock(&self.state);
        state.failure.get_or_insert(error);
        let dropped = state.drain();
        drop(self.wake_all(state));
        drop(dropped);
    }

    /// Record the end of an encoder. A failure stops the other lanes too.
    pub fn lane_ended(&self, lane: usize, outcome: Result<Transaction>) {
        let failure = outcome.as_ref().err().cloned();
        lock(&self.state).lanes[lane].outcome = Some(outcome);
        match failure {
            Some(error) => self.fail(error),
            None => self.changed.notify_all(),
        }
    }

    pub fn record_written(&self, lane: usize, written: WriteStats) {
        lock(&self.state).lanes[lane].written = written;
    }

    pub fn stats(&self) -> LanceWriteStats {
        let state = lock(&self.state);
        let mut stats = state.stats;
        for lane in &state.lanes {
            stats.rows_written += lane.written.rows_written;
            stats.bytes_written += lane.written.bytes_written;
            stats.files_written += u64::from(lane.written.files_written);
        }
        stats
    }

    fn wake_all<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let encoders: Vec<_> = state
            .lanes
            .iter_mut()
            .filter_map(|lane| lane.encoder.take())
            .collect();
        drop(state);
        encoders.into_iter().for_each(Waker::wake);
        self.changed.notify_all();
        lock(&self.state)
    }

    /// The batches of `lane` as the encoder reads them.
    pub fn source(self: &Arc<Self>, lane: usize, schema: SchemaRef) -> LaneSource {
        let stream = LaneStream {
            lanes: self.clone(),
            lane,
            joins: can_join(&schema),
            encoding: 0,
            ended: false,
        };
        LaneSource { schema, stream }
    }
}

impl Lane {
    /// Take the next batch, and if they may be joined those behind it that are small together with it.
    fn take_next(&mut self, joins: bool) -> Vec<Queued> {
        let (mut rows, mut bytes) = (0, 0);
        let small = self.queue.iter().take_while(|queued| {
            rows += queued.batch.num_rows();
            bytes += queued.bytes;
            joins && rows <= JOINED_ROWS && bytes <= JOINED_BYTES
        });
        let count = small.count().max(1).min(self.queue.len());
        let taken: Vec<_> = self.queue.drain(..count).collect();
        self.queued_bytes -= total_bytes(&taken);
        taken
    }
}

fn total_bytes(queued: &[Queued]) -> u64 {
    queued.iter().map(|queued| queued.bytes).sum()
}

/// Whether batches can be joined whatever they hold: a joined dictionary may be too long for its keys.
fn can_join(schema: &Schema) -> bool {
    let mut types = schema.flattened_fields().into_iter().map(Field::data_type);
    !types.any(|data_type| matches!(data_type, DataType::Dictionary(..)))
}

/// Several batches as one.
fn join(taken: Vec<Queued>) -> std::result::Result<RecordBatch, ArrowError> {
    let batches: Vec<_> = taken.into_iter().map(|queued| queued.batch).collect();
    match <[RecordBatch; 1]>::try_from(batches) {
        Ok([only]) => Ok(only),
        Err(batches) => concat_batches(&batches[0].schema(), &batches),
    }
}

impl State {
    fn accepts(&self) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Finishing | Phase::Finished => {
                Err(LanceError::invalid_state("the writer is finished"))
            }
            Phase::Aborting | Phase::Closed => Err(LanceError::invalid_state(
                "the writer is closed: it was aborted or it failed",
            )),
        }
    }

    /// Take out all queued batches, to be released outside the lock.
    fn drain(&mut self) -> Vec<Queued> {
        let drained: Vec<_> = self
            .lanes
            .iter_mut()
            .flat_map(|lane| {
                lane.queued_bytes = 0;
                lane.queue.drain(..)
            })
            .collect();
        self.stats.bytes_in_flight -= total_bytes(&drained);
        drained
    }
}

fn cancelled() -> LanceError {
    LanceError::new(code::CANCELLED, "the write was aborted")
}

/// What the engine's writer reads. Its own sources look at the first batch before they check anything, and
/// keep that batch's dictionaries alive in the schema of the new version.
pub struct LaneSource {
    schema: SchemaRef,
    stream: LaneStream,
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

/// A lane's batches as a stream. It ends only after an explicit finish: when the write is given up, or the
/// writer vanishes, it yields an error, so that a truncated table is never committed.
struct LaneStream {
    lanes: Arc<Lanes>,
    lane: usize,
    joins: bool,
    /// Bytes of the batch the encoder is working on; asking for the next one says it is done.
    encoding: u64,
    ended: bool,
}

impl LaneStream {
    fn return_credit(&mut self, state: &mut State) {
        state.stats.bytes_in_flight -= std::mem::take(&mut self.encoding);
    }
}

impl Stream for LaneStream {
    type Item = std::result::Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let lanes = self.lanes.clone();
        let mut state = lock(&lanes.state);
        self.return_credit(&mut state);
        let given_up = state.failure.is_some() || state.phase == Phase::Aborting;
        let finishing = state.phase == Phase::Finishing;
        let lane = &mut state.lanes[self.lane];
        lane.started = true;
        let next = if given_up {
            self.ended = true;
            let error = lance_core::Error::external(Box::new(cancelled()));
            Poll::Ready(Some(Err(DataFusionError::External(Box::new(error)))))
        } else if !lane.queue.is_empty() {
            let taken = lane.take_next(self.joins);
            self.encoding = total_bytes(&taken);
            drop(state);
            lanes.changed.notify_all();
            return Poll::Ready(Some(join(taken).map_err(DataFusionError::from)));
        } else if finishing {
            self.ended = true;
            Poll::Ready(None)
        } else {
            lane.encoder = Some(context.waker().clone());
            Poll::Pending
        };
        drop(state);
        lanes.changed.notify_all();
        next
    }
}

impl Drop for LaneStream {
    fn drop(&mut self) {
        let lanes = self.lanes.clone();
        self.return_credit(&mut lock(&lanes.state));
        lanes.changed.notify_all();
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
