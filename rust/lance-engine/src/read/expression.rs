//! SQL expressions, filters among them, looked at before the engine plans them.
//!
//! The engine reads on behind the end of an expression and forgets what it finds, panics on values it does not know,
//! and plans, evaluates and drops it by recursion of which only a part grows its stack. So the text is parsed here
//! first, and the tree is looked at as the engine will see it.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, DataType, ExactNumberInfo, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, Query, TypedString, Value, ValueWithSpan, Visit,
    Visitor,
};
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};
use lance::datatypes::{Field, Schema};
use lance_core::is_system_column;

use super::amplifiers;
use super::columns::{has_child, no_such_column};
use super::literals::{Edit, Use, edited, exact};
use super::rewording::reword;
use super::unknowns;
use crate::error::{Error, Result, code};

/// A list of a million numbers takes less.
const LONGEST_TEXT: usize = 16 << 20;

/// Operators of all kinds. A tree is at most as deep as it has operators, and so much deep it can be dropped.
const MOST_OPERATORS: usize = 100_000;

/// Words that open a type within a type, which the parser reads by recursion.
const MOST_NESTED_TYPES: usize = 500;

/// How deep a tree may be, but for the conditions that AND or OR joins. What the engine does takes the square of the
/// depth, or more.
pub const DEEPEST_TREE: usize = 300;

/// How deep a tree may be that is written as text again.
const DEEPEST_WRITTEN: usize = 2_000;

/// How often the parser may begin an operand, for each token: where it cannot go on it tries other readings, within
/// each other.
const TRIES_PER_TOKEN: usize = 16;
const TRIES: usize = 10_000;

/// The most digits of a decimal, and the furthest point.
const MOST_DIGITS: u64 = 38;

/// Of a type of fixed size.
pub const LARGEST_FIXED_SIZE: u64 = 65_536;

/// An expression that the engine can take.
#[derive(Debug)]
pub struct Checked {
    /// As the engine is to have it.
    pub sql: String,
    /// Columns of the dataset that it reads.
    pub columns: BTreeSet<String>,
    /// It reads columns that are not stored.
    pub reads_system_columns: bool,
    /// It is a column, and nothing is computed.
    pub is_column: bool,
}

/// Check an expression over these columns; messages call it `what`. For a thread of the runtime, whose stack is large.
pub fn check(what: &str, text: &str, schema: &Schema) -> Result<Checked> {
    amplifiers::bound();
    let mut tree = parse(what, text)?;
    let mut look = Look::at(&tree, what, schema)?;
    let mut text = Cow::Borrowed(text);
    if look.deepest <= DEEPEST_WRITTEN && unknowns::keep(&mut tree) | reword(&mut tree) {
        text = Cow::Owned(tree.to_string());
        tree = parse(what, &text)?;
        look = Look::at(&tree, what, schema)?;
    }
    Ok(Checked {
        sql: edited(&text, look.edits),
        columns: look.columns,
        reads_system_columns: look.reads_system_columns,
        is_column: column_path(&tree).is_some_and(|path| !is_text(path)),
    })
}

/// An expression whose value a column of this type gets: a number alone is exact, as it is beside the column.
pub fn exact_for(what: &str, text: &str, column: &arrow::datatypes::DataType) -> Result<String> {
    let tree = parse(what, text)?;
    let edits = exact(&tree, column, Use::Compared).into_iter();
    Ok(edited(text, edits.collect()))
}

/// What the failure of a query tells about its expressions, which are `what`: the engine panics on some that it cannot
/// plan or evaluate.
pub fn blame(what: &str, error: Error) -> Error {
    if let Some(message) = amplifiers::told_in(error.message()) {
        return Error::with_detail(code::RESOURCE_EXHAUSTED, message, error.detail());
    }
    // The crates that read files do not evaluate expressions.
    let reads_files = ["lance-encoding", "lance-file", "lance-io", "lance-table"]
        .iter()
        .any(|reader| error.detail().contains(reader));
    match error.code() {
        code::PANIC if !reads_files => error
            .with_code(code::INVALID_ARGUMENT)
            .context(&format!("{what} cannot be evaluated")),
        _ => error,
    }
}

/// The path of an expression that is a name.
fn column_path(node: &Expr) -> Option<&[Ident]> {
    match node {
        Expr::Identifier(name) => Some(std::slice::from_ref(name)),
        Expr::CompoundIdentifier(path) => Some(path),
        Expr::Nested(inner) => column_path(inner),
        _ => None,
    }
}

/// What stands in double quotes is no name.
fn is_text(path: &[Ident]) -> bool {
    matches!(path, [name] if name.quote_style == Some('"'))
}

pub fn refused<T>(why: impl AsRef<str>) -> Result<T> {
    Err(Error::invalid_argument(why))
}

/// The engine's own words and operators, and a count of what the parser does.
#[derive(Debug)]
struct Counted {
    words: GenericDialect,
    tries: Cell<usize>,
    operators: Cell<usize>,
}

/// Take one of what is left. What a dialect answers in place of its parser: an error when there was none.
pub fn spend<T>(left: &Cell<usize>) -> Option<std::result::Result<T, ParserError>> {
    let count = left.get();
    left.set(count.saturating_sub(1));
    (count == 0).then_some(Err(ParserError::RecursionLimitExceeded))
}

impl Dialect for Counted {
    fn dialect(&self) -> std::any::TypeId {
        self.words.dialect()
    }

    fn is_identifier_start(&self, c: char) -> bool {
        self.words.is_identifier_start(c)
    }

    fn is_identifier_part(&self, c: char) -> bool {
        self.words.is_identifier_part(c)
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`'
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        self.words.supports_bitwise_shift_operators()
    }

    fn parse_prefix(&self, _: &mut Parser) -> Option<std::result::Result<Expr, ParserError>> {
        spend(&self.tries)
    }

    fn parse_infix(
        &self,
        _: &mut Parser,
        _: &Expr,
        _: u8,
    ) -> Option<std::result::Result<Expr, ParserError>> {
        spend(&self.operators)
    }
}

/// How often the parser may begin an operand of so many tokens.
pub fn tries(tokens: usize) -> usize {
    TRIES + tokens * TRIES_PER_TOKEN
}

pub fn check_length(text: &str, what: &str) -> Result<()> {
    match text.len() > LONGEST_TEXT {
        true => refused(format!(
            "{what} has {} bytes, the most is {LONGEST_TEXT}",
            text.len()
        )),
        false => Ok(()),
    }
}

/// The tree of an expression that goes on to the end of the text.
fn parse(what: &str, text: &str) -> Result<Expr> {
    check_length(text, what)?;
    let mut dialect = Counted {
        words: GenericDialect {},
        tries: Cell::new(0),
        operators: Cell::new(MOST_OPERATORS),
    };
    let mut tokens = match Tokenizer::new(&dialect, text).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => return refused(format!("{what} is no SQL: {error}")),
    };
    // As the engine does: `==` is `=`.
    tokens.dedup_by(|next, token| (&token.token, &next.token) == (&Token::Eq, &Token::Eq));
    check_nested_types(tokens.iter().map(|token| &token.token), what)?;
    *dialect.tries.get_mut() = tries(tokens.len());
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
    let parsed = parser.parse_expr();
    if dialect.operators.get() == 0 {
        return refused(format!(
            "{what} has more than {MOST_OPERATORS} operators: use IN for a list of values"
        ));
    }
    let tree = match parsed {
        Ok(tree) => tree,
        Err(ParserError::RecursionLimitExceeded) => {
            return refused(format!(
                "{what} has too many parentheses or functions within each other"
            ));
        }
        Err(ParserError::ParserError(why) | ParserError::TokenizerError(why)) => {
            // The parser tells the place of all but the end.
            let place = if why.ends_with("found: EOF") {
                end(text)
            } else {
                Location::empty()
            };
            return refused(format!("{what} is no SQL expression: {why}{place}"));
        }
    };
    let rest = parser.peek_token_ref();
    match &rest.token {
        Token::EOF => Ok(tree),
        token => refused(format!(
            "{what} is one expression, and after its end comes {token}{}",
            rest.span.start
        )),
    }
}

fn end(text: &str) -> Location {
    let (mut line, mut column) = (1, 1);
    for letter in text.chars() {
        (line, column) = if letter == '\n' {
            (line + 1, 1)
        } else {
            (line, column + 1)
        };
    }
    Location::of(line, column)
}

/// The parser reads types within each other by recursion. `what` has these tokens.
pub fn check_nested_types<'a>(tokens: impl Iterator<Item = &'a Token>, what: &str) -> Result<()> {
    let mut words = tokens
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .peekable();
    let mut nested = 0;
    while let Some(token) = words.next() {
        let keyword = |token: &Token| match token {
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        nested += usize::from(match (keyword(token), words.peek()) {
            (Keyword::INTERVAL, Some(next)) => keyword(next) == Keyword::INTERVAL,
            (
                Keyword::ARRAY
                | Keyword::LOWCARDINALITY
                | Keyword::MAP
                | Keyword::NESTED
                | Keyword::NULLABLE
                | Keyword::STRUCT
                | Keyword::TABLE
                | Keyword::TUPLE
                | Keyword::UNION,
                Some(Token::Lt | Token::LParen),
            ) => true,
            _ => false,
        });
    }
    match nested > MOST_NESTED_TYPES {
        true => refused(format!(
            "{what} has more than {MOST_NESTED_TYPES} types of several parts"
        )),
        false => Ok(()),
    }
}

/// Looks at each node of a tree. The visit grows its stack.
struct Look<'a> {
    what: &'a str,
    schema: &'a Schema,
    /// Above the node: which of them count for the depth, and the operator of those that AND or OR joins.
    above: Vec<(bool, Option<BinaryOperator>)>,
    /// The most nodes that were above one.
    deepest: usize,
    depth: usize,
    functions: usize,
    columns: BTreeSet<String>,
    reads_system_columns: bool,
    edits: Vec<Edit>,
}

impl<'a> Look<'a> {
    fn new(what: &'a str, schema: &'a Schema) -> Self {
        Self {
            what,
            schema,
            above: Vec::new(),
            deepest: 0,
            depth: 0,
            functions: 0,
            columns: BTreeSet::new(),
            reads_system_columns: false,
            edits: Vec::new(),
        }
    }

    /// Look at a tree.
    fn at(tree: &Expr, what: &'a str, schema: &'a Schema) -> Result<Self> {
        let mut look = Self::new(what, schema);
        match tree.visit(&mut look) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(look),
        }
    }

    /// The engine makes balanced trees of conditions, but for those in the arguments of a function.
    fn deepens(&self, joins: Option<&BinaryOperator>) -> bool {
        let same = joins.is_some()
            && self
                .above
                .last()
                .is_some_and(|(_, above)| above.as_ref() == joins);
        !same || self.functions > 0
    }

    /// The column that a path begins with, which the engine finds whatever its case where it is not quoted.
    fn field(&self, path: &[Ident]) -> Option<&'a Field> {
        let (first, rest) = path.split_first()?;
        let fields = &self.schema.fields;
        let exact = fields.iter().find(|field| field.name == first.value);
        exact.or_else(|| {
            let alike = |name: &str| name.eq_ignore_ascii_case(&first.value);
            let is_quoted = first.quote_style.is_some() && rest.is_empty();
            fields.iter().find(|field| !is_quoted && alike(&field.name))
        })
    }

    fn column(&mut self, path: &[Ident]) -> Result<()> {
        let Some((first, rest)) = path.split_first() else {
            return Ok(());
        };
        if is_text(path) {
            return Ok(());
        }
        if is_system_column(&first.value.to_ascii_lowercase()) {
            self.reads_system_columns = true;
            return Ok(());
        }
        let rest: Vec<_> = rest.iter().map(|part| part.value.clone()).collect();
        match self.field(path) {
            Some(field) if has_child(field, &rest) => {
                self.columns.insert(field.name.clone());
                Ok(())
            }
            _ => {
                let parts: Vec<_> = path.iter().map(|part| part.value.as_str()).collect();
                Err(no_such_column(self.schema, &parts.join(".")))
            }
        }
    }

    /// What the literals beside a column are to be, for the engine to use them exactly.
    fn beside<'b>(
        &mut self,
        column: &Expr,
        literals: impl IntoIterator<Item = &'b Expr>,
        used: Use,
    ) {
        let Some(path) = column_path(column).filter(|path| !is_text(path)) else {
            return;
        };
        let Some(column) = self.field(path) else {
            return;
        };
        let field = path[1..].iter().try_fold(column, |field, part| {
            let mut children = field.children.iter();
            children.find(|child| child.name == part.value)
        });
        let Some(data_type) = field.map(Field::data_type) else {
            return;
        };
        for literal in literals {
            self.edits.extend(exact(literal, &data_type, used));
        }
    }

    fn node(&mut self, node: &Expr) -> Result<()> {
        match node {
            Expr::Identifier(name) => self.column(std::slice::from_ref(name)),
            Expr::CompoundIdentifier(path) => self.column(path),
            Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => {
                check_type(self.what, data_type)
            }
            Expr::Function(function) => check_arrow_type(function, self.what),
            Expr::BinaryOp { left, op, right } => {
                if let Some(used) = Use::by(op) {
                    self.beside(left, [&**right], used);
                    self.beside(right, [&**left], used);
                }
                Ok(())
            }
            Expr::Between {
                expr, low, high, ..
            } => {
                self.beside(expr, [&**low, &**high], Use::Compared);
                Ok(())
            }
            Expr::InList { expr, list, .. } => {
                self.beside(expr, list, Use::Compared);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Visitor for Look<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, node: &Expr) -> ControlFlow<Error> {
        let joins = match node {
            Expr::BinaryOp {
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                ..
            } => Some(op),
            _ => None,
        };
        let deepens = self.deepens(joins);
        self.above.push((deepens, joins.cloned()));
        self.deepest = self.deepest.max(self.above.len());
        self.depth += usize::from(deepens);
        self.functions += usize::from(matches!(node, Expr::Function(_)));
        if self.depth > DEEPEST_TREE {
            return ControlFlow::Break(Error::invalid_argument(format!(
                "{} has a chain of more than {DEEPEST_TREE} operators: put parts of it in parentheses",
                self.what
            )));
        }
        match self.node(node) {
            Err(error) => ControlFlow::Break(error),
            Ok(()) => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, node: &Expr) -> ControlFlow<Error> {
        if let Some((true, _)) = self.above.pop() {
            self.depth -= 1;
        }
        self.functions -= usize::from(matches!(node, Expr::Function(_)));
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Error> {
        ControlFlow::Break(Error::invalid_argument(format!(
            "{} has a query in it: it sees one row at a time",
            self.what
        )))
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<Error> {
        let what = self.what;
        let why = match &value.value {
            Value::Number(..)
            | Value::SingleQuotedString(_)
            | Value::DoubleQuotedString(_)
            | Value::HexStringLiteral(_)
            | Value::Boolean(_)
            | Value::Null => return ControlFlow::Continue(()),
            Value::Placeholder(name) => {
                format!("{what} has the placeholder {name}: write a value in its place")
            }
            other => format!("{what} has the text {other}: write it in single quotes alone"),
        };
        ControlFlow::Break(Error::invalid_argument(why))
    }
}

/// Types that end the engine, which counts their digits in a byte, or are dropped by recursion.
fn check_type(what: &str, data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(digits, point))
        | DataType::Numeric(ExactNumberInfo::PrecisionAndScale(digits, point))
        | DataType::Dec(ExactNumberInfo::PrecisionAndScale(digits, point)) => {
            let fits = (1..=MOST_DIGITS).contains(digits) && point.unsigned_abs() <= *digits;
            match fits {
                true => Ok(()),
                false => refused(format!(
                    "{data_type} is no type: a decimal has 1 to {MOST_DIGITS} digits, and no more behind its point"
                )),
            }
        }
        DataType::Array(
            ArrayElemTypeDef::AngleBracket(inner)
            | ArrayElemTypeDef::SquareBracket(inner, _)
            | ArrayElemTypeDef::Parenthesis(inner),
        ) if !matches!(**inner, DataType::Array(_)) => check_type(what, inner),
        DataType::Array(_)
        | DataType::Map(..)
        | DataType::Tuple(_)
        | DataType::Nested(_)
        | DataType::Struct(..)
        | DataType::Union(_)
        | DataType::Nullable(_)
        | DataType::LowCardinality(_)
        | DataType::Table(_)
        | DataType::NamedTable { .. } => refused(format!(
            "{what} has a nested type: values are cast to plain types only"
        )),
        _ => Ok(()),
    }
}

/// A cast to values of a fixed size makes so much of each row, whatever is in it. `what` calls the function.
pub fn check_arrow_type(function: &Function, what: &str) -> Result<()> {
    let name = function.name.to_string().to_ascii_lowercase();
    let FunctionArguments::List(arguments) = &function.args else {
        return Ok(());
    };
    let casts = matches!(name.trim_matches('`'), "arrow_cast" | "arrow_try_cast");
    for argument in arguments.args.iter().filter(|_| casts) {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = argument else {
            continue;
        };
        let (Value::SingleQuotedString(kind) | Value::DoubleQuotedString(kind)) = &value.value
        else {
            continue;
        };
        if let Err(why) = check_fixed_sizes(kind) {
            return refused(format!("{what} {why}"));
        }
    }
    Ok(())
}

/// Check the sizes in the name of an Arrow type; why it is refused.
pub fn check_fixed_sizes(kind: &str) -> std::result::Result<(), String> {
    let numbers = kind.split(|c: char| !c.is_ascii_digit());
    let mut sizes = numbers.filter_map(|number| number.parse().ok());
    match sizes.any(|size: u64| size > LARGEST_FIXED_SIZE) {
        true => Err(format!(
            "casts to {kind}: at most {LARGEST_FIXED_SIZE} bytes or items"
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema};

    use super::*;

    fn schema() -> Schema {
        let number = |name: &str| Field::new(name, ArrowType::Int64, true);
        let inner = Field::new_struct("s", vec![number("or"), number("x")], true);
        let text = |name: &str| Field::new(name, ArrowType::Utf8, true);
        let decimal = Field::new("d", ArrowType::Decimal128(15, 2), true);
        let fields = vec![
            number("id"),
            number("Big"),
            text("t"),
            text("a+b"),
            inner,
            decimal,
        ];
        Schema::try_from(&ArrowSchema::new(fields)).expect("a schema")
    }

    /// On a thread like those of the runtime.
    fn looked_at(filter: &str) -> Result<Checked> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(crate::runtime::STACK_BYTES);
            let look = thread.spawn_scoped(scope, || check("the filter", filter, &schema()));
            look.expect("a thread").join().expect("no panic")
        })
    }

    #[track_caller]
    fn fails(filter: &str, why: &str) {
        let begin: String = filter.chars().take(40).collect();
        let error = looked_at(filter).expect_err(&begin);
        assert!(error.message().contains(why), "{begin}: {error}");
    }

    fn repeat(begin: &str, part: &str, end: &str, times: usize) -> String {
        format!("{begin}{}{end}", part.repeat(times))
    }

    #[test]
    fn the_place_of_what_is_no_expression_is_told() {
        fails("id = = 3", "at Line: 1, Column: 6");
        fails("id <", "found: EOF at Line: 1, Column: 5");
        fails("id = 1\nand größe >", "found: EOF at Line: 2, Column: 12");
        fails("", "found: EOF at Line: 1, Column: 1");
    }

    #[test]
    fn a_chain_has_a_bound_wherever_it_is() {
        for part in [
            " + 1",
            "*id",
            " = 1",
            " || 'a'",
            " is null",
            "::int",
            " between 1 and 2",
            " like 'a'",
            " in (1, 2)",
            " + (1)",
            " + s.or",
            " + `a+b`",
            " + 1 /* or */",
            " + 1 -- or\n",
            " at time zone 'x'",
        ] {
            for chain in [
                repeat("id", part, "", 400),
                repeat("id", part, "", 50_000),
                repeat("abs(id", part, ") = 1", 400),
                repeat("(id", part, ") = 1 and id = 1", 400),
                repeat("id in (id", part, ")", 400),
            ] {
                fails(&chain, "chain");
            }
            assert!(looked_at(&repeat("id", part, "", 100)).is_ok(), "{part}");
        }
        fails(&repeat("id", " + 1", " = 1", 200_000), "operators");
    }

    #[test]
    fn conditions_are_no_chain_but_in_a_function() {
        for part in [" or id = 2", " and id between 1 and 2", " or t like 'a%'"] {
            assert!(
                looked_at(&repeat("id = 1", part, "", 20_000)).is_ok(),
                "{part}"
            );
        }
        fails(&repeat("coalesce(id = 1", " or id = 2", ")", 400), "chain");
        fails(&repeat("id = 1", " or id = 2", "", 100_000), "IN");
    }

    #[test]
    fn nesting_has_a_bound() {
        for (begin, end) in [
            ("(", ")"),
            ("abs(", ")"),
            ("case when true then ", " end"),
            ("- ", ""),
        ] {
            let nested = |n: usize| format!("{}1{} = id", begin.repeat(n), end.repeat(n));
            assert!(looked_at(&nested(12)).is_ok(), "{begin}");
            for n in [60, 10_000] {
                fails(&nested(n), "the filter");
            }
        }
        fails(&format!("{}id = 1", "not ".repeat(100_000)), "the filter");
        fails(&"case ".repeat(100_000), "the filter");
        fails(
            &format!("{}'1' = t", "interval ".repeat(100_000)),
            "several parts",
        );
        for (begin, end) in [
            ("array<", ">"),
            ("nullable(", ")"),
            ("map(int, ", ")"),
            ("tuple(", ")"),
        ] {
            for n in [3, 400, 100_000] {
                let nested = format!("{}int{}", begin.repeat(n), end.repeat(n));
                fails(&format!("cast(id as {nested}) is null"), "the filter");
            }
        }
    }

    #[test]
    fn other_readings_are_not_tried_for_ever() {
        for begin in [
            "cast(",
            "position(",
            "row(",
            "substring(",
            "convert(",
            "floor(",
            "overlay(",
        ] {
            for end in [" as int)", " x)", ")", ""] {
                for n in [20, 48, 60] {
                    let nested = format!("{}id{} = 1", begin.repeat(n), end.repeat(n));
                    let _ = looked_at(&nested);
                }
            }
        }
    }

    #[test]
    fn long_lists_pass() {
        for filter in [
            repeat("id in (1", ", 2", ")", 100_000),
            repeat("id in (1", ", -2", ")", 100_000),
            format!("'{}' = t", "+1".repeat(10_000)),
            repeat("id = case", " when id = 1 then 2", " else 3 end", 1000),
        ] {
            assert!(looked_at(&filter).is_ok(), "{}", &filter[..20]);
        }
    }

    #[test]
    fn a_filter_is_one_expression_to_its_end() {
        for rest in [
            "limit 1",
            "order by id",
            "group by id",
            "; select 1",
            ";",
            "for update",
            ", id",
            ")",
            "id",
            "union select 1",
        ] {
            fails(&format!("id >= 0 {rest}"), "after its end");
        }
        for same in ["id == 1", "id = 1 -- all", "id = 1 /* limit 1 */", " id=1 "] {
            assert!(looked_at(same).is_ok(), "{same}");
        }
        fails("id = 1\n  order by id", "Line: 2, Column: 3");
        fails("id = 1 and\n= 2", "Line: 2, Column: 1");
        for broken in ["", " ", "id =", "= 1", "'", "id = 'a", "]]) and end", "--"] {
            fails(broken, "the filter is no SQL");
        }
    }

    #[test]
    fn values_the_engine_panics_on_are_named() {
        for filter in ["id = ?", "id = $1", "id = :x", "abs(:x) = 1"] {
            fails(filter, "placeholder");
        }
        for filter in [
            "$$x$$ = t",
            "N'x' = t",
            "B'x' = t",
            "R'x' = t",
            "concat(N'x') = t",
        ] {
            fails(filter, "single quotes");
        }
        for kind in ["(99, 2)", "(300, 2)", "(10, 200)", "(10, -200)", "(0, 0)"] {
            fails(&format!("cast(id as decimal{kind}) > 1"), "digits");
        }
        assert!(looked_at("cast(id as decimal(38, 2)) > 1").is_ok());
        for filter in ["id = (select 1)", "exists (select 1)", "id in (select 1)"] {
            fails(filter, "query");
        }
    }

    #[test]
    fn casts_to_large_fixed_sizes_are_refused() {
        for kind in [
            "FixedSizeBinary(2147483647)",
            "FixedSizeList(2147483647, Int64)",
        ] {
            fails(
                &format!("arrow_cast(arrow_cast(t, 'Binary'), '{kind}') is null"),
                "casts to",
            );
            fails(&format!("arrow_try_cast(t, '{kind}') is null"), "casts to");
        }
        assert!(looked_at("arrow_cast(t, 'FixedSizeBinary(16)') is null").is_ok());
        assert!(looked_at("concat(t, '2147483647') is null").is_ok());
    }

    #[test]
    fn columns_are_found_as_the_engine_finds_them() {
        let read = |filter: &str| -> Vec<_> {
            let checked = looked_at(filter).expect(filter);
            checked.columns.into_iter().collect()
        };
        assert_eq!(read("id = 1 or big > 2"), ["Big", "id"]);
        assert_eq!(
            read("`a+b` = \"text\" and s.x = 1 and _rowid > 3"),
            ["a+b", "s"]
        );
        assert_eq!(read("abs(`s`.`or`) = 1 and true"), ["s"]);
        for filter in [
            "nope = 1",
            "s.nope = 1",
            "id.x = 1",
            "abs(nope) = 1",
            "`BIG` = 1",
        ] {
            let error = looked_at(filter).expect_err(filter);
            assert_eq!(error.code(), code::FIELD_NOT_FOUND, "{filter}: {error}");
        }
    }

    #[test]
    fn literals_beside_exact_numbers_are_exact() {
        let sql = |filter: &str| looked_at(filter).expect(filter).sql;
        for (filter, expected) in [
            ("d >= 0.05", "d >= cast('0.05' as decimal(15,2))"),
            (
                "`d` in (1, -.5) and\n  0.001 < d",
                "`d` in (cast('1' as decimal(15,2)), -cast('0.5' as decimal(15,2))) and\n  cast('0.001' as decimal(3,3)) < d",
            ),
            (
                "D between 1e-2 and (2.50)",
                "D between cast('0.01' as decimal(15,2)) and (cast('2.5' as decimal(15,2)))",
            ),
            ("d * 1.50 > 3", "d * cast('1.50' as decimal(3,2)) > 3"),
            ("id >= 1.5", "id >= cast('1.5' as decimal(2,1))"),
        ] {
            assert_eq!(sql(filter), expected);
        }
        for same in ["id >= 1", "d * 2 = 4", "t = '0.05'", "'é' = t or d is null"] {
            assert_eq!(sql(same), same);
        }
        assert_eq!(
            sql("t = 'é' and d = 0.5"),
            "t = 'é' and d = cast('0.5' as decimal(15,2))"
        );
    }

    #[test]
    fn columns_and_computed_values_differ() {
        let is_column = |text: &str| looked_at(text).expect(text).is_column;
        assert!(is_column("id") && is_column("(s.x)") && is_column("_rowid"));
        assert!(!is_column("id + 1") && !is_column("\"id\"") && !is_column("1"));
        assert!(looked_at("_rowid % 2").expect("sql").reads_system_columns);
    }

    #[test]
    fn a_panic_is_the_filters_fault_unless_a_file_was_read() {
        let panic = |place: &str| Error::with_detail(code::PANIC, "the engine panicked: x", place);
        let blame = |error| blame("the filter", error);
        let error = blame(panic("datafusion-54.1.0/src/x.rs:1:2"));
        assert_eq!(error.code(), code::INVALID_ARGUMENT);
        assert!(error.message().contains("the filter"), "{error}");
        assert_eq!(blame(panic("")).code(), code::INVALID_ARGUMENT);
        assert_eq!(
            blame(panic("lance-encoding-14.0.2/src/x.rs:1:2")).code(),
            code::PANIC
        );
        assert_eq!(blame(Error::new(code::IO, "x")).code(), code::IO);
    }
}
