//! Files that belong to no version: what crashed writers left behind, or what a writer is about to commit.

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path as LocalPath, PathBuf};
use std::time::SystemTime;

use lance_io::local::to_local_path;
use object_store::path::Path;

use super::listing::{
    Branch, DATA, DELETIONS, DIRECTORIES, Home, INDICES, StoredFiles, TRANSACTIONS,
};
use crate::error::{Error, Result, code};
use crate::local::store::is_local;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Data,
    Deletion,
    Index,
    Transaction,
    /// A file that was still being written.
    Temporary,
}

/// Where a file is.
pub enum Place {
    Stored(Path),
    /// A local file that the store hides.
    Hidden(PathBuf),
}

pub struct Orphan {
    pub place: Place,
    pub kind: Kind,
    pub size: u64,
    pub modified: SystemTime,
}

/// Find the files that no version needs. Files of unknown names, and of other datasets, are left alone.
pub async fn find(
    home: &Home,
    branches: &[Branch],
    files: &StoredFiles,
    is_needed: impl Fn(&Path) -> bool,
) -> Result<Vec<Orphan>> {
    let mut orphans = hidden_files(home, branches).await?;
    orphans.extend(files.iter().filter_map(|(path, file)| {
        Some(Orphan {
            place: Place::Stored(path.clone()),
            kind: classify(branches, path, &is_needed)?,
            size: file.size,
            modified: file.modified,
        })
    }));
    Ok(orphans)
}

/// Whether a file is one that is still being written, by its name: the engine's local writer and others that
/// use the crate tempfile call it `.tmp...`.
pub fn is_temporary(path: &Path) -> bool {
    path.filename().is_some_and(|name| name.starts_with(".tmp"))
}

fn classify(branches: &[Branch], path: &Path, is_needed: impl Fn(&Path) -> bool) -> Option<Kind> {
    // Branches are inside the main one, so the last match is the nearest.
    let (branch, parts) = branches
        .iter()
        .rev()
        .find_map(|branch| Some((branch, path.prefix_match(&branch.root)?)))?;
    if branch.name.is_none() || is_needed(path) {
        return None;
    }
    let parts: Vec<_> = parts.collect();
    let parts: Vec<_> = parts.iter().map(|part| part.as_ref()).collect();
    match (parts.as_slice(), path.extension()) {
        ([directory, ..], _) if DIRECTORIES.contains(directory) && is_temporary(path) => {
            Some(Kind::Temporary)
        }
        ([DATA, _], Some("lance")) | ([DATA, _, _], Some("blob")) => Some(Kind::Data),
        ([DELETIONS, _], Some("arrow" | "bin")) => Some(Kind::Deletion),
        ([TRANSACTIONS, _], Some("txn")) => Some(Kind::Transaction),
        ([INDICES, _, ..], _) => Some(Kind::Index),
        _ => None,
    }
}

/// The local store writes to `<name>#<number>` first, and hides such files when it lists.
async fn hidden_files(home: &Home, branches: &[Branch]) -> Result<Vec<Orphan>> {
    if !is_local(&home.store) {
        return Ok(Vec::new());
    }
    let local = |path| PathBuf::from(to_local_path(path));
    let root = local(&home.base);
    let others = branches.iter().filter(|branch| branch.name.is_none());
    let others: HashSet<_> = others.map(|other| local(&other.root)).collect();
    let walk = move || {
        let mut found = Vec::new();
        for directory in DIRECTORIES {
            find_staged(&root.join(directory), &others, &mut found)?;
        }
        Ok(found)
    };
    let outcome = tokio::task::spawn_blocking(walk).await;
    outcome
        .unwrap_or_else(|panic| Err(io::Error::other(panic)))
        .map_err(|error: io::Error| Error::new(code::IO, format!("cannot list the files: {error}")))
}

fn find_staged(
    directory: &LocalPath,
    others: &HashSet<PathBuf>,
    found: &mut Vec<Orphan>,
) -> io::Result<()> {
    if others.contains(directory) {
        return Ok(());
    }
    for entry in entries(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            find_staged(&entry.path(), others, found)?;
        } else if kind.is_file() && is_staged(&entry) {
            match entry.metadata() {
                Ok(metadata) => found.push(Orphan {
                    place: Place::Hidden(entry.path()),
                    kind: Kind::Temporary,
                    size: metadata.len(),
                    modified: metadata.modified()?,
                }),
                // Its writer has just completed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn entries(directory: &LocalPath) -> io::Result<impl Iterator<Item = io::Result<DirEntry>>> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}

fn is_staged(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let number = name.to_str().and_then(|name| name.split_once('#'));
    number.is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}
