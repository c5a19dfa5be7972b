//! NULL in gives NULL out: running a kernel under its definition's [`Nulls`] policy.

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array, make_array, new_null_array};
use arrow::buffer::NullBuffer;

use crate::error::Result;
use crate::frame::{Body, Call, Nulls, Operand};

/// Runs `body`'s kernel so that it meets NULLs only as its policy says.
pub(crate) fn run_by_policy(body: &Body, args: &[Operand], call: &Call) -> Result<ArrayRef> {
    if body.nulls == Nulls::Seen {
        return body.kernel.run(args, call);
    }
    match null_rows(args, &body.nullable, call.rows) {
        Rows::NoRow => body.kernel.run(args, call),
        Rows::EveryRow => Ok(nulls_of(body, call.rows)),
        Rows::These(nulls) if body.nulls == Nulls::Mask => {
            let array = body.kernel.run(args, call)?;
            Ok(with_nulls(body, array, &nulls))
        }
        Rows::These(nulls) => run_on_valid(body, args, call, &nulls),
    }
}

enum Rows {
    NoRow,
    EveryRow,
    These(NullBuffer),
}

/// Which rows have a NULL in any nullable argument.
fn null_rows(args: &[Operand], nullable: &[bool], rows: usize) -> Rows {
    let mut union: Option<NullBuffer> = None;
    for (arg, _) in args.iter().zip(nullable).filter(|(_, nullable)| **nullable) {
        let Some(nulls) = arg.array().logical_nulls().filter(|nulls| nulls.null_count() > 0) else { continue };
        if arg.is_constant() || nulls.null_count() == rows {
            return Rows::EveryRow;
        }
        union = NullBuffer::union(union.as_ref(), Some(&nulls));
    }
    match union {
        None => Rows::NoRow,
        Some(nulls) if nulls.null_count() == rows => Rows::EveryRow,
        Some(nulls) => Rows::These(nulls),
    }
}

/// All rows NULL; where the result type has no NULL, its default.
fn nulls_of(body: &Body, rows: usize) -> ArrayRef {
    if body.result.is_nullable() {
        new_null_array(&body.result.arrow_type(), rows)
    } else {
        body.result.default_array(rows)
    }
}

/// Puts NULLs over what the kernel gave.
fn with_nulls(body: &Body, array: ArrayRef, nulls: &NullBuffer) -> ArrayRef {
    if !body.result.is_nullable() || array.data_type().is_null() {
        return array;
    }
    let nulls = NullBuffer::union(Some(nulls), array.nulls());
    make_array(
        array
            .to_data()
            .into_builder()
            .nulls(nulls)
            .build()
            .expect("only validity changes, and it has as many rows as the array"),
    )
}

/// Runs the kernel on the rows without NULL and spreads its result over all rows.
fn run_on_valid(body: &Body, args: &[Operand], call: &Call, nulls: &NullBuffer) -> Result<ArrayRef> {
    let valid = BooleanArray::new(nulls.inner().clone(), None);
    let args = args
        .iter()
        .map(|arg| match arg {
            Operand::Constant(array) => Ok(Operand::Constant(array.clone())),
            Operand::Full(array) => Ok(Operand::Full(arrow::compute::filter(array, &valid)?)),
        })
        .collect::<Result<Vec<_>>>()?;
    let rows = call.rows - nulls.null_count();
    let array = body.kernel.run(&args, &Call { rows, time: call.time.clone() })?;
    spread(body, &array, nulls)
}

/// `array`'s rows at the valid places, NULL (or the default) at the others.
fn spread(body: &Body, array: &ArrayRef, nulls: &NullBuffer) -> Result<ArrayRef> {
    let mut next = 0u32;
    let mut take_next = || {
        next += 1;
        next - 1
    };
    if body.result.is_nullable() {
        let indices: UInt32Array = nulls.iter().map(|valid| valid.then(&mut take_next)).collect();
        return Ok(arrow::compute::take(array, &indices, None)?);
    }
    let default = body.result.default_array(1);
    let with_default = arrow::compute::concat(&[array.as_ref(), default.as_ref()])?;
    let last = array.len() as u32;
    let indices: UInt32Array =
        nulls.iter().map(|valid| if valid { take_next() } else { last }).collect::<Vec<_>>().into();
    Ok(arrow::compute::take(&with_default, &indices, None)?)
}
