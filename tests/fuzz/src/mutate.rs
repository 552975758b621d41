//! Small changes to seeds, from numbers that are the same for the same start: a failure can be had again.

use crate::Check;

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose where to cut.
pub struct Numbers(u64);

impl Numbers {
    /// The sequence that belongs to `start`.
    pub fn new(start: u64) -> Self {
        Numbers(start)
    }

    /// The next number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % (end.max(1) as u64)).unwrap_or_default()
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> Option<&'a T> {
        all.get(self.below(all.len())).copied()
    }
}

/// Bytes that mean something to one parser or another.
const BYTES: &[u8] = b"\0\t\n\r \"#'()*,-./:;=[\\]{|}\x7f\x80\xff0A";

/// A seed with one to eight changes.
pub fn mutated(check: &Check, seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let all: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    let mut bytes = numbers.of(&all).unwrap_or_default().to_vec();
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(32)).min(bytes.len());
        match numbers.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => bytes[at] = BYTES[numbers.below(BYTES.len())],
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                insert(&mut bytes, at, &again);
            }
            4 | 5 => insert(&mut bytes, at, numbers.of(check.words).unwrap_or_default().as_bytes()),
            6 => {
                let other = numbers.of(&all).unwrap_or_default();
                let from = numbers.below(other.len() + 1);
                let length = numbers.below(64).min(other.len() - from);
                insert(&mut bytes, at, &other[from..from + length]);
            }
            _ if numbers.below(4) == 0 => bytes.truncate(at),
            _ => insert(&mut bytes, at, &[BYTES[numbers.below(BYTES.len())]]),
        }
    }
    bytes
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}
