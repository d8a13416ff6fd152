//! Tags and branches.

use lance::dataset::refs::{BranchContents, TagContents};
use object_store::path::Path;

use super::report::{Problem, ProblemKind};
use crate::error::Result;
use crate::inventory::{BRANCHES, Branch, Home, REFS, StoredFiles, VERSIONS, if_found};

/// Find tags and branches that cannot be read, or point to nothing.
pub async fn check_refs(
    home: &Home,
    listed: &StoredFiles,
    branches: &[Branch],
) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let refs = home.base.clone().join(REFS);
    for path in listed.keys() {
        let parts: Vec<_> = path.prefix_match(&refs).into_iter().flatten().collect();
        let ([directory, _], Some("json")) = (parts.as_slice(), path.extension()) else {
            continue;
        };
        let Some(bytes) = if_found(home.store.read_one_all(path).await)? else {
            continue;
        };
        let broken = match directory.as_ref() {
            "tags" => check_tag(home, branches, &bytes).await?,
            "branches" => check_branch(home, branches, path, &bytes).await?,
            _ => None,
        };
        problems.extend(broken.map(|(version, message)| Problem {
            kind: ProblemKind::BrokenReference,
            version,
            path: home.shown(path),
            message,
        }));
    }
    Ok(problems)
}

/// The version that is meant and what is wrong with it.
type Broken = Option<(u64, String)>;

async fn check_tag(home: &Home, branches: &[Branch], bytes: &[u8]) -> Result<Broken> {
    let tag: TagContents = match serde_json::from_slice(bytes) {
        Ok(tag) => tag,
        Err(error) => return Ok(unreadable(&error)),
    };
    let name = tag.branch.unwrap_or_default();
    let found = match branches.iter().find(|branch| branch.name == name) {
        Some(branch) => home.has_version(branch, tag.version).await?,
        None => false,
    };
    let lost = || format!("points to version {}, which does not exist", tag.version);
    Ok((!found).then(|| (tag.version, lost())))
}

/// The version it began from may be gone, but not all of its own.
async fn check_branch(
    home: &Home,
    branches: &[Branch],
    path: &Path,
    bytes: &[u8],
) -> Result<Broken> {
    if let Err(error) = serde_json::from_slice::<BranchContents>(bytes) {
        return Ok(unreadable(&error));
    }
    let name = path.filename().and_then(|file| file.strip_suffix(".json"));
    let name = name.unwrap_or_default().replace("%2F", "/");
    if branches.iter().any(|branch| branch.name == name) {
        return Ok(None);
    }
    // It may have been made since the files were listed, or deleted.
    let mut versions = home.base.clone().join(BRANCHES);
    versions.extend(name.split('/'));
    let files = if_found(home.store.read_dir(versions.join(VERSIONS)).await)?;
    let has_version = files.is_some_and(|files| files.iter().any(|f| f.ends_with(".manifest")));
    let is_lost = !has_version && home.store.exists(path).await?;
    Ok(is_lost.then(|| (0, "has no version".to_string())))
}

fn unreadable(error: &serde_json::Error) -> Broken {
    Some((0, format!("cannot be read: {error}")))
}
