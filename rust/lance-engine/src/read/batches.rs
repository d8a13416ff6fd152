//! Batches that are decoded ahead on the runtime, for whoever waits for them, and however.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::channel::mpsc;
use futures::future::{AbortHandle, abortable};
use futures::stream::BoxStream;
use futures::{SinkExt, Stream, StreamExt};

use crate::error::{Error, Result, code};
use crate::operation::cancelled;
use crate::sync::{Mutex, lock};
use crate::{process, runtime, threads};

/// One batch waits here while the next is decoded; the engine reads further ahead by itself.
const BATCHES_AHEAD: usize = 1;

/// What a query yields, and what is called when all of it was read.
pub struct Yield {
    batches: BoxStream<'static, Result<RecordBatch>>,
    at_end: Option<AtEnd>,
}

/// A function of the caller's.
pub type AtEnd = Box<dyn FnOnce() + Send>;

impl Yield {
    /// For a reader that is part of the library, and is not told of the end.
    pub fn into_stream(self) -> BoxStream<'static, Result<RecordBatch>> {
        self.batches
    }

    /// Call this when all was read, before the reader is told: in a call of the reader's, so that nothing of it is used
    /// when no such call is under way.
    pub fn calling(self, at_end: AtEnd) -> Self {
        Self {
            at_end: Some(at_end),
            ..self
        }
    }
}

impl<S: Stream<Item = Result<RecordBatch>> + Send + 'static> From<S> for Yield {
    fn from(batches: S) -> Self {
        Self {
            batches: batches.boxed(),
            at_end: None,
        }
    }
}

/// A query under way. It ends after its first error; dropped, it ends wherever it is.
pub struct Batches {
    pub schema: SchemaRef,
    ahead: Mutex<Option<mpsc::Receiver<Result<RecordBatch>>>>,
    at_end: Mutex<Option<AtEnd>>,
    query: AbortHandle,
    cancelled: AtomicBool,
    /// The query has ended by itself.
    is_complete: Arc<AtomicBool>,
}

impl Batches {
    /// Drive `batches`, which have this schema, on the runtime.
    pub fn start(schema: SchemaRef, batches: impl Into<Yield>) -> Result<Self> {
        let Yield {
            mut batches,
            at_end,
        } = batches.into();
        let (mut send, receive) = mpsc::channel(BATCHES_AHEAD);
        let mut failures = send.clone();
        let is_complete = Arc::new(AtomicBool::new(false));
        let completed = is_complete.clone();
        let (drive, query) = abortable(async move {
            while let Some(batch) = batches.next().await {
                let failed = batch.is_err();
                // The receiver is gone when nobody wants more.
                if send.send(batch).await.is_err() || failed {
                    return;
                }
            }
            completed.store(true, Ordering::Release);
        });
        runtime::spawn(
            async move {
                // Aborted when it is dropped or cancelled.
                let _ = drive.await;
                runtime::forget_unused_stores();
                Ok(())
            },
            move |outcome| {
                if let Err(panic) = outcome {
                    // A full channel has room for one message of each sender.
                    let _ = failures.try_send(Err(panic));
                }
            },
        )?;
        Ok(Self {
            schema,
            ahead: Mutex::new(Some(receive)),
            at_end: Mutex::new(at_end),
            query,
            cancelled: AtomicBool::new(false),
            is_complete,
        })
    }

    /// The next batch; None after the last, and after an error.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Option<RecordBatch>>> {
        let mut ahead = lock(&self.ahead);
        let Some(batches) = ahead.as_mut() else {
            return Poll::Ready(Ok(None));
        };
        let next = ready!(batches.poll_next_unpin(context));
        let next = match next {
            // It was at its end before.
            None if self.is_complete.load(Ordering::Acquire) => Ok(None),
            // Whatever waits here.
            Some(Ok(_)) | None if self.cancelled.load(Ordering::Acquire) => Err(cancelled()),
            Some(Ok(batch)) => check_announced(&self.schema, &batch).map(|()| Some(batch)),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        };
        if !matches!(next, Ok(Some(_))) {
            self.end(ahead.take());
        }
        drop(ahead);
        if matches!(next, Ok(None)) && self.is_complete.load(Ordering::Acquire) {
            self.tell_end();
        }
        Poll::Ready(next)
    }

    fn tell_end(&self) {
        let at_end = lock(&self.at_end).take();
        if let Some(at_end) = at_end {
            threads::enter_callback();
            at_end();
            threads::leave_callback();
        }
    }

    /// End the query, from whichever thread: whoever waits is told.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.query.abort();
    }

    /// End the query, and forget what it yielded.
    fn end(&self, batches: Option<mpsc::Receiver<Result<RecordBatch>>>) {
        if process::refuse_forked_child().is_err() {
            std::mem::forget(batches);
            return;
        }
        self.query.abort();
        // There is nobody to report a panic to.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(batches)));
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        let ahead = self.ahead.get_mut();
        let batches = ahead.unwrap_or_else(PoisonError::into_inner).take();
        self.end(batches);
    }
}

/// Whoever reads the stream trusts its schema; a batch of another one would be read as foreign memory.
fn check_announced(schema: &SchemaRef, batch: &RecordBatch) -> Result<()> {
    let (announced, given) = (schema.fields(), batch.schema_ref().fields());
    if Arc::ptr_eq(schema, batch.schema_ref()) {
        return Ok(());
    }
    if announced.len() != given.len() {
        return Err(Error::new(
            code::INTERNAL,
            format!(
                "a batch has {} columns, but the stream announced {}",
                given.len(),
                announced.len()
            ),
        ));
    }
    let mut pairs = announced.iter().zip(given);
    match pairs.find(|(a, g)| !a.data_type().equals_datatype(g.data_type())) {
        Some((announced, given)) => Err(Error::new(
            code::INTERNAL,
            format!(
                "column {:?} of a batch is {}, but the stream announced {}",
                announced.name(),
                given.data_type(),
                announced.data_type()
            ),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use futures::executor::block_on;
    use futures::future::poll_fn;
    use futures::stream;

    use super::*;

    fn batch(column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter([("x", column)]).expect("a batch")
    }

    fn numbers() -> RecordBatch {
        batch(Arc::new(Int32Array::from(vec![1, 2])))
    }

    fn next(batches: &Batches) -> Result<Option<RecordBatch>> {
        block_on(poll_fn(|context| batches.poll(context)))
    }

    #[test]
    fn a_batch_of_another_type_is_an_error_and_the_end() {
        let text = batch(Arc::new(StringArray::from(vec!["a", "b"])));
        let given = stream::iter([Ok(numbers()), Ok(text), Ok(numbers())]);
        let batches = Batches::start(numbers().schema(), given).expect("batches");
        assert_eq!(next(&batches).expect("a batch"), Some(numbers()));
        let error = next(&batches).expect_err("an error");
        assert_eq!(error.code(), code::INTERNAL);
        assert!(error.message().contains("Utf8"), "{error}");
        assert_eq!(next(&batches).expect("the end"), None);
    }

    #[test]
    fn names_inside_a_type_and_metadata_may_differ() {
        let field = Field::new("x", DataType::Int32, true)
            .with_metadata([("k".to_string(), "v".to_string())].into());
        let schema = Arc::new(Schema::new(vec![field]));
        assert!(check_announced(&schema, &numbers()).is_ok());
        assert!(check_announced(&Arc::new(Schema::empty()), &numbers()).is_err());
    }

    #[test]
    fn the_end_is_told_once_and_only_when_it_is_reached() {
        let (send, told) = std::sync::mpsc::channel();
        let telling = |given: Vec<Result<RecordBatch>>| {
            let send = send.clone();
            let yielded = Yield::from(stream::iter(given));
            let yielded = yielded.calling(Box::new(move || send.send(()).expect("a test")));
            Batches::start(numbers().schema(), yielded).expect("batches")
        };
        let whole = telling(vec![Ok(numbers())]);
        assert!(next(&whole).expect("a batch").is_some());
        assert_eq!(told.try_iter().count(), 0);
        for _ in 0..2 {
            assert_eq!(next(&whole).expect("the end"), None);
        }
        assert_eq!(told.try_iter().count(), 1);
        let failing = telling(vec![Err(Error::new(code::IO, "no disk"))]);
        assert!(next(&failing).is_err());
        assert_eq!(next(&failing).expect("the end"), None);
        drop(telling(vec![Ok(numbers())]));
        assert_eq!(told.try_iter().count(), 0);
    }

    /// Tells when it is dropped.
    struct Witness(Arc<AtomicBool>);

    impl Drop for Witness {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    /// Batches that never come, and whether their query is gone.
    fn waiting() -> (Batches, Arc<AtomicBool>) {
        let dropped = Arc::new(AtomicBool::new(false));
        let witness = Witness(dropped.clone());
        let never = stream::once(async move {
            let _witness = witness;
            std::future::pending().await
        });
        (
            Batches::start(numbers().schema(), never).expect("batches"),
            dropped,
        )
    }

    fn wait_for(dropped: &AtomicBool) {
        while !dropped.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn dropped_batches_end_their_query_even_while_that_waits() {
        let (batches, dropped) = waiting();
        drop(batches);
        wait_for(&dropped);
    }

    #[test]
    fn whoever_waits_for_cancelled_batches_is_told() {
        let (batches, dropped) = waiting();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| next(&batches));
            batches.cancel();
            let error = waiter.join().expect("no panic").expect_err("an error");
            assert_eq!(error.code(), code::CANCELLED);
        });
        wait_for(&dropped);
        assert_eq!(next(&batches).expect("the end"), None);
    }
}
