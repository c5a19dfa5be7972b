//! xxHash of 32 and 64 bits with seed 0. (The third generation comes from a crate.)

const P32: [u32; 5] = [0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D, 0x27D4_EB2F, 0x1656_67B1];
const P64: [u64; 5] =
    [0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63, 0x27D4_EB2F_1656_67C5];

fn word32(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

fn word64(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

fn round32(lane: u32, word: u32) -> u32 {
    lane.wrapping_add(word.wrapping_mul(P32[1])).rotate_left(13).wrapping_mul(P32[0])
}

/// 32 bits.
pub(super) fn xx_hash32(text: &[u8]) -> u32 {
    let stripes = text.chunks_exact(16);
    let mut rest = stripes.remainder();
    let mut hash = if text.len() >= 16 {
        let mut lanes = [P32[0].wrapping_add(P32[1]), P32[1], 0, 0u32.wrapping_sub(P32[0])];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.chunks_exact(4)) {
                *lane = round32(*lane, word32(word));
            }
        }
        let turns = [1, 7, 12, 18];
        lanes.iter().zip(turns).fold(0u32, |hash, (lane, turn)| hash.wrapping_add(lane.rotate_left(turn)))
    } else {
        P32[4]
    };
    hash = hash.wrapping_add(text.len() as u32);
    while let Some((word, behind)) = rest.split_at_checked(4) {
        hash = hash.wrapping_add(word32(word).wrapping_mul(P32[2])).rotate_left(17).wrapping_mul(P32[3]);
        rest = behind;
    }
    for byte in rest {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(P32[4])).rotate_left(11).wrapping_mul(P32[0]);
    }
    hash = (hash ^ hash >> 15).wrapping_mul(P32[1]);
    hash = (hash ^ hash >> 13).wrapping_mul(P32[2]);
    hash ^ hash >> 16
}

fn round64(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P64[1])).rotate_left(31).wrapping_mul(P64[0])
}

/// 64 bits.
pub(super) fn xx_hash64(text: &[u8]) -> u64 {
    let stripes = text.chunks_exact(32);
    let mut rest = stripes.remainder();
    let mut hash = if text.len() >= 32 {
        let mut lanes = [P64[0].wrapping_add(P64[1]), P64[1], 0, 0u64.wrapping_sub(P64[0])];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = round64(*lane, word64(word));
            }
        }
        let turns = [1, 7, 12, 18];
        let sum = lanes.iter().zip(turns).fold(0u64, |hash, (lane, turn)| hash.wrapping_add(lane.rotate_left(turn)));
        lanes.iter().fold(sum, |hash, lane| (hash ^ round64(0, *lane)).wrapping_mul(P64[0]).wrapping_add(P64[3]))
    } else {
        P64[4]
    };
    hash = hash.wrapping_add(text.len() as u64);
    while let Some((word, behind)) = rest.split_at_checked(8) {
        hash = (hash ^ round64(0, word64(word))).rotate_left(27).wrapping_mul(P64[0]).wrapping_add(P64[3]);
        rest = behind;
    }
    if let Some((word, behind)) = rest.split_at_checked(4) {
        let word = u64::from(word32(word)).wrapping_mul(P64[0]);
        hash = (hash ^ word).rotate_left(23).wrapping_mul(P64[1]).wrapping_add(P64[2]);
        rest = behind;
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(P64[4])).rotate_left(11).wrapping_mul(P64[0]);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(P64[1]);
    hash = (hash ^ hash >> 29).wrapping_mul(P64[2]);
    hash ^ hash >> 32
}
