//! Uncommitted writes: check the files, commit them, or delete them.

mod columns;
mod commit;
mod discard;
mod gate;
mod history;
mod json;
mod merge;
mod origin;
mod parts;
mod pending;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::transaction::{Operation, Transaction};
use lance_file::version::LanceFileVersion;
use lance_io::object_store::ObjectStore;
use lance_table::format::{DataFile, Fragment};
use object_store::path::Path;

pub use origin::Origin;
pub use pending::{Pending, commit_all};

use crate::error::{Error, Result, code};
use crate::fault;
use crate::maintain::listing::DATA;
use crate::open::Access;
use crate::place::Place;
use crate::write::written_files::WrittenFiles;

/// Where a write goes and how the dataset is made if it is new.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub place: Place,
    /// The commit fails when a dataset exists by then.
    pub must_be_new: bool,
    pub access: Access,
    pub data_storage_version: Option<LanceFileVersion>,
    pub stable_row_ids: bool,
}

impl Target {
    /// The store, and the dataset's root in it.
    pub async fn open_store(
        &self,
        written_files: &Arc<WrittenFiles>,
    ) -> Result<(Arc<ObjectStore>, Path)> {
        let params = written_files.store_params(&self.access);
        let registry = self.access.session()?.store_registry();
        Ok(ObjectStore::from_uri_and_params(registry, &self.place.uri, &params).await?)
    }
}

/// Data files that no version refers to yet.
#[derive(Debug, Clone)]
pub struct UncommittedWrite {
    pub target: Target,
    pub transaction: Transaction,
    /// The version it began at. None: there was no dataset, or the library that wrote the JSON did not say.
    pub origin: Option<Origin>,
    /// Others may hold it too, through its JSON.
    pub is_shared: bool,
    /// Records what the commit writes.
    pub written_files: Arc<WrittenFiles>,
}

pub fn fragments(transaction: &Transaction) -> &[Fragment] {
    match &transaction.operation {
        Operation::Append { fragments } | Operation::Overwrite { fragments, .. } => fragments,
        _ => &[],
    }
}

pub fn fragments_mut(transaction: &mut Transaction) -> Option<&mut Vec<Fragment>> {
    match &mut transaction.operation {
        Operation::Append { fragments } | Operation::Overwrite { fragments, .. } => Some(fragments),
        _ => None,
    }
}

fn files(transaction: &Transaction) -> impl Iterator<Item = &DataFile> {
    fragments(transaction).iter().flat_map(|f| &f.files)
}

impl UncommittedWrite {
    /// What the lanes of one writer wrote, in their order. `began_at` is the dataset as it was.
    pub fn of_lanes(
        target: Target,
        began_at: Option<&Arc<Dataset>>,
        written_files: Arc<WrittenFiles>,
        lanes: Vec<Transaction>,
    ) -> Result<Self> {
        Ok(Self {
            target,
            transaction: merge::concatenate(lanes)?,
            origin: began_at.map(|dataset| Origin::of(dataset.clone())),
            is_shared: false,
            written_files,
        })
    }

    /// Compare the size of every file with what the encoder wrote: a store that lost the end of a file would
    /// otherwise leave a version that nobody can read.
    pub async fn verify(&self) -> Result<()> {
        fault::point()?;
        let (store, base) = self.target.open_store(&self.written_files).await?;
        let data = base.join(DATA);
        let files = files(&self.transaction)
            .map(|file| match file.file_size_bytes.get() {
                Some(size) => Ok((data.clone().join(file.path.as_str()), size)),
                None => Err(Error::invalid_argument(format!(
                    "the transaction does not say how large data file {} is, so that it cannot be checked",
                    file.path
                ))),
            })
            .collect::<Result<Vec<_>>>()?;
        stream::iter(files)
            .map(|(path, expected)| {
                let store = store.clone();
                async move {
                    let actual = store.size(&path).await?;
                    if actual == expected.get() {
                        return Ok(());
                    }
                    Err(Error::new(
                        code::IO,
                        format!(
                            "data file {path} has {actual} of {expected} bytes: the store lost a part of it; nothing was committed"
                        ),
                    ))
                }
            })
            .buffer_unordered(store.io_parallelism())
            .try_collect::<()>()
            .await
    }

    /// Check the files, and make one new version of them.
    pub async fn commit(self) -> Result<u64> {
        commit::commit(vec![self]).await
    }

    /// Delete the files. One that is gone already is fine.
    pub async fn discard(&self) -> Result<()> {
        discard::discard(self).await
    }
}
