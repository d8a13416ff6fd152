//! One write from open to commit: starts the encoders, feeds them, joins them, checks and commits.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ffi::FFI_ArrowArray;
use lance::Dataset;
use lance::dataset::WriteMode;
use lance::dataset::progress::WriteStats;
use lance::dataset::transaction::Transaction;

use super::Lanes;
use super::bytes::batch_bytes;
use super::encoder::Encoder;
use super::lanes::{Batch, cancelled};
use super::options::WriteSettings;
use super::progress::{LanceWriteStats, Progress};
use crate::absent::{check_can_be_made, no_dataset};
use crate::arrow_io::import_ffi_batch;
use crate::dataset::{builder, load_if_exists};
use crate::error::{LanceError, Result, code};
use crate::guard::contain;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::runtime::{block_on, refuse_runtime_thread, session, spawn};
use crate::sync::{Mutex, lock};
use crate::transaction::{Target, UncommittedWrite};
use crate::types::check_storable;
use crate::{fault, store, threads};

impl Batch for RecordBatch {
    fn row_count(&self) -> usize {
        self.num_rows()
    }

    fn byte_count(&self) -> u64 {
        batch_bytes(self)
    }

    fn part(&self, first: usize, rows: usize) -> Self {
        self.slice(first, rows)
    }
}

/// A write in progress.
pub struct Write {
    pub schema: SchemaRef,
    target: Target,
    ledger: Arc<Ledger>,
    /// The dataset as it was when the write began, if there was one.
    began_at: Option<Arc<Dataset>>,
    preserve_order: bool,
    lanes: Arc<Lanes>,
    live: Arc<Live>,
    /// By each lane's encoder.
    written: Arc<Mutex<Vec<WriteStats>>>,
    progress: Arc<Progress>,
}

/// The dataset that is written to, if there is one.
async fn resolve(
    target: Target,
    mode: WriteMode,
    ledger: Arc<Ledger>,
) -> Result<Option<Arc<Dataset>>> {
    let store_params = ledger.store_params(&target.storage_options);
    let place = target.place;
    let builder = builder(&place.uri, &target.storage_options)?.with_store_params(store_params);
    let existing = load_if_exists(builder).await?;
    match (mode, existing) {
        (WriteMode::Create, Some(_)) => Err(LanceError::new(
            code::ALREADY_EXISTS,
            format!(
                "dataset {place} already exists: append to it, overwrite it, or choose another place"
            ),
        )),
        (WriteMode::Append, None) => Err(no_dataset(&place.uri, &place)),
        (_, Some(dataset)) => Ok(Some(Arc::new(dataset))),
        (_, None) => {
            check_can_be_made(&place.uri, &place)?;
            Ok(None)
        }
    }
}

impl Write {
    /// Start the encoders. Returns when all of them have accepted the schema and the target.
    pub fn open(mut settings: WriteSettings, schema: Schema) -> Result<Self> {
        if schema.fields().is_empty() {
            return Err(LanceError::invalid_argument("the schema has no columns"));
        }
        check_storable(&schema)?;
        let schema: SchemaRef = Arc::new(settings.apply_hints(schema)?);
        let ledger = Arc::default();
        let resolving = resolve(settings.target.clone(), settings.mode, Arc::clone(&ledger));
        let began_at = block_on(resolving)?;
        if let Some(dataset) = &began_at {
            settings.adapt_to(dataset)?;
        }
        let encoder = Encoder::new(
            settings.target.place.uri.clone(),
            began_at.clone(),
            settings.write_params(&schema, &ledger)?,
            schema.clone(),
            settings.tuned_encodings,
        )?;
        let lanes = Lanes::new(
            settings.lanes,
            settings.max_bytes_in_flight(&schema),
            settings.gathered_bytes(&schema),
            settings.longest_bytes(&schema),
        );
        let write = Self {
            schema,
            target: settings.target,
            ledger,
            began_at,
            preserve_order: settings.preserve_order,
            lanes: Arc::new(lanes),
            live: Arc::default(),
            written: Arc::new(Mutex::new(vec![WriteStats::default(); settings.lanes])),
            progress: Arc::new(settings.progress),
        };
        let encoder = Arc::new(encoder);
        for lane in 0..settings.lanes {
            if let Err(error) = write.start_lane(lane, encoder.clone()) {
                write.lanes.lane_ended(lane, Err(error));
            }
        }
        if let Err(error) = write.lanes.wait_until_started() {
            let _ = write.abort();
            return Err(error);
        }
        Ok(write)
    }

    fn start_lane(&self, lane: usize, encoder: Arc<Encoder>) -> Result<()> {
        let (progress, lanes) = (self.progress.clone(), self.lanes.clone());
        let on_progress = {
            let (lanes, all_written) = (lanes.clone(), self.written.clone());
            move |written| {
                lock(&all_written)[lane] = written;
                progress.report(|| LanceWriteStats::new(&lanes.accepted(), &lock(&all_written)));
            }
        };
        let work = encoder.write(lanes.clone(), lane, on_progress);
        spawn(work, move |outcome| lanes.lane_ended(lane, outcome))
    }

    /// The lane a batch goes to; None lets the writer choose.
    fn choose_lane(&self, lane: Option<usize>) -> usize {
        match lane {
            Some(lane) => lane,
            None if self.preserve_order => 0,
            None => self.lanes.idlest(),
        }
    }

    /// Take over one batch.
    pub fn push(&self, lane: Option<usize>, array: FFI_ArrowArray) -> Result<()> {
        refuse_runtime_thread()?;
        let lane = self.choose_lane(lane);
        self.lanes.check_open(lane)?;
        let batch: RecordBatch = import_ffi_batch(array, &self.schema, &self.live)?;
        self.lanes.push(lane, batch)
    }

    /// Give the write up from inside, with the reason every later call returns.
    pub fn fail(&self, error: LanceError) {
        self.lanes.fail(error);
    }

    pub fn stats(&self) -> LanceWriteStats {
        LanceWriteStats::new(&self.lanes.accepted(), &lock(&self.written))
    }

    /// Write what is queued, and let `complete` make something of the files.
    pub fn finish<T>(&self, complete: impl FnOnce(UncommittedWrite) -> Result<T>) -> Result<T> {
        refuse_runtime_thread()?;
        let complete = |made| {
            fault::point()?;
            complete(self.collect(made)?)
        };
        let done = self.lanes.finish(
            |made| contain(|| complete(made)),
            |failure| self.settle(failure),
        )?;
        self.progress.report_last(&self.stats());
        Ok(done)
    }

    /// Give up: nothing is committed and no file is left. Inside a callback, which the encoders may be waiting for, the
    /// write only stops; what it made is deleted by the next abort.
    pub fn abort(&self) -> Result<()> {
        if !threads::must_not_wait() {
            return self.lanes.abort(|failure| self.settle(failure));
        }
        if threads::is_exiting() {
            self.progress.stop();
            self.live.stop();
        }
        self.lanes.cancel()
    }

    /// Report nothing any more.
    pub fn silence(&self) {
        self.progress.stop();
    }

    /// The encoders have ended: delete what a failed write has made, and wait until every batch is released.
    fn settle(&self, failure: Option<&LanceError>) {
        if failure.is_some_and(|error| error.code() != code::COMMIT_STATUS_UNKNOWN) {
            self.discard();
        }
        self.live.wait_until_none();
    }

    /// What the lanes have made, as one.
    fn collect(&self, made: Vec<Transaction>) -> Result<UncommittedWrite> {
        UncommittedWrite::of_lanes(
            self.target.clone(),
            self.began_at.as_ref(),
            self.ledger.clone(),
            made,
        )
    }

    /// Delete what a failed write has made. The failure itself is what the caller is told.
    fn discard(&self) {
        let (target, ledger) = (self.target.clone(), self.ledger.clone());
        let makes_dataset = self.began_at.is_none();
        let _ = block_on(async move {
            let (store, base) = target.open_store(&ledger).await?;
            let deleted = ledger.delete_files(&store).await;
            if makes_dataset {
                store::remove_empty_dataset_dirs(&store, &base);
            }
            deleted
        });
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        // No encoder may wait for batches that cannot come.
        self.lanes.fail(cancelled());
        // The registry keeps an entry for every ledger until it is asked what is still in use.
        if let Ok(session) = session() {
            session.store_registry().active_stores();
        }
    }
}
