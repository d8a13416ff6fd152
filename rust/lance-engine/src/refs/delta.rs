//! What has changed between two versions.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use lance_io::stream::RecordBatchStream;

use super::version::branch;
use crate::error::{Error, Result, check_options, code};
use crate::panics::contained;
use crate::read::{AsOf, Opened, Yield, as_of};
use crate::settings::{DeltaKind, DeltaSettings};
use crate::task::Task;

/// The rows that have changed since an earlier version, as they are in this one; of deleted rows the ids.
pub fn delta(opened: Arc<Opened>, settings: DeltaSettings) -> Task<(SchemaRef, Yield)> {
    Box::pin(async move {
        check_options([
            (
                settings.from_version.is_some() && settings.from_micros.is_some(),
                "a version cannot be combined with a time",
            ),
            (
                settings.from_version.is_none() && settings.from_micros.is_none(),
                "from_version or from_micros says since when",
            ),
        ])?;
        require_stable_row_ids(&opened)?;
        let to = opened.plain.manifest().version;
        let from = begin(&opened, &settings).await?;
        if from > to {
            return Err(Error::invalid_argument(format!(
                "version {from} is newer than version {to}, up to which the changes are asked for"
            )));
        }
        if settings.kind == DeltaKind::Deleted && from > 0 {
            let earlier = opened
                .plain
                .checkout_version(from)
                .await
                .map_err(Error::from);
            let earlier = earlier.map_err(|error| gone(&opened, from, error))?;
            require_stable_row_ids(&opened.at(earlier))?;
        }
        let delta = opened.dataset.delta();
        let delta = delta
            .with_begin_version(from)
            .with_end_version(to)
            .build()?;
        let rows = contained(async {
            Ok(match settings.kind {
                DeltaKind::Inserted => delta.get_inserted_rows().await?,
                DeltaKind::Updated => delta.get_updated_rows().await?,
                DeltaKind::Upserted => delta.get_upserted_rows().await?,
                DeltaKind::Deleted => delta.get_deleted_row_ids().await?,
            })
        })
        .await?;
        Ok((rows.schema(), rows.map_err(Error::from).into()))
    })
}

fn require_stable_row_ids(opened: &Opened) -> Result<()> {
    let manifest = opened.plain.manifest();
    if manifest.uses_stable_row_ids() {
        return Ok(());
    }
    Err(Error::new(
        code::FAILED_PRECONDITION,
        format!(
            "version {} has no stable row ids, by which rows are known in several versions: make the dataset with them, or migrate it",
            manifest.version
        ),
    ))
}

/// After which version; 0 before the first.
async fn begin(opened: &Opened, settings: &DeltaSettings) -> Result<u64> {
    let Some(micros) = settings.from_micros else {
        return Ok(settings.from_version.unwrap_or_default());
    };
    match as_of(&opened.plain, micros).await? {
        AsOf::Version(version) => Ok(version),
        AsOf::BeforeAll(1) => Ok(0),
        before => Err(before.none(branch(opened))),
    }
}

fn gone(opened: &Opened, version: u64, error: Error) -> Error {
    match error.code() {
        code::DATASET_NOT_FOUND | code::NOT_FOUND => Error::new(
            code::VERSION_NOT_FOUND,
            format!("branch {:?} has no version {version}", branch(opened)),
        ),
        _ => error,
    }
}
