//! `arraySort` and its relatives: stable, by the keys' order.

use arrow::array::{Array, UInt32Array};
use types::DataType;

use super::order;
use super::steps::{Flat, Plan};
use crate::error::Result;

/// Which end comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// Elements of `array` in the order of their keys. A partial sort places at least as many as its limit asks; the others
/// follow in their first order, as those that ClickHouse leaves unsorted have no order either.
pub(super) fn plan(array: DataType, _key: &DataType, direction: Direction) -> Result<Plan> {
    Ok(Plan::new(array, move |flat| {
        let positions = positions(&flat, direction)?;
        let sorted = arrow::compute::take(&flat.lists.elements, &positions, None)?;
        Ok(flat.lists.with_elements(sorted))
    }))
}

fn positions(flat: &Flat, direction: Direction) -> Result<UInt32Array> {
    let mut positions: Vec<u32> = (0..flat.key.len() as u32).collect();
    if flat.key.data_type().is_null() {
        return Ok(UInt32Array::from(positions));
    }
    let keys = order::sort_keys(&flat.key, direction == Direction::Descending)?;
    let limits = flat.limits()?;
    for (row, range) in flat.lists.ranges().enumerate() {
        let positions = &mut positions[range];
        match limits.as_ref().map(|limits| limits.get(row).max(0) as usize) {
            Some(limit) if limit < positions.len() => place_first(positions, limit, &keys),
            _ => positions.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize))),
        }
    }
    Ok(UInt32Array::from(positions))
}

/// The `limit` least in order, then the others as they stood.
fn place_first(positions: &mut [u32], limit: usize, keys: &arrow_row::Rows) {
    let mut sorted = positions.to_vec();
    sorted.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
    sorted[limit..].sort_unstable();
    positions.copy_from_slice(&sorted);
}
