//! A random choice of rows.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::opened::Opened;
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

/// SplitMix64. Our own, as a seed is to choose the same rows in every release.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut random = SplitMix(1_234_567);
        let numbers = [random.next(), random.next(), random.next()];
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

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
