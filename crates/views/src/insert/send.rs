//! Step 4 for a finished insert: its commit on the way to the store, on a task of its own.
//!
//! Who asked for an insert may go away at any await, and a commit that was handed to the store happens all the same.
//! Until its outcome is known the turns at window views and the gate must stay held: the next insert would read a
//! watermark and panes from before the commit and undo them, and a definition change would make it fail. So the task owns them, not the caller.

use store::{Commit, CommitError, FsyncMode, Passage, Receipt};
use tokio::sync::oneshot;

use crate::Views;
use crate::window::Ticket;

impl Views {
    /// Commits and gives the turns at window views back, also when nobody waits for the answer any more.
    pub(super) async fn send(
        &self,
        commit: Commit,
        fsync: Option<FsyncMode>,
        tickets: Vec<Ticket>,
        passage: Option<Passage>,
    ) -> Result<Receipt, CommitError> {
        let (tell, told) = oneshot::channel();
        let views = self.clone();
        let task = async move {
            let _open = views.gate.read().await;
            let fsync = fsync.unwrap_or(views.store.config().fsync);
            let outcome = views.store.commit_with(commit, fsync).await;
            if outcome.is_ok() {
                tickets.into_iter().for_each(Ticket::committed);
            }
            drop(passage);
            // whoever asked may be gone
            let _unheard = tell.send(outcome);
        };
        self.runtime.env.spawner.spawn("commit", Box::pin(task));
        told.await.unwrap_or_else(|_ended| Err(CommitError::Unknown("the process is stopping".to_owned())))
    }
}
