//! Runs histories from seeds, and judges the runs together.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;

/// What one history did. Two runs of one seed must give the same.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// Hash of everything that was observed, in order.
    pub hash: u64,
    /// Histories.
    pub histories: u64,
    /// Statements and commits that were sent.
    pub operations: u64,
    /// Those that were acknowledged and change rows or definitions.
    pub acknowledged: u64,
    /// Those that were refused by name.
    pub refused: u64,
    /// Those whose answer never came.
    pub unanswered: u64,
    /// Power cuts while the program ran.
    pub cuts: u64,
    /// Power cuts that dropped something that the program had seen.
    pub cuts_that_dropped: u64,
    /// Kills in the middle of work, after which the disk kept what was written.
    pub kills: u64,
    /// Restarts of any sort.
    pub restarts: u64,
    /// Faults of the disk that happened, by kind.
    pub faults: BTreeMap<String, u64>,
}

impl Report {
    /// Both together; hashes are mixed in order.
    pub fn and(self, other: Report) -> Report {
        let mut hasher = DefaultHasher::new();
        (self.hash, other.hash).hash(&mut hasher);
        let mut faults = self.faults;
        for (kind, count) in other.faults {
            *faults.entry(kind).or_default() += count;
        }
        Report {
            hash: hasher.finish(),
            histories: self.histories + other.histories,
            operations: self.operations + other.operations,
            acknowledged: self.acknowledged + other.acknowledged,
            refused: self.refused + other.refused,
            unanswered: self.unanswered + other.unanswered,
            cuts: self.cuts + other.cuts,
            cuts_that_dropped: self.cuts_that_dropped + other.cuts_that_dropped,
            kills: self.kills + other.kills,
            restarts: self.restarts + other.restarts,
            faults,
        }
    }

    /// Crashes: power cuts and kills.
    pub fn crashes(&self) -> u64 {
        self.cuts + self.kills
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        write!(
            f,
            "{} histories, {} operations ({} acknowledged, {} refused, {} unanswered), {} crashes ({} power cuts, {} of \
             them dropped something; {} kills), {} restarts; faults: {}; hash {:016x}",
            self.histories,
            self.operations,
            self.acknowledged,
            self.refused,
            self.unanswered,
            self.crashes(),
            self.cuts,
            self.cuts_that_dropped,
            self.kills,
            self.restarts,
            if faults.is_empty() { "none".to_owned() } else { faults.join(", ") },
            self.hash
        )
    }
}

/// A history: everything it does follows from the seed. It panics where its oracle is contradicted.
pub type History = fn(u64) -> Pin<Box<dyn Future<Output = Report>>>;

/// Runs one seed on a runtime of its own: one thread, paused time.
pub fn run_seed(history: History, seed: u64) -> Report {
    paused_runtime().block_on(history(seed))
}

/// One thread, paused time.
pub fn paused_runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime of one thread can be made")
}

/// Runs a seed, `twice` to see that it is the same history again; says how to repeat it when it fails.
pub fn run_named(half: &str, history: History, seed: u64, twice: bool) -> Report {
    let _repeat = Repeat { half, seed };
    let report = run_seed(history, seed);
    if twice {
        assert_eq!(report, run_seed(history, seed), "seed {seed}: the same seed gave another history");
    }
    report
}

/// Runs the seeds, each twice.
pub fn run_seeds_twice(half: &str, history: History, seeds: impl IntoIterator<Item = u64>) -> Report {
    seeds.into_iter().fold(Report::default(), |total, seed| total.and(run_named(half, history, seed, true)))
}

/// A power cut that drops nothing tests nothing: at least 30 % must.
pub fn assert_cuts_drop(report: &Report) {
    assert!(
        report.cuts * 30 <= report.cuts_that_dropped * 100,
        "only {} of {} power cuts dropped something",
        report.cuts_that_dropped,
        report.cuts
    );
}

/// Prints the command that repeats a history when it panics.
struct Repeat<'a> {
    half: &'a str,
    seed: u64,
}

impl Drop for Repeat<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Repeat { half, seed } = self;
            eprintln!("seed {seed} failed; repeat it with\n    cargo xtask simulate --half {half} --seed {seed}");
        }
    }
}
