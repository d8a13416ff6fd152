//! A search that is prepared.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, Float32Array, Int32Array, RecordBatch, RecordBatchOptions, UInt64Array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use lance::io::exec::QUERY_INDEX_COL;
use lance_core::ROW_ID;
use lance_index::vector::DIST_COL;
use tokio::sync::OnceCell;

use super::found::Found;
use super::gather::Gather;
use super::rows::{Rows, stored};
use super::search::Prepared;
use crate::VectorQuery;
use crate::error::{Error, Result, code};
use crate::read::Opened;
use crate::read::attempt::attempt;
use crate::read::columns::column;
use crate::read::scan;
use crate::settings::{ScanSettings, SearcherSettings};
use crate::task::Task;

/// A search of one dataset for vectors that are given with each run. What is found is what a scan finds: where this does
/// not know how, that scan is run.
pub struct Searcher {
    opened: Arc<Opened>,
    settings: ScanSettings,
    nearest: Arc<VectorQuery>,
    prepared: Option<Arc<Prepared>>,
    gather: Option<Gather>,
    /// Of one query and of a batch.
    answers: [OnceCell<Answer>; 2],
}

/// What is returned of the rows that are found.
struct Answer {
    schema: SchemaRef,
    rows: Option<Rows>,
}

/// Check the search, and do all that does not depend on the vectors. Those of the settings are an example.
pub fn open(
    opened: Arc<Opened>,
    settings: ScanSettings,
    asked: SearcherSettings,
) -> Task<Searcher> {
    Box::pin(async move {
        let Some(nearest) = settings.nearest.clone() else {
            return Err(Error::invalid_argument(
                "options.nearest is missing: a searcher looks for the nearest vectors",
            ));
        };
        if settings.statistics.is_some() {
            return Err(Error::invalid_argument(
                "options.statistics is for scans: a searcher has none",
            ));
        }
        let example = scan::prepare(opened.clone(), settings.clone()).await?;
        let answer = Answer::of(&opened, example.schema());
        let prepared = match answer {
            Some(_) => {
                let prepared = Prepared::of(&opened, &settings, &nearest, asked.held_bytes);
                attempt(prepared).await.flatten().map(Arc::new)
            }
            None => None,
        };
        let gather = asked.gather_milliseconds.map(u64::from);
        let together = prepared
            .as_ref()
            .is_some_and(|it| it.is_searched_together());
        let is_batch = example.schema().field_with_name(QUERY_INDEX_COL).is_ok();
        let mut answers: [OnceCell<Answer>; 2] = Default::default();
        answers[usize::from(is_batch)] = OnceCell::new_with(answer);
        Ok(Searcher {
            gather: gather
                .filter(|_| together)
                .map(|patience| Gather::new(Duration::from_millis(patience))),
            prepared,
            nearest,
            settings,
            opened,
            answers,
        })
    })
}

impl Searcher {
    /// Search for these vectors, as a scan for them does.
    pub fn run(self: Arc<Self>, vectors: ArrayRef) -> Task<RecordBatch> {
        Box::pin(async move {
            let nearest = self.nearest.with_vectors(&vectors)?;
            if let Some(batch) = attempt(self.search(&nearest)).await.flatten() {
                return Ok(batch);
            }
            self.scan(nearest).await
        })
    }

    /// Whether searches are prepared, and not run as scans.
    pub fn is_prepared(&self) -> bool {
        self.prepared.is_some()
    }

    async fn search(&self, nearest: &VectorQuery) -> Result<Option<RecordBatch>> {
        let Some(prepared) = &self.prepared else {
            return Ok(None);
        };
        let dataset = &self.opened.dataset;
        let column = column(dataset.schema(), nearest.column())?;
        let path = column.path();
        let is_batch = nearest.is_batch(dataset, path)?;
        let vectors = nearest.engines(dataset, path).await?.key;
        let length = nearest.length();
        let firsts = (0..vectors.len()).step_by(length);
        let keys: Vec<_> = firsts.map(|first| vectors.slice(first, length)).collect();
        let answer = &self.answers[usize::from(is_batch)];
        let answer = answer.get_or_try_init(|| self.answer(nearest)).await?;
        let found = match (&self.gather, keys.as_slice()) {
            (Some(gather), [key]) => {
                let found = gather.search(prepared, key.clone()).await?;
                found.map(|found| vec![found])
            }
            _ => prepared.search(&keys).await?,
        };
        match found {
            Some(found) => Ok(Some(answer.with(&found).await?)),
            None => Ok(None),
        }
    }

    async fn answer(&self, nearest: &VectorQuery) -> Result<Answer> {
        let query = scan::prepare(self.opened.clone(), self.settings_for(nearest)).await?;
        Answer::of(&self.opened, query.schema()).ok_or_else(|| not_read("a column"))
    }

    fn settings_for(&self, nearest: &VectorQuery) -> ScanSettings {
        ScanSettings {
            nearest: Some(Arc::new(nearest.clone())),
            ..self.settings.clone()
        }
    }

    async fn scan(&self, nearest: VectorQuery) -> Result<RecordBatch> {
        let query = scan::prepare(self.opened.clone(), self.settings_for(&nearest)).await?;
        let (schema, batches) = query.run().await?;
        let batches: Vec<_> = batches.into_batches().try_collect().await?;
        Ok(concat_batches(&schema, &batches)?)
    }
}

fn not_read(column: &str) -> Error {
    Error::new(code::NOT_SUPPORTED, format!("{column} is not read here"))
}

impl Answer {
    /// None where a column is not stored as it is returned.
    fn of(opened: &Arc<Opened>, schema: &SchemaRef) -> Option<Self> {
        let added = [DIST_COL, ROW_ID, QUERY_INDEX_COL];
        let fields = schema.fields().iter();
        let taken = fields.filter(|field| !added.contains(&field.name().as_str()));
        let ids = stored(&opened.dataset, taken)?;
        Some(Self {
            rows: (!ids.is_empty()).then(|| Rows::new(opened.clone(), &ids)),
            schema: schema.clone(),
        })
    }

    async fn with(&self, found: &[Vec<Found>]) -> Result<RecordBatch> {
        let all = || found.iter().flatten();
        let ids: Vec<_> = all().map(|found| found.row).collect();
        let taken = match &self.rows {
            Some(rows) => Some(rows.take(&ids).await?),
            None => None,
        };
        let count = ids.len();
        let ids: ArrayRef = Arc::new(UInt64Array::from(ids));
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            columns.push(match field.name().as_str() {
                DIST_COL => Arc::new(Float32Array::from_iter_values(all().map(|it| it.distance))),
                ROW_ID => ids.clone(),
                QUERY_INDEX_COL => {
                    let queries = (0..).zip(found);
                    let queries =
                        queries.flat_map(|(query, found)| std::iter::repeat_n(query, found.len()));
                    Arc::new(Int32Array::from_iter_values(queries))
                }
                name => {
                    let column = taken.as_ref().and_then(|taken| taken.column_by_name(name));
                    column.cloned().ok_or_else(|| not_read(name))?
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?)
    }
}
