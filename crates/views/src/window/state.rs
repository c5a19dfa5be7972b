//! The state of a window view in memory, and how it is read from the hidden tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int64Array, UInt64Array};
use arrow::datatypes::{Int64Type, UInt64Type};
use futures::StreamExt;
use hashbrown::HashSet;
use parts::Caching;
use query::QueryContext;
use store::{TableDef, ViewDef};
use types::{Block, Column, DataType, Header, TableId};

use super::spec::START;
use crate::error::Result;

/// Watermark and counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Marks {
    /// Greatest event time so far minus the watermark's delay, in milliseconds since 1970.
    pub watermark_ms: i64,
    /// Ends of windows up to here were emitted: rows of such windows are late.
    pub closed_to_ms: i64,
    /// Rows that were aggregated.
    pub on_time: u64,
    /// Rows behind the watermark.
    pub late: u64,
    /// Rows with an id that was seen before.
    pub duplicates: u64,
    /// Rows of closed windows that were emitted.
    pub emitted: u64,
    /// Commits so far; the row with the most is the newest.
    pub commits: u64,
}

impl Default for Marks {
    fn default() -> Marks {
        Marks {
            watermark_ms: i64::MIN,
            closed_to_ms: i64::MIN,
            on_time: 0,
            late: 0,
            duplicates: 0,
            emitted: 0,
            commits: 0,
        }
    }
}

/// Everything that a window view remembers.
#[derive(Default)]
pub(super) struct State {
    pub(super) marks: Marks,
    /// Open windows by start: their panes, one or more rows a key.
    pub(super) panes: BTreeMap<i64, Vec<Block>>,
    /// Ids that were seen.
    pub(super) ids: HashSet<u128>,
    /// Ids by bucket of event time, where they are forgotten after a while.
    pub(super) buckets: BTreeMap<i64, Vec<u128>>,
}

/// The hidden tables of a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct StateTables {
    pub(super) input: TableId,
    pub(super) panes: TableId,
    pub(super) ids: TableId,
    pub(super) marks: TableId,
}

impl StateTables {
    pub(super) fn of(view: &TableDef) -> Option<StateTables> {
        let Some(ViewDef::Window { state, .. }) = &view.view else { return None };
        match state.as_slice() {
            [input, panes, ids, marks] => Some(StateTables { input: *input, panes: *panes, ids: *ids, marks: *marks }),
            _ => None,
        }
    }
}

/// Columns of the table of seen ids.
pub(super) fn ids_header() -> Header {
    Header::new(vec![Column::new("bucket", DataType::Int64), Column::new("id", DataType::FixedString(16))])
}

/// Columns of the table of marks.
pub(super) fn marks_header() -> Header {
    let signed = ["watermark_ms", "closed_to_ms"].map(|name| Column::new(name, DataType::Int64));
    let counts =
        ["on_time", "late", "duplicates", "emitted", "commits"].map(|name| Column::new(name, DataType::UInt64));
    Header::new(signed.into_iter().chain(counts).collect::<Vec<_>>())
}

/// A row of the table of marks.
pub(super) fn marks_block(marks: &Marks) -> Result<Block> {
    let signed = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let count = |value: u64| -> ArrayRef { Arc::new(UInt64Array::from(vec![value])) };
    let arrays = vec![
        signed(marks.watermark_ms),
        signed(marks.closed_to_ms),
        count(marks.on_time),
        count(marks.late),
        count(marks.duplicates),
        count(marks.emitted),
        count(marks.commits),
    ];
    Ok(Block::new(marks_header(), arrays)?)
}

/// Rows of the table of ids.
pub(super) fn ids_block(ids: &[(i64, u128)]) -> Result<Block> {
    let buckets: Int64Array = ids.iter().map(|(bucket, _)| *bucket).collect();
    let cells = ids.iter().map(|(_, id)| id.to_be_bytes());
    let cells = FixedSizeBinaryArray::try_from_iter(cells.chain(std::iter::once([0; 16])))
        .map_err(|error| types::Error::BlockShape(error.to_string()))?
        .slice(0, ids.len());
    Ok(Block::new(ids_header(), vec![Arc::new(buckets), Arc::new(cells)])?)
}

impl State {
    /// The state as it is in the snapshot of `ctx`.
    pub(super) async fn load(view: &TableDef, tables: StateTables, buckets: bool, ctx: &QueryContext) -> Result<State> {
        let mut state = State { marks: load_marks(view, ctx).await?.unwrap_or_default(), ..State::default() };
        for block in rows_of(tables.panes, ctx).await? {
            for (start, rows) in by_start(&block)? {
                state.panes.entry(start).or_default().push(rows);
            }
        }
        for block in rows_of(tables.ids, ctx).await? {
            let of_row = block.array(0).as_primitive::<Int64Type>();
            let cells = block.array(1).as_fixed_size_binary();
            for row in 0..block.rows() {
                let Ok(cell) = cells.value(row).try_into() else { continue };
                let id = u128::from_be_bytes(cell);
                state.ids.insert(id);
                if buckets {
                    state.buckets.entry(of_row.value(row)).or_default().push(id);
                }
            }
        }
        Ok(state)
    }
}

/// The newest marks.
pub(super) async fn load_marks(view: &TableDef, ctx: &QueryContext) -> Result<Option<Marks>> {
    let Some(tables) = StateTables::of(view) else { return Ok(None) };
    let mut newest: Option<Marks> = None;
    for block in rows_of(tables.marks, ctx).await? {
        let signed = |column: usize, row: usize| block.array(column).as_primitive::<Int64Type>().value(row);
        let count = |column: usize, row: usize| block.array(column).as_primitive::<UInt64Type>().value(row);
        for row in 0..block.rows() {
            let marks = Marks {
                watermark_ms: signed(0, row),
                closed_to_ms: signed(1, row),
                on_time: count(2, row),
                late: count(3, row),
                duplicates: count(4, row),
                emitted: count(5, row),
                commits: count(6, row),
            };
            if newest.is_none_or(|known| known.commits < marks.commits) {
                newest = Some(marks);
            }
        }
    }
    Ok(newest)
}

/// All rows of a hidden table.
pub async fn rows_of(table: TableId, ctx: &QueryContext) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let Some(parts) = ctx.snapshot.table_parts(table) else { return Ok(blocks) };
    for part in parts.parts() {
        let columns: Vec<usize> = (0..part.part.meta.header.len()).collect();
        let mut rows = part.read_all(&columns, Caching::Bypass);
        while let Some(block) = rows.next().await {
            blocks.push(block?);
        }
    }
    Ok(blocks)
}

/// The rows of panes, cut by window. The first column is the window's start.
pub(super) fn by_start(panes: &Block) -> Result<Vec<(i64, Block)>> {
    debug_assert_eq!(&*panes.header().columns()[0].name, START);
    let starts = panes.array(0).as_primitive::<Int64Type>();
    let mut rows: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, start) in starts.values().iter().enumerate() {
        rows.entry(*start).or_default().push(row as u32);
    }
    let block_of = |(start, rows): (i64, Vec<u32>)| {
        if rows.len() == panes.rows() {
            return Ok((start, panes.clone()));
        }
        Ok((start, panes.take(&arrow::array::UInt32Array::from(rows) as &dyn Array)?))
    };
    rows.into_iter().map(block_of).collect()
}
