//! The version that a write began at.

use std::sync::Arc;

use lance::Dataset;
use lance_io::object_store::ObjectStore;
use lance_table::io::commit::CommitHandler;
use lance_table::io::manifest::read_manifest;
use object_store::path::Path;

use super::UncommittedWrite;
use crate::error::{Error, Result, code};
use crate::identity::Identity;
use crate::maintain::listing::if_found;
use crate::open::{builder, load_if_exists};

#[derive(Debug, Clone)]
pub struct Origin {
    pub identity: Identity,
    /// The version, unless it was another process that saw it.
    dataset: Option<Arc<Dataset>>,
}

impl Origin {
    pub fn of(dataset: Arc<Dataset>) -> Self {
        Self {
            identity: Identity::of(dataset.manifest()),
            dataset: Some(dataset),
        }
    }

    pub fn known_by(identity: Identity) -> Self {
        Self {
            identity,
            dataset: None,
        }
    }
}

/// Open the version that a write began at, if it is none of those that are open. None: it is not there any more.
pub async fn open(
    write: &UncommittedWrite,
    opened: &[Arc<Dataset>],
) -> Result<Option<Arc<Dataset>>> {
    let known = write
        .origin
        .as_ref()
        .and_then(|origin| origin.dataset.as_ref());
    let is_same = |dataset: &&Arc<Dataset>| match &write.origin {
        Some(origin) => Identity::of(dataset.manifest()) == origin.identity,
        None => dataset.manifest().version == write.transaction.read_version,
    };
    if let Some(same) = opened.iter().chain(known).find(is_same) {
        return Ok(Some(same.clone()));
    }
    let target = &write.target;
    let builder = builder(&target.place.uri, &target.access)?
        .with_store_params(write.written_files.store_params(&target.access))
        .with_version(write.transaction.read_version);
    let found = load_if_exists(builder).await?;
    Ok(found.map(Arc::new).filter(|dataset| match &write.origin {
        Some(origin) => origin.identity == Identity::of(dataset.manifest()),
        None => true,
    }))
}

/// Whether the store still has this version, and not one that took its place.
pub async fn is_there(
    origin: &Dataset,
    handler: &dyn CommitHandler,
    store: &ObjectStore,
    base: &Path,
) -> Result<bool> {
    let manifest = origin.manifest();
    let found = handler.resolve_version_location(base, manifest.version, &store.inner);
    let Some(location) = if_found(found.await)? else {
        return Ok(false);
    };
    if location.e_tag.is_some() && location.e_tag == origin.manifest_location().e_tag {
        return Ok(true);
    }
    let found = if_found(read_manifest(store, &location.path, location.size).await)?;
    Ok(found.is_some_and(|found| Identity::of(&found) == Identity::of(manifest)))
}

/// What to say when it is gone.
pub fn gone(write: &UncommittedWrite) -> Error {
    Error::new(
        code::INCOMPATIBLE_TRANSACTION,
        format!(
            "version {} of dataset {}, at which the write began, is gone: the dataset was made anew, or the version cleaned up",
            write.transaction.read_version, write.target.place
        ),
    )
}
