//! Batches of the caller's, pulled on a thread of their own: what the caller does there may wait, also for this library.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::Stream;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::block_in_place;

use crate::error::{Error, Result, code};
use crate::panics::contain;

/// One batch waits here while the next is made.
const BATCHES_AHEAD: usize = 1;

/// Where batches come from. All of its functions may block.
pub trait BatchSource: Send + 'static {
    fn schema(&mut self) -> Result<SchemaRef>;
    /// The next one, or None at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>>;
}

/// Batches on their way. Dropped, it waits until the source is dropped.
pub struct Incoming {
    pub schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch>>,
    _thread: Joined,
}

impl Incoming {
    pub async fn start(source: impl BatchSource) -> Result<Self> {
        let (tell, told) = oneshot::channel();
        let (send, batches) = mpsc::channel(BATCHES_AHEAD);
        let pull = move || pull(source, tell, &send);
        let thread = thread::Builder::new().name("lance-incoming".to_string());
        let thread = Joined(Some(thread.spawn(pull)?));
        let lost = |_| Error::new(code::INTERNAL, "the stream's thread has ended");
        Ok(Self {
            schema: told.await.map_err(lost)??,
            batches,
            _thread: thread,
        })
    }
}

fn pull(
    mut source: impl BatchSource,
    tell: oneshot::Sender<Result<SchemaRef>>,
    send: &mpsc::Sender<Result<RecordBatch>>,
) {
    let schema = contain(|| source.schema());
    let failed = schema.is_err();
    // Nobody listens any more when a send fails.
    if tell.send(schema).is_err() || failed {
        return;
    }
    while let Some(batch) = contain(|| source.next()).transpose() {
        let failed = batch.is_err();
        if send.blocking_send(batch).is_err() || failed {
            return;
        }
    }
}

impl Stream for Incoming {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_recv(context)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.batches.close();
    }
}

struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        let Some(thread) = self.0.take() else {
            return;
        };
        // It contains its panics.
        let join = || drop(thread.join());
        match Handle::try_current() {
            Ok(_) => block_in_place(join),
            Err(_) => join(),
        }
    }
}
