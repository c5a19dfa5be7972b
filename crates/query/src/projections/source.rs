//! The groups of those parts of a table that have a projection; who has none is read row by row, by the table's own leaf.
//!
//! Which part is which, [`serves`] decides alone, so that both leaves of a plan share the parts of one snapshot.

use std::fmt;
use std::sync::Arc;

use datafusion::logical_expr::TableSource;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use parts::prune::{KeyRanges, prune};
use parts::{Caching, PartData};
use store::{ActivePart, TableDef};
use types::{Block, ErrorCode, Header, Setting};

use super::Compiled;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{Blocks, Read, Source, ranges_of, table_source};

/// With more groups a projection is read by several threads.
const SHARED_ROWS_MIN: u64 = 131_072;

/// True when the part's groups stand for its rows in this query: it was written with the projection, over columns as they
/// are today, no row of it was deleted since, and all of its rows are asked for.
pub(crate) fn serves(compiled: &Compiled, table: &TableDef, part: &ActivePart, ctx: &QueryContext) -> bool {
    let whole = !ctx.overrides.contains_key(&table.id) && !ctx.newer_than.contains_key(&table.id);
    match &part.part.data {
        PartData::File(_) => whole && has(compiled, table, part, ctx),
        PartData::Memory(_) => false,
    }
}

/// True when the part was written with the projection and nothing changed since. Parts in memory keep no groups, as few
/// as their rows are, but know that they would.
pub fn has(compiled: &Compiled, table: &TableDef, part: &ActivePart, ctx: &QueryContext) -> bool {
    let Some(schema) = &table.schema else { return false };
    let is_written = match &part.part.data {
        PartData::File(file) => file.projection_rows(&compiled.projection.text).is_some(),
        PartData::Memory(_) => part.part.meta.is_marked(&compiled.projection),
    };
    let same = |position: &usize| {
        let column = schema.header.columns().get(*position);
        column.is_some_and(|column| part.part.meta.header.column(&column.name) == Some(column))
    };
    is_written
        && part.deleted.is_none()
        && ctx.snapshot.has_todays_columns(table.id, part)
        && compiled.reads().iter().all(same)
}

/// Reads a projection.
pub(super) struct Grouped {
    compiled: Arc<Compiled>,
    table: types::TableId,
    version: u64,
    name: String,
    is_large: bool,
}

impl Grouped {
    /// The leaf of a plan.
    pub(super) fn leaf(table: &TableDef, compiled: &Arc<Compiled>, ctx: &QueryContext) -> Arc<dyn TableSource> {
        let rows: u64 = parts_of(table, compiled, ctx).map(|part| rows_of(compiled, &part)).sum();
        table_source(Arc::new(Grouped {
            compiled: Arc::clone(compiled),
            table: table.id,
            version: table.version,
            name: format!("{} projection {}", table.qualified_name(), compiled.projection.name),
            is_large: SHARED_ROWS_MIN <= rows,
        }))
    }

    fn table(&self, ctx: &QueryContext) -> Result<Arc<TableDef>> {
        let table = ctx.snapshot.catalog.table_by_id(self.table).filter(|table| table.version == self.version);
        table.cloned().ok_or(Error::DefinitionChanged(self.table))
    }

    /// An error where the query insists on a projection and no part has it.
    fn check_forced(&self, table: &TableDef, ctx: &QueryContext) -> Result<()> {
        if !ctx.settings.flag(Setting::ForceOptimizeProjection) {
            return Ok(());
        }
        let mut parts = ctx.snapshot.table_parts(self.table).into_iter().flat_map(|parts| parts.parts()).peekable();
        if parts.peek().is_none() || parts.any(|part| has(&self.compiled, table, part, ctx)) {
            return Ok(());
        }
        let message = format!(
            "no projection is used when optimize_use_projections = 1 and force_optimize_projection = 1: no part has \
             projection {} materialized",
            self.compiled.projection.name
        );
        Err(Error::refused(ErrorCode::PROJECTION_NOT_USED, message))
    }
}

/// The parts of the snapshot that a projection serves.
pub(super) fn parts_of<'a>(
    table: &'a TableDef,
    compiled: &'a Compiled,
    ctx: &'a QueryContext,
) -> impl Iterator<Item = Arc<ActivePart>> + 'a {
    let parts = ctx.snapshot.table_parts(table.id).into_iter().flat_map(|parts| parts.parts());
    parts.filter(|part| serves(compiled, table, part, ctx)).cloned()
}

/// How many groups a part has.
pub(super) fn rows_of(compiled: &Compiled, part: &ActivePart) -> u64 {
    match &part.part.data {
        PartData::File(file) => file.projection_rows(&compiled.projection.text).unwrap_or(0),
        PartData::Memory(_) => 0,
    }
}

impl fmt::Debug for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grouped({})", self.name)
    }
}

impl Source for Grouped {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn header(&self) -> &Header {
        &self.compiled.projection.schema.header
    }

    fn shares(&self, wanted: usize) -> usize {
        if self.is_large { wanted } else { 1 }
    }

    fn prunes(&self) -> bool {
        true
    }

    fn forecast<'a>(&'a self, ctx: &'a Arc<QueryContext>, _read: &'a Read) -> BoxFuture<'a, Result<String>> {
        let forecast = async move {
            let table = self.table(ctx)?;
            let total = ctx.snapshot.table_parts(self.table).map_or(0, |parts| parts.parts().count());
            let (mut parts, mut groups) = (0, 0);
            for part in parts_of(&table, &self.compiled, ctx) {
                parts += 1;
                groups += rows_of(&self.compiled, &part);
            }
            Ok(format!(", parts={parts}/{total}, groups={groups}"))
        };
        forecast.boxed()
    }

    fn rows_expected(&self, ctx: &QueryContext, _read: &Read) -> Result<u64> {
        let table = self.table(ctx)?;
        Ok(parts_of(&table, &self.compiled, ctx).map(|part| rows_of(&self.compiled, &part)).sum())
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let table = self.table(ctx)?;
        self.check_forced(&table, ctx)?;
        let keys = &self.compiled.projection.schema.sort_key;
        let mut asked: KeyRanges = Vec::with_capacity(keys.len());
        for key in keys {
            asked.push(ranges_of(&read.predicate, key.position)?);
        }
        let parts: Vec<Arc<ActivePart>> = parts_of(&table, &self.compiled, ctx).collect();
        let (compiled, read) = (Arc::clone(&self.compiled), read.clone());
        let of_part = move |part: Arc<ActivePart>| groups(part, Arc::clone(&compiled), asked.clone(), read.clone());
        Ok(stream::iter(parts).map(of_part).flatten().boxed())
    }
}

/// The groups of one part that may be asked for, of this share.
fn groups(part: Arc<ActivePart>, compiled: Arc<Compiled>, asked: KeyRanges, read: Read) -> Blocks {
    let blocks = async move {
        let PartData::File(file) = &part.part.data else { return Ok(stream::empty().boxed()) };
        let opened = file.projection(&compiled.projection).await.map_err(Error::from)?;
        let Some(opened) = opened else { return Ok(stream::empty().boxed()) };
        let chunks = prune(opened.meta(), &compiled.projection.schema.sort_key, &asked).map_err(Error::from)?;
        let mine = move |chunk: &usize| chunk % read.shares.max(1) == read.share;
        let chunks: Vec<usize> = chunks.into_iter().flatten().filter(mine).collect();
        let read_chunk = move |chunk: usize| {
            let (opened, columns) = (opened.clone(), Arc::clone(&read.columns));
            async move { Ok::<Block, Error>(opened.read(&columns, chunk, Caching::Use).await?) }
        };
        Ok::<Blocks, Error>(stream::iter(chunks).then(read_chunk).boxed())
    };
    stream::once(blocks).try_flatten().boxed()
}
