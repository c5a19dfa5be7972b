//! What a definition says of projections: which engines have them, and what is none.

use query::QueryContext;
use query::definition::Definition;
use sql::ast::{ColumnDef, ColumnDefault, GroupByKeys, ProjectionDef, Setting as AstSetting, Storage, TableElements};
use store::{TableDef, TableKind};
use types::{ErrorCode, Header, Setting};

use crate::error::{Error, Result};

/// What merges of engines with a rule do with projections (`deduplicate_merge_projection_mode`).
const MODES: &[&str] = &["throw", "drop", "rebuild", "ignore"];
/// What DELETE FROM does where there are projections (`lightweight_mutation_projection_mode`).
const DELETE_MODES: &[&str] = &["throw", "drop", "rebuild"];

/// Checks the projections of a definition over its stored columns.
pub(crate) fn check(
    elements: &TableElements,
    (engine, kind, is_plain): (&str, TableKind, bool),
    (storage, stored): (&Storage, &Header),
    ctx: &QueryContext,
) -> Result<()> {
    if elements.projections.is_empty() {
        return Ok(());
    }
    if kind != TableKind::MergeTree {
        let message = format!("engine {engine} doesn't support projections: only those of the MergeTree family do");
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    for (at, projection) in elements.projections.iter().enumerate() {
        let name = projection.name.name.as_str();
        if elements.projections.iter().take(at).any(|known| known.name.name == name) {
            return Err(exists(name));
        }
        refuse_computed(projection, elements)?;
        query::projections::compile(projection, stored, ctx)?;
    }
    if !is_plain && mode(&storage.settings)? == "throw" {
        let message = format!(
            "projections are not supported for {engine} with deduplicate_merge_projection_mode = throw. Please set \
             setting 'deduplicate_merge_projection_mode' to 'drop' or 'rebuild'"
        );
        return Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message));
    }
    Ok(())
}

/// Parts hold neither ALIAS nor EPHEMERAL columns.
fn refuse_computed(projection: &ProjectionDef, elements: &TableElements) -> Result<()> {
    let select = &projection.select;
    let keys = select.group_by.iter().flat_map(|by| match &by.keys {
        GroupByKeys::Exprs(exprs) => exprs.as_slice(),
        GroupByKeys::All | GroupByKeys::GroupingSets(_) => &[],
    });
    let read: Vec<String> =
        select.items.iter().chain(&select.filter).chain(keys).flat_map(sql::Expr::identifiers).collect();
    let is_computed = |column: &&ColumnDef| {
        matches!(column.default, Some(ColumnDefault::Alias(_) | ColumnDefault::Ephemeral(_)))
            && read.contains(&column.name.name)
    };
    match elements.columns.iter().find(is_computed) {
        Some(column) => {
            let (name, column) = (&projection.name.name, &column.name.name);
            Err(Error::NotImplemented(format!("PROJECTION {name} over column {column}, which parts do not hold")))
        }
        None => Ok(()),
    }
}

/// The error of a name that is taken.
pub(crate) fn exists(name: &str) -> Error {
    let message = format!("cannot add projection {name}: projection with this name already exists");
    Error::refused(ErrorCode::ILLEGAL_PROJECTION, message)
}

/// Refuses values of the settings that there are not.
pub(crate) fn check_setting(name: &str, value: &str) -> Result<()> {
    let known = match name {
        "deduplicate_merge_projection_mode" => MODES,
        "lightweight_mutation_projection_mode" => DELETE_MODES,
        _ => return Ok(()),
    };
    match known.contains(&value) {
        true => Ok(()),
        false => {
            let message = format!("unexpected value of {name}: '{value}'. Must be one of {}", known.join(", "));
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
    }
}

fn mode(settings: &[AstSetting]) -> Result<String> {
    let found = settings.iter().find(|setting| setting.name.name == "deduplicate_merge_projection_mode");
    found.map_or_else(|| Ok("throw".to_owned()), |found| crate::settings::text(&found.name.name, &found.value))
}

/// True when merges of this table leave its projections out: their rows are not those of the parts, and a query that
/// reads few rows less is not worth grouping them again.
pub(crate) fn are_dropped_by_merges(table: &TableDef) -> Result<bool> {
    if !table.sql.contains("deduplicate_merge_projection_mode") {
        return Ok(false);
    }
    let is_plain = table.schema.as_ref().is_none_or(|schema| !schema.has_final());
    let definition = Definition::parse(table)?;
    let settings = definition.storage().map_or(&[][..], |storage| &storage.settings);
    Ok(!is_plain && mode(settings)? == "drop")
}

/// DELETE FROM a table with projections is refused, unless the table or the query says otherwise.
pub(crate) fn check_delete(table: &TableDef, ctx: &QueryContext) -> Result<()> {
    if !table.sql.contains("PROJECTION") {
        return Ok(());
    }
    let definition = Definition::parse(table)?;
    let of_table = views::tables::setting(&definition, "lightweight_mutation_projection_mode");
    let mode = of_table.unwrap_or_else(|| ctx.settings.text(Setting::LightweightMutationProjectionMode).to_owned());
    if definition.projections().is_empty() || mode != "throw" {
        return Ok(());
    }
    let message = format!(
        "DELETE query is not allowed for table {} because it has projections and setting \
         lightweight_mutation_projection_mode is set to throw. User should change lightweight_mutation_projection_mode \
         or drop all the projections manually before running the query",
        table.qualified_name()
    );
    Err(Error::refused(ErrorCode::SUPPORT_IS_DISABLED, message))
}
