//! Datasets: open one version and describe it.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use lance::Dataset;
use lance_file::version::ConcreteFileVersion;

use super::as_of::{AsOf, as_of};
use super::data_bytes::data_bytes;
use super::opened::Opened;
use super::scan::yielded;
use crate::absent::no_dataset;
use crate::error::{Error, Result, code};
use crate::open::{Access, builder, load, load_latest, reading_manifest};
use crate::place::Place;
use crate::settings::{DatasetInfo, DatasetStatistics, OpenSettings};
use crate::stored_refs::MAIN;
use crate::task::Task;
use crate::telemetry::metrics::of_session;

pub fn open(place: Place, settings: OpenSettings) -> Task<Opened> {
    open_where(settings, |access| async move { Ok((place, access)) })
}

/// Open what `locate` finds from what the settings say of the way there.
pub fn open_where<L>(
    settings: OpenSettings,
    locate: impl FnOnce(Access) -> L + Send + 'static,
) -> Task<Opened>
where
    L: Future<Output = Result<(Place, Access)>> + Send + 'static,
{
    Box::pin(async move {
        if settings.tag.is_some() && (settings.version.is_some() || settings.branch.is_some()) {
            return Err(Error::invalid_argument(
                "a tag cannot be combined with a version or a branch",
            ));
        }
        if settings.as_of_micros.is_some() && (settings.tag.is_some() || settings.version.is_some())
        {
            return Err(Error::invalid_argument(
                "a time cannot be combined with a version or a tag",
            ));
        }
        let given = Access {
            storage_options: settings.storage_options.clone(),
            session: settings.session.clone(),
            ..Access::default()
        };
        let (place, access) = locate(given).await?;
        let access = access.renewed_by(settings.credentials.clone()).await?;
        let mut target = builder(&place.uri, &access)?;
        if let Some(tag) = &settings.tag {
            target = target.with_tag(tag);
        } else if let Some(branch) = &settings.branch {
            target = target.with_branch(branch, settings.version);
        } else if let Some(version) = settings.version {
            target = target.with_version(version);
        }
        match load(target).await? {
            Ok(dataset) => {
                let dataset = at_time(dataset, settings.as_of_micros).await?;
                Ok(Opened::reached(dataset, access))
            }
            Err(error) => Err(explain(error.into(), &place, settings, &access).await?),
        }
    })
}

/// The version of the same branch that was the newest then; without a time this one.
async fn at_time(newest: Dataset, micros: Option<i64>) -> Result<Dataset> {
    let Some(micros) = micros else {
        return Ok(newest);
    };
    match as_of(&newest, micros).await? {
        AsOf::Version(version) => Ok(newest.checkout_version(version).await?),
        before => {
            let branch = newest.manifest().branch.as_deref();
            Err(before.none(branch.unwrap_or(MAIN)))
        }
    }
}

/// The engine says the same for a missing version, branch and dataset.
async fn explain(
    error: Error,
    place: &Place,
    settings: OpenSettings,
    access: &Access,
) -> Result<Error> {
    if !matches!(error.code(), code::DATASET_NOT_FOUND | code::NOT_FOUND) {
        return Ok(error);
    }
    let exists = load_latest(&place.uri, access).await?.is_some();
    Ok(match (exists, settings.branch, settings.version) {
        (false, _, _) => no_dataset(&place.uri, place),
        (true, Some(branch), None) => Error::new(
            code::REF_NOT_FOUND,
            format!("dataset {place} has no branch {branch:?}"),
        ),
        (true, Some(branch), Some(version)) => Error::new(
            code::VERSION_NOT_FOUND,
            format!("dataset {place} has no branch {branch:?} with a version {version}"),
        ),
        (true, None, Some(version)) => Error::new(
            code::VERSION_NOT_FOUND,
            format!("dataset {place} has no version {version}"),
        ),
        (true, None, None) => error,
    })
}

/// The version in numbers.
pub fn describe(opened: Arc<Opened>) -> Task<DatasetInfo> {
    Box::pin(async move {
        let dataset: &Dataset = &opened.dataset;
        let manifest = dataset.manifest();
        let (major, minor) = match manifest.data_storage_format.lance_file_format() {
            // Its files say 0.2.
            ConcreteFileVersion::V1 => (0, 1),
            later => later.to_data_file_numbers(),
        };
        Ok(DatasetInfo {
            version: manifest.version,
            fragments: manifest.fragments.len() as u64,
            rows: dataset.count_rows(None).await? as u64,
            deleted_rows: dataset.count_deleted_rows().await? as u64,
            data_bytes: manifest.fragments.iter().map(data_bytes).sum(),
            data_files: manifest
                .fragments
                .iter()
                .map(|f| f.files.len() as u64)
                .sum(),
            storage_version_major: major,
            storage_version_minor: minor,
            stable_row_ids: manifest.uses_stable_row_ids(),
        })
    })
}

/// The schema that scans of all columns have.
pub fn schema(opened: &Opened) -> SchemaRef {
    yielded(Schema::from(opened.dataset.schema()).into())
}

/// Its requests so far, and the hits and misses in the caches of its session.
pub fn statistics(opened: Arc<Opened>) -> Task<DatasetStatistics> {
    Box::pin(async move {
        let requests = opened.requests.stats();
        let caches = of_session(&opened.dataset.session()).await;
        Ok(DatasetStatistics {
            reads: requests.read_iops,
            bytes_read: requests.read_bytes,
            index_cache_hits: caches.index_cache_hits,
            index_cache_misses: caches.index_cache_misses,
            metadata_cache_hits: caches.metadata_cache_hits,
            metadata_cache_misses: caches.metadata_cache_misses,
        })
    })
}

/// Where it is.
pub fn uri(opened: &Opened) -> String {
    opened.dataset.uri().to_string()
}

/// The newest version of the same branch, reached as this one.
pub fn latest(opened: Arc<Opened>) -> Task<Opened> {
    Box::pin(async move {
        let mut dataset = opened.plain.clone();
        reading_manifest(async {
            dataset.checkout_latest().await?;
            Ok(())
        })
        .await?;
        Ok(opened.at(dataset))
    })
}

/// The number of the newest version there is by now.
pub fn latest_version(opened: Arc<Opened>) -> Task<u64> {
    Box::pin(async move { Ok(opened.dataset.latest_version_id().await?) })
}
