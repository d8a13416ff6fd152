//! Texts of queries, looked at before DataFusion plans them.
//!
//! A text is parsed with bounds on its length and on the work of the parser, and its tree is of bounded depth, as
//! expressions are evaluated and dropped by recursion. It is one statement, and one that changes nothing.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::TableReference;
use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, ObjectName, Select, Statement as Sql, TableFactor, Visit, VisitMut,
    Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Tokenizer;

use super::catalog::Tables;
use super::dialect::Counted;
use super::errors::{self, at};
use super::places::Places;
use crate::error::{Error, Result, code};
use crate::read::expression::{
    DEEPEST_TREE, check_arrow_type, check_length, check_nested_types, refused, tries,
};

/// How deep an expression may be where AND or OR joins conditions.
const MOST_CONDITIONS: usize = 2_000;

/// How deep expressions and queries may be within each other in the parser.
pub const DEEPEST_NESTING: usize = 128;

/// Tables and SELECTs of a query, each of which is planned by recursion.
const MOST_RELATIONS: usize = 256;
const MOST_SELECTS: usize = 256;

/// A statement that was looked at, and where its words are.
pub struct Statement {
    pub parsed: Parsed,
    pub places: Places,
    /// What has arguments where a table may be.
    table_functions: BTreeSet<String>,
}

impl Statement {
    /// For a thread of the runtime, whose stack is large.
    pub fn parse(text: &str) -> Result<Self> {
        check_length(text, "the query")?;
        let words = Counted::new(0);
        let tokens = Tokenizer::new(&words, text)
            .tokenize_with_location()
            .map_err(|error| errors::of_parser(&error.to_string()))?;
        check_nested_types(tokens.iter().map(|token| &token.token), "the query")?;
        let dialect = Counted::new(tries(tokens.len()));
        let places = Places::of_tokens(&tokens);
        let parser = DFParserBuilder::new(tokens)
            .with_dialect(&dialect)
            .with_recursion_limit(DEEPEST_NESTING)
            .build();
        let mut statements = parser
            .and_then(|mut parser| parser.parse_statements())
            .map_err(|error| errors::of_query(error, &places))?;
        let parsed = match (statements.pop_front(), statements.is_empty()) {
            (Some(parsed), true) => parsed,
            (None, _) => return refused("the query is empty"),
            (Some(_), false) => {
                return refused("the text has several statements: run one at a time");
            }
        };
        check_reads(&parsed, &places)?;
        let mut look = Look::default();
        if let Some(sql) = sql_of(&parsed)
            && let ControlFlow::Break(error) = sql.visit(&mut look)
        {
            return Err(error);
        }
        Ok(Self {
            parsed,
            places,
            table_functions: look.table_functions,
        })
    }

    /// Every table that it names exists.
    pub fn check_tables(&self, tables: &Tables) -> Result<()> {
        let (named, _) = resolve_table_references(&self.parsed, true)
            .map_err(|error| errors::of_query(error, &self.places))?;
        for name in named {
            if let TableReference::Bare { table } = &name
                && !self.table_functions.contains(table.as_ref())
                && tables.find(table).is_none()
            {
                return Err(at(tables.no_such(table), self.places.of(table)));
            }
        }
        Ok(())
    }

    pub fn visit_mut<V: VisitorMut>(&mut self, visitor: &mut V) {
        if let Some(sql) = sql_of_mut(&mut self.parsed) {
            let _ = VisitMut::visit(sql, visitor);
        }
    }
}

/// The statement, or the one that is explained.
fn sql_of(parsed: &Parsed) -> Option<&Sql> {
    match parsed {
        Parsed::Statement(sql) => Some(sql),
        Parsed::Explain(explain) => sql_of(&explain.statement),
        _ => None,
    }
}

fn sql_of_mut(parsed: &mut Parsed) -> Option<&mut Sql> {
    match parsed {
        Parsed::Statement(sql) => Some(sql),
        Parsed::Explain(explain) => sql_of_mut(&mut explain.statement),
        _ => None,
    }
}

fn check_reads(parsed: &Parsed, places: &Places) -> Result<()> {
    let reads = matches!(
        sql_of(parsed),
        Some(
            Sql::Query(_)
                | Sql::ShowTables { .. }
                | Sql::ShowColumns { .. }
                | Sql::ShowVariable { .. }
                | Sql::ShowFunctions { .. }
                | Sql::Explain { .. }
                | Sql::ExplainTable { .. }
        )
    );
    if reads {
        return Ok(());
    }
    let verb = places.first_word().unwrap_or_default();
    Err(Error::new(
        code::NOT_SUPPORTED,
        format!(
            "{} is no query: SQL reads here, by SELECT, WITH, VALUES, SHOW, DESCRIBE and EXPLAIN",
            verb.to_ascii_uppercase()
        ),
    ))
}

/// Looks at each node of a tree. The visit grows its stack.
#[derive(Default)]
struct Look {
    /// Of the expressions above the node: the operator of those that AND or OR joins.
    above: Vec<Option<BinaryOperator>>,
    /// Those that are not joined to the one above them.
    depth: usize,
    relations: usize,
    selects: usize,
    table_functions: BTreeSet<String>,
}

impl Look {
    fn joins(node: &Expr) -> Option<BinaryOperator> {
        match node {
            Expr::BinaryOp {
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                ..
            } => Some(op.clone()),
            _ => None,
        }
    }

    fn deepens(&self, joins: &Option<BinaryOperator>) -> bool {
        joins.is_none() || self.above.last() != Some(joins)
    }
}

impl Visitor for Look {
    type Break = Error;

    fn pre_visit_expr(&mut self, node: &Expr) -> ControlFlow<Error> {
        let joins = Self::joins(node);
        self.depth += usize::from(self.deepens(&joins));
        self.above.push(joins);
        if self.depth > DEEPEST_TREE || self.above.len() > MOST_CONDITIONS {
            return ControlFlow::Break(Error::invalid_argument(
                "the query has too long a chain of operators: use IN for a list of values",
            ));
        }
        if let Expr::Function(function) = node
            && let Err(error) = check_arrow_type(function, "the query")
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, node: &Expr) -> ControlFlow<Error> {
        self.above.pop();
        self.depth -= usize::from(self.deepens(&Self::joins(node)));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<Error> {
        self.relations += 1;
        match self.relations > MOST_RELATIONS {
            true => ControlFlow::Break(Error::invalid_argument(format!(
                "the query names more than {MOST_RELATIONS} tables"
            ))),
            false => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Table {
            name,
            args: Some(_),
            ..
        } = factor
        {
            self.table_functions.insert(name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<Error> {
        self.selects += 1;
        match self.selects > MOST_SELECTS {
            true => ControlFlow::Break(Error::invalid_argument(format!(
                "the query has more than {MOST_SELECTS} SELECTs"
            ))),
            false => ControlFlow::Continue(()),
        }
    }
}
