//! The text that comments of TPC-H are cut from. `TextPool::get_or_init_default` writes it on one thread while the
//! others wait, for a quarter of the time of scale factor 1; here all that would wait write it.
//!
//! The grammar is that of clause 4.2.2.14 of the TPC-H specification.

use std::mem::{MaybeUninit, transmute};
use std::ptr::slice_from_raw_parts_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, Once, OnceLock, PoisonError};

use tpchgen::distribution::{Distribution, Distributions};
use tpchgen::random::RowRandomInt;
use tpchgen::text::TextPool;

/// Bytes.
const SIZE: usize = 300 << 20;
const SEED: i64 = 933_588_178;

/// Where a sentence begins: after so many bytes of text and so many random numbers.
type Start = (usize, i64);

/// The first sentence of each piece of the text. Random numbers can be entered anywhere, but only who has written
/// the text before a sentence knows how many it took.
#[rustfmt::skip]
const STARTS: [Start; 32] = [
    (0, 0), (9830424, 1997578), (19660810, 3994456), (29491204, 5993033),
    (39321619, 7989946), (49152080, 9985726), (58982448, 11982626), (68812820, 13978590),
    (78643223, 15975809), (88473607, 17972832), (98304011, 19969514), (108134421, 21965660),
    (117964817, 23962009), (127795221, 25958341), (137625648, 27955512), (147456075, 29953145),
    (157286442, 31949852), (167116822, 33945699), (176947229, 35941282), (186777602, 37937056),
    (196608019, 39934233), (206438492, 41931302), (216268868, 43928375), (226099227, 45924162),
    (235929648, 47919803), (245760024, 49915779), (255590452, 51912282), (265420831, 53907741),
    (275251227, 55904232), (285081613, 57899409), (294912013, 59896251), (304742424, 61892593),
];

/// The whole text, written by all threads that call this before it is there.
pub fn text_pool() -> &'static TextPool {
    static TEXT: LazyLock<Text> = LazyLock::new(Text::new);
    TEXT.write();
    TEXT.pool()
}

struct Text {
    memory: AtomicPtr<MaybeUninit<u8>>,
    pieces: Vec<Piece>,
    next: AtomicUsize,
    pool: OnceLock<TextPool>,
}

struct Piece {
    start: Start,
    text: Mutex<Option<&'static mut [MaybeUninit<u8>]>>,
    written: Once,
}

impl Text {
    fn new() -> Self {
        let memory = Box::into_raw(Box::<[u8]>::new_uninit_slice(SIZE));
        ask_for_huge_pages(memory.cast());
        // SAFETY: just allocated; until `pool` takes it, it is used through the pieces only.
        let mut text = unsafe { &mut *memory };
        let mut pieces = Vec::new();
        for start in STARTS.into_iter().rev() {
            let (before, piece) = text.split_at_mut(start.0);
            text = before;
            pieces.push(Piece {
                start,
                text: Mutex::new(Some(piece)),
                written: Once::new(),
            });
        }
        Self {
            memory: AtomicPtr::new(memory.cast()),
            pieces,
            next: AtomicUsize::new(0),
            pool: OnceLock::new(),
        }
    }

    fn write(&self) {
        while let Some(piece) = self.pieces.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            piece.written.call_once(|| piece.write());
        }
        for piece in &self.pieces {
            piece.written.wait();
        }
    }

    /// The text, once all pieces are written.
    fn pool(&self) -> &TextPool {
        self.pool.get_or_init(|| {
            let memory = slice_from_raw_parts_mut(self.memory.load(Ordering::Relaxed), SIZE);
            // SAFETY: a box of this size was taken apart, whose pieces are written and gone.
            let text = unsafe { Box::from_raw(memory).assume_init() }.into_vec();
            // SAFETY: the version of the crate that is asked for wraps such a vector, with nothing beside it, as the
            // compiler finds here from the sizes. It has no way to make a pool of a text that is there.
            unsafe { transmute::<Vec<u8>, TextPool>(text) }
        })
    }
}

/// Comments are cut at random, which with small pages misses the TLB each time. A system that grants none ignores this.
fn ask_for_huge_pages(memory: *mut u8) {
    const PAGE: usize = 4096;
    let before_page = memory.align_offset(PAGE);
    let length = (SIZE - before_page) / PAGE * PAGE;
    // SAFETY: the range is within the SIZE bytes at `memory`, and this changes nothing of what they hold.
    unsafe { libc::madvise(memory.add(before_page).cast(), length, libc::MADV_HUGEPAGE) };
}

impl Piece {
    fn write(&self) {
        let text = self
            .text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(text) = text {
            Author::new(self.start).fill(text);
        }
    }
}

/// Writes sentence after sentence.
struct Author {
    words: &'static Distributions,
    random: RowRandomInt,
}

impl Author {
    fn new((_, draws): Start) -> Self {
        // One number for each row, so that as many rows can be skipped.
        let mut random = RowRandomInt::new(SEED, 1);
        random.advance_rows(draws);
        Self {
            words: Distributions::static_default(),
            random,
        }
    }

    /// The last sentence is cut where `text` ends.
    fn fill(&mut self, mut text: &mut [MaybeUninit<u8>]) {
        let mut sentence = Vec::new();
        while !text.is_empty() {
            sentence.clear();
            self.sentence(&mut sentence);
            let (begin, rest) = text.split_at_mut(sentence.len().min(text.len()));
            begin.write_copy_of_slice(&sentence[..begin.len()]);
            text = rest;
        }
    }

    fn sentence(&mut self, text: &mut Vec<u8>) {
        let words = self.words;
        for part in self.pick(words.grammar()).bytes().step_by(2) {
            match part {
                b'N' => self.noun_phrase(text),
                b'V' => self.verb_phrase(text),
                b'P' => {
                    self.word(words.prepositions(), text);
                    text.extend_from_slice(b"the ");
                    self.noun_phrase(text);
                }
                _ => {
                    // After the word, not after its space.
                    text.pop();
                    self.word(words.terminators(), text);
                }
            }
        }
    }

    fn noun_phrase(&mut self, text: &mut Vec<u8>) {
        let words = self.words;
        for part in self.pick(words.noun_phrase()).bytes() {
            match part {
                b'A' => self.word(words.articles(), text),
                b'J' => self.word(words.adjectives(), text),
                b'D' => self.word(words.adverbs(), text),
                b'N' => self.word(words.nouns(), text),
                b',' => {
                    text.pop();
                    text.extend_from_slice(b", ");
                }
                _ => {}
            }
        }
    }

    fn verb_phrase(&mut self, text: &mut Vec<u8>) {
        let words = self.words;
        for part in self.pick(words.verb_phrase()).bytes().step_by(2) {
            match part {
                b'D' => self.word(words.adverbs(), text),
                b'V' => self.word(words.verbs(), text),
                _ => self.word(words.auxiliaries(), text),
            }
        }
    }

    fn word(&mut self, from: &'static Distribution, text: &mut Vec<u8>) {
        text.extend_from_slice(self.pick(from).as_bytes());
        text.push(b' ');
    }

    fn pick(&mut self, from: &'static Distribution) -> &'static str {
        from.random_value(&mut self.random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_the_generator() {
        let theirs = TextPool::new(SIZE as i32, Distributions::static_default());
        let ours = std::thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(text_pool));
            threads.map(|thread| thread.join().unwrap())[0]
        });
        assert_eq!(ours.size(), theirs.size());
        assert!(ours.text(0, ours.size()) == theirs.text(0, theirs.size()));
    }
}
