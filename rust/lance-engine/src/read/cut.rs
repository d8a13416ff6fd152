//! Cutting stored rows into parts of nearly the same length.

use std::iter::once;

use crate::settings::FragmentSlice;

/// Parts begin at multiples of this in their fragments, or of a smaller power of two where parts are short: batches and
/// pages begin there, too.
const MOST_ALIGNMENT: u64 = 8192;

/// Multiples are at least so many to a part, which keeps parts nearly equal.
const MULTIPLES: u64 = 8;

#[derive(Clone, Copy, PartialEq)]
pub enum Cuts {
    Anywhere,
    BetweenFragments,
}

/// Slices, and the rows before each.
struct Pieces {
    slices: Vec<FragmentSlice>,
    starts: Vec<u64>,
    rows: u64,
}

/// At most `count` parts of the slices, none of them empty, which together are the slices in their order.
pub fn cut(mut slices: Vec<FragmentSlice>, count: u64, cuts: Cuts) -> Vec<Vec<FragmentSlice>> {
    slices.retain(|slice| slice.row_count > 0);
    let mut rows = 0;
    let starts = slices.iter().map(|slice| {
        rows += slice.row_count;
        rows - slice.row_count
    });
    let starts = starts.collect();
    let pieces = Pieces {
        slices,
        starts,
        rows,
    };
    let count = count.min(rows);
    let places = (1..count).map(|i| pieces.nearest(i, count, cuts));
    let mut places: Vec<_> = once(0).chain(places).chain(once(rows)).collect();
    places.dedup();
    let parts = places.windows(2);
    parts.map(|ends| pieces.between(ends[0], ends[1])).collect()
}

impl Pieces {
    /// The last slice that begins at or before a row.
    fn at(&self, row: u64) -> usize {
        self.starts.partition_point(|start| *start <= row) - 1
    }

    /// Where the i-th of `count` parts ends.
    fn nearest(&self, i: u64, count: u64, cuts: Cuts) -> u64 {
        let exact = (u128::from(self.rows) * u128::from(i) / u128::from(count)) as u64;
        let at = self.at(exact);
        let (slice, start) = (&self.slices[at], self.starts[at]);
        let within = exact - start;
        if cuts == Cuts::BetweenFragments {
            let is_in_first_half = within < slice.row_count - within;
            return if is_in_first_half {
                start
            } else {
                start + slice.row_count
            };
        }
        let longest = (self.rows / count / MULTIPLES).clamp(1, MOST_ALIGNMENT);
        let alignment = 1 << longest.ilog2();
        let row = (slice.first_row + within + alignment / 2) / alignment * alignment;
        let row = row.clamp(slice.first_row, slice.first_row + slice.row_count);
        start + (row - slice.first_row)
    }

    fn between(&self, first: u64, end: u64) -> Vec<FragmentSlice> {
        let here = self.slices.iter().zip(&self.starts).skip(self.at(first));
        let here = here.take_while(|(_, start)| **start < end);
        let parts = here.map(|(slice, start)| {
            let skipped = first.saturating_sub(*start);
            FragmentSlice {
                fragment: slice.fragment,
                first_row: slice.first_row + skipped,
                row_count: slice.row_count.min(end - start) - skipped,
            }
        });
        parts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(fragment: u64, first_row: u64, row_count: u64) -> FragmentSlice {
        FragmentSlice {
            fragment,
            first_row,
            row_count,
        }
    }

    fn rows(part: &[FragmentSlice]) -> u64 {
        part.iter().map(|slice| slice.row_count).sum()
    }

    /// Joined where one goes on where the one before has ended.
    fn joined(slices: impl IntoIterator<Item = FragmentSlice>) -> Vec<FragmentSlice> {
        let mut joined: Vec<FragmentSlice> = Vec::new();
        for slice in slices {
            match joined.last_mut() {
                Some(last)
                    if last.fragment == slice.fragment
                        && last.first_row + last.row_count == slice.first_row =>
                {
                    last.row_count += slice.row_count;
                }
                _ => joined.push(slice),
            }
        }
        joined
    }

    #[test]
    fn parts_cover_every_row_once_in_order_and_none_is_empty() {
        let all = [
            vec![slice(0, 0, 100_000)],
            vec![
                slice(3, 10, 5),
                slice(1, 0, 1),
                slice(1, 7, 40_000),
                slice(2, 0, 0),
            ],
            vec![slice(0, 0, 1), slice(1, 0, 1), slice(2, 0, 1)],
            (0..50).map(|i| slice(i, i, 1 + i * 37 % 9000)).collect(),
        ];
        for slices in all {
            for count in (1..70).chain([1000, 1 << 40]) {
                let parts = cut(slices.clone(), count, Cuts::Anywhere);
                assert_eq!(parts.len() as u64, count.min(rows(&slices)));
                let share = rows(&slices) / parts.len() as u64;
                for part in &parts {
                    assert!(part.iter().all(|slice| slice.row_count > 0));
                    let most = share + share / 4 + 2;
                    assert!(rows(part) <= most, "{count}: {} of {share}", rows(part));
                }
                let expected = slices.iter().filter(|slice| slice.row_count > 0).cloned();
                assert_eq!(joined(parts.concat()), joined(expected), "{count}");
            }
        }
    }

    #[test]
    fn long_parts_begin_at_multiples() {
        let parts = cut(vec![slice(0, 3, 1_000_000)], 3, Cuts::Anywhere);
        let begins: Vec<_> = parts.iter().map(|part| part[0].first_row).collect();
        assert_eq!(begins, [3, 335_872, 663_552]);
    }

    #[test]
    fn fragments_stay_whole_where_they_must() {
        let slices = vec![slice(5, 0, 10), slice(1, 0, 10), slice(9, 0, 1000)];
        for count in 1..10 {
            let parts = cut(slices.clone(), count, Cuts::BetweenFragments);
            assert!(!parts.is_empty() && parts.len() as u64 <= count.min(3));
            assert_eq!(parts.concat(), slices);
        }
        let halves = cut(
            vec![slice(5, 0, 10), slice(1, 0, 10)],
            2,
            Cuts::BetweenFragments,
        );
        assert_eq!(halves, [[slice(5, 0, 10)], [slice(1, 0, 10)]]);
    }

    #[test]
    fn of_nothing_there_is_no_part() {
        assert!(cut(vec![], 3, Cuts::Anywhere).is_empty());
        assert!(cut(vec![slice(0, 5, 0)], 3, Cuts::BetweenFragments).is_empty());
    }
}
