//! Indices that are brought up to date.

use std::sync::Arc;

use lance::Dataset;
use lance::index::DatasetIndexExt;
use lance_index::optimize::OptimizeOptions;

use super::change::run_to_version;
use super::list::{check_names, existing};
use super::progress::Telling;
use crate::error::{Error, Result};
use crate::read::Opened;
use crate::settings::OptimizeIndicesSettings;
use crate::task::Task;

/// Index what is not indexed yet, and merge: the version that has it, or the same one.
pub fn optimize(opened: Arc<Opened>, settings: OptimizeIndicesSettings) -> Task<Opened> {
    Box::pin(async move {
        check_named(&opened, &settings).await?;
        let telling = Telling::new(settings.progress.clone());
        let options = options(&settings)?.progress(telling.engine());
        let optimizing = |mut dataset: Dataset| async move {
            dataset.optimize_indices(&options).await?;
            Ok(dataset)
        };
        run_to_version(&opened, optimizing).await
    })
}

/// Refuse names that no index has.
pub async fn check_named(opened: &Opened, settings: &OptimizeIndicesSettings) -> Result<()> {
    let Some(names) = &settings.names else {
        return Ok(());
    };
    let existing = existing(&opened.dataset).await?;
    check_names(&existing, names.iter().map(String::as_str))
}

pub fn options(settings: &OptimizeIndicesSettings) -> Result<OptimizeOptions> {
    let merged = settings.merge_segments;
    if settings.rebalance
        && (merged.is_none_or(|count| count == 0)
            || settings.max_rows_per_segment.is_some()
            || settings.max_rows_per_task.is_some())
    {
        return Err(Error::invalid_argument(
            "rebalance needs merge_segments of at least 1, and neither max_rows_per_segment nor max_rows_per_task",
        ));
    }
    let mut options = match settings.retrain {
        true => OptimizeOptions::retrain(),
        false => OptimizeOptions::new().num_indices_to_merge(merged.map(|count| count as usize)),
    };
    if settings.rebalance {
        options = options.with_partition_rebalancing();
    }
    if let Some(names) = &settings.names {
        options = options.index_names(names.clone());
    }
    Ok(options
        .max_rows_per_task(settings.max_rows_per_task)
        .max_rows_per_segment(settings.max_rows_per_segment))
}
