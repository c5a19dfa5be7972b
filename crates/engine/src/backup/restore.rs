//! RESTORE: definitions under new ids and all their parts, in one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use parts::{Derived, FilePart, GranuleCache, Maturity, PartName};
use query::QueryContext;
use sql::ast::BackupElement;
use store::{DatabaseDef, Edit, NewPart, QualifiedName, TableDef, Target, ViewDef, Visibility};
use types::{ErrorCode, TableId};

use super::choose::{Choice, Chosen, INNER, Shelf, owned};
use super::manifest::{Manifest, SavedPart};
use super::save::{Saved, files_of, rows_of, schema_over};
use super::{Creation, Task, marks, query_style};
use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::refresh;

/// Brings tables of a backup back.
pub(super) async fn run(engine: &Engine, task: &Task, ctx: &Arc<QueryContext>) -> Result<Saved> {
    let manifest = Manifest::read(&*engine.env().disk, &task.folder).await?;
    let shelf = Shelf {
        tables: manifest.tables.iter().map(|table| table.def.clone()).collect(),
        databases: databases_in(&manifest),
        database: &ctx.caller.database,
        catalog: &ctx.snapshot.catalog,
    };
    let uuids = uuids(engine, &manifest, ctx);
    let inner = |view: &TableDef| uuids.get(&view.id).map(|uuid| format!("{INNER}{}", query_style(*uuid)).into());
    let choice = shelf.choose(&task.elements, &inner).map_err(|error| not_in_backup(error, &task.elements))?;
    let (choice, there) = split(choice, task, ctx)?;
    let mut edits = new_databases(engine, &manifest, &choice, ctx);
    edits.extend(new_groups(&manifest, &choice, ctx)?);
    edits.extend(new_collections(&manifest, &task.elements, &choice, ctx));
    let made = definitions(engine, &choice, &uuids);
    let inside = inside(&made, &edits, ctx)?;
    refuse_misfits(&made, &shelf, &inside)?;
    if !task.structure_only {
        marks::refuse_unknown(&manifest, &made, &inside)?;
    }
    let mut marks: Vec<(TableId, TableId, u64)> = Vec::new();
    let mut restorer = Restorer { engine, task, ctx, saved: Saved::default() };
    for (old, def) in &made {
        edits.push(Edit::CreateTable(def.clone()));
        let saved = manifest.tables.iter().find(|table| table.def.id == *old);
        let parts = saved.filter(|_| !task.structure_only).map_or(&[] as &[SavedPart], |saved| &saved.parts);
        let restored = restorer.parts(def, parts).await?;
        let has_come = |block: u64| restored.iter().filter(|(last, _)| *last <= block).count() as u64;
        for mark in manifest.marks.iter().filter(|mark| mark.table == *old && !restored.is_empty()) {
            let reader = made.iter().find(|(old, _)| *old == mark.reader).map(|(_, def)| def.id);
            marks.extend(reader.map(|reader| (def.id, reader, has_come(mark.block))));
        }
        let parts: Vec<NewPart> = restored.into_iter().map(|(_, part)| part).collect();
        if !parts.is_empty() {
            edits.push(Edit::Insert { table: def.id, version: 0, parts });
        }
    }
    for (old, def) in there.iter().filter(|_| !task.structure_only) {
        let saved = manifest.tables.iter().find(|table| table.def.id == *old);
        let restored = restorer.parts(def, saved.map_or(&[], |saved| &saved.parts)).await?;
        let parts: Vec<NewPart> = restored.into_iter().map(|(_, part)| part).collect();
        if !parts.is_empty() {
            edits.push(Edit::Insert { table: def.id, version: def.version, parts });
        }
    }
    edits.extend(marks.into_iter().map(|(table, reader, to)| Edit::MoveMark { table, reader, from: None, to }));
    ctx.check()?;
    ddl::commit(engine, edits, ctx).await?;
    Ok(restorer.saved)
}

fn databases_in(manifest: &Manifest) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = manifest.databases.iter().map(|database| database.name.clone()).collect();
    names.extend(manifest.tables.iter().map(|table| table.def.database.clone()));
    names.sort();
    names.dedup();
    names
}

/// An element that the backup does not have.
fn not_in_backup(error: Error, elements: &[BackupElement]) -> Error {
    let names_tables = elements.iter().any(|element| matches!(element, BackupElement::Table { .. }));
    match error.code() {
        ErrorCode::UNKNOWN_TABLE if names_tables => {
            Error::refused(ErrorCode::BACKUP_ENTRY_NOT_FOUND, format!("{error} in the backup"))
        }
        _ => error,
    }
}

/// A table that is there already, with the id that it has in the backup.
type There = (TableId, Arc<TableDef>);

/// What is to be made, and the tables that are there and only get rows.
fn split(choice: Choice, task: &Task, ctx: &QueryContext) -> Result<(Choice, Vec<There>)> {
    let (mut tables, mut there) = (Vec::new(), Vec::new());
    let inside: BTreeSet<TableId> = choice.tables.iter().flat_map(|table| owned(&table.def)).collect();
    for table in choice.tables {
        let (def, name) = (&table.def, table.def.qualified_name());
        let is_own = def.visibility != Visibility::Listed || def.name.starts_with(".inner");
        let found = ctx.snapshot.catalog.named(&name).filter(|_| !is_own);
        match found {
            Some(_) if inside.contains(&def.id) => return Err(taken(&name, "has the name of a table of a view")),
            Some(found) => there.extend(fits(def, found, task, ctx)?.then(|| (def.id, found.clone()))),
            None if !is_own && ctx.snapshot.catalog.is_taken(&name) => return Err(taken(&name, "is detached")),
            None if !is_own && task.creation == Creation::Never => {
                return Err(Error::refused(ErrorCode::UNKNOWN_TABLE, format!("table {name} does not exist")));
            }
            None => tables.push(table),
        }
    }
    Ok((Choice { tables, ..choice }, there))
}

fn taken(name: &QualifiedName, what: &str) -> Error {
    Error::refused(ErrorCode::CANNOT_RESTORE_TABLE, format!("table {name} exists already: it {what}"))
}

/// Whether rows of the backup go into a table that is there; an error when that is another one, or has rows.
fn fits(def: &TableDef, found: &TableDef, task: &Task, ctx: &QueryContext) -> Result<bool> {
    let name = found.qualified_name();
    if task.creation == Creation::Always {
        return Err(Error::refused(ErrorCode::TABLE_ALREADY_EXISTS, format!("table {name} already exists")));
    }
    let is_same = def.engine == found.engine && def.columns == found.columns && def.schema == found.schema;
    if !is_same || def.kind != found.kind {
        return Err(taken(&name, "has another definition"));
    }
    if !owned(def).is_empty() || def.view.is_some() != found.view.is_some() {
        return Err(taken(&name, "is a view"));
    }
    let has_rows = ctx.snapshot.table_parts(found.id).is_some_and(|parts| parts.rows() != 0);
    if has_rows && !task.adds && !task.structure_only {
        return Err(taken(&name, "has rows (allow_non_empty_tables, structure_only)"));
    }
    if found.schema.is_none() && def.sql != found.sql {
        return Err(taken(&name, "has another definition"));
    }
    Ok(found.schema.is_some())
}

/// Databases that are asked for or needed and not there.
fn new_databases(engine: &Engine, manifest: &Manifest, choice: &Choice, ctx: &QueryContext) -> Vec<Edit> {
    let mut wanted: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    wanted.extend(choice.databases.iter().map(|(from, to)| (to.clone(), from.clone())));
    for Chosen { from, def } in &choice.tables {
        wanted.entry(def.database.clone()).or_insert(from.database.clone());
    }
    let missing = wanted.into_iter().filter(|(to, _)| ctx.snapshot.catalog.database(to).is_none());
    let edit = |(to, from): (Arc<str>, Arc<str>)| {
        let saved = manifest.databases.iter().find(|database| database.name == from);
        let engine_name = saved.map_or("Atomic".into(), |saved| saved.engine.clone());
        let database = DatabaseDef {
            id: engine.inner.store.new_database_id(),
            name: to,
            engine: engine_name,
            uuid: engine.env().rng.uuid(),
            comment: saved.map_or("".into(), |saved| saved.comment.clone()),
            created_ns: ctx.now_ns,
        };
        Edit::CreateDatabase(Arc::new(database))
    };
    missing.map(edit).collect()
}

/// Concurrency groups of views that are brought back, where there are none of these names.
fn new_groups(manifest: &Manifest, choice: &Choice, ctx: &QueryContext) -> Result<Vec<Edit>> {
    let mut wanted = BTreeMap::new();
    for Chosen { def, .. } in &choice.tables {
        let group = views::refresh::Plan::of_view(def)?.and_then(|plan| plan.group);
        let saved = group.and_then(|group| manifest.groups.iter().find(|(name, _)| *name == group));
        wanted.extend(saved.cloned());
    }
    let missing = wanted.into_iter().filter(|(name, _)| ctx.snapshot.catalog.group(name).is_none());
    Ok(missing.map(|(name, limit)| Edit::SetGroup { name, from: None, to: Some(limit) }).collect())
}

/// Named collections that the tables name that are brought back, or all, where all is brought back; where there are none of
/// these names.
fn new_collections(manifest: &Manifest, elements: &[BackupElement], choice: &Choice, ctx: &QueryContext) -> Vec<Edit> {
    let wanted = manifest.collections.iter().filter(|(name, _)| is_wanted(name, elements, choice));
    let missing = wanted.filter(|(name, _)| ctx.snapshot.catalog.collection(name).is_none());
    let edit = |(name, text): &(Arc<str>, Arc<str>)| Edit::SetCollection {
        name: name.clone(),
        from: None,
        to: Some(text.clone()),
    };
    missing.map(edit).collect()
}

/// True when a collection belongs to what was chosen.
pub(super) fn is_wanted(name: &str, elements: &[BackupElement], choice: &Choice) -> bool {
    let is_all = elements.iter().any(|element| matches!(element, BackupElement::All { .. }));
    is_all || choice.tables.iter().any(|table| query::external::names_collection(&table.def.sql, name))
}

/// The UUIDs of what is in the backup: the same, where nothing has them now.
fn uuids(engine: &Engine, manifest: &Manifest, ctx: &QueryContext) -> BTreeMap<TableId, u128> {
    let taken: BTreeSet<u128> = ctx.snapshot.catalog.tables().map(|table| table.uuid).collect();
    let uuid = |def: &TableDef| if taken.contains(&def.uuid) { engine.env().rng.uuid() } else { def.uuid };
    manifest.tables.iter().map(|table| (table.def.id, uuid(&table.def))).collect()
}

/// The definitions under new ids, with the ids that they had; what is inside of views before the views.
fn definitions(engine: &Engine, choice: &Choice, uuids: &BTreeMap<TableId, u128>) -> Vec<(TableId, Arc<TableDef>)> {
    let store = &engine.inner.store;
    let ids: BTreeMap<TableId, TableId> =
        choice.tables.iter().map(|table| (table.def.id, store.new_table_id())).collect();
    let mut made: Vec<(TableId, Arc<TableDef>)> = Vec::with_capacity(ids.len());
    for Chosen { def, .. } in &choice.tables {
        let id = ids[&def.id];
        let is_state = def.visibility == Visibility::Hidden && *def.name == *query::state_table_name(def.id);
        let new = TableDef {
            id,
            name: if is_state { query::state_table_name(id).into() } else { def.name.clone() },
            uuid: uuids.get(&def.id).copied().unwrap_or(def.uuid),
            view: def.view.as_ref().map(|view| with_ids(view, &ids)),
            ..(**def).clone()
        };
        made.push((def.id, Arc::new(new)));
    }
    made.sort_by_key(|(_, def)| def.view.is_some());
    made
}

/// The database with what is to be made, without its rows.
fn inside(made: &[(TableId, Arc<TableDef>)], before: &[Edit], ctx: &QueryContext) -> Result<QueryContext> {
    let create = |(_, def): &(TableId, Arc<TableDef>)| Edit::CreateTable(def.clone());
    let edits: Vec<Edit> = before.iter().cloned().chain(made.iter().map(create)).collect();
    ddl::inside(ctx, &edits)
}

/// Refuses what no CREATE would make: what reads itself under its new name, rings of DEPENDS ON, a second view that
/// replaces the rows of a table.
fn refuse_misfits(made: &[(TableId, Arc<TableDef>)], shelf: &Shelf<'_>, inside: &QueryContext) -> Result<()> {
    for (old, def) in made.iter().filter(|(_, def)| def.view.is_some()) {
        let was = shelf.tables.iter().find(|table| table.id == *old);
        ddl::refuse_own_reader(def, was, &shelf.tables, inside)?;
        refresh::check_restored(def, inside)?;
    }
    Ok(())
}

/// The view over its own tables as they are called now.
fn with_ids(view: &ViewDef, ids: &BTreeMap<TableId, TableId>) -> ViewDef {
    let id = |old: &TableId| ids.get(old).copied().unwrap_or(*old);
    let moved = |target: &Target| match target {
        Target::Inner(old) => Target::Inner(id(old)),
        Target::Named(name) => Target::Named(QualifiedName::clone(name)),
    };
    let mut view = view.attached();
    match &mut view {
        ViewDef::Plain => {}
        ViewDef::Incremental { target, errors, .. } => {
            *target = moved(target);
            *errors = errors.as_ref().map(id);
        }
        ViewDef::Live { target, .. } => *target = moved(target),
        ViewDef::Window { target, state, errors, .. } => {
            *target = moved(target);
            *state = state.iter().map(id).collect();
            *errors = errors.as_ref().map(id);
        }
        ViewDef::Refreshable { target, state, .. } => {
            *target = moved(target);
            *state = state.iter().map(id).collect();
        }
    }
    view
}

struct Restorer<'a> {
    engine: &'a Engine,
    task: &'a Task,
    ctx: &'a Arc<QueryContext>,
    saved: Saved,
}

impl Restorer<'_> {
    /// The parts in the order of their blocks, over all partitions, each with the last block that it had.
    async fn parts(&mut self, def: &TableDef, parts: &[SavedPart]) -> Result<Vec<(u64, NewPart)>> {
        let Some(schema) = &def.schema else { return Ok(Vec::new()) };
        let last_block = |part: &SavedPart| PartName::parse(&part.name).map_or(0, |name| name.max_block);
        let mut in_order: Vec<&SavedPart> = parts.iter().collect();
        in_order.sort_by_key(|part| last_block(part));
        let mut staged = Vec::with_capacity(parts.len());
        for part in in_order {
            self.ctx.check()?;
            let folder = if part.folder.is_empty() { self.task.folder.as_path() } else { Path::new(&part.folder) };
            let files = files_of(&self.engine.env().disk, folder).await?;
            let file = FilePart::open(files, part.file.clone(), Arc::new(GranuleCache::new(0))).await?;
            let derived = match file.meta().header == schema.header {
                true => query::derive::derived(def, None, self.ctx)?,
                // rows of columns that the table had before: nothing can be computed of them
                false => Derived::default(),
            };
            let schema = schema_over(schema, &file.meta().header)?;
            self.saved.files_read += 1;
            self.saved.bytes_read += part.file.bytes;
            let store = &self.engine.inner.store;
            let part_staged = store.stage_file(&schema, &derived, rows_of(&file), Maturity::Merged).await?;
            let rows = part_staged.as_ref().map_or(0, NewPart::rows);
            if rows != part.rows {
                let message = format!("part {} of {} has {rows} rows instead of {}", part.name, def.name, part.rows);
                return Err(Error::refused(ErrorCode::BACKUP_DAMAGED, message));
            }
            self.saved.parts += 1;
            staged.extend(part_staged.filter(|part| 0 < part.rows()).map(|staged| (last_block(part), staged)));
        }
        Ok(staged)
    }
}
