//! Which ClickHouse type a column of PostgreSQL has, and how it is compared there.

use types::DataType;

use crate::error::{Error, Kind, Result};

/// A column as the catalogs describe it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// What it is here.
    pub(super) ty: DataType,
    /// What it is there; of an array, its elements.
    pub(super) class: Class,
    /// An array whose number of dimensions the catalogs do not say: `ty` has one.
    pub(super) dimensions_unknown: bool,
}

/// What matters of a type of PostgreSQL when it is read or compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// `smallint`, `integer`, `bigint`.
    Integer,
    /// `real`, `double precision`.
    Float,
    /// `numeric`; without digits after the point where it is not said.
    Numeric(Option<u8>),
    /// `boolean`.
    Bool,
    /// `text`, `varchar`.
    Text,
    /// `char(n)`, which spaces at the end do not distinguish.
    Char,
    /// `uuid`.
    Uuid,
    /// `date`.
    Date,
    /// `timestamp`, with that many digits of a second.
    Timestamp(u8),
    /// `timestamptz`, likewise.
    TimestampTz(u8),
    /// `box`, whose arrays have `;` between elements.
    Box,
    /// Everything else: texts that are only read.
    Other,
}

/// `numeric` without precision, as ClickHouse has it.
const NUMERIC: DataType = DataType::Decimal { precision: 38, scale: 19 };
/// Digits of the widest decimal.
const PRECISION_MAX: u8 = 76;

impl Column {
    /// The column whose type `format_type` calls `declared`.
    pub(super) fn new(name: String, declared: &str, not_null: bool, dimensions: usize) -> Result<Column> {
        let element = declared.trim_end_matches("[]");
        let is_array = element.len() < declared.len();
        let unsupported =
            || Error::UnsupportedType { kind: Kind::Postgres, column: name.clone(), ty: declared.to_owned() };
        let (class, ty) = of(element).ok_or_else(unsupported)?;
        let mut ty = if not_null { ty } else { ty.to_nullable() };
        if is_array {
            for _ in 0..dimensions.max(1) {
                ty = DataType::array(ty);
            }
        }
        Ok(Column { name, ty, class, dimensions_unknown: is_array && dimensions == 0 })
    }

    /// The same array with more dimensions than one.
    pub(super) fn with_dimensions(mut self, dimensions: usize) -> Column {
        for _ in 1..dimensions {
            self.ty = DataType::array(self.ty);
        }
        self.dimensions_unknown = false;
        self
    }

    /// True for arrays.
    pub(super) fn is_array(&self) -> bool {
        matches!(self.ty, DataType::Array(_))
    }
}

/// Class and type of a type that is no array; `None` for decimals that no type holds.
fn of(declared: &str) -> Option<(Class, DataType)> {
    let (word, rest) = match declared.split_once('(') {
        Some((word, rest)) => (word, rest.split_once(')').map(|(arguments, _)| arguments)),
        None => (declared, None),
    };
    let digits = rest.and_then(|text| text.parse().ok()).unwrap_or(6);
    let time = DataType::DateTime64 { precision: 6, zone: None };
    Some(match word {
        "smallint" => (Class::Integer, DataType::Int16),
        "integer" => (Class::Integer, DataType::Int32),
        "bigint" => (Class::Integer, DataType::Int64),
        "real" => (Class::Float, DataType::Float32),
        "double precision" => (Class::Float, DataType::Float64),
        "boolean" => (Class::Bool, DataType::UInt8),
        "uuid" => (Class::Uuid, DataType::Uuid),
        "date" => (Class::Date, DataType::Date32),
        "numeric" => match rest {
            None => (Class::Numeric(None), NUMERIC),
            Some(arguments) => {
                let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
                let (precision, scale): (u8, u8) = (precision.parse().ok()?, scale.parse().ok()?);
                let fits = precision <= PRECISION_MAX && scale <= precision;
                fits.then_some((Class::Numeric(Some(scale)), DataType::Decimal { precision, scale }))?
            }
        },
        "timestamp" if declared.ends_with("with time zone") => (Class::TimestampTz(digits), time),
        "timestamp" => (Class::Timestamp(digits), time),
        "timestamp with time zone" => (Class::TimestampTz(6), time),
        "timestamp without time zone" => (Class::Timestamp(6), time),
        "text" | "character varying" => (Class::Text, DataType::String),
        "character" => (Class::Char, DataType::String),
        "box" => (Class::Box, DataType::String),
        _ => (Class::Other, DataType::String),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(declared: &str, not_null: bool, dimensions: usize) -> String {
        Column::new("c".into(), declared, not_null, dimensions).map_or_else(|e| e.to_string(), |c| c.ty.to_string())
    }

    #[test]
    fn types_are_those_that_the_real_engine_gives() {
        let expected = [
            ("smallint", "Int16"),
            ("integer", "Int32"),
            ("bigint", "Int64"),
            ("real", "Float32"),
            ("double precision", "Float64"),
            ("boolean", "UInt8"),
            ("numeric", "Decimal(38, 19)"),
            ("numeric(9,2)", "Decimal(9, 2)"),
            ("numeric(76,0)", "Decimal(76, 0)"),
            ("date", "Date32"),
            ("timestamp without time zone", "DateTime64(6)"),
            ("timestamp(3) without time zone", "DateTime64(6)"),
            ("timestamp with time zone", "DateTime64(6)"),
            ("uuid", "UUID"),
            ("text", "String"),
            ("character varying(10)", "String"),
            ("character(5)", "String"),
            ("bytea", "String"),
            ("jsonb", "String"),
            ("time without time zone", "String"),
            ("interval", "String"),
            ("money", "String"),
            ("my_domain", "String"),
        ];
        for (declared, ty) in expected {
            assert_eq!(mapped(declared, true, 0), ty, "{declared}");
            assert_eq!(mapped(declared, false, 0), format!("Nullable({ty})"), "{declared}");
        }
        assert_eq!(mapped("integer[]", true, 2), "Array(Array(Int32))");
        assert_eq!(mapped("numeric(10,2)[]", false, 1), "Array(Nullable(Decimal(10, 2)))");
        assert_eq!(mapped("text[]", false, 0), "Array(Nullable(String))");
    }

    #[test]
    fn decimals_that_no_type_holds_are_refused_by_name() {
        for declared in ["numeric(100,5)", "numeric(20,-2)", "numeric(3,5)"] {
            assert!(mapped(declared, false, 0).contains(declared), "{declared}: {}", mapped(declared, false, 0));
        }
    }
}
