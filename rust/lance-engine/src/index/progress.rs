//! How far the engine is with an index, and the callback that is told.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lance_index::progress::IndexBuildProgress;

use crate::reporting::Reporter;
use crate::settings::{Callback, IndexProgress};
use crate::sync::{Mutex, lock};

/// Tells the caller while this lives. Tasks of the engine may outlive the work that began them.
pub struct Telling(Arc<Progress>);

impl Telling {
    pub fn new(callback: Option<Callback<IndexProgress>>) -> Self {
        Self(Arc::new(Progress {
            reporter: Reporter::new(callback),
            so_far: Mutex::default(),
        }))
    }

    /// What the engine tells.
    pub fn engine(&self) -> Arc<dyn IndexBuildProgress> {
        self.0.clone()
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.reporter.stop();
    }
}

struct Progress {
    reporter: Reporter<IndexProgress>,
    so_far: Mutex<IndexProgress>,
}

impl Progress {
    /// Stages of some kinds run side by side; what is told is of one.
    fn change(&self, stage: &str, change: impl FnOnce(&mut IndexProgress)) {
        let mut so_far = lock(&self.so_far);
        if so_far.stage != stage {
            *so_far = IndexProgress {
                stage: stage.to_string(),
                ..IndexProgress::default()
            };
        }
        change(&mut so_far);
    }

    fn so_far(&self) -> IndexProgress {
        lock(&self.so_far).clone()
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
        self.change(stage, |so_far| {
            so_far.unit = unit.to_string();
            so_far.completed = 0;
            so_far.total = total;
        });
        self.reporter.report_now(|| self.so_far());
        Ok(())
    }

    async fn stage_progress(&self, stage: &str, completed: u64) -> lance_core::Result<()> {
        self.change(stage, |so_far| so_far.completed = completed);
        self.reporter.report(|| self.so_far());
        // Workers take their next work without waiting, and whoever hands it out, woken by one of them, waits for its thread:
        // one worker would have it all.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn stage_complete(&self, stage: &str) -> lance_core::Result<()> {
        self.change(stage, |so_far| {
            so_far.completed = so_far.total.unwrap_or(so_far.completed);
        });
        self.reporter.report_now(|| self.so_far());
        Ok(())
    }
}
