//! The rows of a source, which can be read again and again.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lance::dataset::{MergeInsertJob, UncommittedMergeInsert};
use lance_core::utils::tempfile::TempDir;
use lance_datafusion::spill::{SpillReceiver, SpillSender, create_replay_spill};

use super::keys::Keys;
use crate::batch_bytes::batch_bytes;
use crate::error::{Error, Result, code};

/// Rows that come in, in memory as far as they may.
pub struct Gathering {
    schema: SchemaRef,
    keys: Keys,
    batches: Vec<RecordBatch>,
    bytes: u64,
    limit: u64,
    may_spill: bool,
    file: Option<File>,
    rows: u64,
}

/// Rows that did not fit, in a temporary file. It goes with this.
struct File {
    sender: SpillSender,
    receiver: SpillReceiver,
    _directory: TempDir,
}

impl Gathering {
    pub fn new(schema: SchemaRef, keys: Keys, limit: u64, may_spill: bool) -> Self {
        Self {
            schema,
            keys,
            batches: Vec::new(),
            bytes: 0,
            limit,
            may_spill,
            file: None,
            rows: 0,
        }
    }

    /// Add a batch of the columns; a thread that may block.
    pub async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let batch = self.keys.admit(batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows() as u64;
        self.bytes = self.bytes.saturating_add(batch_bytes(&batch));
        self.batches.push(batch);
        if self.bytes <= self.limit {
            return Ok(());
        }
        if !self.may_spill {
            return Err(Error::new(
                code::RESOURCE_EXHAUSTED,
                format!(
                    "the source has more than {} bytes: let it spill, or raise max_source_bytes",
                    self.limit
                ),
            ));
        }
        self.spill().await
    }

    async fn spill(&mut self) -> Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => File::new(self.schema.clone())?,
        };
        for batch in self.batches.drain(..) {
            file.sender.write(batch).await?;
        }
        self.file = Some(file);
        Ok(())
    }

    pub async fn finish(mut self) -> Result<Gathered> {
        if self.file.is_some() {
            self.spill().await?;
        }
        if let Some(file) = &mut self.file {
            file.sender.finish().await?;
        }
        Ok(Gathered {
            schema: self.schema,
            keys: self.keys,
            batches: self.batches,
            file: self.file,
            rows: self.rows,
        })
    }
}

impl File {
    fn new(schema: SchemaRef) -> Result<Self> {
        let directory = TempDir::try_new()?;
        let path = directory.std_path().join("source.arrows");
        // What is to be in memory is there already.
        let (sender, receiver) = create_replay_spill(path, schema, 0);
        Ok(Self {
            sender,
            receiver,
            _directory: directory,
        })
    }
}

/// All rows of a source.
pub struct Gathered {
    schema: SchemaRef,
    pub keys: Keys,
    batches: Vec<RecordBatch>,
    file: Option<File>,
    pub rows: u64,
}

impl Gathered {
    /// Let the engine merge the rows: what is left to commit.
    pub async fn merge(&self, job: MergeInsertJob) -> Result<UncommittedMergeInsert> {
        Ok(match &self.file {
            Some(file) => job.execute_uncommitted(file.receiver.read()).await?,
            None => job.execute_uncommitted_batches(self.batches()).await?,
        })
    }

    /// Let the engine merge the rows, and tell what its steps have taken.
    pub async fn analyze(&self, job: MergeInsertJob) -> Result<String> {
        Ok(match &self.file {
            Some(file) => job.analyze_plan(file.receiver.read()).await?,
            None => job.analyze_plan_batches(self.batches()).await?,
        })
    }

    fn batches(&self) -> Vec<RecordBatch> {
        let mut batches = self.batches.clone();
        if batches.is_empty() {
            // Of none at all, the engine would not know the columns.
            batches.push(RecordBatch::new_empty(self.schema.clone()));
        }
        batches
    }
}
