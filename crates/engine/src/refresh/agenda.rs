//! Which views must be looked at again, and when: so that a wake costs what changed, not what there is.
//!
//! A view is *open* when something happened to it, its dependencies or its clock; looked at, it sleeps until a time, is
//! due, or waits for what will open it again. No view is in two of these at once.

use std::collections::{BTreeMap, BTreeSet};

use types::TableId;

#[derive(Default)]
pub(super) struct Agenda {
    open: BTreeSet<TableId>,
    timers: BTreeSet<(i64, TableId)>,
    timer_of: BTreeMap<TableId, i64>,
    due: BTreeSet<TableId>,
}

impl Agenda {
    /// Something happened to the view.
    pub(super) fn open(&mut self, view: TableId) {
        self.forget(view);
        self.open.insert(view);
    }

    /// The view is gone, runs, or waits for what will open it.
    pub(super) fn forget(&mut self, view: TableId) {
        self.open.remove(&view);
        self.due.remove(&view);
        if let Some(until_ms) = self.timer_of.remove(&view) {
            self.timers.remove(&(until_ms, view));
        }
    }

    /// Nothing to do before that time.
    pub(super) fn sleep(&mut self, view: TableId, until_ms: i64) {
        self.forget(view);
        self.timer_of.insert(view, until_ms);
        self.timers.insert((until_ms, view));
    }

    /// The view would run, as soon as there is a place for it.
    pub(super) fn due(&mut self, view: TableId) {
        self.forget(view);
        self.due.insert(view);
    }

    /// The next view to look at; it is in nothing then.
    pub(super) fn take(&mut self, now_ms: i64) -> Option<TableId> {
        let of_timer = self.timers.first().filter(|(until_ms, _)| *until_ms <= now_ms).map(|(_, view)| *view);
        let view = self.open.first().copied().or(of_timer)?;
        self.forget(view);
        Some(view)
    }

    /// The views that wait for a place.
    pub(super) fn all_due(&self) -> impl Iterator<Item = TableId> + '_ {
        self.due.iter().copied()
    }

    /// When the first sleeper wakes.
    pub(super) fn wake_ms(&self) -> Option<i64> {
        self.timers.first().map(|(until_ms, _)| *until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_in_one_place_at_a_time() {
        let (mut agenda, [a, b]) = (Agenda::default(), [TableId(1), TableId(2)]);
        agenda.sleep(a, 10);
        agenda.sleep(b, 20);
        assert_eq!((agenda.take(9), agenda.wake_ms()), (None, Some(10)));
        agenda.sleep(a, 30);
        assert_eq!((agenda.take(20), agenda.take(20)), (Some(b), None));
        agenda.due(b);
        agenda.open(a);
        assert_eq!((agenda.take(0), agenda.take(40)), (Some(a), None), "an open view has no timer");
        assert_eq!(agenda.all_due().collect::<Vec<_>>(), [b]);
        agenda.forget(b);
        assert_eq!(agenda.all_due().count(), 0);
    }
}
