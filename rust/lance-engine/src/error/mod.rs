//! Errors: the frozen codes, one line for people, and the place for bug reports. `crate::engine_error` maps those of
//! the engine, `engine_text` what it has made a text of.

pub(crate) mod engine_text;

use std::error::Error as StdError;
use std::fmt;

use contain::Panic;
use lance_core::is_system_column;
use lance_core::levenshtein::levenshtein_distance;

use engine_text::clean;

use crate::redact::redact;
pub use crate::settings::codes as code;
pub use crate::settings::codes::Code;
use crate::text::one_line;

/// What fails, fails with an error of ours.
pub type Result<T> = std::result::Result<T, Error>;

/// A code, one line of text without control characters, and where in the engine it happened.
#[derive(Debug, Clone)]
pub struct Error {
    code: Code,
    message: String,
    detail: String,
}

/// How many names are suggested in place of one that does not exist.
const NEAREST: usize = 3;
/// Of longer names only the beginning is compared.
const COMPARED: usize = 64;

impl Error {
    /// An error of this crate's own.
    pub fn new(code: Code, message: impl AsRef<str>) -> Self {
        Self::with_detail(code, message.as_ref(), "")
    }

    pub fn invalid_argument(message: impl AsRef<str>) -> Self {
        Self::new(code::INVALID_ARGUMENT, message)
    }

    pub fn invalid_state(message: impl AsRef<str>) -> Self {
        Self::new(code::INVALID_STATE, message)
    }

    /// `detail` says where in the engine it happened, or is empty.
    pub fn with_detail(code: Code, message: &str, detail: &str) -> Self {
        let mut message = one_line(&clean(&redact(message)));
        if message.is_empty() {
            // A caller's own stream may fail without a text.
            message = code::name(code).to_string_lossy().into_owned();
        }
        Self {
            code,
            message,
            detail: one_line(detail),
        }
    }

    /// There is no column of this name; `columns` are those there are, nested ones as `a.b`.
    pub fn no_such_column<T: AsRef<str>>(name: &str, columns: impl IntoIterator<Item = T>) -> Self {
        let hint = nearest_hint(name, columns);
        Self::new(
            code::FIELD_NOT_FOUND,
            format!("there is no column {name:?}{hint}"),
        )
    }

    /// The same error, and where it happened, unless that is known better already.
    pub fn located(self, detail: &str) -> Self {
        match self.detail.is_empty() {
            true => Self {
                detail: one_line(detail),
                ..self
            },
            false => self,
        }
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Put `context` before the message, keeping the code.
    pub fn context(self, context: &str) -> Self {
        Self {
            message: one_line(&format!("{context}: {}", self.message())),
            ..self
        }
    }

    /// The same failure under another code.
    pub fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl StdError for Error {}

impl From<Panic> for Error {
    fn from(panic: Panic) -> Self {
        Self::with_detail(
            code::PANIC,
            &format!("the engine panicked: {}", panic.message),
            &panic.location.unwrap_or_default(),
        )
    }
}

/// Refuse options that do not go together: each rule says whether it is broken, and what it is.
pub fn check_options<'a>(rules: impl IntoIterator<Item = (bool, &'a str)>) -> Result<()> {
    match rules.into_iter().find(|(is_broken, _)| *is_broken) {
        Some((_, rule)) => Err(Error::invalid_argument(format!("options: {rule}"))),
        None => Ok(()),
    }
}

/// What to say of the names most like one that does not exist.
pub fn nearest_hint<T: AsRef<str>>(name: &str, names: impl IntoIterator<Item = T>) -> String {
    match nearest_names(name, names).as_slice() {
        [] => String::new(),
        [one] => format!("; the nearest name is {one:?}"),
        several => format!("; the nearest names are {}", quoted_list(several)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_without_nul() {
        let error = Error::new(code::IO, "first\n  second\0third\r\n").context("a\x1bb");
        assert_eq!(error.message(), r"a\u{1b}b: first second\u{0}third");
    }

    #[test]
    fn machinery_that_a_message_quotes_is_left_out() {
        let quoted = arrow::error::ArrowError::CDataInterface("no children".to_string());
        let error = Error::new(code::IO, format!("cannot read it: {quoted}"));
        assert_eq!(error.message(), "cannot read it: no children");
    }

    #[test]
    fn a_missing_column_comes_with_the_nearest_names() {
        let columns = ["_rowid", "id", "Name", "s", "s.a", "value"];
        let error = Error::no_such_column("nme", columns);
        assert_eq!(error.code(), code::FIELD_NOT_FOUND);
        assert_eq!(
            error.message(),
            r#"there is no column "nme"; the nearest names are "Name", "id", "s""#
        );
        let alone = Error::no_such_column("x\u{202e}\n", ["y"]);
        assert_eq!(
            alone.message(),
            r#"there is no column "x\u{202e}\n"; the nearest name is "y""#
        );
    }

    #[test]
    fn a_name_of_any_length_is_compared_and_shown() {
        let error = Error::no_such_column(&"x".repeat(200_000), ["y".repeat(200_000)]);
        assert!(error.message().chars().count() < 500);
    }

    #[test]
    fn a_panic_tells_no_password() {
        let error = Error::from(Panic {
            message: "cannot reach http://user:canary@host/bucket".to_string(),
            location: None,
        });
        assert_eq!(error.code(), code::PANIC);
        assert_eq!(
            error.message(),
            "the engine panicked: cannot reach http://***@host/bucket"
        );
    }

    #[test]
    fn every_code_has_a_name_and_any_other_number_is_unknown() {
        let names = [code::OK, code::INTERNAL, 9999].map(code::name);
        assert_eq!(names, [c"OK", c"INTERNAL", c"UNKNOWN"]);
    }

    #[test]
    fn an_error_without_a_text_says_what_kind_it_is() {
        assert_eq!(Error::new(code::CALLBACK, " \n").message(), "CALLBACK");
    }
}
