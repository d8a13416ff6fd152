//! Rows updated: deleted where they are, and written anew.

use std::future::ready;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use lance::Dataset;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::{Operation, Transaction, UpdateMode};
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use lance::datatypes::Field;
use lance::deps::datafusion::execution::SendableRecordBatchStream;
use lance::deps::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use lance_core::ROW_ID;
use lance_table::format::{Fragment, RowIdMeta};
use lance_table::rowids::{RowIdSequence, rechunk_sequences, write_row_ids};

use super::assignments::Assignments;
use super::attempts::{Attempts, Made};
use super::blobs::{self, has_blobs_apart};
use super::deletions::{collect, count, without};
use super::filter::Filter;
use crate::engine_error::as_engine_error;
use crate::error::{Error, Result, code};
use crate::fault;
use crate::read::{Opened, scan};
use crate::settings::{ScanSettings, UpdateResult, UpdateSettings};
use crate::sync::lock;
use crate::task::Task;
use crate::write::transaction::{Pending, Staged};

/// Give columns the values of expressions, in the rows that pass the filter.
pub fn update(
    opened: Arc<Opened>,
    assignments: Vec<(String, String)>,
    settings: UpdateSettings,
) -> Task<(Opened, UpdateResult)> {
    let (asked, attempts) = asked(assignments, settings);
    Box::pin(async move {
        let outcome = match has_blobs_apart(opened.dataset.schema()) {
            true => with_blobs(opened, &attempts, &asked).await,
            false => {
                let stage = move |opened, dataset| stage(opened, dataset, asked.clone());
                attempts.commit(opened, stage).await
            }
        };
        let (opened, updated_rows) = outcome?;
        Ok((opened, UpdateResult { updated_rows }))
    })
}

/// Prepare an update.
pub fn update_uncommitted(
    opened: Arc<Opened>,
    assignments: Vec<(String, String)>,
    settings: UpdateSettings,
) -> Task<(Pending, UpdateResult)> {
    let (asked, attempts) = asked(assignments, settings);
    Box::pin(async move {
        if has_blobs_apart(opened.dataset.schema()) {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                "updates of rows with blobs that are stored apart are committed at once",
            ));
        }
        let stage = move |opened, dataset| stage(opened, dataset, asked);
        let (pending, updated_rows) = attempts.stage(opened, stage).await?;
        Ok((pending, UpdateResult { updated_rows }))
    })
}

async fn with_blobs(
    opened: Arc<Opened>,
    attempts: &Attempts,
    asked: &Asked,
) -> Result<(Opened, u64)> {
    let (assignments, rows) = &**asked;
    let attempt = |opened: Arc<Opened>| async move {
        let assignments = Assignments::of(&opened, assignments)?;
        blobs::check(opened.dataset.schema(), &assignments, attempts, rows)?;
        blobs::update(opened, &assignments, rows, attempts.allow_empty).await
    };
    attempts.redo(opened, attempt).await
}

/// Assignments, and the rows.
type Asked = Arc<(Vec<(String, String)>, Filter)>;

fn asked(assignments: Vec<(String, String)>, settings: UpdateSettings) -> (Asked, Attempts) {
    let filter = Filter {
        sql: settings.filter,
        substrait: settings.filter_substrait,
    };
    let attempts = Attempts {
        retries: settings.conflict_retries,
        timeout: settings.retry_timeout,
        commit_retries: None,
        properties: settings.transaction_properties,
        allow_empty: settings.allow_empty,
    };
    (Arc::new((assignments, filter)), attempts)
}

/// The rows that are written anew, where they were.
#[derive(Default)]
struct Taken {
    addresses: RowAddrTreeMap,
    row_ids: RowIdSequence,
}

impl Taken {
    fn note(&mut self, batch: &RecordBatch) -> Result<()> {
        collect(&mut self.addresses, batch)?;
        if let Some(ids) = batch.column_by_name(ROW_ID) {
            let ids = ids.as_primitive::<UInt64Type>().values();
            self.row_ids.extend(RowIdSequence::from(&ids[..]));
        }
        Ok(())
    }
}

async fn stage(opened: Arc<Opened>, dataset: Arc<Dataset>, asked: Asked) -> Result<Made<u64>> {
    fault::point()?;
    let (assignments, filter) = &*asked;
    let assignments = Assignments::of(&opened, assignments)?;
    let has_stable_ids = dataset.manifest().uses_stable_row_ids();
    let settings = ScanSettings {
        with_row_id: has_stable_ids,
        ..assignments.scan(&dataset, filter)
    };
    let query = scan::prepare(opened, settings).await?;
    assignments.check(query.schema())?;
    let (_, batches) = query.run().await?;
    let modified = modified_fields(&dataset, &assignments);
    let (mut fragments, taken) = match unless_empty(batches.into_stream()).await? {
        Some(batches) => rewrite(&dataset, assignments, batches).await?,
        None => (Vec::new(), Taken::default()),
    };
    let rows = count(&taken.addresses);
    if has_stable_ids {
        keep_row_ids(&mut fragments, taken.row_ids)?;
    }
    let deletions = without(&dataset, &taken.addresses).await?;
    let operation = Operation::Update {
        removed_fragment_ids: deletions.removed,
        updated_fragments: deletions.updated,
        new_fragments: fragments,
        fields_modified: Vec::new(),
        compacted_sstables: Vec::new(),
        fields_for_preserving_frag_bitmap: modified,
        update_mode: Some(UpdateMode::RewriteRows),
        inserted_rows_filter: None,
        updated_fragment_offsets: None,
    };
    let staged = Staged {
        transaction: Transaction::new(dataset.manifest().version, operation, None),
        affected_rows: Some(taken.addresses),
    };
    Ok((staged, rows))
}

/// The batches from the first that has rows on; None where there is no such.
async fn unless_empty(
    mut batches: BoxStream<'static, Result<RecordBatch>>,
) -> Result<Option<BoxStream<'static, Result<RecordBatch>>>> {
    while let Some(batch) = batches.try_next().await? {
        if batch.num_rows() > 0 {
            let first = stream::once(ready(Ok(batch)));
            return Ok(Some(first.chain(batches).boxed()));
        }
    }
    Ok(None)
}

/// Write the rows into new fragments, which no version has yet.
async fn rewrite(
    dataset: &Arc<Dataset>,
    assignments: Assignments,
    batches: BoxStream<'static, Result<RecordBatch>>,
) -> Result<(Vec<Fragment>, Taken)> {
    let taken = Arc::new(Mutex::new(Taken::default()));
    let noted = taken.clone();
    let schema = assignments.schema.clone();
    let rows = batches.map(move |batch| {
        let row = batch.and_then(|batch| {
            lock(&noted).note(&batch)?;
            assignments.apply(&batch)
        });
        row.map_err(as_engine_error)
    });
    let rows: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema, rows));
    let params = WriteParams {
        mode: WriteMode::Append,
        ..WriteParams::default()
    };
    let insert = InsertBuilder::new(dataset.clone()).with_params(&params);
    let written = insert.execute_uncommitted_stream(rows).await?;
    let Operation::Append { fragments } = written.operation else {
        return Err(Error::new(code::INTERNAL, "rows are written in appends"));
    };
    let taken = std::mem::take(&mut *lock(&taken));
    Ok((fragments, taken))
}

/// Let the rows of new fragments have the ids that they had.
fn keep_row_ids(fragments: &mut [Fragment], row_ids: RowIdSequence) -> Result<()> {
    let sizes: Vec<_> = fragments
        .iter()
        .map(|fragment| fragment.physical_rows.unwrap_or_default() as u64)
        .collect();
    let row_ids = rechunk_sequences([row_ids], sizes, false)?;
    for (fragment, row_ids) in fragments.iter_mut().zip(row_ids) {
        fragment.row_id_meta = Some(RowIdMeta::Inline(write_row_ids(&row_ids).into()));
    }
    Ok(())
}

/// The fields whose indices do not know the new rows.
fn modified_fields(dataset: &Dataset, assignments: &Assignments) -> Vec<u32> {
    let mut modified = Vec::new();
    let mut left: Vec<&Field> = assignments
        .places()
        .map(|place| &dataset.schema().fields[place])
        .collect();
    while let Some(field) = left.pop() {
        modified.push(field.id as u32);
        left.extend(&field.children);
    }
    modified
}
