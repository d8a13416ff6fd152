//! Ending a query in the middle of a join.
//!
//! A task ends where it waits for something. A join may compare rows for minutes before it does, so it asks before each
//! of its comparisons, and waits now and then between the batches that it makes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec,
    NestedLoopJoinExecBuilder, SortMergeJoinExec,
};
use datafusion::physical_plan::unnest::UnnestExec;
use futures::{Stream, StreamExt};

/// Whether a run is to end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Ends a run when nobody wants its batches any more.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    /// The stream; the run ends when that is dropped.
    pub fn when_dropped<S: Stream + Send + 'static>(
        self,
        batches: S,
    ) -> impl Stream<Item = S::Item> + Send + 'static {
        let stop = StopOnDrop(self);
        batches.inspect(move |_| {
            let _ = &stop;
        })
    }

    /// The steps of a run, which ask whether it is to end.
    pub fn in_steps(&self, steps: Arc<dyn ExecutionPlan>) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let asking = steps.transform_up(|step| {
            Ok(match self.in_join(&step)? {
                Some(join) => Transformed::yes(Arc::new(CooperativeExec::new(join))),
                None => Transformed::no(step),
            })
        });
        Ok(asking?.data)
    }

    /// The step, if it makes many rows of few.
    fn in_join(
        &self,
        step: &Arc<dyn ExecutionPlan>,
    ) -> PlanResult<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(join) = step.downcast_ref::<NestedLoopJoinExec>() {
            let filter = join.filter().map(|filter| self.in_filter(filter));
            let join = NestedLoopJoinExecBuilder::from(join).with_filter(filter);
            return Ok(Some(Arc::new(join.build()?)));
        }
        if let Some(join) = step.downcast_ref::<HashJoinExec>() {
            let filter = join.filter().map(|filter| self.in_filter(filter));
            let join = HashJoinExecBuilder::from(join).with_filter(filter);
            return Ok(Some(Arc::new(join.build()?)));
        }
        let makes_many =
            step.is::<CrossJoinExec>() || step.is::<SortMergeJoinExec>() || step.is::<UnnestExec>();
        Ok(makes_many.then(|| step.clone()))
    }

    fn in_filter(&self, filter: &JoinFilter) -> JoinFilter {
        let condition = Asking {
            condition: filter.expression().clone(),
            stop: self.clone(),
        };
        JoinFilter::new(
            Arc::new(condition),
            filter.column_indices().to_vec(),
            filter.schema().clone(),
        )
    }
}

/// A condition that asks first whether the run is to end.
#[derive(Debug)]
struct Asking {
    condition: Arc<dyn PhysicalExpr>,
    stop: Stop,
}

impl PartialEq for Asking {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Asking {}

impl Hash for Asking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl fmt::Display for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl PhysicalExpr for Asking {
    fn data_type(&self, schema: &Schema) -> PlanResult<DataType> {
        self.condition.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> PlanResult<bool> {
        self.condition.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> PlanResult<FieldRef> {
        self.condition.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> PlanResult<ColumnarValue> {
        match self.stop.0.load(Ordering::Relaxed) {
            false => self.condition.evaluate(batch),
            true => Err(DataFusionError::Execution("the query was ended".to_string())),
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> PlanResult<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self {
            condition: children.swap_remove(0),
            stop: self.stop.clone(),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}
