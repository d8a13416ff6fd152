//! Deleting the files of a write, also where another process may commit it at the same time.
//!
//! A commit first puts its transaction's file, then looks for announcements of a discard and for its data files, and
//! then puts the manifest. A discard first puts an announcement, then looks for transactions' files and manifests that
//! name its data files, then deletes those, and takes the announcement back. So at least one of the two sees the
//! other, and nothing is deleted that a version needs.

use std::collections::HashSet;
use std::future::ready;
use std::hash::{BuildHasher, RandomState};

use futures::TryStreamExt;
use lance_io::object_store::ObjectStore;
use object_store::path::Path;

use super::history::{
    Everywhere, History, look_everywhere, read_transaction_file, transaction_files,
};
use super::{UncommittedWrite, files, is_write, named_files};
use crate::error::{Error, Result};
use crate::maintain::listing::{DATA, TRANSACTIONS, if_found};
use crate::maintain::needed_files::Needed;
use crate::write::removal;

pub async fn discard(write: &UncommittedWrite) -> Result<()> {
    let (store, base) = write.target.open_store(&write.written_files).await?;
    let done = match write.is_shared {
        true => discard_shared(write, &store, &base).await,
        false => delete_files(write, None, &store, &base).await,
    };
    if write.is_shared || write.transaction.read_version == 0 {
        removal::remove_empty_dataset_dirs(&store, &base);
    }
    done
}

/// What is not a write names old files, too: those that are `needed` stay.
async fn delete_files(
    write: &UncommittedWrite,
    needed: Option<&Needed>,
    store: &ObjectStore,
    base: &Path,
) -> Result<()> {
    let data = base.clone().join(DATA);
    if is_write(&write.transaction) {
        let names = files(&write.transaction).map(|file| file.path.as_str());
        removal::delete_data_files(store, &data, names).await?;
    } else if let Some(needed) = needed {
        let mut named = named_files::all(&write.transaction);
        named.retain(|file| !needed.contains(&file.path(base)));
        let (of_data, others): (Vec<_>, Vec<_>) =
            named.iter().partition(|file| file.directory == DATA);
        let others = others.into_iter().map(|file| file.path(base));
        removal::delete_files(store, others).await?;
        let names = of_data.into_iter().map(|file| file.name.as_str());
        removal::delete_data_files(store, &data, names).await?;
    }
    write.written_files.delete_files(store).await
}

async fn discard_shared(write: &UncommittedWrite, store: &ObjectStore, base: &Path) -> Result<()> {
    // Each has its own, so that none takes back that of another. One that is left after a crash looks like an unused
    // transaction.
    let random = RandomState::new().hash_one(0);
    let name = format!("{}{random:016x}.txn", announcements(write));
    let announcement = base.clone().join(TRANSACTIONS).join(name);
    store.put(&announcement, b"discard").await?;
    let outcome = async {
        let everywhere = refuse_if_used(write, store, base).await?;
        delete_files(write, Some(&everywhere.needed), store, base).await
    };
    let outcome = outcome.await;
    outcome.and(removal::delete_file(store, &announcement).await)
}

const ANNOUNCEMENT: &str = "discard-";

/// How the announcements of discards of this write begin.
fn announcements(write: &UncommittedWrite) -> String {
    format!("{ANNOUNCEMENT}{}-", write.transaction.uuid)
}

/// One listing for all of them: they may be thousands.
pub async fn refuse_if_announced(
    writes: &[UncommittedWrite],
    store: &ObjectStore,
    base: &Path,
) -> Result<()> {
    let directory = base.clone().join(TRANSACTIONS);
    let uuids: HashSet<&str> = writes.iter().map(|w| w.transaction.uuid.as_str()).collect();
    let is_announcement = |name: &str| {
        let rest = name.strip_prefix(ANNOUNCEMENT);
        let uuid = rest.and_then(|rest| rest.rsplit_once('-'));
        uuid.is_some_and(|(uuid, _)| uuids.contains(uuid))
    };
    // The names of transactions begin with digits, so they are not even listed.
    let offset = directory.clone().join(ANNOUNCEMENT);
    let mut listed = store
        .inner
        .list_with_offset(Some(&directory), &offset)
        .map_err(lance_core::Error::from)
        .try_filter(|file| ready(file.location.filename().is_some_and(is_announcement)));
    match if_found(listed.try_next().await)?.flatten() {
        None => Ok(()),
        Some(_) => Err(Error::invalid_state(
            "the transaction is being discarded by another process",
        )),
    }
}

async fn refuse_if_used(
    write: &UncommittedWrite,
    store: &ObjectStore,
    base: &Path,
) -> Result<Everywhere> {
    // Listed before the manifests are, as a commit makes its manifest last.
    let transactions = transaction_files(store, base).await?;
    let uri = write.target.place.uri.as_str();
    let handler = write.target.access.commit_handler(uri).await?;
    let history = History::new(std::slice::from_ref(write), write.transaction.read_version);
    history.look(handler.as_ref(), store, base).await?;
    if let Some(version) = history.verdict()? {
        return Err(Error::invalid_state(format!(
            "the transaction is committed, as version {version}: its files stay"
        )));
    }
    if !history.is_complete() && !is_write(&write.transaction) {
        return Err(history.unknown());
    }
    let everywhere = look_everywhere(write).await?;
    if let Some(manifest) = everywhere.using {
        return Err(Error::invalid_state(format!(
            "the transaction is committed: {manifest} names its files, so they stay"
        )));
    }
    for path in transactions {
        let is_landed = path
            .filename()
            .is_some_and(|name| everywhere.transaction_files.contains(name));
        if is_landed {
            continue;
        }
        let transaction = read_transaction_file(store, &path).await?;
        if transaction.is_some_and(|found| !history.traces.in_transaction(&found).is_empty()) {
            return Err(Error::invalid_state(
                "another process is committing the transaction, or crashed in the middle: commit it again, or leave its files to a cleanup",
            ));
        }
    }
    Ok(everywhere)
}
