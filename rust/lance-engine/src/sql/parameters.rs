//! Values for the parameters of a query: `$name` by the name of a column, `$1` by its place.

use std::collections::{BTreeSet, HashMap};

use arrow::array::RecordBatch;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;

use super::errors::at;
use super::places::Places;
use crate::error::{Error, Result};

/// The columns of a row.
pub struct Parameters(Vec<(String, ScalarValue)>);

impl Parameters {
    pub fn of(batch: Option<&RecordBatch>) -> Result<Self> {
        let Some(batch) = batch else {
            return Ok(Self(Vec::new()));
        };
        if batch.num_rows() != 1 {
            return Err(Error::invalid_argument(format!(
                "the parameters are one row of values, not {}",
                batch.num_rows()
            )));
        }
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().zip(batch.columns());
        let mut values: Vec<(String, ScalarValue)> = Vec::new();
        for (i, (field, column)) in columns.enumerate() {
            if let Ok(place) = field.name().parse::<usize>()
                && place != i + 1
            {
                return Err(Error::invalid_argument(format!(
                    "the parameter {:?} has the name of place {place}, and is at place {}",
                    field.name(),
                    i + 1
                )));
            }
            if values.iter().any(|(name, _)| name == field.name()) {
                return Err(Error::invalid_argument(format!(
                    "the parameter {:?} is given twice",
                    field.name()
                )));
            }
            values.push((
                field.name().clone(),
                ScalarValue::try_from_array(column, 0)?,
            ));
        }
        Ok(Self(values))
    }

    /// The plan with the values in it. Each parameter has a value, and each value is used.
    pub fn bind(self, plan: LogicalPlan, places: &Places) -> Result<LogicalPlan> {
        let wanted: BTreeSet<String> = plan.get_parameter_names()?.into_iter().collect();
        let mut values = HashMap::new();
        for (i, (name, value)) in self.0.into_iter().enumerate() {
            let by_place = (i + 1).to_string();
            let is_used = |name: &str| wanted.contains(&format!("${name}"));
            if !is_used(&name) && !is_used(&by_place) {
                return Err(Error::invalid_argument(format!(
                    "the query has no parameter ${name} and no ${by_place}"
                )));
            }
            values.insert(by_place, value.clone());
            values.insert(name, value);
        }
        if let Some(missing) = wanted.iter().find(|name| !values.contains_key(&name[1..])) {
            let error = Error::invalid_argument(format!("no value is given for {missing}"));
            return Err(at(error, places.of_parameter(missing)));
        }
        Ok(plan.with_param_values(ParamValues::from(values))?)
    }
}
