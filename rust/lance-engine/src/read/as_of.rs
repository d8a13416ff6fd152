//! Which version there was at some time.

use std::time::{Duration, SystemTime};

use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance_table::io::commit::ManifestNamingScheme;
use lance_table::io::manifest::read_manifest;

use crate::error::{Error, Result, code};
use crate::maintain::listing::if_found;

const MANIFESTS_AT_ONCE: usize = 8;

/// The version there was at some time.
#[derive(Debug, PartialEq)]
pub enum AsOf {
    Version(u64),
    /// There was none then, or it is gone; the oldest one that is there.
    BeforeAll(u64),
}

impl AsOf {
    /// What to say where there is none.
    pub fn none(self, branch: &str) -> Error {
        let (Self::Version(oldest) | Self::BeforeAll(oldest)) = self;
        Error::new(
            code::VERSION_NOT_FOUND,
            format!(
                "branch {branch:?} has no version that old: the oldest that is there is version {oldest}"
            ),
        )
    }
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

/// When a version of the same branch was made. None: it is not there.
pub async fn made_at(dataset: &Dataset, version: u64) -> Result<Option<SystemTime>> {
    let store = dataset.object_store(None).await?;
    let base = dataset.branch_location().path;
    for path in [ManifestNamingScheme::V2, ManifestNamingScheme::V1]
        .map(|scheme| scheme.manifest_path(&base, version))
    {
        if let Some(manifest) = if_found(read_manifest(&store, &path, None).await)? {
            return Ok(Some(manifest.timestamp().into()));
        }
    }
    Ok(None)
}
