//! Datasets as tables of DataFusion.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::parts;
use super::scan::Scan;
use super::source::Source;
use crate::engine_error::as_engine_error;
use crate::error::Result;
use crate::panics::contained;

#[derive(Debug)]
pub struct Table {
    pub source: Source,
    /// Columns of the dataset, and what else is known of each row.
    pub schema: SchemaRef,
}

impl Table {
    /// Read the rows that pass these filters, at most so many.
    async fn plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Scan> {
        let source = &self.source;
        let schema: SchemaRef = match projection {
            Some(columns) => self.schema.project(columns)?.into(),
            None => self.schema.clone(),
        };
        let batch_rows = state.config().batch_size();
        let condition = conjunction(filters.iter().cloned());
        if schema.fields().is_empty() && condition.is_none() {
            let rows = limit.map_or(source.rows, |limit| limit.min(source.rows));
            return Ok(Scan::counting(source.clone(), schema, rows, batch_rows));
        }
        let mut scanner = source
            .scanner(&schema, condition.as_ref(), batch_rows)
            .await?;
        let mut rows = Precision::Exact(source.rows);
        if let Some(condition) = &condition {
            let share = source.share(condition).await;
            let passing = share.unwrap_or(1.0) * source.rows as f64;
            rows = Precision::Inexact(passing.ceil() as usize);
            source.filter(&mut scanner, condition.clone(), share).await;
        }
        let mut partitions = state.config().target_partitions();
        scanner.scan_in_order(false);
        if let Some(limit) = limit {
            // The first rows of a table are those that come first.
            partitions = 1;
            scanner
                .scan_in_order(true)
                .limit(Some(i64::try_from(limit).unwrap_or(i64::MAX)), None)?;
            rows = rows.min(&Precision::Exact(limit));
        }
        let mut scanners = Vec::new();
        for part in parts::cut(&source.opened.dataset, partitions) {
            scanners.push(part.restrict(scanner.clone()).await?);
        }
        let statistics = source.statistics(&schema, rows).await;
        Ok(Scan::new(
            source.clone(),
            schema,
            condition,
            scanners,
            statistics,
        ))
    }
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        // Boxed, as the compiler does not lay out futures that deep.
        let plan = Box::pin(self.plan(state, projection, filters, limit));
        let plan = contained(plan).await;
        Ok(Arc::new(plan.map_err(as_engine_error)?))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        let decided = |filter: &&Expr| match self.source.decides(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(decided).collect())
    }
}
