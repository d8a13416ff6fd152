//! One write from open to commit: starts the encoders, feeds them, joins them, checks and commits.

use std::sync::{Arc, Weak};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use futures::future::{AbortRegistration, Abortable, Aborted};
use lance::Dataset;
use lance::dataset::progress::WriteStats as LaneStats;
use lance::dataset::transaction::Transaction;

use super::Lanes;
use super::branch;
use super::encoder::Encoder;
use super::lanes::{Batch, cancelled};
use super::live::Live;
use super::plan::WritePlan;
use super::progress::stats;
use super::removal;
use super::transaction::{Pending, Target, UncommittedWrite};
use super::types::check_storable;
use super::written_files::WrittenFiles;
use crate::absent::{check_can_be_made, no_dataset};
use crate::batch_bytes::batch_bytes;
use crate::error::{Error, Result, code};
use crate::fault;
use crate::local::store::make_durable;
use crate::open::{Access, builder, load_if_exists};
use crate::operation;
use crate::panics::contain;
use crate::place::Place;
use crate::reporting::Reporter;
use crate::runtime::{block_on, forget_unused_stores, refuse_runtime_thread, spawn};
use crate::settings::{CommitResult, WriteMode, WriteSettings, WriteStats};
use crate::sync::{Mutex, lock};
use crate::telemetry::metrics::{self, InFlight};
use crate::threads;

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

impl InFlight for Lanes {
    fn bytes_in_flight(&self) -> u64 {
        self.accepted().bytes_in_flight
    }
}

/// A write in progress.
pub struct Write {
    pub schema: SchemaRef,
    target: Target,
    written_files: Arc<WrittenFiles>,
    /// The dataset as it was when the write began, if there was one.
    began_at: Option<Arc<Dataset>>,
    preserve_order: bool,
    lanes: Arc<Lanes>,
    live: Arc<Live>,
    /// By each lane's encoder.
    written: Arc<Mutex<Vec<LaneStats>>>,
    progress: Arc<Reporter<WriteStats>>,
}

/// The dataset that is written to, if there is one.
async fn resolve(
    target: Target,
    mode: WriteMode,
    written_files: Arc<WrittenFiles>,
) -> Result<Option<Arc<Dataset>>> {
    let store_params = written_files.store_params(&target.access);
    let place = target.place;
    let builder = builder(&place.uri, &target.access)?.with_store_params(store_params);
    let existing = load_if_exists(builder).await?;
    match (mode, existing) {
        (WriteMode::Create, Some(_)) => Err(Error::new(
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

/// What the settings say of the way to the store.
fn given_access(settings: &WriteSettings) -> Access {
    let mut storage_options = settings.storage_options.clone();
    if settings.durable {
        make_durable(&mut storage_options);
    }
    Access {
        storage_options,
        session: settings.session.clone(),
        ..Access::default()
    }
}

impl Write {
    /// Open a writer of the dataset at `place`.
    pub fn open(
        place: Place,
        settings: WriteSettings,
        schema: Schema,
        stop: AbortRegistration,
    ) -> Result<Self> {
        let locate = |access| async move { Ok((place, access)) };
        Self::open_where(settings, schema, locate, stop)
    }

    /// Start the encoders. Returns when all of them have accepted the schema and the target, which `locate` finds from
    /// what the settings say of the way there. As long as no encoder is started, it can be stopped.
    pub fn open_where<L>(
        settings: WriteSettings,
        schema: Schema,
        locate: impl FnOnce(Access) -> L,
        stop: AbortRegistration,
    ) -> Result<Self>
    where
        L: Future<Output = Result<(Place, Access)>> + Send + 'static,
    {
        if schema.fields().is_empty() {
            return Err(Error::invalid_argument("the schema has no columns"));
        }
        check_storable(&schema)?;
        let located = locate(given_access(&settings));
        let written_files = Arc::<WrittenFiles>::default();
        let recorded = written_files.clone();
        let opening = async move {
            let (place, access) = located.await?;
            let access = access.renewed_by(settings.credentials.clone()).await?;
            let branch = settings.branch.as_deref();
            let place = branch::place_of(place, branch, settings.mode, &access).await?;
            let plan = WritePlan::new(place, access, settings)?;
            let schema: SchemaRef = Arc::new(plan.apply_hints(schema)?);
            let began_at = resolve(plan.target.clone(), plan.mode, recorded).await?;
            Ok((plan, schema, began_at))
        };
        let opening = Abortable::new(opening, stop);
        let (mut plan, schema, began_at) = block_on(async move {
            let opened = opening.await;
            opened.unwrap_or_else(|Aborted| Err(operation::cancelled()))
        })?;
        plan.settle_mode(began_at.is_some());
        if let Some(dataset) = &began_at {
            plan.adapt_to(dataset)?;
        }
        let encoder = Encoder::new(
            plan.target.place.uri.clone(),
            began_at.clone(),
            plan.write_params(&schema, &written_files)?,
            schema.clone(),
            plan.encoding_profile,
        )?;
        let lanes = Lanes::new(
            plan.lanes,
            plan.max_bytes_in_flight(&schema),
            plan.gathered_bytes(&schema),
            plan.longest_bytes(&schema),
        );
        let write = Self {
            schema,
            target: plan.target,
            written_files,
            began_at,
            preserve_order: plan.preserve_order,
            lanes: Arc::new(lanes),
            live: Arc::default(),
            written: Arc::new(Mutex::new(vec![LaneStats::default(); plan.lanes])),
            progress: Arc::new(plan.progress),
        };
        metrics::watch(Arc::downgrade(&write.lanes) as Weak<dyn InFlight>);
        let encoder = Arc::new(encoder);
        for lane in 0..plan.lanes {
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
                progress.report(|| stats(&lanes.accepted(), &lock(&all_written)));
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

    /// Take over one batch, which `import` makes for the schema of the write. What it counts in `Live` is released before
    /// the write ends.
    pub fn push(
        &self,
        lane: Option<usize>,
        import: impl FnOnce(&SchemaRef, &Arc<Live>) -> Result<RecordBatch>,
    ) -> Result<()> {
        refuse_runtime_thread()?;
        let lane = self.choose_lane(lane);
        self.lanes.check_open(lane)?;
        self.lanes.push(lane, import(&self.schema, &self.live)?)
    }

    /// Give the write up from inside, with the reason every later call returns.
    pub fn fail(&self, error: Error) {
        self.lanes.fail(error);
    }

    pub fn stats(&self) -> WriteStats {
        stats(&self.lanes.accepted(), &lock(&self.written))
    }

    /// Write what is queued, and make one version of it.
    pub fn finish(&self) -> Result<CommitResult> {
        self.close(|write| block_on(async move { write.commit().await }))
            .map(|version| CommitResult {
                version,
                repeated_parts: 0,
            })
    }

    /// Write what is queued, and leave the commit to a transaction.
    pub fn finish_uncommitted(&self) -> Result<Pending> {
        self.close(|write| {
            block_on(async move { write.verify().await.map(|()| Pending::new(write)) })
        })
    }

    /// Write what is queued, and let `complete` make something of the files.
    fn close<T>(&self, complete: impl FnOnce(UncommittedWrite) -> Result<T>) -> Result<T> {
        refuse_runtime_thread()?;
        let complete = |made| {
            fault::point()?;
            complete(self.collect(made)?)
        };
        let done = self.lanes.finish(
            |made| contain(|| complete(made)),
            |failure| self.settle(failure),
        )?;
        self.progress.report_now(|| self.stats());
        Ok(done)
    }

    /// Give up: nothing is committed and no file is left. Inside a callback, which the encoders may be waiting for, the
    /// write only stops; what it made is deleted by the next abort.
    pub fn abort(&self) -> Result<()> {
        if !threads::must_not_wait() {
            return self.lanes.abort(|failure| self.settle(failure));
        }
        self.stop_callbacks_at_exit();
        self.lanes.cancel()
    }

    /// Callbacks use what an exit is about to destroy.
    fn stop_callbacks_at_exit(&self) {
        if threads::is_exiting() {
            self.progress.stop();
            self.live.stop();
        }
    }

    /// Make the calls that are on their way return. What they made is deleted by the abort or the free that follows.
    pub fn cancel(&self) {
        self.stop_callbacks_at_exit();
        // It fails when there is nothing to cancel.
        let _ = self.lanes.cancel();
    }

    /// Why it is given up, if it is.
    pub fn check_failure(&self) -> Result<()> {
        self.lanes.failure().map_or(Ok(()), Err)
    }

    /// Report nothing any more.
    pub fn silence(&self) {
        self.progress.stop();
    }

    /// The encoders have ended: delete what a failed write has made, and wait until every batch is released.
    fn settle(&self, failure: Option<&Error>) {
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
            self.written_files.clone(),
            made,
        )
    }

    /// Delete what a failed write has made. The failure itself is what the caller is told.
    fn discard(&self) {
        let (target, written_files) = (self.target.clone(), self.written_files.clone());
        let makes_dataset = self.began_at.is_none();
        let _ = block_on(async move {
            let (store, base) = target.open_store(&written_files).await?;
            let deleted = written_files.delete_files(&store).await;
            if makes_dataset {
                removal::remove_empty_dataset_dirs(&store, &base);
            }
            deleted
        });
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        // No encoder may wait for batches that cannot come.
        self.lanes.fail(cancelled());
        forget_unused_stores();
    }
}
