//! Decimals beside floating point numbers.
//!
//! A literal with a point is a decimal, and DataFusion would compare a column of doubles with it as decimals, which hold
//! neither large values nor NaN. The double decides here, as it does in sums and products.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, cast};
use datafusion::optimizer::AnalyzerRule;

/// Makes floating point numbers of decimals that are compared with some.
#[derive(Debug)]
pub struct FloatsDecide;

impl AnalyzerRule for FloatsDecide {
    fn name(&self) -> &str {
        "floats_decide"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> PlanResult<LogicalPlan> {
        let analyzed = plan.transform_up_with_subqueries(|plan| {
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expression| {
                let name = names.save(&expression);
                let decided = expression.transform_up(|part| Ok(decide(part, &schema)))?;
                Ok(decided.update_data(|expression| name.restore(expression)))
            })
        });
        Ok(analyzed?.data)
    }
}

/// A comparison, with its decimals as the floating point number among what is compared.
fn decide(part: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let compared: Vec<&Expr> = match &part {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            vec![&**left, &**right]
        }
        Expr::Between(Between {
            expr, low, high, ..
        }) => vec![expr, low, high],
        Expr::InList(InList { expr, list, .. }) => std::iter::once(&**expr).chain(list).collect(),
        _ => return Transformed::no(part),
    };
    let types: Vec<_> = compared
        .iter()
        .map(|side| side.get_type(schema).unwrap_or(DataType::Null))
        .collect();
    let float = types
        .iter()
        .filter(|kind| kind.is_floating())
        .max_by_key(|kind| kind.primitive_width());
    let Some(float) = float.filter(|_| types.iter().any(is_decimal)).cloned() else {
        return Transformed::no(part);
    };
    let float = |side: Box<Expr>| match side.get_type(schema) {
        Ok(kind) if is_decimal(&kind) => Box::new(cast(*side, float.clone())),
        _ => side,
    };
    Transformed::yes(match part {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            Expr::BinaryExpr(BinaryExpr::new(float(left), op, float(right)))
        }
        Expr::Between(Between {
            expr,
            negated,
            low,
            high,
        }) => Expr::Between(Between::new(float(expr), negated, float(low), float(high))),
        Expr::InList(InList {
            expr,
            list,
            negated,
        }) => {
            let list = list.into_iter().map(|value| *float(Box::new(value)));
            Expr::InList(InList::new(float(expr), list.collect(), negated))
        }
        other => other,
    })
}

fn is_decimal(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..)
    )
}
