//! Segments of an index, built apart, merged and committed together.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lance::Dataset;
use lance::index::DatasetIndexExt;
use lance_table::format::{IndexMetadata, pb};
use prost::Message;
use serde::{Deserialize, Serialize};

use super::change::{run, run_to_version};
use super::definition::Definition;
use super::list::{check_new_name, check_same_column, existing};
use super::progress::Telling;
use crate::checksum::checksum;
use crate::error::{Error, Result, code};
use crate::panics::contain;
use crate::read::Opened;
use crate::settings::{IndexSettings, IndexType};
use crate::task::Task;

/// Of the form below.
const FORMAT: u32 = 1;

/// A segment as its builder hands it to whoever commits it.
#[derive(Deserialize, Serialize)]
struct Segment {
    index_segment: u32,
    /// These two are for people.
    uuid: String,
    fragments: Vec<u32>,
    /// What the manifest will say of it, and the checksum of that.
    metadata: String,
    sum: u64,
}

fn write(segment: &IndexMetadata) -> Result<String> {
    let metadata = pb::IndexMetadata::from(segment).encode_to_vec();
    let segment = Segment {
        index_segment: FORMAT,
        uuid: segment.uuid.to_string(),
        fragments: segment.fragment_bitmap.iter().flatten().collect(),
        sum: checksum(&metadata),
        metadata: STANDARD.encode(metadata),
    };
    serde_json::to_string(&segment).map_err(|error| Error::new(code::INTERNAL, error.to_string()))
}

fn read(text: &str) -> Result<IndexMetadata> {
    let not_ours = |error: serde_json::Error| {
        Error::invalid_argument(format!("not a segment of an index: {error}"))
    };
    let damaged = || Error::new(code::CORRUPT, "the segment of an index is damaged");
    let segment: Segment = serde_json::from_str(text).map_err(not_ours)?;
    if segment.index_segment != FORMAT {
        return Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "the segment of an index has format {}, which a later version of this library has: this one knows {FORMAT}",
                segment.index_segment
            ),
        ));
    }
    let bytes = STANDARD.decode(&segment.metadata).map_err(|_| damaged())?;
    if checksum(&bytes) != segment.sum {
        return Err(damaged());
    }
    let decode = || {
        let metadata = pb::IndexMetadata::decode(bytes.as_slice()).map_err(|_| damaged())?;
        IndexMetadata::try_from(metadata).map_err(|_| damaged())
    };
    contain(decode).map_err(|_| damaged())
}

/// Read them, and see whether their files are there.
async fn read_all(dataset: &Dataset, texts: &[String]) -> Result<Vec<IndexMetadata>> {
    if texts.is_empty() {
        return Err(Error::invalid_argument("there is no segment"));
    }
    let segments = texts.iter().map(|text| read(text));
    let segments = segments.collect::<Result<Vec<_>>>()?;
    for segment in &segments {
        check_files(dataset, segment).await?;
    }
    Ok(segments)
}

/// Whether the files of a segment that is not committed are there, as long as they were written.
pub async fn check_files(dataset: &Dataset, segment: &IndexMetadata) -> Result<()> {
    let store = dataset.object_store(None).await?;
    let directory = dataset.indices_dir().join(segment.uuid.to_string());
    for file in segment.files.iter().flatten() {
        let parts = file.path.split('/');
        let path = parts.fold(directory.clone(), |path, part| path.join(part));
        let size = store.size(&path).await;
        if !matches!(size, Ok(size) if size == file.size_bytes) {
            return Err(Error::new(
                code::NOT_FOUND,
                format!(
                    "file {} of segment {} is not there: the segment is of another dataset, or a cleanup removed it",
                    file.path, segment.uuid
                ),
            ));
        }
    }
    Ok(())
}

/// Build one, and commit nothing.
pub fn build(
    opened: Arc<Opened>,
    columns: Vec<String>,
    kind: IndexType,
    settings: IndexSettings,
) -> Task<String> {
    Box::pin(async move {
        let definition = Definition::new(&opened.dataset, &columns, kind, &settings)?;
        // Whoever commits it gives it its name.
        let name = settings
            .name
            .clone()
            .unwrap_or_else(|| definition.plain_column());
        let telling = Telling::new(settings.progress);
        let progress = telling.engine();
        let building = |mut dataset| async move {
            let fragments = definition.fragments.clone();
            definition
                .build(&mut dataset, &name, fragments, progress)
                .await
        };
        let segment = run(&opened, building).await?;
        write(&segment)
    })
}

/// Make one of several.
pub fn merge(opened: Arc<Opened>, segments: Vec<String>) -> Task<String> {
    Box::pin(async move {
        let segments = read_all(&opened.dataset, &segments).await?;
        let merging = |dataset: Dataset| async move {
            Ok(dataset.merge_existing_index_segments(segments).await?)
        };
        let merged = run(&opened, merging).await?;
        write(&merged)
    })
}

/// Commit them as one index: the version that has it.
pub fn commit(opened: Arc<Opened>, name: String, segments: Vec<String>) -> Task<Opened> {
    Box::pin(async move {
        let segments = read_all(&opened.dataset, &segments).await?;
        check_new_name(&name)?;
        let field = segments[0].keyed_field();
        let column = field.and_then(|id| opened.dataset.schema().field_path(id).ok());
        let column = column.ok_or_else(|| {
            Error::new(
                code::FIELD_NOT_FOUND,
                "the column that the segments were built of is not in this version any more",
            )
        })?;
        check_same_column(&existing(&opened.dataset).await?, &name, field)?;
        let committing = |mut dataset: Dataset| async move {
            dataset
                .commit_existing_index_segments(&name, &column, segments)
                .await?;
            Ok(dataset)
        };
        run_to_version(&opened, committing).await
    })
}
