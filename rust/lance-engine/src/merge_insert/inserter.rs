//! An upsert whose rows come batch by batch.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use futures::future::{AbortHandle, AbortRegistration, Abortable, Aborted};

use super::plan::Plan;
use super::run::{analyze, prepare, run};
use super::source::{Gathered, Gathering};
use crate::error::{Error, Result};
use crate::operation::cancelled;
use crate::read::Opened;
use crate::runtime::{block_on, refuse_runtime_thread};
use crate::settings::MergeInsertResult;
use crate::sync::{Mutex, lock};
use crate::write::Live;
use crate::write::transaction::Pending;

/// An upsert in progress.
pub struct MergeInserter {
    /// Of what is pushed.
    pub schema: SchemaRef,
    opened: Arc<Opened>,
    plan: Arc<Plan>,
    state: Mutex<State>,
    /// Ends the call that finishes it.
    abort: AbortHandle,
    stop: Mutex<Option<AbortRegistration>>,
    live: Arc<Live>,
}

enum State {
    Gathering(Box<Gathering>),
    Failed(Error),
    Closed,
}

impl MergeInserter {
    pub fn new(opened: Arc<Opened>, schema: Schema, plan: Plan) -> Result<Self> {
        let (abort, stop) = AbortHandle::new_pair();
        Ok(Self {
            schema: Arc::new(schema),
            opened,
            state: Mutex::new(State::Gathering(Box::new(plan.gathering()?))),
            plan: Arc::new(plan),
            abort,
            stop: Mutex::new(Some(stop)),
            live: Arc::default(),
        })
    }

    /// Take over one batch, which `import` makes for the schema that was given.
    pub fn push(
        &self,
        import: impl FnOnce(&SchemaRef, &Arc<Live>) -> Result<RecordBatch>,
    ) -> Result<()> {
        refuse_runtime_thread()?;
        let batch = self.plan.columns.fit(&import(&self.schema, &self.live)?)?;
        let mut state = lock(&self.state);
        let mut gathering = self.take(&mut state)?;
        let (gathering, pushed) = block_on(async move {
            let pushed = gathering.push(batch).await;
            Ok((gathering, pushed))
        })?;
        *state = match &pushed {
            Ok(()) => State::Gathering(gathering),
            Err(error) => State::Failed(error.clone()),
        };
        pushed
    }

    /// What has come so far. Unless it is put back, nothing more is accepted.
    fn take(&self, state: &mut State) -> Result<Box<Gathering>> {
        if self.abort.is_aborted() {
            *state = State::Closed;
            return Err(cancelled());
        }
        match std::mem::replace(state, State::Closed) {
            State::Gathering(gathering) => Ok(gathering),
            State::Failed(error) => {
                *state = State::Failed(error.clone());
                Err(error)
            }
            State::Closed => Err(Error::invalid_state("the upsert is finished")),
        }
    }

    /// Merge what has come, and commit that.
    pub fn finish(&self) -> Result<(Opened, MergeInsertResult)> {
        self.end(run)
    }

    /// Merge what has come, and leave the commit to a transaction.
    pub fn finish_uncommitted(&self) -> Result<(Pending, MergeInsertResult)> {
        self.end(prepare)
    }

    /// Merge what has come, and tell what that took. Nothing is left of it.
    pub fn analyze(&self) -> Result<String> {
        self.end(analyze)
    }

    /// Let something else than [Self::cancel] end the call that finishes.
    pub fn stop_by(&self, stop: AbortRegistration) {
        *lock(&self.stop) = Some(stop);
    }

    fn end<T, W>(
        &self,
        work: impl FnOnce(Arc<Opened>, Arc<Plan>, Gathered) -> W + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        refuse_runtime_thread()?;
        let gathering = self.take(&mut lock(&self.state))?;
        let stop = lock(&self.stop).take();
        let stop = stop.ok_or_else(|| Error::invalid_state("the upsert is finished"))?;
        let (opened, plan) = (self.opened.clone(), self.plan.clone());
        let outcome = block_on(async move {
            let working = async move { work(opened, plan, gathering.finish().await?).await };
            let done = Abortable::new(working, stop).await;
            done.unwrap_or_else(|Aborted| Err(cancelled()))
        });
        self.live.wait_until_none();
        outcome
    }

    /// Make the call that is on its way return.
    pub fn cancel(&self) {
        self.abort.abort();
    }

    /// Give up. What has come is released now, or when the call that is on its way has ended.
    pub fn abort(&self) -> Result<()> {
        self.cancel();
        refuse_runtime_thread()?;
        let given_up = std::mem::replace(&mut *lock(&self.state), State::Closed);
        drop(given_up);
        self.live.wait_until_none();
        Ok(())
    }
}
