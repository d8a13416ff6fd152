//! Columns of a fragment, written anew, added and updated.

use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use futures::TryStreamExt;
use lance::dataset::NewColumnTransform;
use lance::dataset::fragment::FileFragment;
use lance::dataset::transaction::{Operation, UpdateMode, UpdatedFragmentOffsets};
use lance::datatypes::Schema;
use lance_core::{ROW_ADDR, ROW_ID};
use lance_table::format::Fragment;

use super::reader::Reader;
use super::{change, staged};
use crate::error::{Error, Result};
use crate::incoming::Incoming;
use crate::read::columns::check_distinct;
use crate::read::expression::{blame, check};
use crate::read::{Opened, no_such_column};
use crate::task::Task;
use crate::write::transaction::{Pending, Staged};

/// Put new values in the place of whole columns, in the order in which the rows are stored, deleted ones included.
pub fn write(opened: Arc<Opened>, id: u64, values: Incoming) -> Task<Pending> {
    Box::pin(async move {
        let columns = whole_columns(opened.dataset.schema(), &values.schema)?;
        let writing = |fragment: FileFragment| async move {
            let values = values.map_err(|error| lance_core::Error::external(Box::new(error)));
            let replacement = fragment.write_columns(values, &columns).await?;
            let operation = Operation::DataReplacement {
                replacements: vec![replacement],
            };
            Ok(staged(&fragment, operation))
        };
        change(opened, id, writing).await
    })
}

/// Those of the dataset, of the same names.
fn whole_columns(schema: &Schema, given: &ArrowSchema) -> Result<Schema> {
    let fields = given.fields().iter().map(|field| {
        let known = schema
            .fields
            .iter()
            .find(|known| known.name == *field.name());
        known
            .cloned()
            .ok_or_else(|| no_such_column(schema, field.name()))
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    match fields.is_empty() {
        true => Err(Error::invalid_argument("there is no column to write")),
        false => Ok(Schema {
            fields,
            metadata: schema.metadata.clone(),
        }),
    }
}

/// Look up what is joined: a column of the dataset, or what tells a row, and one of the values.
fn check_keys(schema: &Schema, given: &ArrowSchema, left_on: &str, right_on: &str) -> Result<()> {
    if ![ROW_ID, ROW_ADDR].contains(&left_on) && schema.field(left_on).is_none() {
        return Err(no_such_column(schema, left_on));
    }
    let names = given.fields().iter().map(|field| field.name());
    match given.field_with_name(right_on) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::no_such_column(right_on, names).context("of the values")),
    }
}

/// Add columns, joined by a key. Rows that no values are given for get NULL.
pub fn merge(
    opened: Arc<Opened>,
    id: u64,
    values: Incoming,
    left_on: String,
    right_on: String,
) -> Task<Pending> {
    Box::pin(async move {
        let schema = opened.dataset.schema();
        check_keys(schema, &values.schema, &left_on, &right_on)?;
        let given = values.schema.fields().iter();
        let mut new = given.filter(|field| *field.name() != right_on);
        if let Some(there) = new.find(|field| schema.field(field.name()).is_some()) {
            return Err(taken(there.name()));
        }
        let merging = |mut fragment: FileFragment| async move {
            let merged = fragment.merge_columns(Reader(values), &left_on, &right_on);
            let (merged, schema) = merged.await?;
            Ok(added(&fragment, merged, schema))
        };
        change(opened, id, merging).await
    })
}

fn taken(name: &str) -> Error {
    Error::invalid_argument(format!("there is a column {name:?} already"))
}

/// The transaction of a fragment that has more columns now.
fn added(fragment: &FileFragment, now: Fragment, schema: Schema) -> Staged {
    let known = fragment.schema().field_ids();
    let preserves_nullability = schema
        .fields_pre_order()
        .filter(|field| !known.contains(&field.id))
        .all(|field| field.nullable);
    let operation = Operation::Merge {
        fragments: vec![now],
        schema,
        preserves_nullability,
    };
    staged(fragment, operation)
}

/// Add columns that expressions compute.
pub fn add(opened: Arc<Opened>, id: u64, expressions: Vec<(String, String)>) -> Task<Pending> {
    Box::pin(async move {
        let schema = opened.dataset.schema();
        if expressions.is_empty() {
            return Err(Error::invalid_argument("there is no column to add"));
        }
        check_distinct(expressions.iter().map(|(name, _)| name.as_str()))?;
        let checked = expressions.into_iter().map(|(name, sql)| {
            if schema.field(&name).is_some() {
                return Err(taken(&name));
            }
            let checked = check(&format!("column {name:?}"), &sql, schema)?;
            Ok((name, checked.sql))
        });
        let expressions = checked.collect::<Result<Vec<_>>>()?;
        let adding = |fragment: FileFragment| async move {
            let transform = NewColumnTransform::SqlExpressions(expressions);
            let (now, schema) = fragment.add_columns(transform, None, None).await?;
            Ok(added(&fragment, now, schema))
        };
        let pending = change(opened, id, adding).await;
        pending.map_err(|error| blame("an expression", error))
    })
}

/// Put new values in the place of some, joined by a key. Rows that no values are given for stay as they are.
pub fn update(
    opened: Arc<Opened>,
    id: u64,
    values: Incoming,
    left_on: String,
    right_on: String,
) -> Task<Pending> {
    Box::pin(async move {
        let schema = opened.dataset.schema();
        check_keys(schema, &values.schema, &left_on, &right_on)?;
        let given = values.schema.fields().iter();
        let mut changed = given.filter(|field| *field.name() != right_on);
        if let Some(unknown) = changed.find(|field| schema.field(field.name()).is_none()) {
            return Err(no_such_column(schema, unknown.name()));
        }
        let updating = |fragment| updated(fragment, values, left_on, right_on);
        change(opened, id, updating).await
    })
}

async fn updated(
    mut fragment: FileFragment,
    values: Incoming,
    left_on: String,
    right_on: String,
) -> Result<Staged> {
    let done = fragment
        .update_columns_with_offsets(Reader(values), &left_on, &right_on)
        .await?;
    let has_stable_ids = fragment.dataset().manifest().uses_stable_row_ids();
    let id = fragment.id() as u64;
    let offsets = UpdatedFragmentOffsets([(id, done.matched_offsets)].into());
    let operation = Operation::Update {
        removed_fragment_ids: Vec::new(),
        updated_fragments: vec![done.fragment],
        new_fragments: Vec::new(),
        fields_modified: done.fields_modified,
        compacted_sstables: Vec::new(),
        fields_for_preserving_frag_bitmap: Vec::new(),
        update_mode: Some(UpdateMode::RewriteColumns),
        inserted_rows_filter: None,
        updated_fragment_offsets: has_stable_ids.then_some(offsets),
    };
    Ok(staged(&fragment, operation))
}
