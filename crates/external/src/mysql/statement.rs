//! Statements for MySQL and MariaDB: names and values quoted, filters in their dialect.
//!
//! They are for a session without NO_BACKSLASH_ESCAPES: a backslash in a literal escapes.

use std::fmt::Write as _;

use types::text::Zone;
use types::{DataType, Value};

use super::columns::{Class, Column};
use crate::pushdown::{self, Dialect};
use crate::relation::{Comparison, Scan};

/// What a session is told first: how literals are read.
pub(super) const ESCAPES: &str = "SET SESSION sql_mode = REPLACE(@@SESSION.sql_mode, 'NO_BACKSLASH_ESCAPES', '')";
/// What a session that reads is told besides: nothing is changed.
pub(super) const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";

/// Asks for the session's zone.
pub(super) const ZONE: &str = "SELECT IF(@@SESSION.time_zone = 'SYSTEM', @@system_time_zone, @@SESSION.time_zone)";

/// `` `name` ``.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `'text'`, or `X'…'` where the bytes are not UTF-8.
pub(super) fn literal(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return hex(bytes) };
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{1a}' => out.push_str("\\Z"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// `X'00FF'`: bytes whatever the character set.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2 + 3);
    out.push_str("X'");
    for byte in bytes {
        let _ = write!(out, "{byte:02X}");
    }
    out.push('\'');
    out
}

/// `` `database`.`table` ``.
pub(super) fn table(database: &str, table: &str) -> String {
    format!("{}.{}", identifier(database), identifier(table))
}

/// Asks for what [`super::columns::Described`] is made of, in that order, and for the session's zone.
pub(super) fn columns(database: &str, table: &str) -> String {
    format!(
        "SELECT column_name, column_type, is_nullable, character_maximum_length, numeric_precision, numeric_scale, \
         datetime_precision, character_set_name, IF(@@SESSION.time_zone = 'SYSTEM', @@system_time_zone, \
         @@SESSION.time_zone) FROM information_schema.columns WHERE table_schema = {} AND table_name = {} \
         ORDER BY ordinal_position",
        literal(database.as_bytes()),
        literal(table.as_bytes())
    )
}

/// The statement that reads what a scan wants. `utc`: the session's zone is UTC.
pub(super) fn select(from: &str, columns: &[Column], scan: &Scan, utc: bool) -> String {
    pushdown::select(&Compare { columns, utc, zone: scan.zone }, from, scan)
}

/// Where conditions are sent to.
struct Compare<'a> {
    columns: &'a [Column],
    utc: bool,
    /// Of times without a zone of their own.
    zone: Zone,
}

impl Dialect for Compare<'_> {
    fn identifier(&self, name: &str) -> String {
        identifier(name)
    }

    fn operands(&self, column: &str, ty: &DataType, op: Comparison, value: &Value) -> Option<(String, String)> {
        // names of columns are the same in any case there
        let source = self.columns.iter().find(|source| source.name.eq_ignore_ascii_case(column))?;
        let name = identifier(column);
        let equal = op == Comparison::Equal;
        match (source.class, ty.base()) {
            (Class::Integer | Class::Bit, ty) if ty.is_integer() => Some((name, pushdown::integer(value)?)),
            (Class::Integer, DataType::Bool) => {
                let flag = value.as_u64().filter(|flag| *flag <= 1 && equal)?;
                Some((name, flag.to_string()))
            }
            (Class::Integer, DataType::Decimal { .. }) => Some((name, pushdown::decimal(value)?)),
            (Class::Decimal(scale), DataType::Decimal { scale: ours, .. }) if scale <= *ours => {
                Some((name, pushdown::decimal(value)?))
            }
            (Class::Float, DataType::Float32 | DataType::Float64) => Some((name, widened(value, op, 1e-5)?)),
            (Class::Double, DataType::Float64) => Some((name, widened(value, op, 1e-13)?)),
            // equal texts are equal under any collation; what else is equal comes along
            (Class::Text(_) | Class::Named, DataType::String) if equal => {
                Some((name, literal(pushdown::text(value)?.as_bytes())))
            }
            // the order of bytes, not that of a collation
            (Class::Text(true), DataType::String) => {
                Some((format!("CAST({name} AS BINARY)"), hex(pushdown::text(value)?.as_bytes())))
            }
            (Class::Bytes, DataType::String) => Some((name, hex(value.as_bytes()?))),
            (Class::Bytes, DataType::FixedString(width)) => {
                let mut bytes = value.as_bytes()?.to_vec();
                bytes.resize(usize::try_from(*width).ok()?.max(bytes.len()), 0);
                Some((name, hex(&bytes)))
            }
            (Class::Date, DataType::Date | DataType::Date32) => {
                Some((name, literal(pushdown::date(value)?.as_bytes())))
            }
            (Class::DateTime(digits), ty) if self.is_utc(ty) => {
                Some((name, literal(pushdown::time(ty, value, digits)?.as_bytes())))
            }
            // read as the wall clock of the session there
            (Class::Timestamp(digits), ty) if self.is_utc(ty) => {
                let name = if self.utc { name } else { format!("CAST({name} AS DATETIME(6))") };
                Some((name, literal(pushdown::time(ty, value, digits)?.as_bytes())))
            }
            _ => None,
        }
    }

    fn nullable(&self, column: &str) -> Option<String> {
        let source = self.columns.iter().find(|source| source.name.eq_ignore_ascii_case(column))?;
        // NOT NULL dates there answer to IS NULL when they are zero: only what is NULL everywhere is asked for
        source.ty.is_nullable().then(|| identifier(&source.name))
    }
}

impl Compare<'_> {
    /// In other zones the order of wall clocks is not that of instants.
    fn is_utc(&self, ty: &DataType) -> bool {
        match ty {
            DataType::DateTime(zone) | DataType::DateTime64 { zone, .. } => Zone::of(zone, self.zone) == Zone::Utc,
            _ => false,
        }
    }
}

/// A bound for numbers of which the server shows only some digits, so much further out that none is missed. No equality.
fn widened(value: &Value, op: Comparison, share: f64) -> Option<String> {
    let bound = value.as_f64().filter(|bound| bound.is_finite())?;
    let room = bound.abs() * share;
    let bound = match op {
        Comparison::Less | Comparison::LessOrEqual => bound + room,
        Comparison::Greater | Comparison::GreaterOrEqual => bound - room,
        Comparison::Equal | Comparison::NotEqual => return None,
    };
    bound.is_finite().then(|| format!("{bound:e}"))
}

#[cfg(test)]
mod tests {
    use types::{Column as HeaderColumn, F64, Header};

    use super::*;
    use crate::relation::Filter;

    fn source() -> Vec<Column> {
        let column =
            |name: &str, class, ty: &str| Column { name: name.to_owned(), class, ty: DataType::parse(ty).unwrap() };
        vec![
            column("i", Class::Integer, "Int32"),
            column("t", Class::Text(true), "String"),
            column("l", Class::Text(false), "String"),
            column("e", Class::Named, "String"),
            column("b", Class::Bytes, "FixedString(4)"),
            column("f", Class::Float, "Float32"),
            column("n", Class::Decimal(2), "Decimal(10, 2)"),
            column("d", Class::Date, "Date32"),
            column("dt", Class::DateTime(3), "DateTime64(3)"),
            column("ts", Class::Timestamp(0), "DateTime"),
            column("o", Class::Other, "String"),
        ]
    }

    fn sent(column: &str, op: Comparison, value: Value) -> String {
        let ty = source().into_iter().find(|source| source.name == column).map_or(DataType::String, |source| source.ty);
        let filters = vec![Filter::Compare { column: column.to_owned(), ty, op, value }];
        let columns = Header::new(vec![HeaderColumn::new("i", DataType::Int32)]);
        let scan = Scan { columns, filters, limit: Some(1), block_rows: 1, zone: Zone::Utc };
        let statement = select("x", &source(), &scan, false);
        let condition = statement.strip_prefix("SELECT `i` FROM x").unwrap();
        condition.trim_start_matches(" WHERE ").to_owned()
    }

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(table("a`b", "t; DROP TABLE x"), "`a``b`.`t; DROP TABLE x`");
        let value = Value::text("a'b\\'; -- \n");
        assert_eq!(sent("t", Comparison::Equal, value), "`t` = 'a\\'b\\\\\\'; -- \\n'");
        assert_eq!(literal(b"\xff'"), "X'FF27'");
    }

    #[test]
    fn what_both_sides_compare_alike_is_sent() {
        use Comparison::*;
        assert_eq!(sent("i", NotEqual, Value::Int(-5)), "`i` != -5");
        assert_eq!(sent("n", Less, Value::Number("1.50".into())), "`n` < 1.50");
        assert_eq!(sent("t", Less, Value::text("b")), "CAST(`t` AS BINARY) < X'62'");
        assert_eq!(sent("b", Equal, Value::text("x")), "`b` = X'78000000'");
        assert_eq!(sent("d", GreaterOrEqual, Value::Int(-1)), "`d` >= '1969-12-31'");
        assert_eq!(sent("dt", Less, Value::Int(1)), "`dt` < '1970-01-01 00:00:00.001'");
        assert_eq!(sent("ts", Less, Value::UInt(1)), "CAST(`ts` AS DATETIME(6)) < '1970-01-01 00:00:01'");
        assert_eq!(sent("f", Less, Value::Float(F64(100.0))), "`f` < 1.00001e2");
        assert_eq!(sent("f", Greater, Value::Float(F64(-100.0))), "`f` > -1.00001e2");
    }

    #[test]
    fn what_could_lose_a_row_is_not_sent() {
        use Comparison::*;
        assert_eq!(sent("l", NotEqual, Value::text("x")), "");
        assert_eq!(sent("e", Less, Value::text("x")), "");
        assert_eq!(sent("f", Equal, Value::Float(F64(1.0))), "");
        assert_eq!(sent("o", Equal, Value::text("x")), "");
        assert_eq!(sent("unknown", Equal, Value::text("x")), "");
    }
}
