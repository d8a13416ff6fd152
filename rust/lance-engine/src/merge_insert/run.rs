//! An upsert is done, and done again on top of what others have committed meanwhile.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use lance::Dataset;
use lance::dataset::transaction::Operation;
use lance::dataset::{CommitBuilder, MergeStats};
use lance_core::utils::backoff::SlotBackoff;
use tokio::time::sleep;

use super::inserted;
use super::plan::Plan;
use super::source::Gathered;
use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::open::reading_manifest;
use crate::read::Opened;
use crate::settings::MergeInsertResult;
use crate::sync::{Mutex, lock};

/// Do it on the newest version, until no other writer is in the way.
pub async fn run(
    opened: Arc<Opened>,
    plan: Arc<Plan>,
    source: Gathered,
) -> Result<(Opened, MergeInsertResult)> {
    let source = Arc::new(source);
    let began = Instant::now();
    let mut pause = SlotBackoff::default();
    loop {
        let base = newest(&opened).await?;
        let attempt = u64::from(pause.attempt()) + 1;
        let error = match attempt_on(&base, plan.clone(), source.clone()).await {
            Ok((made, mut result)) => {
                result.attempts = attempt;
                result.skipped_duplicates = source.keys.skipped;
                return Ok((made.unwrap_or(base), result));
            }
            Err(error) => error,
        };
        let retries = plan.settings.conflict_retries;
        let is_over = pause.attempt() >= retries || began.elapsed() >= plan.settings.retry_timeout;
        match error.code() {
            code::COMMIT_CONFLICT_RETRYABLE | code::COMMIT_CONFLICT if retries == 0 => {
                return Err(error.with_code(code::COMMIT_CONFLICT_RETRYABLE));
            }
            code::COMMIT_CONFLICT_RETRYABLE | code::COMMIT_CONFLICT if is_over => {
                let context = format!("other writers were in the way of all {attempt} attempts");
                return Err(error.with_code(code::CONTENTION).context(&context));
            }
            code::COMMIT_CONFLICT_RETRYABLE | code::COMMIT_CONFLICT => {
                if attempt == 1 {
                    // Attempts of several writers in turn do not meet.
                    let unit = began.elapsed().as_millis() * 11 / 10;
                    pause = pause.with_unit(u32::try_from(unit).unwrap_or(u32::MAX));
                }
                sleep(pause.next_backoff()).await;
            }
            _ => return Err(plan.blame(error)),
        }
    }
}

async fn newest(opened: &Opened) -> Result<Opened> {
    let mut dataset = opened.plain.clone();
    let latest = async move {
        dataset.checkout_latest().await?;
        Ok(dataset)
    };
    Ok(Opened::new(reading_manifest(latest).await?))
}

/// Do it once: the version that was made, unless nothing was changed.
async fn attempt_on(
    base: &Opened,
    plan: Arc<Plan>,
    source: Arc<Gathered>,
) -> Result<(Option<Opened>, MergeInsertResult)> {
    plan.check_still(&base.dataset)?;
    let done = Arc::new(Mutex::new(MergeInsertResult::default()));
    let telling = done.clone();
    let merging = move |dataset| async move {
        let (dataset, result) = merge(dataset, &plan, &source).await?;
        *lock(&telling) = result;
        Ok(dataset)
    };
    let made = Change::new(base)?.run_to_version(base, merging).await?;
    let result = lock(&done).clone();
    let is_new = made.plain.manifest().version != base.plain.manifest().version;
    Ok((is_new.then_some(made), result))
}

/// Merge and commit. Where nothing is changed, the dataset stays what it is.
async fn merge(
    dataset: Dataset,
    plan: &Plan,
    source: &Gathered,
) -> Result<(Dataset, MergeInsertResult)> {
    let dataset = Arc::new(dataset);
    let job = plan.job(dataset.clone(), source.keys.have_nulls)?;
    let mut merged = source.merge(job).await?;
    let operation = &mut merged.transaction.operation;
    let result = result(&dataset, operation, &merged.stats);
    let Operation::Update {
        inserted_rows_filter,
        new_fragments,
        updated_fragments,
        removed_fragment_ids,
        ..
    } = operation
    else {
        return Err(Error::new(
            code::INTERNAL,
            format!("the engine merges by an operation {operation}"),
        ));
    };
    if new_fragments.is_empty() && updated_fragments.is_empty() && removed_fragment_ids.is_empty() {
        return Ok((Dataset::clone(&dataset), result));
    }
    *inserted_rows_filter = (plan.inserts() && result.inserted_rows > 0)
        .then(|| inserted::filter(plan.field_ids(&dataset), &source.keys));
    let settings = &plan.settings;
    let mut commit = CommitBuilder::new(dataset)
        // The engine's own removes what a branch lives on, if its place was typed otherwise.
        .with_skip_auto_cleanup(true);
    if let Some(retries) = settings.commit_retries {
        commit = commit.with_max_retries(retries);
    }
    if !settings.transaction_properties.is_empty() {
        let properties = settings.transaction_properties.clone();
        commit = commit.with_transaction_properties(properties);
    }
    if let Some(rows) = merged.affected_rows {
        commit = commit.with_affected_rows(rows);
    }
    Ok((commit.execute(merged.transaction).await?, result))
}

/// What was done. The engine does not count the files of all its ways.
fn result(dataset: &Dataset, operation: &Operation, stats: &MergeStats) -> MergeInsertResult {
    let mut result = MergeInsertResult {
        inserted_rows: stats.num_inserted_rows,
        updated_rows: stats.num_updated_rows,
        deleted_rows: stats.num_deleted_rows,
        ..MergeInsertResult::default()
    };
    if let Operation::Update {
        new_fragments,
        updated_fragments,
        ..
    } = operation
    {
        let before = dataset.manifest().fragments.iter();
        let before: HashSet<_> = before.flat_map(|it| &it.files).map(|it| &it.path).collect();
        let files = new_fragments.iter().chain(updated_fragments);
        for file in files.flat_map(|fragment| &fragment.files) {
            if !before.contains(&file.path) {
                result.files_written += 1;
                result.bytes_written += file.file_size_bytes.get().map_or(0, u64::from);
            }
        }
    }
    result
}
