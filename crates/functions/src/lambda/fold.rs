//! `arrayFold((acc, x, …) -> …, arrays…, start)`: one run of the body a position, over all rows that still have one.

use arrow::array::{Array, ArrayRef, UInt32Array};

use super::{Lambda, equal_lists};
use crate::error::{Error, Result};
use crate::frame::{Arg, Call, Operand, Resolved};

pub(super) const NAME: &str = "arrayFold";

/// Chooses the result type, which is the accumulator's, and the kernel.
pub(super) fn resolve(lambda: Lambda, args: &[Arg]) -> Result<Resolved> {
    let accumulator = args.last().map(|arg| arg.ty.clone()).unwrap_or(types::DataType::Nothing);
    if *lambda.body.result() != accumulator {
        return Err(Error::AccumulatorType {
            lambda: lambda.body.result().to_string(),
            accumulator: accumulator.to_string(),
        });
    }
    Ok(Resolved::new(accumulator, move |operands: &[Operand], call: &Call| fold(&lambda, operands, call)))
}

fn fold(lambda: &Lambda, operands: &[Operand], call: &Call) -> Result<ArrayRef> {
    let (captured, operands) = operands.split_at(lambda.captured.len());
    let captured = captured.iter().map(|operand| operand.expand(call.rows)).collect::<Result<Vec<_>>>()?;
    let (start, arrays) = operands.split_last().ok_or_else(|| super::no_arrays(NAME))?;
    let lists = equal_lists(NAME, arrays, call.rows)?;
    let mut accumulator = start.expand(call.rows)?;
    let longest = lists[0].ranges().map(|range| range.len()).max().unwrap_or(0);
    for position in 0..longest {
        let (rows, elements): (Vec<u32>, Vec<u32>) = lists[0]
            .ranges()
            .enumerate()
            .filter(|(_, range)| position < range.len())
            .map(|(row, range)| (row as u32, (range.start + position) as u32))
            .unzip();
        let (rows, elements) = (UInt32Array::from(rows), UInt32Array::from(elements));
        let mut parameters = vec![arrow::compute::take(&accumulator, &rows, None)?];
        for list in &lists {
            parameters.push(arrow::compute::take(&list.elements, &elements, None)?);
        }
        let stepped = lambda.eval(&captured, &rows, &parameters, call)?;
        accumulator = if rows.len() == call.rows { stepped } else { replaced(&accumulator, &stepped, &rows)? };
    }
    Ok(accumulator)
}

/// `accumulator` with the values of `stepped` at `rows`, which ascend.
fn replaced(accumulator: &ArrayRef, stepped: &ArrayRef, rows: &UInt32Array) -> Result<ArrayRef> {
    let mut choice: Vec<(usize, usize)> = (0..accumulator.len()).map(|row| (0, row)).collect();
    for (i, row) in rows.values().iter().enumerate() {
        choice[*row as usize] = (1, i);
    }
    Ok(arrow::compute::interleave(&[accumulator.as_ref(), stepped.as_ref()], &choice)?)
}
