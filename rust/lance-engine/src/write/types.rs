//! What a dataset can hold, types and names. The engine refuses most of the rest by itself, but without the column's
//! name; some it accepts and then panics on, or cannot read back.

use std::collections::HashSet;

use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, Fields, Schema,
};
use lance::datatypes::LogicalType;
use lance_core::is_system_column;

use super::dictionaries::is_narrow;
use super::nested::contains;
use crate::column_path::ColumnPath;
use crate::error::{Error, Result, code};

/// Check every column of a new write.
pub fn check_storable(schema: &Schema) -> Result<()> {
    for (i, field) in schema.fields().iter().enumerate() {
        let path = ColumnPath::Child(&ColumnPath::Batch, field.name());
        match field.name().as_str() {
            "" => refuse(&path, format!("column {} has no name", i + 1)),
            name if name.contains(['.', '`']) => refuse(
                &path,
                "a dot or a backtick in the name of a column is read as a path",
            ),
            name if is_system_column(name) => refuse(&path, "the name is reserved"),
            _ => Ok(()),
        }?;
    }
    check_fields(schema.fields(), &ColumnPath::Batch)
}

fn refuse<T>(path: &ColumnPath, why: impl AsRef<str>) -> Result<T> {
    Err(Error::new(
        code::SCHEMA_MISMATCH,
        format!("{path} cannot be stored: {}", why.as_ref()),
    ))
}

fn check_fields(fields: &Fields, path: &ColumnPath) -> Result<()> {
    let mut names = HashSet::new();
    for field in fields {
        let path = ColumnPath::Child(path, field.name());
        if field.name().is_empty() {
            return refuse(&path, "it has no name");
        }
        if !names.insert(field.name()) {
            return refuse(&path, "there are two of this name");
        }
        check_type(field.data_type(), &path)?;
    }
    Ok(())
}

fn check_type(data_type: &DataType, path: &ColumnPath) -> Result<()> {
    let check_item =
        |item: &Field| check_type(item.data_type(), &ColumnPath::Child(path, item.name()));
    match data_type {
        DataType::Decimal128(precision, _) if *precision > DECIMAL128_MAX_PRECISION => {
            refuse(path, format!("its precision is {precision}"))
        }
        DataType::Decimal256(precision, _) if *precision > DECIMAL256_MAX_PRECISION => {
            refuse(path, format!("its precision is {precision}"))
        }
        DataType::FixedSizeBinary(width) if *width < 1 => {
            refuse(path, format!("its width is {width}"))
        }
        DataType::FixedSizeList(_, size) if *size < 1 => {
            refuse(path, format!("its size is {size}"))
        }
        DataType::FixedSizeList(item, _) if !is_fixed_width(item.data_type()) => refuse(
            path,
            format!(
                "Lance has no fixed-size lists of {}; use a list",
                item.data_type()
            ),
        ),
        DataType::Dictionary(index, _) if !index.is_integer() => {
            refuse(path, format!("its dictionary has indices of type {index}"))
        }
        DataType::Dictionary(_, values) if values.is_null() => {
            refuse(path, "its dictionary has values of type Null")
        }
        DataType::Struct(fields) if fields.is_empty() => {
            refuse(path, "it is a struct without fields")
        }
        // Readers of several files put the dictionaries inside maps one behind the other.
        DataType::Map(entries, _) if contains(entries.data_type(), is_narrow) => refuse(
            path,
            "a dictionary inside a map needs keys of 32 bits or more: use these, or plain values",
        ),
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, false) => {
            check_item(item)
        }
        DataType::FixedSizeList(item, _) => check_item(item),
        DataType::Struct(fields) => check_fields(fields, path),
        other => match LogicalType::try_from(other).and_then(|it| DataType::try_from(&it)) {
            Ok(stored) if stored == *without_views(other) => Ok(()),
            Ok(stored) => refuse(path, format!("{other} would come back as {stored}")),
            Err(_) => refuse(path, format!("Lance has no type {other}")),
        },
    }
}

/// Views are stored as what they are views of.
fn without_views(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Utf8View => &DataType::Utf8,
        DataType::BinaryView => &DataType::Binary,
        other => other,
    }
}

fn is_fixed_width(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeList(item, _) => is_fixed_width(item.data_type()),
        DataType::Boolean | DataType::FixedSizeBinary(_) => true,
        other => other.is_primitive(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::TimeUnit;

    use super::*;

    fn check(data_type: DataType) -> Result<()> {
        let inner = Field::new("inner", data_type, true);
        check_storable(&Schema::new(vec![Field::new(
            "outer",
            DataType::Struct(vec![inner].into()),
            true,
        )]))
    }

    #[test]
    fn a_refusal_names_the_nested_column() {
        let error = check(DataType::Decimal128(99, 2)).unwrap_err();
        assert!(error.message().contains("outer.inner"), "{error}");
        assert_eq!(error.code(), code::SCHEMA_MISMATCH);
    }

    #[test]
    fn fixed_size_lists_hold_numbers_only() {
        let list = |item| DataType::FixedSizeList(Arc::new(Field::new("item", item, true)), 2);
        assert!(check(list(DataType::Float32)).is_ok());
        assert!(check(list(list(DataType::Int8))).is_ok());
        assert!(check(list(DataType::Utf8)).is_err());
    }

    #[test]
    fn types_without_a_lance_type_are_refused() {
        use arrow::datatypes::IntervalUnit::YearMonth;
        assert!(check(DataType::Interval(YearMonth)).is_err());
        assert!(check(DataType::Utf8View).is_ok());
    }

    fn list(item: DataType) -> DataType {
        DataType::new_list(item, true)
    }

    fn map_to(value: DataType) -> DataType {
        let pair = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", value, true),
        ];
        let entries = Field::new("entries", DataType::Struct(pair.into()), false);
        DataType::Map(Arc::new(entries), false)
    }

    #[test]
    fn a_type_that_would_come_back_as_another_is_refused() {
        let timestamp = |zone: &str| DataType::Timestamp(TimeUnit::Second, Some(zone.into()));
        assert!(check(timestamp("+01:00")).is_ok());
        assert!(check(timestamp("-")).is_err());
        let words = |words| DataType::Dictionary(Box::new(DataType::Int8), Box::new(words));
        assert!(check(words(DataType::LargeUtf8)).is_ok());
        for values in [
            DataType::Utf8View,
            DataType::Null,
            DataType::Decimal128(5, 1),
            list(DataType::Int8),
        ] {
            assert!(check(words(values)).is_err());
        }
    }

    #[test]
    fn dictionaries_inside_maps_have_wide_keys() {
        let words = |keys| DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8));
        assert!(check(map_to(words(DataType::Int32))).is_ok());
        for narrow in [DataType::Int8, DataType::UInt16].map(words) {
            assert!(check(list(narrow.clone())).is_ok());
            let error = check(map_to(list(narrow))).unwrap_err();
            assert!(error.message().contains("outer.inner"), "{error}");
        }
    }

    #[test]
    fn what_has_no_width_is_refused_at_any_depth() {
        let item = |item| Arc::new(Field::new("item", item, true));
        for empty in [
            DataType::Struct(Fields::empty()),
            DataType::FixedSizeBinary(0),
            DataType::FixedSizeList(item(DataType::Int32), 0),
            DataType::FixedSizeList(item(DataType::FixedSizeBinary(0)), 2),
        ] {
            let nested = [list(empty.clone()), map_to(empty.clone()), empty];
            for data_type in nested {
                let error = check(data_type).unwrap_err();
                assert!(error.message().contains("outer.inner"), "{error}");
            }
        }
    }

    fn check_names(top: &str, inner: [&str; 2]) -> Result<()> {
        let inner: Vec<_> = inner
            .iter()
            .map(|name| Field::new(*name, DataType::Int32, true))
            .collect();
        let nested = list(DataType::Struct(inner.into()));
        check_storable(&Schema::new(vec![
            Field::new(top, nested, true),
            Field::new("other", DataType::Int32, true),
        ]))
    }

    #[test]
    fn names_that_no_reader_finds_are_refused_with_their_path() {
        for (top, inner, said) in [
            ("", ["a", "b"], "column 1 has no name"),
            ("other", ["a", "b"], "column \"other\""),
            ("a.b", ["a", "b"], "`a.b`"),
            ("a`b", ["a", "b"], "`a``b`"),
            ("_rowid", ["a", "b"], "reserved"),
            ("t", ["a", ""], "t.item.``"),
            ("t", ["a", "a"], "t.item.a"),
        ] {
            let error = check_names(top, inner).unwrap_err();
            assert_eq!(error.code(), code::SCHEMA_MISMATCH);
            assert!(error.message().contains(said), "{error}");
        }
    }

    #[test]
    fn names_that_can_be_quoted_are_accepted() {
        let long = "x".repeat(65_000);
        for name in [
            "A", " ", "a b", "'", "\"", "\n", "é", "*", "1", "select", &long,
        ] {
            assert!(check_names(name, ["a", "A"]).is_ok(), "{name:?}");
        }
        for name in ["a.b", ".", "`", "a`b", "_rowid"] {
            assert!(check_names("t", ["a", name]).is_ok(), "{name:?}");
        }
    }
}
