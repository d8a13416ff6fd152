//! Columns whose names differ from what is written in case alone.
//!
//! Names that are not quoted come in lower case. Where no table of the query has such a column, but one has it in another
//! case, that one is meant. A name that the query gives itself, to a column or a table, means this first: what is none of
//! its own shows when it is planned.

use std::collections::{BTreeSet, HashMap};
use std::iter::once;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, TableFactor, VisitorMut};

use super::errors::Missing;
use super::statement::{GivenNames, Statement, visit_mut};
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
        let Statement { parsed, names, .. } = statement;
        if !self.written.is_empty() {
            let mut everywhere = Everywhere {
                exact: self,
                names,
                scopes: Vec::new(),
            };
            let _ = visit_mut(parsed, &mut everywhere);
        }
    }

    /// Write the column that was not found there as its table does; whether there is one.
    pub fn write_at(&self, missing: &Missing, parsed: &mut Parsed) -> bool {
        let Some(name) = self.get(&missing.name.to_lowercase()) else {
            return false;
        };
        let mut there = There {
            missing,
            name,
            wrote: false,
        };
        let _ = visit_mut(parsed, &mut there);
        there.wrote
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.written.get(key)?.as_deref()
    }
}

fn path(node: &mut Expr) -> &mut [Ident] {
    match node {
        Expr::Identifier(name) => std::slice::from_mut(name),
        Expr::CompoundIdentifier(path) => path,
        _ => &mut [],
    }
}

fn write(name: &mut Ident, exact: &str) {
    name.value = exact.to_string();
    name.quote_style = Some('"');
}

/// Where names are.
enum Scope {
    /// In a SELECT from tables alone, whose columns come before names that it gives.
    Tables,
    Other,
}

/// Writes all names that are not quoted.
struct Everywhere<'a> {
    exact: &'a ExactNames,
    names: &'a GivenNames,
    /// The innermost is the last.
    scopes: Vec<Scope>,
}

impl Everywhere<'_> {
    fn are_tables(&self, select: &Select) -> bool {
        let is_table = |factor: &TableFactor| match factor {
            TableFactor::Table {
                name, args: None, ..
            } => !self
                .names
                .queries
                .contains(&name.to_string().to_lowercase()),
            _ => false,
        };
        select.from.iter().all(|from| {
            let joined = from.joins.iter().map(|join| &join.relation);
            once(&from.relation).chain(joined).all(is_table)
        })
    }
}

impl VisitorMut for Everywhere<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.scopes.push(Scope::Other);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.scopes.push(match self.are_tables(select) {
            true => Scope::Tables,
            false => Scope::Other,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        let path = path(node);
        let last = path.len().saturating_sub(1);
        for (i, name) in path.iter_mut().enumerate() {
            let key = name.value.to_lowercase();
            let is_other = match self.scopes.last() {
                Some(Scope::Tables) => i < last && self.names.tables.contains(&key),
                _ => self.names.tables.contains(&key) || self.names.columns.contains(&key),
            };
            if name.quote_style.is_none()
                && !is_other
                && !self.exact.lower.contains(&key)
                && let Some(exact) = self.exact.get(&key)
            {
                write(name, exact);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Writes a name that was not found.
struct There<'a> {
    missing: &'a Missing,
    /// As it is to be.
    name: &'a str,
    wrote: bool,
}

impl There<'_> {
    /// Whether this path names it. With its table it is the same wherever it is.
    fn is_it(&self, path: &[Ident]) -> bool {
        let Missing { table, place, .. } = self.missing;
        let is_there = |name: &Ident| Some(name.span.start) == *place;
        let of_table = |table: &String| match path {
            [.., name, _] => name.value.eq_ignore_ascii_case(table),
            _ => false,
        };
        path.iter().any(is_there) || table.as_ref().is_some_and(of_table)
    }
}

impl VisitorMut for There<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        let path = path(node);
        if self.is_it(path)
            && let Some(last) = path.last_mut()
            && last.quote_style.is_none()
            && last.value.eq_ignore_ascii_case(&self.missing.name)
        {
            write(last, self.name);
            self.wrote = true;
        }
        ControlFlow::Continue(())
    }
}
