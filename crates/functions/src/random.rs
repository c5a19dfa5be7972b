//! Random values and ids, all from the query's own seed ([`QueryTime`](crate::QueryTime)), so that a run can be repeated.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Float64Array, UInt32Array, UInt64Array};
use types::{DataType, ErrorCode};

use crate::arrays::access::check_narrow;
use crate::columns::{Integers, OFFSET_MAX, Texts, floats};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved, Resolver};
use crate::request::Request;

const fn row(name: &'static str, resolver: Resolver) -> Definition {
    Definition::new(name, resolver).sees_nulls().sees_low_cardinality().volatile()
}

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    row("rand", rand32).any_case(),
    row("rand", rand32).alias("rand32"),
    row("rand64", rand64),
    row("randCanonical", canonical),
    Definition::new("randConstant", constant).sees_nulls().stable(),
    row("randUniform", uniform),
    row("randNormal", normal),
    row("randExponential", exponential),
    row("randBernoulli", bernoulli),
    row("randomString", |request| text(request, |bits| bits as u8)),
    row("randomPrintableASCII", |request| text(request, |bits| b' ' + (bits % 95) as u8)),
    row("randomFixedString", fixed_text),
    row("generateUUIDv4", |request| uuid(request, |_, high, low| ((high & !0xF000 | 0x4000) as i64, low))),
    row("generateUUIDv7", |request| {
        uuid(request, |call, high, low| ((call.time.now_ns / 1_000_000) << 16 | (high & 0xFFF | 0x7000) as i64, low))
    }),
    row("generateSnowflakeID", snowflake_id),
];

/// A column of one random value a row. Arguments only keep calls apart.
fn column(ty: DataType, make: impl Fn(&Call) -> ArrayRef + Send + Sync + 'static) -> Result<Resolved> {
    Ok(Resolved::new(ty, move |_: &[Operand], call: &Call| Ok(make(call))))
}

fn rand32(_: &Request<'_>) -> Result<Resolved> {
    column(DataType::UInt32, |call| {
        Arc::new(UInt32Array::from_iter_values((0..call.rows).map(|_| call.time.next_random() as u32)))
    })
}

fn rand64(_: &Request<'_>) -> Result<Resolved> {
    column(DataType::UInt64, |call| {
        Arc::new(UInt64Array::from_iter_values((0..call.rows).map(|_| call.time.next_random())))
    })
}

/// From 0 to 1, 1 excluded.
fn unit(call: &Call) -> f64 {
    (call.time.next_random() >> 11) as f64 / (1u64 << 53) as f64
}

fn canonical(_: &Request<'_>) -> Result<Resolved> {
    column(DataType::Float64, |call| Arc::new(Float64Array::from_iter_values((0..call.rows).map(|_| unit(call)))))
}

/// One value for all rows.
fn constant(_: &Request<'_>) -> Result<Resolved> {
    column(DataType::UInt32, |call| Arc::new(UInt32Array::from(vec![call.time.next_random() as u32; call.rows])))
}

/// Refuses parameters that are no numbers of at most 64 bits.
fn check_number(request: &Request<'_>, i: usize) -> Result<()> {
    let ty = request.ty(i);
    let fits = ty.is_number() && ty.integer_width() <= Some(8);
    if fits { Ok(()) } else { Err(request.wrong_type(i, "a number of at most 64 bits")) }
}

/// A distribution of as many parameters.
fn distribution(request: &Request<'_>, parameters: usize, draw: fn(&Call, &[f64]) -> f64) -> Result<Resolved> {
    request.arity(parameters..=parameters + 1)?;
    for i in 0..parameters {
        check_number(request, i)?;
    }
    Ok(Resolved::new(DataType::Float64, move |args: &[Operand], call: &Call| {
        let columns = args[..parameters].iter().map(|arg| floats(arg.array())).collect::<Result<Vec<_>>>()?;
        let value = |row: usize| {
            let at: Vec<f64> = columns.iter().zip(args).map(|(column, arg)| column.value(arg.index(row))).collect();
            draw(call, &at)
        };
        Ok(Arc::new(Float64Array::from_iter_values((0..call.rows).map(value))))
    }))
}

fn uniform(request: &Request<'_>) -> Result<Resolved> {
    distribution(request, 2, |call, at| at[0] + (at[1] - at[0]) * unit(call))
}

/// Mean and standard deviation, by Box and Muller.
fn normal(request: &Request<'_>) -> Result<Resolved> {
    distribution(request, 2, |call, at| {
        let radius = (-2.0 * (1.0 - unit(call)).ln()).sqrt();
        at[0] + at[1] * radius * (std::f64::consts::TAU * unit(call)).cos()
    })
}

fn exponential(request: &Request<'_>) -> Result<Resolved> {
    distribution(request, 1, |call, at| -(1.0 - unit(call)).ln() / at[0])
}

fn bernoulli(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    check_number(request, 0)?;
    Ok(Resolved::new(DataType::UInt64, |args: &[Operand], call: &Call| {
        let chances = floats(args[0].array())?;
        let hit = |row: usize| u64::from(unit(call) < chances.value(args[0].index(row)));
        Ok(Arc::new(UInt64Array::from_iter_values((0..call.rows).map(hit))))
    }))
}

fn text(request: &Request<'_>, byte: fn(u64) -> u8) -> Result<Resolved> {
    request.arity(1..=2)?;
    if !request.ty(0).is_integer() {
        return Err(request.wrong_type(0, "an integer"));
    }
    check_narrow(request, 0)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let lengths = Integers::of(&args[0])?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 8);
        for row in 0..call.rows {
            let length = usize::try_from(lengths.get(row)).unwrap_or(0);
            if length > OFFSET_MAX {
                let reason = format!("{length} bytes, at most {OFFSET_MAX}");
                return Err(Error::TooLarge { function: name.clone(), reason, code: ErrorCode::TOO_LARGE_STRING_SIZE });
            }
            texts.bytes().extend((0..length).map(|_| byte(call.time.next_random() >> 16)));
            texts.end()?;
        }
        Ok(texts.finish())
    }))
}

fn fixed_text(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let width = u32::try_from(request.constant_int(0)?).ok().filter(|width| (1..=0xFF_FFFF).contains(width));
    let width = width.ok_or_else(|| request.bad("the length must be from 1 to 16777215"))?;
    Ok(Resolved::new(DataType::FixedString(width), move |_: &[Operand], call: &Call| {
        let cell = || (0..width).map(|_| (call.time.next_random() >> 16) as u8).collect::<Vec<u8>>();
        let cells = (0..call.rows).map(|_| Some(cell()));
        Ok(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, width as i32)?))
    }))
}

/// A UUID of two random halves, into the first of which `stamp` puts version and time.
fn uuid(request: &Request<'_>, stamp: fn(&Call, u64, u64) -> (i64, u64)) -> Result<Resolved> {
    request.arity(0..=1)?;
    Ok(Resolved::new(DataType::Uuid, move |_: &[Operand], call: &Call| {
        let cell = || {
            let (high, low) = stamp(call, call.time.next_random(), call.time.next_random());
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&high.to_be_bytes());
            bytes[8..].copy_from_slice(&(low & (u64::MAX >> 2) | 1 << 63).to_be_bytes());
            bytes
        };
        let cells = (0..call.rows).map(|_| Some(cell()));
        Ok(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, 16)?))
    }))
}

/// Milliseconds since 1970, then a machine's 10 bits and a counter of 12, both random here.
fn snowflake_id(request: &Request<'_>) -> Result<Resolved> {
    request.arity(0..=2)?;
    column(DataType::UInt64, |call| {
        let time = (call.time.now_ns / 1_000_000) as u64;
        let first = call.time.next_random() & 0x3F_FFFF;
        Arc::new(UInt64Array::from_iter_values((0..call.rows as u64).map(|row| (time << 22 | first) + row)))
    })
}
