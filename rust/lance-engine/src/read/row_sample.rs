//! Some rows of a dataset, spread evenly, and how many of them a filter lets pass.

use arrow::array::{AsArray, RecordBatch};
use datafusion::logical_expr::Expr;
use lance_datafusion::planner::Planner;

/// Where rows are looked at: in runs, the first and the last at the ends.
const RUNS: u64 = 32;

/// Positions of rows, so many in a run: all when they are few.
pub fn spread(total: u64, run_rows: u64) -> Vec<u64> {
    if total <= RUNS * run_rows {
        return (0..total).collect();
    }
    let starts = (0..RUNS).map(|run| run * (total - run_rows) / (RUNS - 1));
    starts.flat_map(|start| start..start + run_rows).collect()
}

/// How many of these rows pass.
pub fn passing(filter: &Expr, rows: &RecordBatch) -> lance_core::Result<usize> {
    let passes = Planner::new(rows.schema())
        .create_physical_expr(filter)?
        .evaluate(rows)?
        .into_array(rows.num_rows())?;
    Ok(passes.as_boolean().true_count())
}
