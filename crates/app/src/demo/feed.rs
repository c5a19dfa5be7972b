//! Made-up events at their pace: how many are due, and their lines.

use std::time::Duration;

use engine::Env;
use engine::generator::{Generator, GeneratorConfig};

use crate::cli::DemoArgs;

/// Events a second where nothing is said.
const RATE: u64 = 2_000;
/// Lines of one INSERT at most.
const BATCH_LINES_MAX: u64 = 50_000;
/// How often events that are due are inserted.
pub(super) const TICK: Duration = Duration::from_millis(100);
const PRODUCTS: usize = 1_000;

/// The events of a demo.
pub(super) struct Feed {
    generator: Generator,
    rate: u64,
    /// Events follow the clock; else they go as fast as they are taken.
    is_paced: bool,
    /// The demo ends after so many events.
    events_max: u64,
    /// And after so long.
    length: Option<Duration>,
}

impl Feed {
    pub(super) fn new(args: &DemoArgs, env: &Env) -> Feed {
        let rate = args.rate.unwrap_or(RATE).max(1);
        let is_paced = args.rate.is_some() || args.events.is_none();
        let now_ms = env.clock.now_ns() / 1_000_000;
        let span_ms = match args.events {
            // events that do not wait for the clock lie behind it, so that the last one is now
            Some(events) if !is_paced => events.saturating_mul(1_000) / rate,
            _ => 0,
        };
        let span_ms = i64::try_from(span_ms).unwrap_or(i64::MAX);
        let start_ms = args.start_time.unwrap_or_else(|| now_ms.saturating_sub(span_ms).max(0));
        let config = GeneratorConfig { seed: args.seed, start_ms, rate, products: PRODUCTS };
        Feed {
            generator: Generator::new(config),
            rate,
            is_paced,
            events_max: args.events.unwrap_or(u64::MAX),
            length: args.seconds.map(Duration::from_secs),
        }
    }

    /// True when nothing more comes.
    pub(super) fn is_over(&self, elapsed: Duration) -> bool {
        self.events_max <= self.generator.count() || self.length.is_some_and(|length| length <= elapsed)
    }

    /// True when the clock decides how many events are due.
    pub(super) fn is_paced(&self) -> bool {
        self.is_paced
    }

    /// Events so far.
    pub(super) fn count(&self) -> u64 {
        self.generator.count()
    }

    /// The lines that are due; empty when none is.
    pub(super) fn lines(&mut self, elapsed: Duration) -> Vec<u8> {
        let due = if self.is_paced {
            let due = u128::from(self.rate) * elapsed.as_millis() / 1_000;
            u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(self.generator.count())
        } else {
            BATCH_LINES_MAX
        };
        let due = due.min(BATCH_LINES_MAX).min(self.events_max - self.generator.count());
        let mut lines = Vec::with_capacity(due as usize * 160);
        (0..due).for_each(|_| self.generator.line(&mut lines));
        lines
    }
}
