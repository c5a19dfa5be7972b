//! ORDER BY … WITH FILL, INTERPOLATE: bound into the node that makes the missing rows.

use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr};
use sql::ast::{InterpolateItem, WithFill};
use types::{DataType, ErrorCode, IntervalUnit, Value};

use super::binder::{Binder, not_supported};
use super::expr::value_of;
use super::scope::{Scope, ScopeColumn};
use super::select::OutColumn;
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes::{self, FillBounds, FillStep, FillValue};

/// A column of ORDER BY whose gaps are filled.
pub(crate) struct FillColumn {
    pub column: Expr,
    pub bounds: FillBounds,
}

impl Binder<'_> {
    /// FROM, TO and STEP of a column.
    pub(crate) fn fill_column(
        &self,
        column: &Typed,
        ascending: bool,
        fill: &WithFill,
        scope: &Scope<'_>,
    ) -> Result<FillColumn> {
        if fill.staleness.is_some() {
            return not_supported("WITH FILL … STALENESS");
        }
        let ty = column.ty.base().clone();
        let bound = |expr: &Option<sql::Expr>| -> Result<Option<FillValue>> {
            let Some(expr) = expr else { return Ok(None) };
            let typed = self.bind(expr, scope)?;
            let typed = self.cast(typed, &ty, &scope.env.functions)?;
            fill_value(&value_of(&typed, "a bound of WITH FILL")?).map(Some)
        };
        let (from, to) = (bound(&fill.from)?, bound(&fill.to)?);
        let step = match &fill.step {
            None => FillStep::Plain(if ascending { FillValue::Int(1) } else { FillValue::Int(-1) }),
            Some(step) => self.fill_step(step, &ty, scope)?,
        };
        if !step.goes(ascending) {
            return Err(Error::refused(
                ErrorCode::INVALID_WITH_FILL_EXPRESSION,
                "STEP of WITH FILL must be positive for ASC, negative for DESC, and not zero",
            ));
        }
        if !(ty.is_integer() && ty.integer_width().is_some_and(|width| width <= 8)
            || ty.is_float()
            || ty.is_date_or_time())
        {
            return Err(Error::refused(
                ErrorCode::INVALID_WITH_FILL_EXPRESSION,
                format!("WITH FILL needs a number, a date or a time, not {ty}"),
            ));
        }
        let bounds = FillBounds { from, to, step, ascending };
        Ok(FillColumn { column: column.expr.clone(), bounds })
    }

    fn fill_step(&self, step: &sql::Expr, ty: &DataType, scope: &Scope<'_>) -> Result<FillStep> {
        let typed = self.bind(step, scope)?;
        let value = value_of(&typed, "STEP of WITH FILL")?;
        let DataType::Interval(unit) = typed.ty.base() else {
            return Ok(FillStep::Plain(fill_value(&value)?));
        };
        let Some(count) = value.as_i64() else { return not_supported("this STEP of WITH FILL") };
        let months = match unit {
            IntervalUnit::Month => Some(1),
            IntervalUnit::Quarter => Some(3),
            IntervalUnit::Year => Some(12),
            _ => None,
        };
        if let Some(months) = months {
            if !matches!(ty, DataType::Date | DataType::Date32 | DataType::DateTime(_)) {
                return not_supported(format!("WITH FILL of {ty} in steps of months"));
            }
            return Ok(FillStep::Months(count.saturating_mul(months)));
        }
        let Some(unit_ms) = unit.fixed_ms() else { return not_supported("WITH FILL in steps below a millisecond") };
        let ms = i128::from(count) * i128::from(unit_ms);
        let per_tick = match ty {
            DataType::Date | DataType::Date32 => 86_400_000,
            DataType::DateTime(_) => 1_000,
            DataType::DateTime64 { precision, .. } => {
                let ticks = ms * 10i128.pow(u32::from(*precision)) / 1_000;
                return Ok(FillStep::Plain(FillValue::Int(ticks)));
            }
            other => return not_supported(format!("WITH FILL of {other} in steps of time")),
        };
        if ms % per_tick != 0 {
            return Err(Error::refused(
                ErrorCode::INVALID_WITH_FILL_EXPRESSION,
                format!("a step of WITH FILL is no whole number of what {ty} counts"),
            ));
        }
        Ok(FillStep::Plain(FillValue::Int(ms / per_tick)))
    }

    pub(crate) fn fill_plan(
        &self,
        plan: LogicalPlan,
        mut fill: Vec<FillColumn>,
        interpolate: Option<&[InterpolateItem]>,
        out: &[OutColumn],
        sort: &[SortExpr],
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let (Some(column), true) = (fill.pop(), fill.is_empty()) else {
            return not_supported("WITH FILL on more than one column of ORDER BY");
        };
        let prefix: Vec<Expr> =
            sort.iter().map(|sort| sort.expr.clone()).take_while(|expr| *expr != column.column).collect();
        if sort.last().is_some_and(|last| last.expr != column.column) {
            return not_supported("WITH FILL on a column that is not the last of ORDER BY");
        }
        let mut interpolated = Vec::new();
        if let Some(items) = interpolate {
            let columns = out.iter().map(|column| ScopeColumn {
                column: column.column.clone(),
                name: column.name.clone(),
                ty: column.ty.clone(),
                source: None,
                in_asterisk: true,
                unqualified: true,
                is_element: false,
            });
            let mut inner = Scope::new(scope.env.clone(), Default::default(), None);
            inner.columns = columns.collect();
            if items.is_empty() {
                let others = out.iter().filter(|out| Expr::Column(out.column.clone()) != column.column);
                interpolated.extend(others.map(|out| (out.column.clone(), Expr::Column(out.column.clone()))));
            }
            for item in items {
                let name = self.ident(&item.column)?;
                let Some(target) = out.iter().find(|column| *column.name == *name) else {
                    return Err(super::names::unknown_identifier(&name, &inner));
                };
                let value = self.bind(&item.expr, &inner)?;
                let value = self.cast(value, &target.ty, &scope.env.functions)?.value();
                interpolated.push((target.column.clone(), value));
            }
        }
        let defaults = self.fill_defaults(&plan, out)?;
        nodes::fill(plan, column.column, column.bounds, prefix, interpolated, defaults)
    }

    /// A default value for each column of the plan: what a filled row holds where nothing else says.
    fn fill_defaults(&self, plan: &LogicalPlan, out: &[OutColumn]) -> Result<Vec<Expr>> {
        let mut defaults = Vec::new();
        for (position, field) in plan.schema().fields().iter().enumerate() {
            let default = match out.get(position) {
                Some(column) => Typed::default_of(&column.ty)?.expr,
                None => Expr::Literal(datafusion::common::ScalarValue::try_from(field.data_type())?, None),
            };
            defaults.push(default);
        }
        Ok(defaults)
    }
}

fn fill_value(value: &Value) -> Result<FillValue> {
    match value {
        Value::UInt(value) => Ok(FillValue::Int(i128::from(*value))),
        Value::Int(value) => Ok(FillValue::Int(i128::from(*value))),
        Value::Float(value) => Ok(FillValue::Float(*value)),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Tuple(_)
        | Value::Map(_) => Err(Error::refused(
            ErrorCode::INVALID_WITH_FILL_EXPRESSION,
            "bounds and step of WITH FILL must be numbers, dates or times",
        )),
    }
}
