//! Cutting a table into parts that are read side by side.

use lance::Dataset;
use lance::dataset::scanner::{FragmentSlice, Scanner};
use lance_file::version::ConcreteFileVersion;
use lance_table::format::Fragment;

use crate::error::Result;

/// Of fewer rows a part does not pay.
const FEWEST_ROWS: u64 = 16_384;
/// Cuts within a fragment are at multiples of this, as blocks of values are.
const ALIGNMENT: u64 = 4096;
/// A cut that is so near to the end of a fragment, in percent of a part, is there.
const NEAR: u64 = 10;

/// Neighbouring rows of a table.
#[derive(Clone, Debug, Default)]
pub struct Part {
    fragments: Vec<Fragment>,
    /// Where it has a piece of some fragment: all its pieces.
    slices: Option<Vec<FragmentSlice>>,
}

/// Rows of a fragment, which is told by its place among them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    fragment: usize,
    first: u64,
    rows: u64,
}

impl Part {
    /// Let a scanner read this part alone.
    pub async fn restrict(self, mut scanner: Scanner) -> Result<Scanner> {
        scanner.with_fragments(self.fragments);
        if let Some(slices) = self.slices {
            scanner.with_fragment_slices(&slices).await?;
        }
        Ok(scanner)
    }
}

/// About so many parts of equal numbers of rows, at least one.
pub fn cut(dataset: &Dataset, parts: usize) -> Vec<Part> {
    let fragments = dataset.fragments();
    let rows: Option<Vec<u64>> = fragments
        .iter()
        .map(|fragment| fragment.physical_rows.map(|rows| rows as u64))
        .collect();
    let format = dataset.manifest().data_storage_format.lance_file_format();
    let slices = format != ConcreteFileVersion::V1;
    // What does not tell its rows is cut between fragments.
    let (rows, slices) = match rows {
        Some(rows) => (rows, slices),
        None => (vec![FEWEST_ROWS; fragments.len()], false),
    };
    let pieces = pieces(&rows, parts as u64, slices);
    pieces
        .into_iter()
        .map(|pieces| {
            let is_whole = pieces
                .iter()
                .all(|piece| piece.rows == rows[piece.fragment]);
            let slice = |piece: &Piece| FragmentSlice {
                fragment_id: fragments[piece.fragment].id as u32,
                row_offset: piece.first,
                row_count: piece.rows,
            };
            Part {
                slices: (!is_whole).then(|| pieces.iter().map(slice).collect()),
                fragments: pieces
                    .iter()
                    .map(|piece| fragments[piece.fragment].clone())
                    .collect(),
            }
        })
        .collect()
}

/// The pieces of each part of fragments of so many rows.
fn pieces(fragments: &[u64], parts: u64, slices: bool) -> Vec<Vec<Piece>> {
    let total: u64 = fragments.iter().sum();
    let parts = parts.min(total / FEWEST_ROWS).max(1);
    let target = total.div_ceil(parts).max(1);
    let mut cut = vec![Vec::new()];
    let mut room = target;
    for (fragment, &rows) in fragments.iter().enumerate() {
        let mut first = 0;
        while first < rows {
            let left = rows - first;
            let is_last = cut.len() as u64 == parts;
            let near = target * NEAR / 100;
            let is_empty = cut.last().is_none_or(Vec::is_empty);
            let taken = if is_last || left <= room + near {
                left
            } else if slices {
                room.next_multiple_of(ALIGNMENT).min(left)
            } else if is_empty || left <= room * 2 {
                left
            } else {
                0
            };
            if taken > 0
                && let Some(part) = cut.last_mut()
            {
                part.push(Piece {
                    fragment,
                    first,
                    rows: taken,
                });
            }
            first += taken;
            room = room.saturating_sub(taken);
            if !is_last && (room <= near || taken == 0) {
                cut.push(Vec::new());
                room = target;
            }
        }
    }
    if cut.len() > 1 {
        cut.retain(|part| !part.is_empty());
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row is in one part, in order.
    fn check(fragments: &[u64], parts: u64, slices: bool) -> Vec<u64> {
        let cut = pieces(fragments, parts, slices);
        let mut next = (0, 0);
        for piece in cut.iter().flatten() {
            while next.0 < fragments.len() && next.1 == fragments[next.0] {
                next = (next.0 + 1, 0);
            }
            assert_eq!((piece.fragment, piece.first), next, "{fragments:?}");
            assert!(slices || piece.rows == fragments[piece.fragment]);
            next.1 += piece.rows;
        }
        let rows = |part: &Vec<Piece>| part.iter().map(|piece| piece.rows).sum();
        let rows: Vec<u64> = cut.iter().map(rows).collect();
        assert_eq!(rows.iter().sum::<u64>(), fragments.iter().sum::<u64>());
        assert!(rows.len() as u64 <= parts);
        rows
    }

    #[test]
    fn parts_are_balanced() {
        assert_eq!(check(&[1_000_000], 2, true), [503_808, 496_192]);
        assert_eq!(check(&[1 << 20; 6], 2, true), [3 << 20; 2]);
        assert_eq!(check(&[100, 200, 300], 4, true), [600]);
        assert_eq!(check(&[], 4, true), [0]);
        assert_eq!(check(&[0, 0], 4, true), [0]);
        assert_eq!(check(&[1 << 20, 1 << 20, 4], 2, false).len(), 2);
    }

    #[test]
    fn every_row_is_in_one_part() {
        let mut seed = 7_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..2_000 {
            let fragments: Vec<u64> = (0..random(9)).map(|_| random(200_000)).collect();
            let parts = 1 + random(9);
            for slices in [false, true] {
                let rows = check(&fragments, parts, slices);
                let total: u64 = rows.iter().sum();
                let share = total.div_ceil(rows.len() as u64);
                if slices && rows.len() > 1 {
                    let largest = rows.iter().max().copied().unwrap_or(0);
                    assert!(
                        largest <= share * 2 + ALIGNMENT,
                        "{fragments:?} {parts} {rows:?}"
                    );
                }
            }
        }
    }
}
