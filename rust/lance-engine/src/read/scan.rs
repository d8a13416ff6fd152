//! Queries: how one is prepared, planned and run.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{SchemaRef, UInt64Type};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{EmptyRecordBatchStream, ExecutionPlan};
use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::scanner::{
    ColumnOrdering, DatasetRecordBatchStream, MaterializationStyle, Scanner,
    get_default_io_buffer_size_override,
};
use lance_core::datatypes;
use lance_datafusion::exec::{
    ExecutionStatsCallback, LanceExecutionOptions, execute_plan, format_plan,
};
use lance_io::stream::RecordBatchStream;

use super::attempt::attempt;
use super::batches::Yield;
use super::columns::columns;
use super::count::{self, Rows};
use super::expression;
use super::finish::{Finish, are_constant};
use super::found::{self, Found, search, searches, told};
use super::found_rows::found_rows;
use super::opened::Opened;
use super::projection::{Names, Output};
use super::restriction::{fragments, restrict, restricts, restricts_more_than_fragments};
use super::row_widths::BATCH_ROWS;
use super::scan_strategy;
use super::shrink::{fewer, is_too_long, shrinking, too_long};
use super::statistics::Statistics;
use super::substrait;
use super::substrings;
use crate::error::{Error, Result, check_options};
use crate::local::store::is_local;
use crate::panics::contained;
use crate::settings::{BlobHandling, Materialization, ScanSettings};
use crate::task::Task;

/// The engine's own is eight times this. What is read further ahead is memory that was not used before, which costs
/// more than the wait for a disk saves.
pub const LOCAL_IO_BUFFER_BYTES: u64 = 32 << 20;

/// A scanner that was checked once, and the schema it yields.
#[derive(Clone)]
pub struct Query {
    pub(super) opened: Arc<Opened>,
    scanner: Scanner,
    pub(super) settings: Arc<ScanSettings>,
    /// What is done with the rows that the scanner yields.
    finish: Option<Arc<Finish>>,
    schema: SchemaRef,
    /// Columns of the dataset that the query reads, and those its filter needs.
    reads: Arc<BTreeSet<String>>,
    filters_by: Arc<BTreeSet<String>>,
}

/// The schema of what the engine yields for a stored one: JSON comes as text.
pub fn yielded(stored: SchemaRef) -> SchemaRef {
    DatasetRecordBatchStream::new(Box::pin(EmptyRecordBatchStream::new(stored))).schema()
}

/// Build the engine's scanner and plan it once, so that a bad column or filter is found now.
pub fn prepare(opened: Arc<Opened>, settings: ScanSettings) -> Task<Query> {
    Box::pin(async move {
        match evaluated(&settings) {
            Some(what) => contained(prepare_plain(opened, settings))
                .await
                .map_err(|error| expression::blame(what, error)),
            None if searches(&settings) => contained(prepare_plain(opened, settings)).await,
            None => prepare_plain(opened, settings).await,
        }
    })
}

/// What a scan evaluates for each row, and may fail for.
fn evaluated(settings: &ScanSettings) -> Option<&'static str> {
    let computes = !settings.expressions.is_empty() || !settings.aggregates.is_empty();
    match (filters(settings), computes) {
        (true, true) => Some("the filter or an expression"),
        (true, false) => Some("the filter"),
        (false, true) => Some("an expression"),
        (false, false) => None,
    }
}

/// Whether it has a filter.
pub fn filters(settings: &ScanSettings) -> bool {
    settings.filter.is_some() || settings.filter_substrait.is_some()
}

/// Options that do not go together.
fn check_rules(settings: &ScanSettings) -> Result<()> {
    let groups = !settings.aggregates.is_empty();
    let masks = settings.row_ids.is_some() || !settings.excluded_row_ids.is_empty();
    let excepts = settings.materialization == Materialization::EarlyExcept;
    check_options([
        (
            settings.filter.is_some() && settings.filter_substrait.is_some(),
            "filter and filter_substrait do not go together",
        ),
        (
            settings.fragments.is_some() && !settings.slices.is_empty(),
            "fragments and slices do not go together: a slice names its fragment",
        ),
        (
            settings.strict_batch_size && settings.batch_bytes.is_some(),
            "strict_batch_size and batch_bytes do not go together",
        ),
        (
            settings.include_deleted_rows && masks,
            "include_deleted_rows does not go with row_ids and excluded_row_ids: a deleted row has no id",
        ),
        (
            groups
                && (settings.columns.is_some()
                    || settings.with_row_id
                    || settings.with_row_address),
            "aggregates do not go with columns, with_row_id and with_row_address: group_by names the columns that are returned",
        ),
        (
            !groups && !settings.group_by.is_empty(),
            "group_by needs aggregates",
        ),
        (
            excepts == settings.late_columns.is_empty(),
            "late_columns go with the materialization EARLY_EXCEPT, and that needs some",
        ),
    ])
}

/// The last steps, where the engine's scan has none of them, and what the scan has to yield.
fn finish(settings: &ScanSettings, names: &Names) -> Result<(Option<Finish>, Vec<Output>)> {
    if !settings.aggregates.is_empty() {
        let (finish, inputs) = Finish::grouped(settings, names)?;
        return Ok((Some(finish), inputs));
    }
    let mut outputs = names.outputs(settings.columns.as_deref())?;
    let mut is_plain = outputs.is_empty() || !are_constant(&outputs);
    for key in &settings.order_by {
        let found = names.find(&key.column)?;
        // The engine has what it sorts by only where that is returned; a deleted row it cannot take other columns for,
        // none of the rows it cannot sort, and a search it would limit before.
        is_plain &= found.stored.is_some()
            && outputs.iter().any(|output| output.name == key.column)
            && !settings.include_deleted_rows
            && settings.limit != Some(0)
            && !searches(settings);
    }
    let finish = match is_plain {
        true => None,
        false => Some(Finish::sorted(settings, names, &mut outputs)?),
    };
    Ok((finish, outputs))
}

async fn prepare_plain(opened: Arc<Opened>, settings: ScanSettings) -> Result<Query> {
    check_rules(&settings)?;
    found::check_rules(&settings)?;
    let settings = found::in_order(settings);
    let dataset = &opened.dataset;
    let mut scanner = dataset.scan();
    scanner.blob_handling(match settings.blob_handling {
        BlobHandling::Descriptions => datatypes::BlobHandling::BlobsDescriptions,
        BlobHandling::Bytes => datatypes::BlobHandling::AllBinary,
        BlobHandling::AllDescriptions => datatypes::BlobHandling::AllDescriptions,
    });
    let found = Found::of(dataset, &settings)?;
    let names = Names::of(dataset, found, &settings.expressions)?;
    let (finish, outputs) = finish(&settings, &names)?;
    let is_all = settings.columns.is_none() && settings.expressions.is_empty();
    if finish.is_some() || !is_all || found.is_any() {
        let asked = outputs
            .iter()
            .filter(|output| !names.always_has(&output.name));
        let pairs = asked.map(|output| (&output.name, &output.sql));
        scanner.project_with_transform(&pairs.collect::<Vec<_>>())?;
    }
    let filters_by = filter(&mut scanner, dataset, &settings, found).await?;
    search(&mut scanner, dataset, &settings).await?;
    restrict(&mut scanner, dataset, &settings).await?;
    tune(&mut scanner, dataset, &settings).await?;
    if settings.with_row_id {
        scanner.with_row_id();
    }
    // An empty projection yields no rows to count.
    if settings.with_row_address || finish.is_some() && outputs.is_empty() {
        scanner.with_row_address();
    }
    match &finish {
        None => {
            order(&mut scanner, &names, &settings)?;
            limit(&mut scanner, settings.limit, settings.offset)?;
            scanner.scan_in_order(settings.ordered);
        }
        Some(_) => {
            scanner.scan_in_order(false);
        }
    }
    let mut reads = filters_by.clone();
    reads.extend(outputs.into_iter().flat_map(|output| output.reads));
    let mut query = Query {
        schema: SchemaRef::new(arrow::datatypes::Schema::empty()),
        scanner,
        finish: finish.map(Arc::new),
        settings: settings.into(),
        reads: reads.into(),
        filters_by: filters_by.into(),
        opened: opened.clone(),
    };
    let plan = query.plan(&query.scanner).await?;
    query.schema = yielded(plan.schema());
    Ok(query)
}

/// Which columns the filter reads.
async fn filter(
    scanner: &mut Scanner,
    dataset: &Dataset,
    settings: &ScanSettings,
    found: Found,
) -> Result<BTreeSet<String>> {
    if let Some(message) = &settings.filter_substrait {
        let (filter, reads) = substrait::filter(message, dataset.schema()).await?;
        let kept = substrings::keep_nulls(&filter)?;
        scanner.filter_expr(kept.unwrap_or(filter));
        return Ok(reads);
    }
    let Some(filter) = &settings.filter else {
        return Ok(BTreeSet::new());
    };
    let schema = found.rows(dataset.schema())?;
    let checked = expression::check("the filter", filter, &schema)?;
    let early = checked.columns.iter().find(|name| found.adds(name));
    if let Some(name) = early.filter(|_| settings.prefilter) {
        return Err(Error::invalid_argument(format!(
            "the filter reads {name}, which only rows that were found have: it cannot be a prefilter"
        )));
    }
    scanner.filter(&checked.sql)?;
    if substrings::may_be_in(&checked.sql)
        && let Some(filter) = scanner.get_expr_filter()?
        && let Some(kept) = substrings::keep_nulls(&filter)?
    {
        scanner.filter_expr(kept);
    }
    Ok(checked.columns)
}

/// How the scan goes about it; what it yields does not change.
async fn tune(scanner: &mut Scanner, dataset: &Dataset, settings: &ScanSettings) -> Result<()> {
    if let Some(batches) = settings.batch_readahead {
        scanner.batch_readahead(batches as usize);
    }
    if let Some(fragments) = settings.fragment_readahead {
        scanner.fragment_readahead(fragments as usize);
    }
    if let Some(bytes) = settings.io_buffer_bytes {
        scanner.io_buffer_size(bytes);
    } else if get_default_io_buffer_size_override().is_none()
        && is_local(dataset.object_store(None).await?.as_ref())
    {
        scanner.io_buffer_size(LOCAL_IO_BUFFER_BYTES);
    }
    if let Some(rows) = settings.batch_size {
        scanner.batch_size(rows as usize);
    }
    if let Some(bytes) = settings.batch_bytes {
        scanner.batch_size_bytes(bytes);
    }
    if let Some(parts) = settings.parallelism {
        scanner.target_parallelism(parts as usize);
    }
    scanner.strict_batch_size(settings.strict_batch_size);
    scanner.use_stats(settings.use_statistics);
    // An index knows no deleted rows, and they cannot be taken afterwards.
    scanner.use_scalar_index(settings.use_scalar_index && !settings.include_deleted_rows);
    scanner.materialization_style(match settings.materialization {
        _ if settings.include_deleted_rows => MaterializationStyle::AllEarly,
        Materialization::Heuristic => MaterializationStyle::Heuristic,
        Materialization::Early => MaterializationStyle::AllEarly,
        Materialization::Late => MaterializationStyle::AllLate,
        Materialization::EarlyExcept => {
            let late = columns(dataset.schema(), Some(&settings.late_columns))?;
            let late: Vec<_> = late.iter().map(|column| column.path()).collect();
            MaterializationStyle::all_early_except(&late, dataset.schema())?
        }
    });
    Ok(())
}

fn order(scanner: &mut Scanner, names: &Names, settings: &ScanSettings) -> Result<()> {
    let mut keys = Vec::with_capacity(settings.order_by.len());
    for key in &settings.order_by {
        keys.push(ColumnOrdering {
            ascending: !key.descending,
            nulls_first: key.nulls_first,
            column_name: names.find(&key.column)?.stored.unwrap_or_default(),
        });
    }
    scanner.order_by(Some(keys))?;
    Ok(())
}

fn limit(scanner: &mut Scanner, limit: Option<i64>, offset: i64) -> Result<()> {
    if limit.is_some() || offset > 0 {
        scanner.limit(limit, (offset > 0).then_some(offset))?;
    }
    Ok(())
}

impl Query {
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// All rows that pass the filter are wanted, so that a sample of them may pay.
    fn is_whole(&self) -> bool {
        let settings = &self.settings;
        let is_cut = settings.limit.is_some() || settings.offset > 0;
        let groups = !settings.aggregates.is_empty();
        filters(settings)
            && !restricts(settings)
            && !searches(settings)
            && settings.materialization == Materialization::Heuristic
            && (groups || !is_cut && settings.order_by.is_empty())
    }

    /// The scanner as it will run, and the rows of a batch if they are bound.
    async fn planned(&self) -> (Scanner, Option<usize>) {
        let dataset = &self.opened.dataset;
        let rows = self.batch_rows(&self.reads).await;
        let mut scanner = self.scanner.clone();
        if let Some(rows) = rows {
            scanner.batch_size(rows);
        }
        if self.is_whole()
            && let Some(chosen) = attempt(scan_strategy::choose(&scanner, dataset, rows)).await
        {
            scanner = chosen;
        }
        (scanner, rows)
    }

    /// The rows of a batch, as the caller or the width of these columns has it.
    async fn batch_rows(&self, names: &BTreeSet<String>) -> Option<usize> {
        let asked = self.settings.batch_size.map(|rows| rows as usize);
        if self.settings.strict_batch_size {
            return Some(asked.unwrap_or(BATCH_ROWS));
        }
        let dataset = &self.opened.dataset;
        let widths = &self.opened.widths;
        let blobs = self.settings.blob_handling == BlobHandling::Bytes;
        match widths.batch_rows(dataset, names, blobs).await {
            Some(rows) => Some(asked.map_or(rows, |asked| asked.min(rows))),
            None => asked,
        }
    }

    /// All steps, over this scanner.
    async fn plan(&self, scanner: &Scanner) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = scanner.create_plan().await?;
        match &self.finish {
            Some(finish) => finish.over(scan, &self.execution(None, None)).await,
            None => Ok(scan),
        }
    }

    /// The rows of a search that finds few.
    async fn found(&self, scanner: &Scanner) -> Result<Option<RecordBatch>> {
        found_rows(&self.opened, &self.settings, scanner, &self.schema).await
    }

    fn is_sorted_or_grouped(&self) -> bool {
        self.finish.is_some() || !self.settings.order_by.is_empty()
    }

    /// How a plan is run. What has to keep rows puts them into temporary files where memory is scarce.
    fn execution(
        &self,
        rows: Option<usize>,
        told: Option<ExecutionStatsCallback>,
    ) -> LanceExecutionOptions {
        LanceExecutionOptions {
            use_spilling: self.is_sorted_or_grouped(),
            batch_size: rows,
            target_partition: self.settings.parallelism.map(|parts| parts as usize),
            execution_stats_callback: told,
            ..LanceExecutionOptions::default()
        }
    }

    async fn start(
        &self,
        scanner: &Scanner,
        rows: Option<usize>,
        told: Option<ExecutionStatsCallback>,
    ) -> Result<DatasetRecordBatchStream> {
        if self.is_sorted_or_grouped() {
            let plan = self.plan(scanner).await?;
            let batches = execute_plan(plan, self.execution(rows, told))?;
            return Ok(DatasetRecordBatchStream::new(batches));
        }
        let mut scanner = scanner.clone();
        if let Some(told) = told {
            scanner.scan_stats_callback(told);
        }
        Ok(scanner.try_into_stream().await?)
    }

    /// Run it; the batches have the schema returned with them.
    pub fn run(self) -> Task<(SchemaRef, Yield)> {
        Box::pin(async move {
            let (scanner, rows) = self.planned().await;
            if self.finish.is_none()
                && let Some(batch) = attempt(self.found(&scanner)).await.flatten()
            {
                let batches = (batch.num_rows() > 0).then_some(Ok(batch));
                return Ok((self.schema, Yield::from(stream::iter(batches))));
            }
            let told = self.settings.statistics.clone().map(Statistics::new);
            let first = self.start(&scanner, rows, engines(&told)).await?;
            let schema = first.schema();
            let running = Running {
                rows: rows.unwrap_or(BATCH_ROWS),
                batches: first,
                scanner,
                done: 0,
                query: self,
                told: told.clone(),
            };
            let batches = stream::try_unfold(running, |mut running| async move {
                Ok(running.next().await?.map(|batch| (batch, running)))
            });
            let batches = Yield::from(batches);
            Ok(match told {
                Some(told) => (schema, batches.calling(Box::new(move || told.tell()))),
                None => (schema, batches),
            })
        })
    }

    /// How many rows it yields.
    pub fn count(self) -> Task<u64> {
        Box::pin(async move {
            let settings = &self.settings;
            let wanted = Rows {
                limit: settings.limit,
                offset: settings.offset,
            };
            let groups = !settings.aggregates.is_empty();
            if groups && settings.group_by.is_empty() {
                return Ok(wanted.of(1));
            }
            // Of a scanner with a limit the engine counts nothing.
            if groups || told(settings).is_some() {
                let (scanner, rows) = self.planned().await;
                return self.drain(self.plan(&scanner).await?, rows).await;
            }
            if searches(settings) {
                return self.count_found(wanted).await;
            }
            let dataset = &self.opened.dataset;
            let fragments = fragments(dataset, settings)?;
            if !filters(settings) && !restricts_more_than_fragments(settings) {
                let rows = count::stored(dataset, &fragments).await?;
                return Ok(wanted.of(rows));
            }
            let rows = self.batch_rows(&self.filters_by).await;
            let mut scanner = self.scanner.clone();
            if let Some(rows) = rows {
                scanner.batch_size(rows);
            }
            let counted = shrinking(rows.unwrap_or(BATCH_ROWS), |rows| {
                let mut scanner = scanner.clone();
                if rows < BATCH_ROWS {
                    scanner.batch_size(rows);
                }
                let fragments = fragments.clone();
                contained(count::passing(dataset.clone(), fragments, scanner, wanted))
            });
            counted
                .await
                .map_err(|error| self.blamed(error.while_reading()))
        })
    }

    /// How many rows a search finds.
    async fn count_found(&self, wanted: Rows) -> Result<u64> {
        let mut scanner = self.scanner.clone();
        scanner.order_by(None)?.limit(None, None)?;
        let counted = contained(async { Ok(scanner.count_rows().await?) }).await;
        let rows = counted.map_err(|error| self.blamed(error.while_reading()))?;
        Ok(wanted.of(rows))
    }

    /// Run a plan to its end; how many rows it has.
    async fn drain(&self, plan: Arc<dyn ExecutionPlan>, rows: Option<usize>) -> Result<u64> {
        let drained = async {
            let batches = execute_plan(plan, self.execution(rows, None))?;
            let count = |rows, batch: RecordBatch| ready(Ok(rows + batch.num_rows() as u64));
            Ok(batches.try_fold(0, count).await?)
        };
        let drained = contained(drained).await;
        drained.map_err(|error| self.blamed(error.while_reading()))
    }

    fn blamed(&self, error: Error) -> Error {
        match evaluated(&self.settings) {
            Some(what) => expression::blame(what, error),
            None => error,
        }
    }

    pub fn explain(self) -> Task<String> {
        Box::pin(async move {
            let (scanner, _) = self.planned().await;
            let plan = self.plan(&scanner).await?;
            let plan = DisplayableExecutionPlan::new(plan.as_ref());
            Ok(plan.indent(false).to_string())
        })
    }

    /// Run it for what its steps take.
    pub fn analyze(self) -> Task<String> {
        Box::pin(async move {
            let (scanner, rows) = self.planned().await;
            let plan = self.plan(&scanner).await?;
            self.drain(plan.clone(), rows).await?;
            Ok(format_plan(plan))
        })
    }
}

fn engines(told: &Option<Statistics>) -> Option<ExecutionStatsCallback> {
    told.as_ref().map(Statistics::engines)
}

/// A scan under way.
struct Running {
    query: Query,
    scanner: Scanner,
    /// Of a batch.
    rows: usize,
    batches: DatasetRecordBatchStream,
    /// Rows that were yielded.
    done: i64,
    told: Option<Statistics>,
}

impl Running {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let next = async { Ok(self.batches.next().await.transpose()?) };
            let error = match contained(next).await {
                Ok(batch) => {
                    self.done += batch.as_ref().map_or(0, |batch| batch.num_rows() as i64);
                    return Ok(batch);
                }
                Err(error) => error.while_reading(),
            };
            if !is_too_long(&error) || self.rows == 1 || !self.goes_on() {
                return Err(self.query.blamed(too_long(error, "a row has")));
            }
            self.shrink().await?;
        }
    }

    /// Whether it is known which rows are left, and batches may have fewer of them.
    fn goes_on(&self) -> bool {
        let settings = &self.query.settings;
        let in_order =
            settings.ordered && !self.query.is_sorted_or_grouped() && !searches(settings);
        (in_order || self.done == 0) && !settings.strict_batch_size
    }

    /// Scan what is left in smaller batches.
    async fn shrink(&mut self) -> Result<()> {
        self.rows = fewer(self.rows);
        let mut scanner = self.scanner.clone();
        scanner.batch_size(self.rows);
        if self.done > 0 {
            let settings = &self.query.settings;
            let limit = settings.limit.map(|limit| limit - self.done);
            let offset = settings.offset.saturating_add(self.done);
            scanner.limit(limit, Some(offset))?;
        }
        self.batches = self
            .query
            .start(&scanner, Some(self.rows), engines(&self.told))
            .await?;
        Ok(())
    }
}

/// The numbers that a scan of nothing but ids or addresses yields.
pub async fn numbers(opened: Arc<Opened>, settings: ScanSettings) -> Result<Vec<u64>> {
    let (_, batches) = prepare(opened, settings).await?.run().await?;
    let mut batches = batches.into_stream();
    let mut numbers = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        numbers.extend_from_slice(batch.column(0).as_primitive::<UInt64Type>().values());
    }
    Ok(numbers)
}

/// The rows of the dataset that pass a filter, or all.
pub fn count_rows(opened: Arc<Opened>, filter: Option<String>) -> Task<u64> {
    Box::pin(async move {
        let dataset: &Dataset = &opened.dataset;
        if filter.is_none() {
            return Ok(dataset.count_rows(None).await? as u64);
        }
        let settings = ScanSettings {
            columns: Some(Vec::new()),
            filter,
            with_row_id: true,
            ..ScanSettings::default()
        };
        prepare(opened, settings).await?.count().await
    })
}
