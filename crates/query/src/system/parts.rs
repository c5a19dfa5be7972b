//! `system.parts`, `system.parts_columns`, `system.projection_parts`: the active parts of the snapshot; skip indexes and
//! projections of tables.

use std::sync::Arc;

use sql::ast::ExprKind;
use store::{ActivePart, TableDef, TableParts};

use super::catalog::seconds;
use super::{Cell, Listing, Rows, SystemTable};
use crate::context::QueryContext;
use crate::derive::{RuleKind, TtlRule};
use crate::error::Result;
use crate::projections;

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![
        Listing::system("parts", parts_rows),
        Listing::system("parts_columns", parts_columns_rows),
        Listing::system("detached_parts", detached_rows),
        Listing::system("detached_tables", detached_table_rows),
        Listing::system("data_skipping_indices", index_rows),
        Listing::system("projections", projection_rows),
        Listing::system("projection_parts", projection_part_rows),
    ]
}

/// Tables of the MergeTree family with their parts, by database and name.
fn tables_with_parts(ctx: &QueryContext) -> impl Iterator<Item = (&TableDef, &TableParts)> {
    let tables = ctx.snapshot.catalog.databases().flat_map(|database| ctx.snapshot.catalog.tables_of(&database.name));
    let tables = tables.filter(|table| table.kind == store::TableKind::MergeTree);
    tables.filter_map(|table| Some((&**table, ctx.snapshot.table_parts(table.id)?)))
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

fn detached_table_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for table in ctx.snapshot.catalog.tables().filter(|table| table.visibility.is_detached()) {
        let is_permanently = table.visibility == store::Visibility::DetachedPermanently;
        rows.push([
            ("database", table.database.clone().into()),
            ("table", table.name.clone().into()),
            ("uuid", Cell::Uuid(table.uuid.to_be_bytes())),
            ("is_permanently", is_permanently.into()),
        ]);
    }
    Ok(())
}

fn index_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            let compiled = crate::skip_indexes::of_table(table, ctx)?;
            for index in crate::definition::Definition::parse(table)?.indexes() {
                let made = compiled.iter().find(|made| *made.index.name == *index.name.name);
                let bytes = made.map_or(0, |made| index_bytes(ctx, table, &made.index.text));
                let full = index.index_type.as_ref().map(ToString::to_string).unwrap_or_default();
                rows.push([
                    ("database", table.database.clone().into()),
                    ("table", table.name.clone().into()),
                    ("name", index.name.name.clone().into()),
                    ("type", full.split('(').next().unwrap_or_default().into()),
                    ("type_full", full.clone().into()),
                    ("expr", items_text(&index.expr).into()),
                    ("granularity", index.granularity.into()),
                    ("data_compressed_bytes", bytes.into()),
                    ("data_uncompressed_bytes", bytes.into()),
                ]);
            }
        }
    }
    Ok(())
}

fn projection_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for database in ctx.snapshot.catalog.databases() {
        for table in ctx.snapshot.catalog.tables_of(&database.name) {
            if table.kind != store::TableKind::MergeTree || !table.sql.contains("PROJECTION") {
                continue;
            }
            for projection in crate::definition::Definition::parse(table)?.projections() {
                rows.push([
                    ("database", table.database.clone().into()),
                    ("table", table.name.clone().into()),
                    ("name", projection.name.name.clone().into()),
                    // others are refused
                    ("type", Cell::Int(1)),
                    ("sorting_key", Cell::Texts(projections::sorting_key(&projection.select))),
                    ("query", projection.select.to_string().into()),
                ]);
            }
        }
    }
    Ok(())
}

/// The projections that parts were written with. A part in memory is grouped to say how many groups it has.
fn projection_part_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for (table, active) in tables_with_parts(ctx) {
        for compiled in projections::of_table(table, ctx)? {
            for part in active.parts().filter(|part| projections::has(&compiled, table, part, ctx)) {
                rows.push(projection_part_row(table, part, &compiled)?);
            }
        }
    }
    Ok(())
}

fn projection_part_row(
    table: &TableDef,
    part: &ActivePart,
    compiled: &projections::Compiled,
) -> Result<Vec<(&'static str, Cell)>> {
    let (projection, meta) = (&compiled.projection, &part.part.meta);
    let (groups, bytes) = match &part.part.data {
        parts::PartData::File(file) => {
            let known = (file.projection_rows(&projection.text), file.projection_bytes(&projection.text));
            (known.0.unwrap_or(0), known.1.unwrap_or(0))
        }
        parts::PartData::Memory(block) => (compiled.groups_of(block)? as u64, 0),
    };
    let kind = if part.is_in_memory() { "InMemory" } else { "Compact" };
    let own = [
        ("name", projection.name.clone().into()),
        ("part_name", projection.name.clone().into()),
        ("part_type", kind.into()),
        ("parent_name", part.name().to_string().into()),
        ("parent_part_type", kind.into()),
        ("marks", groups.div_ceil(parts::projection::CHUNK_ROWS as u64).into()),
        ("rows", groups.into()),
        ("bytes_on_disk", bytes.into()),
        ("bytes", bytes.into()),
        ("data_compressed_bytes", bytes.into()),
        ("parent_marks", meta.granules().into()),
        ("parent_rows", meta.rows.into()),
        ("parent_bytes_on_disk", meta.bytes.into()),
        ("parent_data_compressed_bytes", meta.bytes.into()),
        ("parent_data_uncompressed_bytes", meta.uncompressed_bytes.into()),
    ];
    Ok(own.into_iter().chain(part_identity(table, part)).collect())
}

/// Expressions with commas between, without the brackets around them.
fn items_text(expr: &sql::Expr) -> String {
    match &expr.kind {
        ExprKind::Tuple(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        _ => expr.to_string(),
    }
}

/// Bytes of an index in all files that have it.
fn index_bytes(ctx: &QueryContext, table: &TableDef, text: &str) -> u64 {
    let parts = ctx.snapshot.table_parts(table.id).into_iter().flat_map(|parts| parts.parts());
    let bytes = parts.filter_map(|part| match &part.part.data {
        parts::PartData::File(file) => file.index_bytes(text),
        parts::PartData::Memory(_) => None,
    });
    bytes.sum()
}

fn parts_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for (table, active) in tables_with_parts(ctx) {
        let rules = crate::derive::ttl_rules(table)?;
        let compiled = projections::of_table(table, ctx)?;
        for part in active.parts() {
            let has = |compiled: &&projections::Compiled| projections::has(compiled, table, part, ctx);
            let known = compiled.iter().filter(has).map(|compiled| compiled.projection.name.to_string()).collect();
            let known = [("projections", Cell::Texts(known))];
            let is_frozen = ctx.runtime.frozen.has(table.id, &part.name().to_string());
            let row = part_row(table, part).into_iter().chain(row_ttl(&rules, part)).chain(known);
            rows.push(row.chain([("is_frozen", is_frozen.into())]));
        }
    }
    Ok(())
}

/// The columns of each part that a user sees, with their bytes.
fn parts_columns_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    for (table, active) in tables_with_parts(ctx) {
        let definition = crate::definition::Definition::parse(table)?;
        active.parts().for_each(|part| column_rows(table, &definition, part, rows));
    }
    Ok(())
}

fn column_rows(table: &TableDef, definition: &crate::definition::Definition, part: &ActivePart, rows: &mut Rows) {
    let known = rows.header().clone();
    let of_part: Vec<(&'static str, Cell)> =
        part_row(table, part).into_iter().filter(|(name, _)| known.position(name).is_some()).collect();
    let mut position = 0_usize;
    for (at, column) in part.part.meta.header.columns().iter().enumerate() {
        if table.columns.position(&column.name).is_none() {
            continue;
        }
        position += 1;
        let (compressed, plain) = match &part.part.data {
            parts::PartData::File(file) => file.column_bytes(at),
            parts::PartData::Memory(block) => {
                let bytes = block.array(at).get_array_memory_size() as u64;
                (bytes, bytes)
            }
        };
        let (kind, expr) = super::columns::default_of(definition, &column.name);
        rows.push(of_part.iter().cloned().chain([
            ("column", column.name.clone().into()),
            ("type", column.ty.to_string().into()),
            ("column_position", position.into()),
            ("default_kind", kind.into()),
            ("default_expression", expr.into()),
            ("column_bytes_on_disk", compressed.into()),
            ("column_data_compressed_bytes", compressed.into()),
            ("column_data_uncompressed_bytes", plain.into()),
            ("serialization_kind", "Default".into()),
        ]));
    }
}

/// When the first and the last row that a TTL deletes is past its time.
fn row_ttl(rules: &[TtlRule], part: &ActivePart) -> [(&'static str, Cell); 2] {
    let rules = rules.iter().filter(|rule| rule.kind == RuleKind::Rows);
    let ranges: Vec<(i64, i64)> = rules.filter_map(|rule| rule.moments(&part.part.meta)?.range).collect();
    let at = |moment: Option<i64>| seconds(moment.unwrap_or(0).saturating_mul(1_000_000_000));
    [
        ("delete_ttl_info_min", at(ranges.iter().map(|(first, _)| *first).min())),
        ("delete_ttl_info_max", at(ranges.iter().map(|(_, last)| *last).max())),
    ]
}

fn part_row(table: &TableDef, part: &ActivePart) -> Vec<(&'static str, Cell)> {
    let (meta, name) = (&part.part.meta, part.name());
    let own = [
        ("name", name.to_string().into()),
        ("part_name", name.to_string().into()),
        ("part_type", if part.is_in_memory() { "InMemory" } else { "Compact" }.into()),
        ("part_storage_type", "Full".into()),
        ("marks", meta.granules().into()),
        ("rows", meta.rows.into()),
        ("files", u64::from(!part.is_in_memory()).into()),
        ("path", part.file.as_ref().map(|file| file.object().to_owned()).unwrap_or_default().into()),
        ("bytes_on_disk", meta.bytes.into()),
        ("bytes", meta.bytes.into()),
        ("data_compressed_bytes", meta.bytes.into()),
        ("data_uncompressed_bytes", meta.uncompressed_bytes.into()),
        ("primary_key_bytes_in_memory", meta.marks.size_bytes().into()),
        ("visible", true.into()),
        ("has_lightweight_delete", part.deleted.is_some().into()),
    ];
    own.into_iter().chain(part_identity(table, part)).collect()
}

/// Which part of which table, for every table of parts.
fn part_identity(table: &TableDef, part: &ActivePart) -> [(&'static str, Cell); 13] {
    let name = part.name();
    [
        ("partition", parts::partition_text(&part.part.meta.partition).into()),
        ("active", true.into()),
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
    ]
}
