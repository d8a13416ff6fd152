//! Key-values of a dataset, its schema and its fields.

use std::collections::HashMap;
use std::sync::Arc;

use lance::dataset::transaction::{Operation, UpdateMap, UpdateMapEntry};
use lance_core::datatypes::{LANCE_UNENFORCED_PRIMARY_KEY, LANCE_UNENFORCED_PRIMARY_KEY_POSITION};

use super::names::stored;
use crate::change::{Change, commit};
use crate::error::{Error, Result};
use crate::read::Opened;
use crate::settings::{MetadataEntry, MetadataKind, MetadataUpdate};
use crate::task::Task;

/// Metadata of a field that makes it a part of the primary key.
const OF_KEY: [&str; 2] = [
    LANCE_UNENFORCED_PRIMARY_KEY,
    LANCE_UNENFORCED_PRIMARY_KEY_POSITION,
];

/// The key-values of a kind, by key.
pub fn metadata(opened: &Opened, kind: MetadataKind) -> Vec<MetadataEntry> {
    let dataset = &opened.dataset;
    listed(match kind {
        MetadataKind::Config => dataset.config(),
        MetadataKind::Table => dataset.metadata(),
        MetadataKind::Schema => &dataset.schema().metadata,
    })
}

/// Those of a column, by key.
pub fn field_metadata(opened: &Opened, column: &str) -> Result<Vec<MetadataEntry>> {
    Ok(listed(&stored(opened.dataset.schema(), column)?.metadata))
}

fn listed(pairs: &HashMap<String, String>) -> Vec<MetadataEntry> {
    let entries = pairs.iter().map(|(key, value)| MetadataEntry {
        key: key.clone(),
        value: value.clone(),
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries
}

pub fn update_metadata(
    opened: Arc<Opened>,
    kind: MetadataKind,
    updates: Vec<MetadataUpdate>,
    replace: bool,
) -> Task<Opened> {
    Box::pin(async move {
        let updates = Some(update_map(updates, replace)?);
        let (config, table, schema) = match kind {
            MetadataKind::Config => (updates, None, None),
            MetadataKind::Table => (None, updates, None),
            MetadataKind::Schema => (None, None, updates),
        };
        let operation = Operation::UpdateConfig {
            config_updates: config,
            table_metadata_updates: table,
            schema_metadata_updates: schema,
            field_metadata_updates: HashMap::new(),
        };
        update(opened, operation).await
    })
}

pub fn update_field_metadata(
    opened: Arc<Opened>,
    column: String,
    updates: Vec<MetadataUpdate>,
    replace: bool,
) -> Task<Opened> {
    Box::pin(async move {
        let field = stored(opened.dataset.schema(), &column)?.id;
        if let Some(update) = updates.iter().find(|it| OF_KEY.contains(&it.key.as_str())) {
            return Err(Error::invalid_argument(format!(
                "the key {:?} is of the primary key: set that in its own way",
                update.key
            )));
        }
        let updates = update_map(updates, replace)?;
        update_fields(opened, HashMap::from([(field, updates)])).await
    })
}

/// Commit metadata of fields, by their ids.
pub async fn update_fields(
    opened: Arc<Opened>,
    updates: HashMap<i32, UpdateMap>,
) -> Result<Opened> {
    let operation = Operation::UpdateConfig {
        config_updates: None,
        table_metadata_updates: None,
        schema_metadata_updates: None,
        field_metadata_updates: updates,
    };
    update(opened, operation).await
}

async fn update(opened: Arc<Opened>, operation: Operation) -> Result<Opened> {
    let updating = |dataset| commit(dataset, operation);
    Change::new(&opened)?
        .run_to_version(&opened, updating)
        .await
}

fn update_map(updates: Vec<MetadataUpdate>, replace: bool) -> Result<UpdateMap> {
    let mut keys: Vec<_> = updates.iter().map(|update| update.key.as_str()).collect();
    keys.sort_unstable();
    if keys.first().is_some_and(|key| key.is_empty()) {
        return Err(Error::invalid_argument("a key is empty"));
    }
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::invalid_argument(format!(
            "the key {:?} is named twice",
            pair[0]
        )));
    }
    if updates.is_empty() && !replace {
        return Err(Error::invalid_argument("no key is named"));
    }
    let entries = updates.into_iter().map(|update| UpdateMapEntry {
        key: update.key,
        value: update.value,
    });
    Ok(UpdateMap {
        update_entries: entries.collect(),
        replace,
    })
}
