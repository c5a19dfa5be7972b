//! Window functions: `f(…) OVER (…)`, left inside the expression for the SELECT to take out.

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, SortExpr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use sql::ast::{FrameBound, FrameUnit, Function, WindowFrame as Frame, WindowRef, WindowSpec};
use types::{DataType, ErrorCode};

use super::literal::constant_u64;
use crate::bind::binder::{Binder, not_supported};
use crate::bind::library::common_type;
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::error::{Error, Result};
use crate::nodes::window::{self, ValueKind};

/// What OVER says.
struct Over {
    partition_by: Vec<Expr>,
    order_by: Vec<SortExpr>,
    frame: WindowFrame,
}

impl Binder<'_> {
    pub(super) fn bind_window(
        &self,
        name: &str,
        function: &Function,
        window: &WindowRef,
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let over = self.over(window, scope)?;
        let whole = matches!(name, "lag" | "lead");
        let (fun, args, result) = self.window_function(name, function, scope)?;
        for arg in &args {
            if contains_window(arg) {
                return Err(Error::refused(
                    ErrorCode::ILLEGAL_AGGREGATION,
                    format!("window function \"{name}\" has a window function inside its arguments"),
                ));
            }
        }
        let window_frame = if whole { whole_partition() } else { over.frame };
        let params = WindowFunctionParams {
            args,
            partition_by: over.partition_by,
            order_by: over.order_by,
            window_frame,
            filter: None,
            null_treatment: None,
            distinct: false,
        };
        Ok(Typed::new(Expr::WindowFunction(Box::new(WindowFunction { fun, params })), result))
    }

    fn window_function(
        &self,
        name: &str,
        function: &Function,
        scope: &Scope<'_>,
    ) -> Result<(WindowFunctionDefinition, Vec<Expr>, DataType)> {
        if let Some(rank) = window::ranking(name) {
            let args = match name {
                "ntile" => {
                    let [buckets] = self.exactly(name, function, scope)?;
                    let buckets = constant_u64(&buckets, "the argument of ntile")?;
                    vec![Expr::Literal(ScalarValue::UInt64(Some(buckets)), None)]
                }
                _ => {
                    let [] = self.exactly(name, function, scope)?;
                    Vec::new()
                }
            };
            return Ok((WindowFunctionDefinition::WindowUDF(rank.udf), args, rank.result));
        }
        if let Some(kind) = ValueKind::of_function(name, function.nulls) {
            return self.value_function(name, kind, function, scope);
        }
        let call = self.aggregate_call(name, function, scope)?;
        let types: Vec<DataType> = call.args.iter().map(|arg| arg.ty.clone()).collect();
        let aggregate = aggregate::resolve(&call.name, &call.params, &types)
            .map_err(|error| Error::reported(error.code(), &error))?;
        let result = aggregate.result_type();
        let udf = window::aggregate_window(aggregate);
        let args = call.args.into_iter().map(Typed::value).collect();
        Ok((WindowFunctionDefinition::WindowUDF(udf), args, result))
    }

    /// lag, lead, first_value and their kind: (value [, offset [, default]]).
    fn value_function(
        &self,
        name: &str,
        kind: ValueKind,
        function: &Function,
        scope: &Scope<'_>,
    ) -> Result<(WindowFunctionDefinition, Vec<Expr>, DataType)> {
        let args = self.bind_arguments(&function.arguments, scope)?;
        if args.is_empty() || args.len() > kind.arguments_max() {
            return Err(Error::refused(
                ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                format!("window function \"{name}\" takes 1 to {} arguments, got {}", kind.arguments_max(), args.len()),
            ));
        }
        let mut args = args.into_iter();
        let value = args.next().unwrap_or_else(Typed::null);
        let offset = match args.next() {
            Some(offset) => constant_u64(&offset, &format!("the offset of \"{name}\""))?,
            None => 1,
        };
        let (value, default) = match args.next() {
            Some(default) => {
                let ty = common_type(&[value.ty.remove_low_cardinality(), default.ty.remove_low_cardinality()])?;
                let value = self.cast(value, &ty, &scope.env.functions)?;
                (value, self.cast(default, &ty, &scope.env.functions)?)
            }
            None => {
                let default = Typed::default_of(&value.ty)?;
                (value, default)
            }
        };
        let result = value.ty.clone();
        let udf = window::value_window(kind, offset, &result);
        Ok((WindowFunctionDefinition::WindowUDF(udf), vec![value.value(), default.value()], result))
    }

    fn over(&self, window: &WindowRef, scope: &Scope<'_>) -> Result<Over> {
        let spec = match window {
            WindowRef::Named(name) => self.named_window(&self.ident(name)?, scope)?,
            WindowRef::Inline(spec) => self.with_base(spec, scope, 0)?,
        };
        let mut partition_by = Vec::with_capacity(spec.partition_by.len());
        for key in &spec.partition_by {
            let key = self.bind(key, scope)?;
            if key.constant.is_none() {
                partition_by.push(key.value());
            }
        }
        let mut order_by = Vec::new();
        let mut range_key = None;
        for item in &spec.order_by {
            let key = self.bind(&item.expr, scope)?;
            range_key = Some(key.ty.clone());
            if key.constant.is_none() {
                order_by.extend(self.sort_exprs(key, item, scope)?);
            }
        }
        let frame = self.frame(spec.frame.as_ref(), &order_by, range_key.as_ref(), scope)?;
        Ok(Over { partition_by, order_by, frame })
    }

    fn named_window(&self, name: &str, scope: &Scope<'_>) -> Result<WindowSpec> {
        let Some(spec) = scope.windows.get(name) else {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, format!("window \"{name}\" is not defined")));
        };
        self.with_base(spec, scope, 0)
    }

    /// The window with what it takes from the one that it extends.
    fn with_base(&self, spec: &WindowSpec, scope: &Scope<'_>, depth: usize) -> Result<WindowSpec> {
        let mut spec = spec.clone();
        let Some(base) = spec.base.take() else { return Ok(spec) };
        let name = self.ident(&base)?;
        let known = scope.windows.get(&name).filter(|_| depth <= scope.windows.len());
        let Some(base) = known else {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, format!("window \"{name}\" is not defined")));
        };
        let base = self.with_base(base, scope, depth + 1)?;
        if !spec.partition_by.is_empty() || (!spec.order_by.is_empty() && !base.order_by.is_empty()) {
            return Err(Error::refused(
                ErrorCode::BAD_ARGUMENTS,
                format!("a window that extends \"{name}\" cannot have a PARTITION BY or another ORDER BY"),
            ));
        }
        spec.partition_by = base.partition_by;
        if spec.order_by.is_empty() {
            spec.order_by = base.order_by;
        }
        Ok(spec)
    }

    fn frame(
        &self,
        frame: Option<&Frame>,
        order_by: &[SortExpr],
        range_key: Option<&DataType>,
        scope: &Scope<'_>,
    ) -> Result<WindowFrame> {
        let Some(frame) = frame else {
            if order_by.is_empty() {
                return Ok(whole_partition());
            }
            return Ok(WindowFrame::new_bounds(
                WindowFrameUnits::Range,
                WindowFrameBound::Preceding(ScalarValue::Null),
                WindowFrameBound::CurrentRow,
            ));
        };
        let units = match frame.unit {
            FrameUnit::Rows => WindowFrameUnits::Rows,
            FrameUnit::Range => WindowFrameUnits::Range,
            FrameUnit::Groups => WindowFrameUnits::Groups,
        };
        if units == WindowFrameUnits::Range && order_by.is_empty() {
            return Ok(whole_partition());
        }
        let start = self.frame_bound(&frame.start, units, order_by, range_key, scope)?;
        let end = self.frame_bound(&frame.end, units, order_by, range_key, scope)?;
        Ok(WindowFrame::new_bounds(units, start, end))
    }

    fn frame_bound(
        &self,
        bound: &FrameBound,
        units: WindowFrameUnits,
        order_by: &[SortExpr],
        range_key: Option<&DataType>,
        scope: &Scope<'_>,
    ) -> Result<WindowFrameBound> {
        let offset = |expr: &sql::Expr| -> Result<ScalarValue> {
            let typed = self.bind(expr, scope)?;
            let rows = constant_u64(&typed, "the offset of a window frame")
                .map_err(|error| Error::refused(ErrorCode::BAD_ARGUMENTS, error.to_string()))?;
            if units != WindowFrameUnits::Range {
                return Ok(ScalarValue::UInt64(Some(rows)));
            }
            let (Some(ty), [_]) = (range_key, order_by) else {
                return not_supported("a RANGE frame with an offset over several ORDER BY columns");
            };
            range_offset(ty.base(), rows)
        };
        let unbounded = if units == WindowFrameUnits::Range { ScalarValue::Null } else { ScalarValue::UInt64(None) };
        Ok(match bound {
            FrameBound::UnboundedPreceding => WindowFrameBound::Preceding(unbounded),
            FrameBound::UnboundedFollowing => WindowFrameBound::Following(unbounded),
            FrameBound::CurrentRow => WindowFrameBound::CurrentRow,
            FrameBound::Preceding(expr) => WindowFrameBound::Preceding(offset(expr)?),
            FrameBound::Following(expr) => WindowFrameBound::Following(offset(expr)?),
        })
    }
}

/// The offset of a RANGE frame in the type of its ORDER BY column.
fn range_offset(ty: &DataType, offset: u64) -> Result<ScalarValue> {
    let plain =
        ty.is_integer() || ty.is_float() || matches!(ty, DataType::Date | DataType::Date32 | DataType::DateTime(_));
    let wide = matches!(ty.arrow_type(), ArrowType::FixedSizeBinary(_));
    if !plain || wide {
        return not_supported(format!("a RANGE frame with an offset over a column of type {ty}"));
    }
    Ok(ScalarValue::UInt64(Some(offset)).cast_to(&ty.arrow_type())?)
}

fn whole_partition() -> WindowFrame {
    WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::Following(ScalarValue::UInt64(None)),
    )
}

/// True when a window function stands anywhere in `expr`.
pub(crate) fn contains_window(expr: &Expr) -> bool {
    expr.exists(|node| Ok(matches!(node, Expr::WindowFunction(_)))).unwrap_or(true)
}
