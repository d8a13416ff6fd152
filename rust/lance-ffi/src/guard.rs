//! The guard round every exported function: panics become errors, errors become codes.

use lance_engine::error::code;
use lance_engine::panics::contain;
use lance_engine::{Result, fault, process};

use crate::error::{LanceError, LanceStatusCode};
use crate::plain::into_plain;

/// The frame of an exported function: refuse a forked child, run `body`, hand its error out.
///
/// Consumed arguments are moved into `body`, so they are released whichever way this returns.
pub fn guard(error: *mut *mut LanceError, body: impl FnOnce() -> Result<()>) -> LanceStatusCode {
    let outcome = contain(|| {
        process::refuse_forked_child()?;
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
                unsafe { error.write(into_plain(failure.into())) };
            }
            status
        }
    }
}
