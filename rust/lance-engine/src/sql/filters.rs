//! Which conditions Lance decides. It and DataFusion evaluate them by the same functions, so that what only compares has
//! one outcome. What may fail is left to DataFusion, which knows what is to be evaluated before it.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::read::scan_strategy::only_tests;

/// Whether a condition only compares columns, which `type_of` knows, with values.
pub fn only_compares(condition: &Expr, type_of: &impl Fn(&str) -> Option<DataType>) -> bool {
    let other = condition.exists(|part| {
        Ok(!match part {
            Expr::Column(column) => type_of(&column.name).is_some_and(|kind| is_plain(&kind)),
            Expr::BinaryExpr(BinaryExpr { op, .. }) => {
                op.is_logic_operator()
                    || matches!(
                        op,
                        Operator::Eq
                            | Operator::NotEq
                            | Operator::Lt
                            | Operator::LtEq
                            | Operator::Gt
                            | Operator::GtEq
                    )
            }
            Expr::Like(like) => matches!(*like.pattern, Expr::Literal(..)),
            other => only_tests(other),
        })
    });
    !other.unwrap_or(true)
}

/// Whether an index answers as a comparison of the values does. One of fractions may see zeros of either sign apart.
pub fn index_may_answer(condition: &Expr, type_of: &impl Fn(&str) -> Option<DataType>) -> bool {
    let other = condition.exists(|part| {
        Ok(match part {
            Expr::Column(column) => !type_of(&column.name).is_some_and(|kind| {
                kind.is_integer()
                    || kind.is_temporal()
                    || matches!(kind, DataType::Utf8 | DataType::Boolean)
            }),
            _ => false,
        })
    });
    !other.unwrap_or(true)
}

pub fn is_plain(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_plain(values),
        kind => {
            kind.is_primitive()
                || matches!(
                    kind,
                    DataType::Boolean
                        | DataType::Utf8
                        | DataType::LargeUtf8
                        | DataType::Binary
                        | DataType::LargeBinary
                        | DataType::FixedSizeBinary(_)
                )
        }
    }
}
