//! Joins that take turns with other tasks.
//!
//! A thread of the runtime does nothing else, and a task is not ended, until the task waits for something. A join may
//! compare rows for minutes before it does. So a step around it begins a turn, and its condition, which is asked for some
//! thousand pairs of rows at once, ends one that was long enough, by an error. The join keeps its place then, and goes on
//! there in its next turn.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DataFusionError, Statistics};
use datafusion::error::Result as PlanResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec,
    NestedLoopJoinExecBuilder, SortMergeJoinExec,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

/// Long enough to be worth the wait for the next, and short for whoever stops a query.
const TURN: Duration = Duration::from_millis(10);

thread_local! {
    /// When the turn on this thread is over.
    static END: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Whether it has led to something, which it does however long that takes.
    static IS_OF_USE: Cell<bool> = const { Cell::new(false) };
}

/// A turn, of which those within it are a part.
struct Turn {
    is_outermost: bool,
}

impl Turn {
    fn begin() -> Self {
        let is_outermost = END.get().is_none();
        if is_outermost {
            END.set(Some(Instant::now() + TURN));
            IS_OF_USE.set(false);
        }
        Self { is_outermost }
    }

    fn is_over() -> bool {
        IS_OF_USE.replace(true) && END.get().is_some_and(|end| Instant::now() > end)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_outermost {
            END.set(None);
        }
    }
}

/// What ends a turn. It is no failure.
#[derive(Debug)]
struct Over;

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a turn is over")
    }
}

impl Error for Over {}

fn is_over(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::External(error) if error.is::<Over>())
}

/// The steps of a run, of which those that make many rows of few take turns.
pub fn taking_turns(steps: Arc<dyn ExecutionPlan>) -> PlanResult<Arc<dyn ExecutionPlan>> {
    let taking = steps.transform_up(|step| {
        Ok(match interruptible(&step)? {
            Some(input) => Transformed::yes(Arc::new(Turns { input })),
            None => Transformed::no(step),
        })
    });
    Ok(taking?.data)
}

fn interruptible(step: &Arc<dyn ExecutionPlan>) -> PlanResult<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = step.downcast_ref::<NestedLoopJoinExec>() {
        let filter = join.filter().map(asked_in_turns);
        let join = NestedLoopJoinExecBuilder::from(join).with_filter(filter);
        return Ok(Some(Arc::new(join.build()?)));
    }
    if let Some(join) = step.downcast_ref::<HashJoinExec>() {
        let filter = join.filter().map(asked_in_turns);
        let join = HashJoinExecBuilder::from(join).with_filter(filter);
        return Ok(Some(Arc::new(join.build()?)));
    }
    // These end their turns where they have made a batch.
    let makes_many =
        step.is::<CrossJoinExec>() || step.is::<SortMergeJoinExec>() || step.is::<UnnestExec>();
    Ok(makes_many.then(|| step.clone()))
}

fn asked_in_turns(filter: &JoinFilter) -> JoinFilter {
    let condition = InTurns(filter.expression().clone());
    JoinFilter::new(
        Arc::new(condition),
        filter.column_indices().to_vec(),
        filter.schema().clone(),
    )
}

/// A step that takes turns.
#[derive(Debug)]
struct Turns {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for Turns {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Turns")
    }
}

impl ExecutionPlan for Turns {
    fn name(&self) -> &str {
        "Turns"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let input = children.swap_remove(0);
        Ok(Arc::new(Self { input }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> PlanResult<SendableRecordBatchStream> {
        let mut batches = self.input.execute(partition, context)?;
        let schema = batches.schema();
        let batches = stream::poll_fn(move |context| take_turn(&mut batches, context));
        let batches = RecordBatchStreamAdapter::new(schema, batches);
        Ok(make_cooperative(Box::pin(batches)))
    }

    fn partition_statistics(&self, partition: Option<usize>) -> PlanResult<Arc<Statistics>> {
        self.input.partition_statistics(partition)
    }
}

fn take_turn(
    batches: &mut SendableRecordBatchStream,
    context: &mut Context<'_>,
) -> Poll<Option<PlanResult<RecordBatch>>> {
    let _turn = Turn::begin();
    match ready!(batches.poll_next_unpin(context)) {
        Some(Err(error)) if is_over(&error) => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
        next => Poll::Ready(next),
    }
}

/// A condition of a join, which may end a turn.
#[derive(Debug)]
struct InTurns(Arc<dyn PhysicalExpr>);

impl PartialEq for InTurns {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq(&other.0)
    }
}

impl Eq for InTurns {}

impl Hash for InTurns {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for InTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PhysicalExpr for InTurns {
    fn data_type(&self, schema: &Schema) -> PlanResult<DataType> {
        self.0.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> PlanResult<bool> {
        self.0.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> PlanResult<FieldRef> {
        self.0.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> PlanResult<ColumnarValue> {
        match Turn::is_over() {
            false => self.0.evaluate(batch),
            true => Err(DataFusionError::External(Box::new(Over))),
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.0]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> PlanResult<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self(children.swap_remove(0))))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}
