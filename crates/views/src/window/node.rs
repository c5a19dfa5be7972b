//! A window view at work: rows in, closed windows out, and the edits that make it durable.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::Int64Type;
use query::QueryContext;
use query::definition::Definition;
use query::expressions::Expressions;
use store::{Edit, Store, TableDef};
use types::{Block, Column, DataType, Header, TableId};
use xxhash_rust::xxh3::xxh3_128;

use super::Emitted;
use super::emit::Plans;
use super::spec::{START, Spec};
use super::state::{Marks, State, StateTables, by_start, ids_block, marks_block};
use super::undo::{IdChange, Undo};
use crate::error::{Error, Result};
use crate::insert::{filter, stage};

/// Panes of an open window are merged when there are this many blocks of them.
const PANE_BLOCKS_MAX: usize = 16;

/// A window view at one commit, and what happened to it since.
pub(super) struct Node {
    spec: Spec,
    tables: StateTables,
    state: State,
    plans: Plans,
    /// Event time in milliseconds, condition, id: over the source's columns. Made for the header of the last block.
    row_exprs: Option<(Header, RowExprs)>,
    changes: Changes,
    /// Points that can be gone back to, the last one last.
    points: Vec<Undo>,
}

/// What was not committed yet.
#[derive(Clone, Default)]
pub(super) struct Changes {
    panes: Vec<Block>,
    /// Closed windows that have panes in the store.
    dropped: BTreeSet<i64>,
    ids: Vec<(i64, u128)>,
    forgotten: BTreeSet<i64>,
    any: bool,
    /// Windows with panes in the store.
    stored: BTreeSet<i64>,
}

struct RowExprs {
    filter: Option<Expressions>,
    time: Expressions,
    id: Option<Expressions>,
}

impl Node {
    /// The view as it is in the snapshot of `ctx`.
    pub(super) async fn load(view: &Arc<TableDef>, ctx: &QueryContext) -> Result<Node> {
        let damaged = || query::Error::Plan(format!("\"{}\" is no window view", view.qualified_name()));
        let Definition::WindowView(create) = Definition::parse(view)? else { return Err(damaged().into()) };
        let tables = StateTables::of(view).ok_or_else(damaged)?;
        let spec = Spec::new(&create)?;
        let state = State::load(view, tables, spec.horizon_ms.is_some(), ctx).await?;
        let stored = state.panes.keys().copied().collect();
        let plans = Plans::compile(&spec, tables, &ctx.with_database(&view.database)).await?;
        let changes = Changes { stored, ..Changes::default() };
        Ok(Node { spec, tables, state, plans, row_exprs: None, changes, points: Vec::new() })
    }

    /// The rows of all windows that the view has closed, computed again from the rows of its source. A row that came late
    /// then is on time now: it shows as a difference.
    pub(super) async fn recompute(view: &Arc<TableDef>, ctx: &QueryContext, rows: &[Block]) -> Result<Vec<Block>> {
        let mut node = Node::load(view, ctx).await?;
        let (marks, lateness_ms) = (node.state.marks, node.spec.lateness_ms);
        node.state = State::default();
        // nothing is late, nothing closes and no id is forgotten before all rows are in
        (node.spec.lateness_ms, node.spec.horizon_ms) = (i64::MAX / 4, None);
        for block in rows {
            node.push(ctx, block).await?;
        }
        node.spec.lateness_ms = lateness_ms;
        let closed_ms = marks.closed_to_ms.saturating_add(lateness_ms);
        node.close(ctx, marks.watermark_ms.max(closed_ms)).await
    }

    /// Watermark and counts as they are now.
    pub(super) fn marks(&self) -> Marks {
        self.state.marks
    }

    /// Sets a point that can be gone back to.
    pub(super) fn save(&mut self) {
        self.points.push(Undo::of(&self.state, &self.changes));
    }

    /// Forgets the last point.
    pub(super) fn settle(&mut self) {
        let Some(point) = self.points.pop() else { return };
        if let Some(earlier) = self.points.last_mut() {
            earlier.take_over(point);
        }
    }

    /// Goes back to the last point.
    pub(super) fn undo(&mut self) {
        if let Some(point) = self.points.pop() {
            point.restore(&mut self.state, &mut self.changes);
        }
    }

    /// Takes rows of the source. After an error what it did must be taken back or forgotten.
    pub(super) async fn push(&mut self, ctx: &QueryContext, block: &Block) -> Result<Emitted> {
        self.changes.any = true;
        let Some((block, times, ids)) = self.counted(ctx, block)? else { return Ok(Emitted::default()) };
        let fresh = self.fresh(&ids, &times);
        let (on_time, starts) = self.on_time(&fresh, &times);
        let late = arrow::compute::and_not(&fresh, &on_time).map_err(shape_error)?;
        let late = (late.true_count() > 0).then(|| filter(&block, &late)).transpose()?;
        let rows = filter(&block, &on_time)?;
        if rows.rows() > 0 {
            let starts = arrow::compute::filter(&starts, &on_time).map_err(shape_error)?;
            self.add_panes(ctx, &rows, starts).await?;
        }
        let closed = self.close(ctx, self.state.marks.watermark_ms).await?;
        self.forget_ids();
        Ok(Emitted { closed, late })
    }

    /// Closes every open window: a bounded input has ended.
    pub(super) async fn close_all(&mut self, ctx: &QueryContext) -> Result<Emitted> {
        self.changes.any = true;
        Ok(Emitted { closed: self.close(ctx, i64::MAX).await?, late: None })
    }

    /// The rows that the WHERE takes, with their event times and ids; `None` when it takes none.
    fn counted(&mut self, ctx: &QueryContext, block: &Block) -> Result<Option<(Block, Int64Array, Option<ArrayRef>)>> {
        if self.row_exprs.as_ref().is_none_or(|(header, _)| header != block.header()) {
            self.row_exprs = Some((block.header().clone(), RowExprs::compile(&self.spec, block.header(), ctx)?));
        }
        let Some((_, exprs)) = &self.row_exprs else { return Ok(None) };
        let mut block = block.clone();
        if let Some(condition) = &exprs.filter {
            let keep = condition.eval_conditions(&block)?.remove(0);
            if keep.true_count() < block.rows() {
                block = filter(&block, &keep)?;
            }
        }
        if block.rows() == 0 {
            return Ok(None);
        }
        let times = exprs.time.eval(&block)?.remove(0).0.as_primitive::<Int64Type>().clone();
        let ids = exprs.id.as_ref().map(|id| id.eval(&block)).transpose()?.map(|mut values| values.remove(0));
        let ids = ids.map(|(array, ty)| id_bytes(&array, &ty));
        Ok(Some((block, times, ids)))
    }

    /// Which rows have an id that was not seen before. Without DEDUPLICATE BY: all.
    fn fresh(&mut self, ids: &Option<ArrayRef>, times: &Int64Array) -> BooleanArray {
        let Some(ids) = ids else { return BooleanArray::from(vec![true; times.len()]) };
        let ids = ids.as_binary::<i32>();
        let mut fresh = Vec::with_capacity(ids.len());
        for row in 0..ids.len() {
            let id = xxh3_128(ids.value(row));
            let is_new = self.state.ids.insert(id);
            if is_new {
                let bucket = self.spec.horizon_ms.map(|horizon| times.value(row).div_euclid(horizon.max(1)));
                if let Some(bucket) = bucket {
                    self.state.buckets.entry(bucket).or_default().push(id);
                }
                self.changes.ids.push((bucket.unwrap_or(0), id));
                if let Some(point) = self.points.last_mut() {
                    point.remember(IdChange::Seen { bucket, id });
                }
            } else {
                self.state.marks.duplicates += 1;
            }
            fresh.push(is_new);
        }
        BooleanArray::from(fresh)
    }

    /// Moves the watermark row by row; which fresh rows are on time, and the start of each row's window.
    fn on_time(&mut self, fresh: &BooleanArray, times: &Int64Array) -> (BooleanArray, ArrayRef) {
        let (size, lateness) = (self.spec.size_ms, self.spec.lateness_ms);
        let marks = &mut self.state.marks;
        let mut on_time = Vec::with_capacity(times.len());
        let mut starts = Vec::with_capacity(times.len());
        for (fresh, time) in fresh.values().iter().zip(times.values()) {
            let start = time.div_euclid(size).saturating_mul(size);
            let end = start.saturating_add(size);
            starts.push(start);
            if !fresh {
                on_time.push(false);
                continue;
            }
            marks.watermark_ms = marks.watermark_ms.max(time.saturating_sub(self.spec.delay_ms));
            let late = end.saturating_add(lateness) <= marks.watermark_ms || end <= marks.closed_to_ms;
            marks.late += u64::from(late);
            marks.on_time += u64::from(!late);
            on_time.push(!late);
        }
        (BooleanArray::from(on_time), Arc::new(Int64Array::from(starts)))
    }

    async fn add_panes(&mut self, ctx: &QueryContext, rows: &Block, starts: ArrayRef) -> Result<()> {
        let mut columns: Vec<Column> = vec![Column::new(START, DataType::Int64)];
        columns.extend(rows.header().columns().iter().cloned());
        let arrays = std::iter::once(starts).chain(rows.arrays().iter().cloned()).collect();
        let input = Block::with_rows(Header::new(columns), arrays, rows.rows())?;
        for panes in self.plans.panes(self.tables, &input, ctx).await? {
            for (start, rows) in by_start(&panes)? {
                self.changes.panes.push(rows.clone());
                let blocks = self.state.panes.entry(start).or_default();
                blocks.push(rows);
                if blocks.len() >= PANE_BLOCKS_MAX {
                    let merged = self.plans.merge(blocks)?;
                    *blocks = vec![merged];
                }
            }
        }
        Ok(())
    }

    /// Emits the windows whose end (and allowed lateness) the watermark has passed, oldest first.
    async fn close(&mut self, ctx: &QueryContext, watermark_ms: i64) -> Result<Vec<Block>> {
        let last = watermark_ms.saturating_sub(self.spec.size_ms).saturating_sub(self.spec.lateness_ms);
        let open = self.state.panes.split_off(&last.saturating_add(1));
        let closed = std::mem::replace(&mut self.state.panes, if last == i64::MAX { Default::default() } else { open });
        let Some(newest) = closed.keys().next_back().copied() else { return Ok(Vec::new()) };
        self.state.marks.closed_to_ms = self.state.marks.closed_to_ms.max(newest.saturating_add(self.spec.size_ms));
        let is_open = |panes: &Block| {
            let start = panes.array(0).as_primitive::<Int64Type>().values().first().copied();
            start.is_some_and(|start| !closed.contains_key(&start))
        };
        self.changes.panes.retain(is_open);
        self.changes.dropped.extend(closed.keys().filter(|start| self.changes.stored.contains(start)));
        let panes: Vec<Block> = closed.into_values().flatten().collect();
        let emitted = self.plans.emit(self.tables, &panes, ctx).await?;
        self.state.marks.emitted += emitted.iter().map(|block| block.rows() as u64).sum::<u64>();
        Ok(emitted)
    }

    /// Forgets ids behind the horizon of DEDUPLICATE BY … WITHIN.
    fn forget_ids(&mut self) {
        let Some(horizon) = self.spec.horizon_ms else { return };
        let last = self.state.marks.watermark_ms.saturating_sub(horizon).div_euclid(horizon.max(1)).saturating_sub(1);
        let kept = self.state.buckets.split_off(&last.saturating_add(1));
        for (bucket, ids) in std::mem::replace(&mut self.state.buckets, kept) {
            ids.iter().for_each(|id| {
                self.state.ids.remove(id);
            });
            self.changes.ids.retain(|(of, _)| *of != bucket);
            self.changes.forgotten.insert(bucket);
            if let Some(point) = self.points.last_mut() {
                point.remember(IdChange::Forgot { bucket, ids });
            }
        }
    }

    /// What makes the state durable, for the commit of the rows that changed it.
    pub(super) async fn edits(&self, store: &Store, ctx: &QueryContext) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        if !self.changes.any {
            return Ok(edits);
        }
        let changes = &self.changes;
        for start in &changes.dropped {
            edits.push(self.truncate(self.tables.panes, *start, ctx)?);
        }
        for bucket in &changes.forgotten {
            edits.push(self.truncate(self.tables.ids, *bucket, ctx)?);
        }
        if let Some(first) = changes.panes.first() {
            let panes = Block::concat(first.header(), &changes.panes)?;
            edits.extend(insert(store, self.tables.panes, &panes, ctx).await?);
        }
        if !changes.ids.is_empty() {
            edits.extend(insert(store, self.tables.ids, &ids_block(&changes.ids)?, ctx).await?);
        }
        let marks = Marks { commits: self.state.marks.commits + 1, ..self.state.marks };
        edits.extend(insert(store, self.tables.marks, &marks_block(&marks)?, ctx).await?);
        Ok(edits)
    }

    /// Drops the partition of one window or bucket: the partition key is that number.
    fn truncate(&self, table: TableId, value: i64, ctx: &QueryContext) -> Result<Edit> {
        let def = definition(table, ctx)?;
        let schema = def.schema.as_ref().ok_or(query::Error::DefinitionChanged(table))?;
        let value = if value < 0 { types::Value::Int(value) } else { types::Value::UInt(value as u64) };
        let partition = parts::partition_id(&parts::partition::partition_types(schema), &[value]);
        Ok(Edit::Truncate { table, partition: Some(partition) })
    }

    /// The edits were committed.
    pub(super) fn committed(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        self.changes.stored = self.state.panes.keys().copied().collect();
        self.state.marks.commits += u64::from(changes.any);
    }
}

fn shape_error(error: impl std::fmt::Display) -> Error {
    Error::Types(types::Error::BlockShape(error.to_string()))
}

fn definition(table: TableId, ctx: &QueryContext) -> Result<Arc<TableDef>> {
    Ok(ctx.snapshot.catalog.table_by_id(table).cloned().ok_or(query::Error::DefinitionChanged(table))?)
}

async fn insert(store: &Store, table: TableId, rows: &Block, ctx: &QueryContext) -> Result<Option<Edit>> {
    let def = definition(table, ctx)?;
    let schema = def.schema.as_ref().ok_or(query::Error::DefinitionChanged(table))?;
    let parts = stage::stage_state(store, schema, rows).await?;
    Ok((!parts.is_empty()).then_some(Edit::Insert { table, version: def.version, parts }))
}

/// Ids as bytes, so that any type can be an id.
fn id_bytes(array: &ArrayRef, ty: &DataType) -> ArrayRef {
    if let Some(bytes) = array.as_binary_opt::<i32>().filter(|bytes| bytes.null_count() == 0) {
        return Arc::new(bytes.clone());
    }
    let text = types::text::cell::write_column(ty, array, types::text::Quoting::Quoted, types::text::Zone::Utc);
    Arc::new(text)
}

impl RowExprs {
    fn compile(spec: &Spec, header: &Header, ctx: &QueryContext) -> Result<RowExprs> {
        let one = |expr: &sql::Expr| Expressions::compile(std::slice::from_ref(expr), header, ctx);
        let time = sql::Expr::call(
            "toUnixTimestamp64Milli",
            vec![sql::Expr::call(
                "toDateTime64",
                vec![spec.time.clone(), sql::Expr::literal(sql::ast::Literal::UInt(3))],
            )],
        );
        Ok(RowExprs {
            filter: spec.filter.as_ref().map(one).transpose()?,
            time: one(&time)?,
            id: spec.id.as_ref().map(one).transpose()?,
        })
    }
}
