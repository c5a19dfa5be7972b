//! The active parts of every table: a persistent value. Changing it costs O(changed), cloning it nothing.
//!
//! Invariant: the active parts of one partition do not overlap in block range; in order of blocks they are in order of
//! insertion.

use std::sync::{Arc, OnceLock};

use imbl::OrdMap;
use parts::{PartName, PartitionId};
use types::TableId;

use crate::active_part::ActivePart;

/// All active parts at one commit.
#[derive(Clone, Debug, Default)]
pub struct PartSet {
    tables: OrdMap<TableId, TableParts>,
    /// [`PartSet::memory_bytes`], once somebody asked: each commit asks, and there may be thousands of tables.
    memory_bytes: OnceLock<u64>,
}

/// The active parts of one table.
#[derive(Clone, Debug, Default)]
pub struct TableParts {
    partitions: OrdMap<PartitionId, OrdMap<u64, Arc<ActivePart>>>,
    /// The last block or mutation number given in this table.
    last_block: u64,
    rows: u64,
    size_bytes: u64,
    memory_bytes: u64,
    count: usize,
    /// How far each reader of new rows has read: the last block.
    marks: OrdMap<TableId, u64>,
}

impl TableParts {
    /// All parts, by partition, then in order of blocks.
    pub fn parts(&self) -> impl Iterator<Item = &Arc<ActivePart>> {
        self.partitions.values().flat_map(OrdMap::values)
    }

    /// The partitions that have parts, by id.
    pub fn partitions(&self) -> impl Iterator<Item = &PartitionId> {
        self.partitions.keys()
    }

    /// The parts of one partition, in order of blocks.
    pub fn partition(&self, id: &PartitionId) -> impl Iterator<Item = &Arc<ActivePart>> {
        self.partitions.get(id).into_iter().flat_map(OrdMap::values)
    }

    /// The parts of one partition, the newest first.
    pub fn partition_from_newest(&self, id: &PartitionId) -> impl Iterator<Item = &Arc<ActivePart>> {
        self.partitions.get(id).into_iter().flat_map(|parts| parts.iter().rev().map(|(_, part)| part))
    }

    /// The active part with exactly this name.
    pub fn part(&self, name: &PartName) -> Option<&Arc<ActivePart>> {
        let part = self.partitions.get(&name.partition_id)?.get(&name.min_block)?;
        (part.name() == name).then_some(part)
    }

    /// How many parts a partition has.
    pub fn partition_count(&self, id: &PartitionId) -> usize {
        self.partitions.get(id).map_or(0, OrdMap::len)
    }

    /// How many parts.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Rows in all parts, before FINAL.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of all parts, in files or memory.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Bytes of the parts whose rows are in memory.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The last block or mutation number given.
    pub fn last_block(&self) -> u64 {
        self.last_block
    }

    /// The last block that a reader of new rows has read; none when it never read.
    pub fn mark(&self, reader: TableId) -> Option<u64> {
        self.marks.get(&reader).copied()
    }

    /// All readers of new rows and how far they have read.
    pub fn marks(&self) -> impl ExactSizeIterator<Item = (&TableId, &u64)> {
        self.marks.iter()
    }

    /// True when a part of that name would hold rows on both sides of a mark.
    pub fn has_mark_in(&self, name: &PartName) -> bool {
        self.has_mark_between(name.min_block, name.max_block)
    }

    /// True when some reader has read block `left` but not the later block `right`.
    pub fn has_mark_between(&self, left: u64, right: u64) -> bool {
        self.marks.values().any(|mark| left <= *mark && *mark < right)
    }

    pub(crate) fn put_mark(&mut self, reader: TableId, block: u64) {
        self.marks.insert(reader, block);
    }

    pub(crate) fn remove_mark(&mut self, reader: TableId) {
        self.marks.remove(&reader);
    }

    pub(crate) fn take_block(&mut self) -> u64 {
        self.last_block += 1;
        self.last_block
    }

    pub(crate) fn restore_last_block(&mut self, last_block: u64) {
        self.last_block = last_block;
    }

    /// Adds a part. False, and nothing changed, when it would overlap another.
    #[must_use]
    pub(crate) fn add(&mut self, part: Arc<ActivePart>) -> bool {
        let partition = self.partitions.entry(part.name().partition_id.clone()).or_default();
        let before = partition.get_prev(&part.name().max_block).map(|(_, part)| part.name().max_block);
        if before.is_some_and(|before| part.name().min_block <= before) {
            return false;
        }
        self.rows += part.rows();
        self.size_bytes += part.size_bytes();
        self.memory_bytes += if part.is_in_memory() { part.size_bytes() } else { 0 };
        self.count += 1;
        partition.insert(part.name().min_block, part);
        true
    }

    /// Puts the same part in another form in its place.
    pub(crate) fn replace(&mut self, part: ActivePart) {
        let partition = self.partitions.entry(part.name().partition_id.clone()).or_default();
        debug_assert!(partition.get(&part.name().min_block).is_some_and(|old| old.name() == part.name()));
        partition.insert(part.name().min_block, Arc::new(part));
    }

    /// Takes a part out.
    pub(crate) fn remove(&mut self, name: &PartName) -> Option<Arc<ActivePart>> {
        self.part(name)?;
        let partition = self.partitions.get_mut(&name.partition_id)?;
        let part = partition.remove(&name.min_block)?;
        if partition.is_empty() {
            self.partitions.remove(&name.partition_id);
        }
        self.rows -= part.rows();
        self.size_bytes -= part.size_bytes();
        self.memory_bytes -= if part.is_in_memory() { part.size_bytes() } else { 0 };
        self.count -= 1;
        Some(part)
    }
}

impl PartSet {
    /// The parts of a table; none for a table that holds no rows.
    pub fn table(&self, id: TableId) -> Option<&TableParts> {
        self.tables.get(&id)
    }

    /// Every table that ever had parts and was not dropped.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = (&TableId, &TableParts)> {
        self.tables.iter()
    }

    /// The active part of a table with exactly this name.
    pub fn part(&self, table: TableId, name: &PartName) -> Option<&Arc<ActivePart>> {
        self.tables.get(&table)?.part(name)
    }

    /// Bytes of all parts whose rows are in memory. Looks at every table, once.
    pub fn memory_bytes(&self) -> u64 {
        *self.memory_bytes.get_or_init(|| self.tables.values().map(TableParts::memory_bytes).sum())
    }

    /// All parts of all tables.
    pub fn parts(&self) -> impl Iterator<Item = (TableId, &Arc<ActivePart>)> {
        self.tables.iter().flat_map(|(id, table)| table.parts().map(move |part| (*id, part)))
    }

    pub(crate) fn table_mut(&mut self, id: TableId) -> &mut TableParts {
        self.memory_bytes.take();
        self.tables.entry(id).or_default()
    }

    /// The reader is gone.
    pub(crate) fn remove_marks_of(&mut self, reader: TableId) {
        let marked = self.tables.iter().filter(|(_, parts)| parts.mark(reader).is_some());
        let marked: Vec<TableId> = marked.map(|(id, _)| *id).collect();
        marked.into_iter().for_each(|id| self.table_mut(id).remove_mark(reader));
    }

    pub(crate) fn remove_table(&mut self, id: TableId) -> Option<TableParts> {
        self.memory_bytes.take();
        self.tables.remove(&id)
    }
}
