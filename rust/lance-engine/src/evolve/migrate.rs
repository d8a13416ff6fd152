//! What datasets of earlier releases are given afterwards, and the check of a version.

use std::sync::Arc;

use lance::Dataset;

use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::panics::contained;
use crate::parallel::aside;
use crate::read::Opened;
use crate::settings::Migration;
use crate::task::Task;

/// Check that the parts of the version fit together.
pub fn validate(opened: Arc<Opened>) -> Task<()> {
    Box::pin(async move {
        let checked = contained(async { Ok(opened.dataset.validate().await?) }).await;
        checked.map_err(|error| match error.code() {
            code::PANIC | code::NOT_FOUND => error.with_code(code::CORRUPT),
            _ => error.while_reading(),
        })
    })
}

pub fn migrate(opened: Arc<Opened>, migration: Migration) -> Task<Opened> {
    Box::pin(async move {
        check_newest(&opened.plain).await?;
        if migration == Migration::ManifestPaths {
            return migrate_manifest_paths(&opened).await;
        }
        let migrating = |mut dataset: Dataset| async move {
            match migration {
                Migration::FieldIds => dataset.migrate_to_non_reusable_field_ids().await?,
                _ => dataset.migrate_to_stable_row_ids().await?,
            }
            Ok(dataset)
        };
        Change::new(&opened)?
            .run_to_version(&opened, migrating)
            .await
    })
}

/// Manifests are renamed one by one. That goes to its end once it has begun, so that no two kinds of names stay.
async fn migrate_manifest_paths(opened: &Opened) -> Result<Opened> {
    let mut dataset = opened.plain.clone();
    let (_, renamed) = aside(contained(async move {
        dataset.migrate_manifest_paths_v2().await?;
        Ok(dataset)
    }));
    Ok(opened.at(renamed.await?))
}

/// Refuse what would be made of a version that is not the newest.
pub async fn check_newest(dataset: &Dataset) -> Result<()> {
    let (here, newest) = (
        dataset.manifest().version,
        dataset.latest_version_id().await?,
    );
    match here == newest {
        true => Ok(()),
        false => Err(Error::new(
            code::COMMIT_CONFLICT,
            format!("this is version {here}, and the newest is {newest}: open that"),
        )),
    }
}
