//! From a name and argument types to a function: the default rules for NULL, LowCardinality and
//! SimpleAggregateFunction around a definition's resolver.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use datafusion::logical_expr::{ScalarUDF, Volatility};
use types::DataType;

use crate::bound::BoundUdf;
use crate::error::Result;
use crate::frame::{Arg, Body, Definition, Function, FunctionContext, Nulls, Operand, Resolved};
use crate::registry;
use crate::request::Request;

/// The function that `name(args)` calls. Unknown names, wrong counts and types are refused by name.
pub fn resolve(name: &str, args: &[Arg], context: &FunctionContext) -> Result<Function> {
    let definition = registry::definition(name)?;
    resolve_definition(definition, args, context)
}

/// As [`resolve`], for a definition that is at hand.
pub(crate) fn resolve_definition(
    definition: &'static Definition,
    args: &[Arg],
    context: &FunctionContext,
) -> Result<Function> {
    let seen: Vec<Arg> = args.iter().map(|arg| without_wrappers(definition, arg)).collect();
    let skips = definition.nulls != Nulls::Seen;
    let resolved = if skips && seen.iter().any(|arg| only_null(&arg.ty)) {
        null_for_null()
    } else {
        let plain: Cow<'_, [Arg]> =
            if skips { Cow::Owned(seen.iter().map(without_nullable).collect()) } else { Cow::Borrowed(&seen) };
        let name = definition.alias_to.unwrap_or(definition.name);
        (definition.resolver)(&Request { name, args: &plain, context })?
    };
    let nullable: Vec<bool> = seen.iter().map(|arg| skips && arg.ty.is_nullable()).collect();
    let mut result = resolved.result.clone();
    if nullable.contains(&true) {
        result = result.to_nullable();
    }
    if !definition.sees_low_cardinality {
        result = with_low_cardinality(args, result);
    }
    let name = definition.alias_to.unwrap_or(definition.name);
    let body = Body { name, kernel: resolved.kernel, nulls: definition.nulls, nullable, result };
    Ok(function(body, args, context, definition.volatility, 0))
}

/// A function around a kernel that no definition names: lambdas' callers, casts. It sees NULLs and LowCardinality.
///
/// `identity` tells apart kernels that carry more than `args` say; equal numbers claim equal behaviour.
pub fn function_of(
    name: &'static str,
    resolved: Resolved,
    args: &[Arg],
    context: &FunctionContext,
    identity: u64,
) -> Function {
    unlisted(name, resolved, args, context, Volatility::Immutable, identity)
}

/// As [`function_of`], for a kernel that looks something up which may be another the next time: never folded into a plan
/// that is kept.
pub fn lookup_of(
    name: &'static str,
    resolved: Resolved,
    args: &[Arg],
    context: &FunctionContext,
    identity: u64,
) -> Function {
    unlisted(name, resolved, args, context, Volatility::Stable, identity)
}

fn unlisted(
    name: &'static str,
    resolved: Resolved,
    args: &[Arg],
    context: &FunctionContext,
    volatility: Volatility,
    identity: u64,
) -> Function {
    let body = Body {
        name,
        kernel: resolved.kernel,
        nulls: Nulls::Seen,
        nullable: vec![false; args.len()],
        result: resolved.result,
    };
    function(body, args, context, volatility, identity)
}

fn function(body: Body, args: &[Arg], context: &FunctionContext, volatility: Volatility, identity: u64) -> Function {
    let body = Arc::new(body);
    let udf = BoundUdf::new(body.clone(), args, context, volatility).with_identity(identity);
    Function {
        name: body.name,
        result: body.result.clone(),
        udf: Arc::new(ScalarUDF::new_from_impl(udf)),
        deterministic: volatility == Volatility::Immutable,
        body,
    }
}

/// NULL for the untyped NULL, whatever the function.
fn null_for_null() -> Resolved {
    Resolved::new(DataType::nullable(DataType::Nothing), |_: &[Operand], call| {
        Ok(new_null_array(&DataType::Nothing.arrow_type(), call.rows))
    })
}

fn only_null(ty: &DataType) -> bool {
    matches!(ty, DataType::Nullable(inner) if **inner == DataType::Nothing)
}

/// Without SimpleAggregateFunction, and without LowCardinality unless the function wants to see it.
fn without_wrappers(definition: &Definition, arg: &Arg) -> Arg {
    let mut ty = arg.ty.clone();
    // only the function that names types sees this one
    if definition.name != "toTypeName"
        && let DataType::SimpleAggregateFunction(signature) = &ty
        && let Some(inner) = signature.args.first()
    {
        ty = inner.clone();
    }
    if !definition.sees_low_cardinality {
        ty = ty.without_low_cardinality();
    }
    Arg { ty, constant: arg.constant.clone() }
}

/// Without Nullable; a NULL constant becomes the default value (the frame answers NULL before a kernel sees it).
fn without_nullable(arg: &Arg) -> Arg {
    let ty = arg.ty.remove_nullable();
    let constant = arg.constant.as_ref().map(|value| value_or_default(value, &ty));
    Arg { ty, constant }
}

fn value_or_default(value: &ArrayRef, ty: &DataType) -> ArrayRef {
    if value.is_null(0) { ty.default_array(1) } else { value.clone() }
}

/// LowCardinality survives functions of at most one LowCardinality column and constants, when the result can be inside it.
fn with_low_cardinality(args: &[Arg], result: DataType) -> DataType {
    let is_low = |arg: &&Arg| matches!(arg.ty, DataType::LowCardinality(_));
    let columns = args.iter().filter(|arg| arg.constant.is_none());
    let (low, ordinary): (Vec<&Arg>, Vec<&Arg>) = columns.partition(|arg| is_low(arg));
    if args.iter().any(|arg| is_low(&arg))
        && low.len() <= 1
        && ordinary.is_empty()
        && result.can_be_inside_low_cardinality()
    {
        DataType::LowCardinality(Arc::new(result))
    } else {
        result
    }
}
