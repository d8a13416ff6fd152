//! The last steps of a query where the engine's scan has none of them: groups, and an order by what is not stored.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Column;
use datafusion::error::Result as PlanResult;
use datafusion::functions_aggregate::expr_fn::{avg, count, max, min, sum};
use datafusion::logical_expr::{Expr, SortExpr, TableType, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use lance_core::{ROW_ADDR, ROW_ID};
use lance_datafusion::exec::{LanceExecutionOptions, get_session_context};

use super::columns::check_distinct;
use super::projection::{Names, Output};
use crate::error::{Error, Result};
use crate::settings::{Aggregate, AggregateFunction, ScanSettings, SortKey};

/// What is done with the rows of a scan, limits included.
#[derive(Debug)]
pub struct Finish {
    groups: Option<Groups>,
    order_by: Vec<SortExpr>,
    limit: Option<usize>,
    offset: usize,
    /// Columns that only the order needs.
    dropped: Vec<String>,
}

#[derive(Debug)]
struct Groups {
    group_by: Vec<Expr>,
    aggregates: Vec<Expr>,
    /// Columns that must hold numbers, with what for.
    numbers: Vec<(&'static str, String)>,
}

/// Whether every row is as the others.
pub fn are_constant(outputs: &[Output]) -> bool {
    outputs.iter().all(|output| output.is_constant)
}

fn named(name: impl Into<String>) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn sort_keys(keys: &[SortKey]) -> Vec<SortExpr> {
    let keys = keys.iter();
    keys.map(|key| named(&key.column).sort(!key.descending, key.nulls_first))
        .collect()
}

impl Finish {
    fn new(settings: &ScanSettings, groups: Option<Groups>, dropped: Vec<String>) -> Self {
        Self {
            groups,
            order_by: sort_keys(&settings.order_by),
            limit: settings.limit.map(|limit| limit as usize),
            offset: settings.offset as usize,
            dropped,
        }
    }

    /// Sort rows; `outputs` get what they are sorted by.
    pub fn sorted(
        settings: &ScanSettings,
        names: &Names,
        outputs: &mut Vec<Output>,
    ) -> Result<Self> {
        let mut dropped = Vec::new();
        let keys = settings.order_by.iter().map(|key| key.column.as_str());
        // For constants alone the engine reads no rows.
        let rows = are_constant(outputs).then_some(ROW_ADDR);
        for column in keys.chain(rows) {
            let comes = outputs.iter().any(|output| output.name == column)
                || names.always_has(column)
                || settings.with_row_id && column == ROW_ID
                || settings.with_row_address && column == ROW_ADDR;
            if !comes {
                outputs.push(names.find(column)?);
                dropped.push(column.to_string());
            }
        }
        Ok(Self::new(settings, None, dropped))
    }

    /// Make groups; what the scan has to yield for them.
    pub fn grouped(settings: &ScanSettings, names: &Names) -> Result<(Self, Vec<Output>)> {
        let mut inputs: Vec<Output> = Vec::new();
        let mut input = |name: &str| -> Result<Expr> {
            if inputs.iter().all(|input| input.name != name) {
                inputs.push(names.find(name)?);
            }
            Ok(named(name))
        };
        let group_by = settings.group_by.iter().map(|name| input(name));
        let group_by = group_by.collect::<Result<Vec<_>>>()?;
        let mut aggregates = Vec::new();
        let mut numbers = Vec::new();
        let mut results = settings.group_by.clone();
        for aggregate in &settings.aggregates {
            let (function, value) = (function(aggregate.function), &aggregate.column);
            let name = aggregate.name.clone().unwrap_or_else(|| {
                let value = value.as_deref().unwrap_or("*");
                format!("{function}({value})")
            });
            if let (AggregateFunction::Sum | AggregateFunction::Avg, Some(column)) =
                (aggregate.function, value)
            {
                numbers.push((function, column.clone()));
            }
            aggregates.push(computed(aggregate, &mut input)?.alias(&name));
            results.push(name);
        }
        check_distinct(results.iter().map(String::as_str))?;
        for SortKey { column, .. } in &settings.order_by {
            if !results.contains(column) {
                return Err(Error::no_such_column(column, &results));
            }
        }
        let groups = Groups {
            group_by,
            aggregates,
            numbers,
        };
        Ok((Self::new(settings, Some(groups), Vec::new()), inputs))
    }

    /// The plan of all steps.
    pub async fn over(
        &self,
        scan: Arc<dyn ExecutionPlan>,
        options: &LanceExecutionOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = scan.schema();
        let mut rows = get_session_context(options).read_table(Arc::new(Scanned(scan)))?;
        if let Some(groups) = &self.groups {
            groups.check(&schema)?;
            rows = rows.aggregate(groups.group_by.clone(), groups.aggregates.clone())?;
        }
        if !self.order_by.is_empty() {
            rows = rows.sort(self.order_by.clone())?;
        }
        if self.limit.is_some() || self.offset > 0 {
            rows = rows.limit(self.offset, self.limit)?;
        }
        if !self.dropped.is_empty() {
            let names = schema.fields().iter().map(|field| field.name());
            let kept = names.filter(|name| !self.dropped.contains(name)).map(named);
            rows = rows.select(kept)?;
        }
        let (mut state, plan) = rows.into_parts();
        // Sorting partitions apart takes away what a join within the scan needs: all of its rows in one.
        let options = state.config_mut().options_mut();
        options.optimizer.repartition_sorts = false;
        Ok(state.create_physical_plan(&plan).await?)
    }
}

impl Groups {
    fn check(&self, schema: &SchemaRef) -> Result<()> {
        for (function, column) in &self.numbers {
            let kind = schema.field_with_name(column)?.data_type();
            if !kind.is_numeric() && !kind.is_null() {
                return Err(Error::invalid_argument(format!(
                    "{function} needs numbers, and column {column:?} has values of type {kind}"
                )));
            }
        }
        Ok(())
    }
}

fn function(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::Count => "count",
        AggregateFunction::Sum => "sum",
        AggregateFunction::Avg => "avg",
        AggregateFunction::Min => "min",
        AggregateFunction::Max => "max",
    }
}

fn computed(aggregate: &Aggregate, input: &mut impl FnMut(&str) -> Result<Expr>) -> Result<Expr> {
    let value = match &aggregate.column {
        Some(column) => input(column)?,
        // Any value that is not null.
        None if aggregate.function == AggregateFunction::Count => lit(1_i64),
        None => {
            return Err(Error::invalid_argument(format!(
                "options.aggregates: {} is of a column, and none is named",
                function(aggregate.function)
            )));
        }
    };
    Ok(match aggregate.function {
        AggregateFunction::Count => count(value),
        AggregateFunction::Sum => sum(value),
        AggregateFunction::Avg => avg(value),
        AggregateFunction::Min => min(value),
        AggregateFunction::Max => max(value),
    })
}

/// The rows of a plan as a table.
#[derive(Debug)]
struct Scanned(Arc<dyn ExecutionPlan>);

#[async_trait]
impl TableProvider for Scanned {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let Some(projection) = projection else {
            return Ok(self.0.clone());
        };
        let schema = self.0.schema();
        let columns = projection.iter().map(|i| {
            let name = schema.field(*i).name();
            let column: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(name, *i));
            (column, name.clone())
        });
        Ok(Arc::new(ProjectionExec::try_new(columns, self.0.clone())?))
    }
}
