//! Queries: how one is prepared, planned and run.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::EmptyRecordBatchStream;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use lance::Dataset;
use lance::dataset::scanner::{
    DatasetRecordBatchStream, Scanner, get_default_io_buffer_size_override,
};
use lance_io::stream::RecordBatchStream;

use super::attempt::attempt;
use super::columns::columns;
use super::count::{self, Rows};
use super::filter;
use super::opened::Opened;
use super::row_widths::BATCH_ROWS;
use super::scan_strategy;
use crate::error::{Error, Result, code};
use crate::local::store::is_local;
use crate::panics::contained;
use crate::settings::ScanSettings;
use crate::task::Task;

/// The engine's own is eight times this. What is read further ahead is memory that was not used before, which costs
/// more than the wait for a disk saves.
pub const LOCAL_IO_BUFFER_BYTES: u64 = 32 << 20;

/// Where a batch would be too long for its offsets, the rest comes in batches of so much fewer rows.
const SHRINKS_BY: usize = 8;

/// A scanner that was checked once, and the schema it yields.
#[derive(Clone)]
pub struct Query {
    opened: Arc<Opened>,
    scanner: Scanner,
    settings: Arc<ScanSettings>,
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
        match settings.filter.is_some() {
            true => contained(prepare_plain(opened, settings))
                .await
                .map_err(filter::blame),
            false => prepare_plain(opened, settings).await,
        }
    })
}

async fn prepare_plain(opened: Arc<Opened>, settings: ScanSettings) -> Result<Query> {
    let dataset = &opened.dataset;
    let mut scanner = dataset.scan();
    let named = columns(dataset.schema(), settings.columns.as_deref())?;
    if settings.columns.is_some() {
        let named = named
            .iter()
            .map(|column| (&column.name, &column.expression));
        scanner.project_with_transform(&named.collect::<Vec<_>>())?;
    }
    let mut filters_by = BTreeSet::new();
    if let Some(filter) = &settings.filter {
        filters_by = filter::check(filter, dataset.schema())?;
        scanner.filter(filter)?;
    }
    if settings.limit.is_some() || settings.offset > 0 {
        let offset = (settings.offset > 0).then_some(settings.offset);
        scanner.limit(settings.limit, offset)?;
    }
    if let Some(batches) = settings.batch_readahead {
        scanner.batch_readahead(batches as usize);
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
    if settings.with_row_id {
        scanner.with_row_id();
    }
    if settings.with_row_address {
        scanner.with_row_address();
    }
    scanner.scan_in_order(settings.ordered);
    let schema = yielded(scanner.create_plan().await?.schema());
    let mut reads = filters_by.clone();
    reads.extend(named.into_iter().map(|column| column.source));
    Ok(Query {
        opened,
        scanner,
        settings: settings.into(),
        schema,
        reads: reads.into(),
        filters_by: filters_by.into(),
    })
}

impl Query {
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// All rows that pass the filter are wanted, so that a sample of them may pay.
    fn is_whole(&self) -> bool {
        let settings = &self.settings;
        settings.filter.is_some() && settings.limit.is_none() && settings.offset == 0
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
        let dataset = &self.opened.dataset;
        match self.opened.widths.batch_rows(dataset, names).await {
            Some(rows) => Some(asked.map_or(rows, |asked| asked.min(rows))),
            None => asked,
        }
    }

    /// Run it; the batches have the schema returned with them.
    pub fn run(self) -> Task<(SchemaRef, BoxStream<'static, Result<RecordBatch>>)> {
        Box::pin(async move {
            let (scanner, rows) = self.planned().await;
            let first = scanner.try_into_stream().await?;
            let schema = first.schema();
            let running = Running {
                rows: rows.unwrap_or(BATCH_ROWS),
                batches: first,
                scanner,
                done: 0,
                settings: self.settings,
            };
            let batches = stream::try_unfold(running, |mut running| async move {
                Ok(running.next().await?.map(|batch| (batch, running)))
            });
            Ok((schema, batches.boxed()))
        })
    }

    /// How many rows it yields.
    pub fn count(self) -> Task<u64> {
        Box::pin(async move {
            let rows = self.batch_rows(&self.filters_by).await;
            let mut scanner = self.scanner.clone();
            if let Some(rows) = rows {
                scanner.batch_size(rows);
            }
            let wanted = Rows {
                limit: self.settings.limit,
                offset: self.settings.offset,
            };
            let dataset = &self.opened.dataset;
            match self.settings.filter.is_some() {
                true => {
                    let rows = rows.unwrap_or(BATCH_ROWS);
                    let counted = shrinking(rows, |rows| {
                        let mut scanner = scanner.clone();
                        if rows < BATCH_ROWS {
                            scanner.batch_size(rows);
                        }
                        contained(count::passing(dataset.clone(), scanner, wanted))
                    });
                    counted
                        .await
                        .map_err(|error| filter::blame(error.while_reading()))
                }
                false => Ok(wanted.of(dataset.count_rows(None).await? as u64)),
            }
        })
    }

    pub fn explain(self) -> Task<String> {
        Box::pin(async move {
            let (scanner, _) = self.planned().await;
            Ok(scanner.explain_plan(false).await?)
        })
    }
}

/// Do it with fewer rows in a batch, and fewer again, as long as batches are too long for their offsets.
async fn shrinking<T, F: Future<Output = Result<T>>>(
    mut rows: usize,
    mut body: impl FnMut(usize) -> F,
) -> Result<T> {
    loop {
        match body(rows).await {
            Err(error) if rows > 1 && is_too_long(&error) => rows = (rows / SHRINKS_BY).max(1),
            outcome => return outcome,
        }
    }
}

/// Whether it failed because a batch has more text, or longer lists, than its offsets count.
fn is_too_long(error: &Error) -> bool {
    error
        .message()
        .to_ascii_lowercase()
        .contains("offset overflow")
}

/// What to say of it when nothing smaller can be read.
pub fn too_long(error: Error, what: &str) -> Error {
    match is_too_long(&error) {
        true => Error::with_detail(
            code::RESOURCE_EXHAUSTED,
            &format!(
                "{what} more than 2 GiB of text or list items in a column, which no batch can"
            ),
            error.detail(),
        ),
        false => error,
    }
}

/// A scan under way.
struct Running {
    scanner: Scanner,
    settings: Arc<ScanSettings>,
    /// Of a batch.
    rows: usize,
    batches: DatasetRecordBatchStream,
    /// Rows that were yielded.
    done: i64,
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
            // What comes in any order does not tell which rows are left.
            let goes_on = self.settings.ordered || self.done == 0;
            if !is_too_long(&error) || self.rows == 1 || !goes_on {
                let error = too_long(error, "a row has");
                return Err(match self.settings.filter.is_some() {
                    true => filter::blame(error),
                    false => error,
                });
            }
            self.shrink().await?;
        }
    }

    /// Scan what is left in smaller batches.
    async fn shrink(&mut self) -> Result<()> {
        self.rows = (self.rows / SHRINKS_BY).max(1);
        let limit = self.settings.limit.map(|limit| limit - self.done);
        let offset = self.settings.offset.saturating_add(self.done);
        let mut scanner = self.scanner.clone();
        scanner.batch_size(self.rows).limit(limit, Some(offset))?;
        self.batches = scanner.try_into_stream().await?;
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::executor::block_on;

    use super::*;

    fn overflow() -> Error {
        Error::new(code::ARROW, "Offset overflow error: 3000000000")
    }

    #[test]
    fn batches_shrink_until_they_fit() {
        let tries = AtomicUsize::new(0);
        let fits = block_on(shrinking(8192, |rows| {
            tries.fetch_add(1, Ordering::Relaxed);
            async move { if rows > 20 { Err(overflow()) } else { Ok(rows) } }
        }));
        assert_eq!((fits.expect("rows"), tries.into_inner()), (16, 4));
    }

    #[test]
    fn other_errors_and_a_single_row_end_it() {
        let error = block_on(shrinking(8, |_| async { Err::<(), _>(overflow()) }));
        let error = too_long(error.expect_err("an error"), "a row has");
        assert_eq!(error.code(), code::RESOURCE_EXHAUSTED);
        assert!(
            error.message().starts_with("a row has more than 2 GiB"),
            "{error}"
        );
        let io = || async { Err::<(), _>(Error::new(code::IO, "no disk")) };
        let error = block_on(shrinking(8, |_| io())).expect_err("an error");
        assert_eq!(too_long(error, "").code(), code::IO);
    }
}
