//! `system.dictionaries`: what is loaded of each dictionary, and what the last try said.

use store::TableKind;

use super::{Cell, Rows};
use crate::context::QueryContext;
use crate::dictionary::{Slot, Status};
use crate::error::Result;

pub(super) fn rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    let dictionaries = ctx.snapshot.catalog.databases().flat_map(|database| {
        ctx.snapshot.catalog.tables_of(&database.name).filter(|def| def.kind == TableKind::Dictionary)
    });
    for def in dictionaries {
        let slot = ctx.runtime.dictionaries.slot(def, ctx)?;
        let mut row = described(&slot);
        row.extend(standing(&slot, &slot.status()));
        rows.push(row);
    }
    Ok(())
}

/// What the definition says.
fn described(slot: &Slot) -> Vec<(&'static str, Cell)> {
    let (def, structure) = (&slot.def, &slot.structure);
    let mut uuid = Vec::new();
    types::text::cell::write_uuid(&mut uuid, &def.uuid.to_be_bytes());
    vec![
        ("database", def.database.clone().into()),
        ("name", def.name.clone().into()),
        ("uuid", Cell::Uuid(def.uuid.to_be_bytes())),
        ("origin", String::from_utf8_lossy(&uuid).into_owned().into()),
        ("key.names", Cell::Texts(structure.keys.iter().map(|key| key.name.to_string()).collect())),
        ("key.types", Cell::Texts(structure.keys.iter().map(|key| key.ty.to_string()).collect())),
        ("attribute.names", Cell::Texts(structure.attributes.iter().map(|a| a.name.to_string()).collect())),
        ("attribute.types", Cell::Texts(structure.attributes.iter().map(|a| a.ty.to_string()).collect())),
        ("comment", def.comment.clone().into()),
    ]
}

/// What is loaded.
fn standing(slot: &Slot, status: &Status) -> Vec<(&'static str, Cell)> {
    let state: u64 = match (&status.content, &status.last_error) {
        (Some(_), _) => 1,
        (None, Some(_)) => 2,
        (None, None) => 0,
    };
    let seconds = |ns: i64| Cell::UInt(u64::try_from(ns / 1_000_000_000).unwrap_or(0));
    let error = status.last_error.as_ref();
    let mut row = vec![
        ("status", state.into()),
        ("loading_start_time", seconds(status.started_ns)),
        ("last_successful_update_time", seconds(status.loaded_ns)),
        ("loading_duration", (status.took_ns as f64 / 1e9).into()),
        ("error_count", status.errors.into()),
        ("last_exception", error.map_or_else(String::new, |error| last_exception(error)).into()),
    ];
    if let Some(content) = &status.content {
        let (asked, found) = slot.asked_and_found();
        let rows = slot.held();
        let share = if asked == 0 { 0.0 } else { found as f64 / asked as f64 };
        let (min, max) = slot.structure.lifetime_s;
        row.extend([
            ("type", slot.structure.type_name().into()),
            ("bytes_allocated", content.size_bytes().into()),
            ("query_count", asked.into()),
            ("hit_rate", 1.0.into()),
            ("found_rate", share.into()),
            ("element_count", rows.into()),
            ("load_factor", if rows == 0 { 0.0 } else { 1.0 }.into()),
            ("source", slot.structure.source_text(&slot.def.database).into()),
            ("lifetime_min", min.into()),
            ("lifetime_max", max.into()),
        ]);
    }
    row
}

fn last_exception(error: &crate::Error) -> String {
    format!("Code: {}. DB::Exception: {error}. ({})", error.code().0, error.code().name())
}
