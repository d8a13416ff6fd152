//! The files that a version names.

use std::collections::HashSet;

use lance_table::format::{DataFile, DeletionFile, Fragment, IndexFile, IndexMetadata};
use lance_table::io::deletion::relative_deletion_file_path;
use object_store::path::Path;

use super::listing::{DATA, DELETIONS, INDICES, TRANSACTIONS, Version};

/// A file that a manifest names.
pub struct Reference<'a> {
    /// The directory for files of its kind.
    pub directory: &'static str,
    /// Its path in there.
    pub file: String,
    /// Which of the manifest's bases has that directory. None: the branch of the manifest.
    pub base: Option<u32>,
    pub what: What<'a>,
}

pub enum What<'a> {
    Data(&'a Fragment, &'a DataFile),
    Deletion(&'a Fragment, &'a DeletionFile),
    Index(&'a IndexMetadata, &'a IndexFile),
    /// Whatever is in there belongs to an index.
    IndexDirectory,
    Transaction,
}

impl Version {
    /// List the files that it needs.
    pub fn references(&self) -> Vec<Reference<'_>> {
        let mut found = Vec::new();
        let mut add = |directory, file, base, what| {
            found.push(Reference {
                directory,
                file,
                base,
                what,
            });
        };
        if let Some(file) = &self.manifest.transaction_file {
            add(TRANSACTIONS, file.clone(), None, What::Transaction);
        }
        for fragment in self.manifest.fragments.iter() {
            for file in fragment.referenced_lance_files() {
                let what = What::Data(fragment, file);
                add(DATA, file.path.clone(), file.base_id, what);
            }
            if let Some(file) = &fragment.deletion_file {
                let path = relative_deletion_file_path(fragment.id, file);
                let name = path.rsplit('/').next().unwrap_or_default().to_string();
                add(
                    DELETIONS,
                    name,
                    file.base_id,
                    What::Deletion(fragment, file),
                );
            }
        }
        for index in &self.indexes {
            let uuid = index.uuid.to_string();
            for file in index.files.iter().flatten() {
                let path = format!("{uuid}/{}", file.path);
                add(INDICES, path, index.base_id, What::Index(index, file));
            }
            add(INDICES, uuid, index.base_id, What::IndexDirectory);
        }
        found
    }
}

/// What versions need below a directory, by the names of files and of directories that belong to one. These are
/// unique in the world. Places are not: a version may name the same one by a link, a relative path or another
/// scheme.
pub struct Needed {
    base: Path,
    names: HashSet<String>,
}

impl Needed {
    pub fn new(base: &Path) -> Self {
        Self {
            base: base.clone(),
            names: HashSet::new(),
        }
    }

    pub fn add(&mut self, version: &Version) {
        for reference in version.references() {
            self.add_reference(&reference);
        }
    }

    pub fn add_reference(&mut self, reference: &Reference<'_>) {
        // What is in the directory of an index was added with it.
        if matches!(reference.what, What::Index(..)) {
            return;
        }
        let path = Path::from(reference.file.as_str());
        let Some(name) = path.filename() else { return };
        if self.names.contains(name) {
            return;
        }
        if matches!(reference.what, What::Data(..))
            && let Some((stem, _)) = name.rsplit_once('.')
        {
            // The directory of its large values.
            self.names.insert(stem.to_string());
        }
        self.names.insert(name.to_string());
    }

    pub fn contains(&self, path: &Path) -> bool {
        let mut parts = path.prefix_match(&self.base).into_iter().flatten();
        parts.any(|part| self.names.contains(part.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(file: &str, what: What<'_>) -> Needed {
        let mut needed = Needed::new(&Path::from("home/d.lance"));
        needed.add_reference(&Reference {
            directory: DATA,
            file: file.to_string(),
            base: Some(7),
            what,
        });
        needed
    }

    #[test]
    fn a_name_is_needed_wherever_it_is_below_the_dataset() {
        let fragment = Fragment::new(0);
        let file = DataFile::new_legacy_from_fields("a.lance", vec![0], None);
        let needed = needed("a.lance", What::Data(&fragment, &file));
        for path in [
            "data/a.lance",
            "tree/b/data/a.lance",
            "data/a/0101.blob",
            "data/a/.tmp",
        ] {
            let path = Path::from(format!("home/d.lance/{path}"));
            assert!(needed.contains(&path), "{path}");
        }
        for path in [
            "home/d.lance/data/b.lance",
            "home/d.lance/data/a.lance#1",
            "home/a/x",
        ] {
            assert!(!needed.contains(&Path::from(path)), "{path}");
        }
    }

    #[test]
    fn the_directory_of_an_index_is_needed_with_all_that_is_in_it() {
        let needed = needed("11-22", What::IndexDirectory);
        assert!(needed.contains(&Path::from("home/d.lance/_indices/11-22/part/x.idx")));
        assert!(!needed.contains(&Path::from("home/d.lance/_indices/11-23/x.idx")));
    }
}
