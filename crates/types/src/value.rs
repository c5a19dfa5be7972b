//! One value, outside of any column: a literal, a default, a partition key's element, a query parameter.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A `f64` that compares and hashes by its bits, so that values can be map keys.
#[derive(Clone, Copy, Debug)]
pub struct F64(pub f64);

impl PartialEq for F64 {
    fn eq(&self, other: &F64) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for F64 {}
impl Hash for F64 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// One value. Its ClickHouse type lives beside it, where one is needed: `UInt` is a date, a time or an IPv4 as well.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Value {
    /// NULL.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that is not negative, up to 64 bits.
    UInt(u64),
    /// An integer, up to 64 bits.
    Int(i64),
    /// A wide integer (128 or 256 bits) or a decimal, as decimal text.
    Number(Arc<str>),
    /// A floating-point number.
    Float(F64),
    /// Bytes; ClickHouse strings need not be UTF-8.
    String(Arc<[u8]>),
    /// `[…]`
    Array(Arc<[Value]>),
    /// `(…)`
    Tuple(Arc<[Value]>),
    /// `{k: v, …}`
    Map(Arc<[(Value, Value)]>),
}

impl Value {
    /// A string value of UTF-8 text.
    pub fn text(text: &str) -> Value {
        Value::String(text.as_bytes().into())
    }

    /// The value as an unsigned integer, when it is one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::UInt(v) => Some(*v),
            Value::Int(v) => u64::try_from(*v).ok(),
            Value::Bool(v) => Some(u64::from(*v)),
            _ => None,
        }
    }

    /// The value as a signed integer, when it is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::UInt(v) => i64::try_from(*v).ok(),
            Value::Int(v) => Some(*v),
            Value::Bool(v) => Some(i64::from(*v)),
            _ => None,
        }
    }

    /// The value as a floating-point number, when it is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::UInt(v) => Some(*v as f64),
            Value::Int(v) => Some(*v as f64),
            Value::Float(v) => Some(v.0),
            Value::Number(v) => v.parse().ok(),
            _ => None,
        }
    }

    /// The bytes, when it is a string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::String(v) => Some(v),
            _ => None,
        }
    }

    /// The text, when it is a string of valid UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        self.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }
}
