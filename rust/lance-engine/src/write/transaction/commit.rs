//! One new version of one transaction or of several.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::{Operation, Transaction};
use lance_table::io::commit::CommitHandler;

use super::gate::Gate;
use super::history::{History, Traces, look_everywhere};
use super::{Target, UncommittedWrite, columns, is_write, merge, origin, verify_all};
use crate::commit_handler::InPlace;
use crate::error::{Error, Result, code};
use crate::fault;
use crate::local::store::is_durable;
use crate::open::load_latest;
use crate::panics::panic_error;
use crate::settings::CommitSettings;
use crate::write::removal;
use crate::write::written_files::{Doubt, WrittenFiles};

/// Check the files of the writes and commit them, in this order of rows. Those that others may hold too are looked up
/// first: where they are in the history already, the version that has them is the answer.
pub async fn commit(writes: Vec<UncommittedWrite>, settings: &CommitSettings) -> Result<u64> {
    fault::point()?;
    merge::check(&writes)?;
    let commit = Commit::new(writes, settings).await?;
    if let Some(history) = &commit.history
        && let Some(version) = commit.look(history).await?
    {
        return Ok(version);
    }
    if settings.dry_run {
        return commit.rehearse().await;
    }
    let Some(history) = &commit.history else {
        return commit.make_version().await;
    };
    match commit.make_version().await {
        // Another process was faster, perhaps with the same.
        Err(error) if error.code() != code::COMMIT_STATUS_UNKNOWN => {
            let found = commit.look(history).await.ok().flatten();
            if found.is_none() && commit.transaction.read_version == 0 {
                // A discard that it has met leaves the directories to whoever is last.
                let (store, base) = commit.target.open_store(&commit.written_files).await?;
                removal::remove_empty_dataset_dirs(&store, &base);
            }
            found.ok_or(error)
        }
        outcome => outcome,
    }
}

struct Commit {
    writes: Arc<[UncommittedWrite]>,
    transaction: Transaction,
    affected_rows: Option<RowAddrTreeMap>,
    settings: CommitSettings,
    target: Target,
    written_files: Arc<WrittenFiles>,
    handler: Arc<dyn CommitHandler>,
    /// Kept where others may commit the same.
    history: Option<Arc<History>>,
}

impl Commit {
    async fn new(writes: Vec<UncommittedWrite>, settings: &CommitSettings) -> Result<Self> {
        let mut transaction = merge::concatenate(writes.iter().map(|w| w.transaction.clone()))?;
        merge::add_properties(&mut transaction, &settings.transaction_properties)?;
        if let Some(message) = &settings.commit_message {
            merge::add_message(&mut transaction, message)?;
        }
        // Another worker may have made the same part of a job.
        let is_part = merge::part_names(&transaction).next().is_some();
        let is_shared = is_part || writes.iter().any(|write| write.is_shared);
        let history = is_shared.then(|| {
            let history = History::new(&writes, transaction.read_version);
            Arc::new(history.with_parts(&writes))
        });
        if let Some(history) = &history {
            // The engine names a file after it, and deletes that when a commit fails: nobody else's.
            let nothing = Operation::Append {
                fragments: Vec::new(),
            };
            transaction.uuid = Transaction::new(0, nothing, None).uuid;
            history.traces.note(&mut transaction);
        } else if writes.len() > 1 {
            // One of them alone is known by its UUID, should the outcome be unknown.
            Traces::of(&writes).note(&mut transaction);
        }
        let first = writes
            .first()
            .map(|w| (w.target.clone(), w.written_files.clone()));
        let (target, written_files) =
            first.ok_or_else(|| Error::invalid_argument("there is no transaction to commit"))?;
        let handler = target.access.commit_handler(&target.place.uri).await?;
        Ok(Self {
            affected_rows: merge::affected_rows(&writes),
            settings: settings.clone(),
            writes: writes.into(),
            transaction,
            target,
            written_files,
            handler,
            history,
        })
    }

    /// The version that has the writes already.
    async fn look(&self, history: &History) -> Result<Option<u64>> {
        let (store, base) = self.target.open_store(&self.written_files).await?;
        history.look(self.handler.as_ref(), &store, &base).await?;
        let verdict = history.verdict()?;
        if verdict.is_some() || history.is_complete() {
            return Ok(verdict);
        }
        if !self.writes.iter().all(|write| is_write(&write.transaction)) {
            return Err(history.unknown());
        }
        // The version may be gone, and what it made be needed by a branch.
        for write in self.writes.iter() {
            if let Some(manifest) = look_everywhere(write).await?.using {
                return Err(Error::invalid_state(format!(
                    "the transaction is committed already: {manifest} names its files"
                )));
            }
        }
        Ok(None)
    }

    fn appends(&self) -> bool {
        matches!(self.transaction.operation, Operation::Append { .. })
    }

    fn can_make_dataset(&self) -> bool {
        matches!(self.transaction.operation, Operation::Overwrite { .. })
    }

    /// The versions that the writes began at: none for those that saw no dataset.
    async fn open_origins(&self) -> Result<Vec<Arc<Dataset>>> {
        if self.transaction.read_version == 0 {
            return match self.can_make_dataset() || self.appends() {
                true => Ok(Vec::new()),
                false => Err(Error::invalid_argument(
                    "the transaction does not say which version it was made of",
                )),
            };
        }
        let (store, base) = self.target.open_store(&self.written_files).await?;
        let mut origins = Vec::with_capacity(self.writes.len());
        for write in self.writes.iter() {
            let handler = self.handler.as_ref();
            let Some(dataset) = origin::open(write, &origins).await? else {
                return self.without_origin(write).await;
            };
            // Mostly all began at one version.
            let mut known = origins.iter().rev();
            let is_there = known.any(|known| Arc::ptr_eq(known, &dataset))
                || origin::is_there(&dataset, handler, &store, &base).await?;
            if !is_there {
                return self.without_origin(write).await;
            }
            origins.push(dataset);
        }
        let same = |pair: &[Arc<Dataset>]| {
            Arc::ptr_eq(&pair[0], &pair[1]) || columns::are_same(pair[0].schema(), pair[1].schema())
        };
        if self.appends() && !origins.windows(2).all(same) {
            return Err(Error::invalid_argument(
                "the transactions were written for different columns: commit them one by one",
            ));
        }
        Ok(origins)
    }

    /// Where there is no dataset at all any more, an overwrite makes it.
    async fn without_origin(&self, write: &UncommittedWrite) -> Result<Vec<Arc<Dataset>>> {
        let place = &self.target.place;
        match load_latest(&place.uri, &self.target.access).await? {
            Some(_) => Err(origin::gone(write)),
            None if self.can_make_dataset() => Ok(Vec::new()),
            None => Err(Error::new(
                code::DATASET_NOT_FOUND,
                format!("dataset {place}, which was to be changed, was removed"),
            )),
        }
    }

    /// Check what can be checked without making a version: the one that would be next.
    async fn rehearse(&self) -> Result<u64> {
        let origins = self.open_origins().await?;
        verify_all(&self.writes, &origins).await?;
        let latest = load_latest(&self.target.place.uri, &self.target.access).await?;
        match latest {
            Some(_) if self.target.must_be_new => Err(self.lost_the_race()),
            Some(dataset) => Ok(dataset.manifest().version + 1),
            None => Ok(1),
        }
    }

    async fn make_version(&self) -> Result<u64> {
        let origins = self.open_origins().await?;
        if self.history.is_none() {
            // Otherwise a discard may come between this and the commit, so that it is done at the last moment.
            verify_all(&self.writes, &origins).await?;
        }
        let earliest = origins
            .iter()
            .min_by_key(|dataset| dataset.manifest().version);
        let gate = Arc::new(Gate::new(
            self.handler.clone(),
            self.writes.clone(),
            origins.clone(),
            self.history.clone(),
        ));
        let mut commit = match earliest {
            Some(dataset) => CommitBuilder::new(dataset.clone()),
            None => CommitBuilder::new(self.target.place.uri.as_str()),
        };
        commit = commit
            .with_session(self.target.access.session()?)
            .with_store_params(self.written_files.store_params(&self.target.access))
            .with_commit_handler(Arc::new(InPlace(gate.clone())))
            // The engine's own removes what a branch lives on, if its place was typed otherwise.
            .with_skip_auto_cleanup(true)
            .with_detached(self.settings.detached)
            .use_stable_row_ids(self.target.stable_row_ids);
        if let Some(version) = self.target.data_storage_version {
            commit = commit.with_storage_format(version);
        }
        if let Some(rows) = &self.affected_rows {
            commit = commit.with_affected_rows(rows.clone());
        }
        commit = match self.settings.max_retries {
            // No retries make the commit strict: it never goes on top of another writer's version.
            _ if self.target.must_be_new => commit.with_max_retries(0),
            Some(0) => commit.with_max_retries(0),
            // The engine counts the first attempt, too.
            Some(retries) => commit.with_max_retries(retries.saturating_add(1)),
            None => commit,
        };
        if let Some(budget) = self.settings.retry_timeout {
            commit = commit.with_retry_timeout(budget);
        }
        if let Some(limit) = self.settings.timeout {
            commit = commit.with_timeout(Some(limit));
        }
        self.written_files.forget_doubt();
        let transaction = merge::completed(self.transaction.clone(), earliest);
        let execution = AssertUnwindSafe(commit.execute(transaction));
        let outcome = execution.catch_unwind().await;
        if let Some(refusal) = gate.refusal() {
            return Err(refusal);
        }
        let outcome = self.outcome(outcome).await;
        self.tell(&outcome);
        outcome
    }

    /// The engine tells of a commit that was made, but not why one was not.
    fn tell(&self, outcome: &Result<u64>) {
        let uri = &self.target.place.uri;
        match outcome {
            Ok(_) => (),
            Err(error) if error.code() == code::COMMIT_STATUS_UNKNOWN => {
                tracing::warn!(target: "lance_cpp::commit", uri, "{error}");
            }
            Err(error) => tracing::info!(target: "lance_cpp::commit", uri, "not made: {error}"),
        }
    }

    /// What the engine's answer, or its panic, means.
    async fn outcome(
        &self,
        outcome: std::thread::Result<lance_core::Result<Dataset>>,
    ) -> Result<u64> {
        let unknown = |why: &str| {
            let message = format!("the outcome of the commit is unknown, its files stay: {why}");
            Err(Error::new(code::COMMIT_STATUS_UNKNOWN, message))
        };
        let is_durable = is_durable(&self.target.access.storage_options);
        match (outcome, self.written_files.doubt()) {
            (Ok(Ok(dataset)), Some(Doubt::NotSynced(failure))) if is_durable => unknown(&format!(
                "version {} was made, but may not survive a power failure: {failure}",
                dataset.manifest().version
            )),
            (Ok(Ok(dataset)), _) => Ok(dataset.manifest().version),
            // A time limit or a panic ends the commit wherever it is, perhaps after the manifest was written.
            (Ok(Err(error @ lance_core::Error::Timeout { .. })), _) => {
                unknown(Error::from(error).message())
            }
            (Err(payload), _) => unknown(panic_error(payload).message()),
            (Ok(Err(_)), Some(Doubt::OnItsWay(failure))) => unknown(&format!(
                "the store did not say whether it made the version: {failure}"
            )),
            (Ok(Err(error)), _) => Err(self.explain(error.into()).await),
        }
    }

    /// A strict commit that lost the race reports its read version missing, which is true but no help.
    async fn explain(&self, error: Error) -> Error {
        let place = &self.target.place;
        let lost = self.target.must_be_new
            && error.code() != code::COMMIT_STATUS_UNKNOWN
            && matches!(
                load_latest(&place.uri, &self.target.access).await,
                Ok(Some(_))
            );
        match lost {
            true => self.lost_the_race(),
            false => error,
        }
    }

    fn lost_the_race(&self) -> Error {
        Error::new(
            code::ALREADY_EXISTS,
            format!("another writer made dataset {} first", self.target.place),
        )
    }
}
