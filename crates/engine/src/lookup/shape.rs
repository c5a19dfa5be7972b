//! Is a SELECT one that asks for whole keys of one table? Looks at the tree only; in doubt, no.
//!
//! ```text
//! SELECT column | *                     FROM [db.]table [FINAL]   WHERE k1 = c AND k2 = c …  [LIMIT n]
//! SELECT key column | f(column, …)      FROM [db.]table [FINAL]   WHERE k IN (c, c, …)       [GROUP BY key columns]
//! ```

use std::sync::Arc;

use aggregate::Aggregate;
use arrow::array::ArrayRef;
use query::QueryContext;
use query::bind::relations::ColumnKind;
use query::scan::point::PointTable;
use sql::ast::{
    Asterisk, BinaryOperator, ChainOperator, ExprKind, Function, GroupBy, GroupByKeys, Literal, Select, TableRef,
    TableSource,
};
use store::TableDef;
use types::{Column, DataType, Header, Setting};

use crate::error::Result;

/// Keys of one SELECT; more are a scan that a plan does better.
const KEYS_MAX: usize = 64;

/// A SELECT of whole keys.
pub(super) struct Shape {
    pub(super) table: Arc<PointTable>,
    pub(super) is_final: bool,
    /// Stored columns to read; items count positions in this list.
    pub(super) columns: Vec<usize>,
    pub(super) items: Vec<Item>,
    pub(super) header: Header,
    /// One array of one row a key column, for each key.
    pub(super) keys: Vec<Vec<ArrayRef>>,
    pub(super) is_aggregate: bool,
    pub(super) is_grouped: bool,
    pub(super) limit: Option<usize>,
}

/// One column of the answer.
pub(super) enum Item {
    /// As it is read.
    Column(usize),
    /// A column of the key beside aggregates: the same in every row.
    Key(usize),
    /// An aggregate function of columns.
    Aggregate { function: Aggregate, args: Vec<usize> },
}

/// The shape of a query; `None` when it is another sort of query.
pub(super) fn of(query: &sql::Query, ctx: &QueryContext) -> Result<Option<Shape>> {
    let Some(select) = query.as_select().filter(|select| is_plain(select)) else { return Ok(None) };
    let Some((filter, from)) = select.filter.as_ref().zip(select.from.as_ref()) else { return Ok(None) };
    if !ctx.settings.changed().all(|(def, _)| is_harmless(def.setting)) {
        return Ok(None);
    }
    let Some(def) = table_of(from, ctx) else { return Ok(None) };
    let Some(table) = ctx.runtime.points.get(&def, &ctx.snapshot)? else { return Ok(None) };
    let wants_final = from.is_final || ctx.settings.flag(Setting::FinalByDefault);
    if from.is_final && !table.has_final() {
        return Ok(None);
    }
    let Some(keys) = keys_of(filter, &table, ctx) else { return Ok(None) };
    let is_final = wants_final && table.has_final();
    Ok(shape(select, table, keys, is_final))
}

/// No clause but those of the picture above.
fn is_plain(select: &Select) -> bool {
    let limited = select.limit.as_ref().is_none_or(|limit| limit.offset.is_none() && !limit.with_ties);
    select.with.is_none()
        && !select.distinct
        && select.joins.is_empty()
        && select.prewhere.is_none()
        && select.having.is_none()
        && select.windows.is_empty()
        && select.qualify.is_none()
        && select.order_by.is_none()
        && select.limit_by.is_none()
        && limited
}

/// Settings that do not change what a SELECT gives, and FINAL, which is looked at.
fn is_harmless(setting: Setting) -> bool {
    let name = setting.def().name;
    let prefixes = ["output_format_", "input_format_", "format_", "http_", "send_", "insert_", "log_", "cancel_http_"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
        || matches!(
            setting,
            Setting::FinalByDefault
                | Setting::DoNotMergeAcrossPartitionsSelectFinal
                | Setting::MaxThreads
                | Setting::MaxBlockSize
                | Setting::MaxMemoryUsage
                | Setting::MaxExecutionTime
                | Setting::MaxRowsToRead
                | Setting::SessionTimezone
                | Setting::Readonly
                | Setting::WaitEndOfQuery
                | Setting::BufferSize
                | Setting::EnableHttpCompression
                | Setting::AsyncInsert
                | Setting::WaitForAsyncInsert
                | Setting::ConnectTimeout
                | Setting::ReceiveTimeout
        )
}

/// The table that a reference reads: a table, or what a materialized view writes to.
fn table_of(from: &TableRef, ctx: &QueryContext) -> Option<Arc<TableDef>> {
    let TableSource::Table(name) = &from.source else { return None };
    let unknown = !from.column_aliases.is_empty() || from.sample.is_some() || from.generation.is_some();
    if unknown || name.name.is_parameter || name.database.as_ref().is_some_and(|database| database.is_parameter) {
        return None;
    }
    let database = name.database.as_ref().map_or(&*ctx.caller.database, |database| database.name.as_str());
    if query::system::canonical(database).is_some() {
        return None;
    }
    let catalog = &ctx.snapshot.catalog;
    let def = catalog.table(database, &name.name.name)?;
    match &def.view {
        None => Some(def.clone()),
        // a view shows its own columns
        Some(view) => catalog.target(view.target()?).filter(|target| target.columns == def.columns).cloned(),
    }
}

/// The keys that a condition asks for: every key column compared with a constant exactly once, and nothing else.
fn keys_of(filter: &sql::Expr, table: &PointTable, ctx: &QueryContext) -> Option<Vec<Vec<ArrayRef>>> {
    let conditions: &[sql::Expr] = match &filter.kind {
        ExprKind::Chain(ChainOperator::And, conditions) => conditions,
        _ => std::slice::from_ref(filter),
    };
    let key = table.key();
    if let ([condition], [column]) = (conditions, key)
        && let ExprKind::In(is_in) = &condition.kind
    {
        let constants = match &is_in.right.kind {
            ExprKind::Tuple(items) if !is_in.negated && items.len() <= KEYS_MAX => items,
            _ => return None,
        };
        name_of(&is_in.left).filter(|name| *name == &*column.name)?;
        return distinct_keys(constants.iter().map(|constant| super::key::cell(&column.ty, constant, ctx)));
    }
    if conditions.len() != key.len() {
        return None;
    }
    let mut cells: Vec<Option<ArrayRef>> = vec![None; key.len()];
    for condition in conditions {
        let ExprKind::Binary(binary) = &condition.kind else { return None };
        if binary.op != BinaryOperator::Equals {
            return None;
        }
        let (name, constant) = match (name_of(&binary.left), name_of(&binary.right)) {
            (Some(name), None) => (name, &binary.right),
            (None, Some(name)) => (name, &binary.left),
            _ => return None,
        };
        let at = key.iter().position(|column| *column.name == *name)?;
        let cell = super::key::cell(&key.get(at)?.ty, constant, ctx)?;
        let place = cells.get_mut(at).filter(|place| place.is_none())?;
        *place = Some(cell);
    }
    Some(vec![cells.into_iter().collect::<Option<Vec<_>>>()?])
}

/// Each key once, however often the list has it.
fn distinct_keys(cells: impl Iterator<Item = Option<ArrayRef>>) -> Option<Vec<Vec<ArrayRef>>> {
    let mut keys: Vec<Vec<ArrayRef>> = Vec::new();
    for cell in cells {
        let cell = cell?;
        if !keys.iter().any(|key| key.first().is_some_and(|known| known.as_ref() == cell.as_ref())) {
            keys.push(vec![cell]);
        }
    }
    Some(keys)
}

fn name_of(expr: &sql::Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Identifier(parts) => match parts.as_slice() {
            [only] if !only.is_parameter => Some(&only.name),
            _ => None,
        },
        _ => None,
    }
}

/// The columns and items of a SELECT while they are looked at.
struct Items<'a> {
    table: &'a PointTable,
    /// Of GROUP BY, where there is one.
    grouped: Option<Vec<&'a str>>,
    columns: Vec<usize>,
    items: Vec<Item>,
    shown: Vec<Column>,
}

fn shape(select: &Select, table: Arc<PointTable>, keys: Vec<Vec<ArrayRef>>, is_final: bool) -> Option<Shape> {
    let grouped = match &select.group_by {
        Some(group_by) => Some(group_keys(group_by, &table)?),
        None => None,
    };
    let limit = match select.limit.as_ref().and_then(|limit| limit.count.as_ref()) {
        Some(count) => Some(whole_number(count)?),
        None => None,
    };
    let is_grouped = grouped.is_some();
    let mut items = Items { table: &table, grouped, columns: Vec::new(), items: Vec::new(), shown: Vec::new() };
    select.items.iter().try_for_each(|expr| items.add(expr))?;
    let Items { columns, items, shown, .. } = items;
    let is_aggregate = is_grouped || items.iter().any(|item| matches!(item, Item::Aggregate { .. }));
    let mixed = is_aggregate && items.iter().any(|item| matches!(item, Item::Column(_)));
    // without GROUP BY, all keys of an IN are one group
    let joined = is_aggregate && !is_grouped && keys.len() != 1;
    if mixed || joined || items.is_empty() {
        return None;
    }
    let header = Header::new(shown);
    Some(Shape { table, is_final, columns, items, header, keys, is_aggregate, is_grouped, limit })
}

/// The columns of GROUP BY, all of the key.
fn group_keys<'a>(group_by: &'a GroupBy, table: &PointTable) -> Option<Vec<&'a str>> {
    let GroupByKeys::Exprs(exprs) = &group_by.keys else { return None };
    if group_by.modifier.is_some() || group_by.totals {
        return None;
    }
    let key =
        |expr: &'a sql::Expr| name_of(expr).filter(|name| table.key().iter().any(|column| *column.name == **name));
    exprs.iter().map(key).collect()
}

fn whole_number(expr: &sql::Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Literal(Literal::UInt(number)) => usize::try_from(*number).ok(),
        _ => None,
    }
}

impl Items<'_> {
    /// Adds an item of the SELECT; `None` for those that need a plan.
    fn add(&mut self, expr: &sql::Expr) -> Option<()> {
        let (inner, alias) = match &expr.kind {
            ExprKind::Alias(inner, alias) if !alias.is_parameter => (&**inner, Some(alias.name.as_str())),
            _ => (expr, None),
        };
        // an alias hides a column of that name, also in WHERE
        if alias.is_some_and(|alias| self.is_known(alias) && name_of(inner) != Some(alias)) {
            return None;
        }
        match &inner.kind {
            ExprKind::Asterisk(asterisk) if alias.is_none() && self.grouped.is_none() => self.add_all(asterisk),
            ExprKind::Identifier(_) => {
                let name = name_of(inner)?;
                let (ty, at) = self.column(name)?;
                let is_key = self.grouped.as_ref().is_some_and(|keys| keys.contains(&name));
                self.items.push(if is_key { Item::Key(at) } else { Item::Column(at) });
                self.shown.push(Column::new(alias.unwrap_or(name), ty));
                Some(())
            }
            ExprKind::Function(call) => {
                let (function, args) = self.aggregate(call)?;
                let name = alias.map_or_else(|| sql::column_name(inner), str::to_owned);
                self.shown.push(Column::new(name, function.result_type()));
                self.items.push(Item::Aggregate { function, args });
                Some(())
            }
            _ => None,
        }
    }

    fn is_known(&self, name: &str) -> bool {
        self.table.columns().iter().any(|column| *column.name == *name)
    }

    fn add_all(&mut self, asterisk: &Asterisk) -> Option<()> {
        if !asterisk.qualifier.is_empty() || !asterisk.transformers.is_empty() {
            return None;
        }
        let table = self.table;
        for column in table.columns().iter().filter(|column| matches!(column.kind, ColumnKind::Ordinary)) {
            let (ty, at) = self.column(&column.name)?;
            self.items.push(Item::Column(at));
            self.shown.push(Column::new(column.name.clone(), ty));
        }
        Some(())
    }

    /// The type of a stored column, and where it is among those that are read.
    fn column(&mut self, name: &str) -> Option<(DataType, usize)> {
        let column = self.table.columns().iter().find(|column| *column.name == *name)?;
        if !matches!(column.kind, ColumnKind::Ordinary | ColumnKind::Materialized) {
            return None;
        }
        let position = self.table.position(name)?;
        let at = match self.columns.iter().position(|known| *known == position) {
            Some(at) => at,
            None => {
                self.columns.push(position);
                self.columns.len() - 1
            }
        };
        Some((column.ty.clone(), at))
    }

    /// An aggregate function over columns.
    fn aggregate(&mut self, call: &Function) -> Option<(Aggregate, Vec<usize>)> {
        let name = call.name.name.as_str();
        let simple = call.over.is_none() && call.nulls.is_none() && call.parameters.is_empty();
        // the binder gives count(DISTINCT …) another name
        let renamed = name.eq_ignore_ascii_case("countDistinct");
        if call.name.is_parameter || !simple || renamed || !query::is_aggregate_function(name) {
            return None;
        }
        let mut types = Vec::with_capacity(call.arguments.len());
        let mut args = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            let (ty, at) = self.column(name_of(argument)?)?;
            types.push(ty);
            args.push(at);
        }
        // what it refuses, the binder refuses with all that belongs to the error
        Some((aggregate::resolve(name, &[], &types).ok()?, args))
    }
}
