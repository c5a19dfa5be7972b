//! `Snapshot::apply`: the meaning of every commit, as a pure function. The live store and recovery both go through here,
//! so replay of the log is the live snapshot.
//!
//! No clock, no disk, no randomness; all or nothing: on a [`Conflict`] the snapshot is as it was.

mod definitions;
mod history;
mod refresh;
mod rows;

use std::sync::Arc;

use types::TableId;

use crate::active_part::ActivePart;
use crate::commit::{Commit, Edit, Read, Receipt};
use crate::definition::TableDef;
use crate::error::Conflict;
use crate::snapshot::Snapshot;

/// The next snapshot, and what left it.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The database with the commit.
    pub snapshot: Snapshot,
    /// The parts that are not in it any more.
    pub removed: Vec<Arc<ActivePart>>,
    /// Number and time of the commit.
    pub receipt: Receipt,
}

impl Snapshot {
    /// This snapshot with `commit` as the next commit. Conflicts are those that [`Conflict`] names and no others.
    pub fn apply(&self, commit: &Commit) -> Result<Applied, Conflict> {
        self.refuse_duplicate(commit)?;
        for read in &commit.reads {
            self.check_read(read)?;
        }
        let mut next = Next::after(self, commit);
        for edit in &commit.edits {
            next.edit(edit)?;
        }
        Ok(next.applied)
    }

    /// Tokens come first: an insert sent again is made already, whatever happened to its table since.
    fn refuse_duplicate(&self, commit: &Commit) -> Result<(), Conflict> {
        for edit in &commit.edits {
            if let Edit::Token { table, token, window } = edit
                && let Some(first) = self.tokens.seen(*table, token, *window, commit.at_ns)
            {
                return Err(Conflict::Duplicate(first));
            }
        }
        Ok(())
    }

    fn check_read(&self, read: &Read) -> Result<(), Conflict> {
        match read {
            Read::Definition { table, version } => {
                let found = self.catalog.table_by_id(*table).ok_or(Conflict::TableGone { table: *table })?;
                if found.version == *version {
                    return Ok(());
                }
                Err(Conflict::DefinitionChanged { table: found.qualified_name() })
            }
            Read::Views { source, changed } => {
                if self.catalog.views_changed(source) == *changed {
                    return Ok(());
                }
                Err(Conflict::ViewsChanged { source_table: source.clone() })
            }
        }
    }
}

/// The snapshot that is being made.
struct Next<'a> {
    base: &'a Snapshot,
    at_ns: i64,
    applied: Applied,
    /// The mutation that the next `Rewrite` of a table belongs to.
    mutation: Option<(TableId, u64)>,
}

impl Next<'_> {
    fn after<'a>(base: &'a Snapshot, commit: &Commit) -> Next<'a> {
        let receipt = Receipt { seq: base.seq.next(), at_ns: commit.at_ns };
        let snapshot = Snapshot { seq: receipt.seq, at_ns: receipt.at_ns, ..base.clone() };
        let applied = Applied { snapshot, removed: Vec::new(), receipt };
        Next { base, at_ns: commit.at_ns, applied, mutation: None }
    }

    fn edit(&mut self, edit: &Edit) -> Result<(), Conflict> {
        match edit {
            Edit::CreateDatabase(database) => self.create_database(database),
            Edit::DropDatabase { name } => self.drop_database(name),
            Edit::RenameDatabase { from, to } => self.rename_database(from, to),
            Edit::CreateTable(table) => self.create_table(table),
            Edit::DropTable { table } => self.drop_table(*table),
            Edit::RetireTable { table } => self.retire_table(*table),
            Edit::UndropTable { table } => self.undrop_table(*table),
            Edit::RenameTable { table, to } => self.rename_table(*table, to),
            Edit::ExchangeTables { a, b } => self.exchange_tables(*a, *b),
            Edit::AlterTable(table) => self.alter_table(table),
            Edit::FinishView { table } => self.finish_view(*table),
            Edit::SetVisibility { table, visibility } => self.set_visibility(*table, *visibility),
            Edit::Insert { table, version, parts } => self.insert(*table, *version, parts),
            Edit::Rewrite { table, replacements } => self.rewrite(*table, replacements),
            Edit::Merge { table, inputs, output } => self.merge(*table, inputs, output.as_ref()),
            Edit::Compact { table, inputs } => self.compact(*table, inputs),
            Edit::DropParts { table, parts } => self.drop_parts(*table, parts),
            Edit::Truncate { table, partition } => self.truncate(*table, partition.as_ref()),
            Edit::ChangeLayout { table, changes } => self.change_layout(*table, changes),
            Edit::RecordMutation { table, commands } => self.record_mutation(*table, commands),
            Edit::DeleteRows { table, rows } => self.delete_rows(*table, rows),
            Edit::DetachParts { table, parts } => self.detach_parts(*table, parts),
            Edit::AttachParts { table, parts } => self.attach_parts(*table, parts),
            Edit::DropDetached { table, parts } => self.drop_detached(*table, parts),
            Edit::ShiftParts { tables, is_ring } => self.shift_parts(tables, *is_ring),
            Edit::MoveMark { table, reader, from, to } => self.move_mark((*table, *reader), *from, *to),
            Edit::SetGroup { name, from, to } => self.set_group(name, *from, *to),
            Edit::SetCollection { name, from, to } => self.set_collection(name, from.as_ref(), to.as_ref()),
            Edit::Token { table, token, window } => {
                self.table(*table)?;
                let receipt = self.applied.receipt;
                self.applied.snapshot.tokens.put(*table, Arc::clone(token), *window, receipt);
                Ok(())
            }
        }
    }

    /// The definition of a table in the snapshot being made.
    fn table(&self, table: TableId) -> Result<&Arc<TableDef>, Conflict> {
        self.applied.snapshot.catalog.table_by_id(table).ok_or(Conflict::TableGone { table })
    }

    /// The same, also of a table that was dropped and is kept: its parts still go to files, or are put aside.
    fn kept(&self, table: TableId) -> Result<&Arc<TableDef>, Conflict> {
        self.applied.snapshot.catalog.kept_by_id(table).ok_or(Conflict::TableGone { table })
    }
}
