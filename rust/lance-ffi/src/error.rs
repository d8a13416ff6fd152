//! Errors: the frozen code table, and what crosses the boundary. `engine_error` maps the engine's to it.

use std::any::Any;
use std::error::Error as StdError;
use std::ffi::{CStr, CString, c_char};
use std::fmt;

use crate::handle;
use crate::redact::redact;

/// A value of the header's status enum.
pub type LanceStatusCode = i32;

/// What every fallible function inside this crate returns.
pub type Result<T> = std::result::Result<T, LanceError>;

macro_rules! status_codes {
    ($($name:ident = $value:literal),+ $(,)?) => {
        /// The status codes of the header. Values are frozen.
        pub mod code {
            use super::LanceStatusCode;
            $(pub const $name: LanceStatusCode = $value;)+
        }

        fn status_name(status: LanceStatusCode) -> &'static CStr {
            match status {
                $(code::$name => {
                    const NAME: &CStr = match CStr::from_bytes_with_nul(
                        concat!(stringify!($name), "\0").as_bytes(),
                    ) {
                        Ok(name) => name,
                        Err(_) => unreachable!(),
                    };
                    NAME
                })+
                _ => c"UNKNOWN",
            }
        }
    };
}

status_codes! {
    OK = 0,
    INVALID_ARGUMENT = 1,
    INVALID_STATE = 2,
    NOT_FOUND = 3,
    DATASET_NOT_FOUND = 4,
    VERSION_NOT_FOUND = 5,
    REF_NOT_FOUND = 6,
    FIELD_NOT_FOUND = 7,
    INDEX_NOT_FOUND = 8,
    ALREADY_EXISTS = 9,
    SCHEMA_MISMATCH = 10,
    COMMIT_CONFLICT = 11,
    COMMIT_CONFLICT_RETRYABLE = 12,
    INCOMPATIBLE_TRANSACTION = 13,
    CONTENTION = 14,
    COMMIT_STATUS_UNKNOWN = 15,
    TIMEOUT = 16,
    FAILED_PRECONDITION = 17,
    NOT_SUPPORTED = 18,
    IO = 19,
    CORRUPT = 20,
    ARROW = 21,
    EXECUTION = 22,
    INDEX = 23,
    NAMESPACE = 24,
    RESOURCE_EXHAUSTED = 25,
    FENCED = 26,
    CANCELLED = 27,
    CALLBACK = 28,
    FORKED = 29,
    PANIC = 30,
    INTERNAL = 31,
}

/// An error as it crosses the boundary: a code, one line of text, and where it happened.
#[derive(Debug, Clone)]
pub struct LanceError {
    code: LanceStatusCode,
    message: CString,
    detail: CString,
}

impl LanceError {
    /// An error of this crate's own.
    pub fn new(code: LanceStatusCode, message: impl AsRef<str>) -> Self {
        Self::with_detail(code, message.as_ref(), "")
    }

    pub fn invalid_argument(message: impl AsRef<str>) -> Self {
        Self::new(code::INVALID_ARGUMENT, message)
    }

    pub fn invalid_state(message: impl AsRef<str>) -> Self {
        Self::new(code::INVALID_STATE, message)
    }

    /// `detail` says where in the engine it happened, or is empty.
    pub fn with_detail(code: LanceStatusCode, message: &str, detail: &str) -> Self {
        let mut message = one_line(&redact(message));
        if message.is_empty() {
            // A caller's own stream may fail without a text.
            message = status_name(code).into();
        }
        Self {
            code,
            message,
            detail: one_line(detail),
        }
    }

    /// The error a contained panic becomes. `payload` may already be one, made on another thread.
    pub fn from_panic(payload: Box<dyn Any + Send>, location: Option<String>) -> Self {
        let payload = match payload.downcast::<Self>() {
            Ok(error) => return *error,
            Err(payload) => payload,
        };
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| text.to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown payload".to_string());
        Self::with_detail(
            code::PANIC,
            &format!("the engine panicked: {text}"),
            &location.unwrap_or_default(),
        )
    }

    pub fn code(&self) -> LanceStatusCode {
        self.code
    }

    pub fn message(&self) -> &str {
        self.message.to_str().unwrap_or_default()
    }

    /// Put `context` before the message, keeping the code.
    pub fn context(self, context: &str) -> Self {
        Self {
            message: one_line(&format!("{context}: {}", self.message())),
            ..self
        }
    }
}

impl fmt::Display for LanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl StdError for LanceError {}

/// Error texts may hold line breaks (SQL diagnostics), NUL bytes (user input), or what else a damaged file made
/// of a name; C callers get one line that a terminal can show.
fn one_line(text: &str) -> CString {
    let clean: String = text
        .split(char::is_control)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    CString::new(clean).unwrap_or_default()
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
    unsafe { handle::free_plain(error) }
}

/// The name of a status code; "UNKNOWN" for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn lance_status_name(status: LanceStatusCode) -> *const c_char {
    status_name(status).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_without_nul() {
        let error = LanceError::new(code::IO, "first\n  second\0third\r\n");
        assert_eq!(error.message(), "first second third");
    }

    #[test]
    fn a_panic_tells_no_password() {
        let payload = Box::new("cannot reach http://user:canary@host/bucket".to_string());
        let error = LanceError::from_panic(payload, None);
        assert_eq!(error.code(), code::PANIC);
        assert_eq!(
            error.message(),
            "the engine panicked: cannot reach http://***@host/bucket"
        );
    }

    #[test]
    fn an_error_without_a_text_says_what_kind_it_is() {
        assert_eq!(LanceError::new(code::CALLBACK, " \n").message(), "CALLBACK");
    }

    #[test]
    fn every_code_has_a_name_and_any_other_number_is_unknown() {
        let names = [code::OK, code::INTERNAL, 9999].map(status_name);
        assert_eq!(names, [c"OK", c"INTERNAL", c"UNKNOWN"]);
    }
}
