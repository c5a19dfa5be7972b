//! Refreshable views at work: one loop that decides by [`views::refresh`]'s pure rules, and a task for each refresh.
//!
//! ```text
//! commit │ timer │ command │ end of a run ─▶ sync (views as the catalogue has them) ─▶ decide ─▶ begin runs ─▶ sleep
//! ```
//! The loop holds no state that cannot be read again: [`board`] is a copy of what the views' hidden tables say, plus what
//! runs now. A refresh that a stop or a crash cut off left nothing and is due again at the next start.

mod agenda;
mod alter;
mod begin;
mod board;
mod commands;
mod create;
mod explain;
mod generations;
mod groups;
mod incremental;
mod partitions;
mod plans;
mod run;
mod save;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use query::{Caller, QueryContext, Runtime};
use store::{Snapshot, TableDef};
use tokio_util::sync::CancellationToken;
use types::Settings;
use views::Views;
use views::refresh::decide::{Decision, Ended, SPREAD_STEPS, after, skip_missed};
use views::refresh::record::Entry;
use views::refresh::{Plan, record};

use crate::ddl::uuid_text;
use crate::error::{Error, Result};
use crate::processes::{Origin, Process, Processes};

pub(crate) use alter::altered;
use begin::{Moment, entry_of};
pub(crate) use board::Board;
use board::{Doing, Job, Left, Task, is_refreshed};
pub(crate) use create::{check as check_create, check_restored, make};
pub(crate) use groups::{alter as alter_group, create as create_group, drop_edit as drop_group};
pub(crate) use incremental::source_of as incremental_source;
use plans::Plans;
use run::{Leave, Made};
pub(crate) use table::tables;

/// The longest sleep while there are views: a wall clock that was set is noticed after it.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// The sleep when there is none.
const SLEEP_IDLE: Duration = Duration::from_secs(3_600);

/// What a cancelled refresh says.
const CANCELLED: &str = "cancelled";

/// The loop and what it needs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Scheduler {
    pub(crate) board: Arc<Board>,
    views: Views,
    runtime: Arc<Runtime>,
    processes: Processes,
    plans: Arc<Plans>,
    stop: CancellationToken,
    task: Arc<Mutex<Option<env::Task>>>,
    /// Read by each refresh under way: who writes it knows that there is none.
    live: Arc<tokio::sync::RwLock<()>>,
    /// One at a time puts the board in line with the catalogue.
    syncing: Arc<tokio::sync::Mutex<()>>,
    /// When skipped runs were last recorded, on the monotonic clock.
    saved_ns: Arc<Mutex<u64>>,
}

impl Scheduler {
    /// Reads what is known of the views and starts the loop.
    pub(crate) async fn start(
        board: Arc<Board>,
        views: Views,
        runtime: Arc<Runtime>,
        processes: Processes,
    ) -> Result<Scheduler> {
        let scheduler = Scheduler {
            board,
            views,
            runtime,
            processes,
            plans: Arc::default(),
            stop: CancellationToken::new(),
            task: Arc::default(),
            live: Arc::default(),
            syncing: Arc::default(),
            saved_ns: Arc::default(),
        };
        scheduler.sync_all(true).await?;
        let now_ns = scheduler.runtime.env.clock.now_ns();
        scheduler.board.with(|state| {
            let ids: Vec<_> = state.tasks.keys().copied().collect();
            for id in ids {
                let is_due = matches!(state.doing(id, now_ns), Some(Doing::Waiting(Decision::Run { .. })));
                state.tasks.get_mut(&id).into_iter().for_each(|task| task.is_catch_up = is_due);
            }
        });
        let looping = scheduler.clone();
        let task = scheduler.runtime.env.spawner.spawn("refreshes", Box::pin(async move { looping.run().await }));
        *scheduler.task.lock() = Some(task);
        Ok(scheduler)
    }

    /// Ends the loop and the refreshes under way; they are due again at the next start.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.board.with(|state| {
            state.is_stopping = true;
            state.tasks.values().filter_map(|task| task.run.as_ref()).for_each(|run| run.ctx.cancel.cancel());
        });
        self.board.changed();
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.join().await;
        }
        let _none_runs = self.live.write().await;
        self.save().await;
    }

    async fn run(self) {
        let mut published = self.views.store().subscribe();
        while !self.stop.is_cancelled() {
            self.sync().await;
            let sleep = self.begin_due();
            self.save_now_and_then();
            // one sleep, whatever is published meanwhile
            let mut sleep = self.runtime.env.clock.sleep(sleep);
            loop {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    () = self.board.wake.notified() => break,
                    // inserts change no schedule
                    _ = published.changed() => if !self.board.is_of(&self.views.store().snapshot().catalog) {
                        break;
                    },
                    () = &mut sleep => break,
                }
            }
        }
    }

    /// Puts the board in line with the newest catalogue. What cannot be read is logged and left out.
    pub(crate) async fn sync(&self) {
        if let Err(error) = self.sync_all(false).await {
            tracing::warn!(%error, "the state of refreshable views cannot be read");
        }
    }

    async fn sync_all(&self, is_start: bool) -> Result<()> {
        let _turn = self.syncing.lock().await;
        let snapshot = self.views.store().snapshot();
        if self.board.is_of(&snapshot.catalog) {
            return Ok(());
        }
        let mut made = BTreeMap::new();
        for view in snapshot.catalog.tables().filter(|view| is_refreshed(view)) {
            if self.board.version_of(view.id) == Some(view.version) {
                continue;
            }
            match self.task_of(view, &snapshot, is_start).await {
                Ok(task) => drop(made.insert(view.id, task)),
                Err(error) => tracing::warn!(view = %view.qualified_name(), %error, "view is not refreshed"),
            }
        }
        self.board.put(&snapshot.catalog, made);
        Ok(())
    }

    async fn task_of(&self, view: &Arc<TableDef>, snapshot: &Arc<Snapshot>, is_start: bool) -> Result<Task> {
        let none = || Error::refused(types::ErrorCode::LOGICAL_ERROR, "a refreshable view has no REFRESH clause");
        let plan = Plan::of_view(view)?.ok_or_else(none)?;
        let ctx = self.context(view, Settings::default()).with_snapshot(Arc::clone(snapshot));
        let mut recorded = record::load(view, &ctx).await?;
        let now = ctx.now_ns.div_euclid(1_000_000_000);
        if is_start && let Some(skipped) = skip_missed(&plan, &recorded.outcome, now) {
            recorded.outcome = skipped;
        }
        Ok(Task::new(Arc::clone(view), plan, recorded))
    }

    fn context(&self, view: &TableDef, settings: Settings) -> QueryContext {
        let query_id = uuid_text(self.runtime.env.rng.uuid());
        let caller = Caller { query_id: query_id.into(), user: "default".into(), database: view.database.clone() };
        QueryContext::new(self.runtime.clone(), self.views.store().snapshot(), caller, settings)
    }

    /// Begins what is due; how long to sleep then.
    fn begin_due(&self) -> Duration {
        let now_ns = self.runtime.env.clock.now_ns();
        let snapshot = self.views.store().snapshot();
        let moment = Moment { now_ns, snapshot: &snapshot, spread: &|| self.spread() };
        let (jobs, wake_ms) = self.board.with(|state| state.begin_due(&moment));
        self.board.tell();
        let decided_ns = self.runtime.env.clock.monotonic_ns();
        for job in jobs {
            self.begin(job, decided_ns);
        }
        match wake_ms {
            None if self.board.with(|state| !state.tasks.is_empty()) => SLEEP_MAX,
            None => SLEEP_IDLE,
            Some(wake_ms) => {
                let wait_ms = u64::try_from(wake_ms.saturating_sub(now_ns.div_euclid(1_000_000))).unwrap_or(0);
                Duration::from_millis(wait_ms.max(1)).min(SLEEP_MAX)
            }
        }
    }

    fn begin(&self, mut job: Job, decided_ns: u64) {
        let Ok(live) = Arc::clone(&self.live).try_read_owned() else { return };
        // a SELECT that cannot be read fails the run, which is where it is told
        let settings = self.plans.select(&job.view).map(|select| select.settings.clone()).unwrap_or_default();
        let ctx = Arc::new(self.context(&job.view, settings));
        if !self.board.with(|state| state.begun(&job, &ctx)) {
            return;
        }
        let scheduler = self.clone();
        let work = async move {
            // of many that begin together each says when it was its turn
            let waited_ns = scheduler.runtime.env.clock.monotonic_ns().saturating_sub(decided_ns);
            job.delay_ms += waited_ns / 1_000_000;
            scheduler.work(job, ctx).await;
            // the store is given back before the refresh counts as ended
            drop(scheduler);
            drop(live);
        };
        self.runtime.env.spawner.spawn("refresh", Box::pin(work));
        self.board.tell();
    }

    /// A place in the spread of a slot.
    fn spread(&self) -> i64 {
        let steps = 2 * SPREAD_STEPS.unsigned_abs() + 1;
        i64::try_from(self.runtime.env.rng.below(steps)).unwrap_or(0) - SPREAD_STEPS
    }

    /// One refresh from its start to what it leaves.
    async fn work(&self, job: Job, ctx: Arc<QueryContext>) {
        let started_ns = self.runtime.env.clock.monotonic_ns();
        let view = job.view.id;
        let ended = |error: Option<String>, made: Made| self.ended((&job, &ctx), started_ns, error, made);
        let left = match self.run_listed(&job, &ctx, &|made| ended(None, made)).await {
            Ok(left) => Some(left),
            Err(_) if self.board.with(|state| state.is_stopping) => None,
            Err(error) => {
                let text = if ctx.cancel.is_cancelled() { CANCELLED.to_owned() } else { exception(&error) };
                let made = Made { amounts: run::amounts(&ctx, 0, 0), ..Made::default() };
                let left = ended(Some(text), made);
                self.keep(&job.view, &left).await;
                Some(left)
            }
        };
        self.board.with(|state| state.ended(view, left));
        self.board.changed();
    }

    async fn run_listed(&self, job: &Job, ctx: &Arc<QueryContext>, leave: &Leave<'_>) -> Result<Left> {
        let text = format!("SYSTEM REFRESH VIEW {}", job.view.qualified_name());
        let started_ns = self.runtime.env.clock.monotonic_ns();
        let process =
            Process { ctx: ctx.clone(), text: text.into(), started_ns, kind: "Insert", origin: Origin::Refresh };
        let guard = self.processes.start(process)?;
        let ended = run::run(self, job, ctx, leave).await;
        match &ended {
            Ok(left) => guard.wrote(left.entry.amounts.written_rows, left.entry.amounts.written_bytes),
            Err(error) => guard.failed(error),
        }
        ended
    }

    /// What a run leaves that ends now.
    fn ended(&self, (job, ctx): (&Job, &QueryContext), started_ns: u64, error: Option<String>, made: Made) -> Left {
        let env = &self.runtime.env;
        let duration_ms = env.clock.monotonic_ns().saturating_sub(started_ns) / 1_000_000;
        let now_ns = env.clock.now_ns();
        let (at_ms, version) = self.board.with(|state| match state.tasks.get_mut(&job.view.id) {
            Some(task) => (task.now_ms(now_ns), task.next_version()),
            // the view is gone: nobody reads this
            None => (now_ns.div_euclid(1_000_000), 0),
        });
        let (at, amounts) = (at_ms.div_euclid(1_000), made.amounts);
        let (is_ok, is_outside) = (error.is_none(), made.is_outside);
        let ended = Ended { at, duration_ms, error, amounts, spread: self.spread() };
        let mut left = Left::new(version, after(&job.plan, &job.before, &job.started, ended));
        if is_ok {
            left.outcome.made_from = made.made_from;
            left.outcome.generations = made.generations.unwrap_or_else(|| job.before.generations.clone());
        }
        left.entry = Entry { duration_ms, amounts, ..entry_of(job, &left, at) };
        left.entry.peak_memory_bytes = ctx.memory.peak_bytes() as u64;
        left.is_outside = is_outside;
        left
    }

    async fn keep(&self, view: &TableDef, left: &Left) {
        let kept = match record::run_rows(left.version, &left.outcome, std::slice::from_ref(&left.entry)) {
            Ok(rows) => record::write(&self.views, view, &rows).await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::warn!(view = %view.qualified_name(), %error, "the end of a refresh is not recorded");
        }
    }
}

/// An error as `system.view_refreshes` shows it.
fn exception(error: &Error) -> String {
    let code = error.code();
    format!("Code: {}. DB::Exception: {error}. ({})", code.0, code.name())
}
