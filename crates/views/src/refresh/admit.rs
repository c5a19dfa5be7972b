//! Which of the views that are due run now: by priority, within the limits of their groups. Pure.
//!
//! Invariants: never more runs of a group than its limit, nor in all than there is room for ([`Places::free`]); a view
//! waits only for one that goes before it, or for its group.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The room of a run that may take a query's memory.
pub const PLACE: usize = 32;
/// The room of a run that is known to take little.
pub const CORNER: usize = 1;

/// A view that is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due<K> {
    /// Which.
    pub view: K,
    /// PRIORITY: the greater goes first.
    pub priority: i64,
    /// Since when, in milliseconds since 1970; of equal priority the older goes first.
    pub since_ms: i64,
    /// CONCURRENCY GROUP.
    pub group: Option<Arc<str>>,
    /// What it missed while the program was down.
    pub is_catch_up: bool,
    /// What its run takes: [`PLACE`], [`CORNER`].
    pub room: usize,
}

/// How many more may run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// Room for runs in all, in the unit of [`Due::room`].
    pub free: usize,
    /// Of those that catch up: a start must not begin everything at once.
    pub free_catch_ups: usize,
    /// In each group; in one that is not named here none.
    pub free_in_group: BTreeMap<Arc<str>, u64>,
}

impl Places {
    /// Takes a place; false when there is none.
    fn take<K>(&mut self, due: &Due<K>) -> bool {
        if self.free == 0 || due.is_catch_up && self.free_catch_ups == 0 {
            return false;
        }
        let mut of_group = due.group.as_ref().map(|group| self.free_in_group.get_mut(group));
        if matches!(&of_group, Some(free) if free.as_ref().is_none_or(|free| **free == 0)) {
            return false;
        }
        if self.free < due.room {
            // what is left is kept for it: smaller ones that go after it must not keep it waiting for ever
            self.free = 0;
            return false;
        }
        if let Some(Some(free)) = &mut of_group {
            **free -= 1;
        }
        self.free -= due.room;
        self.free_catch_ups -= usize::from(due.is_catch_up);
        true
    }
}

/// Those that run now, in order.
pub fn admit<K: Ord + Clone>(mut due: Vec<Due<K>>, mut places: Places) -> Vec<K> {
    due.sort_by(|a, b| {
        let key = |due: &Due<K>| (Reverse(due.priority), due.since_ms, due.view.clone());
        key(a).cmp(&key(b))
    });
    due.retain(|due| places.take(due));
    due.into_iter().map(|due| due.view).collect()
}
