//! What a cleanup removes.
//!
//! Whether a file goes is decided by its name: it stays when any manifest below the dataset's root that stays
//! names it, whatever place the manifest says it is in. The engine compares places as they were typed, takes
//! files that belong to no version after seven days or at once, and deletes files before manifests, so that an
//! interrupted cleanup leaves versions that cannot be read.

use std::collections::HashSet;
use std::time::SystemTime;

use futures::StreamExt;
use object_store::path::Path;

use super::managed;
use super::removal::{Removal, Staying, Why};
use super::retention::{Retention, is_old_enough, referenced_versions};
use crate::absent::no_dataset;
use crate::error::{Error, Result, code};
use crate::maintain::clones;
use crate::maintain::listing::{Branch, Home, ManifestFile, StoredFiles, find_manifests};
use crate::maintain::needed_files::Needed;
use crate::maintain::orphans::{self, Orphan, Place};
use crate::settings::CleanupSettings;

/// The files to remove, the manifests first.
pub struct Plan {
    pub manifests: Vec<Removal>,
    pub files: Vec<Removal>,
    /// What was looked at, and is left.
    pub staying: Vec<Staying>,
    branch: String,
    versions: HashSet<u64>,
    /// The manifests that were looked at.
    seen: HashSet<Path>,
}

/// What the versions that stay need, and what those that go have needed.
struct Needs {
    kept: Needed,
    freed: Needed,
    /// Whether any version has files in another place, or may have.
    elsewhere: bool,
}

impl Plan {
    pub async fn make(home: &Home, branch: &str, settings: &CleanupSettings) -> Result<Self> {
        // Before anything is listed: files of a later commit are too young by this, however they are listed.
        let now = SystemTime::now();
        let listed = list(home).await.map_err(nothing_removed)?;
        let (branches, manifests) = find_manifests(&home.base, &listed);
        let target = find_target(home, &branches, &manifests, branch)?;
        refuse_lost(home, &listed, &branches).await?;
        let versions = manifests.iter().filter(|file| file.branch == target);
        let retention = Retention::new(
            versions.map(|file| file.version),
            settings,
            now,
            referenced_versions(home, branch).await?,
        );
        let mut plan = Self {
            manifests: Vec::new(),
            files: Vec::new(),
            staying: Vec::new(),
            branch: branch.to_string(),
            versions: HashSet::new(),
            seen: manifests.iter().map(|file| file.path.clone()).collect(),
        };
        let needs = plan
            .choose_versions(home, &manifests, target, &retention)
            .await;
        let needs = needs.map_err(nothing_removed)?;
        let is_old = |made| is_old_enough(now, settings.orphan_min_age, made);
        plan.choose_files(home, &branches, &listed, &needs, is_old)
            .await?;
        Ok(plan)
    }

    async fn choose_versions(
        &mut self,
        home: &Home,
        manifests: &[ManifestFile],
        target: usize,
        retention: &Retention,
    ) -> Result<Needs> {
        let mut needs = Needs {
            kept: Needed::new(&home.base),
            freed: Needed::new(&home.base),
            elsewhere: false,
        };
        let mut read = home.read_understood(manifests);
        while let Some((file, version)) = read.next().await {
            let Some(version) = version? else { continue };
            needs.elsewhere |= !version.manifest.base_paths.is_empty();
            if file.branch != target {
                needs.kept.add(&version);
                continue;
            }
            let place = Place::Stored(file.path.clone());
            if let Some(reason) = retention.why_kept(&version.manifest) {
                needs.kept.add(&version);
                self.staying.push(Staying {
                    place,
                    kind: None,
                    version: Some(file.version),
                    size: file.size,
                    reason,
                });
                continue;
            }
            needs.freed.add(&version);
            self.versions.insert(file.version);
            self.manifests.push(Removal {
                place,
                kind: None,
                size: file.size,
                why: Why::Version(file.version),
            });
        }
        let clones = clones::find_beside(home).await?;
        needs.elsewhere |= !clones.is_empty();
        add_all(&mut needs.kept, home, &clones).await?;
        Ok(needs)
    }

    async fn choose_files(
        &mut self,
        home: &Home,
        branches: &[Branch],
        listed: &StoredFiles,
        needs: &Needs,
        is_old: impl Fn(SystemTime) -> bool,
    ) -> Result<()> {
        let is_freed = |file: &Orphan| match &file.place {
            Place::Stored(path) => needs.freed.contains(path),
            Place::Hidden(_) => false,
        };
        let is_needed = |path: &Path| needs.kept.contains(path);
        for file in orphans::find(home, branches, listed, is_needed).await? {
            let why = match (is_freed(&file), is_old(file.modified)) {
                (true, _) => Why::Freed,
                (false, true) => Why::Orphan,
                (false, false) => {
                    self.staying.push(Staying {
                        place: file.place,
                        kind: Some(file.kind),
                        version: None,
                        size: file.size,
                        reason: "no version names it, and it may be of a write in progress"
                            .to_string(),
                    });
                    continue;
                }
            };
            self.files.push(Removal {
                place: file.place,
                kind: Some(file.kind),
                size: file.size,
                why,
            });
        }
        if !needs.elsewhere {
            let going = managed::find(home, &branches[0], listed, &self.versions, is_old).await?;
            self.files.extend(going);
        }
        Ok(())
    }

    /// Whether no tag and no branch has been made meanwhile that points to a version that is to go.
    pub async fn is_current(&self, home: &Home) -> Result<bool> {
        if self.versions.is_empty() {
            return Ok(true);
        }
        let referenced = referenced_versions(home, &self.branch).await?;
        Ok(!referenced
            .keys()
            .any(|version| self.versions.contains(version)))
    }

    /// Keep the files that versions need which were made meanwhile, perhaps from one that has gone.
    pub async fn spare_new_versions(&mut self, home: &Home) -> Result<()> {
        let spared = self.spare_needed(home).await;
        spared.map_err(|error| error.context("versions were removed, but not their files"))
    }

    async fn spare_needed(&mut self, home: &Home) -> Result<()> {
        let (_, mut manifests) = find_manifests(&home.base, &list(home).await?);
        manifests.retain(|file| !self.seen.contains(&file.path));
        if manifests.is_empty() {
            return Ok(());
        }
        let mut needed = Needed::new(&home.base);
        add_all(&mut needed, home, &manifests).await?;
        self.files.retain(|file| match &file.place {
            Place::Stored(path) => !needed.contains(path) && !managed::is_managed(&home.base, path),
            Place::Hidden(_) => true,
        });
        Ok(())
    }
}

async fn list(home: &Home) -> Result<StoredFiles> {
    let listed = home.list_all().await;
    listed.map_err(|error| error.context("the files below the dataset cannot be listed"))
}

/// Which of the branches it is.
fn find_target(
    home: &Home,
    branches: &[Branch],
    manifests: &[ManifestFile],
    name: &str,
) -> Result<usize> {
    let has_versions = |found: &usize| manifests.iter().any(|file| file.branch == *found);
    let found = branches.iter().position(|branch| branch.is(name));
    found
        .filter(|found| has_versions(found) && has_versions(&0))
        .ok_or_else(|| no_dataset(&home.place.uri, &home.place))
}

/// Without every manifest it is not known what files are needed for.
async fn refuse_lost(home: &Home, listed: &StoredFiles, branches: &[Branch]) -> Result<()> {
    for branch in branches {
        if let Some((version, path)) = home.find_lost_version(listed, branch).await? {
            return Err(Error::new(
                code::CORRUPT,
                format!(
                    "nothing was removed: the manifest of version {version}, {}, does not exist",
                    home.shown(&path)
                ),
            ));
        }
    }
    Ok(())
}

async fn add_all(needed: &mut Needed, home: &Home, manifests: &[ManifestFile]) -> Result<()> {
    let mut read = home.read_understood(manifests);
    while let Some((_, version)) = read.next().await {
        if let Some(version) = version? {
            needed.add(&version);
        }
    }
    Ok(())
}

fn nothing_removed(error: Error) -> Error {
    error.context("nothing was removed")
}
