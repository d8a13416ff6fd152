//! A write as the library does it, with rows for batches and no files.

use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use loom::future::block_on;
use loom::sync::atomic::AtomicBool;
use loom::thread::{JoinHandle, spawn};

use crate::error::{Error, Result, code};
use crate::lanes::{Batch, Lanes, Load};
use crate::live::Live;

/// What the caller handed over: released when the last part of it is dropped.
struct Contents {
    live: Arc<Live>,
    exited: Arc<AtomicBool>,
}

impl Drop for Contents {
    fn drop(&mut self) {
        self.live.release(Released(self.exited.clone()));
    }
}

/// Dropped in the caller's release callback.
struct Released(Arc<AtomicBool>);

impl Drop for Released {
    fn drop(&mut self) {
        assert!(!self.0.load(SeqCst), "released while the process exits");
    }
}

/// A batch of some rows, of a byte each.
pub struct Rows {
    rows: Range<usize>,
    contents: Arc<Contents>,
}

impl Batch for Rows {
    fn row_count(&self) -> usize {
        self.rows.len()
    }

    fn byte_count(&self) -> u64 {
        self.rows.len() as u64
    }

    fn part(&self, first: usize, rows: usize) -> Self {
        let start = self.rows.start + first;
        Self {
            rows: start..start + rows,
            contents: self.contents.clone(),
        }
    }
}

/// The bounds of a write, in rows.
#[derive(Clone, Copy)]
pub struct Bounds {
    pub lanes: usize,
    pub in_flight: u64,
    pub gathered: u64,
    pub longest: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            lanes: 1,
            in_flight: 2,
            gathered: 1,
            longest: u64::MAX,
        }
    }
}

pub type RowsLoad = Load<Rows, Vec<usize>>;

#[derive(Clone)]
pub struct Write {
    pub lanes: Arc<Lanes<Rows, Vec<usize>>>,
    pub live: Arc<Live>,
    /// The process has exited in a callback.
    pub exited: Arc<AtomicBool>,
    running: Arc<AtomicUsize>,
    settled: Arc<AtomicUsize>,
}

/// What an encoder meets.
#[derive(Clone, Copy, PartialEq)]
pub enum Luck {
    Good,
    /// The target or the schema is refused.
    FailsAtStart,
    /// There is no room for the load of this number.
    FailsAt(usize),
}

pub fn disk_full() -> Error {
    Error::new(code::IO, "the disk is full")
}

impl Write {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            lanes: Arc::new(Lanes::new(
                bounds.lanes,
                bounds.in_flight,
                bounds.gathered,
                bounds.longest,
            )),
            live: Arc::default(),
            exited: Arc::default(),
            running: Arc::default(),
            settled: Arc::default(),
        }
    }

    pub fn push(&self, lane: usize, rows: Range<usize>) -> Result<()> {
        self.live.add();
        let contents = Arc::new(Contents {
            live: self.live.clone(),
            exited: self.exited.clone(),
        });
        self.lanes.push(lane, Rows { rows, contents })
    }

    /// What an encoder waits for.
    pub fn next_load(&self, lane: usize) -> Option<Result<RowsLoad>> {
        block_on(poll_fn(|context| self.lanes.poll_load(lane, context)))
    }

    pub fn start_encoder(&self, lane: usize, luck: Luck) -> JoinHandle<()> {
        self.start(lane, move |write| write.encode(lane, luck))
    }

    /// Start an encoder that does something else.
    pub fn start(
        &self,
        lane: usize,
        encode: impl FnOnce(&Self) -> Result<Vec<usize>> + 'static,
    ) -> JoinHandle<()> {
        self.running.fetch_add(1, SeqCst);
        let write = self.clone();
        spawn(move || {
            let outcome = encode(&write);
            write.running.fetch_sub(1, SeqCst);
            write.lanes.lane_ended(lane, outcome);
        })
    }

    fn encode(&self, lane: usize, luck: Luck) -> Result<Vec<usize>> {
        if luck == Luck::FailsAtStart {
            return Err(disk_full());
        }
        let mut made = Vec::new();
        let mut loads = 0;
        while let Some(load) = self.next_load(lane) {
            made.extend(rows_of(&load?));
            if luck == Luck::FailsAt(loads) {
                return Err(disk_full());
            }
            loads += 1;
        }
        Ok(made)
    }

    pub fn finish(&self) -> Result<Vec<Vec<usize>>> {
        self.lanes.finish(Ok, |_| self.settle())
    }

    pub fn abort(&self) -> Result<()> {
        self.lanes.abort(|_| self.settle())
    }

    /// Whoever closes the write finds all encoders at rest, and waits for the releases.
    fn settle(&self) {
        assert_eq!(self.running.load(SeqCst), 0, "an encoder still runs");
        assert_eq!(self.lanes.accepted().bytes_in_flight, 0);
        self.live.wait_until_none();
        self.settled.fetch_add(1, SeqCst);
    }

    /// It has been closed, once, and accepts no more.
    pub fn expect_closed(&self) {
        assert_eq!(self.settled.load(SeqCst), 1);
        assert_eq!(self.lanes.accepted().bytes_in_flight, 0);
        assert!(self.push(0, 90..91).is_err(), "closed, and still accepts");
        assert_eq!(self.finish().unwrap_err().code, code::INVALID_STATE);
        self.live.wait_until_none();
    }
}

pub fn rows_of(load: &RowsLoad) -> Vec<usize> {
    let batches = load.batches.iter();
    batches.flat_map(|batch| batch.rows.clone()).collect()
}
