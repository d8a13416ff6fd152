//! What joins and sorts learn while they run about the rows of a table that matter, as conditions that Lance decides.

use std::sync::Arc;

use datafusion::common::Column as LogicalColumn;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr as LogicalBinary, Expr, Operator, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, DynamicFilterPhysicalExpr, InListExpr, Literal,
};

/// A condition that holds at least where `known` does, or None where nothing is known that Lance could decide.
pub fn weaker(known: &Arc<dyn PhysicalExpr>) -> Option<Expr> {
    if let Some(dynamic) = known.downcast_ref::<DynamicFilterPhysicalExpr>() {
        let known = weaker(&dynamic.current().ok()?)?;
        // Some joins find NULLs equal, and none tells of its own.
        let keys: Option<Vec<Expr>> = dynamic.children().into_iter().map(column).collect();
        return Some(
            keys?
                .into_iter()
                .fold(known, |known, key| known.or(key.is_null())),
        );
    }
    if let Some(binary) = known.downcast_ref::<BinaryExpr>() {
        let sides = || (weaker(binary.left()), weaker(binary.right()));
        return match binary.op() {
            Operator::And => match sides() {
                (Some(left), Some(right)) => Some(left.and(right)),
                (left, right) => left.or(right),
            },
            Operator::Or => match sides() {
                (Some(left), Some(right)) => Some(left.or(right)),
                _ => None,
            },
            op @ (Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq) => {
                Some(Expr::BinaryExpr(LogicalBinary::new(
                    Box::new(column(binary.left())?),
                    *op,
                    Box::new(value(binary.right())?),
                )))
            }
            _ => None,
        };
    }
    if let Some(list) = known.downcast_ref::<InListExpr>() {
        let values: Option<Vec<Expr>> = list.list().iter().map(value).collect();
        let list = (!list.negated()).then(|| column(list.expr())).flatten()?;
        return Some(Expr::InList(InList::new(Box::new(list), values?, false)));
    }
    // One branch for each partition of a join.
    if let Some(case) = known.downcast_ref::<CaseExpr>() {
        let branches = case.when_then_expr().iter().map(|(_, then)| then);
        let branches: Option<Vec<Expr>> = branches
            .chain(case.else_expr())
            .filter(|branch| !is_false(branch))
            .map(weaker)
            .collect();
        return branches?.into_iter().reduce(Expr::or).or(Some(lit(false)));
    }
    is_false(known).then(|| lit(false))
}

fn is_false(known: &Arc<dyn PhysicalExpr>) -> bool {
    use datafusion::scalar::ScalarValue::Boolean;

    let literal = known.downcast_ref::<Literal>();
    literal.is_some_and(|literal| matches!(literal.value(), Boolean(Some(false) | None)))
}

fn column(known: &Arc<dyn PhysicalExpr>) -> Option<Expr> {
    let column = known.downcast_ref::<Column>()?;
    Some(Expr::Column(LogicalColumn::new_unqualified(column.name())))
}

fn value(known: &Arc<dyn PhysicalExpr>) -> Option<Expr> {
    let literal = known.downcast_ref::<Literal>()?;
    Some(Expr::Literal(literal.value().clone(), None))
}
