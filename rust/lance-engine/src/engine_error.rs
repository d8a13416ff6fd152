//! How the engine's errors map to the frozen codes.
//!
//! An error arrives in layers: a stream of Arrow wraps the plan's error, which wraps that of the store, which wraps that
//! of the operating system. The innermost layer of a known type decides the code and tells what happened, so that a
//! failure is the same from every path. What the engine has flattened to a text is left to `engine_text`.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use lance_core::error::{CommitStatusUnknownError, FieldNotFoundError};
use lance_namespace::NamespaceError;
use tokio::task::JoinError;

use crate::error::engine_text::{plain, split_locations};
use crate::error::{Code, Error, code};
use crate::namespace_error::of_namespace;

/// Modules, by crate, that do nothing but read what was written: what they complain about is a damaged file.
const READERS: &[(&str, &str)] = &[
    ("lance-file-", "reader"),
    ("lance-file-", "versions/v1/reader"),
    ("lance-file-", "versions/v1/format"),
    ("lance-table-", "io/deletion.rs"),
    ("lance-table-", "io/manifest.rs"),
    ("lance-io-", "utils.rs"),
];

/// Crates that know files and nothing of queries.
const FILE_CRATES: &[&str] = &[
    "lance-file-",
    "lance-encoding-",
    "arrow-ipc-",
    "fsst-",
    "lance-bitpacking-",
];

impl From<lance_core::Error> for Error {
    fn from(error: lance_core::Error) -> Self {
        located(&error)
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        located(&error)
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        located(&error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        of_system(&error)
    }
}

impl Error {
    /// What failed only reads, and the caller's part of it was checked before: whatever the decoders complain about, or
    /// panic on, is a damaged file.
    pub fn while_reading(self) -> Self {
        let misattributed = matches!(
            self.code(),
            code::PANIC
                | code::INTERNAL
                | code::INVALID_ARGUMENT
                | code::SCHEMA_MISMATCH
                | code::ARROW
                | code::EXECUTION
        );
        let place = self.detail().split(" <- ").next().unwrap_or_default();
        let is_file = place
            .split('/')
            .any(|part| FILE_CRATES.iter().any(|name| part.starts_with(name)));
        match misattributed && is_file {
            true => damaged(self),
            false => self,
        }
    }
}

/// One of ours for the engine, from which it comes back as it was.
pub fn as_engine_error(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(lance_core::Error::external(Box::new(error))))
}

/// Explain an error and tell where in the engine it happened.
fn located(error: &(dyn StdError + 'static)) -> Error {
    let (_, locations) = split_locations(&error.to_string());
    explain(error, code::INTERNAL).located(&locations.join(" <- "))
}

fn damaged(error: Error) -> Error {
    error.with_code(code::CORRUPT).context("a file is damaged")
}

fn is_reader(file: &str) -> bool {
    let (source, module) = file.rsplit_once("/src/").unwrap_or_default();
    let name = source.rsplit('/').next().unwrap_or_default();
    READERS
        .iter()
        .any(|(reader, begin)| name.starts_with(reader) && module.starts_with(begin))
}

/// What was complained about at `file` of the engine, in words of one of these kinds.
fn complaint(error: Error, kinds: &[Code], file: &str) -> Error {
    match kinds.contains(&error.code()) && is_reader(file) {
        true => damaged(error),
        false => error,
    }
}

/// What an error says; `otherwise` is its code where nothing in it has one.
fn explain(error: &(dyn StdError + 'static), otherwise: Code) -> Error {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return ours.clone();
    }
    if let Some(error) = error.downcast_ref::<lance_core::Error>() {
        return of_engine(error, otherwise);
    }
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        return of_query(error, otherwise);
    }
    if let Some(error) = error.downcast_ref::<Arc<DataFusionError>>() {
        return of_query(error, otherwise);
    }
    if let Some(error) = error.downcast_ref::<ArrowError>() {
        return of_arrow(error, otherwise);
    }
    if let Some(error) = error.downcast_ref::<object_store::Error>() {
        return of_store(error);
    }
    if let Some(error) = error.downcast_ref::<NamespaceError>() {
        return of_namespace(error);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_system(error);
    }
    if let Some(FieldNotFoundError {
        field_name,
        candidates,
    }) = error.downcast_ref()
    {
        return Error::no_such_column(field_name, candidates);
    }
    if let Some(error) = error.downcast_ref::<SchemaError>() {
        return of_schema(error);
    }
    if let Some(error) = error.downcast_ref::<JoinError>()
        && error.is_cancelled()
    {
        return Error::new(code::CANCELLED, "the work was given up");
    }
    if error.is::<prost::DecodeError>() || error.is::<prost::UnknownEnumValue>() {
        return Error::new(code::CORRUPT, format!("a file is damaged: {error}"));
    }
    let code = match error.source() {
        Some(source) => explain(source, otherwise).code(),
        None => otherwise,
    };
    of_text(&error.to_string(), code)
}

/// What the engine has only a text of.
fn of_text(text: &str, otherwise: Code) -> Error {
    let (found, text) = plain(text);
    // DataFusion does not say which struct it looked into.
    let missing = text
        .strip_prefix("Field ")
        .and_then(|rest| rest.strip_suffix(" not found in struct"));
    if let Some(name) = missing {
        return Error::no_such_column(name, [""; 0]);
    }
    if text.starts_with("Cannot access field at argument ") {
        let (_, kind) = text.split_once(": type ").unwrap_or_default();
        let kind = kind
            .strip_suffix(" is not Struct, Map, or Null")
            .unwrap_or(kind);
        return Error::new(
            code::FIELD_NOT_FOUND,
            format!("there is no such column: values of type {kind} have no fields"),
        );
    }
    Error::new(found.unwrap_or(otherwise), text)
}

fn of_engine(error: &lance_core::Error, otherwise: Code) -> Error {
    use lance_core::Error as E;

    let error = error.find_root();
    // What these say is known; what caused them only adds to it.
    let caused = |code, what: String, source: &(dyn StdError + 'static)| {
        explain(source, code).with_code(code).context(&what)
    };
    match error {
        E::External { source } => explain(&**source, otherwise),
        E::IO {
            source, location, ..
        } => {
            let error = explain(&**source, code::IO);
            match has_type(&**source) {
                true => error,
                false => complaint(error, &[code::IO], location.file()),
            }
        }
        E::InvalidInput {
            source, location, ..
        } => {
            let error = explain(&**source, code::INVALID_ARGUMENT);
            complaint(error, &[code::INVALID_ARGUMENT], location.file())
        }
        E::NotSupported { source, .. } => explain(&**source, code::NOT_SUPPORTED),
        E::Namespace { source, .. } => explain(&**source, code::NAMESPACE),
        E::IncompatibleTransaction { source, .. } => {
            explain(&**source, otherwise).with_code(code::INCOMPATIBLE_TRANSACTION)
        }
        E::CorruptFile { path, source, .. } => {
            caused(code::CORRUPT, format!("{path} is damaged"), &**source)
        }
        E::CommitConflict {
            version, source, ..
        } => {
            let what = format!("commit conflict for version {version}");
            caused(code::COMMIT_CONFLICT, what, &**source)
        }
        E::RetryableCommitConflict {
            version, source, ..
        } => {
            let what = format!("commit conflict for version {version}");
            caused(code::COMMIT_CONFLICT_RETRYABLE, what, &**source)
        }
        E::Wrapped { error, .. } => match error.downcast_ref::<CommitStatusUnknownError>() {
            Some(unknown) => {
                let what = format!(
                    "the commit of version {} may have been applied or not: look at the dataset before trying again",
                    unknown.version()
                );
                match unknown.source() {
                    Some(source) => caused(code::COMMIT_STATUS_UNKNOWN, what, source),
                    None => Error::new(code::COMMIT_STATUS_UNKNOWN, what),
                }
            }
            None => explain(&**error, otherwise),
        },
        E::FieldNotFound { source } => explain(source, otherwise),
        E::DatasetAlreadyExists { uri, .. } => Error::new(
            code::ALREADY_EXISTS,
            format!("dataset already exists: {uri}"),
        ),
        E::DatasetNotFound { path, .. } => Error::new(
            code::DATASET_NOT_FOUND,
            format!("dataset not found: {path}"),
        ),
        E::SchemaMismatch { difference, .. } => of_text(difference, code::SCHEMA_MISMATCH)
            .context("the schema differs from the dataset's"),
        E::NotFound { uri, .. } => Error::new(code::NOT_FOUND, format!("not found: {uri}")),
        E::IndexNotFound { identity, .. } => Error::new(
            code::INDEX_NOT_FOUND,
            format!("index not found: {identity}"),
        ),
        E::DiskCapExceeded { cap_bytes, .. } => Error::new(
            code::RESOURCE_EXHAUSTED,
            format!("the space for spilled data, {cap_bytes} bytes, is used up"),
        ),
        E::InvalidTableLocation { message } | E::InvalidRef { message } => {
            of_text(message, code::INVALID_ARGUMENT)
        }
        E::VersionNotFound { message } => of_text(message, code::VERSION_NOT_FOUND),
        E::RefNotFound { message } => of_text(message, code::REF_NOT_FOUND),
        E::RefConflict { message } | E::Cleanup { message } => {
            of_text(message, code::FAILED_PRECONDITION)
        }
        E::VersionConflict { message, .. }
        | E::PrerequisiteFailed { message, .. }
        | E::Unprocessable { message, .. } => of_text(message, code::FAILED_PRECONDITION),
        E::TooMuchWriteContention { message, .. } => of_text(message, code::CONTENTION),
        E::Timeout { message, .. } => of_text(message, code::TIMEOUT),
        E::Schema {
            message, location, ..
        } => complaint(
            of_text(message, code::SCHEMA_MISMATCH),
            &[code::SCHEMA_MISMATCH],
            location.file(),
        ),
        E::Arrow {
            message, location, ..
        } => complaint(
            of_text(message, code::ARROW),
            // Of the bytes in memory.
            &[code::ARROW, code::IO],
            location.file(),
        ),
        E::Execution { message, .. } => of_text(message, code::EXECUTION),
        E::Index { message, .. } => of_text(message, code::INDEX),
        E::Backpressure { message, .. } => of_text(message, code::RESOURCE_EXHAUSTED),
        E::Fenced { message, .. } => of_text(message, code::FENCED),
        E::Cloned { message, .. } => of_text(message, otherwise),
        E::Internal {
            message, location, ..
        } => complaint(
            of_text(message, code::INTERNAL),
            &[code::INTERNAL],
            location.file(),
        ),
        E::Stop | E::Shared { .. } => Error::new(code::INTERNAL, "the engine stopped"),
    }
}

/// Whether an error is more than a text.
fn has_type(error: &(dyn StdError + 'static)) -> bool {
    error.source().is_some() || error.is::<io::Error>() || error.is::<Error>()
}

fn of_query(error: &DataFusionError, otherwise: Code) -> Error {
    use DataFusionError as E;

    match error {
        E::ArrowError(error, _) => of_arrow(error, otherwise),
        E::IoError(error) => of_system(error),
        E::SchemaError(error, _) => of_schema(error),
        E::External(error) => explain(&**error, otherwise),
        E::Context(_, error) | E::Diagnostic(_, error) => of_query(error, otherwise),
        E::Shared(error) => of_query(error, otherwise),
        E::Collection(errors) if !errors.is_empty() => of_query(&errors[0], otherwise),
        E::Plan(text) | E::Configuration(text) => of_text(text, code::INVALID_ARGUMENT),
        E::NotImplemented(text) => of_text(text, code::NOT_SUPPORTED),
        E::Execution(text) => of_text(text, code::EXECUTION),
        E::ResourcesExhausted(text) => of_text(text, code::RESOURCE_EXHAUSTED),
        E::Internal(text) => of_text(text, code::INTERNAL),
        other => match other.source() {
            Some(source) => explain(source, otherwise),
            None => of_text(&other.to_string(), otherwise),
        },
    }
}

fn of_schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => Error::no_such_column(
            &field.flat_name(),
            valid_fields.iter().map(|column| column.flat_name()),
        ),
        other => Error::invalid_argument(other.to_string()),
    }
}

fn of_arrow(error: &ArrowError, otherwise: Code) -> Error {
    use ArrowError as E;

    match error {
        E::ExternalError(source) => explain(&**source, otherwise),
        E::IoError(_, error) => of_system(error),
        E::NotYetImplemented(text) => of_text(text, code::NOT_SUPPORTED),
        E::MemoryError(text) => of_text(text, code::RESOURCE_EXHAUSTED),
        E::CastError(text) | E::ComputeError(text) => of_text(text, code::EXECUTION),
        E::ArithmeticOverflow(_) | E::DivideByZero => of_text(&error.to_string(), code::EXECUTION),
        other => of_text(&other.to_string(), code::ARROW),
    }
}

fn of_store(error: &object_store::Error) -> Error {
    use object_store::Error as E;

    match error {
        // The engine's reader of small files, which it keeps in memory.
        E::Generic {
            store: "memory",
            source,
        } if source.source().is_none() => Error::new(
            code::CORRUPT,
            format!("a file is damaged, it is too short: {source}"),
        ),
        E::Generic { source, .. } => explain(&**source, code::IO),
        E::NotSupported { source } => explain(&**source, code::NOT_SUPPORTED),
        E::NotFound { path, .. } => Error::new(code::NOT_FOUND, format!("not found: {path}")),
        E::AlreadyExists { path, .. } => {
            Error::new(code::ALREADY_EXISTS, format!("{path} exists already"))
        }
        E::Precondition { path, .. } => Error::new(
            code::FAILED_PRECONDITION,
            format!("{path} was changed meanwhile"),
        ),
        E::InvalidPath { source } => of_text(&source.to_string(), code::INVALID_ARGUMENT),
        E::UnknownConfigurationKey { .. } => of_text(&error.to_string(), code::INVALID_ARGUMENT),
        E::NotImplemented { .. } => of_text(&error.to_string(), code::NOT_SUPPORTED),
        other => of_text(&other.to_string(), code::IO),
    }
}

fn of_system(error: &io::Error) -> Error {
    let code = match (error.kind(), error.raw_os_error()) {
        (ErrorKind::NotFound, _) => code::NOT_FOUND,
        (ErrorKind::TimedOut, _) => code::TIMEOUT,
        (ErrorKind::OutOfMemory, _) | (_, Some(libc::EMFILE | libc::ENFILE)) => {
            code::RESOURCE_EXHAUSTED
        }
        (ErrorKind::UnexpectedEof | ErrorKind::InvalidData, _) => code::CORRUPT,
        _ => code::IO,
    };
    match error.get_ref() {
        Some(inner) => explain(inner, code),
        None => of_text(&error.to_string(), code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of error types, never of people.
    const MACHINERY: &[&str] = &[
        "rror: ",
        "LanceError(",
        "bug report",
        "JoinError",
        "os error",
        ".rs:",
        "Object at location",
        " { ",
    ];

    fn missing() -> object_store::Error {
        object_store::Error::NotFound {
            path: "/d/data/a.lance".to_string(),
            source: io::Error::from(ErrorKind::NotFound).into(),
        }
    }

    fn store_error(source: impl Into<Box<dyn StdError + Send + Sync>>) -> object_store::Error {
        object_store::Error::Generic {
            store: "LocalFileSystem",
            source: source.into(),
        }
    }

    fn system(errno: i32) -> io::Error {
        io::Error::from_raw_os_error(errno)
    }

    fn no_field() -> DataFusionError {
        let field = Box::new(datafusion::common::Column::from_name("idd"));
        let valid_fields = vec![datafusion::common::Column::from_name("id")];
        DataFusionError::SchemaError(
            Box::new(SchemaError::FieldNotFound {
                field,
                valid_fields,
            }),
            Box::new(None),
        )
    }

    /// Everything that failures were seen to arrive in, one within the other.
    fn wrapped(error: impl Fn() -> lance_core::Error) -> Vec<lance_core::Error> {
        use lance_core::Error as E;

        let through_a_store = || store_error(error());
        let through_arrow = || ArrowError::ExternalError(Box::new(error()));
        let shared = E::Shared {
            source: Arc::new(error()),
        };
        vec![
            error(),
            E::from(through_arrow()),
            E::external(Box::new(through_arrow())),
            E::from(through_a_store()),
            E::from(store_error(shared)),
            E::from(DataFusionError::External(Box::new(error()))),
            E::from(DataFusionError::ArrowError(Box::new(through_arrow()), None)),
            E::from(DataFusionError::Context(
                "Optimizer rule 'x' failed".to_string(),
                Box::new(DataFusionError::External(Box::new(error()))),
            )),
            E::external(Box::new(DataFusionError::Shared(Arc::new(
                DataFusionError::External(Box::new(error())),
            )))),
            E::from(io::Error::other(through_arrow())),
            E::wrapped(Box::new(error())),
            E::io_source(Box::new(error())),
        ]
    }

    #[test]
    fn a_failure_is_the_same_through_every_layer() {
        use lance_core::Error as E;

        type Make = fn() -> E;
        let cases: &[(Make, Code, &str)] = &[
            (
                || missing().into(),
                code::NOT_FOUND,
                "not found: /d/data/a.lance",
            ),
            (
                || E::from(no_field()),
                code::FIELD_NOT_FOUND,
                r#"there is no column "idd"; the nearest name is "id""#,
            ),
            (
                || E::field_not_found("idd", vec!["id".to_string()]),
                code::FIELD_NOT_FOUND,
                r#"there is no column "idd"; the nearest name is "id""#,
            ),
            (
                || {
                    E::from(DataFusionError::Plan(
                        "Field b not found in struct".to_string(),
                    ))
                },
                code::FIELD_NOT_FOUND,
                r#"there is no column "b""#,
            ),
            (
                || E::from(DataFusionError::Plan("Cannot coerce".to_string())),
                code::INVALID_ARGUMENT,
                "Cannot coerce",
            ),
            (
                || E::from(DataFusionError::ResourcesExhausted("1 GB".to_string())),
                code::RESOURCE_EXHAUSTED,
                "1 GB",
            ),
            (
                || store_error(system(libc::EACCES)).into(),
                code::IO,
                "Permission denied",
            ),
            (
                || store_error(system(libc::ENOSPC)).into(),
                code::IO,
                "No space left on device",
            ),
            (
                || store_error(system(libc::EMFILE)).into(),
                code::RESOURCE_EXHAUSTED,
                "Too many open files",
            ),
            (
                || store_error(io::Error::from(ErrorKind::UnexpectedEof)).into(),
                code::CORRUPT,
                "unexpected end of file",
            ),
            (
                || E::corrupt_file("d/a.lance".into(), "bad offset"),
                code::CORRUPT,
                "d/a.lance is damaged: bad offset",
            ),
            (
                || E::external(Box::new(Error::new(code::CANCELLED, "given up"))),
                code::CANCELLED,
                "given up",
            ),
            (
                || {
                    E::execution(
                        "Error applying filter expression to batch: Arrow error: Divide by zero error",
                    )
                },
                code::EXECUTION,
                "Divide by zero error",
            ),
            (
                || E::from(ArrowError::DivideByZero),
                code::EXECUTION,
                "Divide by zero error",
            ),
            (
                || E::commit_status_unknown_source(7, Box::new(missing())),
                code::COMMIT_STATUS_UNKNOWN,
                "the commit of version 7 may have been applied or not: look at the dataset before trying again: not found: /d/data/a.lance",
            ),
        ];
        for (make, code, message) in cases {
            for (layers, error) in wrapped(make).into_iter().enumerate() {
                let text = format!("{layers}: {error:?}");
                let ours = Error::from(error);
                assert_eq!((ours.code(), ours.message()), (*code, *message), "{text}");
            }
        }
    }

    #[test]
    fn engine_errors_keep_their_kind() {
        use lance_core::Error as E;

        let cause = || -> Box<dyn StdError + Send + Sync> { "because".into() };
        let message = "m".to_string();
        let cases = [
            (E::invalid_input("x"), code::INVALID_ARGUMENT),
            (
                E::InvalidRef {
                    message: message.clone(),
                },
                code::INVALID_ARGUMENT,
            ),
            (
                E::InvalidTableLocation {
                    message: message.clone(),
                },
                code::INVALID_ARGUMENT,
            ),
            (E::dataset_already_exists("u"), code::ALREADY_EXISTS),
            (E::schema_mismatch("d"), code::SCHEMA_MISMATCH),
            (E::schema("s"), code::SCHEMA_MISMATCH),
            (E::dataset_not_found("p", cause()), code::DATASET_NOT_FOUND),
            (E::not_found("u"), code::NOT_FOUND),
            (
                E::VersionNotFound {
                    message: message.clone(),
                },
                code::VERSION_NOT_FOUND,
            ),
            (
                E::RefNotFound {
                    message: message.clone(),
                },
                code::REF_NOT_FOUND,
            ),
            (E::index_not_found("i"), code::INDEX_NOT_FOUND),
            (E::not_supported("n"), code::NOT_SUPPORTED),
            (E::commit_conflict_source(1, cause()), code::COMMIT_CONFLICT),
            (
                E::retryable_commit_conflict_source(1, cause()),
                code::COMMIT_CONFLICT_RETRYABLE,
            ),
            (
                E::incompatible_transaction_source(cause()),
                code::INCOMPATIBLE_TRANSACTION,
            ),
            (E::too_much_write_contention("w"), code::CONTENTION),
            (E::timeout("t"), code::TIMEOUT),
            (
                E::RefConflict {
                    message: message.clone(),
                },
                code::FAILED_PRECONDITION,
            ),
            (E::Cleanup { message }, code::FAILED_PRECONDITION),
            (E::version_conflict("v", 1, 2), code::FAILED_PRECONDITION),
            (E::prerequisite_failed("p"), code::FAILED_PRECONDITION),
            (E::unprocessable("u"), code::FAILED_PRECONDITION),
            (E::namespace("n"), code::NAMESPACE),
            (E::io("disk"), code::IO),
            (E::arrow("a"), code::ARROW),
            (E::execution("e"), code::EXECUTION),
            (E::index("i"), code::INDEX),
            (E::disk_cap_exceeded(1, 2), code::RESOURCE_EXHAUSTED),
            (E::backpressure("b"), code::RESOURCE_EXHAUSTED),
            (E::fenced_by_peer("f"), code::FENCED),
            (E::internal("i"), code::INTERNAL),
            (E::cloned("c"), code::INTERNAL),
            (E::Stop, code::INTERNAL),
        ];
        for (engine, expected) in cases {
            let text = engine.to_string();
            let ours = Error::from(engine);
            assert_eq!(ours.code(), expected, "{text}");
            let message = ours.message();
            assert!(
                !MACHINERY.iter().any(|word| message.contains(word)),
                "{message}"
            );
        }
    }

    #[test]
    fn the_place_in_the_engine_is_the_detail() {
        let error = Error::from(lance_core::Error::internal("i"));
        assert!(
            error.detail().contains("engine_error.rs:"),
            "{}",
            error.detail()
        );
    }

    #[test]
    fn what_readers_complain_about_is_damage() {
        let reader = "/c/registry/src/index-1/lance-file-14.0.2/src/reader.rs";
        let other = "/c/registry/src/index-1/lance-14.0.2/src/reader.rs";
        let invalid = || Error::invalid_argument("no magic");
        let error = complaint(invalid(), &[code::INVALID_ARGUMENT], reader);
        assert_eq!(
            (error.code(), error.message()),
            (code::CORRUPT, "a file is damaged: no magic")
        );
        for (kind, file) in [(code::INVALID_ARGUMENT, other), (code::INTERNAL, reader)] {
            assert_eq!(
                complaint(invalid(), &[kind], file).code(),
                code::INVALID_ARGUMENT
            );
        }
    }

    #[test]
    fn what_decoders_complain_about_while_reading_is_damage() {
        let place = "lance-encoding-14.0.2/src/decoder.rs:1:2 <- lance-14.0.2/src/x.rs:3:4";
        let error = Error::with_detail(code::INVALID_ARGUMENT, "Flat buffer has 0 bytes", place);
        let error = error.while_reading();
        assert_eq!(error.code(), code::CORRUPT);
        assert_eq!(
            error.message(),
            "a file is damaged: Flat buffer has 0 bytes"
        );
        let panic = "/home/me/.cargo/registry/src/index/lance-file-14.0.2/src/reader.rs:1:2";
        let error = Error::with_detail(code::PANIC, "out of range", panic).while_reading();
        assert_eq!(error.code(), code::CORRUPT);
        for (kind, place) in [
            (
                code::INVALID_ARGUMENT,
                "lance-14.0.2/src/dataset/scanner.rs:1:2",
            ),
            (code::NOT_FOUND, "lance-file-14.0.2/src/reader.rs:1:2"),
            (code::PANIC, ""),
        ] {
            assert_eq!(
                Error::with_detail(kind, "x", place).while_reading().code(),
                kind
            );
        }
    }
}
