//! ORDER BY, LIMIT BY, DISTINCT, LIMIT: the last stages of a SELECT, over its items and what they are ordered by.

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use sql::ast::{LimitByKeys, NullsOrder, OrderByItem, OrderByKeys, Select, SortDirection, WithFill};
use types::{DataType, ErrorCode};

use super::binder::{Binder, not_supported};
use super::expr::{constant_u64, value_of};
use super::fill::FillColumn;
use super::items::Item;
use super::scope::Scope;
use super::select::OutColumn;
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes::{self, Reach};

/// One key of ORDER BY.
pub(crate) struct OrderKey {
    pub typed: Typed,
    pub ascending: bool,
    pub nulls_first: bool,
    pub fill: Option<WithFill>,
}

/// ORDER BY and LIMIT BY, bound.
#[derive(Default)]
pub(crate) struct Ordering {
    pub keys: Vec<OrderKey>,
    /// How many keys of ORDER BY there are, constant ones included.
    pub written: usize,
    pub limit_by: Vec<Typed>,
}

impl Ordering {
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Typed> {
        self.keys.iter().map(|key| &key.typed).chain(&self.limit_by)
    }

    pub(crate) fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Typed> {
        self.keys.iter_mut().map(|key| &mut key.typed).chain(&mut self.limit_by)
    }
}

impl Binder<'_> {
    pub(crate) fn bind_ordering(&self, select: &Select, items: &[Item], scope: &Scope<'_>) -> Result<Ordering> {
        let mut ordering = Ordering::default();
        if let Some(order_by) = &select.order_by {
            match &order_by.keys {
                OrderByKeys::All(direction, nulls) => {
                    for item in items {
                        ordering.keys.push(OrderKey {
                            typed: item.typed.clone(),
                            ascending: *direction == SortDirection::Ascending,
                            nulls_first: *nulls == Some(NullsOrder::First),
                            fill: None,
                        });
                    }
                }
                OrderByKeys::Items(keys) => {
                    for key in keys {
                        ordering.keys.push(self.order_key(key, items, scope)?);
                    }
                }
            }
        }
        ordering.written = ordering.keys.len();
        ordering.keys.retain(|key| key.typed.constant.is_none() || key.fill.is_some());
        if let Some(limit_by) = &select.limit_by {
            match &limit_by.keys {
                LimitByKeys::All => ordering.limit_by = items.iter().map(|item| item.typed.clone()).collect(),
                LimitByKeys::Exprs(keys) => {
                    for key in keys {
                        ordering.limit_by.push(match self.positional(key, items, scope)? {
                            Some(item) => item.typed.clone(),
                            None => self.bind(key, scope)?,
                        });
                    }
                }
            }
        }
        Ok(ordering)
    }

    fn order_key(&self, key: &OrderByItem, items: &[Item], scope: &Scope<'_>) -> Result<OrderKey> {
        if key.collation.is_some() {
            return not_supported("ORDER BY … COLLATE");
        }
        let typed = match self.positional(&key.expr, items, scope)? {
            Some(item) => item.typed.clone(),
            None => self.bind(&key.expr, scope)?,
        };
        Ok(OrderKey {
            typed,
            ascending: key.direction == SortDirection::Ascending,
            nulls_first: key.nulls == Some(NullsOrder::First),
            fill: key.fill.as_deref().cloned(),
        })
    }

    /// How DataFusion orders by a value: tuples element by element; NaN beside NULL, whatever the direction.
    pub(crate) fn sort_exprs(&self, key: Typed, item: &OrderByItem, scope: &Scope<'_>) -> Result<Vec<SortExpr>> {
        if item.collation.is_some() {
            return not_supported("ORDER BY … COLLATE");
        }
        let ascending = item.direction == SortDirection::Ascending;
        self.sorted_by(key, ascending, item.nulls == Some(NullsOrder::First), scope)
    }

    fn sorted_by(&self, key: Typed, ascending: bool, nulls_first: bool, scope: &Scope<'_>) -> Result<Vec<SortExpr>> {
        let functions = &scope.env.functions;
        match key.ty.base() {
            DataType::Tuple(fields) if !key.is_nullable() => {
                let mut out = Vec::with_capacity(fields.len());
                for position in 1..=fields.len() as u64 {
                    let index = super::expr::unsigned_literal(position)?;
                    let element = self.scalar("tupleElement", vec![key.clone(), index], functions)?;
                    out.extend(self.sorted_by(element, ascending, nulls_first, scope)?);
                }
                Ok(out)
            }
            DataType::Nothing => Ok(Vec::new()),
            ty if ty.is_float() && (ascending == nulls_first) => {
                // Arrow has NaN above all numbers; that is where ClickHouse puts it only when NULL goes there too.
                let nan = self.scalar("isNaN", vec![key.clone()], functions)?.value();
                Ok(vec![
                    SortExpr::new(nan, !nulls_first, nulls_first),
                    SortExpr::new(key.value(), ascending, nulls_first),
                ])
            }
            _ => Ok(vec![SortExpr::new(key.value(), ascending, nulls_first)]),
        }
    }

    /// Items, then DISTINCT, ORDER BY, LIMIT BY, WITH FILL, LIMIT.
    pub(crate) fn finish(
        &self,
        plan: LogicalPlan,
        items: Vec<Item>,
        out: &[OutColumn],
        ordering: Ordering,
        select: &Select,
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let mut projection = Projection::default();
        for (item, column) in items.iter().zip(out) {
            projection.exprs.push((item.typed.clone(), column.column.name.clone()));
        }
        let mut keys = Vec::with_capacity(ordering.keys.len());
        for key in ordering.keys {
            let column = projection.column_of(self, &key.typed);
            keys.push((Typed::column(&column, &key.typed.ty), key));
        }
        let limit_by: Vec<Expr> =
            ordering.limit_by.iter().map(|key| Expr::Column(projection.column_of(self, key))).collect();
        let extra = projection.exprs.len() > out.len();
        let mut plan = projection.project(plan, scope)?;
        if select.distinct {
            plan = if extra {
                let columns = out.iter().map(|column| Expr::Column(column.column.clone())).collect();
                nodes::limit_by(plan, columns, 0, 1)?
            } else {
                LogicalPlanBuilder::from(plan).distinct()?.build()?
            };
        }
        let mut sort = Vec::new();
        let mut fill = Vec::new();
        for (column, key) in keys {
            sort.extend(self.sorted_by(column.clone(), key.ascending, key.nulls_first, scope)?);
            if let Some(with_fill) = &key.fill {
                fill.push(self.fill_column(&column, key.ascending, with_fill, scope)?);
            }
        }
        if !sort.is_empty() {
            plan = LogicalPlanBuilder::from(plan).sort(sort.clone())?.build()?;
        }
        if let Some(clause) = &select.limit_by {
            let from_first = |reach: Option<Reach>| match reach {
                None => Ok(0),
                Some(Reach::First(rows)) => Ok(rows),
                Some(Reach::Last(_) | Reach::Share(_)) => not_supported("a negative or fractional LIMIT with LIMIT BY"),
            };
            let count = from_first(self.reach(&Some(clause.count.clone()), "LIMIT of LIMIT BY", scope)?)?;
            let offset = from_first(self.reach(&clause.offset, "OFFSET of LIMIT BY", scope)?)?;
            plan = nodes::limit_by(plan, limit_by, offset, count)?;
        }
        plan = self.fill(plan, fill, out, select, &sort, scope)?;
        plan = self.limit(plan, select, sort, ordering.written, scope)?;
        if extra {
            let columns: Vec<Expr> = out.iter().map(|column| Expr::Column(column.column.clone())).collect();
            plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
        }
        Ok(plan)
    }

    fn fill(
        &self,
        plan: LogicalPlan,
        fill: Vec<FillColumn>,
        out: &[OutColumn],
        select: &Select,
        sort: &[SortExpr],
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let interpolate = select.order_by.as_ref().and_then(|order_by| order_by.interpolate.as_ref());
        if fill.is_empty() {
            return match interpolate {
                Some(_) => Err(Error::refused(
                    ErrorCode::INVALID_WITH_FILL_EXPRESSION,
                    "INTERPOLATE needs a column of ORDER BY that is WITH FILL",
                )),
                None => Ok(plan),
            };
        }
        self.fill_plan(plan, fill, interpolate.map(Vec::as_slice), out, sort, scope)
    }

    fn limit(
        &self,
        plan: LogicalPlan,
        select: &Select,
        sort: Vec<SortExpr>,
        sort_keys: usize,
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let Some(limit) = &select.limit else { return Ok(plan) };
        let count = self.reach(&limit.count, "LIMIT", scope)?;
        let offset = self.reach(&limit.offset, "OFFSET", scope)?;
        if limit.with_ties {
            if sort_keys == 0 {
                return Err(Error::refused(
                    ErrorCode::WITH_TIES_WITHOUT_ORDER_BY,
                    "LIMIT … WITH TIES needs an ORDER BY",
                ));
            }
            if select.limit_by.is_some() {
                return Err(Error::refused(
                    ErrorCode::LIMIT_BY_WITH_TIES_IS_NOT_SUPPORTED,
                    "LIMIT … WITH TIES cannot stand beside LIMIT BY",
                ));
            }
        }
        let keys = || sort.into_iter().map(|sort| sort.expr).collect();
        let from_first = |reach: Option<Reach>, otherwise: u64| match reach {
            Some(Reach::First(rows)) => Some(rows),
            None => Some(otherwise),
            Some(Reach::Last(_) | Reach::Share(_)) => None,
        };
        let (Some(skip), Some(fetch)) = (from_first(offset, 0), from_first(count, u64::MAX)) else {
            return nodes::stretch(plan, limit.with_ties.then(keys), offset, count);
        };
        if limit.with_ties {
            return nodes::ties(plan, keys(), skip, fetch);
        }
        let fetch = count.map(|_| usize::try_from(fetch).unwrap_or(usize::MAX));
        Ok(LogicalPlanBuilder::from(plan).limit(usize::try_from(skip).unwrap_or(usize::MAX), fetch)?.build()?)
    }

    /// A number of rows, from the end when it is negative; a share of all when it is a fraction.
    fn reach(&self, expr: &Option<sql::Expr>, what: &str, scope: &Scope<'_>) -> Result<Option<Reach>> {
        let Some(expr) = expr else { return Ok(None) };
        let typed = self.bind(expr, scope)?;
        let value = value_of(&typed, what)?;
        let fraction = matches!(typed.ty.base(), DataType::Float32 | DataType::Float64).then(|| value.as_f64());
        Ok(Some(match (fraction.flatten(), value.as_i64()) {
            (Some(share), _) if 0.0 < share && share < 1.0 => Reach::Share(share.to_bits()),
            (Some(rows), _) if 0.0 <= rows && rows.fract() == 0.0 => Reach::First(rows as u64),
            (Some(other), _) => {
                let message = format!(
                    "the value {other} of {what} expression is not representable as UInt64 or Int64 or Float64 in the \
                     range (0, 1)"
                );
                return Err(Error::refused(ErrorCode::INVALID_LIMIT_EXPRESSION, message));
            }
            (None, Some(rows)) if rows < 0 => Reach::Last(rows.unsigned_abs()),
            (None, _) => Reach::First(constant_u64(&typed, what)?),
        }))
    }
}

/// The columns below the last stages: the items, then what rows are ordered and limited by.
#[derive(Default)]
struct Projection {
    exprs: Vec<(Typed, String)>,
}

impl Projection {
    /// The column that holds `typed`, which is added when it is new.
    fn column_of(&mut self, binder: &Binder<'_>, typed: &Typed) -> datafusion::common::Column {
        let known = self.exprs.iter().find(|(known, _)| known.expr == typed.expr && known.ty == typed.ty);
        if let Some((_, name)) = known {
            return datafusion::common::Column::new_unqualified(name.clone());
        }
        let column = binder.fresh("order", &typed.ty);
        self.exprs.push((typed.clone(), column.name.clone()));
        column
    }

    fn project(self, plan: LogicalPlan, scope: &Scope<'_>) -> Result<LogicalPlan> {
        let exprs: Vec<Expr> = self.exprs.iter().map(|(typed, _)| typed.clone().value()).collect();
        let plan = scope.attachments.borrow_mut().attach(plan, &exprs.iter().collect::<Vec<_>>(), &Ok)?;
        let named: Vec<Expr> = exprs.into_iter().zip(self.exprs).map(|(expr, (_, name))| expr.alias(name)).collect();
        Ok(LogicalPlanBuilder::from(plan).project(named)?.build()?)
    }
}
