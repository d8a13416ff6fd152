//! Whether the files of transactions are there, and as long as what was written: a store that lost the end of a file
//! would otherwise leave a version that nobody can read.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use lance::dataset::transaction::Transaction;
use lance_io::object_store::ObjectStore;
use lance_table::format::Manifest;
use object_store::path::Path;

use super::is_write;
use super::named_files::{self, NamedFile};
use crate::error::{Error, Result, code};
use crate::fault;
use crate::maintain::listing::DATA;
use crate::read::attempt::attempt;

/// So many files are found by a listing of their directory, which takes less than a look at each.
const LISTED_FROM: usize = 500;
/// Older files are listed, too: for each new one so many files at most. The rest is looked at one by one.
const LISTED_FOR_EACH: usize = 4;

/// Check the new files of transactions, each beside the version it was made of: what that has already is as good as it was.
pub async fn verify<'a>(
    changes: impl IntoIterator<Item = (&'a Transaction, Option<&'a Manifest>)>,
    store: &ObjectStore,
    base: &Path,
) -> Result<()> {
    fault::point()?;
    let files = new_files(changes);
    let listed = match files.len() < LISTED_FROM {
        true => None,
        false => attempt(sizes_of_data(store, base, files.len() * LISTED_FOR_EACH)).await,
    };
    let listed = listed.unwrap_or_default();
    let listed = &listed;
    stream::iter(files)
        .map(|file| async move {
            let path = file.path(base);
            match listed.get(&path) {
                Some(size) if file.fits(*size) => Ok(()),
                // It may have come since.
                _ => file.verify(store, &path).await,
            }
        })
        .buffer_unordered(store.io_parallelism())
        .try_collect()
        .await
}

fn new_files<'a>(
    changes: impl IntoIterator<Item = (&'a Transaction, Option<&'a Manifest>)>,
) -> Vec<NamedFile> {
    // Mostly all were made of one version.
    let mut known: HashMap<u64, HashSet<String>> = HashMap::new();
    let mut files = Vec::new();
    for (transaction, origin) in changes {
        let mut named = named_files::all(transaction);
        if let (false, Some(origin)) = (is_write(transaction), origin) {
            let known = known.entry(origin.version);
            let known = known.or_insert_with(|| named_files::of_version(origin));
            named.retain(|file| !known.contains(&file.name));
        }
        files.append(&mut named);
    }
    files
}

/// Of so many files at most.
async fn sizes_of_data(
    store: &ObjectStore,
    base: &Path,
    most: usize,
) -> Result<HashMap<Path, u64>> {
    let directory = base.clone().join(DATA);
    let listed = store.inner.list(Some(&directory)).take(most);
    let sizes = listed.map_ok(|file| (file.location, file.size));
    Ok(sizes.try_collect().await.map_err(lance_core::Error::from)?)
}

impl NamedFile {
    fn fits(&self, size: u64) -> bool {
        // No file of a dataset is empty.
        size == self.size.unwrap_or(size.max(1))
    }

    async fn verify(&self, store: &ObjectStore, path: &Path) -> Result<()> {
        let kind = self.kind;
        let size = store.size(path).await.map_err(|error| {
            let error = Error::from(error);
            match error.code() {
                code::NOT_FOUND => error.context(&format!(
                    "{kind} {path} is not there: the transaction is of another dataset, or a cleanup removed it"
                )),
                _ => error,
            }
        })?;
        if self.fits(size) {
            return Ok(());
        }
        let expected = self.size.unwrap_or(1);
        Err(Error::new(
            code::IO,
            format!(
                "{kind} {path} has {size} of {expected} bytes: the store lost a part of it; nothing was committed"
            ),
        ))
    }
}
