//! 128- and 256-bit integers in their column form: big-endian bytes with the sign bit flipped for signed types, so that
//! the order of bytes is the order of numbers (in Arrow's row format and in Parquet statistics alike).

use arrow::datatypes::i256;

/// The number in a UInt128 cell; `None` unless `bytes` are 16.
pub fn u128_from_cell(bytes: &[u8]) -> Option<u128> {
    Some(u128::from_be_bytes(bytes.try_into().ok()?))
}

/// The cell of a UInt128.
pub fn u128_to_cell(value: u128) -> [u8; 16] {
    value.to_be_bytes()
}

/// The number in an Int128 cell; `None` unless `bytes` are 16.
pub fn i128_from_cell(bytes: &[u8]) -> Option<i128> {
    Some((u128_from_cell(bytes)? ^ (1 << 127)) as i128)
}

/// The cell of an Int128.
pub fn i128_to_cell(value: i128) -> [u8; 16] {
    ((value as u128) ^ (1 << 127)).to_be_bytes()
}

/// The number in an Int256 cell; `None` unless `bytes` are 32.
pub fn i256_from_cell(bytes: &[u8]) -> Option<i256> {
    let mut bytes: [u8; 32] = bytes.try_into().ok()?;
    bytes[0] ^= 0x80;
    Some(i256::from_be_bytes(bytes))
}

/// The cell of an Int256.
pub fn i256_to_cell(value: i256) -> [u8; 32] {
    let mut bytes = value.to_be_bytes();
    bytes[0] ^= 0x80;
    bytes
}

/// The number in a UInt256 cell as two halves, high first; `None` unless `bytes` are 32.
pub fn u256_from_cell(bytes: &[u8]) -> Option<(u128, u128)> {
    let bytes: [u8; 32] = bytes.try_into().ok()?;
    Some((u128_from_cell(&bytes[..16])?, u128_from_cell(&bytes[16..])?))
}

/// The cell of a UInt256 of two halves, high first.
pub fn u256_to_cell(high: u128, low: u128) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&high.to_be_bytes());
    bytes[16..].copy_from_slice(&low.to_be_bytes());
    bytes
}

/// Decimal digits of an unsigned 256-bit number given as halves, high first.
pub fn u256_to_text(high: u128, low: u128) -> String {
    let mut limbs = [(high >> 64) as u64, high as u64, (low >> 64) as u64, low as u64];
    let mut groups = Vec::new();
    const GROUP: u128 = 10_000_000_000_000_000_000;
    while limbs.iter().any(|limb| *limb != 0) {
        let mut rest: u128 = 0;
        for limb in &mut limbs {
            let value = (rest << 64) | u128::from(*limb);
            *limb = (value / GROUP) as u64;
            rest = value % GROUP;
        }
        groups.push(rest as u64);
    }
    let Some(first) = groups.pop() else { return "0".to_owned() };
    let mut text = first.to_string();
    for group in groups.iter().rev() {
        text.push_str(&format!("{group:019}"));
    }
    text
}

/// An unsigned 256-bit number from decimal digits, modulo 2^256; `None` when a byte is no digit or there is none.
pub fn u256_from_text(digits: &[u8]) -> Option<(u128, u128)> {
    let mut limbs = [0u64; 4];
    for digit in digits {
        let mut carry = u128::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        for limb in limbs.iter_mut().rev() {
            let value = u128::from(*limb) * 10 + carry;
            *limb = value as u64;
            carry = value >> 64;
        }
    }
    let half = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
    (!digits.is_empty()).then(|| (half(limbs[0], limbs[1]), half(limbs[2], limbs[3])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_sort_as_numbers() {
        assert!(i128_to_cell(-1) < i128_to_cell(0) && i128_to_cell(0) < i128_to_cell(1));
        assert!(i256_to_cell(i256::MIN) < i256_to_cell(i256::ZERO));
        assert_eq!(i256_from_cell(&i256_to_cell(i256::from(-7))), Some(i256::from(-7)));
        assert_eq!(i128_from_cell(&i128_to_cell(i128::MIN)), Some(i128::MIN));
    }

    #[test]
    fn text_of_256_bits() {
        let text = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(u256_to_text(u128::MAX, u128::MAX), text);
        assert_eq!(u256_from_text(text.as_bytes()), Some((u128::MAX, u128::MAX)));
        assert_eq!(u256_to_text(0, 0), "0");
        assert_eq!(u256_from_text(b"12x"), None);
        assert_eq!(u256_from_text(b"12 "), None);
    }
}
