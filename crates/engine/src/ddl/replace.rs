//! CREATE OR REPLACE MATERIALIZED VIEW … POPULATE over a view: the new content is built beside the old, and takes its place
//! in one commit. Until then the old view is read and fed as before.
//!
//! A view with a table of its own is made as being built, fed, filled, and takes the old one's name. One with TO cannot be
//! fed before it is there: its target is seen by everybody. So its rows are made in private of a snapshot S of its source,
//! then inserts into the source wait, and what came after S is read alone:
//! ```text
//! no merges of the source ─▶ S ─▶ SELECT over S ─▶ hold inserts ─▶ SELECT over what is newer than S ─▶ one commit
//! ```

use std::sync::Arc;

use query::QueryContext;
use store::{Edit, QualifiedName, Readiness, TableDef, TableKind, TableParts, Target, ViewDef};
use types::{ErrorCode, TableId};
use views::insert::quarantine::errors_name;
use views::{Insert, InsertOptions};

use super::create_view::inside;
use super::populate::{self, Finish};
use super::undrop;
use crate::alter::refuse_broken;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// `made`: the tables of the new view, and last the view, as they are to be called.
pub(super) async fn run(
    engine: &Engine,
    mut made: Vec<TableDef>,
    old: &Arc<TableDef>,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let Some(mut view) = made.pop() else { return Ok(()) };
    if let Some(Target::Named(target)) = view.view.as_ref().and_then(ViewDef::target).cloned() {
        made.push(view);
        return into_target(engine, made, old, &target, ctx).await;
    }
    let name = view.qualified_name();
    let mut renames = vec![Edit::RenameTable { table: view.id, to: name.clone() }];
    view.name = format!(".replacing.{}", view.id.0).into();
    let errors = view.view.as_ref().and_then(ViewDef::errors);
    for own in made.iter_mut().filter(|own| Some(own.id) == errors) {
        own.name = errors_name(&view.name).into();
        let to = QualifiedName::new(name.database.clone(), errors_name(&name.name));
        renames.push(Edit::RenameTable { table: own.id, to });
    }
    let first: Vec<Edit> =
        made.iter().chain(std::iter::once(&view)).map(|def| Edit::CreateTable(Arc::new(def.clone()))).collect();
    let finish: Vec<Edit> = undrop::replaced(old, engine, ctx).into_iter().chain(renames).collect();
    let done: Vec<Edit> = first
        .iter()
        .chain(&finish)
        .cloned()
        .chain(made.iter().chain(std::iter::once(&view)).map(|def| Edit::FinishView { table: def.id }))
        .collect();
    refuse_broken(ctx, &Arc::new(inside(ctx, &done)?), old.id).await?;
    let finish = Finish { edits: finish, relies_on: vec![Arc::clone(old)] };
    populate::run(engine, &view, first, finish, ctx).await
}

/// Nothing of a table is merged while it lives.
struct Unmerged<'a> {
    engine: &'a Engine,
    table: TableId,
}

impl<'a> Unmerged<'a> {
    fn new(engine: &'a Engine, table: TableId) -> Unmerged<'a> {
        engine.inner.store.merges().hold(table);
        Unmerged { engine, table }
    }
}

impl Drop for Unmerged<'_> {
    fn drop(&mut self) {
        self.engine.inner.store.merges().release(self.table);
    }
}

/// A view with TO in the place of another.
async fn into_target(
    engine: &Engine,
    made: Vec<TableDef>,
    old: &Arc<TableDef>,
    target: &QualifiedName,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let made = made.into_iter().map(|def| Arc::new(TableDef { readiness: Readiness::Ready, ..def }));
    let created = made.map(Edit::CreateTable);
    let edits: Vec<Edit> = undrop::replaced(old, engine, ctx).into_iter().chain(created).collect();
    let Some(Edit::CreateTable(view)) = edits.last().cloned() else { return Ok(()) };
    let after = Arc::new(inside(ctx, &edits)?);
    refuse_broken(ctx, &after, old.id).await?;
    let query = views::insert::insert_query(&view, &after.snapshot)?;

    let source = stored_source(&view, ctx);
    let readable = source.as_ref().filter(|source| is_told_apart(source));
    let _unmerged = readable.map(|source| Unmerged::new(engine, source.id));
    // what cannot be told apart by age is read while nothing comes
    let mut hold = None;
    if readable.is_none() {
        hold = Some(engine.inner.views.hold(&edits, ctx).await);
    }
    let (passage, first) = engine.inner.views.enter(target, ctx).await;
    let first = Arc::new(first);
    let def = super::create_view::inside(&first, &edits)?;
    let target = def.snapshot.catalog.named(target).cloned().ok_or_else(|| super::unknown_table(ctx, target))?;
    let mut insert = engine.inner.views.insert(&target, &def, InsertOptions::default())?;
    insert.keep(passage);
    push(&mut insert, &query, &first).await?;
    if let Some(source) = readable {
        hold = Some(engine.inner.views.hold(&edits, ctx).await);
        let boundary = first.snapshot.table_parts(source.id).map_or(0, TableParts::last_block);
        let second = ctx.with_snapshot(engine.inner.store.snapshot());
        refuse_mixed(source, boundary, &second)?;
        push(&mut insert, &query, &Arc::new(second.with_newer_than(source.id, boundary))).await?;
        insert.rely_on(source);
    }
    insert.rely_on(old);
    edits.into_iter().for_each(|edit| insert.attach(edit));
    insert.commit().await?;
    drop(hold);
    Ok(())
}

/// The table whose parts hold what the view reads; none when its source holds nothing.
fn stored_source(view: &TableDef, ctx: &QueryContext) -> Option<Arc<TableDef>> {
    let catalog = &ctx.snapshot.catalog;
    let source = catalog.named(view.view.as_ref()?.insert_source()?)?;
    match source.view.as_ref().and_then(ViewDef::target) {
        Some(target) => catalog.target(target).cloned(),
        None => Some(Arc::clone(source)),
    }
}

/// True for tables whose new rows are in newer parts.
fn is_told_apart(source: &TableDef) -> bool {
    source.view.is_none() && matches!(source.kind, TableKind::MergeTree | TableKind::Memory)
}

/// OPTIMIZE may merge what no merge by itself may.
fn refuse_mixed(source: &TableDef, boundary: u64, ctx: &QueryContext) -> Result<()> {
    let parts = ctx.snapshot.table_parts(source.id).into_iter().flat_map(TableParts::parts);
    let mut names = parts.map(|part| part.name());
    if names.any(|name| name.min_block <= boundary && boundary < name.max_block) {
        let message = format!("table {} was merged by OPTIMIZE while it was read: try again", source.qualified_name());
        return Err(Error::refused(ErrorCode::ABORTED, message));
    }
    Ok(())
}

/// Puts the rows of a query into an insert that is under way.
async fn push(insert: &mut Insert, query: &sql::Query, ctx: &Arc<QueryContext>) -> Result<()> {
    let prepared = query::prepare(query, ctx).await?;
    let mut stream = prepared.compiled.run(ctx).await?;
    while let Some(block) = futures::StreamExt::next(&mut stream).await {
        insert.push(block?.into()).await?;
    }
    Ok(())
}
