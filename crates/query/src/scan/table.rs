//! A stored table as a source: parts of the query's snapshot, pruned, read granule by granule, merged under FINAL.
//!
//! ```text
//! snapshot ─▶ parts ─(partition, min/max)─▶ parts ─(sparse index)─▶ granules ─▶ columns ─▶ [prewhere, FINAL] ─▶ blocks
//! ```
//!
//! Under FINAL only conditions on the sorting key may leave rows out before the merge: the others decide about the row
//! that wins, not about its rivals. PREWHERE is the exception that ClickHouse makes. Skip indexes are asked, and what they
//! leave is widened to the rivals (`skip::prune_final`).

use std::fmt;
use std::sync::Arc;

use datafusion::logical_expr::Expr;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use parts::{Caching, MergeMode, PartSchema};
use sql::ast::{Literal, SettingValue};
use store::{QualifiedName, Snapshot, TableDef};
use types::transform::TransformError;
use types::{Block, ErrorCode, Header, Setting, TableId};

use super::adapt::Adapter;
use super::prewhere::Prewhere;
use super::skip::{self, Skips, Used};
use super::virtuals::{Place, Virtual};
use super::work::{Piece, Work};
use super::{Blocks, Predicate, Read, Source};
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::layout::EXPRESSION;
use crate::projections::{self, Compiled};

/// Tables with fewer rows are read in one share: splitting the work would cost more than it saves.
const SHARED_ROWS_MIN: u64 = 131_072;

/// Rows of a block that FINAL gives.
const FINAL_ROWS: usize = 65_536;

/// Reads one table. Holds no rows: the parts are those of the snapshot of whoever runs the plan.
#[derive(Clone)]
pub struct StoredTable {
    table: TableId,
    version: u64,
    name: QualifiedName,
    /// Stored columns, hidden ones too, then virtual ones.
    header: Header,
    virtuals: Arc<[Virtual]>,
    schema: Option<Arc<PartSchema>>,
    is_final: bool,
    prewhere: Option<Prewhere>,
    /// The table was large when the plan was made.
    is_large: bool,
    skips: Arc<Skips>,
    /// Parts that this projection serves are left out: another leaf of the plan reads it.
    without: Option<Arc<Compiled>>,
}

/// What one reference asks for, beyond columns and filters.
#[derive(Debug, Default)]
pub struct TableOptions<'a> {
    /// Merge rows of equal key as the engine says.
    pub is_final: bool,
    /// With FINAL: drop rows before the merge for which this is not true.
    pub prewhere: Option<&'a Expr>,
    /// The table's skip indexes.
    pub skips: Arc<Skips>,
}

impl StoredTable {
    /// A source of `def`'s rows.
    pub fn new(def: &TableDef, snapshot: &Snapshot, options: &TableOptions<'_>) -> Result<StoredTable> {
        let header = StoredTable::columns_of(def);
        let prewhere = options.prewhere.map(|expr| Prewhere::new(expr, &header)).transpose()?;
        let rows = snapshot.table_parts(def.id).map_or(0, |parts| parts.rows());
        Ok(StoredTable {
            table: def.id,
            version: def.version,
            name: def.qualified_name(),
            header,
            virtuals: Virtual::of(def).into_iter().map(|(which, _)| which).collect(),
            schema: def.schema.clone(),
            is_final: options.is_final,
            prewhere,
            is_large: SHARED_ROWS_MIN <= rows,
            skips: Arc::clone(&options.skips),
            without: None,
        })
    }

    /// Stored columns, hidden ones too, then virtual ones.
    pub(crate) fn columns_of(def: &TableDef) -> Header {
        let virtuals = Virtual::of(def).into_iter().map(|(_, column)| column);
        Header::new(def.stored_columns().columns().iter().cloned().chain(virtuals).collect::<Vec<_>>())
    }

    /// What the last columns of the header are.
    pub(super) fn virtuals(&self) -> &[Virtual] {
        &self.virtuals
    }

    /// True when skip indexes may leave rows out.
    fn may_skip(&self, schema: &PartSchema, ctx: &QueryContext) -> bool {
        let may = !self.merges(schema) || ctx.settings.flag(Setting::UseSkipIndexesIfFinal);
        may && !self.skips.is_empty()
    }

    /// True when rows of one key are merged as they are read.
    fn merges(&self, schema: &PartSchema) -> bool {
        self.is_final && schema.has_final()
    }

    /// What skip indexes leave of the work.
    async fn skip(
        &self,
        work: Work,
        schema: &PartSchema,
        predicate: &Predicate,
        (def, ctx): (&TableDef, &QueryContext),
    ) -> Result<(Work, Vec<Used>)> {
        if !self.merges(schema) {
            return skip::prune(work, &self.skips, predicate, (def, ctx)).await;
        }
        let key = schema.sort_positions();
        let predicate = match schema.merge_mode {
            // the row that wins is one that is stored
            MergeMode::Plain
            | MergeMode::Replacing { .. }
            | MergeMode::Collapsing { .. }
            | MergeMode::VersionedCollapsing { .. } => predicate.clone(),
            // what is made of several rows has only their key in common with them
            _ => predicate.restrict(&|column| key.contains(&column)),
        };
        skip::prune_final(work, &self.skips, &predicate, (def, ctx)).await
    }

    fn read_work(&self, schema: &Arc<PartSchema>, work: Work, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        ctx.counters.expect_rows(work.rows());
        match self.merges(schema) {
            true => self.read_final(schema, work, ctx, read),
            false => self.read_plain(work, ctx, read),
        }
    }

    /// Reads what skip indexes leave of the work.
    fn read_skipping(&self, def: &Arc<TableDef>, work: Work, ctx: &Arc<QueryContext>, read: &Read) -> Blocks {
        let (table, def, ctx, read) = (self.clone(), Arc::clone(def), Arc::clone(ctx), read.clone());
        let rows = async move {
            let Some(schema) = &table.schema else { return Ok(stream::empty().boxed()) };
            let (work, _) = table.skip(work, schema, &read.predicate, (&def, &ctx)).await?;
            table.read_work(schema, work, &ctx, &read)
        };
        stream::once(rows).try_flatten().boxed()
    }

    /// The part of the predicate that may leave out rows before the merge rule is applied.
    fn prunable(&self, predicate: &Predicate) -> Predicate {
        match (&self.schema, self.is_final) {
            (None, _) => Predicate::Unknown,
            (Some(_), false) => predicate.clone(),
            (Some(schema), true) => {
                let key = schema.sort_positions();
                predicate.restrict(&|column| key.contains(&column))
            }
        }
    }

    /// What of the context's snapshot is read.
    fn work(&self, ctx: &QueryContext, schema: &PartSchema, read: &Read) -> Result<Work> {
        let mut work = Work::plan(&ctx.snapshot, self.table, schema, &self.prunable(&read.predicate))?;
        if let Some(block) = ctx.newer_than.get(&self.table) {
            work.pieces.retain(|piece| *block < piece.part.name().min_block);
        }
        if let Some(projection) = &self.without
            && let Some(def) = ctx.snapshot.catalog.table_by_id(self.table)
        {
            work.pieces.retain(|piece| !projections::serves(projection, def, &piece.part, ctx));
        }
        Ok(work)
    }

    /// The same without the parts that a projection serves.
    pub(crate) fn without(&self, projection: Arc<Compiled>) -> StoredTable {
        StoredTable { without: Some(projection), ..self.clone() }
    }

    /// True when it gives all rows, as they are stored.
    pub(crate) fn is_bare(&self) -> bool {
        !self.is_final && self.prewhere.is_none() && self.without.is_none()
    }

    /// The block that stands for the table in this query.
    fn read_override(&self, block: &Block, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let adapter = Adapter::of_block(block.header(), self, ctx, &self.needed(read))?;
        let place = Place::nowhere(self.def(ctx)?);
        let numbers = adapter.counts_rows().then(|| (0..block.rows() as u32).collect::<Vec<u32>>());
        let block = adapter.adapt(&block.project(adapter.stored()), &place, numbers.as_deref())?;
        let block = match &self.prewhere {
            Some(prewhere) => prewhere.filter(&block)?,
            None => block,
        };
        let block = block.project(&(0..read.columns.len()).collect::<Vec<_>>());
        Ok(stream::iter([Ok(block)]).boxed())
    }

    /// The columns asked for, then those that PREWHERE looks at.
    fn needed(&self, read: &Read) -> Vec<usize> {
        let mut needed = read.columns.to_vec();
        let looked_at = self.prewhere.iter().flat_map(|prewhere| prewhere.columns().iter().copied());
        looked_at.for_each(|column| {
            if !needed.contains(&column) {
                needed.push(column)
            }
        });
        needed
    }

    /// All rows of the pieces, as they are stored.
    fn read_plain(&self, work: Work, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let columns = self.needed(read);
        let mut streams: Vec<Blocks> = Vec::with_capacity(work.pieces.len());
        for piece in work.pieces {
            streams.push(self.read_piece(piece, ctx, &columns)?);
        }
        let keep: Arc<[usize]> = (0..read.columns.len()).collect();
        let blocks = stream::iter(streams).flatten();
        Ok(blocks.map_ok(move |block| block.project(&keep)).boxed())
    }

    /// The rows of the pieces after the engine's rule.
    fn read_final(&self, schema: &Arc<PartSchema>, work: Work, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        // virtual columns are merged as any that no rule is about
        let schema = &PartSchema { header: self.header.clone(), ..PartSchema::clone(schema) };
        let positions = schema.final_columns(&self.needed(read));
        let apart = ctx.settings.flag(Setting::DoNotMergeAcrossPartitionsSelectFinal);
        let keep: Arc<[usize]> = (0..read.columns.len()).collect();
        let mut merged: Vec<Blocks> = Vec::new();
        let slice = work.slice.clone();
        let projected = schema.project(&positions).map_err(Error::from)?;
        for group in work.merge_groups(apart) {
            let mut runs = Vec::with_capacity(group.len());
            for piece in group {
                let run = to_parts(self.read_piece(piece, ctx, &positions)?);
                runs.push(match &slice {
                    Some(slice) => slice.rows(&projected, run).map_err(Error::from)?,
                    None => run,
                });
            }
            let rows = parts::final_runs(schema, &positions, runs, FINAL_ROWS).map_err(Error::from)?;
            merged.push(rows.map_err(Error::from).boxed());
        }
        Ok(stream::iter(merged).flatten().map_ok(move |block| block.project(&keep)).boxed())
    }

    /// The rows of one part's granules with exactly these columns, past PREWHERE.
    fn read_piece(&self, piece: Piece, ctx: &Arc<QueryContext>, columns: &[usize]) -> Result<Blocks> {
        let given = ctx.snapshot.header_of(self.table, &piece.part);
        let adapter = Adapter::of_part(&piece.part, &given, self, ctx, columns)?;
        let place = Place::of(self.def(ctx)?, &piece.part, piece.before);
        let prewhere = self.prewhere.as_ref().map(|prewhere| prewhere.over(&adapter.header())).transpose()?;
        let (stored, granules) = (adapter.stored().to_vec(), piece.granules);
        let masked = ctx.settings.flag(Setting::ApplyDeletedMask);
        let blocks = match (adapter.counts_rows(), masked) {
            (true, masked) => {
                piece.part.read_numbered(&stored, granules, Caching::Use, !masked).map_ok(numbered).boxed()
            }
            (false, true) => piece.part.read(&stored, granules, Caching::Use).map_ok(plain).boxed(),
            (false, false) => piece.part.part.read(&stored, granules, Caching::Use).map_ok(plain).boxed(),
        };
        let ctx = ctx.clone();
        Ok(blocks
            .map(move |block| {
                // Under FINAL rows go through a merge before they are counted, so the check stands here as well.
                ctx.check()?;
                let (block, numbers) = block.map_err(Error::from)?;
                let block = adapter.adapt(&block, &place, numbers.as_deref())?;
                match &prewhere {
                    Some(prewhere) => prewhere.filter(&block),
                    None => Ok(block),
                }
            })
            .boxed())
    }

    /// The table as the query's snapshot has it.
    pub(super) fn def<'a>(&self, ctx: &'a QueryContext) -> Result<&'a Arc<TableDef>> {
        ctx.snapshot.catalog.table_by_id(self.table).ok_or(Error::DefinitionChanged(self.table))
    }

    pub(crate) fn table(&self) -> TableId {
        self.table
    }
}

/// A block whose rows need no numbers.
fn plain(block: Block) -> (Block, Option<Vec<u32>>) {
    (block, None)
}

fn numbered((block, numbers): (Block, Vec<u32>)) -> (Block, Option<Vec<u32>>) {
    (block, Some(numbers))
}

/// Refuses to read a table without a condition that its keys could be used for, where a setting demands one.
fn check_forced(
    (def, schema): (&TableDef, &PartSchema),
    work: &Work,
    predicate: &Predicate,
    ctx: &QueryContext,
) -> Result<()> {
    let (by_key, by_date) = (Setting::ForcePrimaryKey, Setting::ForceIndexByDate);
    let is_demanded = ctx.settings.flag(by_key) || ctx.settings.flag(by_date);
    if work.parts_total == 0 || !is_demanded {
        return Ok(());
    }
    let names = |positions: &[usize]| {
        let names = positions.iter().map(|position| schema.header.columns()[*position].name.to_string());
        names.map(|name| name.trim_start_matches(EXPRESSION).to_owned()).collect::<Vec<_>>().join(", ")
    };
    let is_about =
        |positions: &[usize]| predicate.restrict(&|column| positions.contains(&column)) != Predicate::Unknown;
    let refuse = |message| Err(Error::refused(ErrorCode::INDEX_NOT_USED, message));
    let key = schema.sort_positions();
    if ctx.settings.flag(by_key) && !is_about(&key) {
        let message = format!("primary key ({}) is not used and setting 'force_primary_key' is set", names(&key));
        return refuse(message);
    }
    let definition = Definition::parse(def)?;
    let partition_by = definition.storage().and_then(|storage| storage.partition_by.as_ref());
    let read = partition_by.map(sql::Expr::identifiers).unwrap_or_default();
    let read: Vec<usize> = read.iter().filter_map(|name| schema.header.position(name)).collect();
    let partition: Vec<usize> = read.iter().chain(&schema.partition_key).copied().collect();
    if ctx.settings.flag(by_date) && !partition.is_empty() && !is_about(&partition) {
        let message = format!(
            "neither MinMax index by columns ({}) nor partition expr is used and setting 'force_index_by_date' is set",
            names(&read)
        );
        return refuse(message);
    }
    Ok(())
}

/// Refuses to read more partitions than the setting `max_partitions_to_read`, of the query or else of the table, allows.
fn check_partitions(def: &TableDef, work: &Work, ctx: &QueryContext) -> Result<()> {
    const SETTING: &str = "max_partitions_to_read";
    let of_query = ctx.settings.changed().any(|(setting, _)| setting.name == SETTING);
    if of_query {
        let limit = ctx.settings.text(Setting::MaxPartitionsToRead).parse::<i64>().ok().filter(|limit| 0 < *limit);
        return refuse_more(work, limit.and_then(|limit| usize::try_from(limit).ok()));
    }
    if !def.sql.contains(SETTING) {
        return Ok(());
    }
    let definition = Definition::parse(def)?;
    let settings = definition.storage().map_or(&[][..], |storage| &storage.settings);
    let limit = settings.iter().find(|setting| setting.name.name == SETTING).map(|setting| match &setting.value {
        SettingValue::Literal(Literal::UInt(limit)) => usize::try_from(*limit).unwrap_or(usize::MAX),
        // any other number is less than one: no limit
        _ => usize::MAX,
    });
    refuse_more(work, limit)
}

fn refuse_more(work: &Work, limit: Option<usize>) -> Result<()> {
    let partitions = work.partitions();
    match limit {
        Some(limit) if limit < partitions => {
            let message = format!("too many partitions to read. Current {partitions}, max {limit}");
            Err(Error::refused(ErrorCode::TOO_MANY_PARTITIONS, message))
        }
        _ => Ok(()),
    }
}

/// Errors inside a merge are the merge's; ours come back out by code and text.
fn to_parts(blocks: Blocks) -> BoxStream<'static, parts::Result<Block>> {
    let carry = |error: Error| TransformError { code: error.code(), message: error.to_string() };
    blocks.map_err(move |error| parts::Error::Transform(carry(error))).boxed()
}

impl fmt::Debug for StoredTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredTable({}, version {})", self.name, self.version)
    }
}

impl Source for StoredTable {
    fn name(&self) -> String {
        let mut name = self.name.to_string();
        if self.is_final {
            name.push_str(" FINAL");
        }
        if let Some(projection) = &self.without {
            name.push_str(&format!(" without projection {}", projection.projection.name));
        }
        name
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn shares(&self, wanted: usize) -> usize {
        if self.is_large { wanted } else { 1 }
    }

    fn prunes(&self) -> bool {
        self.schema.is_some()
    }

    fn stored(&self) -> Option<&StoredTable> {
        Some(self)
    }

    fn skips(&self) -> Option<&Skips> {
        Some(&self.skips)
    }

    fn forecast<'a>(&'a self, ctx: &'a Arc<QueryContext>, read: &'a Read) -> BoxFuture<'a, Result<String>> {
        let forecast = async move {
            let Some(schema) = &self.schema else { return Ok(String::new()) };
            let work = self.work(ctx, schema, read)?;
            let (parts, granules) = (work.pieces.len(), work.granules());
            let mut text = format!(", parts={parts}/{}, granules={granules}/{}", work.parts_total, work.granules_total);
            let def = ctx.snapshot.catalog.table_by_id(self.table).filter(|_| self.may_skip(schema, ctx));
            if let Some(def) = def {
                let (_, used) = self.skip(work, schema, &read.predicate, (def, ctx)).await?;
                for Used { name, before, after } in used {
                    text.push_str(&format!(", index {name}={after}/{before}"));
                }
            }
            Ok(text)
        };
        forecast.boxed()
    }

    fn rows_expected(&self, ctx: &QueryContext, read: &Read) -> Result<u64> {
        // a block in the place of the table is read by one thread in any case
        let Some(schema) = self.schema.as_ref().filter(|_| !ctx.overrides.contains_key(&self.table)) else {
            return Ok(0);
        };
        Ok(self.work(ctx, schema, read)?.rows())
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        if let Some(block) = ctx.overrides.get(&self.table) {
            return match read.share {
                0 => self.read_override(block, ctx, read),
                _ => Ok(stream::empty().boxed()),
            };
        }
        let def = self.def(ctx)?;
        if def.version != self.version {
            return Err(Error::DefinitionChanged(self.table));
        }
        let Some(schema) = &self.schema else { return Ok(stream::empty().boxed()) };
        let work = self.work(ctx, schema, read)?;
        if !read.columns.is_empty() {
            // rows are counted without reading any
            check_partitions(def, &work, ctx)?;
            check_forced((def, schema), &work, &read.predicate, ctx)?;
        }
        let work = match self.merges(schema) && 1 < read.shares {
            true => work.slice(schema, read.share, read.shares)?,
            false => work.share(read.share, read.shares),
        };
        match self.may_skip(schema, ctx) {
            true => Ok(self.read_skipping(def, work, ctx, read)),
            false => self.read_work(schema, work, ctx, read),
        }
    }
}
