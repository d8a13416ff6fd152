//! The engine's texts without its machinery: places in its source, names of error types, requests for bug reports.
//!
//! For what reaches us with its type, `engine_error` decides by that. These rules are for what the engine has made a
//! text of by itself.

use super::code::{self, Code};
use crate::text::without_dumps;

/// What error types put before their text, and the code that says the same.
const MARKERS: &[(&str, Option<Code>)] = &[
    ("External error: ", None),
    ("Wrapped error: ", None),
    ("Cloned error: ", None),
    ("LanceError(IO): ", Some(code::IO)),
    ("LanceError(Arrow): ", None),
    ("LanceError(Schema): ", Some(code::SCHEMA_MISMATCH)),
    ("LanceError(Index): ", Some(code::INDEX)),
    ("Invalid user input: ", Some(code::INVALID_ARGUMENT)),
    ("Not supported: ", Some(code::NOT_SUPPORTED)),
    ("Encountered corrupt file ", Some(code::CORRUPT)),
    ("Query Execution error: ", Some(code::EXECUTION)),
    ("Arrow error: ", None),
    ("Parquet error: ", None),
    ("Object Store error: ", Some(code::IO)),
    ("IO error for operation on ", Some(code::IO)),
    ("IO error: ", Some(code::IO)),
    ("Io error: ", Some(code::IO)),
    ("Unable to walk dir: ", Some(code::IO)),
    ("SQL error: ", Some(code::INVALID_ARGUMENT)),
    ("sql parser error: ", Some(code::INVALID_ARGUMENT)),
    ("Schema error: ", None),
    ("Error during planning: ", Some(code::INVALID_ARGUMENT)),
    ("Error parsing function: ", Some(code::INVALID_ARGUMENT)),
    (
        "Invalid or Unsupported Configuration: ",
        Some(code::INVALID_ARGUMENT),
    ),
    (
        "This feature is not implemented: ",
        Some(code::NOT_SUPPORTED),
    ),
    ("Not yet implemented: ", Some(code::NOT_SUPPORTED)),
    ("Internal error: ", None),
    (
        "Encountered internal error. Please file a bug report at https://github.com/lance-format/lance/issues. ",
        Some(code::INTERNAL),
    ),
    ("Execution error: ", Some(code::EXECUTION)),
    (
        "Error applying filter expression to batch: ",
        Some(code::EXECUTION),
    ),
    ("Resources exhausted: ", Some(code::RESOURCE_EXHAUSTED)),
    ("Object at location ", Some(code::NOT_FOUND)),
    ("Compute error: ", Some(code::EXECUTION)),
    ("Cast error: ", Some(code::EXECUTION)),
    ("Invalid argument error: ", None),
    ("C Data interface error: ", None),
    ("Parser error: ", None),
];

/// What Arrow says where values are to blame; for people, too.
const COMPUTATIONS: &[&str] = &["Divide by zero error", "Arithmetic overflow: "];

/// What a text may end with and nobody needs.
const TAILS: &[&str] = &[
    "\nThis issue was likely caused by a bug in DataFusion's code.",
    ". This issue was likely caused by a bug in DataFusion's code.",
    " in schema:\n",
    " No function matches the given name and argument types",
];

/// A text for people.
pub fn clean(text: &str) -> String {
    let (text, _) = split_locations(text);
    let (_, text) = peel(without_tail(&text));
    without_error_numbers(&without_dumps(&without_inner_markers(text)))
}

/// A text for people, and the code that its beginning gives away.
pub fn plain(text: &str) -> (Option<Code>, String) {
    let (text, _) = split_locations(text);
    let text = without_tail(&text);
    // Such as the name of the optimizer's rule.
    let text = text
        .rsplit_once("\ncaused by\n")
        .map_or(text, |(_, cause)| cause);
    if let Some(panic) = message_of_panic(text) {
        return (
            Some(code::PANIC),
            format!("the engine panicked: {}", plain(panic).1),
        );
    }
    if let Some((found, text)) = reworded(text) {
        return (Some(found), text);
    }
    let (found, text) = peel(text);
    if let Some((better, text)) = reworded(text) {
        return (Some(better), text);
    }
    (found, clean(text))
}

fn without_tail(text: &str) -> &str {
    TAILS.iter().fold(text, |text, tail| {
        text.split_once(tail).map_or(text, |(before, _)| before)
    })
}

/// Take markers off the beginning. The innermost that says so decides the code.
fn peel(mut text: &str) -> (Option<Code>, &str) {
    let mut found = None;
    loop {
        if let Some(rest) = without_store(text) {
            text = rest;
            continue;
        }
        let marker = MARKERS
            .iter()
            .find_map(|(marker, code)| Some((text.strip_prefix(marker)?, code)));
        let Some((rest, code)) = marker else {
            let computes = COMPUTATIONS.iter().any(|what| text.starts_with(what));
            return (computes.then_some(code::EXECUTION).or(found), text);
        };
        found = code.or(found);
        text = rest;
    }
}

/// `Generic S3 error: ` at the beginning.
fn without_store(text: &str) -> Option<&str> {
    let (store, rest) = text.strip_prefix("Generic ")?.split_once(" error: ")?;
    let is_name = store
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'/');
    is_name.then_some(rest)
}

fn without_inner_markers(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([':', '(', ',']) {
        let (before, after) = rest.split_at(at + 1);
        clean.push_str(before);
        let space = after.len() - after.trim_start_matches(' ').len();
        clean.push_str(&after[..space]);
        rest = peel(&after[space..]).1;
    }
    clean.push_str(rest);
    clean
}

/// ` (os error 2)` says nothing that the words before it do not.
fn without_error_numbers(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut clean = parts.next().unwrap_or_default().to_string();
    for part in parts {
        match part.split_once(')') {
            Some((_, after)) => clean.push_str(after),
            None => clean.push_str(part),
        }
    }
    clean
}

/// What a joined task says of its panic.
fn message_of_panic(text: &str) -> Option<&str> {
    let (_, rest) = text
        .split_once("panicked with message \"")
        .or_else(|| text.split_once("JoinError::Panic(")?.1.split_once('"'))?;
    Some(rest.rsplit_once('"').map_or(rest, |(message, _)| message))
}

/// Where the engine's words would puzzle whoever wrote the filter.
fn reworded(text: &str) -> Option<(Code, String)> {
    let fails = |why: &str| {
        let (_, why) = plain(why);
        (
            code::INVALID_ARGUMENT,
            format!("the filter cannot be evaluated: {why}"),
        )
    };
    let parsed = ["Error parsing statement: ", "Error tokenizing statement: "];
    if let Some(rest) = parsed.iter().find_map(|begin| text.strip_prefix(begin)) {
        let (_, why) = rest.rsplit_once(" (")?;
        let (_, why) = peel(why.strip_suffix(')').unwrap_or(why));
        return Some((
            code::INVALID_ARGUMENT,
            format!("the filter is no SQL: {why}"),
        ));
    }
    if let Some(rest) = text.strip_prefix("Error optimizing sql filter: ") {
        return Some(fails(last_in_parentheses(rest).unwrap_or(rest)));
    }
    if let Some(rest) = text.strip_prefix("Error resolving filter expression ") {
        let (_, why) = rest.rsplit_once(": Invalid user input: ")?;
        return Some(fails(why));
    }
    if text.starts_with("Physical plan does not support logical expression ") {
        let why = "an expression holds an aggregate, a window function or a subquery, which no single row has";
        return Some((code::INVALID_ARGUMENT, why.to_string()));
    }
    None
}

/// What the last parenthesis of the text encloses.
fn last_in_parentheses(text: &str) -> Option<&str> {
    let inner = text.strip_suffix(')')?;
    let mut depth = 1;
    for (at, c) in inner.char_indices().rev() {
        match c {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&inner[at + 1..]);
        }
    }
    None
}

/// Split off the `, <path>.rs:LINE:COLUMN` that the engine appends to its messages at every level.
pub fn split_locations(text: &str) -> (String, Vec<String>) {
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
    fn machinery_goes_and_the_innermost_kind_stays() {
        for (text, found, shown) in [
            (
                "External error: LanceError(IO): Generic N/A error: Not found: /d/a.lance, /r/registry/src/i/x-1/src/a.rs:3:5",
                Some(code::IO),
                "Not found: /d/a.lance",
            ),
            (
                "Error applying filter expression to batch: Arrow error: Divide by zero error",
                Some(code::EXECUTION),
                "Divide by zero error",
            ),
            (
                "External error: Arithmetic overflow: Overflow happened on: 1 + 2",
                Some(code::EXECUTION),
                "Arithmetic overflow: Overflow happened on: 1 + 2",
            ),
            (
                "Encountered internal error. Please file a bug report at https://github.com/lance-format/lance/issues. oops",
                Some(code::INTERNAL),
                "oops",
            ),
            (
                "Object at location /x not found: No such file or directory (os error 2)",
                Some(code::NOT_FOUND),
                "/x not found: No such file or directory",
            ),
            (
                "Generic LocalFileSystem error: Unable to walk dir: IO error for operation on /x: Not a directory (os error 20)",
                Some(code::IO),
                "/x: Not a directory",
            ),
            (
                "cannot fold (LanceError(Arrow): Cast error: no number, External error: deep)",
                None,
                "cannot fold (no number, deep)",
            ),
            (
                "Invalid function 'foo'.\nDid you mean 'log'?",
                None,
                "Invalid function 'foo'.\nDid you mean 'log'?",
            ),
            ("my Schema error: stays", None, "my Schema error: stays"),
            (
                "Optimizer rule 'simplify' failed\ncaused by\nError during planning: no such type",
                Some(code::INVALID_ARGUMENT),
                "no such type",
            ),
        ] {
            assert_eq!(plain(text), (found, shown.to_string()), "{text}");
        }
    }

    #[test]
    fn a_panic_of_a_task_is_told_by_its_message() {
        for text in [
            r#"task 12 panicked with message "index out of bounds""#,
            r#"join: JoinError::Panic(Id(12), "index out of bounds", ...)"#,
        ] {
            let shown = "the engine panicked: index out of bounds".to_string();
            assert_eq!(plain(text), (Some(code::PANIC), shown), "{text}");
        }
    }

    #[test]
    fn a_filter_is_told_by_what_is_wrong_with_it() {
        for (text, shown) in [
            (
                "Error parsing statement: SELECT 1 FROM t WHERE id = (sql parser error: Expected: an expression, found: EOF)",
                "the filter is no SQL: Expected: an expression, found: EOF",
            ),
            (
                "Error optimizing sql filter: abs(x) = date 'a' (LanceError(Arrow): Cast error: no date (really), a/b.rs:99:8)",
                "the filter cannot be evaluated: no date (really)",
            ),
            (
                "Error resolving filter expression s = 1: Invalid user input: no literal of 'Struct([Field { name: \"a\", x: 1 }])'",
                "the filter cannot be evaluated: no literal of 'Struct([a])'",
            ),
        ] {
            let (found, text) = plain(text);
            assert_eq!(
                (found, text.as_str()),
                (Some(code::INVALID_ARGUMENT), shown)
            );
        }
        let (_, text) = plain(
            "Physical plan does not support logical expression AggregateFunction(X { y: 1 })",
        );
        assert!(text.contains("an aggregate"), "{text}");
    }

    #[test]
    fn a_dump_of_a_schema_is_cut_off() {
        let dump = "x".repeat(60_000);
        let (_, text) = plain(&format!(
            "Duplicate field name \"x\" in schema:\n Schema {{ {dump}"
        ));
        assert_eq!(text, "Duplicate field name \"x\"");
    }
}
