//! The files that a transaction names.

use std::collections::HashSet;

use lance::dataset::transaction::{Operation, Transaction};
use lance_table::format::{DataFile, DeletionFile, Fragment, IndexMetadata, Manifest};
use lance_table::io::deletion::relative_deletion_file_path;
use object_store::path::Path;

use super::files;
use crate::maintain::listing::{DATA, DELETIONS, INDICES};

/// A file below the root of the dataset.
pub struct NamedFile {
    /// What it is, for people.
    pub kind: &'static str,
    pub directory: &'static str,
    /// In there.
    pub name: String,
    /// None: that was not recorded.
    pub size: Option<u64>,
}

impl NamedFile {
    fn data(file: &DataFile) -> Option<Self> {
        file.base_id.is_none().then(|| Self {
            kind: "data file",
            directory: DATA,
            name: file.path.clone(),
            size: file.file_size_bytes.get().map(|size| size.get()),
        })
    }

    fn deletion(fragment: u64, file: &DeletionFile) -> Option<Self> {
        let path = relative_deletion_file_path(fragment, file);
        let name = path.rsplit('/').next().unwrap_or_default().to_string();
        file.base_id.is_none().then_some(Self {
            kind: "deletion file",
            directory: DELETIONS,
            name,
            size: None,
        })
    }

    pub fn path(&self, base: &Path) -> Path {
        let directory = base.clone().join(self.directory);
        match self.directory == INDICES {
            // Those of an index are in a directory of its own.
            true => self
                .name
                .split('/')
                .fold(directory, |path, part| path.join(part)),
            false => directory.join(self.name.as_str()),
        }
    }
}

/// Those that the version that is made needs, as far as the transaction says.
pub fn all(transaction: &Transaction) -> Vec<NamedFile> {
    let changed = changed_fragments(transaction);
    let data = files(transaction).chain(changed.iter().flat_map(|f| f.referenced_lance_files()));
    let mut named: Vec<_> = data.filter_map(NamedFile::data).collect();
    let deletions = changed
        .iter()
        .filter_map(|fragment| NamedFile::deletion(fragment.id, fragment.deletion_file.as_ref()?));
    named.extend(deletions);
    match &transaction.operation {
        Operation::CreateIndex { new_indices, .. } => named.extend(of_indices(new_indices)),
        Operation::Rewrite {
            rewritten_indices, ..
        } => named.extend(rewritten_indices.iter().flat_map(|index| {
            let files = index.new_index_files.iter().flatten();
            files.map(move |file| NamedFile {
                kind: "index file",
                directory: INDICES,
                name: format!("{}/{}", index.new_id, file.path),
                size: Some(file.size_bytes),
            })
        })),
        _ => (),
    }
    named
}

fn of_indices(indices: &[IndexMetadata]) -> impl Iterator<Item = NamedFile> {
    let own = indices.iter().filter(|index| index.base_id.is_none());
    own.flat_map(|index| {
        let files = index.files.iter().flatten();
        files.map(move |file| NamedFile {
            kind: "index file",
            directory: INDICES,
            name: format!("{}/{}", index.uuid, file.path),
            size: Some(file.size_bytes),
        })
    })
}

/// Fragments that the dataset has, as they are after the transaction.
fn changed_fragments(transaction: &Transaction) -> &[Fragment] {
    match &transaction.operation {
        Operation::Delete {
            updated_fragments, ..
        }
        | Operation::Update {
            updated_fragments, ..
        } => updated_fragments,
        Operation::Merge { fragments, .. } => fragments,
        _ => &[],
    }
}

/// The names of those that a version has.
pub fn of_version(manifest: &Manifest) -> HashSet<String> {
    let mut names = HashSet::new();
    for fragment in manifest.fragments.iter() {
        let data = fragment.referenced_lance_files();
        names.extend(data.map(|file| file.path.clone()));
        let deletion = fragment.deletion_file.as_ref();
        let deletion = deletion.and_then(|file| NamedFile::deletion(fragment.id, file));
        names.extend(deletion.map(|file| file.name));
    }
    names
}
