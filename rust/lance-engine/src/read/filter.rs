//! SQL filters, looked at before the engine plans them.
//!
//! The engine reads on behind the end of an expression and forgets what it finds, panics on values it does not know,
//! and plans, evaluates and drops a filter by recursion of which only a part grows its stack. So the text is parsed
//! here first, and the tree is looked at as the engine will see it.

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
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use lance::datatypes::Schema;
use lance_core::is_system_column;

use super::amplifiers;
use super::columns::{has_child, no_such_column};
use crate::error::{Error, Result, code};

/// A list of a million numbers takes less.
const LONGEST_TEXT: usize = 16 << 20;

/// Operators of all kinds. A tree is at most as deep as it has operators, and so much deep it can be dropped.
const MOST_OPERATORS: usize = 100_000;

/// Words that open a type within a type, which the parser reads by recursion.
const MOST_NESTED_TYPES: usize = 500;

/// How deep a tree may be, but for the conditions that AND or OR joins. What the engine does takes the square of the
/// depth, or more.
const DEEPEST_TREE: usize = 300;

/// How often the parser may begin an operand, for each token: where it cannot go on it tries other readings, within
/// each other.
const TRIES_PER_TOKEN: usize = 16;
const TRIES: usize = 10_000;

/// The most digits of a decimal, and the furthest point.
const MOST_DIGITS: u64 = 38;

/// Of a type of fixed size.
const LARGEST_FIXED_SIZE: u64 = 65_536;

/// Check a filter over these columns; which of them it reads. For a thread of the runtime, whose stack is large.
pub fn check(filter: &str, schema: &Schema) -> Result<BTreeSet<String>> {
    amplifiers::bound();
    let tree = parse(filter)?;
    let mut look = Look::new(schema);
    match tree.visit(&mut look) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(look.columns),
    }
}

/// What the failure of a query tells about its filter: the engine panics on some that it cannot plan or evaluate.
pub fn blame(error: Error) -> Error {
    if let Some(message) = amplifiers::told_in(error.message()) {
        return Error::with_detail(code::RESOURCE_EXHAUSTED, message, error.detail());
    }
    // The crates that read files do not evaluate filters.
    let reads_files = ["lance-encoding", "lance-file", "lance-io", "lance-table"]
        .iter()
        .any(|reader| error.detail().contains(reader));
    match error.code() {
        code::PANIC if !reads_files => error
            .with_code(code::INVALID_ARGUMENT)
            .context("the filter cannot be evaluated"),
        _ => error,
    }
}

fn refused<T>(why: impl AsRef<str>) -> Result<T> {
    Err(Error::invalid_argument(why))
}

/// The engine's own words and operators, and a count of what the parser does.
#[derive(Debug)]
struct Counted {
    words: GenericDialect,
    tries: Cell<usize>,
    operators: Cell<usize>,
}

/// Whether there was one left.
fn spend(left: &Cell<usize>) -> bool {
    let count = left.get();
    left.set(count.saturating_sub(1));
    count > 0
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
        let goes_on = spend(&self.tries);
        (!goes_on).then_some(Err(ParserError::RecursionLimitExceeded))
    }

    fn parse_infix(
        &self,
        _: &mut Parser,
        _: &Expr,
        _: u8,
    ) -> Option<std::result::Result<Expr, ParserError>> {
        let goes_on = spend(&self.operators);
        (!goes_on).then_some(Err(ParserError::RecursionLimitExceeded))
    }
}

/// The tree of an expression that goes on to the end of the text.
fn parse(filter: &str) -> Result<Expr> {
    if filter.len() > LONGEST_TEXT {
        return refused(format!(
            "the filter has {} bytes, the most is {LONGEST_TEXT}",
            filter.len()
        ));
    }
    let mut dialect = Counted {
        words: GenericDialect {},
        tries: Cell::new(TRIES),
        operators: Cell::new(MOST_OPERATORS),
    };
    let mut tokens = match Tokenizer::new(&dialect, filter).tokenize() {
        Ok(tokens) => tokens,
        Err(error) => return refused(format!("the filter is no SQL: {error}")),
    };
    // As the engine does: `==` is `=`.
    tokens.dedup_by(|next, token| (&*token, &*next) == (&Token::Eq, &Token::Eq));
    check_nested_types("the filter", tokens.iter())?;
    *dialect.tries.get_mut() += tokens.len() * TRIES_PER_TOKEN;
    let mut parser = Parser::new(&dialect).with_tokens(tokens);
    let parsed = parser.parse_expr();
    if dialect.operators.get() == 0 {
        return refused(format!(
            "the filter has more than {MOST_OPERATORS} operators: use IN for a list of values"
        ));
    }
    let tree = match parsed {
        Ok(tree) => tree,
        Err(ParserError::RecursionLimitExceeded) => {
            return refused("the filter has too many parentheses or functions within each other");
        }
        Err(ParserError::ParserError(why) | ParserError::TokenizerError(why)) => {
            return refused(format!("the filter is no SQL expression: {why}"));
        }
    };
    match &parser.peek_token_ref().token {
        Token::EOF => Ok(tree),
        rest => refused(format!(
            "the filter is one expression, and after its end comes {rest}"
        )),
    }
}

/// The parser reads types within each other by recursion. `what` has these tokens.
pub fn check_nested_types<'a>(what: &str, tokens: impl Iterator<Item = &'a Token>) -> Result<()> {
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
    schema: &'a Schema,
    /// Above the node: which of them count for the depth, and the operator of those that AND or OR joins.
    above: Vec<(bool, Option<BinaryOperator>)>,
    depth: usize,
    functions: usize,
    columns: BTreeSet<String>,
}

impl<'a> Look<'a> {
    fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            above: Vec::new(),
            depth: 0,
            functions: 0,
            columns: BTreeSet::new(),
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

    /// A column, which the engine finds whatever its case where it is not quoted.
    fn column(&mut self, path: &[Ident]) -> Result<()> {
        let Some((first, rest)) = path.split_first() else {
            return Ok(());
        };
        if first.quote_style == Some('"') && rest.is_empty() {
            return Ok(()); // A text.
        }
        if is_system_column(&first.value.to_ascii_lowercase()) {
            return Ok(());
        }
        let fields = &self.schema.fields;
        let exact = fields.iter().find(|field| field.name == first.value);
        let found = exact.or_else(|| {
            let alike = |name: &str| name.eq_ignore_ascii_case(&first.value);
            let is_quoted = first.quote_style.is_some() && rest.is_empty();
            fields.iter().find(|field| !is_quoted && alike(&field.name))
        });
        let rest: Vec<_> = rest.iter().map(|part| part.value.clone()).collect();
        match found {
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

    fn node(&mut self, node: &Expr) -> Result<()> {
        match node {
            Expr::Identifier(name) => self.column(std::slice::from_ref(name)),
            Expr::CompoundIdentifier(path) => self.column(path),
            Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => {
                check_type(data_type)
            }
            Expr::Function(function) => check_arrow_type("the filter", function),
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
        self.depth += usize::from(deepens);
        self.functions += usize::from(matches!(node, Expr::Function(_)));
        if self.depth > DEEPEST_TREE {
            return ControlFlow::Break(Error::invalid_argument(format!(
                "the filter has a chain of more than {DEEPEST_TREE} operators: put parts of it in parentheses"
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
        ControlFlow::Break(Error::invalid_argument(
            "the filter has a query in it: it sees one row at a time",
        ))
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<Error> {
        let why = match &value.value {
            Value::Number(..)
            | Value::SingleQuotedString(_)
            | Value::DoubleQuotedString(_)
            | Value::HexStringLiteral(_)
            | Value::Boolean(_)
            | Value::Null => return ControlFlow::Continue(()),
            Value::Placeholder(name) => {
                format!("the filter has the placeholder {name}: write a value in its place")
            }
            other => format!("the filter has the text {other}: write it in single quotes alone"),
        };
        ControlFlow::Break(Error::invalid_argument(why))
    }
}

/// Types that end the engine, which counts their digits in a byte, or are dropped by recursion.
fn check_type(data_type: &DataType) -> Result<()> {
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
        ) if !matches!(**inner, DataType::Array(_)) => check_type(inner),
        DataType::Array(_)
        | DataType::Map(..)
        | DataType::Tuple(_)
        | DataType::Nested(_)
        | DataType::Struct(..)
        | DataType::Union(_)
        | DataType::Nullable(_)
        | DataType::LowCardinality(_)
        | DataType::Table(_)
        | DataType::NamedTable { .. } => {
            refused("the filter has a nested type: values are cast to plain types only")
        }
        _ => Ok(()),
    }
}

/// A cast to values of a fixed size makes so much of each row, whatever is in it. `what` calls the function.
pub fn check_arrow_type(what: &str, function: &Function) -> Result<()> {
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
        let numbers = kind.split(|c: char| !c.is_ascii_digit());
        let mut sizes = numbers.filter_map(|number| number.parse().ok());
        if sizes.any(|size: u64| size > LARGEST_FIXED_SIZE) {
            return refused(format!(
                "{what} casts to {kind}: at most {LARGEST_FIXED_SIZE} bytes or items"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema};

    use super::*;

    fn schema() -> Schema {
        let number = |name: &str| Field::new(name, ArrowType::Int64, true);
        let inner = Field::new_struct("s", vec![number("or"), number("x")], true);
        let text = |name: &str| Field::new(name, ArrowType::Utf8, true);
        let fields = vec![number("id"), number("Big"), text("t"), text("a+b"), inner];
        Schema::try_from(&ArrowSchema::new(fields)).expect("a schema")
    }

    /// On a thread like those of the runtime.
    fn looked_at(filter: &str) -> Result<BTreeSet<String>> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(crate::runtime::STACK_BYTES);
            let look = thread.spawn_scoped(scope, || check(filter, &schema()));
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
            let columns = looked_at(filter).expect(filter);
            columns.into_iter().collect()
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
    fn a_panic_is_the_filters_fault_unless_a_file_was_read() {
        let panic = |place: &str| Error::with_detail(code::PANIC, "the engine panicked: x", place);
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
