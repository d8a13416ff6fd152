//! What an upsert tells other writers of the keys it has inserted.
//!
//! Two versions that insert rows do not conflict for the engine, unless their transactions name the keys: it compares these
//! when the second one is committed, and takes whatever else may add rows, such as an append, for a conflict. Its own joins
//! name keys only where they are the primary key, where no index is used, and of some types.

use lance_table::format::key_existence::{FilterType, KeyExistenceFilter};

use super::keys::Keys;

/// More keys than these are not named one by one: whoever has inserted some, too, does it again.
const MOST_NAMED: usize = 8192;

/// Stands behind the columns of a key whose values are named as they are here. Others name them in other ways, and do not
/// have it: columns that differ are a conflict.
const OUR_NAMES: i32 = -58;

/// What is said of these keys of the columns with these numbers.
pub fn filter(mut field_ids: Vec<i32>, keys: &Keys) -> KeyExistenceFilter {
    field_ids.push(OUR_NAMES);
    let filter = match keys.len() <= MOST_NAMED {
        true => FilterType::ExactSet(keys.iter().map(hash).collect()),
        false => any_key(),
    };
    KeyExistenceFilter { field_ids, filter }
}

/// Meets every other one: the engine cannot compare the two kinds, nor two that are said to be of different sizes.
fn any_key() -> FilterType {
    FilterType::Bloom {
        bitmap: vec![u8::MAX; 32],
        num_bits: 256,
        number_of_items: 1,
        probability: 1.0,
    }
}

/// FNV-1a: what it makes of a key never changes, so that processes with other libraries agree.
fn hash(key: &[u8]) -> u64 {
    key.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};

    use super::*;
    use crate::settings::SourceDuplicates;

    fn keys(values: impl IntoIterator<Item = Option<i64>>) -> Keys {
        let ids: ArrayRef = Arc::new(values.into_iter().collect::<Int64Array>());
        let batch = RecordBatch::try_from_iter_with_nullable([("id", ids, true)]).expect("a batch");
        let names = ["id".to_string()];
        let mut keys = Keys::new(&batch.schema(), &names, SourceDuplicates::Fail).expect("columns");
        keys.admit(batch).expect("no doubled key");
        keys
    }

    fn meet(first: &KeyExistenceFilter, second: &KeyExistenceFilter) -> bool {
        // As the engine does.
        first.field_ids != second.field_ids
            || first.intersects(second).map_or(true, |(meet, _)| meet)
    }

    #[test]
    fn filters_meet_where_a_key_is_the_same() {
        let of = |values: std::ops::Range<i64>| filter(vec![3], &keys(values.map(Some)));
        assert!(meet(&of(0..10), &of(9..20)));
        assert!(!meet(&of(0..10), &of(10..20)));
        assert!(!meet(&of(0..0), &of(0..10)));
        assert!(meet(&of(0..10), &filter(vec![4], &keys([Some(50)]))));
    }

    #[test]
    fn many_keys_meet_all_others() {
        let many = filter(vec![3], &keys((0..10_000).map(Some)));
        let few = filter(vec![3], &keys([Some(-1)]));
        assert!(meet(&many, &few) && meet(&few, &many) && meet(&many, &many.clone()));
    }

    #[test]
    fn keys_of_the_engine_meet_ours() {
        let ours = filter(vec![3], &keys([Some(1)]));
        let engines = KeyExistenceFilter {
            field_ids: vec![3],
            filter: FilterType::ExactSet(Default::default()),
        };
        assert!(meet(&ours, &engines));
    }

    #[test]
    fn a_name_is_never_another_one() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn null_is_no_key() {
        let keys = keys([Some(1), None, None]);
        assert_eq!(keys.len(), 1);
        assert!(keys.have_nulls);
    }
}
