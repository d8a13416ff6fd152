//! Maintenance: checks for damage, what a dataset takes, cleanups.

use lance_engine::Result;
use lance_engine::place::Place;
use lance_engine::settings::{
    CheckSettings, CheckSummary, DiskUsage, DiskUsageSettings, OrphanFile, Problem, VersionUsage,
};

pub use lance_engine::maintain::{clean_up as cleanup, explain_cleanup};
pub use lance_engine::read::{column_range, column_sizes};

pub async fn check(place: Place, settings: CheckSettings) -> Result<(CheckSummary, Vec<Problem>)> {
    let findings = lance_engine::maintain::check(place, settings).await?;
    Ok((findings.summary, findings.problems))
}

pub async fn disk_usage(
    place: Place,
    settings: DiskUsageSettings,
) -> Result<(DiskUsage, Vec<VersionUsage>, Vec<OrphanFile>)> {
    let usage = lance_engine::maintain::disk_usage(place, settings).await?;
    Ok((usage.summary, usage.versions, usage.orphans))
}
