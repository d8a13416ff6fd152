//! Searches for the nearest vectors.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use lance::Dataset;
use lance::dataset::scanner::Scanner;
use lance::index::{DatasetIndexExt, DatasetIndexInternalExt};
use lance_index::metrics::NoOpMetricsCollector;
use lance_index::vector::{ApproxMode as EngineMode, Query};
use lance_linalg::distance::DistanceType;

use super::vector_column::VectorColumn;
use super::vectors::Vectors;
use crate::error::{Error, Result, check_options, code};
use crate::settings::{ApproxMode, DistanceMetric, VectorQuerySettings};

/// Rows that the engine makes room for before it looks at one. A row takes less than 64 bytes.
const MOST_ROWS: u64 = 1 << 26;

/// Where the engine begins unless told.
const USUAL_EFFORT: f64 = 0.5;

/// A search for the nearest vectors.
#[derive(Clone, Debug)]
pub struct VectorQuery {
    column: String,
    vectors: Vectors,
    settings: VectorQuerySettings,
}

impl VectorQuery {
    pub fn new(column: String, vectors: &ArrayRef, settings: VectorQuerySettings) -> Result<Self> {
        check_rules(&settings)?;
        Ok(Self {
            column,
            vectors: Vectors::of(vectors)?,
            settings,
        })
    }

    /// As the caller named it.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The same search, for other vectors.
    pub fn with_vectors(&self, vectors: &ArrayRef) -> Result<Self> {
        Ok(Self {
            vectors: Vectors::of(vectors)?,
            ..self.clone()
        })
    }

    /// How many numbers each vector has.
    pub fn length(&self) -> usize {
        self.vectors.length()
    }

    pub fn uses_index(&self) -> bool {
        self.settings.use_index
    }

    /// Whether it is several queries, so that what is found says which it is near to; `path` is that of the column in
    /// the dataset.
    pub fn is_batch(&self, dataset: &Dataset, path: &str) -> Result<bool> {
        Ok(self.vectors.are_listed && !self.column_type(dataset, path)?.is_multi)
    }

    /// Have the scanner look for it.
    pub async fn apply(&self, scanner: &mut Scanner, dataset: &Dataset, path: &str) -> Result<()> {
        let query = self.engines(dataset, path).await?;
        let vectors = match self.vectors.are_listed {
            true => self.vectors.listed(query.key)?,
            false => query.key,
        };
        scanner.nearest(&query.column, vectors.as_ref(), query.k)?;
        if let Some(metric) = query.metric_type {
            scanner.distance_metric(metric);
        }
        scanner.minimum_nprobes(query.minimum_nprobes);
        if let Some(partitions) = query.maximum_nprobes {
            scanner.maximum_nprobes(partitions);
        }
        scanner.search_effort(query.search_effort)?;
        if let Some(candidates) = query.ef {
            scanner.ef(candidates);
        }
        if let Some(factor) = query.refine_factor {
            scanner.refine(factor);
        }
        scanner
            .distance_range(query.lower_bound, query.upper_bound)
            .use_index(query.use_index)
            .query_parallelism(query.query_parallelism)
            .approx_mode(query.approx_mode);
        Ok(())
    }

    /// As the engine has it.
    pub async fn engines(&self, dataset: &Dataset, path: &str) -> Result<Query> {
        let settings = &self.settings;
        let kind = self.column_type(dataset, path)?;
        if kind.is_multi && kind.element == DataType::Int8 {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                format!(
                    "column {:?} has lists of vectors of int8, which are not searched",
                    self.column
                ),
            ));
        }
        let key = self.vectors_for(&kind)?;
        if self.vectors.has_only_zeros_in_one()? && self.compares_angles(dataset, path).await? {
            return Err(Error::invalid_argument(format!(
                "a vector of the query for column {:?} has zeros alone: it has no angle, which the metric COSINE compares",
                self.column
            )));
        }
        // The engine makes room for as many rows as it is told, however few there are.
        let rows = stored_rows(dataset).max(1);
        let k = u64::from(settings.k).min(rows);
        let factor = settings.refine_factor;
        let factor = factor.map(|factor| u64::from(factor).min(rows.div_ceil(k)));
        let found = k * factor.unwrap_or(1);
        let room = found.saturating_mul(self.vectors.count() as u64);
        if self.vectors.count() > 1 && room > MOST_ROWS {
            return Err(Error::new(
                code::RESOURCE_EXHAUSTED,
                format!("the vectors of the query may find {room} rows, the most is {MOST_ROWS}"),
            ));
        }
        let ef = settings.ef;
        let compares_all = self.needs_all(&kind);
        let metric_type = match self.metric() {
            None if compares_all && self.compares_angles(dataset, path).await? => {
                Some(DistanceType::Cosine)
            }
            metric => metric,
        };
        Ok(Query {
            column: path.to_string(),
            key,
            k: k as usize,
            lower_bound: settings.lower_bound.map(|bound| bound as f32),
            upper_bound: settings.upper_bound.map(|bound| bound as f32),
            minimum_nprobes: settings.minimum_nprobes.map_or(1, |least| least as usize),
            maximum_nprobes: settings.maximum_nprobes.map(|most| most as usize),
            search_effort: settings.search_effort.unwrap_or(USUAL_EFFORT),
            ef: ef.map(|ef| u64::from(ef).min(rows).max(found) as usize),
            refine_factor: factor.map(|factor| factor as u32),
            metric_type,
            use_index: settings.use_index && !compares_all,
            query_parallelism: settings.query_parallelism,
            dist_q_c: 0.0,
            approx_mode: match settings.approx_mode {
                ApproxMode::Normal => EngineMode::Normal,
                ApproxMode::Fast => EngineMode::Fast,
                ApproxMode::Accurate => EngineMode::Accurate,
            },
        })
    }

    /// Whether rows are found rightly without an index alone; the metric is that of the index all the same.
    pub fn compares_all(&self, dataset: &Dataset, path: &str) -> Result<bool> {
        Ok(self.needs_all(&self.column_type(dataset, path)?))
    }

    /// An index holds bounds against each of several vectors of a row, and not against the row.
    fn needs_all(&self, kind: &VectorColumn) -> bool {
        let settings = &self.settings;
        kind.is_multi && (settings.lower_bound.is_some() || settings.upper_bound.is_some())
    }

    fn column_type(&self, dataset: &Dataset, path: &str) -> Result<VectorColumn> {
        let field = dataset.schema().field(path);
        let data_type = field.map(|field| field.data_type());
        data_type.as_ref().and_then(VectorColumn::of).ok_or_else(|| {
            let is = data_type.map_or("not stored".to_string(), |it| format!("of type {it}"));
            Error::invalid_argument(format!(
                "column {:?} is {is}: a column of vectors is a fixed-size list of float16, float32, float64, int8 or uint8, or a list of these",
                self.column
            ))
        })
    }

    /// The numbers of all vectors, in the type of the column.
    fn vectors_for(&self, kind: &VectorColumn) -> Result<ArrayRef> {
        let column = &self.column;
        let (given, length) = (self.vectors.length(), kind.dimension);
        let element = &kind.element;
        if given != length {
            return Err(Error::invalid_argument(format!(
                "a vector of the query has {given} numbers, and those of column {column:?} have {length}"
            )));
        }
        let is_hamming = self.metric() == Some(DistanceType::Hamming);
        if self.metric().is_some() && is_hamming != (*element == DataType::UInt8) {
            return Err(Error::invalid_argument(format!(
                "the metric of the query does not compare {element}, of which column {column:?} is: HAMMING is for uint8 alone, and the others are for all types but that"
            )));
        }
        self.vectors.cast_to(element)?.ok_or_else(|| {
            Error::invalid_argument(format!(
                "a number of the query cannot be one of column {column:?}, which are {element}"
            ))
        })
    }

    fn metric(&self) -> Option<DistanceType> {
        match self.settings.metric {
            DistanceMetric::Default => None,
            DistanceMetric::L2 => Some(DistanceType::L2),
            DistanceMetric::Cosine => Some(DistanceType::Cosine),
            DistanceMetric::Dot => Some(DistanceType::Dot),
            DistanceMetric::Hamming => Some(DistanceType::Hamming),
        }
    }

    /// Unless told, the engine takes the metric of the first index of the column.
    async fn compares_angles(&self, dataset: &Dataset, path: &str) -> Result<bool> {
        if let Some(metric) = self.metric() {
            return Ok(metric == DistanceType::Cosine);
        }
        if !self.settings.use_index {
            return Ok(false);
        }
        let field = dataset.schema().field_id(path)?;
        for index in dataset.load_indices().await?.iter() {
            if index.fields.first() != Some(&field) {
                continue;
            }
            let opened = dataset.open_vector_index(path, &index.uuid, &NoOpMetricsCollector);
            // One of another kind is none for vectors.
            if let Ok(opened) = opened.await {
                return Ok(opened.metric_type() == DistanceType::Cosine);
            }
        }
        Ok(false)
    }
}

/// Options that do not go together.
fn check_rules(settings: &VectorQuerySettings) -> Result<()> {
    let probes = settings.minimum_nprobes.zip(settings.maximum_nprobes);
    let bounds = settings.lower_bound.zip(settings.upper_bound);
    let found = u64::from(settings.k) * u64::from(settings.refine_factor.unwrap_or(1));
    check_options([
        (
            probes.is_some_and(|(least, most)| least > most),
            "minimum_nprobes is more than maximum_nprobes",
        ),
        (
            bounds.is_some_and(|(lower, upper)| lower >= upper),
            "lower_bound is not less than upper_bound: no row could be found",
        ),
        (
            settings.ef.is_some_and(|ef| u64::from(ef) < found),
            "ef is less than the rows to find, which are k, or so many times it as refine_factor says",
        ),
    ])
}

/// Rows of all fragments, deleted ones among them.
fn stored_rows(dataset: &Dataset) -> u64 {
    let rows = dataset.fragments().iter().map(|fragment| {
        // Files of an old engine do not say.
        let rows = fragment.physical_rows.map(|rows| rows as u64);
        rows.unwrap_or(u64::from(u32::MAX))
    });
    rows.fold(0, u64::saturating_add)
}
