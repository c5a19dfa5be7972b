//! From a name, parameters and argument types to an aggregate function.

use std::sync::Arc;

use types::error::nearest;
use types::state::names::{ALIASES, COMBINATORS, FUNCTIONS};
use types::state::{Split, ignores_nulls, split, takes_nulls};
use types::{AggregateSignature, DataType, TupleField, Value};

use crate::aggregate::{Aggregate, Made};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::extreme::Rule;
use crate::{
    arg_extreme, bitmap, collect, combinator, concat, count, delta, distinct, entropy, events, extreme, floats,
    group_array, insert_at, moving, moving_average, nulls, one_value, quantile, sum, sum_map, top_k,
};

/// Combinators nest at most this deep; longer names are no names anybody means.
const DEPTH_MAX: usize = 16;

/// The aggregate function `name(params…)(args…)`, combinators included.
///
/// Errors: [`Error::UnknownFunction`] with the nearest name, or what does not fit about arguments and parameters.
pub fn resolve(name: &str, params: &[Value], args: &[DataType]) -> Result<Aggregate> {
    let args: Vec<DataType> = args.iter().map(without_low_cardinality).collect();
    let made = resolve_made(name, params, &args, 0)?;
    let signature =
        AggregateSignature { name: canonical_name(name).into(), params: params.to_vec(), args, version: made.version };
    Ok(Aggregate::new(signature, made))
}

/// The aggregate function of a state column's type.
pub fn resolve_signature(signature: &AggregateSignature) -> Result<Aggregate> {
    resolve(&signature.name, &signature.params, &signature.args)
}

/// Checks a SimpleAggregateFunction type: its function's state must be its result, and its type the result's.
pub fn check_simple(signature: &AggregateSignature) -> Result<()> {
    let aggregate = resolve_signature(signature)?;
    if !is_simple(&aggregate.signature().name) {
        return Err(Error::NotSimple(signature.name.to_string()));
    }
    let stored = signature.args.first().map(without_low_cardinality).unwrap_or(DataType::Nothing);
    if aggregate.result_type() != stored {
        return Err(Error::SimpleType {
            function: signature.name.to_string(),
            ty: stored,
            result: aggregate.result_type(),
        });
    }
    Ok(())
}

/// True for functions that ClickHouse takes in SimpleAggregateFunction: merging their results is merging their states.
pub(crate) fn is_simple(name: &str) -> bool {
    matches!(
        name,
        "any"
            | "any_respect_nulls"
            | "anyLast"
            | "anyLast_respect_nulls"
            | "min"
            | "max"
            | "sum"
            | "sumWithOverflow"
            | "groupBitAnd"
            | "groupBitOr"
            | "groupBitXor"
            | "sumMap"
            | "minMap"
            | "maxMap"
            | "groupArrayArray"
            | "groupArrayLastArray"
            | "groupUniqArrayArray"
            | "groupUniqArrayArrayMap"
            | "sumMappedArrays"
            | "minMappedArrays"
            | "maxMappedArrays"
    )
}

/// `name` with aliases and other cases replaced by ClickHouse's own name.
pub(crate) fn canonical_name(name: &str) -> String {
    match split(name) {
        Some(Split::Function(function)) => function.to_owned(),
        Some(Split::Combined(inner, combinator)) => {
            let suffix = COMBINATORS.iter().find(|(_, c)| *c == combinator).map_or("", |(suffix, _)| suffix);
            canonical_name(inner) + suffix
        }
        None => name.to_owned(),
    }
}

pub(crate) fn resolve_made(name: &str, params: &[Value], args: &[DataType], depth: usize) -> Result<Made> {
    if depth > DEPTH_MAX {
        return Err(Error::Unsupported(format!(
            "aggregate function \"{name}\" with more than {DEPTH_MAX} combinators"
        )));
    }
    match split(name) {
        Some(Split::Function(function)) => resolve_nullable(&Call { function, params, args }),
        Some(Split::Combined(inner, combinator)) => {
            combinator::resolve(&combinator::Combined { name, inner, params, args, depth: depth + 1 }, combinator)
        }
        None => {
            let known = FUNCTIONS.iter().copied().chain(ALIASES.iter().map(|(alias, ..)| *alias));
            Err(Error::UnknownFunction { name: name.to_owned(), hint: nearest(name, known) })
        }
    }
}

/// NULLs in arguments skip their rows; a result of no rows at all is then NULL, where the type allows.
fn resolve_nullable(call: &Call<'_>) -> Result<Made> {
    if takes_nulls(call.function) || !call.args.iter().any(DataType::is_nullable) {
        return resolve_function(call);
    }
    if call.args.iter().any(|arg| *arg == DataType::nullable(DataType::Nothing)) {
        return nulls::resolve_nothing(call);
    }
    let args: Vec<DataType> = call.args.iter().map(DataType::remove_nullable).collect();
    let made = resolve_function(&Call { args: &args, ..*call })?;
    Ok(nulls::skip(made, call.args, !ignores_nulls(call.function)))
}

/// One arm a function, in the order of the module list.
fn resolve_function(call: &Call<'_>) -> Result<Made> {
    match call.function {
        "count" => count::resolve(call),
        "sum" => sum::resolve_sum(call),
        "sumWithOverflow" => sum::resolve_own(call),
        "avg" => sum::resolve_avg(call),
        "sumCount" => sum::resolve_sum_count(call),
        "min" => extreme::resolve(call, Rule::Min),
        "max" => extreme::resolve(call, Rule::Max),
        "any" => extreme::resolve(call, Rule::First),
        "anyLast" => extreme::resolve(call, Rule::Last),
        "any_respect_nulls" => extreme::resolve_with_nulls(call, Rule::First),
        "anyLast_respect_nulls" => extreme::resolve_with_nulls(call, Rule::Last),
        "groupBitAnd" | "groupBitOr" | "groupBitXor" => extreme::resolve_bits(call),
        "argMin" => arg_extreme::resolve(call, Rule::Min),
        "argMax" => arg_extreme::resolve(call, Rule::Max),
        "uniq" | "uniqExact" | "uniqCombined" | "uniqCombined64" | "uniqHLL12" | "uniqUpTo" => distinct::resolve(call),
        "groupArray" => group_array::resolve(call),
        "sumKahan" if call.args.iter().any(|arg| arg.base().is_decimal()) => sum::resolve_sum(call),
        "sumKahan" | "avgWeighted" | "simpleLinearRegression" | "boundingRatio" => floats::resolve(call),
        name if ["var", "stddev", "skew", "kurt", "covar", "corr"].iter().any(|family| name.starts_with(family)) => {
            floats::resolve(call)
        }
        name if name.starts_with("quantile") => quantile::resolve(call),
        "groupUniqArray" | "groupArraySorted" | "groupArrayLast" | "groupArraySample" => collect::resolve(call),
        "groupArrayInsertAt" => insert_at::resolve(call),
        "groupArrayMovingSum" | "groupArrayMovingAvg" => moving::resolve(call),
        "groupConcat" => concat::resolve(call),
        "groupBitmap" | "groupBitmapAnd" | "groupBitmapOr" | "groupBitmapXor" => bitmap::resolve(call),
        "topK" | "topKWeighted" => top_k::resolve(call),
        "sumMap" | "minMap" | "maxMap" | "sumMapWithOverflow" | "sumMapFiltered" => sum_map::resolve(call),
        "anyHeavy" => one_value::resolve_heavy(call),
        "singleValueOrNull" => one_value::resolve_single(call),
        "entropy" => entropy::resolve(call),
        "deltaSum" | "deltaSumTimestamp" => delta::resolve(call),
        "exponentialMovingAverage" => moving_average::resolve(call),
        "windowFunnel" => events::resolve_funnel(call),
        "retention" => events::resolve_retention(call),
        "sequenceMatch" | "sequenceCount" => events::resolve_sequence(call),
        other => Err(Error::Unsupported(format!("aggregate function \"{other}\""))),
    }
}

/// LowCardinality does not outlive aggregation, at any depth.
pub(crate) fn without_low_cardinality(ty: &DataType) -> DataType {
    match ty {
        DataType::LowCardinality(inner) => without_low_cardinality(inner),
        DataType::Nullable(inner) => DataType::nullable(without_low_cardinality(inner)),
        DataType::Array(inner) => DataType::array(without_low_cardinality(inner)),
        DataType::Map(entry) => {
            DataType::Map(Arc::new((without_low_cardinality(&entry.0), without_low_cardinality(&entry.1))))
        }
        DataType::Tuple(fields) => DataType::Tuple(
            fields
                .iter()
                .map(|field| TupleField { name: field.name.clone(), ty: without_low_cardinality(&field.ty) })
                .collect(),
        ),
        other => other.clone(),
    }
}
