//! Which aggregations of a plan read a projection in the place of rows, and what such a plan is.
//!
//! ```text
//! Aggregate keys, f(x)            Aggregate keys, f of states
//!   …filters, names…      ─▶        Union
//!     table                           keys, states ◀─ filters ◀─ groups of the parts that have the projection
//!                                     Aggregate keys, f to states ◀─ …filters, names… ◀─ the other parts of the table
//! ```
//! Keys and conditions must be expressions over the projection's keys, each aggregate one of its own. In any doubt (FINAL,
//! PREWHERE under it, joins, subqueries, functions that see an order, keys of floats) the plan stays as it is. Which
//! part is read how is found out by each run: nothing of a snapshot is in the plan.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, TableScan, Union};
use functions::aggregates::{of_states, to_states};
use store::{TableDef, TableKind};
use types::{ErrorCode, Setting};

use super::source::{Grouped, rows_of};
use super::{Compiled, merges_in_any_order, of_query, serves};
use crate::brief::is_plain;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{SourceTable, StoredTable, table_source};

/// Settings under which an expression may give other values than when it was written.
const CHANGING: &[&str] =
    &["session_timezone", "cast_keep_nullable", "date_time_input_format", "date_time_overflow_behavior"];

/// True when the query says which projection it wants: then it is not planned as one that reads little. A view over an
/// inserted block reads no parts.
pub(crate) fn insists(ctx: &QueryContext) -> bool {
    ctx.settings.flag(Setting::OptimizeUseProjections)
        && ctx.overrides.is_empty()
        && (ctx.settings.flag(Setting::ForceOptimizeProjection)
            || !ctx.settings.text(Setting::ForceOptimizeProjectionName).is_empty()
            || !ctx.settings.text(Setting::PreferredOptimizeProjectionName).is_empty())
}

/// The plan with projections in the place of rows wherever they give the same; PROJECTION_NOT_USED or INCORRECT_DATA when
/// the query insists on one that does not.
pub(crate) fn rewritten(plan: LogicalPlan, ctx: &QueryContext) -> Result<LogicalPlan> {
    let is_changed = CHANGING.iter().any(|name| ctx.settings.changed().any(|(changed, _)| changed.name == *name));
    if !ctx.settings.flag(Setting::OptimizeUseProjections) {
        return Ok(plan);
    }
    let read = tables_of(&plan, ctx)?;
    let may = !is_changed && read.iter().any(|table| table.sql.contains("PROJECTION"));
    if !may && !insists(ctx) {
        return Ok(plan);
    }
    let mut used = BTreeSet::new();
    let plan = match may {
        false => plan,
        true => {
            let rewritten = plan.transform_up_with_subqueries(|node| match &node {
                LogicalPlan::Aggregate(aggregate) => match of_aggregate(aggregate, ctx)? {
                    Some((name, plan)) => {
                        used.insert(name);
                        Ok(Transformed::yes(plan))
                    }
                    None => Ok(Transformed::no(node)),
                },
                _ => Ok(Transformed::no(node)),
            });
            rewritten?.data
        }
    };
    if insists(ctx) && read.iter().any(|table| table.kind == TableKind::MergeTree) && !counts_rows_only(&plan) {
        check(&used, ctx)?;
    }
    Ok(plan)
}

fn check(used: &BTreeSet<Arc<str>>, ctx: &QueryContext) -> Result<()> {
    let wanted = ctx.settings.text(Setting::ForceOptimizeProjectionName);
    if !wanted.is_empty() && !used.iter().any(|name| **name == *wanted) {
        let message =
            format!("projection {wanted} is specified in setting force_optimize_projection_name but not used");
        return Err(Error::refused(ErrorCode::INCORRECT_DATA, message));
    }
    if ctx.settings.flag(Setting::ForceOptimizeProjection) && used.is_empty() {
        let message = "no projection is used when optimize_use_projections = 1 and force_optimize_projection = 1";
        return Err(Error::refused(ErrorCode::PROJECTION_NOT_USED, message));
    }
    Ok(())
}

/// `SELECT count() FROM t`: what parts know without any projection.
fn counts_rows_only(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => plan.inputs().into_iter().all(counts_rows_only),
        LogicalPlan::Aggregate(aggregate) => {
            let is_count = |expr: &Expr| {
                let (call, _) = called(expr)?;
                let count = functions::aggregates::aggregate_of(&call.func)?.signature();
                (&*count.name == "count" && count.args.is_empty()).then_some(())
            };
            aggregate.group_expr.is_empty()
                && aggregate.aggr_expr.iter().all(|expr| is_count(expr).is_some())
                && chain(&aggregate.input).ok().flatten().is_some_and(|chain| chain.filters.is_empty())
        }
        _ => false,
    }
}

/// The tables whose parts the plan reads.
fn tables_of(plan: &LogicalPlan, ctx: &QueryContext) -> Result<Vec<Arc<TableDef>>> {
    let mut tables = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(stored) = stored(scan)?
        {
            tables.extend(ctx.snapshot.catalog.table_by_id(stored.table()).cloned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(tables)
}

/// The table that a leaf reads the parts of.
fn stored(scan: &TableScan) -> PlanResult<Option<StoredTable>> {
    let Ok(provider) = source_as_provider(&scan.source) else { return Ok(None) };
    let provider: &dyn TableProvider = &*provider;
    let any: &dyn std::any::Any = provider;
    Ok(any.downcast_ref::<SourceTable>().and_then(|table| table.source().stored().cloned()))
}

/// Filters and names over one table.
struct Chain {
    /// What each column is over the table's stored columns.
    columns: HashMap<String, Expr>,
    /// All are true of a row that passes.
    filters: Vec<Expr>,
    table: StoredTable,
}

fn chain(plan: &LogicalPlan) -> PlanResult<Option<Chain>> {
    if !plan.expressions().iter().all(is_plain) {
        return Ok(None);
    }
    Ok(match plan {
        LogicalPlan::TableScan(scan) => {
            let is_bare = scan.filters.is_empty() && scan.fetch.is_none();
            let Some(table) = stored(scan)?.filter(|table| is_bare && table.is_bare()) else { return Ok(None) };
            let columns = scan.projected_schema.fields().iter().map(|field| {
                let column = Column::new_unqualified(field.name());
                (field.name().clone(), Expr::Column(column))
            });
            Some(Chain { columns: columns.collect(), filters: Vec::new(), table })
        }
        LogicalPlan::Filter(filter) => {
            let Some(mut below) = chain(&filter.input)? else { return Ok(None) };
            for condition in split_conjunction(&filter.predicate) {
                let Some(condition) = below.over_table(condition)? else { return Ok(None) };
                below.filters.push(condition);
            }
            Some(below)
        }
        LogicalPlan::Projection(projection) => {
            let Some(below) = chain(&projection.input)? else { return Ok(None) };
            let mut columns = HashMap::new();
            for (field, expr) in projection.schema.fields().iter().zip(&projection.expr) {
                let Some(expr) = below.over_table(expr)? else { return Ok(None) };
                if columns.insert(field.name().clone(), expr).is_some() {
                    return Ok(None);
                }
            }
            Some(Chain { columns, ..below })
        }
        LogicalPlan::SubqueryAlias(alias) => chain(&alias.input)?,
        _ => None,
    })
}

impl Chain {
    /// An expression over the chain's columns as one over the table's; none when it may give another value each time.
    fn over_table(&self, expr: &Expr) -> PlanResult<Option<Expr>> {
        let mut unknown = false;
        let over = expr.clone().transform_down(|node| {
            Ok(match node {
                Expr::Column(column) => match self.columns.get(&column.name) {
                    Some(expr) => Transformed::new(expr.clone(), true, TreeNodeRecursion::Jump),
                    None => {
                        unknown = true;
                        Transformed::no(Expr::Column(column))
                    }
                },
                other => Transformed::no(other),
            })
        })?;
        let plain = over.data.transform_up(|node| {
            Ok(match node {
                Expr::Alias(alias) => Transformed::yes(*alias.expr),
                other => Transformed::no(other),
            })
        })?;
        Ok((!unknown && !plain.data.is_volatile()).then_some(plain.data))
    }
}

/// What an aggregation is, over the table's stored columns.
struct Asked {
    chain: Chain,
    /// Name of each key's column, and what it is.
    keys: Vec<(Column, Expr)>,
    /// Name, function over the table's columns, and as it stands in the plan.
    aggregates: Vec<(String, Expr, Expr)>,
}

/// The call and the name of `f(x) AS name`.
fn called(expr: &Expr) -> Option<(&datafusion::logical_expr::expr::AggregateFunction, &str)> {
    match expr {
        Expr::Alias(alias) => match &*alias.expr {
            Expr::AggregateFunction(call) => Some((call, alias.name.as_str())),
            _ => None,
        },
        _ => None,
    }
}

fn asked(aggregate: &Aggregate) -> PlanResult<Option<Asked>> {
    let mut columns: Vec<&Column> = Vec::new();
    for expr in &aggregate.group_expr {
        let in_expr: Vec<&Expr> = match expr {
            Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.iter().flatten().collect(),
            other => vec![other],
        };
        for key in in_expr {
            let Expr::Column(column) = key else { return Ok(None) };
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
    }
    let Some(chain) = chain(&aggregate.input)? else { return Ok(None) };
    let mut keys = Vec::with_capacity(columns.len());
    for column in columns {
        let Some(expr) = chain.over_table(&Expr::Column(column.clone()))? else { return Ok(None) };
        keys.push((column.clone(), expr));
    }
    let mut aggregates = Vec::with_capacity(aggregate.aggr_expr.len());
    for expr in &aggregate.aggr_expr {
        let Some((call, name)) = called(expr) else { return Ok(None) };
        let is_usual = !call.params.distinct && call.params.filter.is_none() && call.params.order_by.is_empty();
        let in_any_order = functions::aggregates::aggregate_of(&call.func).is_some_and(merges_in_any_order);
        let in_plan = Expr::AggregateFunction(call.clone());
        let Some(over) = chain.over_table(&in_plan)?.filter(|_| is_usual && in_any_order) else { return Ok(None) };
        aggregates.push((name.to_owned(), over, in_plan));
    }
    Ok(Some(Asked { chain, keys, aggregates }))
}

/// How a projection answers an aggregation.
struct Answer {
    compiled: Arc<Compiled>,
    /// The keys over the projection's columns.
    keys: Vec<Expr>,
    filters: Vec<Expr>,
    /// Which of the projection's aggregates each one is.
    aggregates: Vec<usize>,
}

/// The name of the projection and the plan that reads it; none where no projection gives the same.
fn of_aggregate(aggregate: &Aggregate, ctx: &QueryContext) -> PlanResult<Option<(Arc<str>, LogicalPlan)>> {
    let Some(asked) = asked(aggregate)? else { return Ok(None) };
    let Some(table) = ctx.snapshot.catalog.table_by_id(asked.chain.table.table()).cloned() else { return Ok(None) };
    // parts that are not read would not be counted
    let counts_partitions = !ctx.settings.text(Setting::MaxPartitionsToRead).starts_with('-');
    if table.sql.contains("max_partitions_to_read") || counts_partitions {
        return Ok(None);
    }
    let mut answers = Vec::new();
    for compiled in of_query(&table, ctx)? {
        answers.extend(answer(&asked, compiled)?);
    }
    let wanted = ctx.settings.text(Setting::ForceOptimizeProjectionName);
    let preferred = ctx.settings.text(Setting::PreferredOptimizeProjectionName);
    let rank = |answer: &Answer| {
        let name = &*answer.compiled.projection.name;
        (name != wanted, name != preferred, rows_read(&table, &answer.compiled, ctx))
    };
    let Some(best) = answers.into_iter().min_by_key(rank) else { return Ok(None) };
    let name = Arc::clone(&best.compiled.projection.name);
    Ok(Some((name, plan(aggregate, &asked, &best, (&table, ctx))?)))
}

/// How much is read with a projection: its groups, and the rows of parts without it.
fn rows_read(table: &TableDef, compiled: &Compiled, ctx: &QueryContext) -> u64 {
    let parts = ctx.snapshot.table_parts(table.id).into_iter().flat_map(|parts| parts.parts());
    let rows = parts.map(|part| match serves(compiled, table, part, ctx) {
        true => rows_of(compiled, part),
        false => part.rows(),
    });
    rows.sum()
}

fn answer(asked: &Asked, compiled: Compiled) -> PlanResult<Option<Answer>> {
    // 0.0 and -0.0 are one group there and two groups here
    let is_float = |column: &types::Column| column.ty.to_string().contains("Float");
    if compiled.groups.key_header.columns().iter().any(is_float) {
        return Ok(None);
    }
    let mut filters: Vec<&Expr> = asked.chain.filters.iter().collect();
    for own in &compiled.filters {
        for own in split_conjunction(own) {
            let before = filters.len();
            filters.retain(|filter| *filter != own);
            if filters.len() == before {
                return Ok(None);
            }
        }
    }
    let over = |expr: &Expr| over_keys(expr, &compiled.keys);
    let keys = asked.keys.iter().map(|(_, key)| over(key)).collect::<PlanResult<Option<Vec<Expr>>>>()?;
    let filters = filters.into_iter().map(over).collect::<PlanResult<Option<Vec<Expr>>>>()?;
    let position = |(_, expr, _): &(String, Expr, Expr)| compiled.aggregates.iter().position(|(own, _)| own == expr);
    let aggregates = asked.aggregates.iter().map(position).collect::<Option<Vec<usize>>>();
    let (Some(keys), Some(filters), Some(aggregates)) = (keys, filters, aggregates) else { return Ok(None) };
    Ok(Some(Answer { compiled: Arc::new(compiled), keys, filters, aggregates }))
}

/// An expression over a table's columns as one over a projection's keys; none when it needs more.
fn over_keys(expr: &Expr, keys: &[Expr]) -> PlanResult<Option<Expr>> {
    let mut misses = false;
    let over = expr.clone().transform_down(|node| {
        if let Some(at) = keys.iter().position(|key| *key == node) {
            let column = Column::new_unqualified(format!("k{}", at + 1));
            return Ok(Transformed::new(Expr::Column(column), true, TreeNodeRecursion::Jump));
        }
        misses |= matches!(node, Expr::Column(_));
        Ok(Transformed::no(node))
    })?;
    Ok((!misses).then_some(over.data))
}

fn plan(
    aggregate: &Aggregate,
    asked: &Asked,
    answer: &Answer,
    (table, ctx): (&TableDef, &QueryContext),
) -> PlanResult<LogicalPlan> {
    let state = |name: &str| format!("{name} state");
    let compiled = &answer.compiled;
    // the parts that have it
    let reference = TableReference::partial(table.database.to_string(), format!("{} projection", table.name));
    let mut groups = LogicalPlanBuilder::scan(reference, Grouped::leaf(table, compiled, ctx), None)?;
    if let Some(filter) = conjunction(answer.filters.iter().cloned()) {
        groups = groups.filter(filter)?;
    }
    let keys = asked.keys.iter().zip(&answer.keys).map(|((column, _), key)| key.clone().alias(column.name.clone()));
    let states = asked
        .aggregates
        .iter()
        .zip(&answer.aggregates)
        .map(|((name, ..), at)| Expr::Column(Column::new_unqualified(format!("s{}", at + 1))).alias(state(name)));
    let groups = groups.project(keys.chain(states).collect::<Vec<_>>())?.build()?;
    // the others
    let without = asked.chain.table.without(Arc::clone(compiled));
    let source = table_source(Arc::new(without));
    let input = (*aggregate.input).clone().transform_up(|node| {
        Ok(match node {
            LogicalPlan::TableScan(scan) => {
                Transformed::yes(LogicalPlan::TableScan(TableScan { source: Arc::clone(&source), ..scan }))
            }
            other => Transformed::no(other),
        })
    })?;
    let keys: Vec<Expr> = asked.keys.iter().map(|(column, _)| Expr::Column(column.clone())).collect();
    let mut to = Vec::with_capacity(asked.aggregates.len());
    let mut of = Vec::with_capacity(asked.aggregates.len());
    for ((name, _, in_plan), at) in asked.aggregates.iter().zip(&answer.aggregates) {
        let (Expr::AggregateFunction(call), Some((_, function))) = (in_plan, compiled.aggregates.get(*at)) else {
            return Err(Error::Plan("an aggregate of a projection is none".to_owned()).into());
        };
        to.push(called_with(to_states(function), call.params.args.clone()).alias(state(name)));
        let column = Expr::Column(Column::new_unqualified(state(name)));
        of.push(called_with(of_states(function), vec![column]).alias(name.clone()));
    }
    let shown = keys
        .iter()
        .cloned()
        .chain(asked.aggregates.iter().map(|(name, ..)| Expr::Column(Column::new_unqualified(state(name)))));
    let shown: Vec<Expr> = shown.collect();
    let rows = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input.data), keys, to)?);
    let rows = LogicalPlanBuilder::from(rows).project(shown)?.build()?;
    let union = LogicalPlan::Union(Union::try_new_with_loose_types(vec![Arc::new(groups), Arc::new(rows)])?);
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(union), aggregate.group_expr.clone(), of)?))
}

fn called_with(function: Arc<datafusion::logical_expr::AggregateUDF>, args: Vec<Expr>) -> Expr {
    let call =
        datafusion::logical_expr::expr::AggregateFunction::new_udf(function, args, false, None, Vec::new(), None);
    Expr::AggregateFunction(call)
}
