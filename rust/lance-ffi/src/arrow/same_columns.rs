//! Whether a batch fits a writer.

use arrow::datatypes::{DataType, Fields, Schema};
use lance_engine::error::code;
use lance_engine::{Error, Result};

/// Check that data of `given` can be read as `expected`: the same names and types in the same order. Nullability is a
/// question of values, and an extension type is its storage.
pub fn check_same_columns(given: &Schema, expected: &Schema) -> Result<()> {
    let mismatch = |what: String| Err(Error::new(code::SCHEMA_MISMATCH, what));
    let (n, m) = (given.fields().len(), expected.fields().len());
    if n != m {
        return mismatch(format!(
            "the batch has {n} columns, the writer's schema has {m}"
        ));
    }
    for (given, expected) in given.fields().iter().zip(expected.fields()) {
        if given.name() != expected.name() {
            return mismatch(format!(
                "the batch has column {:?} where the writer's schema has {:?}",
                given.name(),
                expected.name()
            ));
        }
        if !is_readable_as(given.data_type(), expected.data_type()) {
            return mismatch(format!(
                "column {:?} is {} in the batch and {} in the writer's schema",
                given.name(),
                given.data_type(),
                expected.data_type()
            ));
        }
    }
    Ok(())
}

/// Whether types are the same but for the nullability, the metadata and the meaningless names inside them.
fn is_readable_as(given: &DataType, expected: &DataType) -> bool {
    match (given, expected) {
        (DataType::Struct(given), DataType::Struct(expected)) => {
            let names = given.iter().map(|field| field.name());
            names.eq(expected.iter().map(|field| field.name())) && are_readable_as(given, expected)
        }
        (DataType::Map(given, _), DataType::Map(expected, _)) => {
            match (given.data_type(), expected.data_type()) {
                (DataType::Struct(given), DataType::Struct(expected)) => {
                    are_readable_as(given, expected)
                }
                _ => false,
            }
        }
        (DataType::List(given), DataType::List(expected))
        | (DataType::LargeList(given), DataType::LargeList(expected)) => {
            is_readable_as(given.data_type(), expected.data_type())
        }
        (DataType::FixedSizeList(given, n), DataType::FixedSizeList(expected, m)) => {
            n == m && is_readable_as(given.data_type(), expected.data_type())
        }
        _ => given == expected,
    }
}

fn are_readable_as(given: &Fields, expected: &Fields) -> bool {
    let mut pairs = given.iter().zip(expected);
    given.len() == expected.len()
        && pairs.all(|(given, expected)| is_readable_as(given.data_type(), expected.data_type()))
}
