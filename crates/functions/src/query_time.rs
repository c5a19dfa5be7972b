//! What a query's functions may know of the outside: its one `now` and its one source of randomness.
//!
//! Both are handed down by whoever runs the query, as an extension of DataFusion's configuration, so that the same
//! seed gives the same bytes. Nothing here reads a clock.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{DataFusionError, plan_err};

/// Put into `ConfigOptions::extensions` of the session that a query runs in.
#[derive(Clone, Debug)]
pub struct QueryTime {
    /// When the query started: nanoseconds since 1970 UTC.
    pub now_ns: i64,
    random: Arc<AtomicU64>,
    pauses_ns: Arc<AtomicU64>,
}

impl QueryTime {
    /// The time and seed of one query.
    pub fn new(now_ns: i64, seed: u64) -> QueryTime {
        QueryTime { now_ns, random: Arc::new(AtomicU64::new(seed)), pauses_ns: Arc::default() }
    }

    /// The same, adding the pauses that functions ask for to a count of the caller's, in nanoseconds.
    #[must_use]
    pub fn with_pauses(self, pauses_ns: Arc<AtomicU64>) -> QueryTime {
        QueryTime { pauses_ns, ..self }
    }

    /// Asks for a pause before the next block is given.
    pub(crate) fn hold_up(&self, pause_ns: u64) {
        self.pauses_ns.fetch_add(pause_ns, Ordering::Relaxed);
    }

    /// The query time of a configuration; 1970 and seed 0 where whoever runs the query gave none.
    pub fn of(options: &ConfigOptions) -> QueryTime {
        options.extensions.get::<QueryTime>().cloned().unwrap_or_else(|| QueryTime::new(0, 0))
    }

    /// When the query started, in whole seconds since 1970 UTC.
    pub fn now_seconds(&self) -> i64 {
        self.now_ns.div_euclid(1_000_000_000)
    }

    /// The next 64 random bits of this query (splitmix64 over a shared counter).
    pub fn next_random(&self) -> u64 {
        let state = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl ConfigExtension for QueryTime {
    const PREFIX: &'static str = "everview_query";
}

impl ExtensionOptions for QueryTime {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<(), DataFusionError> {
        plan_err!("\"{key}\" of a query cannot be set by text")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
