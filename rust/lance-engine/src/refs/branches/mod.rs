//! Branches: lines of versions beside the main one, in a directory of their own.
//!
//! A branch is a shallow clone and a file that names it. The file is made first: from then on the name is taken, and the
//! version it begins at is kept by cleanups. A branch of which there is no version yet was interrupted; it can be deleted.

mod claim;
mod removal;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::refs::{BranchContents, BranchIdentifier, Ref};
use lance::dataset::transaction::{Operation, Transaction};
use lance_io::object_store::ObjectStore;
use object_store::path::Path;

pub use removal::delete;

use self::claim::Claim;
use super::tags::sorted;
use super::{gate, names, version};
use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::maintain::listing::{VERSIONS, if_found};
use crate::read::Opened;
use crate::settings::{BranchInfo, BranchSettings};
use crate::stored_refs::{MAIN, StoredRefs};
use crate::task::Task;

/// The branches of the dataset but the main one, by name.
pub fn list(opened: Arc<Opened>) -> Task<Vec<BranchInfo>> {
    Box::pin(async move {
        let branches = StoredRefs::of(&opened.plain).await?.branches().await?;
        let branches = branches.into_iter().map(|(name, branch)| BranchInfo {
            name,
            parent_branch: branch.parent_branch.unwrap_or_else(|| MAIN.to_string()),
            parent_version: branch.parent_version,
            manifest_bytes: branch.manifest_size as u64,
            created_micros: i64::try_from(branch.create_at)
                .ok()
                .and_then(|seconds| seconds.checked_mul(1_000_000))
                .unwrap_or(i64::MAX),
            metadata: sorted(branch.metadata),
        });
        Ok(branches.collect())
    })
}

/// Replace what is kept with a branch.
pub fn replace_metadata(
    opened: Arc<Opened>,
    name: String,
    metadata: HashMap<String, String>,
) -> Task<()> {
    Box::pin(async move {
        names::check_branch(&name)?;
        let refs = StoredRefs::of(&opened.plain).await?;
        let branch = BranchContents {
            metadata,
            ..refs.branch(&name).await?
        };
        refs.put(&refs.branch_file(&name), &branch).await
    })
}

/// Begin a branch at this version: its first version, which is equal to this one and has its number.
pub fn create(opened: Arc<Opened>, name: String, settings: BranchSettings) -> Task<Opened> {
    Box::pin(async move {
        names::check_new_branch(&name)?;
        if opened.access.keeper.is_some() {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                "the namespace keeps the versions of this table, and knows of no branches",
            ));
        }
        version::require(&opened).await?;
        let dataset = &opened.plain;
        let refs = StoredRefs::of(dataset).await?;
        let location = dataset.branch_location().find_branch(Some(&name))?;
        let contents = contents(&opened, &refs, settings.metadata).await?;
        let change = Change::new(&opened)?;
        let root = location.path.clone();
        let claim = Claim::take(&refs, &name, root, contents, change.files()).await?;
        let (uri, branch) = (location.uri, name.clone());
        let made = change
            .run(move |dataset| clone_to(dataset, uri, branch))
            .await;
        if let Err(error) = made {
            claim.settle().await;
            return Err(error);
        }
        claim.keep();
        if let Err(gone) = version::require(&opened).await {
            let removed = removal::remove(&refs, &name).await;
            removed.map_err(|error| error.context(&was_made(&name, "removed again")))?;
            return Err(gone);
        }
        let first = Ref::from((name.as_str(), dataset.manifest().version));
        let first = dataset.checkout_version(first).await;
        let first =
            first.map_err(|error| Error::from(error).context(&was_made(&name, "opened")))?;
        Ok(opened.at(first))
    })
}

async fn contents(
    opened: &Opened,
    refs: &StoredRefs,
    metadata: HashMap<String, String>,
) -> Result<BranchContents> {
    let manifest = opened.plain.manifest();
    let parent = match &manifest.branch {
        Some(parent) => {
            // Makes an identifier where an early version of the engine has stored none.
            refs.branch(parent).await?;
            let file = refs.branch_file(parent);
            let parent = BranchContents::from_path(&file, &refs.store, parent).await?;
            parent.identifier
        }
        None => BranchIdentifier::main(),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(BranchContents {
        parent_branch: manifest.branch.clone(),
        identifier: BranchIdentifier::new(&parent, manifest.version),
        parent_version: manifest.version,
        create_at: now.map_or(0, |since| since.as_secs()),
        manifest_size: version::manifest_size(opened).await?,
        metadata,
    })
}

async fn clone_to(dataset: Dataset, uri: String, name: String) -> Result<()> {
    let manifest = dataset.manifest();
    let operation = Operation::Clone {
        is_shallow: true,
        ref_name: manifest.branch.clone(),
        ref_version: manifest.version,
        ref_path: dataset.uri().to_string(),
        branch_name: Some(name),
    };
    let transaction = Transaction::new(manifest.version, operation, None);
    let params = dataset.store_params().cloned().unwrap_or_default();
    let commit = CommitBuilder::new(uri.as_str())
        .with_session(dataset.session())
        .with_object_store(dataset.object_store(None).await?)
        .with_commit_handler(gate::of_new(&uri, &params).await?)
        .with_store_params(params)
        .with_skip_auto_cleanup(true);
    commit.execute(transaction).await?;
    Ok(())
}

/// Whether there is any version in a branch's directory.
async fn has_versions(store: &ObjectStore, root: &Path) -> Result<bool> {
    let mut listed = store.list(Some(root.clone().join(VERSIONS)));
    while let Some(file) = if_found(listed.try_next().await)?.flatten() {
        if file.location.extension() == Some("manifest") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What to say where there is a branch, though the call fails.
fn was_made(name: &str, lacks: &str) -> String {
    format!("branch {name:?} was made, but it cannot be {lacks}")
}

/// What to say where a name is free, but not its directory.
fn left_over(name: &str) -> Error {
    Error::new(
        code::FAILED_PRECONDITION,
        format!(
            "there are versions of a branch {name:?} that was not deleted to the end: delete it once more, with force"
        ),
    )
}
