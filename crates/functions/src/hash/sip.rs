//! SipHash-2-4 with a key of zeros, as `sipHash64` and `sipHash128` use it.

struct State([u64; 4]);

impl State {
    fn round(&mut self) {
        let [v0, v1, v2, v3] = &mut self.0;
        *v0 = v0.wrapping_add(*v1);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v3);
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.wrapping_add(*v3);
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.wrapping_add(*v1);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v2 = v2.rotate_left(32);
    }

    fn word(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }
}

fn finished(text: &[u8]) -> State {
    let mut state = State([0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573]);
    let words = text.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        state.word(word.try_into().map_or(0, u64::from_le_bytes));
    }
    let last =
        rest.iter().enumerate().fold((text.len() as u64) << 56, |last, (i, byte)| last | u64::from(*byte) << (8 * i));
    state.word(last);
    state.0[2] ^= 0xFF;
    (0..4).for_each(|_| state.round());
    state
}

/// 64 bits.
pub(super) fn sip_hash64(text: &[u8]) -> u64 {
    finished(text).0.iter().fold(0, |hash, word| hash ^ word)
}

/// 128 bits: the two halves of the state.
pub(super) fn sip_hash128(text: &[u8]) -> u128 {
    let [v0, v1, v2, v3] = finished(text).0;
    u128::from(v0 ^ v1) | u128::from(v2 ^ v3) << 64
}
