//! Columns whose names differ from what is written in case alone.
//!
//! Names that are not quoted come in lower case. Where no table of the query has such a column, but one has it in another
//! case, that one is meant. A name that the query gives itself, to a column or a table, means this first: what is none of
//! its own shows when it is planned.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{Expr, Ident, VisitorMut};

use super::errors::Missing;
use super::statement::{Statement, visit_mut};
use super::table::Table;

/// How columns are written, by their names in lower case.
pub struct ExactNames {
    /// None: in several ways, of which none is meant.
    written: HashMap<String, Option<String>>,
    /// What is a column as it is.
    lower: BTreeSet<String>,
}

impl ExactNames {
    pub fn of(tables: &[Arc<Table>]) -> Self {
        let fields = tables.iter().flat_map(|table| table.schema.fields());
        let names: BTreeSet<_> = fields.map(|field| field.name().as_str()).collect();
        let mut written = HashMap::new();
        let mut lower = BTreeSet::new();
        for name in names {
            let key = name.to_lowercase();
            if key == name {
                lower.insert(key);
                continue;
            }
            let several = written.contains_key(&key);
            written.insert(key, (!several).then(|| name.to_string()));
        }
        Self { written, lower }
    }

    /// Write columns as their tables do, where nothing else can be meant.
    pub fn write_in(&self, statement: &mut Statement) {
        let Statement {
            parsed,
            given_names,
            ..
        } = statement;
        let mut edits = Write {
            means: |name: &str| {
                let key = name.to_lowercase();
                let is_other = self.lower.contains(&key) || given_names.contains(&key);
                if is_other { None } else { self.get(&key) }
            },
            is_there: |_: &[Ident]| true,
            wrote: false,
        };
        let _ = visit_mut(parsed, &mut edits);
    }

    /// Write the column that was not found there as its table does; whether there is one.
    pub fn write_at(&self, missing: &Missing, parsed: &mut Parsed) -> bool {
        let key = missing.name.to_lowercase();
        let mut edit = Write {
            means: |name: &str| match name.to_lowercase() == key {
                true => self.get(&key),
                false => None,
            },
            is_there: |path: &[Ident]| is_at(missing, path),
            wrote: false,
        };
        let _ = visit_mut(parsed, &mut edit);
        edit.wrote
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.written.get(key)?.as_deref()
    }
}

/// Whether a column that is missing is named by this path. One that comes with its table is the same wherever it is.
fn is_at(missing: &Missing, path: &[Ident]) -> bool {
    let is_there = |name: &Ident| Some(name.span.start) == missing.place;
    let of_table = |table: &String| match path {
        [.., name, _] => name.value.eq_ignore_ascii_case(table),
        _ => false,
    };
    path.iter().any(is_there) || missing.table.as_ref().is_some_and(of_table)
}

/// Writes names that are not quoted.
struct Write<F, G> {
    means: F,
    is_there: G,
    wrote: bool,
}

impl<'a, F: Fn(&str) -> Option<&'a str>, G: Fn(&[Ident]) -> bool> Write<F, G> {
    fn path(&mut self, path: &mut [Ident]) {
        if !(self.is_there)(path) {
            return;
        }
        for name in path.iter_mut().filter(|name| name.quote_style.is_none()) {
            if let Some(exact) = (self.means)(&name.value) {
                name.value = exact.to_string();
                name.quote_style = Some('"');
                self.wrote = true;
            }
        }
    }
}

impl<'a, F: Fn(&str) -> Option<&'a str>, G: Fn(&[Ident]) -> bool> VisitorMut for Write<F, G> {
    type Break = ();

    fn pre_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        match node {
            Expr::Identifier(name) => self.path(std::slice::from_mut(name)),
            Expr::CompoundIdentifier(path) => self.path(path),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
