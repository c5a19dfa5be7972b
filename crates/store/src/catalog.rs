//! Which databases, tables and views there are: a persistent value, changed only by [`Snapshot::apply`](crate::Snapshot).
//!
//! Lookups by name see what a user sees; views being built and hidden tables are reached by id. Everything here iterates
//! in a fixed order.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{CommitSeq, DatabaseId, TableId};

use crate::definition::{DatabaseDef, QualifiedName, Readiness, TableDef, Target, ViewDef, Visibility};

/// All definitions at one commit. Cheap to clone; changing a clone costs O(changed).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Catalog {
    databases: OrdMap<Arc<str>, Arc<DatabaseDef>>,
    tables: OrdMap<TableId, Arc<TableDef>>,
    /// Every name that is taken, also of tables that are being built; hidden tables have none.
    names: OrdMap<QualifiedName, TableId>,
    /// The views that an insert runs, by the name of their source.
    views: OrdMap<QualifiedName, OrdSet<TableId>>,
    /// The commit that last changed the views over a name. Kept when the last view goes, so that it never goes back.
    views_changed: OrdMap<QualifiedName, CommitSeq>,
    /// Concurrency groups of refreshable views: how many of each may run at once.
    groups: OrdMap<Arc<str>, u64>,
    /// Tables that were dropped and that UNDROP brings back.
    retired: OrdMap<TableId, RetiredTable>,
    /// Named collections: their canonical CREATE texts, values included.
    collections: OrdMap<Arc<str>, Arc<str>>,
    next_table: u64,
    next_database: u64,
}

/// A table that was dropped and kept with its parts. Nobody sees it but UNDROP.
#[derive(Clone, PartialEq, Debug)]
pub struct RetiredTable {
    /// The table as it was.
    pub table: Arc<TableDef>,
    /// When it was dropped, nanoseconds since 1970.
    pub at_ns: i64,
}

impl Catalog {
    /// The database of that name.
    pub fn database(&self, name: &str) -> Option<&Arc<DatabaseDef>> {
        self.databases.get(name)
    }

    /// All databases, by name.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<DatabaseDef>> {
        self.databases.values()
    }

    /// The table or view of that name, unless it is still being built.
    pub fn table(&self, database: &str, name: &str) -> Option<&Arc<TableDef>> {
        self.named(&QualifiedName::new(database, name))
    }

    /// As [`Catalog::table`].
    pub fn named(&self, name: &QualifiedName) -> Option<&Arc<TableDef>> {
        let table = self.tables.get(self.names.get(name)?)?;
        (table.readiness == Readiness::Ready && !table.visibility.is_detached()).then_some(table)
    }

    /// True when both are known to have the same tables and views: those of one commit, or with none between that defines.
    pub fn has_same_tables(&self, other: &Catalog) -> bool {
        self.tables.ptr_eq(&other.tables)
    }

    /// The table or view with that id, whatever its visibility and readiness.
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<TableDef>> {
        self.tables.get(&id)
    }

    /// The table with that id, also one that was dropped and is kept: whoever works on parts needs its layout.
    pub fn kept_by_id(&self, id: TableId) -> Option<&Arc<TableDef>> {
        self.tables.get(&id).or_else(|| self.retired.get(&id).map(|retired| &retired.table))
    }

    /// Tables that were dropped and are kept, in the order in which they were dropped.
    pub fn retired(&self) -> Vec<&RetiredTable> {
        let mut retired: Vec<&RetiredTable> = self.retired.values().collect();
        retired.sort_by_key(|retired| (retired.at_ns, retired.table.id));
        retired
    }

    /// All tables and views, hidden and building ones too, by id.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableDef>> {
        self.tables.values()
    }

    /// The listed and ready tables and views of a database, by name.
    pub fn tables_of(&self, database: &str) -> impl Iterator<Item = &Arc<TableDef>> {
        let start = QualifiedName::new(database, "");
        let database = Arc::clone(&start.database);
        self.names
            .range(start..)
            .take_while(move |(name, _)| name.database == database)
            .filter_map(|(_, id)| self.tables.get(id))
            .filter(|table| table.readiness == Readiness::Ready && !table.visibility.is_detached())
    }

    /// The detached table or view of that name.
    pub fn detached(&self, name: &QualifiedName) -> Option<&Arc<TableDef>> {
        self.tables.get(self.names.get(name)?).filter(|table| table.visibility.is_detached())
    }

    /// True when something has that name, also a view that is still being built.
    pub fn is_taken(&self, name: &QualifiedName) -> bool {
        self.names.contains_key(name)
    }

    /// The incremental and window views that an insert into `source` runs, in the order in which they were made.
    /// Views being built are among them: they are fed.
    pub fn views_of(&self, source: &QualifiedName) -> impl Iterator<Item = &Arc<TableDef>> {
        self.views.get(source).into_iter().flatten().filter_map(|id| self.tables.get(id))
    }

    /// The number of the commit that last changed what [`Catalog::views_of`] says of this name; 0 when none did.
    pub fn views_changed(&self, source: &QualifiedName) -> CommitSeq {
        self.views_changed.get(source).copied().unwrap_or_default()
    }

    /// The limit of a concurrency group; none when there is no such group.
    pub fn group(&self, name: &str) -> Option<u64> {
        self.groups.get(name).copied()
    }

    /// All concurrency groups and their limits, by name.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &u64)> {
        self.groups.iter()
    }

    /// The CREATE text of a named collection, values included; none when there is no such collection.
    pub fn collection(&self, name: &str) -> Option<&Arc<str>> {
        self.collections.get(name)
    }

    /// All named collections and their texts, by name.
    pub fn collections(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Arc<str>)> {
        self.collections.iter()
    }

    /// The table that a view writes to.
    pub fn target(&self, target: &Target) -> Option<&Arc<TableDef>> {
        match target {
            Target::Named(name) => self.named(name),
            Target::Inner(id) => self.table_by_id(*id),
        }
    }

    /// The smallest table id that was never used.
    pub fn next_table_id(&self) -> TableId {
        TableId(self.next_table)
    }

    /// The smallest database id that was never used.
    pub fn next_database_id(&self) -> DatabaseId {
        DatabaseId(self.next_database)
    }

    /// Puts a concurrency group, or takes it out.
    pub(crate) fn put_group(&mut self, name: &Arc<str>, limit: Option<u64>) {
        match limit {
            Some(limit) => drop(self.groups.insert(Arc::clone(name), limit)),
            None => drop(self.groups.remove(name)),
        }
    }

    /// Puts a named collection, or takes it out.
    pub(crate) fn put_collection(&mut self, name: &Arc<str>, text: Option<Arc<str>>) {
        match text {
            Some(text) => drop(self.collections.insert(Arc::clone(name), text)),
            None => drop(self.collections.remove(name)),
        }
    }

    pub(crate) fn put_database(&mut self, database: Arc<DatabaseDef>) {
        self.next_database = self.next_database.max(database.id.0 + 1);
        self.databases.insert(Arc::clone(&database.name), database);
    }

    pub(crate) fn remove_database(&mut self, name: &str) {
        self.databases.remove(name);
    }

    /// True when the database holds any table, hidden ones too.
    pub(crate) fn has_tables(&self, database: &str) -> bool {
        self.tables.values().any(|table| &*table.database == database)
    }

    /// Puts a definition that commit `seq` made or changed, in place of the one with the same id.
    pub(crate) fn put_table(&mut self, table: TableDef, seq: CommitSeq) {
        self.unlink(table.id, seq);
        let table = Arc::new(TableDef { version: seq.0, ..table });
        self.link(&table);
        if let Some(source) = table.view.as_ref().and_then(ViewDef::insert_source) {
            self.views_changed.insert(source.clone(), seq);
        }
    }

    pub(crate) fn remove_table(&mut self, id: TableId, seq: CommitSeq) {
        self.unlink(id, seq);
        self.tables.remove(&id);
        self.retired.remove(&id);
    }

    /// Takes a table out of everything but [`Catalog::retired`].
    pub(crate) fn retire_table(&mut self, retired: RetiredTable, seq: CommitSeq) {
        self.remove_table(retired.table.id, seq);
        self.restore_retired(retired);
    }

    /// The table that was dropped and is kept, no longer there.
    pub(crate) fn take_retired(&mut self, id: TableId) -> Option<RetiredTable> {
        self.retired.remove(&id)
    }

    /// Puts a dropped table back as a checkpoint has it.
    pub(crate) fn restore_retired(&mut self, retired: RetiredTable) {
        self.next_table = self.next_table.max(retired.table.id.0 + 1);
        self.retired.insert(retired.table.id, retired);
    }

    /// Puts a table back as a checkpoint has it.
    pub(crate) fn restore_table(&mut self, table: TableDef) {
        self.link(&Arc::new(table));
    }

    /// Puts back what only a checkpoint knows.
    pub(crate) fn restore_counters(&mut self, next_table: TableId, next_database: DatabaseId) {
        self.next_table = self.next_table.max(next_table.0);
        self.next_database = self.next_database.max(next_database.0);
    }

    pub(crate) fn restore_views_changed(&mut self, source: QualifiedName, seq: CommitSeq) {
        self.views_changed.insert(source, seq);
    }

    pub(crate) fn all_views_changed(&self) -> impl ExactSizeIterator<Item = (&QualifiedName, &CommitSeq)> {
        self.views_changed.iter()
    }

    fn link(&mut self, table: &Arc<TableDef>) {
        self.next_table = self.next_table.max(table.id.0 + 1);
        if table.visibility != Visibility::Hidden {
            self.names.insert(table.qualified_name(), table.id);
        }
        let is_fed = !table.visibility.is_detached();
        if let Some(source) = table.view.as_ref().and_then(ViewDef::insert_source).filter(|_| is_fed) {
            self.views.entry(source.clone()).or_default().insert(table.id);
        }
        self.tables.insert(table.id, Arc::clone(table));
    }

    fn unlink(&mut self, id: TableId, seq: CommitSeq) {
        let Some(table) = self.tables.get(&id).cloned() else { return };
        let name = table.qualified_name();
        if self.names.get(&name) == Some(&id) {
            self.names.remove(&name);
        }
        if let Some(source) = table.view.as_ref().and_then(ViewDef::insert_source) {
            let mut views = self.views.get(source).cloned().unwrap_or_default();
            views.remove(&id);
            if views.is_empty() {
                self.views.remove(source);
            } else {
                self.views.insert(source.clone(), views);
            }
            self.views_changed.insert(source.clone(), seq);
        }
    }
}
