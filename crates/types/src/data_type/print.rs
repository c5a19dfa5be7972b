//! Types as text, spelled as ClickHouse spells them on one line.

use std::fmt::{self, Display, Formatter, Write};

use super::{AggregateSignature, DataType, TupleField};
use crate::value::Value;

impl Display for DataType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DataType::Decimal { precision, scale } => write!(f, "Decimal({precision}, {scale})"),
            DataType::FixedString(n) => write!(f, "FixedString({n})"),
            DataType::Uuid => f.write_str("UUID"),
            DataType::Ipv4 => f.write_str("IPv4"),
            DataType::Ipv6 => f.write_str("IPv6"),
            DataType::DateTime(None) => f.write_str("DateTime"),
            DataType::DateTime(Some(zone)) => write!(f, "DateTime({})", quoted(zone.as_bytes())),
            DataType::DateTime64 { precision, zone: None } => write!(f, "DateTime64({precision})"),
            DataType::DateTime64 { precision, zone: Some(zone) } => {
                write!(f, "DateTime64({precision}, {})", quoted(zone.as_bytes()))
            }
            DataType::Enum(values) => {
                f.write_str(if values.wide { "Enum16(" } else { "Enum8(" })?;
                separated(f, &values.values, |f, (name, number)| write!(f, "{} = {number}", quoted(name.as_bytes())))?;
                f.write_char(')')
            }
            DataType::Interval(unit) => write!(f, "Interval{}", unit.name()),
            DataType::Array(inner) => write!(f, "Array({inner})"),
            DataType::Tuple(fields) => {
                f.write_str("Tuple(")?;
                separated(f, fields, print_tuple_field)?;
                f.write_char(')')
            }
            DataType::Map(entry) => write!(f, "Map({}, {})", entry.0, entry.1),
            DataType::Nullable(inner) => write!(f, "Nullable({inner})"),
            DataType::LowCardinality(inner) => write!(f, "LowCardinality({inner})"),
            DataType::AggregateFunction(signature) => print_signature(f, "AggregateFunction", signature),
            DataType::SimpleAggregateFunction(signature) => print_signature(f, "SimpleAggregateFunction", signature),
            plain => write!(f, "{plain:?}"),
        }
    }
}

impl DataType {
    /// The type as `toTypeName` and DESCRIBE show it: elements of named tuples stand on lines of their own.
    pub fn pretty(&self) -> String {
        self.pretty_at(0)
    }

    fn pretty_at(&self, depth: usize) -> String {
        match self {
            DataType::Array(inner) => format!("Array({})", inner.pretty_at(depth)),
            DataType::Map(entry) => format!("Map({}, {})", entry.0.pretty_at(depth), entry.1.pretty_at(depth)),
            DataType::Tuple(fields) => {
                let texts = fields.iter().map(|field| match &field.name {
                    Some(name) => {
                        let indent = "    ".repeat(depth + 1);
                        format!("\n{indent}{} {}", identifier(name), field.ty.pretty_at(depth + 1))
                    }
                    None => field.ty.pretty_at(depth),
                });
                let separator = if fields.iter().any(|field| field.name.is_some()) { "," } else { ", " };
                format!("Tuple({})", texts.collect::<Vec<_>>().join(separator))
            }
            other => other.to_string(),
        }
    }
}

fn print_tuple_field(f: &mut Formatter<'_>, field: &TupleField) -> fmt::Result {
    match &field.name {
        Some(name) => write!(f, "{} {}", identifier(name), field.ty),
        None => write!(f, "{}", field.ty),
    }
}

fn print_signature(f: &mut Formatter<'_>, kind: &str, signature: &AggregateSignature) -> fmt::Result {
    write!(f, "{kind}(")?;
    if let Some(version) = signature.version {
        write!(f, "{version}, ")?;
    }
    f.write_str(&signature.name)?;
    if !signature.params.is_empty() {
        f.write_char('(')?;
        separated(f, &signature.params, print_value)?;
        f.write_char(')')?;
    }
    for arg in &signature.args {
        write!(f, ", {arg}")?;
    }
    f.write_char(')')
}

fn print_value(f: &mut Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => f.write_str("NULL"),
        Value::Bool(v) => write!(f, "{v}"),
        Value::UInt(v) => write!(f, "{v}"),
        Value::Int(v) => write!(f, "{v}"),
        Value::Number(v) => f.write_str(v),
        Value::Float(v) => write!(f, "{}", v.0),
        Value::String(v) => f.write_str(&quoted(v)),
        Value::Array(v) | Value::Tuple(v) => {
            f.write_char('[')?;
            separated(f, v, print_value)?;
            f.write_char(']')
        }
        Value::Map(_) => f.write_str("{}"),
    }
}

fn separated<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    print: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        print(f, item)?;
    }
    Ok(())
}

/// `'text'` with ClickHouse's escapes; bytes that are not UTF-8 become the replacement character.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('\'');
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            other => out.push(other),
        }
    }
    out.push('\'');
    out
}

/// A name, back-quoted unless it is a plain word.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")) }
}
