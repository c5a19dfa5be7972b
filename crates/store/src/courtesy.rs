//! Merges that let queries go first: between pieces of its rows a merge rests while somebody waits.
//!
//! ```text
//! piece ─▶ rest ─▶ piece ─▶ rest ─▶ …      rest ≤ twice what the piece took: a merge takes at most three times as long
//! ```
//!
//! Who waits is the caller's to say. A merge does not rest when its partition has so many parts that inserts are about to
//! be slowed down: then it is itself what others wait for.

use std::sync::Arc;
use std::time::Duration;

use env::Env;

use crate::slow::PARTS_SLOW;
use crate::stats::Counters;

/// Says whether somebody waits for the processor. Asked often, so it must be cheap.
pub type Waiting = Arc<dyn Fn() -> bool + Send + Sync>;

/// A rest is this many times as long as the piece before it, at most.
const REST_TIMES: u32 = 2;
/// The shortest limit of a rest, for pieces that took no time.
const REST_MIN: Duration = Duration::from_millis(2);
/// The longest rest, however long a piece took.
const REST_MAX: Duration = Duration::from_millis(200);
/// How long it is not looked whether somebody still waits.
const NAP: Duration = Duration::from_millis(1);

/// How long a merge may rest after a piece that took so long, into a partition of so many parts.
pub(crate) fn rest_max(piece: Duration, parts: usize) -> Duration {
    if PARTS_SLOW / 2 <= parts {
        return Duration::ZERO;
    }
    (piece * REST_TIMES).clamp(REST_MIN, REST_MAX)
}

/// Rests while somebody waits, at most `limit`.
pub(crate) async fn rest(waiting: &Waiting, limit: Duration, env: &Env, counters: &Counters) {
    let started_ns = env.clock.monotonic_ns();
    let rested = || Duration::from_nanos(env.clock.monotonic_ns().saturating_sub(started_ns));
    if limit.is_zero() || !waiting() {
        return;
    }
    while waiting() && rested() < limit {
        env.clock.sleep(NAP).await;
    }
    counters.merge_rests.add(1);
    counters.merge_rest_ns.add(u64::try_from(rested().as_nanos()).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_bounded_by_the_piece_before_it() {
        let ms = Duration::from_millis;
        assert_eq!(rest_max(ms(10), 5), ms(20));
        assert_eq!(rest_max(Duration::ZERO, 5), ms(2));
        assert_eq!(rest_max(ms(10_000), 5), ms(200));
        assert_eq!(rest_max(ms(10), PARTS_SLOW), Duration::ZERO, "inserts would wait for this merge");
    }
}
