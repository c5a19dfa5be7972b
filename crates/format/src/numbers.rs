//! Integers as text that their column cannot hold: misfits where bad rows are kept aside, else they lose their upper bits, as
//! ClickHouse reads them.

use types::wide;

use crate::build::Misfit;

/// What becomes of integers that their column cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Numbers {
    /// They are misfits: where bad rows are kept aside.
    Exact,
    /// They lose their upper bits, as ClickHouse reads them.
    Wrapped,
}

/// The integer that a text is.
pub(crate) fn integer<T: Integer>(text: &[u8], numbers: Numbers) -> Result<T, Misfit> {
    let plain = text.strip_prefix(b"+").unwrap_or(text);
    match std::str::from_utf8(plain).map(str::parse) {
        Ok(Ok(number)) => Ok(number),
        Ok(Err(_)) if numbers == Numbers::Wrapped => wrapped_bits(plain, T::SIGNED).map(T::of_bits),
        _ => Err(Misfit),
    }
}

/// An integer whose upper bits may be lost.
pub(crate) trait Integer: std::str::FromStr {
    const SIGNED: bool;
    fn of_bits(bits: u128) -> Self;
}

macro_rules! integers {
    ($($ty:ty: $signed:literal),*) => {
        $(impl Integer for $ty {
            const SIGNED: bool = $signed;
            fn of_bits(bits: u128) -> $ty {
                bits as $ty
            }
        })*
    };
}

integers!(u8: false, u16: false, u32: false, u64: false, i8: true, i16: true, i32: true, i64: true);

/// The lowest bits of an integer of any length, in two's complement.
pub(crate) fn wrapped_bits(text: &[u8], signed: bool) -> Result<u128, Misfit> {
    wrapped(text, signed).map(|(_, low)| low)
}

/// The same of 256 bits, the upper ones first.
pub(crate) fn wrapped(text: &[u8], signed: bool) -> Result<(u128, u128), Misfit> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] if signed => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (high, low) = wide::u256_from_text(digits).ok_or(Misfit)?;
    Ok(match negative {
        true => (high.wrapping_neg().wrapping_sub(u128::from(low != 0)), low.wrapping_neg()),
        false => (high, low),
    })
}
