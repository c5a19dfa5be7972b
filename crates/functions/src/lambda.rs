//! Higher-order functions: `arrayMap(x -> …, a)` and its family.
//!
//! The binder asks [`lambda_parameters`] for the types of the lambda's parameters, binds its body, and hands it to
//! [`higher_order`]. At run time the arrays are laid flat, captured columns are repeated along them, the body runs once
//! over all elements of a block, and a step in [`crate::arrays`] makes the result of it.
//!
//! ```text
//! captured columns ─ take by row of element ─┐
//! arrays ─ laid flat ────────────────────────┴─▶ body ─▶ one value an element (the key) ─▶ step ─▶ result
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use datafusion::common::DataFusionError;
use types::DataType;

use crate::arrays::steps::{self, Flat, Plan};
use crate::columns::Lists;
use crate::error::{Error, Result};
use crate::frame::{Arg, Call, Definition, Function, FunctionContext, Operand, Resolved};
use crate::registry;
use crate::request::Request;
use crate::resolve::function_of;

mod fold;

/// The body of a lambda, bound and compiled by whoever knows expressions.
pub trait LambdaBody: Send + Sync {
    /// The ClickHouse type of its value.
    fn result(&self) -> &DataType;

    /// Its value for `call.rows` rows: `columns` are the captured columns, then the parameters, each of `call.rows` rows.
    ///
    /// An [`Error`] of this crate travels as [`DataFusionError::External`].
    fn eval(&self, columns: &[ArrayRef], call: &Call) -> std::result::Result<ArrayRef, DataFusionError>;

    /// Equal numbers claim equal behaviour: a hash of the bound expression.
    fn identity(&self) -> u64;
}

/// A lambda as an argument.
#[derive(Clone)]
pub struct Lambda {
    /// The columns outside that the body names, in the order in which it wants them.
    pub captured: Vec<Arg>,
    /// How many parameters it has.
    pub parameters: usize,
    /// Its body.
    pub body: Arc<dyn LambdaBody>,
}

impl Lambda {
    /// Runs the body over elements: `captured` one value a row, `rows` the row of each element.
    fn eval(&self, captured: &[ArrayRef], rows: &dyn Array, parameters: &[ArrayRef], call: &Call) -> Result<ArrayRef> {
        let mut columns = Vec::with_capacity(captured.len() + parameters.len());
        for column in captured {
            columns.push(arrow::compute::take(column, rows, None)?);
        }
        columns.extend(parameters.iter().cloned());
        let value = self.body.eval(&columns, &Call { rows: rows.len(), time: call.time.clone() }).map_err(unwrapped)?;
        if value.len() != rows.len() {
            let reason = format!("a lambda gave {} values for {} elements", value.len(), rows.len());
            return Err(Error::Internal { function: "lambda".to_owned(), reason });
        }
        Ok(value)
    }
}

/// Our own error where DataFusion only carried it.
fn unwrapped(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::Lambda(DataFusionError::External(other)),
        },
        other => Error::Lambda(other),
    }
}

/// True for functions whose first argument may be a lambda.
pub fn takes_lambda(name: &str) -> bool {
    name == fold::NAME || steps::find(name).is_some()
}

/// The types of the parameters of a lambda with `count` parameters, which is the first argument of `name`; `args` are the
/// arguments after it.
pub fn lambda_parameters(name: &str, count: usize, args: &[Arg]) -> Result<Vec<DataType>> {
    let mut types = Vec::new();
    if name == fold::NAME {
        let (accumulator, arrays) = args.split_last().ok_or_else(|| no_arrays(name))?;
        types.push(accumulator.ty.clone());
        types.extend(element_types(name, arrays)?);
    } else {
        let arrays = args.get(leading(name)..).ok_or_else(|| no_arrays(name))?;
        types = element_types(name, arrays)?;
        // one array of tuples can be taken apart by a lambda of as many parameters
        if let ([DataType::Tuple(fields)], true) = (&types[..], count > 1)
            && fields.len() == count
        {
            types = fields.iter().map(|field| field.ty.clone()).collect();
        }
    }
    if types.len() != count {
        return Err(Error::ArgumentType {
            function: name.to_owned(),
            position: 1,
            ty: format!("a lambda of {count} parameters"),
            expected: format!("a lambda of {}", types.len()),
        });
    }
    Ok(types)
}

/// How many arguments stand between the lambda and the arrays.
fn leading(name: &str) -> usize {
    usize::from(steps::find(name).is_some_and(|step| step.has_limit()))
}

fn no_arrays(name: &str) -> Error {
    Error::ArgumentCount { function: name.to_owned(), expected: "at least 2".to_owned(), got: 1 }
}

/// The types of the elements of array (or map) arguments, without LowCardinality.
fn element_types(name: &str, args: &[Arg]) -> Result<Vec<DataType>> {
    if args.is_empty() {
        return Err(no_arrays(name));
    }
    let takes_map = name.starts_with("map");
    let mut types = Vec::with_capacity(args.len());
    for (i, arg) in args.iter().enumerate() {
        match &arg.ty {
            DataType::Array(inner) if !takes_map => types.push(inner.without_low_cardinality()),
            DataType::Map(entry) if takes_map => {
                types.extend([entry.0.without_low_cardinality(), entry.1.without_low_cardinality()]);
            }
            other => {
                return Err(Error::ArgumentType {
                    function: name.to_owned(),
                    position: i + 2,
                    ty: other.to_string(),
                    expected: if takes_map { "Map" } else { "Array" }.to_owned(),
                });
            }
        }
    }
    Ok(types)
}

/// Refuses a limit (argument number `position`) that is no integer, where there is one.
fn check_limit(name: &str, limit: Option<&Arg>, position: usize) -> Result<()> {
    let is_integer = |arg: &Arg| arg.ty.is_integer() && arg.ty.integer_width() <= Some(8);
    match limit {
        Some(limit) if leading(name) == 1 && !is_integer(limit) => Err(Error::ArgumentType {
            function: name.to_owned(),
            position,
            ty: limit.ty.to_string(),
            expected: "an integer of at most 64 bits".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The function `name(lambda, args…)`. Its arguments at run time are the captured columns, then `args`.
pub fn higher_order(name: &str, lambda: Lambda, args: &[Arg], context: &FunctionContext) -> Result<Function> {
    let parameters = lambda_parameters(name, lambda.parameters, args)?;
    check_limit(name, args.first(), 2)?;
    let own_name = registry::definition(name)?.name;
    let identity = lambda.body.identity();
    let mut all = lambda.captured.clone();
    all.extend_from_slice(args);
    let resolved =
        if name == fold::NAME { fold::resolve(lambda, args)? } else { with_lambda(name, lambda, parameters, args)? };
    Ok(function_of(own_name, resolved, &all, context, identity))
}

fn with_lambda(name: &str, lambda: Lambda, parameters: Vec<DataType>, args: &[Arg]) -> Result<Resolved> {
    let step = steps::find(name).ok_or_else(|| no_arrays(name))?;
    let arrays = &args[leading(name)..];
    let key = lambda.body.result().clone();
    let Plan { result, finish } = steps::plan(step, name, &arrays[0].ty, &key)?;
    let untuple = arrays.len() == 1 && parameters.len() > 1 && !matches!(arrays[0].ty, DataType::Map(_));
    let (limited, name) = (step.has_limit(), name.to_owned());
    Ok(Resolved::new(result, move |operands: &[Operand], call: &Call| {
        let (captured, operands) = operands.split_at(lambda.captured.len());
        let (limit, operands) = operands.split_at(usize::from(limited));
        let lists = equal_lists(&name, operands, call.rows)?;
        let captured = captured.iter().map(|operand| operand.expand(call.rows)).collect::<Result<Vec<_>>>()?;
        let taken_apart = untuple
            || matches!(lists[0].elements.data_type(), arrow::datatypes::DataType::Struct(_))
                && name.starts_with("map");
        let parameters = if taken_apart {
            steps::fields(&lists[0].elements)?
        } else {
            lists.iter().map(|list| list.elements.clone()).collect()
        };
        let rows = lists[0].row_of_elements();
        let key = lambda.eval(&captured, &rows, &parameters, call)?;
        finish(Flat { lists: lists[0].clone(), key, limit: limit.first().cloned() })
    }))
}

/// The arrays laid flat; an error when a row has two of different lengths.
fn equal_lists(name: &str, operands: &[Operand], rows: usize) -> Result<Vec<Lists>> {
    let lists = operands.iter().map(|operand| Lists::of(operand, rows)).collect::<Result<Vec<_>>>()?;
    for other in &lists[1..] {
        if other.offsets != lists[0].offsets {
            return Err(Error::ArrayLengths(name.to_owned()));
        }
    }
    Ok(lists)
}

/// The call without a lambda: the array's elements are their own key.
fn without_lambda(request: &Request<'_>) -> Result<Resolved> {
    let step = steps::find(request.name).ok_or_else(|| request.wrong_type(0, "a lambda"))?;
    let limited = usize::from(step.has_limit());
    if !step.works_alone() && request.args.len() < 2 {
        return Err(no_arrays(request.name));
    }
    request.arity(limited + 1..=limited + 1)?;
    check_limit(request.name, request.args.first(), 1)?;
    let ty = request.ty(limited);
    let key = match ty {
        DataType::Array(inner) if step.takes_elements(inner) => inner.without_low_cardinality(),
        DataType::Map(entry) if step.works_alone() => DataType::tuple([entry.0.clone(), entry.1.clone()]),
        _ => return Err(request.wrong_type(0, if step.works_alone() { "Array" } else { "a lambda" })),
    };
    let is_map = matches!(ty, DataType::Map(_));
    if is_map != request.name.starts_with("map") {
        return Err(request.wrong_type(limited, if is_map { "Array" } else { "Map" }));
    }
    let Plan { result, finish } = steps::plan(step, request.name, ty, &key)?;
    Ok(Resolved::new(result, move |operands: &[Operand], call: &Call| {
        let (limit, arrays) = operands.split_at(limited);
        let lists = Lists::of(&arrays[0], call.rows)?;
        let key = if is_map { steps::as_tuples(&lists.elements)? } else { lists.elements.clone() };
        finish(Flat { lists, key, limit: limit.first().cloned() })
    }))
}

const fn row(name: &'static str) -> Definition {
    Definition::new(name, without_lambda).sees_nulls()
}

/// The functions that take lambdas.
pub(crate) const DEFINITIONS: &[Definition] = &[
    row("arrayMap"),
    row("arrayFilter"),
    row("arrayCount"),
    row("arrayExists"),
    row("arrayAll"),
    row("arraySum"),
    row("arrayAvg"),
    row("arrayMin"),
    row("arrayMax"),
    row("arrayProduct"),
    row("arrayFirst"),
    row("arrayFirstOrNull"),
    row("arrayLast"),
    row("arrayLastOrNull"),
    row("arrayFirstIndex"),
    row("arrayLastIndex"),
    row("arraySort"),
    row("arrayReverseSort"),
    row("arrayPartialSort"),
    row("arrayPartialReverseSort"),
    row("arrayCumSum"),
    row("arrayCumSumNonNegative"),
    row("arrayDifference"),
    row("arrayCompact"),
    row("arrayFill"),
    row("arrayReverseFill"),
    row("arraySplit"),
    row("arrayReverseSplit"),
    row(fold::NAME),
    row("mapApply"),
    row("mapFilter"),
    row("mapExists"),
    row("mapAll"),
    row("mapSort"),
    row("mapReverseSort"),
    row("mapPartialSort"),
    row("mapPartialReverseSort"),
];
