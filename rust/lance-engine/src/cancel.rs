//! Calls that end when they are cancelled, but not while a version is being made: whoever cancels a change is told that it was
//! made, or nothing of it is left.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{AbortHandle, abortable};

use crate::error::Result;
use crate::operation::cancelled;
use crate::sync::lock;
use crate::write::written_files::{Landing, WrittenFiles};

/// The files of the change that a call is at.
type UnderWay = Arc<Mutex<Option<Arc<WrittenFiles>>>>;

tokio::task_local! {
    static CALL: UnderWay;
}

/// This call, if it is one that can be cancelled, makes a version of these files.
pub fn enter(files: &Arc<WrittenFiles>) {
    // Others are not cancelled.
    let _ = CALL.try_with(|call| *lock(call) = Some(files.clone()));
}

/// The work, and what cancels it: it is dropped, unless a version that it makes is or may be there. Then it goes to its end, or
/// to the next change.
pub fn cancellable<T>(
    work: impl Future<Output = Result<T>>,
) -> (AbortHandle, impl Future<Output = Result<T>>) {
    let (asked, cancel) = abortable(pending::<()>());
    let work = async move {
        let call = UnderWay::default();
        let mut asked = pin!(asked);
        let mut work = pin!(CALL.scope(call.clone(), work));
        let mut ends =
            |context: &mut Context| asked.poll_unpin(context).is_ready() && may_stop(&call);
        poll_fn(|context| {
            if ends(context) {
                return Poll::Ready(Err(cancelled()));
            }
            match work.as_mut().poll(context) {
                // Its version may be settled now, or this poll took long.
                Poll::Pending if ends(context) => Poll::Ready(Err(cancelled())),
                outcome => outcome,
            }
        })
        .await
    };
    (cancel, work)
}

/// From here on, no version is made.
fn may_stop(call: &UnderWay) -> bool {
    match &*lock(call) {
        Some(files) => files.close() == Landing::None,
        None => true,
    }
}
