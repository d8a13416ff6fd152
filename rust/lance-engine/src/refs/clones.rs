//! Clones: a new dataset that is equal to a version, and has its files or a copy of them.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::transaction::{Operation, Transaction};
use lance_io::object_store::{ObjectStore, ObjectStoreParams};
use lance_table::format::Manifest;
use lance_table::io::commit::{CommitHandler, commit_handler_from_url};
use lance_table::io::deletion::relative_deletion_file_path;
use object_store::path::Path;

use super::version;
use crate::absent::check_can_be_made;
use crate::change::Change;
use crate::commit_handler::{Before, InPlace};
use crate::error::{Error, Result, code};
use crate::maintain::listing::{DATA, DIRECTORIES, if_found};
use crate::open::{Access, load, load_if_exists};
use crate::place::Place;
use crate::read::Opened;
use crate::settings::CloneSettings;
use crate::task::Task;
use crate::write::removal::remove_empty_dataset_dirs;
use crate::write::written_files::WrittenFiles;

/// Make a dataset that reads the files of this version where they are.
pub fn shallow(opened: Arc<Opened>, place: Place, settings: CloneSettings) -> Task<Opened> {
    Box::pin(async move {
        let target = Target::find(&opened, place, settings).await?;
        let new = target.clone();
        target
            .make(&opened, |source, written| shallow_to(source, new, written))
            .await
    })
}

/// Make a dataset that has copies of the files of this version.
pub fn deep(opened: Arc<Opened>, place: Place, settings: CloneSettings) -> Task<Opened> {
    Box::pin(async move {
        refuse_files_elsewhere(&opened)?;
        let target = Target::find(&opened, place, settings).await?;
        let new = target.clone();
        target
            .make(&opened, |source, written| deep_to(source, new, written))
            .await
    })
}

/// The engine takes the place of such files for a path in the store of the dataset.
fn refuse_files_elsewhere(opened: &Opened) -> Result<()> {
    let bases = &opened.plain.manifest().base_paths;
    match bases.values().find(|base| base.path.contains("://")) {
        Some(base) => Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "the version has files at {}, which a deep clone cannot copy: read it and write it anew",
                base.path
            ),
        )),
        None => Ok(()),
    }
}

/// Where a clone is made.
#[derive(Clone)]
struct Target {
    place: Place,
    params: ObjectStoreParams,
    handler: Arc<dyn CommitHandler>,
}

impl Target {
    async fn find(opened: &Opened, place: Place, settings: CloneSettings) -> Result<Self> {
        let source = &opened.plain;
        let own = settings.credentials.is_some() || !settings.storage_options.is_empty();
        let params = match own {
            true => {
                let access = Access {
                    storage_options: settings.storage_options,
                    ..Access::default()
                };
                access
                    .renewed_by(settings.credentials)
                    .await?
                    .store_params()
            }
            false => source.store_params().cloned().unwrap_or_default(),
        };
        refuse_inside(source, &place)?;
        let handler = commit_handler_from_url(&place.uri, &Some(params.clone())).await?;
        let target = Self {
            place,
            params,
            handler,
        };
        if load_if_exists(target.builder(source)).await?.is_some() {
            return Err(target.taken());
        }
        check_can_be_made(&target.place.uri, &target.place)?;
        Ok(target)
    }

    fn taken(&self) -> Error {
        Error::new(
            code::ALREADY_EXISTS,
            format!(
                "dataset {} already exists: clone to another place",
                self.place
            ),
        )
    }

    fn builder(&self, source: &Dataset) -> DatasetBuilder {
        DatasetBuilder::from_uri(&self.place.uri)
            .with_session(source.session())
            .with_store_params(self.params.clone())
    }

    /// With a store that notes its files.
    fn noting(&self, written: Arc<WrittenFiles>) -> ObjectStoreParams {
        ObjectStoreParams {
            object_store_wrapper: Some(written),
            ..self.params.clone()
        }
    }

    /// What is checked when the version is about to be made.
    fn gate(&self) -> Arc<dyn CommitHandler> {
        Arc::new(InPlace(Arc::new(Gate(self.handler.clone()))))
    }

    /// Let `work` make the dataset; what it comes to otherwise leaves no file. It tells of one that was there first by None:
    /// that has the files of the same names.
    async fn make<W>(
        self,
        opened: &Opened,
        work: impl FnOnce(Dataset, Arc<WrittenFiles>) -> W,
    ) -> Result<Opened>
    where
        W: Future<Output = Result<Option<()>>> + Send + 'static,
    {
        version::require(opened).await?;
        let source = &opened.plain;
        let registry = source.session().store_registry();
        let (plain, base) =
            ObjectStore::from_uri_and_params(registry.clone(), &self.place.uri, &self.params)
                .await?;
        let _directories = Directories(plain, base);
        let mut noted = None;
        let change = Change::elsewhere(opened, |written| {
            noted = Some(written.clone());
            let params = self.noting(written);
            let uri = self.place.uri.clone();
            async move {
                Ok(ObjectStore::from_uri_and_params(registry, &uri, &params)
                    .await?
                    .0)
            }
        })
        .await?;
        let written = noted.unwrap_or_default();
        let made = change.run(|dataset| work(dataset, written)).await?;
        made.ok_or_else(|| self.taken())?;
        Ok(Opened::new(load(self.builder(source)).await??))
    }
}

/// A clone is a dataset of its own, not a part of the one it is made from.
fn refuse_inside(source: &Dataset, place: &Place) -> Result<()> {
    let root = source.branch_location().find_main()?.uri;
    let below = place.uri.strip_prefix(root.trim_end_matches('/'));
    let first = below.and_then(|below| below.strip_prefix('/')?.split('/').next());
    match first {
        Some(first) if DIRECTORIES.contains(&first) => Err(Error::invalid_argument(format!(
            "{place} is inside the dataset that is to be cloned"
        ))),
        _ => Ok(()),
    }
}

/// Removes the directories that a clone was to get, if nothing is in them.
struct Directories(Arc<ObjectStore>, Path);

impl Drop for Directories {
    fn drop(&mut self) {
        remove_empty_dataset_dirs(&self.0, &self.1);
    }
}

async fn shallow_to(
    source: Dataset,
    target: Target,
    written: Arc<WrittenFiles>,
) -> Result<Option<()>> {
    let manifest = source.manifest();
    let operation = Operation::Clone {
        is_shallow: true,
        ref_name: manifest.branch.clone(),
        ref_version: manifest.version,
        ref_path: source.uri().to_string(),
        branch_name: None,
    };
    let transaction = Transaction::new(manifest.version, operation, None);
    let commit = CommitBuilder::new(target.place.uri.as_str())
        .with_session(source.session())
        .with_store_params(target.noting(written))
        .with_source_store(source.object_store(None).await?)
        .with_commit_handler(target.gate())
        .with_skip_auto_cleanup(true);
    unless_taken(commit.execute(transaction).await)
}

async fn deep_to(
    source: Dataset,
    target: Target,
    written: Arc<WrittenFiles>,
) -> Result<Option<()>> {
    let version = source.manifest().version;
    // The engine commits through the handler of the source.
    let builder = DatasetBuilder::from_uri(source.uri())
        .with_session(source.session())
        .with_store_params(source.store_params().cloned().unwrap_or_default())
        .with_commit_handler(target.gate())
        .with_version(version);
    let mut source = load(builder).await??;
    let params = target.noting(written);
    unless_taken(
        source
            .deep_clone(&target.place.uri, version, Some(params))
            .await,
    )
}

fn unless_taken(made: lance_core::Result<Dataset>) -> Result<Option<()>> {
    match made.map_err(Error::from) {
        Ok(_) => Ok(Some(())),
        Err(error) if error.code() == code::ALREADY_EXISTS => Ok(None),
        Err(error) => Err(error),
    }
}

/// Stands before the handler of commits.
#[derive(Debug)]
struct Gate(Arc<dyn CommitHandler>);

impl Gate {
    async fn look(&self, manifest: &Manifest, base: &Path, store: &ObjectStore) -> Result<()> {
        // The engine's own check is of the version's number only, and before the files are copied.
        let there = self
            .0
            .resolve_latest_location(base, store)
            .await
            .map_err(Error::from);
        match there {
            Ok(_) => {
                let message = format!("dataset already exists: {base}");
                return Err(Error::new(code::ALREADY_EXISTS, message));
            }
            Err(error) if [code::NOT_FOUND, code::DATASET_NOT_FOUND].contains(&error.code()) => {}
            Err(error) => return Err(error),
        }
        check_copies(manifest, base, store).await
    }
}

/// Check that the store has the files that are the clone's own, each with its size.
async fn check_copies(manifest: &Manifest, base: &Path, store: &ObjectStore) -> Result<()> {
    let data = base.clone().join(DATA);
    let mut copies = Vec::new();
    for fragment in manifest.fragments.iter() {
        let own = fragment
            .referenced_lance_files()
            .filter(|file| file.base_id.is_none());
        copies.extend(own.map(|file| {
            let size = file.file_size_bytes.get().map(|size| size.get());
            (data.clone().join(file.path.as_str()), size)
        }));
        let deletions = fragment.deletion_file.as_ref();
        if let Some(file) = deletions.filter(|file| file.base_id.is_none()) {
            let path = relative_deletion_file_path(fragment.id, file);
            let path = path
                .split('/')
                .fold(base.clone(), |path, part| path.join(part));
            copies.push((path, None));
        }
    }
    stream::iter(copies)
        .map(|(path, expected)| async move {
            let actual = if_found(store.size(&path).await)?;
            match (actual, expected) {
                (Some(actual), Some(expected)) if actual != expected => Err(Error::new(
                    code::IO,
                    format!("{path} has {actual} of {expected} bytes: the store lost a part of the copy; nothing was committed"),
                )),
                (None, _) => Err(Error::new(
                    code::IO,
                    format!("{path} was copied, but is not there; nothing was committed"),
                )),
                _ => Ok(()),
            }
        })
        .buffer_unordered(store.io_parallelism())
        .try_collect()
        .await
}

#[async_trait]
impl Before for Gate {
    fn inner(&self) -> &dyn CommitHandler {
        self.0.as_ref()
    }

    async fn check(
        &self,
        manifest: &Manifest,
        base: &Path,
        store: &ObjectStore,
    ) -> lance_core::Result<()> {
        let looked = self.look(manifest, base, store).await;
        looked.map_err(|refusal| lance_core::Error::external(Box::new(refusal)))
    }
}
