//! How far the engine is with an index, and the callback that is told.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lance_index::progress::{IndexBuildProgress, noop_progress};

use crate::settings::{Callback, IndexProgress};
use crate::sync::{Mutex, lock};
use crate::threads;

/// A report more often than this would cost more than it tells.
const INTERVAL: Duration = Duration::from_millis(50);

/// Tells the caller while this lives. Tasks of the engine may outlive the work that began them.
pub struct Telling(Option<Arc<Progress>>);

impl Telling {
    pub fn new(callback: Option<Callback<IndexProgress>>) -> Self {
        Self(callback.map(|callback| {
            Arc::new(Progress {
                state: Mutex::new(State {
                    callback: Some(callback),
                    so_far: IndexProgress::default(),
                    last: None,
                }),
            })
        }))
    }

    /// What the engine tells.
    pub fn engine(&self) -> Arc<dyn IndexBuildProgress> {
        match &self.0 {
            Some(progress) => progress.clone(),
            None => noop_progress(),
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            lock(&progress.state).callback = None;
        }
    }
}

/// One call of the callback comes after the other.
struct Progress {
    state: Mutex<State>,
}

struct State {
    callback: Option<Callback<IndexProgress>>,
    so_far: IndexProgress,
    last: Option<Instant>,
}

impl State {
    fn enter(&mut self, stage: &str) {
        if self.so_far.stage != stage {
            self.so_far = IndexProgress {
                stage: stage.to_string(),
                ..IndexProgress::default()
            };
        }
    }

    fn tell(&mut self) {
        self.last = Some(Instant::now());
        if let Some(callback) = &self.callback {
            threads::enter_callback();
            callback.call(&self.so_far);
            threads::leave_callback();
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

#[async_trait]
impl IndexBuildProgress for Progress {
    async fn stage_start(
        &self,
        stage: &str,
        total: Option<u64>,
        unit: &str,
    ) -> lance_core::Result<()> {
        let mut state = lock(&self.state);
        state.so_far = IndexProgress {
            stage: stage.to_string(),
            unit: unit.to_string(),
            completed: 0,
            total,
        };
        state.tell();
        Ok(())
    }

    async fn stage_progress(&self, stage: &str, completed: u64) -> lance_core::Result<()> {
        let mut state = lock(&self.state);
        state.enter(stage);
        state.so_far.completed = completed;
        if state.last.is_none_or(|at| at.elapsed() >= INTERVAL) {
            state.tell();
        }
        Ok(())
    }

    async fn stage_complete(&self, stage: &str) -> lance_core::Result<()> {
        let mut state = lock(&self.state);
        state.enter(stage);
        state.so_far.completed = state.so_far.total.unwrap_or(state.so_far.completed);
        state.tell();
        Ok(())
    }
}
