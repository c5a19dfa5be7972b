//! One history: runs of the program, each ended by a power cut, a kill, a fault or a proper close, each judged.

use std::collections::BTreeSet;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, EngineConfig, Session};
use env::simulated::{Fault, Machine, SeededRng};
use env::{DiskOp, Rng};
use futures::future::join_all;
use parking_lot::Mutex;
use store::StoreConfig;

use super::client::Client;
use super::model::Model;
use super::tables::{DEFINITIONS, EQUAL, folder, session, text};
use super::window::Outcome;
use crate::driver::Report;

/// Runs of the program in one history.
const RUNS: u64 = 4;
/// Clients at the same time.
const CLIENTS: usize = 4;
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
    /// The log cannot be written, or a part.
    Fault,
    /// The engine is closed.
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
            rng: SeededRng::new(seed ^ 0x7e7e_7e7e),
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
            acknowledged: model.count_happened(),
            refused: model.refused,
            unanswered: model.unanswered,
            faults: self.machine.disk.faults_fired(),
            ..self.report
        }
    }

    /// Small limits, so that files, segments, checkpoints and merges come often.
    fn config() -> EngineConfig {
        let store = StoreConfig {
            segment_bytes_max: 20_000,
            inline_bytes_max: 3_000,
            log_bytes_max: 60_000,
            memory_bytes_max: 60_000,
            memory_age_max: Duration::from_secs(1),
            cache_bytes_max: 100_000,
            ..StoreConfig::default()
        };
        EngineConfig { store, ..EngineConfig::default() }
    }

    async fn open(&self) -> engine::Result<Engine> {
        Engine::open(self.machine.env(), &folder(), Self::config()).await
    }

    async fn prepare(&mut self) {
        let engine = self.open().await.expect("a fresh folder opens");
        let mut session = session(&engine);
        for definition in DEFINITIONS {
            text(&mut session, definition).await.unwrap_or_else(|error| panic!("{definition}: {error}"));
        }
        engine.close().await.expect("an idle engine closes");
        self.machine.kill_process();
    }

    fn choose_end(&self) -> End {
        match self.rng.below(10) {
            0..=4 => End::PowerCut { after: self.choose_moment() },
            5..=6 => End::KillAt { after: self.choose_moment() },
            7 => End::Fault,
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
            }
            End::Fault => {
                let (op, fault) = match self.rng.below(4) {
                    0 => (DiskOp::SyncFile, Fault::Io),
                    1 => (DiskOp::Append, Fault::ShortWrite),
                    2 => (DiskOp::Append, Fault::NoSpace),
                    _ => (DiskOp::Append, Fault::Io),
                };
                let place = if self.rng.chance(70) { "/log/" } else { "/parts/" };
                self.machine.disk.inject(op, place, self.rng.below(30), fault);
                drop(self.work().await);
                self.machine.cut_power();
            }
            End::Close => {
                if let Some(engine) = self.work().await {
                    engine.close().await.expect("an engine without faults closes");
                }
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

    /// Opens the engine and lets the clients work; gives the engine back when all are done.
    async fn work(&self) -> Option<Engine> {
        let engine = self.open().await.ok()?;
        let steps = 5 + self.rng.below(20);
        let landing = Arc::default();
        // Not spawned: a client that finds a contradiction ends the history with its panic.
        let clients = (0..CLIENTS).map(|_| {
            let (model, landing) = (Arc::clone(&self.model), Arc::clone(&landing));
            let rng = SeededRng::new(self.rng.u64());
            Client { engine: engine.clone(), model, landing, rng }.run(steps)
        });
        join_all(clients).await;
        self.assert_no_panic();
        Some(engine)
    }

    fn assert_no_panic(&self) {
        assert_eq!(self.machine.spawner.panicked(), 0, "seed {}: a task of the engine panicked", self.seed);
    }

    /// Opens the engine after whatever happened and judges it; leaves the machine without a program.
    async fn judge(&mut self) {
        let engine = self.open().await.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        let mut session = session(&engine);
        self.settle(&mut session).await;
        self.judge_base(&mut session).await;
        self.judge_window(&mut session).await;
        drop(session);
        drop(engine);
        self.assert_no_panic();
        self.machine.kill_process();
    }

    async fn ask(&mut self, session: &mut Session, query: &str) -> String {
        let answer = text(session, query).await;
        let answer = answer.unwrap_or_else(|error| panic!("seed {}: {query}: {error}", self.seed));
        answer.hash(&mut self.hasher);
        answer
    }

    /// Finds out which of the inserts without an answer happened.
    async fn settle(&mut self, session: &mut Session) {
        let there = self.ask(session, "SELECT DISTINCT batch FROM base ORDER BY batch").await
            + &self.ask(session, "SELECT DISTINCT batch FROM landed ORDER BY batch").await;
        let mut seen: BTreeSet<u64> = there.lines().filter_map(|line| line.parse().ok()).collect();
        // An insert of bad rows alone is in the dead letters only.
        let dead = self.ask(session, "SELECT extract(raw, 'b([0-9]+)x') FROM dead").await;
        seen.extend(dead.lines().filter_map(|line| line.parse::<u64>().ok()));
        self.model.lock().settle(&seen);
    }

    /// Every insert is whole or absent, and every view is its query.
    async fn judge_base(&mut self, session: &mut Session) {
        let by_batch = "SELECT batch, count(), sum(id), sum(k), sum(v) FROM base GROUP BY batch ORDER BY batch";
        let found = self.ask(session, by_batch).await;
        let expected = self.model.lock().base();
        self.compare("inserts into base", &found, &expected);
        for (view, query) in EQUAL {
            let (found, expected) = (self.ask(session, view).await, self.ask(session, query).await);
            self.compare(view, &found, &expected.lines().map(str::to_owned).collect::<Vec<_>>());
        }
    }

    /// The window view gave what a plain computation gives.
    async fn judge_window(&mut self, session: &mut Session) {
        let outcome = Outcome::of(self.model.lock().landing());
        let mut landed = lines(&self.ask(session, "SELECT batch, event_id FROM landed").await);
        landed.sort_unstable();
        self.compare("rows that landed", &landed.join("\n"), &outcome.landed);
        let mut dead = lines(&self.ask(session, "SELECT reason, raw FROM dead FORMAT TSVRaw").await);
        dead.sort_unstable();
        self.compare("dead letters", &dead.join("\n"), &outcome.dead);
        let mut late = lines(&self.ask(session, "SELECT batch, event_id, kind, at FROM late").await);
        late.sort_unstable();
        self.compare("late rows", &late.join("\n"), &outcome.late);
        let query =
            "SELECT toUnixTimestamp64Milli(start) AS ms, product, views, clicks FROM results ORDER BY ms, product";
        let results = self.ask(session, query).await;
        self.compare("closed windows", &results, &outcome.results());
    }

    fn compare(&self, what: &str, found: &str, expected: &[String]) {
        let found = lines(found);
        let first = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
        assert!(
            found == expected,
            "seed {}: {what}: {} lines found, {} expected; line {first} is {:?}, expected {:?}",
            self.seed,
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
