//! Indices that are brought up to date in parts: planned by one, executed by any, and committed together.

use std::collections::HashSet;
use std::sync::Arc;

use lance::Dataset;
use lance::index::optimize::{
    IndexSegmentResult, OptimizeIndexMerge, OptimizeIndexTask, commit_optimize_indices,
    plan_optimize_indices,
};
use lance_index::optimize::OptimizeOptions;
use lance_table::format::IndexMetadata;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::change::{run, run_to_version};
use super::list::{check_names, existing};
use super::optimize::{check_named, options};
use super::progress::Telling;
use super::segments::check_files;
use crate::error::{Error, Result, code};
use crate::panics::contain;
use crate::read::Opened;
use crate::settings::{OptimizeIndicesSettings, OptimizePart};
use crate::task::Task;

/// The engine's own form of a part.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// Build a segment of some fragments.
    Task(Box<OptimizeIndexTask>),
    /// Make one segment of those that the tasks of its group have built, and of older ones.
    Merge(Box<OptimizeIndexMerge>),
}

fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    contain(|| {
        serde_json::from_str(text)
            .map_err(|error| Error::invalid_argument(format!("not {what}: {error}")))
    })
}

fn write(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(code::INTERNAL, error.to_string()))
}

/// What is built; `null` is of a part that had nothing to do.
fn read_results(texts: &[String]) -> Result<Vec<IndexSegmentResult>> {
    let mut seen = HashSet::new();
    let mut results = Vec::with_capacity(texts.len());
    for text in texts {
        let result: Option<IndexSegmentResult> = read(text, "a result of optimising indices")?;
        results.extend(result.filter(|result| seen.insert(result.segment.uuid)));
    }
    Ok(results)
}

/// The parts, the tasks first. A vector index that is to be learnt anew is learnt now.
pub fn plan(opened: Arc<Opened>, settings: OptimizeIndicesSettings) -> Task<Vec<OptimizePart>> {
    Box::pin(async move {
        check_named(&opened, &settings).await?;
        let telling = Telling::new(settings.progress.clone());
        let options = options(&settings)?.progress(telling.engine());
        let planning =
            |dataset: Dataset| async move { Ok(plan_optimize_indices(&dataset, &options).await?) };
        let plan = run(&opened, planning).await?;
        // A merge tells its index by the tasks of its group, or by what it merges.
        let name_of = |merge: &OptimizeIndexMerge| {
            let of_group = |task: &&OptimizeIndexTask| task.group == merge.group;
            let task = plan.tasks.iter().find(of_group).map(|task| &task.reference);
            let named = task.or(merge.old_segments.first());
            named
                .map(|segment| segment.name.clone())
                .unwrap_or_default()
        };
        let merges = plan.merges.iter().map(|merge| {
            Ok(OptimizePart {
                index: name_of(merge),
                group: merge.group.into(),
                is_merge: true,
                fragments: 0,
                text: write(&Part::Merge(Box::new(merge.clone())))?,
            })
        });
        let tasks = plan.tasks.iter().map(|task| {
            Ok(OptimizePart {
                index: task.reference.name.clone(),
                group: task.group.into(),
                is_merge: false,
                fragments: task.fragments.len() as u64,
                text: write(&Part::Task(Box::new(task.clone())))?,
            })
        });
        tasks.chain(merges).collect()
    })
}

/// Execute a part, and commit nothing. A merge takes the results of the tasks.
pub fn execute(opened: Arc<Opened>, part: String, results: Vec<String>) -> Task<String> {
    Box::pin(async move {
        let part: Part = read(&part, "a part of optimising indices")?;
        let results = read_results(&results)?;
        check_part(&opened.plain, &part).await?;
        check_all(&opened.plain, &results).await?;
        let executing = |dataset: Dataset| async move {
            Ok(match part {
                Part::Task(task) => task.execute(&dataset).await?,
                Part::Merge(merge) => merge.execute(&dataset, &results).await?,
            })
        };
        write(&run(&opened, executing).await?)
    })
}

/// Commit what the merges have yielded: the version that has it. What a version has already is not committed again.
pub fn commit(opened: Arc<Opened>, results: Vec<String>) -> Task<Opened> {
    Box::pin(async move {
        let mut results = read_results(&results)?;
        let mut latest = opened.plain.clone();
        latest.checkout_latest().await?;
        let there: HashSet<Uuid> = existing(&latest)
            .await?
            .into_iter()
            .map(|segment| segment.uuid)
            .collect();
        results.retain(|result| !there.contains(&result.segment.uuid));
        if results.is_empty() {
            return Ok(opened.at(latest));
        }
        for result in &results {
            planned(&opened.plain, result.read_version).await?;
        }
        let names = results.iter().map(|result| result.segment.name.as_str());
        check_names(&existing(&opened.plain).await?, names)?;
        check_all(&opened.plain, &results).await?;
        let committing = |mut dataset: Dataset| async move {
            commit_optimize_indices(&mut dataset, results, &OptimizeOptions::default()).await?;
            Ok(dataset)
        };
        run_to_version(&opened, committing).await
    })
}

/// The indices of the version that it was planned from.
async fn planned(dataset: &Dataset, version: u64) -> Result<Vec<IndexMetadata>> {
    let planned = dataset.checkout_version(version).await;
    let planned = planned.map_err(|error| {
        let context = format!("version {version}, from which it was planned, cannot be opened");
        Error::from(error).context(&context)
    })?;
    existing(&planned).await
}

/// Whether the version has the segments that a part names. The model of one that is learnt anew is in none.
async fn check_part(dataset: &Dataset, part: &Part) -> Result<()> {
    let (version, old_segments, model) = match part {
        Part::Task(task) => (task.read_version, &task.old_segments, Some(&task.reference)),
        Part::Merge(merge) => (merge.read_version, &merge.old_segments, None),
    };
    let there = planned(dataset, version).await?;
    let is_there = |segment: &IndexMetadata| there.iter().any(|one| one.uuid == segment.uuid);
    if let Some(model) = model.filter(|model| !is_there(model)) {
        check_files(dataset, model).await?;
    }
    match old_segments.iter().find(|segment| !is_there(segment)) {
        Some(segment) => Err(Error::invalid_argument(format!(
            "version {version} has no segment {} of an index: the part is of another dataset or version",
            segment.uuid
        ))),
        None => Ok(()),
    }
}

async fn check_all(dataset: &Dataset, results: &[IndexSegmentResult]) -> Result<()> {
    for result in results {
        check_files(dataset, &result.segment).await?;
    }
    Ok(())
}
