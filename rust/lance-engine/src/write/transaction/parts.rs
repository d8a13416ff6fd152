//! Parts of a job: each is counted once, however often workers have made it.
//!
//! A coordinator names the parts of its job, and a worker keeps the name as a property of what it writes. A worker that
//! was taken for dead and the one after it make two transactions of one name. A commit keeps the names of all its parts
//! with the version, so that later commits know them.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use lance::dataset::transaction::Transaction;

use super::history::{manifests_since, read_transaction_file, transaction_files};
use super::merge::part_names;
use super::{UncommittedWrite, files};
use crate::error::{Error, Result};

/// What of several writes is to be committed.
pub struct Choice {
    /// Whether each of them repeats a part: of another one before it, or of a version.
    pub repeats: Vec<bool>,
    /// The newest version that has such a part.
    pub version: Option<u64>,
}

impl Choice {
    pub fn repeated(&self) -> u64 {
        self.repeats.iter().filter(|repeats| **repeats).count() as u64
    }

    /// Drop what belongs to writes that repeat a part; there is one of each write.
    pub fn keep_chosen<T>(&self, of_writes: &mut Vec<T>) {
        let mut repeats = self.repeats.iter();
        of_writes.retain(|_| repeats.next() == Some(&false));
    }
}

/// Choose one write for each part: the one that a version has already, or else the first.
pub async fn choose(writes: &[UncommittedWrite]) -> Result<Choice> {
    let mut choice = Choice {
        repeats: vec![false; writes.len()],
        version: None,
    };
    let names: HashSet<&str> = writes
        .iter()
        .flat_map(|w| part_names(&w.transaction))
        .collect();
    if names.is_empty() {
        return Ok(choice);
    }
    let landed = landed(writes, &names).await?;
    let mut seen = HashSet::new();
    for (write, repeats) in writes.iter().zip(&mut choice.repeats) {
        for name in part_names(&write.transaction) {
            match landed.get(name) {
                None => *repeats |= !seen.insert(name),
                Some(part) if part.is_of(&write.transaction) => (),
                Some(part) => {
                    *repeats = true;
                    choice.version = choice.version.max(Some(part.version));
                }
            }
        }
    }
    Ok(choice)
}

/// A part that a version has.
struct Landed {
    version: u64,
    files: HashSet<String>,
}

impl Landed {
    fn is_of(&self, transaction: &Transaction) -> bool {
        files(transaction).any(|file| self.files.contains(&file.path))
    }
}

/// The parts of these names that are in a version, by their transactions' files: what a manifest has would take long to
/// read for all versions.
async fn landed(
    writes: &[UncommittedWrite],
    names: &HashSet<&str>,
) -> Result<HashMap<String, Landed>> {
    let Some(UncommittedWrite {
        target,
        written_files,
        ..
    }) = writes.first()
    else {
        return Ok(HashMap::new());
    };
    let (store, base) = target.open_store(written_files).await?;
    let listed = transaction_files(&store, &base).await?;
    let (store, base) = (&store, &base);
    let mut found: HashMap<String, Transaction> = stream::iter(listed)
        .map(|path| async move {
            let transaction = read_transaction_file(store, &path).await?;
            let named = transaction.filter(|t| part_names(t).any(|name| names.contains(name)));
            Ok::<_, Error>(path.filename().map(str::to_string).zip(named))
        })
        .buffer_unordered(store.io_parallelism())
        .try_filter_map(|found| async move { Ok(found) })
        .try_collect()
        .await?;
    let Some(since) = found.values().map(|t| t.read_version).min() else {
        return Ok(HashMap::new());
    };
    // Others may be those of commits that came to nothing.
    let handler = target.access.commit_handler(&target.place.uri).await?;
    let mut landed = HashMap::new();
    for (manifest, _) in manifests_since(handler.as_ref(), store, base, since).await? {
        let file = manifest.transaction_file.as_deref().unwrap_or_default();
        let Some(transaction) = found.remove(file) else {
            continue;
        };
        for name in part_names(&transaction) {
            landed.entry(name.to_string()).or_insert_with(|| Landed {
                version: manifest.version,
                files: files(&transaction).map(|file| file.path.clone()).collect(),
            });
        }
    }
    Ok(landed)
}
