//! Event-time windows over inserts: `CREATE WINDOW VIEW`.
//!
//! ```text
//! block ─▶ WHERE ─▶ DEDUPLICATE BY ─▶ watermark, row by row ─▶ late rows │ on time ─▶ panes (aggregate states by window)
//!                                                                                 └▶ windows past the watermark ─▶ target
//! ```
//! A window is emitted once, when the watermark passes its end. State is tables: open panes, seen ids and marks are
//! hidden tables of the store, changed in the same commit as the rows; what a [`Ticket`] holds in memory is a copy of
//! them at one commit and can be read again at any time. Inserts that reach a view take turns: each holds the view's
//! ticket until it is committed or dropped.
//!
//! Invariants: a watermark never goes back; the result does not depend on how rows are cut into blocks.

pub mod define;
mod emit;
mod node;
mod rewrite;
mod spec;
mod state;
mod undo;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use query::QueryContext;
use store::{Edit, QualifiedName, TableDef, ViewDef};
use tokio::sync::OwnedMutexGuard;
use types::{Block, TableId};

use crate::Views;
use crate::error::Result;
use node::Node;

pub use define::{Defined, define};
use state::Marks;
pub use state::rows_of;

/// See [`Node::recompute`].
pub(crate) async fn recompute(
    view: &Arc<TableDef>,
    source: &Arc<TableDef>,
    ctx: &Arc<QueryContext>,
) -> Result<Vec<Block>> {
    let rows = crate::Views::rows_of(source, ctx).await?;
    Node::recompute(view, ctx, &rows).await
}

/// What a window view gives for some rows.
#[derive(Debug, Default)]
pub struct Emitted {
    /// Rows of closed windows, in the columns of the view's SELECT.
    pub closed: Vec<Block>,
    /// Rows behind the watermark, in the columns of the source.
    pub late: Option<Block>,
}

/// What window views did with some rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// Rows that were aggregated.
    pub on_time: u64,
    /// Rows behind the watermark.
    pub late: u64,
    /// Rows with an id that was seen before.
    pub duplicates: u64,
    /// Rows of closed windows that were emitted meanwhile.
    pub emitted: u64,
}

impl std::ops::AddAssign for Taken {
    fn add_assign(&mut self, more: Taken) {
        self.on_time += more.on_time;
        self.late += more.late;
        self.duplicates += more.duplicates;
        self.emitted += more.emitted;
    }
}

/// Where a view's node is, between the turns of inserts; empty until it is read from the store.
type Slot = Arc<tokio::sync::Mutex<Option<Node>>>;

/// The nodes of all window views that were used.
#[derive(Default)]
pub struct Nodes {
    nodes: Mutex<HashMap<(TableId, u64), Slot>>,
}

/// One insert's turn at a window view. Dropped without [`Ticket::committed`], what it did in memory is forgotten and
/// read again from the store by the next turn.
pub struct Ticket {
    view: Arc<TableDef>,
    /// Marks when the turn began.
    before: Marks,
    guard: OwnedMutexGuard<Option<Node>>,
    committed: bool,
}

impl Nodes {
    /// Waits for this insert's turn at the view, with the state as it is committed.
    pub(crate) async fn ticket(&self, views: &Views, view: &Arc<TableDef>, ctx: &QueryContext) -> Result<Ticket> {
        let slot = Arc::clone(self.nodes.lock().entry((view.id, view.version)).or_default());
        let mut guard = slot.lock_owned().await;
        let node = match guard.take() {
            Some(node) => node,
            // the newest state: it may be of a later commit than the snapshot that this insert pinned
            None => Node::load(view, &ctx.with_snapshot(views.store.snapshot())).await?,
        };
        let before = node.marks();
        *guard = Some(node);
        Ok(Ticket { view: Arc::clone(view), before, guard, committed: false })
    }
}

impl Ticket {
    /// The view.
    pub(crate) fn view(&self) -> TableId {
        self.view.id
    }

    /// What the view did with the rows of this turn so far.
    pub(crate) fn taken(&self) -> Taken {
        let Some(node) = self.guard.as_ref() else { return Taken::default() };
        let now = node.marks();
        Taken {
            on_time: now.on_time - self.before.on_time,
            late: now.late - self.before.late,
            duplicates: now.duplicates - self.before.duplicates,
            emitted: now.emitted - self.before.emitted,
        }
    }

    /// True when the view takes the rows of that table.
    pub(crate) fn is_over(&self, table: &QualifiedName) -> bool {
        matches!(&self.view.view, Some(ViewDef::Window { source, .. }) if source == table)
    }

    fn node(&mut self) -> &mut Node {
        self.guard.as_mut().expect("a ticket holds a node until it is dropped")
    }

    /// What happens from here on can be taken back, until [`Ticket::settle`]. Points are within each other.
    pub(crate) fn save(&mut self) {
        self.node().save();
    }

    /// What happened since the last point stays, unless an earlier point is gone back to.
    pub(crate) fn settle(&mut self) {
        self.node().settle();
    }

    /// The view is as it was at the last point.
    pub(crate) fn undo(&mut self) {
        self.node().undo();
    }

    /// Takes a block of the source's rows.
    pub(crate) async fn push(&mut self, ctx: &QueryContext, block: &Block) -> Result<Emitted> {
        self.node().push(ctx, block).await
    }

    /// Closes every open window.
    pub(crate) async fn close_all(&mut self, ctx: &QueryContext) -> Result<Emitted> {
        self.node().close_all(ctx).await
    }

    /// What changed in the hidden tables since the last commit.
    pub(crate) async fn edits(&self, views: &Views, ctx: &QueryContext) -> Result<Vec<Edit>> {
        match self.guard.as_ref() {
            Some(node) => node.edits(&views.store, ctx).await,
            None => Ok(Vec::new()),
        }
    }

    /// The edits are in the store: what is in memory is true.
    pub(crate) fn committed(mut self) {
        self.node().committed();
        self.committed = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.committed {
            *self.guard = None;
        }
    }
}
