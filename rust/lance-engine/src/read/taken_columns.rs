//! The columns that a take returns: stored ones, and such as are computed.

use std::collections::{BTreeSet, HashSet};

use lance::datatypes::Schema;

use super::columns::columns;
use super::filter;
use crate::error::{Error, Result};
use crate::settings::TakeSettings;

/// A column of what is taken.
#[derive(Clone)]
pub struct TakenColumn {
    pub name: String,
    /// As the engine parses it.
    pub expression: String,
    /// It is read as it is, and not computed.
    pub is_stored: bool,
    /// The columns of the dataset that it is made of.
    pub sources: BTreeSet<String>,
}

/// What the settings ask for, in its order.
pub fn taken_columns(schema: &Schema, settings: &TakeSettings) -> Result<Vec<TakenColumn>> {
    let none: &[String] = &[];
    let names = match &settings.columns {
        None if !settings.expressions.is_empty() => Some(none),
        names => names.as_deref(),
    };
    let stored = columns(schema, names)?.into_iter().map(|column| {
        Ok(TakenColumn {
            is_stored: column.is_stored(),
            name: column.name,
            expression: column.expression,
            sources: BTreeSet::from([column.source]),
        })
    });
    let computed = settings.expressions.iter().map(|(name, expression)| {
        Ok(TakenColumn {
            name: name.clone(),
            sources: filter::check(expression, schema)?,
            expression: expression.clone(),
            is_stored: false,
        })
    });
    let all: Vec<_> = stored.chain(computed).collect::<Result<_>>()?;
    let mut distinct = HashSet::new();
    match all.iter().find(|column| !distinct.insert(&column.name)) {
        Some(twice) => Err(Error::invalid_argument(format!(
            "column {:?} is named twice",
            twice.name
        ))),
        None => Ok(all),
    }
}
