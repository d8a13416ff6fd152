//! What a cleanup removes.
//!
//! The engine decides which versions may go and which files go with them. It is only asked, though: it
//! takes files that belong to no version after seven days or at once, and deletes files before manifests, so
//! that an interrupted cleanup leaves versions that cannot be read.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use lance::dataset::cleanup::{CleanupCandidateFile, CleanupFileKind, CleanupPolicy};
use lance_table::format::is_detached_version;
use object_store::path::Path;

use crate::error::{LanceError, Result, code};
use crate::inventory::{Branch, Home, ManifestFile, StoredFiles, find_manifests};
use crate::leftovers::{self, Kind, Place, is_temporary};
use crate::references::{Needed, References};

pub struct Settings {
    /// Remove versions older than this ...
    pub older_than: Option<Duration>,
    /// ... that are not among so many of the newest. Neither: no version is removed.
    pub keep_versions: Option<usize>,
    /// The age at which a file of no version is not one that a writer is about to commit.
    pub orphan_min_age: Duration,
}

pub struct Removal {
    pub place: Place,
    pub kind: Kind,
    pub size: u64,
}

/// The files to remove, the manifests first.
#[derive(Default)]
pub struct Plan {
    pub manifests: Vec<Removal>,
    pub files: Vec<Removal>,
}

impl Plan {
    pub async fn make(home: &Home, settings: &Settings) -> Result<Self> {
        let listed = home.list().await?;
        let (branches, manifests) = find_manifests(&home.base, &listed);
        refuse_damaged(home, &listed, &branches, &manifests).await?;
        let candidates = ask_engine(home, &branches[0], policy(settings, &manifests)).await?;
        let (kept, freed) = read_needs(home, &branches, &manifests, &candidates).await?;

        let is_old_enough = age_check(settings.orphan_min_age);
        let mut plan = Self::default();
        for (path, candidate) in &candidates {
            let removal = Removal {
                place: Place::Stored(path.clone()),
                kind: kind_of(path, candidate),
                size: candidate.size_bytes,
            };
            if candidate.kind == CleanupFileKind::Manifest {
                plan.manifests.push(removal);
                continue;
            }
            let is_old = || {
                listed
                    .get(path)
                    .is_some_and(|file| is_old_enough(file.modified))
            };
            if !kept.contains(path) && (freed.contains(path) || is_old()) {
                plan.files.push(removal);
            }
        }
        let is_settled = |path: &Path| {
            kept.contains(path) || freed.contains(path) || candidates.contains_key(path)
        };
        let leftovers = leftovers::find(home, &branches, &listed, is_settled).await?;
        let old = leftovers
            .into_iter()
            .filter(|file| is_old_enough(file.modified));
        plan.files.extend(old.map(|file| Removal {
            place: file.place,
            kind: file.kind,
            size: file.size,
        }));
        Ok(plan)
    }
}

fn age_check(min_age: Duration) -> impl Fn(SystemTime) -> bool {
    let latest = SystemTime::now().checked_sub(min_age);
    // The clock of the store may be ahead.
    move |modified| min_age.is_zero() || latest.is_some_and(|latest| modified <= latest)
}

/// Without every manifest it is not known what files are needed for.
async fn refuse_damaged(
    home: &Home,
    listed: &StoredFiles,
    branches: &[Branch],
    manifests: &[ManifestFile],
) -> Result<()> {
    if !manifests.iter().any(|file| file.branch == 0) {
        return Err(LanceError::new(
            code::DATASET_NOT_FOUND,
            format!("there is no dataset at {}", home.uri),
        ));
    }
    for branch in branches {
        if let Some((version, path)) = home.find_lost_version(listed, branch).await? {
            return Err(LanceError::new(
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

/// Which versions the engine may remove. It keeps the latest one, tagged ones, and those that branches need.
fn policy(settings: &Settings, manifests: &[ManifestFile]) -> CleanupPolicy {
    let mut policy = CleanupPolicy {
        error_if_tagged_old_versions: false,
        // The ages of files are looked at here.
        delete_unverified: true,
        ..CleanupPolicy::default()
    };
    if settings.older_than.is_none() && settings.keep_versions.is_none() {
        policy.versions = Some(HashSet::new());
    }
    if let Some(age) = settings.older_than {
        let before = SystemTime::now().checked_sub(age);
        // The engine's calendar does not reach back as far as a duration can.
        let epoch = SystemTime::UNIX_EPOCH;
        policy.before_timestamp = Some(before.map_or(epoch, |time| time.max(epoch)).into());
    }
    if let Some(keep) = settings.keep_versions {
        let mut newest_first = manifests
            .iter()
            .filter(|file| file.branch == 0 && !is_detached_version(file.version));
        let oldest_kept = newest_first.nth(keep.saturating_sub(1));
        policy.before_version = Some(oldest_kept.map_or(0, |file| file.version));
    }
    policy
}

type Candidates = HashMap<Path, CleanupCandidateFile>;

async fn ask_engine(home: &Home, branch: &Branch, policy: CleanupPolicy) -> Result<Candidates> {
    let dataset = home.open_version(branch, None).await?;
    let explained = dataset
        .cleanup(policy)
        .with_max_candidate_files(usize::MAX)
        .explain()
        .await?;
    let parse = |file: CleanupCandidateFile| match Path::parse(&file.path) {
        Ok(path) => Ok((path, file)),
        Err(error) => Err(LanceError::new(code::INTERNAL, error.to_string())),
    };
    explained.candidate_files.into_iter().map(parse).collect()
}

/// Read what the versions that stay need, and what those that go have needed.
async fn read_needs(
    home: &Home,
    branches: &[Branch],
    manifests: &[ManifestFile],
    candidates: &Candidates,
) -> Result<(Needed, Needed)> {
    let (mut kept, mut freed) = (Needed::default(), Needed::default());
    let mut references = References::new(home);
    let mut versions = home.read_all(manifests);
    while let Some((file, version)) = versions.next().await {
        let version = match version {
            Ok(version) => version,
            // Another cleanup has removed it since it was listed.
            Err(error) if error.code() == code::NOT_FOUND => continue,
            Err(error) => {
                let manifest = home.shown(&file.path);
                return Err(error.context(&format!(
                    "nothing was removed: the manifest {manifest} cannot be read"
                )));
            }
        };
        let needed = match candidates.contains_key(&file.path) {
            true => &mut freed,
            false => &mut kept,
        };
        for reference in references.of(&branches[file.branch], &version).await? {
            needed.add(&reference);
        }
    }
    Ok((kept, freed))
}

fn kind_of(path: &Path, candidate: &CleanupCandidateFile) -> Kind {
    match candidate.kind {
        _ if is_temporary(path) => Kind::Temporary,
        CleanupFileKind::TemporaryManifest => Kind::Temporary,
        CleanupFileKind::Data => Kind::Data,
        _ => Kind::Other,
    }
}
