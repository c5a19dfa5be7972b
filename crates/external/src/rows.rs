//! What the readers of other databases' rows share: cells to blocks, whose texts each database appends in its own way.

use format::{ColumnBuilder, Misfit};
use futures::StreamExt;
use types::text::Zone;
use types::{Block, DataType, Header};

use crate::error::{Error, Kind, Result};
use crate::relation::Blocks;

/// Bytes of cells in one block, at most about.
const BLOCK_BYTES_MAX: usize = 32 << 20;
/// Characters of a value in an error.
const SHOWN_MAX: usize = 100;

/// Appends the text of a value that is not NULL to a column of that type; `C` is what the column is there.
pub(crate) type Append<C> = fn(&mut ColumnBuilder, &DataType, C, &[u8]) -> std::result::Result<(), Misfit>;

/// Rows that are being put together, cell by cell.
pub(crate) struct RowBuilder<C> {
    kind: Kind,
    header: Header,
    columns: Vec<(ColumnBuilder, C)>,
    append: Append<C>,
    rows_max: usize,
    rows: usize,
    bytes: usize,
}

impl<C: Copy> RowBuilder<C> {
    /// Rows of these columns; `class` says what the column of a name is there. Times without a zone are of `zone`.
    pub(crate) fn new(
        kind: Kind,
        header: Header,
        class: impl Fn(&str) -> C,
        append: Append<C>,
        rows_max: usize,
        zone: Zone,
    ) -> RowBuilder<C> {
        let column = |column: &types::Column| (ColumnBuilder::new(&column.ty, zone), class(&column.name));
        let columns = header.columns().iter().map(column).collect();
        RowBuilder { kind, header, columns, append, rows_max: rows_max.max(1), rows: 0, bytes: 0 }
    }

    /// How many cells a row has.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Takes the next row's cell of a column; none is NULL.
    pub(crate) fn cell(&mut self, at: usize, text: Option<&[u8]>) -> Result<()> {
        let (Some((builder, class)), Some(column)) = (self.columns.get_mut(at), self.header.columns().get(at)) else {
            return Ok(());
        };
        let Some(text) = text else {
            builder.append_default();
            return Ok(());
        };
        self.bytes += text.len();
        (self.append)(builder, &column.ty, *class, text).map_err(|Misfit| Error::BadValue {
            kind: self.kind,
            column: column.name.to_string(),
            ty: column.ty.to_string(),
            value: shown(text),
        })
    }

    /// All cells of a row were taken.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// True when a block should be taken.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= self.rows_max || self.bytes >= BLOCK_BYTES_MAX
    }

    /// The rows so far; none when there are none.
    pub(crate) fn take(&mut self) -> Result<Option<Block>> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows == 0 {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(|(builder, _)| builder.finish()).collect();
        Ok(Some(Block::with_rows(self.header.clone(), arrays, rows)?))
    }
}

/// A value for an error, shortened.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("'{}…'", text.get(..end).unwrap_or_default()),
        None => format!("'{text}'"),
    }
}

/// Blocks without columns that have `count` rows in all.
pub(crate) fn alone(count: usize, block_rows: usize) -> Blocks {
    let block_rows = block_rows.max(1);
    let next = move |left: usize| async move {
        let rows = left.min(block_rows);
        let block = Block::with_rows(Header::default(), vec![], rows).map_err(Error::from);
        (rows > 0).then(|| block.map(|block| (block, left - rows))).transpose()
    };
    futures::stream::try_unfold(count, next).boxed()
}
