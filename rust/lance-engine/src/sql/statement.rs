//! Texts of queries, looked at before DataFusion plans them.
//!
//! A text is parsed with bounds on its length and on the work of the parser, and its tree is of bounded depth, as
//! expressions are evaluated and dropped by recursion. It is one statement, and one that changes nothing.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::TableReference;
use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr,
    SetOperator, SetQuantifier, Statement as Sql, TableAlias, TableFactor, Visit, VisitMut,
    Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::{Location, Tokenizer};

use super::catalog::Tables;
use super::dialect::Counted;
use super::errors::{self, at};
use super::places::Places;
use super::table::Table;
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

/// Names that a query gives, in lower case.
#[derive(Default)]
pub struct GivenNames {
    pub columns: BTreeSet<String>,
    /// Queries under names.
    pub queries: BTreeSet<String>,
    /// By which it calls tables, those among them.
    pub tables: BTreeSet<String>,
}

/// A statement that was looked at, and where its words are.
pub struct Statement {
    pub parsed: Parsed,
    pub places: Places,
    pub names: GivenNames,
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
            .map_err(|error| errors::of_parser(&error.to_string(), Location::empty()))?;
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
            names: look.names,
            table_functions: look.table_functions,
        })
    }

    /// The tables that it names, all of which exist.
    pub fn tables_named(&self, tables: &Tables) -> Result<Vec<Arc<Table>>> {
        let (named, _) = resolve_table_references(&self.parsed, true)
            .map_err(|error| errors::of_query(error, &self.places))?;
        let mut found = Vec::new();
        for name in named {
            let table = tables.find(name.table());
            if let TableReference::Bare { table: bare } = &name
                && table.is_none()
                && !self.table_functions.contains(bare.as_ref())
            {
                return Err(at(tables.no_such(bare), self.places.of(bare)));
            }
            found.extend(table);
        }
        Ok(found)
    }
}

/// Change the statement, or the one that is explained.
pub fn visit_mut<V: VisitorMut>(parsed: &mut Parsed, visitor: &mut V) -> ControlFlow<V::Break> {
    match sql_of_mut(parsed) {
        Some(sql) => VisitMut::visit(sql, visitor),
        None => ControlFlow::Continue(()),
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

/// Whether sets of rows are compared with how often each has a row. DataFusion would only ask whether it has.
fn counts_alike(body: &SetExpr) -> bool {
    let mut left = vec![body];
    while let Some(body) = left.pop() {
        if let SetExpr::SetOperation {
            op,
            set_quantifier,
            left: first,
            right: second,
        } = body
        {
            if *op != SetOperator::Union && *set_quantifier == SetQuantifier::All {
                return true;
            }
            left.extend([first.as_ref(), second.as_ref()]);
        }
    }
    false
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
    names: GivenNames,
}

impl Look {
    fn gives_table(&mut self, alias: &TableAlias) {
        self.names.tables.insert(alias.name.value.to_lowercase());
        alias
            .columns
            .iter()
            .for_each(|column| self.gives_column(&column.name));
    }

    fn gives_column(&mut self, name: &Ident) {
        self.names.columns.insert(name.value.to_lowercase());
    }

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
        // DataFusion takes the pattern for a regular expression that need not match all of the text.
        if let Expr::SimilarTo { .. } = node {
            return ControlFlow::Break(Error::new(
                code::NOT_SUPPORTED,
                "SIMILAR TO is not supported: write LIKE, or ~ with a regular expression",
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

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        if counts_alike(&query.body) {
            return ControlFlow::Break(Error::new(
                code::NOT_SUPPORTED,
                "INTERSECT ALL and EXCEPT ALL, which count rows that are alike, are not supported: \
                 leave out ALL, or number the rows with row_number()",
            ));
        }
        for table in tables {
            let name = table.alias.name.value.to_lowercase();
            self.names.queries.insert(name);
            self.gives_table(&table.alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<Error> {
        let parts = name.0.iter().filter_map(ObjectNamePart::as_ident);
        let parts = parts.map(|part| part.value.to_lowercase());
        self.names.tables.extend(parts);
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
        if let TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. } = factor
            && let Some(alias) = alias
        {
            self.gives_table(alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.gives_column(alias);
            }
        }
        self.selects += 1;
        match self.selects > MOST_SELECTS {
            true => ControlFlow::Break(Error::invalid_argument(format!(
                "the query has more than {MOST_SELECTS} SELECTs"
            ))),
            false => ControlFlow::Continue(()),
        }
    }
}
