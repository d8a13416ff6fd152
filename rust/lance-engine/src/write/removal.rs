//! What this crate does to an object store by itself: remove the files of a write that was given up.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::future::ready;
use std::path::PathBuf;

use futures::{StreamExt, stream};
use lance_io::local::to_local_path;
use lance_io::object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{Error, Result, code};
use crate::local::store::is_local;

/// Delete files and what was staged for them. One that is gone already is fine, and one that cannot be deleted does not keep the others.
pub async fn delete_files(
    store: &ObjectStore,
    files: impl IntoIterator<Item = Path>,
) -> Result<()> {
    let files: Vec<_> = files.into_iter().collect();
    if is_local(store) {
        remove_staging_files(by_directory(&files));
    }
    let deletions = files.into_iter().map(|file| async move {
        tracing::info!(target: "lance_cpp::file_audit", mode = "delete", path = %file);
        store.delete(&file).await.or_else(unless_gone)
    });
    all(store, deletions).await
}

pub async fn delete_file(store: &ObjectStore, file: &Path) -> Result<()> {
    delete_files(store, [file.clone()]).await
}

/// Delete data files and the blob files beside each.
pub async fn delete_data_files<'a>(
    store: &ObjectStore,
    data: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    let files: Vec<_> = names
        .into_iter()
        .map(|name| data.clone().join(name))
        .collect();
    let stems: Vec<_> = files.iter().filter_map(without_extension).collect();
    let deleted = delete_files(store, files).await;
    let deletions = stems
        .into_iter()
        .map(|blobs| async move { store.remove_dir_all(blobs).await.or_else(unless_gone) });
    deleted.and(all(store, deletions).await)
}

fn without_extension(file: &Path) -> Option<Path> {
    let (stem, _) = file.filename()?.rsplit_once('.')?;
    Some(file.parent()?.join(stem))
}

fn unless_gone(error: lance_core::Error) -> Result<()> {
    let error = Error::from(error);
    match error.code() {
        code::NOT_FOUND => Ok(()),
        _ => Err(error),
    }
}

/// Do all, side by side, whatever becomes of each.
async fn all(
    store: &ObjectStore,
    deletions: impl Iterator<Item = impl Future<Output = Result<()>>>,
) -> Result<()> {
    stream::iter(deletions)
        .buffer_unordered(store.io_parallelism())
        .fold(Ok(()), |outcome, next| ready(outcome.and(next)))
        .await
}

/// The names of local files, by directory: a large write has many files in a few.
fn by_directory(files: &[Path]) -> HashMap<PathBuf, HashSet<OsString>> {
    let mut directories: HashMap<_, HashSet<_>> = HashMap::new();
    for file in files {
        let file = PathBuf::from(to_local_path(file));
        if let (Some(directory), Some(name)) = (file.parent(), file.file_name()) {
            let names = directories.entry(directory.to_path_buf()).or_default();
            names.insert(name.to_os_string());
        }
    }
    directories
}

/// The local file system writes to `<name>#<number>` first, and leaves that where its last step failed. Each directory is
/// listed once.
fn remove_staging_files(directories: HashMap<PathBuf, HashSet<OsString>>) {
    for (directory, names) in directories {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let staged = entry.file_name();
            let staged = staged.to_string_lossy();
            let target = staged
                .rsplit_once('#')
                .map(|(target, _)| OsString::from(target));
            if target.is_some_and(|target| names.contains(&target)) {
                // Gone already when its upload has removed it.
                let _ = std::fs::remove_file(entry.path());
            }
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

/// Remove local directories in which nothing is left, and those above them in which only they were.
pub fn remove_empty_dirs(store: &ObjectStore, directories: impl IntoIterator<Item = Path>) {
    if !is_local(store) {
        return;
    }
    for directory in directories {
        let directory = PathBuf::from(to_local_path(&directory));
        // Of an index: its own, and that of all of them. Fails where there is something in it, which is the point.
        for directory in directory.ancestors().take(2) {
            if std::fs::remove_dir(directory).is_err() {
                break;
            }
        }
    }
}

/// Remove local directories in which nothing is left, from these up to `top`, which stays.
pub fn remove_empty_dirs_below(
    store: &ObjectStore,
    top: &Path,
    directories: impl IntoIterator<Item = Path>,
) {
    if !is_local(store) {
        return;
    }
    let top = PathBuf::from(to_local_path(top));
    for directory in directories {
        let directory = PathBuf::from(to_local_path(&directory));
        let above = directory.ancestors();
        for directory in above.take_while(|it| it.starts_with(&top) && **it != *top) {
            let removed = std::fs::remove_dir(directory);
            // Fails where there is something in it, which is the point.
            if removed.is_err_and(|error| error.kind() != std::io::ErrorKind::NotFound) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_listed_once_however_many_files_are_deleted_in_it() {
        let files: Vec<_> = (0..1000)
            .map(|i| Path::from(format!("a/data/{i}.lance")))
            .chain([Path::from("a/_deletions/1.arrow")])
            .collect();
        let directories = by_directory(&files);
        let mut counts: Vec<_> = directories
            .iter()
            .map(|(directory, names)| (directory.to_str().unwrap(), names.len()))
            .collect();
        counts.sort_unstable();
        assert_eq!(counts, [("/a/_deletions", 1), ("/a/data", 1000)]);
    }

    #[test]
    fn staging_files_go_with_their_targets_and_with_no_other() {
        let directory = std::env::temp_dir().join(format!("staging#files-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let names = [
            "a.lance",
            "a.lance#1",
            "a.lance#23",
            "b#c.lance#1",
            "a.lance2#1",
            "b.lance#1",
        ];
        for name in names {
            std::fs::write(directory.join(name), "x").unwrap();
        }
        let gone = ["a.lance", "b#c.lance"]
            .map(|name| Path::from_absolute_path(directory.join(name)).unwrap());
        remove_staging_files(by_directory(&gone));
        let entries = std::fs::read_dir(&directory).unwrap();
        let mut left: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        left.sort_unstable();
        assert_eq!(left, ["a.lance", "a.lance2#1", "b.lance#1"]);
        std::fs::remove_dir_all(directory).unwrap();
    }
}
