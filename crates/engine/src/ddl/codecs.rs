//! CODEC of a column: which there are, and their parameters as ClickHouse prints them.
//!
//! What a part file does with a column is decided by its writer; a codec is checked and kept.

use sql::Expr;
use sql::ast::{ExprKind, Literal};
use types::{DataType, ErrorCode};

use crate::error::{Error, Result};

/// A codec with its parameters filled in.
pub(super) fn normalised(codec: &Expr, ty: &DataType) -> Result<Expr> {
    let (name, arguments) = match &codec.kind {
        ExprKind::Function(call) => (call.name.name.clone(), call.arguments.clone()),
        _ => (codec.to_string(), Vec::new()),
    };
    let with = |number: u64| Expr::call(name.as_str(), vec![Expr::literal(Literal::UInt(number))]);
    match name.as_str() {
        "LZ4" | "NONE" | "T64" | "GCD" | "DoubleDelta" | "Default" => Ok(codec.clone()),
        "ZSTD" => match arguments.first().map(|level| &level.kind) {
            None => Ok(with(1)),
            Some(ExprKind::Literal(Literal::UInt(level))) if 22 < *level => {
                let message = format!("ZSTD codec can't have level more than 22, given {level}");
                Err(Error::refused(ErrorCode::ILLEGAL_CODEC_PARAMETER, message))
            }
            Some(_) => Ok(codec.clone()),
        },
        "LZ4HC" if arguments.is_empty() => Ok(with(0)),
        "FPC" if arguments.is_empty() => Ok(with(12)),
        "Delta" | "Gorilla" if arguments.is_empty() => match width(ty) {
            Some(bytes) => Ok(with(bytes)),
            None => {
                let message =
                    format!("codec {name} is not applicable for {ty} because the data type is not of fixed size");
                Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
            }
        },
        "LZ4HC" | "FPC" | "Delta" | "Gorilla" => Ok(codec.clone()),
        _ => Err(Error::refused(ErrorCode::UNKNOWN_CODEC, format!("unknown codec family: {name}"))),
    }
}

/// Bytes of a value, when all have as many.
fn width(ty: &DataType) -> Option<u64> {
    match ty {
        DataType::UInt8 | DataType::Int8 | DataType::Bool => Some(1),
        DataType::UInt16 | DataType::Int16 | DataType::Date => Some(2),
        DataType::UInt32 | DataType::Int32 | DataType::Float32 | DataType::DateTime(_) => Some(4),
        DataType::Date32 | DataType::Ipv4 => Some(4),
        DataType::UInt64 | DataType::Int64 | DataType::Float64 | DataType::DateTime64 { .. } => Some(8),
        DataType::Enum(values) => Some(if values.wide { 2 } else { 1 }),
        DataType::Decimal { precision, .. } => match precision {
            0..=9 => Some(4),
            10..=18 => Some(8),
            _ => None,
        },
        DataType::Nullable(inner) | DataType::Array(inner) => width(inner),
        DataType::SimpleAggregateFunction(signature) => signature.args.first().and_then(width),
        _ => None,
    }
}
