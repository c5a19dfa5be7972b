//! POPULATE: a view that is made with what its source holds already, without a gap.
//!
//! ```text
//! commit 1   the view as being built: every insert feeds it from here on, nobody sees it; the snapshot S is pinned
//! commit 2   its SELECT over S, and the view becomes visible, in the place of another where one is replaced
//! ```
//! A crash between: recovery drops what is being built.

use std::sync::Arc;

use query::QueryContext;
use store::{Edit, TableDef, Target, ViewDef};
use views::InsertOptions;

use super::undrop::Fate;
use super::{commit, drop};
use crate::engine::Engine;
use crate::error::Result;

/// What else the second commit does.
#[derive(Default)]
pub(super) struct Finish {
    /// Edits before the view becomes visible.
    pub(super) edits: Vec<Edit>,
    /// Definitions that must be as they are here.
    pub(super) relies_on: Vec<Arc<TableDef>>,
}

/// Both commits; `edits` are the first one.
pub(super) async fn run(
    engine: &Engine,
    view: &TableDef,
    edits: Vec<Edit>,
    finish: Finish,
    ctx: &Arc<QueryContext>,
) -> Result<()> {
    let snapshot = engine.inner.views.commit_and_pin(store::Commit::of(edits), ctx).await?;
    let inside = Arc::new(ctx.with_snapshot(snapshot));
    let filled = fill(engine, view, finish, &inside).await;
    if filled.is_err() {
        // nobody saw the view: it goes as if it had never been
        let building = inside.snapshot.catalog.table_by_id(view.id).cloned();
        let edits = building.iter().flat_map(|view| drop::edits(view, &inside.snapshot.catalog, Fate::Gone)).collect();
        commit(engine, edits, ctx).await?;
    }
    filled
}

async fn fill(engine: &Engine, view: &TableDef, finish: Finish, ctx: &Arc<QueryContext>) -> Result<()> {
    let def = ctx.snapshot.catalog.table_by_id(view.id).cloned().unwrap_or_else(|| Arc::new(view.clone()));
    let mut insert = engine.inner.views.insert(&def, ctx, InsertOptions::default())?;
    if let Some(Target::Named(target)) = def.view.as_ref().and_then(ViewDef::target) {
        // only the passage: the rows are those of the snapshot that was pinned
        let (passage, _later) = engine.inner.views.enter(target, ctx).await;
        insert.keep(passage);
    }
    let query = views::insert::insert_query(&def, &ctx.snapshot)?;
    let prepared = query::prepare(&query, ctx).await?;
    let mut stream = prepared.compiled.run(ctx).await?;
    while let Some(block) = futures::StreamExt::next(&mut stream).await {
        insert.push(block?.into()).await?;
    }
    // inserts that go through both the old view and this one pass first
    let _hold = match finish.edits.is_empty() {
        true => None,
        false => Some(engine.inner.views.hold(&finish.edits, ctx).await),
    };
    finish.relies_on.iter().for_each(|def| insert.rely_on(def));
    finish.edits.into_iter().for_each(|edit| insert.attach(edit));
    let owned = def.view.as_ref().map(ViewDef::owned).unwrap_or_default();
    std::iter::once(view.id).chain(owned).for_each(|table| insert.attach(Edit::FinishView { table }));
    insert.commit().await?;
    Ok(())
}
