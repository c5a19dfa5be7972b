//! What the definition of a window view says, taken apart: its source, its window, and the three queries it runs.
//!
//! ```text
//! SELECT product_id, countIf(e = 'view') AS impressions, tumbleStart(win) AS window_start FROM events WHERE w
//!   GROUP BY product_id, tumble(event_time, INTERVAL '10' SECOND) AS win
//! becomes, over the rows that are on time (each with its window's start):
//!   panes  SELECT __start, product_id AS __k0, countIfState(e = 'view') AS __s0 FROM input GROUP BY 1, 2
//!   emit   SELECT __k0 AS product_id, countIfMerge(__s0) AS impressions, <time of __start> AS window_start
//!          FROM panes GROUP BY __start, __k0
//! ```

use sql::Expr;
use sql::ast::{
    CreateWindowView, ExprKind, Function, GroupByKeys, Ident, IntervalUnit, Literal, ObjectName, QueryBody, Select,
    TableSource, TimeSpan,
};
use types::{DataType, ErrorCode};

use super::rewrite::{name_of, rewrite, text_of, unalias};
use crate::error::{Error, Result};

/// Column of the window's start in milliseconds since 1970.
pub(crate) const START: &str = "__start";

/// A window view's definition, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// The table whose inserts feed it.
    pub(crate) source: ObjectName,
    /// Which rows count.
    pub(crate) filter: Option<Expr>,
    /// The event's time.
    pub(crate) time: Expr,
    /// Length of a window.
    pub(crate) size_ms: i64,
    /// How far behind the latest event the watermark is.
    pub(crate) delay_ms: i64,
    /// How long after its end a window still takes rows.
    pub(crate) lateness_ms: i64,
    /// Equal values are one event.
    pub(crate) id: Option<Expr>,
    /// How long ids are remembered, in event time; for ever when absent.
    pub(crate) horizon_ms: Option<i64>,
    keys: Vec<Expr>,
    aggregates: Vec<Function>,
    window_alias: Option<String>,
    window_text: String,
    select: Select,
}

fn refuse(reason: impl Into<String>) -> Error {
    Error::WindowView { code: ErrorCode::NOT_IMPLEMENTED, reason: reason.into() }
}

fn incorrect(reason: impl Into<String>) -> Error {
    Error::WindowView { code: ErrorCode::INCORRECT_QUERY, reason: reason.into() }
}

impl Spec {
    /// Takes a definition apart; what cannot be run is refused by name.
    pub(crate) fn new(create: &CreateWindowView) -> Result<Spec> {
        let QueryBody::Select(select) = &create.query.body else {
            return Err(refuse("UNION, EXCEPT and INTERSECT are not supported"));
        };
        let source = source_of(select)?;
        refuse_clauses(select)?;
        let keys = match select.group_by.as_ref().map(|group| &group.keys) {
            Some(GroupByKeys::Exprs(keys)) => keys.clone(),
            _ => return Err(incorrect("GROUP BY with tumble(time, INTERVAL n unit) is required")),
        };
        let (windows, keys): (Vec<Expr>, Vec<Expr>) = keys.into_iter().partition(|key| window_function(key).is_some());
        let [window] = windows.as_slice() else {
            return Err(incorrect("GROUP BY must have exactly one tumble(time, INTERVAL n unit)"));
        };
        let (time, size_ms) = tumble(window)?;
        let watermark = create.watermark.as_ref().ok_or_else(|| incorrect("WATERMARK = INTERVAL is required"))?;
        let mut spec = Spec {
            source,
            filter: all_of(&select.prewhere, &select.filter),
            time,
            size_ms,
            delay_ms: span_ms(watermark)?,
            lateness_ms: create.allowed_lateness.as_ref().map_or(Ok(0), span_ms)?,
            id: create.deduplicate.as_ref().map(|deduplicate| deduplicate.expr.clone()),
            horizon_ms: create.deduplicate.as_ref().and_then(|d| d.within.as_ref()).map(span_ms).transpose()?,
            keys: resolve_aliases(keys, select),
            aggregates: Vec::new(),
            window_alias: unalias(window).1.map(str::to_owned),
            window_text: text_of(window),
            select: (**select).clone(),
        };
        spec.aggregates = spec.find_aggregates();
        Ok(spec)
    }

    /// Text of the query that makes panes of rows: `input` is a table with the source's columns and the window's start.
    pub(crate) fn panes_query(&self, input: &str) -> String {
        let keys = self.keys.iter().enumerate().map(|(i, key)| format!("{} AS __k{i}", text_of(key)));
        let states = self.aggregates.iter().enumerate().map(|(i, f)| format!("{} AS __s{i}", with_suffix(f, "State")));
        let columns: Vec<String> = keys.chain(states).collect();
        let list = columns.iter().map(|column| format!(", {column}")).collect::<String>();
        let groups = (0..self.keys.len()).map(|i| format!(", __k{i}")).collect::<String>();
        format!("SELECT {START}{list} FROM {input} GROUP BY {START}{groups}")
    }

    /// Text of the query that makes result rows of panes. `time_type` is the type of the event's time.
    pub(crate) fn emit_query(&self, panes: &str, time_type: &DataType) -> String {
        let items: Vec<String> = self.select.items.iter().map(|item| self.emit_item(item, time_type)).collect();
        let keys = (0..self.keys.len()).map(|i| format!(", __k{i}")).collect::<String>();
        let having = match &self.select.having {
            Some(having) => format!(" HAVING {}", self.emit_expr(having, time_type)),
            None => String::new(),
        };
        format!("SELECT {} FROM {panes} GROUP BY {START}{keys}{having}", items.join(", "))
    }

    /// Names of the state columns.
    pub(crate) fn state_columns(&self) -> usize {
        self.aggregates.len()
    }

    /// How many keys besides the window.
    pub(crate) fn key_columns(&self) -> usize {
        self.keys.len()
    }

    fn emit_item(&self, item: &Expr, time_type: &DataType) -> String {
        let (expr, alias) = unalias(item);
        let name = alias.map_or_else(|| sql::column_name(item), str::to_owned);
        format!("{} AS {}", self.emit_expr(expr, time_type), sql::back_quote(&name))
    }

    fn emit_expr(&self, expr: &Expr, time_type: &DataType) -> Expr {
        rewrite(expr, &mut |expr| {
            let text = text_of(expr);
            if let Some(key) = self.keys.iter().position(|key| self.is_key(key, expr, &text)) {
                return Some(Expr::column(format!("__k{key}")));
            }
            if text == self.window_text
                || (self.window_alias.is_some() && name_of(expr) == self.window_alias.as_deref())
            {
                return Some(parsed(&format!("({}, {})", self.start(time_type), self.end(time_type))));
            }
            let ExprKind::Function(function) = &unalias(expr).0.kind else { return None };
            match function.name.name.as_str() {
                "tumbleStart" => return Some(parsed(&self.start(time_type))),
                "tumbleEnd" => return Some(parsed(&self.end(time_type))),
                _ => {}
            }
            let at = self.aggregates.iter().position(|aggregate| same(aggregate, function))?;
            let merge = Function { arguments: vec![Expr::column(format!("__s{at}"))], ..(**function).clone() };
            Some(parsed(&with_suffix(&merge, "Merge")))
        })
    }

    fn is_key(&self, key: &Expr, expr: &Expr, text: &str) -> bool {
        let (_, alias) = unalias(key);
        text_of(key) == text || (alias.is_some() && name_of(expr) == alias)
    }

    fn start(&self, time_type: &DataType) -> String {
        instant(START, time_type)
    }

    fn end(&self, time_type: &DataType) -> String {
        instant(&format!("{START} + {}", self.size_ms), time_type)
    }

    /// Every aggregate of the SELECT list and HAVING, equal ones once, in order of appearance.
    fn find_aggregates(&self) -> Vec<Function> {
        let mut found: Vec<Function> = Vec::new();
        for expr in self.select.items.iter().chain(&self.select.having) {
            rewrite(expr, &mut |expr| {
                let ExprKind::Function(function) = &expr.kind else { return None };
                if function.over.is_some() || !query::is_aggregate_function(&function.name.name) {
                    return None;
                }
                if !found.iter().any(|known| same(known, function)) {
                    found.push((**function).clone());
                }
                Some(expr.clone())
            });
        }
        found
    }
}

/// A time in milliseconds as a value of the event time's type.
fn instant(ms: &str, time_type: &DataType) -> String {
    let zone = match time_type.base() {
        DataType::DateTime(Some(zone)) | DataType::DateTime64 { zone: Some(zone), .. } => zone.to_string(),
        _ => "UTC".to_owned(),
    };
    format!("CAST(fromUnixTimestamp64Milli({ms}, '{zone}') AS {time_type})")
}

fn parsed(text: &str) -> Expr {
    sql::parse_expression(text).expect("printed by this module from parsed expressions")
}

fn same(a: &Function, b: &Function) -> bool {
    a.name.name == b.name.name && a.parameters == b.parameters && a.arguments == b.arguments
}

/// `countIf(x)` as `countIfState(x)`.
fn with_suffix(function: &Function, suffix: &str) -> String {
    let name = Ident::new(format!("{}{suffix}", function.name.name));
    Expr::new(ExprKind::Function(Box::new(Function { name, ..function.clone() }))).to_string()
}

fn source_of(select: &Select) -> Result<ObjectName> {
    let from = select.from.as_ref().ok_or_else(|| incorrect("FROM is required"))?;
    let plain = from.column_aliases.is_empty() && !from.is_final && from.sample.is_none() && from.generation.is_none();
    match &from.source {
        TableSource::Table(name) if plain && select.joins.is_empty() => Ok(name.clone()),
        _ => Err(refuse("FROM must be one table")),
    }
}

fn refuse_clauses(select: &Select) -> Result<()> {
    let present = [
        ("WITH", select.with.is_some()),
        ("DISTINCT", select.distinct),
        ("WINDOW", !select.windows.is_empty()),
        ("QUALIFY", select.qualify.is_some()),
        ("ORDER BY", select.order_by.is_some()),
        ("LIMIT BY", select.limit_by.is_some()),
        ("LIMIT", select.limit.is_some()),
        ("SETTINGS", !select.settings.is_empty()),
        ("WITH ROLLUP, CUBE or TOTALS", select.group_by.as_ref().is_some_and(|g| g.modifier.is_some() || g.totals)),
    ];
    match present.iter().find(|(_, present)| *present) {
        Some((clause, _)) => Err(refuse(format!("{clause} is not supported"))),
        None => Ok(()),
    }
}

fn window_function(key: &Expr) -> Option<&Function> {
    match &unalias(key).0.kind {
        ExprKind::Function(function) if matches!(function.name.name.as_str(), "tumble" | "hop" | "session") => {
            Some(function)
        }
        _ => None,
    }
}

/// Time and length of `tumble(time, INTERVAL n unit)`.
fn tumble(window: &Expr) -> Result<(Expr, i64)> {
    let function = window_function(window).ok_or_else(|| incorrect("tumble is required"))?;
    if function.name.name != "tumble" {
        return Err(refuse(format!("{}() windows are not supported yet", function.name.name)));
    }
    let [time, interval] = function.arguments.as_slice() else {
        return Err(incorrect("tumble takes a time and an interval"));
    };
    let size_ms = interval_ms(interval).ok_or_else(|| incorrect("tumble takes INTERVAL n unit of fixed length"))?;
    if size_ms <= 0 {
        return Err(incorrect("the interval of tumble must be positive"));
    }
    Ok((time.clone(), size_ms))
}

/// Milliseconds of `toIntervalSecond(10)`, which is how `INTERVAL '10' SECOND` is parsed.
fn interval_ms(expr: &Expr) -> Option<i64> {
    let ExprKind::Function(function) = &expr.kind else { return None };
    let unit = types::IntervalUnit::parse(function.name.name.strip_prefix("toInterval")?)?;
    let count = match &function.arguments.first()?.kind {
        ExprKind::Literal(Literal::UInt(count)) => i64::try_from(*count).ok()?,
        ExprKind::Literal(Literal::String(text)) => std::str::from_utf8(text).ok()?.parse().ok()?,
        _ => return None,
    };
    count.checked_mul(unit.fixed_ms()?)
}

/// Milliseconds of a span of units of fixed length.
fn span_ms(span: &TimeSpan) -> Result<i64> {
    span.parts.iter().try_fold(0i64, |sum, part| {
        let unit: i64 = match part.unit {
            IntervalUnit::Millisecond => 1,
            IntervalUnit::Second => 1_000,
            IntervalUnit::Minute => 60_000,
            IntervalUnit::Hour => 3_600_000,
            IntervalUnit::Day => 86_400_000,
            IntervalUnit::Week => 604_800_000,
            _ => return Err(incorrect("intervals must be of milliseconds up to weeks")),
        };
        let part = i64::try_from(part.count).ok().and_then(|count| count.checked_mul(unit));
        part.and_then(|part| sum.checked_add(part)).ok_or_else(|| incorrect("an interval is too long"))
    })
}

fn all_of(prewhere: &Option<Expr>, filter: &Option<Expr>) -> Option<Expr> {
    match (prewhere, filter) {
        (Some(a), Some(b)) => Some(Expr::call("and", vec![a.clone(), b.clone()])),
        (a, b) => a.clone().or_else(|| b.clone()),
    }
}

/// A key that is the alias of an item of the SELECT list means that item.
fn resolve_aliases(keys: Vec<Expr>, select: &Select) -> Vec<Expr> {
    let item_of = |key: &Expr| {
        let name = name_of(key)?;
        select.items.iter().find(|item| unalias(item).1 == Some(name)).cloned()
    };
    keys.into_iter().map(|key| item_of(&key).unwrap_or(key)).collect()
}

#[cfg(test)]
mod tests {
    use sql::ast::StatementKind;

    use super::*;

    fn spec(text: &str) -> Result<Spec> {
        match sql::parse_statement(text).unwrap().kind {
            StatementKind::CreateWindowView(create) => Spec::new(&create),
            other => panic!("{other:?}"),
        }
    }

    const VIEW: &str = "CREATE WINDOW VIEW w TO t DEDUPLICATE BY event_id WATERMARK = INTERVAL '5' SECOND AS \
        SELECT product_id, countIf(event_type = 'view') AS impressions, impressions + countIf(event_type = 'view') AS twice, \
        tumbleStart(win) AS window_start, tumbleEnd(win) AS window_end FROM events WHERE product_id != '' \
        GROUP BY product_id, tumble(event_time, INTERVAL '10' SECOND) AS win";

    #[test]
    fn a_definition_becomes_a_query_over_rows_and_one_over_panes() {
        let spec = spec(VIEW).unwrap();
        assert_eq!((spec.size_ms, spec.delay_ms, spec.lateness_ms), (10_000, 5_000, 0));
        assert_eq!(
            spec.panes_query("input"),
            "SELECT __start, product_id AS __k0, countIfState(event_type = 'view') AS __s0 FROM input GROUP BY __start, __k0"
        );
        let emit = spec.emit_query("panes", &DataType::parse("DateTime64(3, 'UTC')").unwrap());
        assert!(
            emit.starts_with("SELECT __k0 AS `product_id`, countIfMerge(__s0) AS `impressions`, impressions + "),
            "{emit}"
        );
        assert!(emit.contains("fromUnixTimestamp64Milli(__start + 10000, 'UTC')"), "{emit}");
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        for (from, to, word) in [
            (
                "tumble(event_time, INTERVAL '10' SECOND)",
                "hop(event_time, INTERVAL '1' SECOND, INTERVAL '2' SECOND)",
                "hop",
            ),
            ("SELECT product_id", "SELECT DISTINCT product_id", "DISTINCT"),
            ("FROM events", "FROM events JOIN other USING product_id", "FROM"),
            ("WATERMARK = INTERVAL '5' SECOND ", "", "WATERMARK"),
        ] {
            let error = spec(&VIEW.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
