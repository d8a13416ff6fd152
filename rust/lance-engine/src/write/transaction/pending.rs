//! A transaction as its owner holds it: to be committed or discarded once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::{UncommittedWrite, commit, json};
use crate::error::{Error, Result, code};
use crate::settings::CommitResult;
use crate::sync::lock;
use crate::task::Task;

/// What has become of it.
enum Fate {
    Open(Box<UncommittedWrite>),
    Committed,
    Discarded,
    /// A commit may have landed, or land later.
    Unknown(Box<UncommittedWrite>),
}

/// Data files that are written but belong to no version yet.
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

    fn to_commit(&self) -> Result<UncommittedWrite> {
        match &mut *lock(&self.0) {
            Fate::Unknown(write) => Ok((**write).clone()),
            other => other.open().cloned(),
        }
    }

    /// Delete the files. Once they are gone, it may be asked for again.
    pub fn discard(self: Arc<Self>) -> Task<()> {
        Box::pin(async move {
            let write = match &mut *lock(&self.0) {
                Fate::Discarded => return Ok(()),
                other => other.open()?.clone(),
            };
            write.discard().await?;
            self.set(Fate::Discarded);
            Ok(())
        })
    }

    /// The form in which it can be kept, or committed by another process.
    pub fn to_json(&self) -> Result<String> {
        let mut fate = lock(&self.0);
        let write = fate.open()?;
        // From now on it may be committed or discarded by others.
        write.is_shared = true;
        json::write(write)
    }
}

impl Fate {
    fn open(&mut self) -> Result<&mut UncommittedWrite> {
        Err(Error::invalid_state(match self {
            Self::Open(write) => return Ok(write),
            Self::Committed => "the transaction is already committed",
            Self::Discarded => "the transaction was discarded",
            Self::Unknown(_) => {
                "an earlier commit of this transaction may have landed: commit it again, which tells"
            }
        }))
    }
}

/// Make one version of them all, in this order of rows, or none.
pub fn commit_all(transactions: Vec<Arc<Pending>>) -> Task<CommitResult> {
    Box::pin(async move {
        let writes = transactions
            .iter()
            .map(|transaction| transaction.to_commit())
            .collect::<Result<Vec<_>>>()?;
        let undecided = Undecided {
            transactions,
            writes: writes.clone(),
        };
        let outcome = commit::commit(writes).await;
        let is_unknown =
            matches!(&outcome, Err(error) if error.code() == code::COMMIT_STATUS_UNKNOWN);
        if !is_unknown {
            let transactions = undecided.decided();
            if outcome.is_ok() {
                transactions.iter().for_each(|t| t.set(Fate::Committed));
            }
        }
        outcome.map(|version| CommitResult { version })
    })
}

/// Transactions whose commit is under way: if it is given up, nobody knows what becomes of it.
struct Undecided {
    transactions: Vec<Arc<Pending>>,
    writes: Vec<UncommittedWrite>,
}

impl Undecided {
    fn decided(mut self) -> Vec<Arc<Pending>> {
        self.writes.clear();
        std::mem::take(&mut self.transactions)
    }
}

impl Drop for Undecided {
    fn drop(&mut self) {
        // The commit itself lets no panic out: what panicked came before it.
        if std::thread::panicking() {
            return;
        }
        for (transaction, mut write) in self.transactions.iter().zip(self.writes.drain(..)) {
            // This commit is like that of another process.
            write.is_shared = true;
            transaction.set(Fate::Unknown(Box::new(write)));
        }
    }
}
