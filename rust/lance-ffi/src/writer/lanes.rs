//! The hand-over between producers and encoders: one ordered queue per lane, one bound on the bytes of all.
//!
//! Producers only ever wait on a condition variable; encoders only ever wait as futures.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use arrow::array::RecordBatch;
use lance::dataset::progress::WriteStats;
use lance::dataset::transaction::Transaction;

use super::bytes::batch_bytes;
use super::progress::LanceWriteStats;
use crate::error::{LanceError, Result, code};
use crate::params::Versioned;
use crate::sync::lock;

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
    /// What is queued, and what the encoder holds.
    bytes_in_flight: u64,
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
    /// A producer found no room, and none has been made since.
    is_full: bool,
    /// Loads that are joined or encoded: the end of one makes room.
    loads: usize,
    /// The first failure of any lane; every later call returns it.
    failure: Option<LanceError>,
    stats: LanceWriteStats,
}

/// The lanes of one write.
pub struct Lanes {
    state: Mutex<State>,
    changed: Condvar,
    max_bytes_in_flight: u64,
    /// What is encoded together, in bytes; 0 encodes batches as they come.
    gathered_bytes: u64,
    /// A longer batch is encoded in parts.
    longest_bytes: u64,
}

impl Lanes {
    pub fn new(
        count: usize,
        max_bytes_in_flight: u64,
        gathered_bytes: u64,
        longest_bytes: u64,
    ) -> Self {
        let lane = || Lane {
            queue: VecDeque::new(),
            queued_bytes: 0,
            bytes_in_flight: 0,
            encoder: None,
            started: false,
            outcome: None,
            written: WriteStats::default(),
        };
        Self {
            state: Mutex::new(State {
                phase: Phase::Open,
                lanes: (0..count).map(|_| lane()).collect(),
                is_full: false,
                loads: 0,
                failure: None,
                stats: LanceWriteStats::INIT,
            }),
            changed: Condvar::new(),
            max_bytes_in_flight,
            gathered_bytes,
            longest_bytes,
        }
    }

    /// A batch in parts that are not too long: the memory of the encoder is bounded by that.
    fn parts(&self, batch: RecordBatch) -> Vec<Queued> {
        let queued = |batch| Queued {
            bytes: batch_bytes(&batch),
            batch,
        };
        let whole = queued(batch);
        let rows = whole.batch.num_rows();
        let count = (whole.bytes / self.longest_bytes).max(1);
        let rows_of_part = rows.div_ceil(count as usize).max(1);
        if rows_of_part >= rows {
            return vec![whole];
        }
        (0..rows)
            .step_by(rows_of_part)
            .map(|start| queued(whole.batch.slice(start, rows_of_part.min(rows - start))))
            .collect()
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
            .min_by_key(|(_, lane)| lane.bytes_in_flight);
        least.map_or(0, |(index, _)| index)
    }

    /// Wait until so many bytes more may be in flight. More than the bound may be when nothing else is.
    fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        bytes: u64,
    ) -> (MutexGuard<'a, State>, Result<()>) {
        let bound = self.max_bytes_in_flight;
        let has_room = |state: &State| {
            let in_flight = state.stats.bytes_in_flight;
            in_flight == 0 || in_flight + bytes <= bound
        };
        let mut outcome = Ok(());
        while outcome.is_ok() && !has_room(&state) {
            state = if state.is_full {
                self.wait(state)
            } else {
                // An encoder that gathers batches may have to go on with what it has.
                state.is_full = true;
                self.wake_encoders(state)
            };
            outcome = state.accepts();
            if matches!(state.phase, Phase::Aborting | Phase::Closed) {
                outcome = Err(state.failure.clone().unwrap_or_else(cancelled));
            }
        }
        (state, outcome)
    }

    /// Queue one batch; wait for room.
    pub fn push(&self, lane: usize, batch: RecordBatch) -> Result<()> {
        let rows = batch.num_rows() as u64;
        let parts = self.parts(batch);
        let bytes = total_bytes(&parts);
        let state = lock(&self.state);
        state.accepts()?;
        let (mut state, outcome) = self.wait_for_room(state, bytes);
        outcome?;
        let stats = &mut state.stats;
        stats.batches += 1;
        stats.rows += rows;
        stats.bytes += bytes;
        // A batch without rows has nothing to write.
        if rows == 0 {
            drop(state);
            return Ok(());
        }
        stats.bytes_in_flight += bytes;
        stats.peak_bytes_in_flight = stats.peak_bytes_in_flight.max(stats.bytes_in_flight);
        let enough = state.enough(self.gathered_bytes);
        let lane = &mut state.lanes[lane];
        lane.queue.extend(parts);
        lane.queued_bytes += bytes;
        lane.bytes_in_flight += bytes;
        // Woken for less, it would only go back to sleep.
        let encoder = match lane.queued_bytes >= enough {
            true => lane.encoder.take(),
            false => None,
        };
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

    fn wake_encoders<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let encoders: Vec<_> = state
            .lanes
            .iter_mut()
            .filter_map(|lane| lane.encoder.take())
            .collect();
        drop(state);
        encoders.into_iter().for_each(Waker::wake);
        lock(&self.state)
    }

    fn wake_all<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let state = self.wake_encoders(state);
        self.changed.notify_all();
        state
    }

    /// What the encoder of `lane` is given next: as many batches as are encoded together, fewer when no more can
    /// come. It ends after a finish, and when the write is given up.
    pub fn poll_load(self: &Arc<Self>, lane: usize, context: &Context<'_>) -> Poll<Option<Load>> {
        let mut state = lock(&self.state);
        let given_up = state.is_given_up();
        let finishing = state.phase == Phase::Finishing;
        let enough = state.enough(self.gathered_bytes);
        let entry = &mut state.lanes[lane];
        let newly_started = !std::mem::replace(&mut entry.started, true);
        let polled = if given_up {
            Poll::Ready(None)
        } else if entry.queued_bytes >= enough && !entry.queue.is_empty() {
            let (batches, bytes) = entry.take(self.gathered_bytes);
            state.loads += 1;
            let lanes = self.clone();
            Poll::Ready(Some(Load {
                batches,
                credit: Credit { lanes, lane, bytes },
            }))
        } else if finishing {
            Poll::Ready(None)
        } else {
            entry.encoder = Some(context.waker().clone());
            Poll::Pending
        };
        drop(state);
        if newly_started {
            self.changed.notify_all();
        }
        polled
    }

    pub fn is_given_up(&self) -> bool {
        lock(&self.state).is_given_up()
    }
}

/// Batches that are encoded together.
pub struct Load {
    pub batches: Vec<RecordBatch>,
    pub credit: Credit,
}

/// The part of the bound that a load takes up, until this is dropped.
pub struct Credit {
    lanes: Arc<Lanes>,
    lane: usize,
    bytes: u64,
}

impl Drop for Credit {
    fn drop(&mut self) {
        let mut state = lock(&self.lanes.state);
        state.stats.bytes_in_flight -= self.bytes;
        state.lanes[self.lane].bytes_in_flight -= self.bytes;
        state.loads -= 1;
        state.is_full = false;
        drop(state);
        self.lanes.changed.notify_all();
    }
}

impl Lane {
    /// Take the next batch, and those behind it as long as they have at most so many bytes together.
    fn take(&mut self, most: u64) -> (Vec<RecordBatch>, u64) {
        let mut sum = 0;
        let fitting = self.queue.iter().take_while(|queued| {
            sum += queued.bytes;
            sum <= most
        });
        let count = fitting.count().max(1);
        let taken: Vec<_> = self.queue.drain(..count).collect();
        let bytes = total_bytes(&taken);
        self.queued_bytes -= bytes;
        (
            taken.into_iter().map(|queued| queued.batch).collect(),
            bytes,
        )
    }
}

fn total_bytes(queued: &[Queued]) -> u64 {
    queued.iter().map(|queued| queued.bytes).sum()
}

impl State {
    fn is_given_up(&self) -> bool {
        self.failure.is_some() || self.phase == Phase::Aborting
    }

    /// How many bytes of a lane are worth encoding now.
    fn enough(&self, gathered: u64) -> u64 {
        let cannot_grow = self.is_full && self.loads == 0;
        if self.phase == Phase::Finishing || cannot_grow {
            0
        } else if self.is_full {
            gathered / 2
        } else {
            gathered
        }
    }

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
                lane.bytes_in_flight -= std::mem::take(&mut lane.queued_bytes);
                lane.queue.drain(..)
            })
            .collect();
        self.stats.bytes_in_flight -= total_bytes(&drained);
        drained
    }
}

pub fn cancelled() -> LanceError {
    LanceError::new(code::CANCELLED, "the write was aborted")
}

#[cfg(test)]
pub mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    pub const VALUE: u64 = size_of::<i64>() as u64;

    pub fn batch(values: std::ops::Range<i64>) -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("id", ids)]).unwrap()
    }

    fn next_load(lanes: &Arc<Lanes>) -> Option<Load> {
        match lanes.poll_load(0, &Context::from_waker(Waker::noop())) {
            Poll::Ready(load) => load,
            Poll::Pending => None,
        }
    }

    #[test]
    fn less_than_half_a_load_waits_while_another_load_is_going_to_make_room() {
        let lanes = Arc::new(Lanes::new(1, 7 * VALUE, 4 * VALUE, u64::MAX));
        lanes.push(0, batch(0..4)).unwrap();
        lanes.push(0, batch(4..5)).unwrap();
        let first = next_load(&lanes).unwrap();
        assert_eq!(first.credit.bytes, 4 * VALUE);
        let producer = {
            let lanes = lanes.clone();
            std::thread::spawn(move || lanes.push(0, batch(5..8)))
        };
        while !lock(&lanes.state).is_full {
            std::thread::yield_now();
        }
        assert!(next_load(&lanes).is_none());
        drop(first);
        producer.join().unwrap().unwrap();
        assert_eq!(next_load(&lanes).unwrap().credit.bytes, 4 * VALUE);
    }
}
