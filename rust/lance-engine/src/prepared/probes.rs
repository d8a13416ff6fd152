//! How many partitions of an index a query searches at first, as the engine decides it.
//!
//! Its own rule is not to be called from outside. Tests compare what is found by both, so that a rule which changed with
//! the engine is noticed.

use std::env;
use std::sync::LazyLock;

use lance_index::vector::Query;
use lance_linalg::distance::DistanceType;

/// With more rows to find, the engine has another rule.
const MOST_ROWS: usize = 100_000;

/// Where one is set, it overrides the engine's numbers.
static IS_OVERRIDDEN: LazyLock<bool> = LazyLock::new(|| {
    [
        "LANCE_AUTO_PROBE_MARGIN",
        "LANCE_AUTO_MIN_INITIAL_NPROBES",
        "LANCE_AUTO_MAX_INITIAL_NPROBES",
    ]
    .iter()
    .any(|name| env::var_os(name).is_some())
});

/// The first partitions to search of those that are this far, the nearest first. None where the engine's rule is another
/// than the one that is known here.
pub fn initial(query: &Query, distances: &[f32], metric: DistanceType) -> Option<usize> {
    let least = query.minimum_nprobes;
    if query.maximum_nprobes == Some(least) {
        return Some(with_effort(query, least, distances.len()));
    }
    let profile = Profile::of(metric, query.k)?;
    let partitions = profile.partitions(distances, metric).max(least);
    let most = query.maximum_nprobes.unwrap_or(distances.len());
    let partitions = partitions.min(most).min(distances.len());
    Some(with_effort(query, partitions, distances.len()))
}

/// What the distances leave is half an effort.
fn with_effort(query: &Query, usual: usize, all: usize) -> usize {
    let effort = query.search_effort;
    if effort == 0.5 {
        return usual;
    }
    let upper = all.min(query.maximum_nprobes.unwrap_or(all));
    if upper == 0 {
        return 0;
    }
    let lower = query.minimum_nprobes.max(1).min(upper);
    let usual = usual.clamp(lower, upper);
    let between = |least: usize, most: usize, part: f64| {
        let partitions = least as f64 * (most as f64 / least as f64).powf(part);
        (partitions.ceil() as usize).clamp(least, most)
    };
    match effort {
        0.0 => lower,
        1.0 => upper,
        effort if effort < 0.5 => between(lower, usual, 2.0 * effort),
        effort => between(usual, upper, 2.0 * effort - 1.0),
    }
}

struct Profile {
    margin: f32,
    least: usize,
    most: usize,
}

impl Profile {
    fn of(metric: DistanceType, k: usize) -> Option<Self> {
        if *IS_OVERRIDDEN || k > MOST_ROWS {
            return None;
        }
        let bucket = match k {
            ..=1 => 0,
            2..=10 => 1,
            11..=100 => 2,
            101..=200 => 3,
            201..=500 => 4,
            501..=1000 => 5,
            1001..=10_000 => 6,
            _ => 7,
        };
        let (margins, least, most) = match metric {
            DistanceType::L2 => (
                [0.2175, 0.265, 0.33, 0.375, 0.3725, 0.4175, 0.57, 0.75],
                [5, 6, 11, 15, 22, 29, 98, 463],
                [19, 24, 38, 56, 81, 93, 238, 704],
            ),
            DistanceType::Cosine => (
                [0.235, 0.2875, 0.38, 0.415, 0.45, 0.47, 0.6475, 0.58],
                [3, 8, 7, 18, 28, 34, 104, 738],
                [50, 77, 106, 156, 192, 248, 447, 958],
            ),
            DistanceType::Dot => (
                [0.14, 0.055, 0.0625, 0.0675, 0.07, 0.0725, 0.0825, 0.21],
                [56, 144, 200, 211, 244, 279, 517, 1009],
                [112, 432, 768, 833, 971, 1092, 1824, 2528],
            ),
            DistanceType::Hamming => return None,
        };
        Some(Self {
            margin: margins[bucket],
            least: least[bucket],
            most: most[bucket],
        })
    }

    /// Those that are not much farther than the nearest.
    fn partitions(&self, distances: &[f32], metric: DistanceType) -> usize {
        let near = match distances.first() {
            None => 0,
            Some(nearest) if nearest.is_finite() => {
                let nearest = f64::from(*nearest);
                let scale = match metric {
                    DistanceType::Dot => (1.0 - nearest).abs(),
                    _ => nearest,
                };
                let gap = f64::from(self.margin) * scale;
                distances.partition_point(|distance| {
                    distance.is_finite() && f64::from(*distance) - nearest <= gap
                })
            }
            Some(_) => distances.len(),
        };
        near.max(self.least).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Float32Array;

    use super::*;

    fn query(k: usize, least: usize, most: Option<usize>, effort: f64) -> Query {
        Query {
            column: "v".into(),
            key: Arc::new(Float32Array::from(vec![0.0])),
            k,
            lower_bound: None,
            upper_bound: None,
            minimum_nprobes: least,
            maximum_nprobes: most,
            search_effort: effort,
            ef: None,
            refine_factor: None,
            metric_type: None,
            use_index: true,
            query_parallelism: 0,
            dist_q_c: 0.0,
            approx_mode: Default::default(),
        }
    }

    #[test]
    fn distances_bounds_and_effort_decide() {
        let distances: Vec<f32> = (0..100).map(|i| 1.0 + i as f32 * 0.02).collect();
        for (query, wanted) in [
            (query(10, 1, None, 0.5), 14),
            (query(10, 1, Some(5), 0.5), 5),
            (query(10, 20, None, 0.5), 20),
            (query(10, 7, Some(7), 0.5), 7),
            (query(10, 1, None, 0.0), 1),
            (query(10, 1, None, 1.0), 100),
            (query(10, 1, Some(30), 1.0), 30),
            (query(10, 1, None, 0.25), 4),
            (query(1, 1, None, 0.5), 11),
        ] {
            assert_eq!(
                initial(&query, &distances, DistanceType::L2),
                Some(wanted),
                "{query:?}"
            );
        }
        assert_eq!(
            initial(&query(10, 1, None, 0.5), &[], DistanceType::L2),
            Some(0)
        );
        assert_eq!(
            initial(&query(100_001, 1, None, 0.5), &distances, DistanceType::L2),
            None
        );
        assert_eq!(
            initial(&query(10, 1, None, 0.5), &distances, DistanceType::Hamming),
            None
        );
        assert_eq!(
            initial(
                &query(10, 3, Some(3), 0.5),
                &distances,
                DistanceType::Hamming
            ),
            Some(3)
        );
    }
}
