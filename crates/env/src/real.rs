//! The world as it is: the system's clock and randomness, `std::fs`, tokio tasks.

mod background;
mod disk;
mod pool;

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::runtime::Handle;

pub use disk::RealDisk;

use self::background::Background;
use crate::spawner::{BoxTask, Spawner, Task, Tasks};
use crate::{Clock, Env, Rng};

/// The real environment of this process. Starts the I/O threads.
pub fn env() -> Env {
    Env {
        clock: Arc::new(SystemClock::default()),
        rng: Arc::new(SystemRng),
        disk: Arc::new(RealDisk::new()),
        spawner: Arc::new(TokioSpawner::default()),
    }
}

/// The clocks of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock { started: Instant::now() }
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system for the time")]
    fn now_ns(&self) -> i64 {
        let now = std::time::SystemTime::now();
        let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The randomness of the operating system, through a generator per thread.
#[derive(Debug)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn u64(&self) -> u64 {
        rand::random()
    }
}

/// Tasks of the tokio runtime that calls it, and of one whose threads have low priority.
#[derive(Debug, Default)]
pub struct TokioSpawner {
    tasks: Arc<Tasks>,
    background: Background,
}

#[async_trait]
impl Spawner for TokioSpawner {
    fn spawn(&self, name: &'static str, task: BoxTask) -> Task {
        self.tasks.spawn(&Handle::current(), name, task)
    }

    fn spawn_background(&self, name: &'static str, task: BoxTask) -> Task {
        self.tasks.spawn(&self.background.handle(), name, task)
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
