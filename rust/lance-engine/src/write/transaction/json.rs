//! The JSON form of an uncommitted write.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lance::dataset::transaction::{Operation, Transaction};
use lance_table::format::{Fragment, pb};
use prost::Message;
use serde::{Deserialize, Serialize};

use super::origin::Origin;
use super::{Target, UncommittedWrite, fragments_mut};
use crate::error::{Error, Result, code};
use crate::identity::Identity;
use crate::local::store::{is_durable, make_durable};
use crate::open::Access;
use crate::place::Place;

/// The operation travels as the engine's own protobuf, without its fragments: those have a JSON form that other Lance
/// implementations read.
#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    uri: String,
    must_be_new: bool,
    data_storage_version: Option<String>,
    stable_row_ids: bool,
    #[serde(default)]
    durable: bool,
    #[serde(default)]
    origin: Option<Identity>,
    /// The engine's protobuf drops the schema's metadata.
    schema_metadata: HashMap<String, String>,
    fragments: Vec<Fragment>,
    transaction: String,
}

const DOCUMENT_FORMAT: u32 = 1;

pub fn write(write: &UncommittedWrite) -> Result<String> {
    let mut skeleton = write.transaction.clone();
    let fragments = fragments_mut(&mut skeleton)
        .map(std::mem::take)
        .unwrap_or_default();
    let schema_metadata = match &skeleton.operation {
        Operation::Overwrite { schema, .. } => schema.metadata.clone(),
        _ => HashMap::new(),
    };
    let document = Document {
        format: DOCUMENT_FORMAT,
        uri: write.target.place.uri.clone(),
        must_be_new: write.target.must_be_new,
        data_storage_version: write.target.data_storage_version.map(|v| v.to_string()),
        stable_row_ids: write.target.stable_row_ids,
        durable: is_durable(&write.target.access.storage_options),
        origin: write.origin.as_ref().map(|origin| origin.identity.clone()),
        schema_metadata,
        fragments,
        transaction: BASE64_STANDARD.encode(pb::Transaction::try_from(&skeleton)?.encode_to_vec()),
    };
    serde_json::to_string(&document)
        .map_err(|error| Error::new(code::INTERNAL, format!("cannot write JSON: {error}")))
}

pub fn read(json: &str, mut storage_options: HashMap<String, String>) -> Result<UncommittedWrite> {
    let malformed = |what: &dyn std::fmt::Display| {
        Error::invalid_argument(format!("not a transaction of this library: {what}"))
    };
    let document: Document = serde_json::from_str(json).map_err(|error| malformed(&error))?;
    if document.format != DOCUMENT_FORMAT {
        return Err(malformed(&format_args!("format {}", document.format)));
    }
    let place = Place::of(&document.uri)?;
    let bytes = BASE64_STANDARD
        .decode(&document.transaction)
        .map_err(|error| malformed(&error))?;
    let message = pb::Transaction::decode(bytes.as_slice()).map_err(|error| malformed(&error))?;
    let mut transaction = Transaction::try_from(message)?;
    if let Operation::Overwrite { schema, .. } = &mut transaction.operation {
        schema.metadata = document.schema_metadata;
    }
    match fragments_mut(&mut transaction) {
        Some(fragments) => *fragments = document.fragments,
        None => return Err(malformed(&"it is not a write")),
    }
    if document.durable {
        make_durable(&mut storage_options);
    }
    Ok(UncommittedWrite {
        target: Target {
            place,
            must_be_new: document.must_be_new,
            access: Access {
                storage_options,
                ..Access::default()
            },
            data_storage_version: document
                .data_storage_version
                .map(|version| version.parse())
                .transpose()?,
            stable_row_ids: document.stable_row_ids,
        },
        transaction,
        affected_rows: None,
        origin: document.origin.map(Origin::known_by),
        is_shared: true,
        written_files: Arc::default(),
    })
}
