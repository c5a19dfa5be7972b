//! Types from text. Never panics; nesting is bounded so that no text overflows the stack.

use std::sync::Arc;

use super::{AggregateSignature, DataType, EnumType, IntervalUnit, TupleField};
use crate::error::{Error, Result, nearest};
use crate::error_code::ErrorCode;
use crate::value::{F64, Value};

/// Types nest at most this deep; ClickHouse's own limit for types is of this order.
const DEPTH_MAX: usize = 100;

/// Names offered when a type is unknown.
const NAMES: &[&str] = &[
    "Bool",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "UInt256",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "Int256",
    "Float32",
    "Float64",
    "Decimal",
    "Decimal32",
    "Decimal64",
    "Decimal128",
    "Decimal256",
    "String",
    "FixedString",
    "UUID",
    "IPv4",
    "IPv6",
    "Date",
    "Date32",
    "DateTime",
    "DateTime64",
    "Enum",
    "Enum8",
    "Enum16",
    "Array",
    "Tuple",
    "Map",
    "Nullable",
    "LowCardinality",
    "AggregateFunction",
    "SimpleAggregateFunction",
    "Nested",
];

pub(super) fn parse(text: &str) -> Result<DataType> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let ty = parser.data_type()?;
    parser.spaces();
    if parser.at < text.len() { Err(parser.unexpected("end of the type")) } else { Ok(ty) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, symbol: char) -> bool {
        self.spaces();
        let found = self.rest().starts_with(symbol);
        self.at += if found { symbol.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, symbol: char) -> Result<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.unexpected(&format!("\"{symbol}\""))) }
    }

    fn unexpected(&self, expected: &str) -> Error {
        self.arguments(&format!("expected {expected} at byte {}", self.at))
    }

    fn arguments(&self, reason: &str) -> Error {
        self.arguments_with(ErrorCode::BAD_ARGUMENTS, reason)
    }

    fn arguments_with(&self, code: ErrorCode, reason: &str) -> Error {
        Error::TypeArguments { text: self.text.to_owned(), reason: reason.to_owned(), code }
    }

    fn word(&mut self) -> &'a str {
        self.spaces();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn data_type(&mut self) -> Result<DataType> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.arguments("types are nested too deep"));
        }
        let name = self.word();
        let ty = self.named(name)?;
        self.depth -= 1;
        Ok(ty)
    }

    fn named(&mut self, name: &'a str) -> Result<DataType> {
        if let Some(plain) = plain(name) {
            return Ok(plain);
        }
        match name {
            "Nullable" => self.one_type().and_then(|inner| {
                if inner.can_be_inside_nullable() {
                    Ok(DataType::nullable(inner))
                } else {
                    let reason = format!("Nested type {inner} cannot be inside Nullable type");
                    Err(self.arguments_with(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, &reason))
                }
            }),
            "LowCardinality" => self.one_type().map(|inner| DataType::LowCardinality(Arc::new(inner))),
            "Array" => self.one_type().map(DataType::array),
            "Map" => self.map(),
            "Tuple" => self.tuple(),
            "Nested" => self.tuple().map(DataType::array),
            "AggregateFunction" => self.signature().map(|s| DataType::AggregateFunction(Arc::new(s))),
            "SimpleAggregateFunction" => self.simple_aggregate(),
            "FixedString" => self.fixed_string(),
            "Variant" | "Dynamic" | "JSON" | "Object" | "Point" | "Ring" | "Polygon" | "BFloat16" | "Time"
            | "Time64" => Err(Error::UnsupportedType(name.to_owned())),
            _ => self.case_insensitive(name),
        }
    }

    /// Types whose names ClickHouse reads in any case.
    fn case_insensitive(&mut self, name: &'a str) -> Result<DataType> {
        match name.to_ascii_lowercase().as_str() {
            "datetime" | "timestamp" => self.date_time(),
            "datetime32" => self.date_time(),
            "datetime64" => self.date_time64(),
            "decimal" | "dec" | "numeric" | "fixed" => self.decimal(),
            "decimal32" => self.decimal_of(9),
            "decimal64" => self.decimal_of(18),
            "decimal128" => self.decimal_of(38),
            "decimal256" => self.decimal_of(76),
            "enum" => self.enumeration(None),
            "enum8" => self.enumeration(Some(false)),
            "enum16" => self.enumeration(Some(true)),
            _ => Err(Error::UnknownType { text: name.to_owned(), hint: nearest(name, NAMES.iter().copied()) }),
        }
    }

    fn one_type(&mut self) -> Result<DataType> {
        self.expect('(')?;
        let inner = self.data_type()?;
        self.expect(')')?;
        Ok(inner)
    }

    fn map(&mut self) -> Result<DataType> {
        self.expect('(')?;
        let key = self.data_type()?;
        self.expect(',')?;
        let value = self.data_type()?;
        self.expect(')')?;
        Ok(DataType::map(key, value))
    }

    fn tuple(&mut self) -> Result<DataType> {
        let mut fields = Vec::new();
        self.expect('(')?;
        while !self.eat(')') {
            if !fields.is_empty() {
                self.expect(',')?;
            }
            fields.push(self.tuple_field()?);
        }
        Ok(DataType::Tuple(fields.into()))
    }

    /// `name Type` or `Type`: a word is a name when another word follows it.
    fn tuple_field(&mut self) -> Result<TupleField> {
        self.spaces();
        let start = self.at;
        let name = if self.rest().starts_with(['`', '"']) { self.quoted_name()? } else { self.word().to_owned() };
        self.spaces();
        let named = self.rest().starts_with(|c: char| c.is_alphabetic());
        if !named {
            self.at = start;
        }
        Ok(TupleField { name: named.then(|| name.into()), ty: self.data_type()? })
    }

    fn quoted_name(&mut self) -> Result<String> {
        let quote = self.rest().chars().next().unwrap_or('`');
        self.quoted(quote)
    }

    /// A quoted run with backslash and doubled-quote escapes.
    fn quoted(&mut self, quote: char) -> Result<String> {
        self.expect(quote)?;
        let mut out = String::new();
        let mut chars = self.rest().char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if c == '\\' {
                out.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 't')) => '\t',
                    Some((_, 'r')) => '\r',
                    Some((_, '0')) => '\0',
                    Some((_, other)) => other,
                    None => break,
                });
            } else if c == quote {
                if !matches!(chars.peek(), Some((_, next)) if *next == quote) {
                    self.at += i + c.len_utf8();
                    return Ok(out);
                }
                chars.next();
                out.push(quote);
            } else {
                out.push(c);
            }
        }
        Err(self.unexpected("a closing quote"))
    }

    fn number(&mut self) -> Result<i64> {
        self.spaces();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(rest.len());
        let number = rest[..end].parse().map_err(|_| self.unexpected("a number"))?;
        self.at += end;
        Ok(number)
    }

    fn fixed_string(&mut self) -> Result<DataType> {
        self.expect('(')?;
        let n = self.number()?;
        self.expect(')')?;
        match u32::try_from(n) {
            Ok(n @ 1..=0xFF_FFFF) => Ok(DataType::FixedString(n)),
            _ => {
                Err(self
                    .arguments_with(ErrorCode::UNEXPECTED_AST_STRUCTURE, "FixedString size must be in 1 … 16777215"))
            }
        }
    }

    fn zone(&mut self) -> Result<Arc<str>> {
        self.spaces();
        let zone = self.quoted('\'')?;
        match zone.parse::<chrono_tz::Tz>() {
            Ok(_) => Ok(zone.into()),
            Err(_) => Err(Error::UnknownTimeZone(zone)),
        }
    }

    fn date_time(&mut self) -> Result<DataType> {
        if !self.eat('(') {
            return Ok(DataType::DateTime(None));
        }
        let zone = self.zone()?;
        self.expect(')')?;
        Ok(DataType::DateTime(Some(zone)))
    }

    fn date_time64(&mut self) -> Result<DataType> {
        if !self.eat('(') {
            return Ok(DataType::DateTime64 { precision: 3, zone: None });
        }
        let precision = self.number()?;
        let zone = if self.eat(',') { Some(self.zone()?) } else { None };
        self.expect(')')?;
        match u8::try_from(precision) {
            Ok(precision @ 0..=9) => Ok(DataType::DateTime64 { precision, zone }),
            _ => Err(self.arguments("DateTime64 precision must be in 0 … 9")),
        }
    }

    fn decimal(&mut self) -> Result<DataType> {
        if !self.eat('(') {
            return Ok(DataType::Decimal { precision: 10, scale: 0 });
        }
        let precision = self.number()?;
        let scale = if self.eat(',') { self.number()? } else { 0 };
        self.expect(')')?;
        self.decimal_type(precision, scale)
    }

    fn decimal_of(&mut self, precision: i64) -> Result<DataType> {
        self.expect('(')?;
        let scale = self.number()?;
        self.expect(')')?;
        self.decimal_type(precision, scale)
    }

    fn decimal_type(&self, precision: i64, scale: i64) -> Result<DataType> {
        match (u8::try_from(precision), u8::try_from(scale)) {
            (Ok(precision @ 1..=76), Ok(scale)) if scale <= precision => Ok(DataType::Decimal { precision, scale }),
            _ => {
                let reason = "Decimal precision must be in 1 … 76 and scale in 0 … precision";
                Err(self.arguments_with(ErrorCode::ARGUMENT_OUT_OF_BOUND, reason))
            }
        }
    }

    /// `'a' = 1, 'b', …`: a name without a number takes the one after its predecessor's.
    fn enumeration(&mut self, wide: Option<bool>) -> Result<DataType> {
        let mut values: Vec<(Arc<str>, i16)> = Vec::new();
        let mut next = 1i64;
        self.expect('(')?;
        loop {
            let name: Arc<str> = self.quoted('\'')?.into();
            let number = if self.eat('=') { self.number()? } else { next };
            next = number + 1;
            let number = i16::try_from(number)
                .map_err(|_| self.arguments_with(ErrorCode::ARGUMENT_OUT_OF_BOUND, "enum values must fit 16 bits"))?;
            if values.iter().any(|(n, v)| *n == name || *v == number) {
                return Err(self.arguments_with(ErrorCode::SYNTAX_ERROR, "enum names and values must be different"));
            }
            values.push((name, number));
            if !self.eat(',') {
                break;
            }
        }
        self.expect(')')?;
        values.sort_by_key(|(_, number)| *number);
        let narrow = values.iter().all(|(_, number)| i8::try_from(*number).is_ok());
        if wide == Some(false) && !narrow {
            return Err(self.arguments_with(ErrorCode::ARGUMENT_OUT_OF_BOUND, "Enum8 values must fit 8 bits"));
        }
        Ok(DataType::Enum(Arc::new(EnumType { wide: wide.unwrap_or(!narrow), values })))
    }

    fn simple_aggregate(&mut self) -> Result<DataType> {
        let signature = self.signature()?;
        if signature.args.len() != 1 {
            return Err(self.arguments("SimpleAggregateFunction takes a function and one type"));
        }
        Ok(DataType::SimpleAggregateFunction(Arc::new(signature)))
    }

    fn signature(&mut self) -> Result<AggregateSignature> {
        self.expect('(')?;
        self.spaces();
        let version = if self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            let version = u8::try_from(self.number()?).map_err(|_| self.arguments("version must be in 0 … 255"))?;
            self.expect(',')?;
            Some(version)
        } else {
            None
        };
        let name: Arc<str> = self.word().into();
        if name.is_empty() {
            return Err(self.unexpected("an aggregate function"));
        }
        let params = if self.eat('(') { self.params()? } else { Vec::new() };
        let mut args = Vec::new();
        while self.eat(',') {
            args.push(self.data_type()?);
        }
        self.expect(')')?;
        Ok(AggregateSignature { name, params, args, version })
    }

    fn params(&mut self) -> Result<Vec<Value>> {
        let mut params = Vec::new();
        while !self.eat(')') {
            if !params.is_empty() {
                self.expect(',')?;
            }
            params.push(self.value()?);
        }
        Ok(params)
    }

    fn value(&mut self) -> Result<Value> {
        self.spaces();
        if self.rest().starts_with('\'') {
            return Ok(Value::text(&self.quoted('\'')?));
        }
        let rest = self.rest();
        let end = rest.find([',', ')', ' ']).unwrap_or(rest.len());
        let text = &rest[..end];
        self.at += end;
        if let Ok(value) = text.parse::<u64>() {
            Ok(Value::UInt(value))
        } else if let Ok(value) = text.parse::<i64>() {
            Ok(Value::Int(value))
        } else if let Ok(value) = text.parse::<f64>() {
            Ok(Value::Float(F64(value)))
        } else {
            Err(self.unexpected("a literal parameter"))
        }
    }
}

/// Types without arguments, with the aliases that ClickHouse takes from other databases.
fn plain(name: &str) -> Option<DataType> {
    Some(match name {
        "Nothing" => DataType::Nothing,
        "UInt8" => DataType::UInt8,
        "UInt16" => DataType::UInt16,
        "UInt32" => DataType::UInt32,
        "UInt64" => DataType::UInt64,
        "UInt128" => DataType::UInt128,
        "UInt256" => DataType::UInt256,
        "Int8" => DataType::Int8,
        "Int16" => DataType::Int16,
        "Int32" => DataType::Int32,
        "Int64" => DataType::Int64,
        "Int128" => DataType::Int128,
        "Int256" => DataType::Int256,
        "Float32" => DataType::Float32,
        "Float64" => DataType::Float64,
        "String" => DataType::String,
        "UUID" => DataType::Uuid,
        "IPv4" => DataType::Ipv4,
        "IPv6" => DataType::Ipv6,
        _ => return plain_in_any_case(name),
    })
}

fn plain_in_any_case(name: &str) -> Option<DataType> {
    if let Some(unit) = name.strip_prefix("Interval").and_then(IntervalUnit::parse) {
        return Some(DataType::Interval(unit));
    }
    Some(match name.to_ascii_lowercase().as_str() {
        "bool" | "boolean" => DataType::Bool,
        "date" => DataType::Date,
        "date32" => DataType::Date32,
        "tinyint" | "int1" => DataType::Int8,
        "smallint" => DataType::Int16,
        "int" | "integer" | "mediumint" => DataType::Int32,
        "bigint" => DataType::Int64,
        "float" | "real" => DataType::Float32,
        "double" => DataType::Float64,
        "text" | "varchar" | "char" | "blob" | "longtext" | "mediumtext" | "tinytext" | "bytea" => DataType::String,
        "uuid" => DataType::Uuid,
        "inet4" => DataType::Ipv4,
        "inet6" => DataType::Ipv6,
        _ => return None,
    })
}
