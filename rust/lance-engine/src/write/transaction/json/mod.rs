//! The JSON form of a transaction, which any process may commit. docs/transactions.md describes it.

mod first;
mod index;
mod operation;
mod schema;

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::{Operation, Transaction};
use serde::{Deserialize, Serialize};

use super::origin::Origin;
use super::{Target, UncommittedWrite};
use crate::checksum::checksum;
use crate::error::{Error, Result, code};
use crate::identity::Identity;
use crate::local::store::{is_durable, make_durable};
use crate::open::Access;
use crate::panics::contain;
use crate::place::Place;

const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    uri: String,
    /// Two documents of one UUID are the same transaction.
    #[serde(default)]
    uuid: Option<String>,
    read_version: u64,
    operation: operation::Operation,
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    properties: HashMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    affected_rows: Option<Bytes>,
    #[serde(default)]
    must_be_new: bool,
    #[serde(default)]
    data_storage_version: Option<String>,
    #[serde(default)]
    stable_row_ids: bool,
    #[serde(default)]
    durable: bool,
    #[serde(default)]
    origin: Option<Identity>,
}

/// Bytes in a document, as Base64.
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(text);
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

fn malformed(what: &dyn Display) -> Error {
    Error::invalid_argument(format!("not a transaction of this library: {what}"))
}

fn unwritable(what: &dyn Display) -> Error {
    Error::new(code::NOT_SUPPORTED, format!("{what} has no JSON form"))
}

fn to_text<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(code::INTERNAL, format!("cannot write JSON: {error}")))
}

pub fn write(write: &UncommittedWrite) -> Result<String> {
    let transaction = &write.transaction;
    let affected_rows = write.affected_rows.as_ref().map(|rows| {
        let mut bytes = Vec::new();
        rows.serialize_into(&mut bytes)?;
        Ok::<_, Error>(Bytes(bytes))
    });
    to_text(&Document {
        format: FORMAT,
        uri: write.target.place.uri.clone(),
        uuid: Some(transaction.uuid.clone()),
        read_version: transaction.read_version,
        operation: operation::of(transaction)?,
        properties: transaction
            .transaction_properties
            .as_deref()
            .cloned()
            .unwrap_or_default(),
        affected_rows: affected_rows.transpose()?,
        must_be_new: write.target.must_be_new,
        data_storage_version: write.target.data_storage_version.map(|v| v.to_string()),
        stable_row_ids: write.target.stable_row_ids,
        durable: is_durable(&write.target.access.storage_options),
        origin: write.origin.as_ref().map(|origin| origin.identity.clone()),
    })
}

/// What all documents have, whatever their format.
#[derive(Deserialize)]
struct Kind {
    format: u32,
}

pub fn read(json: &str, storage_options: HashMap<String, String>) -> Result<UncommittedWrite> {
    let Kind { format } = serde_json::from_str(json).map_err(|error| malformed(&error))?;
    match format {
        1 => first::read(json, storage_options),
        FORMAT => contain(|| read_this(json, storage_options)).map_err(as_malformed),
        later => Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "the transaction has format {later}, which a later version of this library has: this one knows {FORMAT}"
            ),
        )),
    }
}

fn read_this(json: &str, storage_options: HashMap<String, String>) -> Result<UncommittedWrite> {
    let document: Document = serde_json::from_str(json).map_err(|error| malformed(&error))?;
    let affected_rows = document.affected_rows.map(|Bytes(bytes)| {
        RowAddrTreeMap::deserialize_from(bytes.as_slice()).map_err(|error| malformed(&error))
    });
    // What was written by hand need not have one; then it is the text that tells.
    let uuid = document
        .uuid
        .unwrap_or_else(|| format!("{:016x}", checksum(json.trim().as_bytes())));
    // Files are named after it.
    if uuid.is_empty()
        || !uuid
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(malformed(&format_args!("{uuid:?} is no UUID")));
    }
    Ok(UncommittedWrite {
        transaction: Arc::new(Transaction {
            read_version: document.read_version,
            uuid,
            operation: document.operation.into_engine()?,
            tag: None,
            transaction_properties: (!document.properties.is_empty())
                .then(|| Arc::new(document.properties)),
        }),
        affected_rows: affected_rows.transpose()?,
        target: target(
            &document.uri,
            document.must_be_new,
            document.data_storage_version,
            document.stable_row_ids,
            document.durable,
            storage_options,
        )?,
        origin: document.origin.map(Origin::known_by),
        is_shared: true,
        written_files: Arc::default(),
    })
}

/// What an operation does, in the form that it has in a document.
pub fn read_operation(json: &str) -> Result<Operation> {
    let read = || {
        let operation: operation::Operation =
            serde_json::from_str(json).map_err(|error| malformed(&error))?;
        operation.into_engine()
    };
    contain(read).map_err(as_malformed)
}

/// The engine panics at some of what it cannot have.
fn as_malformed(error: Error) -> Error {
    match error.code() {
        code::PANIC => malformed(&error.message()),
        _ => error,
    }
}

fn target(
    uri: &str,
    must_be_new: bool,
    data_storage_version: Option<String>,
    stable_row_ids: bool,
    durable: bool,
    mut storage_options: HashMap<String, String>,
) -> Result<Target> {
    if durable {
        make_durable(&mut storage_options);
    }
    Ok(Target {
        place: Place::of(uri)?,
        must_be_new,
        access: Access {
            storage_options,
            ..Access::default()
        },
        data_storage_version: data_storage_version
            .map(|version| version.parse())
            .transpose()?,
        stable_row_ids,
    })
}
