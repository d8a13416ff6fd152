//! A change of a dataset, which leaves no file when it comes to nothing.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::AbortHandle;
use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::transaction::{Operation, Transaction};
use lance_io::object_store::ObjectStore;
use lance_table::io::deletion::relative_deletion_file_path;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::cancel;
use crate::error::{Error, Result, code};
use crate::fault;
use crate::maintain::listing::DELETIONS;
use crate::panics::contained;
use crate::parallel::{aside, to_its_end};
use crate::read::Opened;
use crate::write::removal;
use crate::write::transaction::{Pending, Staged, UncommittedWrite};
use crate::write::written_files::{Landing, WrittenFiles};

/// A store that does not answer must not keep whoever cancels a commit for ever.
const LONGEST_COMMIT: Duration = Duration::from_secs(30);

/// A change under way, on a copy of the version. Its files stay when it ends well, and when a version may have them;
/// otherwise they are gone when it has ended, or is dropped. A commit that has begun goes to its end, which is waited for.
pub struct Change {
    dataset: Dataset,
    /// Where its files are, if that is not the store of the version.
    elsewhere: Option<Arc<ObjectStore>>,
    /// None: they stay.
    written: Option<Arc<WrittenFiles>>,
    work: Option<Work>,
    runtime: Handle,
}

struct Work {
    abort: AbortHandle,
    /// Fails when the work has ended.
    ended: oneshot::Receiver<()>,
}

impl Change {
    pub fn new(opened: &Opened) -> Result<Self> {
        Self::noting(opened, WrittenFiles::of_change())
    }

    /// One that commits a version which reserves numbers of fragments, before the one it is about.
    pub fn of_rewrite(opened: &Opened) -> Result<Self> {
        Self::noting(opened, WrittenFiles::of_rewrite())
    }

    fn noting(opened: &Opened, written: WrittenFiles) -> Result<Self> {
        fault::point()?;
        let written = Arc::new(written);
        cancel::enter(&written);
        Ok(Self {
            dataset: opened
                .plain
                .with_object_store_wrappers([written.clone() as _]),
            elsewhere: None,
            written: Some(written),
            work: None,
            runtime: Handle::current(),
        })
    }

    /// The files that it makes.
    pub fn files(&self) -> Arc<WrittenFiles> {
        self.written.clone().unwrap_or_default()
    }

    /// One whose files are in another store, which `open` opens so that they are noted.
    pub async fn elsewhere<S>(
        opened: &Opened,
        open: impl FnOnce(Arc<WrittenFiles>) -> S,
    ) -> Result<Self>
    where
        S: Future<Output = Result<Arc<ObjectStore>>>,
    {
        let mut change = Self::new(opened)?;
        if let Some(written) = &change.written {
            change.elsewhere = Some(open(written.clone()).await?);
        }
        Ok(change)
    }

    /// Let `work` make something of the copy, or change it. What fails or is dropped leaves no file, unless a version may have
    /// it.
    pub async fn run<T, W>(mut self, work: impl FnOnce(Dataset) -> W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let (running, ended) = oneshot::channel();
        let work = contained(work(self.dataset.clone()));
        let (abort, outcome) = aside(async move {
            let _running: oneshot::Sender<()> = running;
            work.await
        });
        self.work = Some(Work { abort, ended });
        let outcome = outcome.await;
        let (Err(error), Some(written)) = (&outcome, self.written.clone()) else {
            self.written = None;
            return outcome;
        };
        let error = error.clone();
        let landing = written.close();
        if landing == Landing::None {
            tell(self.remove(&written).await);
        }
        self.written = None;
        Err(match landing {
            Landing::None => error,
            Landing::Unknown | Landing::Made => error
                .with_code(code::COMMIT_STATUS_UNKNOWN)
                .context("the outcome of the commit is unknown, its files stay"),
        })
    }

    /// Let `work` change the copy: the version that is made, reached as the one before it.
    pub async fn run_to_version<W>(
        self,
        opened: &Opened,
        work: impl FnOnce(Dataset) -> W,
    ) -> Result<Opened>
    where
        W: Future<Output = Result<Dataset>> + Send + 'static,
    {
        let work = |dataset| {
            let work = work(dataset);
            async move { Ok((work.await?, ())) }
        };
        let (opened, ()) = self.run_to_version_with(opened, work).await?;
        Ok(opened)
    }

    /// The same, with what else `work` yields.
    pub async fn run_to_version_with<T, W>(
        self,
        opened: &Opened,
        work: impl FnOnce(Dataset) -> W,
    ) -> Result<(Opened, T)>
    where
        T: Send + 'static,
        W: Future<Output = Result<(Dataset, T)>> + Send + 'static,
    {
        let written = self.written.clone().filter(|_| self.elsewhere.is_none());
        let (made, told) = self.run(work).await?;
        if let Some(written) = written {
            tell(remove_superseded(&made, &written).await);
        }
        let version = made.manifest().version;
        let dataset = opened.plain.checkout_version(version).await;
        let dataset = dataset.map_err(|error| {
            let context = format!("version {version} was made, but it cannot be opened");
            Error::from(error).context(&context)
        })?;
        Ok((opened.at(dataset), told))
    }

    /// Let `work` make a transaction of the copy, which is not committed, and tell something about it: whoever holds the
    /// transaction has its files, and commits or discards it.
    pub async fn run_staged<T, W>(
        self,
        opened: &Opened,
        work: impl FnOnce(Dataset) -> W,
    ) -> Result<(Pending, T)>
    where
        T: Send + 'static,
        W: Future<Output = Result<(Staged, T)>> + Send + 'static,
    {
        let (dataset, written) = (Arc::new(self.dataset.clone()), self.written.clone());
        let (staged, told) = self.run(work).await?;
        let written = written.unwrap_or_default();
        let write = UncommittedWrite::staged(opened, dataset, staged, written)?;
        Ok((Pending::new(write), told))
    }

    async fn remove(&self, written: &WrittenFiles) -> Result<()> {
        let store = match &self.elsewhere {
            Some(store) => store.clone(),
            None => self.dataset.object_store(None).await?,
        };
        written.give_up(&store).await
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        let Some(written) = self.written.take() else {
            return;
        };
        let work = self.work.take();
        // Whoever has cancelled the work is told that it has ended when the commit has, or the files are gone.
        if written.close() != Landing::None {
            if let Some(Work { ended, .. }) = work {
                let _ = to_its_end(&self.runtime, async {
                    timeout(LONGEST_COMMIT, ended).await
                });
            }
            return;
        }
        work.inspect(|work| work.abort.abort());
        tell(to_its_end(&self.runtime, self.remove(&written)));
    }
}

/// Commit an operation on a version: the version that it makes.
pub async fn commit(dataset: Dataset, operation: Operation) -> Result<Dataset> {
    let transaction = Transaction::new(dataset.manifest().version, operation, None);
    let commit = CommitBuilder::new(Arc::new(dataset))
        // The engine's own removes what a branch lives on, if its place was typed otherwise.
        .with_skip_auto_cleanup(true);
    Ok(commit.execute(transaction).await?)
}

fn tell(removed: Result<()>) {
    if let Err(failure) = removed {
        tracing::warn!(target: "lance_cpp::change", "files of a change that was given up stay: {failure}");
    }
}

/// The engine writes the deletions of a fragment once more when it commits them on top of others', and leaves what it had
/// written before.
async fn remove_superseded(made: &Dataset, written: &WrittenFiles) -> Result<()> {
    let mut files = written.files_in(DELETIONS);
    if files.is_empty() {
        return Ok(());
    }
    let needed = made.fragments().iter().filter_map(|fragment| {
        let path = relative_deletion_file_path(fragment.id, fragment.deletion_file.as_ref()?);
        Some(path.rsplit('/').next()?.to_string())
    });
    let needed: HashSet<String> = needed.collect();
    files.retain(|file| !needed.contains(file.filename().unwrap_or_default()));
    let store = made.object_store(None).await?;
    removal::delete_files(&store, files).await
}
