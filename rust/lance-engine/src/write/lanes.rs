//! The hand-over between producers and encoders: one ordered queue per lane, one bound on the bytes of all, and the
//! one state that says how far the write is.
//!
//! Producers, and those who close the write, only ever wait on a condition variable; encoders only ever wait as
//! futures. A decision is made under one hold of the lock. `rust/writer-model` runs this file through every order of
//! its threads, so it knows nothing of the engine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::error::{Error, Result, code};
use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait};

/// What producers hand over.
pub trait Batch: Sized {
    fn row_count(&self) -> usize;
    /// What its rows hold of memory.
    fn byte_count(&self) -> u64;
    /// So many rows from the `first` on, in the same memory.
    fn part(&self, first: usize, rows: usize) -> Self;
}

/// Where a write stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Batches are accepted.
    Open,
    /// The producers are done: what is queued is written, then the lanes end.
    Finishing,
    /// All encoders have succeeded. Only the commit can fail the write from here on.
    Committing,
    /// The write is given up, and its files are being deleted.
    Aborting,
    /// Finished, with a commit or a transaction.
    Finished,
    /// Nothing was committed, and the files are gone.
    Closed,
}

struct Lane<B, T> {
    queue: VecDeque<Queued<B>>,
    queued_bytes: u64,
    /// What is queued, and what the encoder holds.
    bytes_in_flight: u64,
    encoder: Option<Waker>,
    /// The encoder asked for its first batch: schema and target are accepted.
    started: bool,
    outcome: Option<Result<T>>,
}

struct Queued<B> {
    batch: B,
    bytes: u64,
}

/// What was accepted so far.
#[derive(Clone, Copy, Default)]
pub struct Accepted {
    pub batches: u64,
    pub rows: u64,
    pub bytes: u64,
    pub bytes_in_flight: u64,
    pub peak_bytes_in_flight: u64,
}

struct State<B, T> {
    phase: Phase,
    lanes: Vec<Lane<B, T>>,
    /// A producer found no room, and none has been made since.
    is_full: bool,
    /// Loads that are joined or encoded: the end of one makes room.
    loads: usize,
    /// Why the write is given up: the first failure of any lane, or an abort. Every later call returns it.
    failure: Option<Error>,
    accepted: Accepted,
}

/// The lanes of one write. `B` is what is pushed, `T` what an encoder makes of it.
pub struct Lanes<B: Batch, T> {
    state: Mutex<State<B, T>>,
    changed: Condvar,
    max_bytes_in_flight: u64,
    /// What is encoded together, in bytes; 0 encodes batches as they come.
    gathered_bytes: u64,
    /// A longer batch is encoded in parts.
    longest_bytes: u64,
}

impl<B: Batch, T> Lanes<B, T> {
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
        };
        Self {
            state: Mutex::new(State {
                phase: Phase::Open,
                lanes: (0..count).map(|_| lane()).collect(),
                is_full: false,
                loads: 0,
                failure: None,
                accepted: Accepted::default(),
            }),
            changed: Condvar::new(),
            max_bytes_in_flight,
            gathered_bytes,
            longest_bytes,
        }
    }

    /// A batch in parts that are not too long: the memory of the encoder is bounded by that.
    fn parts(&self, batch: B) -> Vec<Queued<B>> {
        let queued = |batch: B| Queued {
            bytes: batch.byte_count(),
            batch,
        };
        let whole = queued(batch);
        let rows = whole.batch.row_count();
        let count = (whole.bytes / self.longest_bytes).max(1);
        let rows_of_part = rows.div_ceil(count as usize).max(1);
        if rows_of_part >= rows {
            return vec![whole];
        }
        (0..rows)
            .step_by(rows_of_part)
            .map(|start| queued(whole.batch.part(start, rows_of_part.min(rows - start))))
            .collect()
    }

    /// Check that `lane` exists and the write still accepts batches.
    pub fn check_open(&self, lane: usize) -> Result<()> {
        let state = lock(&self.state);
        if lane >= state.lanes.len() {
            return Err(Error::invalid_argument(format!(
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

    /// Queue one batch; wait for room.
    pub fn push(&self, lane: usize, batch: B) -> Result<()> {
        let rows = batch.row_count() as u64;
        let parts = self.parts(batch);
        let bytes = total_bytes(&parts);
        let mut state = self.wait_for_room(bytes)?;
        let accepted = &mut state.accepted;
        accepted.batches += 1;
        accepted.rows += rows;
        accepted.bytes += bytes;
        // A batch without rows has nothing to write.
        if rows == 0 {
            drop(state);
            return Ok(());
        }
        accepted.bytes_in_flight += bytes;
        accepted.peak_bytes_in_flight = accepted.peak_bytes_in_flight.max(accepted.bytes_in_flight);
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

    /// Wait until so many bytes more may be in flight. More than the bound may be when nothing else is.
    fn wait_for_room(&self, bytes: u64) -> Result<MutexGuard<'_, State<B, T>>> {
        let mut state = lock(&self.state);
        loop {
            state.accepts()?;
            let in_flight = state.accepted.bytes_in_flight;
            if in_flight == 0 || in_flight + bytes <= self.max_bytes_in_flight {
                return Ok(state);
            }
            state = if state.is_full {
                wait(&self.changed, state)
            } else {
                // An encoder that gathers batches may have to go on with what it has.
                state.is_full = true;
                wake(state.take_encoders(), state);
                lock(&self.state)
            };
        }
    }

    /// Wait until every encoder has accepted the schema and the target, or one has not.
    pub fn wait_until_started(&self) -> Result<()> {
        let mut state = lock(&self.state);
        loop {
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            let mut lanes = state.lanes.iter();
            if lanes.all(|lane| lane.started || lane.outcome.is_some()) {
                return Ok(());
            }
            state = wait(&self.changed, state);
        }
    }

    /// Accept no more batches, wait until what is queued is written, and let `complete` make something of what the
    /// encoders made, lane by lane. `settle` follows in any case and is told the failure, if any. Only one of those who
    /// finish or abort gets so far.
    pub fn finish<R>(
        &self,
        complete: impl FnOnce(Vec<T>) -> Result<R>,
        settle: impl FnOnce(Option<&Error>),
    ) -> Result<R> {
        let closing = self.begin_finish()?;
        let outcome = closing.join().and_then(complete);
        settle(outcome.as_ref().err());
        if outcome.is_ok() {
            closing.finished();
        }
        outcome
    }

    /// Give the write up, also one that somebody is finishing, unless its encoders have succeeded already: then what
    /// comes of it is waited for. `settle` follows where this call closes the write.
    pub fn abort(&self, settle: impl FnOnce(Option<&Error>)) -> Result<()> {
        if let Some(closing) = self.begin_abort()? {
            settle(closing.join().err().as_ref());
        }
        Ok(())
    }

    /// As `abort`, for a thread that cannot wait: the lanes stop, and the write is still to be closed.
    pub fn cancel(&self) -> Result<()> {
        let state = lock(&self.state);
        match state.phase {
            Phase::Finished => Err(nothing_to_abort()),
            Phase::Committing => Err(Error::invalid_state(
                "the writer is being finished: abort it from another thread, which waits for the outcome",
            )),
            Phase::Open | Phase::Finishing | Phase::Aborting | Phase::Closed => {
                self.give_up(state, cancelled());
                Ok(())
            }
        }
    }

    fn begin_finish(&self) -> Result<Closing<'_, B, T>> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err(Error::invalid_state(
                "the writer is already finished or aborted",
            ));
        }
        let closing = self.close(&mut state, Phase::Finishing);
        wake(state.take_encoders(), state);
        self.changed.notify_all();
        Ok(closing)
    }

    /// None if there is nothing left to abort.
    fn begin_abort(&self) -> Result<Option<Closing<'_, B, T>>> {
        let mut state = lock(&self.state);
        let is_first = state.phase == Phase::Open;
        let closing = is_first.then(|| self.close(&mut state, Phase::Aborting));
        self.give_up(state, cancelled());
        if is_first {
            return Ok(closing);
        }
        let mut state = lock(&self.state);
        loop {
            match state.phase {
                Phase::Finished => return Err(nothing_to_abort()),
                Phase::Closed => return Ok(None),
                _ => state = wait(&self.changed, state),
            }
        }
    }

    fn close(&self, state: &mut State<B, T>, phase: Phase) -> Closing<'_, B, T> {
        state.phase = phase;
        Closing {
            lanes: self,
            phase: Phase::Closed,
        }
    }

    /// Fail the write: every lane stops, every later call returns `error`. It is too late for that when the encoders
    /// have succeeded.
    pub fn fail(&self, error: Error) {
        self.give_up(lock(&self.state), error);
    }

    /// Record the end of an encoder. A failure stops the other lanes too.
    pub fn lane_ended(&self, lane: usize, outcome: Result<T>) {
        let mut state = lock(&self.state);
        let failure = outcome.as_ref().err().cloned();
        state.lanes[lane].outcome = Some(outcome);
        match failure {
            Some(error) => self.give_up(state, error),
            None => {
                drop(state);
                self.changed.notify_all();
            }
        }
    }

    fn give_up(&self, mut state: MutexGuard<'_, State<B, T>>, error: Error) {
        let dropped = state.give_up(error);
        wake(state.take_encoders(), state);
        self.changed.notify_all();
        // Outside the lock: a release may call anything.
        drop(dropped);
    }

    pub fn accepted(&self) -> Accepted {
        lock(&self.state).accepted
    }

    /// What the encoder of `lane` is given next: as many batches as are encoded together, fewer when no more can
    /// come. It ends after a finish only: a write that is given up yields an error.
    pub fn poll_load(
        self: &Arc<Self>,
        lane: usize,
        context: &Context<'_>,
    ) -> Poll<Option<Result<Load<B, T>>>> {
        let mut state = lock(&self.state);
        let newly_started = !std::mem::replace(&mut state.lanes[lane].started, true);
        let polled = if let Some(failure) = &state.failure {
            Poll::Ready(Some(Err(failure.clone())))
        } else if let Some((batches, bytes)) = state.take_load(lane, self.gathered_bytes) {
            let lanes = self.clone();
            Poll::Ready(Some(Ok(Load {
                batches,
                credit: Credit { lanes, lane, bytes },
            })))
        } else if state.phase == Phase::Finishing {
            Poll::Ready(None)
        } else {
            state.lanes[lane].encoder = Some(context.waker().clone());
            Poll::Pending
        };
        drop(state);
        if newly_started {
            self.changed.notify_all();
        }
        polled
    }

    /// Why the write is given up, if it is.
    pub fn failure(&self) -> Option<Error> {
        lock(&self.state).failure.clone()
    }
}

/// Wake encoders, without the lock that they take first.
fn wake<B, T>(encoders: Vec<Waker>, state: MutexGuard<'_, State<B, T>>) {
    drop(state);
    encoders.into_iter().for_each(Waker::wake);
}

/// The right to close the write, and the duty: when it is dropped, those who wait for the end go on.
struct Closing<'a, B: Batch, T> {
    lanes: &'a Lanes<B, T>,
    /// What the write becomes.
    phase: Phase,
}

impl<B: Batch, T> Closing<'_, B, T> {
    /// Wait for the end of all encoders, and take what they made. A failure, and an abort, count until this is decided.
    fn join(&self) -> Result<Vec<T>> {
        let mut state = lock(&self.lanes.state);
        while !state.lanes.iter().all(|lane| lane.outcome.is_some()) {
            state = wait(&self.lanes.changed, state);
        }
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let outcomes = state.lanes.iter_mut();
        let made = outcomes.filter_map(|lane| lane.outcome.take()).collect();
        state.phase = Phase::Committing;
        made
    }

    fn finished(mut self) {
        self.phase = Phase::Finished;
    }
}

impl<B: Batch, T> Drop for Closing<'_, B, T> {
    fn drop(&mut self) {
        let mut state = lock(&self.lanes.state);
        state.phase = self.phase;
        drop(state);
        self.lanes.changed.notify_all();
    }
}

/// Batches that are encoded together.
pub struct Load<B: Batch, T> {
    pub batches: Vec<B>,
    pub credit: Credit<B, T>,
}

/// The part of the bound that a load takes up, until this is dropped.
pub struct Credit<B: Batch, T> {
    lanes: Arc<Lanes<B, T>>,
    lane: usize,
    bytes: u64,
}

impl<B: Batch, T> Drop for Credit<B, T> {
    fn drop(&mut self) {
        let mut state = lock(&self.lanes.state);
        state.accepted.bytes_in_flight -= self.bytes;
        state.lanes[self.lane].bytes_in_flight -= self.bytes;
        state.loads -= 1;
        state.is_full = false;
        drop(state);
        self.lanes.changed.notify_all();
    }
}

impl<B, T> Lane<B, T> {
    /// Take the next batch, and those behind it as long as they have at most so many bytes together.
    fn take(&mut self, most: u64) -> (Vec<B>, u64) {
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

fn total_bytes<B>(queued: &[Queued<B>]) -> u64 {
    queued.iter().map(|queued| queued.bytes).sum()
}

impl<B, T> State<B, T> {
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

    /// The batches that are encoded next, and their bytes, if they are worth it.
    fn take_load(&mut self, lane: usize, gathered: u64) -> Option<(Vec<B>, u64)> {
        let enough = self.enough(gathered);
        let lane = &mut self.lanes[lane];
        if lane.queue.is_empty() || lane.queued_bytes < enough {
            return None;
        }
        self.loads += 1;
        Some(lane.take(gathered))
    }

    fn accepts(&self) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Finishing | Phase::Committing | Phase::Finished => {
                Err(Error::invalid_state("the writer is finished"))
            }
            Phase::Aborting | Phase::Closed => Err(Error::invalid_state(
                "the writer is closed: it was aborted or it failed",
            )),
        }
    }

    /// Record why, unless the encoders have succeeded or something else failed first. Returns the queued batches, to be
    /// released outside the lock.
    fn give_up(&mut self, error: Error) -> Vec<Queued<B>> {
        if !matches!(self.phase, Phase::Open | Phase::Finishing | Phase::Aborting) {
            return Vec::new();
        }
        self.failure.get_or_insert(error);
        let drained: Vec<_> = self
            .lanes
            .iter_mut()
            .flat_map(|lane| {
                lane.bytes_in_flight -= std::mem::take(&mut lane.queued_bytes);
                lane.queue.drain(..)
            })
            .collect();
        self.accepted.bytes_in_flight -= total_bytes(&drained);
        drained
    }

    fn take_encoders(&mut self) -> Vec<Waker> {
        let lanes = self.lanes.iter_mut();
        lanes.filter_map(|lane| lane.encoder.take()).collect()
    }
}

pub fn cancelled() -> Error {
    Error::new(code::CANCELLED, "the write was aborted")
}

fn nothing_to_abort() -> Error {
    Error::invalid_state("the writer is already finished: there is nothing to abort")
}
