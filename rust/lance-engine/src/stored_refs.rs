//! Tags and branches as they are stored: a file for each, below the root of the dataset.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::refs::{
    BranchContents, TagContents, base_branches_contents_path, base_tags_path, branch_contents_path,
    tag_path,
};
use lance_io::object_store::ObjectStore;
use object_store::path::Path;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result, code, nearest_hint};
use crate::maintain::listing::if_found;

/// The name of the line of versions in the root.
pub const MAIN: &str = "main";

const FILES_AT_ONCE: usize = 10;

/// Those of one dataset.
#[derive(Clone)]
pub struct StoredRefs {
    pub store: Arc<ObjectStore>,
    /// Of the dataset, of which a branch is a part.
    pub root: Path,
}

impl StoredRefs {
    pub async fn of(dataset: &Dataset) -> Result<Self> {
        Ok(Self {
            store: dataset.object_store(None).await?,
            root: dataset.branch_location().find_main()?.path,
        })
    }

    pub fn tag_file(&self, name: &str) -> Path {
        tag_path(&self.root, name)
    }

    pub fn branch_file(&self, name: &str) -> Path {
        branch_contents_path(&self.root, name)
    }

    /// All tags, by name.
    pub async fn tags(&self) -> Result<BTreeMap<String, TagContents>> {
        self.list(base_tags_path(&self.root)).await
    }

    /// All branches but the main one, by name.
    pub async fn branches(&self) -> Result<BTreeMap<String, BranchContents>> {
        self.list(base_branches_contents_path(&self.root)).await
    }

    /// A tag that has to be there.
    pub async fn tag(&self, name: &str) -> Result<TagContents> {
        match self.read(&self.tag_file(name)).await? {
            Some(tag) => Ok(tag),
            None => Err(self.no_tag(name).await?),
        }
    }

    /// A branch that has to be there, and is not the main one.
    pub async fn branch(&self, name: &str) -> Result<BranchContents> {
        match self.read(&self.branch_file(name)).await? {
            Some(branch) => Ok(branch),
            None => Err(self.no_branch(name).await?),
        }
    }

    pub async fn no_tag(&self, name: &str) -> Result<Error> {
        let hint = nearest_hint(name, self.tags().await?.keys());
        let message = format!("there is no tag {name:?}{hint}");
        Ok(Error::new(code::REF_NOT_FOUND, message))
    }

    pub async fn no_branch(&self, name: &str) -> Result<Error> {
        let branches = self.branches().await?;
        let names = branches.keys().map(String::as_str).chain([MAIN]);
        let hint = nearest_hint(name, names);
        let message = format!("there is no branch {name:?}{hint}");
        Ok(Error::new(code::REF_NOT_FOUND, message))
    }

    /// Make the file of a tag or branch, `what`, that must be new.
    pub async fn put_new(
        &self,
        file: &Path,
        contents: &impl Serialize,
        what: String,
    ) -> Result<()> {
        let put = self.store.put_if_absent(file, to_json(contents)?.into());
        put.await.map_err(|error| match error {
            object_store::Error::AlreadyExists { .. }
            | object_store::Error::Precondition { .. } => {
                Error::new(code::ALREADY_EXISTS, format!("{what} already exists"))
            }
            error => lance_core::Error::from(error).into(),
        })
    }

    /// Replace the file of one that is there.
    pub async fn put(&self, file: &Path, contents: &impl Serialize) -> Result<()> {
        self.store.put(file, &to_json(contents)?).await?;
        Ok(())
    }

    /// Remove the file of one. It is fine when somebody else has.
    pub async fn remove(&self, file: &Path) -> Result<()> {
        if_found(self.store.delete(file).await)?;
        Ok(())
    }

    /// None: there is no such file.
    pub async fn read<T: DeserializeOwned>(&self, file: &Path) -> Result<Option<T>> {
        let Some(bytes) = if_found(self.store.read_one_all(file).await)? else {
            return Ok(None);
        };
        let contents = serde_json::from_slice(&bytes);
        contents.map(Some).map_err(|error| {
            let message = format!("{file} cannot be read: {error}");
            Error::new(code::CORRUPT, message)
        })
    }

    async fn list<T: DeserializeOwned>(&self, directory: Path) -> Result<BTreeMap<String, T>> {
        let listed = if_found(self.store.read_dir(directory.clone()).await)?;
        let files = listed.unwrap_or_default().into_iter();
        // The name of the file is that in a URI.
        let named = files.filter_map(|file| {
            let name = Path::from_url_path(file.strip_suffix(".json")?).ok()?;
            Some((name.to_string(), file))
        });
        let read = stream::iter(named.collect::<Vec<_>>())
            .map(|(name, file)| {
                let path = Path::parse(format!("{directory}/{file}"));
                async move {
                    let path =
                        path.map_err(|error| Error::new(code::CORRUPT, error.to_string()))?;
                    Ok::<_, Error>((name, self.read(&path).await?))
                }
            })
            .buffered(FILES_AT_ONCE);
        let found: Vec<(String, Option<T>)> = read.try_collect().await?;
        // One that is gone was removed since it was listed.
        let found = found.into_iter();
        Ok(found
            .filter_map(|(name, contents)| Some((name, contents?)))
            .collect())
    }
}

fn to_json(contents: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(contents)
        .map_err(|error| Error::new(code::INTERNAL, format!("cannot write JSON: {error}")))
}
