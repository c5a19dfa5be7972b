//! Made-up events at their pace: how many are due, and their lines.

use std::time::Duration;

use bytes::Bytes;
use engine::generator::{Generator, GeneratorConfig};
use engine::{Data, Env};
use futures::{StreamExt, stream};

use crate::cli::DemoArgs;

/// Events a second where nothing is said.
const RATE: u64 = 2_000;
/// Lines of one INSERT at most.
pub(super) const BATCH_LINES_MAX: u64 = 50_000;
/// How often events that are due are inserted.
const TICK: Duration = Duration::from_millis(100);
const PRODUCTS: usize = 1_000;
/// About the bytes of a line.
const LINE_BYTES: usize = 160;

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

    /// The lines of all events as a stream of pieces, each due when it comes; ends with the demo.
    pub(super) fn data(self, env: &Env) -> Data {
        let clock = env.clock.clone();
        let started_ns = clock.monotonic_ns();
        let pieces = stream::unfold(self, move |mut feed| {
            let clock = clock.clone();
            async move {
                loop {
                    let elapsed = Duration::from_nanos(clock.monotonic_ns().saturating_sub(started_ns));
                    let lines = feed.lines(elapsed);
                    if !lines.is_empty() {
                        return Some((Ok(Bytes::from(lines)), feed));
                    }
                    if feed.is_over(elapsed) {
                        return None;
                    }
                    clock.sleep(TICK).await;
                }
            }
        });
        pieces.boxed()
    }

    /// True when nothing more comes.
    fn is_over(&self, elapsed: Duration) -> bool {
        self.events_max <= self.generator.count() || self.length.is_some_and(|length| length <= elapsed)
    }

    /// The lines that are due; empty when none is.
    fn lines(&mut self, elapsed: Duration) -> Vec<u8> {
        let is_late = self.length.is_some_and(|length| length <= elapsed);
        let due = if self.is_paced {
            // what was due until the end comes, however late it is asked for
            let elapsed = self.length.map_or(elapsed, |length| length.min(elapsed));
            let due = u128::from(self.rate) * elapsed.as_millis() / 1_000;
            u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(self.generator.count())
        } else if is_late {
            0
        } else {
            BATCH_LINES_MAX
        };
        let due = due.min(BATCH_LINES_MAX).min(self.events_max - self.generator.count());
        let mut lines = Vec::with_capacity(due as usize * LINE_BYTES);
        (0..due).for_each(|_| self.generator.line(&mut lines));
        lines
    }
}
