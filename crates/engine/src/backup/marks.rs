//! How far views with APPEND INCREMENTAL have read what is not restored with them: nobody knows.
//!
//! Of a source that comes back with its view the backup says between which parts the mark lay. Blocks of any other source
//! are numbered otherwise, also of the same one that was restored before, so the view would append rows that it has.

use std::sync::Arc;

use query::QueryContext;
use query::definition::Definition;
use sql::ast::RefreshMode;
use store::{TableDef, Target, ViewDef};
use types::TableId;

use super::manifest::Manifest;
use crate::error::{Error, Result};
use crate::refresh::incremental_source;

/// Refuses views with rows that would come twice. `made` are definitions with the ids that they had, `inside` is the
/// database with all of them.
pub(super) fn refuse_unknown(
    manifest: &Manifest,
    made: &[(TableId, Arc<TableDef>)],
    inside: &QueryContext,
) -> Result<()> {
    for (old, view) in made {
        let plan = views::refresh::Plan::of_view(view)?;
        let appends = plan.is_some_and(|plan| plan.mode == RefreshMode::AppendIncremental);
        if !appends || !may_have_rows(manifest, made, *old, view) {
            continue;
        }
        let definition = Definition::parse(view)?;
        let inside = inside.with_database(&view.database);
        // of a source that is not there all rows will be new
        let Some(Ok(source)) = definition.query().map(|query| incremental_source(query, &inside)) else { continue };
        if made.iter().all(|(_, def)| def.id != source.id) {
            let (view, source) = (view.qualified_name(), source.qualified_name());
            let what = format!(
                "RESTORE of view {view}, which is APPEND INCREMENTAL, without its source {source}: how far it has read that is \
                 not known, so rows would come twice;"
            );
            return Err(Error::NotImplemented(what));
        }
    }
    Ok(())
}

/// False when a view has never written into its own table.
fn may_have_rows(manifest: &Manifest, made: &[(TableId, Arc<TableDef>)], old: TableId, view: &TableDef) -> bool {
    let inner = match view.view.as_ref().and_then(ViewDef::target) {
        Some(Target::Inner(inner)) => made.iter().find(|(_, def)| def.id == *inner).map(|(old, _)| *old),
        Some(Target::Named(_)) | None => None,
    };
    let saved = inner.and_then(|inner| manifest.tables.iter().find(|table| table.def.id == inner));
    saved.is_none_or(|saved| !saved.parts.is_empty()) || manifest.marks.iter().any(|mark| mark.reader == old)
}
