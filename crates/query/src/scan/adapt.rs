//! From the columns that a part has to those that are asked for: columns of its table as it is now ([`Upgrade`]), and
//! virtual columns, which say where a row is.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use store::{ActivePart, QualifiedName};
use types::{Block, Column, DataType, Header};

use super::Source;
use super::table::StoredTable;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::layout::Upgrade;

/// How one asked column comes to be.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// The n-th column of the upgraded block.
    Table(usize),
    /// Says where the row is.
    Virtual(usize),
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
        let first_virtual = source.header().len() - Virtual::columns().len();
        let mut wanted: Vec<Column> = Vec::with_capacity(columns.len());
        let mut origins = Vec::with_capacity(columns.len());
        for (&position, column) in columns.iter().zip(header.columns()) {
            origins.push(match position.checked_sub(first_virtual) {
                Some(which) => Origin::Virtual(which),
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
    pub(super) fn adapt(&self, block: &Block, virtuals: &Virtual) -> Result<Block> {
        let upgraded = self.upgrade.apply(block)?;
        let origin = |origin: &Origin| match origin {
            Origin::Table(position) => upgraded.array(*position).clone(),
            Origin::Virtual(which) => virtuals.array(*which, block.rows()),
        };
        Ok(Block::with_rows(self.header.clone(), self.origins.iter().map(origin).collect(), block.rows())?)
    }
}
/// The values of the virtual columns of one part.
#[derive(Clone, Debug)]
pub(crate) struct Virtual {
    values: [String; 4],
}

impl Virtual {
    /// `_part`, `_partition_id`, `_database`, `_table`.
    pub(crate) fn columns() -> Vec<Column> {
        let text = DataType::LowCardinality(Arc::new(DataType::String));
        ["_part", "_partition_id", "_database", "_table"].map(|name| Column::new(name, text.clone())).to_vec()
    }

    /// Of a block that is in no part.
    pub(super) fn none() -> Virtual {
        Virtual { values: Default::default() }
    }

    /// Of a part of a table.
    pub(super) fn of(part: &ActivePart, table: &QualifiedName) -> Virtual {
        let (name, partition) = (part.name().to_string(), part.name().partition_id.to_string());
        Virtual { values: [name, partition, table.database.to_string(), table.name.to_string()] }
    }

    fn array(&self, which: usize, rows: usize) -> ArrayRef {
        let value = self.values.get(which).map_or("", String::as_str);
        Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(value, rows)))
    }
}
