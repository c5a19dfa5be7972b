//! Numbers as people read them: `formatReadableSize`, `formatReadableQuantity`, `formatReadableTimeDelta`, `bar`.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use types::DataType;

use crate::arithmetic::numbers::to_carrier;
use crate::columns::Texts;
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

const SIZE: Definition = Definition::new("formatReadableSize", readable).masks_nulls();

pub(crate) const READABLE: &[Definition] = &[
    SIZE,
    SIZE.alias("FORMAT_BYTES").any_case(),
    Definition::new("formatReadableDecimalSize", readable).masks_nulls(),
    Definition::new("formatReadableQuantity", readable).masks_nulls(),
    Definition::new("formatReadableTimeDelta", time_delta).masks_nulls(),
    Definition::new("bar", bar),
];

const BINARY: [&str; 9] = [" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB", " ZiB", " YiB"];
const DECIMAL: [&str; 9] = [" B", " KB", " MB", " GB", " TB", " PB", " EB", " ZB", " YB"];
const QUANTITY: [&str; 9] = [
    "",
    " thousand",
    " million",
    " billion",
    " trillion",
    " quadrillion",
    " quintillion",
    " sextillion",
    " septillion",
];

fn readable(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let from = request.ty(0).clone();
    if !from.is_number() {
        return Err(request.wrong_type(0, "a number"));
    }
    let (base, units) = match request.name {
        "formatReadableSize" => (1024.0, &BINARY),
        "formatReadableDecimalSize" => (1000.0, &DECIMAL),
        _ => (1000.0, &QUANTITY),
    };
    Ok(texts(from, move |value, out| {
        let mut value = value;
        let mut unit = 0;
        while unit + 1 < units.len() && value.abs() >= base {
            value /= base;
            unit += 1;
        }
        out.extend_from_slice(format!("{value:.2}{}", units[unit]).as_bytes());
    }))
}

/// A function from floats to text.
fn texts(from: DataType, write: impl Fn(f64, &mut Vec<u8>) + Send + Sync + 'static) -> Resolved {
    Resolved::new(DataType::String, move |args, call| {
        let floats = to_carrier(&args[0], &from, &DataType::Float64)?.expand(call.rows)?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 12);
        for value in floats.as_primitive::<Float64Type>().values() {
            write(*value, texts.bytes());
            texts.end()?;
        }
        Ok(texts.finish())
    })
}

/// Units of durations, longest first, with their length in nanoseconds (a month has 30.5 days, as ClickHouse counts).
const UNITS: [(&str, i128); 9] = [
    ("year", 31_536_000_000_000_000),
    ("month", 2_635_200_000_000_000),
    ("day", 86_400_000_000_000),
    ("hour", 3_600_000_000_000),
    ("minute", 60_000_000_000),
    ("second", 1_000_000_000),
    ("millisecond", 1_000_000),
    ("microsecond", 1_000),
    ("nanosecond", 1),
];

/// `formatReadableTimeDelta(seconds[, longest unit[, shortest unit]])`.
fn time_delta(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=3)?;
    let from = request.ty(0).clone();
    if !from.is_number() {
        return Err(request.wrong_type(0, "a number"));
    }
    let unit = |i: usize, default: usize| -> Result<usize> {
        let Some(name) = request.optional_text(i)? else { return Ok(default) };
        UNITS
            .iter()
            .position(|(unit, _)| name.strip_suffix('s') == Some(unit))
            .ok_or_else(|| request.bad(format!("there is no unit \"{name}\"")))
    };
    let longest = unit(1, 0)?;
    let shortest = unit(2, longest.max(5))?;
    if longest > shortest {
        return Err(request.bad("the longest unit is shorter than the shortest"));
    }
    Ok(texts(from, move |value, out| write_delta(value, &UNITS[longest..=shortest], out)))
}

fn write_delta(value: f64, units: &[(&str, i128)], out: &mut Vec<u8>) {
    if !value.is_finite() {
        return types::text::write_f64(out, value);
    }
    if value < 0.0 {
        out.extend_from_slice(b"-");
    }
    let mut rest = (value.abs() * 1e9) as i128;
    let mut parts = Vec::new();
    for (i, (name, length)) in units.iter().enumerate() {
        let count = rest / length;
        rest %= length;
        if count > 0 || (i + 1 == units.len() && parts.is_empty()) {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    let text = match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    };
    out.extend_from_slice(text.as_bytes());
}

/// `bar(x, min, max[, width])`: a bar of eighths of a character.
fn bar(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=4)?;
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    if let Some(i) = types.iter().position(|ty| !ty.is_number()) {
        return Err(request.wrong_type(i, "a number"));
    }
    let width = if request.args.len() == 4 { request.constant_float(3)? } else { 80.0 };
    if !(1.0..=1000.0).contains(&width) {
        return Err(request.bad("the width of a bar is between 1 and 1000"));
    }
    Ok(Resolved::new(DataType::String, move |args, call| {
        let column = |i: usize| to_carrier(&args[i], &types[i], &DataType::Float64)?.expand(call.rows);
        let (x, low, high) = (column(0)?, column(1)?, column(2)?);
        let value = |array: &arrow::array::ArrayRef, row: usize| array.as_primitive::<Float64Type>().value(row);
        let mut texts = Texts::with_capacity(call.rows, call.rows * 40);
        for row in 0..call.rows {
            let (x, low, high) = (value(&x, row), value(&low, row), value(&high, row));
            let share = if low < high { ((x - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
            write_bar(texts.bytes(), share * width);
            texts.end()?;
        }
        Ok(texts.finish())
    }))
}

fn write_bar(out: &mut Vec<u8>, width: f64) {
    if width.is_nan() {
        return;
    }
    let eighths = (width * 8.0) as usize;
    for _ in 0..eighths / 8 {
        out.extend_from_slice("█".as_bytes());
    }
    out.extend_from_slice(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8].as_bytes());
}
