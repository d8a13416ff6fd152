//! Several transactions as one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lance::Dataset;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::{DataReplacementGroup, Operation, Transaction};
use lance_table::format::Fragment;

use super::{UncommittedWrite, files, fragments, fragments_mut, is_write};
use crate::error::{Error, Result};

/// One transaction with the rows of all, in their order. It has read the earliest version that one of them read,
/// and keeps the properties of all.
pub fn concatenate(
    transactions: impl IntoIterator<Item = Arc<Transaction>>,
) -> Result<Transaction> {
    let mut transactions = transactions.into_iter();
    let first = transactions
        .next()
        .ok_or_else(|| Error::invalid_argument("there is no transaction to commit"))?;
    let mut all = Arc::unwrap_or_clone(first);
    for other in transactions {
        all.read_version = all.read_version.min(other.read_version);
        if let Some(more) = other.transaction_properties.as_deref() {
            add_properties(&mut all, more)?;
        }
        match fragments_mut(&mut all) {
            Some(all) if is_write(&other) => all.extend_from_slice(fragments(&other)),
            _ => add_changes(&mut all.operation, Arc::unwrap_or_clone(other).operation)?,
        }
    }
    // Each part numbers its fragments for itself; 0 lets the commit assign the numbers.
    for fragment in fragments_mut(&mut all).into_iter().flatten() {
        fragment.id = 0;
    }
    Ok(all)
}

/// What C++ writers and other Lance libraries call the message of a commit.
pub const MESSAGE: &str = "__lance_commit_message";

/// What workers have done to different fragments of one version.
fn add_changes(all: &mut Operation, other: Operation) -> Result<()> {
    use Operation as O;

    let mut changed: HashSet<u64> = changed_fragments(all).collect();
    if let Some(twice) = changed_fragments(&other).find(|fragment| !changed.insert(*fragment)) {
        return Err(Error::invalid_argument(format!(
            "two of the transactions change fragment {twice}: commit them one by one"
        )));
    }
    match (all, other) {
        (
            O::Delete {
                updated_fragments,
                deleted_fragment_ids,
                predicate,
            },
            O::Delete {
                updated_fragments: more_updated,
                deleted_fragment_ids: more_deleted,
                predicate: another,
            },
        ) => {
            updated_fragments.extend(more_updated);
            deleted_fragment_ids.extend(more_deleted);
            if *predicate != another {
                *predicate = format!("({predicate}) OR ({another})");
            }
        }
        (O::DataReplacement { replacements }, O::DataReplacement { replacements: more }) => {
            replacements.extend(more);
        }
        (
            O::Rewrite {
                groups,
                rewritten_indices,
                frag_reuse_index: None,
            },
            O::Rewrite {
                groups: more_groups,
                rewritten_indices: more_indices,
                frag_reuse_index: None,
            },
        ) => {
            groups.extend(more_groups);
            rewritten_indices.extend(more_indices);
        }
        (
            O::Update {
                removed_fragment_ids,
                updated_fragments,
                new_fragments,
                fields_modified,
                fields_for_preserving_frag_bitmap,
                update_mode,
                inserted_rows_filter: None,
                updated_fragment_offsets,
                ..
            },
            O::Update {
                removed_fragment_ids: more_removed,
                updated_fragments: more_updated,
                new_fragments: more_new,
                fields_modified: other_fields,
                fields_for_preserving_frag_bitmap: other_preserving,
                update_mode: other_mode,
                inserted_rows_filter: None,
                updated_fragment_offsets: more_offsets,
                ..
            },
        ) if *fields_modified == other_fields
            && *fields_for_preserving_frag_bitmap == other_preserving
            && *update_mode == other_mode
            && updated_fragment_offsets.is_some() == more_offsets.is_some() =>
        {
            removed_fragment_ids.extend(more_removed);
            updated_fragments.extend(more_updated);
            new_fragments.extend(more_new);
            if let (Some(offsets), Some(more)) = (updated_fragment_offsets, more_offsets) {
                offsets.0.extend(more.0);
            }
        }
        (
            O::Merge {
                fragments,
                schema,
                preserves_nullability,
            },
            O::Merge {
                fragments: more,
                schema: another,
                preserves_nullability: also,
            },
        ) if *schema == another && schema.metadata == another.metadata => {
            fragments.extend(more);
            *preserves_nullability &= also;
        }
        (all, _) => {
            return Err(Error::invalid_argument(format!(
                "transactions of kind {all} that differ are committed one by one"
            )));
        }
    }
    Ok(())
}

/// The fragments of the dataset that it changes or takes away.
fn changed_fragments(operation: &Operation) -> Box<dyn Iterator<Item = u64> + '_> {
    fn ids(fragments: &[Fragment]) -> impl Iterator<Item = u64> {
        fragments.iter().map(|fragment| fragment.id)
    }
    match operation {
        Operation::Delete {
            updated_fragments,
            deleted_fragment_ids,
            ..
        } => Box::new(ids(updated_fragments).chain(deleted_fragment_ids.iter().copied())),
        Operation::Update {
            updated_fragments,
            removed_fragment_ids,
            ..
        } => Box::new(ids(updated_fragments).chain(removed_fragment_ids.iter().copied())),
        Operation::Merge { fragments, .. } => Box::new(ids(fragments)),
        Operation::Rewrite { groups, .. } => {
            let old = groups.iter().flat_map(|group| &group.old_fragments);
            Box::new(old.map(|fragment| fragment.id))
        }
        Operation::DataReplacement { replacements } => {
            let replaced = replacements.iter().map(|DataReplacementGroup(id, _)| *id);
            Box::new(replaced.collect::<HashSet<_>>().into_iter())
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// A merge of columns lists the fragments that it has changed, and may leave out the others, which stay as they are in the
/// version that it was made of. The engine needs all.
pub fn completed(mut transaction: Transaction, origin: Option<&Arc<Dataset>>) -> Transaction {
    if let (Operation::Merge { fragments, .. }, Some(origin)) = (&mut transaction.operation, origin)
    {
        let mut changed: HashMap<u64, Fragment> = HashMap::new();
        let mut new = Vec::new();
        let known = origin.fragment_bitmap();
        for fragment in fragments.drain(..) {
            match known.contains(fragment.id as u32) && !changed.contains_key(&fragment.id) {
                true => drop(changed.insert(fragment.id, fragment)),
                false => new.push(fragment),
            }
        }
        let old = origin.fragments().iter();
        fragments.extend(old.map(|old| changed.remove(&old.id).unwrap_or_else(|| old.clone())));
        fragments.extend(new);
    }
    transaction
}

/// The rows that all of them delete or replace. None: of one of them that is not known.
pub fn affected_rows(writes: &[UncommittedWrite]) -> Option<RowAddrTreeMap> {
    let mut affected = writes.iter().map(|write| write.affected_rows.as_ref());
    affected.try_fold(RowAddrTreeMap::new(), |all, rows| {
        rows.map(|rows| all | rows)
    })
}

/// Put a message below those that are there.
pub fn add_message(all: &mut Transaction, message: &str) -> Result<()> {
    let message = HashMap::from([(MESSAGE.to_string(), message.to_string())]);
    add_properties(all, &message)
}

/// The property that names the part of a job which a write is.
const PART: &str = "lance_cpp.part";

/// The names of the parts of a job that a transaction has.
pub fn part_names(transaction: &Transaction) -> impl Iterator<Item = &str> {
    let properties = transaction.transaction_properties.as_deref();
    let names = properties.and_then(|properties| properties.get(PART));
    names.into_iter().flat_map(|names| names.lines())
}

/// Messages and the names of parts are put below one another; other properties must not differ.
pub fn add_properties(all: &mut Transaction, more: &HashMap<String, String>) -> Result<()> {
    let properties = Arc::make_mut(all.transaction_properties.get_or_insert_default());
    for (key, value) in more {
        match properties.get_mut(key) {
            None => {
                properties.insert(key.clone(), value.clone());
            }
            Some(kept) if kept == value => (),
            Some(kept) if key == MESSAGE || key == PART => {
                kept.push('\n');
                kept.push_str(value);
            }
            Some(_) => {
                return Err(Error::invalid_argument(format!(
                    "the transactions differ in the property {key:?}: commit them one by one"
                )));
            }
        }
    }
    Ok(())
}

/// Refuse what makes no sense as one version. Whether the columns of appends are the same is known when the
/// datasets that they were written for are open.
pub fn check(writes: &[UncommittedWrite]) -> Result<()> {
    let mut uuids = HashSet::new();
    let mut names = HashSet::new();
    for write in writes {
        let transaction = &write.transaction;
        if !uuids.insert(&transaction.uuid)
            || !files(transaction).all(|file| names.insert(&file.path))
        {
            return Err(Error::invalid_argument("a transaction is given twice"));
        }
    }
    let fits = |pair: &[UncommittedWrite]| goes_with(&pair[0], &pair[1]);
    if !writes.windows(2).all(fits) {
        return Err(Error::invalid_argument(
            "the transactions differ in target, mode, schema or version: commit them one by one",
        ));
    }
    Ok(())
}

fn goes_with(first: &UncommittedWrite, second: &UncommittedWrite) -> bool {
    let same_operation = match (&first.transaction.operation, &second.transaction.operation) {
        (Operation::Append { .. }, Operation::Append { .. }) => true,
        (
            Operation::Overwrite {
                schema,
                config_upsert_values,
                initial_bases,
                ..
            },
            Operation::Overwrite {
                schema: other_schema,
                config_upsert_values: other_values,
                initial_bases: other_bases,
                ..
            },
        ) => {
            schema == other_schema
                && schema.metadata == other_schema.metadata
                && config_upsert_values == other_values
                && initial_bases == other_bases
        }
        // What becomes of a fragment depends on what it was.
        (first_operation, other_operation) => {
            first_operation.name() == other_operation.name()
                && first.transaction.read_version == second.transaction.read_version
        }
    };
    // What has seen no dataset replaces any; what has seen one conflicts with another overwrite.
    let saw_a_dataset = |write: &UncommittedWrite| write.transaction.read_version != 0;
    same_operation && saw_a_dataset(first) == saw_a_dataset(second) && first.target == second.target
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use lance::dataset::transaction::TransactionBuilder;
    use lance_table::format::Fragment;

    use super::*;

    fn append(read_version: u64, properties: &[(&str, &str)]) -> Arc<Transaction> {
        let fragments = vec![Fragment::new(read_version)];
        let pairs = properties
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        let properties: HashMap<_, _> = pairs.collect();
        TransactionBuilder::new(read_version, Operation::Append { fragments })
            .transaction_properties(Some(Arc::new(properties)))
            .build()
            .into()
    }

    fn property<'a>(transaction: &'a Transaction, key: &str) -> Option<&'a str> {
        let properties = transaction.transaction_properties.as_deref()?;
        properties.get(key).map(String::as_str)
    }

    #[test]
    fn all_have_read_what_the_earliest_has() {
        for versions in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
            let all = concatenate(versions.map(|version| append(version, &[]))).unwrap();
            assert_eq!(all.read_version, 1, "{versions:?}");
            assert_eq!(fragments(&all).len(), 3);
        }
    }

    #[test]
    fn the_properties_of_all_survive() {
        let first = append(1, &[("a", "1"), (MESSAGE, "one")]);
        let second = append(1, &[("a", "1"), ("b", "2"), (MESSAGE, "two")]);
        let all = concatenate([first, second]).unwrap();
        assert_eq!(property(&all, "a"), Some("1"));
        assert_eq!(property(&all, "b"), Some("2"));
        assert_eq!(property(&all, MESSAGE), Some("one\ntwo"));
        let parts = ["a/1", "a/2"].map(|name| append(1, &[(PART, name)]));
        let all = concatenate(parts).unwrap();
        assert_eq!(part_names(&all).collect::<Vec<_>>(), ["a/1", "a/2"]);
        let mut bare = Arc::unwrap_or_clone(append(1, &[]));
        bare.transaction_properties = None;
        let all = concatenate([bare.into(), append(1, &[("a", "1")])]).unwrap();
        assert_eq!(property(&all, "a"), Some("1"));
    }

    #[test]
    fn a_property_with_two_values_is_refused() {
        let error = concatenate([append(1, &[("a", "1")]), append(1, &[("a", "2")])]);
        let error = error.unwrap_err();
        assert!(error.message().contains("\"a\""), "{error}");
    }
}
