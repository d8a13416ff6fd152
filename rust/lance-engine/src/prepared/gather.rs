//! Queries of several threads, which are answered together.
//!
//! As many batches are under way as there are cores. What comes meanwhile waits for one of them to end and is the next
//! batch; so nothing waits while a core is free, unless a time to wait for more is asked for.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use tokio::sync::oneshot;

use super::found::Found;
use super::search::Prepared;
use crate::error::Result;
use crate::parallel::cores;
use crate::read::attempt::attempt;
use crate::runtime;
use crate::sync::{Mutex, lock};

/// The most queries of a batch.
const MOST_QUERIES: usize = 256;

/// Where queries wait for each other.
pub struct Gather {
    patience: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Batches under way.
    running: usize,
}

struct Waiting {
    key: ArrayRef,
    found: oneshot::Sender<Option<Vec<Found>>>,
}

impl Gather {
    /// Each batch waits so long for more queries.
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            state: Arc::default(),
        }
    }

    /// None where it cannot be answered in this way.
    pub async fn search(
        &self,
        prepared: &Arc<Prepared>,
        key: ArrayRef,
    ) -> Result<Option<Vec<Found>>> {
        let (found, answer) = oneshot::channel();
        let starts = {
            let mut state = lock(&self.state);
            state.waiting.push(Waiting { key, found });
            let starts = state.running < cores();
            state.running += usize::from(starts);
            starts
        };
        if starts {
            // It answers queries of others, and so does not end with this one.
            let batches = run(prepared.clone(), self.state.clone(), self.patience);
            if let Err(error) = runtime::spawn(batches, |_| {}) {
                lock(&self.state).running -= 1;
                return Err(error);
            }
        }
        Ok(answer.await.unwrap_or_default())
    }
}

async fn run(prepared: Arc<Prepared>, state: Arc<Mutex<State>>, patience: Duration) -> Result<()> {
    loop {
        if !patience.is_zero() {
            tokio::time::sleep(patience).await;
        }
        let batch: Vec<_> = {
            let mut state = lock(&state);
            // Those whose callers have gone.
            state.waiting.retain(|waiting| !waiting.found.is_closed());
            if state.waiting.is_empty() {
                state.running -= 1;
                return Ok(());
            }
            let count = state.waiting.len().min(MOST_QUERIES);
            state.waiting.drain(..count).collect()
        };
        let (keys, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.key, waiting.found))
            .unzip();
        let found = attempt(prepared.search(&keys)).await.flatten();
        let found: Vec<_> = match found {
            Some(found) => found.into_iter().map(Some).collect(),
            None => vec![None; keys.len()],
        };
        // They are the callers', whose calls end with the answers.
        drop(keys);
        for (answer, found) in answers.into_iter().zip(found) {
            // Its caller may have gone.
            let _ = answer.send(found);
        }
    }
}
