//! Some rows of a table, spread evenly, as far as their columns were asked for: what filters let pass, and between
//! which values columns lie. Planners only estimate by it.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ColumnStatistics;
use datafusion::common::stats::Precision;
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::{Accumulator, Expr};
use datafusion::scalar::ScalarValue;
use lance::dataset::ProjectionRequest;
use lance_datafusion::planner::Planner;

use crate::error::{Error, Result, code};
use crate::fault;
use crate::read::Opened;
use crate::read::row_sample::{passing, spread};
use crate::sync::{Mutex, lock};

/// Rows that are looked at in a run.
const RUN_ROWS: u64 = 64;

#[derive(Debug, Default)]
pub struct Sample(Mutex<HashMap<String, ArrayRef>>);

impl Sample {
    /// These columns of the rows.
    async fn rows(&self, opened: &Opened, names: &BTreeSet<String>) -> Result<RecordBatch> {
        let dataset = &opened.dataset;
        let unknown: Vec<_> = {
            let known = lock(&self.0);
            let unknown = names.iter().filter(|name| !known.contains_key(*name));
            unknown.cloned().collect()
        };
        if !unknown.is_empty() {
            fault::point()?;
            let total = dataset.count_rows(None).await? as u64;
            let positions = spread(total, RUN_ROWS);
            let asked = unknown.iter().cloned().collect();
            let fits = Box::pin(opened.widths.batch_rows(dataset, &asked, false)).await;
            if fits.is_some_and(|rows| rows < positions.len()) {
                return Err(Error::new(
                    code::RESOURCE_EXHAUSTED,
                    "some rows are too wide to be looked at",
                ));
            }
            let request = ProjectionRequest::from_columns(&unknown, dataset.schema());
            let taken = Box::pin(dataset.take(&positions, request)).await?;
            let columns = unknown.into_iter().filter_map(|name| {
                let column = taken.column_by_name(&name)?.clone();
                Some((name, column))
            });
            lock(&self.0).extend(columns);
        }
        let known = lock(&self.0);
        let columns = names.iter().filter_map(|name| known.get_key_value(name));
        let (fields, columns): (Vec<_>, Vec<_>) = columns
            .map(|(name, column)| {
                let field = Field::new(name, column.data_type().clone(), true);
                (field, column.clone())
            })
            .unzip();
        Ok(RecordBatch::try_new(Schema::new(fields).into(), columns)?)
    }

    /// Which part of the rows a filter lets pass, more than none.
    pub async fn share(&self, opened: &Opened, filter: &Expr) -> Result<f64> {
        let columns: BTreeSet<String> = Planner::column_names_in_expr(filter).into_iter().collect();
        let rows = self.rows(opened, &columns).await?;
        let count = rows.num_rows().max(1);
        let passing = passing(filter, &rows)? as f64;
        Ok(passing.max(0.5) / count as f64)
    }

    /// The ends of those columns that have some, and NULLs.
    pub async fn statistics(
        &self,
        opened: &Opened,
        names: &BTreeSet<String>,
        total: usize,
    ) -> Result<HashMap<String, ColumnStatistics>> {
        let rows = self.rows(opened, names).await?;
        let schema = rows.schema();
        let columns = schema.fields().iter().zip(rows.columns());
        columns
            .map(|(field, column)| {
                let nulls = column.null_count() * (total / column.len().max(1));
                let (least, greatest) = ends(column)?;
                let known = |value: ScalarValue| match value.is_null() {
                    true => Precision::Absent,
                    false => Precision::Inexact(value),
                };
                let statistics = ColumnStatistics::new_unknown()
                    .with_null_count(Precision::Inexact(nulls))
                    .with_min_value(known(least))
                    .with_max_value(known(greatest));
                Ok((field.name().clone(), statistics))
            })
            .collect()
    }
}

/// Whether the least and the greatest value tell something of how many there are.
pub fn has_ends(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_temporal()
}

fn ends(column: &ArrayRef) -> Result<(ScalarValue, ScalarValue)> {
    let mut least = MinAccumulator::try_new(column.data_type())?;
    let mut greatest = MaxAccumulator::try_new(column.data_type())?;
    least.update_batch(std::slice::from_ref(column))?;
    greatest.update_batch(std::slice::from_ref(column))?;
    Ok((least.evaluate()?, greatest.evaluate()?))
}
