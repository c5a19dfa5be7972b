//! What runs beside the statements: merges that the policy plans, rows past their time.
//!
//! One loop, woken by every published snapshot and by a timer; it decides by pure functions and acts through the store,
//! which commits each merge by itself. Stopping waits for the merge under way.

mod expiry;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use query::{Caller, QueryContext, Runtime};
use store::{
    Commit, Edit, MergePlan, MergePolicy, MergeWork, Merged, Merges, Snapshot, Store, TableDef, TableKind, Waiting,
};
use tokio_util::sync::CancellationToken;
use types::Settings;
use types::transform::TransformError;

use crate::ddl;
use crate::error::Result;
use crate::processes::Processes;
use crate::telemetry::Telemetry;
use crate::ttl::Ttl;
use expiry::Expiry;

/// The loop looks by itself this often.
const PERIOD: Duration = Duration::from_secs(5);

/// After a look at the parts that found nothing to merge the next one comes this much later at least…
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(10);

/// …and so many times what the look took.
const LOOK_SHARE: u64 = 20;

/// Parts are compared with those seen before at most this often, in nanoseconds.
const LOOK_EVERY_NS: u64 = 1_000_000_000;

/// What the loop tells what it sees.
pub(crate) struct Watched {
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) processes: Processes,
    pub(crate) snapshot_age_max: Option<Duration>,
    pub(crate) folder: PathBuf,
    pub(crate) drop_delay: Duration,
}

/// The task of the loop.
pub(crate) struct Upkeep {
    stop: CancellationToken,
    task: Mutex<Option<env::Task>>,
}

impl Upkeep {
    /// Starts the loop.
    pub(crate) fn start(store: Arc<Store>, runtime: Arc<Runtime>, watched: Watched) -> Upkeep {
        let stop = CancellationToken::new();
        let env = runtime.env.clone();
        watched.telemetry.observe(&store.snapshot(), env.clock.now_ns());
        let task = env.spawner.spawn_background("upkeep", Box::pin(run(store, runtime, watched, stop.clone())));
        Upkeep { stop, task: Mutex::new(Some(task)) }
    }

    /// Ends the loop after the merge under way.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.join().await;
        }
    }
}

async fn run(store: Arc<Store>, runtime: Arc<Runtime>, watched: Watched, stop: CancellationToken) {
    let mut published = store.subscribe();
    let (mut looked_ns, mut expiry) = (0, Expiry::default());
    let processes = watched.processes.clone();
    let waiting: Waiting = Arc::new(move || processes.any_select());
    while !stop.is_cancelled() {
        looked_ns = watched.look(&store, &runtime, looked_ns).await;
        forget_retired(&store, &runtime, watched.drop_delay).await;
        let began_ns = runtime.env.clock.monotonic_ns();
        if expiry.next(&store, &runtime, &waiting).await || merge_next(&store, &runtime, &waiting).await {
            continue;
        }
        // looking costs as much as there are parts: with every commit it would take the time of the commits themselves
        let took_ns = runtime.env.clock.monotonic_ns().saturating_sub(began_ns);
        let pause = LOOK_PAUSE_MIN.max(Duration::from_nanos(took_ns.saturating_mul(LOOK_SHARE)));
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = runtime.env.clock.sleep(pause.min(PERIOD)) => {}
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _seq = published.changed() => {}
            () = runtime.env.clock.sleep(PERIOD) => {}
        }
    }
}

/// Tables that were dropped long enough ago are gone, and give their space back.
async fn forget_retired(store: &Store, runtime: &Runtime, delay: Duration) {
    let delay_ns = i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX);
    let (snapshot, now_ns) = (store.snapshot(), runtime.env.clock.now_ns());
    let due = snapshot.catalog.retired().into_iter().filter(|retired| delay_ns <= now_ns.saturating_sub(retired.at_ns));
    let edits: Vec<Edit> = due.map(|retired| Edit::DropTable { table: retired.table.id }).collect();
    if edits.is_empty() {
        return;
    }
    // an UNDROP of this moment may have come first; what is due still is tried again
    if let Err(error) = store.commit(Commit::of(edits)).await {
        tracing::warn!(%error, "dropped tables stay for now");
    }
}

impl Watched {
    /// Tells what changed, when the last look is long enough ago. When it looked last.
    async fn look(&self, store: &Store, runtime: &Runtime, looked_ns: u64) -> u64 {
        let clock = &runtime.env.clock;
        let now_ns = clock.monotonic_ns();
        if looked_ns != 0 && now_ns < looked_ns.saturating_add(LOOK_EVERY_NS) {
            return looked_ns;
        }
        self.telemetry.observe(&store.snapshot(), clock.now_ns());
        if let Some(age_max) = self.snapshot_age_max {
            let oldest_ns = now_ns.saturating_sub(u64::try_from(age_max.as_nanos()).unwrap_or(u64::MAX));
            self.processes.end_started_before(oldest_ns);
        }
        // a disk that does not say is one without a number in system.disks
        let free = runtime.env.disk.free_space(&self.folder).await;
        let total = runtime.env.disk.total_space(&self.folder).await;
        self.telemetry.saw_disk(free.unwrap_or_default(), total.unwrap_or_default());
        now_ns
    }
}

/// Runs the best merge there is; false when there is none.
async fn merge_next(store: &Store, runtime: &Arc<Runtime>, waiting: &Waiting) -> bool {
    let snapshot = store.snapshot();
    let reservations = store.reservations();
    let now_ns = runtime.env.clock.now_ns();
    let plans = MergePolicy.plan(&snapshot.parts, now_ns, &|table, part| reservations.is_free(table, part));
    // parts of a Buffer are on their way out as they are
    let stays = |table| snapshot.catalog.table_by_id(table).is_none_or(|def| def.kind != TableKind::Buffer);
    let next = plans.into_iter().find(|plan| store.merges().may_run(plan.table) && stays(plan.table));
    let Some(plan) = next.or_else(|| store.plan_outdated(now_ns)) else { return false };
    let Some(table) = snapshot.catalog.table_by_id(plan.table).cloned() else { return false };
    match merge(store, runtime, &table, &plan, waiting).await {
        Ok(merged) => merged == Merged::Done(Default::default()) || !matches!(merged, Merged::GivenUp),
        Err(error) => {
            tracing::warn!(table = %table.qualified_name(), %error, "merge failed; its parts stay as they are");
            false
        }
    }
}

/// Who asks, when nobody does.
fn context(table: &TableDef, snapshot: Arc<Snapshot>, runtime: &Arc<Runtime>) -> QueryContext {
    let caller = Caller { query_id: "upkeep".into(), user: "default".into(), database: table.database.clone() };
    QueryContext::new(runtime.clone(), snapshot, caller, Settings::default())
}

async fn merge(
    store: &Store,
    runtime: &Arc<Runtime>,
    table: &Arc<TableDef>,
    plan: &MergePlan,
    waiting: &Waiting,
) -> Result<Merged> {
    let ctx = Arc::new(context(table, store.snapshot(), runtime));
    let mut work = merge_work(table, store.merges(), &ctx)?;
    work.waiting = Some(waiting.clone());
    let merged = store.merge(plan, &work).await;
    merged.map_err(|error| crate::Error::refused(error.code(), error.to_string()))
}

/// What is computed of rows that the store itself writes to files: of tables with indexes or projections.
pub(crate) fn derives(runtime: &Arc<Runtime>) -> store::Derives {
    // the store must not keep alive who keeps it alive
    let runtime = Arc::downgrade(runtime);
    Arc::new(move |snapshot, table| {
        let runtime = runtime.upgrade().filter(|_| table.sql.contains("PROJECTION") || table.sql.contains("INDEX"))?;
        let ctx = context(table, Arc::clone(snapshot), &runtime);
        let derived = query::derive::derived(table, None, &ctx);
        if let Err(error) = &derived {
            tracing::warn!(table = %table.qualified_name(), %error, "rows go to a file without indexes and projections");
        }
        derived.ok()
    })
}

/// What merges of a table do beside its engine's rule: rows of old parts get today's columns, those past their time go.
pub(crate) fn merge_work(table: &TableDef, merges: &Merges, ctx: &Arc<QueryContext>) -> Result<MergeWork> {
    let finish = match Ttl::of(table)? {
        Some(ttl) if table.schema.is_some() && merges.may_expire(table.id) => Some(ttl.finish(table, ctx)?),
        _ => None,
    };
    let derived = query::derive::derived(table, finish.as_ref().map(|_| crate::ttl::now_s(ctx)), ctx)?;
    let derived = match ddl::projections::are_dropped_by_merges(table)? {
        true => derived.retain_projections(|_| false),
        false => derived,
    };
    let (id, upgrading) = (table.id, Arc::clone(ctx));
    let upgrade: store::Upgrade = Arc::new(move |snapshot, part| {
        let failed = |error: query::Error| TransformError { code: error.code(), message: error.to_string() };
        query::layout::upgrade_part(snapshot, id, part, &upgrading).map_err(failed)
    });
    Ok(MergeWork { upgrade: Some(upgrade), finish, derived, ..MergeWork::default() })
}
