//! One history: runs of the program, each ended by a power cut, a kill, a fault or a proper close, each judged.

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use env::simulated::{Fault, Machine, SeededRng};
use env::{DiskOp, Rng};
use futures::future::join_all;
use parking_lot::Mutex;
use store::{Commit, Edit, MergePlan, Store, StoreConfig};

use super::model::{JOURNAL, Model, SHARED};
use super::tables::{Keeps, folder, table_def};
use super::writer::Writer;
use crate::driver::Report;

/// Runs of the program in one history.
const RUNS: u64 = 6;
/// Writers at the same time.
const WRITERS: usize = 4;
/// 2025-11-22.
const START_NS: i64 = 1_763_769_600_000_000_000;

/// The history of `seed`.
pub fn run(seed: u64) -> Pin<Box<dyn Future<Output = Report>>> {
    Box::pin(async move { History::new(seed).run().await })
}

/// How a run of the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum End {
    /// The power goes at the n-th disk operation.
    PowerCut { after: u64 },
    /// The process is killed at the n-th disk operation; what it wrote is still seen, and not all of it is durable.
    KillAt { after: u64 },
    /// The log cannot be written.
    LogFault,
    /// The process is killed when all writers are done.
    Kill,
    /// The store is closed.
    Close,
}

struct History {
    seed: u64,
    machine: Machine,
    rng: SeededRng,
    model: Arc<Mutex<Model>>,
    hasher: DefaultHasher,
    report: Report,
}

impl History {
    fn new(seed: u64) -> History {
        let machine = Machine::new(seed, START_NS);
        machine.disk.set_latency(Duration::from_millis(3));
        History {
            seed,
            machine,
            rng: SeededRng::new(seed ^ 0x5151_5151),
            model: Arc::default(),
            hasher: DefaultHasher::new(),
            report: Report::default(),
        }
    }

    async fn run(mut self) -> Report {
        self.prepare().await;
        for _ in 0..RUNS {
            let end = self.choose_end();
            end.hash(&mut self.hasher);
            self.run_program(end).await;
            self.judge().await;
        }
        let model = self.model.lock();
        self.machine.disk.operations().hash(&mut self.hasher);
        Report {
            hash: self.hasher.finish(),
            unanswered: model.unanswered,
            faults: self.machine.disk.faults_fired(),
            ..self.report
        }
    }

    /// Small limits, so that files, segments, checkpoints and merges come often.
    fn config() -> StoreConfig {
        StoreConfig {
            segment_bytes_max: 6000,
            inline_bytes_max: 2000,
            log_bytes_max: 20_000,
            memory_bytes_max: 40_000,
            memory_age_max: Duration::from_secs(1),
            cache_bytes_max: 100_000,
            ..StoreConfig::default()
        }
    }

    async fn open(&self) -> store::Result<Store> {
        Store::open(self.machine.env(), &folder(), Self::config()).await
    }

    /// The journal and the shared table are there from the start.
    async fn prepare(&mut self) {
        let store = self.open().await.expect("a fresh folder opens");
        for name in [JOURNAL, SHARED] {
            let def = table_def(store.new_table_id(), name, Keeps::All);
            let create = Commit::of(vec![Edit::CreateTable(Arc::new(def))]);
            store.commit(create).await.expect("a table can be made");
        }
        self.model.lock().begin_with(SHARED, Keeps::All);
        store.close().await.expect("an idle store closes");
    }

    fn choose_end(&self) -> End {
        match self.rng.below(10) {
            0..=4 => End::PowerCut { after: self.choose_moment() },
            5..=6 => End::KillAt { after: self.choose_moment() },
            7 => End::LogFault,
            8 => End::Kill,
            _ => End::Close,
        }
    }

    /// Often soon after the start: recovery, too, is cut.
    fn choose_moment(&self) -> u64 {
        if self.rng.chance(20) { self.rng.below(40) } else { self.rng.below(400) }
    }

    /// One run of the program, to its end.
    async fn run_program(&mut self, end: End) {
        self.report.restarts += 1;
        match end {
            End::PowerCut { after } => {
                if self.work_until(after).await {
                    self.report.cuts += 1;
                    let dropped = self.machine.cut_power().dropped_something();
                    self.report.cuts_that_dropped += u64::from(dropped);
                }
            }
            End::KillAt { after } => {
                self.work_until(after).await;
                self.machine.kill_process();
            }
            End::LogFault => {
                let (op, fault) = match self.rng.below(4) {
                    0 => (DiskOp::SyncFile, Fault::Io),
                    1 => (DiskOp::Append, Fault::ShortWrite),
                    2 => (DiskOp::Append, Fault::NoSpace),
                    _ => (DiskOp::Append, Fault::Io),
                };
                let place = if self.rng.chance(70) { "/log/" } else { "/parts/" };
                self.machine.disk.inject(op, place, self.rng.below(30), fault);
                self.work().await;
                self.machine.cut_power();
            }
            End::Kill => {
                let store = self.work().await;
                let live = store.map(|store| store.snapshot().encode());
                self.machine.kill_process();
                self.compare(live).await;
            }
            End::Close => {
                let Some(store) = self.work().await else { return };
                store.close().await.expect("a store without faults closes");
                let live = store.snapshot().encode();
                drop(store);
                self.compare(Some(live)).await;
            }
        }
        self.machine.kill_process();
    }

    /// Works until the n-th disk operation from now, after which nothing on the machine moves any more; false when the
    /// work was done before.
    async fn work_until(&self, after: u64) -> bool {
        self.machine.disk.lose_power_after(after);
        let stopped = tokio::select! {
            biased;
            () = self.machine.disk.power_lost() => true,
            _done = self.work() => false,
        };
        self.assert_no_panic();
        stopped
    }

    /// Opens the store and lets the writers write; gives the store back when all are done.
    async fn work(&self) -> Option<Store> {
        let store = self.open().await.ok()?;
        let steps = 5 + self.rng.below(40);
        // Not spawned: a writer that finds a contradiction ends the history with its panic.
        let writers = (0..WRITERS).map(|number| {
            let rng = SeededRng::new(self.rng.u64());
            Writer { number, store: store.clone(), model: Arc::clone(&self.model), rng }.run(steps)
        });
        join_all(writers).await;
        self.assert_no_panic();
        Some(store)
    }

    fn assert_no_panic(&self) {
        assert_eq!(self.machine.spawner.panicked(), 0, "seed {}: a task of the store panicked", self.seed);
    }

    /// Opens the store again without work: replay gives the live snapshot.
    async fn compare(&mut self, live: Option<Vec<u8>>) {
        let Some(live) = live else { return };
        let store = self.open().await.expect("a store that was left in order opens");
        assert!(store.snapshot().encode() == live, "seed {}: replay is not the live snapshot", self.seed);
        self.machine.kill_process();
    }

    /// Opens the store after whatever happened and judges it; leaves the machine without a program.
    async fn judge(&mut self) {
        let store = self.open().await.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        let snapshot = store.snapshot();
        let mut model = std::mem::take(&mut *self.model.lock());
        model.judge(&snapshot).await;
        self.check_plans(&store, &snapshot);
        snapshot.encode().hash(&mut self.hasher);
        self.report.acknowledged = model.happened();
        self.report.refused = model.refusals;
        *self.model.lock() = model;
        self.machine.kill_process();
    }

    /// What the policy plans, it plans of neighbours that are there.
    fn check_plans(&self, store: &Store, snapshot: &store::Snapshot) {
        let is_free = |table, name: &parts::PartName| store.reservations().is_free(table, name);
        let now_ns = store.env().clock.now_ns();
        let plans: Vec<MergePlan> = store::MergePolicy.plan(&snapshot.parts, now_ns, &is_free);
        for plan in plans {
            let there = plan.inputs.iter().all(|name| snapshot.parts.part(plan.table, name).is_some());
            assert!(there && 2 <= plan.inputs.len(), "seed {}: {plan:?}", self.seed);
        }
    }
}
