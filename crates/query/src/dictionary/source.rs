//! A dictionary as a table.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, stream};
use types::Header;

use super::slots::Slot;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{Blocks, Read, Source};

/// The rows of a dictionary as they are loaded when the query runs.
pub struct DictionarySource {
    slot: Arc<Slot>,
    header: Header,
    /// Positions in the dictionary's own columns.
    positions: Vec<usize>,
}

impl DictionarySource {
    /// All columns of a dictionary.
    pub fn new(slot: Arc<Slot>) -> DictionarySource {
        let header = slot.structure.header();
        DictionarySource { positions: (0..header.len()).collect(), header, slot }
    }

    /// Some columns of a dictionary, which must be there with these very types.
    pub fn of_columns(slot: Arc<Slot>, columns: &Header) -> Result<DictionarySource> {
        let all = slot.structure.header();
        let mut positions = Vec::with_capacity(columns.len());
        for column in columns.columns() {
            let found = all.columns().iter().position(|known| known == column);
            positions.push(found.ok_or_else(|| {
                let name = slot.def.qualified_name();
                let message = format!("not found column {} {} in dictionary \"{name}\"", column.name, column.ty);
                Error::refused(types::ErrorCode::THERE_IS_NO_COLUMN, message)
            })?);
        }
        Ok(DictionarySource { header: columns.clone(), positions, slot })
    }
}

impl fmt::Debug for DictionarySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DictionarySource({})", self.slot.def.qualified_name())
    }
}

impl Source for DictionarySource {
    fn name(&self) -> String {
        self.slot.def.qualified_name().to_string()
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let block = self.slot.rows(ctx.now_ns)?;
        let columns: Vec<usize> = read.columns.iter().map(|column| self.positions[*column]).collect();
        Ok(stream::iter([Ok(block.project(&columns))]).boxed())
    }
}
