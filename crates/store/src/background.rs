//! The store's own work: checkpoints, garbage, periodic syncs. Each is a loop that ends when the store closes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use types::ErrorCode;

use crate::checkpoint::Checkpoints;
use crate::committer::Request;
use crate::config::SYNC_SOON;
use crate::error::{Error, Result};
use crate::log::FsyncMode;
use crate::merge;
use crate::shared::Shared;
use crate::stats::Stats;

/// After a checkpoint that failed (a full disk, most likely) or did not bring the limits back, the next waits this long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Writes a checkpoint whenever the log or the rows in memory are over their limits.
pub(crate) async fn keep_checkpointing(shared: Arc<Shared>) {
    let mut published = shared.published.subscribe();
    let mut closing = shared.closing.subscribe();
    while shared.stop_reason().is_none() {
        if !shared.is_over(1) {
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return,
                _seq = published.changed() => {}
            }
            continue;
        }
        if let Err(error) = checkpoint(&shared).await {
            tracing::error!(%error, "no checkpoint could be written");
        } else if !shared.is_over(1) {
            continue;
        }
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => return,
            () = shared.env.clock.sleep(RETRY_AFTER) => {}
        }
    }
}

/// One checkpoint: rows that are many or old go to files, the snapshot to a checkpoint file, the log before it goes.
pub(crate) async fn checkpoint(shared: &Arc<Shared>) -> Result<()> {
    // The semaphore is never closed.
    let _turn = shared.checkpointing.acquire().await.ok();
    let result = write_checkpoint(shared).await;
    *shared.checkpoint_failure.lock() = result.as_ref().err().map(|error| (error.code(), error.to_string()));
    shared.checkpointed.notify_waiters();
    result
}

async fn write_checkpoint(shared: &Arc<Shared>) -> Result<()> {
    let all = shared.config.memory_bytes_max <= shared.snapshot().parts.memory_bytes();
    if let Err(error) = merge::flush(shared, all).await {
        // The checkpoint holds the rows then. A full disk is told by the commits that it refuses.
        match error.code() {
            ErrorCode::NOT_ENOUGH_SPACE => tracing::warn!(%error, "rows in memory wait for space on the disk"),
            _ => tracing::error!(%error, "rows in memory could not be written to files"),
        }
    }
    let snapshot = shared.snapshot();
    // A checkpoint never knows more than the log.
    ask(shared, Request::Sync).await?;
    let checkpoints = Checkpoints { disk: &*shared.env.disk, folder: &shared.folder.checkpoints() };
    let bytes = checkpoints.write(&snapshot).await?;
    shared.counters.add(&Stats { checkpoints: 1, checkpoint_bytes: bytes, ..Stats::default() });
    ask(shared, |answer| Request::Free(snapshot.seq, answer)).await?;
    checkpoints.remove_before(snapshot.seq).await
}

/// Deletes files that nobody needs any more, after the log that says so is durable.
pub(crate) async fn collect_garbage(shared: Arc<Shared>) {
    let mut closing = shared.closing.subscribe();
    loop {
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => return,
            () = shared.parts.garbage.wait() => {}
        }
        let objects = shared.parts.garbage.take();
        if let Err(error) = ask(&shared, Request::Sync).await {
            // What the log says of these files is unknown; the next start decides.
            tracing::warn!(%error, files = objects.len(), "part files that nobody needs stay until the next start");
            return;
        }
        for object in objects {
            if let Err(error) = shared.parts.part_store.delete(&object).await {
                tracing::warn!(%error, object, "a part file that nobody needs stays until the next start");
            }
        }
    }
}

/// Makes commits that were answered before their sync durable, at most an interval later.
pub(crate) async fn sync_soon(shared: Arc<Shared>) {
    let interval = match shared.config.fsync {
        FsyncMode::Interval(interval) => interval,
        FsyncMode::Always | FsyncMode::Never => SYNC_SOON,
    };
    let mut closing = shared.closing.subscribe();
    loop {
        let due = async {
            shared.unsynced.notified().await;
            shared.env.clock.sleep(interval).await;
        };
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => return,
            () = due => {}
        }
        if let Err(error) = ask(&shared, Request::Sync).await {
            tracing::error!(%error, "the log could not be synced");
            return;
        }
    }
}

/// Asks the committer and waits.
async fn ask(
    shared: &Shared,
    request: impl FnOnce(oneshot::Sender<std::result::Result<(), crate::error::CommitError>>) -> Request,
) -> Result<()> {
    let (answer, answered) = oneshot::channel();
    shared.send(request(answer), answered).await.map_err(|error| Error::Stop(error.to_string()))
}
