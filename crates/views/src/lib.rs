//! Keeping views true: everything that happens to rows between a client and one commit.
//!
//! In reading order: [`insert`] (blocks through shape, fan-out and stage to one commit), [`window`] (event-time windows:
//! watermarks, panes, lateness, deduplication), [`tables`] (what an insert must know of each table, made once a
//! definition), [`refresh`] (refreshable views: slots, dependencies, retries, and what is durable of them).
//!
//! Never here: bytes of formats and protocols, definitions being changed, and any state that is not in a snapshot or
//! can be made again from one.

pub mod costs;
pub mod error;
pub mod hidden;
pub mod insert;
pub mod refresh;
pub mod tables;
mod verify;
pub mod window;

use std::sync::Arc;

use query::{QueryContext, Runtime};
use store::Store;

pub use costs::{ViewCost, ViewCosts};
pub use error::{Error, Result};
pub use insert::{Insert, InsertOptions, Receipt, Rows};

/// The insert path of one database: shared by all sessions and sources.
#[derive(Clone)]
pub struct Views {
    pub(crate) store: Arc<Store>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) tables: Arc<tables::Tables>,
    pub(crate) windows: Arc<window::Nodes>,
    pub(crate) costs: Arc<ViewCosts>,
    /// Inserts commit through it; who must know the snapshot of his own commit closes it for that moment.
    pub(crate) gate: Arc<tokio::sync::RwLock<()>>,
}

impl Views {
    /// The insert path over a store.
    pub fn new(store: Arc<Store>, runtime: Arc<Runtime>) -> Views {
        let (tables, windows, costs, gate) = Default::default();
        Views { store, runtime, tables, windows, costs, gate }
    }

    /// The same, counting what views do in a list of the caller's.
    #[must_use]
    pub fn with_costs(self, costs: Arc<ViewCosts>) -> Views {
        Views { costs, ..self }
    }

    /// What each view did last.
    pub fn costs(&self) -> &Arc<ViewCosts> {
        &self.costs
    }

    /// Makes a commit and gives the snapshot that it made, with no insert in between.
    pub async fn commit_and_pin(&self, commit: store::Commit, ctx: &QueryContext) -> Result<Arc<store::Snapshot>> {
        let _hold = self.hold(&commit.edits, ctx).await;
        let _closed = self.gate.write().await;
        self.store.commit(commit).await?;
        Ok(self.store.snapshot())
    }

    /// The store that commits go to.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }
}
