//! `conv`: a number in one base written in another, as MySQL has it.
//!
//! What cannot be a digit ends the number; more than 64 bits are the greatest number; a negative one is its 64 bits.

use types::DataType;
use types::text::{Quoting, write_cell};

use super::shapes::bad;
use crate::columns::{Bytes, Integers, Texts};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[Definition::new("conv", conv)];

fn conv(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=3)?;
    let ty = request.ty(0).clone();
    if !ty.is_string() && !ty.is_number() {
        return Err(request.wrong_type(0, "String, FixedString or Number"));
    }
    if let Some(at) = [1, 2].into_iter().find(|at| !request.ty(*at).is_integer()) {
        return Err(request.wrong_type(at, "Integer"));
    }
    let (name, zone) = (request.name.to_owned(), request.context.zone);
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let (from, to) = (Integers::of(&args[1])?, Integers::of(&args[2])?);
        let texts = ty.is_string().then(|| Bytes::of(&args[0])).transpose()?;
        let mut result = Texts::with_capacity(call.rows, call.rows * 8);
        let mut written = Vec::new();
        for row in 0..call.rows {
            written.clear();
            let text = match &texts {
                Some(texts) => texts.get(row),
                None => {
                    write_cell(&mut written, &ty, args[0].array(), args[0].index(row), Quoting::Raw, zone);
                    written.as_slice()
                }
            };
            if text.is_empty() {
                return Err(bad(&name, "number for conversion is empty"));
            }
            let (from, to) = (base(&name, from.get(row))?, base(&name, to.get(row))?);
            write_number(result.bytes(), read_number(text, from), to);
            result.end()?;
        }
        Ok(result.finish())
    }))
}

fn base(name: &str, base: i64) -> std::result::Result<u32, Error> {
    match u32::try_from(base) {
        Ok(base @ 2..=36) => Ok(base),
        _ => Err(bad(name, "base is less than 2 or greater than 36 which is not supported")),
    }
}

fn read_number(text: &[u8], base: u32) -> u64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let mut digits = digits.iter().map_while(|byte| char::from(*byte).to_digit(base));
    let number = digits.try_fold(0_u64, |number, digit| number.checked_mul(base.into())?.checked_add(digit.into()));
    match number {
        Some(number) if negative => number.wrapping_neg(),
        Some(number) => number,
        None => u64::MAX,
    }
}

fn write_number(out: &mut Vec<u8>, mut number: u64, base: u32) {
    let start = out.len();
    loop {
        let digit = (number % u64::from(base)) as u8;
        out.push(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 });
        number /= u64::from(base);
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}
