//! Compiled plans that are kept: the same statement over the same definitions is bound and optimised once.
//!
//! A key says everything that binding and planning looked at: the statement's text, the database, the user, the settings
//! that were changed. Versions of the definitions are not part of the key: an entry knows the definitions it was compiled
//! from and is dropped when one of them is no longer what it was. A plan with the query's time or randomness in it is
//! never kept. Beside statements there are shapes: statements without the constants that columns are compared with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use store::Snapshot;
use types::{Settings, TableId};

use crate::context::QueryContext;
use crate::prepare::Prepared;
use crate::template::Template;

/// What two queries must have in common to share a plan.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PlanKey {
    /// The statement as written; of a shape, with marks.
    pub statement: Arc<str>,
    marks: usize,
    database: Arc<str>,
    user: Arc<str>,
    settings: Settings,
    params: Arc<std::collections::BTreeMap<String, String>>,
    threads: usize,
}

impl PlanKey {
    /// The key of a statement in a query.
    pub fn new(statement: &str, ctx: &QueryContext) -> PlanKey {
        PlanKey {
            statement: statement.into(),
            marks: 0,
            database: ctx.caller.database.clone(),
            user: ctx.caller.user.clone(),
            settings: ctx.settings.clone(),
            params: ctx.params.clone(),
            threads: ctx.threads(),
        }
    }

    /// The key of a shape with so many marks. Parameters that only stand in constants are no part of it.
    pub(crate) fn of_shape(text: &str, marks: usize, ctx: &QueryContext) -> PlanKey {
        let mut key = PlanKey { marks, ..PlanKey::new(text, ctx) };
        if !key.params.is_empty() {
            let named = |name: &String| text.contains(&format!("{{{name}:"));
            let params = key.params.iter().filter(|(name, _)| named(name));
            key.params = Arc::new(params.map(|(name, value)| (name.clone(), value.clone())).collect());
        }
        key
    }
}

/// What is kept under a key.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// Of a statement.
    Plan(Prepared),
    /// Of a shape.
    Template(Arc<Template>),
    /// Of a shape that has marks which must be constants of its plan: true for those that need not.
    Narrowed(Arc<[bool]>),
}

/// A bounded map from statements to plans; the entry that was not used for longest goes first.
#[derive(Debug)]
pub struct PlanCache {
    entries_max: usize,
    state: Mutex<State>,
    plannings: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<PlanKey, Entry>,
    /// Counts uses; an entry's number says when it was used last.
    clock: u64,
    asked: u64,
    hits: u64,
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    uses: Arc<[(TableId, u64)]>,
    used: u64,
}

impl PlanCache {
    /// A cache of at most that many plans; 0 keeps none.
    pub fn new(entries_max: usize) -> PlanCache {
        PlanCache { entries_max, state: Mutex::default(), plannings: AtomicU64::new(0) }
    }

    /// The plan, when there is one and its definitions are still those of the snapshot.
    pub fn get(&self, key: &PlanKey, snapshot: &Snapshot) -> Option<Prepared> {
        let found = match self.lookup(key, snapshot) {
            Some(Kept::Plan(prepared)) => Some(prepared),
            _ => None,
        };
        self.count(found.is_some());
        found
    }

    /// Keeps a plan. Does nothing with a plan that must not be kept.
    pub fn put(&self, key: PlanKey, prepared: &Prepared) {
        // What is not deterministic has the query's time, randomness or id in it.
        if prepared.deterministic && !prepared.lists_tables && prepared.compiled.is_reusable() {
            self.keep(key, Kept::Plan(prepared.clone()), prepared.uses.clone());
        }
    }

    /// True when the cache keeps anything.
    pub(crate) fn keeps(&self) -> bool {
        self.entries_max != 0
    }

    /// What is kept under a key, when its definitions are still those of the snapshot.
    pub(crate) fn lookup(&self, key: &PlanKey, snapshot: &Snapshot) -> Option<Kept> {
        let mut state = self.state.lock();
        state.clock += 1;
        let now = state.clock;
        let entry = state.entries.get_mut(key)?;
        if !entry.uses.iter().all(|&(table, version)| is_current(snapshot, table, version)) {
            state.entries.remove(key);
            return None;
        }
        entry.used = now;
        Some(entry.kept.clone())
    }

    /// Counts a statement that asked for a plan, and whether it was there.
    pub(crate) fn count(&self, is_hit: bool) {
        let mut state = self.state.lock();
        state.asked += 1;
        state.hits += u64::from(is_hit);
    }

    /// Keeps something that depends on these definitions.
    pub(crate) fn keep(&self, key: PlanKey, kept: Kept, uses: Arc<[(TableId, u64)]>) {
        if !self.keeps() {
            return;
        }
        let mut state = self.state.lock();
        state.clock += 1;
        let used = state.clock;
        if self.entries_max <= state.entries.len() && !state.entries.contains_key(&key) {
            // Use numbers are unique, so which entry goes does not depend on the order of the map.
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            oldest.map(|key| state.entries.remove(&key));
        }
        state.entries.insert(key, Entry { kept, uses, used });
    }

    /// Counts a plan that the optimizer makes, kept or not.
    pub(crate) fn count_planning(&self) {
        self.plannings.fetch_add(1, Ordering::Relaxed);
    }

    /// How many plans the optimizer made since the start: of statements, views and refreshes.
    pub fn plannings(&self) -> u64 {
        self.plannings.load(Ordering::Relaxed)
    }

    /// How often a plan was asked for, and how often it was there.
    pub fn asked_and_hits(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.asked, state.hits)
    }

    /// Forgets all plans.
    pub fn clear(&self) {
        self.state.lock().entries.clear();
    }

    /// How many plans are kept.
    pub fn len(&self) -> usize {
        self.state.lock().entries.len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// True when the snapshot has that version of the definition.
fn is_current(snapshot: &Snapshot, table: TableId, version: u64) -> bool {
    snapshot.catalog.table_by_id(table).is_some_and(|def| def.version == version)
}
