//! FarmHash's `Hash64` as ClickHouse builds it (the `xo` variant): by length, one of five mixings.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// Longer texts ClickHouse hashes by another mixing, of SSE instructions.
pub(super) const LONGEST: usize = 511;

/// Eight bytes from `at` on, least first. Callers stay inside the text.
fn word(text: &[u8], at: usize) -> u64 {
    text.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn half_word(text: &[u8], at: usize) -> u64 {
    text.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes).into()
}

fn shift_mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

fn mixed(u: u64, v: u64, multiplier: u64) -> u64 {
    let a = shift_mix((u ^ v).wrapping_mul(multiplier));
    let b = shift_mix((v ^ a).wrapping_mul(multiplier));
    b.wrapping_mul(multiplier)
}

fn multiplier(length: usize) -> u64 {
    K2.wrapping_add(length as u64 * 2)
}

fn up_to_16(text: &[u8]) -> u64 {
    let length = text.len();
    match length {
        8.. => {
            let (m, a, b) = (multiplier(length), word(text, 0).wrapping_add(K2), word(text, length - 8));
            let c = b.rotate_right(37).wrapping_mul(m).wrapping_add(a);
            let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(m);
            mixed(c, d, m)
        }
        4..=7 => mixed(length as u64 + (half_word(text, 0) << 3), half_word(text, length - 4), multiplier(length)),
        1..=3 => {
            let (a, b, c) = (text[0], text[length >> 1], text[length - 1]);
            let y = u64::from(u32::from(a) + (u32::from(b) << 8));
            let z = length as u64 + (u64::from(c) << 2);
            shift_mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        0 => K2,
    }
}

fn up_to_32(text: &[u8]) -> u64 {
    let (length, m) = (text.len(), multiplier(text.len()));
    let (a, b) = (word(text, 0).wrapping_mul(K1), word(text, 8));
    let c = word(text, length - 8).wrapping_mul(m);
    let d = word(text, length - 16).wrapping_mul(K2);
    mixed(
        a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d),
        a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c),
        m,
    )
}

/// 32 bytes from `at` on.
fn block32(text: &[u8], at: usize, m: u64, seeds: (u64, u64)) -> u64 {
    let a = word(text, at).wrapping_mul(K1);
    let b = word(text, at + 8);
    let c = word(text, at + 24).wrapping_mul(m);
    let d = word(text, at + 16).wrapping_mul(K2);
    let u = a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d).wrapping_add(seeds.0);
    let v = a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c).wrapping_add(seeds.1);
    let a = shift_mix((u ^ v).wrapping_mul(m));
    shift_mix((v ^ a).wrapping_mul(m))
}

fn up_to_64(text: &[u8]) -> u64 {
    let (first, second) = (K2.wrapping_sub(30), K2.wrapping_sub(30).wrapping_add(2 * text.len() as u64));
    let h0 = block32(text, 0, first, (0, 0));
    let h1 = block32(text, text.len() - 32, second, (0, 0));
    h1.wrapping_mul(second).wrapping_add(h0).wrapping_mul(second)
}

fn up_to_96(text: &[u8]) -> u64 {
    let (first, second) = (K2.wrapping_sub(114), K2.wrapping_sub(114).wrapping_add(2 * text.len() as u64));
    let h0 = block32(text, 0, first, (0, 0));
    let h1 = block32(text, 32, second, (0, 0));
    let h2 = block32(text, text.len() - 32, second, (h0, h1));
    h2.wrapping_mul(9).wrapping_add(h0 >> 17).wrapping_add(h1 >> 21).wrapping_mul(second)
}

fn weak(text: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let (w, x, y, z) = (word(text, at), word(text, at + 8), word(text, at + 16), word(text, at + 24));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    let a = a.wrapping_add(x).wrapping_add(y);
    let b = b.wrapping_add(a.rotate_right(44));
    (a.wrapping_add(z), b.wrapping_add(c))
}

/// 97 to 256 bytes.
fn up_to_256(text: &[u8]) -> u64 {
    let length = text.len();
    let (mut x, mut y) = (81u64, 81u64.wrapping_mul(K1).wrapping_add(113));
    let mut z = shift_mix(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2);
    let (mut v, mut w) = ((0u64, 0u64), (0u64, 0u64));
    x = x.wrapping_mul(K2).wrapping_add(word(text, 0));
    let end = (length - 1) / 64 * 64;
    for at in (0..end).step_by(64) {
        x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(text, at + 8)).rotate_right(37).wrapping_mul(K1);
        y = y.wrapping_add(v.1).wrapping_add(word(text, at + 48)).rotate_right(42).wrapping_mul(K1);
        x ^= w.1;
        y = y.wrapping_add(v.0).wrapping_add(word(text, at + 40));
        z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(K1);
        v = weak(text, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(text, at + 32, z.wrapping_add(w.1), y.wrapping_add(word(text, at + 16)));
        std::mem::swap(&mut z, &mut x);
    }
    let m = K1.wrapping_add((z & 0xff) << 1);
    let last = length - 64;
    w.0 = w.0.wrapping_add((length as u64 - 1) & 63);
    v.0 = v.0.wrapping_add(w.0);
    w.0 = w.0.wrapping_add(v.0);
    x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(text, last + 8)).rotate_right(37).wrapping_mul(m);
    y = y.wrapping_add(v.1).wrapping_add(word(text, last + 48)).rotate_right(42).wrapping_mul(m);
    x ^= w.1.wrapping_mul(9);
    y = y.wrapping_add(v.0.wrapping_mul(9)).wrapping_add(word(text, last + 40));
    z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(m);
    v = weak(text, last, v.1.wrapping_mul(m), x.wrapping_add(w.0));
    w = weak(text, last + 32, z.wrapping_add(w.1), y.wrapping_add(word(text, last + 16)));
    std::mem::swap(&mut z, &mut x);
    mixed(
        mixed(v.0, w.0, m).wrapping_add(shift_mix(y).wrapping_mul(K0)).wrapping_add(z),
        mixed(v.1, w.1, m).wrapping_add(x),
        m,
    )
}

/// More than 256 bytes: six numbers of state, 64 bytes a round.
fn long(text: &[u8]) -> u64 {
    let (mut x, mut y) = (81u64, 113u64);
    let mut z = shift_mix(y.wrapping_mul(K2)).wrapping_mul(K2);
    let (mut v, mut w) = ((81u64, 0u64), (0u64, 0u64));
    let mut u = x.wrapping_sub(z);
    x = x.wrapping_mul(K2);
    let m = K2.wrapping_add(u & 0x82);
    let end = (text.len() - 1) / 64 * 64;
    for at in (0..end).step_by(64) {
        let a: [u64; 8] = std::array::from_fn(|i| word(text, at + 8 * i));
        x = x.wrapping_add(a[0]).wrapping_add(a[1]).rotate_right(26).wrapping_mul(9);
        y = y.wrapping_add(a[2]).rotate_right(29);
        z = z.wrapping_add(a[3]).wrapping_mul(m);
        v.0 = v.0.wrapping_add(a[4]).rotate_right(33);
        v.1 = v.1.wrapping_add(a[5]).wrapping_add(a[1]).rotate_right(30);
        w.0 = (w.0.wrapping_add(a[6]) ^ x).wrapping_mul(9);
        w.1 = w.1.wrapping_add(a[7]);
        z = z.rotate_right(32).wrapping_add(w.1);
        w.1 = w.1.wrapping_add(z);
        z = z.wrapping_mul(9);
        std::mem::swap(&mut u, &mut y);
        z = z.wrapping_add(a[0]).wrapping_add(a[6]);
        v.0 = v.0.wrapping_add(a[2]);
        v.1 = v.1.wrapping_add(a[3]);
        w.0 = w.0.wrapping_add(a[4]);
        w.1 = w.1.wrapping_add(a[5]).wrapping_add(a[6]);
        x = x.wrapping_add(a[1]);
        y = y.wrapping_add(a[7]).wrapping_add(v.0);
        v.0 = v.0.wrapping_add(x.wrapping_sub(y));
        v.1 = v.1.wrapping_add(w.0);
        w.0 = w.0.wrapping_add(v.1);
        w.1 = w.1.wrapping_add(x.wrapping_sub(y));
        x = x.wrapping_add(w.1);
        w.1 = w.1.rotate_right(34);
        std::mem::swap(&mut u, &mut z);
    }
    long_end(text, m, (u, x, y, z), v, w)
}

/// What [`long`] does with its state and the last 64 bytes.
fn long_end(text: &[u8], m: u64, state: (u64, u64, u64, u64), mut v: (u64, u64), mut w: (u64, u64)) -> u64 {
    let (mut u, mut x, mut y, mut z) = state;
    let last = text.len() - 64;
    let turned = |x: u64, y: u64, m: u64, turn: u32| {
        let a = shift_mix((x ^ y).wrapping_mul(m));
        (y ^ a).wrapping_mul(m).rotate_right(turn).wrapping_mul(m)
    };
    u = u.wrapping_mul(9);
    v = (v.0.rotate_right(20), v.1.rotate_right(28));
    w.0 = w.0.wrapping_add((text.len() as u64 - 1) & 63);
    u = u.wrapping_add(y);
    y = y.wrapping_add(u);
    x = y.wrapping_sub(x).wrapping_add(v.0).wrapping_add(word(text, last + 8)).rotate_right(37).wrapping_mul(m);
    y = (y ^ v.1 ^ word(text, last + 48)).rotate_right(42).wrapping_mul(m);
    x ^= w.1.wrapping_mul(9);
    y = y.wrapping_add(v.0).wrapping_add(word(text, last + 40));
    z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(m);
    v = weak(text, last, v.1.wrapping_mul(m), x.wrapping_add(w.0));
    w = weak(text, last + 32, z.wrapping_add(w.1), y.wrapping_add(word(text, last + 16)));
    turned(
        mixed(v.0.wrapping_add(x), w.0 ^ y, m).wrapping_add(z).wrapping_sub(u),
        turned(v.1.wrapping_add(y), w.1.wrapping_add(z), K2, 30) ^ x,
        K2,
        31,
    )
}

/// The hash of a text.
pub(super) fn farm_hash64(text: &[u8]) -> u64 {
    match text.len() {
        0..=16 => up_to_16(text),
        17..=32 => up_to_32(text),
        33..=64 => up_to_64(text),
        65..=96 => up_to_96(text),
        97..=256 => up_to_256(text),
        _ => long(text),
    }
}
