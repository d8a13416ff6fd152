//! New columns, computed batch by batch and written fragment by fragment.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema as ArrowSchema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use lance::Dataset;
use lance::dataset::NewColumnTransform;
use lance::dataset::fragment::FileFragment;
use lance::dataset::transaction::Operation;
use lance::datatypes::Schema;
use lance_table::format::Fragment;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

use super::checkpoint::Checkpoint;
use super::progress::Progress;
use crate::change::commit;
use crate::engine_error::as_engine_error;
use crate::error::{Error, Result, code};
use crate::panics::{contain, contained};
use crate::parallel::{beside, cores};
use crate::read::{Opened, scan};
use crate::settings::ScanSettings;
use crate::write::written_files::WrittenFiles;

/// As many rows as a scan yields at once.
pub const BATCH_ROWS: u32 = 8192;

/// Makes new columns of those that were read. It may block.
pub type Map = dyn Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync;

/// How new columns come about.
#[derive(Clone)]
pub struct Computing {
    pub opened: Arc<Opened>,
    /// What is read, of one fragment after the other.
    pub scan: ScanSettings,
    /// None: what is read are the columns.
    pub map: Option<Arc<Map>>,
    /// Of the new columns.
    pub schema: SchemaRef,
    pub parallelism: Option<i32>,
    pub progress: Arc<Progress>,
    pub checkpoint: Option<Arc<Checkpoint>>,
}

/// These columns, as the schema has them.
pub fn labelled(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|error| Error::new(code::SCHEMA_MISMATCH, error.to_string()))
}

/// The schema of a dataset with new columns.
pub fn merged(dataset: &Dataset, new: &ArrowSchema) -> Result<Schema> {
    let mut merged = dataset.schema().merge(new)?;
    merged.try_set_field_id(Some(dataset.manifest().max_field_id()))?;
    Ok(merged)
}

impl Computing {
    fn at_once(&self) -> usize {
        self.parallelism.map_or_else(cores, |it| it as usize)
    }

    /// Write the columns of all fragments of `dataset`, the copy that is changed, and commit them.
    pub async fn run(self, dataset: Dataset, files: Arc<WrittenFiles>) -> Result<Dataset> {
        let slots = Arc::new(Semaphore::new(self.at_once()));
        let tasks = dataset.get_fragments().into_iter().enumerate();
        let tasks = tasks.map(|(i, fragment)| {
            let (it, slots, files) = (self.clone(), slots.clone(), files.clone());
            beside(contained(async move {
                let written = it.write(fragment, slots, &files).await?;
                Ok((i, written))
            }))
        });
        let written = stream::iter(tasks).buffer_unordered(self.at_once());
        let mut written: Vec<(usize, Fragment)> = written.try_collect().await?;
        written.sort_unstable_by_key(|(i, _)| *i);
        // Who has written rows meanwhile need not know of columns that may be null.
        let is_optional = |field: &FieldRef| {
            field.is_nullable() && dataset.schema().field(field.name()).is_none()
        };
        let operation = Operation::Merge {
            fragments: written.into_iter().map(|(_, fragment)| fragment).collect(),
            schema: merged(&dataset, &self.schema)?,
            preserves_nullability: self.schema.fields().iter().all(is_optional),
        };
        commit(dataset, operation).await
    }

    async fn write(
        &self,
        fragment: FileFragment,
        slots: Arc<Semaphore>,
        files: &WrittenFiles,
    ) -> Result<Fragment> {
        let before = fragment.metadata();
        if let Some(checkpoint) = &self.checkpoint
            && let Some(finished) = checkpoint.finished(&fragment).await?
        {
            let rows = fragment.count_rows(None).await?;
            self.progress.resume(rows as u64);
            return Ok(finished);
        }
        let columns = self.columns(fragment.id() as u64, slots).await?;
        let rows = self.scan.batch_size.and_then(|it| u32::try_from(it).ok());
        let adding = fragment.add_columns(
            NewColumnTransform::Stream(columns),
            None,
            Some(rows.unwrap_or(BATCH_ROWS)),
        );
        let (written, _) = adding.await?;
        if let Some(checkpoint) = &self.checkpoint {
            checkpoint.put(before, &written).await?;
            for file in written.files.iter().skip(before.files.len()) {
                files.keep(&fragment.dataset().data_dir().join(file.path.as_str()));
            }
        }
        self.progress.add_fragment();
        Ok(written)
    }

    /// The columns of the live rows of a fragment, in their order.
    async fn columns(
        &self,
        fragment: u64,
        slots: Arc<Semaphore>,
    ) -> Result<SendableRecordBatchStream> {
        let settings = ScanSettings {
            fragments: Some(vec![fragment]),
            ..self.scan.clone()
        };
        let query = scan::prepare(self.opened.clone(), settings).await?;
        let (_, batches) = query.run().await?;
        let batches = batches.into_stream();
        let computed = match self.map.clone() {
            Some(map) => mapped(batches, map, slots, self.at_once()),
            None => {
                let schema = self.schema.clone();
                let label = move |batch: RecordBatch| labelled(&schema, batch.columns().to_vec());
                batches.map(move |batch| batch.and_then(&label)).boxed()
            }
        };
        let progress = self.progress.clone();
        let told = computed.inspect_ok(move |batch| progress.add_rows(batch.num_rows() as u64));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema.clone(),
            told.map_err(as_engine_error),
        )))
    }
}

/// What a function makes of batches, several of them at once, in their order.
fn mapped(
    batches: BoxStream<'static, Result<RecordBatch>>,
    map: Arc<Map>,
    slots: Arc<Semaphore>,
    at_once: usize,
) -> BoxStream<'static, Result<RecordBatch>> {
    let compute = move |batch: Result<RecordBatch>| {
        let (map, slots) = (map.clone(), slots.clone());
        beside(async move {
            let batch = batch?;
            let closed = |_| Error::new(code::INTERNAL, "no function is called any more");
            let slot = slots.acquire_owned().await.map_err(closed)?;
            let call = spawn_blocking(move || {
                let _slot = slot;
                contain(|| map(batch))
            });
            let lost = |error: JoinError| Error::new(code::INTERNAL, error.to_string());
            call.await.map_err(lost)?
        })
    };
    batches.map(compute).buffered(at_once).boxed()
}
