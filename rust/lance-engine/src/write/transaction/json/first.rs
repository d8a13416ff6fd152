//! The form that version 0.1 of this library has written: the operation is the engine's protobuf without its fragments.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lance::dataset::transaction::{Operation, Transaction};
use lance_table::format::{Fragment, pb};
use prost::Message;
use serde::Deserialize;

use super::{malformed, target};
use crate::error::Result;
use crate::identity::Identity;
use crate::write::transaction::{Origin, UncommittedWrite, fragments_mut};

#[derive(Deserialize)]
struct Document {
    uri: String,
    must_be_new: bool,
    data_storage_version: Option<String>,
    stable_row_ids: bool,
    #[serde(default)]
    durable: bool,
    #[serde(default)]
    origin: Option<Identity>,
    /// The protobuf has none.
    schema_metadata: HashMap<String, String>,
    fragments: Vec<Fragment>,
    transaction: String,
}

pub fn read(json: &str, storage_options: HashMap<String, String>) -> Result<UncommittedWrite> {
    let document: Document = serde_json::from_str(json).map_err(|error| malformed(&error))?;
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
    Ok(UncommittedWrite {
        target: target(
            &document.uri,
            document.must_be_new,
            document.data_storage_version,
            document.stable_row_ids,
            document.durable,
            storage_options,
        )?,
        transaction: transaction.into(),
        affected_rows: None,
        origin: document.origin.map(Origin::known_by),
        is_shared: true,
        written_files: Arc::default(),
    })
}
