//! Edits of rows: parts come, go, and are merged.

use std::sync::Arc;

use parts::{Part, PartName, PartitionId};
use types::TableId;

use super::Next;
use crate::active_part::ActivePart;
use crate::commit::{NewPart, Replacement};
use crate::compact;
use crate::error::Conflict;
use crate::garbage::PartFile;

impl Next<'_> {
    pub(super) fn insert(&mut self, table: TableId, version: u64, parts: &[NewPart]) -> Result<(), Conflict> {
        let now = self.table(table)?;
        let read = self.base.catalog.table_by_id(table);
        if read.is_some_and(|read| read.version != version) {
            return Err(Conflict::DefinitionChanged { table: now.qualified_name() });
        }
        for part in parts.iter().filter(|part| 0 < part.rows()) {
            let block = self.applied.snapshot.parts.table_mut(table).take_block();
            self.add(table, PartName::inserted(part.partition_id().clone(), block), part)?;
        }
        Ok(())
    }

    pub(super) fn rewrite(&mut self, table: TableId, replacements: &[Replacement]) -> Result<(), Conflict> {
        self.table(table)?;
        let mutation = self.mutation_number(table);
        for replacement in replacements {
            self.remove(table, &replacement.input)?;
            if let Some(output) = &replacement.output {
                if *output.partition_id() != replacement.input.partition_id {
                    return Err(Conflict::Malformed("a mutation moves rows to another partition"));
                }
                self.add(table, replacement.input.mutated(mutation), output)?;
            }
        }
        Ok(())
    }

    /// The number of the mutation that was recorded before, or a new one.
    pub(super) fn mutation_number(&mut self, table: TableId) -> u64 {
        match self.mutation {
            Some((recorded, number)) if recorded == table => number,
            _ => self.applied.snapshot.parts.table_mut(table).take_block(),
        }
    }

    pub(super) fn merge(
        &mut self,
        table: TableId,
        inputs: &[PartName],
        output: Option<&NewPart>,
    ) -> Result<(), Conflict> {
        self.kept(table)?;
        let name = self.take_neighbours(table, inputs)?.1;
        match output {
            Some(output) if *output.partition_id() != name.partition_id => {
                Err(Conflict::Malformed("a merge moves rows to another partition"))
            }
            Some(output) => self.add(table, name, output),
            None => Ok(()),
        }
    }

    pub(super) fn compact(&mut self, table: TableId, inputs: &[PartName]) -> Result<(), Conflict> {
        let schema = self.table(table)?.schema.clone();
        let schema = schema.ok_or(Conflict::Malformed("a table without parts is compacted"))?;
        let (parts, name) = self.take_neighbours(table, inputs)?;
        match compact::compact(&schema, &parts)? {
            Some(staged) => self.put(table, staged.named(name), None),
            None => Ok(()),
        }
    }

    pub(super) fn drop_parts(&mut self, table: TableId, parts: &[PartName]) -> Result<(), Conflict> {
        self.table(table)?;
        parts.iter().try_for_each(|part| self.remove(table, part).map(drop))
    }

    pub(super) fn truncate(&mut self, table: TableId, partition: Option<&PartitionId>) -> Result<(), Conflict> {
        self.table(table)?;
        self.applied.snapshot.tokens.forget_blocks(table);
        let Some(parts) = self.applied.snapshot.parts.table(table) else { return Ok(()) };
        let there = parts.parts().map(|part| part.name());
        let names: Vec<PartName> =
            there.filter(|name| partition.is_none_or(|id| name.partition_id == *id)).cloned().collect();
        names.iter().try_for_each(|part| self.remove(table, part).map(drop))
    }

    /// Takes out neighbours of one partition; gives them and the name of what they become.
    fn take_neighbours(
        &mut self,
        table: TableId,
        inputs: &[PartName],
    ) -> Result<(Vec<Arc<ActivePart>>, PartName), Conflict> {
        let output = PartName::merged(inputs).ok_or(Conflict::Malformed("a merge of nothing"))?;
        let in_order = inputs.windows(2).all(|pair| match pair {
            [left, right] => left.partition_id == right.partition_id && left.max_block < right.min_block,
            _ => true,
        });
        if !in_order {
            return Err(Conflict::Malformed("inputs of a merge are not neighbours in order"));
        }
        self.check_marks(table, &output)?;
        let parts = inputs.iter().map(|input| self.remove(table, input)).collect::<Result<Vec<_>, _>>()?;
        // What is left between them would be overlapped by the output; `put` refuses a part that begins before, this
        // one that begins inside.
        let inside = self.applied.snapshot.parts.table(table).is_some_and(|parts| {
            parts
                .partition(&output.partition_id)
                .any(|part| output.min_block <= part.name().min_block && part.name().min_block <= output.max_block)
        });
        if inside {
            return Err(Conflict::Malformed("a merge reaches over a part"));
        }
        Ok((parts, output))
    }

    fn add(&mut self, table: TableId, name: PartName, part: &NewPart) -> Result<(), Conflict> {
        if part.rows() == 0 {
            return Ok(());
        }
        self.put(table, part.staged().clone().named(name), part.file().cloned())
    }

    pub(super) fn put(&mut self, table: TableId, part: Part, file: Option<Arc<PartFile>>) -> Result<(), Conflict> {
        let active = ActivePart { part, seq: self.applied.receipt.seq, created_ns: self.at_ns, file, deleted: None };
        if self.applied.snapshot.parts.table_mut(table).add(Arc::new(active)) {
            return Ok(());
        }
        Err(Conflict::Malformed("two parts of a partition overlap"))
    }

    fn remove(&mut self, table: TableId, name: &PartName) -> Result<Arc<ActivePart>, Conflict> {
        let part = self.take_out(table, name)?;
        self.applied.removed.push(Arc::clone(&part));
        Ok(part)
    }

    /// Takes a part out whose rows are not gone.
    pub(super) fn take_out(&mut self, table: TableId, name: &PartName) -> Result<Arc<ActivePart>, Conflict> {
        let parts = self.applied.snapshot.parts.table_mut(table);
        parts.remove(name).ok_or_else(|| Conflict::PartGone { table, part: name.clone() })
    }
}
