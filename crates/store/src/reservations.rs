//! Which parts are in work: a merge or mutation reserves its inputs before it reads them, so that no other takes them.
//!
//! The reservation ends when its guard is dropped, whether the work was committed or not.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use parts::PartName;
use types::TableId;

/// The parts in work.
#[derive(Clone, Debug, Default)]
pub struct Reservations {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    parts: BTreeSet<(TableId, PartName)>,
}

/// Parts that nobody else may merge or rewrite while this lives.
#[derive(Debug)]
pub struct Reservation {
    state: Arc<Mutex<State>>,
    parts: Vec<(TableId, PartName)>,
}

impl Reservations {
    /// Reserves all of these parts, or none when one is in work already.
    pub fn reserve(&self, table: TableId, parts: &[PartName]) -> Option<Reservation> {
        let mut state = self.state.lock();
        let parts: Vec<_> = parts.iter().map(|name| (table, name.clone())).collect();
        if parts.iter().any(|part| state.parts.contains(part)) {
            return None;
        }
        state.parts.extend(parts.iter().cloned());
        Some(Reservation { state: Arc::clone(&self.state), parts })
    }

    /// True when nobody works on the part.
    pub fn is_free(&self, table: TableId, part: &PartName) -> bool {
        !self.state.lock().parts.contains(&(table, part.clone()))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        for part in &self.parts {
            state.parts.remove(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_in_work_is_taken_until_its_guard_goes() {
        let reservations = Reservations::default();
        let names = ["all_1_1_0", "all_2_2_0"].map(|text| PartName::parse(text).unwrap());
        let guard = reservations.reserve(TableId(1), &names).unwrap();
        assert!(reservations.reserve(TableId(1), &names[1..]).is_none());
        assert!(reservations.reserve(TableId(2), &names[1..]).is_some());
        drop(guard);
        assert!(reservations.is_free(TableId(1), &names[0]));
    }
}
