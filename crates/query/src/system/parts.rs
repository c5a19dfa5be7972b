//! `system.parts` and `system.parts_columns`: the active parts of the snapshot.

use std::sync::Arc;

use store::{ActivePart, TableDef};

use super::catalog::seconds;
use super::{Cell, Listing, Rows, SystemTable};
use crate::context::QueryContext;
use crate::error::Result;

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![
        Listing::system("parts", parts_rows),
        Listing::system("detached_parts", detached_rows),
        Listing::system("data_skipping_indices", index_rows),
    ]
}

fn detached_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for (table, part) in ctx.snapshot.history.detached() {
        let Some(table) = ctx.snapshot.catalog.table_by_id(table) else { continue };
        let name = part.name();
        rows.push([
            ("database", table.database.clone().into()),
            ("table", table.name.clone().into()),
            ("partition_id", name.partition_id.as_str().into()),
            ("name", name.to_string().into()),
            ("bytes_on_disk", part.size_bytes().into()),
            ("modification_time", seconds(part.created_ns)),
            ("disk", "default".into()),
            ("reason", if part.is_broken() { "broken" } else { "" }.into()),
            ("min_block_number", name.min_block.into()),
            ("max_block_number", name.max_block.into()),
            ("level", u64::from(name.level).into()),
        ]);
    }
    Ok(())
}

fn index_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            for index in crate::definition::Definition::parse(table)?.indexes() {
                let full = index.index_type.as_ref().map(ToString::to_string).unwrap_or_default();
                rows.push([
                    ("database", table.database.clone().into()),
                    ("table", table.name.clone().into()),
                    ("name", index.name.name.clone().into()),
                    ("type", full.split('(').next().unwrap_or_default().into()),
                    ("type_full", full.clone().into()),
                    ("expr", index.expr.to_string().into()),
                    ("granularity", index.granularity.into()),
                ]);
            }
        }
    }
    Ok(())
}

fn parts_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            let Some(active) = ctx.snapshot.table_parts(table.id) else { continue };
            if table.kind != store::TableKind::MergeTree {
                continue;
            }
            for part in active.parts() {
                rows.push(part_row(table, part));
            }
        }
    }
    Ok(())
}

fn part_row(table: &TableDef, part: &ActivePart) -> Vec<(&'static str, Cell)> {
    let (meta, name) = (&part.part.meta, part.name());
    let partition = parts::partition_text(&meta.partition);
    vec![
        ("partition", partition.into()),
        ("name", name.to_string().into()),
        ("part_name", name.to_string().into()),
        ("part_type", if part.is_in_memory() { "InMemory" } else { "Compact" }.into()),
        ("part_storage_type", "Full".into()),
        ("active", true.into()),
        ("marks", meta.granules().into()),
        ("rows", meta.rows.into()),
        ("files", u64::from(!part.is_in_memory()).into()),
        ("bytes_on_disk", meta.bytes.into()),
        ("bytes", meta.bytes.into()),
        ("data_compressed_bytes", meta.bytes.into()),
        ("data_uncompressed_bytes", meta.uncompressed_bytes.into()),
        ("primary_key_bytes_in_memory", meta.marks.size_bytes().into()),
        ("modification_time", seconds(part.created_ns)),
        ("refcount", 1_u64.into()),
        ("partition_id", name.partition_id.as_str().into()),
        ("min_block_number", name.min_block.into()),
        ("max_block_number", name.max_block.into()),
        ("level", u64::from(name.level).into()),
        ("data_version", name.mutation.unwrap_or(name.min_block).into()),
        ("database", table.database.clone().into()),
        ("table", table.name.clone().into()),
        ("engine", table.engine.clone().into()),
        ("disk_name", "default".into()),
        ("visible", true.into()),
        ("has_lightweight_delete", part.deleted.is_some().into()),
    ]
}
