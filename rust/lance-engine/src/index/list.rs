//! The indices of a version, and what is known of them.

use std::sync::Arc;

use lance::Dataset;
use lance::index::DatasetIndexExt;
use lance_index::is_system_index;
use lance_table::format::IndexMetadata;
use lance_table::io::manifest::read_manifest_indexes;

use super::kind;
use crate::error::{Error, Result, code, nearest_hint};
use crate::read::Opened;
use crate::settings::{IndexInfo, IndexSegmentInfo};
use crate::task::Task;
use crate::write::written_files::WrittenFiles;

/// What the names of indices begin with that the engine keeps for itself.
const RESERVED: &str = "__lance";

/// All that the manifest names, also those that this library cannot read, but for what the engine keeps for itself.
pub async fn existing(dataset: &Dataset) -> Result<Vec<IndexMetadata>> {
    let store = dataset.object_store(None).await?;
    let indices =
        read_manifest_indexes(&store, dataset.manifest_location(), dataset.manifest()).await?;
    let own = |index: &IndexMetadata| !is_system_index(index);
    Ok(indices.into_iter().filter(own).collect())
}

/// The segments of an index.
pub async fn named(dataset: &Dataset, name: &str) -> Result<Vec<IndexMetadata>> {
    let existing = existing(dataset).await?;
    check_names(&existing, [name])?;
    Ok(existing
        .into_iter()
        .filter(|index| index.name == name)
        .collect())
}

/// Refuse names that no index has.
pub fn check_names<'a>(
    existing: &[IndexMetadata],
    names: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    let mut known: Vec<_> = existing.iter().map(|index| index.name.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    match names.into_iter().find(|name| !known.contains(name)) {
        Some(name) => {
            let hint = nearest_hint(name, known);
            Err(Error::new(
                code::INDEX_NOT_FOUND,
                format!("there is no index {name:?}{hint}"),
            ))
        }
        None => Ok(()),
    }
}

/// Refuse the name of an index of another column.
pub fn check_same_column(existing: &[IndexMetadata], name: &str, field: Option<i32>) -> Result<()> {
    let is_taken = |index: &IndexMetadata| index.name == name && index.keyed_field() != field;
    match existing.iter().any(is_taken) {
        true => Err(Error::new(
            code::ALREADY_EXISTS,
            format!(
                "there is an index {name:?} of another column: choose another name, or drop it"
            ),
        )),
        false => Ok(()),
    }
}

/// Refuse a name that no index of a caller's may have.
pub fn check_new_name(name: &str) -> Result<()> {
    match name {
        "" => Err(Error::invalid_argument("the name of an index is empty")),
        name if name.starts_with(RESERVED) => Err(Error::invalid_argument(format!(
            "the name {name:?} is the engine's: those of others do not begin with {RESERVED}"
        ))),
        _ => Ok(()),
    }
}

/// Its kind, where that stands in the name of its details; None of vectors, whose kinds share one.
pub fn type_of(index: &IndexMetadata) -> Option<&'static str> {
    let details = index.index_details.as_ref()?;
    let (_, message) = details.type_url.rsplit_once('.')?;
    kind::name_of_details(message)
}

fn bytes<'a>(segments: impl IntoIterator<Item = &'a IndexMetadata>) -> Option<u64> {
    let sizes = segments.into_iter().map(|segment| {
        let files = segment.files.as_ref()?;
        Some(files.iter().map(|file| file.size_bytes).sum::<u64>())
    });
    sizes.sum()
}

fn created(segment: &IndexMetadata) -> Option<i64> {
    segment.created_at.map(|at| at.timestamp_micros())
}

/// The indices, by name.
pub fn list(opened: Arc<Opened>) -> Task<Vec<IndexInfo>> {
    Box::pin(async move {
        let dataset = opened.dataset.as_ref();
        let live = dataset.count_rows(None).await? as u64;
        let described = dataset.describe_indices(None).await?;
        let own = described
            .iter()
            .filter(|index| !index.metadata().iter().any(is_system_index));
        own.map(|index| {
            let segments = index.metadata();
            let fields = index.field_ids().iter();
            let paths = fields.map(|id| dataset.schema().field_path(*id as i32));
            let paths: Vec<_> = paths.collect::<lance_core::Result<_>>()?;
            Ok(IndexInfo {
                name: index.name().to_string(),
                index_type: kind::name_of(index.index_type()).to_string(),
                column: paths.join(", "),
                segments: segments.len() as u64,
                rows: index.rows_indexed(),
                unindexed_rows: live.saturating_sub(index.rows_indexed()),
                bytes: bytes(segments),
                created_micros: segments.iter().filter_map(created).max(),
                details: index.details()?,
            })
        })
        .collect()
    })
}

/// The segments of all indices, by the name of the index, the oldest first.
pub fn segments(opened: Arc<Opened>) -> Task<Vec<IndexSegmentInfo>> {
    Box::pin(async move {
        let mut existing = existing(&opened.dataset).await?;
        existing.sort_by(|a, b| (&a.name, a.created_at).cmp(&(&b.name, b.created_at)));
        let told = existing.iter().map(|segment| IndexSegmentInfo {
            index: segment.name.clone(),
            uuid: segment.uuid.to_string(),
            fragments: match &segment.fragment_bitmap {
                Some(fragments) => serde_json::Value::from_iter(fragments).to_string(),
                None => "null".to_string(),
            },
            dataset_version: segment.dataset_version,
            bytes: bytes([segment]),
            created_micros: created(segment),
            field_ids: serde_json::Value::from_iter(segment.fields.clone()).to_string(),
            index_version: segment.index_version,
        });
        Ok(told.collect())
    })
}

/// What the engine tells of an index, as JSON.
pub fn statistics(opened: Arc<Opened>, name: String) -> Task<String> {
    Box::pin(async move {
        named(&opened.dataset, &name).await?;
        let written = Arc::new(WrittenFiles::none());
        let reading = opened
            .dataset
            .with_object_store_wrappers([written.clone() as _]);
        let statistics = reading.index_statistics(&name).await;
        match written.has_refused() {
            true => Err(Error::new(
                code::FAILED_PRECONDITION,
                "the dataset was written by an early version of Lance, which did not note how many rows there are: commit to it once, such as by making the index anew",
            )),
            false => Ok(statistics?),
        }
    })
}

/// Read an index into the cache.
pub fn prewarm(opened: Arc<Opened>, name: String) -> Task<()> {
    Box::pin(async move {
        named(&opened.dataset, &name).await?;
        Ok(opened.dataset.prewarm_index(&name).await?)
    })
}
