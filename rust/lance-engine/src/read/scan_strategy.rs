//! When a filtered scan of local files reads the columns that the filter does not need: with those it needs, or only
//! for the rows that pass.
//!
//! The engine decides by the width of a column and does not know how many rows pass. To look at a sample takes a
//! millisecond or two where the filter reads only narrow numbers, and the wrong choice twice the time or more.

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::ProjectionRequest;
use lance::dataset::scanner::{MaterializationStyle, Scanner};
use lance::dataset::statistics::DatasetStatisticsExt;
use lance::deps::datafusion::common::tree_node::TreeNode;
use lance::deps::datafusion::logical_expr::{BinaryExpr, Expr};
use lance_arrow::DataTypeExt;
use lance_datafusion::planner::Planner;

use super::data_bytes::data_bytes;
use super::row_sample::{passing, spread};
use crate::error::Result;
use crate::fault;
use crate::local::store::is_local;

/// Of so few rows, all columns are cheaper to read afterwards.
const FEW: f64 = 0.005;
/// Of so many, nearly every block of every column is read anyway.
const MANY: f64 = 0.08;
/// Of so many, even text with a dictionary. Each of its values is copied on its own when it is decoded; of fewer, to
/// decode all of them costs more than to find the rows again.
const MOST: f64 = 0.15;
/// Text that takes no more for a value has a dictionary.
const DICTIONARY_BYTES: u64 = 2;
/// Rows of a fragment that take much longer to read than how many bytes each of its columns has. Of shorter ones, all
/// text is taken to have dictionaries.
const LONG_FRAGMENT: u64 = 100_000;
/// Of longer rows on disk, what is read in vain would be much.
const SHORT_ROW_BYTES: f64 = 512.0;
/// Wider columns are read early too rarely for a sample to pay.
const NARROW_BYTES: usize = 8;

/// Rows that are read for a batch, twice the default: what passes the filter is less, and a batch costs the same
/// to put together.
const EARLY_BATCH_ROWS: usize = 16_384;

/// Where the share is looked for: so many rows in a run.
const RUN_ROWS: u64 = 1024;

/// The scanner as a sample has it, where that is cheap. `batch_rows` is what it is bound to.
pub async fn choose(
    scanner: &Scanner,
    dataset: &Arc<Dataset>,
    batch_rows: Option<usize>,
) -> Result<Scanner> {
    let mut scanner = scanner.clone();
    fault::point()?;
    let store = dataset.object_store(None).await?;
    let Some(filter) = scanner.get_expr_filter()? else {
        return Ok(scanner);
    };
    let columns = Planner::column_names_in_expr(&filter);
    if columns.is_empty()
        || !is_local(&store)
        || !are_narrow(&columns, dataset)
        || !never_fails(&filter)
    {
        return Ok(scanner);
    }
    let total = dataset.count_rows(None).await? as u64;
    if total == 0 {
        return Ok(scanner);
    }
    fault::point()?;
    let sample = dataset
        .take(
            &spread(total, RUN_ROWS),
            ProjectionRequest::from_columns(columns, dataset.schema()),
        )
        .await?;
    fault::point()?;
    let share = passing(&filter, &sample)? as f64 / sample.num_rows() as f64;
    if let Some(style) = style(dataset, total, share).await? {
        if !matches!(style, MaterializationStyle::AllLate) {
            scanner.batch_size(batch_rows.unwrap_or(EARLY_BATCH_ROWS));
        }
        scanner.materialization_style(style);
    }
    Ok(scanner)
}

/// When to read the columns that a filter does not need, if it lets this share of all rows of local files pass. None
/// where the engine decides by their widths.
pub async fn style(
    dataset: &Arc<Dataset>,
    total: u64,
    share: f64,
) -> Result<Option<MaterializationStyle>> {
    if share < FEW {
        return Ok(Some(MaterializationStyle::AllLate));
    }
    let bytes: u64 = dataset.fragments().iter().map(data_bytes).sum();
    if share < MANY || bytes as f64 > total as f64 * SHORT_ROW_BYTES {
        return Ok(None);
    }
    if share >= MOST {
        return Ok(Some(MaterializationStyle::AllEarly));
    }
    fault::point()?;
    let dictionaries = dictionary_fields(dataset, total).await?;
    Ok(Some(MaterializationStyle::AllEarlyExcept(dictionaries)))
}

/// Whether a filter only compares. What guards a division from a zero, or a cast from what does not fit, depends on
/// which rows are in a batch with which, and that is changed here.
fn never_fails(filter: &Expr) -> bool {
    let fails = filter.exists(|part| {
        Ok(match part {
            Expr::BinaryExpr(BinaryExpr { op, .. }) => {
                !op.is_logic_operator() && !op.supports_propagation()
            }
            Expr::ScalarFunction(function) => function.name() != "get_field",
            Expr::Column(_) => false,
            other => !only_tests(other),
        })
    });
    !fails.unwrap_or(true)
}

/// Whether a part of a filter, but for columns and operators, does no more than test its operands.
pub fn only_tests(part: &Expr) -> bool {
    matches!(
        part,
        Expr::Literal(..)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Between(_)
            | Expr::InList(_)
    )
}

fn are_narrow(columns: &[String], dataset: &Dataset) -> bool {
    columns.iter().all(|name| {
        let width = dataset
            .schema()
            .field(name)
            .and_then(|field| field.data_type().primitive_width());
        width.is_some_and(|width| width <= NARROW_BYTES)
    })
}

/// Columns of text that have a dictionary.
async fn dictionary_fields(dataset: &Arc<Dataset>, rows: u64) -> Result<Vec<u32>> {
    let fields = dataset.schema().fields.iter();
    let mut texts: Vec<_> = fields
        .filter(|field| field.data_type().is_binary_like())
        .map(|field| field.id as u32)
        .collect();
    if rows >= LONG_FRAGMENT * dataset.count_fragments() as u64 {
        let stored = dataset.calculate_data_stats().await?.fields.into_iter();
        let large = stored.filter(|field| field.bytes_on_disk > rows * DICTIONARY_BYTES);
        let large: Vec<_> = large.map(|field| field.id).collect();
        texts.retain(|id| !large.contains(id));
    }
    Ok(texts)
}
