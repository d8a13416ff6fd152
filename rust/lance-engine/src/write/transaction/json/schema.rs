//! Schemas in a document.

use std::collections::HashSet;

use arrow::ipc::convert::try_schema_from_ipc_buffer;
use lance_core::datatypes::{Field, Schema as LanceSchema};
use lance_file::datatypes::{Fields, FieldsWithMeta};
use lance_file::format::pb;
use prost::Message;
use serde::{Deserialize, Serialize};

use super::{Bytes, malformed};
use crate::error::Result;

/// As this library writes it, or as others can.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Schema {
    /// The format's own protobuf, which has the numbers of the fields.
    Whole { fields: Bytes },
    Arrow {
        /// The message of Arrow's IPC.
        arrow: Bytes,
        /// The number of each field, parents before their children. Without them they are counted from 0.
        #[serde(default)]
        field_ids: Option<Vec<i32>>,
    },
}

impl From<&LanceSchema> for Schema {
    fn from(schema: &LanceSchema) -> Self {
        let FieldsWithMeta { fields, metadata } = schema.into();
        let message = pb::Schema {
            fields: fields.0,
            metadata,
        };
        Self::Whole {
            fields: Bytes(message.encode_to_vec()),
        }
    }
}

impl Schema {
    pub fn into_engine(self) -> Result<LanceSchema> {
        match self {
            Self::Whole {
                fields: Bytes(bytes),
            } => {
                let message =
                    pb::Schema::decode(bytes.as_slice()).map_err(|error| malformed(&error))?;
                let fields = FieldsWithMeta {
                    fields: Fields(message.fields),
                    metadata: message.metadata,
                };
                Ok(LanceSchema::try_from(fields)?)
            }
            Self::Arrow {
                arrow: Bytes(bytes),
                field_ids,
            } => {
                let schema =
                    try_schema_from_ipc_buffer(&bytes).map_err(|error| malformed(&error))?;
                let mut schema = LanceSchema::try_from(&schema)?;
                if let Some(ids) = field_ids {
                    number(&mut schema, &ids)?;
                }
                Ok(schema)
            }
        }
    }
}

fn number(schema: &mut LanceSchema, ids: &[i32]) -> Result<()> {
    let count = schema.fields_pre_order().count();
    let distinct: HashSet<_> = ids.iter().collect();
    if ids.len() != count || distinct.len() != count {
        return Err(malformed(&format_args!(
            "field_ids has {} different numbers for {count} fields",
            distinct.len()
        )));
    }
    let mut ids = ids.iter().copied();
    number_all(&mut schema.fields, -1, &mut ids);
    Ok(())
}

fn number_all(fields: &mut [Field], parent: i32, ids: &mut impl Iterator<Item = i32>) {
    for field in fields {
        field.id = ids.next().unwrap_or(-1);
        field.parent_id = parent;
        number_all(&mut field.children, field.id, ids);
    }
}
