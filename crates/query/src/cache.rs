//! Compiled plans that are kept: the same statement over the same definitions is bound and optimised once.
//!
//! A key says everything that binding and planning looked at: the statement's text, the database, the user, the settings
//! that were changed. Versions of the definitions are not part of the key: an entry knows the definitions it was compiled
//! from and is dropped when one of them is no longer what it was. A plan with the query's time or randomness in it is
//! never kept.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use store::Snapshot;
use types::{Settings, TableId};

use crate::context::QueryContext;
use crate::prepare::Prepared;

/// What two queries must have in common to share a plan.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PlanKey {
    /// The statement as written.
    pub statement: Arc<str>,
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
            database: ctx.caller.database.clone(),
            user: ctx.caller.user.clone(),
            settings: ctx.settings.clone(),
            params: ctx.params.clone(),
            threads: ctx.threads(),
        }
    }
}

/// A bounded map from statements to plans; the entry that was not used for longest goes first.
#[derive(Debug)]
pub struct PlanCache {
    entries_max: usize,
    state: Mutex<State>,
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
    prepared: Prepared,
    used: u64,
}

impl PlanCache {
    /// A cache of at most that many plans; 0 keeps none.
    pub fn new(entries_max: usize) -> PlanCache {
        PlanCache { entries_max, state: Mutex::default() }
    }

    /// The plan, when there is one and its definitions are still those of the snapshot.
    pub fn get(&self, key: &PlanKey, snapshot: &Snapshot) -> Option<Prepared> {
        let mut state = self.state.lock();
        state.clock += 1;
        state.asked += 1;
        let now = state.clock;
        let entry = state.entries.get_mut(key)?;
        if !entry.prepared.uses.iter().all(|&(table, version)| is_current(snapshot, table, version)) {
            state.entries.remove(key);
            return None;
        }
        entry.used = now;
        let prepared = entry.prepared.clone();
        state.hits += 1;
        Some(prepared)
    }

    /// Keeps a plan. Does nothing with a plan that must not be kept.
    pub fn put(&self, key: PlanKey, prepared: &Prepared) {
        // What is not deterministic has the query's time, randomness or id in it.
        if self.entries_max == 0 || !prepared.deterministic || prepared.lists_tables || !prepared.compiled.is_reusable()
        {
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
        state.entries.insert(key, Entry { prepared: prepared.clone(), used });
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
