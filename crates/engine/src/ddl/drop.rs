//! DROP, TRUNCATE, RENAME, EXCHANGE.

use std::sync::Arc;

use query::QueryContext;
use sql::ast::{Attach, Drop, DropAction, Exchange, LikeFilter, ObjectKind, ObjectName, Rename, TruncateTables};
use store::{Catalog, Edit, QualifiedName, TableDef, TableKind, Target, ViewDef, Visibility};
use types::{ErrorCode, TableId};
use views::insert::quarantine::{errors_name, owner};

use super::undrop::{self, Fate};
use super::{commit, database_name, qualified, refuse_cluster, unknown_table};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// The edits that drop a table or view, with the tables that are its own.
pub(super) fn edits(table: &TableDef, catalog: &Catalog, fate: Fate) -> Vec<Edit> {
    let owned = table.view.as_ref().map(ViewDef::owned).unwrap_or_default();
    std::iter::once(table.id).chain(owned).map(|table| undrop::drop_edit(table, catalog, fate)).collect()
}

/// DROP and TRUNCATE of databases, tables and views.
pub(super) async fn run(engine: &Engine, what: &Drop, ctx: &QueryContext) -> Result<()> {
    refuse_cluster(&what.on_cluster)?;
    if what.temporary {
        return Err(Error::NotImplemented("temporary tables".to_owned()));
    }
    let is_table = matches!(what.object, ObjectKind::Table | ObjectKind::View | ObjectKind::Dictionary);
    if what.action == DropAction::Detach && !is_table {
        for name in what.names.iter().filter(|_| what.object == ObjectKind::Database && !what.if_exists) {
            database_name(ctx, &name.name.name)?;
        }
        return Err(Error::NotImplemented("DETACH of anything but tables, views and dictionaries".to_owned()));
    }
    let ctx = &flush_buffers(engine, what, ctx).await?;
    let fate = match what.sync {
        true => Fate::Gone,
        false => Fate::of(engine, ctx),
    };
    let mut edits = Vec::new();
    match what.object {
        ObjectKind::Database => {
            for name in &what.names {
                edits.extend(database_edits(what, &name.name.name, fate, ctx)?);
            }
        }
        ObjectKind::Table | ObjectKind::View | ObjectKind::Dictionary => {
            for name in &what.names {
                edits.extend(table_edits(what, name, fate, ctx)?);
            }
        }
        ObjectKind::Function => return Err(Error::NotImplemented("DROP FUNCTION".to_owned())),
        ObjectKind::NamedCollection => {
            for name in &what.names {
                edits.extend(crate::collections::drop_edit(what, &name.name.name, ctx)?);
            }
        }
        ObjectKind::ConcurrencyGroup => {
            for name in &what.names {
                edits.extend(crate::refresh::drop_group(what, &name.name.name, ctx)?);
            }
        }
    }
    truncate_files(what, ctx).await?;
    if !edits.is_empty() {
        commit(engine, edits, ctx).await?;
    }
    Ok(())
}

/// True for tables whose rows are in a file that is theirs to empty.
fn is_file(table: &TableDef) -> bool {
    table.kind == TableKind::External && &*table.engine == "File"
}

/// TRUNCATE of tables of engine File: their files, which no commit has, are emptied.
async fn truncate_files(what: &Drop, ctx: &QueryContext) -> Result<()> {
    if what.action != DropAction::Truncate || what.object != ObjectKind::Table {
        return Ok(());
    }
    for name in &what.names {
        let table = ctx.snapshot.catalog.named(&qualified(ctx, name));
        if let Some(table) = table.filter(|table| is_file(table)) {
            query::relations::outside_of_table(table, ctx)?.truncate(ctx).await?;
        }
    }
    Ok(())
}

/// The rows of Buffers that are dropped or detached go to their destinations first. What cannot go there goes with a
/// table that is dropped, and stays with one that is detached.
async fn flush_buffers(engine: &Engine, what: &Drop, ctx: &QueryContext) -> Result<QueryContext> {
    if !matches!(what.action, DropAction::Drop | DropAction::Detach) {
        return Ok(ctx.clone());
    }
    let catalog = &ctx.snapshot.catalog;
    let mut flushed = false;
    for name in &what.names {
        let named: Vec<Arc<TableDef>> = match what.object {
            ObjectKind::Database => catalog.tables_of(&name.name.name).cloned().collect(),
            _ => catalog.named(&qualified(ctx, name)).cloned().into_iter().collect(),
        };
        for table in named.iter().filter(|table| table.kind == TableKind::Buffer) {
            flushed = true;
            if let Err(error) = engine.inner.buffers.flush(table).await {
                tracing::warn!(table = %table.qualified_name(), %error, "Buffer was not flushed before it went");
            }
        }
    }
    match flushed {
        true => Ok(ctx.with_snapshot(engine.inner.store.snapshot())),
        false => Ok(ctx.clone()),
    }
}

fn table_edits(what: &Drop, name: &ObjectName, fate: Fate, ctx: &QueryContext) -> Result<Vec<Edit>> {
    let name = qualified(ctx, name);
    database_name(ctx, &name.database)?;
    let Some(table) = ctx.snapshot.catalog.named(&name) else {
        return if what.if_exists { Ok(Vec::new()) } else { Err(unknown_table(ctx, &name)) };
    };
    if what.object == ObjectKind::View && table.view.is_none() {
        return Err(Error::refused(ErrorCode::INCORRECT_QUERY, format!("table {name} is not a view")));
    }
    check_dictionary(what, table)?;
    if what.action == DropAction::Drop {
        super::dictionary::refuse_needed(table, ctx)?;
    }
    if what.if_empty && rows_of(table, ctx) > 0 {
        let message = format!("table {name} is not empty");
        return Err(Error::refused(ErrorCode::TABLE_NOT_EMPTY, message));
    }
    if what.action != DropAction::Truncate
        && let Some(view) = owner(&ctx.snapshot.catalog, table.id)
    {
        let message = format!("table {name} takes the errors of view {}", view.qualified_name());
        return Err(Error::refused(ErrorCode::HAVE_DEPENDENT_OBJECTS, message));
    }
    match what.action {
        DropAction::Truncate => truncate(table),
        DropAction::Drop => Ok(edits(table, &ctx.snapshot.catalog, fate)),
        DropAction::Detach => {
            // a schedule that was taken away does not come back by itself
            let stays = what.permanently || matches!(table.view, Some(ViewDef::Refreshable { .. }));
            let visibility = match stays {
                true => Visibility::DetachedPermanently,
                false => Visibility::Detached,
            };
            Ok(vec![Edit::SetVisibility { table: table.id, visibility }])
        }
    }
}

/// A dictionary is dropped and detached as one, and nothing else is.
fn check_dictionary(what: &Drop, table: &TableDef) -> Result<()> {
    let (name, is_dictionary) = (table.qualified_name(), table.kind == TableKind::Dictionary);
    match (what.object, what.action) {
        (_, DropAction::Truncate) if is_dictionary => {
            Err(Error::refused(ErrorCode::SYNTAX_ERROR, format!("cannot TRUNCATE dictionary {name}")))
        }
        (ObjectKind::Dictionary, _) if !is_dictionary => {
            Err(Error::refused(ErrorCode::INCORRECT_QUERY, format!("table {name} is not a Dictionary")))
        }
        (ObjectKind::Table, _) if is_dictionary => {
            let message = format!(
                "cannot drop/detach dictionary {name} as table, use DROP DICTIONARY or DETACH DICTIONARY query instead"
            );
            Err(Error::refused(ErrorCode::CANNOT_DETACH_DICTIONARY_AS_TABLE, message))
        }
        _ => Ok(()),
    }
}

fn rows_of(table: &TableDef, ctx: &QueryContext) -> u64 {
    let id = match table.view.as_ref().and_then(ViewDef::target) {
        Some(Target::Inner(inner)) => *inner,
        _ => table.id,
    };
    ctx.snapshot.table_parts(id).map_or(0, store::TableParts::rows)
}

/// A view with a table of its own empties that; a view with TO does nothing, as in ClickHouse.
fn truncate(table: &TableDef) -> Result<Vec<Edit>> {
    let all = |table: TableId| Edit::Truncate { table, partition: None };
    if is_file(table) {
        // its rows are in no part
        return Ok(Vec::new());
    }
    Ok(match (&table.view, table.kind) {
        (
            None,
            TableKind::Merge
            | TableKind::Dictionary
            | TableKind::DictionaryTable
            | TableKind::Buffer
            | TableKind::Null
            | TableKind::External,
        ) => {
            let message = format!("TRUNCATE is not supported by engine {}", table.engine);
            return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
        }
        (None, _) => vec![all(table.id)],
        (Some(ViewDef::Plain), _) => {
            let message = format!("TRUNCATE of view {} is not possible", table.qualified_name());
            return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
        }
        (Some(view), _) => match view.target() {
            Some(Target::Inner(inner)) => vec![all(*inner)],
            Some(Target::Named(_)) | None => Vec::new(),
        },
    })
}

fn database_edits(what: &Drop, name: &str, fate: Fate, ctx: &QueryContext) -> Result<Vec<Edit>> {
    let catalog = &ctx.snapshot.catalog;
    if catalog.database(name).is_none() {
        if what.if_exists {
            return Ok(Vec::new());
        }
        return Err(query::Error::UnknownDatabase(name.to_owned()).into());
    }
    let tables: Vec<&Arc<TableDef>> = catalog.tables().filter(|table| *table.database == *name).collect();
    if what.if_empty && !tables.is_empty() {
        return Err(Error::refused(ErrorCode::DATABASE_NOT_EMPTY, format!("database {name} is not empty")));
    }
    match what.action {
        // all that is in it goes, as in ClickHouse; TRUNCATE ALL TABLES is what only empties
        DropAction::Truncate => Ok(tables.iter().map(|table| undrop::drop_edit(table.id, catalog, fate)).collect()),
        DropAction::Drop | DropAction::Detach => {
            let mut edits: Vec<Edit> = tables.iter().map(|table| undrop::drop_edit(table.id, catalog, fate)).collect();
            edits.push(Edit::DropDatabase { name: name.into() });
            Ok(edits)
        }
    }
}

/// TRUNCATE ALL TABLES FROM database [LIKE …].
pub(super) async fn truncate_all(engine: &Engine, what: &TruncateTables, ctx: &QueryContext) -> Result<()> {
    refuse_cluster(&what.on_cluster)?;
    if ctx.snapshot.catalog.database(&what.database.name).is_none() && what.if_exists {
        return Ok(());
    }
    let database = database_name(ctx, &what.database.name)?;
    let mut edits = Vec::new();
    for table in ctx.snapshot.catalog.tables_of(&database).filter(|table| table.schema.is_some()) {
        if what.filter.as_ref().is_none_or(|filter| is_like(&table.name, filter)) {
            edits.push(Edit::Truncate { table: table.id, partition: None });
        }
    }
    if !edits.is_empty() {
        commit(engine, edits, ctx).await?;
    }
    Ok(())
}

/// SQL's LIKE: `%` any run, `_` one character, `\` the next as it is.
pub(crate) fn is_like(name: &str, filter: &LikeFilter) -> bool {
    let fold = |text: &str| if filter.case_insensitive { text.to_lowercase() } else { text.to_owned() };
    let name: Vec<char> = fold(name).chars().collect();
    let pattern: Vec<char> = fold(&filter.pattern).chars().collect();
    matches(&name, &pattern) != filter.negated
}

fn matches(name: &[char], pattern: &[char]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        (['%', rest @ ..], _) => (0..=name.len()).any(|skip| matches(&name[skip..], rest)),
        (['_', rest @ ..], [_, name @ ..]) => matches(name, rest),
        (['\\', c, rest @ ..], [n, name @ ..]) | ([c, rest @ ..], [n, name @ ..]) if c == n => matches(name, rest),
        _ => false,
    }
}

/// RENAME TABLE a TO b, c TO d: one commit.
pub(super) async fn rename(engine: &Engine, rename: &Rename, ctx: &QueryContext) -> Result<()> {
    refuse_cluster(&rename.on_cluster)?;
    let mut edits = Vec::new();
    // names as they are after the renames before
    let mut names: Vec<(QualifiedName, TableId)> = Vec::new();
    let mut pairs = Vec::new();
    for (from, to) in &rename.pairs {
        if rename.object == ObjectKind::Database {
            let from = database_name(ctx, &from.name.name)?;
            edits.push(Edit::RenameDatabase { from, to: to.name.name.as_str().into() });
            continue;
        }
        let (from, to) = (qualified(ctx, from), qualified(ctx, to));
        let moved = names.iter().rposition(|(name, _)| *name == from).map(|at| names.remove(at).1);
        let known = || ctx.snapshot.catalog.named(&from).map(|table| table.id);
        let Some(table) = moved.or_else(known) else {
            if rename.if_exists {
                continue;
            }
            database_name(ctx, &from.database)?;
            return Err(unknown_table(ctx, &from));
        };
        database_name(ctx, &to.database)?;
        if let Some(table) = ctx.snapshot.catalog.table_by_id(table) {
            super::dictionary::refuse_needed(table, ctx)?;
        }
        edits.push(Edit::RenameTable { table, to: to.clone() });
        edits.extend(rename_errors(table, &to, ctx));
        edits.extend(moved_along(table, &to, ctx)?);
        pairs.push((from, to.clone()));
        names.push((to, table));
    }
    super::circles::refuse_renames(&names, ctx)?;
    if !edits.is_empty() {
        // a definition is changed before it is renamed
        edits.splice(0..0, moved_sources(&pairs, ctx));
        commit(engine, edits, ctx).await?;
    }
    Ok(())
}

/// Inserts do not run a view whose source has another name now.
fn moved_sources(renames: &[(QualifiedName, QualifiedName)], ctx: &QueryContext) -> Vec<Edit> {
    let moved = |view: &Arc<TableDef>| {
        let over = view.view.as_ref()?.after_renames(renames)?;
        Some(Edit::AlterTable(Arc::new(TableDef { view: Some(over), ..(**view).clone() })))
    };
    ctx.snapshot.catalog.tables().filter(|view| view.visibility == Visibility::Listed).filter_map(moved).collect()
}

/// The table of errors of a view is called after it.
fn rename_errors(view: TableId, to: &QualifiedName, ctx: &QueryContext) -> Option<Edit> {
    let catalog = &ctx.snapshot.catalog;
    let view = catalog.table_by_id(view)?;
    let errors = catalog.table_by_id(view.view.as_ref().and_then(ViewDef::errors)?)?;
    let is_usual = errors.database == view.database && *errors.name == *errors_name(&view.name);
    let to = QualifiedName::new(to.database.clone(), errors_name(&to.name));
    is_usual.then_some(Edit::RenameTable { table: errors.id, to })
}

/// The hidden tables of a view that moves to another database go with it; one with an inner table cannot, as in ClickHouse.
fn moved_along(view: TableId, to: &QualifiedName, ctx: &QueryContext) -> Result<Vec<Edit>> {
    let catalog = &ctx.snapshot.catalog;
    let Some(view) = catalog.table_by_id(view).filter(|view| view.database != to.database) else {
        return Ok(Vec::new());
    };
    if let Some(Target::Inner(_)) = view.view.as_ref().and_then(ViewDef::target) {
        let message = "Cannot move MaterializedView with inner table to other database";
        return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
    }
    let state = match &view.view {
        Some(ViewDef::Window { state, .. } | ViewDef::Refreshable { state, .. }) => state.as_slice(),
        _ => &[],
    };
    let rename = |table: &Arc<TableDef>| Edit::RenameTable {
        table: table.id,
        to: QualifiedName::new(to.database.clone(), table.name.clone()),
    };
    Ok(state.iter().filter_map(|id| catalog.table_by_id(*id)).map(rename).collect())
}

/// EXCHANGE TABLES a AND b.
pub(super) async fn exchange(engine: &Engine, exchange: &Exchange, ctx: &QueryContext) -> Result<()> {
    refuse_cluster(&exchange.on_cluster)?;
    if !matches!(exchange.object, ObjectKind::Table | ObjectKind::Dictionary) {
        return Err(Error::NotImplemented("EXCHANGE of anything but tables and dictionaries".to_owned()));
    }
    let (a, b) = (super::table(ctx, &exchange.left)?, super::table(ctx, &exchange.right)?);
    if a.id == b.id {
        return Ok(());
    }
    super::circles::refuse(&a, &b, ctx)?;
    commit(engine, vec![Edit::ExchangeTables { a: a.id, b: b.id }], ctx).await?;
    Ok(())
}

/// ATTACH TABLE: a detached table or view is there again.
pub(super) async fn attach(engine: &Engine, attach: &Attach, ctx: &QueryContext) -> Result<()> {
    refuse_cluster(&attach.on_cluster)?;
    if !matches!(attach.object, ObjectKind::Table | ObjectKind::View | ObjectKind::Dictionary) {
        return Err(Error::NotImplemented("ATTACH of anything but tables, views and dictionaries".to_owned()));
    }
    let name = qualified(ctx, &attach.name);
    database_name(ctx, &name.database)?;
    if ctx.snapshot.catalog.named(&name).is_some() {
        if attach.if_not_exists {
            return Ok(());
        }
        return Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, format!("table {name} already exists")));
    }
    let Some(table) = ctx.snapshot.catalog.detached(&name) else {
        let message = format!("table {name} doesn't exist: nothing of that name was detached");
        return Err(Error::refused(ErrorCode::CANNOT_GET_CREATE_TABLE_QUERY, message));
    };
    let mut edits = Vec::new();
    let attached = table.view.as_ref().map(ViewDef::attached);
    if attached != table.view {
        edits.push(Edit::AlterTable(Arc::new(TableDef { view: attached, ..(**table).clone() })));
    }
    edits.push(Edit::SetVisibility { table: table.id, visibility: Visibility::Listed });
    commit(engine, edits, ctx).await?;
    Ok(())
}
