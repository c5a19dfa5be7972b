//! EXCHANGE must not make a view stand where something that it reads or writes stood: it would depend on itself. Neither it
//! nor RENAME may close a ring of DEPENDS ON: its views would wait for each other for ever.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{ObjectName, StatementKind, ViewTarget};
use store::{QualifiedName, TableDef, ViewDef};
use types::{ErrorCode, TableId};

use super::qualify::names_in;
use crate::error::{Error, Result};

/// Refuses an exchange of names after which one of both would depend on itself, with the way spelled out.
pub(super) fn refuse(a: &Arc<TableDef>, b: &Arc<TableDef>, ctx: &QueryContext) -> Result<()> {
    let (name_a, name_b) = (a.qualified_name(), b.qualified_name());
    // what stands under a name afterwards
    let standing = |name: &QualifiedName| match name {
        name if *name == name_a => Some(Arc::clone(b)),
        name if *name == name_b => Some(Arc::clone(a)),
        name => ctx.snapshot.catalog.named(name).cloned(),
    };
    for start in [&name_a, &name_b] {
        if let Some(way) = way_back(start, &standing, &needed) {
            let message = format!("cannot exchange {name_a} and {name_b}: it leads to a cyclic dependency: {way}");
            return Err(Error::refused(ErrorCode::INFINITE_LOOP, message));
        }
        refuse_ring(start, &standing)?;
    }
    Ok(())
}

/// Refuses renames after which views would depend on each other in a ring. `names` are the new ones.
pub(super) fn refuse_renames(names: &[(QualifiedName, TableId)], ctx: &QueryContext) -> Result<()> {
    let catalog = &ctx.snapshot.catalog;
    let standing = |name: &QualifiedName| match names.iter().find(|(new, _)| new == name) {
        Some((_, table)) => catalog.table_by_id(*table).cloned(),
        None => catalog.named(name).filter(|table| names.iter().all(|(_, moved)| *moved != table.id)).cloned(),
    };
    names.iter().try_for_each(|(name, _)| refuse_ring(name, &standing))
}

/// Refuses a restored view that would depend on itself under the names that are there, where it did not in the backup.
/// `was` is the view among the tables of the backup.
pub(crate) fn refuse_own_reader(
    view: &TableDef,
    was: Option<&Arc<TableDef>>,
    backup: &[Arc<TableDef>],
    after: &QueryContext,
) -> Result<()> {
    let name = view.qualified_name();
    let standing = |name: &QualifiedName| after.snapshot.catalog.named(name).cloned();
    let Some(way) = way_back(&name, &standing, &needed) else { return Ok(()) };
    let stood = |name: &QualifiedName| backup.iter().find(|table| table.qualified_name() == *name).cloned();
    if was.is_some_and(|was| way_back(&was.qualified_name(), &stood, &needed).is_some()) {
        return Ok(());
    }
    let message = format!("cannot restore view {name}: it leads to a cyclic dependency: {way}");
    Err(Error::refused(ErrorCode::INFINITE_LOOP, message))
}

fn refuse_ring(name: &QualifiedName, standing: &dyn Fn(&QualifiedName) -> Option<Arc<TableDef>>) -> Result<()> {
    match way_back(name, standing, &waited_for) {
        Some(way) => {
            let message = format!("DEPENDS ON would lead back to where it began: {way}");
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
        None => Ok(()),
    }
}

/// The views behind DEPENDS ON.
fn waited_for(view: &TableDef) -> Vec<QualifiedName> {
    match &view.view {
        Some(ViewDef::Refreshable { depends_on, .. }) => depends_on.clone(),
        _ => Vec::new(),
    }
}

/// A way from a name over what the views need to the name itself.
fn way_back(
    start: &QualifiedName,
    standing: &dyn Fn(&QualifiedName) -> Option<Arc<TableDef>>,
    needs: &dyn Fn(&TableDef) -> Vec<QualifiedName>,
) -> Option<String> {
    let mut seen = Vec::new();
    let mut open = vec![vec![start.clone()]];
    while let Some(way) = open.pop() {
        let Some(table) = way.last().and_then(standing) else { continue };
        for next in needs(&table) {
            let longer: Vec<QualifiedName> = way.iter().cloned().chain([next.clone()]).collect();
            if next == *start {
                return Some(longer.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "));
            }
            if !seen.contains(&next) {
                seen.push(next);
                open.push(longer);
            }
        }
    }
    None
}

/// The names in a view's SELECT, and the one behind TO.
fn needed(view: &TableDef) -> Vec<QualifiedName> {
    if view.view.is_none() {
        return Vec::new();
    }
    let Ok(statement) = sql::parse_statement(&view.sql) else { return Vec::new() };
    let (query, target) = match &statement.kind {
        StatementKind::CreateView(create) => (&create.query, None),
        StatementKind::CreateMaterializedView(create) => match &create.target {
            ViewTarget::Table(to) => (&create.query, Some(to)),
            ViewTarget::Inner(_) => (&create.query, None),
        },
        _ => return Vec::new(),
    };
    let of = |name: &ObjectName| {
        let database = name.database.as_ref().map_or(&*view.database, |database| database.name.as_str());
        QualifiedName::new(database, name.name.name.as_str())
    };
    names_in(query, &view.database).into_iter().chain(target.map(of)).collect()
}
