//! What tasks have written, committed together.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lance::Dataset;
use lance::dataset::optimize::RewriteResult;
use lance_table::format::Fragment;

use super::checks;
use super::options::of_commit;
use super::rewrite::{publish, result_of};
use crate::change::Change;
use crate::error::{Error, Result};
use crate::read::Opened;
use crate::settings::{CommitCompactionSettings, CompactResult};
use crate::task::Task;

/// Commit results: the version that has them. What a version has already is not committed again.
pub fn commit(
    opened: Arc<Opened>,
    texts: Vec<String>,
    settings: CommitCompactionSettings,
) -> Task<(Opened, CompactResult)> {
    Box::pin(async move {
        let results = texts
            .iter()
            .map(|text| checks::read(text, "a result of a compaction"));
        let results = distinct(results.collect::<Result<Vec<_>>>()?)?;
        let mut latest = opened.plain.clone();
        latest.checkout_latest().await?;
        let (there, left) = split(&latest, results);
        if left.is_empty() {
            return Ok((opened.at(latest), result_of(&there)));
        }
        check(&opened.plain, &left).await?;
        let options = of_commit(&opened.plain, &settings)?;
        let committing = |dataset| async move { publish(dataset, left, &options).await };
        let change = Change::of_rewrite(&opened)?;
        change.run_to_version_with(&opened, committing).await
    })
}

/// The first result of each task. Tasks that share fragments cannot both count.
fn distinct(results: Vec<RewriteResult>) -> Result<Vec<RewriteResult>> {
    let ids = |result: &RewriteResult| -> Vec<u64> {
        let fragments = result.original_fragments.iter();
        fragments.map(|fragment| fragment.id).collect()
    };
    let mut tasks = HashSet::new();
    let mut replaced = HashSet::new();
    let mut kept = Vec::with_capacity(results.len());
    for result in results {
        let ids = ids(&result);
        if !tasks.insert((result.read_version, ids.clone())) {
            continue;
        }
        if let Some(twice) = ids.into_iter().find(|id| !replaced.insert(*id)) {
            return Err(Error::invalid_argument(format!(
                "two results of a compaction replace fragment {twice}: give one of them"
            )));
        }
        kept.push(result);
    }
    Ok(kept)
}

/// What the version has already, and the others.
fn split(
    latest: &Dataset,
    results: Vec<RewriteResult>,
) -> (Vec<RewriteResult>, Vec<RewriteResult>) {
    fn paths(fragments: &[Fragment]) -> impl Iterator<Item = &str> {
        let files = fragments.iter().flat_map(|fragment| &fragment.files);
        files.map(|file| file.path.as_str())
    }
    let there: HashSet<_> = paths(latest.fragments()).collect();
    results.into_iter().partition(|result| {
        let mut new = paths(&result.new_fragments).peekable();
        new.peek().is_some() && new.all(|path| there.contains(path))
    })
}

async fn check(dataset: &Dataset, results: &[RewriteResult]) -> Result<()> {
    let mut by_version: BTreeMap<u64, Vec<&RewriteResult>> = BTreeMap::new();
    for result in results {
        by_version
            .entry(result.read_version)
            .or_default()
            .push(result);
    }
    for (version, results) in by_version {
        let planned = checks::planned(dataset, version).await?;
        for result in results {
            let replaced = checks::fragments(&planned, &result.original_fragments)?;
            checks::rows(result, &replaced)?;
        }
    }
    checks::files(dataset, results).await
}
