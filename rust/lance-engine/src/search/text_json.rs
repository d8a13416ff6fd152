//! The JSON form of searches for words, looked at before the engine's parser reads it.
//!
//! That parser ignores what it does not know, and takes defaults for what it does not understand. So every name and
//! every value is compared with what there may be first, and what is wrong is told with its place in the text.

use serde_json::{Map, Value};

use crate::error::{Error, Result, nearest_hint};

/// What the value of a field may be. NULL stands for a field that is not given.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Count,
    /// A count of edits, or "auto".
    Edits,
    OneOf(&'static [&'static str]),
    Texts,
    Numbers,
    Query,
    Queries,
    /// Fields of the query "match".
    Matches,
}

struct Field {
    name: &'static str,
    kind: Kind,
    is_required: bool,
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        is_required: true,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        is_required: false,
    }
}

const OPERATORS: Kind = Kind::OneOf(&["and", "or"]);
const GRANULARITIES: Kind = Kind::OneOf(&["row", "list_element"]);

const MATCH: &[Field] = &[
    optional("column", Kind::Text),
    required("terms", Kind::Text),
    optional("boost", Kind::Number),
    optional("fuzziness", Kind::Edits),
    optional("max_expansions", Kind::Count),
    optional("operator", OPERATORS),
    optional("prefix_length", Kind::Count),
    optional("document_granularity", GRANULARITIES),
];

/// The queries there are, each with its fields.
const QUERIES: &[(&str, &[Field])] = &[
    ("match", MATCH),
    (
        "phrase",
        &[
            optional("column", Kind::Text),
            required("terms", Kind::Text),
            optional("slop", Kind::Count),
            optional("document_granularity", GRANULARITIES),
        ],
    ),
    (
        "boost",
        &[
            required("positive", Kind::Query),
            required("negative", Kind::Query),
            optional("negative_boost", Kind::Number),
        ],
    ),
    (
        "multi_match",
        &[
            required("match_queries", Kind::Matches),
            // The engine writes these for its earlier versions, and does not read them.
            optional("query", Kind::Text),
            optional("columns", Kind::Texts),
            optional("boost", Kind::Numbers),
        ],
    ),
    (
        "combined_fields",
        &[
            required("query", Kind::Text),
            required("columns", Kind::Texts),
            optional("boost", Kind::Numbers),
            optional("operator", OPERATORS),
        ],
    ),
    (
        "boolean",
        &[
            optional("must", Kind::Queries),
            optional("should", Kind::Queries),
            optional("must_not", Kind::Queries),
        ],
    ),
];

/// Check a text that the engine's parser is to read.
pub fn check(json: &str) -> Result<()> {
    // It refuses what is nested too deep for a recursion.
    let value = serde_json::from_str(json)
        .map_err(|error| Error::invalid_argument(format!("the query is no JSON: {error}")))?;
    query("the query", &value)
}

fn query(place: &str, value: &Value) -> Result<()> {
    let names = || QUERIES.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let mut fields = object(place, value)?.iter();
    let (Some((name, fields)), None) = (fields.next(), fields.next()) else {
        let names = names().join(", ");
        return wrong(place, &format!("is an object with one field of {names}"));
    };
    match QUERIES.iter().find(|(known, _)| known == name) {
        Some((name, known)) => check_fields(&format!("{place}.{name}"), fields, known),
        None => Err(Error::invalid_argument(format!(
            "{place}: there is no query {name:?}{}",
            nearest_hint(name, names())
        ))),
    }
}

fn check_fields(place: &str, value: &Value, known: &[Field]) -> Result<()> {
    let given = object(place, value)?;
    for (name, value) in given {
        let Some(field) = known.iter().find(|field| field.name == name) else {
            return Err(Error::invalid_argument(format!(
                "{place}: there is no field {name:?}{}",
                nearest_hint(name, known.iter().map(|field| field.name))
            )));
        };
        if !value.is_null() {
            check_value(&format!("{place}.{name}"), value, field.kind)?;
        }
    }
    let is_missing = |name| given.get(name).is_none_or(Value::is_null);
    match known
        .iter()
        .find(|field| field.is_required && is_missing(field.name))
    {
        Some(field) => wrong(place, &format!("needs the field {:?}", field.name)),
        None => Ok(()),
    }
}

fn check_value(place: &str, value: &Value, kind: Kind) -> Result<()> {
    let is_count = || value.as_u64().is_some_and(|count| count <= u32::MAX.into());
    let (is_right, what) = match kind {
        Kind::Text => (value.is_string(), "is a text".to_string()),
        Kind::Number => (value.is_number(), "is a number".to_string()),
        Kind::Count => (is_count(), "is a whole number, at least 0".to_string()),
        Kind::Edits => (
            is_count() || value == "auto",
            "is a whole number, at least 0, or \"auto\"".to_string(),
        ),
        Kind::OneOf(words) => (
            value
                .as_str()
                .is_some_and(|text| words.iter().any(|word| text.eq_ignore_ascii_case(word))),
            format!("is one of {words:?}"),
        ),
        Kind::Texts => return each(place, value, |place, it| check_value(place, it, Kind::Text)),
        Kind::Numbers => {
            return each(place, value, |place, it| {
                check_value(place, it, Kind::Number)
            });
        }
        Kind::Query => return query(place, value),
        Kind::Queries => return each(place, value, query),
        Kind::Matches => return each(place, value, |place, it| check_fields(place, it, MATCH)),
    };
    match is_right {
        true => Ok(()),
        false => wrong(place, &what),
    }
}

fn each(place: &str, value: &Value, check: impl Fn(&str, &Value) -> Result<()>) -> Result<()> {
    let Some(items) = value.as_array() else {
        return wrong(place, "is a list");
    };
    let mut items = items.iter().enumerate();
    items.try_for_each(|(i, item)| check(&format!("{place}[{i}]"), item))
}

fn object<'a>(place: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    match value.as_object() {
        Some(object) => Ok(object),
        None => wrong(place, "is an object"),
    }
}

fn wrong<T>(place: &str, what: &str) -> Result<T> {
    Err(Error::invalid_argument(format!("{place} {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parser_would_not_notice_is_told_with_its_place() {
        for (json, message) in [
            (
                "",
                "the query is no JSON: EOF while parsing a value at line 1 column 0",
            ),
            (
                "{\"match\":\n{,}}",
                "the query is no JSON: key must be a string at line 2 column 2",
            ),
            ("[]", "the query is an object"),
            (
                r#"{"mach": {}}"#,
                r#"the query: there is no query "mach"; the nearest names are "match", "phrase", "boost""#,
            ),
            (
                r#"{"match": {"terms": "a", "fuzzines": 1}}"#,
                r#"the query.match: there is no field "fuzzines"; the nearest names are "fuzziness", "column", "terms""#,
            ),
            (
                r#"{"match": {"terms": 1}}"#,
                "the query.match.terms is a text",
            ),
            (
                r#"{"match": {"terms": null}}"#,
                r#"the query.match needs the field "terms""#,
            ),
            (
                r#"{"match": {"terms": "a", "fuzziness": "two"}}"#,
                r#"the query.match.fuzziness is a whole number, at least 0, or "auto""#,
            ),
            (
                r#"{"match": {"terms": "a", "max_expansions": 4294967296}}"#,
                "the query.match.max_expansions is a whole number, at least 0",
            ),
            (
                r#"{"match": {"terms": "a", "operator": "xor"}}"#,
                r#"the query.match.operator is one of ["and", "or"]"#,
            ),
            (
                r#"{"boolean": {"must": [{"match": {"terms": "a"}}, {"phrase": {}}]}}"#,
                r#"the query.boolean.must[1].phrase needs the field "terms""#,
            ),
            (
                r#"{"boolean": {"must": {"match": {"terms": "a"}}}}"#,
                "the query.boolean.must is a list",
            ),
            (
                r#"{"multi_match": {"match_queries": [{"terms": "a"}, {"words": "a"}]}}"#,
                r#"the query.multi_match.match_queries[1]: there is no field "words""#,
            ),
            (
                r#"{"combined_fields": {"query": "a", "columns": ["a", 1]}}"#,
                "the query.combined_fields.columns[1] is a text",
            ),
        ] {
            let error = check(json).expect_err(json);
            assert!(error.message().starts_with(message), "{json}: {error}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let nested = |depth| {
            let open = r#"{"boolean": {"must": ["#.repeat(depth);
            format!(
                r#"{open}{{"match": {{"terms": "a"}}}}{}"#,
                "]}}".repeat(depth)
            )
        };
        check(&nested(30)).expect("is not deep");
        let error = check(&nested(100_000)).expect_err("is too deep");
        assert!(error.message().contains("recursion limit"), "{error}");
    }
}
