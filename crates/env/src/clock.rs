//! What time it is, and waiting for a time.
//!
//! Code that decides never takes a clock: it takes `now`. A clock is for the code that calls it.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

/// The wall clock and the monotonic clock of this process.
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// Nanoseconds since 1970-01-01 00:00:00 UTC. May jump, also backwards.
    fn now_ns(&self) -> i64;

    /// Nanoseconds since some fixed moment of this process. Never goes back.
    fn monotonic_ns(&self) -> u64;

    /// Returns after `duration`. Dropping the future is all it takes to stop waiting.
    async fn sleep(&self, duration: Duration);
}
