//! Blocks to one durable, visible commit: the table, every view over it, offsets and tokens together.
//!
//! ```text
//! push(rows)  1 shape    block ─▶ the table's columns: defaults, constraints, keys        (a bad row ─▶ dead letters)
//!             2 fan_out  each view over the table, over this block, in order, cascading
//!             3 stage    split, sort, merge rule, encode ─▶ parts, out of sight
//! commit      4 commit   all parts + token + offsets + open windows ─▶ one commit
//! ```
//! Promises: nothing is visible before `commit` answers, and everything is after; dropping an [`Insert`] leaves nothing.
//! Views see a block before the engine's merge rule. Memory holds the block under way, the few that
//! are being staged, and the staged small parts.

mod dead_letters;
mod dedup;
pub mod nested;
mod passage;
pub mod quarantine;
mod retry;
mod send;
pub(crate) mod shape;
pub(crate) mod stage;
mod staged;
pub(crate) mod view_plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::BooleanArray;
use futures::FutureExt;
use futures::future::BoxFuture;
use parts::PartitionId;
use query::QueryContext;
use store::{
    Commit, CommitError, Conflict, Edit, FsyncMode, NewPart, Passage, QualifiedName, Read, TableDef, TableKind, ViewDef,
};
use types::{Block, Header, Setting, TableId};

pub use dead_letters::{BadRow, Letters};
pub use passage::patience;
pub use store::Receipt;
pub use view_plan::insert_query;

use crate::Views;
use crate::costs::ViewCost;
use crate::error::{Error, Result};
use crate::refresh::versions::Version;
use crate::tables::TableShape;
use crate::window;
use shape::{Shaped, Shaper, Violations};
use staged::Staged;

/// Views may feed each other this deep.
pub const DEPTH_MAX: usize = 32;

/// Rows on their way into a table.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Some of the table's columns, by name; types are converted.
    pub block: Block,
    /// For each column the rows whose value is to be the column's default; empty when there are none.
    pub absent: Vec<Option<Vec<bool>>>,
    /// Where the rows came from, when bad ones are kept aside.
    pub letters: Option<Letters>,
}

impl From<Block> for Rows {
    fn from(block: Block) -> Rows {
        Rows { block, absent: Vec::new(), letters: None }
    }
}

/// What an insert may say besides its rows.
#[derive(Clone, Debug, Default)]
pub struct InsertOptions {
    /// `insert_deduplication_token`.
    pub token: Option<String>,
    /// The same rows again are answered as the first were, where the table remembers hashes of rows.
    pub by_hash: bool,
    /// When the commit is forced to the disk; none: as the store does.
    pub fsync: Option<FsyncMode>,
}

/// Which rows of the table an insert takes the place of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Replaces {
    /// None: they are added.
    Nothing,
    /// All.
    All,
    /// All; they become those of the first of these tables, whose rows become those of the next, and so on.
    Generations(Vec<TableId>),
    /// Those of every partition that it brings rows of.
    Partitions,
    /// Those of these partitions; rows that it brings of others are left out.
    Only(BTreeSet<PartitionId>),
}

/// How much an insert wrote, in the table and in the tables behind its views.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Rows given to the table itself.
    pub rows: u64,
    /// Bytes of those, in memory.
    pub bytes: u64,
    /// Rows that went to the dead letters.
    pub dead_letters: u64,
}

/// An insert under way.
pub struct Insert {
    views: Views,
    ctx: QueryContext,
    table: Arc<TableShape>,
    options: InsertOptions,
    shapers: BTreeMap<TableId, (Header, Arc<Shaper>)>,
    /// Staged parts in the order in which they were made.
    staged: Staged,
    /// Further edits of the same commit.
    edits: Vec<Edit>,
    /// Definitions that rows went through.
    definitions: BTreeMap<TableId, u64>,
    /// Tables whose views were all run.
    sources: BTreeSet<QualifiedName>,
    windows: Vec<window::Ticket>,
    written: Written,
    /// Whether the rows take the place of others, and no view is run over them.
    replaces: Replaces,
    /// What each view did so far.
    costs: BTreeMap<TableId, ViewCost>,
    rows_hash: dedup::RowsHash,
    /// Lets definition changes wait for this insert.
    passage: Option<Passage>,
    /// How to make it again; none when that cannot be.
    again: Option<retry::Again>,
    /// Dead letters by reason.
    rejected: BTreeMap<String, u64>,
    /// Rows that were put aside for views.
    quarantined: u64,
}

/// Tables that only show rows of others.
fn has_no_rows(table: &TableDef) -> bool {
    matches!(table.kind, TableKind::Merge | TableKind::Dictionary | TableKind::DictionaryTable | TableKind::External)
}

impl Views {
    /// Begins an insert into a table or view as the context's snapshot has it.
    pub fn insert(&self, table: &Arc<TableDef>, ctx: &QueryContext, options: InsertOptions) -> Result<Insert> {
        let refuse = |reason| Error::NotInsertable { table: table.qualified_name().to_string(), reason };
        let target = match &table.view {
            None if has_no_rows(table) => return Err(refuse("its engine has no rows of its own")),
            None => Arc::clone(table),
            Some(ViewDef::Plain) => return Err(refuse("it is a view")),
            // a row inserted into a materialized view goes to its target, past its SELECT
            Some(view) => {
                let target = view.target().and_then(|target| ctx.snapshot.catalog.target(target)).cloned();
                target.ok_or_else(|| Error::TargetGone(table.qualified_name().to_string()))?
            }
        };
        Ok(Insert {
            table: self.tables.shape(&target)?,
            views: self.clone(),
            ctx: ctx.clone(),
            again: Some(retry::Again::new(table.qualified_name(), &options)),
            passage: None,
            options,
            shapers: BTreeMap::new(),
            staged: Staged::default(),
            edits: Vec::new(),
            definitions: BTreeMap::new(),
            sources: BTreeSet::new(),
            windows: Vec::new(),
            written: Written::default(),
            replaces: Replaces::Nothing,
            costs: BTreeMap::new(),
            rows_hash: dedup::RowsHash::default(),
            rejected: BTreeMap::new(),
            quarantined: 0,
        })
    }
}

impl Insert {
    /// What is known of the table that is inserted into.
    pub fn table(&self) -> &Arc<TableShape> {
        &self.table
    }

    /// Keeps the passage that was taken for this insert until its outcome is known.
    pub fn keep(&mut self, passage: Passage) {
        self.passage = Some(passage);
    }

    /// How much was written so far.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Rows that went to the dead letters so far, by reason.
    pub fn rejected(&self) -> &BTreeMap<String, u64> {
        &self.rejected
    }

    /// What the window views over the table did with the rows so far, added up over the views.
    pub fn taken(&self) -> window::Taken {
        let source = self.table.def.qualified_name();
        let mut taken = window::Taken::default();
        self.windows.iter().filter(|ticket| ticket.is_over(&source)).for_each(|ticket| taken += ticket.taken());
        taken
    }

    /// The query that this insert is.
    pub fn context(&self) -> &QueryContext {
        &self.ctx
    }

    /// Takes some rows through shape, fan-out and stage. After an error the insert can only be dropped.
    pub async fn push(&mut self, rows: Rows) -> Result<()> {
        self.remember(&rows);
        let table = Arc::clone(&self.table);
        let shaper = self.shaper(&table, rows.block.header())?;
        // without defaults what is absent is what the format put in its place: the default of the type
        let absent: &[Option<Vec<bool>>] = match self.ctx.settings.flag(Setting::InputFormatDefaultsForOmittedFields) {
            true => &rows.absent,
            false => &[],
        };
        let mut complete = shaper.complete(&rows.block, absent)?;
        let mut letters = rows.letters.filter(|_| table.dead_letters.is_some());
        let misfits = letters.as_ref().is_some_and(|letters| !letters.misfits.is_empty());
        let violations = match shaper.violations(&complete)? {
            None if misfits => Some(Violations::none(complete.rows())),
            violations => violations,
        };
        if let Some(mut violations) = violations {
            let Some(letters) = &mut letters else { return Err(shaper.refusal(&violations)) };
            letters.take_violated(&mut violations, &shaper);
            complete = kept(&complete, &violations)?;
        }
        self.written.rows += complete.rows() as u64;
        self.written.bytes += complete.size_bytes() as u64;
        self.rows_hash.add(&table, &complete);
        if complete.rows() > 0 {
            let shaped = shaper.finish(&complete)?;
            self.route(table, shaped, 0).await?;
        }
        if let Some(letters) = letters {
            self.keep_dead_letters(letters).await?;
        }
        Ok(())
    }

    /// From here on the rows take the place of those that are in the table when the commit applies, and no view over the
    /// table is run: a refresh.
    pub fn replace_content(&mut self, replaces: Replaces) {
        self.again = None;
        self.replaces = replaces;
        self.definitions.insert(self.table.def.id, self.table.def.version);
    }

    /// The commit is refused when this definition changes before it.
    pub fn rely_on(&mut self, table: &TableDef) {
        self.again = None;
        self.definitions.insert(table.id, table.version);
    }

    /// Puts an edit of the caller's into the same commit: offsets of a source.
    pub fn attach(&mut self, edit: Edit) {
        self.again = None;
        self.edits.push(edit);
    }

    /// Puts rows of a table into the same commit, through its views as well.
    pub async fn push_to(&mut self, table: &Arc<TableDef>, block: &Block) -> Result<()> {
        self.again = None;
        self.push_through(table, block).await
    }

    async fn push_through(&mut self, table: &Arc<TableDef>, block: &Block) -> Result<()> {
        let shape = self.views.tables.shape(table)?;
        self.push_block(shape, block, 0).await
    }

    /// Puts rows of a hidden table into the same commit.
    pub async fn attach_rows(&mut self, table: &Arc<TableDef>, block: &Block) -> Result<()> {
        self.again = None;
        let Some(schema) = &table.schema else { return Ok(()) };
        self.definitions.insert(table.id, table.version);
        let parts = stage::stage_state(&self.views.store, schema, block).await?;
        self.staged.made(table.id, parts);
        Ok(())
    }

    /// What the table will be when this insert is committed as it is now, and nothing is written to it meanwhile.
    pub async fn foreseen(&mut self) -> Result<Version> {
        self.staged.join_behind(0).await?;
        let def = &self.table.def;
        let known = self.ctx.snapshot.table_parts(def.id);
        let staged: Vec<&NewPart> = self.staged.made_of(def.id).filter(|part| 0 < part.rows()).collect();
        let goes = |id: &PartitionId| match &self.replaces {
            Replaces::Nothing => false,
            Replaces::All | Replaces::Generations(_) => true,
            Replaces::Partitions => staged.iter().any(|part| part.partition_id() == id),
            Replaces::Only(ids) => ids.contains(id),
        };
        let parts = known.into_iter().flat_map(|parts| parts.parts());
        let stays: u64 = parts.filter(|part| !goes(&part.name().partition_id)).map(|part| part.rows()).sum();
        Ok(Version {
            table: def.id.0,
            definition: def.version,
            last_block: known.map_or(0, |parts| parts.last_block()) + staged.len() as u64,
            rows: stays + staged.iter().map(|part| part.rows()).sum::<u64>(),
        })
    }

    /// Closes every open window of the views over the table: its bounded input has ended.
    pub async fn end_of_input(&mut self) -> Result<()> {
        self.again = None;
        let source = self.table.def.qualified_name();
        let views: Vec<_> = self.ctx.snapshot.catalog.views_of(&source).cloned().collect();
        for view in views.iter().filter(|view| matches!(view.view, Some(ViewDef::Window { .. }))) {
            let ctx = self.ctx.clone();
            let closed = self.ticket(view).await?.close_all(&ctx).await?;
            self.emit(view, closed, 0).await?;
        }
        Ok(())
    }

    async fn commit_once(mut self) -> Result<Receipt> {
        let mut edits = std::mem::take(&mut self.edits);
        for ticket in &self.windows {
            edits.extend(ticket.edits(&self.views, &self.ctx).await?);
        }
        let mut parts: BTreeMap<TableId, Vec<NewPart>> = BTreeMap::new();
        for (table, part) in self.staged.finish().await? {
            parts.entry(table).or_default().push(part);
        }
        let table = self.table.def.id;
        edits.extend(self.replaced(parts.get(&table).map_or(&[], Vec::as_slice)));
        for (table, parts) in parts {
            edits.push(Edit::Insert { table, version: self.definitions[&table], parts });
        }
        edits.extend(self.rows_hash.token(&self.table, &self.options, &edits));
        if edits.is_empty() {
            let snapshot = self.views.store.snapshot();
            return Ok(Receipt { seq: snapshot.seq, at_ns: snapshot.at_ns });
        }
        let commit = Commit { reads: self.reads(&edits), edits, at_ns: 0 };
        let fsync = self.options.fsync.or(self.table.fsync);
        match self.views.send(commit, fsync, std::mem::take(&mut self.windows), self.passage.take()).await {
            Err(CommitError::Conflict(Conflict::Duplicate(first))) => Ok(first),
            other => {
                let receipt = other?;
                self.views.costs.committed(std::mem::take(&mut self.costs), receipt);
                Ok(receipt)
            }
        }
    }

    /// What goes before the staged parts of the table come.
    fn replaced(&self, staged: &[NewPart]) -> Vec<Edit> {
        let table = self.table.def.id;
        let truncate = |partition| Edit::Truncate { table, partition };
        match &self.replaces {
            Replaces::Nothing => Vec::new(),
            Replaces::All => vec![truncate(None)],
            Replaces::Generations(older) => {
                let tables = std::iter::once(table).chain(older.iter().copied()).collect();
                vec![Edit::ShiftParts { tables, is_ring: false }]
            }
            Replaces::Partitions => {
                let ids: BTreeSet<_> = staged.iter().map(|part| part.partition_id().clone()).collect();
                ids.into_iter().map(Some).map(truncate).collect()
            }
            Replaces::Only(ids) => ids.iter().cloned().map(Some).map(truncate).collect(),
        }
    }

    fn reads(&self, edits: &[Edit]) -> Vec<Read> {
        // a table that this commit makes cannot have changed
        let is_new =
            |table: &TableId| edits.iter().any(|edit| matches!(edit, Edit::CreateTable(def) if def.id == *table));
        let known = self.definitions.iter().filter(|(table, _)| !is_new(table));
        let definitions = known.map(|(table, version)| Read::Definition { table: *table, version: *version });
        let views = self.sources.iter().map(|source| self.ctx.snapshot.read_views(source.clone()));
        definitions.chain(views).collect()
    }

    /// Steps 2 and 3 for rows of a table: stage them, then every view over the table.
    fn route(&mut self, table: Arc<TableShape>, rows: Shaped, depth: usize) -> BoxFuture<'_, Result<()>> {
        async move {
            let name = table.def.qualified_name();
            if depth > DEPTH_MAX {
                return Err(Error::TooDeep(name.to_string()));
            }
            self.definitions.insert(table.def.id, table.def.version);
            if let Some(schema) = table.def.schema.as_ref().filter(|_| table.is_stored()) {
                let derived = table.derived(&self.ctx)?;
                let mut rows = stage::split((table.def.id, schema, derived), &rows.stored, &self.ctx)?;
                if let (Replaces::Only(ids), 0) = (&self.replaces, depth) {
                    for left_out in stage::retain(&mut rows, ids) {
                        self.written.rows = self.written.rows.saturating_sub(left_out.rows() as u64);
                        self.written.bytes = self.written.bytes.saturating_sub(left_out.size_bytes() as u64);
                    }
                }
                self.staged.stage(&self.views.store, &self.ctx, rows).await?;
            }
            if depth == 0 && self.replaces != Replaces::Nothing {
                return Ok(());
            }
            let views: Vec<_> = self.ctx.snapshot.catalog.views_of(&name).cloned().collect();
            self.sources.insert(name);
            for view in views {
                self.definitions.insert(view.id, view.version);
                self.run_view(&view, table.def.id, &rows.visible, depth).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// One view over a block; what becomes of the rows when it fails is said by the view, else by the settings.
    async fn run_view(&mut self, view: &Arc<TableDef>, source: TableId, block: &Block, depth: usize) -> Result<()> {
        let ignores_errors = self.ctx.settings.flag(Setting::MaterializedViewsIgnoreErrors);
        let errors = self.errors_of(view)?;
        let blocks = errors.is_none() && !ignores_errors;
        let (staged, windows, quarantined) = (self.staged.len(), self.windows.len(), self.quarantined);
        if !blocks {
            self.windows.iter_mut().for_each(window::Ticket::save);
        }
        let mut pushed = self.push_to_view(view, source, block, depth).await;
        if pushed.is_ok() && !blocks {
            pushed = self.staged.join_behind(staged).await;
        }
        let Err(error) = pushed else {
            if !blocks {
                self.windows.iter_mut().take(windows).for_each(window::Ticket::settle);
            }
            return Ok(());
        };
        self.views.costs.failed(view.id, self.ctx.now_ns, error.to_string());
        if blocks {
            return Err(error.in_view(view.qualified_name()));
        }
        // turns that began here are given back, and what the view did in the others
        self.windows.truncate(windows);
        self.windows.iter_mut().for_each(window::Ticket::undo);
        self.staged.truncate(staged);
        self.quarantined = quarantined;
        match errors {
            Some(errors) => self.quarantine(view, &errors, block, error).await,
            None => Ok(()),
        }
    }

    async fn push_to_view(&mut self, view: &Arc<TableDef>, source: TableId, block: &Block, depth: usize) -> Result<()> {
        if let Some(ViewDef::Window { .. }) = &view.view {
            let ctx = self.ctx.clone();
            let ticket = self.ticket(view).await?;
            let started_ns = ctx.runtime.env.clock.monotonic_ns();
            let taken = ticket.push(&ctx, block).await?;
            self.count(view.id, started_ns, block, &taken.closed.iter().collect::<Vec<_>>());
            return self.emit(view, taken, depth).await;
        }
        let Some(target) = self.target(view)? else { return Ok(()) };
        let ctx = self.ctx.clone();
        let started_ns = ctx.runtime.env.clock.monotonic_ns();
        let given = self.views.tables.plans.run(view, source, block, &ctx).await?;
        self.count(view.id, started_ns, block, &given.iter().collect::<Vec<_>>());
        for rows in given {
            self.push_block(Arc::clone(&target), &rows, depth + 1).await?;
        }
        Ok(())
    }

    fn count(&mut self, view: TableId, started_ns: u64, read: &Block, written: &[&Block]) {
        let elapsed_ns = self.ctx.runtime.env.clock.monotonic_ns().saturating_sub(started_ns);
        self.costs.entry(view).or_default().add(elapsed_ns, read, written);
    }

    /// What a window view gave: closed windows to its target, late rows to its LATE TO table.
    async fn emit(&mut self, view: &Arc<TableDef>, emitted: window::Emitted, depth: usize) -> Result<()> {
        if let Some(target) = self.target(view)? {
            for rows in &emitted.closed {
                self.push_block(Arc::clone(&target), rows, depth + 1).await?;
            }
        }
        let Some(ViewDef::Window { late: Some(late), .. }) = &view.view else { return Ok(()) };
        let Some(rows) = emitted.late else { return Ok(()) };
        let late = self.views.tables.shape(&crate::tables::named(&self.ctx, late)?)?;
        self.push_block(late, &rows, depth + 1).await
    }

    /// The table that a view writes to; `None` when it is gone and the settings say to skip the view.
    fn target(&self, view: &Arc<TableDef>) -> Result<Option<Arc<TableShape>>> {
        let target = view.view.as_ref().and_then(ViewDef::target);
        match target.and_then(|target| self.ctx.snapshot.catalog.target(target)) {
            Some(target) => self.views.tables.shape(target).map(Some),
            None if self.ctx.settings.flag(Setting::IgnoreMaterializedViewsWithDroppedTargetTable) => Ok(None),
            None => Err(Error::TargetGone(view.qualified_name().to_string())),
        }
    }

    /// A block whose columns are matched by name, into a table and on.
    async fn push_block(&mut self, table: Arc<TableShape>, block: &Block, depth: usize) -> Result<()> {
        if block.rows() == 0 {
            return Ok(());
        }
        let shaper = self.shaper(&table, block.header())?;
        let complete = shaper.complete(block, &[])?;
        if let Some(violations) = shaper.violations(&complete)? {
            return Err(shaper.refusal(&violations));
        }
        let shaped = shaper.finish(&complete)?;
        self.route(table, shaped, depth).await
    }

    /// The shaper for blocks of these columns; mostly the one of the block before.
    fn shaper(&mut self, table: &Arc<TableShape>, given: &Header) -> Result<Arc<Shaper>> {
        if let Some((header, shaper)) = self.shapers.get(&table.def.id)
            && header == given
        {
            return Ok(Arc::clone(shaper));
        }
        let shaper = self.views.tables.shaper(table, given, &self.ctx)?;
        self.shapers.insert(table.def.id, (given.clone(), Arc::clone(&shaper)));
        Ok(shaper)
    }

    /// This insert's turn at a window view, held until it is committed or dropped.
    async fn ticket(&mut self, view: &Arc<TableDef>) -> Result<&mut window::Ticket> {
        let held = self.windows.iter().position(|ticket| ticket.view() == view.id);
        let at = match held {
            Some(at) => at,
            None => {
                let ticket = self.views.windows.ticket(&self.views, view, &self.ctx).await?;
                self.windows.push(ticket);
                self.windows.len() - 1
            }
        };
        Ok(&mut self.windows[at])
    }

    async fn keep_dead_letters(&mut self, letters: Letters) -> Result<()> {
        let Some(name) = self.table.dead_letters.clone() else { return Ok(()) };
        for bad in &letters.bad {
            *self.rejected.entry(bad.reason.clone()).or_default() += 1;
        }
        let Some(block) = letters.block()? else { return Ok(()) };
        self.written.dead_letters += block.rows() as u64;
        let table = crate::tables::named(&self.ctx, &name)?;
        self.push_through(&table, &block).await
    }
}

/// The rows that violate nothing.
fn kept(block: &Block, violations: &Violations) -> Result<Block> {
    let keep: Vec<bool> = violations.of_row.iter().map(Option::is_none).collect();
    filter(block, &BooleanArray::from(keep))
}

/// The rows whose flag is true.
pub(crate) fn filter(block: &Block, keep: &BooleanArray) -> Result<Block> {
    if keep.true_count() == block.rows() {
        return Ok(block.clone());
    }
    let arrays = block.arrays().iter().map(|array| arrow::compute::filter(array, keep));
    let arrays = arrays.collect::<std::result::Result<Vec<_>, _>>();
    let arrays = arrays.map_err(|error| types::Error::BlockShape(error.to_string()))?;
    Ok(Block::with_rows(block.header().clone(), arrays, keep.true_count())?)
}
