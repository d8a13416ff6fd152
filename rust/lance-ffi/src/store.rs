//! What this crate does to an object store by itself: remove the files of a write that was given up.

use std::path::PathBuf;

use lance_io::local::to_local_path;
use lance_io::object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{LanceError, Result, code};
use crate::local_store::is_local;

/// Delete one file. One that is gone already is fine.
pub async fn delete_file(store: &ObjectStore, path: &Path) -> Result<()> {
    if is_local(store) {
        remove_staging_files(path);
    }
    match store.delete(path).await.map_err(LanceError::from) {
        Err(error) if error.code() == code::NOT_FOUND => Ok(()),
        other => other,
    }
}

/// Delete one data file and the blob files beside it.
pub async fn delete_data_file(store: &ObjectStore, data: &Path, file: &str) -> Result<()> {
    delete_file(store, &data.clone().join(file)).await?;
    let Some((stem, _)) = file.rsplit_once('.') else {
        return Ok(());
    };
    let blobs = store.remove_dir_all(data.clone().join(stem)).await;
    match blobs.map_err(LanceError::from) {
        Err(error) if error.code() == code::NOT_FOUND => Ok(()),
        other => other,
    }
}

/// The local file system writes to `<name>#<number>` first, and leaves that where its last step failed.
fn remove_staging_files(path: &Path) {
    let target = PathBuf::from(to_local_path(path));
    let (Some(directory), Some(name)) = (target.parent(), target.file_name()) else {
        return;
    };
    let prefix = format!("{}#", name.to_string_lossy());
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            // Gone already when its upload has removed it.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Remove the directories that a write to a new local dataset made. Directories that hold anything stay.
pub fn remove_empty_dataset_dirs(store: &ObjectStore, base: &Path) {
    if !is_local(store) {
        return;
    }
    let root = PathBuf::from(to_local_path(base));
    for dir in ["data", "_transactions", "_versions", ""] {
        // Fails where there is something in it, which is the point.
        let _ = std::fs::remove_dir(root.join(dir));
    }
}
