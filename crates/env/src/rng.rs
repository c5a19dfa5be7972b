//! Random bytes: from the operating system, or from a seed.

use std::fmt::Debug;

/// A source of random bytes. Shared; every call gives new ones.
pub trait Rng: Send + Sync + Debug {
    /// A number, all 2^64 of them as likely.
    fn u64(&self) -> u64;

    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.u64().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
    }

    /// A number in `0 .. bound`; 0 when `bound` is 0. The bias is below `bound / 2^64`.
    fn below(&self, bound: u64) -> u64 {
        let product = u128::from(self.u64()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// A random (version 4) UUID as one number, most significant bits first.
    fn uuid(&self) -> u128 {
        let random = (u128::from(self.u64()) << 64) | u128::from(self.u64());
        let version = (random & !(0xF << 76)) | (4 << 76);
        (version & !(0x3 << 62)) | (2 << 62)
    }
}

#[cfg(test)]
mod tests {
    use crate::simulated::SeededRng;

    use super::*;

    #[test]
    fn below_stays_below_and_a_uuid_is_version_4() {
        let rng = SeededRng::new(7);
        assert!((0..1000).all(|_| rng.below(10) < 10));
        assert_eq!(rng.below(0), 0);
        let uuid = rng.uuid();
        assert_eq!((uuid >> 76) & 0xF, 4);
        assert_eq!((uuid >> 62) & 0x3, 2);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let (mut a, mut b) = ([0; 13], [0; 13]);
        SeededRng::new(1).fill(&mut a);
        SeededRng::new(1).fill(&mut b);
        assert_eq!(a, b);
        assert_ne!(a, [0; 13]);
    }
}
