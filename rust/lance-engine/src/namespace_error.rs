//! What namespaces answer, as errors of ours. Of what went wrong on the way to a server there is a text only, made of
//! the dumps of the layers below.

use lance_namespace::NamespaceError;

use crate::error::{Code, Error, code};

pub fn of_namespace(error: &NamespaceError) -> Error {
    use NamespaceError as E;

    let message = error.message();
    let (code, what) = match error {
        E::ServiceUnavailable { .. } | E::Internal { .. } => return of_the_way(error),
        E::Unsupported { .. } => (code::NOT_SUPPORTED, "the namespace cannot do this"),
        E::NamespaceNotFound { .. } => (code::NOT_FOUND, "there is no such namespace"),
        E::TableNotFound { .. } => (code::DATASET_NOT_FOUND, "there is no such table"),
        E::TableIndexNotFound { .. } => (code::INDEX_NOT_FOUND, "there is no such index"),
        E::TableTagNotFound { .. } => (code::REF_NOT_FOUND, "there is no such tag"),
        E::TableBranchNotFound { .. } => (code::REF_NOT_FOUND, "there is no such branch"),
        E::TransactionNotFound { .. } => (code::NOT_FOUND, "there is no such transaction"),
        E::TableVersionNotFound { .. } => (code::VERSION_NOT_FOUND, "there is no such version"),
        E::TableColumnNotFound { .. } => (code::FIELD_NOT_FOUND, "there is no such column"),
        E::NamespaceAlreadyExists { .. }
        | E::TableAlreadyExists { .. }
        | E::TableIndexAlreadyExists { .. }
        | E::TableTagAlreadyExists { .. }
        | E::TableBranchAlreadyExists { .. } => (code::ALREADY_EXISTS, "it exists already"),
        E::NamespaceNotEmpty { .. } => (code::FAILED_PRECONDITION, "the namespace is not empty"),
        E::InvalidTableState { .. } => (
            code::FAILED_PRECONDITION,
            "the table is not in a state for this",
        ),
        E::InvalidInput { .. } => (code::INVALID_ARGUMENT, "the namespace refuses this"),
        E::ConcurrentModification { .. } => (code::COMMIT_CONFLICT, "another writer was faster"),
        E::Throttling { .. } => (code::CONTENTION, "the namespace is asked too much at once"),
        E::PermissionDenied { .. } => (code::IO, "permission denied"),
        E::Unauthenticated { .. } => (code::IO, "the namespace demands other credentials"),
        E::TableSchemaValidationError { .. } => (code::SCHEMA_MISMATCH, "the schema does not fit"),
    };
    Error::new(code, joined(what, message))
}

fn joined(what: &str, why: &str) -> String {
    match why.trim() {
        "" => what.to_string(),
        why => format!("{what}: {why}"),
    }
}

/// What the client says when there is no answer, or one that it cannot read.
fn of_the_way(error: &NamespaceError) -> Error {
    let message = error.message();
    let (code, text) = if let Some(dump) = message.strip_prefix("Failed to execute request: ") {
        let what = match error {
            NamespaceError::ServiceUnavailable { .. } => "cannot reach the server",
            _ => "the server broke off before it had answered",
        };
        (code::IO, joined(what, &reason(dump).unwrap_or_default()))
    } else if let Some(dump) = message.strip_prefix("Failed to read response body: ") {
        let what = "the server broke off in the middle of its answer";
        (code::IO, joined(what, &reason(dump).unwrap_or_default()))
    } else if let Some(dump) = message.strip_prefix("Failed to parse response: ") {
        let what = "the server's answer is not what it should be";
        let why = dump
            .strip_prefix("Error(\"")
            .and_then(|rest| rest.split_once("\", line:"));
        (
            code::NAMESPACE,
            joined(what, why.map_or("", |(why, _)| why)),
        )
    } else if let Some(rest) = message.strip_prefix("Failed to parse error response: status=") {
        // The rest is the body, which may quote the request.
        let status = rest
            .split_once(", body=")
            .map_or(rest, |(status, _)| status);
        (of_status(status), format!("the server answers {status}"))
    } else if matches!(error, NamespaceError::ServiceUnavailable { .. }) {
        (code::IO, joined("the namespace is not available", message))
    } else {
        // The store failed, and its error was dumped.
        match message
            .split_once(": ")
            .filter(|(_, rest)| rest.contains(" { "))
        {
            Some((what, dump)) => (code::IO, joined(what, &reason(dump).unwrap_or_default())),
            None => (code::NAMESPACE, message.to_string()),
        }
    };
    Error::new(code, text)
}

/// What an answer without a body that says more means.
fn of_status(status: &str) -> Code {
    match status.split(' ').next().unwrap_or_default() {
        "404" => code::NOT_FOUND,
        "408" | "504" => code::TIMEOUT,
        "429" => code::CONTENTION,
        "401" | "403" | "407" | "500" | "502" | "503" => code::IO,
        _ => code::NAMESPACE,
    }
}

/// What the innermost error in a dump says; of an answer its status alone, as a body may quote the request.
fn reason(dump: &str) -> Option<String> {
    let innermost = ["message: \"", "error: \""]
        .iter()
        .filter_map(|key| dump.rfind(key).map(|at| at + key.len()))
        .max();
    if let Some(at) = innermost {
        return Some(dump[at..].split_once('"')?.0.to_string());
    }
    let (_, status) = dump.rsplit_once("status: ")?;
    let digits: String = status.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("status {digits}"))
}

#[cfg(test)]
mod tests {
    use lance_namespace::ErrorCode;

    use super::*;

    fn message_of(error: NamespaceError) -> (Code, String) {
        let ours = of_namespace(&error);
        (ours.code(), ours.message().to_string())
    }

    #[test]
    fn every_kind_of_answer_has_a_code_of_its_own_sort() {
        for number in 0.. {
            let Some(kind) = ErrorCode::from_u32(number) else {
                break;
            };
            let (code, message) = message_of(NamespaceError::from_code(number, "because"));
            assert!(message.ends_with("because"), "{kind}: {message}");
            let expected = match kind {
                ErrorCode::TableNotFound => code::DATASET_NOT_FOUND,
                ErrorCode::NamespaceNotFound => code::NOT_FOUND,
                ErrorCode::TableAlreadyExists => code::ALREADY_EXISTS,
                ErrorCode::Internal => code::NAMESPACE,
                ErrorCode::Unauthenticated | ErrorCode::ServiceUnavailable => code::IO,
                _ => code,
            };
            assert_eq!(code, expected, "{kind}");
            assert_ne!(code, code::INTERNAL, "{kind}");
        }
    }

    #[test]
    fn what_happens_on_the_way_is_told_without_dumps() {
        let refused = r#"Failed to execute request: reqwest::Error { kind: Request, url: "http://h/", source: hyper_util::client::legacy::Error(Connect, ConnectError("tcp connect error", 127.0.0.1:1, Os { code: 111, kind: ConnectionRefused, message: "Connection refused" })) }"#;
        let unknown = r#"Failed to execute request: reqwest::Error { kind: Request, source: Error(Connect, ConnectError("dns error", Custom { kind: Uncategorized, error: "failed to lookup address information: Name or service not known" })) }"#;
        let closed = r#"Failed to execute request: reqwest::Error { kind: Request, source: hyper::Error(IncompleteMessage) }"#;
        let cut =
            r#"Failed to parse response: Error("EOF while parsing a string", line: 1, column: 20)"#;
        let status = r#"Failed to parse error response: status=401 Unauthorized, body=token canary, error=Error("expected value", line: 1, column: 1)"#;
        let store = r#"Failed to list directory: IO { source: Generic { store: "LocalFileSystem", source: Os { code: 13, kind: PermissionDenied, message: "Permission denied" } } }"#;
        let refused_by_store = r#"Failed to list directory: IO { source: RetryError(RetryErrorImpl { method: GET, inner: Status { status: 403, body: Some("<Error>}}{ canary</Error>") } }) }"#;
        let unavailable = |message: &str| NamespaceError::ServiceUnavailable {
            message: message.to_string(),
        };
        let internal = |message: &str| NamespaceError::Internal {
            message: message.to_string(),
        };
        for (error, code, told) in [
            (
                unavailable(refused),
                code::IO,
                "cannot reach the server: Connection refused",
            ),
            (
                unavailable(unknown),
                code::IO,
                "cannot reach the server: failed to lookup address information: Name or service not known",
            ),
            (
                internal(closed),
                code::IO,
                "the server broke off before it had answered",
            ),
            (
                internal(cut),
                code::NAMESPACE,
                "the server's answer is not what it should be: EOF while parsing a string",
            ),
            (
                internal(status),
                code::IO,
                "the server answers 401 Unauthorized",
            ),
            (
                internal(store),
                code::IO,
                "Failed to list directory: Permission denied",
            ),
            (
                internal(refused_by_store),
                code::IO,
                "Failed to list directory: status 403",
            ),
            (internal("odd"), code::NAMESPACE, "odd"),
            (
                unavailable("later"),
                code::IO,
                "the namespace is not available: later",
            ),
        ] {
            assert_eq!(message_of(error), (code, told.to_string()));
        }
    }

    #[test]
    fn statuses_without_a_body_have_codes() {
        for (status, code) in [
            ("404 Not Found", code::NOT_FOUND),
            ("504 Gateway Timeout", code::TIMEOUT),
            ("500 Internal Server Error", code::IO),
            ("418 I'm a teapot", code::NAMESPACE),
        ] {
            assert_eq!(of_status(status), code);
        }
    }
}
