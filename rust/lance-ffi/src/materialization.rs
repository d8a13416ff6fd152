//! When a filtered scan of local files reads the columns that the filter does not need: with those it needs, or only
//! for the rows that pass.
//!
//! The engine decides by the width of a column and does not know how many rows pass. Counting them first costs a few
//! nanoseconds a row where the filter reads only narrow numbers, and the wrong choice twice the time or more.

use lance::Dataset;
use lance::dataset::scanner::{MaterializationStyle, Scanner};
use lance_datafusion::planner::Planner;

use crate::count::count;
use crate::error::Result;
use crate::fragments::data_bytes;
use crate::local_store::is_local;

/// Of so few rows, all columns are cheaper to read afterwards.
const FEW: f64 = 0.005;
/// Of so many, nearly every block of every column is read anyway.
const MANY: f64 = 0.08;
/// Of longer rows on disk, what is read in vain would be much.
const SHORT_ROW_BYTES: f64 = 512.0;
/// A filter on wider columns costs too much to be evaluated twice.
const NARROW_BYTES: usize = 8;

/// Choose by counting, where that is cheap.
pub async fn choose(scanner: &mut Scanner, dataset: &Dataset) -> Result<()> {
    let store = dataset.object_store(None).await?;
    if !is_local(&store) || !has_narrow_filter(scanner, dataset)? {
        return Ok(());
    }
    let total = dataset.count_rows(None).await?.max(1) as f64;
    let bytes: u64 = dataset.fragments().iter().map(data_bytes).sum();
    let share = count(dataset, scanner).await? as f64 / total;
    if share < FEW {
        scanner.materialization_style(MaterializationStyle::AllLate);
    } else if share >= MANY && bytes as f64 <= total * SHORT_ROW_BYTES {
        scanner.materialization_style(MaterializationStyle::AllEarly);
    }
    Ok(())
}

fn has_narrow_filter(scanner: &Scanner, dataset: &Dataset) -> Result<bool> {
    let Some(filter) = scanner.get_expr_filter()? else {
        return Ok(false);
    };
    let names = Planner::column_names_in_expr(&filter);
    Ok(names.iter().all(|name| {
        let width = dataset
            .schema()
            .field(name)
            .and_then(|field| field.data_type().primitive_width());
        width.is_some_and(|width| width <= NARROW_BYTES)
    }))
}
