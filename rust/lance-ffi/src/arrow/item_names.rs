//! Names that Arrow gives no meaning: those of the items of lists, and of the entries, keys and values of maps. The
//! engine finds what it stored by its path, so where such a name is missing, or a key's is its value's too, the
//! customary one takes its place.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};

/// The same fields, with a name for everything that lists and maps hold.
pub fn with_item_names(fields: &Fields) -> Fields {
    fields.iter().map(with_names_inside).collect()
}

fn with_names_inside(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(named(item, "item")),
        DataType::LargeList(item) => DataType::LargeList(named(item, "item")),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(named(item, "item"), *size),
        DataType::Map(entries, sorted) => DataType::Map(named_entries(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(with_item_names(fields)),
        _ => return field.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn named(field: &FieldRef, customary: &str) -> FieldRef {
    match field.name().as_str() {
        "" => renamed(&with_names_inside(field), customary),
        _ => with_names_inside(field),
    }
}

fn named_entries(entries: &FieldRef) -> FieldRef {
    let entries = named(entries, "entries");
    match entries.data_type() {
        DataType::Struct(pair) if pair.len() == 2 && !can_be_told_apart(pair) => {
            let pair = [renamed(&pair[0], "key"), renamed(&pair[1], "value")];
            let data_type = DataType::Struct(pair.into_iter().collect());
            Arc::new(entries.as_ref().clone().with_data_type(data_type))
        }
        _ => entries,
    }
}

fn can_be_told_apart(pair: &Fields) -> bool {
    pair[0].name() != pair[1].name() && pair.iter().all(|field| !field.name().is_empty())
}

fn renamed(field: &Field, name: &str) -> FieldRef {
    Arc::new(field.clone().with_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(name: &str) -> FieldRef {
        Arc::new(Field::new(name, DataType::Int32, true))
    }

    fn map(entries: &str, key: &str, value: &str) -> DataType {
        let pair = DataType::Struct([number(key), number(value)].into_iter().collect());
        DataType::Map(Arc::new(Field::new(entries, pair, false)), false)
    }

    fn named_type(data_type: DataType) -> DataType {
        let outer = DataType::Struct([Field::new("c", data_type, true)].into_iter().collect());
        let fields = Fields::from(vec![Field::new("outer", outer, true)]);
        let DataType::Struct(inner) = with_item_names(&fields)[0].data_type().clone() else {
            panic!("no struct");
        };
        inner[0].data_type().clone()
    }

    #[test]
    fn what_has_no_name_gets_the_customary_one() {
        for (list, expected) in [
            (DataType::List(number("")), DataType::List(number("item"))),
            (
                DataType::LargeList(number("")),
                DataType::LargeList(number("item")),
            ),
            (
                DataType::FixedSizeList(number(""), 2),
                DataType::FixedSizeList(number("item"), 2),
            ),
            (map("", "", ""), map("entries", "key", "value")),
            (map("e", "k", ""), map("e", "key", "value")),
            (map("e", "x", "x"), map("e", "key", "value")),
        ] {
            assert_eq!(named_type(list.clone()), expected);
            let nested = |item| DataType::List(Arc::new(Field::new("", item, true)));
            let customary = |item| DataType::List(Arc::new(Field::new("item", item, true)));
            assert_eq!(named_type(nested(list)), customary(expected));
        }
    }

    #[test]
    fn names_that_are_there_stay() {
        for data_type in [
            DataType::List(number("element")),
            map("pairs", "k", "v"),
            DataType::Struct([number("")].into_iter().collect()),
        ] {
            assert_eq!(named_type(data_type.clone()), data_type);
        }
    }
}
