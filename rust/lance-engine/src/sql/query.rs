//! Queries that are planned.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DataFusionError, NullEquality};
use datafusion::error::Result as PlanResult;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::errors;
use super::names::ExactNames;
use super::parameters::Parameters;
use super::statement::Statement;
use super::turns::taking_turns;
use crate::error::{Error, Result};
use crate::panics::contained;
use crate::read::Yield;
use crate::sync::{Mutex, lock};
use crate::task::Task;

/// A query over the datasets that its tables were when it was planned. It may be run any number of times.
pub struct SqlQuery {
    state: SessionState,
    plan: LogicalPlan,
    schema: SchemaRef,
    /// How it will run: for the first run, as it learns while it does.
    steps: Mutex<Option<Arc<dyn ExecutionPlan>>>,
}

type Started = (
    Arc<dyn ExecutionPlan>,
    BoxStream<'static, Result<RecordBatch>>,
);

/// The steps of a plan. An anti join that NULLs decide has to know whether its other side is empty, and some joins find
/// NULLs equal; and what is learnt is handed on by the names of columns, which two may share: it changes no scan then.
async fn steps_of(plan: &LogicalPlan, state: &SessionState) -> PlanResult<Arc<dyn ExecutionPlan>> {
    let steps = physical(plan, state).await?;
    let asks = steps.exists(|step| {
        let join = step.downcast_ref::<HashJoinExec>();
        Ok(match join {
            Some(join) => join.null_aware || join.null_equality() == NullEquality::NullEqualsNull,
            None => shares_names(&step.schema()),
        })
    });
    if !asks? {
        return Ok(steps);
    }
    let mut state = state.clone();
    let options = state.config_mut().options_mut();
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    physical(plan, &state).await
}

/// Sorting partitions apart may lose track of their order, or of an operator that needs all in one. The planner finds that
/// out at its end, and then what it has to do is to sort them together.
async fn physical(plan: &LogicalPlan, state: &SessionState) -> PlanResult<Arc<dyn ExecutionPlan>> {
    let planner = state.query_planner();
    let error = match planner.create_physical_plan(plan, state).await {
        Ok(steps) => return Ok(steps),
        Err(error) => error,
    };
    let mut state = state.clone();
    let options = state.config_mut().options_mut();
    options.optimizer.repartition_sorts = false;
    let together = planner.create_physical_plan(plan, &state).await;
    together.map_err(|_| error)
}

fn shares_names(schema: &Schema) -> bool {
    let mut names: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Functions of text return views, which not every reader of Arrow knows.
fn without_views(schema: &SchemaRef) -> SchemaRef {
    let plain = |field: &FieldRef| match field.data_type() {
        DataType::Utf8View => field.as_ref().clone().with_data_type(DataType::Utf8),
        DataType::BinaryView => field.as_ref().clone().with_data_type(DataType::Binary),
        _ => field.as_ref().clone(),
    };
    let fields: Vec<_> = schema.fields().iter().map(plain).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn with_schema(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let fields = schema.fields().iter();
    let columns = fields.zip(batch.columns()).map(|(field, column)| {
        let is_view = matches!(
            column.data_type(),
            DataType::Utf8View | DataType::BinaryView
        );
        match is_view {
            true => cast(column, field.data_type()),
            false => Ok(column.clone()),
        }
    });
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns,
        &options,
    )?)
}

impl SqlQuery {
    pub async fn plan(
        state: SessionState,
        mut statement: Statement,
        names: ExactNames,
        parameters: Parameters,
    ) -> Result<Self> {
        let Statement { parsed, places, .. } = &mut statement;
        let explain = |error: DataFusionError| errors::of_query(error, places);
        let planned = contained(async {
            let plan = loop {
                let error = match state.statement_to_plan(parsed.clone()).await {
                    Ok(plan) => break plan,
                    Err(error) => error,
                };
                let missing = errors::missing(&error);
                if !missing.is_some_and(|missing| names.write_at(&missing, parsed)) {
                    return Err(explain(error));
                }
            };
            let reads = SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false);
            reads.verify_plan(&plan).map_err(explain)?;
            let plan = parameters.bind(plan, places)?;
            let plan = state.optimize(&plan).map_err(explain)?;
            let steps = steps_of(&plan, &state).await.map_err(explain)?;
            Ok((steps, plan))
        });
        let (steps, plan) = planned.await.map_err(errors::while_running)?;
        Ok(Self {
            schema: without_views(&steps.schema()),
            state,
            plan,
            steps: Mutex::new(Some(steps)),
        })
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn steps(&self) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(steps) = lock(&self.steps).take() {
            return Ok(steps);
        }
        Ok(steps_of(&self.plan, &self.state).await?)
    }

    /// Run it; the batches have the schema returned with them.
    pub fn run(self: Arc<Self>) -> Task<(SchemaRef, Yield)> {
        Box::pin(async move {
            let (_, batches) = self.start(self.steps().await?)?;
            Ok((self.schema.clone(), batches.into()))
        })
    }

    /// The batches of these steps, and the steps as they run.
    fn start(&self, steps: Arc<dyn ExecutionPlan>) -> Result<Started> {
        let steps = taking_turns(steps)?;
        let batches = execute_stream(steps.clone(), self.state.task_ctx())?;
        let schema = self.schema.clone();
        let batches = stream::try_unfold((batches, schema), |(mut batches, schema)| async move {
            let next = async {
                let batch = batches.next().await.transpose()?;
                batch.map(|batch| with_schema(batch, &schema)).transpose()
            };
            let next = contained(next).await.map_err(errors::while_running)?;
            Ok(next.map(|batch| (batch, (batches, schema))))
        });
        Ok((steps, batches.boxed()))
    }

    /// How it will run, with what is estimated if `verbose`.
    pub fn explain(self: Arc<Self>, verbose: bool) -> Task<String> {
        Box::pin(async move {
            let steps = self.steps().await?;
            let shown = DisplayableExecutionPlan::new(steps.as_ref())
                .set_show_statistics(verbose)
                .indent(verbose)
                .to_string();
            // It did not run, so the next run may have it.
            *lock(&self.steps) = Some(steps);
            Ok(shown)
        })
    }

    /// Run it to its end, and tell how it ran: the rows and the time of each step.
    pub fn analyze(self: Arc<Self>) -> Task<String> {
        Box::pin(async move {
            let (steps, batches) = self.start(self.steps().await?)?;
            batches
                .try_for_each(|_| std::future::ready(Ok::<(), Error>(())))
                .await?;
            let shown = DisplayableExecutionPlan::with_metrics(steps.as_ref());
            Ok(shown.indent(true).to_string())
        })
    }
}
