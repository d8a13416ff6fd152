//! Errors as they cross the boundary.

use std::ffi::{CString, c_char};

use lance_engine::error::{Error, code};

use crate::plain::free_plain;

/// A value of the header's status enum.
pub type LanceStatusCode = i32;

/// An error that is the caller's: a code, one line of text, and where it happened.
#[derive(Debug, Clone)]
pub struct LanceError {
    pub code: LanceStatusCode,
    pub message: CString,
    pub detail: CString,
}

impl From<Error> for LanceError {
    fn from(error: Error) -> Self {
        // Never fails: NUL is escaped.
        let text = |text: &str| CString::new(text).unwrap_or_default();
        Self {
            code: error.code(),
            message: text(error.message()),
            detail: text(error.detail()),
        }
    }
}

/// # Safety
/// `error` is NULL or a live error of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_error_code(error: *const LanceError) -> LanceStatusCode {
    // SAFETY: NULL or live by this function's contract; borrowed for the call.
    unsafe { error.as_ref() }.map_or(code::OK, |error| error.code)
}

/// # Safety
/// `error` is NULL or a live error of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_error_message(error: *const LanceError) -> *const c_char {
    // SAFETY: as above; the text lives as long as the error.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// # Safety
/// `error` is NULL or a live error of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_error_detail(error: *const LanceError) -> *const c_char {
    // SAFETY: as above; the text lives as long as the error.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.detail.as_ptr())
}

/// # Safety
/// `error` is NULL or an error this library gave away and that was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_error_free(error: *mut LanceError) {
    // SAFETY: the caller owns the error and gives it back.
    unsafe { free_plain(error) }
}

/// The name of a status code; "UNKNOWN" for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn lance_status_name(status: LanceStatusCode) -> *const c_char {
    code::name(status).as_ptr()
}
