//! Filters as Substrait messages.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema as ArrowSchema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, ExprSchemable};
use lance::datatypes::Schema;
use lance_datafusion::exec::{LanceExecutionOptions, get_session_context};
use lance_datafusion::planner::Planner;
use lance_datafusion::substrait::parse_substrait;

use super::amplifiers;
use super::columns::no_such_column;
use super::expression::{LARGEST_FIXED_SIZE, check_fixed_sizes};
use crate::error::{Error, Result, code};
use crate::panics::contained;

/// The filter of a message over these columns, and which of them it reads.
pub async fn filter(message: &[u8], schema: &Schema) -> Result<(Expr, BTreeSet<String>)> {
    amplifiers::bound();
    contained(read(message, schema)).await.map_err(unreadable)
}

async fn read(message: &[u8], schema: &Schema) -> Result<(Expr, BTreeSet<String>)> {
    let arrow = Arc::new(ArrowSchema::from(schema));
    let context = get_session_context(&LanceExecutionOptions::default());
    let filter = parse_substrait(message, arrow.clone(), &context.state()).await?;
    check(&filter)?;
    let reads: BTreeSet<_> = filter
        .column_refs()
        .into_iter()
        .map(|column| column.name.clone())
        .collect();
    let is_stored = |name: &&String| schema.fields.iter().any(|field| field.name == **name);
    if let Some(name) = reads.iter().find(|name| !is_stored(name)) {
        return Err(no_such_column(schema, name));
    }
    let filter = Planner::new(arrow.clone()).optimize_expr(filter)?;
    match filter.get_type(&DFSchema::try_from(arrow)?)? {
        DataType::Boolean => Ok((filter, reads)),
        other => Err(Error::invalid_argument(format!(
            "it gives values of type {other}, and a filter says yes or no"
        ))),
    }
}

/// Whatever is wrong with a message, who sent it can mend.
fn unreadable(error: Error) -> Error {
    let error = match error.code() {
        code::FIELD_NOT_FOUND => return error,
        code::NOT_SUPPORTED => error,
        _ => error.with_code(code::INVALID_ARGUMENT),
    };
    error.context("the Substrait filter cannot be used")
}

/// What no row has, or what would make too much of one.
fn check(filter: &Expr) -> Result<()> {
    let mut refused = None;
    filter.exists(|part| {
        refused = match part {
            Expr::Placeholder(_)
            | Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::ScalarSubquery(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::AggregateFunction(_)
            | Expr::WindowFunction(_) => {
                Some("holds what no single row has: a parameter, a query or an aggregate".into())
            }
            Expr::Cast(cast) => too_wide(cast.field.data_type()),
            Expr::TryCast(cast) => too_wide(cast.field.data_type()),
            Expr::ScalarFunction(call) => call.args.iter().find_map(|argument| match argument {
                Expr::Literal(kind, _) if call.name().starts_with("arrow_") => kind
                    .try_as_str()
                    .flatten()
                    .and_then(|kind| check_fixed_sizes(kind).err()),
                _ => None,
            }),
            _ => None,
        };
        Ok(refused.is_some())
    })?;
    match refused {
        Some(why) => Err(Error::invalid_argument(format!("it {why}"))),
        None => Ok(()),
    }
}

fn too_wide(to: &DataType) -> Option<String> {
    let (DataType::FixedSizeBinary(size) | DataType::FixedSizeList(_, size)) = to else {
        return None;
    };
    (*size as u64 > LARGEST_FIXED_SIZE)
        .then(|| format!("casts to {to}: at most {LARGEST_FIXED_SIZE} bytes or items"))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::logical_expr::{cast, col, lit};
    use futures::executor::block_on;
    use lance_datafusion::substrait::encode_substrait;

    use super::*;

    fn arrow() -> Arc<ArrowSchema> {
        let field = |name, kind| Field::new(name, kind, true);
        Arc::new(ArrowSchema::new(vec![
            field("id", DataType::Int64),
            field("t", DataType::Utf8),
            field("d", DataType::Decimal128(15, 2)),
        ]))
    }

    fn message(filter: Expr) -> Vec<u8> {
        let context = get_session_context(&LanceExecutionOptions::default());
        encode_substrait(filter, arrow(), &context.state()).expect("a message")
    }

    fn read(message: &[u8]) -> Result<(Expr, BTreeSet<String>)> {
        let schema = Schema::try_from(arrow().as_ref()).expect("a schema");
        block_on(super::filter(message, &schema))
    }

    #[test]
    fn a_filter_tells_its_columns() {
        let (_, reads) =
            read(&message(col("id").gt(lit(3_i64)).and(col("t").is_null()))).expect("");
        assert_eq!(reads.into_iter().collect::<Vec<_>>(), ["id", "t"]);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for (message, why) in [
            (message(col("id") + lit(1_i64)), "Int64"),
            (
                message(cast(col("t"), DataType::FixedSizeBinary(1 << 30)).is_null()),
                "casts to",
            ),
            (Vec::new(), "Substrait"),
            (b"no message at all".to_vec(), "Substrait"),
        ] {
            let error = read(&message).expect_err(why);
            assert_eq!(error.code(), code::INVALID_ARGUMENT, "{error}");
            assert!(error.message().contains(why), "{error}");
        }
    }

    #[test]
    fn damaged_messages_are_errors() {
        let whole = message(col("id").gt(lit(3_i64)).or(col("d").is_null()));
        for at in 0..whole.len() {
            let _ = read(&whole[..at]);
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                let _ = read(&damaged);
            }
        }
    }
}
