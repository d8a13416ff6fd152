//! The guard round every exported function: panics become errors, errors become codes.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{LanceError, LanceStatusCode, Result, code};
use crate::{fault, fork, handle};

thread_local! {
    static PANIC_LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keep panics silent and remember where they happened. The hook is this library's own: a cdylib carries
/// its own copy of std, so the host's hook is not touched.
fn install_hook() {
    // Not a lock: a process that is forked while another thread holds one would wait for ever.
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.swap(true, Ordering::Relaxed) {
        std::panic::set_hook(Box::new(|info| {
            let location = info.location().map(|l| l.to_string());
            // A thread that is being torn down has lost its thread-locals; then only the place is lost.
            let _ = PANIC_LOCATION.try_with(|slot| slot.replace(location));
        }));
    }
}

fn last_panic_location() -> Option<String> {
    PANIC_LOCATION.try_with(RefCell::take).ok().flatten()
}

/// Turn a panic's payload into an error, with the place it came from. Call it on the panicking thread.
pub fn panic_error(payload: Box<dyn Any + Send>) -> LanceError {
    LanceError::from_panic(payload, last_panic_location())
}

/// Run `body`; contain its panic.
pub fn contain<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    install_hook();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(panic_error(payload)))
}

/// The frame of an exported function: refuse a forked child, run `body`, hand its error out.
///
/// Consumed arguments are moved into `body`, so they are released whichever way this returns.
pub fn guard(error: *mut *mut LanceError, body: impl FnOnce() -> Result<()>) -> LanceStatusCode {
    let outcome = contain(|| {
        fork::refuse_forked_child()?;
        fault::point()?;
        body()
    });
    match outcome {
        Ok(()) => code::OK,
        Err(failure) => {
            let status = failure.code();
            if !error.is_null() {
                // SAFETY: `error` is a valid out pointer by the contract of every exported function; the
                // error becomes the caller's.
                unsafe { error.write(handle::into_plain(failure)) };
            }
            status
        }
    }
}
