//! Tags and branches.

use lance::dataset::refs::TagContents;
use object_store::path::Path;

use crate::error::Result;
use crate::maintain::listing::{BRANCHES, Branch, Home, VERSIONS, if_found};
use crate::maintain::refs::{Ref, branch_name, read_refs};
use crate::settings::{Problem, ProblemKind};

/// Find tags and branches that cannot be read, or point to nothing.
pub async fn check_refs(home: &Home, branches: &[Branch]) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in read_refs(home).await? {
        let broken = match &file.content {
            Ok(Ref::Tag(_, tag)) => check_tag(home, branches, tag).await?,
            Ok(Ref::Branch(name, _)) => check_branch(home, branches, &file.path, name).await?,
            Err(error) => Some((None, format!("cannot be read: {error}"))),
        };
        problems.extend(broken.map(|(version, message)| Problem {
            kind: ProblemKind::BrokenReference,
            version,
            path: home.shown(&file.path),
            message,
        }));
    }
    Ok(problems)
}

/// The version that is meant and what is wrong with it.
type Broken = Option<(Option<u64>, String)>;

async fn check_tag(home: &Home, branches: &[Branch], tag: &TagContents) -> Result<Broken> {
    let name = branch_name(tag.branch.as_deref());
    let found = match branches.iter().find(|branch| branch.is(name)) {
        Some(branch) => home.has_version(branch, tag.version).await?,
        None => false,
    };
    let lost = || format!("points to version {}, which does not exist", tag.version);
    Ok((!found).then(|| (Some(tag.version), lost())))
}

/// The version it began from may be gone, but not all of its own.
async fn check_branch(home: &Home, branches: &[Branch], path: &Path, name: &str) -> Result<Broken> {
    if branches.iter().any(|branch| branch.is(name)) {
        return Ok(None);
    }
    // It may have been made since the files were listed, or deleted.
    let mut versions = home.base.clone().join(BRANCHES);
    versions.extend(name.split('/'));
    let files = if_found(home.store.read_dir(versions.join(VERSIONS)).await)?;
    let has_version = files.is_some_and(|files| files.iter().any(|f| f.ends_with(".manifest")));
    let is_lost = !has_version && home.store.exists(path).await?;
    Ok(is_lost.then(|| (None, "has no version".to_string())))
}
