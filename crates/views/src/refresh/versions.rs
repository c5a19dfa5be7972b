//! What a refresh was made from: as long as that is what is there, it would give the same rows again. Pure.
//!
//! A table is known to be unchanged by three numbers. Blocks are numbered per table and never again, so an insert, an
//! attached part, a deletion of rows or a mutation raises the last number; whatever else changes rows takes some away. Merges that leave rows
//! out look like a change: then a refresh runs that was not needed, never the other way round.

use serde::{Deserialize, Serialize};
use store::{Snapshot, TableDef, TableKind, ViewDef};
use types::TableId;

/// A table or view as a refresh saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Version {
    /// Its id.
    pub table: u64,
    /// The version of its definition.
    pub definition: u64,
    /// The last number of a block or mutation.
    pub last_block: u64,
    /// Its rows.
    pub rows: u64,
}

/// Everything that the rows of a refresh depend on, and its target as it left it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Versions {
    /// The version of the view's definition: its query, and where its rows go.
    pub view: u64,
    /// Tables and views that the query reads.
    pub sources: Vec<Version>,
    /// The table that the rows went to.
    pub target: Version,
}

impl Version {
    /// A table as the snapshot has it; none when it is gone, or its rows are elsewhere.
    pub fn of(snapshot: &Snapshot, table: TableId) -> Option<Version> {
        let def = snapshot.catalog.table_by_id(table)?;
        match def.kind {
            TableKind::MergeTree
            | TableKind::Memory
            | TableKind::Join
            | TableKind::Set
            | TableKind::Null
            | TableKind::View
            | TableKind::WindowView => {}
            TableKind::Merge
            | TableKind::Buffer
            | TableKind::Dictionary
            | TableKind::DictionaryTable
            | TableKind::External => return None,
        }
        let definition = def.version;
        let parts = snapshot.table_parts(table);
        Some(Version {
            table: table.0,
            definition,
            last_block: parts.map_or(0, store::TableParts::last_block),
            rows: parts.map_or(0, store::TableParts::rows),
        })
    }
}

impl Versions {
    /// The first table that is not what it was; none when all are. The view itself counts as one.
    pub fn changed(&self, snapshot: &Snapshot, view: &TableDef) -> Option<TableId> {
        let target = view.view.as_ref().and_then(ViewDef::target).and_then(|target| snapshot.catalog.target(target));
        if self.view != view.version || target.is_none_or(|target| target.id.0 != self.target.table) {
            return Some(view.id);
        }
        let is_other = |known: &&Version| Version::of(snapshot, TableId(known.table)).as_ref() != Some(*known);
        let mut all = self.sources.iter().chain([&self.target]);
        all.find(is_other).map(|known| TableId(known.table))
    }
}
