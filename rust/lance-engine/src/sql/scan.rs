//! Reading a table as a step of a plan.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::error::Result as PlanResult;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use lance::dataset::scanner::Scanner;

use super::join_filters::weaker;
use super::source::Source;
use crate::engine_error::as_engine_error;
use crate::error::Result;

/// What a join has learnt is worth a look at its columns when no more rows than this have a partner.
const WORTHWHILE_SHARE: f64 = 0.5;

/// Rows of a table, in as many partitions as it was cut into.
#[derive(Clone)]
pub struct Scan {
    source: Source,
    reads: Reads,
    /// What Lance decides before anything is learnt.
    condition: Option<Expr>,
    /// What joins and sorts learn while they run.
    learnt: Vec<Arc<dyn PhysicalExpr>>,
    statistics: Arc<Statistics>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

#[derive(Clone)]
enum Reads {
    /// One for each partition.
    Scanners(Arc<[Scanner]>),
    /// No column is read: so many rows, in batches of so many.
    Count { rows: usize, batch_rows: usize },
}

impl Scan {
    pub fn new(
        source: Source,
        schema: SchemaRef,
        condition: Option<Expr>,
        scanners: Vec<Scanner>,
        statistics: Statistics,
    ) -> Self {
        let properties = properties(schema, scanners.len());
        Self {
            source,
            reads: Reads::Scanners(scanners.into()),
            condition,
            learnt: Vec::new(),
            statistics: statistics.into(),
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// So many rows of no columns.
    pub fn counting(source: Source, schema: SchemaRef, rows: usize, batch_rows: usize) -> Self {
        let statistics = Statistics::new_unknown(&schema).with_num_rows(Precision::Exact(rows));
        Self {
            source,
            reads: Reads::Count { rows, batch_rows },
            condition: None,
            learnt: Vec::new(),
            statistics: statistics.into(),
            properties: properties(schema, 1),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The batches of a scanner, which is told what was learnt until now.
    async fn read(
        self,
        mut scanner: Scanner,
    ) -> Result<BoxStream<'static, PlanResult<RecordBatch>>> {
        if let Some(learnt) = self.worthwhile().await {
            let condition = match &self.condition {
                Some(condition) => condition.clone().and(learnt),
                None => learnt,
            };
            let share = self.source.share(&condition).await;
            self.source.filter(&mut scanner, condition, share).await;
        }
        let schema = self.schema();
        let batches = scanner.try_into_stream().await?;
        let batches = batches
            .map_err(|error| as_engine_error(error.into()))
            .and_then(move |batch| std::future::ready(with_schema(batch, &schema)));
        Ok(batches.boxed())
    }

    /// What was learnt, if few enough rows have a partner.
    async fn worthwhile(&self) -> Option<Expr> {
        let known = self.learnt.iter().filter_map(weaker);
        let known = known.filter(|condition| self.source.decides(condition));
        let condition = known.reduce(Expr::and)?;
        let share = self.source.share(&condition).await?;
        (share <= WORTHWHILE_SHARE).then_some(condition)
    }
}

fn properties(schema: SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

fn with_schema(batch: RecordBatch, schema: &SchemaRef) -> PlanResult<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().to_vec();
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns,
        &options,
    )?)
}

/// Batches of no columns.
fn counted(
    schema: SchemaRef,
    rows: usize,
    batch_rows: usize,
) -> impl Stream<Item = PlanResult<RecordBatch>> {
    let starts = (0..rows).step_by(batch_rows.max(1));
    stream::iter(starts.map(move |start| {
        let count = batch_rows.min(rows - start);
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(
            schema.clone(),
            Vec::new(),
            &options,
        )?)
    }))
}

/// Counts what passes by.
struct Measured {
    schema: SchemaRef,
    batches: BoxStream<'static, PlanResult<RecordBatch>>,
    metrics: BaselineMetrics,
}

impl Stream for Measured {
    type Item = PlanResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.batches.poll_next_unpin(context);
        self.metrics.record_poll(next)
    }
}

impl RecordBatchStream for Measured {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}

impl DisplayAs for Scan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let schema = self.schema();
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        write!(
            f,
            "LanceScan: {:?}, columns=[{}], partitions={}",
            self.source,
            names.join(", "),
            self.properties.partitioning.partition_count()
        )?;
        if let Some(condition) = &self.condition {
            write!(f, ", filter={condition}")?;
        }
        for learnt in &self.learnt {
            write!(f, ", {learnt}")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for Scan {
    fn name(&self) -> &str {
        "LanceScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        _: Arc<TaskContext>,
    ) -> PlanResult<SendableRecordBatchStream> {
        let batches = match &self.reads {
            Reads::Scanners(scanners) => {
                let (scan, scanner) = (self.clone(), scanners[partition].clone());
                // Begun when the first batch is asked for: by then joins know what they have.
                stream::once(async move { scan.read(scanner).await.map_err(as_engine_error) })
                    .try_flatten()
                    .boxed()
            }
            Reads::Count { rows, batch_rows } => counted(self.schema(), *rows, *batch_rows).boxed(),
        };
        Ok(Box::pin(Measured {
            schema: self.schema(),
            batches,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn partition_statistics(&self, partition: Option<usize>) -> PlanResult<Arc<Statistics>> {
        let partitions = self.properties.partitioning.partition_count();
        if partition.is_none() || partitions == 1 {
            return Ok(self.statistics.clone());
        }
        // A part has about its share of the rows, and values of the same range.
        let mut statistics = self.statistics.as_ref().clone().to_inexact();
        let share = |count: Precision<usize>| count.map(|count| count.div_ceil(partitions));
        statistics.num_rows = share(statistics.num_rows);
        statistics.total_byte_size = share(statistics.total_byte_size);
        for column in &mut statistics.column_statistics {
            let ColumnStatistics {
                null_count,
                byte_size,
                ..
            } = column;
            *null_count = share(*null_count);
            *byte_size = share(*byte_size);
        }
        Ok(Arc::new(statistics))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> PlanResult<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let told = result.parent_filters.iter().map(|told| &told.filter);
        let learnt: Vec<_> = told
            .filter(|filter| filter.is::<DynamicFilterPhysicalExpr>())
            .cloned()
            .collect();
        // Whoever tells them applies them, too.
        let answer = FilterPushdownPropagation::all_unsupported(result);
        if !matches!(phase, FilterPushdownPhase::Post) || learnt.is_empty() {
            return Ok(answer);
        }
        let mut scan = self.clone();
        scan.learnt.extend(learnt);
        Ok(answer.with_updated_node(Arc::new(scan)))
    }
}
