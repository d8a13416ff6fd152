//! Shallow clones read files of the dataset they were cloned from, which does not know of them.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;

use super::listing::{Home, ManifestFile, VERSIONS, find_manifests, real_path};
use super::needed_files::Needed;
use super::orphans::{Orphan, Place};
use crate::error::Result;

const DATASETS_AT_ONCE: usize = 16;

/// Find the manifests of all other datasets that may read files of this one: below it, and beside it.
pub async fn find(home: &Home) -> Result<Vec<ManifestFile>> {
    let (lines, below) = find_manifests(&home.base, &home.list_all().await?);
    let of_others = |file: &ManifestFile| lines[file.branch].name.is_none();
    let mut found: Vec<_> = below.into_iter().filter(of_others).collect();
    found.extend(find_beside(home).await?);
    Ok(found)
}

/// Leave out the orphans that clones need, which are looked for where there is something to leave out. A clone that cannot
/// be read may need all.
pub async fn leave_out_needed(home: &Home, orphans: &mut Vec<Orphan>) {
    if orphans.is_empty() {
        return;
    }
    match needed(home).await {
        Ok(needed) => orphans.retain(|orphan| match &orphan.place {
            Place::Stored(path) => !needed.contains(path),
            Place::Hidden(_) => true,
        }),
        Err(_) => orphans.clear(),
    }
}

async fn needed(home: &Home) -> Result<Needed> {
    let manifests = find(home).await?;
    let mut needed = Needed::new(&home.base);
    let mut read = home.read_understood(&manifests);
    while let Some((_, version)) = read.next().await {
        version?.iter().for_each(|version| needed.add(version));
    }
    Ok(needed)
}

/// Find the manifests of clones beside the dataset, where databases keep them. What cannot be looked at is taken
/// for no clone: it may be anybody's.
pub async fn find_beside(home: &Home) -> Result<Vec<ManifestFile>> {
    let Some(parent) = home.base.parent() else {
        return Ok(Vec::new());
    };
    let Ok(beside) = home.store.list_with_delimiter(Some(&parent)).await else {
        return Ok(Vec::new());
    };
    let clones: Vec<_> = stream::iter(beside.common_prefixes)
        .map(|root| clone_manifests(home, root))
        .buffer_unordered(DATASETS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(clones.into_iter().flatten().collect())
}

/// The manifests of another dataset, if that is one and reads files outside itself.
async fn clone_manifests(home: &Home, root: Path) -> Result<Vec<ManifestFile>> {
    let versions = home.list_directory(root.clone().join(VERSIONS)).await;
    let versions = versions.unwrap_or_default().into_iter().collect();
    let (_, manifests) = find_manifests(&root, &versions);
    // Later versions keep the bases of earlier ones.
    let newest = home.read_all(manifests.first()).next().await;
    let is_clone = newest.is_some_and(|(_, newest)| {
        newest.is_ok_and(|version| !version.manifest.base_paths.is_empty())
    });
    if !is_clone || is_home(home, &root) {
        return Ok(Vec::new());
    }
    let files = home.list_directory(root.clone()).await?;
    let (_, manifests) = find_manifests(&root, &files.into_iter().collect());
    Ok(manifests)
}

/// A link may lead to the dataset itself.
fn is_home(home: &Home, root: &Path) -> bool {
    let [home_root, root_target] = [&home.base, root].map(|path| real_path(&home.store, path));
    *root == home.base || (root_target.is_some() && root_target == home_root)
}
