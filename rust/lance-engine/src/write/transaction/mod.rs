//! Transactions: check the files, commit them, or delete them.

mod columns;
mod commit;
mod discard;
mod gate;
mod history;
mod json;
mod merge;
mod named_files;
mod origin;
mod parts;
mod pending;
mod verify;

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::{DataReplacementGroup, Operation, RewriteGroup, Transaction};
use lance_file::version::LanceFileVersion;
use lance_io::object_store::ObjectStore;
use lance_table::format::{DataFile, Fragment};
use object_store::path::Path;

pub use json::{read_operation, write as write_document};
pub use merge::MESSAGE;
pub use origin::Origin;
pub use pending::{Pending, commit_all, commit_to};
pub use verify::verify;

use crate::error::Result;
use crate::open::Access;
use crate::place::Place;
use crate::read::Opened;
use crate::settings::CommitSettings;
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

/// What an operation has made of a version, to be committed later.
#[derive(Debug, Clone)]
pub struct Staged {
    pub transaction: Transaction,
    /// The rows that it deletes or replaces, by their addresses, if that is known. Such a transaction goes on top of those
    /// that change other rows of the same fragments.
    pub affected_rows: Option<RowAddrTreeMap>,
}

/// A transaction that no version has yet.
#[derive(Debug, Clone)]
pub struct UncommittedWrite {
    pub target: Target,
    pub transaction: Arc<Transaction>,
    pub affected_rows: Option<RowAddrTreeMap>,
    /// The version it began at. None: there was no dataset, or the library that wrote the JSON did not say.
    pub origin: Option<Origin>,
    /// Others may hold it too, through its JSON.
    pub is_shared: bool,
    /// Records what the commit writes, and has recorded what it was staged with.
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

/// Check the files of all, which go to one dataset. `origins` are the versions that they began at, or none.
async fn verify_all(writes: &[UncommittedWrite], origins: &[Arc<Dataset>]) -> Result<()> {
    let Some(first) = writes.first() else {
        return Ok(());
    };
    let (store, base) = first.target.open_store(&first.written_files).await?;
    let changes = writes.iter().enumerate().map(|(index, write)| {
        let origin = origins.get(index).map(|origin| origin.manifest());
        (write.transaction.as_ref(), origin)
    });
    verify(changes, &store, &base).await
}

/// Whether it brings new rows and nothing else, as what a writer makes does.
fn is_write(transaction: &Transaction) -> bool {
    matches!(
        transaction.operation,
        Operation::Append { .. } | Operation::Overwrite { .. }
    )
}

/// The data files that are new with a transaction for certain: a fragment that it changes has old ones, too.
fn files(transaction: &Transaction) -> impl Iterator<Item = &DataFile> {
    let (mut fragments, mut groups): (&[Fragment], &[RewriteGroup]) = (&[], &[]);
    let mut replacements: &[DataReplacementGroup] = &[];
    match &transaction.operation {
        Operation::Append { fragments: new }
        | Operation::Overwrite { fragments: new, .. }
        | Operation::Update {
            new_fragments: new, ..
        } => fragments = new,
        Operation::Rewrite { groups: new, .. } => groups = new,
        Operation::DataReplacement { replacements: new } => replacements = new,
        _ => (),
    }
    let rewritten = groups.iter().flat_map(|group| &group.new_fragments);
    fragments
        .iter()
        .chain(rewritten)
        .flat_map(Fragment::referenced_lance_files)
        .chain(replacements.iter().map(|group| &group.1))
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
            transaction: merge::concatenate(lanes.into_iter().map(Arc::new))?.into(),
            affected_rows: None,
            origin: began_at.map(|dataset| Origin::of(dataset.clone())),
            is_shared: false,
            written_files,
        })
    }

    /// What was made of the version `opened`, which `dataset` is with a store that notes in `written_files` what it makes.
    pub fn staged(
        opened: &Opened,
        dataset: Arc<Dataset>,
        staged: Staged,
        written_files: Arc<WrittenFiles>,
    ) -> Result<Self> {
        Ok(Self {
            target: Target {
                place: Place::of(dataset.uri())?,
                must_be_new: false,
                access: opened.access.clone(),
                data_storage_version: None,
                stable_row_ids: false,
            },
            transaction: staged.transaction.into(),
            affected_rows: staged.affected_rows,
            origin: Some(Origin::of(dataset)),
            is_shared: false,
            written_files,
        })
    }

    /// Check the files before anybody is told of them.
    pub async fn verify(&self) -> Result<()> {
        verify_all(std::slice::from_ref(self), &[]).await
    }

    /// Check the files, and make one new version of them.
    pub async fn commit(self) -> Result<u64> {
        commit::commit(vec![self], &CommitSettings::default()).await
    }

    /// Delete the files. One that is gone already is fine.
    pub async fn discard(&self) -> Result<()> {
        discard::discard(self).await
    }
}
