//! What is checked when the first version of a clone or a branch is about to be made.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use lance_io::object_store::{ObjectStore, ObjectStoreParams};
use lance_table::format::Manifest;
use lance_table::io::commit::{CommitHandler, commit_handler_from_url};
use lance_table::io::deletion::relative_deletion_file_path;
use object_store::path::Path;

use crate::commit_handler::{Before, InPlace};
use crate::error::{Error, Result, code};
use crate::maintain::listing::{DATA, if_found};

/// What commits to a place where no version is yet.
pub async fn of_new(uri: &str, params: &ObjectStoreParams) -> Result<Arc<dyn CommitHandler>> {
    let handler = commit_handler_from_url(uri, &Some(params.clone())).await?;
    Ok(Arc::new(InPlace(Arc::new(Gate(handler)))))
}

/// Stands before the engine's own handler of commits.
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
