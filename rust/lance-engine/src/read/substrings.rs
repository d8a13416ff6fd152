//! Searches for a substring below NOT, and wherever else NULL is not the same as false.
//!
//! An index of substrings (FM) says which texts have one, and knows no NULLs: the engine takes all other rows for those that
//! have none. So the index is asked only where a row passes or does not, and elsewhere a NULL is decided before it.

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Operator, when};
use datafusion::scalar::ScalarValue;

/// As filters name it.
const NAME: &str = "contains";

pub fn may_be_in(sql: &str) -> bool {
    sql.to_ascii_lowercase().contains(NAME)
}

/// Keep NULLs out of them; None: the filter is sound as it is.
pub fn keep_nulls(filter: &Expr) -> Result<Option<Expr>> {
    let kept = filter.clone().transform_down(|part| {
        Ok(match part {
            Expr::BinaryExpr(ref both) if matches!(both.op, Operator::And | Operator::Or) => {
                Transformed::no(part)
            }
            part if is_search(&part) => Transformed::new(part, false, TreeNodeRecursion::Jump),
            part => {
                let part = part.transform_up(decide)?;
                Transformed::new(part.data, part.transformed, TreeNodeRecursion::Jump)
            }
        })
    })?;
    Ok(kept.transformed.then_some(kept.data))
}

fn is_search(part: &Expr) -> bool {
    matches!(part, Expr::ScalarFunction(call) if call.name() == NAME)
}

fn decide(part: Expr) -> Result<Transformed<Expr>> {
    match &part {
        Expr::ScalarFunction(call) if is_search(&part) => {
            let is_null = call.args[0].clone().is_null();
            let null = Expr::Literal(ScalarValue::Boolean(None), None);
            Ok(Transformed::yes(when(is_null, null).otherwise(part)?))
        }
        _ => Ok(Transformed::no(part)),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::functions::string::expr_fn::contains;
    use datafusion::logical_expr::{col, lit, not};

    use super::*;

    fn red() -> Expr {
        contains(col("name"), lit("red"))
    }

    #[test]
    fn a_null_is_decided_before_a_search_that_is_not_a_row_s_only_test() {
        let decided = when(
            col("name").is_null(),
            Expr::Literal(ScalarValue::Boolean(None), None),
        )
        .otherwise(red())
        .expect("a case");
        let few = || col("few").eq(lit(1));
        for (filter, expected) in [
            (not(red()), Some(not(decided.clone()))),
            (
                few().and(not(red().or(few()))),
                Some(few().and(not(decided.clone().or(few())))),
            ),
            (
                red().or(red().eq(lit(false))),
                Some(red().or(decided.eq(lit(false)))),
            ),
            (red(), None),
            (few().and(red().or(few())), None),
            (not(few()), None),
        ] {
            assert_eq!(keep_nulls(&filter).expect("a filter"), expected, "{filter}");
        }
    }
}
