//! A dictionary as a table.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, stream};
use types::Header;

use super::slots::Slot;
use super::structure::Layout;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{Blocks, Read, Source};

/// The rows of a dictionary as they are loaded when the query runs.
pub struct DictionarySource {
    slot: Arc<Slot>,
    header: Header,
    /// Positions in the dictionary's rows; none for attributes of a tree of expressions, which are nobody's rows.
    positions: Vec<Option<usize>>,
}

impl DictionarySource {
    /// All columns of a dictionary.
    pub fn new(slot: Arc<Slot>) -> DictionarySource {
        let header = slot.structure.header();
        DictionarySource { positions: positions_of(&slot, &header), header, slot }
    }

    /// What was loaded, as the table function `dictionary` shows it: of a tree of expressions, its nodes.
    pub fn of_rows(slot: Arc<Slot>) -> DictionarySource {
        let header = slot.structure.source_header();
        DictionarySource { positions: (0..header.len()).map(Some).collect(), header, slot }
    }

    /// Some columns of a dictionary, which must be there with these very types.
    pub fn of_columns(slot: Arc<Slot>, columns: &Header) -> Result<DictionarySource> {
        let all = slot.structure.header();
        for column in columns.columns() {
            if !all.columns().contains(column) {
                let name = slot.def.qualified_name();
                let message = format!("not found column {} {} in dictionary \"{name}\"", column.name, column.ty);
                return Err(Error::refused(types::ErrorCode::THERE_IS_NO_COLUMN, message));
            }
        }
        Ok(DictionarySource { header: columns.clone(), positions: positions_of(&slot, columns), slot })
    }
}

/// Where columns of a dictionary are in its rows.
fn positions_of(slot: &Slot, columns: &Header) -> Vec<Option<usize>> {
    let (rows, all) = (slot.structure.source_header(), slot.structure.header());
    let is_tree = slot.structure.layout == Layout::RegexpTree;
    let position = |column: &types::Column| match is_tree && all.columns().first() == Some(column) {
        // the key of a tree is its column of expressions, whatever its name is
        true => rows.position("regexp"),
        false if is_tree => None,
        false => rows.position(&column.name),
    };
    columns.columns().iter().map(position).collect()
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

    fn rows_expected(&self, _: &QueryContext, _: &Read) -> Result<u64> {
        // one that keeps nothing may have any number of rows
        Ok(Some(self.slot.held() as u64).filter(|held| *held != 0).unwrap_or(u64::MAX))
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let block = self.slot.rows(ctx.now_ns)?;
        let position = |column: &usize| {
            let missing = || {
                let name = &self.header.columns()[*column].name;
                let message = format!("not found column {name} in the rows of \"{}\"", self.slot.def.qualified_name());
                Error::refused(types::ErrorCode::NOT_FOUND_COLUMN_IN_BLOCK, message)
            };
            self.positions[*column].ok_or_else(missing)
        };
        let columns = read.columns.iter().map(position).collect::<Result<Vec<usize>>>()?;
        Ok(stream::iter([Ok(block.project(&columns))]).boxed())
    }
}
