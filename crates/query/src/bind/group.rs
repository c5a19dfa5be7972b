//! GROUP BY: keys, aggregates, ROLLUP, CUBE, GROUPING SETS, and what may be named after it.

use std::collections::HashMap;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, Operator, when};
use sql::ast::{ExprKind, GroupByKeys, GroupByModifier, Select};
use types::{ErrorCode, Setting};

use super::binder::{Binder, not_supported};
use super::expr::contains_aggregate;
use super::items::Item;
use super::order::Ordering;
use super::scope::Scope;
use super::select::refuse_aggregates;
use super::totals::TotalsKind;
use super::typed::{Typed, binary, cast_arrow};
use crate::error::{Error, Result};

/// The most grouping sets of one CUBE: its keys' subsets.
const GROUPING_SETS_MAX: usize = 4096;

/// What GROUP BY says.
pub(crate) struct Grouped {
    /// Keys that are not constant, each once.
    pub keys: Vec<Typed>,
    /// Positions in `keys`; none for a plain GROUP BY.
    pub sets: Option<Vec<Vec<usize>>>,
    /// Absent keys of a set are NULL instead of the type's default.
    pub use_nulls: bool,
    /// There are only constant keys: one group, but none over no rows.
    pub constant_keys: bool,
    pub totals: TotalsKind,
}

/// What follows a grouping.
pub(crate) struct GroupStage {
    pub plan: LogicalPlan,
    pub totals: Option<LogicalPlan>,
    pub having: Option<Typed>,
}

/// How expressions over the grouped rows are expressions over the groups.
pub(crate) struct Rewriter {
    /// Each key as it was, and as it is now.
    pub keys: Vec<(Expr, Expr)>,
    /// Each aggregate and its column.
    pub aggregates: HashMap<Expr, Column>,
    /// For `grouping()`: each key as it was, and the column that tells whether the grouping set leaves it out.
    pub grouping_flags: Vec<(Expr, Expr)>,
    /// Columns that are the query's around, or made by attachments, stay.
    pub keep: Vec<String>,
}

impl Binder<'_> {
    /// What GROUP BY says; none when the SELECT does not group. `rest` are the expressions beside the items.
    pub(crate) fn bind_group_by(
        &self,
        select: &Select,
        items: &[Item],
        rest: &[&Typed],
        scope: &Scope<'_>,
    ) -> Result<Option<Grouped>> {
        let aggregates = items.iter().map(|item| &item.typed).chain(rest.iter().copied());
        let has_aggregates = aggregates.into_iter().any(|typed| contains_aggregate(&typed.expr));
        let Some(group_by) = &select.group_by else {
            if !has_aggregates {
                return Ok(None);
            }
            return Ok(Some(Grouped {
                keys: Vec::new(),
                sets: None,
                use_nulls: false,
                // A constant key gives no group over no rows.
                constant_keys: scope.env.settings.flag(Setting::EmptyResultForAggregationByEmptySet),
                totals: TotalsKind::None,
            }));
        };
        let mut keys = Keys::default();
        let mut sets = None;
        match &group_by.keys {
            GroupByKeys::All => {
                for item in items.iter().filter(|item| !contains_aggregate(&item.typed.expr)) {
                    keys.add(item.typed.clone());
                }
            }
            GroupByKeys::Exprs(exprs) => {
                for expr in exprs {
                    self.add_key(expr, items, &mut keys, scope)?;
                }
            }
            GroupByKeys::GroupingSets(listed) => {
                let mut found = Vec::with_capacity(listed.len());
                for set in listed {
                    let mut positions = Vec::new();
                    for expr in set {
                        positions.extend(self.add_key(expr, items, &mut keys, scope)?);
                    }
                    found.push(positions);
                }
                sets = Some(found);
            }
        }
        if let Some(modifier) = group_by.modifier {
            sets = Some(modified_sets(modifier, keys.list.len())?);
        }
        let totals = match (group_by.totals, &sets) {
            (false, _) => TotalsKind::None,
            (true, Some(_)) if select.having.is_some() => {
                return not_supported("WITH TOTALS and HAVING together with ROLLUP, CUBE or GROUPING SETS");
            }
            (true, _) => TotalsKind::AfterHaving,
        };
        let constant_keys = keys.list.is_empty() && keys.constants > 0 && sets.is_none();
        let use_nulls = scope.env.settings.flag(Setting::GroupByUseNulls) && sets.is_some();
        Ok(Some(Grouped { keys: keys.list, sets, use_nulls, constant_keys, totals }))
    }

    /// Adds a key and gives its position; a tuple in GROUP BY is its elements, a number is an item's position.
    fn add_key(&self, expr: &sql::Expr, items: &[Item], keys: &mut Keys, scope: &Scope<'_>) -> Result<Vec<usize>> {
        if let ExprKind::Tuple(parts) = &expr.kind {
            let mut positions = Vec::with_capacity(parts.len());
            for part in parts {
                positions.extend(self.add_key(part, items, keys, scope)?);
            }
            return Ok(positions);
        }
        let key = match self.positional(expr, items, scope)? {
            Some(item) => item.typed.clone(),
            None => self.bind(expr, scope)?,
        };
        refuse_aggregates(&key.expr, "GROUP BY")?;
        Ok(keys.add(key).into_iter().collect())
    }

    /// The item that a number in GROUP BY, ORDER BY or LIMIT BY names.
    pub(crate) fn positional<'i>(
        &self,
        expr: &sql::Expr,
        items: &'i [Item],
        scope: &Scope<'_>,
    ) -> Result<Option<&'i Item>> {
        if !scope.env.settings.flag(Setting::EnablePositionalArguments) {
            return Ok(None);
        }
        let position = match &expr.kind {
            ExprKind::Literal(sql::ast::Literal::UInt(position)) => usize::try_from(*position).unwrap_or(usize::MAX),
            ExprKind::Literal(sql::ast::Literal::Int(back)) => {
                let back = usize::try_from(back.unsigned_abs()).unwrap_or(usize::MAX);
                (items.len() + 1).saturating_sub(back)
            }
            _ => return Ok(None),
        };
        match position.checked_sub(1).and_then(|index| items.get(index)) {
            Some(item) => Ok(Some(item)),
            None => Err(Error::refused(
                ErrorCode::BAD_ARGUMENTS,
                format!("position {position} is outside of the SELECT list, which has {} items", items.len()),
            )),
        }
    }

    /// Groups `plan` and translates what follows to the groups' columns.
    #[allow(clippy::too_many_arguments)] // the clauses of a SELECT that follow its GROUP BY
    pub(crate) fn group(
        &self,
        plan: LogicalPlan,
        grouped: &Grouped,
        having: Option<Typed>,
        items: &mut [Item],
        qualify: &mut Option<Typed>,
        ordering: &mut Ordering,
        scope: &Scope<'_>,
    ) -> Result<GroupStage> {
        let mut after: Vec<&mut Typed> = items.iter_mut().map(|item| &mut item.typed).collect();
        let mut having = having;
        after.extend(having.iter_mut().chain(qualify.iter_mut()));
        after.extend(ordering.expressions_mut());

        let mut aggregates: Vec<Expr> = Vec::new();
        for typed in &after {
            collect_aggregates(&typed.expr, &mut aggregates)?;
        }
        // `sum(x) IN (SELECT …)` needs its sum as well.
        for expr in scope.attachments.borrow().expressions() {
            collect_aggregates(&expr, &mut aggregates)?;
        }
        let input = self.below_group(plan, grouped, &aggregates, scope)?;
        let (grouped_plan, rewriter) = self.aggregate(input.clone(), grouped, &aggregates, scope)?;
        for typed in after {
            let null_types = grouped.use_nulls && grouped.keys.iter().any(|key| key.expr == typed.expr);
            typed.expr = rewriter.rewrite(std::mem::take(&mut typed.expr))?;
            if null_types {
                typed.ty = typed.ty.to_nullable();
            }
        }
        let totals = match grouped.totals {
            TotalsKind::None => None,
            TotalsKind::AfterHaving => {
                Some(self.totals(input, grouped, &aggregates, &rewriter, having.as_ref(), scope)?)
            }
        };
        let mut attachments = scope.attachments.borrow_mut();
        attachments.forget_attached();
        attachments.rewrite(&|expr| rewriter.rewrite(expr));
        Ok(GroupStage { plan: grouped_plan, totals, having })
    }

    /// The plan with what the keys and the aggregates' arguments need below them.
    fn below_group(
        &self,
        plan: LogicalPlan,
        grouped: &Grouped,
        aggregates: &[Expr],
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let mut needed: Vec<&Expr> = grouped.keys.iter().map(|key| &key.expr).collect();
        needed.extend(aggregates);
        scope.attachments.borrow_mut().attach(plan, &needed, &Ok)
    }

    /// The aggregation itself, keys and results under fresh names.
    fn aggregate(
        &self,
        input: LogicalPlan,
        grouped: &Grouped,
        aggregates: &[Expr],
        scope: &Scope<'_>,
    ) -> Result<(LogicalPlan, Rewriter)> {
        let mut projected: Vec<Expr> = Vec::new();
        let mut key_columns = Vec::with_capacity(grouped.keys.len());
        for key in &grouped.keys {
            let column = self.fresh("key", &key.ty);
            projected.push(key.clone().value().alias(column.name.clone()));
            key_columns.push(column);
        }
        // Keys are computed below the aggregation, so that inside of it they are plain columns.
        let mut below: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        below.extend(projected);
        let plan = LogicalPlanBuilder::from(input).project(below)?.build()?;

        let mut named = Vec::with_capacity(aggregates.len());
        let mut columns = HashMap::new();
        for aggregate in aggregates {
            let column = self.fresh_arrow("aggregate", self.arrow_type_of(aggregate)?);
            named.push(aggregate.clone().alias(column.name.clone()));
            columns.insert(aggregate.clone(), column);
        }
        let mut group_exprs: Vec<Expr> = key_columns.iter().cloned().map(Expr::Column).collect();
        if grouped.constant_keys {
            group_exprs.push(Expr::Literal(datafusion::common::ScalarValue::UInt8(Some(1)), None).alias("constant"));
        }
        if let Some(sets) = &grouped.sets {
            let sets = sets.iter().map(|set| set.iter().map(|i| group_exprs[*i].clone()).collect()).collect();
            group_exprs = vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets))];
        }
        let aggregate = Aggregate::try_new(std::sync::Arc::new(plan), group_exprs, named)?;
        let mut plan = LogicalPlan::Aggregate(aggregate);
        let mut rewriter =
            Rewriter { keys: Vec::new(), aggregates: columns, grouping_flags: Vec::new(), keep: Vec::new() };
        let mut seen: Vec<Expr> = key_columns.iter().cloned().map(Expr::Column).collect();
        if let Some(sets) = &grouped.sets {
            (plan, seen) = self.absent_keys(plan, grouped, sets, &key_columns, &mut rewriter)?;
        }
        rewriter.keys =
            grouped.keys.iter().zip(seen).map(|(key, now)| (key.expr.clone(), as_before(key, now))).collect();
        rewriter.keep = scope.attachments.borrow().column_names();
        Ok((plan, rewriter))
    }

    /// Gives the keys that a grouping set leaves out the type's default value (or NULL), and `grouping()` its bits.
    fn absent_keys(
        &self,
        plan: LogicalPlan,
        grouped: &Grouped,
        sets: &[Vec<usize>],
        key_columns: &[Column],
        rewriter: &mut Rewriter,
    ) -> Result<(LogicalPlan, Vec<Expr>)> {
        // DataFusion orders the keys by first use in the sets, and its bits from the last of them.
        let mut order: Vec<usize> = Vec::new();
        for position in sets.iter().flatten() {
            if !order.contains(position) {
                order.push(*position);
            }
        }
        let id = cast_arrow(
            Expr::Column(Column::new_unqualified(Aggregate::INTERNAL_GROUPING_ID)),
            arrow::datatypes::DataType::UInt64,
        );
        let absent = |position: usize| -> Option<Expr> {
            let place = order.iter().position(|known| *known == position)?;
            let bit = 1u64 << (order.len() - 1 - place);
            let masked = binary(id.clone(), Operator::BitwiseAnd, datafusion::logical_expr::lit(bit));
            Some(binary(masked, Operator::NotEq, datafusion::logical_expr::lit(0u64)))
        };
        let mut out: Vec<Expr> = Vec::new();
        let mut seen = Vec::new();
        let mut flags = Vec::new();
        for (position, (column, key)) in key_columns.iter().zip(&grouped.keys).enumerate() {
            let (value, flag) = match absent(position) {
                Some(flag) if grouped.use_nulls => (Expr::Column(column.clone()), flag),
                Some(flag) => {
                    let default = Typed::default_of(&key.ty)?.expr;
                    (when(flag.clone(), default).otherwise(Expr::Column(column.clone()))?, flag)
                }
                None => (Typed::default_of(&key.ty)?.expr, datafusion::logical_expr::lit(true)),
            };
            let seen_column = self.fresh("key", &key.ty);
            let flag_column = self.fresh_arrow("absent", arrow::datatypes::DataType::Boolean);
            out.push(value.alias(seen_column.name.clone()));
            out.push(flag.alias(flag_column.name.clone()));
            seen.push(Expr::Column(seen_column));
            flags.push((key.clone().value(), Expr::Column(flag_column)));
        }
        out.extend(rewriter.aggregates.values().cloned().map(Expr::Column));
        rewriter.grouping_flags = flags;
        Ok((LogicalPlanBuilder::from(plan).project(out)?.build()?, seen))
    }

    /// The Arrow type of an expression over columns that this bind made.
    pub(crate) fn arrow_type_of(&self, expr: &Expr) -> Result<arrow::datatypes::DataType> {
        use datafusion::logical_expr::ExprSchemable;
        Ok(expr.get_type(&self.schema_of(&[expr])?)?)
    }
}

/// The key's column as the expression that it was: an Arrow Boolean where that was one.
fn as_before(key: &Typed, now: Expr) -> Expr {
    if key.condition { binary(now, Operator::NotEq, datafusion::logical_expr::lit(0u8)) } else { now }
}

impl Rewriter {
    /// `expr` over the groups; NOT_AN_AGGREGATE when it names a column that is no key.
    pub(crate) fn rewrite(&self, expr: Expr) -> Result<Expr> {
        let mut missing: Option<Column> = None;
        let rewritten = expr.transform_down(|node| {
            if let Some((_, now)) = self.keys.iter().find(|(key, _)| *key == node) {
                return Ok(Transformed::new(now.clone(), true, TreeNodeRecursion::Jump));
            }
            match &node {
                Expr::AggregateFunction(function) if function.func.name() == "grouping" => {
                    let bits = self.grouping(&function.params.args);
                    Ok(Transformed::new(bits, true, TreeNodeRecursion::Jump))
                }
                Expr::AggregateFunction(_) => match self.aggregates.get(&node) {
                    Some(column) => Ok(Transformed::new(Expr::Column(column.clone()), true, TreeNodeRecursion::Jump)),
                    None => Ok(Transformed::no(node)),
                },
                Expr::Column(column) if !self.keep.contains(&column.name) => {
                    missing.get_or_insert_with(|| column.clone());
                    Ok(Transformed::no(node))
                }
                _ => Ok(Transformed::no(node)),
            }
        })?;
        match missing {
            None => Ok(rewritten.data),
            Some(column) => {
                let name = column.name.split('#').next().unwrap_or_default();
                Err(Error::refused(
                    ErrorCode::NOT_AN_AGGREGATE,
                    format!("column \"{name}\" is not under an aggregate function and not in GROUP BY"),
                ))
            }
        }
    }

    /// One bit a key, the last one lowest; set where the grouping set leaves the key out.
    fn grouping(&self, args: &[Expr]) -> Expr {
        let mut bits: Option<Expr> = None;
        for (place, arg) in args.iter().rev().enumerate() {
            let flag = self.grouping_flags.iter().find(|(key, _)| key == arg).map(|(_, flag)| flag.clone());
            let value = flag.unwrap_or_else(|| datafusion::logical_expr::lit(false));
            let value = cast_arrow(value, arrow::datatypes::DataType::UInt64);
            let shifted = binary(value, Operator::Multiply, datafusion::logical_expr::lit(1u64 << place.min(63)));
            bits = Some(match bits {
                Some(bits) => binary(bits, Operator::Plus, shifted),
                None => shifted,
            });
        }
        bits.unwrap_or_else(|| datafusion::logical_expr::lit(0u64))
    }
}

/// The keys found so far.
#[derive(Default)]
struct Keys {
    list: Vec<Typed>,
    constants: usize,
}

impl Keys {
    /// The position of the key, which is added when it is new; none for constants, which group nothing.
    fn add(&mut self, key: Typed) -> Option<usize> {
        if key.constant.is_some() {
            self.constants += 1;
            return None;
        }
        if let Some(position) = self.list.iter().position(|known| known.expr == key.expr) {
            return Some(position);
        }
        self.list.push(key);
        Some(self.list.len() - 1)
    }
}

fn modified_sets(modifier: GroupByModifier, keys: usize) -> Result<Vec<Vec<usize>>> {
    match modifier {
        GroupByModifier::Rollup => Ok((0..=keys).rev().map(|len| (0..len).collect()).collect()),
        GroupByModifier::Cube => {
            let sets = 1usize.checked_shl(keys as u32).filter(|sets| *sets <= GROUPING_SETS_MAX);
            let Some(sets) = sets else { return not_supported(format!("CUBE of {keys} keys")) };
            let subset = |mask: usize| (0..keys).filter(|key| mask & (1 << (keys - 1 - key)) != 0).collect();
            Ok((0..sets).rev().map(subset).collect())
        }
    }
}

/// Every aggregate in `expr` that is no `grouping`, each once.
pub(super) fn collect_aggregates(expr: &Expr, aggregates: &mut Vec<Expr>) -> Result<()> {
    expr.apply(|node| {
        if let Expr::AggregateFunction(function) = node {
            if function.func.name() != "grouping" && !aggregates.contains(node) {
                aggregates.push(node.clone());
            }
            return Ok(TreeNodeRecursion::Jump);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
