//! Whether the columns of data files mean in a dataset what they meant when they were written. Files tell columns by
//! numbers.

use std::collections::BTreeSet;

use lance_core::datatypes::{Field, Schema};

/// What has become of the columns since.
#[derive(Debug, PartialEq)]
pub enum Change {
    /// They are what they were, or dropped.
    None,
    /// Columns of these numbers have other names. They were renamed, or other columns got their numbers.
    Renamed(BTreeSet<i32>),
    /// The column of this name is another one now.
    Replaced(String),
}

/// Compare the columns `ids` as they were `then` with those of `now`.
pub fn compare(then: &Schema, now: &Schema, ids: &BTreeSet<i32>) -> Change {
    let mut renamed = BTreeSet::new();
    for id in ids {
        let (Some(old), Ok(path)) = (then.field_by_id(*id), then.field_path(*id)) else {
            continue;
        };
        match now.field_by_id(*id) {
            Some(new) if new.logical_type != old.logical_type => return Change::Replaced(path),
            Some(_) if now.field_path(*id).is_ok_and(|now| now == path) => (),
            Some(_) => {
                renamed.insert(*id);
            }
            None if now.field(&path).is_some() => return Change::Replaced(path),
            None => (),
        }
    }
    match renamed.is_empty() {
        true => Change::None,
        false => Change::Renamed(renamed),
    }
}

/// Whether each of the columns `ids` is in `now`, with the type that it had `then`.
pub fn remain(then: &Schema, now: &Schema, ids: &BTreeSet<i32>) -> bool {
    ids.iter().all(|id| {
        let (then, now) = (then.field_by_id(*id), now.field_by_id(*id));
        then.map(|field| &field.logical_type) == now.map(|field| &field.logical_type)
    })
}

/// Whether two schemas have the same columns, whatever is noted about them.
pub fn are_same(first: &Schema, second: &Schema) -> bool {
    same_fields(&first.fields, &second.fields)
}

fn same_fields(first: &[Field], second: &[Field]) -> bool {
    first.len() == second.len()
        && first.iter().zip(second).all(|(a, b)| {
            (a.id, &a.name, &a.logical_type, a.nullable)
                == (b.id, &b.name, &b.logical_type, b.nullable)
                && same_fields(&a.children, &b.children)
        })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema as ArrowSchema};

    use super::*;

    fn schema(columns: &[(&str, DataType)]) -> Schema {
        let fields = columns
            .iter()
            .map(|(name, data_type)| ArrowField::new(*name, data_type.clone(), true));
        Schema::try_from(&ArrowSchema::new(fields.collect::<Vec<_>>())).unwrap()
    }

    fn ids(ids: impl IntoIterator<Item = i32>) -> BTreeSet<i32> {
        ids.into_iter().collect()
    }

    fn written() -> Schema {
        schema(&[("a", DataType::Int32), ("b", DataType::Utf8)])
    }

    #[test]
    fn an_added_or_dropped_column_changes_nothing() {
        let wider = schema(&[
            ("a", DataType::Int32),
            ("b", DataType::Utf8),
            ("c", DataType::Int8),
        ]);
        let narrower = schema(&[("a", DataType::Int32)]);
        for now in [written(), wider, narrower] {
            assert_eq!(compare(&written(), &now, &ids([0, 1])), Change::None);
        }
    }

    #[test]
    fn a_column_of_another_type_or_number_is_another_one() {
        let retyped = schema(&[("a", DataType::Int64), ("b", DataType::Utf8)]);
        let replaced = || Change::Replaced("a".to_string());
        assert_eq!(compare(&written(), &retyped, &ids([0, 1])), replaced());
        let mut renumbered = written();
        renumbered.fields[0].id = 7;
        assert_eq!(compare(&written(), &renumbered, &ids([0, 1])), replaced());
        assert_eq!(compare(&written(), &retyped, &ids([1])), Change::None);
    }

    #[test]
    fn swapped_names_may_be_renamed_columns_or_others() {
        let swapped = schema(&[("b", DataType::Int32), ("a", DataType::Utf8)]);
        let renamed = Change::Renamed(ids([0, 1]));
        assert_eq!(compare(&written(), &swapped, &ids([0, 1])), renamed);
        assert!(remain(&written(), &swapped, &ids([0, 1])));
        assert!(!remain(
            &written(),
            &schema(&[("a", DataType::Int32)]),
            &ids([0, 1])
        ));
    }

    #[test]
    fn fields_of_structs_are_compared_too() {
        let nested = |name: &str, data_type| {
            let fields = Fields::from(vec![ArrowField::new(name, data_type, true)]);
            schema(&[("s", DataType::Struct(fields))])
        };
        let then = nested("x", DataType::Int32);
        let retyped = nested("x", DataType::Int64);
        let change = compare(&then, &retyped, &ids([0, 1]));
        assert_eq!(change, Change::Replaced("s.x".to_string()));
        let renamed = nested("y", DataType::Int32);
        assert_eq!(
            compare(&then, &renamed, &ids([1])),
            Change::Renamed(ids([1]))
        );
        assert!(!are_same(&then, &renamed));
        assert!(are_same(&then, &then.clone()));
    }
}
