//! Several transactions as one.

use std::collections::HashSet;
use std::sync::Arc;

use lance::dataset::transaction::{Operation, Transaction};

use super::{UncommittedWrite, files, fragments_mut};
use crate::error::{Error, Result};

/// One transaction with the rows of all, in their order. It has read the earliest version that one of them read,
/// and keeps the properties of all.
pub fn concatenate(transactions: Vec<Transaction>) -> Result<Transaction> {
    let mut transactions = transactions.into_iter();
    let mut all = transactions
        .next()
        .ok_or_else(|| Error::invalid_argument("there is no transaction to commit"))?;
    for mut other in transactions {
        all.read_version = all.read_version.min(other.read_version);
        add_properties(&mut all, &other)?;
        let (Some(fragments), Some(more)) = (fragments_mut(&mut all), fragments_mut(&mut other))
        else {
            return Err(Error::invalid_argument(
                "only writes can be committed together",
            ));
        };
        fragments.append(more);
    }
    // Each part numbers its fragments for itself; 0 lets the commit assign the numbers.
    for fragment in fragments_mut(&mut all).into_iter().flatten() {
        fragment.id = 0;
    }
    Ok(all)
}

/// What C++ writers and other Lance libraries call the message of a commit.
const MESSAGE: &str = "__lance_commit_message";

/// The property that names the part of a job which a write is.
const PART: &str = "lance_cpp.part";

/// The names of the parts of a job that a transaction has.
pub fn part_names(transaction: &Transaction) -> impl Iterator<Item = &str> {
    let properties = transaction.transaction_properties.as_deref();
    let names = properties.and_then(|properties| properties.get(PART));
    names.into_iter().flat_map(|names| names.lines())
}

/// Messages and the names of parts are put below one another; other properties must not differ.
fn add_properties(all: &mut Transaction, other: &Transaction) -> Result<()> {
    let Some(more) = other.transaction_properties.as_deref() else {
        return Ok(());
    };
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
            "the transactions differ in target, mode or schema: commit them one by one",
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
        _ => false,
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

    fn append(read_version: u64, properties: &[(&str, &str)]) -> Transaction {
        let fragments = vec![Fragment::new(read_version)];
        let pairs = properties
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        let properties: HashMap<_, _> = pairs.collect();
        TransactionBuilder::new(read_version, Operation::Append { fragments })
            .transaction_properties(Some(Arc::new(properties)))
            .build()
    }

    fn property<'a>(transaction: &'a Transaction, key: &str) -> Option<&'a str> {
        let properties = transaction.transaction_properties.as_deref()?;
        properties.get(key).map(String::as_str)
    }

    #[test]
    fn all_have_read_what_the_earliest_has() {
        for versions in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
            let all = concatenate(versions.map(|version| append(version, &[])).into()).unwrap();
            assert_eq!(all.read_version, 1, "{versions:?}");
            assert_eq!(super::super::fragments(&all).len(), 3);
        }
    }

    #[test]
    fn the_properties_of_all_survive() {
        let first = append(1, &[("a", "1"), (MESSAGE, "one")]);
        let second = append(1, &[("a", "1"), ("b", "2"), (MESSAGE, "two")]);
        let all = concatenate(vec![first, second]).unwrap();
        assert_eq!(property(&all, "a"), Some("1"));
        assert_eq!(property(&all, "b"), Some("2"));
        assert_eq!(property(&all, MESSAGE), Some("one\ntwo"));
        let parts = ["a/1", "a/2"].map(|name| append(1, &[(PART, name)]));
        let all = concatenate(parts.into()).unwrap();
        assert_eq!(part_names(&all).collect::<Vec<_>>(), ["a/1", "a/2"]);
        let mut bare = append(1, &[]);
        bare.transaction_properties = None;
        let all = concatenate(vec![bare, append(1, &[("a", "1")])]).unwrap();
        assert_eq!(property(&all, "a"), Some("1"));
    }

    #[test]
    fn a_property_with_two_values_is_refused() {
        let error = concatenate(vec![append(1, &[("a", "1")]), append(1, &[("a", "2")])]);
        let error = error.unwrap_err();
        assert!(error.message().contains("\"a\""), "{error}");
    }
}
