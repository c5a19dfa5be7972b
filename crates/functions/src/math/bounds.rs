//! `clamp`, `countDigits`, `isPrime`.

use std::sync::Arc;

use arrow::array::{AsArray, UInt8Array};
use arrow::datatypes::UInt64Type;
use types::DataType;

use crate::columns::Integers;
use crate::error::Result;
use crate::frame::{Arg, Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::resolve::resolve;

pub(crate) const BOUNDS: &[Definition] = &[
    Definition::new("clamp", clamp),
    Definition::new("countDigits", count_digits),
    Definition::new("isPrime", is_prime),
];

/// `clamp(value, least, greatest)`: of the common type, as `greatest` and `least` have it.
fn clamp(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=3)?;
    let [value, low, high] = request.args else { return Err(request.wrong_types()) };
    let raised = resolve("greatest", &[value.clone(), low.clone()], request.context)?;
    let lowered = resolve("least", &[Arg::column(raised.result.clone()), high.clone()], request.context)?;
    let crossed = resolve("greater", &[low.clone(), high.clone()], request.context)?;
    let wrong = request.bad("the minimum value cannot be greater than the maximum value");
    let wrong = wrong.to_string();
    let name = request.name.to_owned();
    Ok(Resolved::new(lowered.result.clone(), move |args: &[Operand], call: &Call| {
        let [value, low, high] = args else {
            return Err(crate::strings::shapes::bad(&name, "three arguments are expected"));
        };
        let is_crossed = crossed.run(&[low.clone(), high.clone()], call)?;
        if is_crossed.as_primitive_opt::<arrow::datatypes::UInt8Type>().is_some_and(|flags| flags.values().contains(&1))
        {
            return Err(crate::strings::shapes::bad(&name, wrong.clone()));
        }
        let raised = Operand::Full(raised.run(&[value.clone(), low.clone()], call)?);
        lowered.run(&[raised, high.clone()], call)
    }))
}

/// Decimal digits without sign; of a decimal, those of its underlying integer.
fn count_digits(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0);
    if !ty.is_integer() || ty.integer_width().is_none_or(|width| width > 8) {
        return Err(request.wrong_type(0, "an integer of up to 64 bits"));
    }
    let digits = |value: u64| value.checked_ilog10().map_or(1, |power| power as u8 + 1);
    if *ty == DataType::UInt64 {
        return Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
            let array = args[0].expand(call.rows)?;
            let values = array.as_primitive::<UInt64Type>().values().iter();
            Ok(Arc::new(UInt8Array::from_iter_values(values.map(|value| digits(*value)))))
        }));
    }
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let values = Integers::of(&args[0])?;
        Ok(Arc::new(UInt8Array::from_iter_values((0..call.rows).map(|row| digits(values.get(row).unsigned_abs())))))
    }))
}

fn is_prime(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).is_unsigned() || request.ty(0).integer_width().is_none_or(|width| width > 8) {
        return Err(request.wrong_type(0, "an unsigned integer of up to 64 bits"));
    }
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let array = arrow::compute::cast(&args[0].expand(call.rows)?, &arrow::datatypes::DataType::UInt64)?;
        let values = array.as_primitive::<UInt64Type>().values().iter();
        Ok(Arc::new(UInt8Array::from_iter_values(values.map(|value| u8::from(prime(*value))))))
    }))
}

/// Miller and Rabin's test with the bases that decide it for 64 bits.
fn prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 || BASES.iter().any(|base| n.is_multiple_of(*base)) {
        return BASES.contains(&n);
    }
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(n)) as u64;
    let twos = (n - 1).trailing_zeros();
    BASES.iter().all(|base| {
        let (mut power, mut square, mut exponent) = (1, *base, (n - 1) >> twos);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = times(power, square);
            }
            square = times(square, square);
            exponent >>= 1;
        }
        if power == 1 || power == n - 1 {
            return true;
        }
        (1..twos).any(|_| {
            power = times(power, power);
            power == n - 1
        })
    })
}
