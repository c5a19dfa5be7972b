//! What merging parts needs: the states, or the simple values, of rows of equal key become one.

use arrow::array::ArrayRef;
use types::AggregateSignature;

use crate::aggregate::{Emit, Rows};
use crate::error::Result;
use crate::resolve::resolve_signature;

/// The merged states of each of `total` groups; `groups` says to which group (below `total`) each row of `states`
/// belongs. Order-dependent functions take rows in the order in which they stand.
pub fn merge_states(
    signature: &AggregateSignature,
    states: &ArrayRef,
    groups: &[usize],
    total: usize,
) -> Result<ArrayRef> {
    let mut merged = resolve_signature(signature)?.grouped();
    merged.grow(total);
    merged.merge(states, Rows::all(groups, total))?;
    merged.states(Emit::All)
}

/// As [`merge_states`] for a SimpleAggregateFunction column: the values of each group become one value.
pub fn merge_simple(
    signature: &AggregateSignature,
    values: &ArrayRef,
    groups: &[usize],
    total: usize,
) -> Result<ArrayRef> {
    let mut merged = resolve_signature(signature)?.grouped();
    merged.grow(total);
    merged.update(std::slice::from_ref(values), Rows::all(groups, total))?;
    merged.finish(Emit::All)
}

/// `rows` states of no rows each: what an unset state column holds.
pub fn empty_states(signature: &AggregateSignature, rows: usize) -> Result<ArrayRef> {
    resolve_signature(signature)?.empty_states(rows)
}
