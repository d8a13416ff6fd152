//! Encodings for columns that have no hints: where the engine's own choice costs more, in time or in space.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use lance_arrow::DataTypeExt;

use super::hints::ENCODING_PREFIX;

/// The engine counts the runs of every page twice to see whether they are shorter than its values packed into bits.
/// Of less than two values they hardly ever are, and the second count is 3 % of the write.
const LONG_RUNS: (&str, &str) = ("rle-threshold", "0.5");

/// Hints for a type. Measured on TPC-H's lineitem, with 16 columns:
/// - The engine stores decimals as they are unless it finds a dictionary, and it hashes each value to find one. LZ4
///   needs half that time, and a third of the space where there is none.
/// - A page of integers that repeat is hashed to find a dictionary too: for keys in runs of four that is 8 % of the
///   whole write, and they are read slower. As runs, or packed into bits, they take little more space.
/// - Strings of one letter fail the engine's test for a dictionary, which takes four bytes for an index, though it
///   packs indices into bits afterwards: 2 MB become 30.
fn hints_for(data_type: &DataType) -> &'static [(&'static str, &'static str)] {
    match data_type {
        DataType::Decimal128(..) | DataType::Decimal256(..) => {
            &[("compression", "lz4"), ("dict-divisor", "1000000000")]
        }
        DataType::Int64 | DataType::UInt64 => &[("dict-divisor", "5"), LONG_RUNS],
        number if number.is_primitive() => &[LONG_RUNS],
        text if text.is_binary_like() => &[("dict-size-ratio", "1.0"), LONG_RUNS],
        _ => &[],
    }
}

/// The schema with hints for all columns of which nobody has said how to encode them.
pub fn tuned(schema: &Schema) -> Schema {
    let fields: Vec<_> = schema.fields().iter().map(tuned_field).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

fn tuned_field(field: &FieldRef) -> FieldRef {
    let mut metadata = field.metadata().clone();
    if metadata.keys().any(|key| key.starts_with(ENCODING_PREFIX)) {
        return field.clone();
    }
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(tuned_field).collect()),
        DataType::List(item) => DataType::List(tuned_field(item)),
        DataType::LargeList(item) => DataType::LargeList(tuned_field(item)),
        other => other.clone(),
    };
    let hints = hints_for(&data_type).iter();
    metadata
        .extend(hints.map(|(key, value)| (format!("{ENCODING_PREFIX}{key}"), value.to_string())));
    let tuned = Field::clone(field).with_data_type(data_type);
    Arc::new(tuned.with_metadata(metadata))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn text_of(field: Field) -> String {
        format!("{:?}", tuned(&Schema::new(vec![field])))
    }

    #[test]
    fn numbers_and_strings_get_hints_at_any_depth() {
        let price = Field::new("price", DataType::Decimal128(15, 2), true);
        let inside = Field::new("s", DataType::Struct(vec![price.clone()].into()), true);
        let list = Field::new("l", DataType::new_list(DataType::Utf8, true), true);
        assert!(text_of(price).contains("lz4"));
        assert!(text_of(Field::new("id", DataType::Int64, true)).contains("dict-divisor"));
        assert!(text_of(inside).contains("lz4"));
        assert!(text_of(list).contains("dict-size-ratio"));
        assert!(text_of(Field::new("ratio", DataType::Float64, true)).contains("rle-threshold"));
        assert!(!text_of(Field::new("flag", DataType::Boolean, true)).contains(ENCODING_PREFIX));
    }

    #[test]
    fn a_column_with_a_hint_is_left_alone_with_all_it_holds() {
        let hint = HashMap::from([("lance-encoding:packed".to_string(), "true".to_string())]);
        let price = Field::new("price", DataType::Decimal128(15, 2), true);
        let packed = Field::new("s", DataType::Struct(vec![price].into()), true);
        assert!(!text_of(packed.with_metadata(hint)).contains("lz4"));
    }
}
