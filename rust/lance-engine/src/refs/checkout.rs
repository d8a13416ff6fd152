//! Another version of the dataset: by its number, a tag, a branch, or a time.

use std::sync::Arc;

use lance::dataset::refs::Ref;

use super::version::branch;
use crate::error::{Error, Result, check_options, code};
use crate::open::reading_manifest;
use crate::read::{AsOf, Opened, as_of};
use crate::settings::CheckoutSettings;
use crate::stored_refs::{MAIN, StoredRefs};
use crate::task::Task;

/// Open what the settings say, with the session and the credentials of this one.
pub fn checkout(opened: Arc<Opened>, settings: CheckoutSettings) -> Task<Opened> {
    Box::pin(async move {
        let by_time = settings.as_of_micros.is_some();
        check_options([
            (
                settings.tag.is_some() && (settings.version.is_some() || settings.branch.is_some()),
                "a tag cannot be combined with a version or a branch",
            ),
            (
                by_time && (settings.tag.is_some() || settings.version.is_some()),
                "a time cannot be combined with a version or a tag",
            ),
        ])?;
        let refs = StoredRefs::of(&opened.plain).await?;
        if let Some(tag) = &settings.tag {
            let contents = refs.tag(tag).await?;
            let found = get(&opened, contents.branch.as_deref(), Some(contents.version)).await;
            return found.map_err(|error| error.context(&format!("tag {tag:?}")));
        }
        let on = settings
            .branch
            .as_deref()
            .unwrap_or_else(|| branch(&opened));
        if on != MAIN && settings.branch.is_some() {
            refs.branch(on).await?;
        }
        let Some(micros) = settings.as_of_micros else {
            return get(&opened, Some(on), settings.version).await;
        };
        let newest = get(&opened, Some(on), None).await?;
        match as_of(&newest.plain, micros).await? {
            AsOf::Version(version) => get(&opened, Some(on), Some(version)).await,
            before => Err(before.none(on)),
        }
    })
}

/// Without a version the newest one.
async fn get(opened: &Opened, branch: Option<&str>, version: Option<u64>) -> Result<Opened> {
    let checked_out = reading_manifest(async {
        let found = opened
            .plain
            .checkout_version(Ref::from((branch, version)))
            .await;
        found.map_err(Error::from)
    });
    let error = match checked_out.await {
        Ok(found) => return Ok(opened.at(found)),
        Err(error) => error,
    };
    let on = branch.unwrap_or(MAIN);
    Err(match (error.code(), version) {
        (code::DATASET_NOT_FOUND | code::NOT_FOUND, Some(version)) => Error::new(
            code::VERSION_NOT_FOUND,
            format!("branch {on:?} has no version {version}"),
        ),
        (code::DATASET_NOT_FOUND | code::NOT_FOUND, None) => Error::new(
            code::VERSION_NOT_FOUND,
            format!(
                "branch {on:?} has no version: its making was interrupted, or it is being deleted"
            ),
        ),
        _ => error,
    })
}
