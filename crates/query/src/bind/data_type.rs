//! Data types as written → data types that exist.

use sql::ast::{Literal, TypeArgument};
use types::DataType;

use crate::error::Result;

/// The type that was written; UNKNOWN_TYPE when there is none of that name.
pub fn bind_type(ty: &sql::ast::DataType) -> Result<DataType> {
    Ok(DataType::parse(&text(ty))?)
}

fn text(ty: &sql::ast::DataType) -> String {
    if ty.arguments.is_empty() {
        return ty.name.clone();
    }
    let arguments: Vec<String> = ty.arguments.iter().map(argument).collect();
    format!("{}({})", ty.name, arguments.join(", "))
}

fn argument(argument: &TypeArgument) -> String {
    match argument {
        TypeArgument::Type(ty) => text(ty),
        TypeArgument::Named(name, ty) => format!("`{}` {}", name.name.replace('`', "\\`"), text(ty)),
        TypeArgument::Literal(value) => literal(value),
        TypeArgument::EnumValue(name, number) => format!("{} = {number}", quoted(name)),
        TypeArgument::Parameter(name, value) => format!("{} = {}", name.name, literal(value)),
        TypeArgument::SkipPath(path) => format!("SKIP {}", path.name),
        TypeArgument::SkipRegexp(pattern) => format!("SKIP REGEXP {}", quoted(pattern)),
    }
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Null => "NULL".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::UInt(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::String(bytes) => quoted(bytes),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
