//! How the engine's errors map to the frozen codes.

use arrow::error::ArrowError;

use crate::error::{LanceError, LanceStatusCode, code};

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
        let (message, mut locations) = split_locations(&text);
        if locations.is_empty() {
            (_, locations) = split_locations(&root.to_string());
        }
        Self::with_detail(code, &message, &locations.join(" <- "))
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
    fn errors_of_our_own_come_back_through_the_engine_unchanged() {
        let ours = LanceError::new(code::CANCELLED, "given up");
        let through = lance_core::Error::external(Box::new(ours));
        let back = LanceError::from(through);
        assert_eq!((back.code(), back.message()), (code::CANCELLED, "given up"));
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
