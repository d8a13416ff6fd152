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
use super::rows::Rows;
use crate::change::commit;
use crate::engine_error::as_engine_error;
use crate::error::{Error, Result, code};
use crate::panics::{contain, contained};
use crate::parallel::{beside, cores};
use crate::read::{Opened, scan};
use crate::settings::ScanSettings;
use crate::write::whole::{must_be_whole, whole};
use crate::write::written_files::WrittenFiles;

/// As many rows as a scan yields at once.
const BATCH_ROWS: u32 = 8192;

type Batches = BoxStream<'static, Result<RecordBatch>>;

/// Makes new columns of those that were read. It may block.
pub type Map = dyn Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync;

/// Where new columns come from.
#[derive(Clone)]
pub enum Source {
    /// What a scan of the fragment yields, or what is made of that.
    Scan(Box<ScanSettings>, Option<Arc<Map>>),
    /// Rows that come one behind the other.
    Rows(Rows),
}

/// How new columns come about.
#[derive(Clone)]
pub struct Computing {
    pub opened: Arc<Opened>,
    pub source: Source,
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
        match self.source {
            Source::Scan(..) => self.parallelism.map_or_else(cores, |it| it as usize),
            Source::Rows(_) => 1,
        }
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
        if let Source::Rows(rows) = &self.source {
            rows.end().await?;
        }
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
        let rows = fragment.count_rows(None).await?;
        if let Some(checkpoint) = &self.checkpoint
            && let Some(finished) = checkpoint.finished(&fragment).await?
        {
            self.progress.resume(rows as u64);
            return Ok(finished);
        }
        let columns = self.columns(&fragment, rows, slots).await?;
        let (columns, at_once) = self.cut(&fragment, columns).await?;
        let adding = fragment.add_columns(NewColumnTransform::Stream(columns), None, Some(at_once));
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
        fragment: &FileFragment,
        rows: usize,
        slots: Arc<Semaphore>,
    ) -> Result<Batches> {
        let computed = match &self.source {
            Source::Rows(source) => source.take(rows),
            Source::Scan(scan, map) => {
                let settings = ScanSettings {
                    fragments: Some(vec![fragment.id() as u64]),
                    ..scan.as_ref().clone()
                };
                let query = scan::prepare(self.opened.clone(), settings).await?;
                let (_, batches) = query.run().await?;
                match map.clone() {
                    Some(map) => mapped(batches.into_stream(), map, slots, self.at_once()),
                    None => batches.into_stream(),
                }
            }
        };
        let (schema, progress) = (self.schema.clone(), self.progress.clone());
        let named = computed.map(move |batch| {
            let batch = labelled(&schema, batch?.columns().to_vec())?;
            progress.add_rows(batch.num_rows() as u64);
            Ok(batch)
        });
        Ok(named.boxed())
    }

    /// The columns as the engine can take them, and of how many stored rows it is to take them at once.
    async fn cut(
        &self,
        fragment: &FileFragment,
        columns: Batches,
    ) -> Result<(SendableRecordBatchStream, u32)> {
        let schema = self.schema.clone();
        if !must_be_whole(&schema) {
            let rows = match &self.source {
                Source::Scan(scan, _) => scan.batch_size.and_then(|it| u32::try_from(it).ok()),
                Source::Rows(_) => None,
            };
            let columns = columns.map_err(as_engine_error);
            let columns = RecordBatchStreamAdapter::new(schema, columns);
            return Ok((Box::pin(columns), rows.unwrap_or(BATCH_ROWS)));
        }
        let format = &fragment.dataset().manifest().data_storage_format;
        let batches = columns.try_collect().await?;
        let batch = whole(&schema, format.lance_file_format(), batches)?;
        let columns = RecordBatchStreamAdapter::new(schema, stream::iter([Ok(batch)]));
        let rows = fragment.physical_rows().await?.max(1);
        Ok((Box::pin(columns), u32::try_from(rows).unwrap_or(u32::MAX)))
    }
}

/// What a function makes of batches, several of them at once, in their order.
fn mapped(batches: Batches, map: Arc<Map>, slots: Arc<Semaphore>, at_once: usize) -> Batches {
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
