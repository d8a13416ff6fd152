//! Clones: a new dataset that is equal to a version, and has its files or a copy of them.

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::transaction::{Operation, Transaction};
use lance_io::object_store::ObjectStore;
use lance_table::io::commit::CommitHandler;
use object_store::path::Path;
use tokio::runtime::Handle;

use super::{gate, version};
use crate::absent::check_can_be_made;
use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::maintain::listing::{DIRECTORIES, TRANSACTIONS, if_found};
use crate::open::{Access, builder, load, load_latest};
use crate::parallel::{to_its_end, unbroken};
use crate::place::Place;
use crate::read::Opened;
use crate::settings::CloneSettings;
use crate::task::Task;
use crate::write::removal::remove_empty_dataset_dirs;
use crate::write::written_files::{Landing, WrittenFiles};

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
    access: Access,
    /// Makes sure that the clone is the first, and has its files.
    handler: Arc<dyn CommitHandler>,
}

impl Target {
    async fn find(opened: &Opened, place: Place, settings: CloneSettings) -> Result<Self> {
        refuse_inside(&opened.plain, &place)?;
        let as_source = settings.credentials.is_none() && settings.storage_options.is_empty();
        let access = match as_source {
            true => opened.access.clone(),
            false => {
                let given = Access {
                    storage_options: settings.storage_options,
                    ..Access::default()
                };
                given.renewed_by(settings.credentials).await?
            }
        };
        let access = Access {
            session: Some(opened.plain.session()),
            keeper: None,
            ..access
        };
        let handler = gate::of_new(&place.uri, &access.store_params()).await?;
        let target = Self {
            place,
            access,
            handler,
        };
        target.refuse_taken().await?;
        check_can_be_made(&target.place.uri, &target.place)?;
        Ok(target)
    }

    async fn is_taken(&self) -> Result<bool> {
        let there = load_latest(&self.place.uri, &self.access).await?;
        Ok(there.is_some())
    }

    async fn refuse_taken(&self) -> Result<()> {
        match self.is_taken().await? {
            true => Err(self.taken()),
            false => Ok(()),
        }
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
        let registry = opened.plain.session().store_registry();
        let params = self.access.store_params();
        let (store, base) =
            ObjectStore::from_uri_and_params(registry.clone(), &self.place.uri, &params).await?;
        let _claim = Claim::take(store, base, &self.place).await?;
        // Another clone may have been made just before.
        self.refuse_taken().await?;
        let change = Change::elsewhere(opened, |written| {
            let params = written.store_params(&self.access);
            let uri = self.place.uri.clone();
            async move {
                let (store, _) = ObjectStore::from_uri_and_params(registry, &uri, &params).await?;
                Ok(store)
            }
        })
        .await?;
        let written = change.files();
        let made = change.run(|dataset| work(dataset, written)).await?;
        made.ok_or_else(|| self.taken())?;
        let clone = load(builder(&self.place.uri, &self.access)?).await?;
        let clone = clone.map_err(|error| {
            Error::from(error).context("the clone was made, but it cannot be opened")
        })?;
        Ok(Opened::reached(clone, self.access))
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

/// A place that only one clone is made at. Manifests alone do not tell: those of other versions have other names.
struct Claim {
    store: Arc<ObjectStore>,
    base: Path,
    file: Path,
    runtime: Handle,
}

impl Claim {
    async fn take(store: Arc<ObjectStore>, base: Path, place: &Place) -> Result<Self> {
        let file = base.clone().join(TRANSACTIONS).join("clone.txn");
        let is_there = Error::new(
            code::ALREADY_EXISTS,
            format!(
                "another clone is being made at {place}, or was interrupted: in that case remove {file}"
            ),
        );
        let taking = async move {
            let put = store.put_if_absent(&file, Vec::from("clone").into()).await;
            put.map_err(|error| match error {
                object_store::Error::AlreadyExists { .. } => is_there,
                error => lance_core::Error::from(error).into(),
            })?;
            Ok(Self {
                store,
                base,
                file,
                runtime: Handle::current(),
            })
        };
        unbroken(taking).await
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let removed = to_its_end(&self.runtime, self.store.delete(&self.file));
        if let Err(failure) = if_found(removed) {
            tracing::warn!(target: "lance_cpp::refs", "the file of a clone that was made stays: {failure}");
        }
        remove_empty_dataset_dirs(&self.store, &self.base);
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
        .with_store_params(written.store_params(&target.access))
        .with_source_store(source.object_store(None).await?)
        .with_commit_handler(target.handler.clone())
        .with_skip_auto_cleanup(true);
    let made = commit.execute(transaction).await;
    match unless_taken(made, &target, &written).await? {
        // Its files have names of their own, so they go.
        None => Err(target.taken()),
        made => Ok(made),
    }
}

async fn deep_to(
    source: Dataset,
    target: Target,
    written: Arc<WrittenFiles>,
) -> Result<Option<()>> {
    let version = source.manifest().version;
    let params = written.store_params(&target.access);
    // The engine commits through the handler of the source.
    let builder = DatasetBuilder::from_uri(plainly(source.uri()))
        .with_session(source.session())
        .with_store_params(source.store_params().cloned().unwrap_or_default())
        .with_commit_handler(target.handler.clone())
        .with_version(version);
    let mut source = load(builder).await??;
    let uri = plainly(&target.place.uri);
    let made = source.deep_clone(&uri, version, Some(params)).await;
    unless_taken(made, &target, &written).await
}

/// The engine commits a deep clone without our session, and would take the host of such a URI for a part of the path.
fn plainly(uri: &str) -> String {
    match uri.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("memory") => {
            format!("shared-memory://{rest}")
        }
        _ => uri.to_string(),
    }
}

/// None: somebody else has made the dataset meanwhile. The engine then commits on top of that, at which it fails in many ways.
async fn unless_taken(
    made: lance_core::Result<Dataset>,
    target: &Target,
    written: &WrittenFiles,
) -> Result<Option<()>> {
    let Err(error) = made else {
        return Ok(Some(()));
    };
    let error = Error::from(error);
    let is_taken = error.code() == code::ALREADY_EXISTS
        || (written.close() == Landing::None && target.is_taken().await.unwrap_or(false));
    if is_taken { Ok(None) } else { Err(error) }
}
