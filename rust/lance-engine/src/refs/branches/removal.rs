//! Deleting a branch: its name, and the files in its directory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use lance::dataset::refs::{BranchContents, TagContents};
use object_store::path::Path;

use crate::error::{Error, Result, code};
use crate::maintain::clones;
use crate::maintain::listing::{BRANCHES, DIRECTORIES, Home, VERSIONS, if_found};
use crate::maintain::needed_files::Needed;
use crate::place::Place;
use crate::read::Opened;
use crate::refs::names;
use crate::stored_refs::StoredRefs;
use crate::task::Task;
use crate::write::removal::{delete_files, remove_empty_dirs_below};

/// Delete a branch that no other branch, no tag and no clone that can be found needs; with `force` also what is left of one that has no name any more.
pub fn delete(opened: Arc<Opened>, name: String, force: bool) -> Task<()> {
    Box::pin(async move {
        names::check_branch(&name)?;
        let refs = StoredRefs::of(&opened.plain).await?;
        let file = refs.branch_file(&name);
        let contents: Option<BranchContents> = refs.read(&file).await?;
        if contents.is_none() && !force {
            return Err(refs.no_branch(&name).await?);
        }
        refuse_if_used(&opened, &refs, &name).await?;
        refs.remove(&file).await?;
        // Somebody may have begun to use it just before.
        if let Err(used) = refuse_if_used(&opened, &refs, &name).await {
            if let Some(contents) = contents {
                refs.put(&file, &contents).await?;
            }
            return Err(used);
        }
        remove(&refs, &name).await
    })
}

/// Fail where others need one of its versions.
async fn refuse_if_used(opened: &Opened, refs: &StoredRefs, name: &str) -> Result<()> {
    let mut users = users(name, &refs.branches().await?, &refs.tags().await?);
    users.extend(readers(opened, refs, name).await?);
    if users.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        code::FAILED_PRECONDITION,
        format!(
            "branch {name:?} is in use by {}: delete what uses it first",
            users.join(", ")
        ),
    ))
}

fn users(
    name: &str,
    branches: &BTreeMap<String, BranchContents>,
    tags: &BTreeMap<String, TagContents>,
) -> Vec<String> {
    let all: HashMap<_, _> = branches
        .iter()
        .map(|(name, branch)| (name.clone(), branch.clone()))
        .collect();
    let descendants = branches
        .get(name)
        .map(|own| own.identifier.collect_referenced_versions(&all));
    let descendants: HashSet<_> = descendants
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    let branches = branches.iter().filter(|(other, branch)| {
        let is_child = branch.parent_branch.as_deref() == Some(name);
        *other != name && (is_child || descendants.contains(*other))
    });
    let tags = tags
        .iter()
        .filter(|(_, tag)| tag.branch.as_deref() == Some(name));
    let branches = branches.map(|(other, _)| format!("branch {other:?}"));
    branches
        .chain(tags.map(|(tag, _)| format!("tag {tag:?}")))
        .collect()
}

/// The shallow clones that read its files.
async fn readers(opened: &Opened, refs: &StoredRefs, name: &str) -> Result<Vec<String>> {
    let directories = files_of(refs, name).await?;
    let files = || directories.iter().flat_map(|(_, files)| files);
    let main = opened.plain.branch_location().find_main()?;
    let storage_options = opened.access.fresh_options().await?;
    let home = Home::open(Place::of(&main.uri)?, storage_options).await?;
    let manifests = clones::find(&home).await?;
    let mut read = home.read_understood(&manifests);
    let mut found = BTreeSet::new();
    while let Some((manifest, version)) = read.next().await {
        let Some(version) = version? else { continue };
        let mut needed = Needed::new(&home.base);
        // A deep clone has files of the same names.
        let outside = version.references().into_iter();
        let outside = outside.filter(|reference| reference.base.is_some());
        outside.for_each(|reference| needed.add_reference(&reference));
        if files().any(|file| needed.contains(file)) {
            let root = manifest
                .path
                .parent()
                .and_then(|versions| versions.parent());
            let root = home.shown(&root.unwrap_or_default());
            found.insert(format!("clone \"{root}\""));
        }
    }
    Ok(found.into_iter().collect())
}

/// Remove the name, and all files of the branch.
pub async fn remove(refs: &StoredRefs, name: &str) -> Result<()> {
    refs.remove(&refs.branch_file(name)).await?;
    let mut emptied = HashSet::new();
    for (directory, files) in files_of(refs, name).await? {
        emptied.extend(files.iter().filter_map(Path::parent));
        emptied.insert(directory);
        delete_files(&refs.store, files).await?;
    }
    let mut emptied: Vec<Path> = emptied.into_iter().collect();
    emptied.sort_by_key(|directory| std::cmp::Reverse(directory.parts().count()));
    remove_empty_dirs_below(&refs.store, &refs.root, emptied);
    Ok(())
}

/// Its directories with their files, the versions first: without these nobody begins to read it. Those of other branches
/// are in directories of theirs, which may be below that of this one.
async fn files_of(refs: &StoredRefs, name: &str) -> Result<Vec<(Path, Vec<Path>)>> {
    let tree = refs.root.clone().join(BRANCHES);
    let root_of = |name: &str| {
        let root = Path::parse(format!("{tree}/{name}"));
        root.map_err(|error| Error::invalid_argument(error.to_string()))
    };
    let root = root_of(name)?;
    let branches = refs.branches().await?;
    let others = branches.keys().map(|name| root_of(name));
    let others: Vec<Path> = others.collect::<Result<_>>()?;
    let below: Vec<Path> = others
        .into_iter()
        .filter(|other| other.prefix_matches(&root) && *other != root)
        .collect();
    let mut directories = DIRECTORIES.to_vec();
    directories.sort_by_key(|directory| *directory != VERSIONS);
    let mut found = Vec::with_capacity(directories.len());
    for directory in directories {
        let directory = root.clone().join(directory);
        let listed = refs
            .store
            .list(Some(directory.clone()))
            .map_ok(|file| file.location);
        let mut files: Vec<Path> = if_found(listed.try_collect().await)?.unwrap_or_default();
        files.retain(|file| !below.iter().any(|other| file.prefix_matches(other)));
        found.push((directory, files));
    }
    Ok(found)
}
