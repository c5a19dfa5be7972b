//! The refreshable views of an open database: what each is doing. In memory; everything that must last is in the views'
//! hidden tables ([`views::refresh::record`]).
//!
//! One lock, never held over an await.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use query::QueryContext;
use store::{Catalog, QualifiedName, TableDef};
use tokio::sync::{Notify, watch};
use types::TableId;
use views::refresh::decide::{Control, Decision, Outcome, Parent, Started, View, decide, ready_at};
use views::refresh::record::{Entry, HISTORY_MAX};
use views::refresh::{Plan, Switch};

use super::agenda::Agenda;

/// The refreshable views.
pub(crate) struct Board {
    state: Mutex<State>,
    /// Something is to be decided again.
    pub(crate) wake: Notify,
    /// Counts changes, for who waits for one.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) tasks: BTreeMap<TableId, Task>,
    /// Those of which a run is under way.
    pub(super) running: BTreeSet<TableId>,
    names: BTreeMap<QualifiedName, TableId>,
    /// The catalogue that the tasks were made from.
    catalog: Option<Catalog>,
    /// Views by the name of what they depend on.
    pub(super) children: BTreeMap<QualifiedName, Vec<TableId>>,
    pub(super) agenda: Agenda,
    pub(crate) is_stopping: bool,
}

/// One refreshable view.
pub(crate) struct Task {
    pub(crate) view: Arc<TableDef>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) outcome: Outcome,
    pub(crate) control: Control,
    /// The last runs, in order.
    pub(crate) history: VecDeque<Entry>,
    /// Of the last row written.
    version: u64,
    /// See [`ready_at`].
    ready: Option<i64>,
    pub(crate) run: Option<Run>,
    /// Skipped runs that are not recorded on disk yet: nothing is lost with them.
    pub(super) unsaved: Vec<Entry>,
    /// A command works on the target: no run begins.
    pub(super) is_held: bool,
    /// It was due when the program started.
    pub(super) is_catch_up: bool,
    /// [`Left::is_little`] of its last run since then.
    pub(super) is_little: bool,
}

/// A refresh under way.
pub(crate) struct Run {
    pub(crate) ctx: Arc<QueryContext>,
    pub(crate) started: Started,
    /// When it was due.
    next_ms: Option<i64>,
    /// What it takes of the room for runs.
    pub(super) room: usize,
}

/// A view that must be run now.
pub(crate) struct Job {
    pub(crate) view: Arc<TableDef>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) before: Outcome,
    pub(crate) started: Started,
    /// How long after it was due, in milliseconds.
    pub(crate) delay_ms: u64,
}

/// What a run leaves, and the version of its rows.
pub(crate) struct Left {
    pub(crate) version: u64,
    pub(crate) outcome: Outcome,
    pub(crate) entry: Entry,
    /// Rows of others were read.
    pub(super) is_outside: bool,
}

/// What a view is doing, as `system.view_refreshes` and WAIT see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    Running,
    Waiting(Decision),
}

impl Task {
    pub(crate) fn new(view: Arc<TableDef>, plan: Plan, recorded: views::refresh::record::Recorded) -> Task {
        let (outcome, control, version) = (recorded.outcome, recorded.control, recorded.version);
        let history = recorded.history.into();
        let (ready, run) = (None, None);
        Task {
            view,
            plan: Arc::new(plan),
            outcome,
            control,
            history,
            version,
            ready,
            run,
            unsaved: Vec::new(),
            is_held: false,
            is_catch_up: false,
            is_little: false,
        }
    }

    /// A request waits that the run under way, if there is one, does not answer.
    pub(super) fn has_request(&self) -> bool {
        let answered = self.run.as_ref().map_or(self.outcome.served, |run| run.started.requested);
        answered < self.control.requested
    }

    /// A run has ended.
    pub(crate) fn ended(&mut self, left: Left) {
        self.is_little = left.is_little();
        self.was_skipped(left.outcome, left.entry);
    }

    /// A slot was served without a run.
    pub(super) fn was_skipped(&mut self, outcome: Outcome, entry: Entry) {
        self.is_catch_up = false;
        self.outcome = outcome;
        self.history.push_back(entry);
        while HISTORY_MAX < self.history.len() as u64 {
            self.history.pop_front();
        }
    }

    /// The time on the view's own clock, in milliseconds.
    pub(crate) fn now_ms(&self, now_ns: i64) -> i64 {
        self.control.fake_time.map_or(now_ns.div_euclid(1_000_000), |seconds| seconds.saturating_mul(1_000))
    }

    /// The version of the next row.
    pub(crate) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn as_parent(&self) -> Parent {
        let every = |slot| self.plan.schedule.next(slot);
        Parent::Known {
            id: self.view.id.0,
            next: self.outcome.slot.map(every),
            successes: self.outcome.successes,
            finished: self.outcome.finished,
        }
    }
}

impl State {
    fn parents(&self, plan: &Plan) -> Vec<Parent> {
        let parent = |name: &QualifiedName| {
            let task = self.names.get(name).and_then(|id| self.tasks.get(id));
            task.map_or(Parent::Missing, Task::as_parent)
        };
        plan.depends_on.iter().map(parent).collect()
    }

    /// Remembers since when a view that runs after others may, and gives its dependencies.
    fn look(&mut self, id: TableId) -> Vec<Parent> {
        let Some(task) = self.tasks.get(&id) else { return Vec::new() };
        if task.plan.depends_on.is_empty() {
            return Vec::new();
        }
        let parents = self.parents(&Arc::clone(&task.plan));
        if let Some(task) = self.tasks.get_mut(&id) {
            let is_missing = parents.contains(&Parent::Missing);
            let ready = ready_at(&task.outcome, &parents);
            task.ready = if is_missing { None } else { ready.map(|at| task.ready.unwrap_or(at)) };
        }
        parents
    }

    pub(super) fn with_view<T>(&mut self, id: TableId, give: impl FnOnce(&Task, &View<'_>) -> T) -> Option<T> {
        let parents = self.look(id);
        let task = self.tasks.get(&id)?;
        let Task { plan, outcome, control, ready, .. } = task;
        Some(give(task, &View { plan, outcome, control, ready: *ready, parents: &parents }))
    }

    /// The dependencies that a view waits for: those that are missing, and those that have not run since it did.
    pub(crate) fn waits_for(&self, id: TableId) -> Vec<(QualifiedName, Parent)> {
        let Some(task) = self.tasks.get(&id) else { return Vec::new() };
        let parents = self.parents(&task.plan);
        let has_not_run = |parent: &Parent| match parent {
            Parent::Missing => true,
            Parent::Known { id, successes, .. } => *successes <= task.outcome.seen.get(id).copied().unwrap_or(0),
        };
        let waits = task.plan.depends_on.iter().cloned().zip(parents);
        waits.filter(|(_, parent)| has_not_run(parent)).collect()
    }

    /// What a view is doing.
    pub(crate) fn doing(&mut self, id: TableId, now_ns: i64) -> Option<Doing> {
        self.with_view(id, |task, view| match task.run {
            Some(_) => Doing::Running,
            None => Doing::Waiting(decide(view, task.now_ms(now_ns))),
        })
    }

    /// When the next run of a view is due, in milliseconds; of one that runs, when that run was.
    pub(crate) fn next_ms(&mut self, id: TableId, now_ns: i64) -> Option<i64> {
        self.with_view(id, |task, view| match &task.run {
            Some(run) => run.next_ms,
            None => view.next_ms(task.now_ms(now_ns)),
        })?
    }

    /// Something happened to a view: it and those that depend on it are looked at again.
    pub(crate) fn open(&mut self, id: TableId) {
        let Some(task) = self.tasks.get(&id) else { return };
        self.agenda.open(id);
        for child in self.children.get(&task.view.qualified_name()).into_iter().flatten() {
            self.agenda.open(*child);
        }
    }

    /// A run that begins now.
    pub(super) fn job(&mut self, id: TableId, asked_for: bool, now_ns: i64) -> Option<Job> {
        self.with_view(id, |task, view| {
            let now_ms = task.now_ms(now_ns);
            let due_ms = if asked_for { None } else { view.next_ms(now_ms) };
            Job {
                view: Arc::clone(&task.view),
                plan: Arc::clone(&task.plan),
                before: task.outcome.clone(),
                started: Started::now(view, asked_for, now_ms.div_euclid(1_000)),
                delay_ms: due_ms.and_then(|due_ms| u64::try_from(now_ms - due_ms).ok()).unwrap_or(0),
            }
        })
    }

    /// Notes that a run has ended, and what it left; nothing when it is due again at the next start.
    pub(super) fn ended(&mut self, id: TableId, left: Option<Left>) {
        self.running.remove(&id);
        if let Some(task) = self.tasks.get_mut(&id) {
            task.run = None;
            left.into_iter().for_each(|left| task.ended(left));
        }
        self.open(id);
    }

    /// Notes a run that begins; false when it must not any more.
    pub(crate) fn begun(&mut self, job: &Job, ctx: &Arc<QueryContext>) -> bool {
        let next_ms = self.next_ms(job.view.id, ctx.now_ns);
        self.agenda.forget(job.view.id);
        match self.tasks.get_mut(&job.view.id).filter(|_| !self.is_stopping) {
            Some(task) => {
                let (started, room) = (job.started.clone(), task.room());
                task.run = Some(Run { ctx: Arc::clone(ctx), started, next_ms, room });
                self.running.insert(job.view.id);
                true
            }
            None => false,
        }
    }
}

impl Board {
    pub(crate) fn new() -> Board {
        Board { state: Mutex::default(), wake: Notify::new(), changes: watch::Sender::new(0) }
    }

    /// Looks or changes. Not for long.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock())
    }

    /// Something changed: decide again, and tell who waits.
    pub(crate) fn changed(&self) {
        self.tell();
        self.wake.notify_one();
    }

    /// Tells who waits for a change; there is nothing to decide.
    pub(crate) fn tell(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// True when the tasks are those of this catalogue.
    pub(crate) fn is_of(&self, catalog: &Catalog) -> bool {
        self.state.lock().catalog.as_ref().is_some_and(|known| known.has_same_tables(catalog))
    }

    /// Puts the tasks in line with a catalogue: `made` are those that it did not have, or had in another version. Runs of
    /// views that are gone are ended.
    pub(crate) fn put(&self, catalog: &Catalog, mut made: BTreeMap<TableId, Task>) {
        let mut state = self.state.lock();
        let gone = |id: &TableId| catalog.table_by_id(*id).is_none_or(|view| !is_refreshed(view));
        let gone: Vec<TableId> = state.tasks.keys().filter(|id| gone(id)).copied().collect();
        for id in gone {
            state.agenda.forget(id);
            state.running.remove(&id);
            if let Some(run) = state.tasks.remove(&id).and_then(|task| task.run) {
                run.ctx.cancel.cancel();
            }
        }
        for (id, task) in std::mem::take(&mut made) {
            match state.tasks.get_mut(&id) {
                // what runs left and commands said is newer here than in what was read
                Some(known) => (known.view, known.plan) = (task.view, task.plan),
                None => drop(state.tasks.insert(id, task)),
            }
        }
        let mut children: BTreeMap<QualifiedName, Vec<TableId>> = BTreeMap::new();
        for (id, task) in &state.tasks {
            for name in &task.plan.depends_on {
                children.entry(name.clone()).or_default().push(*id);
            }
        }
        state.children = children;
        let idle: Vec<TableId> = state.tasks.values().filter(|task| task.run.is_none()).map(|t| t.view.id).collect();
        idle.into_iter().for_each(|id| state.agenda.open(id));
        state.names = state.tasks.values().map(|task| (task.view.qualified_name(), task.view.id)).collect();
        state.catalog = Some(catalog.clone());
        drop(state);
        self.changed();
    }

    /// The version of a view's definition that its task has.
    pub(crate) fn version_of(&self, view: TableId) -> Option<u64> {
        self.state.lock().tasks.get(&view).map(|task| task.view.version)
    }
}

/// True for refreshable views that are seen: not while one is detached.
pub(crate) fn is_refreshed(view: &TableDef) -> bool {
    matches!(view.view, Some(store::ViewDef::Refreshable { .. })) && view.visibility == store::Visibility::Listed
}

/// True when the view is off.
pub(crate) fn is_off(task: &Task) -> bool {
    task.control.switch == Switch::Off
}
