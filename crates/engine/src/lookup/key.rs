//! Constants that are compared with key columns, as cells of these columns. Only those for which a comparison surely is
//! equality of cells: whole numbers, strings, dates and times written out, UUIDs.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeBinaryArray, Int8Array, Int16Array, Int32Array, Int64Array, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
};
use query::QueryContext;
use query::scan::point::plain_type;
use sql::ast::{ExprKind, Literal};
use types::DataType;
use types::text::Zone;
use types::text::scan::{parse_date, parse_date_time, parse_uuid};

/// One row of the column's Arrow type; `None` for everything that needs ClickHouse's rules.
pub(super) fn cell(ty: &DataType, constant: &sql::Expr, ctx: &QueryContext) -> Option<ArrayRef> {
    let ty = plain_type(ty);
    match &constant.kind {
        ExprKind::Literal(Literal::UInt(value)) => number(ty, i128::from(*value)),
        ExprKind::Literal(Literal::Int(value)) => number(ty, i128::from(*value)),
        ExprKind::Literal(Literal::String(bytes)) => text(ty, bytes, ctx),
        ExprKind::Parameter(name, declared) => {
            let value = ctx.params.get(&name.name)?;
            if !declared.arguments.is_empty() || value.contains('\\') {
                return None;
            }
            match DataType::parse(&declared.name).ok()? {
                DataType::String => text(ty, value.as_bytes(), ctx),
                declared if declared.is_integer() && declared == *ty => number(ty, value.parse().ok()?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An integer column's cell, when the number is one of its values.
fn number(ty: &DataType, value: i128) -> Option<ArrayRef> {
    Some(match ty {
        DataType::UInt8 => Arc::new(UInt8Array::from(vec![u8::try_from(value).ok()?])),
        DataType::UInt16 => Arc::new(UInt16Array::from(vec![u16::try_from(value).ok()?])),
        DataType::UInt32 => Arc::new(UInt32Array::from(vec![u32::try_from(value).ok()?])),
        DataType::UInt64 => Arc::new(UInt64Array::from(vec![u64::try_from(value).ok()?])),
        DataType::Int8 => Arc::new(Int8Array::from(vec![i8::try_from(value).ok()?])),
        DataType::Int16 => Arc::new(Int16Array::from(vec![i16::try_from(value).ok()?])),
        DataType::Int32 => Arc::new(Int32Array::from(vec![i32::try_from(value).ok()?])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![i64::try_from(value).ok()?])),
        _ => return None,
    })
}

/// A cell that is written as text: the usual forms only, the others mean what the rules say.
fn text(ty: &DataType, bytes: &[u8], ctx: &QueryContext) -> Option<ArrayRef> {
    match ty {
        DataType::String => Some(Arc::new(BinaryArray::from(vec![bytes]))),
        DataType::Uuid if bytes.len() == 36 => {
            let uuid = parse_uuid(bytes)?;
            Some(Arc::new(FixedSizeBinaryArray::try_from_iter([uuid].into_iter()).ok()?))
        }
        DataType::Date if bytes.len() == "2026-01-01".len() => {
            let days = u16::try_from(parse_date(bytes)?).ok()?;
            Some(Arc::new(UInt16Array::from(vec![days])))
        }
        DataType::DateTime(zone) if bytes.len() == "2026-01-01 00:00:00".len() => {
            let zone = Zone::of(zone, Zone::parse(ctx.time_zone())?);
            let ticks = parse_date_time(bytes, zone)?.ticks(0)?;
            Some(Arc::new(UInt32Array::from(vec![u32::try_from(ticks).ok()?])))
        }
        _ => None,
    }
}
