//! `toDecimalString`, `toStringCutToZero`, `toInterval(n, 'unit')`, `parseReadableSize`.

use arrow::array::{AsArray, UInt64Array};
use arrow::datatypes::Float64Type;
use types::{DataType, ErrorCode, IntervalUnit};

use std::sync::Arc;

use super::{Variant, bytes_of, digits_argument, variant_of};
use crate::cast::{CastMode, Rules, cast_resolved};
use crate::columns::Texts;
use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;

pub(crate) const MORE: &[Definition] = &[
    Definition::new("toDecimalString", to_decimal_string).any_case(),
    Definition::new("toStringCutToZero", cut_to_zero),
    Definition::new("toInterval", to_interval),
    Definition::new("parseReadableSize", parse_size),
    Definition::new("parseReadableSizeOrZero", parse_size),
    Definition::new("parseReadableSizeOrNull", parse_size),
];

/// A number with exactly that many digits after the point.
fn to_decimal_string(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let from = request.ty(0).clone();
    if !from.is_number() {
        return Err(request.wrong_type(0, "a number"));
    }
    if from.is_float() {
        let digits = usize::from(digits_argument(request, 1, 60)?);
        return Ok(Resolved::new(DataType::String, move |args, call| {
            let floats = arrow::compute::cast(&args[0].expand(call.rows)?, &arrow::datatypes::DataType::Float64)?;
            let mut texts = Texts::with_capacity(call.rows, call.rows * 16);
            for value in floats.as_primitive::<Float64Type>().values() {
                texts.push(format!("{value:.digits$}").as_bytes())?;
            }
            Ok(texts.finish())
        }));
    }
    let digits = digits_argument(request, 1, 77)?.min(76);
    // rounded, not cut, as ClickHouse does here
    let scale = crate::cast::scale_of(&from);
    Ok(Resolved::new(DataType::String, move |args, call| {
        let array = args[0].expand(call.rows)?;
        let numbers = if from == DataType::Bool {
            let bytes = arrow::compute::cast(&array, &arrow::datatypes::DataType::UInt8)?;
            crate::wide::integers(&bytes, &DataType::UInt8)?
        } else {
            crate::wide::integers(&array, &from)?
        };
        let mut texts = Texts::with_capacity(call.rows, call.rows * 16);
        for number in numbers {
            write_fixed(texts.bytes(), number.unwrap_or_default(), scale, digits);
            texts.end()?;
        }
        Ok(texts.finish())
    }))
}

/// `raw` of `scale` with `digits` after the point, half away from zero.
fn write_fixed(out: &mut Vec<u8>, raw: arrow::datatypes::i256, scale: u8, digits: u8) {
    use arrow::datatypes::i256;
    let (negative, magnitude) = (raw.is_negative(), raw.wrapping_abs());
    let cut = scale.saturating_sub(digits);
    let power = crate::cast::power_of_ten(cut).unwrap_or(i256::ONE);
    let (mut kept, rest) = (magnitude.wrapping_div(power), magnitude.wrapping_rem(power));
    if rest.wrapping_mul(i256::from_i128(2)) >= power && cut > 0 {
        kept = kept.wrapping_add(i256::ONE);
    }
    let shown = usize::from(scale - cut);
    let text = format!("{:0>width$}", kept.to_string(), width = shown + 1);
    let (whole, fraction) = text.split_at(text.len() - shown);
    if negative && kept != i256::ZERO {
        out.push(b'-');
    }
    out.extend_from_slice(whole.as_bytes());
    if digits > 0 {
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
        out.extend(std::iter::repeat_n(b'0', usize::from(digits) - shown));
    }
}

/// The text before the first zero byte.
fn cut_to_zero(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).is_string() {
        return Err(request.wrong_type(0, "String or FixedString"));
    }
    Ok(Resolved::new(DataType::String, |args, call| {
        let mut texts = Texts::with_capacity(call.rows, call.rows * 8);
        for row in 0..call.rows {
            let bytes = bytes_of(&args[0], row);
            texts.push(&bytes[..bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len())])?;
        }
        Ok(texts.finish())
    }))
}

fn to_interval(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let name = request.constant_text(1)?;
    let unit = IntervalUnit::parse(&name).ok_or_else(|| request.bad(format!("there is no unit \"{name}\"")))?;
    cast_resolved(request.ty(0), &DataType::Interval(unit), Rules::new(CastMode::Cast, request.context))
}

/// `1.5 MB`, `123 KiB` as bytes, rounded up.
fn parse_size(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).is_string() {
        return Err(request.wrong_type(0, "String"));
    }
    let (_, variant) = variant_of(request.name);
    let result = if variant == Variant::OrNull { DataType::nullable(DataType::UInt64) } else { DataType::UInt64 };
    let name = request.name.to_owned();
    Ok(Resolved::new(result, move |args, call| {
        let mut sizes = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let bytes = bytes_of(&args[0], row);
            sizes.push(match (size_of(bytes), variant) {
                (Ok(size), _) => Some(size),
                (Err(_), Variant::OrNull) => None,
                (Err(_), Variant::OrZero) => Some(0),
                (Err(code), Variant::Plain | Variant::OrDefault) => {
                    return Err(Error::Parse {
                        text: String::from_utf8_lossy(bytes).into_owned(),
                        ty: format!("a size in {name}"),
                        reason: format!("expected a number and a unit such as KiB (row {})", row + 1),
                        code,
                    });
                }
            });
        }
        let array = UInt64Array::from(sizes);
        debug_assert_eq!(array.len(), call.rows);
        Ok(Arc::new(array))
    }))
}

fn size_of(text: &[u8]) -> std::result::Result<u64, ErrorCode> {
    let text = std::str::from_utf8(text).map_err(|_| ErrorCode::CANNOT_PARSE_TEXT)?;
    if text.starts_with(char::is_whitespace) {
        return Err(ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| ErrorCode::CANNOT_PARSE_NUMBER)?;
    if !(0.0..=1e19).contains(&number) {
        return Err(ErrorCode::BAD_ARGUMENTS);
    }
    let factor: f64 = match unit.trim_start_matches(' ').to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        "tib" => 2f64.powi(40),
        "pib" => 2f64.powi(50),
        "eib" => 2f64.powi(60),
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "pb" => 1e15,
        "eb" => 1e18,
        _ => return Err(ErrorCode::CANNOT_PARSE_TEXT),
    };
    let size = (number * factor).ceil();
    if size < 18_446_744_073_709_551_616.0 { Ok(size as u64) } else { Err(ErrorCode::BAD_ARGUMENTS) }
}
