//! The order of the rows in an epoch, of which any part is known without the rest.

use std::ops::Range;

use super::permutation::Permutation;
use super::random::key;
use crate::settings::ShuffleRemainder;

/// Which row comes at which place. Rows and places are numbers from 0 on.
pub struct Order {
    rows: u64,
    kind: Kind,
}

enum Kind {
    Stored,
    Rows(Permutation),
    Blocks(Blocks),
}

/// How rows are shuffled in blocks.
#[derive(Clone, Copy)]
pub struct Windows {
    pub block_rows: u64,
    /// Of a window.
    pub blocks: u64,
}

impl Order {
    /// As the rows are stored.
    pub fn stored(rows: u64) -> Self {
        Self {
            rows,
            kind: Kind::Stored,
        }
    }

    pub fn shuffled(rows: u64, seed: u64, epoch: u64, windows: Option<Windows>) -> Self {
        let kind = match windows {
            None => Kind::Rows(Permutation::new(rows, key(&[seed, epoch]))),
            Some(windows) => Kind::Blocks(Blocks::new(rows, [seed, epoch], windows)),
        };
        Self { rows, kind }
    }

    /// The rows at these places. Behind the last row the first ones come again.
    pub fn at(&self, places: Range<u64>) -> Vec<u64> {
        let mut rows = Vec::with_capacity((places.end - places.start) as usize);
        let mut next = places.start;
        while next < places.end {
            let lap = next - next % self.rows;
            let end = places.end.min(lap + self.rows);
            self.append(next - lap..end - lap, &mut rows);
            next = end;
        }
        rows
    }

    fn append(&self, places: Range<u64>, rows: &mut Vec<u64>) {
        match &self.kind {
            Kind::Stored => rows.extend(places),
            Kind::Rows(permutation) => rows.extend(places.map(|place| permutation.at(place))),
            Kind::Blocks(blocks) => blocks.append(places, rows),
        }
    }

    /// The place behind those whose rows are stored near the one at this place, and are best read with it.
    pub fn near_end(&self, place: u64) -> u64 {
        match &self.kind {
            Kind::Blocks(blocks) => {
                let lap = place - place % self.rows;
                lap + blocks.window(place - lap).1.end
            }
            _ => place + 1,
        }
    }
}

/// Blocks of rows that are stored one behind the other. Blocks are shuffled, and then the rows of a window of blocks.
struct Blocks {
    block_rows: u64,
    window_blocks: u64,
    epoch: [u64; 2],
    order: Permutation,
    /// The place of the last block, and how many rows it has less than others.
    last_at: u64,
    missing: u64,
}

impl Blocks {
    fn new(rows: u64, epoch: [u64; 2], windows: Windows) -> Self {
        let count = rows.div_ceil(windows.block_rows);
        let order = Permutation::new(count, key(&epoch));
        Self {
            block_rows: windows.block_rows,
            window_blocks: windows.blocks,
            epoch,
            last_at: match count {
                0 => 0,
                count => order.place(count - 1),
            },
            missing: count * windows.block_rows - rows,
            order,
        }
    }

    /// Where the block at this place of the order begins.
    fn start(&self, at: u64) -> u64 {
        let shift = if at > self.last_at { self.missing } else { 0 };
        at * self.block_rows - shift
    }

    /// Which block of the order a row is in, while the rows of a window are still in their order.
    fn block(&self, row: u64) -> u64 {
        match row < self.start(self.last_at + 1) {
            true => row / self.block_rows,
            false => (row + self.missing) / self.block_rows,
        }
    }

    /// The number of the window that this place is in, and its places.
    fn window(&self, place: u64) -> (u64, Range<u64>) {
        let window = self.block(place) / self.window_blocks;
        let first = window * self.window_blocks;
        let end = (first + self.window_blocks).min(self.order.size());
        (window, self.start(first)..self.start(end))
    }

    fn append(&self, places: Range<u64>, rows: &mut Vec<u64>) {
        let mut next = places.start;
        while next < places.end {
            let (number, window) = self.window(next);
            let key = key(&[self.epoch[0], self.epoch[1], number]);
            let inside = Permutation::new(window.end - window.start, key);
            let end = places.end.min(window.end);
            rows.extend((next..end).map(|place| {
                let row = window.start + inside.at(place - window.start);
                let at = self.block(row);
                self.order.at(at) * self.block_rows + (row - self.start(at))
            }));
            next = end;
        }
    }
}

/// The places of a shard, one of so many.
pub fn shard(rows: u64, index: u64, count: u64, remainder: ShuffleRemainder) -> Range<u64> {
    let each = match remainder {
        ShuffleRemainder::Keep => {
            let cut = |at: u64| (u128::from(rows) * u128::from(at) / u128::from(count)) as u64;
            return cut(index)..cut(index + 1);
        }
        ShuffleRemainder::Drop => rows / count,
        ShuffleRemainder::Pad => rows.div_ceil(count),
    };
    index * each..(index + 1) * each
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::random::SplitMix;

    fn sorted(mut rows: Vec<u64>) -> Vec<u64> {
        rows.sort_unstable();
        rows
    }

    fn orders(rows: u64, random: &mut SplitMix) -> Vec<Order> {
        let windows = |block_rows, blocks| Windows { block_rows, blocks };
        let (seed, epoch) = (random.next(), random.below(3));
        let odd = windows(1 + random.below(9), 1 + random.below(5));
        vec![
            Order::stored(rows),
            Order::shuffled(rows, seed, epoch, None),
            Order::shuffled(rows, seed, epoch, Some(odd)),
            Order::shuffled(rows, seed, epoch, Some(windows(1, 1))),
            Order::shuffled(rows, seed, epoch, Some(windows(1 << 32, 1 << 20))),
        ]
    }

    #[test]
    fn every_row_comes_once_and_parts_are_those_of_the_whole() {
        let mut random = SplitMix(5);
        for rows in (1..60).chain([1_000, 4_096]) {
            for order in orders(rows, &mut random) {
                let whole = order.at(0..rows);
                assert!(sorted(whole.clone()).into_iter().eq(0..rows));
                for _ in 0..5 {
                    let first = random.below(rows);
                    let end = first + random.below(rows - first + 1);
                    let part = &whole[first as usize..end as usize];
                    assert_eq!(order.at(first..end), part);
                }
                let twice = order.at(0..2 * rows + 1);
                assert_eq!(twice[rows as usize..2 * rows as usize], whole);
                assert_eq!(twice.last(), whole.first());
            }
        }
    }

    #[test]
    fn a_window_has_whole_blocks_and_comes_before_the_next() {
        let windows = Windows {
            block_rows: 10,
            blocks: 3,
        };
        let order = Order::shuffled(95, 1, 2, Some(windows));
        let mut seen = Vec::new();
        let mut place = 0;
        while place < 95 {
            let end = order.near_end(place);
            let rows = sorted(order.at(place..end));
            assert_ne!(order.at(place..end), rows);
            let mut blocks: Vec<_> = rows.iter().map(|row| row / 10).collect();
            blocks.dedup();
            assert!(blocks.len() <= 3);
            for block in &blocks {
                let stored = (block * 10..(block * 10 + 10).min(95)).collect::<Vec<_>>();
                assert!(stored.iter().all(|row| rows.contains(row)));
            }
            seen.extend(blocks);
            place = end;
        }
        assert_ne!(seen, sorted(seen.clone()));
        assert!(sorted(seen).into_iter().eq(0..10));
        assert_eq!(order.near_end(95), 95 + order.near_end(0));
    }

    #[test]
    fn seeds_and_epochs_have_orders_of_their_own() {
        for windows in [
            None,
            Some(Windows {
                block_rows: 7,
                blocks: 4,
            }),
        ] {
            let order = |seed, epoch| Order::shuffled(500, seed, epoch, windows).at(0..500);
            assert_eq!(order(1, 2), order(1, 2));
            assert_ne!(order(1, 2), order(2, 1));
            assert_ne!(order(1, 2), order(1, 3));
        }
    }

    #[test]
    fn shards_have_every_row_once_and_differ_by_one() {
        for rows in [0, 1, 7, 64, 1_000, u64::MAX / 2] {
            for count in [1, 2, 3, 7, 64, 1_000_000] {
                let mut end = 0;
                for index in (0..count).take(100) {
                    let places = shard(rows, index, count, ShuffleRemainder::Keep);
                    assert_eq!(places.start, end);
                    end = places.end;
                    let len = places.end - places.start;
                    assert!(len == rows / count || len == rows.div_ceil(count));
                    let whole = shard(rows, index, count, ShuffleRemainder::Drop);
                    assert_eq!(whole.end - whole.start, rows / count);
                    let padded = shard(rows, index, count, ShuffleRemainder::Pad);
                    assert_eq!(padded.end - padded.start, rows.div_ceil(count));
                }
                let last = shard(rows, count - 1, count, ShuffleRemainder::Keep);
                assert_eq!(last.end, rows);
            }
        }
    }
}
