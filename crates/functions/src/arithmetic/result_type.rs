//! Result types of operators over plain numbers, as ClickHouse's `NumberTraits` has them.

use types::DataType;

/// What matters of a number type: sign, fraction, width in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Traits {
    pub(super) signed: bool,
    pub(super) float: bool,
    pub(super) width: usize,
}

/// The traits of an integer, float or Bool; `None` for others.
pub(super) fn traits(ty: &DataType) -> Option<Traits> {
    Some(match ty {
        DataType::Bool => Traits { signed: false, float: false, width: 1 },
        DataType::Float32 => Traits { signed: true, float: true, width: 4 },
        DataType::Float64 => Traits { signed: true, float: true, width: 8 },
        DataType::Ipv4 => Traits { signed: false, float: false, width: 4 },
        other => Traits { signed: other.is_signed(), float: false, width: other.integer_width()? },
    })
}

fn construct(signed: bool, float: bool, width: usize) -> DataType {
    match (float, width) {
        (true, 0..=4) => DataType::Float32,
        (true, _) => DataType::Float64,
        (false, width) => DataType::integer(signed, width),
    }
}

/// The next wider width; 8 bytes and more stay.
fn next(width: usize) -> usize {
    if width < 8 { width * 2 } else { width }
}

/// Wide integers do not mix with floats in sums and products.
pub(super) fn mixes(a: Traits, b: Traits) -> bool {
    !((a.float && b.width > 8) || (b.float && a.width > 8))
}

/// Of `+` and `*`.
pub(super) fn sum(a: Traits, b: Traits) -> DataType {
    construct(a.signed || b.signed, a.float || b.float, next(a.width.max(b.width)))
}

/// Of `-`.
pub(super) fn difference(a: Traits, b: Traits) -> DataType {
    construct(true, a.float || b.float, next(a.width.max(b.width)))
}

/// Of `intDiv`: as wide as the dividend.
pub(super) fn integer_division(a: Traits, b: Traits) -> DataType {
    construct(a.signed || b.signed, false, a.width)
}

/// Of `%`: as wide as the divisor, wider when the dividend has a sign.
pub(super) fn modulo(a: Traits, b: Traits) -> DataType {
    if a.float || b.float {
        return DataType::Float64;
    }
    construct(a.signed, false, if a.signed { next(b.width) } else { b.width })
}

/// Of `positiveModulo`.
pub(super) fn positive_modulo(a: Traits, b: Traits) -> DataType {
    if a.float || b.float { DataType::Float64 } else { construct(false, false, b.width) }
}

/// Of unary minus.
pub(super) fn negation(a: Traits) -> DataType {
    construct(true, a.float, if a.signed { a.width } else { next(a.width) })
}

/// Of `bitAnd`, `bitOr`, `bitXor`, and of shifts.
pub(super) fn bits(a: Traits, b: Traits) -> DataType {
    construct(a.signed || b.signed, false, a.width.max(b.width))
}
