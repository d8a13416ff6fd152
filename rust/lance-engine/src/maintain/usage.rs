//! What a dataset takes of a store, and which versions need it.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use object_store::path::Path;

use super::clones;
use super::listing::{
    Branch, DATA, DELETIONS, Home, INDICES, ManifestFile, StoredFiles, TRANSACTIONS, Version,
    find_manifests,
};
use super::needed_files::{Needed, Reference, What};
use super::orphans::{self, Kind, Orphan, Place};
use crate::absent::no_dataset;
use crate::error::code;
use crate::place::Place as DatasetPlace;
use crate::settings::{DiskUsage, DiskUsageSettings, OrphanFile, VersionUsage};
use crate::task::Task;

/// The totals, each version, the newest of each branch first, and what no version needs.
pub struct Usage {
    pub summary: DiskUsage,
    pub versions: Vec<VersionUsage>,
    pub orphans: Vec<OrphanFile>,
}

pub fn disk_usage(place: DatasetPlace, settings: DiskUsageSettings) -> Task<Usage> {
    Box::pin(async move {
        let home = Home::open(place, settings.storage_options).await?;
        let (home, _) = home.into_dataset().await?;
        let listed = home.list().await?;
        let (branches, mut manifests) = find_manifests(&home.base, &listed);
        manifests.retain(|file| branches[file.branch].name.is_some());
        let latest = manifests.iter().find(|file| file.branch == 0);
        let latest = latest.ok_or_else(|| no_dataset(&home.place.uri, &home.place))?;
        let mut survey = Survey::new(&listed, &branches);
        let mut needed = Needed::new(&home.base);
        let mut read = home.read_all(&manifests);
        while let Some((file, version)) = read.next().await {
            match version {
                Ok(version) => {
                    needed.add(&version);
                    survey.add(file, &version, file.path == latest.path);
                }
                // A cleanup has removed it meanwhile.
                Err(error) if error.code() == code::NOT_FOUND => {}
                Err(error) => {
                    let manifest = home.shown(&file.path);
                    let context = format!("the manifest {manifest} cannot be read");
                    return Err(error.context(&context));
                }
            }
        }
        let is_needed = |path: &Path| needed.contains(path);
        let mut orphans = orphans::find(&home, &branches, &listed, is_needed).await?;
        clones::leave_out_needed(&home, &mut orphans).await;
        Ok(survey.finish(&home, orphans))
    })
}

#[derive(Clone, Copy)]
enum Part {
    Data,
    Deletions,
    Indices,
    Transactions,
}

/// What a version needs as a whole: a data file with its large values, the directory of an index.
struct Unit {
    part: Part,
    bytes: u64,
    /// How many versions need it, and the last of them that was looked at.
    needed_by: usize,
    last: usize,
    is_of_latest: bool,
}

struct Survey<'a> {
    branches: &'a [Branch],
    units: HashMap<String, Unit>,
    /// Files in places outside that are needed.
    outside: HashSet<String>,
    usage: DiskUsage,
    versions: Vec<VersionUsage>,
}

impl<'a> Survey<'a> {
    fn new(listed: &StoredFiles, branches: &'a [Branch]) -> Self {
        let mut survey = Self {
            branches,
            units: HashMap::new(),
            outside: HashSet::new(),
            usage: DiskUsage::default(),
            versions: Vec::new(),
        };
        for (path, file) in listed {
            let branch = nearest(branches, path);
            let Some((root, _)) = branch.filter(|(_, name)| name.is_some()) else {
                continue;
            };
            survey.usage.bytes += file.size;
            if let Some((part, name)) = unit_of(root, path) {
                let unit = survey.units.entry(name).or_insert(Unit {
                    part,
                    bytes: 0,
                    needed_by: 0,
                    last: 0,
                    is_of_latest: false,
                });
                unit.bytes += file.size;
            }
        }
        survey
    }

    fn add(&mut self, file: &ManifestFile, version: &Version, is_latest: bool) {
        let index = self.versions.len();
        let mut bytes = file.size;
        let mut files = 1;
        for reference in version.references() {
            let Some(name) = name_of(&reference) else {
                continue;
            };
            let Some(unit) = self.units.get_mut(&name) else {
                if reference.base.is_some() && self.outside.insert(name) {
                    self.usage.outside_bytes += recorded_size(&reference);
                }
                continue;
            };
            // A version may name it twice.
            if unit.needed_by > 0 && unit.last == index {
                continue;
            }
            unit.needed_by += 1;
            unit.last = index;
            unit.is_of_latest |= is_latest;
            bytes += unit.bytes;
            files += 1;
        }
        self.usage.manifest_bytes += file.size;
        match is_latest {
            true => self.usage.latest_bytes += file.size,
            false => self.usage.old_bytes += file.size,
        }
        let branch = self.branches[file.branch].name.clone();
        self.versions.push(VersionUsage {
            branch: branch.unwrap_or_default(),
            version: file.version,
            timestamp_micros: micros(version.manifest.timestamp().into()),
            files,
            bytes,
            own_bytes: file.size,
        });
    }

    fn finish(mut self, home: &Home, orphans: Vec<Orphan>) -> Usage {
        let usage = &mut self.usage;
        usage.versions = self.versions.len() as u64;
        for unit in self.units.values().filter(|unit| unit.needed_by > 0) {
            match unit.part {
                Part::Data => usage.data_bytes += unit.bytes,
                Part::Deletions => usage.deletion_bytes += unit.bytes,
                Part::Indices => usage.index_bytes += unit.bytes,
                Part::Transactions => usage.transaction_bytes += unit.bytes,
            }
            match unit.is_of_latest {
                true => usage.latest_bytes += unit.bytes,
                false => usage.old_bytes += unit.bytes,
            }
            if unit.needed_by == 1 {
                self.versions[unit.last].own_bytes += unit.bytes;
            }
        }
        let mut told = Vec::with_capacity(orphans.len());
        for orphan in orphans {
            usage.orphans += 1;
            usage.orphan_bytes += orphan.size;
            let path = match &orphan.place {
                Place::Stored(path) => home.shown(path),
                Place::Hidden(path) => {
                    // The store has not listed it.
                    usage.bytes += orphan.size;
                    path.display().to_string()
                }
            };
            told.push(OrphanFile {
                path,
                is_temporary: orphan.kind == Kind::Temporary,
                bytes: orphan.size,
                modified_micros: micros(orphan.modified),
            });
        }
        told.sort_by(|a, b| a.path.cmp(&b.path));
        Usage {
            summary: self.usage,
            versions: self.versions,
            orphans: told,
        }
    }
}

/// The root and the name of the branch that a file is of. Branches are inside the main one, so the last is the nearest.
fn nearest<'a>(branches: &'a [Branch], path: &Path) -> Option<(&'a Path, Option<&'a str>)> {
    let holds = |branch: &&Branch| path.prefix_matches(&branch.root);
    let branch = branches.iter().rev().find(holds)?;
    Some((&branch.root, branch.name.as_deref()))
}

fn unit_of(root: &Path, path: &Path) -> Option<(Part, String)> {
    let mut parts = path.prefix_match(root)?;
    let directory = parts.next()?;
    let name = parts.next()?;
    let part = match directory.as_ref() {
        DATA => Part::Data,
        DELETIONS => Part::Deletions,
        INDICES => Part::Indices,
        TRANSACTIONS => Part::Transactions,
        _ => return None,
    };
    Some((part, unit_name(directory.as_ref(), name.as_ref())))
}

fn name_of(reference: &Reference<'_>) -> Option<String> {
    // What is in the directory of an index counts with it.
    if matches!(reference.what, What::Index(..)) {
        return None;
    }
    Some(unit_name(reference.directory, &reference.file))
}

/// Names of files are unique in the world.
fn unit_name(directory: &str, file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or_default();
    let name = match directory == DATA {
        // The directory of its large values has the name of a file without its end.
        true => name.strip_suffix(".lance").unwrap_or(name),
        false => name,
    };
    format!("{directory}/{name}")
}

fn recorded_size(reference: &Reference<'_>) -> u64 {
    match reference.what {
        What::Data(_, file) => file.file_size_bytes.get().map_or(0, |size| size.get()),
        _ => 0,
    }
}

fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
