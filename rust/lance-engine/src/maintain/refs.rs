//! Tags and branches: what points to versions.

use lance::dataset::refs::{BranchContents, TagContents};
use object_store::path::Path;

use super::listing::{Home, REFS, if_found};
use crate::error::Result;

/// Each with its name.
pub enum Ref {
    Tag(String, TagContents),
    Branch(String, BranchContents),
}

/// The file that stands for a tag or a branch.
pub struct RefFile {
    pub path: Path,
    pub content: serde_json::Result<Ref>,
}

/// Read all of them.
pub async fn read_refs(home: &Home) -> Result<Vec<RefFile>> {
    let directory = home.base.clone().join(REFS);
    let mut found = Vec::new();
    for (path, _) in home.list_directory(directory.clone()).await? {
        let parts: Vec<_> = path
            .prefix_match(&directory)
            .into_iter()
            .flatten()
            .collect();
        let [kind, name] = parts.as_slice() else {
            continue;
        };
        let Some(name) = name.as_ref().strip_suffix(".json") else {
            continue;
        };
        let Some(bytes) = if_found(home.store.read_one_all(&path).await)? else {
            continue;
        };
        let content = match kind.as_ref() {
            "tags" => serde_json::from_slice(&bytes).map(|tag| Ref::Tag(name.to_string(), tag)),
            "branches" => {
                let name = name.replace("%2F", "/");
                serde_json::from_slice(&bytes).map(|branch| Ref::Branch(name, branch))
            }
            _ => continue,
        };
        found.push(RefFile { path, content });
    }
    Ok(found)
}

/// The name of a branch in our terms, where that of the main one is empty.
pub fn branch_name(branch: Option<&str>) -> &str {
    match branch {
        None | Some("main") => "",
        Some(name) => name,
    }
}
