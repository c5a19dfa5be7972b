//! From the columns that a part has to those that are asked for: columns of its table as it is now ([`Upgrade`]), and
//! virtual columns, which say where a row is.

use std::sync::Arc;

use store::ActivePart;
use types::{Block, Column, Header};

use super::Source;
use super::table::StoredTable;
use super::virtuals::{Place, Virtual};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::layout::Upgrade;

/// How one asked column comes to be.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// The n-th column of the upgraded block.
    Table(usize),
    /// Says where the row is.
    Virtual(Virtual),
}

/// Makes blocks of one part into blocks of its table.
pub(super) struct Adapter {
    header: Header,
    upgrade: Upgrade,
    origins: Vec<Origin>,
}

impl Adapter {
    /// From blocks of `given` to `columns` of the source.
    pub(super) fn of_block(
        given: &Header,
        source: &StoredTable,
        ctx: &Arc<QueryContext>,
        columns: &[usize],
    ) -> Result<Adapter> {
        let header = source.header().project(columns);
        let virtuals = source.virtuals();
        let first_virtual = source.header().len() - virtuals.len();
        let mut wanted: Vec<Column> = Vec::with_capacity(columns.len());
        let mut origins = Vec::with_capacity(columns.len());
        for (&position, column) in columns.iter().zip(header.columns()) {
            origins.push(match position.checked_sub(first_virtual).and_then(|at| virtuals.get(at)) {
                Some(which) => Origin::Virtual(*which),
                None => {
                    wanted.push(column.clone());
                    Origin::Table(wanted.len() - 1)
                }
            });
        }
        let def = ctx.snapshot.catalog.table_by_id(source.table()).ok_or(Error::DefinitionChanged(source.table()))?;
        let upgrade = Upgrade::new(given, &Header::new(wanted), def, ctx)?;
        Ok(Adapter { header, upgrade, origins })
    }

    /// From blocks of a part, whose columns are called `given` today.
    pub(super) fn of_part(
        part: &ActivePart,
        given: &Header,
        source: &StoredTable,
        ctx: &Arc<QueryContext>,
        columns: &[usize],
    ) -> Result<Adapter> {
        let adapter = Adapter::of_block(given, source, ctx, columns)?;
        Ok(Adapter { upgrade: adapter.upgrade.of_commit(part.seq), ..adapter })
    }

    /// The positions to read.
    pub(super) fn stored(&self) -> &[usize] {
        self.upgrade.reads()
    }

    /// The columns of adapted blocks.
    pub(super) fn header(&self) -> Header {
        self.header.clone()
    }

    /// A block of the asked columns out of one that has what [`Adapter::stored`] says.
    /// `numbers` are those of its rows in their part, where [`Adapter::counts_rows`] says that they are needed.
    pub(super) fn adapt(&self, block: &Block, place: &Place, numbers: Option<&[u32]>) -> Result<Block> {
        let upgraded = self.upgrade.apply(block)?;
        let origin = |origin: &Origin| match origin {
            Origin::Table(position) => Ok(upgraded.array(*position).clone()),
            Origin::Virtual(which) => place.array(*which, block.rows(), numbers),
        };
        let arrays = self.origins.iter().map(origin).collect::<Result<Vec<_>>>()?;
        Ok(Block::with_rows(self.header.clone(), arrays, block.rows())?)
    }

    /// True when a column is asked for whose value depends on the number of the row.
    pub(super) fn counts_rows(&self) -> bool {
        self.origins.iter().any(|origin| matches!(origin, Origin::Virtual(which) if which.counts_rows()))
    }
}
