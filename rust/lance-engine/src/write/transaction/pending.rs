//! A transaction as its owner holds it: to be committed or discarded once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lance::Dataset;
use tokio::runtime::Handle;

use super::{UncommittedWrite, commit, json, parts};
use crate::error::{Error, Result, code};
use crate::local::store::{is_durable, make_durable};
use crate::panics::contained;
use crate::place::Place;
use crate::read::Opened;
use crate::settings::{CommitResult, CommitSettings};
use crate::sync::lock;
use crate::task::Task;

/// What has become of it.
enum Fate {
    Open(Box<UncommittedWrite>),
    /// Somebody is committing or discarding it, as the word says.
    Taken(&'static str),
    Committed,
    Discarded,
    /// A commit may have landed, or land later.
    Unknown(Box<UncommittedWrite>),
}

/// A transaction that no version has yet.
pub struct Pending(Mutex<Fate>);

impl Pending {
    pub fn new(write: UncommittedWrite) -> Self {
        Self(Mutex::new(Fate::Open(Box::new(write))))
    }

    /// Read the form that `to_json` has written, here or elsewhere.
    pub fn from_json(json: &str, storage_options: HashMap<String, String>) -> Result<Self> {
        json::read(json, storage_options).map(Self::new)
    }

    fn set(&self, fate: Fate) {
        *lock(&self.0) = fate;
    }

    /// Take it for a commit or a discard: nobody else can before that has ended.
    fn take(self: &Arc<Self>, what: &'static str) -> Result<Taken> {
        let mut fate = lock(&self.0);
        let was_unknown = matches!(*fate, Fate::Unknown(_));
        if !was_unknown || what != COMMITTED {
            fate.open()?;
        }
        let (Fate::Open(write) | Fate::Unknown(write)) =
            std::mem::replace(&mut *fate, Fate::Taken(what))
        else {
            return Err(ended());
        };
        Ok(Taken {
            pending: self.clone(),
            write: Some(write),
            was_unknown,
            is_committing: false,
        })
    }

    /// Delete the files. Once they are gone, it may be asked for again.
    pub fn discard(self: Arc<Self>) -> Task<()> {
        Box::pin(async move {
            if matches!(*lock(&self.0), Fate::Discarded) {
                return Ok(());
            }
            let taken = self.take(DISCARDED)?;
            // To its end, also when nobody waits for that any more: an announcement that stayed would keep every commit
            // away.
            let work = Handle::current().spawn(contained(async move {
                taken.write()?.discard().await?;
                taken.leave(Fate::Discarded);
                Ok(())
            }));
            let ended = work.await;
            ended.unwrap_or_else(|error| Err(Error::new(code::INTERNAL, error.to_string())))
        })
    }

    /// The form in which it can be kept, or committed by another process.
    pub fn to_json(&self) -> Result<String> {
        let mut fate = lock(&self.0);
        let write = fate.open()?;
        if write.target.access.keeper.is_some() {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                "the versions of this table are committed through its namespace, which a JSON form does not name: commit it here",
            ));
        }
        // From now on it may be committed or discarded by others.
        write.is_shared = true;
        json::write(write)
    }
}

impl Fate {
    fn open(&mut self) -> Result<&mut UncommittedWrite> {
        Err(Error::invalid_state(match self {
            Self::Open(write) => return Ok(write),
            Self::Taken(what) => {
                return Err(Error::invalid_state(format!(
                    "the transaction is being {what}: wait for the end of that"
                )));
            }
            Self::Committed => "the transaction is already committed",
            Self::Discarded => "the transaction was discarded",
            Self::Unknown(_) => {
                "an earlier commit of this transaction may have landed: commit it again, which tells"
            }
        }))
    }
}

/// Make one version of them all, in this order of rows, or none. Those that repeat a part of a job stay as they are.
pub fn commit_all(transactions: Vec<Arc<Pending>>, settings: CommitSettings) -> Task<CommitResult> {
    Box::pin(async move { commit_where(transactions, &settings, |_| Ok(())).await })
}

/// The same for transactions of this dataset, reached as it is: the version that has them.
pub fn commit_to(
    opened: Arc<Opened>,
    transactions: Vec<Arc<Pending>>,
    settings: CommitSettings,
) -> Task<(Opened, CommitResult)> {
    Box::pin(async move {
        let place = Place::of(opened.dataset.uri())?;
        let adopt = |write: &mut UncommittedWrite| {
            if write.target.place != place {
                return Err(Error::invalid_argument(format!(
                    "the transaction is of dataset {}, not of {place}",
                    write.target.place
                )));
            }
            let was_durable = is_durable(&write.target.access.storage_options);
            write.target.access = opened.access.clone();
            if was_durable {
                make_durable(&mut write.target.access.storage_options);
            }
            Ok(())
        };
        let made = commit_where(transactions, &settings, adopt).await?;
        let dataset = match settings.dry_run {
            true => opened.plain.clone(),
            false => at_version(&opened, made.version).await?,
        };
        Ok((opened.at(dataset), made))
    })
}

async fn at_version(opened: &Opened, version: u64) -> Result<Dataset> {
    let dataset = opened.plain.checkout_version(version).await;
    dataset.map_err(|error| {
        let context = format!("version {version} was made, but it cannot be opened");
        Error::from(error).context(&context)
    })
}

async fn commit_where(
    transactions: Vec<Arc<Pending>>,
    settings: &CommitSettings,
    adopt: impl Fn(&mut UncommittedWrite) -> Result<()>,
) -> Result<CommitResult> {
    let taken = transactions.iter().map(|pending| pending.take(COMMITTED));
    let mut taken = taken.collect::<Result<Vec<_>>>()?;
    let writes = taken.iter().map(|taken| {
        let mut write = taken.write()?.clone();
        adopt(&mut write)?;
        Ok(write)
    });
    let mut writes = writes.collect::<Result<Vec<_>>>()?;
    let choice = parts::choose(&writes).await?;
    choice.keep_chosen(&mut taken);
    choice.keep_chosen(&mut writes);
    let made = |version| CommitResult {
        version,
        repeated_parts: choice.repeated(),
    };
    if let (true, Some(version)) = (taken.is_empty(), choice.version) {
        return Ok(made(version));
    }
    taken
        .iter_mut()
        .for_each(|taken| taken.is_committing = !settings.dry_run);
    let outcome = commit::commit(writes, settings).await;
    match &outcome {
        Ok(_) if settings.dry_run => (),
        Ok(_) => taken.into_iter().for_each(|t| t.leave(Fate::Committed)),
        Err(error) if error.code() == code::COMMIT_STATUS_UNKNOWN => (),
        Err(_) => taken.iter_mut().for_each(|t| t.is_committing = false),
    }
    outcome.map(made)
}

fn ended() -> Error {
    Error::invalid_state("the transaction has ended")
}

const COMMITTED: &str = "committed";
const DISCARDED: &str = "discarded";

/// A transaction that is being committed or discarded. When that comes to nothing it is put back.
struct Taken {
    pending: Arc<Pending>,
    write: Option<Box<UncommittedWrite>>,
    was_unknown: bool,
    /// If it is dropped now, the commit was given up in the middle, and nobody knows what becomes of it.
    is_committing: bool,
}

impl Taken {
    fn write(&self) -> Result<&UncommittedWrite> {
        self.write.as_deref().ok_or_else(ended)
    }

    fn leave(mut self, fate: Fate) {
        self.write = None;
        self.pending.set(fate);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(mut write) = self.write.take() else {
            return;
        };
        // The commit itself lets no panic out: what panicked came before it.
        let is_undecided = self.is_committing && !std::thread::panicking();
        // That commit is like one of another process.
        write.is_shared |= is_undecided;
        self.pending.set(match is_undecided || self.was_unknown {
            true => Fate::Unknown(write),
            false => Fate::Open(write),
        });
    }
}
