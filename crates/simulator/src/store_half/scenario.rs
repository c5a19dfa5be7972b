//! The store, its writers, and the model of what they did.

use std::sync::Arc;
use std::time::Duration;

use env::Rng;
use env::simulated::SeededRng;
use futures::future::join_all;
use parking_lot::Mutex;
use store::{Commit, Edit, FsyncMode, MergePlan, Store, StoreConfig};
use types::CommitSeq;

use super::model::{JOURNAL, Model, SHARED};
use super::tables::{Keeps, folder, table_def};
use super::writer::Writer;
use crate::history::{Counts, Scenario, World};

/// Writers at the same time.
const WRITERS: usize = 4;

/// The store of one history.
pub struct Stores {
    fsync: FsyncMode,
    model: Arc<Mutex<Model>>,
}

impl Stores {
    /// Most histories force every commit to the disk; some do so now and then, or never.
    pub fn new(seed: u64) -> Stores {
        let fsync = match seed % 10 {
            3 | 6 => FsyncMode::Interval(Duration::from_millis(20 + seed % 60)),
            9 => FsyncMode::Never,
            _ => FsyncMode::Always,
        };
        Stores { fsync, model: Arc::default() }
    }

    /// Small limits, so that files, segments, checkpoints and merges come often.
    fn config(&self) -> StoreConfig {
        StoreConfig {
            fsync: self.fsync,
            segment_bytes_max: 6000,
            inline_bytes_max: 2000,
            log_bytes_max: 20_000,
            memory_bytes_max: 40_000,
            memory_age_max: Duration::from_secs(1),
            cache_bytes_max: 100_000,
            free_bytes_min: 1_000,
            ..StoreConfig::default()
        }
    }

    /// What the policy plans, it plans of neighbours that are there.
    fn check_plans(store: &Store, seed: u64) {
        let snapshot = store.snapshot();
        let is_free = |table, name: &parts::PartName| store.reservations().is_free(table, name);
        let now_ns = store.env().clock.now_ns();
        let plans: Vec<MergePlan> = store::MergePolicy.plan(&snapshot.parts, now_ns, &is_free);
        for plan in plans {
            let there = plan.inputs.iter().all(|name| snapshot.parts.part(plan.table, name).is_some());
            assert!(there && 2 <= plan.inputs.len(), "seed {seed}: {plan:?}");
        }
    }
}

impl Scenario for Stores {
    type Program = Store;

    /// The journal and the shared table are there from the start.
    async fn prepare(&mut self, world: &mut World) {
        let store = self.open(world).await.expect("a fresh folder opens");
        for name in [JOURNAL, SHARED] {
            let def = table_def(store.new_table_id(), name, Keeps::All);
            let create = Commit::of(vec![Edit::CreateTable(Arc::new(def))]);
            store.commit(create).await.expect("a table can be made");
        }
        self.model.lock().begin_with(SHARED, Keeps::All);
        store.close().await.expect("an idle store closes");
    }

    async fn open(&self, world: &World) -> Result<Store, String> {
        Store::open(world.machine.env(), &folder(), self.config()).await.map_err(|error| error.to_string())
    }

    async fn work(&self, store: &Store, world: &World) {
        let steps = 5 + world.rng.below(40);
        let writers = (0..WRITERS).map(|number| {
            let rng = SeededRng::new(world.rng.u64());
            Writer { number, store: store.clone(), model: Arc::clone(&self.model), rng }.run(steps)
        });
        join_all(writers).await;
    }

    async fn close(&self, store: &Store) -> Result<(), String> {
        store.close().await.map_err(|error| error.to_string())
    }

    fn snapshot(&self, store: &Store) -> (CommitSeq, Vec<u8>) {
        let snapshot = store.snapshot();
        (snapshot.seq, snapshot.encode())
    }

    async fn judge(&mut self, store: &Store, world: &mut World, forgot: bool) {
        let mut model = std::mem::take(&mut *self.model.lock());
        let may_lose = forgot && self.fsync != FsyncMode::Always;
        model.judge(&store.snapshot(), may_lose).await;
        Stores::check_plans(store, world.seed);
        *self.model.lock() = model;
    }

    fn counts(&self) -> Counts {
        let model = self.model.lock();
        Counts {
            operations: model.operations,
            acknowledged: model.happened(),
            refused: model.refusals,
            unanswered: model.unanswered,
        }
    }
}
