//! Bloom filters as bytes: the number of bits a hash sets, then the bits.

/// Bits of a filter of one stretch are at most these, whatever is asked.
const BYTES_MAX: usize = 64 << 20;

/// A filter of these hashes that is wrong with at most the probability `false_positives`.
pub(super) fn of_hashes(hashes: &[u64], false_positives: f64) -> Vec<u8> {
    let bits_each = -false_positives.clamp(1e-9, 0.99).ln() / std::f64::consts::LN_2.powi(2);
    let bytes = ((hashes.len() as f64 * bits_each / 8.0).ceil() as usize).clamp(1, BYTES_MAX);
    let set = (bits_each * std::f64::consts::LN_2).round().clamp(1.0, 30.0) as u8;
    let mut filter = empty(bytes, set);
    hashes.iter().for_each(|hash| add(&mut filter, *hash));
    filter
}

/// A filter of nothing.
pub(super) fn empty(bytes: usize, set: u8) -> Vec<u8> {
    let mut filter = vec![0; bytes.clamp(1, BYTES_MAX) + 1];
    if let Some(first) = filter.first_mut() {
        *first = set;
    }
    filter
}

/// Puts a hash in.
pub(super) fn add(filter: &mut [u8], hash: u64) {
    let Some((set, bits)) = filter.split_first_mut() else { return };
    for bit in bits_of(hash, *set, bits.len()) {
        if let Some(byte) = bits.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
        }
    }
}

/// False when the hash was surely never put in.
pub(super) fn may_contain(filter: &[u8], hash: u64) -> bool {
    let Some((set, bits)) = filter.split_first() else { return true };
    bits_of(hash, *set, bits.len()).all(|bit| bits.get(bit / 8).is_none_or(|byte| byte >> (bit % 8) & 1 == 1))
}

/// The bits of a hash: two halves of it, the second added again and again (Kirsch, Mitzenmacher 2006).
fn bits_of(hash: u64, set: u8, bytes: usize) -> impl Iterator<Item = usize> {
    let bits = (bytes as u64 * 8).max(1);
    let (first, step) = (hash, hash.rotate_left(32) | 1);
    (0..u64::from(set)).map(move |i| (first.wrapping_add(i.wrapping_mul(step)) % bits) as usize)
}
