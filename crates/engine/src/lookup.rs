//! `SELECT … WHERE <whole sorting key> = …` answered from the snapshot's parts, without a planner.
//!
//! Three steps: [`shape`] sees whether a SELECT is of that sort, [`key`] makes cells of the constants, and here the rows
//! are read and shown. Whatever is not surely of that sort goes the usual way; the answer is the same on both.

mod key;
mod shape;

use std::sync::Arc;

use aggregate::{Emit, Rows};
use arrow::array::ArrayRef;
use query::QueryContext;
use types::{Block, Setting};

use crate::error::{Error, Result};
use shape::{Item, Shape};

/// The answer to a SELECT that asks for one key, or a few; `None` for every other SELECT.
pub(crate) async fn answer(query: &sql::Query, ctx: &Arc<QueryContext>) -> Result<Option<Block>> {
    // the scan says whether an index that must be used is, and how many partitions are read; the binder, what * means
    const FOR_A_PLAN: [Setting; 5] = [
        Setting::ForceDataSkippingIndices,
        Setting::ForceIndexByDate,
        Setting::MaxPartitionsToRead,
        Setting::AsteriskIncludeMaterializedColumns,
        Setting::AsteriskIncludeAliasColumns,
    ];
    if ctx.settings.changed().any(|(setting, _)| FOR_A_PLAN.contains(&setting.setting)) {
        return Ok(None);
    }
    let Some(shape) = shape::of(query, ctx)? else { return Ok(None) };
    ctx.check()?;
    let read = shape.table.read(shape.is_final, shape.columns.clone(), &ctx.snapshot)?;
    let mut blocks = Vec::with_capacity(shape.keys.len());
    for key in &shape.keys {
        let Some(rows) = read.rows(ctx, key.clone()).await? else { return Ok(None) };
        blocks.extend(shape.shown(&rows)?);
    }
    let block = match blocks.len() {
        1 => blocks.remove(0),
        _ => Block::concat(&shape.header, &blocks)?,
    };
    let block = match shape.limit {
        Some(limit) if limit < block.rows() => block.slice(0, limit),
        _ => block,
    };
    ctx.counters.add_result(block.rows(), block.size_bytes());
    Ok(Some(block))
}

impl Shape {
    /// The rows of one key as the SELECT shows them; none for a key without rows of a grouped SELECT.
    fn shown(&self, rows: &Block) -> Result<Option<Block>> {
        if !self.is_aggregate {
            let columns: Vec<ArrayRef> = self.items.iter().map(|item| item.array(rows)).collect::<Result<_>>()?;
            return Ok(Some(Block::with_rows(self.header.clone(), columns, rows.rows())?));
        }
        if rows.rows() == 0 && self.is_grouped {
            return Ok(None);
        }
        let columns: Vec<ArrayRef> = self.items.iter().map(|item| item.array(rows)).collect::<Result<_>>()?;
        Ok(Some(Block::with_rows(self.header.clone(), columns, 1)?))
    }
}

impl Item {
    fn array(&self, rows: &Block) -> Result<ArrayRef> {
        match self {
            Item::Column(position) => Ok(rows.array(*position).clone()),
            // every row has the same key
            Item::Key(position) => Ok(rows.array(*position).slice(0, 1)),
            Item::Aggregate { function, args } => {
                let args: Vec<ArrayRef> = args.iter().map(|position| rows.array(*position).clone()).collect();
                let mut states = function.grouped();
                let refused = |error: aggregate::Error| Error::refused(error.code(), error.to_string());
                states.grow(1);
                states.update(&args, Rows::all(&vec![0; rows.rows()], 1)).map_err(refused)?;
                states.finish(Emit::All).map_err(refused)
            }
        }
    }
}

#[cfg(test)]
mod tests;
