//! Projections of a table's definition: what they are made of, and what computes the groups of rows that are written.
//!
//! [`rewrite`] says which SELECT reads one in the place of rows, [`source`] reads them. A projection is of its text: the
//! SELECT, the types of what it reads and makes, and the time zone. A part of another text, or of columns that changed
//! since, has none, and its rows are read.

mod rewrite;
mod source;

use std::ops::Range;
use std::sync::Arc;

use aggregate::{Aggregate, Emit, Rows};
use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::{filter, take};
use datafusion::logical_expr::Expr;
use parts::{Grouping, Projection};
use sql::ast::{ProjectionDef, Select};
use store::{TableDef, TableKind};
use types::state::names::{Combinator, Split, split};
use types::transform::TransformError;
use types::{Block, BlockTransform, Column, DataType, ErrorCode, Header, Settings};

use crate::bind::{BindContext, BoundProjection, bind_projection};
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::expressions::{Expressions, bind_context, function_context};
use crate::relations::SnapshotRelations;

pub(crate) use rewrite::{insists, rewritten};
pub use source::has;
pub(crate) use source::serves;

/// Functions whose result is that of their rows in whatever order and grouping they are merged (of floats: but for how
/// sums are rounded). Others are computed from the rows.
const MERGED: &[&str] = &[
    "avg",
    "count",
    "groupBitAnd",
    "groupBitOr",
    "groupBitXor",
    "groupBitmap",
    "max",
    "maxMap",
    "min",
    "minMap",
    "quantileExact",
    "quantileExactHigh",
    "quantileExactLow",
    "quantilesExact",
    "quantilesExactHigh",
    "quantilesExactLow",
    "sum",
    "sumCount",
    "sumMap",
    "sumWithOverflow",
    "uniq",
    "uniqCombined",
    "uniqCombined64",
    "uniqExact",
    "uniqHLL12",
    "uniqUpTo",
];

/// One projection, ready.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What parts are told.
    pub projection: Projection,
    /// The keys, over the table's stored columns.
    keys: Vec<Expr>,
    /// The aggregates, each with what stands behind it.
    aggregates: Vec<(Expr, Aggregate)>,
    /// Only rows for which all of these are true are in it.
    filters: Vec<Expr>,
    /// Positions of the table's columns that it reads.
    reads: Vec<usize>,
    groups: Arc<Groups>,
}

/// The projections of a table; none of tables without parts.
pub fn of_table(table: &TableDef, ctx: &QueryContext) -> Result<Vec<Compiled>> {
    // parsing costs more than looking, and most tables have none
    let (TableKind::MergeTree, Some(schema), true) = (table.kind, &table.schema, table.sql.contains("PROJECTION"))
    else {
        return Ok(Vec::new());
    };
    let definition = Definition::parse(table)?;
    // one that cannot be made is none: the rows say the same
    Ok(definition.projections().iter().filter_map(|def| compile(def, &schema.header, ctx).ok()).collect())
}

/// Makes a projection ready; refuses what is none, and by name what is one that is not kept.
pub fn compile(def: &ProjectionDef, stored: &Header, ctx: &QueryContext) -> Result<Compiled> {
    let name = def.name.name.as_str();
    check_clauses(name, &def.select)?;
    let ctx = ctx.with_settings(Settings::default());
    let bound = bind(&def.select, stored, &ctx)?;
    let not_kept = |what: &str| Error::NotSupported(format!("PROJECTION {name} with {what}"));
    let is_state = |ty: &DataType| matches!(ty, DataType::AggregateFunction(_) | DataType::SimpleAggregateFunction(_));
    if bound.keys.iter().any(|(_, ty)| is_state(ty)) {
        return Err(not_kept("a key of aggregate states"));
    }
    let BoundProjection { keys, aggregates, filters } = bound;
    let groups = Groups::new(&keys, &aggregates, &filters, stored, &ctx)?;
    if !groups.is_timeless() {
        return Err(not_kept("a function that gives another value each time"));
    }
    let reads = groups.reads();
    let of = reads.iter().filter_map(|&at| stored.columns().get(at));
    if of.clone().any(|column| *column.name == *crate::layout::COMMIT) {
        return Err(not_kept("the number of the commit"));
    }
    let of = of.map(|column| format!("{} {}", column.name, column.ty)).collect::<Vec<_>>().join(", ");
    let makes = groups.header.columns().iter().map(|column| column.ty.to_string()).collect::<Vec<_>>().join(", ");
    let text = format!("{} OF {of} AS {makes} IN {}", def.select, ctx.time_zone());
    let projection = Projection::new(name, &text, groups.header.clone(), keys.len()).map_err(Error::from)?;
    let keys = keys.into_iter().map(|(expr, _)| expr).collect();
    let aggregates =
        aggregates.into_iter().zip(&groups.aggregates).map(|(expr, (aggregate, _))| (expr, aggregate.clone()));
    Ok(Compiled { projection, keys, aggregates: aggregates.collect(), filters, reads, groups: Arc::new(groups) })
}

/// The projections of a table, their expressions as this query would bind them: functions are equal only under the same
/// settings.
fn of_query(table: &TableDef, ctx: &QueryContext) -> Result<Vec<Compiled>> {
    let (Some(schema), definition) = (&table.schema, Definition::parse(table)?) else { return Ok(Vec::new()) };
    let mut found = of_table(table, ctx)?;
    for compiled in &mut found {
        let name = &*compiled.projection.name;
        let Some(def) = definition.projections().iter().find(|def| *def.name.name == *name) else { continue };
        let Ok(bound) = bind(&def.select, &schema.header, ctx) else { continue };
        let same = |(expr, (_, known)): (&Expr, &(Expr, Aggregate))| match expr {
            Expr::AggregateFunction(call) => functions::aggregates::aggregate_of(&call.func)
                .is_some_and(|aggregate| aggregate.signature() == known.signature()),
            _ => false,
        };
        let is_same = bound.aggregates.len() == compiled.aggregates.len()
            && bound.aggregates.iter().zip(&compiled.aggregates).all(same)
            && bound.keys.iter().map(|(_, ty)| ty).eq(compiled.groups.key_header.columns().iter().map(|key| &key.ty));
        if is_same {
            compiled.keys = bound.keys.into_iter().map(|(expr, _)| expr).collect();
            compiled.filters = bound.filters;
            compiled.aggregates.iter_mut().zip(bound.aggregates).for_each(|((known, _), expr)| *known = expr);
        }
    }
    Ok(found)
}

/// Binds the SELECT of a projection, in which a number in GROUP BY is one.
fn bind(select: &Select, stored: &Header, ctx: &QueryContext) -> Result<BoundProjection> {
    let mut settings = ctx.settings.clone();
    settings.set("enable_positional_arguments", "0")?;
    let (functions, relations) = (function_context(ctx)?, SnapshotRelations::new(ctx));
    let context = BindContext { settings: &settings, ..bind_context(&relations, &functions, ctx) };
    bind_projection(select, stored, &context)
}

fn check_clauses(name: &str, select: &Select) -> Result<()> {
    let clauses = [
        ("FROM", select.from.is_some() || !select.joins.is_empty()),
        ("DISTINCT", select.distinct),
        ("PREWHERE", select.prewhere.is_some()),
        ("HAVING", select.having.is_some()),
        ("WINDOW", !select.windows.is_empty()),
        ("QUALIFY", select.qualify.is_some()),
        ("LIMIT", select.limit.is_some() || select.limit_by.is_some()),
        ("SETTINGS", !select.settings.is_empty()),
        ("WITH TOTALS", select.group_by.as_ref().is_some_and(|by| by.totals || by.modifier.is_some())),
    ];
    match clauses.iter().find(|(_, there)| *there) {
        Some((clause, _)) => {
            let message = format!("the SELECT of projection {name} has {clause}, which no projection has");
            Err(Error::refused(ErrorCode::SYNTAX_ERROR, message))
        }
        None if select.order_by.is_none() => Ok(()),
        None if select.group_by.is_some() => {
            let message = "when aggregation is used in projection, ORDER BY cannot be specified";
            Err(Error::refused(ErrorCode::ILLEGAL_PROJECTION, message))
        }
        None => {
            Err(Error::NotSupported(format!("PROJECTION {name} of the normal kind (ORDER BY without aggregation)")))
        }
    }
}

/// The keys as `system.projections` shows them.
pub fn sorting_key(select: &Select) -> Vec<String> {
    let items =
        select.items.iter().chain(select.with.iter().flat_map(|with| &with.items).filter_map(|item| match item {
            sql::ast::WithItem::Expr(expr) => Some(expr),
            _ => None,
        }));
    let aliases: Vec<(&sql::Expr, &str)> =
        items.filter_map(|item| Some((item.split_alias().0, item.split_alias().1?.name.as_str()))).collect();
    let keys = match select.group_by.as_ref().map(|by| &by.keys) {
        Some(sql::ast::GroupByKeys::Exprs(exprs)) => exprs.as_slice(),
        _ => &[],
    };
    let shown = |key: &sql::Expr| {
        let name = key.to_string();
        let meant = aliases.iter().find(|(_, alias)| *alias == name).map_or(key, |(expr, _)| expr);
        (!matches!(meant.kind, sql::ast::ExprKind::Literal(_))).then(|| sql::column_name(meant))
    };
    keys.iter().filter_map(shown).collect()
}

impl Compiled {
    /// What computes the groups of rows of the table.
    pub(crate) fn transform(self) -> (Projection, Arc<dyn BlockTransform>) {
        (self.projection, self.groups)
    }

    /// How many groups some rows of the table have.
    pub(crate) fn groups_of(&self, rows: &Block) -> Result<usize> {
        Ok(self.groups.of(rows)?.rows())
    }

    /// Positions of the table's columns that it reads.
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }
}

/// True when results do not depend on the order in which states are merged.
fn merges_in_any_order(aggregate: &Aggregate) -> bool {
    let mut name = aggregate.signature().name.to_string();
    loop {
        let inner = match split(&name) {
            Some(Split::Function(function)) => return MERGED.contains(&function),
            Some(Split::Combined(
                inner,
                Combinator::If | Combinator::Array | Combinator::OrNull | Combinator::OrDefault,
            )) => inner.to_owned(),
            Some(Split::Combined(..)) | None => return false,
        };
        name = inner;
    }
}

/// From rows to their groups: keys, then states, in the order of the keys.
#[derive(Debug)]
struct Groups {
    header: Header,
    key_header: Header,
    conditions: Expressions,
    /// Keys, then the arguments of each aggregate.
    values: Expressions,
    aggregates: Vec<(Aggregate, Range<usize>)>,
}

impl Groups {
    fn new(
        keys: &[(Expr, DataType)],
        aggregates: &[Expr],
        filters: &[Expr],
        stored: &Header,
        ctx: &QueryContext,
    ) -> Result<Groups> {
        let mut values: Vec<(Expr, DataType)> = keys.to_vec();
        let mut resolved = Vec::with_capacity(aggregates.len());
        for expr in aggregates {
            let Expr::AggregateFunction(call) = expr else {
                return Err(Error::Plan("an aggregate is none".to_owned()));
            };
            let aggregate = functions::aggregates::aggregate_of(&call.func);
            let aggregate =
                aggregate.ok_or_else(|| Error::NotSupported(format!("{} in a projection", call.func.name())))?;
            let first = values.len();
            // a function without arguments has a marker in their place
            values.extend(call.params.args.iter().cloned().zip(aggregate.signature().args.iter().cloned()));
            resolved.push((aggregate.clone(), first..values.len()));
        }
        let named = |prefix: &str, types: Vec<DataType>| {
            types
                .into_iter()
                .enumerate()
                .map(move |(at, ty)| Column::new(format!("{}{}", prefix, at + 1), ty))
                .collect()
        };
        let key_columns: Vec<Column> = named("k", keys.iter().map(|(_, ty)| ty.clone()).collect());
        let states: Vec<Column> = named("s", resolved.iter().map(|(aggregate, _)| aggregate.state_type()).collect());
        let conditions: Vec<_> = filters.iter().map(|filter| (filter.clone(), DataType::Bool)).collect();
        Ok(Groups {
            key_header: Header::new(key_columns.clone()),
            header: Header::new([key_columns, states].concat()),
            conditions: Expressions::of_bound(conditions, stored, ctx)?,
            values: Expressions::of_bound(values, stored, ctx)?,
            aggregates: resolved,
        })
    }

    fn is_timeless(&self) -> bool {
        self.conditions.is_timeless() && self.values.is_timeless()
    }

    fn reads(&self) -> Vec<usize> {
        let mut reads = [self.conditions.reads(), self.values.reads()].concat();
        reads.sort_unstable();
        reads.dedup();
        reads
    }

    /// The rows that are in the projection.
    fn chosen(&self, rows: &Block) -> Result<Block> {
        let masks = self.conditions.eval_conditions(rows)?;
        let mut masks = masks.into_iter();
        let Some(mut mask) = masks.next() else { return Ok(rows.clone()) };
        for other in masks {
            mask = arrow::compute::and(&mask, &other)?;
        }
        let arrays = rows.arrays().iter().map(|array| Ok(filter(array, &mask)?)).collect::<Result<Vec<_>>>()?;
        Ok(Block::with_rows(rows.header().clone(), arrays, mask.true_count())?)
    }

    fn of(&self, rows: &Block) -> Result<Block> {
        let rows = self.chosen(rows)?;
        let values: Vec<ArrayRef> = self.values.eval(&rows)?.into_iter().map(|(array, _)| array).collect();
        let keys = self.key_header.len();
        let key_arrays = values.get(..keys).unwrap_or_default();
        let key_block = Block::with_rows(self.key_header.clone(), key_arrays.to_vec(), rows.rows())?;
        let grouping = Grouping::of(&key_block)?;
        let firsts = UInt32Array::from(grouping.firsts);
        let total = firsts.len();
        let mut arrays = Vec::with_capacity(self.header.len());
        for array in key_arrays {
            arrays.push(take(array, &firsts, None)?);
        }
        for (aggregate, arguments) in &self.aggregates {
            let mut states = aggregate.grouped();
            states.grow(total);
            let arguments = values.get(arguments.clone()).unwrap_or_default();
            let failed = |error: aggregate::Error| Error::reported(error.code(), &error);
            states.update(arguments, Rows::all(&grouping.groups, total)).map_err(failed)?;
            arrays.push(states.states(Emit::All).map_err(failed)?);
        }
        Ok(Block::with_rows(self.header.clone(), arrays, total)?)
    }
}

impl BlockTransform for Groups {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        self.of(block).map_err(|error| TransformError { code: error.code(), message: error.to_string() })
    }
}
