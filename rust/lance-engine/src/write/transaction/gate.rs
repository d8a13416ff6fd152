//! What is checked at the last moment of a commit, when the manifest is made and only has to be put in its place.
//! A manifest is put only where none is, so what is known of the version before it stays true.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lance::Dataset;
use lance::dataset::transaction::Operation;
use lance_core::datatypes::Schema;
use lance_io::object_store::ObjectStore;
use lance_table::format::Manifest;
use lance_table::io::commit::CommitHandler;
use object_store::path::Path;

use super::columns::{self, Change};
use super::history::{History, manifests_since};
use super::{UncommittedWrite, discard, files, origin, verify_all};
use crate::commit_handler::Before;
use crate::error::{Error, Result, code};
use crate::sync::lock;

/// Stands before the engine's own handler of commits.
#[derive(Debug)]
pub struct Gate {
    inner: Arc<dyn CommitHandler>,
    writes: Arc<[UncommittedWrite]>,
    /// The versions that the writes began at, or none.
    origins: Vec<Arc<Dataset>>,
    /// Kept where others may commit or discard the same.
    history: Option<Arc<History>>,
    refusal: Mutex<Option<Error>>,
}

impl Gate {
    pub fn new(
        inner: Arc<dyn CommitHandler>,
        writes: Arc<[UncommittedWrite]>,
        origins: Vec<Arc<Dataset>>,
        history: Option<Arc<History>>,
    ) -> Self {
        Self {
            inner,
            writes,
            origins,
            history,
            refusal: Mutex::default(),
        }
    }

    /// Why the commit did not pass. Then it has made nothing.
    pub fn refusal(&self) -> Option<Error> {
        lock(&self.refusal).clone()
    }

    async fn look(&self, next: &Manifest, base: &Path, store: &ObjectStore) -> Result<()> {
        let mut there = HashSet::new();
        for (origin, write) in self.origins.iter().zip(self.writes.iter()) {
            if there.insert(origin.manifest().version)
                && !origin::is_there(origin, self.inner.as_ref(), store, base).await?
            {
                return Err(origin::gone(write));
            }
            self.check_columns(origin, write, &next.schema, base, store)
                .await?;
        }
        match &self.history {
            Some(history) => self.check_shared(history, next.version, base, store).await,
            None => Ok(()),
        }
    }

    /// What is appended must not come up in other columns than those it was written for.
    async fn check_columns(
        &self,
        origin: &Dataset,
        write: &UncommittedWrite,
        now: &Schema,
        base: &Path,
        store: &ObjectStore,
    ) -> Result<()> {
        if !matches!(write.transaction.operation, Operation::Append { .. }) {
            return Ok(());
        }
        let then = origin.schema();
        // Mostly the same in all files.
        let lists: HashSet<&[i32]> = files(&write.transaction)
            .map(|file| file.fields.as_ref())
            .collect();
        let ids: BTreeSet<i32> = lists.into_iter().flatten().copied().collect();
        let column = match columns::compare(then, now, &ids) {
            Change::None => return Ok(()),
            Change::Replaced(column) => column,
            Change::Renamed(renamed) => {
                // A column that was dropped may have left its number to another one.
                let since = origin.manifest().version;
                let handler = self.inner.as_ref();
                let steps = manifests_since(handler, store, base, since).await?;
                if steps
                    .iter()
                    .all(|(step, _)| columns::remain(then, &step.schema, &renamed))
                {
                    return Ok(());
                }
                let first = renamed.first().and_then(|id| then.field_path(*id).ok());
                first.unwrap_or_default()
            }
        };
        Err(Error::new(
            code::INCOMPATIBLE_TRANSACTION,
            format!(
                "column {column:?} of dataset {} is another one than when these rows were written: write them again",
                write.target.place
            ),
        ))
    }

    async fn check_shared(
        &self,
        history: &History,
        next: u64,
        base: &Path,
        store: &ObjectStore,
    ) -> Result<()> {
        if history.newest() + 1 < next {
            history.look(self.inner.as_ref(), store, base).await?;
        }
        if let Some(version) = history.verdict()? {
            return Err(Error::invalid_state(format!(
                "the transaction is committed already, as version {version}"
            )));
        }
        discard::refuse_if_announced(&self.writes, store, base).await?;
        // Only now, as a discard may have come and gone since the last time.
        verify_all(&self.writes, &self.origins).await
    }
}

#[async_trait]
impl Before for Gate {
    fn inner(&self) -> &dyn CommitHandler {
        self.inner.as_ref()
    }

    async fn check(
        &self,
        manifest: &Manifest,
        base: &Path,
        store: &ObjectStore,
    ) -> lance_core::Result<()> {
        let refusal = match self.look(manifest, base, store).await {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        *lock(&self.refusal) = Some(refusal.clone());
        Err(lance_core::Error::external(Box::new(refusal)))
    }
}
