//! Table functions: rows that are in no table. Each call becomes a [`Source`]; what is not here is refused by name.
//!
//! Arguments are evaluated when the query is bound. Nothing is read before the query runs.

mod arguments;
mod blocks;
mod numbers;
mod structure;
mod values;

use std::sync::Arc;

use bytes::Bytes;

pub use blocks::Fixed;
pub use numbers::{Numbers, Zeros};
pub use structure::parse as parse_structure;

use self::arguments::Arguments;
use sql::ast::{ExprKind, Literal};
use types::ErrorCode;

use crate::bind::relations::TableFunctionCall;
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::scan::Source;

/// Every table function, by name. `view` is the binder's own; `merge`, `dictionary` and those of [`crate::external`] are those
/// of the relations.
pub const NAMES: &[&str] = &[
    "dictionary",
    "file",
    "format",
    "generateSeries",
    "generate_series",
    "merge",
    "mysql",
    "null",
    "numbers",
    "numbers_mt",
    "postgresql",
    "s3",
    "url",
    "values",
    "view",
    "zeros",
    "zeros_mt",
];

/// Of these, what asks a cluster by its name: there is none of any name.
const OF_CLUSTERS: [&str; 5] = ["cluster", "clusterAllReplicas", "fileCluster", "s3Cluster", "urlCluster"];

/// Table functions of ClickHouse that are refused as not supported rather than as unknown.
const REFUSED: &[&str] = &[
    "azureBlobStorage",
    "bigquery",
    "cluster",
    "clusterAllReplicas",
    "deltaLake",
    "executable",
    "fileCluster",
    "fuzzJSON",
    "fuzzQuery",
    "gcs",
    "generateRandom",
    "hdfs",
    "hudi",
    "iceberg",
    "input",
    "jdbc",
    "loop",
    "mergeTreeIndex",
    "mongodb",
    "odbc",
    "oss",
    "paimon",
    "primes",
    "prometheusQuery",
    "redis",
    "remote",
    "remoteSecure",
    "s3Cluster",
    "sqlite",
    "timeSeriesData",
    "urlCluster",
    "viewExplain",
    "viewIfPermitted",
    "ytsaurus",
];

/// `VALUES` of the SQL standard is the function of that name.
fn own_name(name: &str) -> &str {
    match name {
        "VALUES" | "SQLStandardValues" => "values",
        other => other,
    }
}

/// True when there is a table function of that name, supported or not.
pub fn is_known(name: &str) -> bool {
    let name = own_name(name);
    NAMES.contains(&name) || REFUSED.contains(&name)
}

/// The rows of a call.
pub fn resolve(call: &TableFunctionCall<'_>, ctx: &QueryContext) -> Result<Arc<dyn Source>> {
    let Some(name) = NAMES.iter().copied().find(|name| *name == own_name(call.name)) else {
        return Err(match REFUSED.contains(&call.name) {
            true if OF_CLUSTERS.contains(&call.name) => {
                let message = format!("{}: requested cluster is not found, there are none", call.name);
                Error::refused(ErrorCode::CLUSTER_DOESNT_EXIST, message)
            }
            true => Error::NotSupported(format!("table function \"{}\"", call.name)),
            false => Error::UnknownTableFunction(call.name.to_owned()),
        });
    };
    if !call.settings.is_empty() {
        return Err(Error::NotSupported(format!("SETTINGS inside table function \"{name}\"")));
    }
    let arguments = Arguments::new(name, call.arguments, ctx);
    match name {
        "numbers" => Ok(Arc::new(numbers_of(&arguments)?)),
        "numbers_mt" => Ok(Arc::new(numbers_of(&arguments)?.parallel())),
        "zeros" | "zeros_mt" => {
            arguments.expect(1..=1)?;
            Ok(Arc::new(Zeros::new(name, arguments.u64(0)?)))
        }
        "generateSeries" | "generate_series" => {
            arguments.expect(2..=3)?;
            let step = arguments.u64_or(2, 1)?;
            // The column has the same name whichever way the function is spelled.
            Ok(Arc::new(Numbers::series("generate_series", arguments.u64(0)?, arguments.u64(1)?, step)?))
        }
        "values" => Ok(Arc::new(values::values(&arguments)?)),
        "null" => {
            arguments.expect(1..=1)?;
            Ok(Arc::new(Fixed::new(name, structure::parse(&arguments.text(0)?)?, Vec::new())))
        }
        "format" => Ok(Arc::new(format(&arguments, ctx)?)),
        other => Err(Error::NotSupported(format!("table function \"{other}\""))),
    }
}

/// The only argument of `dictionary('[database.]name')`.
pub(crate) fn dictionary_name(call: &TableFunctionCall<'_>, ctx: &QueryContext) -> Result<String> {
    let arguments = Arguments::new("dictionary", call.arguments, ctx);
    arguments.expect(1..=1)?;
    match dotted(call.arguments.first()) {
        Some(name) => Ok(name),
        None => arguments.text(0),
    }
}

/// Database and name of the dictionary that `ENGINE = Dictionary(…)` names.
pub(crate) fn dictionary_of_engine(definition: &Definition, database: &str) -> Result<(String, String)> {
    let engine = definition.storage().and_then(|storage| storage.engine.as_ref());
    let name = match engine.map(|engine| engine.arguments.as_slice()) {
        Some([only]) => dotted(Some(only)),
        _ => None,
    };
    let name = name.ok_or_else(|| {
        let message = "engine Dictionary takes one argument: the name of a dictionary";
        Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message)
    })?;
    let (database, name) = name.split_once('.').unwrap_or((database, &name));
    Ok((database.to_owned(), name.to_owned()))
}

/// A name with or without a database, also as a text.
pub fn dotted(expr: Option<&sql::Expr>) -> Option<String> {
    match &expr?.kind {
        ExprKind::Identifier(parts) => Some(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(".")),
        ExprKind::Literal(Literal::String(text)) => String::from_utf8(text.clone()).ok(),
        _ => None,
    }
}

/// `numbers()`, `numbers(length)`, `numbers(offset, length[, step])`; with a step, `length` is still the distance.
fn numbers_of(arguments: &Arguments<'_>) -> Result<Numbers> {
    let name = arguments.function();
    arguments.expect(0..=3)?;
    Ok(match arguments.len() {
        0 => Numbers::endless(name),
        1 => Numbers::new(name, 0, arguments.u64(0)?, 1),
        _ => {
            let step = arguments.u64_or(2, 1)?;
            if step == 0 {
                return Err(arguments.bad("step must be a positive number"));
            }
            Numbers::new(name, arguments.u64(0)?, arguments.u64(1)?.div_ceil(step), step)
        }
    })
}

/// `format(name, [structure,] text)`.
fn format(arguments: &Arguments<'_>, ctx: &QueryContext) -> Result<Fixed> {
    arguments.expect(2..=3)?;
    let format = arguments.format(&arguments.text(0)?)?;
    let bytes = Bytes::from(arguments.bytes(arguments.len() - 1)?);
    let header = match arguments.len() {
        3 => structure::parse(&arguments.text(1)?)?,
        _ => format::infer(format, &bytes, &ctx.settings).map_err(|error| Error::reported(error.code(), &error))?,
    };
    let blocks = crate::external::decode(format, &bytes, &header, ctx)?;
    Ok(Fixed::new("format", header, blocks))
}
