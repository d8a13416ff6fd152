//! Numbers that follow from a seed. Our own, as a seed is to mean the same rows in every release.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64.
pub struct SplitMix(pub u64);

impl SplitMix {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        scaled(self.next(), bound)
    }
}

/// A hash of a number under a key.
pub fn keyed(key: u64, number: u64) -> u64 {
    mix(key.wrapping_add(number.wrapping_mul(GOLDEN)))
}

/// A key for each sequence of numbers.
pub fn key(parts: &[u64]) -> u64 {
    parts
        .iter()
        .fold(0, |key: u64, part| mix(key.wrapping_add(GOLDEN) ^ part))
}

/// A random number as one below a bound.
pub fn scaled(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
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
    fn keys_differ_by_every_part_and_by_its_place() {
        let keys = [
            key(&[]),
            key(&[0]),
            key(&[0, 0]),
            key(&[0, 1]),
            key(&[1, 0]),
            key(&[1, 1]),
        ];
        for (i, one) in keys.iter().enumerate() {
            assert!(keys[..i].iter().all(|other| other != one));
        }
    }
}
