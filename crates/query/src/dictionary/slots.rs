//! The dictionaries of a process: what is loaded of each, when it was, and what the last try said.
//!
//! A slot belongs to one version of one definition. It is made when the dictionary is first used.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use functions::QueryTime;
use parking_lot::Mutex;
use store::{Snapshot, TableDef, TableKind};
use tokio::sync::Notify;
use types::{Block, TableId};

use super::cells::{Cells, Found};
use super::content::{Content, Wanted};
use super::load;
use super::structure::{Layout, Structure};
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::join_engine::JoinEngine;

/// Loads that may be inside of one another: a dictionary's source may use another one.
const LOADS_DEEP_MAX: u32 = 8;

/// Every dictionary that was used.
#[derive(Debug, Default)]
pub struct Dictionaries {
    slots: Mutex<BTreeMap<TableId, Arc<Slot>>>,
    /// Told when something was loaded, so that whoever refreshes knows what is due.
    loaded: Notify,
}

/// One version of a dictionary.
pub struct Slot {
    /// The dictionary.
    pub def: Arc<TableDef>,
    /// What its definition says.
    pub structure: Structure,
    state: Mutex<State>,
    /// Keys that were looked for, and of those the ones that were there.
    asked: AtomicU64,
    found: AtomicU64,
    cells: Cells,
}

/// How a dictionary stands.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What lookups see; none before the first load that worked.
    pub content: Option<Arc<Content>>,
    /// Why the last load failed; none when it worked.
    pub last_error: Option<Arc<Error>>,
    /// Loads that failed since one worked.
    pub errors: u64,
    /// When the last load began, in nanoseconds since 1970.
    pub started_ns: i64,
    /// When the last load that worked ended.
    pub loaded_ns: i64,
    /// How long the last load took.
    pub took_ns: i64,
}

#[derive(Debug, Default)]
struct State {
    status: Status,
    /// When it is loaded again by itself, in nanoseconds since 1970.
    due_ns: Option<i64>,
}

impl Dictionaries {
    /// The slot of a dictionary, empty when it was not used so far.
    pub fn slot(&self, def: &Arc<TableDef>, ctx: &QueryContext) -> Result<Arc<Slot>> {
        if let Some(slot) = self.known(def.id).filter(|slot| slot.def.version == def.version) {
            return Ok(slot);
        }
        let structure = match (JoinEngine::of_table(def)?, Definition::parse(def)?) {
            (Some(engine), _) => Structure::of_join(def, &engine),
            (None, Definition::Dictionary(create)) => {
                Structure::new(&Arc::new(*create), &ctx.with_database(&def.database))?
            }
            (None, _) => return Err(Error::Plan(format!("\"{}\" is no dictionary", def.qualified_name()))),
        };
        let slot = Arc::new(Slot::new(def.clone(), structure));
        let mut slots = self.slots.lock();
        // a renamed or replaced definition is loaded anew
        slots.insert(def.id, slot.clone());
        Ok(slot)
    }

    /// What was used of a dictionary.
    pub fn known(&self, id: TableId) -> Option<Arc<Slot>> {
        self.slots.lock().get(&id).cloned()
    }

    /// Loads a dictionary. What was loaded before stays when this fails.
    pub async fn load(&self, id: TableId, ctx: &QueryContext) -> Result<()> {
        let def = ctx.snapshot.catalog.table_by_id(id).ok_or(Error::DefinitionChanged(id))?;
        let slot = self.slot(def, ctx)?;
        if LOADS_DEEP_MAX <= ctx.loads {
            let message = format!("dictionary \"{}\" is loaded from itself", def.qualified_name());
            return Err(Error::refused(types::ErrorCode::TOO_DEEP_RECURSION, message));
        }
        let clock = &ctx.runtime.env.clock;
        let started_ns = clock.now_ns();
        let loaded = load::content(&slot, ctx).await;
        let ended_ns = clock.now_ns();
        let due_ns = slot.structure.next_due(ended_ns, ctx);
        let result = {
            let mut state = slot.state.lock();
            state.status.started_ns = started_ns;
            state.status.took_ns = ended_ns.saturating_sub(started_ns);
            state.due_ns = due_ns;
            match loaded {
                Ok(content) => {
                    state.status.content = Some(Arc::new(content));
                    state.status.last_error = None;
                    state.status.errors = 0;
                    state.status.loaded_ns = ended_ns;
                    Ok(())
                }
                Err(error) => {
                    let code = error.code();
                    let message = error.to_string();
                    state.status.errors += 1;
                    state.status.last_error = Some(Arc::new(error));
                    Err(Error::refused(code, message))
                }
            }
        };
        self.loaded.notify_one();
        result
    }

    /// The dictionaries that are past their lifetime at `now_ns`, and when the next one is.
    pub fn due(&self, now_ns: i64) -> (Vec<TableId>, Option<i64>) {
        let slots = self.slots.lock();
        let times: Vec<(TableId, i64)> =
            slots.iter().filter_map(|(id, slot)| Some((*id, slot.state.lock().due_ns?))).collect();
        let due = times.iter().filter(|(_, at)| *at <= now_ns).map(|(id, _)| *id).collect();
        (due, times.iter().map(|(_, at)| *at).filter(|at| now_ns < *at).min())
    }

    /// Returns when something was loaded since it last did.
    pub async fn changed(&self) {
        self.loaded.notified().await;
    }

    /// Forgets dictionaries that the snapshot does not have.
    pub fn retain(&self, snapshot: &Snapshot) {
        self.slots.lock().retain(|id, _| {
            snapshot
                .catalog
                .table_by_id(*id)
                .is_some_and(|def| matches!(def.kind, TableKind::Dictionary | TableKind::Join))
        });
    }
}

impl Slot {
    fn new(def: Arc<TableDef>, structure: Structure) -> Slot {
        let (asked, found) = (AtomicU64::new(0), AtomicU64::new(0));
        Slot { def, structure, state: Mutex::default(), asked, found, cells: Cells::default() }
    }

    /// How it stands now.
    pub fn status(&self) -> Status {
        self.state.lock().status.clone()
    }

    /// What is loaded; an error before the first load that worked.
    pub fn content(&self) -> Result<Arc<Content>> {
        self.state.lock().status.content.clone().ok_or(Error::DictionaryNotLoaded(self.def.id))
    }

    /// True when a query must load it first: nothing is loaded, or nothing is kept.
    pub(crate) fn wants_load(&self, ctx: &QueryContext) -> bool {
        match self.structure.is_read_each_time() {
            true => !ctx.loaded.contains(&self.def.id),
            false => self.state.lock().status.content.is_none(),
        }
    }

    /// Where the rows of these keys are.
    pub(super) fn find(&self, wanted: &Wanted, time: &QueryTime) -> Result<Found> {
        let content = self.content()?;
        match self.structure.layout {
            Layout::Cache => self.cells.find(&content, wanted, &self.structure, time),
            _ => Found::in_one(content, wanted),
        }
    }

    /// Its rows as a table shows them.
    pub(super) fn rows(&self, now_ns: i64) -> Result<Block> {
        let content = self.content()?;
        match self.structure.layout {
            Layout::Cache => self.cells.rows(&content.block, now_ns),
            _ => content.shown(&self.structure),
        }
    }

    /// How many keys are held between queries.
    pub fn held(&self) -> usize {
        match (self.structure.layout, self.content()) {
            (Layout::Cache, _) => self.cells.len(),
            (Layout::Direct | Layout::RegexpTree, _) | (_, Err(_)) => 0,
            (_, Ok(content)) => content.rows(),
        }
    }

    /// Counts a lookup.
    pub(crate) fn count(&self, asked: usize, found: usize) {
        self.asked.fetch_add(asked as u64, Ordering::Relaxed);
        self.found.fetch_add(found as u64, Ordering::Relaxed);
    }

    /// Keys that were looked for, and of those the ones that were there.
    pub fn asked_and_found(&self) -> (u64, u64) {
        (self.asked.load(Ordering::Relaxed), self.found.load(Ordering::Relaxed))
    }
}

impl Structure {
    /// When it is loaded again by itself: after its lifetime, at a moment between the least and the most.
    fn next_due(&self, now_ns: i64, ctx: &QueryContext) -> Option<i64> {
        let (min, max) = self.lifetime_s;
        if max == 0 || matches!(self.layout, Layout::Direct | Layout::Cache) {
            return None;
        }
        let spread = (max - min).saturating_add(1);
        let seconds = min + ctx.runtime.env.rng.below(spread);
        Some(now_ns.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000)))
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({}, version {})", self.def.qualified_name(), self.def.version)
    }
}
