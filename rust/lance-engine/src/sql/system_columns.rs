//! Columns that every dataset has and no `*` means, such as `_rowid`.
//!
//! Planners know only of columns that a `*` means. So where a query names one of these, its tables have them like all
//! others, and each `*` is written without them.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, SchemaBuilder, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::Result as PlanResult;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    ExceptSelectItem, ExcludeSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator,
    ObjectName, Select, SelectItem, SelectItemQualifiedWildcardKind, TableFactor, VisitorMut,
    WildcardAdditionalOptions,
};
use lance_core::{
    ROW_ADDR, ROW_CREATED_AT_VERSION, ROW_ID, ROW_LAST_UPDATED_AT_VERSION, ROW_OFFSET,
    is_system_column,
};

use super::catalog::Tables;
use super::statement::{Statement, visit_mut};
use super::table::Table;
use crate::error::{Error, Result, code};

const NAMES: [&str; 5] = [
    ROW_ID,
    ROW_ADDR,
    ROW_OFFSET,
    ROW_CREATED_AT_VERSION,
    ROW_LAST_UPDATED_AT_VERSION,
];

/// The columns that a dataset has besides those of its schema.
fn beside(schema: &SchemaRef) -> Vec<FieldRef> {
    let names = NAMES.iter();
    let absent = names.filter(|name| schema.column_with_name(name).is_none());
    absent
        .map(|name| Arc::new(Field::new(*name, DataType::UInt64, true)))
        .collect()
}

/// Tables with these columns. They are in no list.
#[derive(Debug)]
pub struct WithSystemColumns(pub Arc<Tables>);

#[async_trait]
impl SchemaProvider for WithSystemColumns {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, name: &str) -> PlanResult<Option<Arc<dyn TableProvider>>> {
        let table = self.0.find(name).map(|table| {
            let mut schema = SchemaBuilder::from(table.schema.as_ref());
            schema.extend(beside(&table.schema));
            Arc::new(Table {
                source: table.source.clone(),
                schema: Arc::new(schema.finish()),
            })
        });
        Ok(table.map(|table| table as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.table_exist(name)
    }
}

/// Whether the query names such a column. Each `*` is then written without them.
pub fn are_named_in(statement: &mut Statement, tables: &Tables) -> Result<bool> {
    if visit_mut(&mut statement.parsed, &mut Named).is_continue() {
        return Ok(false);
    }
    let Statement { parsed, names, .. } = statement;
    // Within such a query its name may be that of the table, and elsewhere not.
    if let Some(name) = names
        .queries
        .iter()
        .find(|name| tables.find(name).is_some())
    {
        return Err(not_supported(&format!(
            "gives a query the name {name:?} of a table: choose another"
        )));
    }
    write_stars(parsed, |name: &ObjectName| {
        let table = match name.0.as_slice() {
            [part] => part.as_ident().and_then(|name| tables.find(&folded(name))),
            _ => None,
        };
        table.map_or_else(Vec::new, |table| beside(&table.schema))
    })?;
    Ok(true)
}

/// A name as queries mean it.
fn folded(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_ascii_lowercase(),
    }
}

/// Breaks where a column is named.
struct Named;

impl VisitorMut for Named {
    type Break = ();

    fn pre_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        let last = match node {
            Expr::Identifier(name) => Some(&*name),
            Expr::CompoundIdentifier(path) => path.last(),
            _ => None,
        };
        match last.is_some_and(|name| is_system_column(&folded(name))) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

fn write_stars(parsed: &mut Parsed, beside: impl Fn(&ObjectName) -> Vec<FieldRef>) -> Result<()> {
    match visit_mut(parsed, &mut Stars(beside)) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Stars<F>(F);

/// What is selected from.
struct Relation {
    name: ObjectName,
    hidden: Vec<Ident>,
}

impl<F: Fn(&ObjectName) -> Vec<FieldRef>> Stars<F> {
    /// None of what has no name of its own.
    fn relation(&self, factor: &TableFactor) -> Option<Relation> {
        let (name, hidden) = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let hidden = (self.0)(name).into_iter();
                let hidden = hidden.map(|field| Ident::with_quote('"', field.name()));
                let own = alias.as_ref().map(|alias| alias.name.clone().into());
                (own.unwrap_or_else(|| name.clone()), hidden.collect())
            }
            TableFactor::Derived {
                alias: Some(alias), ..
            } => (alias.name.clone().into(), Vec::new()),
            _ => return None,
        };
        Some(Relation { name, hidden })
    }

    fn select(&self, select: &mut Select) -> Result<()> {
        let joined = select.from.iter().flat_map(|from| &from.joins);
        let all_are_shown = joined.clone().all(shows_both_sides);
        let first = select.from.iter().map(|from| &from.relation);
        let factors = first.chain(joined.map(|join| &join.relation));
        let relations: Vec<_> = factors.map(|factor| self.relation(factor)).collect();
        let has_hidden =
            |relation: &Option<Relation>| matches!(relation, Some(it) if !it.hidden.is_empty());
        if !relations.iter().any(has_hidden) {
            return Ok(());
        }
        if select
            .from
            .iter()
            .flat_map(|from| &from.joins)
            .any(is_natural)
        {
            return Err(not_supported(
                "joins tables by all names that both have: write ON or USING",
            ));
        }
        let is_clear = all_are_shown && relations.iter().all(Option::is_some);
        let relations: Vec<_> = relations.into_iter().flatten().collect();
        let mut items = Vec::new();
        for item in std::mem::take(&mut select.projection) {
            match item {
                SelectItem::Wildcard(options) => match relations.as_slice() {
                    [one] if is_clear => items.push(SelectItem::Wildcard(without(options, one))),
                    several if is_clear && is_plain(&options) => {
                        items.extend(several.iter().map(all_of));
                    }
                    _ => return Err(unclear()),
                },
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) => {
                    let meant = relations.iter().find(|it| is_called(it, &name));
                    let options = match meant {
                        Some(relation) => without(options, relation),
                        None => options,
                    };
                    let kind = SelectItemQualifiedWildcardKind::ObjectName(name);
                    items.push(SelectItem::QualifiedWildcard(kind, options));
                }
                other => items.push(other),
            }
        }
        select.projection = items;
        Ok(())
    }
}

impl<F: Fn(&ObjectName) -> Vec<FieldRef>> VisitorMut for Stars<F> {
    type Break = Error;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        match self.select(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn not_supported(why: &str) -> Error {
    Error::new(
        code::NOT_SUPPORTED,
        format!("a query that names a system column, such as {ROW_ID:?}, {why}"),
    )
}

fn unclear() -> Error {
    not_supported(
        "has a * over joined tables that cannot be told apart: name the columns, or write TABLE.* and ON",
    )
}

/// By what a join finds partners, and whether a `*` means the columns of both sides.
fn constraint(join: &Join) -> Option<(&JoinConstraint, bool)> {
    use JoinOperator as Op;

    match &join.join_operator {
        Op::Join(constraint)
        | Op::Inner(constraint)
        | Op::Left(constraint)
        | Op::LeftOuter(constraint)
        | Op::Right(constraint)
        | Op::RightOuter(constraint)
        | Op::FullOuter(constraint)
        | Op::CrossJoin(constraint) => Some((constraint, true)),
        Op::Semi(constraint)
        | Op::LeftSemi(constraint)
        | Op::RightSemi(constraint)
        | Op::Anti(constraint)
        | Op::LeftAnti(constraint)
        | Op::RightAnti(constraint) => Some((constraint, false)),
        _ => None,
    }
}

fn is_natural(join: &Join) -> bool {
    matches!(constraint(join), Some((JoinConstraint::Natural, _)))
}

/// Whether a `*` means the columns of the one side and then those of the other.
fn shows_both_sides(join: &Join) -> bool {
    matches!(
        constraint(join),
        Some((JoinConstraint::On(_) | JoinConstraint::None, true))
    )
}

fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    *options
        == WildcardAdditionalOptions {
            wildcard_token: options.wildcard_token.clone(),
            ..Default::default()
        }
}

fn is_called(relation: &Relation, name: &ObjectName) -> bool {
    let last = |name: &ObjectName| name.0.last().and_then(|part| part.as_ident()).map(folded);
    last(&relation.name) == last(name)
}

/// `RELATION.*`
fn all_of(relation: &Relation) -> SelectItem {
    SelectItem::QualifiedWildcard(
        SelectItemQualifiedWildcardKind::ObjectName(relation.name.clone()),
        without(WildcardAdditionalOptions::default(), relation),
    )
}

/// The options of a `*` without what is hidden.
fn without(
    mut options: WildcardAdditionalOptions,
    relation: &Relation,
) -> WildcardAdditionalOptions {
    let mut hidden = relation.hidden.clone();
    if let Some(except) = &options.opt_except {
        hidden.retain(|name| except.first_element.value != name.value);
        hidden.retain(|name| {
            except
                .additional_elements
                .iter()
                .all(|it| it.value != name.value)
        });
    }
    if let Some(exclude) = &options.opt_exclude {
        let excluded = match exclude {
            ExcludeSelectItem::Single(name) => std::slice::from_ref(name),
            ExcludeSelectItem::Multiple(names) => names,
        };
        let is = |it: &ObjectName, name: &Ident| it.to_string().trim_matches('"') == name.value;
        hidden.retain(|name| excluded.iter().all(|it| !is(it, name)));
    }
    match &mut options.opt_except {
        Some(except) => except.additional_elements.extend(hidden),
        None if hidden.is_empty() => {}
        None => {
            options.opt_except = Some(ExceptSelectItem {
                first_element: hidden.remove(0),
                additional_elements: hidden,
            });
        }
    }
    options
}
