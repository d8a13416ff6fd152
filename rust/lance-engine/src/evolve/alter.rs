//! Columns renamed, cast, and made nullable or not.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema};
use lance::dataset::ColumnAlteration as Alteration;
use lance::datatypes::{Field, Schema};

use super::names::{all_stored, path, taken};
use super::primary_key::is_in_key;
use crate::change::Change;
use crate::error::{Error, Result, code};
use crate::read::Opened;
use crate::settings::{ColumnAlteration, Nullability};
use crate::task::Task;
use crate::write::types::check_storable;

pub fn alter_columns(
    opened: Arc<Opened>,
    alterations: Vec<ColumnAlteration>,
    types: Option<ArrowSchema>,
) -> Task<Opened> {
    Box::pin(async move {
        let schema = opened.dataset.schema();
        let alterations = checked(schema, &alterations, types.as_ref())?;
        let altering = |mut dataset: lance::Dataset| async move {
            dataset.alter_columns(&alterations).await?;
            Ok(dataset)
        };
        Change::new(&opened)?
            .run_to_version(&opened, altering)
            .await
    })
}

fn checked(
    schema: &Schema,
    alterations: &[ColumnAlteration],
    types: Option<&ArrowSchema>,
) -> Result<Vec<Alteration>> {
    let names: Vec<_> = alterations.iter().map(|it| it.column.clone()).collect();
    let fields = all_stored(schema, &names)?;
    let types = types.map_or(&[][..], |types| &types.fields()[..]);
    let of_none = |field: &&Arc<ArrowField>| !names.contains(field.name());
    if let Some(field) = types.iter().find(of_none) {
        return Err(Error::invalid_argument(format!(
            "there is a type for {:?}, which is no column of the alterations",
            field.name()
        )));
    }
    let mut renamed = schema.clone();
    let mut out = Vec::with_capacity(fields.len());
    for (asked, field) in alterations.iter().zip(fields) {
        let cast = types.iter().find(|it| *it.name() == asked.column);
        let cast = cast.map(|it| it.data_type());
        if let Some(data_type) = cast {
            check_cast(schema, field, &asked.column, data_type)?;
        }
        if let Some(name) = &asked.rename {
            check_name(name)?;
            if let Some(field) = renamed.mut_field_by_id(field.id) {
                field.name.clone_from(name);
            }
        }
        out.push(Alteration {
            path: path(schema, field)?,
            rename: asked.rename.clone(),
            nullable: match asked.nullability {
                Nullability::Keep => None,
                Nullability::Nullable => Some(true),
                Nullability::Required => Some(false),
            },
            data_type: cast.cloned(),
        });
    }
    check_siblings(&renamed.fields)?;
    Ok(out)
}

/// Casts forget what the field says of a key.
fn check_cast(schema: &Schema, field: &Field, name: &str, data_type: &DataType) -> Result<()> {
    if is_in_key(schema, field) {
        return Err(Error::new(
            code::FAILED_PRECONDITION,
            format!(
                "column {name:?} is of the primary key, which stays as it is: it cannot be cast"
            ),
        ));
    }
    check_storable(&ArrowSchema::new(vec![ArrowField::new(
        field.name.replace(['.', '`'], "_"),
        data_type.clone(),
        true,
    )]))
}

fn check_name(name: &str) -> Result<()> {
    let named = ArrowField::new(name, DataType::Int32, true);
    check_storable(&ArrowSchema::new(vec![named]))
}

/// No two fields of one struct have one name.
fn check_siblings(fields: &[Field]) -> Result<()> {
    let mut names = HashSet::new();
    for field in fields {
        if !names.insert(&field.name) {
            return Err(taken(&field.name));
        }
        check_siblings(&field.children)?;
    }
    Ok(())
}
