//! What an update gives to columns.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use lance::Dataset;
use lance::datatypes::Schema as LanceSchema;
use lance_arrow::json::is_arrow_json_field;
use lance_core::datatypes::parse_field_path;
use lance_core::is_system_column;

use super::filter::Filter;
use crate::error::{Error, Result, code};
use crate::read::columns::{column, no_such_column};
use crate::read::{Opened, dataset, expression};
use crate::settings::{BlobHandling, ScanSettings};

/// Expressions for some columns of a dataset.
pub struct Assignments {
    /// The columns as they are written.
    pub schema: SchemaRef,
    /// For each column that is assigned to, which of the expressions it gets.
    assigned: HashMap<usize, usize>,
    expressions: Vec<(String, String)>,
}

impl Assignments {
    /// Look up the columns, each with one SQL expression.
    pub fn of(opened: &Opened, asked: &[(String, String)]) -> Result<Self> {
        let schema = opened.dataset.schema();
        if asked.is_empty() {
            return Err(Error::invalid_argument(
                "an update needs an expression for at least one column",
            ));
        }
        let mut assigned = HashMap::with_capacity(asked.len());
        let mut expressions = Vec::with_capacity(asked.len());
        for (i, (name, sql)) in asked.iter().enumerate() {
            let place = place(schema, name)?;
            let column = &schema.fields[place];
            let stored = &column.name;
            if assigned.insert(place, i).is_some() {
                return Err(Error::invalid_argument(format!(
                    "column {stored:?} is assigned to twice"
                )));
            }
            let what = format!("the expression {stored:?}");
            let sql = expression::exact_for(&what, sql, &column.data_type())?;
            expressions.push((stored.clone(), sql));
        }
        Ok(Self {
            schema: dataset::schema(opened),
            assigned,
            expressions,
        })
    }

    /// The expressions by their columns, as the engine is to have them.
    pub fn checked(&self, schema: &LanceSchema) -> Result<Vec<(String, String)>> {
        let expressions = self.expressions.iter();
        let checked = expressions.map(|(name, sql)| {
            let checked = expression::check(&format!("the expression {name:?}"), sql, schema)?;
            Ok((name.clone(), checked.sql))
        });
        checked.collect()
    }

    /// Whether an expression reads a column that another one is for.
    pub fn depend_on_each_other(&self, schema: &LanceSchema) -> Result<bool> {
        for (name, sql) in &self.expressions {
            let reads =
                expression::check(&format!("the expression {name:?}"), sql, schema)?.columns;
            let mut others = self.expressions.iter().filter(|(other, _)| other != name);
            if others.any(|(other, _)| reads.contains(other)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The scan of the rows that pass, as they were but for the columns that are assigned to: these are computed, and come
    /// last.
    pub fn scan(&self, dataset: &Dataset, rows: &Filter) -> ScanSettings {
        let fields = self.schema.fields().iter().enumerate();
        let kept = fields.filter(|(place, _)| !self.assigned.contains_key(place));
        let quoted = kept.map(|(_, field)| format!("`{}`", field.name().replace('`', "``")));
        ScanSettings {
            columns: Some(quoted.collect()),
            expressions: self.expressions.clone(),
            blob_handling: BlobHandling::Bytes,
            ..rows.scan(dataset)
        }
    }

    /// Check that the columns take what the scan yields.
    pub fn check(&self, yielded: &Schema) -> Result<()> {
        for (place, source) in self.sources() {
            let (from, to) = (yielded.field(source).data_type(), self.schema.field(place));
            if self.assigned.contains_key(&place) && !takes(to, from) {
                return Err(Error::invalid_argument(format!(
                    "column {:?} is {}, and its expression gives {from}",
                    to.name(),
                    to.data_type()
                )));
            }
        }
        Ok(())
    }

    /// The rows of a batch of the scan as they are written.
    pub fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let sources = self.sources();
        let columns = sources.map(|(place, source)| {
            fit(batch.column(source), self.schema.field(place)).map_err(|error| {
                let name = self.schema.field(place).name();
                error.context(&format!("the expression for column {name:?}"))
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    /// The columns that are assigned to.
    pub fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.assigned.keys().copied()
    }

    /// Each column that is written, and which one of the scan it is.
    fn sources(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let columns = self.schema.fields().len();
        let kept = columns - self.assigned.len();
        let mut next = 0..kept;
        (0..columns).filter_map(move |place| {
            let source = match self.assigned.get(&place) {
                Some(expression) => Some(kept + expression),
                None => next.next(),
            };
            Some((place, source?))
        })
    }
}

/// The place of a whole column.
fn place(schema: &LanceSchema, name: &str) -> Result<usize> {
    column(schema, name)?;
    let path = parse_field_path(name).unwrap_or_else(|_| vec![name.to_string()]);
    let first = path.first().map_or(name, String::as_str);
    if is_system_column(first) {
        return Err(Error::invalid_argument(format!(
            "column {first:?} cannot be updated: every dataset has it"
        )));
    }
    if path.len() > 1 {
        return Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "{name:?} is a field of column {first:?}: only whole columns are updated, such as with named_struct()"
            ),
        ));
    }
    let place = schema.fields.iter().position(|field| field.name == first);
    place.ok_or_else(|| no_such_column(schema, name))
}

/// Whether values of a type can be put into a column.
fn takes(column: &Field, from: &DataType) -> bool {
    let to = column.data_type();
    let is_text = matches!(
        from,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null
    );
    match is_arrow_json_field(column) {
        true => is_text,
        false => from == to || can_cast_types(from, to) && have_same_names(from, to),
    }
}

/// Whether the fields of structs are called alike. They are cast by their places where they are not.
fn have_same_names(from: &DataType, to: &DataType) -> bool {
    let names = |fields: &Fields| -> Vec<_> {
        let mut names: Vec<_> = fields.iter().map(|field| field.name().clone()).collect();
        names.sort_unstable();
        names
    };
    match (from, to) {
        (DataType::Struct(from), DataType::Struct(to)) => names(from) == names(to),
        _ => true,
    }
}

/// Values as a column has them.
fn fit(values: &ArrayRef, column: &Field) -> Result<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let values = match values.data_type() == column.data_type() {
        true => values.clone(),
        false => cast_with_options(values, column.data_type(), &strict)
            .map_err(|error| Error::from(error).with_code(code::INVALID_ARGUMENT))?,
    };
    match !column.is_nullable() && values.logical_null_count() > 0 {
        true => Err(Error::invalid_argument(
            "it gives NULL, and the column may not be NULL",
        )),
        false => Ok(values),
    }
}
