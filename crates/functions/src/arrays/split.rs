//! `arraySplit` and `arrayReverseSplit`: an array cut before, or behind, every element whose key is true.

use arrow::array::ArrayRef;

use super::steps::{End, Flat};
use crate::columns::Offsets;
use crate::error::Result;

/// Cuts before the elements with `End::First`, behind them with `End::Last`. No empty pieces.
pub(super) fn split(flat: &Flat, end: End) -> Result<ArrayRef> {
    let conditions = flat.conditions()?;
    let mut pieces = Offsets::with_capacity(flat.lists.len());
    let mut rows = Offsets::with_capacity(flat.lists.len());
    let mut count = 0;
    for range in flat.lists.ranges() {
        let (first, last) = (range.start, range.end);
        for at in range.skip(1) {
            let cut = match end {
                End::First => conditions.value(at),
                End::Last => conditions.value(at - 1),
            };
            if cut {
                pieces.end(at)?;
                count += 1;
            }
        }
        if first < last {
            pieces.end(last)?;
            count += 1;
        }
        rows.end(count)?;
    }
    Ok(rows.finish(pieces.finish(flat.lists.elements.clone())))
}
