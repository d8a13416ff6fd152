//! Expressions that the engine plans as arguments of a function only.
//!
//! It plans columns, operators and the like by itself, and hands functions with all that is in them to DataFusion, which
//! plans the rest: CASE, or EXTRACT and other functions whose arguments have words between them. So these become the
//! argument of a function that returns it as it is.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, Value, VisitMut, VisitorMut,
};

const AS_IT_IS: &str = "coalesce";

/// Put what the engine does not plan by itself into a function; whether there was something.
pub fn reword(tree: &mut Expr) -> bool {
    let mut words = Words::default();
    let _ = VisitMut::visit(tree, &mut words);
    words.changed
}

#[derive(Default)]
struct Words {
    /// Functions that the node is in.
    functions: usize,
    changed: bool,
}

impl VisitorMut for Words {
    type Break = ();

    fn pre_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        if self.functions == 0 && is_for_datafusion(node) {
            let argument = std::mem::replace(node, Expr::value(Value::Null));
            *node = as_it_is(argument);
            self.changed = true;
        }
        self.functions += usize::from(matches!(node, Expr::Function(_)));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        self.functions -= usize::from(matches!(node, Expr::Function(_)));
        ControlFlow::Continue(())
    }
}

fn is_for_datafusion(node: &Expr) -> bool {
    use BinaryOperator as Op;

    match node {
        Expr::Case { .. }
        | Expr::Ceil { .. }
        | Expr::Extract { .. }
        | Expr::Floor { .. }
        | Expr::Interval(_)
        | Expr::Overlay { .. }
        | Expr::Position { .. }
        | Expr::Substring { .. }
        | Expr::Trim { .. } => true,
        Expr::BinaryOp { op, .. } => matches!(
            op,
            Op::BitwiseAnd
                | Op::BitwiseOr
                | Op::PGRegexMatch
                | Op::PGRegexIMatch
                | Op::PGRegexNotMatch
                | Op::PGRegexNotIMatch
        ),
        _ => false,
    }
}

fn as_it_is(argument: Expr) -> Expr {
    let arguments = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))],
        clauses: Vec::new(),
    };
    Expr::Function(Function {
        name: Ident::new(AS_IT_IS).into(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(arguments),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn only_what_is_in_no_function_yet_is_put_into_one() {
        for (text, expected) in [
            (
                "CASE WHEN a THEN b END = 1",
                "coalesce(CASE WHEN a THEN b END) = 1",
            ),
            (
                "TRIM(a) = 'it''s' AND NOT FLOOR(b) > 1",
                "coalesce(TRIM(a)) = 'it''s' AND NOT coalesce(FLOOR(b)) > 1",
            ),
            (
                "abs(CASE a WHEN 1 THEN EXTRACT(YEAR FROM b) END) IN (1, 2)",
                "abs(CASE a WHEN 1 THEN EXTRACT(YEAR FROM b) END) IN (1, 2)",
            ),
            ("`o dd` ~ 'x'", "coalesce(`o dd` ~ 'x')"),
            ("a + 1 = b", "a + 1 = b"),
        ] {
            let dialect = GenericDialect {};
            let mut parser = Parser::new(&dialect).try_with_sql(text).expect(text);
            let mut tree = parser.parse_expr().expect(text);
            assert_eq!(reword(&mut tree), text != expected, "{text}");
            assert_eq!(tree.to_string(), expected);
        }
    }
}
