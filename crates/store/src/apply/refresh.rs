//! Edits that refreshable views need: generations of a table's rows, how far a table was read, concurrency groups; and named
//! collections.

use std::sync::Arc;

use parts::{Part, PartName};
use types::TableId;

use super::Next;
use crate::active_part::ActivePart;
use crate::error::Conflict;
use crate::part_set::TableParts;

impl Next<'_> {
    /// Parts keep the commit that they were written by and get numbers of their new table. A table that never had rows to
    /// give gives none: its next one stays one that never had any.
    pub(super) fn shift_parts(&mut self, tables: &[TableId], is_ring: bool) -> Result<(), Conflict> {
        for (at, table) in tables.iter().enumerate() {
            self.table(*table)?;
            if tables.iter().skip(at + 1).any(|other| other == table) {
                return Err(Conflict::Malformed("a table is shifted twice"));
            }
        }
        let (Some(first), Some(last)) = (tables.first(), tables.last()) else { return Ok(()) };
        let mut taken: Vec<(bool, Vec<Arc<ActivePart>>)> = Vec::with_capacity(tables.len());
        for table in tables {
            let has_some = self.applied.snapshot.parts.table(*table).is_some_and(|parts| 0 < parts.last_block());
            taken.push((has_some, self.take_all(*table)?));
        }
        let of_last = taken.pop().unwrap_or_default();
        for (table, (has_some, parts)) in tables.iter().skip(1).zip(taken) {
            if has_some || *table == tables[1] {
                self.give(*table, parts)?;
            }
        }
        match is_ring && first != last {
            true => self.give(*first, of_last.1),
            false => {
                self.applied.removed.extend(of_last.1);
                Ok(())
            }
        }
    }

    fn take_all(&mut self, table: TableId) -> Result<Vec<Arc<ActivePart>>, Conflict> {
        let Some(parts) = self.applied.snapshot.parts.table(table) else { return Ok(Vec::new()) };
        let names: Vec<PartName> = parts.parts().map(|part| part.name().clone()).collect();
        names.iter().map(|name| self.take_out(table, name)).collect()
    }

    fn give(&mut self, table: TableId, given: Vec<Arc<ActivePart>>) -> Result<(), Conflict> {
        let all = self.applied.snapshot.parts.table_mut(table);
        // also of a generation without rows it is known that it was there
        all.take_block();
        for old in given {
            let name = PartName::inserted(old.name().partition_id.clone(), all.take_block());
            let part = Part { name, ..old.part.clone() };
            if !all.add(Arc::new(ActivePart { part, ..(*old).clone() })) {
                return Err(Conflict::Malformed("two parts of a partition overlap"));
            }
        }
        Ok(())
    }

    pub(super) fn move_mark(
        &mut self,
        (table, reader): (TableId, TableId),
        from: Option<u64>,
        to: u64,
    ) -> Result<(), Conflict> {
        self.table(table)?;
        self.table(reader)?;
        let parts = self.applied.snapshot.parts.table_mut(table);
        let is_behind = parts.mark(reader) != from || from.is_some_and(|from| to < from) || parts.last_block() < to;
        let is_inside = |part: &Arc<ActivePart>| part.name().min_block <= to && to < part.name().max_block;
        if is_behind || parts.parts().any(is_inside) {
            return Err(Conflict::Mark { table });
        }
        parts.put_mark(reader, to);
        Ok(())
    }

    pub(super) fn set_group(&mut self, name: &Arc<str>, from: Option<u64>, to: Option<u64>) -> Result<(), Conflict> {
        let catalog = &mut self.applied.snapshot.catalog;
        if catalog.group(name) != from {
            return Err(Conflict::GroupChanged(name.to_string()));
        }
        catalog.put_group(name, to);
        Ok(())
    }

    pub(super) fn set_collection(
        &mut self,
        name: &Arc<str>,
        from: Option<&Arc<str>>,
        to: Option<&Arc<str>>,
    ) -> Result<(), Conflict> {
        let catalog = &mut self.applied.snapshot.catalog;
        if catalog.collection(name) != from {
            return Err(Conflict::CollectionChanged(name.to_string()));
        }
        catalog.put_collection(name, to.cloned());
        Ok(())
    }

    /// A merge over these parts would mix rows that a reader has read with rows that it has not.
    pub(super) fn check_marks(&self, table: TableId, output: &PartName) -> Result<(), Conflict> {
        match self.applied.snapshot.parts.table(table).is_some_and(|parts: &TableParts| parts.has_mark_in(output)) {
            true => Err(Conflict::Mark { table }),
            false => Ok(()),
        }
    }
}
