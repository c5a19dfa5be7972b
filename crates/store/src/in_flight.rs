//! Which inserts are on their way and which definitions are about to change, so that neither fails because of the other.
//!
//! ```text
//! insert   enter ──────────── shape, fan out, stage ──────────── commit ─▶ drop          waits while DDL holds its tables
//! DDL             hold ··· waits for those that were before it ··· commit ─▶ drop
//! ```
//! A courtesy, not a lock: who has waited as long as its user said goes on, and what does not fit any more is refused by
//! name in `apply`. DDL never waits for DDL, and an insert takes all its tables at once, so nobody waits in a circle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use env::Clock;
use parking_lot::Mutex;
use tokio::sync::Notify;
use types::TableId;

/// Inserts and definition changes on their way. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    one_left: Notify,
}

#[derive(Debug, Default)]
struct State {
    last_ticket: u64,
    inserts: BTreeMap<u64, Vec<TableId>>,
    changes: BTreeMap<u64, Vec<TableId>>,
}

/// An insert on its way; it has passed when this is dropped.
#[derive(Debug)]
pub struct Passage {
    shared: Arc<Shared>,
    ticket: u64,
}

/// A definition change on its way; later inserts over its tables wait until this is dropped.
#[derive(Debug)]
pub struct Hold {
    shared: Arc<Shared>,
    ticket: u64,
}

impl InFlight {
    /// An insert sets out over these tables: its target and all that its views write. Waits, at most `timeout`, for
    /// definition changes over one of them. Take it before pinning the snapshot.
    pub async fn enter(&self, tables: Vec<TableId>, clock: &dyn Clock, timeout: Duration) -> Passage {
        self.wait(clock, timeout, |state| !meets(state.changes.values(), &tables)).await;
        let mut state = self.shared.state.lock();
        state.last_ticket += 1;
        let ticket = state.last_ticket;
        state.inserts.insert(ticket, tables);
        Passage { shared: Arc::clone(&self.shared), ticket }
    }

    /// Holds later inserts over one of `tables` back, and waits, at most `timeout`, until those that are on their way now
    /// have passed.
    pub async fn hold(&self, tables: Vec<TableId>, clock: &dyn Clock, timeout: Duration) -> Hold {
        let hold = {
            let mut state = self.shared.state.lock();
            state.last_ticket += 1;
            let ticket = state.last_ticket;
            state.changes.insert(ticket, tables.clone());
            Hold { shared: Arc::clone(&self.shared), ticket }
        };
        let newest = hold.ticket;
        self.wait(clock, timeout, |state| !meets(state.inserts.range(..newest).map(|(_, over)| over), &tables)).await;
        hold
    }

    /// Waits until `is_free` or the timeout.
    async fn wait(&self, clock: &dyn Clock, timeout: Duration, is_free: impl Fn(&State) -> bool) {
        let wait = async {
            loop {
                let one_left = self.shared.one_left.notified();
                tokio::pin!(one_left);
                // Listens from here on, so that a passage between the look and the wait is not missed.
                one_left.as_mut().enable();
                if is_free(&self.shared.state.lock()) {
                    return;
                }
                one_left.await;
            }
        };
        tokio::select! {
            biased;
            () = wait => {}
            () = clock.sleep(timeout) => {}
        }
    }
}

fn meets<'a>(mut there: impl Iterator<Item = &'a Vec<TableId>>, tables: &[TableId]) -> bool {
    there.any(|over| over.iter().any(|table| tables.contains(table)))
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.shared.state.lock().inserts.remove(&self.ticket);
        self.shared.one_left.notify_waiters();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.state.lock().changes.remove(&self.ticket);
        self.shared.one_left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use env::simulated::SimulatedClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn ddl_waits_for_those_before_it_and_holds_back_those_after() {
        let clock = SimulatedClock::new(0);
        let in_flight = InFlight::default();
        let insert = in_flight.enter(vec![TableId(1), TableId(2)], &clock, SECOND).await;
        drop(in_flight.hold(vec![TableId(3)], &clock, SECOND).await);
        assert_eq!(clock.monotonic_ns(), 0, "nobody is on the way over the third");
        let order = Mutex::new(Vec::new());
        let change = async {
            let hold = in_flight.hold(vec![TableId(2)], &clock, SECOND).await;
            order.lock().push("change");
            drop(hold);
        };
        let later = async {
            tokio::task::yield_now().await;
            let passage = in_flight.enter(vec![TableId(2)], &clock, SECOND).await;
            order.lock().push("later");
            drop(passage);
        };
        let pass = async {
            clock.sleep(SECOND / 2).await;
            order.lock().push("first");
            drop(insert);
        };
        tokio::join!(change, later, pass);
        assert_eq!(*order.lock(), ["first", "change", "later"]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_was_said() {
        let clock = SimulatedClock::new(0);
        let in_flight = InFlight::default();
        let _insert = in_flight.enter(vec![TableId(1)], &clock, SECOND).await;
        let _hold = in_flight.hold(vec![TableId(1)], &clock, SECOND).await;
        let _later = in_flight.enter(vec![TableId(1)], &clock, SECOND).await;
        assert_eq!(clock.monotonic_ns(), 2_000_000_000);
    }
}
