//! An upsert is done, and done again on top of what others have committed meanwhile; or it is prepared, or only tried.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lance::Dataset;
use lance::dataset::MergeStats;
use lance::dataset::transaction::Operation;

use super::inserted;
use super::plan::Plan;
use super::source::Gathered;
use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::mutate::attempts::{Made, Told};
use crate::read::Opened;
use crate::read::dataset::latest;
use crate::settings::MergeInsertResult;
use crate::write::transaction::{Pending, Staged};

impl Told for MergeInsertResult {
    fn is_nothing(&self) -> bool {
        self.inserted_rows + self.updated_rows + self.deleted_rows == 0
    }
}

/// Do it on the newest version, until no other writer is in the way.
pub async fn run(
    opened: Arc<Opened>,
    plan: Arc<Plan>,
    source: Gathered,
) -> Result<(Opened, MergeInsertResult)> {
    let newest = Arc::new(latest(opened).await?);
    let (source, attempts) = (Arc::new(source), Arc::new(AtomicU64::new(0)));
    let asked = plan.clone();
    let stage = move |_: Arc<Opened>, dataset: Arc<Dataset>| {
        let (plan, source, attempts) = (plan.clone(), source.clone(), attempts.clone());
        async move {
            let attempts = attempts.fetch_add(1, Ordering::Relaxed) + 1;
            let (staged, result) = stage(dataset, &plan, &source).await?;
            Ok::<_, Error>((staged, MergeInsertResult { attempts, ..result }))
        }
    };
    let done = asked.attempts().commit(newest, stage).await;
    done.map_err(|error| asked.blame(error))
}

/// Do it on this version, and leave the commit to the caller.
pub async fn prepare(
    opened: Arc<Opened>,
    plan: Arc<Plan>,
    source: Gathered,
) -> Result<(Pending, MergeInsertResult)> {
    let asked = plan.clone();
    let stage = move |_: Arc<Opened>, dataset: Arc<Dataset>| async move {
        stage(dataset, &plan, &source).await
    };
    let done = asked.attempts().stage(opened, stage).await;
    done.map_err(|error| asked.blame(error))
}

/// Do it on this version, commit nothing and leave no file: what the steps of the engine have taken.
pub async fn analyze(opened: Arc<Opened>, plan: Arc<Plan>, source: Gathered) -> Result<String> {
    let change = Change::new(&opened)?;
    let files = change.files();
    let asked = plan.clone();
    let trying = move |dataset: Dataset| async move {
        let dataset = Arc::new(dataset);
        plan.check_still(&dataset)?;
        source
            .analyze(plan.job(dataset, source.keys.have_nulls)?)
            .await
    };
    let analyzed = match change.run(trying).await {
        Err(error) if error.code() == code::NOT_SUPPORTED => return Ok(asked.by_index()),
        analyzed => analyzed.map_err(|error| asked.blame(error))?,
    };
    files.close();
    files
        .give_up(opened.plain.object_store(None).await?.as_ref())
        .await?;
    Ok(analyzed)
}

/// Merge, and name the keys that were inserted.
async fn stage(
    dataset: Arc<Dataset>,
    plan: &Plan,
    source: &Gathered,
) -> Result<Made<MergeInsertResult>> {
    plan.check_still(&dataset)?;
    let job = plan.job(dataset.clone(), source.keys.have_nulls)?;
    let mut merged = source.merge(job).await?;
    let operation = &mut merged.transaction.operation;
    let mut result = result(&dataset, operation, &merged.stats);
    result.skipped_duplicates = source.keys.skipped;
    match operation {
        Operation::Update {
            inserted_rows_filter,
            ..
        } => {
            let inserts = plan.inserts() && result.inserted_rows > 0;
            let filter = || inserted::filter(plan.field_ids(&dataset), &source.keys);
            *inserted_rows_filter = inserts.then(filter);
        }
        other => {
            let message = format!("the engine merges by the operation {}", other.name());
            return Err(Error::new(code::INTERNAL, message));
        }
    }
    let staged = Staged {
        transaction: merged.transaction,
        affected_rows: merged.affected_rows,
    };
    Ok((staged, result))
}

/// What was done. The engine does not count the files of all its ways.
fn result(dataset: &Dataset, operation: &Operation, stats: &MergeStats) -> MergeInsertResult {
    let mut result = MergeInsertResult {
        inserted_rows: stats.num_inserted_rows,
        updated_rows: stats.num_updated_rows,
        deleted_rows: stats.num_deleted_rows,
        attempts: 1,
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
