//! Another version of the dataset: by its number, a tag, a branch, or a time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::refs::Ref;

use super::version::{branch, made_at};
use crate::error::{Error, Result, check_options, code};
use crate::open::reading_manifest;
use crate::read::Opened;
use crate::settings::CheckoutSettings;
use crate::stored_refs::{MAIN, StoredRefs};
use crate::task::Task;

const MANIFESTS_AT_ONCE: usize = 8;

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
        let dataset = &opened.plain;
        let refs = StoredRefs::of(dataset).await?;
        if let Some(tag) = &settings.tag {
            let contents = refs.tag(tag).await?;
            let found = get(dataset, contents.branch.as_deref(), Some(contents.version)).await;
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
            return get(dataset, Some(on), settings.version).await;
        };
        let newest = get(dataset, Some(on), None).await?;
        match as_of(&newest.plain, micros).await? {
            AsOf::Version(version) => get(dataset, Some(on), Some(version)).await,
            AsOf::BeforeAll(oldest) => Err(Error::new(
                code::VERSION_NOT_FOUND,
                format!(
                    "branch {on:?} has no version that old: the oldest that is there is version {oldest}"
                ),
            )),
        }
    })
}

/// Without a version the newest one.
async fn get(dataset: &Dataset, branch: Option<&str>, version: Option<u64>) -> Result<Opened> {
    let checked_out = reading_manifest(async {
        let found = dataset.checkout_version(Ref::from((branch, version))).await;
        found.map_err(Error::from)
    });
    let error = match checked_out.await {
        Ok(found) => return Ok(Opened::new(found)),
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

/// The version there was at some time.
#[derive(Debug, PartialEq)]
pub enum AsOf {
    Version(u64),
    /// There was none then, or it is gone; the oldest one that is there.
    BeforeAll(u64),
}

/// Which version up to that of `dataset`, on its branch, was the newest then.
pub async fn as_of(dataset: &Dataset, micros: i64) -> Result<AsOf> {
    let now = dataset.manifest().version;
    let versions = dataset.version_refs().await?.into_iter();
    let mut versions: Vec<_> = versions
        .map(|it| it.version)
        .filter(|it| *it <= now)
        .collect();
    // The newest that is old enough is near the newest one, mostly.
    versions.reverse();
    let oldest = versions.last().copied().unwrap_or(now);
    let mut made = stream::iter(versions)
        .map(|version| async move { Ok::<_, Error>((version, made_at(dataset, version).await?)) })
        .buffered(MANIFESTS_AT_ONCE)
        .boxed();
    while let Some((version, made)) = made.try_next().await? {
        if made.is_some_and(|made| made <= time(micros)) {
            return Ok(AsOf::Version(version));
        }
    }
    Ok(AsOf::BeforeAll(oldest))
}

/// To the end of the microsecond, as a version tells no more of its time.
fn time(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    let whole = match micros {
        0.. => SystemTime::UNIX_EPOCH.checked_add(distance),
        _ => SystemTime::UNIX_EPOCH.checked_sub(distance),
    };
    whole.unwrap_or(SystemTime::UNIX_EPOCH) + Duration::from_nanos(999)
}
