//! Names of columns that there are, and of those that are to come.

use arrow::datatypes::{DataType, Schema as ArrowSchema};
use lance::datatypes::{Field, Schema};

use crate::error::{Error, Result};
use crate::read::columns::{check_distinct, column, no_such_column};
use crate::write::types::check_storable;

/// The stored column of this name, or the field of one.
pub fn stored<'a>(schema: &'a Schema, name: &str) -> Result<&'a Field> {
    let named = column(schema, name)?;
    let field = named.is_stored().then(|| schema.field(named.path()));
    field.flatten().ok_or_else(|| no_such_column(schema, name))
}

/// The stored columns of these names, of which there is at least one, and none twice.
pub fn all_stored<'a>(schema: &'a Schema, names: &[String]) -> Result<Vec<&'a Field>> {
    if names.is_empty() {
        return Err(Error::invalid_argument("no column is named"));
    }
    let fields: Result<Vec<_>> = names.iter().map(|name| stored(schema, name)).collect();
    let fields = fields?;
    let mut ids: Vec<_> = fields.iter().map(|field| field.id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < fields.len() {
        check_distinct(names.iter().map(String::as_str))?;
        return Err(Error::invalid_argument(
            "a column is named twice, in different spellings",
        ));
    }
    Ok(fields)
}

/// The path of a field, as the engine looks for it.
pub fn path(schema: &Schema, field: &Field) -> Result<String> {
    Ok(schema.field_path_minimal(field.id)?)
}

/// Refuse columns that cannot be added. A struct may come with more fields of one that there is, which the engine checks.
pub fn check_new(schema: &Schema, new: &ArrowSchema) -> Result<()> {
    if new.fields().is_empty() {
        return Err(Error::invalid_argument("there is no column to add"));
    }
    check_storable(new)?;
    for field in new.fields() {
        let existing = schema.fields.iter().find(|it| it.name == *field.name());
        let is_nested = matches!(field.data_type(), DataType::Struct(_));
        if existing.is_some_and(|existing| !is_nested || existing.children.is_empty()) {
            return Err(taken(field.name()));
        }
    }
    Ok(())
}

pub fn taken(name: &str) -> Error {
    Error::invalid_argument(format!("there is a column {name:?} already"))
}
