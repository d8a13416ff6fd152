//! Compactions in parts: planned by one, executed by any.

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::optimize::{CompactionTask, plan_compaction};

use super::checks;
use super::options::of_compaction;
use super::progress::{Telling, live_rows};
use super::remap::check_deferral;
use super::rewrite;
use crate::change::Change;
use crate::read::Opened;
use crate::read::data_bytes::data_bytes;
use crate::settings::{CompactSettings, CompactionTask as TaskInfo, ExecuteCompactionSettings};
use crate::task::Task;

/// The tasks of a compaction.
pub fn plan(opened: Arc<Opened>, settings: CompactSettings) -> Task<Vec<TaskInfo>> {
    Box::pin(async move {
        let options = of_compaction(&opened.dataset, &settings)?;
        check_deferral(&opened.dataset, &options).await?;
        let plan = plan_compaction(&opened.dataset, &options).await?;
        plan.compaction_tasks()
            .map(|task| {
                let fragments = &task.task.fragments;
                Ok(TaskInfo {
                    text: checks::write(&task)?,
                    fragments: fragments.len() as u64,
                    rows: live_rows(fragments),
                    bytes: fragments.iter().map(data_bytes).sum(),
                })
            })
            .collect()
    })
}

/// Execute one, and commit nothing.
pub fn execute(
    opened: Arc<Opened>,
    text: String,
    settings: ExecuteCompactionSettings,
) -> Task<String> {
    Box::pin(async move {
        let mut task: CompactionTask = checks::read(&text, "a task of a compaction")?;
        let planned = checks::planned(&opened.plain, task.read_version).await?;
        task.task.fragments = checks::fragments(&planned, &task.task.fragments)?;
        let telling = Telling::new(settings.progress, std::slice::from_ref(&task.task));
        let executing = |dataset: Dataset| {
            let progress = telling.progress();
            async move {
                let planned = checks::planned(&dataset, task.read_version).await?;
                let profile = settings.encoding_profile;
                let execution = rewrite::execute(planned, task, profile, progress.clone());
                let result = progress.during(execution).await?;
                checks::files(&dataset, std::slice::from_ref(&result)).await?;
                checks::write(&result)
            }
        };
        Change::new(&opened)?.run(executing).await
    })
}
