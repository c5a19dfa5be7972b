//! One change of the database, whole: what it read, and the edits that become visible together or not at all.
//!
//! A commit is made in private by whoever inserts, merges, mutates or defines something; it gets its number and time from
//! the committer and its meaning from [`Snapshot::apply`](crate::Snapshot::apply).

pub(crate) mod codec;
mod new_part;

use std::sync::Arc;

use parts::{PartName, PartitionId};
use types::{CommitSeq, TableId};

pub use new_part::NewPart;
pub(crate) use new_part::PartSource;

use crate::definition::{DatabaseDef, QualifiedName, TableDef, Visibility};
use crate::history::ColumnChange;
use crate::row_ranges::RowRanges;

/// What a committed commit is told by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Receipt {
    /// Its number.
    pub seq: CommitSeq,
    /// When it was committed, nanoseconds since 1970.
    pub at_ns: i64,
}

/// Edits that happen together.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// What must not have changed since the work was done.
    pub reads: Vec<Read>,
    /// What changes, in this order.
    pub edits: Vec<Edit>,
    /// When, nanoseconds since 1970. Set by the committer; part of the record, so that replay needs no clock.
    pub at_ns: i64,
}

impl Commit {
    /// A commit of these edits that read nothing else.
    pub fn of(edits: Vec<Edit>) -> Commit {
        Commit { reads: Vec::new(), edits, at_ns: 0 }
    }

    /// Every part that it brings.
    pub fn new_parts(&self) -> impl Iterator<Item = &NewPart> {
        self.edits.iter().flat_map(Edit::new_parts)
    }
}

/// Something that a commit relied on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Read {
    /// The definition of a table or view: rows were shaped by it or went through it.
    Definition {
        /// The table or view.
        table: TableId,
        /// [`TableDef::version`] as it was read.
        version: u64,
    },
    /// Which views run on inserts into a table: the rows went through all of them.
    Views {
        /// The table.
        source: QualifiedName,
        /// [`Catalog::views_changed`](crate::Catalog::views_changed) as it was read.
        changed: CommitSeq,
    },
}

/// One change.
#[derive(Clone, Debug)]
pub enum Edit {
    /// CREATE DATABASE.
    CreateDatabase(Arc<DatabaseDef>),
    /// DROP DATABASE; its tables must be gone or dropped by edits before this one.
    DropDatabase {
        /// Its name.
        name: Arc<str>,
    },
    /// RENAME DATABASE, with its tables.
    RenameDatabase {
        /// Its name.
        from: Arc<str>,
        /// Its new name.
        to: Arc<str>,
    },
    /// CREATE TABLE or VIEW; with [`Readiness::Building`](crate::Readiness::Building) the first commit of a view.
    CreateTable(Arc<TableDef>),
    /// DROP TABLE or VIEW, with its parts and tokens; also the end of a table that was retired.
    DropTable {
        /// The table.
        table: TableId,
    },
    /// DROP TABLE that can be taken back: the table is seen by nobody, what is in it stays until a `DropTable`.
    RetireTable {
        /// A listed table that is no view.
        table: TableId,
    },
    /// UNDROP TABLE: a retired table is there again, under its name.
    UndropTable {
        /// The table.
        table: TableId,
    },
    /// RENAME TABLE, also to another database.
    RenameTable {
        /// The table.
        table: TableId,
        /// Its new name.
        to: QualifiedName,
    },
    /// EXCHANGE TABLES.
    ExchangeTables {
        /// One.
        a: TableId,
        /// The other.
        b: TableId,
    },
    /// ALTER TABLE: another definition of the same id, name and database. Its `version` is the one it was made from.
    AlterTable(Arc<TableDef>),
    /// DETACH TABLE and ATTACH TABLE: between listed and detached, never hidden.
    SetVisibility {
        /// The table or view.
        table: TableId,
        /// What it becomes.
        visibility: Visibility,
    },
    /// A view that was being built becomes visible.
    FinishView {
        /// The view.
        table: TableId,
    },
    /// New rows.
    Insert {
        /// The table.
        table: TableId,
        /// [`TableDef::version`] that the rows were shaped by. Not looked at for a table that this commit makes.
        version: u64,
        /// At most one part a partition is usual; several are fine.
        parts: Vec<NewPart>,
    },
    /// A mutation: parts replaced by changed ones.
    Rewrite {
        /// The table.
        table: TableId,
        /// Each input and what became of it.
        replacements: Vec<Replacement>,
    },
    /// Neighbouring parts become one of the same rows by the engine's rule; also a flush from memory to a file.
    Merge {
        /// The table.
        table: TableId,
        /// Neighbours of one partition, in order of blocks.
        inputs: Vec<PartName>,
        /// None when no row is left.
        output: Option<NewPart>,
    },
    /// Neighbouring parts in memory become one, computed by `apply` itself: the record holds their names only.
    Compact {
        /// The table.
        table: TableId,
        /// Neighbours of one partition, in order of blocks, all in memory and of one layout.
        inputs: Vec<PartName>,
    },
    /// Parts dropped with all their rows: DROP PARTITION, TTL.
    DropParts {
        /// The table.
        table: TableId,
        /// The parts; one that is gone is a conflict.
        parts: Vec<PartName>,
    },
    /// Everything dropped that is there when the commit applies.
    Truncate {
        /// The table.
        table: TableId,
        /// One partition, or all.
        partition: Option<PartitionId>,
    },
    /// Columns of the parts written so far are renamed or mean nothing any more. Comes with the `AlterTable` that does it.
    ChangeLayout {
        /// The table.
        table: TableId,
        /// In this order.
        changes: Vec<ColumnChange>,
    },
    /// Remembers a mutation for `system.mutations`, and gives the `Rewrite` after it its number.
    RecordMutation {
        /// The table.
        table: TableId,
        /// Its commands, without brackets.
        commands: Vec<Arc<str>>,
    },
    /// DELETE FROM: rows of parts are deleted without rewriting them.
    DeleteRows {
        /// The table.
        table: TableId,
        /// Parts, and rows of each; a part that is gone is a conflict.
        rows: Vec<(PartName, RowRanges)>,
    },
    /// DETACH: parts are put aside with all their rows.
    DetachParts {
        /// The table.
        table: TableId,
        /// The parts; one that is gone is a conflict.
        parts: Vec<PartName>,
    },
    /// ATTACH: parts put aside come back, as the newest ones.
    AttachParts {
        /// The table.
        table: TableId,
        /// The detached parts; one that is gone is a conflict.
        parts: Vec<PartName>,
    },
    /// DROP DETACHED.
    DropDetached {
        /// The table.
        table: TableId,
        /// The detached parts; one that is gone is a conflict.
        parts: Vec<PartName>,
    },
    /// The rows of each table become those of the next one: generations of a refreshable view. The last one's rows go,
    /// or in a ring become those of the first.
    ShiftParts {
        /// Stored tables of one layout, each once.
        tables: Vec<TableId>,
        /// The last one's rows become those of the first.
        is_ring: bool,
    },
    /// How far a reader has read the inserts of a table. No merge reaches over a mark, so that the rows after it can
    /// still be told from those before.
    MoveMark {
        /// The table that is read.
        table: TableId,
        /// The view that reads it.
        reader: TableId,
        /// The mark that the reader began at; another one is a conflict.
        from: Option<u64>,
        /// The last block that was read.
        to: u64,
    },
    /// CREATE, ALTER and DROP CONCURRENCY GROUP.
    SetGroup {
        /// Its name.
        name: Arc<str>,
        /// Its limit before, none when there was no such group; another one is a conflict.
        from: Option<u64>,
        /// Its limit now; none when it goes.
        to: Option<u64>,
    },
    /// CREATE, ALTER and DROP NAMED COLLECTION.
    SetCollection {
        /// Its name.
        name: Arc<str>,
        /// Its canonical CREATE text before, none when there was no such collection; another one is a conflict.
        from: Option<Arc<str>>,
        /// Its text now, values included; none when it goes.
        to: Option<Arc<str>>,
    },
    /// Remembers an insert; seen before, the whole commit is a [`Conflict::Duplicate`](crate::Conflict::Duplicate).
    Token {
        /// The table inserted into.
        table: TableId,
        /// `insert_deduplication_token`, or the hash of the rows.
        token: Arc<str>,
        /// For a hash: how many hashes of the table are remembered. None for a token.
        window: Option<u32>,
    },
}

/// What became of one part in a mutation.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The part that was read.
    pub input: PartName,
    /// What takes its place; none when all its rows were deleted.
    pub output: Option<NewPart>,
    /// The rows of the input that were changed or deleted.
    pub changed: RowRanges,
}

/// What an edit does to the rows of a table, for whoever follows changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeKind {
    /// Rows are added.
    Insert,
    /// Rows go.
    Delete,
    /// Rows are changed or deleted; the edit names them.
    Rewrite,
    /// The same rows, or as many as the engine's rule leaves of them.
    NoLogicalChange,
    /// Definitions or tokens change; no rows do, except those of a dropped table.
    Definition,
}

impl Edit {
    /// What it does to rows.
    pub fn kind(&self) -> ChangeKind {
        match self {
            Edit::Insert { .. } | Edit::AttachParts { .. } => ChangeKind::Insert,
            Edit::DropParts { .. } | Edit::DetachParts { .. } | Edit::Truncate { .. } | Edit::ShiftParts { .. } => {
                ChangeKind::Delete
            }
            Edit::Rewrite { .. } | Edit::DeleteRows { .. } => ChangeKind::Rewrite,
            Edit::Merge { .. } | Edit::Compact { .. } => ChangeKind::NoLogicalChange,
            Edit::CreateDatabase(_)
            | Edit::DropDatabase { .. }
            | Edit::RenameDatabase { .. }
            | Edit::CreateTable(_)
            | Edit::DropTable { .. }
            | Edit::RetireTable { .. }
            | Edit::UndropTable { .. }
            | Edit::RenameTable { .. }
            | Edit::ExchangeTables { .. }
            | Edit::AlterTable(_)
            | Edit::FinishView { .. }
            | Edit::SetVisibility { .. }
            | Edit::ChangeLayout { .. }
            | Edit::RecordMutation { .. }
            | Edit::DropDetached { .. }
            | Edit::MoveMark { .. }
            | Edit::SetGroup { .. }
            | Edit::SetCollection { .. }
            | Edit::Token { .. } => ChangeKind::Definition,
        }
    }

    /// The parts it brings.
    pub fn new_parts(&self) -> Box<dyn Iterator<Item = &NewPart> + '_> {
        match self {
            Edit::Insert { parts, .. } => Box::new(parts.iter()),
            Edit::Merge { output, .. } => Box::new(output.iter()),
            Edit::Rewrite { replacements, .. } => Box::new(replacements.iter().filter_map(|r| r.output.as_ref())),
            Edit::Compact { .. }
            | Edit::DropParts { .. }
            | Edit::Truncate { .. }
            | Edit::CreateDatabase(_)
            | Edit::DropDatabase { .. }
            | Edit::RenameDatabase { .. }
            | Edit::CreateTable(_)
            | Edit::DropTable { .. }
            | Edit::RetireTable { .. }
            | Edit::UndropTable { .. }
            | Edit::RenameTable { .. }
            | Edit::ExchangeTables { .. }
            | Edit::AlterTable(_)
            | Edit::FinishView { .. }
            | Edit::SetVisibility { .. }
            | Edit::ChangeLayout { .. }
            | Edit::RecordMutation { .. }
            | Edit::DeleteRows { .. }
            | Edit::DetachParts { .. }
            | Edit::AttachParts { .. }
            | Edit::DropDetached { .. }
            | Edit::ShiftParts { .. }
            | Edit::MoveMark { .. }
            | Edit::SetGroup { .. }
            | Edit::SetCollection { .. }
            | Edit::Token { .. } => Box::new(std::iter::empty()),
        }
    }
}
