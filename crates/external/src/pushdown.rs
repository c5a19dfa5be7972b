//! What a scan wants as text of another database's dialect: the frame of SELECT, and filters.
//!
//! The plan applies every filter again, so a condition may be left out, and one that lets more rows through is right. What
//! must never happen is that the other side drops a row that Everview would have kept: a dialect therefore gives operands
//! only where both sides compare alike (see [`Dialect::operands`]).

use std::fmt::Write as _;

use types::{DataType, Value};

use crate::relation::{Comparison, Filter, Scan};

/// How one database writes names and compares.
pub(crate) trait Dialect {
    /// A name, quoted.
    fn identifier(&self, name: &str) -> String;

    /// Both sides of `column op value` as the database writes them, quoted; `None` when it has no such column, or could
    /// drop a row that Everview keeps.
    fn operands(&self, column: &str, ty: &DataType, op: Comparison, value: &Value) -> Option<(String, String)>;

    /// The column, quoted, when it is there and NULL there is NULL here.
    fn nullable(&self, column: &str) -> Option<String>;
}

/// Values of one IN list; longer ones are not sent.
const IN_VALUES_MAX: usize = 10_000;

/// The statement that reads what a scan wants of `from`; without columns it counts rows.
pub(crate) fn select(dialect: &dyn Dialect, from: &str, scan: &Scan) -> String {
    let names: Vec<String> = scan.columns.columns().iter().map(|column| dialect.identifier(&column.name)).collect();
    let columns = if names.is_empty() { "1".to_owned() } else { names.join(", ") };
    let mut select = format!("SELECT {columns} FROM {from}");
    if let Some(condition) = condition(dialect, &scan.filters) {
        let _ = write!(select, " WHERE {condition}");
    }
    // with filters, rows that are dropped here would be missing from the first ones there
    if let (Some(limit), []) = (scan.limit, scan.filters.as_slice()) {
        let _ = write!(select, " LIMIT {limit}");
    }
    if names.is_empty() {
        select = format!("SELECT count(*) FROM ({select}) AS counted");
    }
    select
}

/// The condition of a WHERE that lets through all rows which all filters let through; `None` for every row.
fn condition(dialect: &dyn Dialect, filters: &[Filter]) -> Option<String> {
    let parts: Vec<String> = filters.iter().filter_map(|filter| print(dialect, filter)).collect();
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

fn print(dialect: &dyn Dialect, filter: &Filter) -> Option<String> {
    match filter {
        Filter::Compare { column, ty, op, value } => {
            let (left, right) = dialect.operands(column, ty, *op, value)?;
            Some(format!("{left} {} {right}", op.symbol()))
        }
        Filter::In { column, ty, values } => {
            if values.is_empty() || values.len() > IN_VALUES_MAX {
                return None;
            }
            let mut left = None;
            let mut list = Vec::with_capacity(values.len());
            for value in values {
                let (column, value) = dialect.operands(column, ty, Comparison::Equal, value)?;
                left = Some(column);
                list.push(value);
            }
            Some(format!("{} IN ({})", left?, list.join(", ")))
        }
        Filter::Null { column } => dialect.nullable(column).map(|column| format!("{column} IS NULL")),
        Filter::NotNull { column } => dialect.nullable(column).map(|column| format!("{column} IS NOT NULL")),
        // of what must all hold, some may be left out
        Filter::And(filters) => condition(dialect, filters).map(|all| format!("({all})")),
        // of what may hold, nothing
        Filter::Or(filters) => {
            if let Some(list) = list(filters) {
                return print(dialect, &list);
            }
            let parts: Option<Vec<String>> = filters.iter().map(|filter| print(dialect, filter)).collect();
            parts.filter(|parts| !parts.is_empty()).map(|parts| format!("({})", parts.join(" OR ")))
        }
    }
}

/// `a = 1 OR a = 2`, which is how short lists come, as a list.
fn list(filters: &[Filter]) -> Option<Filter> {
    let mut listed: Option<(&String, &DataType, Vec<Value>)> = None;
    for filter in filters {
        let Filter::Compare { column, ty, op: Comparison::Equal, value } = filter else { return None };
        match &mut listed {
            Some((known, _, values)) if *known == column => values.push(value.clone()),
            Some(_) => return None,
            none => *none = Some((column, ty, vec![value.clone()])),
        }
    }
    listed.map(|(column, ty, values)| Filter::In { column: column.clone(), ty: ty.clone(), values })
}

/// An integer, as digits.
pub(crate) fn integer(value: &Value) -> Option<String> {
    match value {
        Value::UInt(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Bool(value) => Some(u8::from(*value).to_string()),
        Value::Number(text) if is_number(text) && !text.contains('.') => Some(text.to_string()),
        _ => None,
    }
}

/// An integer or a decimal, as digits.
pub(crate) fn decimal(value: &Value) -> Option<String> {
    match value {
        Value::Number(text) if is_number(text) => Some(text.to_string()),
        other => integer(other),
    }
}

/// Sign, digits and one point, and nothing else: what may stand in a statement without quotes.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.matches('.').count() <= 1
}

/// A date of the years that all databases know, as `YYYY-MM-DD`.
pub(crate) fn date(value: &Value) -> Option<String> {
    let days = value.as_i64()?;
    let mut text = Vec::new();
    is_common_year(days).then(|| types::text::write_date(&mut text, days))?;
    String::from_utf8(text).ok()
}

/// A time of a column of type `ty` in UTC as `YYYY-MM-DD hh:mm:ss[.ffffff]`, for a column elsewhere with `digits` digits of
/// a second. `None` when one of them is cut off on the way.
pub(crate) fn time(ty: &DataType, value: &Value, digits: u8) -> Option<String> {
    let precision = match ty.base() {
        DataType::DateTime(_) => 0,
        DataType::DateTime64 { precision, .. } => *precision,
        _ => return None,
    };
    let ticks = value.as_i64()?;
    let second = 10i64.checked_pow(precision.into())?;
    // rows were cut off to the precision here; a value finer than the column there would be rounded there
    let finest = 10i64.checked_pow(u32::from(precision.saturating_sub(6)))?;
    if precision < digits || ticks % finest != 0 || !is_common_year(ticks.div_euclid(second).div_euclid(86_400)) {
        return None;
    }
    let mut text = Vec::new();
    let zone = types::text::Zone::Utc;
    match precision {
        0 => types::text::write_date_time(&mut text, ticks, zone),
        7.. => types::text::write_date_time64(&mut text, ticks / finest, 6, zone),
        _ => types::text::write_date_time64(&mut text, ticks, precision, zone),
    }
    String::from_utf8(text).ok()
}

/// 1000-01-01 … 9999-12-31.
fn is_common_year(days: i64) -> bool {
    (-354_285..=2_932_896).contains(&days)
}

/// A text that is UTF-8 without zero bytes.
pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use types::{Column, Header};

    use super::*;

    /// Knows the column `a` of integers.
    struct Plain;

    impl Dialect for Plain {
        fn identifier(&self, name: &str) -> String {
            name.to_owned()
        }

        fn operands(&self, column: &str, _: &DataType, _: Comparison, value: &Value) -> Option<(String, String)> {
            (column == "a").then(|| Some(("a".to_owned(), integer(value)?)))?
        }

        fn nullable(&self, column: &str) -> Option<String> {
            (column == "a").then(|| column.to_owned())
        }
    }

    fn compare(column: &str, op: Comparison, value: u64) -> Filter {
        Filter::Compare { column: column.to_owned(), ty: DataType::Int32, op, value: Value::UInt(value) }
    }

    #[test]
    fn of_and_what_is_known_is_sent_and_of_or_all_or_nothing() {
        let known = compare("a", Comparison::Less, 5);
        let unknown = compare("b", Comparison::Equal, 1);
        let sent = |filter: Filter| condition(&Plain, &[filter]);
        assert_eq!(sent(known.clone()).as_deref(), Some("a < 5"));
        assert_eq!(sent(unknown.clone()), None);
        assert_eq!(sent(Filter::And(vec![known.clone(), unknown.clone()])).as_deref(), Some("(a < 5)"));
        assert_eq!(sent(Filter::Or(vec![known.clone(), unknown.clone()])), None);
        assert_eq!(sent(Filter::Or(vec![known.clone(), known.clone()])).as_deref(), Some("(a < 5 OR a < 5)"));
        let equal = |value| compare("a", Comparison::Equal, value);
        assert_eq!(sent(Filter::Or(vec![equal(1), equal(2)])).as_deref(), Some("a IN (1, 2)"));
        assert_eq!(condition(&Plain, &[known.clone(), unknown, known]).as_deref(), Some("a < 5 AND a < 5"));
        assert_eq!(sent(Filter::Null { column: "a".into() }).as_deref(), Some("a IS NULL"));
        assert_eq!(sent(Filter::NotNull { column: "b".into() }), None);
        let list = Filter::In { column: "a".into(), ty: DataType::Int32, values: vec![Value::UInt(1), Value::Int(-2)] };
        assert_eq!(sent(list).as_deref(), Some("a IN (1, -2)"));
    }

    #[test]
    fn limits_go_along_without_filters_only_and_rows_alone_are_counted() {
        let zone = types::text::Zone::Utc;
        let mut scan = Scan { columns: Header::default(), filters: vec![], limit: Some(3), block_rows: 1, zone };
        assert_eq!(select(&Plain, "x", &scan), "SELECT count(*) FROM (SELECT 1 FROM x LIMIT 3) AS counted");
        scan.columns = Header::new(vec![Column::new("b", DataType::Int32), Column::new("a", DataType::Int32)]);
        scan.filters.push(compare("a", Comparison::NotEqual, 1));
        assert_eq!(select(&Plain, "x", &scan), "SELECT b, a FROM x WHERE a != 1");
    }

    #[test]
    fn a_number_is_digits_or_nothing() {
        let number = |text: &str| decimal(&Value::Number(text.into()));
        assert_eq!(number("-12.50").as_deref(), Some("-12.50"));
        for text in ["", "-", ".", "1.2.3", "1e5", "1;DROP", "nan", "1 OR 1=1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_sent_only_where_no_digit_is_lost() {
        let micros = DataType::DateTime64 { precision: 6, zone: None };
        let nanos = DataType::DateTime64 { precision: 9, zone: None };
        assert_eq!(time(&micros, &Value::Int(-500_000), 6).as_deref(), Some("1969-12-31 23:59:59.500000"));
        assert_eq!(time(&nanos, &Value::Int(1_000), 6).as_deref(), Some("1970-01-01 00:00:00.000001"));
        assert_eq!(time(&nanos, &Value::Int(1), 6), None);
        // 12:00:00.5 there is 12:00:00 here
        assert_eq!(time(&DataType::DateTime(None), &Value::UInt(0), 6), None);
        assert_eq!(time(&DataType::DateTime(None), &Value::UInt(0), 0).as_deref(), Some("1970-01-01 00:00:00"));
        assert_eq!(time(&micros, &Value::Int(i64::MAX), 6), None);
    }
}
