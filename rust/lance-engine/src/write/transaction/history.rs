//! Which versions have a transaction already. Its files tell: their names are unique in the world. A transaction
//! without new data files, or one whose files a commit may replace, is known by a note in the properties of the commit.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures::{StreamExt, TryStreamExt};
use lance::dataset::transaction::Transaction;
use lance_io::object_store::ObjectStore;
use lance_io::utils::read_message;
use lance_table::format::{Manifest, pb};
use lance_table::io::commit::{CommitHandler, ManifestLocation};
use lance_table::io::manifest::read_manifest;
use object_store::path::Path;
use prost::Message;

use super::merge::part_names;
use super::{UncommittedWrite, files, is_write};
use crate::error::{Error, Result, code};
use crate::maintain::listing::{Home, TRANSACTIONS, find_manifests, if_found};
use crate::maintain::needed_files::Needed;
use crate::sync::lock;

/// The property of a commit that names the transactions in it that their files do not tell.
const NOTE: &str = "lance_cpp.transactions";

const MANIFESTS_AT_ONCE: usize = 8;

/// What tells transactions in a manifest or in another transaction.
#[derive(Debug)]
pub struct Traces {
    /// Which of the transactions a file belongs to.
    files: HashMap<String, usize>,
    /// And which one a note names.
    uuids: HashMap<String, usize>,
    /// Which one is the part of a job.
    parts: HashMap<String, usize>,
}

impl Traces {
    pub fn of(writes: &[UncommittedWrite]) -> Self {
        let mut traces = Self {
            files: HashMap::new(),
            uuids: HashMap::new(),
            parts: HashMap::new(),
        };
        for (index, write) in writes.iter().enumerate() {
            let names = files(&write.transaction).map(|file| (file.path.clone(), index));
            let known = traces.files.len();
            traces.files.extend(names);
            if traces.files.len() == known || !is_write(&write.transaction) {
                traces.uuids.insert(write.transaction.uuid.clone(), index);
            }
        }
        traces
    }

    /// Note in a commit what it cannot be known by otherwise.
    pub fn note(&self, transaction: &mut Transaction) {
        if self.uuids.is_empty() {
            return;
        }
        let mut uuids: Vec<_> = self.uuids.keys().map(String::as_str).collect();
        uuids.sort_unstable();
        let properties = Arc::make_mut(transaction.transaction_properties.get_or_insert_default());
        properties.insert(NOTE.to_string(), uuids.join(","));
    }

    pub fn in_manifest(&self, manifest: &Manifest) -> Vec<usize> {
        let fragments = manifest.fragments.iter();
        let names = fragments.flat_map(|f| f.referenced_lance_files());
        names
            .filter_map(|file| self.files.get(&file.path).copied())
            .collect()
    }

    pub fn in_transaction(&self, transaction: &Transaction) -> Vec<usize> {
        let names = files(transaction).filter_map(|file| self.files.get(&file.path));
        names.chain(self.noted(transaction)).copied().collect()
    }

    /// A part that a transaction has, but not as one of the writes `found` with it.
    fn repeated(&self, transaction: &Transaction, found: &[usize]) -> Option<String> {
        let found: HashSet<_> = found.iter().collect();
        let mut names = part_names(transaction);
        let is_another = |name: &&str| {
            let index = self.parts.get(*name);
            index.is_some_and(|index| !found.contains(index))
        };
        names.find(is_another).map(str::to_string)
    }

    fn noted<'a>(&'a self, transaction: &'a Transaction) -> impl Iterator<Item = &'a usize> {
        let properties = transaction.transaction_properties.as_deref();
        let note = properties.and_then(|properties| properties.get(NOTE));
        note.into_iter()
            .flat_map(|note| note.split(','))
            .chain([transaction.uuid.as_str()])
            .filter_map(|uuid| self.uuids.get(uuid))
    }
}

/// The versions of the line that a commit goes to, as far as they were looked at.
#[derive(Debug)]
pub struct History {
    pub traces: Traces,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    newest: u64,
    /// Whether a version in between was not there.
    is_complete: bool,
    /// The version that has each transaction.
    found: Vec<Option<u64>>,
    /// A part that another transaction has, and the version with it.
    repeated: Option<(String, u64)>,
}

impl History {
    /// Nothing can be in a version before `since`.
    pub fn new(writes: &[UncommittedWrite], since: u64) -> Self {
        Self {
            traces: Traces::of(writes),
            progress: Mutex::new(Progress {
                newest: since,
                is_complete: true,
                found: vec![None; writes.len()],
                repeated: None,
            }),
        }
    }

    /// Look for the parts of jobs, too, that are in new versions by other transactions.
    pub fn with_parts(mut self, writes: &[UncommittedWrite]) -> Self {
        let named = writes.iter().enumerate();
        self.traces.parts = named
            .flat_map(|(index, write)| {
                part_names(&write.transaction).map(move |name| (name.to_string(), index))
            })
            .collect();
        self
    }

    /// Look at the versions that are new since the last look.
    pub async fn look(
        &self,
        handler: &dyn CommitHandler,
        store: &ObjectStore,
        base: &Path,
    ) -> Result<()> {
        let since = lock(&self.progress).newest;
        let manifests = manifests_since(handler, store, base, since).await?;
        for (manifest, location) in manifests {
            let mut found = self.traces.in_manifest(&manifest);
            let mut repeated = None;
            if !(self.traces.uuids.is_empty() && self.traces.parts.is_empty())
                && let Some(transaction) =
                    read_transaction(store, base, &manifest, &location).await?
            {
                found.extend(self.traces.noted(&transaction));
                repeated = self.traces.repeated(&transaction, &found);
            }
            lock(&self.progress).advance(manifest.version, &found, repeated);
        }
        Ok(())
    }

    /// Up to which version everything is known.
    pub fn newest(&self) -> u64 {
        lock(&self.progress).newest
    }

    pub fn is_complete(&self) -> bool {
        lock(&self.progress).is_complete
    }

    /// What to say where it cannot be known whether a version has them.
    pub fn unknown(&self) -> Error {
        Error::new(
            code::INCOMPATIBLE_TRANSACTION,
            "versions since the one that the transaction was made of were cleaned up, and one of them may have it: do the operation again",
        )
    }

    /// The version that has the transactions; None if there is none. It is an error if that holds for some only.
    pub fn verdict(&self) -> Result<Option<u64>> {
        let progress = lock(&self.progress);
        if let Some((part, version)) = &progress.repeated {
            return Err(Error::new(
                code::COMMIT_CONFLICT,
                format!(
                    "part {part:?} was committed meanwhile, in version {version}: commit again, which leaves it out"
                ),
            ));
        }
        let mut versions: Vec<_> = progress.found.iter().flatten().copied().collect();
        versions.sort_unstable();
        let everywhere = versions.len() == progress.found.len();
        versions.dedup();
        match versions.as_slice() {
            [] => Ok(None),
            [version] if everywhere => Ok(Some(*version)),
            [first, ..] => Err(Error::invalid_state(format!(
                "some of the transactions are committed already, in version {first}: commit the others without them"
            ))),
        }
    }
}

impl Progress {
    fn advance(&mut self, version: u64, found: &[usize], repeated: Option<String>) {
        self.is_complete &= version == self.newest + 1;
        self.newest = version;
        for index in found {
            self.found[*index].get_or_insert(version);
        }
        if let Some(part) = repeated {
            self.repeated.get_or_insert((part, version));
        }
    }
}

/// Read the manifests that are newer than a version, the oldest first, whatever a cache may say.
pub async fn manifests_since(
    handler: &dyn CommitHandler,
    store: &ObjectStore,
    base: &Path,
    since: u64,
) -> Result<Vec<(Manifest, ManifestLocation)>> {
    let listed = handler.list_manifest_locations_since(base, store, since);
    let mut locations: Vec<ManifestLocation> =
        if_found(listed.try_collect().await)?.unwrap_or_default();
    locations.sort_unstable_by_key(|location| location.version);
    let read = futures::stream::iter(locations)
        .map(|location| async move {
            // A cleanup may have removed it meanwhile.
            let found = if_found(read_manifest(store, &location.path, location.size).await)?;
            Ok::<_, Error>(found.map(|manifest| (manifest, location)))
        })
        .buffered(MANIFESTS_AT_ONCE);
    read.try_filter_map(|found| async move { Ok(found) })
        .try_collect()
        .await
}

async fn read_transaction(
    store: &ObjectStore,
    base: &Path,
    manifest: &Manifest,
    location: &ManifestLocation,
) -> Result<Option<Transaction>> {
    if let Some(position) = manifest.transaction_section {
        let reader = store.open(&location.path).await?;
        let message: pb::Transaction = read_message(reader.as_ref(), position).await?;
        return Ok(Some(Transaction::try_from(message)?));
    }
    let Some(file) = &manifest.transaction_file else {
        return Ok(None);
    };
    let path = base.clone().join(TRANSACTIONS).join(file.as_str());
    read_transaction_file(store, &path).await
}

/// The files of transactions, landed or on their way.
pub async fn transaction_files(store: &ObjectStore, base: &Path) -> Result<Vec<Path>> {
    let directory = base.clone().join(TRANSACTIONS);
    let listed = if_found(store.list_with_delimiter(Some(&directory)).await)?;
    let files = listed.into_iter().flat_map(|listed| listed.objects);
    Ok(files.map(|file| file.location).collect())
}

/// Read a transaction's file. None: it is not there, or not a transaction.
pub async fn read_transaction_file(
    store: &ObjectStore,
    path: &Path,
) -> Result<Option<Transaction>> {
    let Some(bytes) = if_found(store.read_one_all(path).await)? else {
        return Ok(None);
    };
    let message = pb::Transaction::decode(bytes.as_ref()).ok();
    Ok(message.and_then(|message| Transaction::try_from(message).ok()))
}

/// What the manifests of a whole dataset say, those of its branches and of datasets below it included.
pub struct Everywhere {
    /// The first manifest that names one of the files.
    pub using: Option<String>,
    /// The files of the transactions that made the versions.
    pub transaction_files: HashSet<String>,
    /// What the versions need.
    pub needed: Needed,
}

/// Look for a write in every manifest. One that cannot be read may name its files, so it is an error.
pub async fn look_everywhere(write: &UncommittedWrite) -> Result<Everywhere> {
    let target = &write.target;
    let traces = Traces::of(std::slice::from_ref(write));
    let options = target.access.fresh_options().await?;
    let open = || Home::open(target.place.clone(), options.clone());
    let home = match open().await?.into_dataset().await {
        Ok((home, _)) => home,
        // The write was to make it.
        Err(error) if error.code() == code::DATASET_NOT_FOUND => open().await?,
        Err(error) => return Err(error),
    };
    let (_, manifests) = find_manifests(&home.base, &home.list_all().await?);
    let mut everywhere = Everywhere {
        using: None,
        transaction_files: HashSet::new(),
        needed: Needed::new(&home.base),
    };
    let mut versions = home.read_all(&manifests);
    while let Some((file, version)) = versions.next().await {
        let version = version.map_err(|error| error.context(&home.shown(&file.path)))?;
        if everywhere.using.is_none() && !traces.in_manifest(&version.manifest).is_empty() {
            everywhere.using = Some(home.shown(&file.path));
        }
        if !is_write(&write.transaction) {
            everywhere.needed.add(&version);
        }
        everywhere
            .transaction_files
            .extend(version.manifest.transaction_file);
    }
    Ok(everywhere)
}
