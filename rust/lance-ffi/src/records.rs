//! Lists of records as Arrow.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, MapArray, MapBuilder, MapFieldNames, RecordBatch, StringBuilder,
};
use arrow::datatypes::{Field, Schema};
use lance_engine::error::code;
use lance_engine::{Error, Result};

/// A column and its values.
pub type Column = (Field, ArrayRef);

pub fn column(name: &str, values: impl Array + 'static) -> Column {
    let field = Field::new(name, values.data_type().clone(), false);
    (field, Arc::new(values))
}

/// A column of which some values may be missing.
pub fn nullable(name: &str, values: impl Array + 'static) -> Column {
    let (field, values) = column(name, values);
    (field.with_nullable(true), values)
}

/// Each record's pairs of texts.
pub fn text_maps<'a>(records: impl Iterator<Item = &'a [(String, String)]>) -> MapArray {
    let names = MapFieldNames {
        entry: "entries".to_string(),
        key: "key".to_string(),
        value: "value".to_string(),
    };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for record in records {
        for (key, value) in record {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        // Keys and values are appended in pairs.
        let _ = maps.append(true);
    }
    maps.finish()
}

pub fn batch_of(columns: impl IntoIterator<Item = Column>) -> Result<RecordBatch> {
    let (fields, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), values)
        .map_err(|error| Error::new(code::INTERNAL, format!("cannot list the records: {error}")))
}

#[cfg(test)]
mod tests {
    use arrow::array::UInt64Array;

    use super::*;

    #[test]
    fn a_list_of_no_records_has_its_columns() {
        let columns = [
            column("number", UInt64Array::from_iter_values([])),
            nullable("perhaps", UInt64Array::from(Vec::<Option<u64>>::new())),
            column("map", text_maps([].into_iter())),
        ];
        let batch = batch_of(columns).unwrap();
        assert_eq!((batch.num_rows(), batch.num_columns()), (0, 3));
        assert!(batch.schema().field(1).is_nullable());
    }

    #[test]
    fn pairs_stay_with_their_record() {
        let pair = |text: &str| (text.to_string(), text.to_uppercase());
        let records = [vec![pair("a"), pair("b")], vec![], vec![pair("c")]];
        let maps = text_maps(records.iter().map(Vec::as_slice));
        assert_eq!(maps.value_offsets(), [0, 2, 2, 3]);
    }
}
