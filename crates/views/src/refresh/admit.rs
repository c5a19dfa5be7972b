//! Which of the views that are due run now: by priority, within the limits of their groups. Pure.
//!
//! Invariants: never more runs of a group than its limit, nor in all than [`Places::free`] says; a view waits only for
//! one that goes before it, or for its group.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

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
}

/// How many more may run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// In all.
    pub free: usize,
    /// Of those that catch up: a start must not begin everything at once.
    pub free_catch_ups: usize,
    /// In each group; in one that is not named here none.
    pub free_in_group: BTreeMap<Arc<str>, u64>,
}

impl Places {
    /// Takes a place; false when there is none.
    fn take(&mut self, group: Option<&Arc<str>>, is_catch_up: bool) -> bool {
        if self.free == 0 || is_catch_up && self.free_catch_ups == 0 {
            return false;
        }
        if let Some(group) = group {
            match self.free_in_group.get_mut(group) {
                Some(free) if 0 < *free => *free -= 1,
                _ => return false,
            }
        }
        self.free -= 1;
        self.free_catch_ups -= usize::from(is_catch_up);
        true
    }
}

/// Those that run now, in order.
pub fn admit<K: Ord + Clone>(mut due: Vec<Due<K>>, mut places: Places) -> Vec<K> {
    due.sort_by(|a, b| {
        let key = |due: &Due<K>| (Reverse(due.priority), due.since_ms, due.view.clone());
        key(a).cmp(&key(b))
    });
    due.retain(|due| places.take(due.group.as_ref(), due.is_catch_up));
    due.into_iter().map(|due| due.view).collect()
}
