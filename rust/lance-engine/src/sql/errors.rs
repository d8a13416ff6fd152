//! What DataFusion says is wrong with a query, in words of ours and with the place of it.

use datafusion::common::{DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Location;

use super::places::Places;
use crate::error::{Error, code};
use crate::read::amplifiers;

/// A column that no table has, and what is known of where it is named.
pub struct Missing {
    pub name: String,
    pub table: Option<String>,
    pub place: Option<Location>,
}

/// The column that a query was not planned for.
pub fn missing(error: &DataFusionError) -> Option<Missing> {
    let DataFusionError::SchemaError(cause, _) = root(error) else {
        return None;
    };
    let SchemaError::FieldNotFound { field, .. } = &**cause else {
        return None;
    };
    let told = error.diagnostic().and_then(|told| told.span);
    let span = told.or_else(|| field.spans().first());
    Some(Missing {
        name: field.name.clone(),
        table: field
            .relation
            .as_ref()
            .map(|table| table.table().to_string()),
        place: span.map(|span| Location::of(span.start.line, span.start.column)),
    })
}

/// Before the place at the end of what the parser says.
const LINE: &str = " at Line: ";
const COLUMN: &str = ", Column: ";

/// The same error and where in the text it is, if that is known.
pub fn at(error: Error, place: Option<Location>) -> Error {
    match place {
        Some(Location { line, column }) => {
            let message = format!("{} at line {line}, column {column}", error.message());
            Error::with_detail(error.code(), &message, error.detail())
        }
        None => error,
    }
}

/// What the parser says where the text is at its end.
const AT_END: &str = "found: EOF";

/// What the parser or its tokenizer says of a text that ends there.
pub fn of_parser(text: &str, end: Location) -> Error {
    let said = text.strip_prefix("sql parser error: ").unwrap_or(text);
    let place = said.rfind(LINE).and_then(|start| {
        let (line, column) = said[start + LINE.len()..].split_once(COLUMN)?;
        let place = Location::of(line.parse().ok()?, column.trim().parse().ok()?);
        Some((&said[..start], place))
    });
    let (said, place) = place.map_or_else(
        || (said, said.ends_with(AT_END).then_some(end)),
        |(said, place)| (said, Some(place)),
    );
    at(
        Error::invalid_argument(format!("the query is no SQL: {said}")),
        place,
    )
}

/// What is wrong with a query that is parsed or planned.
pub fn of_query(error: DataFusionError, places: &Places) -> Error {
    let told = error.diagnostic().and_then(|told| told.span);
    let told = told.map(|span| Location::of(span.start.line, span.start.column));
    match root(&error) {
        DataFusionError::SQL(error, _) => match &**error {
            ParserError::RecursionLimitExceeded => Error::invalid_argument(
                "the query has too many parentheses, functions or queries within each other",
            ),
            said => of_parser(&said.to_string(), places.end()),
        },
        DataFusionError::SchemaError(error, _) => match &**error {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => {
                let mut names: Vec<_> = valid_fields.iter().map(|column| &column.name).collect();
                names.sort_unstable();
                names.dedup();
                let error = Error::no_such_column(&field.flat_name(), names);
                at(error, told.or_else(|| places.of(&field.name)))
            }
            SchemaError::AmbiguousReference { field } => {
                let error = Error::invalid_argument(format!(
                    "column {:?} is ambiguous, as several tables have one: put the table before it",
                    field.name
                ));
                at(error, told.or_else(|| places.of(&field.name)))
            }
            other => at(Error::invalid_argument(other.to_string()), told),
        },
        _ => at(while_running(error.into()), told),
    }
}

/// What failed when a query was planned or run. DataFusion and Arrow panic on some that they cannot evaluate.
pub fn while_running(error: Error) -> Error {
    if let Some(told) = amplifiers::told_in(error.message()) {
        let told = told.replacen("the filter", "the query", 1);
        return Error::with_detail(code::RESOURCE_EXHAUSTED, &told, error.detail());
    }
    let evaluates = ["/arrow-", "/datafusion-", "/sqlparser-"]
        .iter()
        .any(|name| error.detail().contains(name));
    match error.code() {
        code::PANIC if evaluates => error
            .with_code(code::INVALID_ARGUMENT)
            .context("the query cannot be evaluated"),
        _ => error.while_reading(),
    }
}

/// The error within its wrappers.
fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Shared(inner) => root(inner),
        DataFusionError::Collection(errors) if !errors.is_empty() => root(&errors[0]),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_mistake_is_told_in_words() {
        let said = "sql parser error: Expected: an expression, found: FROM at Line: 2, Column: 8";
        let end = Location::of(3, 1);
        let error = of_parser(said, end);
        assert_eq!(error.code(), code::INVALID_ARGUMENT);
        assert_eq!(
            error.message(),
            "the query is no SQL: Expected: an expression, found: FROM at line 2, column 8"
        );
        for (said, told) in [
            ("odd", "odd"),
            (
                "Expected: an expression, found: EOF",
                "Expected: an expression, found: EOF at line 3, column 1",
            ),
        ] {
            let error = of_parser(&format!("sql parser error: {said}"), end);
            assert_eq!(error.message(), format!("the query is no SQL: {told}"));
        }
    }
}
