//! Operations that are redone when another writer has changed what they read.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance_core::utils::backoff::SlotBackoff;
use tokio::time::sleep;

use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::read::Opened;
use crate::read::dataset::latest;
use crate::write::transaction::{Pending, Staged, verify};

/// What an operation has made of a version, and what it tells of that.
pub type Made<T> = (Staged, T);

/// What an operation tells.
pub trait Told: Send + 'static {
    /// Nothing was changed.
    fn is_nothing(&self) -> bool;
}

/// How many rows it is about.
impl Told for u64 {
    fn is_nothing(&self) -> bool {
        *self == 0
    }
}

/// How often an operation is tried, and what is kept with its version.
pub struct Attempts {
    pub retries: u32,
    /// No retry begins later.
    pub timeout: Duration,
    /// How often a version is put in its place when others put theirs first; None: as the engine does.
    pub commit_retries: Option<u32>,
    pub properties: HashMap<String, String>,
    /// Make a version even if it is about no row.
    pub allow_empty: bool,
}

impl Attempts {
    /// Let `stage` make something of the version, which it also gets as the copy that it may write to, and commit that: the
    /// new version and what is told.
    pub async fn commit<T, S, W>(self, opened: Arc<Opened>, stage: S) -> Result<(Opened, T)>
    where
        T: Told,
        S: Fn(Arc<Opened>, Arc<Dataset>) -> W + Clone + Send + 'static,
        W: Future<Output = Result<Made<T>>> + Send + 'static,
    {
        let attempt = |opened| self.attempt(opened, stage.clone());
        self.redo(opened, attempt).await
    }

    /// Redo `attempt` on the newest version when what it read was changed by others. What it made before is gone then.
    pub async fn redo<T, A, F>(&self, mut opened: Arc<Opened>, attempt: A) -> Result<(Opened, T)>
    where
        A: Fn(Arc<Opened>) -> F,
        F: Future<Output = Result<(Opened, T)>>,
    {
        let begin = Instant::now();
        let mut backoff = SlotBackoff::default();
        loop {
            let conflict = match attempt(opened.clone()).await {
                Err(error) if is_conflict(&error) => error,
                outcome => return outcome,
            };
            let left = self.timeout.saturating_sub(begin.elapsed());
            if backoff.attempt() >= self.retries || left.is_zero() {
                return Err(given_up(conflict, backoff.attempt()));
            }
            if backoff.attempt() == 0 {
                // As the engine does: a slot is as long as an attempt, and a tenth longer.
                backoff = backoff.with_unit((begin.elapsed().as_millis() * 11 / 10) as u32);
            }
            sleep(backoff.next_backoff().min(left)).await;
            opened = Arc::new(latest(opened).await?);
        }
    }

    /// Let `stage` make something of the version, which is committed later.
    pub async fn stage<T, S, W>(self, opened: Arc<Opened>, stage: S) -> Result<(Pending, T)>
    where
        T: Told,
        S: FnOnce(Arc<Opened>, Arc<Dataset>) -> W + Send + 'static,
        W: Future<Output = Result<Made<T>>> + Send + 'static,
    {
        let read = opened.clone();
        let work = |dataset: Dataset| async move {
            let (staged, told) = stage(read, Arc::new(dataset)).await?;
            Ok((with_properties(staged, self.properties), told))
        };
        Change::new(&opened)?.run_staged(&opened, work).await
    }

    async fn attempt<T, S, W>(&self, opened: Arc<Opened>, stage: S) -> Result<(Opened, T)>
    where
        T: Told,
        S: Fn(Arc<Opened>, Arc<Dataset>) -> W + Send + 'static,
        W: Future<Output = Result<Made<T>>> + Send + 'static,
    {
        let read = opened.clone();
        let properties = self.properties.clone();
        let allow_empty = self.allow_empty;
        let commit_retries = self.commit_retries;
        let work = |dataset: Dataset| async move {
            let dataset = Arc::new(dataset);
            let (staged, told) = stage(read, dataset.clone()).await?;
            if told.is_nothing() && !allow_empty {
                return Ok((Arc::unwrap_or_clone(dataset), told));
            }
            let staged = with_properties(staged, properties);
            Ok((commit(dataset, staged, commit_retries).await?, told))
        };
        Change::new(&opened)?
            .run_to_version_with(&opened, work)
            .await
    }
}

/// Whether it is worth to do it again.
fn is_conflict(error: &Error) -> bool {
    matches!(
        error.code(),
        code::COMMIT_CONFLICT_RETRYABLE | code::COMMIT_CONFLICT
    )
}

/// What is said of the conflict after so many retries.
fn given_up(conflict: Error, retries: u32) -> Error {
    match retries {
        0 => conflict,
        _ => conflict
            .with_code(code::CONTENTION)
            .context(&format!("given up after {retries} retries")),
    }
}

fn with_properties(mut staged: Staged, properties: HashMap<String, String>) -> Staged {
    if !properties.is_empty() {
        staged.transaction.transaction_properties = Some(Arc::new(properties));
    }
    staged
}

/// Check its files, and make a version of it.
async fn commit(dataset: Arc<Dataset>, staged: Staged, retries: Option<u32>) -> Result<Dataset> {
    let store = dataset.object_store(None).await?;
    let base = dataset.branch_location().path;
    verify(
        [(&staged.transaction, Some(dataset.manifest()))],
        &store,
        &base,
    )
    .await?;
    // The engine's own cleanup removes what a branch lives on, if its place was typed otherwise.
    let mut commit = CommitBuilder::new(dataset).with_skip_auto_cleanup(true);
    if let Some(rows) = staged.affected_rows {
        commit = commit.with_affected_rows(rows);
    }
    if let Some(retries) = retries {
        commit = commit.with_max_retries(retries);
    }
    Ok(commit.execute(staged.transaction).await?)
}
