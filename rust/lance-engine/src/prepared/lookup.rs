//! Rows by the values of a column, through its index.
//!
//! The engine reads the filter, learns what indices there are, and optimises a plan for each look-up.

use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::Expr;
use futures::TryStreamExt;
use futures::future::OptionFuture;
use lance::Dataset;
use lance::dataset::scanner::{RowAddrMask, RowAddrTreeMap, Scanner};
use lance::index::prefilter::DatasetPreFilter;
use lance::index::{DatasetIndexExt, DatasetIndexInternalExt};
use lance_index::IndexType;
use lance_index::metrics::NoOpMetricsCollector;
use lance_index::scalar::{SargableQuery, ScalarIndex, SearchResult};
use lance_io::stream::RecordBatchStream;

use super::rows::{Rows, is_plainly_stored, stored, whole_column};
use crate::error::{Error, Result, code};
use crate::panics::contained;
use crate::read::attempt::attempt;
use crate::read::columns::column as named;
use crate::read::scan;
use crate::read::{Opened, outputs};
use crate::settings::{LookupSettings, ScanSettings, TakeSettings};
use crate::task::Task;

/// A column in which values are looked up. What is found is what a scan with a filter finds: where this does not know
/// how, that scan is run.
pub struct Lookup {
    opened: Arc<Opened>,
    column: String,
    data_type: DataType,
    columns: Option<Vec<String>>,
    schema: SchemaRef,
    index: Option<OpenIndex>,
    /// Of what is returned; none where it is not stored as it is returned.
    rows: Option<Rows>,
}

/// Which values are looked up.
pub enum Values {
    /// Any of these.
    Among(ArrayRef),
    /// From the first of two to the second, both included.
    Between(ArrayRef),
}

impl Values {
    fn are_none(&self) -> bool {
        matches!(self, Self::Among(values) if values.is_empty())
    }
}

/// An index that tells exactly which rows have a value.
struct OpenIndex {
    segments: Vec<Segment>,
}

struct Segment {
    index: Arc<dyn ScalarIndex>,
    /// Rows of its fragments that are not deleted; none where these are all it knows.
    live: Option<Arc<RowAddrMask>>,
}

/// Open the index of a column, and do all that does not depend on the values.
pub fn open(opened: Arc<Opened>, column: String, settings: LookupSettings) -> Task<Lookup> {
    Box::pin(async move {
        let dataset = &opened.dataset;
        let found = named(dataset.schema(), &column)?;
        let Some(field) = whole_column(dataset, found.path()) else {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                format!(
                    "column {column:?} is not a whole stored column: look up values in one of those"
                ),
            ));
        };
        let data_type = field.data_type();
        let mut lookup = Lookup {
            column: field.name.clone(),
            columns: settings.columns,
            schema: Arc::new(Schema::empty()),
            index: None,
            rows: None,
            data_type,
            opened: opened.clone(),
        };
        let scanned = ScanSettings {
            columns: lookup.columns.clone(),
            ..ScanSettings::default()
        };
        let scanned = scan::prepare(opened.clone(), scanned).await?;
        lookup.schema = scanned.schema().clone();
        lookup.index = attempt(OpenIndex::of(dataset, &lookup.column, &lookup.data_type))
            .await
            .flatten();
        lookup.rows = stored(dataset, lookup.schema.fields().iter())
            .filter(|ids| !ids.is_empty())
            .map(|ids| Rows::new(opened.clone(), &ids));
        Ok(lookup)
    })
}

impl Lookup {
    /// Whether the index answers; otherwise each look-up is a scan.
    pub fn is_prepared(&self) -> bool {
        self.index.is_some()
    }

    /// The rows with these values, in the order of the dataset.
    pub fn take(self: Arc<Self>, values: Values) -> Task<RecordBatch> {
        Box::pin(async move {
            let values = self.cast(values)?;
            if values.are_none() {
                return Ok(RecordBatch::new_empty(self.schema.clone()));
            }
            if let Some(batch) = attempt(self.through_index(&values)).await.flatten() {
                return Ok(batch);
            }
            let scanner = self.scanner(&values)?;
            let read = async {
                let batches = scanner.try_into_stream().await?;
                let schema = batches.schema();
                let batches: Vec<_> = batches.try_collect().await?;
                Ok(concat_batches(&schema, &batches)?)
            };
            contained(read).await
        })
    }

    /// How many rows have these values.
    pub fn count(self: Arc<Self>, values: Values) -> Task<u64> {
        Box::pin(async move {
            let values = self.cast(values)?;
            if values.are_none() {
                return Ok(0);
            }
            if let Some(found) = attempt(self.found(&values)).await.flatten()
                && let Some(count) = RowAddrMask::from_allowed(found).max_len()
            {
                return Ok(count);
            }
            let mut scanner = self.scanner(&values)?;
            scanner.project::<String>(&[])?.with_row_id();
            contained(async { Ok(scanner.count_rows().await?) }).await
        })
    }

    async fn through_index(&self, values: &Values) -> Result<Option<RecordBatch>> {
        let (Some(rows), Some(found)) = (&self.rows, self.found(values).await?) else {
            return Ok(None);
        };
        let ids: Vec<_> = found.into_addr_iter().collect();
        let batch = rows.take(&ids).await?;
        let names = self.schema.fields().iter().map(|field| field.name());
        let columns = names.map(|name| batch.column_by_name(name).cloned());
        let columns: Option<Vec<_>> = columns.collect();
        let Some(columns) = columns else {
            return Ok(None);
        };
        Ok(Some(RecordBatch::try_new(self.schema.clone(), columns)?))
    }

    async fn found(&self, values: &Values) -> Result<Option<RowAddrTreeMap>> {
        let Some(index) = &self.index else {
            return Ok(None);
        };
        let query = match values {
            Values::Among(values) if values.len() == 1 => {
                SargableQuery::Equals(ScalarValue::try_from_array(values, 0)?)
            }
            Values::Among(values) => SargableQuery::IsIn(scalars(values)?),
            Values::Between(bounds) => SargableQuery::Range(
                Bound::Included(ScalarValue::try_from_array(bounds, 0)?),
                Bound::Included(ScalarValue::try_from_array(bounds, 1)?),
            ),
        };
        let mut found = RowAddrTreeMap::new();
        for segment in &index.segments {
            let SearchResult::Exact(rows) =
                segment.index.search(&query, &NoOpMetricsCollector).await?
            else {
                return Ok(None);
            };
            let mut rows = rows.true_rows();
            if let Some(live) = &segment.live {
                rows.mask(live);
            }
            found |= rows;
        }
        Ok(Some(found))
    }

    /// In the type of the column.
    fn cast(&self, values: Values) -> Result<Values> {
        let (given, is_between) = match &values {
            Values::Among(given) => (given, false),
            Values::Between(given) => (given, true),
        };
        if given.logical_null_count() > 0 {
            return Err(Error::invalid_argument(
                "a value to look up is NULL, which equals nothing",
            ));
        }
        if is_between && given.len() != 2 {
            return Err(Error::invalid_argument(format!(
                "bounds are two values, the least and the greatest, and not {}",
                given.len()
            )));
        }
        let strict = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let cast = cast_with_options(given, &self.data_type, &strict).map_err(|error| {
            Error::invalid_argument(format!(
                "a value of type {} cannot be one of column {:?}, which are {}: {error}",
                given.data_type(),
                self.column,
                self.data_type
            ))
        })?;
        Ok(match is_between {
            true => Values::Between(cast),
            false => Values::Among(cast),
        })
    }

    /// A scan of the rows with these values.
    fn scanner(&self, values: &Values) -> Result<Scanner> {
        let dataset = &self.opened.dataset;
        let mut scanner = dataset.scan();
        if self.columns.is_some() {
            let settings = TakeSettings {
                columns: self.columns.clone(),
                ..TakeSettings::default()
            };
            let outputs = outputs(dataset, &settings)?;
            let pairs = outputs.iter().map(|output| (&output.name, &output.sql));
            scanner.project_with_transform(&pairs.collect::<Vec<_>>())?;
        }
        scanner.filter_expr(self.filter(values)?);
        Ok(scanner)
    }

    fn filter(&self, values: &Values) -> Result<Expr> {
        let column = || Expr::Column(Column::from_name(&self.column));
        let literal = |value| Expr::Literal(value, None);
        Ok(match values {
            Values::Among(values) => {
                let values = scalars(values)?.into_iter().map(literal);
                column().in_list(values.collect(), false)
            }
            Values::Between(bounds) => {
                let least = literal(ScalarValue::try_from_array(bounds, 0)?);
                let greatest = literal(ScalarValue::try_from_array(bounds, 1)?);
                column().gt_eq(least).and(column().lt_eq(greatest))
            }
        })
    }
}

fn scalars(values: &ArrayRef) -> Result<Vec<ScalarValue>> {
    let scalars = (0..values.len()).map(|i| ScalarValue::try_from_array(values, i));
    Ok(scalars.collect::<std::result::Result<_, _>>()?)
}

impl OpenIndex {
    /// None where the engine's own way is needed.
    async fn of(
        dataset: &Arc<Dataset>,
        column: &str,
        data_type: &DataType,
    ) -> Result<Option<Self>> {
        let fragments = dataset.fragments();
        let is_plain = is_plainly_stored(dataset)
            && !dataset.manifest().uses_stable_row_ids()
            && fragments.is_sorted_by_key(|fragment| fragment.id);
        // Of floating numbers, some are equal that an index tells apart.
        let is_simple = !data_type.is_floating() && !data_type.is_nested();
        if !is_plain || !is_simple || matches!(data_type, DataType::Dictionary(..)) {
            return Ok(None);
        }
        let field = dataset.schema().field_id(column)?;
        let indices = dataset.load_indices().await?;
        let mut names: Vec<_> = indices
            .iter()
            .filter(|index| index.fields.first() == Some(&field))
            .map(|index| index.name.as_str())
            .collect();
        names.dedup();
        for name in names {
            let parts = dataset.load_indices_by_name(name).await?;
            let mut known = parts.iter().map(|part| part.fragment_bitmap.as_ref());
            if !fragments.iter().all(|fragment| {
                let id = fragment.id as u32;
                known
                    .clone()
                    .any(|known| known.is_some_and(|known| known.contains(id)))
            }) || known.any(|known| known.is_none())
            {
                continue;
            }
            let mut segments = Vec::with_capacity(parts.len());
            for part in &parts {
                let opened = dataset.open_scalar_index(column, &part.uuid, &NoOpMetricsCollector);
                let Ok(index) = opened.await else { break };
                if !matches!(index.index_type(), IndexType::BTree | IndexType::Bitmap) {
                    break;
                }
                let live = part.fragment_bitmap.clone().and_then(|known| {
                    DatasetPreFilter::create_restricted_deletion_mask(dataset.clone(), known)
                });
                let live = OptionFuture::from(live).await.transpose()?;
                segments.push(Segment { index, live });
            }
            if segments.len() == parts.len() {
                return Ok(Some(Self { segments }));
            }
        }
        Ok(None)
    }
}
