//! The keys of a source.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Schema};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use datafusion::common::HashSet;

use crate::error::{Error, Result};
use crate::settings::SourceDuplicates;

/// The most characters of a value in a message.
const LONGEST_SHOWN: usize = 60;

/// Keys that have come, each of them once. Those with a NULL equal none and are not kept.
pub struct Keys {
    names: Vec<String>,
    positions: Vec<usize>,
    converter: RowConverter,
    seen: HashSet<Box<[u8]>>,
    duplicates: SourceDuplicates,
    pub skipped: u64,
    pub have_nulls: bool,
}

impl Keys {
    /// `schema` has the columns `names`.
    pub fn new(schema: &Schema, names: &[String], duplicates: SourceDuplicates) -> Result<Self> {
        let positions = names.iter().map(|name| Ok(schema.index_of(name)?));
        let positions = positions.collect::<Result<Vec<_>>>()?;
        let fields = positions
            .iter()
            .map(|position| SortField::new(schema.field(*position).data_type().clone()));
        Ok(Self {
            names: names.to_vec(),
            converter: RowConverter::new(fields.collect())?,
            positions,
            seen: HashSet::new(),
            duplicates,
            skipped: 0,
            have_nulls: false,
        })
    }

    /// The rows of a batch whose keys have not come yet.
    pub fn admit(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = self
            .positions
            .iter()
            .map(|position| batch.column(*position).clone())
            .collect();
        let nulls: Vec<_> = columns
            .iter()
            .map(|column| column.logical_nulls())
            .collect();
        let rows = self.converter.convert_columns(&columns)?;
        let mut is_new = vec![true; batch.num_rows()];
        let mut skipped = 0;
        for (i, row) in rows.iter().enumerate() {
            if nulls.iter().flatten().any(|nulls| nulls.is_null(i)) {
                self.have_nulls = true;
                continue;
            }
            let key: &[u8] = row.as_ref();
            if self.seen.contains(key) {
                if self.duplicates == SourceDuplicates::Fail {
                    return Err(self.doubled(&columns, i));
                }
                is_new[i] = false;
                skipped += 1;
            } else {
                self.seen.insert(key.into());
            }
        }
        self.skipped += skipped;
        match skipped {
            0 => Ok(batch),
            _ => Ok(filter_record_batch(&batch, &BooleanArray::from(is_new))?),
        }
    }

    fn doubled(&self, columns: &[ArrayRef], row: usize) -> Error {
        let values = self.names.iter().zip(columns).map(|(name, column)| {
            let value = array_value_to_string(column, row).unwrap_or_default();
            let shown: String = value.chars().take(LONGEST_SHOWN).collect();
            format!("{name:?} = {shown}")
        });
        let values = values.collect::<Vec<_>>().join(", ");
        Error::invalid_argument(format!(
            "two rows of the source have the same key, {values}: a key may be there once"
        ))
    }

    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Each key, as bytes that are the same wherever it is met.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.seen.iter().map(AsRef::as_ref)
    }
}

/// Check that values of these types can be keys.
pub fn check_types(schema: &Schema, names: &[String]) -> Result<()> {
    for name in names {
        let data_type = schema.field_with_name(name)?.data_type();
        if !can_be_key(data_type) {
            return Err(Error::invalid_argument(format!(
                "column {name:?} cannot be a key: values of type {data_type} cannot be looked up"
            )));
        }
    }
    Ok(())
}

fn can_be_key(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => can_be_key(values),
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::FixedSizeBinary(_)
        | DataType::Boolean => true,
        DataType::Interval(_) => false,
        other => other.is_primitive(),
    }
}
