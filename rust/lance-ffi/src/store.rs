//! What this crate does to an object store by itself: remove the files of a write that was given up.

use std::path::PathBuf;

use lance_io::local::to_local_path;
use lance_io::object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{LanceError, Result, code};

/// Delete one data file and the blob files beside it. One that is gone already is fine.
pub async fn delete_data_file(store: &ObjectStore, data: &Path, file: &str) -> Result<()> {
    let forgive = |outcome: lance_core::Result<()>| match outcome.map_err(LanceError::from) {
        Err(error) if error.code() == code::NOT_FOUND => Ok(()),
        other => other,
    };
    forgive(store.delete(&data.clone().join(file)).await)?;
    if let Some((stem, _)) = file.rsplit_once('.') {
        forgive(store.remove_dir_all(data.clone().join(stem)).await)?;
    }
    Ok(())
}

/// Remove the directories that a write to a new local dataset made. Directories that hold anything stay.
pub fn remove_empty_dataset_dirs(store: &ObjectStore, base: &Path) {
    if !store.is_local() {
        return;
    }
    let root = PathBuf::from(to_local_path(base));
    for dir in ["data", "_transactions", "_versions", ""] {
        // Fails where there is something in it, which is the point.
        let _ = std::fs::remove_dir(root.join(dir));
    }
}
