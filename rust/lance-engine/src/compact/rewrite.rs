//! Fragments that are written anew.

use std::sync::Arc;

use arrow::compute::concat_batches;
use futures::stream::{self, StreamExt, TryStreamExt};
use lance::Dataset;
use lance::dataset::optimize::{
    CompactionMode, CompactionOptions, CompactionPlan, CompactionTask, RewriteResult,
    commit_compaction, plan_compaction,
};
use lance_file::version::{ConcreteFileVersion, LanceFileVersion};
use lance_io::object_store::WrappingObjectStore;

use super::checks;
use super::options::of_compaction;
use super::progress::{Progress, Telling, live_rows};
use super::remap::OwnIndices;
use super::remap::check_deferral;
use crate::change::Change;
use crate::error::Result;
use crate::local::store::is_local;
use crate::parallel::{beside, cores};
use crate::read::Opened;
use crate::read::data_bytes::data_bytes;
use crate::read::scan::LOCAL_IO_BUFFER_BYTES;
use crate::settings::{CompactResult, CompactSettings, EncodingProfile};
use crate::task::Task;
use crate::write::tuning::Tuning;

/// What is looked at to choose encodings: about what a writer looks at.
const SAMPLE_BYTES: usize = 24 << 20;
const SAMPLE_ROWS: usize = 1 << 16;

/// Compact, and commit that: the version that has it, or the same one.
pub fn compact(opened: Arc<Opened>, settings: CompactSettings) -> Task<(Opened, CompactResult)> {
    Box::pin(async move {
        let options = of_compaction(&opened.plain, &settings)?;
        check_deferral(&opened.plain, &options).await?;
        let plan = plan_compaction(&opened.plain, &options).await?;
        if plan.tasks.is_empty() {
            return Ok((opened.at(opened.plain.clone()), CompactResult::default()));
        }
        let telling = Telling::new(settings.progress.clone(), &plan.tasks);
        let threads = settings
            .threads
            .map_or_else(cores, |threads| threads as usize);
        let compacting = |dataset: Dataset| {
            let progress = telling.progress();
            async move {
                let results = execute_all(&dataset, &plan, &settings, threads, &progress).await?;
                checks::files(&dataset, &results).await?;
                publish(dataset, results, &plan.options).await
            }
        };
        let change = Change::of_rewrite(&opened)?;
        change.run_to_version_with(&opened, compacting).await
    })
}

async fn execute_all(
    dataset: &Dataset,
    plan: &CompactionPlan,
    settings: &CompactSettings,
    threads: usize,
    progress: &Arc<Progress>,
) -> Result<Vec<RewriteResult>> {
    let profile = settings.encoding_profile;
    let executions = plan
        .compaction_tasks()
        .map(|task| beside(execute(dataset.clone(), task, profile, progress.clone())))
        .collect::<Vec<_>>();
    let executions = stream::iter(executions).buffer_unordered(threads);
    progress.during(executions.try_collect()).await
}

/// Execute a task of the version that `planned` is.
pub async fn execute(
    planned: Dataset,
    mut task: CompactionTask,
    profile: EncodingProfile,
    progress: Arc<Progress>,
) -> Result<RewriteResult> {
    let counted: Arc<dyn WrappingObjectStore> = Arc::new(progress.requests());
    let mut dataset = planned.with_object_store_wrappers([counted]);
    let store = dataset.object_store(None).await?;
    if task.options.io_buffer_size.is_none() && is_local(&store) {
        task.options.io_buffer_size = Some(LOCAL_IO_BUFFER_BYTES);
    }
    tune(&mut dataset, &task, profile).await?;
    let result = task.execute(&dataset).await?;
    progress.add(
        result.original_fragments.len() as u64,
        live_rows(&result.new_fragments),
    );
    Ok(result)
}

/// Have the engine encode by hints that suit the first rows of a task. It takes them from the schema of what it reads.
async fn tune(
    dataset: &mut Dataset,
    task: &CompactionTask,
    profile: EncodingProfile,
) -> Result<()> {
    if is_left_as_it_is(dataset, &task.options) {
        return Ok(());
    }
    let Some(mut tuning) = Tuning::new(profile, dataset.schema().clone()) else {
        return Ok(());
    };
    let mut scanner = dataset.scan();
    scanner
        .with_fragments(task.task.fragments.clone())
        .scan_in_order(true)
        .limit(Some(SAMPLE_ROWS as i64), None)?;
    if let Some(rows) = task.options.batch_size {
        scanner.batch_size(rows);
    }
    if let Some(bytes) = task.options.io_buffer_size {
        scanner.io_buffer_size(bytes);
    }
    let mut batches = scanner.try_into_stream().await?;
    let mut sample = Vec::new();
    let mut bytes = 0;
    while bytes < SAMPLE_BYTES
        && let Some(batch) = batches.try_next().await?
    {
        bytes += batch.get_array_memory_size();
        sample.push(batch);
    }
    let Some(first) = sample.first() else {
        return Ok(());
    };
    let tuned = tuning.adopt(&concat_batches(&first.schema(), &sample)?);
    Arc::make_mut(&mut dataset.manifest).schema = tuned;
    Ok(())
}

/// Whether nothing is encoded, or by the legacy format, which has no hints.
fn is_left_as_it_is(dataset: &Dataset, options: &CompactionOptions) -> bool {
    let stored = dataset.manifest.data_storage_format.lance_file_format();
    let version = options
        .data_storage_version
        .map_or(stored, LanceFileVersion::resolve);
    version == ConcreteFileVersion::V1
        || options.compaction_mode() == CompactionMode::ForceBinaryCopy
}

/// Commit what was written.
pub async fn publish(
    mut dataset: Dataset,
    mut results: Vec<RewriteResult>,
    options: &CompactionOptions,
) -> Result<(Dataset, CompactResult)> {
    let result = result_of(&results);
    // Of fragments without rows, which the engine leaves out.
    results.retain(|result| !result.original_fragments.is_empty());
    // New fragments are numbered in this order, and rows come in that of the numbers.
    results.sort_by_key(|result| result.original_fragments.first().map(|first| first.id));
    commit_compaction(&mut dataset, results, Arc::new(OwnIndices), options).await?;
    Ok((dataset, result))
}

pub fn result_of(results: &[RewriteResult]) -> CompactResult {
    let mut all = CompactResult::default();
    for RewriteResult {
        metrics,
        new_fragments,
        original_fragments,
        ..
    } in results
    {
        all.fragments_removed += metrics.fragments_removed as u64;
        all.fragments_added += metrics.fragments_added as u64;
        all.files_removed += metrics.files_removed as u64;
        all.files_added += metrics.files_added as u64;
        all.rows += live_rows(new_fragments);
        all.bytes_removed += original_fragments.iter().map(data_bytes).sum::<u64>();
        all.bytes_added += new_fragments.iter().map(data_bytes).sum::<u64>();
    }
    all
}
