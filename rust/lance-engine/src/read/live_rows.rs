//! The addresses of rows by their numbers.

use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::fragment::FileFragment;
use lance_core::utils::address::RowAddress;

use crate::error::Result;
use crate::parallel::cores;

/// Rows of one version, which are numbered from 0 on in the order of the dataset.
pub enum LiveRows {
    /// All that are not deleted.
    All(Vec<LiveFragment>),
    /// Those with these addresses.
    Listed(Vec<u64>),
}

/// The rows of a fragment.
pub struct LiveFragment {
    id: u32,
    /// Live rows in fragments before it, and in it.
    before: u64,
    rows: u64,
    /// Of each deleted row, how many live ones are before it in the fragment.
    deleted: Vec<u32>,
}

impl LiveRows {
    pub async fn all(dataset: &Dataset) -> Result<Self> {
        let fragments = stream::iter(dataset.get_fragments())
            .map(LiveFragment::of)
            .buffered(cores());
        let mut fragments: Vec<_> = fragments.try_collect().await?;
        let mut before = 0;
        for fragment in &mut fragments {
            fragment.before = before;
            before += fragment.rows;
        }
        Ok(Self::All(fragments))
    }

    /// Those of one fragment, numbered from 0 on.
    pub async fn of(fragment: FileFragment) -> Result<Self> {
        Ok(Self::All(vec![LiveFragment::of(fragment).await?]))
    }

    pub fn count(&self) -> u64 {
        match self {
            Self::All(fragments) => fragments.last().map_or(0, |last| last.before + last.rows),
            Self::Listed(addresses) => addresses.len() as u64,
        }
    }

    /// The address of a row there is.
    pub fn address(&self, row: u64) -> u64 {
        match self {
            Self::All(fragments) => {
                let behind = fragments.partition_point(|fragment| fragment.before <= row);
                fragments[behind - 1].address(row)
            }
            Self::Listed(addresses) => addresses[row as usize],
        }
    }
}

impl LiveFragment {
    async fn of(fragment: FileFragment) -> Result<Self> {
        let stored = fragment.physical_rows().await? as u64;
        let deleted = match fragment.get_deletion_vector().await? {
            Some(deleted) => deleted.to_sorted_iter().collect(),
            None => Vec::new(),
        };
        Ok(Self::with_deleted(fragment.id() as u32, stored, deleted))
    }

    /// Of so many stored rows, of which these are deleted.
    fn with_deleted(id: u32, stored: u64, deleted: Vec<u32>) -> Self {
        let deleted = (0..).zip(deleted).map(|(others, row)| row - others);
        let deleted: Vec<u32> = deleted.collect();
        Self {
            id,
            before: 0,
            rows: stored.saturating_sub(deleted.len() as u64),
            deleted,
        }
    }

    fn address(&self, row: u64) -> u64 {
        let row = (row - self.before) as u32;
        let deleted = self.deleted.partition_point(|before| *before <= row) as u32;
        RowAddress::new_from_parts(self.id, row + deleted).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pass_over_deleted_rows_and_empty_fragments() {
        let deleted: [(u32, u64, Vec<u32>); 6] = [
            (7, 5, vec![0, 1, 4]),
            (2, 3, vec![0, 1, 2]),
            (0, 4, vec![]),
            (9, 6, vec![2, 3]),
            (4, 1, vec![]),
            (5, 2, vec![0, 1]),
        ];
        let mut fragments = Vec::new();
        let mut expected = Vec::new();
        for (id, stored, deleted) in deleted {
            let live = (0..stored as u32).filter(|row| !deleted.contains(row));
            let before = expected.len() as u64;
            expected.extend(live.map(|row| u64::from(RowAddress::new_from_parts(id, row))));
            fragments.push(LiveFragment {
                before,
                ..LiveFragment::with_deleted(id, stored, deleted)
            });
        }
        let rows = LiveRows::All(fragments);
        let addresses: Vec<_> = (0..rows.count()).map(|row| rows.address(row)).collect();
        assert_eq!(addresses, expected);
        assert_eq!(LiveRows::Listed(vec![8, 3]).address(1), 3);
        assert_eq!(LiveRows::All(Vec::new()).count(), 0);
    }
}
