//! A vector index that stays open, and what is searched in it.
//!
//! The engine opens the index twice for each query, and plans, sorts and takes in steps of a plan made for that one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, RecordBatch, UInt32Array};
use arrow::compute::concat;
use arrow::datatypes::{Float32Type, UInt64Type};
use futures::TryStreamExt;
use futures::future::OptionFuture;
use lance::Dataset;
use lance::dataset::scanner::RowAddrMask;
use lance::index::prefilter::DatasetPreFilter;
use lance::index::{DatasetIndexExt, DatasetIndexInternalExt};
use lance_core::ROW_ID;
use lance_core::utils::tokio::spawn_cpu;
use lance_index::metrics::NoOpMetricsCollector;
use lance_index::prefilter::PreFilter;
use lance_index::vector::quantizer::QuantizationType;
use lance_index::vector::{DIST_COL, PreparedPartitionSearchHandle, Query, VectorIndex};
use lance_linalg::distance::DistanceType;
use lance_linalg::kernels::normalize_arrow;
use lance_table::format::{Fragment, IndexMetadata};

use super::admitted::admitted;
use super::found::{Found, nearest};
use super::probes;
use crate::error::{Error, Result, code};
use crate::parallel::{cores, run_all};
use crate::read::live_ids::live_ids;

/// Partitions that are held at once for one query.
const PARTITIONS_AT_ONCE: usize = 128;

/// What is open of an index.
pub struct OpenIndex {
    segments: Vec<Segment>,
    pub metric: DistanceType,
    /// Fragments that it does not know.
    pub unindexed: Vec<Fragment>,
}

struct Segment {
    index: Arc<dyn VectorIndex>,
    admitted: Arc<dyn PreFilter>,
    /// Rows of fragments that are its own by now.
    owned: Option<Arc<RowAddrMask>>,
}

impl OpenIndex {
    /// The index that the engine searches; none where it has no row of the dataset, or compares in another way. Rows are
    /// found where `passing` has them.
    pub async fn of(
        dataset: &Arc<Dataset>,
        path: &str,
        metric: Option<DistanceType>,
        passing: Option<&RowAddrMask>,
    ) -> Result<Option<Self>> {
        let field = dataset.schema().field_id(path)?;
        let indices = dataset.load_indices().await?;
        let Some(first) = indices.iter().find(|it| it.fields.first() == Some(&field)) else {
            return Ok(None);
        };
        let opened = open(dataset, path, first).await?;
        let its_metric = opened.metric_type();
        if metric.is_some_and(|metric| metric != its_metric) {
            return Ok(None);
        }
        let parts = dataset.load_indices_by_name(&first.name).await?;
        // One that does not say which fragments it knows is left to the engine.
        let known = parts.iter().map(|part| part.fragment_bitmap.clone());
        let known = known
            .collect::<Option<Vec<_>>>()
            .and_then(|known| known.into_iter().reduce(|all, some| all | some))
            .ok_or_else(|| {
                Error::new(
                    code::NOT_SUPPORTED,
                    "an index does not say which fragments it knows",
                )
            })?;
        let fragments = dataset.fragments().iter();
        let (indexed, unindexed): (Vec<_>, Vec<_>) = fragments
            .cloned()
            .partition(|fragment| known.contains(fragment.id as u32));
        if indexed.is_empty() {
            return Ok(None);
        }
        let deleted = DatasetPreFilter::create_restricted_deletion_mask(dataset.clone(), known);
        let deleted = OptionFuture::from(deleted).await.transpose()?;
        let live = live_ids(dataset).await?;
        let masks = [passing, deleted.as_deref(), live.as_deref()];
        let common = masks
            .into_iter()
            .flatten()
            .cloned()
            .reduce(|all, some| all & some);
        let mut segments = Vec::with_capacity(parts.len());
        for part in &parts {
            let owned = part.fragment_bitmap.clone().and_then(|owned| {
                DatasetPreFilter::create_restricted_deletion_mask(dataset.clone(), owned)
            });
            let owned = OptionFuture::from(owned).await.transpose()?;
            segments.push(Segment {
                index: open(dataset, path, part).await?,
                admitted: admitted(common.as_ref(), owned.as_ref()),
                owned,
            });
        }
        Ok(Some(Self {
            segments,
            metric: its_metric,
            unindexed,
        }))
    }

    /// Queries are searched together where that spares work: then a partition is read once for all of them.
    pub fn is_searched_together(&self) -> bool {
        let mut segments = self.segments.iter();
        segments.all(|segment| segment.index.supports_batch_partition_search())
    }

    /// Whether the engine finds the same together. What IVF_RQ leaves out depends on the order of partitions, which is
    /// another then; so these are only searched together where the engine does it, too.
    fn is_as_good_together(&self, query: &Query) -> bool {
        let mut segments = self.segments.iter();
        let is_estimated = segments.any(|segment| {
            let (_, quantization) = segment.index.sub_index_type();
            quantization == QuantizationType::Rabit
        });
        let is_fixed = query.maximum_nprobes == Some(query.minimum_nprobes);
        self.is_searched_together() && (!is_estimated || is_fixed && query.refine_factor.is_none())
    }

    /// What is found near each key, by the distances that the index knows, as many as the query refines. None where the
    /// engine would search on: it knows how.
    pub async fn search(
        self: &Arc<Self>,
        query: &Arc<Query>,
        keys: &[ArrayRef],
    ) -> Result<Option<Vec<Vec<Found>>>> {
        if let [key] = keys {
            let found = self.search_one(query, key, cores()).await?;
            return Ok(found.map(|found| vec![found]));
        }
        let is_together = self.is_as_good_together(query);
        let parts = keys.chunks(keys.len().div_ceil(cores()).max(1));
        let parts = parts.map(|keys| {
            let (index, query, keys) = (self.clone(), query.clone(), keys.to_vec());
            async move {
                if is_together {
                    return index.search_together(&query, &keys).await;
                }
                let mut found = Vec::with_capacity(keys.len());
                for key in &keys {
                    found.push(index.search_one(&query, key, 1).await?);
                }
                Ok(found.into_iter().collect())
            }
        });
        let found: Option<Vec<_>> = run_all(parts).await?.into_iter().collect();
        Ok(found.map(|found| found.into_iter().flatten().collect()))
    }

    async fn search_one(
        &self,
        query: &Query,
        key: &ArrayRef,
        tasks: usize,
    ) -> Result<Option<Vec<Found>>> {
        let mut found = Vec::new();
        let mut goes_on = false;
        for segment in &self.segments {
            let Some(ranked) = self.rank(segment, query, key)? else {
                return Ok(None);
            };
            goes_on |= ranked.goes_on;
            for batch in segment.search(ranked, tasks).await? {
                segment.gather(&batch, &mut found);
            }
        }
        Ok(finished(query, found, goes_on))
    }

    /// Queries of which each searches its own partitions, and each partition is held for all of them.
    async fn search_together(
        &self,
        query: &Query,
        keys: &[ArrayRef],
    ) -> Result<Option<Vec<Vec<Found>>>> {
        let mut found = vec![Vec::new(); keys.len()];
        let mut goes_on = vec![false; keys.len()];
        for segment in &self.segments {
            let mut vectors = Vec::with_capacity(keys.len());
            let mut partitions = Vec::with_capacity(keys.len());
            let mut distances = Vec::with_capacity(keys.len());
            for (key, goes_on) in keys.iter().zip(&mut goes_on) {
                let Some(ranked) = self.rank(segment, query, key)? else {
                    return Ok(None);
                };
                *goes_on |= ranked.goes_on;
                let first = ranked.first;
                partitions.push(Arc::new(ranked.partitions.slice(0, first)));
                distances.push(Arc::new(ranked.distances.slice(0, first)));
                vectors.push(ranked.query.key);
            }
            let vectors: Vec<&dyn Array> = vectors.iter().map(|vector| vector.as_ref()).collect();
            let together = Query {
                key: concat(&vectors)?,
                ..query.clone()
            };
            let index = segment.index.clone();
            let admitted = segment.admitted.clone();
            let metrics = Arc::new(NoOpMetricsCollector);
            let batches = index
                .search_partitions_batch(together, partitions, distances, admitted, metrics)
                .await?;
            for (batch, found) in batches.iter().zip(&mut found) {
                segment.gather(batch, found);
            }
        }
        let found = found.into_iter().zip(goes_on);
        Ok(found
            .map(|(found, goes_on)| finished(query, found, goes_on))
            .collect())
    }

    /// None where it is not known which partitions the engine searches.
    fn rank(&self, segment: &Segment, query: &Query, key: &ArrayRef) -> Result<Option<Ranked>> {
        let key = match self.metric {
            DistanceType::Cosine => normalize_arrow(key.as_ref())?.0,
            _ => key.clone(),
        };
        let mut query = Query {
            key,
            ..query.clone()
        };
        let (partitions, distances) = segment.index.find_partitions(&query)?;
        let Some(first) = probes::initial(&query, distances.values(), self.metric) else {
            return Ok(None);
        };
        query.minimum_nprobes = first;
        let most = query.maximum_nprobes.unwrap_or(partitions.len());
        Ok(Some(Ranked {
            goes_on: most.min(partitions.len()) > first,
            first: first.min(partitions.len()),
            query,
            partitions,
            distances,
        }))
    }
}

/// Partitions, the nearest first.
struct Ranked {
    query: Query,
    partitions: UInt32Array,
    distances: Float32Array,
    /// How many of them are searched at first.
    first: usize,
    /// Whether others are searched afterwards, when too few rows are found.
    goes_on: bool,
}

impl Segment {
    async fn search(&self, ranked: Ranked, tasks: usize) -> Result<Vec<RecordBatch>> {
        let Ranked {
            query,
            partitions,
            distances,
            first,
            ..
        } = ranked;
        let asked = match query.query_parallelism {
            0 => self.index.auto_query_parallelism(tasks),
            -1 => tasks,
            asked => asked.unsigned_abs() as usize,
        };
        let tasks = asked.min(tasks);
        if tasks < 2 || !self.index.supports_prepared_partition_search() {
            let index = self.index.clone();
            let (partitions, distances) = (Arc::new(partitions), Arc::new(distances));
            let (admitted, metrics) = (self.admitted.clone(), Arc::new(NoOpMetricsCollector));
            let batches = index
                .search_partitions(
                    query, partitions, distances, 0, first, admitted, None, metrics,
                )
                .await?;
            return Ok(batches.try_collect().await?);
        }
        let mut batches = Vec::with_capacity(first);
        for start in (0..first).step_by(PARTITIONS_AT_ONCE) {
            let end = first.min(start + PARTITIONS_AT_ONCE);
            let mut parts: Vec<Vec<PreparedPartitionSearchHandle>> = Vec::new();
            parts.resize_with(tasks.min(end - start), Vec::new);
            let count = parts.len();
            for i in start..end {
                let mut query = query.clone();
                query.dist_q_c = distances.value(i);
                let partition = partitions.value(i) as usize;
                let admitted = self.admitted.clone();
                let prepared = self
                    .index
                    .prepare_partition_search(partition, &query, admitted, &NoOpMetricsCollector)
                    .await?;
                parts[i % count].push(prepared);
            }
            let parts = parts.into_iter().map(|part| {
                let index = self.index.clone();
                spawn_cpu(move || {
                    let found = part.into_iter();
                    found
                        .map(|it| index.search_prepared_partition(it, &NoOpMetricsCollector))
                        .collect::<lance_core::Result<Vec<_>>>()
                })
            });
            let found = futures::future::try_join_all(parts).await?;
            batches.extend(found.into_iter().flatten());
        }
        Ok(batches)
    }

    fn gather(&self, batch: &RecordBatch, found: &mut Vec<Found>) {
        let rows = batch[ROW_ID].as_primitive::<UInt64Type>().values();
        let distances = batch[DIST_COL].as_primitive::<Float32Type>().values();
        let rows = rows.iter().zip(distances);
        let rows = rows.filter(|(row, _)| self.owned.as_ref().is_none_or(|it| it.selected(**row)));
        found.extend(rows.map(|(row, distance)| Found {
            row: *row,
            distance: *distance,
        }));
    }
}

fn finished(query: &Query, found: Vec<Found>, goes_on: bool) -> Option<Vec<Found>> {
    if goes_on && found.len() < query.k {
        return None;
    }
    let factor = query.refine_factor.unwrap_or(1) as usize;
    Some(nearest(found, query.k.saturating_mul(factor)))
}

async fn open(dataset: &Dataset, path: &str, part: &IndexMetadata) -> Result<Arc<dyn VectorIndex>> {
    let opened = dataset.open_vector_index(path, &part.uuid, &NoOpMetricsCollector);
    Ok(opened.await?)
}
