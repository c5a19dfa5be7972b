//! What stands behind names: tables and views of the query's snapshot, system tables, table functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::logical_expr::TableSource as PlanSource;
use parking_lot::Mutex;
use sql::ast::ColumnDefault;
use store::{TableDef, TableKind, Target, ViewDef};
use types::{ErrorCode, TableId};

use crate::bind::relations::{
    ColumnKind, Loading, MergeRelation, Relation, RelationColumn, RelationKind, Relations, Sampling, ScanFactory,
    ScanOptions, TableFunctionCall, TableRelation, ViewRelation,
};
use crate::buffer_engine::BufferEngine;
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::dictionary::{DictionarySource, Slot};
use crate::error::{Error, Result};
use crate::external::{self, Outside};
use crate::join_engine::JoinEngine;
use crate::scan::{Skips, Source, StoredTable, TableOptions, Virtual, table_source};
use crate::{merge_tables, system, table_functions};

/// The names that one query can read.
pub struct SnapshotRelations<'a> {
    ctx: &'a QueryContext,
    /// Views that were read as the table they write to: the plan has the table's id, and depends on the view as well.
    passed: Mutex<Vec<(TableId, u64)>>,
    /// A named collection said where a source is: a plan over it is right for this snapshot only.
    collections: AtomicBool,
}

/// Which rows of a table with one row a key are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// One a key.
    Merged,
    /// Those in its parts: for whoever names it as state.
    AsTheyLie,
}

impl<'a> SnapshotRelations<'a> {
    /// The names as the context's snapshot has them.
    pub fn new(ctx: &'a QueryContext) -> SnapshotRelations<'a> {
        SnapshotRelations { ctx, passed: Mutex::default(), collections: AtomicBool::new(false) }
    }

    /// True when a named collection said where something is.
    pub(crate) fn named_collections(&self) -> bool {
        self.collections.load(Ordering::Relaxed)
    }

    /// The views that were read as the table they write to, with the versions of their definitions.
    pub fn passed(self) -> Vec<(TableId, u64)> {
        self.passed.into_inner()
    }

    fn stored(&self, def: &Arc<TableDef>, target: &Arc<TableDef>, rows: Rows) -> Result<Relation> {
        let definition = Definition::parse(target)?;
        let skips = match definition.indexes().is_empty() {
            true => Arc::default(),
            false => Arc::new(Skips::of(target, &StoredTable::columns_of(target), self.ctx)?),
        };
        let has_final = target.schema.as_ref().is_some_and(|schema| schema.has_final());
        let one_a_key = matches!(target.kind, TableKind::Join | TableKind::Set) && rows == Rows::Merged && has_final;
        let sample_by = definition.storage().and_then(|storage| storage.sample_by.as_ref());
        let rows = || self.ctx.snapshot.table_parts(target.id).map_or(0, store::TableParts::rows);
        let table = TableRelation {
            sampling: sample_by.map(|key| Arc::new(Sampling { key: key.clone(), rows: rows() })),
            columns: match one_a_key {
                true => columns_of(target, &definition).into(),
                false => columns(target, &definition)?.into(),
            },
            scan: Arc::new(StoredScan {
                def: target.clone(),
                older: older_of(def).into(),
                snapshot: self.ctx.snapshot.clone(),
                skips,
                one_a_key,
            }),
            supports_final: has_final && !one_a_key,
            only_in: target.kind == TableKind::Set,
            supports_prewhere: target.kind == TableKind::MergeTree,
        };
        // The name is that of what was named; what is read (and overridden by an inserted block) is the target.
        Ok(Relation {
            id: Some(target.id),
            version: target.version,
            database: def.database.clone(),
            name: def.name.clone(),
            kind: RelationKind::Table(table),
        })
    }

    fn view(&self, def: &Arc<TableDef>) -> Result<Relation> {
        let definition = Definition::parse(def)?;
        let Definition::View(create) = definition else {
            return Err(Error::Plan(format!("view \"{}\" is defined as something else", def.qualified_name())));
        };
        let view = ViewRelation {
            query: Arc::new(create.query),
            database: def.database.clone(),
            columns: (!def.columns.is_empty()).then(|| def.columns.clone()),
            // only a view whose columns depend on its parameters has none
            has_parameters: def.columns.is_empty(),
        };
        Ok(Relation {
            id: Some(def.id),
            version: def.version,
            database: def.database.clone(),
            name: def.name.clone(),
            kind: RelationKind::View(view),
        })
    }
}

impl SnapshotRelations<'_> {
    /// A Buffer: its own rows and those of its destination, which are not there while an inserted block stands for it.
    fn buffer(&self, def: &Arc<TableDef>) -> Result<Relation> {
        let definition = Definition::parse(def)?;
        let mut tables: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        if let Some(engine) = BufferEngine::of_table(def, self.ctx)?
            && !self.ctx.overrides.contains_key(&def.id)
            && self.ctx.snapshot.catalog.named(&engine.destination).is_some()
        {
            tables.push((engine.destination.database, engine.destination.name));
        }
        tables.push((def.database.clone(), crate::state_table_name(def.id).into()));
        let merge = MergeRelation { columns: columns_of(def, &definition).into(), tables: tables.into() };
        Ok(Relation {
            id: Some(def.id),
            version: def.version,
            database: def.database.clone(),
            name: def.name.clone(),
            kind: RelationKind::Merge(merge),
        })
    }

    /// A dictionary, or a table over one, which shows some of its columns.
    fn dictionary_rows(&self, def: &Arc<TableDef>, columns: Option<&types::Header>) -> Result<Relation> {
        let source = match columns {
            None => DictionarySource::new(self.dictionary(&def.database, &def.name)?),
            Some(columns) => {
                let definition = Definition::parse(def)?;
                let (database, name) = table_functions::dictionary_of_engine(&definition, &def.database)?;
                DictionarySource::of_columns(self.dictionary(&database, &name)?, columns)?
            }
        };
        let relation = rows_of(&def.database, &def.name, Arc::new(source));
        Ok(Relation { id: Some(def.id), version: def.version, ..relation })
    }

    /// A table whose rows are elsewhere.
    fn outside(&self, def: &Arc<TableDef>) -> Result<Relation> {
        let outside = outside_of_table(def, self.ctx)?;
        self.collections.fetch_or(outside.has_collection, Ordering::Relaxed);
        let definition = Definition::parse(def)?;
        let (source, virtuals) = outside.source(self.ctx)?;
        let mut columns = columns_of(def, &definition);
        let rows = rows_and_virtuals(&def.database, &def.name, source, virtuals);
        if let RelationKind::Table(table) = &rows.kind {
            let is_virtual = |column: &&RelationColumn| matches!(column.kind, ColumnKind::Virtual);
            columns.extend(table.columns.iter().filter(is_virtual).cloned());
        }
        let kind = match rows.kind {
            RelationKind::Table(table) => RelationKind::Table(TableRelation { columns: columns.into(), ..table }),
            other => other,
        };
        Ok(Relation { id: Some(def.id), version: def.version, kind, ..rows })
    }

    fn merge(&self, def: &Arc<TableDef>) -> Result<Relation> {
        let definition = Definition::parse(def)?;
        let arguments = definition.storage().and_then(|storage| storage.engine.as_ref());
        let arguments = arguments.map_or(&[][..], |engine| &engine.arguments);
        let chosen = merge_tables::Chosen::of_engine(arguments, self.ctx)?;
        let own = def.qualified_name();
        let merge = MergeRelation {
            columns: columns_of(def, &definition).into(),
            tables: chosen.tables(self, Some(&own))?.into(),
        };
        Ok(Relation {
            id: Some(def.id),
            version: def.version,
            database: def.database.clone(),
            name: def.name.clone(),
            kind: RelationKind::Merge(merge),
        })
    }
}

impl Relations for SnapshotRelations<'_> {
    fn table(&self, database: &str, name: &str) -> Result<Relation> {
        if let Some(table) = self.ctx.runtime.system.get(database, name) {
            return Ok(rows_of(table.database(), table.name(), system::source_of(table)));
        }
        let catalog = &self.ctx.snapshot.catalog;
        if catalog.database(database).is_none() && system::canonical(database).is_none() {
            return Err(Error::UnknownDatabase(database.to_owned()));
        }
        let unknown = || Error::UnknownTable { database: database.to_owned(), name: name.to_owned() };
        let state = name.strip_prefix(".state.").and_then(|id| id.parse().ok()).map(types::TableId);
        let state = state.and_then(|id| catalog.table_by_id(id));
        let (is_state, named) = (state.is_some(), || catalog.table(database, name));
        let def = state.or_else(named).ok_or_else(unknown)?;
        match &def.view {
            None if def.kind == TableKind::Buffer && !is_state => self.buffer(def),
            None if def.kind == TableKind::Merge => self.merge(def),
            None if def.kind == TableKind::Dictionary => self.dictionary_rows(def, None),
            None if def.kind == TableKind::DictionaryTable => self.dictionary_rows(def, Some(&def.columns)),
            None if def.kind == TableKind::External => self.outside(def),
            None => self.stored(def, def, if is_state { Rows::AsTheyLie } else { Rows::Merged }),
            Some(ViewDef::Plain) => self.view(def),
            Some(view) => {
                // A materialized view is read as the table that it writes to.
                self.passed.lock().push((def.id, def.version));
                let target = view.target().and_then(|target| catalog.target(target)).ok_or_else(|| {
                    let message = format!("target table of view \"{}\" does not exist", def.qualified_name());
                    Error::refused(ErrorCode::UNKNOWN_TABLE, message)
                })?;
                let relation = self.stored(def, target, Rows::Merged)?;
                match view.target() {
                    Some(Target::Named(_)) => Ok(shown_as(relation, &def.columns)),
                    Some(Target::Inner(_)) | None => Ok(relation),
                }
            }
        }
    }

    fn table_function(&self, call: &TableFunctionCall<'_>) -> Result<Relation> {
        match call.name {
            "merge" => return merge_tables::of_call(call, self, self.ctx),
            "dictionary" => {
                let name = table_functions::dictionary_name(call, self.ctx)?;
                let (database, name) = name.split_once('.').unwrap_or((call.database, &name));
                let slot = self.dictionary(database, name)?;
                let relation = rows_of(database, "dictionary", Arc::new(DictionarySource::of_rows(slot.clone())));
                return Ok(Relation { id: Some(slot.def.id), version: slot.def.version, ..relation });
            }
            _ => {}
        }
        if let Some(kind) = external::Kind::of_function(call.name) {
            if !call.settings.is_empty() {
                return Err(Error::NotSupported(format!("SETTINGS inside table function \"{}\"", call.name)));
            }
            let outside = Outside::of_call(kind, call.name, call.arguments, self.ctx)?;
            self.collections.fetch_or(outside.has_collection, Ordering::Relaxed);
            let (source, virtuals) = outside.source(self.ctx)?;
            return Ok(rows_and_virtuals("", call.name, source, virtuals));
        }
        Ok(rows_of("", call.name, table_functions::resolve(call, self.ctx)?))
    }

    fn dictionary(&self, database: &str, name: &str) -> Result<Arc<Slot>> {
        let not_found = || Error::refused(ErrorCode::BAD_ARGUMENTS, format!("dictionary (`{name}`) not found"));
        let def = self.ctx.snapshot.catalog.table(database, name);
        let def = def.filter(|def| def.kind == TableKind::Dictionary).ok_or_else(not_found)?;
        let slot = self.ctx.runtime.dictionaries.slot(def, self.ctx)?;
        match slot.wants_load(self.ctx) {
            true => Err(Error::DictionaryNotLoaded(def.id)),
            false => Ok(slot),
        }
    }

    fn join_rows(&self, database: &str, name: &str) -> Result<Arc<Slot>> {
        let unknown = || Error::UnknownTable { database: database.to_owned(), name: name.to_owned() };
        let def = self.ctx.snapshot.catalog.table(database, name).ok_or_else(unknown)?;
        let Some(engine) = JoinEngine::of_table(def)? else {
            let message = format!("table \"{name}\" should have engine Join");
            return Err(Error::refused(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, message));
        };
        if !engine.gives_one_row() {
            let message = "joinGet is for tables of engine Join(ANY, LEFT, …)";
            return Err(Error::refused(ErrorCode::INCOMPATIBLE_TYPE_OF_JOIN, message));
        }
        let slot = self.ctx.runtime.dictionaries.slot(def, self.ctx)?;
        match slot.wants_load(self.ctx) {
            true => Err(Error::DictionaryNotLoaded(def.id)),
            false => Ok(slot),
        }
    }

    fn join_engine(&self, database: &str, name: &str) -> Result<Option<JoinEngine>> {
        match self.ctx.snapshot.catalog.table(database, name) {
            Some(def) => JoinEngine::of_table(def),
            None => Ok(None),
        }
    }

    fn loaded(&self, id: TableId) -> Option<Loading> {
        // tables over dictionaries and calls have the id of their own or of the dictionary
        let def = self.ctx.snapshot.catalog.table_by_id(id)?;
        match def.kind {
            TableKind::Dictionary => {
                let slot = self.ctx.runtime.dictionaries.known(id);
                let each_time = slot.is_some_and(|slot| slot.structure.is_read_each_time());
                Some(if each_time { Loading::EachTime } else { Loading::Once })
            }
            // nothing is loaded, but what is read is outside, and where it is is not in the plan's key
            TableKind::DictionaryTable | TableKind::External => Some(Loading::EachTime),
            _ => None,
        }
    }

    fn has_table_function(&self, name: &str) -> bool {
        table_functions::is_known(name)
    }

    fn database_names(&self) -> Vec<String> {
        let stored = self.ctx.snapshot.catalog.databases().map(|database| database.name.to_string());
        stored.chain([system::INFORMATION_SCHEMA, system::SYSTEM].map(str::to_owned)).collect()
    }

    fn table_names(&self, database: &str) -> Vec<String> {
        let stored = self.ctx.snapshot.catalog.tables_of(database).map(|table| table.name.to_string());
        let system =
            self.ctx.runtime.system.iter().filter(|table| Some(table.database()) == system::canonical(database));
        stored.chain(system.map(|table| table.name().to_owned())).collect()
    }
}

/// What a table of an engine whose rows are elsewhere stands for.
pub fn outside_of_table(def: &TableDef, ctx: &QueryContext) -> Result<Outside> {
    let definition = Definition::parse(def)?;
    let engine = definition.storage().and_then(|storage| storage.engine.as_ref());
    let engine = engine.ok_or_else(|| Error::Plan(format!("table \"{}\" has no engine", def.qualified_name())))?;
    // ALIAS columns are computed here, never read or written
    let is_there =
        |column: &&types::Column| definition.column(&column.name).is_none_or(|declared| declared.default.is_none());
    let columns: Vec<types::Column> = def.columns.columns().iter().filter(is_there).cloned().collect();
    Outside::of_engine(engine, Some(types::Header::new(columns)), &external::folder_of(def.uuid), ctx)
}

/// A table with the columns of the view that writes to it: those alone, in the view's order and types.
fn shown_as(mut relation: Relation, shown: &types::Header) -> Relation {
    let RelationKind::Table(table) = &mut relation.kind else { return relation };
    let stored: Vec<RelationColumn> = table.columns.to_vec();
    let of_view = shown.columns().iter().filter_map(|column| {
        let found = stored.iter().find(|stored| stored.name == column.name)?;
        let kind = match &found.kind {
            ColumnKind::Ordinary if found.ty != column.ty => ColumnKind::Converted(found.ty.clone()),
            kind => kind.clone(),
        };
        Some(RelationColumn { name: column.name.clone(), ty: column.ty.clone(), kind })
    });
    let is_free =
        |column: &&RelationColumn| matches!(column.kind, ColumnKind::Virtual) && shown.position(&column.name).is_none();
    table.columns = of_view.chain(stored.iter().filter(is_free).cloned()).collect();
    relation
}

/// A relation of a source that has all its columns in `SELECT *` and knows neither FINAL nor PREWHERE.
fn rows_of(database: &str, name: &str, source: Arc<dyn Source>) -> Relation {
    rows_and_virtuals(database, name, source, 0)
}

/// The same of a source whose last columns are virtual.
fn rows_and_virtuals(database: &str, name: &str, source: Arc<dyn Source>, virtuals: usize) -> Relation {
    let ordinary = source.header().len().saturating_sub(virtuals);
    let column = |(at, column): (usize, &types::Column)| RelationColumn {
        name: column.name.clone(),
        ty: column.ty.clone(),
        kind: if at < ordinary { ColumnKind::Ordinary } else { ColumnKind::Virtual },
    };
    let table = TableRelation {
        sampling: None,
        columns: source.header().columns().iter().enumerate().map(column).collect(),
        scan: Arc::new(SourceScan { source }),
        supports_final: false,
        supports_prewhere: false,
        only_in: false,
    };
    Relation { id: None, version: 0, database: database.into(), name: name.into(), kind: RelationKind::Table(table) }
}

/// The visible columns of a table, with how each comes to be, then the virtual ones.
pub(crate) fn columns(def: &TableDef, definition: &Definition) -> Result<Vec<RelationColumn>> {
    let mut columns = columns_of(def, definition);
    for (_, column) in Virtual::of(def) {
        columns.push(RelationColumn { name: column.name, ty: column.ty, kind: ColumnKind::Virtual });
    }
    Ok(columns)
}

/// The visible columns of a table, with how each comes to be.
fn columns_of(def: &TableDef, definition: &Definition) -> Vec<RelationColumn> {
    let mut columns = Vec::with_capacity(def.columns.len() + 4);
    for column in def.columns.columns() {
        let declared = definition.column(&column.name).and_then(|column| column.default.as_ref());
        let kind = match declared {
            Some(ColumnDefault::Materialized(_)) => ColumnKind::Materialized,
            Some(ColumnDefault::Alias(expr)) => ColumnKind::Alias(Arc::new(expr.clone())),
            // Never stored: there is nothing to read.
            Some(ColumnDefault::Ephemeral(_)) => continue,
            Some(ColumnDefault::Default(_) | ColumnDefault::AutoIncrement) | None => ColumnKind::Ordinary,
        };
        columns.push(RelationColumn { name: column.name.clone(), ty: column.ty.clone(), kind });
    }
    columns
}

/// Makes leaves over a stored table.
struct StoredScan {
    def: Arc<TableDef>,
    /// Where earlier contents are, newest first, when it is read as a refreshable view.
    older: Arc<[TableId]>,
    snapshot: Arc<store::Snapshot>,
    /// The table has one row a key, whether they were merged or not.
    one_a_key: bool,
    skips: Arc<Skips>,
}

/// The hidden tables of earlier contents of a refreshable view: those after its record.
fn older_of(view: &TableDef) -> &[TableId] {
    match &view.view {
        Some(ViewDef::Refreshable { state, .. }) => state.get(1..).unwrap_or_default(),
        _ => &[],
    }
}

impl StoredScan {
    /// The table of `GENERATION n`: 0 is the present content, -1 the one before it.
    fn generation(&self, generation: i64) -> Result<Arc<TableDef>> {
        if generation == 0 {
            return Ok(self.def.clone());
        }
        let gone = |reason: String| Err(Error::refused(ErrorCode::BAD_ARGUMENTS, reason));
        let kept = self.older.len();
        let before = usize::try_from(generation.unsigned_abs()).unwrap_or(usize::MAX);
        let table = self.older.get(before.wrapping_sub(1)).filter(|_| generation < 0);
        let Some(table) = table.and_then(|table| self.snapshot.catalog.table_by_id(*table)) else {
            return gone(format!(
                "GENERATION {generation}: of this view {kept} earlier generations are kept (keep_generations)"
            ));
        };
        // the first number of a table of generations is given with its first content, also an empty one
        match self.snapshot.table_parts(table.id).is_some_and(|parts| 0 < parts.last_block()) {
            true => Ok(table.clone()),
            false => gone(format!("GENERATION {generation}: the view was not refreshed that often yet")),
        }
    }
}

impl ScanFactory for StoredScan {
    fn source(&self, options: &ScanOptions) -> Result<Arc<dyn PlanSource>> {
        let generation = options.generation.unwrap_or(0);
        let def = self.generation(generation)?;
        // the indexes are those of the table that holds the present content
        let skips = if generation == 0 { Arc::clone(&self.skips) } else { Arc::default() };
        let options =
            TableOptions { is_final: options.is_final || self.one_a_key, prewhere: options.prewhere.as_ref(), skips };
        Ok(table_source(Arc::new(StoredTable::new(&def, &self.snapshot, &options)?)))
    }
}

/// Makes leaves over any other source.
struct SourceScan {
    source: Arc<dyn Source>,
}

impl ScanFactory for SourceScan {
    fn source(&self, options: &ScanOptions) -> Result<Arc<dyn PlanSource>> {
        if options.generation.is_some_and(|generation| generation != 0) {
            return Err(Error::NotSupported(format!("GENERATION of \"{}\"", self.source.name())));
        }
        Ok(table_source(self.source.clone()))
    }
}
