//! Encoding hints for single columns. The engine reads them from the fields' metadata and ignores what it
//! does not understand, so they are checked here.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};

use crate::error::{Error, Result, nearest_hint};
use crate::settings::ColumnHint;

pub const ENCODING_PREFIX: &str = "lance-encoding:";

/// What a hint's value may be.
enum Values {
    OneOf(&'static [&'static str]),
    Integer,
    Number,
}

const COMPRESSIONS: Values = Values::OneOf(&["none", "lz4", "zstd", "fsst"]);

const HINTS: &[(&str, Values)] = &[
    ("compression", COMPRESSIONS),
    ("compression-level", Values::Integer),
    (
        "structural-encoding",
        Values::OneOf(&["miniblock", "fullzip", "sparse"]),
    ),
    ("bss", Values::OneOf(&["off", "on", "auto"])),
    ("packed", Values::OneOf(&["true", "false"])),
    ("rle-threshold", Values::Number),
    ("minichunk-size", Values::Integer),
    ("dict-divisor", Values::Integer),
    ("dict-max-size", Values::Integer),
    ("dict-size-ratio", Values::Number),
    ("dict-values-compression", COMPRESSIONS),
    ("dict-values-compression-level", Values::Integer),
];

fn check(hint: &ColumnHint) -> Result<()> {
    let ColumnHint { column, key, value } = hint;
    let known = HINTS.iter().find(|(name, _)| name == key);
    let wanted = match known.map(|(_, values)| values) {
        None => {
            return Err(Error::invalid_argument(format!(
                "there is no encoding hint {key:?} (column {column:?}){}",
                nearest_hint(key, HINTS.iter().map(|(name, _)| name))
            )));
        }
        Some(Values::OneOf(names)) if names.contains(&value.as_str()) => return Ok(()),
        Some(Values::OneOf(names)) => format!("one of {}", names.join(", ")),
        Some(Values::Integer) if value.parse::<i32>().is_ok() => return Ok(()),
        Some(Values::Integer) => "an integer".to_string(),
        Some(Values::Number) if value.parse::<f64>().is_ok_and(f64::is_finite) => return Ok(()),
        Some(Values::Number) => "a number".to_string(),
    };
    Err(Error::invalid_argument(format!(
        "the encoding hint {key:?} of column {column:?} must be {wanted}, got {value:?}"
    )))
}

/// The checked hints of one write.
pub struct ColumnHints(Vec<ColumnHint>);

impl ColumnHints {
    pub fn new(hints: Vec<ColumnHint>) -> Result<Self> {
        hints.iter().try_for_each(check)?;
        Ok(Self(hints))
    }

    /// Put the hints into the metadata of the fields they name.
    pub fn apply(&self, schema: Schema) -> Result<Schema> {
        let mut fields = schema.fields;
        for hint in &self.0 {
            fields = with_hint(&fields, &hint.column, hint)
                .ok_or_else(|| no_such_column(&hint.column, fields.clone()))?;
        }
        Ok(Schema::new_with_metadata(fields, schema.metadata))
    }

    /// Check that a dataset is stored so already: what is appended is encoded as it says.
    pub fn check_recorded(&self, dataset: &Schema) -> Result<()> {
        for hint in &self.0 {
            let ColumnHint { column, key, value } = hint;
            let fields = with_hint(&dataset.fields, column, hint)
                .ok_or_else(|| no_such_column(column, dataset.fields.clone()))?;
            if fields != dataset.fields {
                return Err(Error::invalid_argument(format!(
                    "column {column:?} of the dataset is not stored with {key:?} = {value:?}: encodings are chosen when a dataset is made"
                )));
            }
        }
        Ok(())
    }
}

fn no_such_column(path: &str, fields: Fields) -> Error {
    let schema = lance::datatypes::Schema::try_from(&Schema::new(fields));
    let columns = schema.map(|schema| schema.field_paths());
    Error::no_such_column(path, columns.unwrap_or_default()).context("an encoding hint")
}

/// Copy `fields` with the hint set at `path`; None when there is no such column.
fn with_hint(fields: &Fields, path: &str, hint: &ColumnHint) -> Option<Fields> {
    let mut copy: Vec<FieldRef> = fields.iter().cloned().collect();
    for field in &mut copy {
        let changed = if field.name() == path {
            let mut metadata = field.metadata().clone();
            let key = format!("{ENCODING_PREFIX}{}", hint.key);
            // The oldest format takes the mere presence of "packed" for true.
            if hint.key == "packed" && hint.value == "false" {
                metadata.remove(&key);
            } else {
                metadata.insert(key, hint.value.clone());
            }
            Some(field.as_ref().clone().with_metadata(metadata))
        } else {
            path.strip_prefix(field.name().as_str())
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|rest| with_hint_below(field, rest, hint))
        };
        if let Some(changed) = changed {
            *field = Arc::new(changed);
            return Some(copy.into());
        }
    }
    None
}

fn with_hint_below(field: &Field, path: &str, hint: &ColumnHint) -> Option<Field> {
    let inside = |item: &FieldRef| {
        with_hint(&Fields::from(vec![item.clone()]), path, hint).map(|fields| fields[0].clone())
    };
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(with_hint(fields, path, hint)?),
        DataType::List(item) => DataType::List(inside(item)?),
        DataType::LargeList(item) => DataType::LargeList(inside(item)?),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(inside(item)?, *size),
        DataType::Map(entries, sorted) => DataType::Map(inside(entries)?, *sorted),
        _ => return None,
    };
    Some(field.clone().with_data_type(data_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::code;

    fn hint(column: &str) -> ColumnHint {
        ColumnHint {
            column: column.to_string(),
            key: "compression".to_string(),
            value: "zstd".to_string(),
        }
    }

    fn nested() -> Fields {
        let leaf = Field::new("leaf", DataType::Utf8, true);
        let item = Field::new("item", DataType::Struct(vec![leaf].into()), true);
        vec![Field::new("a.b", DataType::List(Arc::new(item)), true)].into()
    }

    #[test]
    fn a_hint_reaches_a_nested_column_even_below_a_name_with_a_dot() {
        let path = "a.b.item.leaf";
        let fields = with_hint(&nested(), path, &hint(path)).unwrap();
        let text = format!("{fields:?}");
        assert!(text.contains("lance-encoding:compression"), "{text}");
        assert!(fields[0].metadata().is_empty());
    }

    #[test]
    fn a_hint_for_an_unknown_column_is_refused_with_the_nearest_names() {
        let hints = ColumnHints(vec![hint("s.lef")]);
        let leaf = Field::new("leaf", DataType::Utf8, true);
        let schema = Schema::new(vec![Field::new_struct("s", vec![leaf], true)]);
        let error = hints.apply(schema).unwrap_err();
        assert_eq!(error.code(), code::FIELD_NOT_FOUND);
        assert_eq!(
            error.message(),
            r#"an encoding hint: there is no column "s.lef"; the nearest names are "s.leaf", "s""#
        );
    }

    #[test]
    fn a_hint_for_a_dataset_that_exists_has_to_be_its_own() {
        let plain = Schema::new(vec![Field::new("c", DataType::Utf8, true)]);
        let asked = ColumnHints(vec![hint("c")]);
        let recorded = asked.apply(plain.clone()).unwrap();
        assert!(asked.check_recorded(&recorded).is_ok());
        let error = asked.check_recorded(&plain).unwrap_err();
        assert_eq!(error.code(), code::INVALID_ARGUMENT);
        assert!(error.message().contains("\"c\""), "{error}");
    }

    #[test]
    fn values_the_engine_would_ignore_are_refused() {
        for (key, value, good) in [
            ("compression", "zstd", true),
            ("compression", "snappy", false),
            ("compression-level", "three", false),
            ("rle-threshold", "0.5", true),
            ("rle-threshold", "nan", false),
            ("no-such-key", "1", false),
        ] {
            let hint = ColumnHint {
                key: key.to_string(),
                value: value.to_string(),
                ..hint("c")
            };
            assert_eq!(check(&hint).is_ok(), good, "{key}={value}");
        }
    }
}
