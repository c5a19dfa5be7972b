//! The binder's one door to crate `functions`: calls resolved by name, casts, common types; constants are folded here.

use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;
use functions::cast::CastMode;
use functions::{Arg, Call, Function, FunctionContext, Operand, QueryTime};
use types::{DataType, ErrorCode, TupleField};

use super::binder::Binder;
use super::typed::{EXPRESSION_NODES_MAX, Typed, cast_arrow};
use crate::error::{Error, Result};

impl Binder<'_> {
    /// `name(args)` of a scalar function.
    pub(crate) fn scalar(&self, name: &str, args: Vec<Typed>, context: &FunctionContext) -> Result<Typed> {
        let resolved_args: Vec<Arg> = args.iter().map(as_arg).collect();
        let function = functions::resolve(name, &resolved_args, context)?;
        self.call_function(&function, args)
    }

    /// The call of a function that is resolved for `args`; its value when all of them are constant.
    pub(crate) fn call_function(&self, function: &Function, args: Vec<Typed>) -> Result<Typed> {
        if !function.deterministic {
            self.not_deterministic();
        }
        let size = args.iter().fold(1u32, |sum, arg| sum.saturating_add(arg.size));
        if size > EXPRESSION_NODES_MAX {
            return Err(Error::refused(
                ErrorCode::TOO_BIG_AST,
                format!("expression grows beyond {EXPRESSION_NODES_MAX} nodes by its aliases"),
            ));
        }
        if function.deterministic
            && let Some(folded) = fold(function, &args)
        {
            return folded;
        }
        let args = args.into_iter().map(Typed::value).collect();
        let expr = Expr::ScalarFunction(ScalarFunction::new_udf(function.udf.clone(), args));
        Ok(Typed { size, ..Typed::new(expr, function.result.clone()) })
    }

    /// `typed` as a value of type `to`; text is parsed, what does not fit is an error or wraps, as CAST does.
    pub(crate) fn cast(&self, typed: Typed, to: &DataType, context: &FunctionContext) -> Result<Typed> {
        if typed.ty == *to {
            return Ok(typed.into_value());
        }
        if typed.is_only_null() && to.is_nullable() {
            return Typed::null_of(to);
        }
        if same_values(&typed.ty, to) {
            let value = typed.into_value();
            return Ok(Typed { ty: to.clone(), ..value });
        }
        let arrow = to.arrow_type();
        if widens(typed.ty.base(), to.base()) && (to.is_nullable() || !typed.is_nullable()) && typed.constant.is_none()
        {
            let size = typed.size + 1;
            let expr = if typed.condition { typed.expr } else { typed.value() };
            return Ok(Typed { size, ..Typed::new(cast_arrow(expr, arrow), to.clone()) });
        }
        let function = functions::cast::cast_function(&typed.ty, to, CastMode::Cast, context)?;
        self.call_function(&function, vec![typed])
    }
}

/// What `functions` must know of an argument.
pub(crate) fn as_arg(typed: &Typed) -> Arg {
    Arg { ty: typed.ty.clone(), constant: typed.constant.clone() }
}

/// The type that can hold the values of all `types`; NO_COMMON_TYPE when there is none.
pub(crate) fn common_type(types: &[DataType]) -> Result<DataType> {
    match types {
        [only] => Ok(only.clone()),
        [first, rest @ ..] if rest.iter().all(|ty| ty == first) => Ok(first.clone()),
        _ => Ok(functions::common_type(types)?),
    }
}

/// The value of a call with constant arguments. None when an argument is not constant, or when it fails: then it fails
/// where it is reached, if it is.
fn fold(function: &Function, args: &[Typed]) -> Option<Result<Typed>> {
    let operands =
        args.iter().map(|arg| arg.constant.clone().map(Operand::Constant)).collect::<Option<Vec<Operand>>>()?;
    let call = Call { rows: 1, time: QueryTime::new(0, 0) };
    let value = function.run(&operands, &call).ok()?;
    Some(Typed::constant(value, function.result.clone()))
}

/// True when Arrow arrays of `from` are arrays of `to` as they are: only labels differ.
fn same_values(from: &DataType, to: &DataType) -> bool {
    if from.is_nullable() && !to.is_nullable() {
        return false;
    }
    same_shape(from.base(), to.base())
}

fn same_shape(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::DateTime(_), DataType::DateTime(_)) => true,
        (DataType::DateTime64 { precision: a, .. }, DataType::DateTime64 { precision: b, .. }) => a == b,
        (DataType::Array(a), DataType::Array(b)) => same_values(a, b),
        (DataType::Map(a), DataType::Map(b)) => same_values(&a.0, &b.0) && same_values(&a.1, &b.1),
        (DataType::Tuple(a), DataType::Tuple(b)) => same_fields(a, b),
        _ => from == to,
    }
}

/// Tuples of the same element types; names may only be added or dropped, not swapped.
fn same_fields(a: &Arc<[TupleField]>, b: &Arc<[TupleField]>) -> bool {
    let same_name = |a: &TupleField, b: &TupleField| a.name.is_none() || b.name.is_none() || a.name == b.name;
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_name(a, b) && same_values(&a.ty, &b.ty))
}

/// Casts that Arrow does exactly as ClickHouse and that lose nothing: integers and Float64.
fn widens(from: &DataType, to: &DataType) -> bool {
    let small = |ty: &DataType| ty.is_integer() && ty.integer_width().is_some_and(|width| width <= 8);
    if !small(from) {
        return *from == DataType::Float32 && *to == DataType::Float64;
    }
    if *to == DataType::Float64 {
        return true;
    }
    if !small(to) {
        return false;
    }
    let (from_width, to_width) = (from.integer_width().unwrap_or(8), to.integer_width().unwrap_or(0));
    match (from.is_signed(), to.is_signed()) {
        (false, true) => from_width < to_width,
        (true, false) => false,
        _ => from_width <= to_width,
    }
}

/// True for types whose order and equality in Arrow are those of ClickHouse, so that DataFusion's own operators do.
pub(crate) fn compares_natively(ty: &DataType) -> bool {
    !matches!(ty.arrow_type(), ArrowType::Float32 | ArrowType::Float64 | ArrowType::List(_) | ArrowType::Struct(_))
        && !matches!(ty, DataType::Nothing | DataType::FixedString(_))
}
