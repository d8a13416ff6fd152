//! Columns added: by expressions, by a function, from a stream, by a key, or null.

use std::sync::Arc;

use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use lance::Dataset;
use lance::dataset::NewColumnTransform;

use super::checkpoint::{Checkpoint, Job};
use super::computing::{Computing, Map, Source, merged};
use super::function::{Calling, ColumnFunction};
use super::join::Join;
use super::names::check_new;
use super::progress::Telling;
use super::rows::Rows;
use crate::change::Change;
use crate::error::{Error, Result, check_options, code};
use crate::incoming::Incoming;
use crate::read::{Opened, scan};
use crate::settings::{AddColumnsProgress, AddColumnsSettings, ScanSettings};
use crate::task::Task;

/// Add columns that expressions compute.
pub fn add_columns(
    opened: Arc<Opened>,
    expressions: Vec<(String, String)>,
    settings: AddColumnsSettings,
) -> Task<Opened> {
    Box::pin(async move {
        check_options([
            (
                settings.columns.is_some(),
                "columns are what a function reads: expressions name theirs",
            ),
            (
                settings.function_id.is_some(),
                "function_id goes with a function",
            ),
        ])?;
        if expressions.is_empty() {
            return Err(Error::invalid_argument("there is no column to add"));
        }
        let computes = format!("{expressions:?}");
        let scan = ScanSettings {
            expressions,
            ..scan_of(&settings)
        };
        let schema = yielded(&opened, &scan).await?;
        add(
            opened,
            Source::Scan(scan.into(), None),
            schema,
            computes,
            settings,
        )
        .await
    })
}

/// Add columns that a function computes.
pub fn add_columns_by_function(
    opened: Arc<Opened>,
    function: Arc<ColumnFunction>,
    schema: ArrowSchema,
    settings: AddColumnsSettings,
) -> Task<Opened> {
    Box::pin(async move {
        check_options([
            (
                settings.columns.as_ref().is_some_and(Vec::is_empty),
                "columns is empty: name one that the function reads, such as _rowid",
            ),
            (
                settings.checkpoint.is_some() && settings.function_id.is_none(),
                "a checkpoint of a function needs its function_id",
            ),
        ])?;
        let schema = Arc::new(schema);
        let scan = ScanSettings {
            columns: settings.columns.clone(),
            ..scan_of(&settings)
        };
        yielded(&opened, &scan).await?;
        let computes = settings.function_id.clone().unwrap_or_default();
        let calling = Calling::new(function, schema.clone());
        let calls = calling.0.clone();
        let map: Arc<Map> = Arc::new(move |batch| calls.call(batch));
        let source = Source::Scan(scan.into(), Some(map));
        add(opened, source, schema, computes, settings).await
    })
}

/// Add the columns of a stream, each row to the row of the dataset that has its key.
pub fn merge_columns(
    opened: Arc<Opened>,
    incoming: Incoming,
    left_on: String,
    right_on: String,
) -> Task<Opened> {
    Box::pin(async move {
        let settings = AddColumnsSettings::default();
        let scan = ScanSettings {
            columns: Some(vec![left_on]),
            ..scan_of(&settings)
        };
        let keys = yielded(&opened, &scan).await?;
        let schema = Join::schema(&incoming.schema, &right_on, keys.field(0).data_type())?;
        // Before the stream is read.
        check_new(opened.dataset.schema(), &schema)?;
        let join = Join::read(incoming, &right_on, schema.clone()).await?;
        let map: Arc<Map> = Arc::new(move |batch| join.find(&batch));
        let source = Source::Scan(scan.into(), Some(map));
        add(opened, source, schema, String::new(), settings).await
    })
}

/// Add the columns of a stream, row by row.
pub fn add_columns_from_stream(opened: Arc<Opened>, incoming: Incoming) -> Task<Opened> {
    Box::pin(async move {
        let schema = incoming.schema.clone();
        let source = Source::Rows(Rows::new(incoming));
        let settings = AddColumnsSettings::default();
        add(opened, source, schema, String::new(), settings).await
    })
}

/// Add columns that are null in every row.
pub fn add_null_columns(opened: Arc<Opened>, schema: ArrowSchema) -> Task<Opened> {
    Box::pin(async move {
        check_new(opened.dataset.schema(), &schema)?;
        if let Some(field) = schema.fields().iter().find(|field| !field.is_nullable()) {
            return Err(Error::new(
                code::SCHEMA_MISMATCH,
                format!(
                    "column {:?} is not nullable, so it cannot be null",
                    field.name()
                ),
            ));
        }
        let columns = NewColumnTransform::AllNulls(Arc::new(schema));
        let adding = |mut dataset: Dataset| async move {
            dataset.add_columns(columns, None, None).await?;
            Ok(dataset)
        };
        Change::new(&opened)?.run_to_version(&opened, adding).await
    })
}

fn scan_of(settings: &AddColumnsSettings) -> ScanSettings {
    ScanSettings {
        batch_size: settings.batch_size,
        ..ScanSettings::default()
    }
}

/// What a scan yields, which is checked.
async fn yielded(opened: &Arc<Opened>, scan: &ScanSettings) -> Result<SchemaRef> {
    let query = scan::prepare(opened.clone(), scan.clone()).await?;
    Ok(query.schema().clone())
}

async fn add(
    opened: Arc<Opened>,
    source: Source,
    schema: SchemaRef,
    computes: String,
    settings: AddColumnsSettings,
) -> Result<Opened> {
    let dataset = &opened.dataset;
    check_new(dataset.schema(), &schema)?;
    let begin = AddColumnsProgress {
        total_rows: dataset.count_rows(None).await? as u64,
        total_fragments: dataset.count_fragments() as u64,
        ..AddColumnsProgress::default()
    };
    let checkpoint = match &settings.checkpoint {
        Some(directory) => {
            let merged = merged(dataset, &schema)?;
            let job = Job::new(&opened, &merged, settings.columns.clone(), computes);
            Some(Arc::new(Checkpoint::open(directory, &opened, job).await?))
        }
        None => None,
    };
    let telling = Telling::new(settings.progress, begin);
    let computing = Computing {
        opened: opened.clone(),
        source,
        schema,
        parallelism: settings.parallelism,
        progress: telling.0.clone(),
        checkpoint: checkpoint.clone(),
    };
    let change = Change::new(&opened)?;
    let files = change.files();
    let changed = change
        .run_to_version(&opened, |dataset| computing.run(dataset, files))
        .await?;
    if let Some(checkpoint) = checkpoint
        && let Err(error) = checkpoint.remove().await
    {
        tracing::warn!(target: "lance_cpp::evolve", "a checkpoint that is done stays: {error}");
    }
    Ok(changed)
}
