//! `bitAnd`, `bitOr`, `bitXor`, `bitNot`, shifts, rotations, tests and counts of bits.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt8Array, UInt64Array};
use arrow::datatypes::i256;
use types::DataType;

use super::numbers::{Integers, plain};
use super::result_type::{self, traits};
use crate::cast::cast;
use crate::conversions::bytes_of;
use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;
use crate::wide;

pub(crate) const BITS: &[Definition] = &[
    Definition::new("bitAnd", pairwise),
    Definition::new("bitOr", pairwise),
    Definition::new("bitXor", pairwise),
    Definition::new("bitShiftLeft", pairwise),
    Definition::new("bitShiftRight", pairwise),
    Definition::new("bitRotateLeft", pairwise),
    Definition::new("bitRotateRight", pairwise),
    Definition::new("bitNot", bit_not),
    Definition::new("bitTest", bit_test),
    Definition::new("bitTestAll", bit_test),
    Definition::new("bitTestAny", bit_test),
    Definition::new("bitCount", bit_count),
    Definition::new("bitHammingDistance", hamming_distance),
];

/// Bits of an integer type; `None` for others.
fn width(ty: &DataType) -> Option<u32> {
    match ty {
        DataType::Bool => Some(8),
        other => other.integer_width().map(|bytes| bytes as u32 * 8),
    }
}

fn pairwise(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (left, right) = (request.ty(0).clone(), request.ty(1).clone());
    let (Some(a), Some(b)) = (traits(&left), traits(&right)) else { return Err(request.wrong_types()) };
    if a.float || b.float {
        return Err(request.wrong_types());
    }
    let result = match request.name {
        "bitAnd" | "bitOr" | "bitXor" => result_type::bits(a, b),
        _ => DataType::integer(a.signed, a.width.max(b.width)),
    };
    let bits = width(&result).unwrap_or(64);
    let (name, to) = (request.name.to_owned(), result.clone());
    Ok(Resolved::new(result, move |args, call| {
        let (x, y) = (Integers::of(&args[0], &left)?, Integers::of(&args[1], &right)?);
        let values = (0..call.rows)
            .map(|row| match (x.get(row), y.get(row)) {
                (Some(x), Some(y)) => combine(&name, x, y, bits, &to).map(Some),
                _ => Ok(None),
            })
            .collect::<Result<Vec<_>>>()?;
        narrow(values, &to)
    }))
}

/// A column of `to` from integers, each cut to its width.
fn narrow(values: Vec<Option<i256>>, to: &DataType) -> Result<ArrayRef> {
    let wide = wide::column(&DataType::Int256, values)?;
    cast(&wide, &DataType::Int256, &DataType::nullable(to.clone()), &plain())
}

fn combine(name: &str, x: i256, y: i256, bits: u32, to: &DataType) -> Result<i256> {
    let shift = || -> Result<u32> {
        if y.is_negative() {
            return Err(Error::OutOfBound { function: name.to_owned(), reason: "the shift is negative".to_owned() });
        }
        Ok(y.to_i128().map_or(u32::MAX, |shift| shift.min(i128::from(u32::MAX)) as u32))
    };
    Ok(match name {
        "bitAnd" => x & y,
        "bitOr" => x | y,
        "bitXor" => x ^ y,
        "bitShiftLeft" => match shift()? {
            shift if shift < bits => x << shift as u8,
            _ => i256::ZERO,
        },
        "bitShiftRight" => match shift()? {
            shift if shift >= bits => i256::ZERO,
            shift if *to == DataType::UInt256 => shift_right_unsigned(x, shift),
            shift => x >> shift as u8,
        },
        rotation => {
            let by = (shift()? % bits) as u8;
            let by = if rotation == "bitRotateRight" { (bits as u16 - u16::from(by)) as u32 % bits } else { by.into() };
            let unsigned = DataType::integer(false, bits as usize / 8);
            let x = wide::wrap_to(&unsigned, x);
            if by == 0 { x } else { (x << by as u8) | shift_right_unsigned(x, bits - by) }
        }
    })
}

fn shift_right_unsigned(x: i256, shift: u32) -> i256 {
    if shift == 0 {
        return x;
    }
    // the sign bit must not be copied
    let mask = (i256::ONE << (256 - shift) as u8).wrapping_sub(i256::ONE);
    (x >> shift as u8) & mask
}

fn bit_not(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    let Some(bits) = width(&from) else { return Err(request.wrong_type(0, "an integer")) };
    let to = DataType::integer(from.is_signed(), bits as usize / 8);
    Ok(Resolved::new(to.clone(), move |args, call| {
        let x = Integers::of(&args[0], &from)?;
        narrow((0..call.rows).map(|row| x.get(row).map(|x| x ^ i256::MINUS_ONE)).collect(), &to)
    }))
}

/// `bitTest(x, i)`, `bitTestAll(x, i, …)`, `bitTestAny(x, i, …)`.
fn bit_test(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=if request.name == "bitTest" { 2 } else { usize::MAX })?;
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    for (i, ty) in types.iter().enumerate() {
        if width(ty).is_none() {
            return Err(request.wrong_type(i, "an integer"));
        }
    }
    let bits = width(&types[0]).unwrap_or(64);
    let any = request.name == "bitTestAny";
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::UInt8, move |args, call| {
        let columns = args.iter().zip(&types).map(|(arg, ty)| Integers::of(arg, ty)).collect::<Result<Vec<_>>>()?;
        let mut values = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let number = columns[0].get(row).unwrap_or_default();
            let mut answer = !any;
            for column in &columns[1..] {
                let at = column.get(row).unwrap_or_default().to_i128().unwrap_or(-1);
                if !(0..i128::from(bits)).contains(&at) {
                    let reason = format!("the number has no bit {at}");
                    return Err(Error::OutOfBound { function: name.clone(), reason });
                }
                let set = (number >> at as u8) & i256::ONE != i256::ZERO;
                answer = if any { answer || set } else { answer && set };
            }
            values.push(u8::from(answer));
        }
        Ok(Arc::new(UInt8Array::from(values)))
    }))
}

/// Bits that are set, of a number, a float's representation or a string.
fn bit_count(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    if from.is_string() {
        return Ok(Resolved::new(DataType::UInt64, |args, call| {
            let count = |row| bytes_of(&args[0], row).iter().map(|b| u64::from(b.count_ones())).sum::<u64>();
            Ok(Arc::new(UInt64Array::from((0..call.rows).map(count).collect::<Vec<_>>())))
        }));
    }
    let Some(bits) = width(&from) else { return Err(request.wrong_type(0, "an integer or String")) };
    Ok(Resolved::new(DataType::UInt8, move |args, call| {
        let x = Integers::of(&args[0], &from)?;
        let count = |row| ones(x.get(row).unwrap_or_default(), bits);
        Ok(Arc::new(UInt8Array::from((0..call.rows).map(count).collect::<Vec<_>>())))
    }))
}

fn ones(value: i256, bits: u32) -> u8 {
    let (low, high) = wide::wrap_to(&DataType::integer(false, bits as usize / 8), value).to_parts();
    (low.count_ones() + high.count_ones()).min(255) as u8
}

fn hamming_distance(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let (left, right) = (request.ty(0).clone(), request.ty(1).clone());
    let (Some(a), Some(b)) = (width(&left), width(&right)) else { return Err(request.wrong_types()) };
    let bits = a.max(b);
    Ok(Resolved::new(DataType::UInt8, move |args, call| {
        let (x, y) = (Integers::of(&args[0], &left)?, Integers::of(&args[1], &right)?);
        let count = |row| ones(x.get(row).unwrap_or_default() ^ y.get(row).unwrap_or_default(), bits);
        Ok(Arc::new(UInt8Array::from((0..call.rows).map(count).collect::<Vec<_>>())))
    }))
}
