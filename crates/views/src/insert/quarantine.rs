//! `ON ERROR QUARANTINE`: the rows over which a view failed go to its table of errors, in the same commit, and come through
//! the view again when it is repaired.
//!
//! ```text
//! _commit      the commit that brought the rows: no part is written with it, readers know it (query::layout::COMMIT)
//! _block       the same for the rows that came as one block, another for every block
//! _at          when
//! _reason      why
//! …            the columns of the source, as the view saw them
//! ```
//! What is below the view saw nothing of the rows either: they reach it by the repair. Rows stay in the order in which they came.
//! Window views go back to where they were before the block (`window::undo`): rows that come back by the repair are rows like
//! others then, late when their window is closed.
//! Never quarantined: what is no fault of the view (a statement that was ended, a disk that fails), and views that feed each
//! other without end.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, UInt64Array};
use arrow::datatypes::UInt64Type;
use parts::PartSchema;
use query::QueryContext;
use query::expressions::Converter;
use store::{Edit, TableDef, TableKind, ViewDef};
use types::{Block, Column, DataType, ErrorCode, Header, TableId};

use super::{Insert, InsertOptions, stage};
use crate::Views;
use crate::error::{Error, Result};
use crate::tables::TableShape;

pub use query::layout::COMMIT;

const BLOCK: &str = "_block";
const AT: &str = "_at";
const REASON: &str = "_reason";

/// What a table of errors is called.
pub fn errors_name(view: &str) -> String {
    format!("{view}_errors")
}

/// What a table of errors knows of its rows, before the columns of the view's source.
pub fn about() -> Vec<Column> {
    vec![
        Column::new(COMMIT, DataType::UInt64),
        Column::new(BLOCK, DataType::UInt64),
        Column::new(AT, DataType::DateTime64 { precision: 3, zone: None }),
        Column::new(REASON, DataType::String),
    ]
}

/// True for errors that are no fault of the view: the insert fails with them.
fn is_fatal(error: &Error) -> bool {
    let code = error.code();
    let ended = code == ErrorCode::QUERY_WAS_CANCELLED || code == ErrorCode::TIMEOUT_EXCEEDED;
    let outside = |error: &Error| matches!(error, Error::Store(_) | Error::Commit(_));
    match error {
        Error::TooDeep(_) => true,
        Error::View { source, .. } => ended || outside(source),
        error => ended || outside(error),
    }
}

impl Insert {
    /// The table that takes the rows over which a view fails; none where the whole insert fails then.
    pub(super) fn errors_of(&self, view: &TableDef) -> Result<Option<Arc<TableDef>>> {
        let Some(errors) = view.view.as_ref().and_then(ViewDef::errors) else { return Ok(None) };
        let found = self.ctx.snapshot.catalog.table_by_id(errors).cloned();
        found.map(Some).ok_or_else(|| Error::ErrorsGone(view.qualified_name().to_string()))
    }

    /// Puts a block of the view's source aside with the error that the view ended with. What the view wrote must be
    /// forgotten before.
    pub(super) async fn quarantine(
        &mut self,
        view: &TableDef,
        errors: &Arc<TableDef>,
        block: &Block,
        error: Error,
    ) -> Result<()> {
        if is_fatal(&error) {
            return Err(error.in_view(view.qualified_name()));
        }
        let Some(schema) = &errors.schema else { return Ok(()) };
        let id = self.views.runtime.env.rng.u64();
        let rows = self.aside(errors, block, id, &error.to_string())?;
        let parts = stage::stage_state(&self.views.store, &without_commit(schema), &rows).await?;
        self.definitions.insert(errors.id, errors.version);
        self.staged.made(errors.id, parts);
        self.quarantined += block.rows() as u64;
        Ok(())
    }

    /// The rows as rows of the table of errors, without the commit.
    fn aside(&self, errors: &TableDef, block: &Block, id: u64, reason: &str) -> Result<Block> {
        let rows = block.rows();
        let missing = block.header().columns().iter().find(|column| errors.columns.column(&column.name).is_none());
        if let Some(column) = missing {
            return Err(Error::ErrorsLack {
                table: errors.qualified_name().to_string(),
                column: column.name.to_string(),
            });
        }
        let header = header_without_commit(&errors.columns);
        let columns = header.columns();
        let given = |column: &&Column| block.header().column(&column.name).is_some();
        let wanted = Header::new(columns.iter().filter(given).cloned().collect::<Vec<_>>());
        let converted = Converter::new(block.header(), &wanted, &self.ctx)?.convert(block)?;
        let array = |column: &Column| -> ArrayRef {
            match (&*column.name, converted.header().position(&column.name)) {
                (_, Some(at)) => converted.array(at).clone(),
                (BLOCK, None) => Arc::new(UInt64Array::from_value(id, rows)),
                (AT, None) => Arc::new(Int64Array::from_value(self.ctx.now_ns.div_euclid(1_000_000), rows)),
                (REASON, None) => Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(reason, rows))),
                (_, None) => column.ty.default_array(rows),
            }
        };
        let arrays = columns.iter().map(array).collect();
        Ok(Block::with_rows(header.clone(), arrays, rows)?)
    }

    /// How many rows were put aside for views so far.
    pub fn quarantined(&self) -> u64 {
        self.quarantined
    }
}

/// The layout of parts of a table of errors when they are written.
fn without_commit(schema: &PartSchema) -> Arc<PartSchema> {
    Arc::new(PartSchema {
        header: header_without_commit(&schema.header),
        sort_key: Vec::new(),
        primary_key_len: 0,
        partition_key: Vec::new(),
        min_max: Vec::new(),
        ..schema.clone()
    })
}

fn header_without_commit(header: &Header) -> Header {
    Header::new(header.columns().iter().filter(|column| *column.name != *COMMIT).cloned().collect::<Vec<_>>())
}

/// Rows of a table of errors on their way through their view again.
pub struct Replay {
    insert: Insert,
    view: Arc<TableDef>,
    source: Arc<TableDef>,
    shape: Arc<TableShape>,
    /// The block that is being put together.
    block: Option<u64>,
    waiting: Vec<Block>,
    columns: Header,
}

impl Views {
    /// The columns of a table's rows as the views over it see them.
    pub fn rows_seen(&self, source: &Arc<TableDef>) -> Result<Header> {
        Ok(self.tables.shape(source)?.stored.clone())
    }

    /// Refuses rows that cannot become rows of a table, whatever is in them.
    pub fn check_shape(&self, target: &Arc<TableDef>, given: &Header, ctx: &QueryContext) -> Result<()> {
        self.tables.shaper(&self.tables.shape(target)?, given, ctx).map(drop)
    }

    /// Sets out to take rows of a view's table of errors through the view. All of it is one commit.
    pub fn replay(&self, view: &Arc<TableDef>, errors: &Arc<TableDef>, ctx: &QueryContext) -> Result<Replay> {
        let gone = || Error::SourceGone(view.qualified_name().to_string());
        let source = view.view.as_ref().and_then(ViewDef::insert_source).ok_or_else(gone)?;
        let source = ctx.snapshot.catalog.named(source).cloned().ok_or_else(gone)?;
        let mut insert = self.insert(errors, ctx, InsertOptions::default())?;
        insert.rely_on(view);
        insert.rely_on(&source);
        let shape = self.tables.shape(&source)?;
        Ok(Replay {
            insert,
            view: Arc::clone(view),
            shape,
            source,
            block: None,
            waiting: Vec::new(),
            columns: errors.columns.clone(),
        })
    }
}

impl Replay {
    /// Takes rows of the table of errors, in the order in which they are in it. Rows that came as one block go through
    /// the view as one. After an error the replay can only be dropped.
    pub async fn push(&mut self, rows: &Block) -> Result<()> {
        let Some(at) = rows.header().position(BLOCK) else { return Ok(()) };
        let blocks = rows.array(at).as_primitive::<UInt64Type>().clone();
        let mut start = 0;
        while start < rows.rows() {
            let block = blocks.value(start);
            let len = blocks.values()[start..].iter().take_while(|other| **other == block).count();
            if self.block.is_some_and(|other| other != block) {
                self.finish().await?;
            }
            self.block = Some(block);
            self.waiting.push(rows.slice(start, len));
            start += len;
        }
        Ok(())
    }

    /// Takes the block that is whole through the view.
    async fn finish(&mut self) -> Result<()> {
        self.block = None;
        let rows = Block::concat(&self.columns, &std::mem::take(&mut self.waiting))?;
        if rows.rows() == 0 {
            return Ok(());
        }
        let visible = self.visible(&rows)?;
        let (view, source) = (Arc::clone(&self.view), self.source.id);
        let pushed = self.insert.push_to_view(&view, source, &visible, 0).await;
        pushed.map_err(|error| error.in_view(view.qualified_name()))
    }

    /// The rows as the view saw them: columns that the source has got since have their defaults.
    fn visible(&self, rows: &Block) -> Result<Block> {
        let about = about();
        let kept = |column: &&Column| !about.iter().any(|known| known.name == column.name);
        let names: Vec<usize> =
            rows.header().columns().iter().filter(kept).filter_map(|c| rows.header().position(&c.name)).collect();
        let rows = rows.project(&names);
        let shaper = self.insert.views.tables.shaper(&self.shape, rows.header(), &self.insert.ctx)?;
        let shaped = shaper.finish(&shaper.complete(&rows, &[])?)?.visible;
        let there = |column: &&Column| rows.header().column(&column.name).is_some();
        let there = Header::new(shaped.header().columns().iter().filter(there).cloned().collect::<Vec<_>>());
        let as_they_were = Converter::new(rows.header(), &there, &self.insert.ctx)?.convert(&rows)?;
        let array = |(at, column): (usize, &Column)| match there.position(&column.name) {
            Some(known) => as_they_were.array(known).clone(),
            None => shaped.array(at).clone(),
        };
        let arrays = shaped.header().columns().iter().enumerate().map(array).collect();
        Ok(Block::with_rows(shaped.header().clone(), arrays, rows.rows())?)
    }

    /// Everything that was pushed and these edits, as one commit.
    pub async fn commit(mut self, edits: Vec<Edit>) -> Result<super::Receipt> {
        self.finish().await?;
        edits.into_iter().for_each(|edit| self.insert.attach(edit));
        self.insert.commit().await
    }

    /// Keeps the passage that was taken for this replay until its outcome is known.
    pub fn keep(&mut self, passage: store::Passage) {
        self.insert.keep(passage);
    }
}

/// True for tables whose rows a table of errors can hold.
pub fn has_rows(source: &TableDef) -> bool {
    matches!(source.kind, TableKind::MergeTree | TableKind::Memory | TableKind::Null)
}

/// The view whose errors a table holds.
pub fn owner(catalog: &store::Catalog, table: TableId) -> Option<&Arc<TableDef>> {
    catalog.tables().find(|view| view.view.as_ref().and_then(ViewDef::errors) == Some(table))
}
