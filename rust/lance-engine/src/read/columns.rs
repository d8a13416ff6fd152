//! Columns that a caller names: one rule for scans, takes and filters.
//!
//! A name is that of a column, `a.b` that of a field of a struct, with backticks round what is odd; upper and lower
//! case differ. The column comes back under the name it was asked for by.

use arrow::datatypes::DataType;
use lance::datatypes::{Field, Schema};
use lance_core::datatypes::parse_field_path;
use lance_core::is_system_column;

use crate::error::{Error, Result};

/// Stands for all columns.
const ALL: &str = "*";

/// A column to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// As the caller wrote it.
    pub name: String,
    /// As the engine parses it.
    pub expression: String,
    /// The column of the dataset that it is, or is in.
    pub source: String,
}

impl Column {
    fn new(name: &str, path: &[String]) -> Self {
        let quoted = path
            .iter()
            .map(|part| format!("`{}`", part.replace('`', "``")));
        Self {
            name: name.to_string(),
            expression: quoted.collect::<Vec<_>>().join("."),
            source: path[0].clone(),
        }
    }

    /// As the engine looks for it in a schema.
    pub fn path(&self) -> &str {
        match parse_field_path(&self.name) {
            Ok(_) => &self.name,
            Err(_) => &self.expression,
        }
    }

    pub fn is_stored(&self) -> bool {
        !is_system_column(&self.source)
    }
}

/// The columns named, or all that are stored.
pub fn columns(schema: &Schema, names: Option<&[String]>) -> Result<Vec<Column>> {
    let all = || {
        let names = schema.fields.iter().map(|field| &field.name);
        names.map(|name| Column::new(name, std::slice::from_ref(name)))
    };
    let Some(names) = names else {
        return Ok(all().collect());
    };
    let mut columns: Vec<Column> = Vec::with_capacity(names.len());
    for name in names {
        if name == ALL && schema.field(ALL).is_none() {
            columns.extend(all());
            continue;
        }
        // What is no path is the name of a column.
        let path = parse_field_path(name).unwrap_or_else(|_| vec![name.clone()]);
        if !exists(schema, &path) {
            return Err(no_such_column(schema, name));
        }
        columns.push(Column::new(name, &path));
    }
    check_distinct(columns.iter().map(|column| column.name.as_str()))?;
    Ok(columns)
}

/// The one column of this name.
pub fn column(schema: &Schema, name: &str) -> Result<Column> {
    let mut named = columns(schema, Some(&[name.to_string()]))?;
    match (named.pop(), named.is_empty()) {
        (Some(column), true) => Ok(column),
        _ => Err(no_such_column(schema, name)),
    }
}

/// No two columns of a batch have one name.
pub fn check_distinct<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut sorted: Vec<_> = names.into_iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::invalid_argument(format!(
            "column {:?} is named twice",
            pair[0]
        ))),
        None => Ok(()),
    }
}

pub fn no_such_column(schema: &Schema, name: &str) -> Error {
    Error::no_such_column(name, schema.field_paths())
}

fn exists(schema: &Schema, path: &[String]) -> bool {
    let [first, rest @ ..] = path else {
        return false;
    };
    if rest.is_empty() && is_system_column(first) {
        return true;
    }
    let field = schema.fields.iter().find(|field| field.name == *first);
    field.is_some_and(|field| has_child(field, rest))
}

/// Whether a struct has a field at this path.
pub fn has_child(field: &Field, path: &[String]) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return true;
    };
    // The engine describes blobs in its own way.
    if field.is_blob() {
        return true;
    }
    matches!(field.data_type(), DataType::Struct(_))
        && field
            .children
            .iter()
            .any(|child| child.name == *name && has_child(child, rest))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Schema as ArrowSchema};

    use super::*;
    use crate::error::code;

    fn schema() -> Schema {
        let number = |name: &str| Field::new(name, DataType::Int32, true);
        let inner = Field::new_struct("Z", vec![number("q")], true);
        let place = Field::new_struct("st", vec![number("x"), inner, number("o.k")], true);
        let list = Field::new_list("l", place.clone().with_name("item"), true);
        let fields = vec![number("id"), number("sp ace"), number("b`t"), place, list];
        Schema::try_from(&ArrowSchema::new(fields)).expect("a schema")
    }

    fn resolve(names: &[&str]) -> Result<Vec<Column>> {
        let names: Vec<_> = names.iter().map(|name| name.to_string()).collect();
        columns(&schema(), Some(&names))
    }

    #[test]
    fn names_paths_and_quotes() {
        for (name, expression, source) in [
            ("id", "`id`", "id"),
            ("`id`", "`id`", "id"),
            ("sp ace", "`sp ace`", "sp ace"),
            ("st.x", "`st`.`x`", "st"),
            ("st.Z.q", "`st`.`Z`.`q`", "st"),
            ("st.`o.k`", "`st`.`o.k`", "st"),
            ("_rowid", "`_rowid`", "_rowid"),
        ] {
            let columns = resolve(&[name]).expect(name);
            let column = &columns[0];
            let parts = (
                column.name.as_str(),
                column.expression.as_str(),
                column.source.as_str(),
            );
            assert_eq!(parts, (name, expression, source));
        }
    }

    #[test]
    fn what_does_not_exist_is_not_found() {
        for name in [
            "nope",
            "ID",
            "st.nope",
            "st.z.q",
            "st.x.y",
            "l.x",
            "l.item.x",
            "",
            ".",
            "st.",
            "`st",
            "_distance",
            "_rowid.x",
        ] {
            let error = resolve(&[name]).expect_err(name);
            assert_eq!(error.code(), code::FIELD_NOT_FOUND, "{name}: {error}");
        }
    }

    #[test]
    fn a_name_comes_once() {
        for names in [&["id", "id"][..], &["id", "*"], &["*", "*"]] {
            let error = resolve(names).expect_err("twice");
            assert_eq!(error.code(), code::INVALID_ARGUMENT, "{error}");
        }
        assert!(resolve(&["st.x", "st", "st.Z"]).is_ok());
    }

    #[test]
    fn none_all_and_the_asterisk() {
        assert_eq!(resolve(&[]).expect("none"), []);
        let all = columns(&schema(), None).expect("all");
        assert_eq!(all.len(), 5);
        assert_eq!(all[2].expression, "`b``t`");
        assert_eq!(resolve(&["*"]).expect("all"), all);
        assert!(column(&schema(), "*").is_err());
        assert_eq!(column(&schema(), "st.x").expect("one").path(), "st.x");
    }
}
