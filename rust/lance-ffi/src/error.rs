//! Errors: the frozen code table, and what crosses the boundary. `engine_error` maps the engine's to it.

use std::any::Any;
use std::error::Error as StdError;
use std::ffi::{CStr, CString, c_char};
use std::fmt;

use lance_core::is_system_column;
use lance_core::levenshtein::levenshtein_distance;

use crate::engine_text::clean;
use crate::handle;
use crate::redact::redact;
use crate::text::one_line;

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

/// How many names are suggested in place of one that does not exist.
const NEAREST: usize = 3;
/// Of longer names only the beginning is compared.
const COMPARED: usize = 64;

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
        let mut message = c_text(&clean(&redact(message)));
        if message.is_empty() {
            // A caller's own stream may fail without a text.
            message = status_name(code).into();
        }
        Self {
            code,
            message,
            detail: c_text(detail),
        }
    }

    /// There is no column of this name; `columns` are those there are, nested ones as `a.b`.
    pub fn no_such_column<T: AsRef<str>>(name: &str, columns: impl IntoIterator<Item = T>) -> Self {
        let nearest = nearest_names(name, columns);
        let hint = match nearest.as_slice() {
            [] => String::new(),
            [one] => format!("; the nearest name is {one:?}"),
            several => format!("; the nearest names are {}", quoted_list(several)),
        };
        Self::new(
            code::FIELD_NOT_FOUND,
            format!("there is no column {name:?}{hint}"),
        )
    }

    /// The same error, and where it happened, unless that is known better already.
    pub fn located(self, detail: &str) -> Self {
        match self.detail.is_empty() {
            true => Self {
                detail: c_text(detail),
                ..self
            },
            false => self,
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

    pub fn detail(&self) -> &str {
        self.detail.to_str().unwrap_or_default()
    }

    /// Put `context` before the message, keeping the code.
    pub fn context(self, context: &str) -> Self {
        Self {
            message: c_text(&format!("{context}: {}", self.message())),
            ..self
        }
    }

    /// The same failure under another code.
    pub fn with_code(self, code: LanceStatusCode) -> Self {
        Self { code, ..self }
    }
}

impl fmt::Display for LanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl StdError for LanceError {}

fn c_text(text: &str) -> CString {
    // Never fails: NUL is escaped.
    CString::new(one_line(text)).unwrap_or_default()
}

/// The names most like `name`, the likest first.
fn nearest_names<T: AsRef<str>>(name: &str, columns: impl IntoIterator<Item = T>) -> Vec<String> {
    let comparable = |text: &str| {
        let beginning: String = text.chars().take(COMPARED).collect();
        beginning.to_lowercase()
    };
    let wanted = comparable(name);
    let mut names: Vec<_> = columns
        .into_iter()
        .filter(|column| !is_system_column(column.as_ref()))
        .map(|column| {
            let distance = levenshtein_distance(&wanted, &comparable(column.as_ref()));
            (distance, column.as_ref().to_string())
        })
        .collect();
    names.sort_by_key(|(distance, _)| *distance);
    names
        .into_iter()
        .take(NEAREST)
        .map(|(_, name)| name)
        .collect()
}

fn quoted_list(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
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
        let error = LanceError::new(code::IO, "first\n  second\0third\r\n").context("a\x1bb");
        assert_eq!(error.message(), r"a\u{1b}b: first second\u{0}third");
    }

    #[test]
    fn machinery_that_a_message_quotes_is_left_out() {
        let quoted = arrow::error::ArrowError::CDataInterface("no children".to_string());
        let error = LanceError::new(code::IO, format!("cannot read it: {quoted}"));
        assert_eq!(error.message(), "cannot read it: no children");
    }

    #[test]
    fn a_missing_column_comes_with_the_nearest_names() {
        let columns = ["_rowid", "id", "Name", "s", "s.a", "value"];
        let error = LanceError::no_such_column("nme", columns);
        assert_eq!(error.code(), code::FIELD_NOT_FOUND);
        assert_eq!(
            error.message(),
            r#"there is no column "nme"; the nearest names are "Name", "id", "s""#
        );
        let alone = LanceError::no_such_column("x\u{202e}\n", ["y"]);
        assert_eq!(
            alone.message(),
            r#"there is no column "x\u{202e}\n"; the nearest name is "y""#
        );
    }

    #[test]
    fn a_name_of_any_length_is_compared_and_shown() {
        let error = LanceError::no_such_column(&"x".repeat(200_000), ["y".repeat(200_000)]);
        assert!(error.message().chars().count() < 500);
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
