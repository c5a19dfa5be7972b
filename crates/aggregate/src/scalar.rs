//! Aggregate functions outside of aggregation: over the rows, arrays and states of one column.

use arrow::array::{Array, ArrayRef};
use types::{AggregateSignature, DataType, Value};

use crate::aggregate::{Aggregate, Emit, Rows};
use crate::combinator::{Lists, merge_present};
use crate::error::{Error, Result};
use crate::resolve::{resolve, resolve_signature};

/// The function that a text such as `quantile(0.9)` or `sumState` names, over these argument types.
pub fn resolve_text(text: &str, args: &[DataType]) -> Result<Aggregate> {
    let (name, params) = parse_call(text)?;
    resolve(&name, &params, args)
}

/// Name and parameters out of a text.
fn parse_call(text: &str) -> Result<(String, Vec<Value>)> {
    let unknown = || Error::UnknownFunction { name: text.to_owned(), hint: String::new() };
    match DataType::parse(&format!("AggregateFunction({text})")) {
        Ok(DataType::AggregateFunction(signature)) if signature.args.is_empty() => {
            Ok((signature.name.to_string(), signature.params.clone()))
        }
        _ => Err(unknown()),
    }
}

/// `initializeAggregation`: the result of each row alone. `args` are as long as `rows`.
pub fn initialize(aggregate: &Aggregate, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let groups: Vec<usize> = (0..rows).collect();
    let mut states = aggregate.grouped();
    states.grow(rows);
    states.update(args, Rows::all(&groups, rows))?;
    states.finish(Emit::All)
}

/// `arrayReduce`: the result of the elements of each row's arrays, which must be of one length in a row.
/// `aggregate` is resolved for the element types.
pub fn array_reduce(aggregate: &Aggregate, lists: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let arrays = Lists::new(lists)?;
    let all: Vec<usize> = (0..rows).collect();
    let mut groups = Vec::new();
    for row in 0..rows {
        groups.extend(std::iter::repeat_n(row, arrays.length(row)?));
    }
    let mut states = aggregate.grouped();
    states.grow(rows);
    states.update(&arrays.flatten(&all)?, Rows::all(&groups, rows))?;
    states.finish(Emit::All)
}

/// The type of `finalizeAggregation` over states of `signature`.
pub fn finalized_type(signature: &AggregateSignature) -> Result<DataType> {
    Ok(resolve_signature(signature)?.result_type())
}

/// `finalizeAggregation`: the result of each state; a NULL state is that of no rows.
pub fn finalize(signature: &AggregateSignature, states: &ArrayRef) -> Result<ArrayRef> {
    let rows = states.len();
    let groups: Vec<usize> = (0..rows).collect();
    let mut merged = resolve_signature(signature)?.grouped();
    merged.grow(rows);
    merge_present(merged.as_mut(), states, Rows::all(&groups, rows))?;
    merged.finish(Emit::All)
}

/// `runningAccumulate`: for each row the result of all states up to it, beginning anew where `restart` says so.
pub fn running_accumulate(
    signature: &AggregateSignature,
    states: &ArrayRef,
    restart: impl Fn(usize) -> bool,
) -> Result<ArrayRef> {
    let aggregate = resolve_signature(signature)?;
    let mut running = aggregate.grouped();
    running.grow(1);
    let mut results = vec![aggregate.empty_results(0)?];
    for row in 0..states.len() {
        if restart(row) {
            running = aggregate.grouped();
            running.grow(1);
        }
        merge_present(running.as_mut(), &states.slice(row, 1), Rows::all(&[0], 1))?;
        results.push(running.result_column(1)?);
    }
    let results: Vec<&dyn Array> = results.iter().map(|array| array.as_ref()).collect();
    Ok(arrow::compute::concat(&results)?)
}
