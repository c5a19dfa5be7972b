//! The engine, its clients, and how their tables and views are judged.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use engine::{Engine, EngineConfig, Session};
use env::Rng;
use env::simulated::{DiskImage, Machine, SeededRng};
use futures::future::join_all;
use parking_lot::Mutex;
use query::{RuntimeConfig, SharedPlans};
use store::StoreConfig;
use types::CommitSeq;

use super::client::Client;
use super::decay;
use super::model::Model;
use super::rules::{self, RULES};
use super::tables::{DEFINITIONS, EQUAL, EXTRA_QUERY, EXTRAS, MENDING, PICKY_QUERY, folder, session, text};
use super::window::Outcome;
use crate::driver::paused_runtime;
use crate::history::{Counts, OPERATIONS_MIN, START_NS, Scenario, World};

/// Clients at the same time.
const CLIENTS: u64 = 4;

/// Every so many histories one plans all its statements itself.
const PLANS_OF_ITS_OWN_EVERY: u64 = 32;
/// Every so many histories one ends with a damaged file.
const DECAY_EVERY: u64 = 4;
/// Dropped tables are kept for a while that a history is longer than.
const DROP_DELAY: Duration = Duration::from_millis(200);
const AN_HOUR_NS: i64 = 3_600_000_000_000;

/// The engine of one history.
#[derive(Default)]
pub struct Engines {
    model: Arc<Mutex<Model>>,
}

impl Scenario for Engines {
    type Program = Engine;

    async fn prepare(&mut self, world: &mut World) {
        world.machine.disk.restore(image());
    }

    async fn open(&self, world: &World) -> Result<Engine, String> {
        open(&world.machine, world.seed).await.map_err(|error| error.to_string())
    }

    async fn work(&self, engine: &Engine, world: &World) {
        // What is left to do, and some more: what comes after enough proves little.
        let left = OPERATIONS_MIN.saturating_sub(self.model.lock().operations) / CLIENTS;
        let steps = 12 + world.rng.below(50).min(left);
        let landing = Arc::default();
        let clients = (0..CLIENTS).map(|number| {
            let (model, landing) = (Arc::clone(&self.model), Arc::clone(&landing));
            let rng = SeededRng::new(world.rng.u64());
            Client { number, engine: engine.clone(), model, landing, rng }.run(steps)
        });
        join_all(clients).await;
    }

    async fn close(&self, engine: &Engine) -> Result<(), String> {
        engine.close().await.map_err(|error| error.to_string())
    }

    fn snapshot(&self, engine: &Engine) -> (CommitSeq, Vec<u8>) {
        engine.encoded_snapshot()
    }

    async fn judge(&mut self, engine: &Engine, world: &mut World, _forgot: bool) {
        let mut judge = Judge { session: session(engine), world, model: Arc::clone(&self.model) };
        judge.nothing_is_aside().await;
        judge.settle().await;
        judge.base().await;
        judge.picky().await;
        judge.extras().await;
        judge.owned().await;
        judge.rules().await;
        judge.window().await;
    }

    async fn decay(&mut self, world: &mut World) {
        if world.seed.is_multiple_of(DECAY_EVERY) {
            decay::run(self, world).await;
        }
    }

    fn counts(&self) -> Counts {
        let model = self.model.lock();
        Counts {
            operations: model.operations,
            acknowledged: model.count_happened(),
            refused: model.refused,
            unanswered: model.unanswered,
        }
    }
}

/// The disk that every history begins with, made once: the tables are there.
pub fn image() -> &'static DiskImage {
    static IMAGE: LazyLock<DiskImage> = LazyLock::new(|| {
        let made = std::thread::spawn(|| paused_runtime().block_on(make_image()));
        made.join().expect("the tables of a history can be made")
    });
    &IMAGE
}

async fn make_image() -> DiskImage {
    let machine = Machine::new(0, START_NS - AN_HOUR_NS);
    let engine = open(&machine, 0).await.expect("a fresh folder opens");
    let mut session = session(&engine);
    for definition in DEFINITIONS.iter().chain(rules::DEFINITIONS) {
        text(&mut session, definition).await.unwrap_or_else(|error| panic!("{definition}: {error}"));
    }
    engine.close().await.expect("an idle engine closes");
    machine.disk.image()
}

async fn open(machine: &Machine, seed: u64) -> engine::Result<Engine> {
    Engine::open(machine.env(), &folder(), config(seed)).await
}

/// Small limits, so that files, segments, checkpoints and merges come often. Most histories share the plans of statements
/// that they have in common, which takes most of the time of one that does not.
fn config(seed: u64) -> EngineConfig {
    static PLANS: LazyLock<Arc<SharedPlans>> = LazyLock::new(Arc::default);
    let store = StoreConfig {
        segment_bytes_max: 20_000,
        inline_bytes_max: 3_000,
        log_bytes_max: 60_000,
        memory_bytes_max: 60_000,
        memory_age_max: Duration::from_secs(1),
        cache_bytes_max: 100_000,
        free_bytes_min: 1_000,
        ..StoreConfig::default()
    };
    let shared_plans = (!seed.is_multiple_of(PLANS_OF_ITS_OWN_EVERY)).then(|| Arc::clone(&PLANS));
    let runtime = RuntimeConfig { shared_plans, ..RuntimeConfig::default() };
    EngineConfig { store, runtime, drop_delay: DROP_DELAY, ..EngineConfig::default() }
}

/// Looks at an engine that nobody else uses.
struct Judge<'a> {
    session: Session,
    world: &'a mut World,
    model: Arc<Mutex<Model>>,
}

impl Judge<'_> {
    async fn ask(&mut self, query: &str) -> String {
        let answer = text(&mut self.session, query).await;
        let answer = answer.unwrap_or_else(|error| panic!("seed {}: {query}: {error}", self.world.seed));
        answer.hash(&mut self.world.hasher);
        answer
    }

    /// No file was damaged, so no part is put aside: bits that flip on their way are read once more.
    async fn nothing_is_aside(&mut self) {
        let aside = self.ask("SELECT table, name, reason FROM system.detached_parts").await;
        self.compare("parts put aside", &aside, &[]);
    }

    /// Finds out which of the inserts without an answer happened.
    async fn settle(&mut self) {
        let there = self.ask("SELECT DISTINCT batch FROM base ORDER BY batch").await
            + &self.ask("SELECT DISTINCT batch FROM landed ORDER BY batch").await;
        let mut seen: BTreeSet<u64> = there.lines().filter_map(|line| line.parse().ok()).collect();
        // An insert of bad rows alone is in the dead letters only.
        let dead = self.ask("SELECT extract(raw, 'b([0-9]+)x') FROM dead").await;
        seen.extend(dead.lines().filter_map(|line| line.parse::<u64>().ok()));
        self.model.lock().settle(&seen);
    }

    /// Every insert is whole or absent, and every view is its query.
    async fn base(&mut self) {
        let by_batch = "SELECT batch, count(), sum(id), sum(k), sum(v) FROM base GROUP BY batch ORDER BY batch";
        let found = self.ask(by_batch).await;
        let expected = self.model.lock().base();
        self.compare("inserts into base", &found, &expected);
        for (view, query) in EQUAL {
            let (found, expected) = (self.ask(view).await, self.ask(query).await);
            self.compare(view, &found, &lines(&expected));
        }
    }

    /// After a repair the view that puts rows aside is its query. Left as it is at times, so that rows wait over starts.
    async fn picky(&mut self) {
        if self.world.rng.chance(50) {
            return;
        }
        let [break_it, mend, repair] = MENDING;
        self.ask(mend).await;
        self.ask(repair).await;
        let (found, expected) = (self.ask(PICKY_QUERY).await, self.ask(EXTRA_QUERY).await);
        self.compare("the repaired view", &found, &lines(&expected));
        let waiting = self.ask("SELECT count() FROM picky_view_errors").await;
        self.compare("rows that wait", &waiting, &["0".to_owned()]);
        self.ask(break_it).await;
    }

    /// A view that was made with POPULATE in the middle of it all has missed nothing and has nothing twice.
    async fn extras(&mut self) {
        for number in 0..EXTRAS {
            let name = format!("extra{number}");
            if self.ask(&format!("EXISTS TABLE {name}")).await.trim() == "0" {
                continue;
            }
            let view = format!("SELECT k, sum(n), sum(total) FROM {name} GROUP BY k ORDER BY k");
            let (found, expected) = (self.ask(&view).await, self.ask(EXTRA_QUERY).await);
            self.compare(&view, &found, &lines(&expected));
        }
    }

    /// Deleted rows are gone, all others are there.
    async fn owned(&mut self) {
        let found = self.ask("SELECT batch, count() FROM owned GROUP BY batch ORDER BY batch").await;
        let expected = self.model.lock().settle_owned(&found);
        self.compare("rows that were deleted or not", &found, &expected);
    }

    /// FINAL gives what the rule of each engine gives.
    async fn rules(&mut self) {
        for rule in RULES {
            let found = self.ask(rule.query()).await;
            let expected = self.model.lock().rules.lines(rule, &found);
            self.compare(rule.query(), &found, &expected);
        }
    }

    /// The window view gave what a plain computation gives.
    async fn window(&mut self) {
        let outcome = Outcome::of(self.model.lock().landing());
        let mut landed = lines(&self.ask("SELECT batch, event_id FROM landed").await);
        landed.sort_unstable();
        self.compare("rows that landed", &landed.join("\n"), &outcome.landed);
        let mut dead = lines(&self.ask("SELECT reason, raw FROM dead FORMAT TSVRaw").await);
        dead.sort_unstable();
        self.compare("dead letters", &dead.join("\n"), &outcome.dead);
        let mut late = lines(&self.ask("SELECT batch, event_id, kind, at FROM late").await);
        late.sort_unstable();
        self.compare("late rows", &late.join("\n"), &outcome.late);
        let query =
            "SELECT toUnixTimestamp64Milli(start) AS ms, product, views, clicks FROM results ORDER BY ms, product";
        let results = self.ask(query).await;
        self.compare("closed windows", &results, &outcome.results());
    }

    fn compare(&self, what: &str, found: &str, expected: &[String]) {
        let found = lines(found);
        let first = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
        assert!(
            found == expected,
            "seed {}: {what}: {} lines found, {} expected; line {first} is {:?}, expected {:?}",
            self.world.seed,
            found.len(),
            expected.len(),
            found.get(first),
            expected.get(first)
        );
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
