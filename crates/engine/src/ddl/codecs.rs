//! CODEC of a column: which there are, and their parameters as ClickHouse prints them.
//!
//! What a part file does with a column is decided by its writer; a codec is checked and kept.

use sql::Expr;
use sql::ast::{ColumnDef, ColumnDefault, ExprKind, Literal};
use types::{DataType, ErrorCode};

use crate::error::{Error, Result};

/// Refuses chains that make no sense: something behind what compresses already, NONE among others, and chains that only
/// prepare for a compression that does not come. What a computed column has is not stored.
pub(super) fn check(column: &ColumnDef) -> Result<()> {
    let refuse = |message: String| Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    let names: Vec<String> = column.codec.iter().map(|codec| family(codec).0).collect();
    let Some(last) = names.last() else { return Ok(()) };
    let all = names.join(", ");
    if let Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_)) = &column.default {
        return refuse("cannot specify codec for column type ALIAS".to_owned());
    }
    if names.len() > 1 && names.iter().any(|name| name == "NONE") {
        return refuse(format!("it does not make sense to have codec NONE along with other compression codecs: {all}"));
    }
    let is_generic = |name: &str| matches!(name, "LZ4" | "LZ4HC" | "ZSTD" | "Default");
    if names.iter().take(names.len() - 1).any(|name| is_generic(name)) {
        return refuse(format!(
            "the combination of compression codecs {all} is meaningless, because it does not make sense to apply any \
             transformations after generic compression algorithm"
        ));
    }
    if matches!(last.as_str(), "Delta" | "GCD") {
        return refuse(format!("compression codec {all} does not compress anything"));
    }
    Ok(())
}

fn family(codec: &Expr) -> (String, Vec<Expr>) {
    match &codec.kind {
        ExprKind::Function(call) => (call.name.name.clone(), call.arguments.clone()),
        _ => (codec.to_string(), Vec::new()),
    }
}

/// A codec with its parameters filled in.
pub(super) fn normalised(codec: &Expr, ty: &DataType) -> Result<Expr> {
    let (name, arguments) = family(codec);
    let with = |number: u64| Expr::call(name.as_str(), vec![Expr::literal(Literal::UInt(number))]);
    match name.as_str() {
        "T64" if !is_t64(ty) => {
            let message = format!("T64 codec is not supported for specified type {ty}");
            Err(Error::refused(ErrorCode::ILLEGAL_SYNTAX_FOR_CODEC_TYPE, message))
        }
        "DoubleDelta" if width(ty).is_none() => {
            let message = format!("codec {name} is not applicable for {ty} because the data type is not numeric");
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
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
        "Delta" | "Gorilla" if !is_width(&arguments) => {
            let message = format!("{name} value for {} codec can be 1, 2, 4 or 8", name.to_lowercase());
            Err(Error::refused(ErrorCode::ILLEGAL_CODEC_PARAMETER, message))
        }
        "LZ4HC" | "FPC" | "Delta" | "Gorilla" => Ok(codec.clone()),
        _ => Err(Error::refused(ErrorCode::UNKNOWN_CODEC, format!("unknown codec family: {name}"))),
    }
}

fn is_width(arguments: &[Expr]) -> bool {
    matches!(arguments, [Expr { kind: ExprKind::Literal(Literal::UInt(1 | 2 | 4 | 8)), .. }])
}

/// Whole numbers and what is kept as one.
fn is_t64(ty: &DataType) -> bool {
    let base = ty.base();
    width(base).is_some() && !base.is_float() && !matches!(base, DataType::Array(_))
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
