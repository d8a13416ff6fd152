//! Rows that were found, and the nearest of many.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use arrow::array::{Array, Float32Array};

/// A row, by its id, and how far it is.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub distance: f32,
    pub row: u64,
}

/// As the engine ranks rows: those that are as far as each other by their ids.
impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_distance = self.distance.total_cmp(&other.distance);
        by_distance.then_with(|| self.row.cmp(&other.row))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Found {}

/// The `k` nearest, the nearest first.
pub fn nearest(mut found: Vec<Found>, k: usize) -> Vec<Found> {
    found.sort_unstable();
    found.truncate(k);
    found
}

/// How far rows may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// Inclusive.
    pub lower: Option<f32>,
    /// Exclusive.
    pub upper: Option<f32>,
}

impl Range {
    fn has(self, distance: f32) -> bool {
        !distance.is_nan()
            && self.lower.is_none_or(|lower| distance >= lower)
            && self.upper.is_none_or(|upper| distance < upper)
    }
}

/// The nearest of the rows that are shown to it.
#[derive(Clone, Debug)]
pub struct Nearest {
    k: usize,
    range: Range,
    heap: BinaryHeap<Found>,
}

impl Nearest {
    pub fn new(k: usize, range: Range) -> Self {
        Self {
            k,
            range,
            heap: BinaryHeap::new(),
        }
    }

    /// Show it rows; one whose distance is NULL or NaN is not found.
    pub fn show(&mut self, rows: &[u64], distances: &Float32Array) {
        for (i, (&row, &distance)) in rows.iter().zip(distances.values()).enumerate() {
            let found = Found { distance, row };
            let is_nearer = self.heap.len() < self.k
                || self.heap.peek().is_some_and(|farthest| found < *farthest);
            if !is_nearer || !self.range.has(distance) || distances.is_null(i) {
                continue;
            }
            if self.heap.len() == self.k {
                self.heap.pop();
            }
            self.heap.push(found);
        }
    }

    /// The nearest first.
    pub fn into_found(self) -> Vec<Found> {
        self.heap.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_kept_and_ties_go_to_the_least_id() {
        let mut nearest = Nearest::new(3, Range::default());
        let distances = [
            Some(2.0),
            Some(1.0),
            None,
            Some(f32::NAN),
            Some(1.0),
            Some(1.0),
            Some(0.5),
        ];
        nearest.show(
            &[9, 8, 7, 6, 5, 4, 3],
            &Float32Array::from(distances.to_vec()),
        );
        let rows: Vec<_> = nearest.into_found().iter().map(|found| found.row).collect();
        assert_eq!(rows, [3, 4, 5]);
    }

    #[test]
    fn a_range_has_its_lower_bound_and_not_its_upper() {
        let range = Range {
            lower: Some(1.0),
            upper: Some(2.0),
        };
        let mut nearest = Nearest::new(10, range);
        nearest.show(&[1, 2, 3, 4], &Float32Array::from(vec![0.5, 1.0, 1.5, 2.0]));
        let rows: Vec<_> = nearest.into_found().iter().map(|found| found.row).collect();
        assert_eq!(rows, [2, 3]);
    }

    #[test]
    fn nothing_is_found_of_nothing() {
        let mut none = Nearest::new(0, Range::default());
        none.show(&[1], &Float32Array::from(vec![1.0]));
        assert!(none.into_found().is_empty());
        assert!(nearest(Vec::new(), 3).is_empty());
    }
}
