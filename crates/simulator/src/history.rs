//! One history: runs of a program on one machine, each ended by a power cut, a kill, a failing log or a proper close, in
//! any weather, each judged. What the program is and what it promises is a [`Scenario`]'s.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use env::simulated::{Fault, Machine, SeededRng};
use env::{DiskOp, Rng};

use types::CommitSeq;

use crate::driver::Report;
use crate::weather;

/// Operations of a history, at least.
pub const OPERATIONS_MIN: u64 = 200;
/// Runs of the program, at least and at most.
const RUNS: std::ops::RangeInclusive<u64> = 2..=40;
/// From this run on an unlucky history is left to do its work.
const RUNS_CUT_SHORT: u64 = 8;
/// 2025-11-22.
pub const START_NS: i64 = 1_763_769_600_000_000_000;

/// A program, those who use it, and what is known of what they did.
pub trait Scenario {
    /// The open program.
    type Program;

    /// Makes what is there from the start, on a machine without faults.
    async fn prepare(&mut self, world: &mut World);

    /// Starts the program; an error is its text.
    async fn open(&self, world: &World) -> Result<Self::Program, String>;

    /// Uses it until it stops or enough was done. Not spawned: a user that finds a contradiction ends the history.
    async fn work(&self, program: &Self::Program, world: &World);

    /// Closes it in order.
    async fn close(&self, program: &Self::Program) -> Result<(), String>;

    /// Number and bytes of its newest snapshot.
    fn snapshot(&self, program: &Self::Program) -> (CommitSeq, Vec<u8>);

    /// Holds it, started again after whatever happened, against what is known. `forgot`: the power was cut since the last
    /// judgement.
    async fn judge(&mut self, program: &Self::Program, world: &mut World, forgot: bool);

    /// At the end of some histories: damages what is on the disk, and looks what the next start makes of it.
    async fn decay(&mut self, _world: &mut World) {}

    /// Operations so far, and how many of them were acknowledged, refused and never answered.
    fn counts(&self) -> Counts;
}

/// What a scenario has counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[allow(missing_docs)] // the names of Report
pub struct Counts {
    pub operations: u64,
    pub acknowledged: u64,
    pub refused: u64,
    pub unanswered: u64,
}

/// The machine and all that a history knows of itself.
pub struct World {
    /// The seed.
    pub seed: u64,
    /// The machine.
    pub machine: Machine,
    /// Choices of the history.
    pub rng: SeededRng,
    /// Everything that was observed.
    pub hasher: DefaultHasher,
    /// Faults that no operation met.
    pub faults: BTreeMap<String, u64>,
    report: Report,
}

/// How a run of the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum End {
    /// The power goes at the n-th disk operation, or when all is done.
    PowerCut { after: u64 },
    /// The process is killed at the n-th disk operation, or when all is done; what it wrote is still seen, and not all of it
    /// is durable.
    KillAt { after: u64 },
    /// The log fails, then the power.
    LogFault,
    /// The process is killed when all is done.
    Kill,
    /// The program is closed.
    Close,
}

/// Runs the history of `seed`.
pub async fn run(seed: u64, mut scenario: impl Scenario) -> Report {
    let machine = Machine::new(seed, START_NS);
    machine.disk.set_latency(Duration::from_millis(3));
    let rng = SeededRng::new(seed ^ 0x5151_5151);
    let mut world =
        World { seed, machine, rng, hasher: DefaultHasher::new(), faults: BTreeMap::new(), report: Report::default() };
    scenario.prepare(&mut world).await;
    world.machine.kill_process();
    let is_enough = |world: &World, scenario: &_| {
        OPERATIONS_MIN <= Scenario::counts(scenario).operations && 0 < world.report.crashes()
    };
    for number in 1..=*RUNS.end() {
        if RUNS.start() < &number && is_enough(&world, &scenario) {
            break;
        }
        let end = world.choose_end(number);
        end.hash(&mut world.hasher);
        let forgot = world.run_program(end, &scenario).await;
        let program = world.reopen(&scenario).await;
        scenario.snapshot(&program).hash(&mut world.hasher);
        scenario.judge(&program, &mut world, forgot).await;
        world.assert_no_panic();
        let live = is_enough(&world, &scenario).then(|| scenario.snapshot(&program));
        drop(program);
        world.machine.kill_process();
        world.compare(live, &scenario).await;
    }
    assert!(is_enough(&world, &scenario), "seed {seed}: {} runs were not enough", RUNS.end());
    scenario.decay(&mut world).await;
    world.machine.disk.operations().hash(&mut world.hasher);
    let counts = scenario.counts();
    let fired = world.machine.disk.faults_fired().into_iter().map(|(fault, count)| (format!("{fault:?}"), count));
    Report {
        hash: world.hasher.finish(),
        histories: 1,
        operations: counts.operations,
        acknowledged: counts.acknowledged,
        refused: counts.refused,
        unanswered: counts.unanswered,
        faults: fired.chain(world.faults).collect(),
        ..world.report
    }
}

impl World {
    fn choose_end(&self, number: u64) -> End {
        let after = if number < RUNS_CUT_SHORT { self.choose_moment() } else { u64::MAX };
        match self.rng.below(10) {
            0..=4 => End::PowerCut { after },
            5..=6 => End::KillAt { after },
            7 => End::LogFault,
            8 => End::Kill,
            _ => End::Close,
        }
    }

    /// Often soon after the start: recovery, too, is cut.
    fn choose_moment(&self) -> u64 {
        if self.rng.chance(20) { self.rng.below(40) } else { self.rng.below(1_200) }
    }

    /// One run of the program, to its end; true when the power was cut. Leaves the machine without a program.
    async fn run_program(&mut self, end: End, scenario: &impl Scenario) -> bool {
        self.report.restarts += 1;
        weather::plan(&self.machine, &self.rng);
        let mut forgot = false;
        match end {
            End::PowerCut { after } => {
                self.work_until(after, scenario).await;
                self.report.cuts += 1;
                let dropped = self.machine.cut_power().dropped_something();
                self.report.cuts_that_dropped += u64::from(dropped);
                forgot = true;
            }
            End::KillAt { after } => {
                self.work_until(after, scenario).await;
                self.report.kills += 1;
            }
            End::LogFault => {
                let faults = [
                    (DiskOp::SyncFile, Fault::Io),
                    (DiskOp::Append, Fault::ShortWrite),
                    (DiskOp::Append, Fault::Io),
                    (DiskOp::SyncDir, Fault::Io),
                ];
                let (op, fault) = faults[self.rng.below(4) as usize];
                self.machine.disk.inject(op, "/log", self.rng.below(30), fault);
                drop(self.work(scenario).await);
                self.machine.cut_power();
                forgot = true;
            }
            End::Kill => {
                let live = self.work(scenario).await.map(|program| scenario.snapshot(&program));
                self.machine.kill_process();
                self.compare(live, scenario).await;
            }
            End::Close => {
                if let Some(program) = self.work(scenario).await {
                    // A fault may keep it from closing; then it is as if it had been killed.
                    let _failed = scenario.close(&program).await;
                    let live = scenario.snapshot(&program);
                    drop(program);
                    self.machine.kill_process();
                    self.compare(Some(live), scenario).await;
                }
            }
        }
        self.machine.disk.set_unlimited_space();
        self.machine.kill_process();
        forgot
    }

    /// Works until the n-th disk operation from now, after which nothing on the machine moves any more, or until the work is
    /// done.
    async fn work_until(&self, after: u64, scenario: &impl Scenario) {
        self.machine.disk.lose_power_after(after);
        tokio::select! {
            biased;
            () = self.machine.disk.power_lost() => {}
            _done = self.work(scenario) => {}
        }
        self.assert_no_panic();
    }

    /// Starts the program and lets it be used; gives it back when all is done.
    async fn work<S: Scenario>(&self, scenario: &S) -> Option<S::Program> {
        let program = match scenario.open(self).await {
            Ok(program) => program,
            Err(message) => {
                assert!(weather::explains(&message), "seed {}: the program does not start: {message}", self.seed);
                return None;
            }
        };
        let tides = SeededRng::new(self.rng.u64());
        tokio::select! {
            biased;
            () = scenario.work(&program, self) => {}
            () = weather::tides(&self.machine, &tides) => {}
        }
        self.machine.disk.set_unlimited_space();
        self.assert_no_panic();
        Some(program)
    }

    /// Starts the program, which nothing may keep from it.
    pub async fn reopen<S: Scenario>(&self, scenario: &S) -> S::Program {
        let opened = scenario.open(self).await;
        opened.unwrap_or_else(|error| panic!("seed {}: the program does not start: {error}", self.seed))
    }

    /// Starts the program again without work: replay gives the live snapshot.
    async fn compare(&mut self, live: Option<(CommitSeq, Vec<u8>)>, scenario: &impl Scenario) {
        let Some((live_seq, live)) = live else { return };
        let program = self.reopen(scenario).await;
        let (seq, replayed) = scenario.snapshot(&program);
        // A commit of the program's own work may have been in the log and not yet published.
        assert!(live_seq <= seq, "seed {}: replay ends before the live snapshot", self.seed);
        assert!(seq != live_seq || replayed == live, "seed {}: replay is not the live snapshot", self.seed);
        drop(program);
        self.machine.kill_process();
    }

    /// Nothing that the program spawned may panic.
    pub fn assert_no_panic(&self) {
        assert_eq!(self.machine.spawner.panicked(), 0, "seed {}: a task of the program panicked", self.seed);
    }
}
