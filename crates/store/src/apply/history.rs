//! Edits of what happened to tables: layouts, mutations, detached parts.

use std::sync::Arc;

use parts::{Part, PartName};
use types::{CommitSeq, TableId};

use super::Next;
use crate::active_part::ActivePart;
use crate::error::Conflict;
use crate::history::{ColumnChange, LayoutChange, MutationRecord};
use crate::row_ranges::RowRanges;

impl Next<'_> {
    pub(super) fn change_layout(&mut self, table: TableId, changes: &[ColumnChange]) -> Result<(), Conflict> {
        self.table(table)?;
        let seq = self.applied.receipt.seq;
        let snapshot = &mut self.applied.snapshot;
        let oldest = snapshot.parts.table(table).into_iter().flat_map(|parts| parts.parts()).map(|part| part.seq).min();
        let history = snapshot.history.table_mut(table);
        history.forget_before(oldest.unwrap_or(CommitSeq(u64::MAX)));
        history.layout.extend(changes.iter().map(|change| LayoutChange { seq, change: change.clone() }));
        Ok(())
    }

    pub(super) fn record_mutation(&mut self, table: TableId, commands: &[Arc<str>]) -> Result<(), Conflict> {
        self.table(table)?;
        let snapshot = &mut self.applied.snapshot;
        let number = snapshot.parts.table_mut(table).take_block();
        let record = MutationRecord { number, at_ns: self.at_ns, commands: commands.to_vec() };
        snapshot.history.table_mut(table).remember(record);
        self.mutation = Some((table, number));
        Ok(())
    }

    /// The parts stay what they are, in the columns of their own time; which rows are deleted is said beside them.
    pub(super) fn delete_rows(&mut self, table: TableId, rows: &[(PartName, RowRanges)]) -> Result<(), Conflict> {
        self.table(table)?;
        let number = self.mutation_number(table);
        for (name, rows) in rows {
            let old = self.take_out(table, name)?;
            let deleted = match &old.deleted {
                Some(before) => before.union(rows),
                None => rows.clone(),
            };
            let part = Part { name: name.mutated(number), ..old.part.clone() };
            let active = ActivePart { part, deleted: Some(Arc::new(deleted)), ..(*old).clone() };
            if !self.applied.snapshot.parts.table_mut(table).add(Arc::new(active)) {
                return Err(Conflict::Malformed("two parts of a partition overlap"));
            }
        }
        Ok(())
    }

    pub(super) fn detach_parts(&mut self, table: TableId, parts: &[PartName]) -> Result<(), Conflict> {
        self.kept(table)?;
        self.applied.snapshot.tokens.forget_blocks(table);
        for name in parts {
            let part = self.take_out(table, name)?;
            let history = self.applied.snapshot.history.table_mut(table);
            // a name can come again only when numbers do, and they do not
            debug_assert!(history.detached(name).is_none(), "a part is detached once");
            history.detached.push(part);
        }
        Ok(())
    }

    /// They keep the commit that they were written by: their columns are those of that time.
    pub(super) fn attach_parts(&mut self, table: TableId, parts: &[PartName]) -> Result<(), Conflict> {
        self.table(table)?;
        for name in parts {
            let old = self.take_detached(table, name)?;
            let all = self.applied.snapshot.parts.table_mut(table);
            let name = PartName::inserted(name.partition_id.clone(), all.take_block());
            let part = Part { name, ..old.part.clone() };
            let active = ActivePart { part, created_ns: self.at_ns, ..(*old).clone() };
            if !self.applied.snapshot.parts.table_mut(table).add(Arc::new(active)) {
                return Err(Conflict::Malformed("two parts of a partition overlap"));
            }
        }
        Ok(())
    }

    pub(super) fn drop_detached(&mut self, table: TableId, parts: &[PartName]) -> Result<(), Conflict> {
        self.table(table)?;
        for name in parts {
            let part = self.take_detached(table, name)?;
            self.applied.removed.push(part);
        }
        Ok(())
    }

    fn take_detached(&mut self, table: TableId, name: &PartName) -> Result<Arc<ActivePart>, Conflict> {
        let history = self.applied.snapshot.history.table_mut(table);
        let at = history.detached.iter().position(|part| part.name() == name);
        let at = at.ok_or_else(|| Conflict::PartGone { table, part: name.clone() })?;
        Ok(history.detached.remove(at))
    }
}
