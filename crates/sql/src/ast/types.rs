//! Data types as written: a name and what stands in its brackets. Which names exist is not known here.

use super::{Ident, Literal, Span};

/// `Name`, `Name(arguments)`: `Array(Nullable(UInt8))`, `DateTime64(3, 'UTC')`, `Enum8('a' = 1)`.
#[derive(Debug, Clone, PartialEq)]
pub struct DataType {
    /// As written; names of several words are joined by one space (`DOUBLE PRECISION`).
    pub name: String,
    /// In the order written; empty both for `T` and `T()`.
    pub arguments: Vec<TypeArgument>,
    /// Where it stood.
    pub span: Span,
}

impl DataType {
    /// A type without arguments.
    pub fn simple(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: Vec::new(), span: Span::default() }
    }
}

/// One argument of a data type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeArgument {
    /// `UInt8` in `Array(UInt8)`; also the function of `AggregateFunction(quantiles(0.5, 0.9), Float64)`.
    Type(DataType),
    /// `id UInt8` in `Tuple(id UInt8)`, `Nested(…)`; `a.b UInt8` in `JSON(…)` has the name `a.b`.
    Named(Ident, DataType),
    /// `10` in `Decimal(10, 2)`, `'UTC'`, and the value-less `'a'` of `Enum('a', 'b')`.
    Literal(Literal),
    /// `'a' = 1` in `Enum8(…)`.
    EnumValue(Vec<u8>, i64),
    /// `max_types = 16` in `Dynamic(…)` or `JSON(…)`.
    Parameter(Ident, Literal),
    /// `SKIP a.b` in `JSON(…)`.
    SkipPath(Ident),
    /// `SKIP REGEXP '…'` in `JSON(…)`.
    SkipRegexp(Vec<u8>),
}
