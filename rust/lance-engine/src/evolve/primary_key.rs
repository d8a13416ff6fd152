//! The primary key, which is kept in the metadata of its fields.

use std::collections::HashMap;
use std::sync::Arc;

use lance::dataset::transaction::UpdateMap;
use lance::datatypes::{Field, Schema};
use lance_core::datatypes::{LANCE_UNENFORCED_PRIMARY_KEY, LANCE_UNENFORCED_PRIMARY_KEY_POSITION};

use super::metadata::update_fields;
use super::names::{all_stored, path};
use crate::error::{Error, Result, code};
use crate::read::Opened;
use crate::settings::KeyColumn;
use crate::task::Task;

/// Whether a field is of the key, or has one in it that is.
pub fn is_in_key(schema: &Schema, field: &Field) -> bool {
    let keys = schema.unenforced_primary_key();
    keys.iter().any(|key| {
        let way = schema.field_ancestry_by_id(key.id).unwrap_or_default();
        way.iter().any(|it| it.id == field.id)
    })
}

/// The columns of the key, in its order.
pub fn primary_key(opened: &Opened) -> Result<Vec<KeyColumn>> {
    let schema = opened.dataset.schema();
    let fields = schema.unenforced_primary_key();
    let columns = fields.iter().map(|field| {
        let column = path(schema, field)?;
        Ok(KeyColumn { column })
    });
    columns.collect()
}

pub fn set_primary_key(opened: Arc<Opened>, columns: Vec<String>) -> Task<Opened> {
    Box::pin(async move {
        let schema = opened.dataset.schema();
        if !schema.unenforced_primary_key().is_empty() {
            return Err(Error::new(
                code::FAILED_PRECONDITION,
                "the dataset has a primary key, which cannot be changed",
            ));
        }
        let fields = all_stored(schema, &columns)?;
        let mut updates = HashMap::new();
        for (i, (field, name)) in fields.iter().zip(&columns).enumerate() {
            check(schema, field, name)?;
            let entries = [
                (LANCE_UNENFORCED_PRIMARY_KEY, "true".to_string()),
                (LANCE_UNENFORCED_PRIMARY_KEY_POSITION, (i + 1).to_string()),
            ];
            let entries = entries.map(|(key, value)| (key.to_string(), value).into());
            let update = UpdateMap {
                update_entries: entries.into(),
                replace: false,
            };
            updates.insert(field.id, update);
        }
        update_fields(opened.clone(), updates).await
    })
}

fn check(schema: &Schema, field: &Field, name: &str) -> Result<()> {
    let way = schema.field_ancestry_by_id(field.id).unwrap_or_default();
    let why = if !field.is_leaf() {
        "it has fields of its own"
    } else if way.iter().any(|it| it.nullable) {
        "it may be null: make it non-nullable before"
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(format!(
        "column {name:?} cannot be of a primary key: {why}"
    )))
}
