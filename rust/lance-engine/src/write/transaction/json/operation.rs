//! What a transaction does, in a document: one form for each operation, with the names that pylance has.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use lance::dataset::transaction::{
    DataReplacementGroup, Operation as Engine, RewriteGroup, Transaction, UpdateMap,
    UpdateMapEntry, UpdateMode,
};
use lance_table::format::{DataFile, Fragment, IndexMetadata, pb};
use prost::Message;
use serde::{Deserialize, Serialize};

use super::index::{Index, Rewritten};
use super::schema::Schema;
use super::{Bytes, malformed, unwritable};
use crate::error::Result;

/// By numbers, which are text in JSON.
type Numbered<T> = BTreeMap<String, T>;

fn by_number<N: FromStr, T>((number, value): (String, T)) -> Result<(N, T)> {
    match number.parse() {
        Ok(number) => Ok((number, value)),
        Err(_) => Err(malformed(&format_args!("{number:?} is no number"))),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Operation {
    Append(Append),
    Overwrite(Overwrite),
    Delete(Delete),
    Update(Update),
    Merge(Merge),
    Rewrite(Rewrite),
    Restore(Restore),
    DataReplacement(DataReplacement),
    Project(Project),
    CreateIndex(CreateIndex),
    UpdateConfig(UpdateConfig),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Append {
    fragments: Vec<Fragment>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overwrite {
    fragments: Vec<Fragment>,
    schema: Schema,
    #[serde(default)]
    config: HashMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    updated_fragments: Vec<Fragment>,
    deleted_fragment_ids: Vec<u64>,
    predicate: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Update {
    removed_fragment_ids: Vec<u64>,
    updated_fragments: Vec<Fragment>,
    new_fragments: Vec<Fragment>,
    fields_modified: Vec<u32>,
    fields_for_preserving_frag_bitmap: Vec<u32>,
    update_mode: Option<Mode>,
    /// For each fragment the bitmap of its rows that matched.
    updated_fragment_offsets: Numbered<Bytes>,
    /// The engine's protobuf.
    inserted_rows_filter: Option<Bytes>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    RewriteRows,
    RewriteColumns,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    fragments: Vec<Fragment>,
    schema: Schema,
    #[serde(default)]
    preserves_nullability: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    old_fragments: Vec<Fragment>,
    new_fragments: Vec<Fragment>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    groups: Vec<Group>,
    #[serde(default)]
    rewritten_indices: Vec<Rewritten>,
    #[serde(default)]
    frag_reuse_index: Option<Index>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    fragment_id: u64,
    new_file: DataFile,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataReplacement {
    replacements: Vec<Replacement>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    schema: Schema,
    #[serde(default)]
    preserves_nullability: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateIndex {
    new_indices: Vec<Index>,
    #[serde(default)]
    removed_indices: Vec<Index>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    /// Without a value, the key is removed.
    updates: BTreeMap<String, Option<String>>,
    #[serde(default)]
    replace: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateConfig {
    #[serde(default)]
    config_updates: Option<Changes>,
    #[serde(default)]
    table_metadata_updates: Option<Changes>,
    #[serde(default)]
    schema_metadata_updates: Option<Changes>,
    #[serde(default)]
    field_metadata_updates: Numbered<Changes>,
}

impl From<&UpdateMap> for Changes {
    fn from(map: &UpdateMap) -> Self {
        let entries = map.update_entries.iter();
        Self {
            updates: entries
                .map(|entry| (entry.key.clone(), entry.value.clone()))
                .collect(),
            replace: map.replace,
        }
    }
}

impl From<Changes> for UpdateMap {
    fn from(changes: Changes) -> Self {
        Self {
            update_entries: changes
                .updates
                .into_iter()
                .map(UpdateMapEntry::from)
                .collect(),
            replace: changes.replace,
        }
    }
}

/// The form of what `transaction` does.
pub fn of(transaction: &Transaction) -> Result<Operation> {
    Ok(match &transaction.operation {
        Engine::Append { fragments } => Operation::Append(Append {
            fragments: fragments.clone(),
        }),
        Engine::Overwrite {
            fragments,
            schema,
            config_upsert_values,
            initial_bases: None,
        } => Operation::Overwrite(Overwrite {
            fragments: fragments.clone(),
            schema: schema.into(),
            config: config_upsert_values.clone().unwrap_or_default(),
        }),
        Engine::Overwrite { .. } => {
            return Err(unwritable(
                &"a new dataset with several places for its files",
            ));
        }
        Engine::Delete {
            updated_fragments,
            deleted_fragment_ids,
            predicate,
        } => Operation::Delete(Delete {
            updated_fragments: updated_fragments.clone(),
            deleted_fragment_ids: deleted_fragment_ids.clone(),
            predicate: predicate.clone(),
        }),
        Engine::Update { .. } => Operation::Update(update_of(transaction)?),
        Engine::Merge {
            fragments,
            schema,
            preserves_nullability,
        } => Operation::Merge(Merge {
            fragments: fragments.clone(),
            schema: schema.into(),
            preserves_nullability: *preserves_nullability,
        }),
        Engine::Rewrite {
            groups,
            rewritten_indices,
            frag_reuse_index,
        } => Operation::Rewrite(Rewrite {
            groups: groups
                .iter()
                .map(|group| Group {
                    old_fragments: group.old_fragments.clone(),
                    new_fragments: group.new_fragments.clone(),
                })
                .collect(),
            rewritten_indices: rewritten_indices.iter().map(Rewritten::from).collect(),
            frag_reuse_index: frag_reuse_index.as_ref().map(Index::from),
        }),
        Engine::Restore { version } => Operation::Restore(Restore { version: *version }),
        Engine::DataReplacement { replacements } => Operation::DataReplacement(DataReplacement {
            replacements: replacements
                .iter()
                .map(|DataReplacementGroup(fragment_id, new_file)| Replacement {
                    fragment_id: *fragment_id,
                    new_file: new_file.clone(),
                })
                .collect(),
        }),
        Engine::Project {
            schema,
            preserves_nullability,
        } => Operation::Project(Project {
            schema: schema.into(),
            preserves_nullability: *preserves_nullability,
        }),
        Engine::CreateIndex {
            new_indices,
            removed_indices,
        } => Operation::CreateIndex(CreateIndex {
            new_indices: new_indices.iter().map(Index::from).collect(),
            removed_indices: removed_indices.iter().map(Index::from).collect(),
        }),
        Engine::UpdateConfig {
            config_updates,
            table_metadata_updates,
            schema_metadata_updates,
            field_metadata_updates,
        } => Operation::UpdateConfig(UpdateConfig {
            config_updates: config_updates.as_ref().map(Changes::from),
            table_metadata_updates: table_metadata_updates.as_ref().map(Changes::from),
            schema_metadata_updates: schema_metadata_updates.as_ref().map(Changes::from),
            field_metadata_updates: field_metadata_updates
                .iter()
                .map(|(field, changes)| (field.to_string(), changes.into()))
                .collect(),
        }),
        other => return Err(unwritable(&format_args!("the operation {other}"))),
    })
}

/// Its bitmaps and filters are as the engine writes them.
fn update_of(transaction: &Transaction) -> Result<Update> {
    let Engine::Update {
        updated_fragments,
        new_fragments,
        update_mode,
        compacted_sstables,
        ..
    } = &transaction.operation
    else {
        return Ok(Update::default());
    };
    if !compacted_sstables.is_empty() {
        return Err(unwritable(&"an update from a write-ahead log"));
    }
    let message = pb::Transaction::try_from(transaction)?;
    let Some(pb::transaction::Operation::Update(message)) = message.operation else {
        return Ok(Update::default());
    };
    Ok(Update {
        removed_fragment_ids: message.removed_fragment_ids,
        updated_fragments: updated_fragments.clone(),
        new_fragments: new_fragments.clone(),
        fields_modified: message.fields_modified,
        fields_for_preserving_frag_bitmap: message.fields_for_preserving_frag_bitmap,
        update_mode: update_mode.as_ref().map(|mode| match mode {
            UpdateMode::RewriteRows => Mode::RewriteRows,
            UpdateMode::RewriteColumns => Mode::RewriteColumns,
        }),
        updated_fragment_offsets: message
            .updated_fragment_offset_bitmaps
            .into_iter()
            .map(|(fragment, bitmap)| (fragment.to_string(), Bytes(bitmap)))
            .collect(),
        inserted_rows_filter: message
            .inserted_rows
            .map(|filter| Bytes(filter.encode_to_vec())),
    })
}

impl Update {
    fn into_engine(self) -> Result<Engine> {
        let filter = self.inserted_rows_filter.map(|Bytes(bytes)| {
            pb::transaction::KeyExistenceFilter::decode(bytes.as_slice())
                .map_err(|error| malformed(&error))
        });
        let message = pb::transaction::Update {
            removed_fragment_ids: self.removed_fragment_ids,
            fields_modified: self.fields_modified,
            fields_for_preserving_frag_bitmap: self.fields_for_preserving_frag_bitmap,
            inserted_rows: filter.transpose()?,
            updated_fragment_offset_bitmaps: self
                .updated_fragment_offsets
                .into_iter()
                .map(|(fragment, Bytes(bitmap))| by_number((fragment, bitmap)))
                .collect::<Result<_>>()?,
            ..Default::default()
        };
        let mut operation = Transaction::try_from(pb::Transaction {
            operation: Some(pb::transaction::Operation::Update(message)),
            ..Default::default()
        })?
        .operation;
        if let Engine::Update {
            updated_fragments,
            new_fragments,
            update_mode,
            ..
        } = &mut operation
        {
            *updated_fragments = self.updated_fragments;
            *new_fragments = self.new_fragments;
            *update_mode = self.update_mode.map(|mode| match mode {
                Mode::RewriteRows => UpdateMode::RewriteRows,
                Mode::RewriteColumns => UpdateMode::RewriteColumns,
            });
        }
        Ok(operation)
    }
}

fn into_indices(indices: Vec<Index>) -> Result<Vec<IndexMetadata>> {
    indices.into_iter().map(Index::into_engine).collect()
}

impl Operation {
    pub fn into_engine(self) -> Result<Engine> {
        Ok(match self {
            Self::Append(Append { fragments }) => Engine::Append { fragments },
            Self::Overwrite(it) => Engine::Overwrite {
                fragments: it.fragments,
                schema: it.schema.into_engine()?,
                config_upsert_values: (!it.config.is_empty()).then_some(it.config),
                initial_bases: None,
            },
            Self::Delete(it) => Engine::Delete {
                updated_fragments: it.updated_fragments,
                deleted_fragment_ids: it.deleted_fragment_ids,
                predicate: it.predicate,
            },
            Self::Update(it) => it.into_engine()?,
            Self::Merge(it) => Engine::Merge {
                fragments: it.fragments,
                schema: it.schema.into_engine()?,
                preserves_nullability: it.preserves_nullability,
            },
            Self::Rewrite(it) => Engine::Rewrite {
                groups: it
                    .groups
                    .into_iter()
                    .map(|group| RewriteGroup {
                        old_fragments: group.old_fragments,
                        new_fragments: group.new_fragments,
                    })
                    .collect(),
                rewritten_indices: it
                    .rewritten_indices
                    .into_iter()
                    .map(Rewritten::into_engine)
                    .collect::<Result<_>>()?,
                frag_reuse_index: it.frag_reuse_index.map(Index::into_engine).transpose()?,
            },
            Self::Restore(Restore { version }) => Engine::Restore { version },
            Self::DataReplacement(it) => Engine::DataReplacement {
                replacements: it
                    .replacements
                    .into_iter()
                    .map(|it| DataReplacementGroup(it.fragment_id, it.new_file))
                    .collect(),
            },
            Self::Project(it) => Engine::Project {
                schema: it.schema.into_engine()?,
                preserves_nullability: it.preserves_nullability,
            },
            Self::CreateIndex(it) => Engine::CreateIndex {
                new_indices: into_indices(it.new_indices)?,
                removed_indices: into_indices(it.removed_indices)?,
            },
            Self::UpdateConfig(it) => Engine::UpdateConfig {
                config_updates: it.config_updates.map(UpdateMap::from),
                table_metadata_updates: it.table_metadata_updates.map(UpdateMap::from),
                schema_metadata_updates: it.schema_metadata_updates.map(UpdateMap::from),
                field_metadata_updates: it
                    .field_metadata_updates
                    .into_iter()
                    .map(|(field, changes)| by_number((field, changes.into())))
                    .collect::<Result<_>>()?,
            },
        })
    }
}
