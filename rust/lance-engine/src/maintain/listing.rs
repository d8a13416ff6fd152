//! What lies in the directories of a dataset.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use futures::future::try_join_all;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use lance::Dataset;
use lance::session::Session;
use lance_io::local::to_local_path;
use lance_io::object_store::ObjectStore;
use lance_table::feature_flags::{ensure_can_read_manifest, ensure_can_write_manifest};
use lance_table::format::{IndexMetadata, Manifest, is_detached_version};
use lance_table::io::commit::{ManifestLocation, ManifestNamingScheme};
use lance_table::io::manifest::{read_manifest, read_manifest_indexes};
use object_store::path::Path;
use serde::Deserialize;

use crate::absent::no_dataset;
use crate::error::{Error, Result, code};
use crate::local::store::is_local;
use crate::open::{Access, builder};
use crate::panics::contained;
use crate::place::Place as DatasetPlace;
use crate::runtime::session;
use crate::session::store_params;

pub const DATA: &str = "data";
pub const DELETIONS: &str = "_deletions";
pub const INDICES: &str = "_indices";
pub const TRANSACTIONS: &str = "_transactions";
pub const VERSIONS: &str = "_versions";
pub const REFS: &str = "_refs";
pub const BRANCHES: &str = "tree";
pub const BLOBS: &str = "_blobs";
pub const ROW_MAPS: &str = "_fri";

/// The directories of a dataset. Nothing else below its root is ever touched.
pub const DIRECTORIES: [&str; 9] = [
    DATA,
    DELETIONS,
    INDICES,
    TRANSACTIONS,
    VERSIONS,
    REFS,
    BRANCHES,
    BLOBS,
    ROW_MAPS,
];

/// Enough for this work; a cache that outlives it would answer for files that are damaged by now.
const CACHE_BYTES: usize = 32 << 20;

/// A manifest may be large.
const MANIFESTS_AT_ONCE: usize = 8;

/// None in place of the error that says that something does not exist.
pub fn if_found<T>(outcome: lance_core::Result<T>) -> Result<Option<T>> {
    match outcome.map_err(Error::from) {
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
    /// Empty for the main one. None: it is of another dataset, which lies below this one's root.
    pub name: Option<String>,
    pub root: Path,
}

impl Branch {
    pub fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
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
    pub place: DatasetPlace,
    pub store: Arc<ObjectStore>,
    pub base: Path,
    storage_options: HashMap<String, String>,
    session: Arc<Session>,
}

impl Home {
    pub async fn open(
        place: DatasetPlace,
        storage_options: HashMap<String, String>,
    ) -> Result<Self> {
        let registry = session()?.store_registry();
        let session = Arc::new(Session::new(CACHE_BYTES, CACHE_BYTES, registry));
        let (store, base) = open_store(&session, &place.uri, &storage_options).await?;
        Ok(Self {
            place,
            store,
            base,
            storage_options,
            session,
        })
    }

    /// Open a place outside, with the same credentials.
    pub async fn open_place(&self, uri: &str) -> Result<(Arc<ObjectStore>, Path)> {
        open_store(&self.session, uri, &self.storage_options).await
    }

    /// Find the dataset that this is a branch of, and the branch's name.
    pub async fn into_dataset(self) -> Result<(Self, String)> {
        let versions = self.base.clone().join(VERSIONS);
        let listed = self.list_directory(versions).await?.into_iter().collect();
        let (_, manifests) = find_manifests(&self.base, &listed);
        let newest = manifests
            .first()
            .ok_or_else(|| no_dataset(&self.place.uri, &self.place))?;
        // Whoever needs the manifest reports what is wrong with it.
        let newest = self.read(newest).await.ok();
        let Some(branch) = newest.and_then(|version| version.manifest.branch) else {
            return Ok((self, String::new()));
        };
        let directories = format!("/{BRANCHES}/{branch}");
        let above = |path: &str| Some(path.strip_suffix(&directories)?.to_string());
        let uri = above(self.place.uri.trim_end_matches('/'));
        let base = above(self.base.as_ref()).and_then(|base| Path::parse(base).ok());
        let (Some(uri), Some(base)) = (uri, base) else {
            return Err(Error::invalid_argument(format!(
                "{} is the branch {branch} of a dataset that is not above it",
                self.place
            )));
        };
        let place = DatasetPlace::of(&uri)?;
        Ok((
            Self {
                place,
                base,
                ..self
            },
            branch,
        ))
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

    /// List everything below the dataset's root, where there may be other datasets.
    pub async fn list_all(&self) -> Result<StoredFiles> {
        let files = self.list_directory(self.base.clone()).await?;
        Ok(files.into_iter().collect())
    }

    pub async fn list_directory(&self, directory: Path) -> Result<Vec<(Path, StoredFile)>> {
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
            None if is_local(&self.store) => to_local_path(path),
            None => path.to_string(),
        }
    }

    /// Open one version, or the latest one.
    pub async fn open_version(&self, branch: &Branch, version: Option<u64>) -> Result<Dataset> {
        let uri = match branch.name.as_deref() {
            None | Some("") => self.place.uri.clone(),
            Some(name) => {
                format!("{}/{BRANCHES}/{name}", self.place.uri.trim_end_matches('/'))
            }
        };
        let access = Access {
            storage_options: self.storage_options.clone(),
            session: Some(self.session.clone()),
            ..Access::default()
        };
        let mut target = builder(&uri, &access)?;
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

    /// Read manifests whose files are to be known. None: a cleanup has removed it since it was listed.
    pub fn read_understood<'a>(
        &'a self,
        files: &'a [ManifestFile],
    ) -> impl Stream<Item = (&'a ManifestFile, Result<Option<Version>>)> + Unpin {
        self.read_all(files).map(|(file, version)| {
            let version = version.and_then(|version| {
                check_understood(&version.manifest)?;
                Ok(version)
            });
            let version = match version {
                Ok(version) => Ok(Some(version)),
                Err(error) if error.code() == code::NOT_FOUND => Ok(None),
                Err(error) => {
                    let manifest = self.shown(&file.path);
                    Err(error.context(&format!("the manifest {manifest} cannot be read")))
                }
            };
            (file, version)
        })
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
            return Err(Error::new(
                code::CORRUPT,
                format!("it is the manifest of version {}", version.manifest.version),
            ));
        }
        Ok(version)
    }
}

/// A later engine may name files in ways that are not known here.
fn check_understood(manifest: &Manifest) -> Result<()> {
    ensure_can_read_manifest(manifest)?;
    Ok(ensure_can_write_manifest(manifest)?)
}

/// Written by the engine after each commit, on stores that list slowly.
pub const NEWEST_VERSION: &str = "latest_version_hint.json";

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

/// The local directory that a path leads to, through links.
pub fn real_path(store: &ObjectStore, path: &Path) -> Option<PathBuf> {
    match is_local(store) {
        true => fs::canonicalize(to_local_path(path)).ok(),
        false => None,
    }
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
                [] => Some(String::new()),
                [tree, branch @ ..] if tree.as_ref() == BRANCHES => {
                    Some(Path::from_iter(branch.iter().cloned()).to_string())
                }
                _ => None,
            };
            let root = Path::from_iter(base.parts().chain(root.iter().cloned()));
            let version = version_of(name.as_ref())?;
            Some((root, branch, version, path.clone(), file.size))
        })
        .collect();
    found.sort_by_cached_key(|(root, _, version, ..)| {
        let order = (is_detached_version(*version), Reverse(*version));
        (root.clone(), order)
    });

    let mut branches = vec![Branch {
        name: Some(String::new()),
        root: base.clone(),
    }];
    let mut manifests = Vec::with_capacity(found.len());
    for (root, name, version, path, size) in found {
        if branches.last().is_some_and(|last| last.root != root) {
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
