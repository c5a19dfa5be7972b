//! ClickHouse's data types: parsed from text, printed as text, each mapped to exactly one Arrow type.

mod arrow_type;
mod parse;
mod print;

use std::sync::Arc;

use crate::error::Result;
use crate::value::Value;

/// A ClickHouse data type. Cheap to clone.
///
/// `Display` prints it as ClickHouse does on one line; [`DataType::parse`] reads that back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // the plain variants are ClickHouse's types of those names
pub enum DataType {
    /// The type of NULL and of the elements of `[]`.
    Nothing,
    Bool,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    UInt128,
    UInt256,
    Int8,
    Int16,
    Int32,
    Int64,
    Int128,
    Int256,
    Float32,
    Float64,
    /// `Decimal(precision, scale)`: at most 76 digits, `scale` of them after the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    String,
    /// Exactly that many bytes, padded with zero bytes.
    FixedString(u32),
    Uuid,
    Ipv4,
    Ipv6,
    /// Days since 1970-01-01, 0 … 65535.
    Date,
    /// Days since 1970-01-01, signed; 1900 … 2299.
    Date32,
    /// Seconds since 1970 UTC, 0 … 2^32-1; printed in the zone, or in the session's.
    DateTime(Option<Arc<str>>),
    /// Ticks of 10^-precision seconds since 1970 UTC.
    DateTime64 {
        precision: u8,
        zone: Option<Arc<str>>,
    },
    /// Enum8 or Enum16.
    Enum(Arc<EnumType>),
    /// The result of `INTERVAL n unit`.
    Interval(IntervalUnit),
    Array(Arc<DataType>),
    Tuple(Arc<[TupleField]>),
    /// Key and value type.
    Map(Arc<(DataType, DataType)>),
    Nullable(Arc<DataType>),
    /// A hint about encoding inside parts: values are those of the inner type.
    LowCardinality(Arc<DataType>),
    /// The state of an aggregate function.
    AggregateFunction(Arc<AggregateSignature>),
    /// A value that merges by an aggregate function whose state is its result.
    SimpleAggregateFunction(Arc<AggregateSignature>),
}

/// An element of a tuple type; all elements of a tuple have names or none has.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub struct TupleField {
    pub name: Option<Arc<str>>,
    pub ty: DataType,
}

/// The named numbers of an Enum8 (`wide == false`) or Enum16, sorted by number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub struct EnumType {
    pub wide: bool,
    pub values: Vec<(Arc<str>, i16)>,
}

impl EnumType {
    /// The number of a name.
    pub fn number(&self, name: &[u8]) -> Option<i16> {
        self.values.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, number)| *number)
    }

    /// The name of a number.
    pub fn name(&self, number: i16) -> Option<&Arc<str>> {
        self.values.binary_search_by_key(&number, |(_, n)| *n).ok().map(|i| &self.values[i].0)
    }
}

/// An aggregate function as it stands in a type: name with combinators, literal parameters, argument types.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AggregateSignature {
    /// Name with combinators but without `-State`, for example `sumIf`.
    pub name: Arc<str>,
    /// Parameters, for example the level of `quantile(0.9)`.
    pub params: Vec<Value>,
    /// Argument types.
    pub args: Vec<DataType>,
    /// The serialization version that ClickHouse prints first (`AggregateFunction(1, sumMap, …)`), where it does.
    pub version: Option<u8>,
}

/// The unit of an interval type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum IntervalUnit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl IntervalUnit {
    /// Every unit, shortest first.
    pub const ALL: [IntervalUnit; 11] = [
        IntervalUnit::Nanosecond,
        IntervalUnit::Microsecond,
        IntervalUnit::Millisecond,
        IntervalUnit::Second,
        IntervalUnit::Minute,
        IntervalUnit::Hour,
        IntervalUnit::Day,
        IntervalUnit::Week,
        IntervalUnit::Month,
        IntervalUnit::Quarter,
        IntervalUnit::Year,
    ];

    /// `Second`, `Day`…: the word after `Interval` in type names and after `toInterval` in function names.
    pub fn name(self) -> &'static str {
        match self {
            IntervalUnit::Nanosecond => "Nanosecond",
            IntervalUnit::Microsecond => "Microsecond",
            IntervalUnit::Millisecond => "Millisecond",
            IntervalUnit::Second => "Second",
            IntervalUnit::Minute => "Minute",
            IntervalUnit::Hour => "Hour",
            IntervalUnit::Day => "Day",
            IntervalUnit::Week => "Week",
            IntervalUnit::Month => "Month",
            IntervalUnit::Quarter => "Quarter",
            IntervalUnit::Year => "Year",
        }
    }

    /// The unit of that name in any case, singular.
    pub fn parse(word: &str) -> Option<IntervalUnit> {
        IntervalUnit::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(word))
    }

    /// Length in milliseconds of units of fixed length; `None` for months and longer and for units below it.
    pub fn fixed_ms(self) -> Option<i64> {
        match self {
            IntervalUnit::Millisecond => Some(1),
            IntervalUnit::Second => Some(1_000),
            IntervalUnit::Minute => Some(60_000),
            IntervalUnit::Hour => Some(3_600_000),
            IntervalUnit::Day => Some(86_400_000),
            IntervalUnit::Week => Some(604_800_000),
            _ => None,
        }
    }
}

impl DataType {
    /// The type that a text such as `Array(Nullable(UInt8))` names. Names are as tolerant of case as ClickHouse's.
    pub fn parse(text: &str) -> Result<DataType> {
        parse::parse(text)
    }

    /// `Nullable(self)`; types that cannot be inside Nullable, and Nullable itself, are returned as they are.
    pub fn to_nullable(&self) -> DataType {
        match self {
            DataType::LowCardinality(inner) => DataType::LowCardinality(Arc::new(inner.to_nullable())),
            other if other.can_be_inside_nullable() => DataType::Nullable(Arc::new(other.clone())),
            other => other.clone(),
        }
    }

    /// True for types T for which `Nullable(T)` exists.
    pub fn can_be_inside_nullable(&self) -> bool {
        !matches!(
            self,
            DataType::Nullable(_)
                | DataType::LowCardinality(_)
                | DataType::Array(_)
                | DataType::Map(_)
                | DataType::Tuple(_)
                | DataType::AggregateFunction(_)
        )
    }

    /// True when NULL is a value of the type.
    pub fn is_nullable(&self) -> bool {
        match self {
            DataType::Nullable(_) => true,
            DataType::LowCardinality(inner) => inner.is_nullable(),
            DataType::SimpleAggregateFunction(signature) => signature.args[0].is_nullable(),
            _ => false,
        }
    }

    /// The type without Nullable (also inside LowCardinality).
    pub fn remove_nullable(&self) -> DataType {
        match self {
            DataType::Nullable(inner) => (**inner).clone(),
            DataType::LowCardinality(inner) => DataType::LowCardinality(Arc::new(inner.remove_nullable())),
            other => other.clone(),
        }
    }

    /// The type without LowCardinality at its top.
    pub fn remove_low_cardinality(&self) -> DataType {
        match self {
            DataType::LowCardinality(inner) => (**inner).clone(),
            other => other.clone(),
        }
    }

    /// The type whose values these really are: without LowCardinality, SimpleAggregateFunction and Nullable at its top.
    pub fn base(&self) -> &DataType {
        match self {
            DataType::Nullable(inner) | DataType::LowCardinality(inner) => inner.base(),
            DataType::SimpleAggregateFunction(signature) => signature.args[0].base(),
            other => other,
        }
    }

    /// True for whole numbers, Bool not included.
    pub fn is_integer(&self) -> bool {
        self.is_unsigned() || self.is_signed()
    }

    /// True for UInt8 … UInt256.
    pub fn is_unsigned(&self) -> bool {
        use DataType::*;
        matches!(self, UInt8 | UInt16 | UInt32 | UInt64 | UInt128 | UInt256)
    }

    /// True for Int8 … Int256.
    pub fn is_signed(&self) -> bool {
        use DataType::*;
        matches!(self, Int8 | Int16 | Int32 | Int64 | Int128 | Int256)
    }

    /// True for Float32 and Float64.
    pub fn is_float(&self) -> bool {
        matches!(self, DataType::Float32 | DataType::Float64)
    }

    /// True for Decimal.
    pub fn is_decimal(&self) -> bool {
        matches!(self, DataType::Decimal { .. })
    }

    /// True for integers, floats, decimals and Bool.
    pub fn is_number(&self) -> bool {
        self.is_integer() || self.is_float() || self.is_decimal() || *self == DataType::Bool
    }

    /// True for String and FixedString.
    pub fn is_string(&self) -> bool {
        matches!(self, DataType::String | DataType::FixedString(_))
    }

    /// True for Date, Date32, DateTime and DateTime64.
    pub fn is_date_or_time(&self) -> bool {
        matches!(self, DataType::Date | DataType::Date32 | DataType::DateTime(_) | DataType::DateTime64 { .. })
    }

    /// Width in bytes of an integer type.
    pub fn integer_width(&self) -> Option<usize> {
        use DataType::*;
        Some(match self {
            UInt8 | Int8 => 1,
            UInt16 | Int16 => 2,
            UInt32 | Int32 => 4,
            UInt64 | Int64 => 8,
            UInt128 | Int128 => 16,
            UInt256 | Int256 => 32,
            _ => return None,
        })
    }

    /// The integer type of that width in bytes (1, 2, 4, 8, 16, 32; others are rounded up, at most 32).
    pub fn integer(signed: bool, width: usize) -> DataType {
        use DataType::*;
        match (signed, width) {
            (false, 0..=1) => UInt8,
            (false, 2) => UInt16,
            (false, 3..=4) => UInt32,
            (false, 5..=8) => UInt64,
            (false, 9..=16) => UInt128,
            (false, _) => UInt256,
            (true, 0..=1) => Int8,
            (true, 2) => Int16,
            (true, 3..=4) => Int32,
            (true, 5..=8) => Int64,
            (true, 9..=16) => Int128,
            (true, _) => Int256,
        }
    }

    /// `Tuple` of unnamed elements.
    pub fn tuple(types: impl IntoIterator<Item = DataType>) -> DataType {
        DataType::Tuple(types.into_iter().map(|ty| TupleField { name: None, ty }).collect())
    }

    /// `Array(inner)`.
    pub fn array(inner: DataType) -> DataType {
        DataType::Array(Arc::new(inner))
    }

    /// `Map(key, value)`.
    pub fn map(key: DataType, value: DataType) -> DataType {
        DataType::Map(Arc::new((key, value)))
    }

    /// `Nullable(inner)`, whatever inner is; use [`DataType::to_nullable`] where inner is not known to fit.
    pub fn nullable(inner: DataType) -> DataType {
        DataType::Nullable(Arc::new(inner))
    }
}

#[cfg(test)]
mod tests;
