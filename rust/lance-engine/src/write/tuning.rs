//! Encodings for columns that have no hints: where the engine's own choice costs more, in time or in space.
//!
//! The engine takes hints from the schema it writes by. They stay out of the schema that is committed: users would see
//! them, and below the top level they make a type another one, which the engine refuses in updates and misses in indices.

use arrow::datatypes::DataType;
use lance::dataset::transaction::{Operation, Transaction};
use lance::datatypes::{Field, Schema};
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

/// Add hints for all columns of which nobody has said how to encode them.
pub fn tune(schema: &mut Schema) {
    schema.fields.iter_mut().for_each(tune_field);
}

fn tune_field(field: &mut Field) {
    if has_hints(field) {
        return;
    }
    // The keys and values of a map are left to the engine.
    if !matches!(field.data_type(), DataType::Map(..)) {
        field.children.iter_mut().for_each(tune_field);
    }
    let hints = hints_for(&field.data_type()).iter();
    let hints = hints.map(|(key, value)| (format!("{ENCODING_PREFIX}{key}"), value.to_string()));
    field.metadata.extend(hints);
}

/// Remove the hints that `untuned` has not, from what a write is going to commit.
pub fn forget(transaction: &mut Transaction, untuned: &Schema) {
    if let Operation::Overwrite { schema, .. } = &mut transaction.operation {
        forget_fields(&mut schema.fields, &untuned.fields);
    }
}

fn forget_fields(fields: &mut [Field], untuned: &[Field]) {
    for field in fields {
        let Some(untuned) = untuned.iter().find(|untuned| untuned.name == field.name) else {
            continue;
        };
        if !has_hints(untuned) {
            field
                .metadata
                .retain(|key, _| !key.starts_with(ENCODING_PREFIX));
        }
        forget_fields(&mut field.children, &untuned.children);
    }
}

fn has_hints(field: &Field) -> bool {
    field
        .metadata
        .keys()
        .any(|key| key.starts_with(ENCODING_PREFIX))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::datatypes::{Field as ArrowField, Schema as ArrowSchema};

    use super::*;

    fn schema_of(field: ArrowField) -> Schema {
        Schema::try_from(&ArrowSchema::new(vec![field])).unwrap()
    }

    fn tuned_text(field: ArrowField) -> String {
        let mut schema = schema_of(field);
        tune(&mut schema);
        format!("{schema:?}")
    }

    fn price() -> ArrowField {
        ArrowField::new("price", DataType::Decimal128(15, 2), true)
    }

    #[test]
    fn numbers_and_strings_get_hints_at_any_depth() {
        let inside = ArrowField::new("s", DataType::Struct(vec![price()].into()), true);
        let list = ArrowField::new("l", DataType::new_list(DataType::Utf8, true), true);
        let of = |name, data_type| tuned_text(ArrowField::new(name, data_type, true));
        assert!(tuned_text(price()).contains("lz4"));
        assert!(of("id", DataType::Int64).contains("dict-divisor"));
        assert!(tuned_text(inside).contains("lz4"));
        assert!(tuned_text(list).contains("dict-size-ratio"));
        assert!(of("ratio", DataType::Float64).contains("rle-threshold"));
        assert!(!of("flag", DataType::Boolean).contains(ENCODING_PREFIX));
    }

    #[test]
    fn a_column_with_a_hint_is_left_alone_with_all_it_holds() {
        let hint = HashMap::from([("lance-encoding:packed".to_string(), "true".to_string())]);
        let packed = ArrowField::new("s", DataType::Struct(vec![price()].into()), true);
        assert!(!tuned_text(packed.with_metadata(hint)).contains("lz4"));
    }

    #[test]
    fn what_is_committed_has_the_hints_of_the_caller_only() {
        let asked = HashMap::from([("lance-encoding:compression".to_string(), "zstd".to_string())]);
        let fields = vec![
            price(),
            ArrowField::new("b", DataType::Utf8, true).with_metadata(asked),
        ];
        let untuned = schema_of(ArrowField::new("s", DataType::Struct(fields.into()), true));
        let mut schema = untuned.clone();
        tune(&mut schema);
        assert_ne!(schema, untuned);
        let operation = Operation::Overwrite {
            fragments: Vec::new(),
            schema,
            config_upsert_values: None,
            initial_bases: None,
        };
        let mut transaction = Transaction::new(0, operation, None);
        forget(&mut transaction, &untuned);
        let Operation::Overwrite { schema, .. } = transaction.operation else {
            unreachable!()
        };
        assert_eq!(schema, untuned);
    }
}
