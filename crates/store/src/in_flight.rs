//! Which inserts are on their way, so that DDL can let them pass first.
//!
//! A courtesy, not a lock: an insert never waits, and DDL waits only for those that were on their way before it, at most
//! as long as its user said. Whoever comes too late is refused by name in `apply`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use env::Clock;
use parking_lot::Mutex;
use tokio::sync::Notify;
use types::TableId;

/// Inserts on their way. Cheap to clone.
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
}

/// An insert on its way; it has passed when this is dropped.
#[derive(Debug)]
pub struct Passage {
    shared: Arc<Shared>,
    ticket: u64,
}

impl InFlight {
    /// An insert sets out over these tables: its target and all that its views write. Take it before pinning the snapshot.
    pub fn enter(&self, tables: Vec<TableId>) -> Passage {
        let mut state = self.shared.state.lock();
        state.last_ticket += 1;
        let ticket = state.last_ticket;
        state.inserts.insert(ticket, tables);
        Passage { shared: Arc::clone(&self.shared), ticket }
    }

    /// Waits until every insert that is on its way over one of `tables` now has passed. False when `timeout` came first.
    pub async fn passed(&self, tables: &[TableId], clock: &dyn Clock, timeout: Duration) -> bool {
        let newest = self.shared.state.lock().last_ticket;
        let wait = async {
            loop {
                let one_left = self.shared.one_left.notified();
                tokio::pin!(one_left);
                // Listens from here on, so that a passage between the look and the wait is not missed.
                one_left.as_mut().enable();
                if !self.is_any(tables, newest) {
                    return;
                }
                one_left.await;
            }
        };
        tokio::select! {
            biased;
            () = wait => true,
            () = clock.sleep(timeout) => false,
        }
    }

    fn is_any(&self, tables: &[TableId], newest: u64) -> bool {
        let state = self.shared.state.lock();
        state.inserts.range(..=newest).any(|(_, over)| over.iter().any(|table| tables.contains(table)))
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.shared.state.lock().inserts.remove(&self.ticket);
        self.shared.one_left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use env::simulated::SimulatedClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ddl_waits_for_those_before_it_and_not_for_those_after() {
        let (clock, second) = (SimulatedClock::new(0), Duration::from_secs(1));
        let in_flight = InFlight::default();
        let insert = in_flight.enter(vec![TableId(1), TableId(2)]);
        assert!(in_flight.passed(&[TableId(3)], &clock, second).await);
        assert!(!in_flight.passed(&[TableId(2)], &clock, second).await, "the insert is still on its way");
        let tables = [TableId(2)];
        let wait = in_flight.passed(&tables, &clock, second);
        let pass = async {
            tokio::task::yield_now().await;
            let later = in_flight.enter(vec![TableId(2)]);
            drop(insert);
            tokio::task::yield_now().await;
            later
        };
        let (passed, _later) = tokio::join!(wait, pass);
        assert!(passed);
    }
}
