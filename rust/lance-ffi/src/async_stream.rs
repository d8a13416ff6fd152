//! Scans that are pushed to a consumer: Arrow's asynchronous device stream.
//!
//! A task on the runtime makes all calls of the consumer, one after the other. The consumer asks for batches and cancels
//! from any thread, also inside these calls, which only leaves a note for the task and wakes it.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::future::poll_fn;
use std::mem::ManuallyDrop;
use std::ptr::{null, without_provenance_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Poll, Waker};

use arrow::array::RecordBatch;
use futures::future::{AbortHandle, Abortable, Aborted};
use lance_engine::error::code;
use lance_engine::operation::{Operation, cancelled};
use lance_engine::panics::{contain, contained};
use lance_engine::read::{Batches, Query};
use lance_engine::sync::{Mutex, lock};
use lance_engine::{Error, Result, fault, process, runtime};

use crate::arrow::{
    ArrowAsyncDeviceStreamHandler, ArrowAsyncProducer, ArrowAsyncTask, ArrowDeviceArray, Consumer,
    DEVICE_CPU, export_array, export_schema,
};
use crate::error::LanceError;
use crate::guard::guard;
use crate::operation::Entered;
use crate::scanner::{self, LanceScanner};
use crate::stream::errno;

/// A stream that is pushed. Dropping it tells its outcome and releases the handler.
struct Pushed {
    consumer: Consumer,
    /// An end without an error was told, or is not to be.
    outcome: Result<()>,
    /// Dropped after the consumer, which is connected with it.
    producer: Arc<Producer>,
}

impl Pushed {
    /// # Safety
    /// As for `Consumer::take`.
    unsafe fn new(handler: *mut ArrowAsyncDeviceStreamHandler) -> Result<Self> {
        // SAFETY: forwarded contract.
        let mut consumer = unsafe { Consumer::take(handler) }?;
        let producer = Producer::new();
        // SAFETY: the producer is dropped after the consumer.
        unsafe { consumer.connect(&producer.c) };
        Ok(Self {
            consumer,
            outcome: Err(Error::new(
                code::CANCELLED,
                "the scan did not begin: the call that was given this handler says why",
            )),
            producer,
        })
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        if let Err(error) = std::mem::replace(&mut self.outcome, Ok(())) {
            let number = errno(error.code());
            let name = code::name(error.code());
            let error = LanceError::from(error);
            let metadata = [(c"lance:code", name), (c"lance:detail", &*error.detail)];
            self.consumer.tell_error(number, &error.message, &metadata);
        }
    }
}

/// What a consumer has asked for.
struct Producer {
    c: ArrowAsyncProducer,
    asked: Mutex<Asked>,
    /// Set when the work begins.
    work: OnceLock<AbortHandle>,
}

#[derive(Default)]
struct Asked {
    batches: u64,
    /// Why the stream is to end early.
    stop: Option<Stop>,
    /// The task, while it waits for more to be asked.
    waiting: Option<Waker>,
}

enum Stop {
    /// The consumer wants nothing more, and knows it.
    Silent,
    Failed(Error),
}

impl Producer {
    fn new() -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            c: ArrowAsyncProducer {
                device_type: DEVICE_CPU,
                reserved: 0,
                request: Some(request),
                cancel: Some(cancel),
                additional_metadata: null(),
                private_data: this.as_ptr().cast_mut().cast(),
            },
            asked: Mutex::default(),
            work: OnceLock::new(),
        })
    }

    /// The consumer asks for more batches.
    fn request(&self, count: i64) {
        let count = match u64::try_from(count) {
            Ok(count) if count > 0 => count,
            _ => {
                return self.stop(Stop::Failed(Error::invalid_argument(format!(
                    "a consumer has to request at least 1 batch, and requested {count}"
                ))));
            }
        };
        let mut asked = lock(&self.asked);
        asked.batches = asked.batches.saturating_add(count);
        let waiting = asked.waiting.take();
        drop(asked);
        if let Some(task) = waiting {
            task.wake();
        }
    }

    /// End the stream soon. The first reason counts.
    fn stop(&self, why: Stop) {
        lock(&self.asked).stop.get_or_insert(why);
        if let Some(work) = self.work.get() {
            work.abort();
        }
    }

    /// Fail if the stream is to end early.
    fn goes_on(&self) -> Result<()> {
        match lock(&self.asked).stop {
            Some(_) => Err(cancelled()),
            None => Ok(()),
        }
    }

    /// Wait until a batch is asked for.
    async fn requested(&self) -> Result<()> {
        poll_fn(|context| {
            let mut asked = lock(&self.asked);
            if asked.stop.is_some() {
                return Poll::Ready(Err(cancelled()));
            }
            if asked.batches > 0 {
                return Poll::Ready(Ok(()));
            }
            asked.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// What there is to tell of the end of the work.
    fn outcome(&self, work: Result<()>) -> Result<()> {
        match (work, lock(&self.asked).stop.take()) {
            (Ok(()), _) | (Err(_), Some(Stop::Silent)) => Ok(()),
            (Err(_), Some(Stop::Failed(error))) | (Err(error), None) => Err(error),
        }
    }

    /// The producer behind a struct of ours, which the consumer's handler is connected with.
    ///
    /// # Safety
    /// `producer` is NULL, or of a handler whose release has not returned.
    unsafe fn of(producer: *const ArrowAsyncProducer) -> Option<Arc<Self>> {
        process::refuse_forked_child().ok()?;
        // SAFETY: by this function's contract.
        let this = unsafe { producer.as_ref() }?.private_data.cast::<Self>();
        // SAFETY: `new` put it there; it lives now, and from here on as long as this call.
        unsafe {
            Arc::increment_strong_count(this);
            Some(Arc::from_raw(this))
        }
    }
}

/// # Safety
/// As for `Producer::of`.
unsafe extern "C" fn request(producer: *mut ArrowAsyncProducer, count: i64) {
    // SAFETY: forwarded contract.
    if let Some(producer) = unsafe { Producer::of(producer) } {
        producer.request(count);
    }
}

/// # Safety
/// As for `Producer::of`.
unsafe extern "C" fn cancel(producer: *mut ArrowAsyncProducer) {
    // SAFETY: forwarded contract.
    if let Some(producer) = unsafe { Producer::of(producer) } {
        producer.stop(Stop::Silent);
    }
}

/// Batches that consumers have not taken out of their tasks yet. A task has a key, and no pointer: consumers copy tasks, and
/// may have taken one out when they refuse it, or come back to it later.
static WAITING: Mutex<BTreeMap<usize, Waiting>> = Mutex::new(BTreeMap::new());
static NEXT_KEY: AtomicUsize = AtomicUsize::new(1);

struct Waiting {
    batch: RecordBatch,
    /// Consumers may ask for more before they take out the last.
    producer: Arc<Producer>,
}

/// Give a batch away. False if the consumer wants nothing more.
fn give(consumer: &mut Consumer, producer: &Arc<Producer>, batch: RecordBatch) -> bool {
    lock(&producer.asked).batches -= 1;
    let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
    let waiting = Waiting {
        batch,
        producer: producer.clone(),
    };
    lock(&WAITING).insert(key, waiting);
    let goes_on = consumer.give_task(Some(ArrowAsyncTask {
        extract_data: Some(extract_data),
        private_data: without_provenance_mut(key),
    }));
    if !goes_on {
        let refused = lock(&WAITING).remove(&key);
        drop(refused);
    }
    goes_on
}

/// # Safety
/// `task` points to a task of `give`; `out` is NULL, which throws the batch away, or valid for writing.
unsafe extern "C" fn extract_data(task: *mut ArrowAsyncTask, out: *mut ArrowDeviceArray) -> c_int {
    if process::refuse_forked_child().is_err() {
        return libc::EINVAL;
    }
    // SAFETY: by this function's contract.
    let key = unsafe { (*task).private_data }.addr();
    let Some(Waiting { batch, producer }) = lock(&WAITING).remove(&key) else {
        return libc::EINVAL;
    };
    let exported = contain(|| {
        fault::point()?;
        Ok(ArrowDeviceArray::from(export_array(batch)))
    });
    match exported {
        Ok(array) if out.is_null() => drop(array),
        // SAFETY: by this function's contract; the array becomes the caller's.
        Ok(array) => unsafe { out.write(array) },
        Err(error) => {
            let number = errno(error.code());
            producer.stop(Stop::Failed(error));
            return number;
        }
    }
    0
}

/// Call the consumer, unless the process is too far gone for that. It fails if nothing more is wanted.
fn tell(operation: &Operation, producer: &Producer, callback: impl FnOnce() -> bool) -> Result<()> {
    match operation.tell(callback) {
        // It may have cancelled, or failed to take out its batch.
        Some(true) => producer.goes_on(),
        Some(false) => {
            // Whatever else there was to say.
            lock(&producer.asked).stop = Some(Stop::Silent);
            Err(cancelled())
        }
        None => Err(cancelled()),
    }
}

/// Run a scan, and push what it yields. The next batch is at hand before it is asked for, so that the end is told with the
/// last one; but nothing is read before the first is asked for.
async fn push(
    consumer: &mut Consumer,
    producer: &Arc<Producer>,
    operation: &Operation,
    query: Arc<Query>,
) -> Result<()> {
    let (schema, batches) = scanner::to_stream(query).await?;
    let announced = export_schema(&schema)?;
    tell(operation, producer, || consumer.give_schema(announced))?;
    producer.requested().await?;
    let batches = Batches::start(schema, batches)?;
    while let Some(batch) = poll_fn(|context| batches.poll(context)).await? {
        producer.requested().await?;
        tell(operation, producer, || give(consumer, producer, batch))?;
    }
    producer.goes_on()?;
    // Nothing follows the end, whatever the consumer says to it.
    let _ = tell(operation, producer, || consumer.give_task(None));
    Ok(())
}

fn start(mut pushed: Pushed, query: Arc<Query>) -> Result<()> {
    let (abort, registration) = AbortHandle::new_pair();
    let at_exit = abort.clone();
    let entered = Entered::new(move || at_exit.abort())?;
    let producer = pushed.producer.clone();
    // It is the first one.
    let _ = producer.work.set(abort);
    let work = async move {
        let operation = entered.operation();
        let pushing = push(&mut pushed.consumer, &producer, operation, query);
        let outcome = Abortable::new(contained(pushing), registration).await;
        pushed.outcome = producer.outcome(outcome.unwrap_or_else(|Aborted| Err(cancelled())));
        // When the process is too far gone to be told, nothing may be released.
        let pushed = ManuallyDrop::new(pushed);
        operation.end(|| drop(ManuallyDrop::into_inner(pushed)));
        Ok(())
    };
    runtime::spawn(work, |_| ())
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_scanner_to_async_device_stream(
    scanner: *const LanceScanner,
    handler: *mut ArrowAsyncDeviceStreamHandler,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract; taken before anything can fail.
    let pushed = unsafe { Pushed::new(handler) };
    guard(error, move || {
        let pushed = pushed?;
        // SAFETY: by this function's contract.
        let scanner = unsafe { LanceScanner::get(scanner, "scanner") }?;
        scanner.read(|query| start(pushed, query))
    })
}
