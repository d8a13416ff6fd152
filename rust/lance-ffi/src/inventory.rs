//! What lies in the directories of a dataset, and what its manifests say should lie there.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::iter::successors;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::SystemTime;

use futures::future::try_join_all;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use lance::Dataset;
use lance::session::Session;
use lance_io::object_store::ObjectStore;
use lance_table::format::{
    BasePath, DataFile, DeletionFile, Fragment, IndexFile, IndexMetadata, Manifest,
    is_detached_version,
};
use lance_table::io::commit::{ManifestLocation, ManifestNamingScheme};
use lance_table::io::deletion::relative_deletion_file_path;
use lance_table::io::manifest::{read_manifest, read_manifest_indexes};
use object_store::path::Path;
use serde::Deserialize;

use crate::dataset::builder;
use crate::error::{LanceError, Result, code};
use crate::guard::panic_error;
use crate::runtime::session;
use crate::session::store_params;

pub const DATA: &str = "data";
pub const DELETIONS: &str = "_deletions";
pub const INDICES: &str = "_indices";
pub const TRANSACTIONS: &str = "_transactions";
pub const VERSIONS: &str = "_versions";
pub const REFS: &str = "_refs";
pub const BRANCHES: &str = "tree";

/// The directories of a dataset. Nothing else below its root is looked at, let alone touched.
pub const DIRECTORIES: [&str; 9] = [
    DATA,
    DELETIONS,
    INDICES,
    TRANSACTIONS,
    VERSIONS,
    REFS,
    BRANCHES,
    "_blobs",
    "_fri",
];

/// Enough for this work; a cache that outlives it would answer for files that are damaged by now.
const CACHE_BYTES: usize = 32 << 20;

/// A manifest may be large.
const MANIFESTS_AT_ONCE: usize = 8;

/// Run `task`; contain its panic, so that one damaged file does not end the work on the others.
pub async fn contained<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(task)
        .catch_unwind()
        .await
        .unwrap_or_else(|payload| Err(panic_error(payload)))
}

/// None in place of the error that says that something does not exist.
pub fn if_found<T>(outcome: lance_core::Result<T>) -> Result<Option<T>> {
    match outcome.map_err(LanceError::from) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == code::NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file that the store has listed.
pub struct StoredFile {
    pub size: u64,
    pub modified: SystemTime,
}

pub type StoredFiles = HashMap<Path, StoredFile>;

/// A line of versions: the main one in the dataset's root, or a branch below it.
pub struct Branch {
    /// Empty for the main one.
    pub name: String,
    pub root: Path,
}

/// A manifest, by its file name.
pub struct ManifestFile {
    pub branch: usize,
    pub version: u64,
    pub path: Path,
    pub size: u64,
}

/// A manifest that was read.
pub struct Version {
    pub manifest: Manifest,
    pub indexes: Vec<IndexMetadata>,
}

/// A dataset's place in a store, whether or not it can be opened.
pub struct Home {
    pub uri: String,
    pub store: Arc<ObjectStore>,
    pub base: Path,
    storage_options: HashMap<String, String>,
    session: Arc<Session>,
}

impl Home {
    pub async fn open(uri: String, storage_options: HashMap<String, String>) -> Result<Self> {
        let registry = session()?.store_registry();
        let session = Arc::new(Session::new(CACHE_BYTES, CACHE_BYTES, registry));
        let (store, base) = open_store(&session, &uri, &storage_options).await?;
        Ok(Self {
            uri,
            store,
            base,
            storage_options,
            session,
        })
    }

    /// List the files of the dataset.
    pub async fn list(&self) -> Result<StoredFiles> {
        let listings = DIRECTORIES.map(|name| self.list_directory(self.base.clone().join(name)));
        Ok(try_join_all(listings)
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    async fn list_directory(&self, directory: Path) -> Result<Vec<(Path, StoredFile)>> {
        let files = self
            .store
            .list(Some(directory))
            .map_ok(|meta| {
                let file = StoredFile {
                    size: meta.size,
                    modified: meta.last_modified.into(),
                };
                (meta.location, file)
            })
            .try_collect()
            .await;
        Ok(if_found(files)?.unwrap_or_default())
    }

    /// A path as people know it: relative to the dataset if it is inside.
    pub fn shown(&self, path: &Path) -> String {
        match path.prefix_match(&self.base) {
            Some(parts) => Path::from_iter(parts).to_string(),
            None => path.to_string(),
        }
    }

    /// Open one version, or the latest one.
    pub async fn open_version(&self, branch: &Branch, version: Option<u64>) -> Result<Dataset> {
        let uri = match branch.name.as_str() {
            "" => self.uri.clone(),
            name => format!("{}/{BRANCHES}/{name}", self.uri.trim_end_matches('/')),
        };
        let mut target = builder(&uri, &self.storage_options)?.with_session(self.session.clone());
        if let Some(version) = version {
            target = target.with_version(version);
        }
        Ok(target.load().await?)
    }

    /// Read manifests, in order.
    pub fn read_all<'a>(
        &'a self,
        files: impl IntoIterator<Item = &'a ManifestFile, IntoIter: Send + 'a>,
    ) -> BoxStream<'a, (&'a ManifestFile, Result<Version>)> {
        stream::iter(files)
            .map(move |file| async move { (file, self.read(file).await) })
            .buffered(MANIFESTS_AT_ONCE)
            .boxed()
    }

    pub async fn has_version(&self, branch: &Branch, version: u64) -> Result<bool> {
        for scheme in [ManifestNamingScheme::V2, ManifestNamingScheme::V1] {
            let path = scheme.manifest_path(&branch.root, version);
            if self.store.exists(&path).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Find the newest version of a branch lost: without its manifest, only the engine's note of it is left.
    pub async fn find_lost_version(
        &self,
        listed: &StoredFiles,
        branch: &Branch,
    ) -> Result<Option<(u64, Path)>> {
        let directory = branch.root.clone().join(VERSIONS);
        let note = directory.clone().join(NEWEST_VERSION);
        if !listed.contains_key(&note) {
            return Ok(None);
        }
        let noted = if_found(self.store.read_one_all(&note).await)?;
        // The engine ignores a note that it cannot read.
        let noted = noted.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(NewestVersion { version }) = noted else {
            return Ok(None);
        };
        // A manifest comes before its note, and a cleanup leaves a newer one: so list them after it is read.
        let manifests = self.list_directory(directory).await?;
        let is_found = manifests
            .iter()
            .filter_map(|(path, _)| version_of(path.filename()?))
            .any(|found| found >= version && !is_detached_version(found));
        let path = ManifestNamingScheme::V2.manifest_path(&branch.root, version);
        Ok((!is_found).then_some((version, path)))
    }

    /// Read a manifest; a panic over a damaged one is an error.
    async fn read(&self, file: &ManifestFile) -> Result<Version> {
        let location = ManifestLocation {
            version: file.version,
            path: file.path.clone(),
            size: Some(file.size),
            naming_scheme: ManifestNamingScheme::V2,
            e_tag: None,
            identity: None,
        };
        let version = contained(async {
            let manifest = read_manifest(&self.store, &location.path, location.size).await?;
            let indexes = read_manifest_indexes(&self.store, &location, &manifest).await?;
            Ok(Version { manifest, indexes })
        })
        .await?;
        if version.manifest.version != file.version {
            return Err(LanceError::new(
                code::CORRUPT,
                format!("it is the manifest of version {}", version.manifest.version),
            ));
        }
        Ok(version)
    }
}

/// Written by the engine after each commit, on stores that list slowly.
const NEWEST_VERSION: &str = "latest_version_hint.json";

#[derive(Deserialize)]
struct NewestVersion {
    version: u64,
}

async fn open_store(
    session: &Session,
    uri: &str,
    storage_options: &HashMap<String, String>,
) -> Result<(Arc<ObjectStore>, Path)> {
    let params = store_params(storage_options);
    Ok(ObjectStore::from_uri_and_params(session.store_registry(), uri, &params).await?)
}

/// The branches and manifests among the files: the main branch first, and the newest version of each first.
/// Detached versions, which have random numbers, come last.
pub fn find_manifests(base: &Path, files: &StoredFiles) -> (Vec<Branch>, Vec<ManifestFile>) {
    let mut found: Vec<_> = files
        .iter()
        .filter_map(|(path, file)| {
            let parts: Vec<_> = path.prefix_match(base)?.collect();
            let [root @ .., directory, name] = parts.as_slice() else {
                return None;
            };
            if directory.as_ref() != VERSIONS {
                return None;
            }
            let branch = match root {
                [] => String::new(),
                [tree, branch @ ..] if tree.as_ref() == BRANCHES => {
                    Path::from_iter(branch.iter().cloned()).to_string()
                }
                _ => return None,
            };
            let root = Path::from_iter(base.parts().chain(root.iter().cloned()));
            let version = version_of(name.as_ref())?;
            Some((branch, root, version, path.clone(), file.size))
        })
        .collect();
    found.sort_by_cached_key(|(branch, _, version, ..)| {
        let order = (is_detached_version(*version), Reverse(*version));
        (branch.clone(), order)
    });

    let mut branches = vec![Branch {
        name: String::new(),
        root: base.clone(),
    }];
    let mut manifests = Vec::with_capacity(found.len());
    for (name, root, version, path, size) in found {
        if branches.last().is_some_and(|last| last.name != name) {
            branches.push(Branch { name, root });
        }
        manifests.push(ManifestFile {
            branch: branches.len() - 1,
            version,
            path,
            size,
        });
    }
    (branches, manifests)
}

/// The version that a manifest's file name stands for.
fn version_of(name: &str) -> Option<u64> {
    let scheme = ManifestNamingScheme::detect_scheme(name)?;
    scheme
        .parse_version(name)
        .or_else(|| ManifestNamingScheme::parse_detached_version(name))
}

/// A file that a manifest names.
pub struct Reference<'a> {
    /// Which of the stores of `References` it is in; 0 is the dataset's own.
    pub store: usize,
    pub path: Path,
    pub shown: String,
    pub what: What<'a>,
}

pub enum What<'a> {
    Data(&'a Fragment, &'a DataFile),
    Deletion(&'a Fragment, &'a DeletionFile),
    Index(&'a IndexFile),
    /// Whatever is in there belongs to an index.
    IndexDirectory,
    Transaction,
}

/// Finds the files that manifests name, also those outside the dataset.
pub struct References<'a> {
    home: &'a Home,
    pub stores: Vec<Arc<ObjectStore>>,
    /// The places outside a branch, by their URIs.
    outside: HashMap<String, (usize, Path)>,
}

/// Where the files of one kind are.
struct Directory {
    store: usize,
    path: Path,
    shown: String,
}

impl Directory {
    fn reference<'a>(&self, file: &str, what: What<'a>) -> Reference<'a> {
        let mut path = self.path.clone();
        path.extend(file.split('/'));
        Reference {
            store: self.store,
            path,
            shown: format!("{}/{file}", self.shown),
            what,
        }
    }
}

impl<'a> References<'a> {
    pub fn new(home: &'a Home) -> Self {
        Self {
            home,
            stores: vec![home.store.clone()],
            outside: HashMap::new(),
        }
    }

    /// List the files that a version needs.
    pub async fn of<'v>(
        &mut self,
        branch: &Branch,
        version: &'v Version,
    ) -> Result<Vec<Reference<'v>>> {
        let bases = &version.manifest.base_paths;
        for base in bases.values() {
            self.open_outside(base).await?;
        }
        let mut found = Vec::new();
        if let Some(file) = &version.manifest.transaction_file {
            let transactions = self.directory(branch, bases, None, TRANSACTIONS)?;
            found.push(transactions.reference(file, What::Transaction));
        }
        for fragment in version.manifest.fragments.iter() {
            for file in fragment.referenced_lance_files() {
                let data = self.directory(branch, bases, file.base_id, DATA)?;
                found.push(data.reference(&file.path, What::Data(fragment, file)));
            }
            if let Some(file) = &fragment.deletion_file {
                let name = relative_deletion_file_path(fragment.id, file);
                let name = name.rsplit('/').next().unwrap_or_default();
                let deletions = self.directory(branch, bases, file.base_id, DELETIONS)?;
                found.push(deletions.reference(name, What::Deletion(fragment, file)));
            }
        }
        for index in &version.indexes {
            let indices = self.directory(branch, bases, index.base_id, INDICES)?;
            let uuid = index.uuid.to_string();
            found.push(indices.reference(&uuid, What::IndexDirectory));
            for file in index.files.iter().flatten() {
                found.push(indices.reference(&format!("{uuid}/{}", file.path), What::Index(file)));
            }
        }
        Ok(found)
    }

    async fn open_outside(&mut self, base: &BasePath) -> Result<()> {
        if self.outside.contains_key(&base.path) {
            return Ok(());
        }
        let home = self.home;
        let (store, path) = open_store(&home.session, &base.path, &home.storage_options).await?;
        let known = self
            .stores
            .iter()
            .position(|known| known.store_prefix == store.store_prefix);
        let index = known.unwrap_or_else(|| {
            self.stores.push(store);
            self.stores.len() - 1
        });
        self.outside.insert(base.path.clone(), (index, path));
        Ok(())
    }

    fn directory(
        &self,
        branch: &Branch,
        bases: &HashMap<u32, BasePath>,
        base_id: Option<u32>,
        name: &str,
    ) -> Result<Directory> {
        let Some(id) = base_id else {
            let path = branch.root.clone().join(name);
            return Ok(Directory {
                store: 0,
                shown: self.home.shown(&path),
                path,
            });
        };
        let unknown =
            || LanceError::new(code::CORRUPT, format!("it does not say where base {id} is"));
        let base = bases.get(&id).ok_or_else(unknown)?;
        let (store, root) = self.outside.get(&base.path).ok_or_else(unknown)?.clone();
        let (path, uri) = match base.is_dataset_root {
            true => (
                root.join(name),
                format!("{}/{name}", base.path.trim_end_matches('/')),
            ),
            false => (root, base.path.clone()),
        };
        // A branch names the dataset it is a part of as a place outside.
        let inside = store == 0 && path.prefix_matches(&self.home.base);
        Ok(Directory {
            store,
            shown: if inside { self.home.shown(&path) } else { uri },
            path,
        })
    }
}

/// What versions need of the dataset's own store.
#[derive(Default)]
pub struct Needed {
    files: HashSet<Path>,
    /// With everything in them.
    directories: HashSet<Path>,
}

impl Needed {
    pub fn add(&mut self, reference: &Reference<'_>) {
        if reference.store != 0 {
            return;
        }
        let path = &reference.path;
        match reference.what {
            What::IndexDirectory => {
                self.directories.insert(path.clone());
            }
            What::Data(..) => {
                self.directories.extend(blob_directory(path));
                self.files.insert(path.clone());
            }
            What::Deletion(..) | What::Index(_) | What::Transaction => {
                self.files.insert(path.clone());
            }
        }
    }

    pub fn contains(&self, path: &Path) -> bool {
        let mut directories = successors(path.parent(), Path::parent);
        self.files.contains(path)
            || directories.any(|directory| self.directories.contains(&directory))
    }
}

/// Where the large values of a data file are.
fn blob_directory(data_file: &Path) -> Option<Path> {
    let (stem, _) = data_file.filename()?.rsplit_once('.')?;
    Some(data_file.parent()?.join(stem))
}
