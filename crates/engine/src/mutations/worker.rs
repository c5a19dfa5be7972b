//! Runs queued mutations beside the statements, one at a time, of each table in their order.
//!
//! What fails is tried again, ever more rarely, until it succeeds or is killed; those behind it wait. Stopping ends the one
//! under way: nothing of it was done, and it is run again after the next start.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sql::ast::{AlterAction, StatementKind};
use tokio_util::sync::CancellationToken;
use types::{ErrorCode, Settings};

use super::queue::{Failure, Queued};
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};

/// Between the first try and the second; each later pause is twice as long.
const PAUSE_NS: u64 = 100_000_000;
/// No pause is longer than `PAUSE_NS << DOUBLINGS_MAX`: half a minute.
const DOUBLINGS_MAX: u32 = 8;
/// The worker looks by itself this often.
const PERIOD: Duration = Duration::from_secs(5);

/// The task.
#[derive(Default)]
pub(crate) struct Worker {
    stop: CancellationToken,
    task: Mutex<Option<env::Task>>,
}

impl Worker {
    /// Starts it. It ends by itself when the engine is gone.
    pub(crate) fn start(&self, engine: &Engine) {
        let (inner, stop) = (Arc::downgrade(&engine.inner), self.stop.clone());
        let task = engine.env().spawner.spawn_background("mutations", Box::pin(run(inner, stop)));
        *self.task.lock() = Some(task);
    }

    /// Ends it, and the mutation under way.
    pub(crate) async fn stop(&self, engine: &Engine) {
        self.stop.cancel();
        engine.inner.mutations.queue.list().iter().for_each(|queued| queued.cancel.cancel());
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.join().await;
        }
    }
}

async fn run(inner: Weak<Inner>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let Some(engine) = inner.upgrade().map(|inner| Engine { inner }) else { return };
        let queue = engine.inner.mutations.queue.clone();
        let clock = Arc::clone(&engine.env().clock);
        let now_ns = clock.monotonic_ns();
        let killed = queue.list().into_iter().find(|queued| queued.cancel.is_cancelled());
        if let Some(killed) = killed
            && !stop.is_cancelled()
            && end(&engine, &killed).await
        {
            continue;
        }
        let heads: Vec<Queued> = queue.heads().into_iter().filter(|head| !head.cancel.is_cancelled()).collect();
        if let Some(next) = heads.iter().find(|head| head.next_try_ns <= now_ns) {
            attempt(&engine, next).await;
            continue;
        }
        let wait_ns = heads.iter().map(|head| head.next_try_ns.saturating_sub(now_ns)).min();
        let wait = wait_ns.map_or(PERIOD, |wait_ns| Duration::from_nanos(wait_ns).min(PERIOD));
        // nothing of the engine is held while nothing is done
        drop(engine);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = queue.wait_for_work() => {}
            () = clock.sleep(wait) => {}
        }
    }
}

/// Takes a killed mutation off the queue; false when that cannot be written now.
async fn end(engine: &Engine, queued: &Queued) -> bool {
    let (views, queue) = (&engine.inner.views, &engine.inner.mutations.queue);
    let ended = async {
        if let Some(edit) = queue.end_edit(views, queued).await? {
            engine.inner.store.commit(store::Commit::of(vec![edit])).await?;
        }
        Ok::<(), Error>(())
    };
    match ended.await {
        Ok(()) => queue.ended(views, queued),
        Err(error) => {
            tracing::warn!(mutation = queued.id(), %error, "a killed mutation could not be taken off the queue");
            return false;
        }
    }
    true
}

async fn attempt(engine: &Engine, queued: &Queued) {
    let mutations = &engine.inner.mutations;
    match mutate(engine, queued).await {
        Ok(()) => mutations.queue.ended(&engine.inner.views, queued),
        // it was killed, or the process stops
        Err(_) if queued.cancel.is_cancelled() => {}
        Err(error) => {
            tracing::warn!(mutation = queued.id(), %error, "a mutation failed and is tried again");
            let clock = &engine.env().clock;
            let pause_ns = PAUSE_NS << queued.tries.min(DOUBLINGS_MAX);
            let cause = match &error {
                Error::Unfinished { source, .. } => source,
                other => other,
            };
            let failure = Failure { at_ns: clock.now_ns(), code: cause.code(), reason: cause.to_string() };
            mutations.queue.failed(queued, failure, clock.monotonic_ns().saturating_add(pause_ns));
        }
    }
}

async fn mutate(engine: &Engine, queued: &Queued) -> Result<()> {
    let (views, queue) = (&engine.inner.views, &engine.inner.mutations.queue);
    let snapshot = engine.inner.store.snapshot();
    let end = queue.end_edit(views, queued).await?;
    let Some(def) = snapshot.catalog.table_by_id(queued.table()) else {
        // with its table gone there is nothing to do
        engine.inner.store.commit(store::Commit::of(end.into_iter().collect())).await?;
        return Ok(());
    };
    let mut ctx = engine.context(queued.id().into(), "default", &def.database, Settings::default());
    ctx.cancel = queued.cancel.clone();
    let actions = actions(&queued.row.commands)?;
    crate::alter::mutate_queued(engine, queued, &actions, end, &Arc::new(ctx)).await
}

/// The commands as they were parsed.
fn actions(commands: &[String]) -> Result<Vec<AlterAction>> {
    let statement = sql::parse_statement(&format!("ALTER TABLE t {}", commands.join(", ")))?;
    match statement.kind {
        StatementKind::AlterTable(alter) => Ok(alter.actions),
        _ => Err(Error::refused(ErrorCode::CORRUPTED_DATA, "a queued mutation is no ALTER")),
    }
}
