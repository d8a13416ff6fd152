//! One write from open to commit: starts the encoders, feeds them, joins them, checks and commits.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ffi::FFI_ArrowArray;
use lance::Dataset;
use lance::dataset::{InsertBuilder, WriteDestination, WriteMode, WriteParams};

use super::lane_source::LaneSource;
use super::lanes::{Lanes, Phase};
use super::options::WriteSettings;
use super::progress::{LanceWriteStats, Progress};
use crate::arrow_io::{Live, import_ffi_batch};
use crate::dataset::{builder, load_if_exists};
use crate::error::{LanceError, Result, code};
use crate::ledger::Ledger;
use crate::runtime::{block_on, refuse_runtime_thread, session, spawn};
use crate::store;
use crate::transaction::{Target, UncommittedWrite};
use crate::types::check_storable;

/// A write in progress.
pub struct Write {
    pub schema: SchemaRef,
    target: Target,
    ledger: Arc<Ledger>,
    /// There was no dataset when the write began.
    makes_dataset: bool,
    preserve_order: bool,
    lanes: Arc<Lanes>,
    live: Arc<Live>,
    progress: Arc<Progress>,
}

/// What the write goes to, resolved once for all lanes.
#[derive(Clone)]
enum Destination {
    Existing(Arc<Dataset>),
    New(String),
}

impl Destination {
    fn as_lance(&self) -> WriteDestination<'_> {
        match self {
            Self::Existing(dataset) => dataset.clone().into(),
            Self::New(uri) => uri.as_str().into(),
        }
    }
}

async fn resolve(target: Target, mode: WriteMode, ledger: Arc<Ledger>) -> Result<Destination> {
    let store_params = ledger.store_params(&target.storage_options);
    let builder = builder(&target.uri, &target.storage_options)?.with_store_params(store_params);
    let existing = load_if_exists(builder).await?;
    match (mode, existing) {
        (WriteMode::Create, Some(_)) => Err(LanceError::new(
            code::ALREADY_EXISTS,
            format!(
                "dataset {} already exists: append to it, overwrite it, or choose another place",
                target.uri
            ),
        )),
        (WriteMode::Append, None) => Err(LanceError::new(
            code::DATASET_NOT_FOUND,
            format!("there is no dataset at {} to append to", target.uri),
        )),
        (_, Some(dataset)) => Ok(Destination::Existing(Arc::new(dataset))),
        (_, None) => Ok(Destination::New(target.uri)),
    }
}

impl Write {
    /// Start the encoders. Returns when all of them have accepted the schema and the target.
    pub fn open(settings: WriteSettings, schema: Schema) -> Result<Self> {
        if schema.fields().is_empty() {
            return Err(LanceError::invalid_argument("the schema has no columns"));
        }
        check_storable(&schema)?;
        let schema: SchemaRef = Arc::new(settings.apply_hints(schema)?);
        let ledger = Arc::default();
        let params = settings.write_params(&schema, &ledger)?;
        let lanes = Lanes::new(
            settings.lanes,
            settings.max_bytes_in_flight(&schema),
            settings.gathered_bytes(&schema),
            settings.longest_bytes(&schema),
        );
        let target = settings.target;
        let destination = block_on(resolve(target.clone(), settings.mode, ledger.clone()))?;
        let write = Self {
            schema,
            target,
            ledger,
            makes_dataset: matches!(destination, Destination::New(_)),
            preserve_order: settings.preserve_order,
            lanes: Arc::new(lanes),
            live: Arc::default(),
            progress: Arc::new(settings.progress),
        };
        for lane in 0..settings.lanes {
            write.start_lane(lane, &destination, &params)?;
        }
        if let Err(error) = write.lanes.wait_until_started() {
            write.abandon();
            return Err(error);
        }
        Ok(write)
    }

    fn start_lane(
        &self,
        lane: usize,
        destination: &Destination,
        params: &WriteParams,
    ) -> Result<()> {
        let source = LaneSource::new(self.lanes.clone(), lane, self.schema.clone());
        let (destination, params) = (destination.clone(), params.clone());
        let (progress, lanes) = (self.progress.clone(), self.lanes.clone());
        let on_progress = {
            let lanes = lanes.clone();
            move |written| {
                lanes.record_written(lane, written);
                progress.report(|| lanes.stats());
            }
        };
        spawn(
            async move {
                let insert = InsertBuilder::new(destination.as_lance())
                    .with_params(&params)
                    .progress(on_progress);
                Ok(insert.execute_uncommitted_stream(source).await?)
            },
            move |outcome| lanes.lane_ended(lane, outcome),
        )
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
        self.lanes.stats()
    }

    /// Write what is queued, check the files, and let `complete` make something of them.
    pub fn finish<T>(&self, complete: impl FnOnce(UncommittedWrite) -> Result<T>) -> Result<T> {
        refuse_runtime_thread()?;
        self.lanes.close(Phase::Finishing, |phase| {
            (phase != Phase::Open).then(|| {
                Err(LanceError::invalid_state(
                    "the writer is already finished or aborted",
                ))
            })
        })?;
        let outcome = self.collect().and_then(|write| {
            let checked = write.clone();
            let done = block_on(async move { checked.verify().await })
                .and_then(|()| complete(write.clone()));
            if let Err(error) = &done
                && error.code() != code::COMMIT_STATUS_UNKNOWN
            {
                self.discard();
            }
            done
        });
        self.live.wait_until_none();
        self.lanes.end(if outcome.is_ok() {
            Phase::Finished
        } else {
            Phase::Closed
        });
        if outcome.is_ok() {
            self.progress.report_last(&self.stats());
        }
        outcome
    }

    /// Give up: nothing is committed and no file is left.
    pub fn abort(&self) -> Result<()> {
        refuse_runtime_thread()?;
        let first = self.lanes.close(Phase::Aborting, |phase| match phase {
            Phase::Closed => Some(Ok(())),
            Phase::Finished => Some(Err(LanceError::invalid_state(
                "the writer is already finished: there is nothing to abort",
            ))),
            _ => None,
        })?;
        if first {
            self.abandon();
        }
        Ok(())
    }

    /// Stop all lanes, delete what they wrote, and wait until every batch is released.
    fn abandon(&self) {
        self.lanes
            .fail(LanceError::new(code::CANCELLED, "the write was aborted"));
        self.lanes.join();
        self.discard();
        self.live.wait_until_none();
        self.lanes.end(Phase::Closed);
    }

    /// Join the lanes; all of them succeeded, or what some of them wrote is deleted.
    fn collect(&self) -> Result<UncommittedWrite> {
        let outcomes = self.lanes.join();
        if let Some(failure) = self.lanes.failure() {
            self.discard();
            return Err(failure);
        }
        let written = outcomes
            .into_iter()
            .flatten()
            .map(|transaction| UncommittedWrite {
                target: self.target.clone(),
                transaction,
                ledger: self.ledger.clone(),
            });
        UncommittedWrite::merge(written.collect())
    }

    /// Delete what a failed write has made. The failure itself is what the caller is told.
    fn discard(&self) {
        let (target, ledger, makes_dataset) =
            (self.target.clone(), self.ledger.clone(), self.makes_dataset);
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
        // The registry keeps an entry for every ledger until it is asked what is still in use.
        if let Ok(session) = session() {
            session.store_registry().active_stores();
        }
    }
}
