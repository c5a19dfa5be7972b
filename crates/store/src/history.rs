//! What happened to a table beside its definition and its rows: columns renamed and dropped since its parts were written,
//! mutations that ran, parts that were detached.
//!
//! A change of columns rewrites no part. A part keeps the columns it was written with; which of them the table still
//! means, and under which name, follows from the changes that were committed after the part was: [`TableHistory::header_of`].
//! Part of the snapshot, changed only by `apply`.

mod codec;

use std::borrow::Cow;
use std::sync::Arc;

use imbl::OrdMap;
use parts::{PartName, PartitionId};
use types::{Column, CommitSeq, Header, TableId};

use crate::active_part::ActivePart;

pub(crate) use codec::{decode_active, encode_active};

/// Mutations of a table that are remembered, as ClickHouse's `finished_mutations_to_keep`.
pub const MUTATIONS_KEPT: usize = 100;

/// Prefix of the name under which a column stands that the table no longer means.
const GONE: &str = "\u{1}gone:";

/// What was done to a column of the parts written so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ColumnChange {
    /// RENAME COLUMN.
    Renamed {
        /// The old name.
        from: Arc<str>,
        /// The new name.
        to: Arc<str>,
    },
    /// DROP COLUMN, or CLEAR COLUMN: what parts hold under this name means nothing any more.
    Forgotten {
        /// The column.
        column: Arc<str>,
        /// Only in the parts of one partition.
        partition: Option<PartitionId>,
    },
}

/// A change of columns and the commit that made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayoutChange {
    /// It concerns parts that became active before this commit.
    pub seq: CommitSeq,
    /// What was done.
    pub change: ColumnChange,
}

/// A mutation that is done: it was one commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MutationRecord {
    /// Its number: one of the table's block numbers.
    pub number: u64,
    /// When it was committed, nanoseconds since 1970.
    pub at_ns: i64,
    /// Its commands as `system.mutations` shows them, without brackets.
    pub commands: Vec<Arc<str>>,
}

/// What happened to one table.
#[derive(Clone, Debug, Default)]
pub struct TableHistory {
    /// Changes of columns, oldest first; those that concern no part are forgotten.
    pub layout: Vec<LayoutChange>,
    /// The last mutations, oldest first; at most [`MUTATIONS_KEPT`].
    pub mutations: Vec<MutationRecord>,
    /// Parts put aside by DETACH PARTITION, in the order in which they were.
    pub detached: Vec<Arc<ActivePart>>,
}

/// What happened to every table that something happened to.
#[derive(Clone, Debug, Default)]
pub struct History {
    tables: OrdMap<TableId, Arc<TableHistory>>,
}

impl TableHistory {
    /// The columns of a part under the names that they have today. Columns that are gone have a name that no table has.
    pub fn header_of<'a>(&self, part: &'a ActivePart) -> Cow<'a, Header> {
        let header = &part.part.meta.header;
        let mut changes = self.changes_of(part).peekable();
        if changes.peek().is_none() {
            return Cow::Borrowed(header);
        }
        let mut columns: Vec<Column> = header.columns().to_vec();
        for change in changes {
            match change {
                ColumnChange::Renamed { from, to } => {
                    columns.iter_mut().filter(|column| column.name == *from).for_each(|c| c.name = Arc::clone(to));
                }
                ColumnChange::Forgotten { column, .. } => {
                    for (at, known) in columns.iter_mut().enumerate().filter(|(_, known)| known.name == *column) {
                        known.name = format!("{GONE}{at}").into();
                    }
                }
            }
        }
        Cow::Owned(Header::new(columns))
    }

    /// True when the names in the part are those of today.
    pub fn is_current(&self, part: &ActivePart) -> bool {
        self.changes_of(part).next().is_none()
    }

    fn changes_of(&self, part: &ActivePart) -> impl Iterator<Item = &ColumnChange> {
        let partition = part.name().partition_id.clone();
        let after = part.seq;
        self.layout.iter().filter(move |change| after < change.seq).map(|change| &change.change).filter(move |change| {
            match change {
                ColumnChange::Renamed { .. } | ColumnChange::Forgotten { partition: None, .. } => true,
                ColumnChange::Forgotten { partition: Some(only), .. } => *only == partition,
            }
        })
    }

    /// The detached part of that name.
    pub fn detached(&self, name: &PartName) -> Option<&Arc<ActivePart>> {
        self.detached.iter().find(|part| part.name() == name)
    }

    /// Forgets changes that are older than every part that is left.
    pub(crate) fn forget_before(&mut self, oldest: CommitSeq) {
        let oldest = self.detached.iter().map(|part| part.seq).fold(oldest, CommitSeq::min);
        self.layout.retain(|change| oldest < change.seq);
    }

    pub(crate) fn remember(&mut self, record: MutationRecord) {
        self.mutations.push(record);
        let surplus = self.mutations.len().saturating_sub(MUTATIONS_KEPT);
        self.mutations.drain(..surplus);
    }
}

impl History {
    /// What happened to a table; none when nothing did.
    pub fn table(&self, table: TableId) -> Option<&Arc<TableHistory>> {
        self.tables.get(&table)
    }

    /// Every table that something happened to, by id.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = (&TableId, &Arc<TableHistory>)> {
        self.tables.iter()
    }

    /// Every detached part.
    pub fn detached(&self) -> impl Iterator<Item = (TableId, &Arc<ActivePart>)> {
        self.tables.iter().flat_map(|(id, table)| table.detached.iter().map(move |part| (*id, part)))
    }

    pub(crate) fn table_mut(&mut self, table: TableId) -> &mut TableHistory {
        Arc::make_mut(self.tables.entry(table).or_default())
    }

    pub(crate) fn remove_table(&mut self, table: TableId) -> Option<Arc<TableHistory>> {
        self.tables.remove(&table)
    }
}
