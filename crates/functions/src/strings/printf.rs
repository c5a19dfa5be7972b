//! `printf`: values written as C's format strings say.

use arrow::array::AsArray;
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type, UInt64Type};
use types::DataType;

use super::shapes::bad;
use crate::columns::{Bytes, Texts};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[Definition::new("printf", printf)];

/// More columns than this are a mistake.
const WIDTH_MAX: usize = 65_536;

fn printf(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    if !request.ty(0).is_string() {
        return Err(request.wrong_type(0, "String"));
    }
    let types: Vec<DataType> = request.args.iter().skip(1).map(|arg| arg.ty.clone()).collect();
    let is_native =
        |ty: &DataType| ty.is_string() || ty.is_integer() || matches!(ty, DataType::Float32 | DataType::Float64);
    if let Some(at) = types.iter().position(|ty| !is_native(ty) || is_wide(ty)) {
        return Err(request.wrong_type(at + 1, "Native number or String"));
    }
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let formats = Bytes::of(&args[0])?;
        let values =
            args.iter().skip(1).zip(&types).map(|(arg, ty)| Column::of(arg, ty)).collect::<Result<Vec<_>>>()?;
        let mut result = Texts::with_capacity(call.rows, call.rows * 16);
        for row in 0..call.rows {
            let format = formats.get(row);
            let count = write(result.bytes(), format, &|at| values.get(at).map(|column| column.get(row)))
                .map_err(|wrong| bad(&name, format!("bad format {} in {}", wrong, String::from_utf8_lossy(format))))?;
            if count != values.len() {
                let expected = (count + 1).to_string();
                return Err(Error::ArgumentCount { function: name.clone(), expected, got: args.len() });
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}

fn is_wide(ty: &DataType) -> bool {
    matches!(ty, DataType::Int128 | DataType::Int256 | DataType::UInt128 | DataType::UInt256)
}

/// An argument of all rows.
enum Column<'a> {
    Signed(&'a Operand, arrow::array::Int64Array),
    Unsigned(&'a Operand, arrow::array::UInt64Array),
    Float(&'a Operand, arrow::array::Float64Array),
    Text(Bytes<'a>),
}

enum Value<'a> {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(&'a [u8]),
}

impl<'a> Column<'a> {
    fn of(operand: &'a Operand, ty: &DataType) -> Result<Column<'a>> {
        if ty.is_string() {
            return Ok(Column::Text(Bytes::of(operand)?));
        }
        let to = |to: ArrowType| arrow_cast(operand.array(), &to);
        Ok(match ty {
            DataType::Float32 | DataType::Float64 => {
                Column::Float(operand, to(ArrowType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
                Column::Unsigned(operand, to(ArrowType::UInt64)?.as_primitive::<UInt64Type>().clone())
            }
            _ => Column::Signed(operand, to(ArrowType::Int64)?.as_primitive::<Int64Type>().clone()),
        })
    }

    fn get(&self, row: usize) -> Value<'_> {
        match self {
            Column::Signed(operand, values) => Value::Signed(values.value(operand.index(row))),
            Column::Unsigned(operand, values) => Value::Unsigned(values.value(operand.index(row))),
            Column::Float(operand, values) => Value::Float(values.value(operand.index(row))),
            Column::Text(texts) => Value::Text(texts.get(row)),
        }
    }
}

/// `%[flags][width][.precision][length]conversion`.
#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    conversion: u8,
}

impl Spec {
    /// The specification after a `%`, and where it ends.
    fn parse(text: &[u8]) -> Option<(Spec, usize)> {
        let mut spec = Spec::default();
        let mut at = 0;
        loop {
            match text.get(at)? {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            at += 1;
        }
        let number = |at: &mut usize| {
            let digits = text.get(*at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(text.get(*at..*at + digits)?).ok()?.parse::<usize>().unwrap_or(0);
            *at += digits;
            (number <= WIDTH_MAX).then_some(number)
        };
        spec.width = number(&mut at)?;
        if text.get(at) == Some(&b'.') {
            at += 1;
            spec.precision = Some(number(&mut at)?);
        }
        at += text.get(at..)?.iter().take_while(|byte| b"hlLqjzt".contains(byte)).count();
        spec.conversion = *text.get(at)?;
        Some((spec, at + 1))
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    /// The text in its width; zeros go between prefix and body.
    fn pad(&self, out: &mut Vec<u8>, prefix: &str, body: &[u8], may_zero: bool) {
        let missing = self.width.saturating_sub(prefix.len() + body.len());
        let zeros = self.zero && may_zero && !self.left;
        if !self.left && !zeros {
            out.extend(std::iter::repeat_n(b' ', missing));
        }
        out.extend_from_slice(prefix.as_bytes());
        if zeros {
            out.extend(std::iter::repeat_n(b'0', missing));
        }
        out.extend_from_slice(body);
        if self.left {
            out.extend(std::iter::repeat_n(b' ', missing));
        }
    }

    fn integer(&self, out: &mut Vec<u8>, prefix: &str, digits: String) {
        let digits = match self.precision {
            Some(precision) => format!("{digits:0>precision$}"),
            None => digits,
        };
        self.pad(out, prefix, digits.as_bytes(), self.precision.is_none());
    }

    fn write(&self, out: &mut Vec<u8>, value: &Value<'_>) -> Option<()> {
        let bits = match value {
            Value::Signed(value) => Some(*value as u64),
            Value::Unsigned(value) => Some(*value),
            Value::Float(_) | Value::Text(_) => None,
        };
        match self.conversion {
            b'd' | b'i' => {
                let value = bits? as i64;
                self.integer(out, self.sign(value < 0), value.unsigned_abs().to_string());
            }
            b'u' => self.integer(out, "", bits?.to_string()),
            b'o' if self.alternate && bits? != 0 => self.integer(out, "", format!("0{:o}", bits?)),
            b'o' => self.integer(out, "", format!("{:o}", bits?)),
            b'x' => self.integer(out, if self.alternate && bits? != 0 { "0x" } else { "" }, format!("{:x}", bits?)),
            b'X' => self.integer(out, if self.alternate && bits? != 0 { "0X" } else { "" }, format!("{:X}", bits?)),
            b'c' => self.pad(out, "", &[bits? as u8], false),
            b's' => {
                let Value::Text(text) = value else { return None };
                let end = self.precision.map_or(text.len(), |precision| precision.min(text.len()));
                self.pad(out, "", &text[..end], false);
            }
            b'f' | b'F' | b'e' | b'E' | b'g' | b'G' => {
                let Value::Float(value) = value else { return None };
                let body = self.float(value.abs());
                let is_upper = self.conversion.is_ascii_uppercase();
                let body = if is_upper { body.to_ascii_uppercase() } else { body };
                self.pad(out, self.sign(value.is_sign_negative()), body.as_bytes(), value.is_finite());
            }
            _ => return None,
        }
        Some(())
    }

    fn float(&self, value: f64) -> String {
        if !value.is_finite() {
            return if value.is_nan() { "nan" } else { "inf" }.to_owned();
        }
        let precision = self.precision.unwrap_or(6);
        match self.conversion.to_ascii_lowercase() {
            b'f' => format!("{value:.precision$}"),
            b'e' => exponential(value, precision),
            _ => {
                let digits = precision.max(1);
                let shown = exponential(value, digits - 1);
                let exponent = shown.rsplit_once('e').and_then(|(_, exponent)| exponent.parse::<i64>().ok());
                let exponent = exponent.unwrap_or(0);
                let is_plain = (-4..digits as i64).contains(&exponent);
                let after = usize::try_from(digits as i64 - 1 - exponent).unwrap_or(0);
                let text = if is_plain { format!("{value:.after$}") } else { shown };
                if self.alternate { text } else { without_zeros(&text) }
            }
        }
    }
}

/// `d.ddde±xx`.
fn exponential(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Without the zeros at the end of the fraction.
fn without_zeros(text: &str) -> String {
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, format!("e{exponent}")),
        None => (text, String::new()),
    };
    match mantissa.contains('.') {
        true => format!("{}{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.')),
        false => text.to_owned(),
    }
}

/// Writes a row; how many values it took. The error is the specification that does not fit.
fn write<'v>(
    out: &mut Vec<u8>,
    format: &[u8],
    value: &dyn Fn(usize) -> Option<Value<'v>>,
) -> std::result::Result<usize, String> {
    let (mut at, mut count) = (0, 0);
    while let Some(byte) = format.get(at) {
        at += 1;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        if format.get(at) == Some(&b'%') {
            out.push(b'%');
            at += 1;
            continue;
        }
        let wrong = || String::from_utf8_lossy(format.get(at - 1..).unwrap_or_default()).into_owned();
        let (spec, len) = Spec::parse(format.get(at..).unwrap_or_default()).ok_or_else(wrong)?;
        // without a value the counts differ, and that is said
        if let Some(value) = value(count) {
            spec.write(out, &value).ok_or_else(wrong)?;
        }
        count += 1;
        at += len;
    }
    Ok(count)
}
