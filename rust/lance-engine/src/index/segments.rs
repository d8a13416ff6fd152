//! Segments of an index, built apart, merged and committed together.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lance::index::DatasetIndexExt;
use lance_table::format::{IndexMetadata, pb};
use prost::Message;
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::definition::Definition;
use super::list::existing;
use super::progress::Telling;
use crate::error::{Error, Result, code};
use crate::panics::contained;
use crate::read::Opened;
use crate::settings::{IndexSettings, IndexType};
use crate::task::Task;

/// Of the form below.
const VERSION: u32 = 1;

/// A segment as its builder hands it to whoever commits it.
#[derive(Deserialize, Serialize)]
struct Segment {
    lance_index_segment: u32,
    uri: String,
    /// For people.
    uuid: String,
    fragments: Vec<u32>,
    /// What the manifest will say of it.
    metadata: String,
}

fn write(opened: &Opened, segment: &IndexMetadata) -> Result<String> {
    let metadata = pb::IndexMetadata::from(segment).encode_to_vec();
    let segment = Segment {
        lance_index_segment: VERSION,
        uri: opened.dataset.uri().to_string(),
        uuid: segment.uuid.to_string(),
        fragments: segment.fragment_bitmap.iter().flatten().collect(),
        metadata: STANDARD.encode(metadata),
    };
    serde_json::to_string(&segment).map_err(|error| Error::new(code::INTERNAL, error.to_string()))
}

fn read(text: &str) -> Result<IndexMetadata> {
    let damaged =
        |why: String| Error::invalid_argument(format!("this is no segment of an index: {why}"));
    let segment: Segment =
        serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    if segment.lance_index_segment != VERSION {
        return Err(Error::new(
            code::NOT_SUPPORTED,
            "the segment is of a later version of this library",
        ));
    }
    let bytes = STANDARD
        .decode(&segment.metadata)
        .map_err(|error| damaged(error.to_string()))?;
    let metadata =
        pb::IndexMetadata::decode(bytes.as_slice()).map_err(|error| damaged(error.to_string()))?;
    Ok(IndexMetadata::try_from(metadata)?)
}

fn read_all(texts: &[String]) -> Result<Vec<IndexMetadata>> {
    match texts {
        [] => Err(Error::invalid_argument("there is no segment")),
        texts => texts.iter().map(|text| read(text)).collect(),
    }
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
        let mut change = Change::new(&opened)?;
        let fragments = definition.fragments.clone();
        let building = definition.build(&mut change.dataset, &name, fragments, telling.engine());
        let outcome = contained(building).await;
        write(&opened, &change.end(outcome).await?)
    })
}

/// Make one of several.
pub fn merge(opened: Arc<Opened>, segments: Vec<String>) -> Task<String> {
    Box::pin(async move {
        let segments = read_all(&segments)?;
        let change = Change::new(&opened)?;
        let merging = async {
            Ok(change
                .dataset
                .merge_existing_index_segments(segments)
                .await?)
        };
        let outcome = contained(merging).await;
        write(&opened, &change.end(outcome).await?)
    })
}

/// Commit them as one index: the version that has it.
pub fn commit(opened: Arc<Opened>, name: String, segments: Vec<String>) -> Task<Opened> {
    Box::pin(async move {
        let segments = read_all(&segments)?;
        if name.is_empty() {
            return Err(Error::invalid_argument("the name of an index is empty"));
        }
        let field = segments[0].keyed_field();
        let column = field.and_then(|id| opened.dataset.schema().field_path(id).ok());
        let column = column.ok_or_else(|| {
            Error::new(
                code::FIELD_NOT_FOUND,
                "the column that the segments were built of is not in this version any more",
            )
        })?;
        let taken = existing(&opened.dataset).await?;
        if taken
            .iter()
            .any(|index| index.name == name && index.keyed_field() != field)
        {
            return Err(Error::new(
                code::ALREADY_EXISTS,
                format!(
                    "there is an index {name:?} of another column: choose another name, or drop it"
                ),
            ));
        }
        let mut change = Change::new(&opened)?;
        let dataset = &mut change.dataset;
        let committing = async {
            dataset
                .commit_existing_index_segments(&name, &column, segments)
                .await?;
            Ok(())
        };
        let outcome = contained(committing).await;
        change.end_at_version(&opened, outcome).await
    })
}
