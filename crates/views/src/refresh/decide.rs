//! What to do with a view now, from its plan, what its runs left, what commands said, and its dependencies. Pure: no
//! clock, no store; every case is a row of a table test.
//!
//! Invariants: of one view never two runs at once; a scheduled run serves a later slot than the one before; a slot that
//! was served is not run again; a failed run serves nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::{Plan, WHOLE_PERIOD};
use super::versions::Versions;

/// The spread of a slot is a share of half its width, in this many steps to each side.
pub const SPREAD_STEPS: i64 = 1_000_000;

/// What the runs of a view left behind. Durable: written in the commit of the run. Times are seconds since 1970 on the
/// view's clock.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// The slot that was served last; for AFTER, when the last run ended. None: it never ran.
    pub slot: Option<i64>,
    /// Failed runs since then.
    pub attempts: u32,
    /// When the last run started.
    pub started: Option<i64>,
    /// When the last run ended.
    pub ended: Option<i64>,
    /// When the last run that succeeded started.
    pub succeeded: Option<i64>,
    /// When the last run that succeeded ended.
    pub finished: Option<i64>,
    /// How long that one took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Why the last run failed; empty when it did not.
    pub error: String,
    /// The last request that a run answered.
    pub served: u64,
    /// Runs that succeeded.
    pub successes: u64,
    /// Runs of any sort.
    pub runs: u64,
    /// [`Outcome::successes`] of each dependency when the last run started, by table.
    pub seen: BTreeMap<u64, u64>,
    /// Where in the spread the next slot is: of [`SPREAD_STEPS`] to either side.
    pub spread: i64,
    /// What the last run read and wrote.
    pub amounts: Amounts,
    /// What the last run that succeeded was made from, when nothing else could change its rows.
    pub made_from: Option<Versions>,
    /// The present content of the target and those before it that are kept, newest first.
    pub generations: Vec<Generation>,
}

/// A content of a view's target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Generation {
    /// Counts the contents of the view, from 1; 0 is what was there before the first refresh.
    pub number: u64,
    /// When the run that made it started, in seconds since 1970; none for number 0.
    pub at: Option<i64>,
}

impl Outcome {
    /// The last run succeeded.
    pub fn has_succeeded(&self) -> bool {
        self.runs != 0 && self.error.is_empty()
    }
}

/// What a run read and wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Amounts {
    pub read_rows: u64,
    pub read_bytes: u64,
    pub total_rows: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
}

/// Whether a view is refreshed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Switch {
    /// By its schedule.
    #[default]
    On,
    /// Not at all: STOP, PAUSE. Requests are remembered.
    Off,
}

/// What commands said. Durable.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Control {
    /// STOP, PAUSE, START.
    pub switch: Switch,
    /// SYSTEM REFRESH VIEW so far; more than [`Outcome::served`]: one is waiting.
    pub requested: u64,
    /// The partitions that the waiting request is for; empty: for everything.
    pub partitions: Vec<String>,
    /// TEST VIEW … SET FAKE TIME: seconds since 1970.
    pub fake_time: Option<i64>,
}

impl Control {
    /// SYSTEM REFRESH VIEW [PARTITION …]. One that waits already (`is_waiting`) is answered by the same run.
    pub fn request(&mut self, partitions: &[String], is_waiting: bool) {
        self.requested += 1;
        match (is_waiting, self.partitions.is_empty() || partitions.is_empty()) {
            (true, true) => self.partitions.clear(),
            (true, false) => self.partitions.extend_from_slice(partitions),
            (false, _) => self.partitions = partitions.to_vec(),
        }
        self.partitions.sort();
        self.partitions.dedup();
    }
}

/// A dependency as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parent {
    /// No refreshable view has that name.
    Missing,
    /// One has.
    Known {
        /// Its table.
        id: u64,
        /// When its next slot is; none when it never ran.
        next: Option<i64>,
        /// [`Outcome::successes`].
        successes: u64,
        /// [`Outcome::finished`].
        finished: Option<i64>,
    },
}

/// Everything that a decision is made of.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Its REFRESH clause.
    pub plan: &'a Plan,
    /// What runs left.
    pub outcome: &'a Outcome,
    /// What commands said.
    pub control: &'a Control,
    /// As [`ready_at`] says, since it first said so.
    pub ready: Option<i64>,
    /// Its dependencies, in the order of the plan.
    pub parents: &'a [Parent],
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing: it is off.
    Off,
    /// Nothing until the catalogue changes: a dependency is no refreshable view.
    Missing,
    /// Nothing until a dependency has run.
    WaitForParents,
    /// Nothing before that time, in milliseconds since 1970.
    Sleep {
        /// The time.
        until_ms: i64,
    },
    /// Run now.
    Run {
        /// It was asked for: schedule and dependencies do not count.
        asked_for: bool,
    },
}

/// When the next scheduled run is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Due {
    slot: i64,
    at_ms: i64,
}

/// The slot of a view that never ran: earlier than any.
const FIRST: i64 = i64::MIN;

/// What to do with a view that does not run now.
pub fn decide(view: &View<'_>, now_ms: i64) -> Decision {
    if view.control.switch == Switch::Off {
        return Decision::Off;
    }
    if view.is_asked_for() {
        return Decision::Run { asked_for: true };
    }
    if view.parents.contains(&Parent::Missing) {
        return Decision::Missing;
    }
    let Some(due) = view.due(now_ms) else { return Decision::WaitForParents };
    if now_ms < due.at_ms {
        return Decision::Sleep { until_ms: due.at_ms };
    }
    match view.plan.schedule.is_every() && !view.parents_are_past(due.slot) {
        true => Decision::WaitForParents,
        false => Decision::Run { asked_for: false },
    }
}

impl View<'_> {
    /// A request waits.
    pub fn is_asked_for(&self) -> bool {
        self.outcome.served < self.control.requested
    }

    /// When the next scheduled run is due, in milliseconds since 1970; none when that is not known, or at once.
    pub fn next_ms(&self, now_ms: i64) -> Option<i64> {
        self.due(now_ms).filter(|due| due.slot != FIRST || due.at_ms != FIRST).map(|due| due.at_ms)
    }

    fn due(&self, now_ms: i64) -> Option<Due> {
        let due = self.due_at_all()?;
        let Some(share) = self.plan.options.skip_millionths.filter(|_| due.slot != FIRST) else { return Some(due) };
        let schedule = &self.plan.schedule;
        let is_retry = settled(self.plan, self.outcome).1 != 0;
        if !schedule.is_every() || is_retry || now_ms < due.at_ms {
            return Some(due);
        }
        // begun now it would serve the latest slot: when that one is too long ago, it is left out
        let slot = schedule.floor(now_ms.div_euclid(1_000)).max(due.slot);
        let next = schedule.next(slot);
        let late_ms = i128::from(now_ms) - i128::from(slot) * 1_000;
        let may_be_ms = i128::from(next - slot) * 1_000 * i128::from(share) / i128::from(WHOLE_PERIOD);
        match late_ms <= may_be_ms {
            true => Some(due),
            false => Some(Due { slot: next, at_ms: next.saturating_mul(1_000) + spread_ms(self.plan, self.outcome) }),
        }
    }

    fn due_at_all(&self) -> Option<Due> {
        let (outcome, schedule) = (self.outcome, &self.plan.schedule);
        let (last, attempts) = settled(self.plan, outcome);
        let waits = !schedule.is_every() && !self.parents.is_empty();
        let slot = match (waits, last) {
            (true, _) => schedule.next(self.ready?),
            (false, Some(last)) => schedule.next(last),
            (false, None) => FIRST,
        };
        let at_ms = match (attempts, outcome.started) {
            (1.., Some(started)) => {
                started.saturating_mul(1_000).saturating_add(self.plan.options.backoff_ms(attempts))
            }
            _ if slot == FIRST => FIRST,
            _ => slot.saturating_mul(1_000) + spread_ms(self.plan, outcome),
        };
        Some(Due { slot, at_ms })
    }

    /// Every dependency has served the slot.
    fn parents_are_past(&self, slot: i64) -> bool {
        self.parents.iter().all(|parent| match parent {
            Parent::Missing => false,
            Parent::Known { next, .. } => next.is_some_and(|next| slot < next),
        })
    }
}

/// The last slot and the failed runs since, after a slot whose retries are used up was given up.
fn settled(plan: &Plan, outcome: &Outcome) -> (Option<i64>, u32) {
    let retries = plan.options.retries;
    match outcome.started {
        Some(started) if 0 <= retries && retries < i64::from(outcome.attempts) => {
            (Some(plan.schedule.served(outcome.slot, started, started, false)), 0)
        }
        _ => (outcome.slot, outcome.attempts),
    }
}

fn spread_ms(plan: &Plan, outcome: &Outcome) -> i64 {
    let half_ms = i128::from(plan.schedule.spread_s) * 500;
    i64::try_from(half_ms * i128::from(outcome.spread) / i128::from(SPREAD_STEPS)).unwrap_or(0)
}

/// For a view that runs after its dependencies: since when all of them have run again, or for the first time.
pub fn ready_at(outcome: &Outcome, parents: &[Parent]) -> Option<i64> {
    let newer = |parent: &Parent| match parent {
        Parent::Known { id, successes, finished, .. } if outcome.seen.get(id).copied().unwrap_or(0) < *successes => {
            *finished
        }
        _ => None,
    };
    parents.iter().map(newer).collect::<Option<Vec<i64>>>()?.into_iter().max()
}

/// A run that has started. What it needs to know of the moment it did.
#[derive(Clone, PartialEq, Debug)]
pub struct Started {
    /// When, in seconds since 1970.
    pub at: i64,
    /// It was asked for.
    pub asked_for: bool,
    /// [`Control::requested`] then.
    pub requested: u64,
    /// The partitions that were asked for; empty: everything.
    pub partitions: Vec<String>,
    /// [`Outcome::successes`] of each dependency then.
    pub seen: BTreeMap<u64, u64>,
}

impl Started {
    /// A run that starts now.
    pub fn now(view: &View<'_>, asked_for: bool, now: i64) -> Started {
        let seen = view.parents.iter().filter_map(|parent| match parent {
            Parent::Known { id, successes, .. } => Some((*id, *successes)),
            Parent::Missing => None,
        });
        let partitions = if asked_for { view.control.partitions.clone() } else { Vec::new() };
        Started { at: now, asked_for, requested: view.control.requested, partitions, seen: seen.collect() }
    }
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Ended {
    /// When, in seconds since 1970.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Why it failed; none when it succeeded.
    pub error: Option<String>,
    /// What it read and wrote.
    pub amounts: Amounts,
    /// A random number in `-SPREAD_STEPS ..= SPREAD_STEPS`.
    pub spread: i64,
}

/// What a run leaves behind.
pub fn after(plan: &Plan, before: &Outcome, started: &Started, ended: Ended) -> Outcome {
    let (slot, attempts) = settled(plan, before);
    let mut outcome = Outcome {
        slot,
        attempts,
        started: Some(started.at),
        ended: Some(ended.at),
        served: started.requested,
        runs: before.runs + 1,
        amounts: ended.amounts,
        ..before.clone()
    };
    if let Some(error) = ended.error {
        outcome.error = if error.is_empty() { "failed".to_owned() } else { error };
        // a request is not tried again
        outcome.attempts += u32::from(!started.asked_for);
        return outcome;
    }
    outcome.error = String::new();
    if started.partitions.is_empty() {
        outcome.slot = Some(plan.schedule.served(slot, started.at, ended.at, started.asked_for));
        outcome.attempts = 0;
    }
    outcome.succeeded = Some(started.at);
    outcome.finished = Some(ended.at);
    outcome.duration_ms = Some(ended.duration_ms);
    outcome.successes += 1;
    outcome.seen = started.seen.clone();
    outcome.spread = ended.spread;
    outcome
}

/// What a scheduled run leaves that was not needed: its query could not answer differently.
pub fn after_unchanged(plan: &Plan, before: &Outcome, started: &Started, spread: i64) -> Outcome {
    let ended = Ended { at: started.at, duration_ms: 0, error: None, amounts: before.amounts, spread };
    after(plan, before, started, ended)
}

/// How many slots came while a run was under way: they are served by the next one, together.
pub fn overrun(plan: &Plan, started: i64, ended: i64) -> u64 {
    plan.schedule.passed(started, ended)
}

/// The contents of a target after a refresh that keeps `keep` of those before.
pub fn next_generations(before: &[Generation], started: i64, keep: usize) -> Vec<Generation> {
    let number = before.first().map_or(1, |present| present.number + 1);
    let next = Generation { number, at: Some(started) };
    std::iter::once(next).chain(before.iter().copied()).take(keep + 1).collect()
}

/// After downtime, what a view is that does not run what it missed: its latest slot counts as served.
pub fn skip_missed(plan: &Plan, outcome: &Outcome, now: i64) -> Option<Outcome> {
    let last = outcome.slot.filter(|_| !plan.options.runs_missed && plan.schedule.is_every())?;
    let is_missed = plan.schedule.next(last) <= now;
    is_missed.then(|| Outcome { slot: Some(plan.schedule.floor(now)), attempts: 0, ..outcome.clone() })
}
