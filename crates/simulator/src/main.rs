//! `simulate`: runs histories on all cores and says what they did. `cargo xtask simulate` builds and runs it.
//!
//! Histories of the whole engine, or with `--half store` of the store alone.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use simulator::driver::{History, Report, run_named};
use simulator::{engine_half, store_half};

/// As the product has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: simulate [--seeds N] [--from N] [--seed N] [--half store|engine] [--seconds N [--at-least N]] [--threads N] \
     [--twice]";
/// How often progress is printed.
const PROGRESS: Duration = Duration::from_secs(30);

/// What to run.
struct Work {
    from: u64,
    seeds: u64,
    half: Option<String>,
    /// No new history after so long, once there were `at_least` so many.
    seconds: Option<u64>,
    at_least: u64,
    threads: usize,
    /// Each seed twice: both runs must be the same.
    twice: bool,
}

fn main() -> ExitCode {
    let Some(work) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let started = Instant::now();
    let (next, failed, printed) = (AtomicU64::new(work.from), AtomicBool::new(false), AtomicU64::new(0));
    let total = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..work.threads {
            scope.spawn(|| {
                while let Some(seed) = claim(&next, &work, started, &failed) {
                    let (half, history) = choose(&work);
                    let Ok(report) = std::panic::catch_unwind(|| run_named(half, history, seed, work.twice)) else {
                        failed.store(true, Ordering::Relaxed);
                        return;
                    };
                    let mut total = total.lock().expect("nobody panics with the lock");
                    *total = std::mem::take(&mut *total).and(report);
                    let due = started.elapsed().as_secs() / PROGRESS.as_secs();
                    if printed.fetch_max(due, Ordering::Relaxed) < due {
                        println!(
                            "{:.0} s: {} histories, {} operations",
                            started.elapsed().as_secs_f64(),
                            total.histories,
                            total.operations
                        );
                    }
                }
            });
        }
    });
    let total = total.into_inner().expect("nobody panics with the lock");
    println!("{total}\nin {:.1} s", started.elapsed().as_secs_f64());
    let has_failed = failed.into_inner();
    println!("{} passed, {} failed", total.histories, u64::from(has_failed));
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The next seed; none after the last one, the time, or a failure.
fn claim(next: &AtomicU64, work: &Work, started: Instant, failed: &AtomicBool) -> Option<u64> {
    let is_enough = work.from + work.at_least <= next.load(Ordering::Relaxed);
    let is_late = is_enough && work.seconds.is_some_and(|seconds| Duration::from_secs(seconds) <= started.elapsed());
    if is_late || failed.load(Ordering::Relaxed) {
        return None;
    }
    let seed = next.fetch_add(1, Ordering::Relaxed);
    (seed - work.from < work.seeds).then_some(seed)
}

fn choose(work: &Work) -> (&'static str, History) {
    match work.half.as_deref() {
        Some("store") => ("store", store_half::run),
        _ => ("engine", engine_half::run),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Work> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let mut work = Work { from: 0, seeds: 100, half: None, seconds: None, at_least: 0, threads, twice: false };
    while let Some(argument) = arguments.next() {
        if argument == "--twice" {
            work.twice = true;
            continue;
        }
        let value = arguments.next()?;
        let number = || value.parse::<u64>().ok();
        match argument.as_str() {
            "--seeds" => work.seeds = number()?,
            "--from" => work.from = number()?,
            "--seed" => (work.from, work.seeds) = (number()?, 1),
            "--seconds" => work.seconds = Some(number()?),
            "--at-least" => work.at_least = number()?,
            "--threads" => work.threads = value.parse().ok().filter(|threads| 0 < *threads)?,
            "--half" if matches!(value.as_str(), "store" | "engine") => work.half = Some(value),
            _ => return None,
        }
    }
    Some(work)
}
