//! What begins now: views that are open are looked at, those whose query could not answer differently are skipped, of the
//! others as many run as there are places for.

use std::collections::BTreeMap;
use std::sync::Arc;

use store::{QualifiedName, Snapshot};
use types::TableId;
use views::refresh::admit::{CORNER, Due, PLACE, Places, admit};
use views::refresh::decide::{Amounts, Decision, after_unchanged, overrun};
use views::refresh::record::Entry;

use super::board::{Doing, Job, Left, State, Task};

/// Refreshes that run at once, whatever their number: each may take a query's memory. Of those whose last run took little
/// (see [`is_little`]), [`PLACE`] share a place: hundreds of them start together, at their slot.
pub(crate) const RUNS_MAX: usize = 16;
/// A run that takes no more memory than this takes little,
const LITTLE_BYTES: u64 = 1 << 20;
/// if it reads and writes no more rows than these.
const LITTLE_ROWS: u64 = 100_000;
/// Of these, runs that were missed while the program was down: a start must leave room for what it is started for.
pub(crate) const CATCH_UPS_MAX: usize = 4;
/// A view that was skipped and would run at once again (AFTER 0 SECOND) is looked at after this time.
const SKIP_PAUSE_MS: i64 = 1_000;

/// What a look at the board needs.
pub(crate) struct Moment<'a> {
    pub(crate) now_ns: i64,
    pub(crate) snapshot: &'a Snapshot,
    /// Random numbers for the spread of slots.
    pub(crate) spread: &'a dyn Fn() -> i64,
}

impl State {
    /// Begins every run that is due, as many as may run at once. Gives them, and when to look again.
    pub(crate) fn begin_due(&mut self, moment: &Moment<'_>) -> (Vec<Job>, Option<i64>) {
        if self.is_stopping {
            return (Vec::new(), None);
        }
        while let Some(id) = self.agenda.take(moment.now_ns.div_euclid(1_000_000)) {
            self.look_at(id, moment);
        }
        let admitted = match self.free_room() {
            0 => Vec::new(),
            free => self.admit(free, moment),
        };
        let mut jobs = Vec::new();
        for id in admitted {
            let Some(Doing::Waiting(Decision::Run { asked_for })) = self.doing(id, moment.now_ns) else { continue };
            jobs.extend(self.job(id, asked_for, moment.now_ns));
        }
        (jobs, self.agenda.wake_ms())
    }

    fn look_at(&mut self, id: TableId, moment: &Moment<'_>) {
        match self.doing(id, moment.now_ns) {
            Some(Doing::Waiting(Decision::Run { asked_for: false })) if self.is_unchanged(id, moment) => {
                self.skip(id, moment);
                self.sleep_after_skip(id, moment);
            }
            Some(Doing::Waiting(Decision::Run { .. })) => self.agenda.due(id),
            Some(Doing::Waiting(Decision::Sleep { until_ms })) => self.sleep(id, until_ms),
            Some(Doing::Running | Doing::Waiting(_)) | None => {}
        }
    }

    fn sleep(&mut self, id: TableId, until_ms: i64) {
        // on a clock that stands still nothing comes by itself
        if self.tasks.get(&id).is_some_and(|task| task.control.fake_time.is_none()) {
            self.agenda.sleep(id, until_ms);
        }
    }

    fn sleep_after_skip(&mut self, id: TableId, moment: &Moment<'_>) {
        let pause_ms = moment.now_ns.div_euclid(1_000_000) + SKIP_PAUSE_MS;
        match self.doing(id, moment.now_ns) {
            Some(Doing::Waiting(Decision::Sleep { until_ms })) => self.sleep(id, until_ms),
            Some(Doing::Waiting(Decision::Run { .. })) => self.sleep(id, pause_ms),
            Some(Doing::Running | Doing::Waiting(_)) | None => {}
        }
    }

    /// The refresh would give what is there.
    fn is_unchanged(&self, id: TableId, moment: &Moment<'_>) -> bool {
        let Some(task) = self.tasks.get(&id).filter(|task| !task.is_held) else { return false };
        let made_from = task.outcome.made_from.as_ref().filter(|_| task.outcome.has_succeeded());
        made_from.is_some_and(|made_from| {
            let view = moment.snapshot.catalog.table_by_id(id);
            view.is_some_and(|view| made_from.changed(moment.snapshot, view).is_none())
        })
    }

    /// Serves the slot without a run.
    fn skip(&mut self, id: TableId, moment: &Moment<'_>) {
        let Some(job) = self.job(id, false, moment.now_ns) else { return };
        let outcome = after_unchanged(&job.plan, &job.before, &job.started, (moment.spread)());
        let left = Left::new(0, outcome.clone());
        let amounts = Amounts::default();
        let entry = Entry { is_unchanged: true, amounts, ..entry_of(&job, &left, job.started.at) };
        if let Some(task) = self.tasks.get_mut(&id) {
            task.unsaved.push(entry.clone());
            task.was_skipped(outcome, entry);
        }
        self.open(id);
        self.agenda.forget(id);
    }

    fn admit(&self, free: usize, moment: &Moment<'_>) -> Vec<TableId> {
        let due = self.all_due(moment.now_ns);
        match due.is_empty() {
            true => Vec::new(),
            false => admit(due, self.places(free, moment.snapshot)),
        }
    }

    fn all_due(&self, now_ns: i64) -> Vec<Due<TableId>> {
        let due = |id: TableId| {
            let task = self.tasks.get(&id).filter(|task| task.run.is_none() && !task.is_held)?;
            let now_ms = task.now_ms(now_ns);
            let since_ms = match (task.has_request(), task.outcome.slot) {
                (false, Some(slot)) => task.plan.schedule.next(slot).saturating_mul(1_000).min(now_ms),
                _ => i64::MIN,
            };
            Some(Due {
                view: id,
                priority: task.plan.priority,
                since_ms,
                group: task.plan.group.clone(),
                is_catch_up: task.is_catch_up && !task.has_request(),
                room: task.room(),
            })
        };
        self.agenda.all_due().filter_map(due).collect()
    }

    fn running(&self) -> impl Iterator<Item = &Task> {
        self.running.iter().filter_map(|id| self.tasks.get(id))
    }

    fn free_room(&self) -> usize {
        let taken: usize = self.running().filter_map(|task| task.run.as_ref()).map(|run| run.room).sum();
        (RUNS_MAX * PLACE).saturating_sub(taken)
    }

    /// How many more may run: in all, and in each group. A group that is gone lets one view run at a time.
    fn places(&self, free: usize, snapshot: &Snapshot) -> Places {
        let mut free_in_group: BTreeMap<Arc<str>, u64> =
            snapshot.catalog.groups().map(|(name, limit)| (Arc::clone(name), *limit)).collect();
        for group in self.agenda.all_due().filter_map(|id| self.tasks.get(&id)?.plan.group.as_ref()) {
            free_in_group.entry(Arc::clone(group)).or_insert(1);
        }
        for group in self.running().filter_map(|task| task.plan.group.as_ref()) {
            if let Some(free) = free_in_group.get_mut(group) {
                *free = free.saturating_sub(1);
            }
        }
        let catch_ups = self.running().filter(|task| task.is_catch_up).count();
        Places { free, free_catch_ups: CATCH_UPS_MAX.saturating_sub(catch_ups), free_in_group }
    }

    /// The views of a group: how many run, and how many are due and wait.
    pub(crate) fn in_group(&self, group: &str) -> (Vec<QualifiedName>, usize, usize) {
        let of = || self.tasks.values().filter(|task| task.plan.group.as_deref() == Some(group));
        let names = of().map(|task| task.view.qualified_name()).collect();
        let due: Vec<TableId> = self.agenda.all_due().collect();
        let waiting = of().filter(|task| due.contains(&task.view.id)).count();
        (names, of().filter(|task| task.run.is_some()).count(), waiting)
    }
}

impl Left {
    pub(super) fn new(version: u64, outcome: views::refresh::Outcome) -> Left {
        Left { version, outcome, entry: Entry::default(), is_outside: false }
    }

    /// A run like this one takes little: hundreds may be under way. Not where others are asked for rows: they might not
    /// bear hundreds at once.
    pub(super) fn is_little(&self) -> bool {
        let Entry { amounts, peak_memory_bytes, error, .. } = &self.entry;
        let rows = amounts.read_rows.saturating_add(amounts.written_rows);
        error.is_empty() && !self.is_outside && rows <= LITTLE_ROWS && *peak_memory_bytes <= LITTLE_BYTES
    }
}

impl Task {
    /// What its next run takes, as its last one did; as much as any before it has run.
    pub(super) fn room(&self) -> usize {
        if self.is_little { CORNER } else { PLACE }
    }
}

/// The line of a run in the history, as far as its outcome says it.
pub(super) fn entry_of(job: &Job, left: &Left, ended: i64) -> Entry {
    let outcome = &left.outcome;
    let slot = outcome.slot.filter(|_| outcome.error.is_empty() && job.started.partitions.is_empty());
    let is_new = outcome.generations.first() != job.before.generations.first();
    Entry {
        run: outcome.runs,
        asked_for: job.started.asked_for,
        started: job.started.at,
        ended,
        slot,
        missed_slots: job.before.slot.zip(slot).map_or(0, |(last, slot)| job.plan.schedule.between(last, slot)),
        overrun_slots: overrun(&job.plan, job.started.at, ended),
        delay_ms: job.delay_ms,
        partitions: job.started.partitions.clone(),
        generation: outcome.generations.first().filter(|_| is_new).map_or(0, |present| present.number),
        amounts: outcome.amounts,
        error: outcome.error.clone(),
        ..Entry::default()
    }
}
