//! Conditions on one value that a NULL neither meets nor fails.
//!
//! Where a value is to be in two lists that have nothing in common, DataFusion takes this for false, and where it is not
//! to be in both, for true. Of a NULL neither is known, which matters beside NOT. So a NULL is decided before it.
//!
//! An index answers `IS TRUE` as it answers `= true`, so that below a NOT it lacks the NULLs, which are not true. So they are
//! named.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, UnaryOperator, Value, VisitMut, VisitorMut,
    helpers::attached_token::AttachedToken,
};

/// Keep NULLs out of what joins two lists, and name them where truth is asked for; whether there was something.
pub fn keep(tree: &mut Expr) -> bool {
    let mut unknowns = Unknowns { changed: false };
    let _ = VisitMut::visit(tree, &mut unknowns);
    unknowns.changed
}

struct Unknowns {
    changed: bool,
}

impl VisitorMut for Unknowns {
    type Break = ();

    fn post_visit_expr(&mut self, node: &mut Expr) -> ControlFlow<()> {
        if let Some(named) = truth(node) {
            *node = named;
            self.changed = true;
        } else if let Some(value) = pair(node).cloned() {
            let known = std::mem::replace(node, null());
            *node = Expr::Case {
                case_token: AttachedToken::empty(),
                end_token: AttachedToken::empty(),
                operand: None,
                conditions: vec![CaseWhen {
                    condition: Expr::IsNull(Box::new(value)),
                    result: null(),
                }],
                else_result: Some(Box::new(known)),
            };
            self.changed = true;
        }
        ControlFlow::Continue(())
    }
}

/// What asks for the truth of a column, with NULL as a case of its own.
fn truth(node: &Expr) -> Option<Expr> {
    let (value, is_true, is_not) = match node {
        Expr::IsTrue(value) => (value, true, false),
        Expr::IsFalse(value) => (value, false, false),
        Expr::IsNotTrue(value) => (value, true, true),
        Expr::IsNotFalse(value) => (value, false, true),
        _ => return None,
    };
    if !is_column(value) {
        return None;
    }
    let met = match is_true != is_not {
        true => value.clone(),
        false => Box::new(Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: value.clone(),
        }),
    };
    let (op, right) = match is_not {
        true => (BinaryOperator::Or, Expr::IsNull(value.clone())),
        false => (BinaryOperator::And, Expr::IsNotNull(value.clone())),
    };
    Some(Expr::Nested(Box::new(Expr::BinaryOp {
        left: met,
        op,
        right: Box::new(right),
    })))
}

fn is_column(value: &Expr) -> bool {
    match value {
        Expr::Nested(inner) => is_column(inner),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        _ => false,
    }
}

fn null() -> Expr {
    Expr::value(Value::Null)
}

/// What is asked of a value.
struct List<'a> {
    value: &'a Expr,
    /// It is in none of them.
    negated: bool,
}

impl<'a> List<'a> {
    fn of(part: &'a Expr) -> Option<Self> {
        use BinaryOperator as Op;

        match part {
            Expr::Nested(inner) => Self::of(inner),
            Expr::InList { expr, negated, .. } => Some(Self {
                value: expr,
                negated: *negated,
            }),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => {
                let list = Self::of(expr)?;
                let negated = !list.negated;
                Some(Self { negated, ..list })
            }
            Expr::BinaryOp { left, op, right } => match op {
                Op::Eq | Op::NotEq => {
                    let (value, item) = match is_literal(left) {
                        true => (right, left),
                        false => (left, right),
                    };
                    is_literal(item).then_some(Self {
                        value,
                        negated: *op == Op::NotEq,
                    })
                }
                Op::Or | Op::And => {
                    let (list, other) = (Self::of(left)?, Self::of(right)?);
                    let negated = *op == Op::And;
                    let joins = list.negated == negated && other.negated == negated;
                    (joins && name(list.value) == name(other.value)).then_some(list)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// The value of two lists, unless they are one list together.
fn pair(node: &Expr) -> Option<&Expr> {
    use BinaryOperator as Op;

    let Expr::BinaryOp { left, op, right } = node else {
        return None;
    };
    let merged = match op {
        Op::And => true,
        Op::Or => false,
        _ => return None,
    };
    let (first, second) = (List::of(left)?, List::of(right)?);
    let are_one = first.negated == merged && second.negated == merged;
    (!are_one && name(first.value) == name(second.value)).then_some(first.value)
}

fn is_literal(item: &Expr) -> bool {
    match item {
        Expr::Value(_) | Expr::TypedString(_) => true,
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) | Expr::Cast { expr, .. } => {
            is_literal(expr)
        }
        _ => false,
    }
}

/// A value as it is written, but for quotes.
fn name(value: &Expr) -> String {
    let mut text = value.to_string();
    text.retain(|letter| !matches!(letter, '`' | '"'));
    text
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn nulls_are_named_where_truth_is_asked_for() {
        for (text, expected) in [
            ("b IS TRUE", "(b AND b IS NOT NULL)"),
            ("NOT (b IS FALSE)", "NOT ((NOT b AND b IS NOT NULL))"),
            (
                "NOT `a.b`.c IS NOT TRUE",
                "NOT (NOT `a.b`.c OR `a.b`.c IS NULL)",
            ),
            ("(b) IS NOT FALSE AND c", "((b) OR (b) IS NULL) AND c"),
            ("a < 3 IS TRUE", "a < 3 IS TRUE"),
        ] {
            let dialect = GenericDialect {};
            let mut parser = Parser::new(&dialect).try_with_sql(text).expect(text);
            let mut tree = parser.parse_expr().expect(text);
            assert_eq!(keep(&mut tree), text != expected, "{text}");
            assert_eq!(tree.to_string(), expected);
        }
    }

    #[test]
    fn nulls_are_kept_out_of_pairs_of_lists_of_one_value() {
        for (text, expected) in [
            (
                "NOT (k IN (1) AND `k` IN (2))",
                "NOT (CASE WHEN k IS NULL THEN NULL ELSE k IN (1) AND `k` IN (2) END)",
            ),
            (
                "a.b <> 1 OR a.b NOT IN (1, 3)",
                "CASE WHEN a.b IS NULL THEN NULL ELSE a.b <> 1 OR a.b NOT IN (1, 3) END",
            ),
            (
                "(k = 1 OR k = 2) AND NOT k = 3",
                "CASE WHEN k IS NULL THEN NULL ELSE (k = 1 OR k = 2) AND NOT k = 3 END",
            ),
            ("k = 1 OR k IN (2, 3)", "k = 1 OR k IN (2, 3)"),
            ("k <> 1 AND k NOT IN (2, 3)", "k <> 1 AND k NOT IN (2, 3)"),
            ("k IN (1) AND j IN (2)", "k IN (1) AND j IN (2)"),
            ("k = j AND k = 2", "k = j AND k = 2"),
        ] {
            let dialect = GenericDialect {};
            let mut parser = Parser::new(&dialect).try_with_sql(text).expect(text);
            let mut tree = parser.parse_expr().expect(text);
            assert_eq!(keep(&mut tree), text != expected, "{text}");
            assert_eq!(tree.to_string(), expected);
        }
    }
}
