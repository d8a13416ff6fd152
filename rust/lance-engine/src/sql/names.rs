//! Columns whose names differ from what is written in case alone.
//!
//! Names that are not quoted come in lower case. Where no table has such a column, but one has it in another case, that
//! one is meant.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{Expr, Ident, VisitorMut};

use super::statement::Statement;
use super::table::Table;

/// Write columns as their tables do.
pub fn exact_columns(statement: &mut Statement, tables: &[(String, Arc<Table>)]) {
    let fields = tables.iter().flat_map(|(_, table)| table.0.schema.fields());
    let exact: BTreeSet<&str> = fields.map(|field| field.name().as_str()).collect();
    let mut alike: HashMap<String, Option<&str>> = HashMap::new();
    for name in exact
        .iter()
        .filter(|name| name.chars().any(char::is_uppercase))
    {
        let lower = name.to_lowercase();
        if !exact.contains(lower.as_str()) {
            // Of several alike none is meant.
            let meant = alike.entry(lower).or_insert(Some(*name));
            *meant = meant.filter(|other| other == name);
        }
    }
    if !alike.is_empty() {
        statement.visit_mut(&mut Exact(alike));
    }
}

struct Exact<'a>(HashMap<String, Option<&'a str>>);

impl Exact<'_> {
    fn write(&self, name: &mut Ident) {
        if name.quote_style.is_none()
            && let Some(Some(exact)) = self.0.get(&name.value.to_lowercase())
        {
            name.value = exact.to_string();
            name.quote_style = Some('"');
        }
    }
}

impl VisitorMut for Exact<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        match node {
            Expr::Identifier(name) => self.write(name),
            Expr::CompoundIdentifier(path) => path.iter_mut().for_each(|part| self.write(part)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
