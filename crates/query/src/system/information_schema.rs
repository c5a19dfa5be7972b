//! `information_schema`: what tools that know the standard ask for, under both its spellings of names.

use std::sync::Arc;

use store::TableKind;

use super::columns::numbers_of;
use super::{Cell, INFORMATION_SCHEMA, Listing, Rows, SystemTable};
use crate::context::QueryContext;
use crate::error::Result;

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![
        Listing::within(INFORMATION_SCHEMA, "schemata", SCHEMATA, schemata),
        Listing::within(INFORMATION_SCHEMA, "tables", TABLES, table_rows),
        Listing::within(INFORMATION_SCHEMA, "columns", COLUMNS, columns),
    ]
}

const SCHEMATA: &[(&str, &str)] = &[
    ("catalog_name", "String"),
    ("schema_name", "String"),
    ("schema_owner", "String"),
    ("CATALOG_NAME", "String"),
    ("SCHEMA_NAME", "String"),
    ("SCHEMA_OWNER", "String"),
];

fn schemata(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    let stored = ctx.snapshot.catalog.databases().map(|database| database.name.to_string());
    let system = ["INFORMATION_SCHEMA", INFORMATION_SCHEMA, super::SYSTEM].map(str::to_owned);
    for name in stored.chain(system) {
        rows.push([
            ("catalog_name", Cell::from(name.as_str())),
            ("schema_name", name.as_str().into()),
            ("schema_owner", "default".into()),
            ("CATALOG_NAME", name.as_str().into()),
            ("SCHEMA_NAME", name.as_str().into()),
            ("SCHEMA_OWNER", "default".into()),
        ]);
    }
    Ok(())
}

const TABLES: &[(&str, &str)] = &[
    ("table_catalog", "String"),
    ("table_schema", "String"),
    ("table_name", "String"),
    ("table_type", "String"),
    ("table_rows", "Nullable(UInt64)"),
    ("data_length", "Nullable(UInt64)"),
    ("table_comment", "Nullable(String)"),
    ("engine", "Nullable(String)"),
    ("TABLE_CATALOG", "String"),
    ("TABLE_SCHEMA", "String"),
    ("TABLE_NAME", "String"),
    ("TABLE_TYPE", "String"),
    ("TABLE_ROWS", "Nullable(UInt64)"),
    ("DATA_LENGTH", "Nullable(UInt64)"),
    ("TABLE_COMMENT", "Nullable(String)"),
    ("ENGINE", "Nullable(String)"),
];

fn table_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            let ty = match table.kind {
                TableKind::View | TableKind::WindowView => "VIEW",
                TableKind::MergeTree | TableKind::Memory | TableKind::Null => "BASE TABLE",
            };
            let parts = ctx.snapshot.table_parts(table.id);
            let cells: [Cell; 8] = [
                table.database.clone().into(),
                table.database.clone().into(),
                table.name.clone().into(),
                ty.into(),
                parts.map(|parts| parts.rows()).into(),
                parts.map(|parts| parts.size_bytes()).into(),
                table.comment.clone().into(),
                table.engine.clone().into(),
            ];
            twice(TABLES, &cells, rows);
        }
    }
    for table in ctx.runtime.system.iter() {
        let schema: Cell = table.database().into();
        let cells: [Cell; 8] = [
            schema.clone(),
            schema,
            table.name().into(),
            "SYSTEM VIEW".into(),
            Cell::Null,
            Cell::Null,
            "".into(),
            Cell::Null,
        ];
        twice(TABLES, &cells, rows);
    }
    Ok(())
}

const COLUMNS: &[(&str, &str)] = &[
    ("table_catalog", "String"),
    ("table_schema", "String"),
    ("table_name", "String"),
    ("column_name", "String"),
    ("ordinal_position", "UInt64"),
    ("is_nullable", "String"),
    ("data_type", "String"),
    ("column_type", "String"),
    ("TABLE_CATALOG", "String"),
    ("TABLE_SCHEMA", "String"),
    ("TABLE_NAME", "String"),
    ("COLUMN_NAME", "String"),
    ("ORDINAL_POSITION", "UInt64"),
    ("IS_NULLABLE", "String"),
    ("DATA_TYPE", "String"),
    ("COLUMN_TYPE", "String"),
    ("numeric_precision", "Nullable(UInt64)"),
    ("numeric_precision_radix", "Nullable(UInt64)"),
    ("numeric_scale", "Nullable(UInt64)"),
    ("datetime_precision", "Nullable(UInt64)"),
    ("character_octet_length", "Nullable(UInt64)"),
];

fn columns(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    let mut push = |database: &str, table: &str, columns: &[types::Column]| {
        for (at, column) in columns.iter().enumerate() {
            let ty = column.ty.to_string();
            let cells: [Cell; 8] = [
                database.into(),
                database.into(),
                table.into(),
                column.name.clone().into(),
                (at + 1).into(),
                if column.ty.is_nullable() { "YES" } else { "NO" }.into(),
                ty.as_str().into(),
                ty.as_str().into(),
            ];
            let names = COLUMNS.iter().map(|(name, _)| *name);
            rows.push(names.zip(cells.iter().chain(&cells).cloned()).chain(numbers_of(&column.ty)));
        }
    };
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            push(&table.database, &table.name, table.columns.columns());
        }
    }
    for table in ctx.runtime.system.iter() {
        push(table.database(), table.name(), table.schema().columns());
    }
    Ok(())
}

/// A row whose cells stand under lower case names first and under the same names in upper case after them.
fn twice(columns: &[(&'static str, &str)], cells: &[Cell; 8], rows: &mut Rows) {
    rows.push(columns.iter().map(|(name, _)| *name).zip(cells.iter().chain(cells).cloned()));
}
