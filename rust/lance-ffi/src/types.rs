//! Which Arrow types a dataset can hold. The engine refuses most of the others by itself, but without the
//! column's name; a few it accepts and then panics on, or cannot read back.

use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, Fields, Schema,
};
use lance::datatypes::LogicalType;

use crate::error::{LanceError, Result, code};

/// Check every column of a new write.
pub fn check_storable(schema: &Schema) -> Result<()> {
    check_fields(schema.fields(), "")
}

fn check_fields(fields: &Fields, path: &str) -> Result<()> {
    fields.iter().try_for_each(|field| check_field(field, path))
}

fn check_field(field: &Field, path: &str) -> Result<()> {
    let path = match path {
        "" => field.name().to_string(),
        parent => format!("{parent}.{}", field.name()),
    };
    let refuse = |why: String| {
        Err(LanceError::new(
            code::SCHEMA_MISMATCH,
            format!("column {path:?} cannot be stored: {why}"),
        ))
    };
    match field.data_type() {
        DataType::Decimal128(precision, _) if *precision > DECIMAL128_MAX_PRECISION => {
            refuse(format!("its precision is {precision}"))
        }
        DataType::Decimal256(precision, _) if *precision > DECIMAL256_MAX_PRECISION => {
            refuse(format!("its precision is {precision}"))
        }
        DataType::FixedSizeBinary(width) if *width < 0 => refuse(format!("its width is {width}")),
        DataType::FixedSizeList(_, size) if *size < 0 => refuse(format!("its size is {size}")),
        DataType::FixedSizeList(item, _) if !is_fixed_width(item.data_type()) => refuse(format!(
            "Lance has no fixed-size lists of {}; use a list",
            item.data_type()
        )),
        DataType::Dictionary(index, _) if !index.is_integer() => {
            refuse(format!("its dictionary has indices of type {index}"))
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, false) => {
            check_field(item, &path)
        }
        DataType::Struct(fields) => check_fields(fields, &path),
        other => match LogicalType::try_from(other) {
            Ok(_) => Ok(()),
            Err(_) => refuse(format!("Lance has no type {other}")),
        },
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
}
