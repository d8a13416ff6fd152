//! Searches for the nearest vectors.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use lance::Dataset;
use lance::dataset::scanner::Scanner;
use lance::index::{DatasetIndexExt, DatasetIndexInternalExt};
use lance_index::metrics::NoOpMetricsCollector;
use lance_index::vector::ApproxMode as EngineMode;
use lance_linalg::distance::DistanceType;

use super::vectors::Vectors;
use crate::error::{Error, Result};
use crate::settings::{ApproxMode, DistanceMetric, VectorQuerySettings};

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

    /// The most rows that are found, for each vector of a batch.
    pub fn k(&self) -> u32 {
        self.settings.k
    }

    /// Whether what is found says which vector it is near to.
    pub fn is_batch(&self, dataset: &Dataset, path: &str) -> Result<bool> {
        Ok(self.vectors.are_listed && !self.column_type(dataset, path)?.is_multiple)
    }

    /// Have the scanner look for it; `path` is that of the column in the dataset.
    pub async fn apply(&self, scanner: &mut Scanner, dataset: &Dataset, path: &str) -> Result<()> {
        let vectors = self.vectors_for(&self.column_type(dataset, path)?)?;
        let metric = self.metric();
        if self.vectors.has_only_zeros_in_one()? && self.compares_angles(dataset, path).await? {
            return Err(Error::invalid_argument(format!(
                "a vector of the query for column {:?} has zeros alone: it has no angle, which the metric COSINE compares",
                self.column
            )));
        }
        // The engine makes room for as many rows as it is told, however few there are.
        let rows = stored_rows(dataset).max(1);
        let k = u64::from(self.settings.k).min(rows);
        scanner.nearest(path, vectors.as_ref(), k as usize)?;
        if let Some(metric) = metric {
            scanner.distance_metric(metric);
        }
        self.tune(scanner, k, rows)
    }

    fn tune(&self, scanner: &mut Scanner, k: u64, rows: u64) -> Result<()> {
        let settings = &self.settings;
        if let Some(partitions) = settings.minimum_nprobes {
            scanner.minimum_nprobes(partitions as usize);
        }
        if let Some(partitions) = settings.maximum_nprobes {
            scanner.maximum_nprobes(partitions as usize);
        }
        if let Some(effort) = settings.search_effort {
            scanner.search_effort(effort)?;
        }
        if let Some(candidates) = settings.ef {
            scanner.ef(u64::from(candidates).min(rows).max(k) as usize);
        }
        if let Some(factor) = settings.refine_factor {
            scanner.refine(u64::from(factor).min(rows.div_ceil(k)) as u32);
        }
        let bound = |bound: Option<f64>| bound.map(|bound| bound as f32);
        scanner.distance_range(bound(settings.lower_bound), bound(settings.upper_bound));
        scanner.use_index(settings.use_index);
        scanner.query_parallelism(settings.query_parallelism);
        scanner.approx_mode(match settings.approx_mode {
            ApproxMode::Normal => EngineMode::Normal,
            ApproxMode::Fast => EngineMode::Fast,
            ApproxMode::Accurate => EngineMode::Accurate,
        });
        Ok(())
    }

    fn column_type(&self, dataset: &Dataset, path: &str) -> Result<ColumnType> {
        let field = dataset.schema().field(path);
        let data_type = field.map(|field| field.data_type());
        data_type.as_ref().and_then(ColumnType::of).ok_or_else(|| {
            let is = data_type.map_or("not stored".to_string(), |it| format!("of type {it}"));
            Error::invalid_argument(format!(
                "column {:?} is {is}: a column of vectors is a fixed-size list of float16, float32, float64, int8 or uint8, or a list of these",
                self.column
            ))
        })
    }

    /// What is looked for, in the type of the column.
    fn vectors_for(&self, kind: &ColumnType) -> Result<ArrayRef> {
        let column = &self.column;
        let (given, length) = (self.vectors.length, kind.length);
        let element = &kind.element;
        if given != length {
            return Err(Error::invalid_argument(format!(
                "a vector of the query has {given} numbers, and those of column {column:?} have {length}"
            )));
        }
        let fits = match (self.metric(), element) {
            (None, _) => true,
            (Some(DistanceType::Hamming), DataType::UInt8) => true,
            (Some(DistanceType::Hamming), _) | (_, DataType::UInt8) => false,
            (Some(_), _) => true,
        };
        if !fits {
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

/// The type of a column of vectors.
struct ColumnType {
    element: DataType,
    length: usize,
    /// A row has a list of vectors.
    is_multiple: bool,
}

impl ColumnType {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::FixedSizeList(item, length) => {
                let element = item.data_type().clone();
                let is_known = element.is_floating() || matches!(element, DataType::UInt8 | DataType::Int8);
                is_known.then_some(Self {
                    element,
                    length: *length as usize,
                    is_multiple: false,
                })
            }
            DataType::List(item) => {
                let one = Self::of(item.data_type()).filter(|one| !one.is_multiple)?;
                Some(Self {
                    is_multiple: true,
                    ..one
                })
            }
            _ => None,
        }
    }
}

/// Options that do not go together.
fn check_rules(settings: &VectorQuerySettings) -> Result<()> {
    let is_less = |a: Option<f64>, b: Option<f64>| a.zip(b).is_some_and(|(a, b)| a >= b);
    for (is_wrong, why) in [
        (
            settings.minimum_nprobes.zip(settings.maximum_nprobes).is_some_and(|(least, most)| least > most),
            "minimum_nprobes is more than maximum_nprobes",
        ),
        (
            is_less(settings.lower_bound, settings.upper_bound),
            "lower_bound is not less than upper_bound, so that no row could be found",
        ),
    ] {
        if is_wrong {
            return Err(Error::invalid_argument(format!("options: {why}")));
        }
    }
    Ok(())
}

/// Rows of all fragments, deleted ones among them.
fn stored_rows(dataset: &Dataset) -> u64 {
    let fragments = dataset.fragments().iter();
    // Files from before the engine counted rows say nothing.
    let rows = fragments.map(|fragment| fragment.physical_rows.map_or(u64::from(u32::MAX), |rows| rows as u64));
    rows.fold(0, u64::saturating_add)
}
