//! Edits of databases, tables and views.

use std::sync::Arc;

use types::TableId;

use super::Next;
use crate::catalog::RetiredTable;
use crate::definition::{DatabaseDef, QualifiedName, Readiness, TableDef, ViewDef, Visibility};
use crate::error::Conflict;

impl Next<'_> {
    pub(super) fn create_database(&mut self, database: &Arc<DatabaseDef>) -> Result<(), Conflict> {
        let catalog = &mut self.applied.snapshot.catalog;
        if catalog.database(&database.name).is_some() {
            return Err(Conflict::DatabaseExists(database.name.to_string()));
        }
        if database.id < catalog.next_database_id() {
            return Err(Conflict::Malformed("a database id was used before"));
        }
        catalog.put_database(Arc::clone(database));
        Ok(())
    }

    pub(super) fn drop_database(&mut self, name: &str) -> Result<(), Conflict> {
        self.database(name)?;
        let catalog = &mut self.applied.snapshot.catalog;
        if catalog.has_tables(name) {
            return Err(Conflict::DatabaseNotEmpty(name.to_owned()));
        }
        catalog.remove_database(name);
        Ok(())
    }

    pub(super) fn rename_database(&mut self, from: &str, to: &Arc<str>) -> Result<(), Conflict> {
        let database = Arc::clone(self.database(from)?);
        let seq = self.applied.receipt.seq;
        let catalog = &mut self.applied.snapshot.catalog;
        if catalog.database(to).is_some() {
            return Err(Conflict::DatabaseExists(to.to_string()));
        }
        catalog.remove_database(from);
        catalog.put_database(Arc::new(DatabaseDef { name: Arc::clone(to), ..(*database).clone() }));
        let inside: Vec<Arc<TableDef>> = catalog.tables().filter(|table| &*table.database == from).cloned().collect();
        for table in inside {
            catalog.put_table(TableDef { database: Arc::clone(to), ..(*table).clone() }, seq);
        }
        Ok(())
    }

    pub(super) fn create_table(&mut self, table: &Arc<TableDef>) -> Result<(), Conflict> {
        self.database(&table.database)?;
        let seq = self.applied.receipt.seq;
        let catalog = &mut self.applied.snapshot.catalog;
        if catalog.kept_by_id(table.id).is_some() || self.base.catalog.kept_by_id(table.id).is_some() {
            return Err(Conflict::Malformed("a table id was used before"));
        }
        let name = table.qualified_name();
        if table.visibility == Visibility::Listed && catalog.is_taken(&name) {
            return Err(Conflict::TableExists(name));
        }
        catalog.put_table((**table).clone(), seq);
        Ok(())
    }

    pub(super) fn drop_table(&mut self, table: TableId) -> Result<(), Conflict> {
        let may_read = matches!(self.kept(table)?.view, Some(ViewDef::Refreshable { .. }));
        let seq = self.applied.receipt.seq;
        let snapshot = &mut self.applied.snapshot;
        snapshot.catalog.remove_table(table, seq);
        snapshot.tokens.remove_table(table);
        if may_read {
            snapshot.parts.remove_marks_of(table);
        }
        if let Some(parts) = snapshot.parts.remove_table(table) {
            self.applied.removed.extend(parts.parts().cloned());
        }
        if let Some(history) = snapshot.history.remove_table(table) {
            self.applied.removed.extend(history.detached.iter().cloned());
        }
        Ok(())
    }

    /// Its parts, history and tokens stay: nobody who reads them finds them without the definition.
    pub(super) fn retire_table(&mut self, table: TableId) -> Result<(), Conflict> {
        let old = Arc::clone(self.table(table)?);
        if old.view.is_some() || old.visibility != Visibility::Listed || old.readiness != Readiness::Ready {
            return Err(Conflict::Malformed("only a listed table is kept when it is dropped"));
        }
        let retired = RetiredTable { table: old, at_ns: self.at_ns };
        self.applied.snapshot.catalog.retire_table(retired, self.applied.receipt.seq);
        Ok(())
    }

    pub(super) fn undrop_table(&mut self, table: TableId) -> Result<(), Conflict> {
        let seq = self.applied.receipt.seq;
        let catalog = &mut self.applied.snapshot.catalog;
        let retired = catalog.take_retired(table).ok_or(Conflict::TableGone { table })?;
        let name = retired.table.qualified_name();
        if catalog.is_taken(&name) {
            return Err(Conflict::TableExists(name));
        }
        if catalog.database(&name.database).is_none() {
            return Err(Conflict::DatabaseGone(name.database.to_string()));
        }
        catalog.put_table((*retired.table).clone(), seq);
        Ok(())
    }

    pub(super) fn rename_table(&mut self, table: TableId, to: &QualifiedName) -> Result<(), Conflict> {
        let old = Arc::clone(self.table(table)?);
        self.database(&to.database)?;
        if self.applied.snapshot.catalog.is_taken(to) {
            return Err(Conflict::TableExists(to.clone()));
        }
        self.put_named(&old, to);
        Ok(())
    }

    pub(super) fn exchange_tables(&mut self, a: TableId, b: TableId) -> Result<(), Conflict> {
        let (old_a, old_b) = (Arc::clone(self.table(a)?), Arc::clone(self.table(b)?));
        let is_listed = |table: &TableDef| table.visibility == Visibility::Listed;
        if a == b || !is_listed(&old_a) || !is_listed(&old_b) {
            return Err(Conflict::Malformed("only two listed tables can be exchanged"));
        }
        self.put_named(&old_a, &old_b.qualified_name());
        self.put_named(&old_b, &old_a.qualified_name());
        Ok(())
    }

    pub(super) fn alter_table(&mut self, table: &Arc<TableDef>) -> Result<(), Conflict> {
        let seq = self.applied.receipt.seq;
        let old = self.table(table.id)?;
        if old.version != table.version {
            return Err(Conflict::DefinitionChanged { table: old.qualified_name() });
        }
        if old.name != table.name || old.database != table.database {
            return Err(Conflict::Malformed("an ALTER does not rename"));
        }
        if old.visibility != table.visibility || old.readiness != table.readiness {
            return Err(Conflict::Malformed("an ALTER does not show or hide"));
        }
        self.applied.snapshot.catalog.put_table((**table).clone(), seq);
        Ok(())
    }

    /// Only makes the view visible: inserts that ran it while it was being built stay right, so its version stays.
    pub(super) fn finish_view(&mut self, table: TableId) -> Result<(), Conflict> {
        let old = Arc::clone(self.table(table)?);
        if old.readiness != Readiness::Building {
            return Err(Conflict::Malformed("the view is not being built"));
        }
        self.applied.snapshot.catalog.restore_table(TableDef { readiness: Readiness::Ready, ..(*old).clone() });
        Ok(())
    }

    pub(super) fn set_visibility(&mut self, table: TableId, visibility: Visibility) -> Result<(), Conflict> {
        let old = Arc::clone(self.table(table)?);
        if old.visibility == Visibility::Hidden || visibility == Visibility::Hidden {
            return Err(Conflict::Malformed("a hidden table is neither detached nor attached"));
        }
        let seq = self.applied.receipt.seq;
        self.applied.snapshot.catalog.put_table(TableDef { visibility, ..(*old).clone() }, seq);
        Ok(())
    }

    fn put_named(&mut self, old: &TableDef, name: &QualifiedName) {
        let (database, name) = (Arc::clone(&name.database), Arc::clone(&name.name));
        let seq = self.applied.receipt.seq;
        self.applied.snapshot.catalog.put_table(TableDef { database, name, ..old.clone() }, seq);
    }

    fn database(&self, name: &str) -> Result<&Arc<DatabaseDef>, Conflict> {
        self.applied.snapshot.catalog.database(name).ok_or_else(|| Conflict::DatabaseGone(name.to_owned()))
    }
}
