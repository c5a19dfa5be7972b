//! `system.databases` and `system.tables`: what the snapshot's catalogue has.

use std::sync::Arc;

use sql::ast::Storage;
use store::{Snapshot, TableDef, TableKind, ViewDef};

use super::{Cell, INFORMATION_SCHEMA, Listing, Rows, SYSTEM, SystemTable};
use crate::context::QueryContext;
use crate::definition::{Definition, Keys};
use crate::error::Result;
use crate::external::hide_secrets;

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![Listing::system("databases", databases), Listing::system("tables", table_rows)]
}

fn databases(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        rows.push([
            ("name", database.name.clone().into()),
            ("database", database.name.clone().into()),
            ("engine", database.engine.clone().into()),
            ("uuid", Cell::Uuid(database.uuid.to_be_bytes())),
            ("engine_full", database.engine.clone().into()),
            ("comment", database.comment.clone().into()),
        ]);
    }
    for name in ["INFORMATION_SCHEMA", INFORMATION_SCHEMA, SYSTEM] {
        rows.push([
            ("name", name.into()),
            ("database", name.into()),
            ("engine", "Memory".into()),
            ("engine_full", "Memory".into()),
        ]);
    }
    Ok(())
}

fn table_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            rows.push(table_row(&ctx.snapshot, table)?);
        }
    }
    for table in ctx.runtime.system.iter() {
        rows.push([
            ("database", table.database().into()),
            ("name", table.name().into()),
            ("table", table.name().into()),
            ("engine", system_engine(table.name()).into()),
        ]);
    }
    Ok(())
}

/// `view_refreshes` is `SystemViewRefreshes`.
fn system_engine(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    format!("System{}", words.collect::<String>())
}

fn table_row(snapshot: &Snapshot, table: &TableDef) -> Result<Vec<(&'static str, Cell)>> {
    let definition = Definition::parse(table)?;
    let mut row: Vec<(&'static str, Cell)> = vec![
        ("database", table.database.clone().into()),
        ("name", table.name.clone().into()),
        ("table", table.name.clone().into()),
        ("uuid", Cell::Uuid(table.uuid.to_be_bytes())),
        ("engine", table.engine.clone().into()),
        ("metadata_modification_time", seconds(table.created_ns)),
        ("metadata_version", i64::try_from(table.version).unwrap_or(i64::MAX).min(i64::from(i32::MAX)).into()),
        ("create_table_query", hide_secrets(&one_line(&table.sql)).into()),
        (
            "as_select",
            definition.query().map(|query| hide_secrets(&one_line(&query.to_string()))).unwrap_or_default().into(),
        ),
        ("comment", table.comment.clone().into()),
        ("has_own_data", table.schema.is_some().into()),
    ];
    row.extend(dependencies(snapshot, table));
    if let (
        TableKind::MergeTree
        | TableKind::Memory
        | TableKind::Null
        | TableKind::Merge
        | TableKind::DictionaryTable
        | TableKind::Join
        | TableKind::Set
        | TableKind::Buffer
        | TableKind::External,
        Some(storage),
    ) = (table.kind, definition.storage())
    {
        let mut keys = Keys::of(storage);
        if let Some(version) = appended_version(table, storage) {
            keys.sorting =
                [keys.sorting, version].into_iter().filter(|key| !key.is_empty()).collect::<Vec<_>>().join(", ");
        }
        row.extend([
            ("engine_full", hide_secrets(&engine_full(storage)).into()),
            ("partition_key", keys.partition.into()),
            ("sorting_key", keys.sorting.into()),
            ("primary_key", keys.primary.into()),
            ("sampling_key", keys.sampling.into()),
            ("storage_policy", if table.kind == TableKind::MergeTree { "default" } else { "" }.into()),
        ]);
    }
    row.extend(sizes(snapshot, table));
    Ok(row)
}

/// The version column that VersionedCollapsingMergeTree puts at the end of the sorting key, unless it is written there.
fn appended_version(table: &TableDef, storage: &Storage) -> Option<String> {
    if &*table.engine != "VersionedCollapsingMergeTree" {
        return None;
    }
    let version = storage.engine.as_ref()?.arguments.get(1)?.to_string();
    let is_there = storage.order_by.iter().flat_map(|key| key.exprs()).any(|expr| expr.to_string() == version);
    (!is_there).then_some(version)
}

/// The views that inserts into the table run, and where a view's rows go.
fn dependencies(snapshot: &Snapshot, table: &TableDef) -> Vec<(&'static str, Cell)> {
    let views: Vec<_> = snapshot.catalog.views_of(&table.qualified_name()).collect();
    let target = table.view.as_ref().and_then(ViewDef::target).and_then(|target| snapshot.catalog.target(target));
    vec![
        ("dependencies_database", Cell::Texts(views.iter().map(|view| view.database.to_string()).collect())),
        ("dependencies_table", Cell::Texts(views.iter().map(|view| view.name.to_string()).collect())),
        ("target_database", target.map(|target| target.database.to_string()).unwrap_or_default().into()),
        ("target_table", target.map(|target| target.name.to_string()).unwrap_or_default().into()),
    ]
}

/// Rows and bytes of a table, or of the table that a view writes to; NULL where nothing is stored.
fn sizes(snapshot: &Snapshot, table: &TableDef) -> Vec<(&'static str, Cell)> {
    let target = table.view.as_ref().and_then(ViewDef::target).and_then(|target| snapshot.catalog.target(target));
    let holder = target.map_or(table, |target| target);
    if holder.schema.is_none() {
        return match holder.kind {
            TableKind::Null => vec![("total_rows", 0_u64.into()), ("total_bytes", 0_u64.into())],
            _ => Vec::new(),
        };
    }
    let parts = snapshot.table_parts(holder.id);
    let uncompressed: u64 = parts.map_or(0, |parts| parts.parts().map(|part| part.part.meta.uncompressed_bytes).sum());
    let mut row = vec![
        ("total_rows", parts.map_or(0, |parts| parts.rows()).into()),
        ("total_bytes", parts.map_or(0, |parts| parts.size_bytes()).into()),
        ("total_bytes_uncompressed", uncompressed.into()),
    ];
    if table.kind == TableKind::MergeTree {
        let count = parts.map_or(0, |parts| parts.count());
        let marks: usize = parts.map_or(0, |parts| parts.parts().map(|part| part.part.meta.granules()).sum());
        row.extend([("parts", count.into()), ("active_parts", count.into()), ("total_marks", marks.into())]);
    }
    row
}

/// Engine, keys, TTL and settings on one line, as ClickHouse prints them after `ENGINE = `.
fn engine_full(storage: &Storage) -> String {
    let mut text = match &storage.engine {
        Some(engine) if engine.arguments.is_empty() => engine.name.name.clone(),
        Some(engine) => format!("{}({})", engine.name.name, joined(&engine.arguments)),
        None => String::new(),
    };
    let mut clause = |keyword: &str, written: Option<String>| {
        if let Some(written) = written {
            text.push_str(keyword);
            text.push_str(&written);
        }
    };
    clause(" PARTITION BY ", storage.partition_by.as_ref().map(ToString::to_string));
    clause(" PRIMARY KEY ", storage.primary_key.as_ref().map(ToString::to_string));
    clause(" ORDER BY ", storage.order_by.as_ref().map(ToString::to_string));
    clause(" SAMPLE BY ", storage.sample_by.as_ref().map(ToString::to_string));
    clause(" TTL ", (!storage.ttl.is_empty()).then(|| joined(&storage.ttl)));
    clause(" SETTINGS ", (!storage.settings.is_empty()).then(|| joined(&storage.settings)));
    text
}

fn joined(items: &[impl std::fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Printed definitions have lines; system tables show them on one.
fn one_line(text: &str) -> String {
    // Line breaks inside quotes are escaped by the printer, so every one here stands between words.
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace("( ", "(").replace(" )", ")")
}

/// Nanoseconds since 1970 as a DateTime.
pub(super) fn seconds(ns: i64) -> Cell {
    Cell::UInt(u64::try_from(ns.div_euclid(1_000_000_000)).unwrap_or(0).min(u64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_of_system_tables_are_named_as_clickhouse_does() {
        assert_eq!(system_engine("one"), "SystemOne");
        assert_eq!(system_engine("view_refreshes"), "SystemViewRefreshes");
    }
}
