//! All rows written anew, in files of another format version.

use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::{CommitBuilder, InsertBuilder, WriteMode, WriteParams};
use lance_file::version::LanceFileVersion;

use super::migrate::check_newest;
use crate::change::Change;
use crate::engine_error::as_engine_error;
use crate::error::{Error, Result, code};
use crate::read::{Opened, scan};
use crate::settings::ScanSettings;
use crate::task::Task;
use crate::write::plan::storage_version;

pub fn upgrade_storage(opened: Arc<Opened>, data_storage_version: String) -> Task<Opened> {
    Box::pin(async move {
        let version = storage_version(&data_storage_version)?;
        let schema = opened.dataset.schema();
        if let Some(blob) = schema.fields_pre_order().find(|field| field.is_blob()) {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                format!(
                    "column {:?} has blobs, which are not written anew",
                    blob.name
                ),
            ));
        }
        check_newest(&opened.plain).await?;
        let query = scan::prepare(opened.clone(), ScanSettings::default()).await?;
        let (schema, batches) = query.run().await?;
        let rows =
            RecordBatchStreamAdapter::new(schema, batches.into_stream().map_err(as_engine_error));
        let rewriting = |dataset| rewrite(dataset, Box::pin(rows), version);
        Change::new(&opened)?
            .run_to_version(&opened, rewriting)
            .await
    })
}

async fn rewrite(
    dataset: Dataset,
    rows: SendableRecordBatchStream,
    version: LanceFileVersion,
) -> Result<Dataset> {
    let stable_row_ids = dataset.manifest().uses_stable_row_ids();
    let dataset = Arc::new(dataset);
    let params = WriteParams {
        mode: WriteMode::Overwrite,
        data_storage_version: Some(version),
        enable_stable_row_ids: stable_row_ids,
        ..WriteParams::default()
    };
    let insert = InsertBuilder::new(dataset.clone()).with_params(&params);
    let transaction = insert.execute_uncommitted_stream(rows).await?;
    let commit = CommitBuilder::new(dataset)
        .with_storage_format(version)
        .use_stable_row_ids(stable_row_ids)
        // Rows of others would be overwritten.
        .with_max_retries(0)
        // The engine's own removes what a branch lives on, if its place was typed otherwise.
        .with_skip_auto_cleanup(true);
    Ok(commit.execute(transaction).await?)
}
