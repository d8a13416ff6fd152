//! Lists of values that a NULL is in as little as it is not.
//!
//! Where a value is to be in two lists that have nothing in common, DataFusion takes this for false, and where it is not
//! to be in both, for true. Of a NULL neither is known, which matters beside NOT and OR.

use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

/// Says of lists without a common value what is known.
#[derive(Debug)]
pub struct NullsStayUnknown;

impl AnalyzerRule for NullsStayUnknown {
    fn name(&self) -> &str {
        "nulls_stay_unknown"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> PlanResult<LogicalPlan> {
        let analyzed = plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expression| {
                let name = names.save(&expression);
                let known = expression.transform_down(|part| Ok(known(part)))?;
                Ok(known.update_data(|expression| name.restore(expression)))
            })
        });
        Ok(analyzed?.data)
    }
}

/// What is asked of a value.
struct List<'a> {
    value: &'a Expr,
    items: Vec<&'a Expr>,
    /// It is in none of them.
    negated: bool,
}

impl<'a> List<'a> {
    fn of(part: &'a Expr) -> Option<Self> {
        match part {
            Expr::InList(list) => Some(Self {
                value: &list.expr,
                items: list.list.iter().collect(),
                negated: list.negated,
            }),
            Expr::Not(inner) => {
                let list = Self::of(inner)?;
                let negated = !list.negated;
                Some(Self { negated, ..list })
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::Eq | Operator::NotEq => {
                    let (value, item) = match **left {
                        Expr::Literal(..) => (right, left),
                        _ => (left, right),
                    };
                    Some(Self {
                        value,
                        items: vec![item],
                        negated: *op == Operator::NotEq,
                    })
                }
                Operator::Or | Operator::And => {
                    let (mut list, other) = (Self::of(left)?, Self::of(right)?);
                    let negated = *op == Operator::And;
                    list.items.extend(other.items);
                    let joins = list.negated == negated && other.negated == negated;
                    (joins && list.value == other.value).then_some(list)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn is_known(&self) -> bool {
        let is_value = |item: &&Expr| matches!(item, Expr::Literal(value, _) if !value.is_null());
        self.items.iter().all(is_value) && !self.value.is_volatile()
    }
}

fn known(part: Expr) -> Transformed<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = &part else {
        return Transformed::no(part);
    };
    let (Some(first), Some(second)) = (List::of(left), List::of(right)) else {
        return Transformed::no(part);
    };
    if first.value != second.value || !first.is_known() || !second.is_known() {
        return Transformed::no(part);
    }
    // Both lists together, or what is left of one without the other, have nothing.
    let lacks = |list: &List, other: &List| list.items.iter().all(|it| !other.items.contains(it));
    let within = |list: &List, other: &List| list.items.iter().all(|it| other.items.contains(it));
    let is_empty = match (op, first.negated, second.negated) {
        (Operator::And, false, false) | (Operator::Or, true, true) => lacks(&first, &second),
        (Operator::And, false, true) | (Operator::Or, true, false) => within(&first, &second),
        (Operator::And, true, false) | (Operator::Or, false, true) => within(&second, &first),
        _ => false,
    };
    if !is_empty {
        return Transformed::no(part);
    }
    let value = first.value.clone();
    let unknown = Expr::Literal(ScalarValue::Boolean(None), None);
    Transformed::yes(match op {
        Operator::And => value.is_null().and(unknown),
        _ => value.is_not_null().or(unknown),
    })
}
