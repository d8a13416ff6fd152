//! How far a compaction is, and the callback that is told.

use std::sync::Arc;
use std::time::Duration;

use lance::dataset::optimize::TaskData;
use lance_io::utils::tracking_store::IOTracker;
use lance_table::format::Fragment;
use tokio::time::{MissedTickBehavior, interval};

use crate::read::data_bytes::data_bytes;
use crate::reporting::Reporter;
use crate::settings::{Callback, CompactionProgress};
use crate::sync::{Mutex, lock};

const INTERVAL: Duration = Duration::from_millis(100);

/// Has the caller told while this lives. Tasks of the engine may outlive the work that began them.
pub struct Telling(Arc<Progress>);

impl Telling {
    pub fn new(callback: Option<Callback<CompactionProgress>>, tasks: &[TaskData]) -> Self {
        Self(Progress::new(callback, tasks))
    }

    pub fn progress(&self) -> Arc<Progress> {
        self.0.clone()
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.reporter.stop();
    }
}

/// How far the tasks are.
pub struct Progress {
    reporter: Reporter<CompactionProgress>,
    so_far: Mutex<CompactionProgress>,
    /// What the tasks are read through.
    requests: IOTracker,
}

impl Progress {
    fn new(callback: Option<Callback<CompactionProgress>>, tasks: &[TaskData]) -> Arc<Self> {
        let fragments = || tasks.iter().flat_map(|task| &task.fragments);
        Arc::new(Self {
            reporter: Reporter::new(callback),
            so_far: Mutex::new(CompactionProgress {
                total_tasks: tasks.len() as u64,
                total_fragments: fragments().count() as u64,
                total_rows: live_rows(fragments()),
                total_bytes: fragments().map(data_bytes).sum(),
                ..CompactionProgress::default()
            }),
            requests: IOTracker::default(),
        })
    }

    pub fn requests(&self) -> IOTracker {
        self.requests.clone()
    }

    /// Count a task.
    pub fn add(&self, fragments: u64, rows: u64) {
        let mut so_far = lock(&self.so_far);
        so_far.tasks += 1;
        so_far.fragments += fragments;
        so_far.rows += rows;
    }

    fn so_far(&self) -> CompactionProgress {
        let mut so_far = lock(&self.so_far).clone();
        // Footers and indices are read, too.
        so_far.bytes_read = match so_far.tasks == so_far.total_tasks {
            true => so_far.total_bytes,
            false => self.requests.stats().read_bytes.min(so_far.total_bytes),
        };
        so_far
    }

    /// Tell now and then until `work` ends, and then once more if it ends well.
    pub async fn during<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                outcome = &mut work => {
                    if outcome.is_ok() {
                        self.reporter.report_now(|| self.so_far());
                    }
                    return outcome;
                }
                _ = ticks.tick() => self.reporter.report(|| self.so_far()),
            }
        }
    }
}

/// Rows that are not deleted, as far as their number is recorded.
pub fn live_rows<'a>(fragments: impl IntoIterator<Item = &'a Fragment>) -> u64 {
    let rows = fragments.into_iter().filter_map(Fragment::num_rows);
    rows.sum::<usize>() as u64
}
