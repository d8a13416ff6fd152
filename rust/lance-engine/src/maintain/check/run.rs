//! The passes of a check: manifests, tags and branches, files, values, orphans.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use lance_io::object_store::ObjectStore;

use super::decode::{ColumnPlan, decode};
use super::files::{FileKind, Files, Verdict, wrong_rows};
use super::index_file;
use super::places::{Place, Places};
use super::progress::Progress;
use super::refs::check_refs;
use crate::absent::no_dataset;
use crate::error::{Error, Result, code};
use crate::maintain::clones;
use crate::maintain::listing::{Branch, Home, ManifestFile, StoredFiles, Version, find_manifests};
use crate::maintain::needed_files::Needed;
use crate::maintain::orphans::{self, Kind};
use crate::panics::contained;
use crate::place::Place as DatasetPlace;
use crate::settings::{CheckSettings, CheckSummary, Problem, ProblemKind};
use crate::task::Task;

/// Everything a check has found.
#[derive(Debug)]
pub struct Findings {
    pub summary: CheckSummary,
    pub problems: Vec<Problem>,
}

/// Check one version or all.
pub fn check(place: DatasetPlace, settings: CheckSettings) -> Task<Findings> {
    Box::pin(async move {
        let home = Home::open(place, settings.storage_options).await?;
        let listed = home.list().await?;
        let (branches, mut manifests) = find_manifests(&home.base, &listed);
        manifests.retain(|file| branches[file.branch].name.is_some());
        let selected = select(&home, &manifests, settings.version)?;
        let mut check = Check {
            home: &home,
            listed: &listed,
            branches: &branches,
            progress: Progress::new(settings.progress),
            findings: Findings {
                summary: CheckSummary::default(),
                problems: Vec::new(),
            },
            needed: Needed::new(&home.base),
            files: Files::default(),
            columns: settings.deep.then(ColumnPlan::default),
        };
        let stores = check.read_manifests(&selected).await;
        if settings.version.is_none() {
            check.check_history().await?;
            check.count_orphans().await?;
        }
        let files = std::mem::take(&mut check.files);
        let sound = check.check_files(&files, &stores).await;
        check.decode_values(&sound).await;
        if settings.deep {
            check.decode_indices(&files, &stores, &sound).await;
        }
        check.progress.tell();
        let mut findings = check.findings;
        findings.summary.problems = findings.problems.len() as u64;
        tracing::info!(
            target: "lance_cpp::check",
            uri = home.place.uri,
            versions = findings.summary.versions,
            data_files = findings.summary.data_files,
            problems = findings.summary.problems,
            "checked"
        );
        findings
            .problems
            .sort_by(|a, b| (&a.path, a.version).cmp(&(&b.path, b.version)));
        Ok(findings)
    })
}

fn select<'a>(
    home: &Home,
    manifests: &'a [ManifestFile],
    only: Option<u64>,
) -> Result<Vec<&'a ManifestFile>> {
    let wanted = |file: &&ManifestFile| match only {
        Some(version) => file.branch == 0 && file.version == version,
        None => true,
    };
    let selected: Vec<_> = manifests.iter().filter(wanted).collect();
    match only {
        _ if !manifests.iter().any(|file| file.branch == 0) => {
            Err(no_dataset(&home.place.uri, &home.place))
        }
        Some(version) if selected.is_empty() => Err(Error::new(
            code::VERSION_NOT_FOUND,
            format!("dataset {} has no version {version}", home.place),
        )),
        _ => Ok(selected),
    }
}

struct Check<'a> {
    home: &'a Home,
    listed: &'a StoredFiles,
    branches: &'a [Branch],
    progress: Progress,
    findings: Findings,
    needed: Needed,
    files: Files,
    /// None unless values are decoded.
    columns: Option<ColumnPlan>,
}

impl Check<'_> {
    async fn report(&mut self, branch: usize, problem: Problem) {
        let branch = &self.branches[branch];
        // A cleanup may have removed the version, and the files with it, since they were listed.
        let version = problem.version.unwrap_or_default();
        let is_gone = matches!(self.home.has_version(branch, version).await, Ok(false));
        if !is_gone {
            self.findings.problems.push(problem);
        }
    }

    /// Read manifests, and take note of the files they name. Returns the stores of these.
    async fn read_manifests(&mut self, selected: &[&ManifestFile]) -> Vec<Arc<ObjectStore>> {
        let home = self.home;
        let mut places = Places::new(home);
        let mut versions = home.read_all(selected.iter().copied());
        while let Some((file, version)) = versions.next().await {
            let noted = match version {
                Ok(version) => self.note_version(&mut places, file, &version).await,
                Err(error) => Err(error),
            };
            let summary = &mut self.findings.summary;
            summary.manifests += 1;
            summary.bytes += file.size;
            match noted {
                Ok(()) => summary.versions += 1,
                Err(error) => {
                    let problem = Problem {
                        kind: ProblemKind::UnreadableManifest,
                        version: Some(file.version),
                        path: home.shown(&file.path),
                        message: format!("the manifest cannot be read: {error}"),
                    };
                    self.report(file.branch, problem).await;
                }
            }
            self.progress.advance(|so_far| so_far.manifests += 1);
        }
        places.stores
    }

    async fn note_version(
        &mut self,
        places: &mut Places<'_>,
        file: &ManifestFile,
        version: &Version,
    ) -> Result<()> {
        let branch = &self.branches[file.branch];
        let mut named = Vec::new();
        for reference in version.references() {
            self.needed.add_reference(&reference);
            named.extend(places.find(branch, version, reference).await?);
        }
        for named in &named {
            self.files.add(file, named);
        }
        for (uri, error) in std::mem::take(&mut places.unopened) {
            let problem = Problem {
                kind: ProblemKind::BrokenReference,
                version: Some(file.version),
                path: self.home.shown(&file.path),
                message: format!("its files in {uri} cannot be looked at: {error}"),
            };
            self.report(file.branch, problem).await;
        }
        if let Some(columns) = &mut self.columns {
            columns.add(file, self.home.shown(&file.path), version, &named);
        }
        Ok(())
    }

    /// Check what points to manifests.
    async fn check_history(&mut self) -> Result<()> {
        let home = self.home;
        let own = |branch: &&Branch| branch.name.is_some();
        for branch in self.branches.iter().filter(own) {
            if let Some((version, path)) = home.find_lost_version(self.listed, branch).await? {
                self.findings.problems.push(Problem {
                    kind: ProblemKind::MissingFile,
                    version: Some(version),
                    path: home.shown(&path),
                    message: "the manifest of the newest version does not exist".to_string(),
                });
            }
        }
        let broken = check_refs(home, self.branches).await?;
        self.findings.problems.extend(broken);
        Ok(())
    }

    /// Count files that belong to no version, unless a manifest that cannot be read may need them.
    async fn count_orphans(&mut self) -> Result<()> {
        let lost = |problem: &Problem| {
            matches!(
                problem.kind,
                ProblemKind::MissingFile | ProblemKind::UnreadableManifest
            )
        };
        if self.findings.problems.iter().any(lost) {
            return Ok(());
        }
        let mut found = orphans::find(self.home, self.branches, self.listed, |path| {
            self.needed.contains(path)
        })
        .await?;
        clones::leave_out_needed(self.home, &mut found).await;
        let summary = &mut self.findings.summary;
        for orphan in found {
            let (files, bytes) = match orphan.kind {
                Kind::Temporary => (&mut summary.temporary_files, &mut summary.temporary_bytes),
                _ => (&mut summary.orphans, &mut summary.orphan_bytes),
            };
            *files += 1;
            *bytes += orphan.size;
        }
        Ok(())
    }

    /// Look at every file, and return the sound ones with their sizes.
    async fn check_files(
        &mut self,
        files: &Files,
        stores: &[Arc<ObjectStore>],
    ) -> HashMap<Place, u64> {
        let mut sound = HashMap::new();
        let mut verdicts = files.examine(self.listed, stores);
        while let Some((expected, file, verdict)) = verdicts.next().await {
            let summary = &mut self.findings.summary;
            match file.kind {
                FileKind::Data { leads, .. } => {
                    summary.data_files += 1;
                    summary.rows += expected.rows.filter(|_| leads).unwrap_or(0);
                }
                FileKind::Deletion { .. } => summary.deletion_files += 1,
                FileKind::Index { .. } => summary.index_files += 1,
                FileKind::Transaction => (),
            }
            let damage = match verdict {
                Verdict::Sound(size) => {
                    summary.bytes += size;
                    sound.insert(expected.place.clone(), size);
                    None
                }
                Verdict::Missing if matches!(file.kind, FileKind::Transaction) => {
                    summary.missing_transactions += 1;
                    None
                }
                Verdict::Missing => Some((ProblemKind::MissingFile, "does not exist".to_string())),
                Verdict::Damaged(kind, message) => Some((kind, message)),
            };
            if let Some((kind, message)) = damage {
                self.report(file.branch, file.problem(kind, &message)).await;
            }
            self.progress.advance(|so_far| so_far.files += 1);
        }
        sound
    }

    /// Decode the values of the sound files.
    async fn decode_values(&mut self, sound: &HashMap<Place, u64>) {
        let plan = self.columns.take().unwrap_or_default();
        for mut version in plan.by_version {
            version.files.retain(|(place, _)| sound.contains_key(place));
            if version.files.is_empty() {
                continue;
            }
            let branch = &self.branches[version.branch];
            let opened = contained(self.home.open_version(branch, Some(version.version))).await;
            let dataset = match opened {
                Ok(dataset) => Arc::new(dataset),
                Err(error) => {
                    let problem = Problem {
                        kind: ProblemKind::UnreadableManifest,
                        version: Some(version.version),
                        path: version.manifest,
                        message: format!("the version cannot be opened: {error}"),
                    };
                    self.report(version.branch, problem).await;
                    continue;
                }
            };
            for (_, columns) in version.files {
                let decoded = contained(decode(&dataset, &columns, &mut self.progress)).await;
                let damage = match decoded {
                    Ok(rows) => wrong_rows("decodes to", rows, columns.rows)
                        .map(|message| (ProblemKind::RowCount, message)),
                    Err(error) => Some((
                        ProblemKind::UndecodableData,
                        format!("values cannot be decoded: {error}"),
                    )),
                };
                if let Some((kind, message)) = damage {
                    let problem = Problem {
                        kind,
                        version: Some(version.version),
                        path: columns.shown,
                        message,
                    };
                    self.report(version.branch, problem).await;
                }
            }
        }
    }

    /// Decode the sound files of indices.
    async fn decode_indices(
        &mut self,
        files: &Files,
        stores: &[Arc<ObjectStore>],
        sound: &HashMap<Place, u64>,
    ) {
        for (expected, file) in files.iter() {
            let (FileKind::Index { .. }, Some(size)) = (&file.kind, sound.get(&expected.place))
            else {
                continue;
            };
            let (store, path) = (&stores[expected.place.0], &expected.place.1);
            let decoding = index_file::decode(store, path, *size, &mut self.progress);
            if let Err(error) = contained(decoding).await {
                let message = format!("cannot be decoded: {error}");
                let problem = file.problem(ProblemKind::UndecodableData, &message);
                self.report(file.branch, problem).await;
            }
        }
    }
}
