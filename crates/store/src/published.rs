//! Tells of every published snapshot.
//!
//! Not `tokio::sync::watch`: that wakes its waiters in an order that is random by design, and a history of the simulator
//! would not be the same twice. Here they are woken in the order in which they began to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use types::CommitSeq;

/// The number of the newest snapshot.
#[derive(Debug, Default)]
pub(crate) struct Published {
    seq: AtomicU64,
    moved: Notify,
}

/// Follows what is published; commits in quick succession may be told of once.
#[derive(Debug)]
pub struct Subscription {
    published: Arc<Published>,
    seen: CommitSeq,
}

impl Published {
    pub(crate) fn at(seq: CommitSeq) -> Arc<Published> {
        Arc::new(Published { seq: AtomicU64::new(seq.0), moved: Notify::new() })
    }

    pub(crate) fn tell(&self, seq: CommitSeq) {
        self.seq.store(seq.0, Ordering::Release);
        self.moved.notify_waiters();
    }

    pub(crate) fn subscribe(self: &Arc<Self>) -> Subscription {
        Subscription { published: Arc::clone(self), seen: self.newest() }
    }

    fn newest(&self) -> CommitSeq {
        CommitSeq(self.seq.load(Ordering::Acquire))
    }
}

impl Subscription {
    /// Returns the number of the newest snapshot once there is one that was not told of. Nothing is missed when the future
    /// is dropped.
    pub async fn changed(&mut self) -> CommitSeq {
        loop {
            let moved = self.published.moved.notified();
            tokio::pin!(moved);
            // Listens from here on, so that what is published between the look and the wait is not missed.
            moved.as_mut().enable();
            let newest = self.published.newest();
            if newest != self.seen {
                self.seen = newest;
                return newest;
            }
            moved.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_published_before_the_wait_is_told_of_once() {
        let published = Published::at(CommitSeq(3));
        let mut subscription = published.subscribe();
        published.tell(CommitSeq(4));
        published.tell(CommitSeq(5));
        assert_eq!(subscription.changed().await, CommitSeq(5));
        let (changed, ()) = tokio::join!(subscription.changed(), async { published.tell(CommitSeq(6)) });
        assert_eq!(changed, CommitSeq(6));
    }
}
