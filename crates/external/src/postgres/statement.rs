//! Statements for PostgreSQL: names and values quoted, filters in its dialect.
//!
//! They are for a session with `standard_conforming_strings`: a backslash in a literal is a backslash.

use types::text::Zone;
use types::{DataType, Value};

use super::columns::{Class, Column};
use crate::pushdown::{self, Dialect};
use crate::relation::{Comparison, Scan};

/// What a session is told first: how values are written, and that nothing is changed.
pub(super) const READ_ONLY: &str = "SET standard_conforming_strings = on; SET DateStyle = ISO; \
    SET extra_float_digits = 3; SET bytea_output = hex; BEGIN READ ONLY";
/// The same for an INSERT.
pub(super) const READ_WRITE: &str = "SET standard_conforming_strings = on; SET DateStyle = ISO; BEGIN";

/// `"name"`.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `'text'`.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `"schema"."table"`.
pub(super) fn table(schema: &str, table: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(table))
}

/// Asks the catalogs for name, type, NOT NULL and dimensions of each column.
pub(super) fn columns(schema: &str, table: &str) -> String {
    format!(
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attndims \
         FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname = {} AND c.relkind IN ('r', 'v', 'm', 'f', 'p') \
         AND NOT a.attisdropped AND a.attnum > 0 ORDER BY a.attnum",
        literal(schema),
        literal(table)
    )
}

/// Asks what types are called, by their number and modifier, in that order.
pub(super) fn type_names(types: &[(u32, i32)]) -> String {
    let list = |of: &dyn Fn(&(u32, i32)) -> String| types.iter().map(of).collect::<Vec<_>>().join(",");
    format!(
        "SELECT pg_catalog.format_type(t.oid, t.modifier) FROM unnest(ARRAY[{}]::pg_catalog.oid[], \
         ARRAY[{}]::pg_catalog.int4[]) WITH ORDINALITY AS t (oid, modifier, at) ORDER BY t.at",
        list(&|(oid, _)| oid.to_string()),
        list(&|(_, modifier)| modifier.to_string())
    )
}

/// Asks the first array that has elements for its dimensions.
pub(super) fn dimensions(table: &str, column: &str) -> String {
    let column = identifier(column);
    format!("SELECT array_ndims({column}) FROM {table} WHERE array_ndims({column}) IS NOT NULL LIMIT 1")
}

/// What a session says of itself: it decides how texts and times are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Texts are UTF-8 there, so that collation "C" is the order of bytes.
    pub(super) utf8: bool,
    /// Its time zone is UTC.
    pub(super) utc: bool,
}

/// The statement that reads what a scan wants.
pub(super) fn copy_out(from: &str, columns: &[Column], scan: &Scan, habits: Habits) -> String {
    let compare = Compare { columns, habits, zone: scan.zone };
    format!("COPY ({}) TO STDOUT", pushdown::select(&compare, from, scan))
}

/// Where conditions are sent to.
struct Compare<'a> {
    columns: &'a [Column],
    habits: Habits,
    /// Of times without a zone of their own.
    zone: Zone,
}

impl Dialect for Compare<'_> {
    fn identifier(&self, name: &str) -> String {
        identifier(name)
    }

    fn operands(&self, column: &str, ty: &DataType, op: Comparison, value: &Value) -> Option<(String, String)> {
        let source = self.columns.iter().find(|source| source.name == column && !source.is_array())?;
        let name = identifier(column);
        match (source.class, ty.base()) {
            (Class::Integer, ty) if ty.is_integer() => Some((name, pushdown::integer(value)?)),
            (Class::Integer, DataType::Decimal { .. }) => Some((name, pushdown::decimal(value)?)),
            (Class::Numeric(Some(scale)), DataType::Decimal { scale: ours, .. }) if scale <= *ours => {
                Some((name, pushdown::decimal(value)?))
            }
            // digits beyond our scale are cut off when they are read
            (Class::Numeric(_), DataType::Decimal { scale, .. }) => {
                Some((format!("trunc({name}, {scale})"), pushdown::decimal(value)?))
            }
            (Class::Float, DataType::Float32 | DataType::Float64) => {
                let number = value.as_f64().filter(|number| number.is_finite())?;
                Some((name, format!("{}::float8", literal(&format!("{number:?}")))))
            }
            (Class::Bool, DataType::UInt8 | DataType::Bool) => {
                let equality = matches!(op, Comparison::Equal | Comparison::NotEqual);
                let flag = value.as_u64().filter(|flag| *flag <= 1 && equality)?;
                Some((name, if flag == 1 { "true" } else { "false" }.to_owned()))
            }
            (Class::Text | Class::Char, DataType::String) if op == Comparison::Equal => {
                Some((name, literal(pushdown::text(value)?)))
            }
            // other orders than that of bytes would drop rows
            (Class::Text, DataType::String) if self.habits.utf8 => {
                Some((format!("{name} COLLATE \"C\""), literal(pushdown::text(value)?)))
            }
            (Class::Uuid, DataType::Uuid) if op == Comparison::Equal => Some((name, uuid(value)?)),
            (Class::Date, DataType::Date | DataType::Date32) => Some((name, literal(&pushdown::date(value)?))),
            (Class::Timestamp(digits), ty) if self.is_utc(ty) => {
                Some((name, literal(&pushdown::time(ty, value, digits)?)))
            }
            // read as the wall clock of the session there
            (Class::TimestampTz(digits), ty) if self.is_utc(ty) => {
                let name = if self.habits.utc { name } else { format!("{name}::timestamp") };
                Some((name, literal(&pushdown::time(ty, value, digits)?)))
            }
            _ => None,
        }
    }

    fn nullable(&self, column: &str) -> Option<String> {
        let source = self.columns.iter().find(|source| source.name == column && !source.is_array())?;
        Some(identifier(&source.name))
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

fn uuid(value: &Value) -> Option<String> {
    let bytes = value.as_bytes()?;
    let bytes: [u8; 16] = match bytes.len() {
        16 => bytes.try_into().ok()?,
        _ => types::text::scan::parse_uuid(bytes)?,
    };
    let mut text = Vec::with_capacity(36);
    types::text::cell::write_uuid(&mut text, &bytes);
    Some(literal(std::str::from_utf8(&text).ok()?))
}

#[cfg(test)]
mod tests {
    use types::{Column as HeaderColumn, Header};

    use super::*;
    use crate::relation::Filter;

    const UTC: Habits = Habits { utf8: true, utc: true };

    fn source() -> Vec<Column> {
        let columns = [
            ("i", "integer"),
            ("t", "text"),
            ("c", "character(5)"),
            ("n", "numeric(10,2)"),
            ("free", "numeric"),
            ("f", "real"),
            ("b", "boolean"),
            ("d", "date"),
            ("ts", "timestamp without time zone"),
            ("tz", "timestamp with time zone"),
            ("j", "json"),
            ("u", "uuid"),
            ("a", "integer[]"),
        ];
        columns.map(|(name, ty)| Column::new(name.into(), ty, true, 1).unwrap()).into()
    }

    fn filter(column: &str, op: Comparison, value: Value) -> Filter {
        let ty = source().into_iter().find(|source| source.name == column).map_or(DataType::String, |source| source.ty);
        Filter::Compare { column: column.to_owned(), ty, op, value }
    }

    fn sent_by(habits: Habits, filter: Filter) -> String {
        let columns = Header::new(vec![HeaderColumn::new("i", DataType::Int32)]);
        let scan = Scan { columns, filters: vec![filter], limit: None, block_rows: 1, zone: Zone::Utc };
        let statement = copy_out("x", &source(), &scan, habits);
        let inside = statement.strip_prefix("COPY (SELECT \"i\" FROM x").unwrap().strip_suffix(") TO STDOUT").unwrap();
        inside.trim_start_matches(" WHERE ").to_owned()
    }

    fn sent(filter: Filter) -> String {
        sent_by(UTC, filter)
    }

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(table("my\"schema", "t; DROP TABLE x"), "\"my\"\"schema\".\"t; DROP TABLE x\"");
        assert_eq!(sent(filter("t", Comparison::Equal, Value::text("a'b\\'; --"))), "\"t\" = 'a''b\\''; --'");
    }

    #[test]
    fn what_both_sides_compare_alike_is_sent() {
        use Comparison::*;
        assert_eq!(sent(filter("i", GreaterOrEqual, Value::Int(-5))), "\"i\" >= -5");
        assert_eq!(sent(filter("n", Less, Value::Number("1.50".into()))), "\"n\" < 1.50");
        assert_eq!(sent(filter("free", Less, Value::Number("1.5".into()))), "trunc(\"free\", 19) < 1.5");
        assert_eq!(sent(filter("b", NotEqual, Value::UInt(1))), "\"b\" != true");
        assert_eq!(sent(filter("d", Equal, Value::Int(0))), "\"d\" = '1970-01-01'");
        assert_eq!(sent(filter("ts", Less, Value::Int(1))), "\"ts\" < '1970-01-01 00:00:00.000001'");
        assert_eq!(sent(filter("t", Less, Value::text("b"))), "\"t\" COLLATE \"C\" < 'b'");
        assert_eq!(sent(filter("f", Greater, Value::Float(types::F64(1.5)))), "\"f\" > '1.5'::float8");
    }

    #[test]
    fn what_could_lose_a_row_or_fail_is_not_sent() {
        use Comparison::*;
        let not_sent = [
            filter("b", Less, Value::UInt(1)),
            filter("b", Equal, Value::UInt(2)),
            filter("c", NotEqual, Value::text("x")),
            filter("j", Equal, Value::text("{}")),
            filter("u", Less, Value::text("61f0c404-5cb3-11e7-907b-a6006ad3dba0")),
            filter("t", Equal, Value::text("a\0b")),
            filter("a", Equal, Value::UInt(1)),
            filter("f", Equal, Value::Float(types::F64(f64::NAN))),
            filter("unknown", Equal, Value::text("x")),
        ];
        for filter in not_sent {
            assert_eq!(sent(filter.clone()), "", "{filter:?}");
        }
        let latin = Habits { utf8: false, utc: false };
        assert_eq!(sent_by(latin, filter("t", Less, Value::text("b"))), "");
        let instant = filter("tz", Less, Value::Int(0));
        assert_eq!(sent_by(latin, instant), "\"tz\"::timestamp < '1970-01-01 00:00:00.000000'");
    }
}
