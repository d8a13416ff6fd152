//! A random choice of rows.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::opened::Opened;
use super::random::SplitMix;
use super::take::{TakeBy, take};
use crate::settings::TakeSettings;
use crate::task::Task;

/// So many rows, or all, in the order of the dataset. Without a seed, others each time.
pub fn sample(
    opened: Arc<Opened>,
    wanted: u64,
    seed: Option<u64>,
    settings: TakeSettings,
) -> Task<RecordBatch> {
    Box::pin(async move {
        let rows = opened.dataset.count_rows(None).await? as u64;
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(rows));
        take(
            opened,
            TakeBy::Position,
            choose(rows, wanted, seed),
            settings,
        )
        .await
    })
}

/// Distinct positions, sorted. Every choice is as likely as any other (Floyd's algorithm).
fn choose(rows: u64, wanted: u64, seed: u64) -> Vec<u64> {
    if wanted >= rows {
        return (0..rows).collect();
    }
    let mut random = SplitMix(seed);
    let mut chosen = HashSet::new();
    for last in rows - wanted..rows {
        let position = random.below(last + 1);
        if !chosen.insert(position) {
            chosen.insert(last);
        }
    }
    let mut chosen: Vec<_> = chosen.into_iter().collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_distinct_sorted_and_follow_from_the_seed() {
        for (rows, wanted) in [(10, 3), (10, 9), (1000, 100), (u64::MAX, 5), (1, 0)] {
            let chosen = choose(rows, wanted, 42);
            assert_eq!(chosen.len() as u64, wanted);
            assert!(
                chosen.windows(2).all(|pair| pair[0] < pair[1]),
                "{chosen:?}"
            );
            assert!(chosen.iter().all(|position| *position < rows));
            assert_eq!(chosen, choose(rows, wanted, 42));
        }
        assert_ne!(choose(1000, 100, 1), choose(1000, 100, 2));
        assert_eq!(choose(3, 7, 1), [0, 1, 2]);
        assert!(choose(0, 7, 1).is_empty());
    }

    #[test]
    fn every_row_is_as_likely() {
        let mut counts = [0; 10];
        for seed in 0..20_000 {
            choose(10, 3, seed)
                .iter()
                .for_each(|row| counts[*row as usize] += 1);
        }
        // Six standard deviations of a binomial distribution with p = 0.3.
        assert!(
            counts.iter().all(|count| (5_600..=6_400).contains(count)),
            "{counts:?}"
        );
    }
}
