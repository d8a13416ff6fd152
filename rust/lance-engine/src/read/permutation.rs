//! Permutations that take no memory, however many numbers they are of.

use super::random::{SplitMix, keyed, scaled};

/// Enough that of few numbers every order is as likely.
const ROUNDS: usize = 16;

/// The numbers below a size in the order that a key says.
///
/// A number is a pair, and in turns either half of it is shifted by a hash of the other (a Feistel network). There are
/// some more pairs than numbers: one that stands for none is sent round again, until it comes to a number.
#[derive(Clone)]
pub struct Permutation {
    size: u64,
    /// How many values the halves have.
    left: u64,
    right: u64,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// Of a size that is less than half of what a u64 counts.
    pub fn new(size: u64, key: u64) -> Self {
        // An even number: if both were odd, shifts would only make even permutations.
        let left = (size.saturating_sub(1).isqrt() + 1).next_multiple_of(2);
        let mut random = SplitMix(key);
        Self {
            size,
            left,
            right: size.div_ceil(left),
            keys: std::array::from_fn(|_| random.next()),
        }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// The number at a place, which is below the size.
    pub fn at(&self, place: u64) -> u64 {
        self.walk(place, |number| {
            let (mut left, mut right) = (number / self.right, number % self.right);
            for keys in self.keys.chunks_exact(2) {
                left = (left + scaled(keyed(keys[0], right), self.left)) % self.left;
                right = (right + scaled(keyed(keys[1], left), self.right)) % self.right;
            }
            left * self.right + right
        })
    }

    /// The place of a number.
    pub fn place(&self, number: u64) -> u64 {
        let back =
            |half: u64, shift: u64, values: u64| (half + values - scaled(shift, values)) % values;
        self.walk(number, |place| {
            let (mut left, mut right) = (place / self.right, place % self.right);
            for keys in self.keys.chunks_exact(2).rev() {
                right = back(right, keyed(keys[1], left), self.right);
                left = back(left, keyed(keys[0], right), self.left);
            }
            left * self.right + right
        })
    }

    fn walk(&self, from: u64, step: impl Fn(u64) -> u64) -> u64 {
        let mut number = step(from);
        while number >= self.size {
            number = step(number);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::read::random::key;

    fn order(size: u64, key: u64) -> Vec<u64> {
        let permutation = Permutation::new(size, key);
        (0..size).map(|place| permutation.at(place)).collect()
    }

    #[test]
    fn every_number_comes_once_and_is_found_again() {
        for size in (0..70).chain([1_000, 1_023, 1_024, 1_025, 65_537]) {
            let permutation = Permutation::new(size, size);
            let mut numbers = order(size, size);
            for (place, number) in numbers.iter().enumerate() {
                assert_eq!(permutation.place(*number), place as u64);
            }
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..size), "{size}");
        }
    }

    #[test]
    fn sizes_beyond_any_memory() {
        for size in [(1 << 40) + 7, 1 << 62] {
            let permutation = Permutation::new(size, 1);
            for place in [0, 1, size / 3, size - 1] {
                let number = permutation.at(place);
                assert!(number < size);
                assert_eq!(permutation.place(number), place);
            }
        }
    }

    #[test]
    fn a_key_means_the_same_order_in_every_release() {
        assert_eq!(order(10, 42), [2, 3, 8, 7, 9, 1, 4, 5, 6, 0]);
        assert_ne!(order(10, 42), order(10, 43));
    }

    #[test]
    fn every_order_of_few_numbers_is_as_likely() {
        for (size, orders) in [(2, 2), (3, 6), (4, 24), (5, 120)] {
            let each = 200;
            let mut counts: HashMap<Vec<u64>, u64> = HashMap::new();
            for seed in 0..each * orders {
                *counts.entry(order(size, key(&[seed]))).or_default() += 1;
            }
            assert_eq!(counts.len() as u64, orders);
            // Six standard deviations of a Poisson distribution.
            let deviation = 6.0 * (each as f64).sqrt();
            for count in counts.into_values() {
                assert!((count as f64 - each as f64).abs() < deviation, "{count}");
            }
        }
    }

    #[test]
    fn neighbours_are_as_far_apart_as_chance_has_it() {
        let size = 10_000;
        let numbers = order(size, 7);
        let apart = |pair: &[u64]| pair[0].abs_diff(pair[1]) as f64;
        let mean = numbers.windows(2).map(apart).sum::<f64>() / size as f64;
        // The mean of a triangular distribution is a third; its deviation over so many pairs is about 24.
        assert!((mean - size as f64 / 3.0).abs() < 150.0, "{mean}");
    }
}
