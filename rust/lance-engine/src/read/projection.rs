//! What a scan yields for each row: columns, and what is computed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use lance::Dataset;
use lance::datatypes::Schema;
use lance_core::is_system_column;
use lance_datafusion::projection::ProjectionPlan;

use super::columns::{Column, check_distinct, column, columns};
use super::expression;
use super::found::Found;
use crate::error::{Error, Result, code};

const NONE: &[String] = &[];

/// A column of the result.
#[derive(Clone, Debug)]
pub struct Output {
    pub name: String,
    /// As the engine parses it.
    pub sql: String,
    /// Columns of the dataset that it reads.
    pub reads: BTreeSet<String>,
    /// It is a stored column, of which this is the path.
    pub stored: Option<String>,
    /// It is the same for all rows.
    pub is_constant: bool,
}

impl Output {
    /// A column that a search adds.
    fn found(name: &str) -> Self {
        Self {
            name: name.to_string(),
            sql: name.to_string(),
            reads: BTreeSet::new(),
            stored: None,
            is_constant: false,
        }
    }
}

impl From<Column> for Output {
    fn from(column: Column) -> Self {
        Self {
            stored: column.is_stored().then(|| column.path().to_string()),
            name: column.name,
            sql: column.expression,
            reads: [column.source].into(),
            is_constant: false,
        }
    }
}

/// What the names of a query mean: an expression, or else a column.
pub struct Names<'a> {
    /// The columns that there are.
    schema: Cow<'a, Schema>,
    found: Found,
    expressions: Vec<Output>,
}

impl<'a> Names<'a> {
    pub fn of(
        dataset: &'a Arc<Dataset>,
        found: Found,
        expressions: &[(String, String)],
    ) -> Result<Self> {
        let schema = found.columns(dataset.schema())?;
        let expressions = expressions.iter();
        let checked: Result<Vec<_>> = expressions
            .map(|(name, sql)| computed(dataset, &schema, found, name, sql))
            .collect();
        let expressions = checked?;
        check_distinct(expressions.iter().map(|output| output.name.as_str()))?;
        Ok(Self {
            schema,
            found,
            expressions,
        })
    }

    pub fn find(&self, name: &str) -> Result<Output> {
        let mut expressions = self.expressions.iter();
        match expressions.find(|output| output.name == name) {
            Some(output) => Ok(output.clone()),
            None if self.always_has(name) => Ok(Output::found(name)),
            None => Ok(self.output(column(&self.schema, name)?)),
        }
    }

    /// Whether the column comes whatever is asked for.
    pub fn always_has(&self, name: &str) -> bool {
        self.found.always_has(name)
    }

    fn output(&self, column: Column) -> Output {
        match self.found.adds(&column.source) {
            true => Output::found(&column.name),
            false => column.into(),
        }
    }

    /// The columns that are asked for, and then the expressions, which also come alone.
    pub fn outputs(&self, asked: Option<&[String]>) -> Result<Vec<Output>> {
        let names = match (asked, self.expressions.is_empty()) {
            (None, false) => Some(NONE),
            (names, _) => names,
        };
        let names = names.map(|names| {
            let names = names.iter().filter(|name| !self.always_has(name));
            names.cloned().collect::<Vec<_>>()
        });
        let named = columns(&self.schema, names.as_deref())?;
        let named = named.into_iter().map(|column| self.output(column));
        let mut outputs: Vec<Output> = named.collect();
        outputs.extend(self.expressions.iter().cloned());
        check_distinct(outputs.iter().map(|output| output.name.as_str()))?;
        Ok(outputs)
    }
}

fn computed(
    dataset: &Arc<Dataset>,
    schema: &Schema,
    found: Found,
    name: &str,
    sql: &str,
) -> Result<Output> {
    let what = format!("the expression {name:?}");
    if name.is_empty() {
        return Err(Error::invalid_argument(format!(
            "the expression {sql:?} has no name"
        )));
    }
    if is_system_column(name) {
        return Err(Error::invalid_argument(format!(
            "{what} has the name of a column that every dataset has"
        )));
    }
    let checked = expression::check(&what, sql, schema)?;
    if checked.reads_system_columns && !checked.is_column {
        return Err(Error::new(
            code::NOT_SUPPORTED,
            format!("{what} computes with a column that is not stored: ask for that column alone"),
        ));
    }
    // In parentheses it is no name of a column, and the end of a comment is none of the query.
    let sql = format!("({}\n)", checked.sql);
    // The engine knows the type of what a search adds only where that is made.
    let is_typed = !checked.is_column && !checked.columns.iter().any(|name| found.adds(name));
    plan(dataset, name, &sql, is_typed).map_err(|error| error.context(&what))?;
    Ok(Output {
        name: name.to_string(),
        sql,
        is_constant: checked.columns.is_empty() && !checked.reads_system_columns,
        reads: checked.columns,
        stored: None,
    })
}

/// Plan one expression, so that what is wrong with it is told of that one.
fn plan(dataset: &Arc<Dataset>, name: &str, sql: &str, is_typed: bool) -> Result<()> {
    let plan = ProjectionPlan::from_expressions(dataset.clone(), &[(name, sql)])?;
    if is_typed {
        plan.output_schema()?;
    }
    Ok(())
}
