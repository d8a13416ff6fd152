//! What a cleanup would remove, and why.

use super::plan::Plan;
use super::removal::{Removal, Staying, Why};
use super::result_of;
use crate::maintain::listing::Home;
use crate::maintain::orphans::{Kind, Place};
use crate::place::Place as DatasetPlace;
use crate::settings::{CleanupItem, CleanupItemKind, CleanupResult, CleanupSettings};
use crate::task::Task;

/// The totals, and each version and file that was looked at and is not needed by one that stays: what goes first.
pub fn explain(
    place: DatasetPlace,
    settings: CleanupSettings,
) -> Task<(CleanupResult, Vec<CleanupItem>)> {
    Box::pin(async move {
        let home = Home::open(place, settings.storage_options.clone()).await?;
        let (home, branch) = home.into_dataset().await?;
        let plan = Plan::make(&home, &branch, &settings).await?;
        let going = plan.manifests.iter().chain(&plan.files);
        let going = going.map(|removal| going_item(&home, removal));
        let staying = plan.staying.iter().map(|item| staying_item(&home, item));
        let mut items: Vec<_> = going.chain(staying).collect();
        items.sort_by_cached_key(|item| {
            (
                !item.removed,
                item.kind as i32,
                item.version,
                item.path.clone(),
            )
        });
        Ok((result_of(&plan), items))
    })
}

fn going_item(home: &Home, removal: &Removal) -> CleanupItem {
    let (version, reason) = match removal.why {
        Why::Version(version) => (
            Some(version),
            "nothing points to it, and it is neither new nor young enough to stay",
        ),
        Why::Freed => (None, "only versions that go name it"),
        Why::Orphan => (None, "no version names it, and it is old enough to go"),
    };
    CleanupItem {
        removed: true,
        kind: kind(removal.kind),
        version,
        path: path(home, &removal.place),
        bytes: removal.size,
        reason: reason.to_string(),
    }
}

fn staying_item(home: &Home, item: &Staying) -> CleanupItem {
    CleanupItem {
        removed: false,
        kind: kind(item.kind),
        version: item.version,
        path: path(home, &item.place),
        bytes: item.size,
        reason: item.reason.clone(),
    }
}

/// None: the manifest of a version.
fn kind(of: Option<Kind>) -> CleanupItemKind {
    match of {
        None => CleanupItemKind::Version,
        Some(Kind::Data) => CleanupItemKind::DataFile,
        Some(Kind::Deletion) => CleanupItemKind::DeletionFile,
        Some(Kind::Index) => CleanupItemKind::IndexFile,
        Some(Kind::Transaction) => CleanupItemKind::TransactionFile,
        Some(Kind::Temporary) => CleanupItemKind::TemporaryFile,
    }
}

fn path(home: &Home, place: &Place) -> String {
    match place {
        Place::Stored(path) => home.shown(path),
        Place::Hidden(path) => path.display().to_string(),
    }
}
