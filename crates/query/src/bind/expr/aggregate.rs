//! Aggregate functions: found, resolved for their argument types, and left inside the expression for the SELECT to take
//! out.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr};
use sql::ast::{ExprKind, Function, NullsTreatment};
use types::{DataType, ErrorCode, Setting, Value};

use super::literal::value_of;
use super::window::contains_window;
use crate::bind::binder::Binder;
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::error::{Error, Result};

/// A call of an aggregate function with its arguments.
pub(crate) struct AggregateCall {
    pub name: String,
    pub params: Vec<Value>,
    pub args: Vec<Typed>,
}

/// What an aggregate was resolved from.
#[derive(Clone, Debug)]
pub(crate) struct AggregateDescription {
    pub name: String,
    pub params: Vec<Value>,
    pub types: Vec<DataType>,
}

impl Binder<'_> {
    /// The call of an aggregate function as an expression, still to be taken out by the SELECT.
    pub(super) fn bind_aggregate(&self, name: &str, function: &Function, scope: &Scope<'_>) -> Result<Typed> {
        let call = self.aggregate_call(name, function, scope)?;
        for arg in &call.args {
            if contains_aggregate(&arg.expr) {
                return Err(Error::refused(
                    ErrorCode::ILLEGAL_AGGREGATION,
                    format!("aggregate function \"{name}\" has an aggregate function inside its arguments"),
                ));
            }
            if contains_window(&arg.expr) {
                return Err(Error::refused(
                    ErrorCode::ILLEGAL_AGGREGATION,
                    format!("aggregate function \"{name}\" has a window function inside its arguments"),
                ));
            }
        }
        let types: Vec<DataType> = call.args.iter().map(|arg| arg.ty.clone()).collect();
        let (udf, result) = resolve_aggregate(&call.name, &call.params, &types)?;
        let mut args: Vec<Expr> = call.args.into_iter().map(Typed::value).collect();
        if args.is_empty() {
            // DataFusion does not say how many rows there are when there is no column.
            args.push(datafusion::logical_expr::lit(1u8));
        }
        let aggregate = AggregateFunction::new_udf(udf, args, false, None, Vec::new(), None);
        let expr = Expr::AggregateFunction(aggregate);
        self.note_aggregate(&expr, AggregateDescription { name: call.name, params: call.params, types });
        Ok(Typed::new(expr, result))
    }

    /// Name, parameters and arguments of a call; `count(*)` has none.
    pub(super) fn aggregate_call(&self, name: &str, function: &Function, scope: &Scope<'_>) -> Result<AggregateCall> {
        let mut params = Vec::with_capacity(function.parameters.len());
        for parameter in &function.parameters {
            params.push(value_of(&self.bind(parameter, scope)?, "a parameter of an aggregate function").map_err(
                |error| {
                    Error::refused(ErrorCode::PARAMETERS_TO_AGGREGATE_FUNCTIONS_MUST_BE_LITERALS, error.to_string())
                },
            )?);
        }
        let counts_rows = matches!(function.arguments.as_slice(), [only] if is_bare_asterisk(only));
        let args = if counts_rows && name.to_ascii_lowercase().starts_with("count") {
            Vec::new()
        } else {
            self.bind_arguments(&function.arguments, scope)?
        };
        // The tree says countDistinct for count(DISTINCT …), which takes any number of arguments.
        let name = if name.eq_ignore_ascii_case("countDistinct") { "uniqExact" } else { name };
        let mut name = match function.nulls {
            Some(NullsTreatment::Respect) => format!("{name}_respect_nulls"),
            Some(NullsTreatment::Ignore) | None => name.to_owned(),
        };
        if scope.env.settings.flag(Setting::AggregateFunctionsNullForEmpty)
            && !name.to_ascii_lowercase().starts_with("count")
            && !["OrNull", "OrDefault", "State", "Merge"].iter().any(|suffix| name.ends_with(suffix))
        {
            name.push_str("OrNull");
        }
        Ok(AggregateCall { name, params, args })
    }
}

fn is_bare_asterisk(expr: &sql::Expr) -> bool {
    matches!(&expr.kind, ExprKind::Asterisk(asterisk) if asterisk.transformers.is_empty())
}

/// The function as DataFusion runs it, and the type of its results.
pub(crate) fn resolve_aggregate(
    name: &str,
    params: &[Value],
    args: &[DataType],
) -> Result<(Arc<AggregateUDF>, DataType)> {
    let resolved = functions::aggregates::resolve_udaf(name, params, args)?;
    Ok((resolved.udaf, resolved.result))
}

/// True when an aggregate function that is no window function stands anywhere in `expr`.
pub(crate) fn contains_aggregate(expr: &Expr) -> bool {
    expr.exists(|node| Ok(matches!(node, Expr::AggregateFunction(_)))).unwrap_or(true)
}
