//! A machine in memory: a seed instead of randomness, tokio's paused time instead of a clock, a disk that forgets at a
//! power cut what was not synced.
//!
//! Use it on a current-thread tokio runtime with paused time; then the same seed gives the same history to the byte.
//! What is not simulated: other processes, the network, and tearing inside one 512-byte sector.

mod disk;
mod faults;
mod files;
mod power;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::runtime::Handle;

pub use disk::{DiskImage, SimulatedDisk};
pub use faults::Fault;
pub use power::CutReport;

use crate::spawner::{BoxTask, Spawner, Task, Tasks};
use crate::{Clock, Env, Rng};

/// One simulated machine and the handles to torture it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its clock.
    pub clock: Arc<SimulatedClock>,
    /// Its disk.
    pub disk: Arc<SimulatedDisk>,
    /// Its randomness.
    pub rng: Arc<SeededRng>,
    /// Its tasks since it was last switched on.
    pub spawner: Arc<SimulatedSpawner>,
}

impl Machine {
    /// A machine with an empty disk, switched on at `start_ns` since 1970. Everything that is random follows `seed`.
    pub fn new(seed: u64, start_ns: i64) -> Machine {
        let seeds = SeededRng::new(seed);
        Machine {
            clock: Arc::new(SimulatedClock::new(start_ns)),
            disk: Arc::new(SimulatedDisk::new(seeds.u64())),
            rng: Arc::new(SeededRng::new(seeds.u64())),
            spawner: Arc::new(SimulatedSpawner::default()),
        }
    }

    /// What the program on this machine gets.
    pub fn env(&self) -> Env {
        Env { clock: self.clock.clone(), rng: self.rng.clone(), disk: self.disk.clone(), spawner: self.spawner.clone() }
    }

    /// Cuts the power now: every task ends where it is, the disk forgets. The machine that comes back has the same
    /// disk, clock and randomness and no tasks.
    pub fn cut_power(&mut self) -> CutReport {
        self.spawner.switch_off();
        let report = self.disk.cut_power();
        self.spawner = Arc::new(SimulatedSpawner::default());
        report
    }

    /// Kills the process and nothing else: every task ends where it is, the disk keeps all bytes that were written.
    pub fn kill_process(&mut self) {
        self.spawner.switch_off();
        self.disk.kill_process();
        self.spawner = Arc::new(SimulatedSpawner::default());
    }
}

/// A clock that follows tokio's time, which the simulation pauses: it moves when every task waits.
#[derive(Debug)]
pub struct SimulatedClock {
    start_ns: i64,
    started: tokio::time::Instant,
    shift_ns: AtomicI64,
}

impl SimulatedClock {
    /// A clock that shows `start_ns` now. Make it inside the paused runtime.
    pub fn new(start_ns: i64) -> SimulatedClock {
        SimulatedClock { start_ns, started: tokio::time::Instant::now(), shift_ns: AtomicI64::new(0) }
    }

    /// Moves the wall clock, also backwards, as an operator or NTP would. The monotonic clock does not see it.
    pub fn shift(&self, by_ns: i64) {
        self.shift_ns.fetch_add(by_ns, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for SimulatedClock {
    fn now_ns(&self) -> i64 {
        let elapsed = i64::try_from(self.monotonic_ns()).unwrap_or(i64::MAX);
        self.start_ns.saturating_add(elapsed).saturating_add(self.shift_ns.load(Ordering::Relaxed))
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// SplitMix64: small, and the same for ever, so that a seed still repeats its history after every update of crates.
#[derive(Debug)]
pub struct SeededRng {
    state: Mutex<u64>,
}

impl SeededRng {
    /// The generator of this seed.
    pub fn new(seed: u64) -> SeededRng {
        SeededRng { state: Mutex::new(seed) }
    }

    /// True in `percent` of 100 calls.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

impl Rng for SeededRng {
    fn u64(&self) -> u64 {
        let mut state = self.state.lock();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Tasks of the simulation's runtime, which end with the machine.
#[derive(Debug, Default)]
pub struct SimulatedSpawner {
    tasks: Arc<Tasks>,
    off: AtomicBool,
}

impl SimulatedSpawner {
    /// Ends every task where it is; tasks spawned later never run.
    pub fn switch_off(&self) {
        self.off.store(true, Ordering::Relaxed);
        self.tasks.abort_all();
    }

    /// How many tasks have ended by a panic since the machine was switched on: a simulation that ignores it is blind.
    pub fn panicked(&self) -> u64 {
        self.tasks.panicked()
    }
}

#[async_trait]
impl Spawner for SimulatedSpawner {
    fn spawn(&self, name: &'static str, task: BoxTask) -> Task {
        if self.off.load(Ordering::Relaxed) {
            Tasks::refuse(task)
        } else {
            self.tasks.spawn(&Handle::current(), name, task)
        }
    }

    async fn join_all(&self) {
        self.tasks.join_all().await;
    }

    fn abort_all(&self) {
        self.tasks.abort_all();
    }

    fn running(&self) -> Vec<&'static str> {
        self.tasks.names()
    }
}
