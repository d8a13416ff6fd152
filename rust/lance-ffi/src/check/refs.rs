//! Tags and branches.

use lance::dataset::refs::{BranchContents, TagContents};

use super::report::{Problem, ProblemKind};
use crate::error::Result;
use crate::inventory::{Branch, Home, REFS, StoredFiles, if_found};

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
            "branches" => check_branch(&bytes),
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

/// The version it began from may be gone.
fn check_branch(bytes: &[u8]) -> Broken {
    let branch = serde_json::from_slice::<BranchContents>(bytes);
    branch.err().and_then(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Broken {
    Some((0, format!("cannot be read: {error}")))
}
