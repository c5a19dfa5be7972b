//! How long a commit is held back before it goes to the writer: gently, so that merges, flushes and checkpoints keep up and
//! nothing ever runs out. A pure function; what was held back, why and how long is counted in [`Stats`](crate::Stats).

use std::time::Duration;

/// A partition with this many parts slows its inserts down (ClickHouse's `parts_to_delay_insert`).
pub const PARTS_SLOW: usize = 1000;
/// The longest that parts hold a commit back; reached where no more parts may come.
const PARTS_DELAY_MAX: Duration = Duration::from_secs(1);
/// The log and the rows in memory slow commits down from this many times their limit on: below, a checkpoint under way is
/// the usual thing.
const OVER_SLOW: f64 = 2.0;
/// The longest that log or memory hold a commit back, before it waits for the checkpoint itself.
const OVER_DELAY_MAX: Duration = Duration::from_millis(50);

/// What is running out.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Pressure {
    /// Parts in the fullest partition that the commit adds to.
    pub parts: usize,
    /// Parts that a partition may have.
    pub parts_max: usize,
    /// Bytes of log that are not freed, in times of the limit.
    pub log: f64,
    /// Bytes of rows in memory, in times of the limit.
    pub memory: f64,
    /// At so many times the limits commits wait for the checkpoint itself.
    pub overdraft: f64,
}

/// Why a commit is held back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A partition has many parts.
    Parts,
    /// The log is long.
    Log,
    /// Rows in memory are many.
    Memory,
}

/// The longest delay of those that apply, and why; none when nothing is running out.
pub fn delay(pressure: &Pressure) -> Option<(Reason, Duration)> {
    let slow = PARTS_SLOW.min(pressure.parts_max / 3);
    let parts = share(pressure.parts as f64, slow as f64, pressure.parts_max as f64);
    let over = |times| share(times, OVER_SLOW, pressure.overdraft);
    [
        // Steeper towards the end: the first hundred parts too many cost milliseconds.
        (Reason::Parts, PARTS_DELAY_MAX.mul_f64(parts * parts)),
        (Reason::Log, OVER_DELAY_MAX.mul_f64(over(pressure.log))),
        (Reason::Memory, OVER_DELAY_MAX.mul_f64(over(pressure.memory))),
    ]
    .into_iter()
    .filter(|(_, delay)| Duration::from_micros(100) < *delay)
    .max_by_key(|(_, delay)| *delay)
}

/// How far `value` is on its way from `slow` to `full`, in 0 … 1.
fn share(value: f64, slow: f64, full: f64) -> f64 {
    if value <= slow { 0.0 } else { ((value - slow) / (full - slow).max(f64::MIN_POSITIVE)).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_slowed_gently_and_by_the_worst() {
        let calm = Pressure { parts: 900, parts_max: 3000, log: 1.9, memory: 0.5, overdraft: 4.0 };
        assert_eq!(delay(&calm), None);
        let parts = |parts| delay(&Pressure { parts, ..calm }).map(|(reason, delay)| (reason, delay.as_millis()));
        assert_eq!(parts(1200), Some((Reason::Parts, 10)));
        assert_eq!(parts(2000), Some((Reason::Parts, 250)));
        assert_eq!(parts(9000), Some((Reason::Parts, 1000)));
        let log = Pressure { log: 3.0, memory: 2.5, ..calm };
        assert_eq!(delay(&log), Some((Reason::Log, Duration::from_millis(25))));
        assert_eq!(delay(&Pressure { memory: 4.5, ..log }), Some((Reason::Memory, Duration::from_millis(50))));
    }
}
