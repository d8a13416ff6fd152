//! Errors: the frozen code table, and how the engine's errors map to it.

use std::any::Any;
use std::error::Error as StdError;
use std::ffi::{CStr, CString, c_char};
use std::fmt;

use arrow::error::ArrowError;

use crate::handle;

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

    fn with_detail(code: LanceStatusCode, message: &str, detail: &str) -> Self {
        Self {
            code,
            message: one_line(message),
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

/// Error texts may hold line breaks (SQL diagnostics) or NUL bytes (user input); C callers get one line.
fn one_line(text: &str) -> CString {
    let clean: String = text
        .split(['\n', '\r', '\0'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    CString::new(clean).unwrap_or_default()
}

/// Split off the `, <path>.rs:LINE:COLUMN` that the engine appends to its messages at every level.
fn split_locations(text: &str) -> (String, Vec<String>) {
    let mut message = String::with_capacity(text.len());
    let mut locations = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(".rs:") {
        let after = &rest[at + ".rs:".len()..];
        let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
        let line = digits(after);
        let column = match after[line..].strip_prefix(':') {
            Some(tail) => digits(tail),
            None => 0,
        };
        if line == 0 || column == 0 {
            message.push_str(&rest[..at + ".rs:".len()]);
            rest = after;
            continue;
        }
        let end = at + ".rs:".len() + line + 1 + column;
        let start = rest[..at].rfind([' ', ',']).map_or(0, |i| i + 1);
        let path = &rest[start..end];
        let crate_path = path
            .split("/registry/src/")
            .nth(1)
            .and_then(|p| p.split_once('/'));
        locations.push(crate_path.map_or(path, |(_, p)| p).to_string());
        let before = rest[..start].trim_end();
        let before = before
            .strip_suffix("location:")
            .unwrap_or(before)
            .trim_end();
        message.push_str(before.strip_suffix(',').unwrap_or(before));
        rest = &rest[end..];
    }
    message.push_str(rest);
    (message, locations)
}

impl From<lance_core::Error> for LanceError {
    fn from(error: lance_core::Error) -> Self {
        use lance_core::Error as E;

        if let E::External { source } = error {
            return match source.downcast::<LanceError>() {
                Ok(ours) => *ours,
                Err(source) => Self::with_detail(code::CALLBACK, &source.to_string(), ""),
            };
        }
        let root = error.find_root();
        if root.is_commit_status_unknown() {
            return Self::from_engine(code::COMMIT_STATUS_UNKNOWN, &root.to_string());
        }
        let (code, text) = match root {
            E::InvalidInput { source, .. } => (code::INVALID_ARGUMENT, source.to_string()),
            E::InvalidTableLocation { message } => (code::INVALID_ARGUMENT, message.clone()),
            E::InvalidRef { message } => (code::INVALID_ARGUMENT, message.clone()),
            E::DatasetAlreadyExists { uri, .. } => (
                code::ALREADY_EXISTS,
                format!("dataset already exists: {uri}"),
            ),
            E::SchemaMismatch { difference, .. } => (
                code::SCHEMA_MISMATCH,
                format!("the schema differs from the dataset's: {difference}"),
            ),
            E::Schema { message, .. } => (code::SCHEMA_MISMATCH, message.clone()),
            E::DatasetNotFound { path, .. } => (
                code::DATASET_NOT_FOUND,
                format!("dataset not found: {path}"),
            ),
            E::NotFound { uri, .. } => (code::NOT_FOUND, format!("not found: {uri}")),
            E::VersionNotFound { message } => (code::VERSION_NOT_FOUND, message.clone()),
            E::RefNotFound { message } => (code::REF_NOT_FOUND, message.clone()),
            E::FieldNotFound { source } => (code::FIELD_NOT_FOUND, source.to_string()),
            E::IndexNotFound { identity, .. } => (
                code::INDEX_NOT_FOUND,
                format!("index not found: {identity}"),
            ),
            E::CorruptFile { path, source, .. } => {
                (code::CORRUPT, format!("{path} is damaged: {source}"))
            }
            E::NotSupported { source, .. } => (code::NOT_SUPPORTED, source.to_string()),
            E::CommitConflict { .. } => (code::COMMIT_CONFLICT, root.to_string()),
            E::RetryableCommitConflict { .. } => {
                (code::COMMIT_CONFLICT_RETRYABLE, root.to_string())
            }
            E::IncompatibleTransaction { source, .. } => {
                (code::INCOMPATIBLE_TRANSACTION, source.to_string())
            }
            E::TooMuchWriteContention { message, .. } => (code::CONTENTION, message.clone()),
            E::Timeout { message, .. } => (code::TIMEOUT, message.clone()),
            E::RefConflict { message } | E::Cleanup { message } => {
                (code::FAILED_PRECONDITION, message.clone())
            }
            E::VersionConflict { message, .. }
            | E::PrerequisiteFailed { message, .. }
            | E::Unprocessable { message, .. } => (code::FAILED_PRECONDITION, message.clone()),
            E::IO { source, .. } => (code::IO, source.to_string()),
            E::Namespace { source, .. } => (code::NAMESPACE, source.to_string()),
            E::Arrow { message, .. } => (code::ARROW, message.clone()),
            E::Execution { message, .. } => (code::EXECUTION, message.clone()),
            E::Index { message, .. } => (code::INDEX, message.clone()),
            E::DiskCapExceeded { .. } | E::Backpressure { .. } => {
                (code::RESOURCE_EXHAUSTED, root.to_string())
            }
            E::Fenced { message, .. } => (code::FENCED, message.clone()),
            E::Wrapped { error, .. } => (code::INTERNAL, error.to_string()),
            E::Internal { message, .. } => (code::INTERNAL, message.clone()),
            _ => (code::INTERNAL, root.to_string()),
        };
        let mut converted = Self::from_engine(code, &text);
        if converted.detail.is_empty() {
            let (_, locations) = split_locations(&root.to_string());
            converted.detail = one_line(&locations.join(" <- "));
        }
        converted
    }
}

impl LanceError {
    fn from_engine(code: LanceStatusCode, text: &str) -> Self {
        let (message, locations) = split_locations(text);
        Self::with_detail(code, &message, &locations.join(" <- "))
    }
}

impl From<ArrowError> for LanceError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::ExternalError(_) => lance_core::Error::from(error).into(),
            other => Self::from_engine(code::ARROW, &other.to_string()),
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
    fn locations_are_moved_out_of_the_message() {
        let (message, locations) = split_locations(
            "a: not there, /c/registry/src/idx-1/lance-io-14.0.2/src/x.rs:12:3: inner, location: src/y.rs:4:5",
        );
        assert_eq!(message, "a: not there: inner");
        assert_eq!(locations, ["lance-io-14.0.2/src/x.rs:12:3", "src/y.rs:4:5"]);
    }

    #[test]
    fn a_file_name_that_only_looks_like_a_location_stays() {
        let text = "cannot read main.rs: denied";
        assert_eq!(split_locations(text), (text.to_string(), vec![]));
    }

    #[test]
    fn messages_are_one_line_without_nul() {
        let error = LanceError::new(code::IO, "first\n  second\0third\r\n");
        assert_eq!(error.message(), "first second third");
    }

    #[test]
    fn errors_of_our_own_come_back_through_the_engine_unchanged() {
        let ours = LanceError::new(code::CANCELLED, "given up");
        let through = lance_core::Error::external(Box::new(ours));
        let back = LanceError::from(through);
        assert_eq!((back.code(), back.message()), (code::CANCELLED, "given up"));
    }

    #[test]
    fn an_unknown_commit_status_has_its_own_code_even_when_shared() {
        let names = [code::OK, code::INTERNAL, 9999].map(status_name);
        assert_eq!(names, [c"OK", c"INTERNAL", c"UNKNOWN"]);
    }

    #[test]
    fn engine_errors_keep_their_kind() {
        let cases = [
            (
                lance_core::Error::invalid_input("x"),
                code::INVALID_ARGUMENT,
            ),
            (
                lance_core::Error::dataset_already_exists("u"),
                code::ALREADY_EXISTS,
            ),
            (lance_core::Error::not_found("u"), code::NOT_FOUND),
            (lance_core::Error::io("disk"), code::IO),
            (lance_core::Error::schema("s"), code::SCHEMA_MISMATCH),
            (lance_core::Error::internal("i"), code::INTERNAL),
        ];
        for (engine, expected) in cases {
            let text = engine.to_string();
            assert_eq!(LanceError::from(engine).code(), expected, "{text}");
        }
    }
}
