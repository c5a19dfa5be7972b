//! `SYSTEM REFRESH VIEW v PARTITION …`: the view's query asked for the rows of these partitions only.
//!
//! The query becomes a subquery under a condition on the target's partition key, and the optimizer takes the condition to
//! the sources as far as it may: through GROUP BY and PARTITION BY of its columns, not through LIMIT. What the condition
//! cannot say is left to the insert, which keeps no row of another partition; so nothing here decides what is written.

use parts::{PartSchema, PartitionId};
use query::{Prepared, QueryContext};
use sql::ast::{ExprKind, StatementKind};
use store::TableDef;
use types::text::time::{Civil, civil_of, days_in_month, days_of};
use types::{Column, DataType, Header};
use views::hidden;

/// Ranges are said of these years only: all dates and times of ClickHouse have them, with a day to spare.
const YEARS: std::ops::RangeInclusive<i64> = 1971..=2100;
const DAY_S: i64 = 86_400;

/// The view's SELECT for these partitions of the target; none when its rows cannot be told beforehand, or when it could not be
/// planned so.
pub(super) async fn narrowed(
    query: &sql::Query,
    header: &Header,
    (target, ids): (&TableDef, &[String]),
    ctx: &QueryContext,
) -> Option<Prepared> {
    let condition = condition(target.schema.as_deref()?, header, ids)?;
    let statement = sql::parse_statement(&format!("SELECT * FROM ({query}) WHERE {condition}")).ok()?;
    let StatementKind::Query(query) = statement.kind else { return None };
    let prepared = query::prepare(&query, ctx).await.ok()?;
    (prepared.header() == header).then_some(prepared)
}

/// What is true of rows in these partitions, and of no others where all of the key is said.
fn condition(schema: &PartSchema, header: &Header, ids: &[String]) -> Option<String> {
    let of_ids = ids.iter().map(|id| condition_of(schema, header, &PartitionId::parse(id).ok()?));
    Some(of_ids.collect::<Option<Vec<_>>>()?.join(" OR "))
}

fn condition_of(schema: &PartSchema, header: &Header, id: &PartitionId) -> Option<String> {
    let id = id.to_string();
    let pieces: Vec<&str> = id.split('-').collect();
    if pieces.len() != schema.partition_key.len() {
        return None;
    }
    let mut all = Vec::new();
    for (&position, piece) in schema.partition_key.iter().zip(pieces) {
        let key = schema.header.columns().get(position)?;
        let text = hidden::expression_of(&key.name).map_or_else(|| sql::back_quote(&key.name), str::to_owned);
        let expr = sql::parse_expression(&text).ok()?;
        all.push(format!("({text}) = {}", literal(&key.ty, piece)?));
        for name in expr.identifiers() {
            same_type(schema, header, &name)?;
        }
        all.extend(range(schema, &expr, piece));
    }
    Some(format!("({})", all.join(" AND ")))
}

/// The column of the SELECT that becomes this one as it is: what is converted may come into another partition.
fn same_type<'a>(schema: &'a PartSchema, header: &Header, name: &str) -> Option<&'a Column> {
    let of_target = schema.header.columns().iter().find(|column| &*column.name == name)?;
    let given = header.columns().iter().find(|column| &*column.name == name)?;
    (given.ty == of_target.ty).then_some(of_target)
}

/// A key's value as it stands in a partition's id. Where the id is a hash nothing is known.
fn literal(ty: &DataType, piece: &str) -> Option<String> {
    if piece.is_empty() || !piece.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ty = ty.base();
    match ty {
        DataType::Date => {
            let date = date_of(piece)?;
            Some(format!("toDate('{:04}-{:02}-{:02}')", date.year, date.month, date.day))
        }
        DataType::DateTime(_) => Some(format!("toDateTime({piece})")),
        _ if ty.is_integer() && *ty != DataType::Bool => Some(piece.to_owned()),
        _ => None,
    }
}

/// `20250131`.
fn date_of(piece: &str) -> Option<Civil> {
    let number: i64 = (piece.len() == 8).then(|| piece.parse().ok())??;
    let (month, day) = (u8::try_from(number / 100 % 100).ok()?, u8::try_from(number % 100).ok()?);
    let year = number / 10_000;
    let is_date = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    is_date.then_some(Civil { year, month, day })
}

/// The span of a column in which a function of it has this value: sorted and partitioned sources are pruned by it. A
/// column of times is said with a day to spare on both sides, which is more than any zone makes.
fn range(schema: &PartSchema, expr: &sql::Expr, piece: &str) -> Option<String> {
    let ExprKind::Function(call) = &expr.kind else { return None };
    let ExprKind::Identifier(name) = &call.arguments.first()?.kind else { return None };
    let [name] = name.as_slice() else { return None };
    let (first, end) = span(&call.name.name, piece)?;
    if !YEARS.contains(&civil_of(first).year) || !YEARS.contains(&civil_of(end).year) {
        return None;
    }
    let column = schema.header.columns().iter().find(|column| *column.name == *name.name)?;
    let quoted = sql::back_quote(&name.name);
    match column.ty {
        DataType::Date => {
            let day = |days| {
                let date = civil_of(days);
                format!("toDate('{:04}-{:02}-{:02}')", date.year, date.month, date.day)
            };
            Some(format!("{quoted} >= {} AND {quoted} < {}", day(first), day(end)))
        }
        DataType::DateTime(_) => {
            let (first, end) = ((first - 1) * DAY_S, (end + 1) * DAY_S);
            Some(format!("{quoted} >= toDateTime({first}) AND {quoted} < toDateTime({end})"))
        }
        _ => None,
    }
}

/// The days, counted from 1970, of which a function of dates gives this value: the first, and the one after the last.
fn span(function: &str, piece: &str) -> Option<(i64, i64)> {
    let number: i64 = piece.parse().ok()?;
    let months = |year: i64, month: i64, count: i64| {
        let day = |months: i64| {
            let month = u8::try_from(months.rem_euclid(12) + 1).ok()?;
            Some(days_of(Civil { year: months.div_euclid(12), month, day: 1 }))
        };
        let first = year * 12 + month - 1;
        (1..=12).contains(&month).then(|| Some((day(first)?, day(first + count)?)))?
    };
    let from_date = |days: i64| date_of(piece).map(|date| (days_of(date), days_of(date) + days));
    let from_month = |count| date_of(piece).and_then(|date| months(date.year, date.month.into(), count));
    match function {
        "toYear" => months(number, 1, 12),
        "toYYYYMM" => months(number / 100, number % 100, 1),
        "toDate" | "toYYYYMMDD" => from_date(1),
        "toMonday" => from_date(7),
        "toStartOfMonth" => from_month(1),
        "toStartOfQuarter" => from_month(3),
        "toStartOfYear" => from_month(12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> i64 {
        days_of(date_of(text).unwrap())
    }

    #[test]
    fn a_partition_is_a_span_of_days() {
        for (function, piece, first, end) in [
            ("toYear", "2024", "20240101", "20250101"),
            ("toYYYYMM", "202412", "20241201", "20250101"),
            ("toYYYYMMDD", "20240228", "20240228", "20240229"),
            ("toMonday", "20241230", "20241230", "20250106"),
            ("toStartOfQuarter", "20241001", "20241001", "20250101"),
            ("toStartOfYear", "20240101", "20240101", "20250101"),
        ] {
            assert_eq!(span(function, piece), Some((days(first), days(end))), "{function} {piece}");
        }
        for (function, piece) in [("toYYYYMM", "202413"), ("toDate", "20250230"), ("toDate", "1"), ("intDiv", "5")] {
            assert_eq!(span(function, piece), None, "{function} {piece}");
        }
    }

    #[test]
    fn what_an_id_does_not_say_is_not_guessed() {
        assert_eq!(literal(&DataType::UInt32, "17"), Some("17".to_owned()));
        assert_eq!(literal(&DataType::Date, "20250131").as_deref(), Some("toDate('2025-01-31')"));
        for (ty, piece) in [(DataType::String, "17"), (DataType::UInt32, "a7"), (DataType::Date, "20250132")] {
            assert_eq!(literal(&ty, piece), None, "{ty} {piece}");
        }
    }
}
