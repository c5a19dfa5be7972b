//! When a view is refreshed: the grid of slots, and the first moment after a run. Pure.
//!
//! Clock periods (weeks and below) count from Monday 1969-12-29, calendar periods from 1970-01, both on the wall clock of
//! the schedule's zone; every grid is moved by OFFSET. Invariant: `floor(t) <= t < next(floor(t))`.

use sql::ast::{Refresh, RefreshSchedule};
use types::ErrorCode;
use types::text::time::Zone;

use super::span::{DAY, Span, months_of, refuse, start_of_month};
use crate::error::Result;

/// Monday 1969-12-29, in seconds since 1970.
const MONDAY: i64 = -3 * DAY;

/// EVERY or AFTER with what belongs to it. Times are seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    kind: Kind,
    /// RANDOMIZE FOR: the full width, in seconds.
    pub spread_s: i64,
    zone: Zone,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Every { period: Span, offset: Span },
    After(Span),
}

impl Schedule {
    /// The schedule of a REFRESH clause on the wall clock of `zone`, checked.
    pub fn of(refresh: &Refresh, zone: Zone) -> Result<Schedule> {
        let kind = match &refresh.schedule {
            RefreshSchedule::Every { period, offset } => {
                let period = Span::of(period)?;
                let offset = offset.as_ref().map(Span::of).transpose()?.unwrap_or_default();
                check_every(period, offset)?;
                Kind::Every { period, offset }
            }
            RefreshSchedule::After(delay) => Kind::After(Span::of(delay)?),
            RefreshSchedule::Dependencies => Kind::After(Span::default()),
            RefreshSchedule::OnChange(_) => {
                return Err(refuse(ErrorCode::NOT_IMPLEMENTED, "REFRESH ON CHANGE is not supported yet"));
            }
        };
        let spread = refresh.randomize.as_ref().map(Span::of).transpose()?.unwrap_or_default();
        Ok(Schedule { kind, spread_s: spread.seconds_min(), zone })
    }

    /// True for EVERY: slots of a grid.
    pub fn is_every(&self) -> bool {
        matches!(self.kind, Kind::Every { .. })
    }

    /// The slot that a run serves which started and ended at these times, after slot `last`. Of a scheduled run it is
    /// later than `last`; one that was asked for counts for the slot that it started in.
    pub fn served(&self, last: Option<i64>, started: i64, ended: i64, was_asked_for: bool) -> i64 {
        let Kind::Every { .. } = self.kind else { return ended };
        let floor = self.floor(started);
        match last {
            Some(last) if !was_asked_for => floor.max(self.next(last)),
            _ => floor,
        }
    }

    /// When the next run is due after slot `last`.
    pub fn next(&self, last: i64) -> i64 {
        match self.kind {
            Kind::After(delay) => self.later(last, delay),
            Kind::Every { .. } => self.slot(self.index(last) + 1),
        }
    }

    /// The latest slot that is not after `at`; `at` itself for AFTER.
    pub fn floor(&self, at: i64) -> i64 {
        match self.kind {
            Kind::After(_) => at,
            Kind::Every { .. } => self.slot(self.index(at)),
        }
    }

    /// How many slots lie between two; none for AFTER.
    pub fn between(&self, last: i64, slot: i64) -> u64 {
        u64::try_from(self.index(slot) - self.index(last) - 1).unwrap_or(0)
    }

    /// How many slots there are after `from`, up to and with `to`; none for AFTER.
    pub fn passed(&self, from: i64, to: i64) -> u64 {
        u64::try_from(self.index(to) - self.index(from)).unwrap_or(0)
    }

    /// `at` by the wall clock, later by `span`. A span of clock units is elapsed time.
    fn later(&self, at: i64, span: Span) -> i64 {
        match span.months {
            0 => at.saturating_add(span.seconds),
            _ => instant_of(self.zone, span.after(at + self.zone.offset_at(at))),
        }
    }

    /// The number of the latest slot that is not after `at`.
    fn index(&self, at: i64) -> i64 {
        let Kind::Every { period, .. } = self.kind else { return 0 };
        let local = at + self.offset_of_grid(at);
        let mut index = match period.months {
            0 => (local - MONDAY).div_euclid(period.seconds.max(1)),
            months => months_of(local).div_euclid(months),
        };
        // OFFSET and changes of the clock move slots by less than a few periods of an hour
        while at < self.slot(index) {
            index -= 1;
        }
        while self.slot(index + 1) <= at {
            index += 1;
        }
        index
    }

    fn slot(&self, index: i64) -> i64 {
        let Kind::Every { period, offset } = self.kind else { return 0 };
        let start = match period.months {
            0 => MONDAY + index * period.seconds,
            months => start_of_month(index * months),
        };
        let local = offset.after(start);
        match self.is_elapsed() {
            true => local - self.zone.offset_at(0),
            false => instant_of(self.zone, local),
        }
    }

    /// Periods that divide an hour pass over changes of the clock: no slot is lost or comes twice in them.
    fn is_elapsed(&self) -> bool {
        matches!(self.kind, Kind::Every { period, .. } if period.months == 0 && 3_600 % period.seconds.max(1) == 0)
    }

    fn offset_of_grid(&self, at: i64) -> i64 {
        if self.is_elapsed() { self.zone.offset_at(0) } else { self.zone.offset_at(at) }
    }
}

/// When the wall clock of a zone shows `local`. Where it leaves that time out, when it goes on: so later local times are
/// never earlier moments.
fn instant_of(zone: Zone, local: i64) -> i64 {
    let at = zone.to_utc(local);
    let missed = local - (at + zone.offset_at(at));
    if missed == 0 {
        return at;
    }
    let (mut before, mut after) = (at.min(at + missed), at.max(at + missed));
    let is_after = |moment: i64| zone.offset_at(moment) == zone.offset_at(at.max(at + missed));
    while before + 1 < after {
        let middle = before + (after - before) / 2;
        if is_after(middle) { after = middle } else { before = middle }
    }
    after
}

fn check_every(period: Span, offset: Span) -> Result<()> {
    let bad = |reason: &str| Err(refuse(ErrorCode::BAD_ARGUMENTS, reason));
    if period.is_zero() {
        return bad("interval must be positive");
    }
    if period.months != 0 && period.seconds != 0 {
        return bad("interval mixes calendar units (MONTH, QUARTER, YEAR) and clock units (WEEK and below)");
    }
    if offset.seconds_max() >= period.seconds_min() {
        return bad("OFFSET must be less than the period");
    }
    Ok(())
}
