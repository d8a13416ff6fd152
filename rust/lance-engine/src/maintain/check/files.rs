//! The files that versions need: each is looked at once, however many versions need it.

use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lance_file::version::ConcreteFileVersion;
use lance_io::object_store::ObjectStore;
use lance_table::format::DeletionFile;

use super::deletion_file::read_deleted;
use super::places::{Place, PlacedFile};
use crate::error::Result;
use crate::maintain::listing::{ManifestFile, StoredFiles, if_found};
use crate::maintain::needed_files::What;
use crate::panics::contained;
use crate::settings::{Problem, ProblemKind};
use crate::stored_file::footer;
use crate::text::one_line;

/// What manifests say of a file. When they differ, the file is held against each.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    pub place: Place,
    size: Option<u64>,
    /// Of a deletion file, the rows it deletes.
    pub rows: Option<u64>,
}

/// A file, and the versions of one branch that need it.
pub struct File {
    pub shown: String,
    pub kind: FileKind,
    pub branch: usize,
    oldest: u64,
    pub newest: u64,
}

pub enum FileKind {
    Data {
        /// Of format 0.1.
        legacy: bool,
        /// The rows of its fragment are counted with it.
        leads: bool,
    },
    Deletion {
        fragment: u64,
        fragment_rows: Option<u64>,
        file: DeletionFile,
    },
    Index {
        name: String,
    },
    Transaction,
}

impl FileKind {
    /// Whether a size is the recorded one. Earlier engines took the size of a legacy file before they wrote the
    /// end of it.
    fn fits(&self, recorded: Option<u64>, size: u64) -> bool {
        recorded.is_none_or(|recorded| match self {
            Self::Data { legacy: true, .. } => recorded <= size,
            _ => recorded == size,
        })
    }
}

pub enum Verdict {
    /// All that is known of it is true. It has so many bytes.
    Sound(u64),
    Missing,
    Damaged(ProblemKind, String),
}

/// The files that versions need, in order.
#[derive(Default)]
pub struct Files(BTreeMap<Expected, File>);

impl Files {
    /// Take note of a file that a version needs.
    pub fn add(&mut self, manifest: &ManifestFile, named: &PlacedFile<'_>) {
        let (size, rows, kind) = match named.what {
            What::Data(fragment, file) => {
                let size = file.file_size_bytes.get().map(u64::from);
                // The files of an overlay have rows of their own.
                let is_base = fragment.files.contains(file);
                let rows = fragment.physical_rows.filter(|_| is_base);
                let kind = FileKind::Data {
                    legacy: matches!(file.file_version(), Ok(ConcreteFileVersion::V1)),
                    leads: fragment.files.first() == Some(file),
                };
                (size, rows.map(|rows| rows as u64), kind)
            }
            What::Deletion(fragment, file) => {
                let kind = FileKind::Deletion {
                    fragment: fragment.id,
                    fragment_rows: fragment.physical_rows.map(|rows| rows as u64),
                    file: file.clone(),
                };
                (None, file.num_deleted_rows.map(|rows| rows as u64), kind)
            }
            // Old manifests do not know sizes.
            What::Index(index, file) => {
                let size = Some(file.size_bytes).filter(|size| *size != 0);
                let name = index.name.clone();
                (size, None, FileKind::Index { name })
            }
            What::Transaction => (None, None, FileKind::Transaction),
            What::IndexDirectory => return,
        };
        let expected = Expected {
            place: named.place.clone(),
            size,
            rows,
        };
        match self.0.entry(expected) {
            Entry::Vacant(entry) => {
                entry.insert(File {
                    shown: named.shown.clone(),
                    kind,
                    branch: manifest.branch,
                    oldest: manifest.version,
                    newest: manifest.version,
                });
            }
            // The newest version of a branch is noted first.
            Entry::Occupied(mut entry) if entry.get().branch == manifest.branch => {
                let oldest = &mut entry.get_mut().oldest;
                *oldest = manifest.version.min(*oldest);
            }
            Entry::Occupied(_) => (),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Expected, &File)> {
        self.0.iter()
    }

    /// Look at all of them, in any order.
    pub fn examine<'a>(
        &'a self,
        listed: &'a StoredFiles,
        stores: &'a [Arc<ObjectStore>],
    ) -> BoxStream<'a, (&'a Expected, &'a File, Verdict)> {
        stream::iter(&self.0)
            .map(move |(expected, file)| async move {
                let verdict = examine(listed, stores, expected, file).await;
                let unreadable = |error| {
                    let message = format!("cannot be read: {error}");
                    Verdict::Damaged(ProblemKind::UnreadableFile, message)
                };
                (expected, file, verdict.unwrap_or_else(unreadable))
            })
            .buffer_unordered(stores[0].io_parallelism())
            .boxed()
    }
}

impl File {
    /// What is wrong with it.
    pub fn problem(&self, kind: ProblemKind, message: &str) -> Problem {
        Problem {
            kind,
            version: Some(self.newest),
            path: self.shown.clone(),
            message: format!("{message}; {}", self.needed_by()),
        }
    }

    /// Say which versions need it, and what for.
    fn needed_by(&self) -> String {
        let versions = match self.oldest == self.newest {
            true => format!("needed by version {}", self.newest),
            false => format!("needed by versions {} to {}", self.oldest, self.newest),
        };
        match &self.kind {
            FileKind::Index { name } => format!("{versions} for index {}", one_line(name)),
            _ => versions,
        }
    }
}

async fn examine(
    listed: &StoredFiles,
    stores: &[Arc<ObjectStore>],
    expected: &Expected,
    file: &File,
) -> Result<Verdict> {
    let (index, path) = &expected.place;
    let store = &stores[*index];
    let as_listed = listed
        .get(path)
        .filter(|_| *index == 0)
        .map(|file| file.size);
    let size = match as_listed {
        Some(size) if file.kind.fits(expected.size, size) => Some(size),
        // What does not fit may have changed since it was listed.
        _ => if_found(store.size(path).await)?,
    };
    let Some(size) = size else {
        return Ok(Verdict::Missing);
    };
    if let Some(expected) = expected.size
        && !file.kind.fits(Some(expected), size)
    {
        let message = format!("has {size} of {expected} bytes");
        return Ok(Verdict::Damaged(ProblemKind::WrongSize, message));
    }
    let wrong = match &file.kind {
        FileKind::Data { legacy: true, .. } => {
            contained(footer::check_legacy(store, path, size)).await?;
            None
        }
        FileKind::Data { legacy: false, .. } => {
            let rows = contained(footer::read_row_count(store, path, size)).await?;
            wrong_rows("has", rows, expected.rows)
        }
        FileKind::Deletion {
            fragment,
            fragment_rows,
            file,
        } => {
            let deleted = read_deleted(store, path, *fragment, *fragment_rows, file);
            let deleted = contained(deleted).await?;
            let beyond = |row: &u32| fragment_rows.is_some_and(|rows| u64::from(*row) >= rows);
            match deleted.last.filter(beyond) {
                Some(row) => Some(format!(
                    "deletes row {row} of {} rows",
                    fragment_rows.unwrap_or_default()
                )),
                None => wrong_rows("deletes", deleted.count, expected.rows),
            }
        }
        FileKind::Index { .. } => {
            contained(footer::check(store, path, size)).await?;
            None
        }
        FileKind::Transaction => None,
    };
    Ok(match wrong {
        Some(message) => Verdict::Damaged(ProblemKind::RowCount, message),
        None => Verdict::Sound(size),
    })
}

/// Say so if a number of rows is not the one expected.
pub fn wrong_rows(verb: &str, rows: u64, expected: Option<u64>) -> Option<String> {
    let expected = expected.filter(|expected| *expected != rows)?;
    Some(format!("{verb} {rows} rows, the manifest says {expected}"))
}
