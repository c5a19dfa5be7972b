//! `system.columns`: every column of every table, system tables too.

use std::sync::Arc;

use sql::ast::{ColumnDef, ColumnDefault};
use store::TableDef;
use types::{Column, DataType};

use super::{Cell, Listing, Rows, SystemTable};
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::Result;

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![Listing::system("columns", columns)]
}

fn columns(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            table_columns(table, rows)?;
        }
    }
    for table in ctx.runtime.system.iter() {
        for (at, column) in table.schema().columns().iter().enumerate() {
            let mut row = plain(table.database(), table.name(), at, column);
            row.extend(numbers_of(&column.ty));
            rows.push(row);
        }
    }
    Ok(())
}

fn table_columns(table: &TableDef, rows: &mut Rows) -> Result<()> {
    let definition = Definition::parse(table)?;
    let names = KeyNames::of(&definition);
    for (at, column) in table.columns.columns().iter().enumerate() {
        let mut row = plain(&table.database, &table.name, at, column);
        row.extend(numbers_of(&column.ty));
        row.extend([
            ("is_in_partition_key", names.partition.contains(&column.name).into()),
            ("is_in_sorting_key", names.sorting.contains(&column.name).into()),
            ("is_in_primary_key", names.primary.contains(&column.name).into()),
            ("is_in_sampling_key", names.sampling.contains(&column.name).into()),
        ]);
        if let Some(declared) = definition.column(&column.name) {
            row.extend(declaration(declared));
        }
        rows.push(row);
    }
    Ok(())
}

fn plain(database: &str, table: &str, at: usize, column: &Column) -> Vec<(&'static str, Cell)> {
    vec![
        ("database", database.into()),
        ("table", table.into()),
        ("name", column.name.clone().into()),
        ("column", column.name.clone().into()),
        ("type", column.ty.to_string().into()),
        ("position", (at + 1).into()),
    ]
}

/// The kind of a column's default, and its expression; both empty where there is none.
pub(super) fn default_of(definition: &Definition, column: &str) -> (&'static str, String) {
    definition.column(column).map_or(("", String::new()), declared_default)
}

fn declared_default(column: &ColumnDef) -> (&'static str, String) {
    let kind = match &column.default {
        Some(ColumnDefault::Default(_)) => "DEFAULT",
        Some(ColumnDefault::Materialized(_)) => "MATERIALIZED",
        Some(ColumnDefault::Alias(_)) => "ALIAS",
        Some(ColumnDefault::Ephemeral(_)) => "EPHEMERAL",
        Some(ColumnDefault::AutoIncrement) => "AUTO_INCREMENT",
        None => "",
    };
    let expr = match &column.default {
        Some(ColumnDefault::Ephemeral(None)) => Some(crate::definition::default_of_type(column).to_string()),
        default => default.as_ref().and_then(ColumnDefault::expr).map(ToString::to_string),
    };
    (kind, expr.unwrap_or_default())
}

fn declaration(column: &ColumnDef) -> Vec<(&'static str, Cell)> {
    let (kind, expr) = declared_default(column);
    let codec = match column.codec.as_slice() {
        [] => String::new(),
        codecs => format!("CODEC({})", codecs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    vec![
        ("default_kind", kind.into()),
        ("default_expression", expr.into()),
        ("comment", column.comment.clone().unwrap_or_default().into()),
        ("compression_codec", codec.into()),
    ]
}

/// The numbers by which the standard describes a type.
pub(super) fn numbers_of(ty: &DataType) -> Vec<(&'static str, Cell)> {
    let integer = |bits: usize| {
        vec![
            ("numeric_precision", bits.into()),
            ("numeric_precision_radix", 2_u64.into()),
            ("numeric_scale", 0_u64.into()),
        ]
    };
    match ty.base() {
        DataType::Bool => integer(8),
        DataType::Float32 => vec![("numeric_precision", 32_u64.into()), ("numeric_precision_radix", 2_u64.into())],
        DataType::Float64 => vec![("numeric_precision", 64_u64.into()), ("numeric_precision_radix", 2_u64.into())],
        DataType::Decimal { precision, scale } => vec![
            ("numeric_precision", u64::from(*precision).into()),
            ("numeric_precision_radix", 10_u64.into()),
            ("numeric_scale", u64::from(*scale).into()),
        ],
        DataType::DateTime(_) => vec![("datetime_precision", 0_u64.into())],
        DataType::DateTime64 { precision, .. } => vec![("datetime_precision", u64::from(*precision).into())],
        DataType::FixedString(width) => vec![("character_octet_length", u64::from(*width).into())],
        other => other.integer_width().map_or_else(Vec::new, |bytes| integer(bytes * 8)),
    }
}

/// Which columns the keys read.
#[derive(Debug, Default)]
struct KeyNames {
    partition: Names,
    sorting: Names,
    primary: Names,
    sampling: Names,
}

#[derive(Debug, Default)]
struct Names(Vec<String>);

impl Names {
    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    fn add(&mut self, expr: &sql::Expr) {
        self.0.extend(crate::definition::names_in(expr));
    }
}

impl KeyNames {
    fn of(definition: &Definition) -> KeyNames {
        let mut names = KeyNames::default();
        let Some(storage) = definition.storage() else { return names };
        storage.partition_by.iter().for_each(|expr| names.partition.add(expr));
        storage.sample_by.iter().for_each(|expr| names.sampling.add(expr));
        if let Some(key) = &storage.order_by {
            key.exprs().for_each(|expr| names.sorting.add(expr));
        }
        match &storage.primary_key {
            Some(key) => names.primary.add(key),
            None => names.primary = Names(names.sorting.0.clone()),
        }
        names
    }
}
