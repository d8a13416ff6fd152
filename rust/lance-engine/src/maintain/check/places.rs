//! Where the files are that manifests name, also those outside the dataset.

use std::collections::HashMap;
use std::sync::Arc;

use lance_io::object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{Error, Result, code};
use crate::maintain::listing::{Branch, Home, Version, real_path};
use crate::maintain::needed_files::{Reference, What};
use crate::panics::contained;

/// Which of the stores of `Places`, and where in it. The first store is the dataset's own.
pub type Place = (usize, Path);

/// A file that a manifest names.
pub struct PlacedFile<'a> {
    pub place: Place,
    /// As people know it.
    pub shown: String,
    pub what: What<'a>,
}

/// Knows the places that manifests mean.
pub struct Places<'a> {
    home: &'a Home,
    pub stores: Vec<Arc<ObjectStore>>,
    /// The bases of manifests, by their URIs. None: it cannot be opened.
    outside: HashMap<String, Option<Place>>,
    /// The bases that could not be opened since this was last taken, and why.
    pub unopened: Vec<(String, Error)>,
}

impl<'a> Places<'a> {
    pub fn new(home: &'a Home) -> Self {
        Self {
            home,
            stores: vec![home.store.clone()],
            outside: HashMap::new(),
            unopened: Vec::new(),
        }
    }

    /// Find a file. None: it is in a base that cannot be opened.
    pub async fn find<'v>(
        &mut self,
        branch: &Branch,
        version: &Version,
        reference: Reference<'v>,
    ) -> Result<Option<PlacedFile<'v>>> {
        let (mut place, shown) = match reference.base {
            None => ((0, branch.root.clone().join(reference.directory)), None),
            Some(id) => {
                let Some(base) = version.manifest.base_paths.get(&id) else {
                    let message = format!("it does not say where base {id} is");
                    return Err(Error::new(code::CORRUPT, message));
                };
                let Some(root) = self.open(&base.path).await else {
                    return Ok(None);
                };
                let uri = base.path.trim_end_matches('/');
                match base.is_dataset_root {
                    true => (
                        (root.0, root.1.join(reference.directory)),
                        Some(format!("{uri}/{}", reference.directory)),
                    ),
                    false => (root, Some(uri.to_string())),
                }
            }
        };
        place.1.extend(reference.file.split('/'));
        // A branch names the dataset it is a part of as a place outside.
        let is_inside = place.0 == 0 && place.1.prefix_matches(&self.home.base);
        let shown = match shown {
            Some(directory) if !is_inside => format!("{directory}/{}", reference.file),
            _ => self.home.shown(&place.1),
        };
        Ok(Some(PlacedFile {
            place,
            shown,
            what: reference.what,
        }))
    }

    async fn open(&mut self, uri: &str) -> Option<Place> {
        if let Some(known) = self.outside.get(uri) {
            return known.clone();
        }
        let place = match contained(self.home.open_place(uri)).await {
            Ok((store, path)) => {
                let path = inside_home(self.home, &store, &path).unwrap_or(path);
                Some((self.store_index(store), path))
            }
            Err(error) => {
                self.unopened.push((uri.to_string(), error));
                None
            }
        };
        self.outside.insert(uri.to_string(), place.clone());
        place
    }

    fn store_index(&mut self, store: Arc<ObjectStore>) -> usize {
        let mut known = self.stores.iter();
        let known = known.position(|known| known.store_prefix == store.store_prefix);
        known.unwrap_or_else(|| {
            self.stores.push(store);
            self.stores.len() - 1
        })
    }
}

/// The path below the dataset's own one that is the same local directory.
fn inside_home(home: &Home, store: &ObjectStore, path: &Path) -> Option<Path> {
    let (directory, root) = (real_path(store, path)?, real_path(&home.store, &home.base)?);
    let mut inside = home.base.clone();
    for part in directory.strip_prefix(root).ok()? {
        inside = inside.join(part.to_str()?);
    }
    Some(inside)
}
