//! A search for the nearest vectors of which all that does not depend on the vectors is done.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType;
use lance::Dataset;
use lance::dataset::scanner::{RowAddrMask, RowAddrTreeMap};
use lance::io::exec::QUERY_INDEX_COL;
use lance_index::vector::{DIST_COL, Query};
use lance_linalg::distance::DistanceType;

use super::found::{Found, Nearest, Range, nearest};
use super::held::Held;
use super::index::OpenIndex;
use super::rows::{Rows, is_plainly_stored, whole_column};
use crate::VectorQuery;
use crate::error::Result;
use crate::read::Opened;
use crate::read::columns::column;
use crate::read::scan::{filters, numbers};
use crate::settings::{BlobHandling, ScanSettings, SearchFilter};

/// Rows whose vectors are read at once to rank them anew.
const ROWS_AT_ONCE: usize = 8192;

pub struct Prepared {
    /// Of which the vectors are others for each search.
    query: Arc<Query>,
    metric: DistanceType,
    range: Range,
    index: Option<Arc<OpenIndex>>,
    /// Where not all is indexed, the rest, or all.
    held: Option<Arc<Held>>,
    vectors: Rows,
}

impl Prepared {
    /// None where only the engine's own way gives the same.
    pub async fn of(
        opened: &Arc<Opened>,
        settings: &ScanSettings,
        example: &VectorQuery,
        most_bytes: u64,
    ) -> Result<Option<Self>> {
        let dataset = &opened.dataset;
        let column = column(dataset.schema(), example.column())?;
        let path = column.path();
        let Some(field) = whole_column(dataset, path) else {
            return Ok(None);
        };
        let is_single = matches!(field.data_type(), DataType::FixedSizeList(..));
        if !is_single || !is_plain(settings) || !is_searchable(dataset) {
            return Ok(None);
        }
        let query = example.engines(dataset, path).await?;
        let passing = match filters(settings) {
            true => Some(passing(opened, settings).await?),
            false => None,
        };
        let index = match query.use_index {
            true => OpenIndex::of(dataset, path, query.metric_type, passing.as_ref()).await?,
            false => None,
        };
        let usual = match field.data_type() {
            DataType::FixedSizeList(item, _) if *item.data_type() == DataType::UInt8 => {
                DistanceType::Hamming
            }
            _ => DistanceType::L2,
        };
        let index = index.map(Arc::new);
        let metric = match &index {
            Some(index) => index.metric,
            None => query.metric_type.unwrap_or(usual),
        };
        let held = match &index {
            None if settings.fast_search => return Ok(None),
            Some(_) if settings.fast_search => None,
            Some(index) if index.unindexed.is_empty() => None,
            Some(index) => Some(index.unindexed.iter().map(|fragment| fragment.id).collect()),
            None => Some(
                dataset
                    .fragments()
                    .iter()
                    .map(|fragment| fragment.id)
                    .collect(),
            ),
        };
        let held = match held {
            None => None,
            Some(fragments) => {
                let scanned = vectors_of(settings, example.column(), fragments);
                match Held::load(opened.clone(), scanned, most_bytes).await? {
                    Some(held) => Some(Arc::new(held)),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(Self {
            range: Range {
                lower: query.lower_bound,
                upper: query.upper_bound,
            },
            query: query.into(),
            metric,
            index,
            held,
            vectors: Rows::new(opened.clone(), &[field.id]),
        }))
    }

    /// Whether several queries at once take less than one after the other.
    pub fn is_searched_together(&self) -> bool {
        let index = self.index.as_ref();
        index.is_none_or(|index| index.is_searched_together())
    }

    /// What is found near each key, the nearest first. None where only the engine's own way gives the same.
    pub async fn search(&self, keys: &[ArrayRef]) -> Result<Option<Vec<Vec<Found>>>> {
        let indexed = match &self.index {
            None => None,
            Some(index) => match index.search(&self.query, keys).await? {
                None => return Ok(None),
                Some(found) => Some(found),
            },
        };
        let is_exact = self.query.refine_factor.is_some();
        let indexed = match (indexed, &self.held) {
            (Some(found), Some(_)) => Some(self.ranked_anew(keys, found).await?),
            (Some(found), None) if is_exact => Some(self.ranked_anew(keys, found).await?),
            (found, _) => found,
        };
        let Some(held) = &self.held else {
            return Ok(indexed);
        };
        let k = self.query.k;
        let mut found = held.nearest(keys, self.metric, k, self.range).await?;
        if let Some(indexed) = indexed {
            for (all, some) in found.iter_mut().zip(indexed) {
                all.extend(some);
            }
        }
        let found = found.into_iter();
        Ok(Some(found.map(|found| nearest(found, k)).collect()))
    }

    /// By their stored vectors.
    async fn ranked_anew(
        &self,
        keys: &[ArrayRef],
        found: Vec<Vec<Found>>,
    ) -> Result<Vec<Vec<Found>>> {
        let mut ranked = Vec::with_capacity(found.len());
        let widest = found.iter().map(Vec::len).max().unwrap_or_default().max(1);
        let queries = (ROWS_AT_ONCE / widest).max(1);
        for (keys, found) in keys.chunks(queries).zip(found.chunks(queries)) {
            let rows: Vec<_> = found.iter().flatten().map(|found| found.row).collect();
            let batch = self.vectors.take(&rows).await?;
            let mut first = 0;
            for (key, found) in keys.iter().zip(found) {
                let vectors = batch.column(0).slice(first, found.len());
                let ids = &rows[first..first + found.len()];
                first += found.len();
                let compare = self.metric.arrow_batch_func();
                let distances = compare(key.as_ref(), vectors.as_fixed_size_list())?;
                let mut nearest = Nearest::new(self.query.k, self.range);
                nearest.show(ids, &distances);
                ranked.push(nearest.into_found());
            }
        }
        Ok(ranked)
    }
}

/// Nothing but a search, and a filter before it.
fn is_plain(settings: &ScanSettings) -> bool {
    !scan_is_cut(settings)
        && settings.expressions.is_empty()
        && settings.aggregates.is_empty()
        && settings.order_by.is_empty()
        && !settings.include_deleted_rows
        && settings.blob_handling == BlobHandling::Descriptions
        && settings.full_text.is_none()
        && settings.similar_text.is_none()
        && settings.search_filter == SearchFilter::None
        && settings.index_segments.is_empty()
        && (settings.prefilter || !filters(settings))
}

fn scan_is_cut(settings: &ScanSettings) -> bool {
    settings.limit.is_some()
        || settings.offset > 0
        || settings.fragments.is_some()
        || !settings.slices.is_empty()
        || settings.row_ids.is_some()
        || !settings.excluded_row_ids.is_empty()
}

/// What is stored is what is read, and no stored column has the name of one that a search adds.
fn is_searchable(dataset: &Dataset) -> bool {
    let mut fields = dataset.schema().fields.iter();
    is_plainly_stored(dataset)
        && fields.all(|field| field.name != DIST_COL && field.name != QUERY_INDEX_COL)
}

/// A scan for the vectors of these fragments.
fn vectors_of(settings: &ScanSettings, column: &str, fragments: Vec<u64>) -> ScanSettings {
    ScanSettings {
        columns: Some(vec![column.to_string()]),
        fragments: Some(fragments),
        ..rows_of(settings)
    }
}

/// A scan for the ids of the rows that are searched.
fn rows_of(settings: &ScanSettings) -> ScanSettings {
    ScanSettings {
        columns: Some(Vec::new()),
        filter: settings.filter.clone(),
        filter_substrait: settings.filter_substrait.clone(),
        use_scalar_index: settings.use_scalar_index,
        with_row_id: true,
        ordered: false,
        ..ScanSettings::default()
    }
}

async fn passing(opened: &Arc<Opened>, settings: &ScanSettings) -> Result<RowAddrMask> {
    let ids = numbers(opened.clone(), rows_of(settings)).await?;
    Ok(RowAddrMask::from_allowed(RowAddrTreeMap::from_iter(ids)))
}
