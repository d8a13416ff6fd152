//! What manifests say should lie in the directories of a dataset, or elsewhere.

use std::collections::{HashMap, HashSet};
use std::iter::successors;
use std::sync::Arc;

use lance_io::object_store::ObjectStore;
use lance_table::format::{BasePath, DataFile, DeletionFile, Fragment, IndexFile};
use lance_table::io::deletion::relative_deletion_file_path;
use object_store::path::Path;

use crate::error::{LanceError, Result, code};
use crate::inventory::{Branch, DATA, DELETIONS, Home, INDICES, TRANSACTIONS, Version};

/// A file that a manifest names.
pub struct Reference<'a> {
    /// Which of the stores of `References` it is in; 0 is the dataset's own.
    pub store: usize,
    pub path: Path,
    pub shown: String,
    pub what: What<'a>,
}

pub enum What<'a> {
    Data(&'a Fragment, &'a DataFile),
    Deletion(&'a Fragment, &'a DeletionFile),
    Index(&'a IndexFile),
    /// Whatever is in there belongs to an index.
    IndexDirectory,
    Transaction,
}

/// Finds the files that manifests name, also those outside the dataset.
pub struct References<'a> {
    home: &'a Home,
    pub stores: Vec<Arc<ObjectStore>>,
    /// The places outside a branch, by their URIs.
    outside: HashMap<String, (usize, Path)>,
}

/// Where the files of one kind are.
struct Directory {
    store: usize,
    path: Path,
    shown: String,
}

impl Directory {
    fn reference<'a>(&self, file: &str, what: What<'a>) -> Reference<'a> {
        let mut path = self.path.clone();
        path.extend(file.split('/'));
        Reference {
            store: self.store,
            path,
            shown: format!("{}/{file}", self.shown),
            what,
        }
    }
}

impl<'a> References<'a> {
    pub fn new(home: &'a Home) -> Self {
        Self {
            home,
            stores: vec![home.store.clone()],
            outside: HashMap::new(),
        }
    }

    /// List the files that a version needs.
    pub async fn of<'v>(
        &mut self,
        branch: &Branch,
        version: &'v Version,
    ) -> Result<Vec<Reference<'v>>> {
        let bases = &version.manifest.base_paths;
        for base in bases.values() {
            self.open_outside(base).await?;
        }
        let mut found = Vec::new();
        if let Some(file) = &version.manifest.transaction_file {
            let transactions = self.directory(branch, bases, None, TRANSACTIONS)?;
            found.push(transactions.reference(file, What::Transaction));
        }
        for fragment in version.manifest.fragments.iter() {
            for file in fragment.referenced_lance_files() {
                let data = self.directory(branch, bases, file.base_id, DATA)?;
                found.push(data.reference(&file.path, What::Data(fragment, file)));
            }
            if let Some(file) = &fragment.deletion_file {
                let name = relative_deletion_file_path(fragment.id, file);
                let name = name.rsplit('/').next().unwrap_or_default();
                let deletions = self.directory(branch, bases, file.base_id, DELETIONS)?;
                found.push(deletions.reference(name, What::Deletion(fragment, file)));
            }
        }
        for index in &version.indexes {
            let indices = self.directory(branch, bases, index.base_id, INDICES)?;
            let uuid = index.uuid.to_string();
            found.push(indices.reference(&uuid, What::IndexDirectory));
            for file in index.files.iter().flatten() {
                found.push(indices.reference(&format!("{uuid}/{}", file.path), What::Index(file)));
            }
        }
        Ok(found)
    }

    async fn open_outside(&mut self, base: &BasePath) -> Result<()> {
        if self.outside.contains_key(&base.path) {
            return Ok(());
        }
        let (store, path) = self.home.open_place(&base.path).await?;
        let known = self
            .stores
            .iter()
            .position(|known| known.store_prefix == store.store_prefix);
        let index = known.unwrap_or_else(|| {
            self.stores.push(store);
            self.stores.len() - 1
        });
        self.outside.insert(base.path.clone(), (index, path));
        Ok(())
    }

    fn directory(
        &self,
        branch: &Branch,
        bases: &HashMap<u32, BasePath>,
        base_id: Option<u32>,
        name: &str,
    ) -> Result<Directory> {
        let Some(id) = base_id else {
            let path = branch.root.clone().join(name);
            return Ok(Directory {
                store: 0,
                shown: self.home.shown(&path),
                path,
            });
        };
        let unknown =
            || LanceError::new(code::CORRUPT, format!("it does not say where base {id} is"));
        let base = bases.get(&id).ok_or_else(unknown)?;
        let (store, root) = self.outside.get(&base.path).ok_or_else(unknown)?.clone();
        let (path, uri) = match base.is_dataset_root {
            true => (
                root.join(name),
                format!("{}/{name}", base.path.trim_end_matches('/')),
            ),
            false => (root, base.path.clone()),
        };
        // A branch names the dataset it is a part of as a place outside.
        let inside = store == 0 && path.prefix_matches(&self.home.base);
        Ok(Directory {
            store,
            shown: if inside { self.home.shown(&path) } else { uri },
            path,
        })
    }
}

/// What versions need of the dataset's own store.
#[derive(Default)]
pub struct Needed {
    files: HashSet<Path>,
    /// With everything in them.
    directories: HashSet<Path>,
}

impl Needed {
    pub fn add(&mut self, reference: &Reference<'_>) {
        if reference.store != 0 {
            return;
        }
        let path = &reference.path;
        match reference.what {
            What::IndexDirectory => {
                self.directories.insert(path.clone());
            }
            What::Data(..) => {
                self.directories.extend(blob_directory(path));
                self.files.insert(path.clone());
            }
            What::Deletion(..) | What::Index(_) | What::Transaction => {
                self.files.insert(path.clone());
            }
        }
    }

    pub fn contains(&self, path: &Path) -> bool {
        let mut directories = successors(path.parent(), Path::parent);
        self.files.contains(path)
            || directories.any(|directory| self.directories.contains(&directory))
    }
}

/// Where the large values of a data file are.
fn blob_directory(data_file: &Path) -> Option<Path> {
    let (stem, _) = data_file.filename()?.rsplit_once('.')?;
    Some(data_file.parent()?.join(stem))
}
