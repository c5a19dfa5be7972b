//! Skipped runs are recorded together, now and then: what a crash loses of them is skipped again at the next start.

use std::sync::Arc;
use std::time::Duration;

use store::TableDef;
use types::Block;
use views::refresh::record;

use super::Scheduler;
use super::board::{State, Task};

/// Skipped runs are recorded this often: each time costs a part in the record of every view, and merges of these.
const SAVE_EVERY: Duration = Duration::from_secs(60);

impl Scheduler {
    /// Records skipped runs in a task of its own, when the last time is long enough ago.
    pub(super) fn save_now_and_then(&self) {
        let now_ns = self.runtime.env.clock.monotonic_ns();
        let every_ns = u64::try_from(SAVE_EVERY.as_nanos()).unwrap_or(u64::MAX);
        let is_time = {
            let mut saved_ns = self.saved_ns.lock();
            let is_time = *saved_ns + every_ns <= now_ns;
            if is_time {
                *saved_ns = now_ns;
            }
            is_time
        };
        if !is_time || !self.board.with(|state| state.tasks.values().any(is_to_save)) {
            return;
        }
        let Ok(live) = Arc::clone(&self.live).try_read_owned() else { return };
        let scheduler = self.clone();
        let work = async move {
            scheduler.save().await;
            drop(scheduler);
            drop(live);
        };
        self.runtime.env.spawner.spawn_background("refresh-records", Box::pin(work));
    }

    /// Records every skipped run that is not recorded yet.
    pub(super) async fn save(&self) {
        let rows = self.board.with(unsaved);
        if let Err(error) = record::write_all(&self.views, &rows).await {
            tracing::warn!(%error, "skipped refreshes are not recorded");
        }
    }
}

/// The outcome of a run under way is its own to write: with a later version it would be written over.
fn is_to_save(task: &Task) -> bool {
    !task.unsaved.is_empty() && task.run.is_none()
}

fn unsaved(state: &mut State) -> Vec<(Arc<TableDef>, Block)> {
    let mut rows = Vec::new();
    for task in state.tasks.values_mut().filter(|task| is_to_save(task)) {
        let entries = std::mem::take(&mut task.unsaved);
        let version = task.next_version();
        match record::run_rows(version, &task.outcome, &entries) {
            Ok(block) => rows.push((Arc::clone(&task.view), block)),
            Err(error) => {
                tracing::warn!(view = %task.view.qualified_name(), %error, "skipped refreshes are not recorded")
            }
        }
    }
    rows
}
