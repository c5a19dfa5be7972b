//! `-State` gives states as the result, `-Merge` takes them as argument, `-SimpleState` gives results that merge.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use types::state::base_function;
use types::{AggregateSignature, DataType};

use super::Combined;
use crate::aggregate::{GroupedStates, Made, Rows, pass_on};
use crate::error::{Error, Result};
use crate::resolve::{canonical_name, is_simple};
use crate::rows::and_valid;

pub(super) fn resolve_state(call: &Combined<'_>) -> Result<Made> {
    let made = call.below(call.params, call.args)?;
    if made.result == DataType::nullable(DataType::Nothing) {
        return Ok(made); // states of nothing but NULL are NULL
    }
    let signature = match made.state {
        Some(state) => state,
        None => AggregateSignature {
            name: canonical_name(call.inner).into(),
            params: call.params.to_vec(),
            args: call.args.to_vec(),
            version: made.version,
        },
    };
    let result = DataType::AggregateFunction(Arc::new(signature.clone()));
    Ok(Made { result, factory: made.factory, state: Some(signature), version: None }.wrap(|inner| AsState { inner }))
}

/// The state is the result.
struct AsState {
    inner: Box<dyn GroupedStates>,
}

impl GroupedStates for AsState {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.inner.update(args, rows)
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        self.inner.state_column(n)
    }

    pass_on!(merge, state_column, forget, groups, grow, size_bytes);
}

pub(super) fn resolve_simple(call: &Combined<'_>) -> Result<Made> {
    let made = call.below(call.params, call.args)?;
    let name = canonical_name(call.inner);
    if !is_simple(&name) {
        return Err(Error::NotSimple(name));
    }
    let result = DataType::SimpleAggregateFunction(Arc::new(AggregateSignature {
        name: name.into(),
        params: call.params.to_vec(),
        args: vec![made.result.clone()],
        version: None,
    }));
    Ok(Made { result, ..made })
}

pub(super) fn resolve_merge(call: &Combined<'_>) -> Result<Made> {
    let [arg] = call.args else { return Err(call.argument_count("one state")) };
    let DataType::AggregateFunction(state) = arg else {
        return Err(call.argument_type(arg, "AggregateFunction(…)"));
    };
    let params = if call.params.is_empty() { &state.params } else { call.params };
    let made = call.below(params, &state.args)?;
    if !same_states(&canonical_name(call.inner), &state.name) {
        return Err(Error::OtherState { function: call.name.to_owned(), ty: arg.clone() });
    }
    let state = made.state.clone().unwrap_or_else(|| (**state).clone());
    Ok(Made { state: Some(state), version: None, ..made }.wrap(|inner| Merged { inner }))
}

/// True when functions of both names have the same states: all quantiles of one kind do, for any levels.
fn same_states(name: &str, other: &str) -> bool {
    let normal = |name: &str| {
        let name = canonical_name(name);
        match base_function(&name).and_then(|base| Some((base, base.strip_prefix("quantiles")?))) {
            Some((base, kind)) => name.replacen(base, &format!("quantile{kind}"), 1),
            None => name,
        }
    };
    normal(name) == normal(other)
}

/// Rows are states.
struct Merged {
    inner: Box<dyn GroupedStates>,
}

impl GroupedStates for Merged {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.merge(&args[0], rows)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        merge_present(self.inner.as_mut(), states, rows)
    }

    pass_on!(state_column, result_column, forget, groups, grow, size_bytes);
}

/// Merges the states that are not NULL.
pub(crate) fn merge_present(inner: &mut dyn GroupedStates, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
    match states.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => inner.merge(states, rows),
        nulls => {
            let filter = and_valid(rows.filter, nulls);
            inner.merge(states, Rows { filter: filter.as_ref(), ..rows })
        }
    }
}
