//! Runs histories from seeds, and judges the runs together.

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;

/// What one history did. Two runs of one seed must give the same.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// Hash of everything that was observed, in order.
    pub hash: u64,
    /// Commits that were acknowledged.
    pub acknowledged: u64,
    /// Commits that were refused by name.
    pub refused: u64,
    /// Commits whose answer never came.
    pub unanswered: u64,
    /// Power cuts while the program ran.
    pub cuts: u64,
    /// Power cuts that dropped something that the program had seen.
    pub cuts_that_dropped: u64,
    /// Restarts of any sort.
    pub restarts: u64,
    /// Injected faults that happened.
    pub faults: u64,
}

impl Report {
    /// Both together; hashes are mixed in order.
    pub fn and(self, other: Report) -> Report {
        let mut hasher = DefaultHasher::new();
        (self.hash, other.hash).hash(&mut hasher);
        Report {
            hash: hasher.finish(),
            acknowledged: self.acknowledged + other.acknowledged,
            refused: self.refused + other.refused,
            unanswered: self.unanswered + other.unanswered,
            cuts: self.cuts + other.cuts,
            cuts_that_dropped: self.cuts_that_dropped + other.cuts_that_dropped,
            restarts: self.restarts + other.restarts,
            faults: self.faults + other.faults,
        }
    }
}

/// A history: everything it does follows from the seed. It panics where its oracle is contradicted.
pub type History = fn(u64) -> Pin<Box<dyn Future<Output = Report>>>;

/// Runs one seed on a runtime of its own: one thread, paused time.
pub fn run_seed(history: History, seed: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime of one thread can be made").block_on(history(seed))
}

/// Runs the seeds, each twice; says how to repeat the one that fails.
pub fn run_seeds(name: &str, history: History, seeds: impl IntoIterator<Item = u64>) -> Report {
    let mut total = Report::default();
    for seed in seeds {
        let _repeat = Repeat { name, seed };
        let report = run_seed(history, seed);
        assert_eq!(report, run_seed(history, seed), "seed {seed}: the same seed gave another history");
        total = total.and(report);
    }
    total
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

/// The seeds of this run: `SIMULATOR_SEED=n` alone, or `count` from 0 on (`SIMULATOR_SEEDS=n` for another count).
pub fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SIMULATOR_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATOR_SEEDS").unwrap_or(count),
    }
}

/// Prints the command that repeats a history when it panics.
struct Repeat<'a> {
    name: &'a str,
    seed: u64,
}

impl Drop for Repeat<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} failed; repeat it with", self.seed);
            eprintln!("    SIMULATOR_SEED={} cargo nextest run -p simulator {} --no-capture", self.seed, self.name);
        }
    }
}
