//! Removing old versions, and what crashed writers left behind.

mod explain;
mod managed;
mod plan;
mod removal;
mod remove;
mod retention;

pub use explain::explain;
use plan::Plan;
use remove::remove;

use crate::maintain::listing::Home;
use crate::maintain::orphans::Kind;
use crate::place::Place;
use crate::settings::{CleanupResult, CleanupSettings};
use crate::task::Task;

/// Remove what the settings say, of the dataset or of the branch at this place.
pub fn clean_up(place: Place, settings: CleanupSettings) -> Task<CleanupResult> {
    Box::pin(async move {
        let home = Home::open(place, settings.storage_options.clone()).await?;
        let (home, branch) = home.into_dataset().await?;
        loop {
            let mut plan = Plan::make(&home, &branch, &settings).await?;
            if !settings.dry_run {
                if !plan.is_current(&home).await? {
                    continue;
                }
                remove(&home, &mut plan).await?;
            }
            let result = result_of(&plan);
            tracing::info!(
                target: "lance_cpp::cleanup",
                uri = home.place.uri,
                dry_run = settings.dry_run,
                versions = result.versions,
                data_files = result.data_files,
                other_files = result.other_files,
                temporary_files = result.temporary_files,
                bytes = result.bytes,
                "cleaned up"
            );
            return Ok(result);
        }
    })
}

fn result_of(plan: &Plan) -> CleanupResult {
    let count = |kind| {
        plan.files
            .iter()
            .filter(|file| file.kind == Some(kind))
            .count() as u64
    };
    let [deletion_files, index_files, transaction_files] =
        [Kind::Deletion, Kind::Index, Kind::Transaction].map(count);
    let all = plan.manifests.iter().chain(&plan.files);
    CleanupResult {
        versions: plan.manifests.len() as u64,
        data_files: count(Kind::Data),
        other_files: deletion_files + index_files + transaction_files,
        temporary_files: count(Kind::Temporary),
        bytes: all.map(|file| file.size).sum(),
        deletion_files,
        index_files,
        transaction_files,
    }
}
