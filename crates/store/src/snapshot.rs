//! The database at one commit: everything a reader needs, and it never changes.
//!
//! Cloning costs nothing, `apply` costs what the commit changes. A reader holds an `Arc` of it as long as it reads; the
//! files of its parts live that long.

use std::borrow::Cow;

use parts::PartSchema;
use types::{CommitSeq, Header, TableId};

use crate::active_part::ActivePart;
use crate::catalog::Catalog;
use crate::commit::Read;
use crate::definition::QualifiedName;
use crate::history::History;
use crate::part_set::{PartSet, TableParts};
use crate::tokens::Tokens;

/// The database after commit `seq`.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The last commit in it; 0 is the empty database.
    pub seq: CommitSeq,
    /// When that was committed, nanoseconds since 1970; 0 for the empty database.
    pub at_ns: i64,
    /// Databases, tables and views.
    pub catalog: Catalog,
    /// Active parts.
    pub parts: PartSet,
    /// Columns renamed and dropped since, mutations, detached parts.
    pub history: History,
    /// Insert tokens.
    pub tokens: Tokens,
}

impl Snapshot {
    /// The parts of a table; none when it has none or does not exist.
    pub fn table_parts(&self, table: TableId) -> Option<&TableParts> {
        self.parts.table(table)
    }

    /// The columns of a part of a table under the names that they have today.
    pub fn header_of<'a>(&self, table: TableId, part: &'a ActivePart) -> Cow<'a, Header> {
        match self.history.table(table) {
            Some(history) => history.header_of(part),
            None => Cow::Borrowed(&part.part.meta.header),
        }
    }

    /// True when no column of the part was renamed or dropped since it was written.
    pub fn has_todays_columns(&self, table: TableId, part: &ActivePart) -> bool {
        self.history.table(table).is_none_or(|known| known.is_current(part))
    }

    /// True when a part has exactly the columns that its table has now, none renamed or dropped since, and no row of it was
    /// deleted: it can be read as it is.
    pub fn is_current(&self, table: TableId, schema: &PartSchema, part: &ActivePart) -> bool {
        part.deleted.is_none() && part.part.meta.header == schema.header && self.has_todays_columns(table, part)
    }

    /// For [`Commit::reads`](crate::Commit::reads): the definition of this table as it is here. `None` without table.
    pub fn read_definition(&self, table: TableId) -> Option<Read> {
        let version = self.catalog.table_by_id(table)?.version;
        Some(Read::Definition { table, version })
    }

    /// For [`Commit::reads`](crate::Commit::reads): the views over this name as they are here.
    pub fn read_views(&self, source: QualifiedName) -> Read {
        let changed = self.catalog.views_changed(&source);
        Read::Views { source, changed }
    }
}
