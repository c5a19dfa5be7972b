//! MurmurHash 2 and 3 in the variants that ClickHouse has.

const M2: u32 = 0x5bd1_e995;
const M64: u64 = 0xc6a4_a793_5bd1_e995;

fn word32(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

fn word64(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

/// Up to eight bytes, least first.
fn tail(bytes: &[u8]) -> u64 {
    bytes.iter().enumerate().fold(0, |word, (i, byte)| word | u64::from(*byte) << (8 * i))
}

/// MurmurHash2, 32 bits.
pub(super) fn murmur2_32(text: &[u8], seed: u32) -> u32 {
    let mut hash = seed ^ text.len() as u32;
    let words = text.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        let k = word32(word).wrapping_mul(M2);
        hash = hash.wrapping_mul(M2) ^ (k ^ k >> 24).wrapping_mul(M2);
    }
    if !rest.is_empty() {
        hash = (hash ^ tail(rest) as u32).wrapping_mul(M2);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M2);
    hash ^ hash >> 15
}

/// MurmurHash64A.
pub(super) fn murmur2_64(text: &[u8], seed: u64) -> u64 {
    let mut hash = seed ^ (text.len() as u64).wrapping_mul(M64);
    let words = text.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        let k = word64(word).wrapping_mul(M64);
        hash = (hash ^ (k ^ k >> 47).wrapping_mul(M64)).wrapping_mul(M64);
    }
    if !rest.is_empty() {
        hash = (hash ^ tail(rest)).wrapping_mul(M64);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(M64);
    hash ^ hash >> 47
}

/// MurmurHash3, 32 bits, seed 0.
pub(super) fn murmur3_32(text: &[u8]) -> u32 {
    let mixed = |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let words = text.chunks_exact(4);
    let rest = words.remainder();
    let mut hash = 0u32;
    for word in words {
        hash = (hash ^ mixed(word32(word))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !rest.is_empty() {
        hash ^= mixed(tail(rest) as u32);
    }
    hash ^= text.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// MurmurHash3, 128 bits for 64-bit machines, seed 0: two halves.
pub(super) fn murmur3_128(text: &[u8]) -> (u64, u64) {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let first = |word: u64| word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let second = |word: u64| word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let blocks = text.chunks_exact(16);
    let rest = blocks.remainder();
    let (mut h1, mut h2) = (0u64, 0u64);
    for block in blocks {
        h1 ^= first(word64(&block[..8]));
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= second(word64(&block[8..]));
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    if rest.len() > 8 {
        h2 ^= second(tail(&rest[8..]));
    }
    if !rest.is_empty() {
        h1 ^= first(tail(&rest[..rest.len().min(8)]));
    }
    h1 ^= text.len() as u64;
    h2 ^= text.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    let finish = |k: u64| {
        let k = (k ^ k >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let k = (k ^ k >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        k ^ k >> 33
    };
    (h1, h2) = (finish(h1), finish(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2)
}
