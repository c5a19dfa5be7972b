//! Functions of no family: `identity`, `materialize`, `throwIf`, `transform`, sizes, state of the query.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, UInt8Array, UInt64Array};
use types::{DataType, ErrorCode};

use crate::arrays::steps::conditions;
use crate::columns::{Bytes, Lists, unexpected};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

const fn seen(name: &'static str, resolver: crate::frame::Resolver) -> Definition {
    Definition::new(name, resolver).sees_nulls().sees_low_cardinality()
}

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    seen("identity", identity),
    seen("materialize", identity),
    seen("toLowCardinality", to_low_cardinality),
    seen("ignore", |_| constant(0)),
    seen("indexHint", |_| constant(1)),
    seen("isConstant", is_constant),
    Definition::new("throwIf", throw_if),
    seen("byteSize", byte_size),
    seen("rowNumberInAllBlocks", row_number).volatile(),
    seen("errorCodeToName", error_code_to_name),
];

/// The argument as it is. Whoever plans a query sees that `materialize` is no constant.
fn identity(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    Ok(Resolved::new(request.ty(0).clone(), |args: &[Operand], call: &Call| args[0].expand(call.rows)))
}

fn to_low_cardinality(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0).clone();
    let ty = match ty {
        DataType::LowCardinality(_) => ty,
        other if other.can_be_inside_low_cardinality() => DataType::LowCardinality(Arc::new(other)),
        _ => return Err(request.wrong_type(0, "a type that can be inside LowCardinality")),
    };
    Ok(Resolved::new(ty, |args: &[Operand], call: &Call| args[0].expand(call.rows)))
}

fn constant(value: u8) -> Result<Resolved> {
    Ok(Resolved::new(DataType::UInt8, move |_: &[Operand], call: &Call| {
        Ok(Arc::new(UInt8Array::from(vec![value; call.rows])))
    }))
}

fn is_constant(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    constant(u8::from(request.constant(0).is_some()))
}

/// `throwIf(condition [, message [, code]])`: an error where the condition holds, 0 elsewhere.
fn throw_if(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=3)?;
    if !request.ty(0).is_number() || request.ty(0).integer_width() > Some(8) {
        return Err(request.wrong_type(0, "a number of at most 64 bits"));
    }
    let message = request.optional_text(1)?;
    if request.args.len() == 3 {
        return Err(Error::NotImplemented("an error code of one's own in function \"throwIf\"".to_owned()));
    }
    let code = ErrorCode::FUNCTION_THROW_IF_VALUE_IS_NON_ZERO;
    let message = message.unwrap_or_else(|| "value passed to function \"throwIf\" is not zero".to_owned());
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        if conditions(args[0].array())?.true_count() > 0 {
            return Err(Error::Thrown { message: message.clone(), code });
        }
        Ok(Arc::new(UInt8Array::from(vec![0; call.rows])))
    }))
}

/// Bytes that a value takes in memory, as ClickHouse counts them.
fn byte_size(request: &Request<'_>) -> Result<Resolved> {
    let types: Vec<DataType> = request.args.iter().map(|arg| arg.ty.clone()).collect();
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let mut sizes = vec![0u64; call.rows];
        for (arg, ty) in args.iter().zip(&types) {
            let column = arg.expand(call.rows)?;
            for (size, own) in sizes.iter_mut().zip(sizes_of(&column, ty)?) {
                *size += own;
            }
        }
        Ok(Arc::new(UInt64Array::from(sizes)))
    }))
}

fn sizes_of(column: &ArrayRef, ty: &DataType) -> Result<Vec<u64>> {
    match ty {
        DataType::Nullable(inner) if **inner == DataType::Nothing => Ok(vec![1; column.len()]),
        DataType::Nullable(inner) => Ok(sizes_of(column, inner)?.into_iter().map(|size| size + 1).collect()),
        DataType::LowCardinality(inner) => sizes_of(column, inner),
        DataType::String => {
            let texts = Bytes::of_array(column, false)?;
            Ok((0..column.len()).map(|row| texts.get(row).len() as u64 + 8).collect())
        }
        DataType::Array(inner) => {
            let lists = Lists::of_array(column)?;
            nested_sizes(&lists, &sizes_of(&lists.elements, inner)?)
        }
        DataType::Map(entry) => {
            let lists = Lists::of_array(column)?;
            let (keys, values) = crate::maps::entries(&lists)?;
            let (keys, values) = (sizes_of(&keys, &entry.0)?, sizes_of(&values, &entry.1)?);
            nested_sizes(&lists, &keys.iter().zip(values).map(|(key, value)| key + value).collect::<Vec<_>>())
        }
        DataType::Tuple(fields) => {
            let tuple = column.as_struct_opt().ok_or_else(|| unexpected(column.data_type()))?;
            let mut sizes = vec![0; column.len()];
            for (field, column) in fields.iter().zip(tuple.columns()) {
                for (size, own) in sizes.iter_mut().zip(sizes_of(column, &field.ty)?) {
                    *size += own;
                }
            }
            Ok(sizes)
        }
        plain => Ok(vec![fixed_size(plain); column.len()]),
    }
}

fn nested_sizes(lists: &Lists, elements: &[u64]) -> Result<Vec<u64>> {
    Ok(lists.ranges().map(|range| elements[range].iter().sum::<u64>() + 8).collect())
}

/// Bytes of a value of a type whose values all have one size.
fn fixed_size(ty: &DataType) -> u64 {
    match ty {
        DataType::FixedString(width) => u64::from(*width),
        DataType::Uuid | DataType::Ipv6 => 16,
        DataType::Bool => 1,
        DataType::Date => 2,
        DataType::Date32 | DataType::DateTime(_) | DataType::Float32 | DataType::Ipv4 => 4,
        DataType::Enum(values) => 1 + u64::from(values.wide),
        DataType::Decimal { precision, .. } => match precision {
            0..=9 => 4,
            10..=18 => 8,
            19..=38 => 16,
            _ => 32,
        },
        other => other.integer_width().map_or(8, |width| width as u64),
    }
}

/// 0, 1, 2… over all rows that this call of the function sees.
fn row_number(request: &Request<'_>) -> Result<Resolved> {
    request.arity(0..=0)?;
    let next = AtomicU64::new(0);
    Ok(Resolved::new(DataType::UInt64, move |_: &[Operand], call: &Call| {
        let first = next.fetch_add(call.rows as u64, Ordering::Relaxed);
        Ok(Arc::new(UInt64Array::from_iter_values(first..first + call.rows as u64)))
    }))
}

fn error_code_to_name(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).is_integer() {
        return Err(request.wrong_type(0, "an integer"));
    }
    crate::arrays::access::check_narrow(request, 0)?;
    let ty = DataType::LowCardinality(Arc::new(DataType::String));
    Ok(Resolved::new(ty, |args: &[Operand], call: &Call| {
        let codes = crate::columns::Integers::of(&args[0])?;
        let mut names = crate::columns::Texts::with_capacity(call.rows, call.rows * 16);
        for row in 0..call.rows {
            let code = u16::try_from(codes.get(row)).map(ErrorCode).ok();
            let known = code.filter(|code| code.name() != "UNKNOWN");
            names.push(known.map_or("", |code| code.name()).as_bytes())?;
        }
        Ok(names.finish())
    }))
}
