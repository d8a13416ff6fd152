//! The columns of a source, as the dataset has them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lance::datatypes::{Field as LanceField, Schema as LanceSchema};

use crate::error::{Error, Result, code};
use crate::read::columns::{check_distinct, no_such_column};

/// Marks columns whose values the engine converts by itself.
const EXTENSION: &str = "ARROW:extension:name";

/// How a source becomes rows of the dataset. Columns keep their order: the engine finds them by their names.
#[derive(Debug, PartialEq)]
pub struct Columns {
    pub schema: SchemaRef,
}

impl Columns {
    pub fn new(dataset: &LanceSchema, source: &Schema) -> Result<Self> {
        if source.fields().is_empty() {
            return Err(Error::invalid_argument("the source has no columns"));
        }
        check_distinct(source.fields().iter().map(|field| field.name().as_str()))?;
        let fields = source.fields().iter().map(|field| column(dataset, field));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
        })
    }

    /// Columns that the dataset has and the source lacks.
    pub fn missing<'a>(&self, dataset: &'a LanceSchema) -> Vec<&'a LanceField> {
        let given: HashSet<_> = self.schema.fields().iter().map(|f| f.name()).collect();
        let fields = dataset.fields.iter();
        fields
            .filter(|field| !given.contains(&field.name))
            .collect()
    }

    /// A batch of the source as a batch of these columns.
    pub fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(values, field)| cast(values, field));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| Error::new(code::SCHEMA_MISMATCH, error.to_string()))
    }
}

/// What a column of the source is in the dataset.
fn column(dataset: &LanceSchema, given: &Field) -> Result<Field> {
    let name = given.name();
    let Some(stored) = dataset.fields.iter().find(|field| field.name == *name) else {
        return Err(no_such_column(dataset, name).context("a column of the source"));
    };
    let field = Field::from(stored);
    let converted = |field: &Field| field.metadata().contains_key(EXTENSION);
    if stored.is_blob() || converted(&field) || converted(given) {
        return Ok(given.clone());
    }
    match are_same_values(given.data_type(), field.data_type()) {
        true => Ok(field),
        false => Err(Error::new(
            code::SCHEMA_MISMATCH,
            format!(
                "column {name:?} is {} in the source and {} in the dataset: cast it",
                given.data_type(),
                field.data_type()
            ),
        )),
    }
}

/// Whether values of one type are values of another, laid out in another way.
fn are_same_values(given: &DataType, stored: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Dictionary, FixedSizeList, LargeBinary, LargeList, LargeUtf8, List,
        Map, Null, Struct, Utf8, Utf8View,
    };
    match (given, stored) {
        (Null, _) => true,
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View)
        | (Binary | LargeBinary | BinaryView, Binary | LargeBinary | BinaryView) => true,
        (Dictionary(_, given), Dictionary(_, stored)) => are_same_values(given, stored),
        (Dictionary(_, values), other) => are_same_values(values, other),
        (other, Dictionary(_, values)) => are_same_values(other, values),
        (List(given) | LargeList(given), List(stored) | LargeList(stored)) => {
            are_same_values(given.data_type(), stored.data_type())
        }
        (FixedSizeList(given, n), FixedSizeList(stored, m)) => {
            n == m && are_same_values(given.data_type(), stored.data_type())
        }
        (Struct(given), Struct(stored)) => {
            given.len() == stored.len()
                && stored.iter().all(|field| {
                    let same = given.iter().find(|it| it.name() == field.name());
                    same.is_some_and(|it| are_same_values(it.data_type(), field.data_type()))
                })
        }
        (Map(given, _), Map(stored, _)) => are_same_values(given.data_type(), stored.data_type()),
        _ => given == stored,
    }
}

fn cast(values: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if values.data_type() == field.data_type() {
        return Ok(values.clone());
    }
    let exact = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(values, field.data_type(), &exact).map_err(|error| {
        let what = format!("column {:?} does not fit the dataset", field.name());
        Error::new(code::SCHEMA_MISMATCH, error.to_string()).context(&what)
    })
}
