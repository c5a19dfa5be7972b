//! `information_schema`: what tools that know the standard ask for, under both its spellings of names.

use std::sync::Arc;

use store::TableKind;

use super::columns::numbers_of;
use super::{Cell, INFORMATION_SCHEMA, Listing, Rows, SystemTable};
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::Result;

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![
        Listing::within(INFORMATION_SCHEMA, "schemata", schemata),
        Listing::within(INFORMATION_SCHEMA, "tables", table_rows),
        Listing::within(INFORMATION_SCHEMA, "columns", columns),
        Listing::within(INFORMATION_SCHEMA, "views", views),
        Listing::within(INFORMATION_SCHEMA, "engines", engines),
        // asked for by tools that draw schemas; there are no such keys
        Listing::within(INFORMATION_SCHEMA, "key_column_usage", |_, _| Ok(())),
        Listing::within(INFORMATION_SCHEMA, "referential_constraints", |_, _| Ok(())),
        Listing::within(INFORMATION_SCHEMA, "statistics", |_, _| Ok(())),
    ]
}

fn schemata(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    let stored = ctx.snapshot.catalog.databases().map(|database| database.name.to_string());
    let system = ["INFORMATION_SCHEMA", INFORMATION_SCHEMA, super::SYSTEM].map(str::to_owned);
    for name in stored.chain(system) {
        rows.push([
            ("catalog_name", Cell::from(name.as_str())),
            ("schema_name", name.as_str().into()),
            ("schema_owner", "default".into()),
        ]);
    }
    Ok(())
}

fn table_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            let ty = match table.kind {
                TableKind::View | TableKind::WindowView => "VIEW",
                TableKind::MergeTree
                | TableKind::Memory
                | TableKind::Null
                | TableKind::Merge
                | TableKind::Dictionary
                | TableKind::DictionaryTable
                | TableKind::Join
                | TableKind::Set
                | TableKind::Buffer => "BASE TABLE",
                // as in ClickHouse: files are at home
                TableKind::External if &*table.engine == "File" => "BASE TABLE",
                TableKind::External => "FOREIGN TABLE",
            };
            let parts = ctx.snapshot.table_parts(table.id);
            rows.push([
                ("table_catalog", table.database.clone().into()),
                ("table_schema", table.database.clone().into()),
                ("table_name", table.name.clone().into()),
                ("table_type", ty.into()),
                ("table_rows", parts.map(|parts| parts.rows()).into()),
                ("data_length", parts.map(|parts| parts.size_bytes()).into()),
                ("table_collation", "utf8mb4_0900_ai_ci".into()),
                ("table_comment", table.comment.clone().into()),
                ("engine", table.engine.clone().into()),
                ("create_time", super::catalog::seconds(table.created_ns)),
            ]);
        }
    }
    for table in ctx.runtime.system.iter() {
        rows.push([
            ("table_catalog", table.database().into()),
            ("table_schema", table.database().into()),
            ("table_name", table.name().into()),
            ("table_type", "SYSTEM VIEW".into()),
            ("table_comment", "".into()),
        ]);
    }
    Ok(())
}

fn columns(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    let mut push = |database: &str, table: &str, columns: &[types::Column]| {
        for (at, column) in columns.iter().enumerate() {
            let ty = column.ty.to_string();
            let cells: [(&'static str, Cell); 8] = [
                ("table_catalog", database.into()),
                ("table_schema", database.into()),
                ("table_name", table.into()),
                ("column_name", column.name.clone().into()),
                ("ordinal_position", (at + 1).into()),
                ("is_nullable", if column.ty.is_nullable() { "YES" } else { "NO" }.into()),
                ("data_type", ty.as_str().into()),
                ("column_type", ty.as_str().into()),
            ];
            rows.push(cells.into_iter().chain(numbers_of(&column.ty)));
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

fn views(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            let Some(view) = &table.view else { continue };
            let definition = Definition::parse(table)?;
            let trigger = view.insert_source().is_some();
            rows.push([
                ("table_catalog", table.database.clone().into()),
                ("table_schema", table.database.clone().into()),
                ("table_name", table.name.clone().into()),
                ("view_definition", definition.query().map(ToString::to_string).unwrap_or_default().into()),
                ("check_option", "NONE".into()),
                ("is_updatable", "NO".into()),
                ("is_insertable_into", if view.target().is_some() { "YES" } else { "NO" }.into()),
                ("is_trigger_updatable", "NO".into()),
                ("is_trigger_deletable", "NO".into()),
                ("is_trigger_insertable_into", if trigger { "YES" } else { "NO" }.into()),
            ]);
        }
    }
    Ok(())
}

fn engines(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for name in super::registries::engine_names() {
        let support = if name == "MergeTree" { "DEFAULT" } else { "YES" };
        rows.push([("engine", name.into()), ("support", support.into())]);
    }
    Ok(())
}
