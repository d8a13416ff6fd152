//! Segments of indices in a document.

use std::collections::BTreeSet;

use lance::dataset::transaction::RewrittenIndex;
use lance_table::format::{IndexMetadata, pb};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Bytes, malformed};
use crate::error::{Error, Result};

/// What the engine can have: the end of the year 9999.
const LATEST_MILLIS: u64 = 253_402_300_799_999;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    path: String,
    size_bytes: u64,
}

impl From<&pb::IndexFile> for File {
    fn from(file: &pb::IndexFile) -> Self {
        Self {
            path: file.path.clone(),
            size_bytes: file.size_bytes,
        }
    }
}

impl From<File> for pb::IndexFile {
    fn from(file: File) -> Self {
        Self {
            path: file.path,
            size_bytes: file.size_bytes,
        }
    }
}

/// A message of another kind: the name of that, and its bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    type_url: String,
    value: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    uuid: String,
    name: String,
    fields: Vec<i32>,
    #[serde(default)]
    covering_fields: Vec<i32>,
    dataset_version: u64,
    /// Without them it is not known which fragments it covers.
    #[serde(default)]
    fragment_ids: Option<BTreeSet<u32>>,
    index_version: i32,
    #[serde(default)]
    index_details: Option<Details>,
    #[serde(default)]
    created_at_millis: Option<u64>,
    #[serde(default)]
    base_id: Option<u32>,
    #[serde(default)]
    files: Vec<File>,
}

fn parse(uuid: &str) -> Result<Uuid> {
    Uuid::parse_str(uuid).map_err(|error| malformed(&format_args!("{uuid:?} is no UUID: {error}")))
}

impl From<&IndexMetadata> for Index {
    fn from(index: &IndexMetadata) -> Self {
        let message = pb::IndexMetadata::from(index);
        Self {
            uuid: index.uuid.to_string(),
            name: message.name,
            fields: message.fields,
            covering_fields: message.covering_fields,
            dataset_version: message.dataset_version,
            fragment_ids: index
                .fragment_bitmap
                .as_ref()
                .map(|ids| ids.iter().collect()),
            index_version: index.index_version,
            index_details: message.index_details.map(|details| Details {
                type_url: details.type_url,
                value: Bytes(details.value),
            }),
            created_at_millis: message.created_at,
            base_id: message.base_id,
            files: message.files.iter().map(File::from).collect(),
        }
    }
}

impl Index {
    pub fn into_engine(self) -> Result<IndexMetadata> {
        let uuid = parse(&self.uuid)?;
        if self.created_at_millis > Some(LATEST_MILLIS) {
            return Err(malformed(&"created_at_millis is no time"));
        }
        let mut message = pb::IndexMetadata {
            uuid: Some((&uuid).into()),
            name: self.name,
            fields: self.fields,
            covering_fields: self.covering_fields,
            dataset_version: self.dataset_version,
            index_version: Some(self.index_version),
            created_at: self.created_at_millis,
            base_id: self.base_id,
            files: self.files.into_iter().map(Into::into).collect(),
            ..Default::default()
        };
        if let Some(given) = self.index_details {
            let details = message.index_details.get_or_insert_default();
            details.type_url = given.type_url;
            details.value = given.value.0;
        }
        let mut index = IndexMetadata::try_from(message)?;
        index.fragment_bitmap = self.fragment_ids.map(|ids| ids.into_iter().collect());
        Ok(index)
    }
}

/// An index that a rewrite has carried along.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewritten {
    old_id: String,
    new_id: String,
    new_details_type_url: String,
    new_details_value: Bytes,
    new_index_version: u32,
    #[serde(default)]
    new_index_files: Vec<File>,
}

impl From<&RewrittenIndex> for Rewritten {
    fn from(index: &RewrittenIndex) -> Self {
        let message = pb::transaction::rewrite::RewrittenIndex::from(index);
        let details = message.new_index_details.unwrap_or_default();
        Self {
            old_id: index.old_id.to_string(),
            new_id: index.new_id.to_string(),
            new_details_type_url: details.type_url,
            new_details_value: Bytes(details.value),
            new_index_version: message.new_index_version,
            new_index_files: message.new_index_files.iter().map(File::from).collect(),
        }
    }
}

impl Rewritten {
    pub fn into_engine(self) -> Result<RewrittenIndex> {
        let (old, new) = (parse(&self.old_id)?, parse(&self.new_id)?);
        let mut message = pb::transaction::rewrite::RewrittenIndex {
            old_id: Some((&old).into()),
            new_id: Some((&new).into()),
            new_index_version: self.new_index_version,
            new_index_files: self.new_index_files.into_iter().map(Into::into).collect(),
            ..Default::default()
        };
        let details = message.new_index_details.get_or_insert_default();
        details.type_url = self.new_details_type_url;
        details.value = self.new_details_value.0;
        RewrittenIndex::try_from(&message).map_err(Error::from)
    }
}
