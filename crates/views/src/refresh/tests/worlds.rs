//! Worlds of views over simulated years: random graphs, durations, failures, restarts, a clock that is set; and the same
//! rules again as a few lines of arithmetic for views that depend on nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use env::Rng;
use env::simulated::SeededRng;

use super::super::admit::{Due, PLACE, Places, admit};
use super::super::decide::{
    Amounts, Control, Decision, Ended, Outcome, Parent, Started, Switch, View, after, decide, ready_at,
};
use super::super::{Plan, cycle};
use super::plan;

const YEAR: i64 = 366 * 86_400;

struct Node {
    plan: Plan,
    parents: Vec<usize>,
    outcome: Outcome,
    control: Control,
    ready: Option<i64>,
    /// A run under way, and when it ends.
    run: Option<(Started, i64)>,
    /// Every scheduled run that succeeded: when it started, the slot it served.
    served: Vec<(i64, i64)>,
    attempts_max: u32,
    /// It was due when the world came up again.
    is_catch_up: bool,
}

struct World {
    rng: SeededRng,
    nodes: Vec<Node>,
    now: i64,
    failures_percent: u64,
    duration_max: u64,
    /// Of each concurrency group.
    limits: BTreeMap<Arc<str>, u64>,
}

/// Runs at once, and of those that catch up.
const RUNS_MAX: usize = 16;
const CATCH_UPS_MAX: usize = 4;

impl World {
    fn new(seed: u64, clauses: &[(String, Vec<usize>)]) -> World {
        let node = |(clause, parents): &(String, Vec<usize>)| Node {
            plan: plan(clause),
            parents: parents.clone(),
            outcome: Outcome::default(),
            control: Control::default(),
            ready: None,
            run: None,
            served: Vec::new(),
            attempts_max: 0,
            is_catch_up: false,
        };
        let nodes = clauses.iter().map(node).collect();
        let limits = BTreeMap::new();
        World { rng: SeededRng::new(seed), nodes, now: 1_700_000_000, failures_percent: 0, duration_max: 1, limits }
    }

    fn parents(&self, at: usize) -> Vec<Parent> {
        let parent = |id: &usize| {
            let Node { plan, outcome, .. } = &self.nodes[*id];
            Parent::Known {
                id: *id as u64,
                next: outcome.slot.map(|slot| plan.schedule.next(slot)),
                successes: outcome.successes,
                finished: outcome.finished,
            }
        };
        self.nodes[at].parents.iter().map(parent).collect()
    }

    /// Decides once for each idle view, and begins those that there are places for; when to look again.
    fn begin_due(&mut self) -> i64 {
        let mut wake = self.now + YEAR;
        let mut due = Vec::new();
        for at in 0..self.nodes.len() {
            match self.decide(at) {
                None => wake = wake.min(self.nodes[at].run.as_ref().map_or(wake, |(_, end)| *end)),
                Some(Decision::Run { .. }) => due.push(self.due(at)),
                Some(Decision::Sleep { until_ms }) => wake = wake.min((until_ms + 999).div_euclid(1_000)),
                Some(Decision::Off | Decision::Missing | Decision::WaitForParents) => {}
            }
        }
        for at in admit(due, self.places()) {
            let duration = self.rng.below(self.duration_max) as i64;
            wake = wake.min(self.now + duration);
            self.begin(at, duration);
        }
        wake
    }

    /// What an idle view does now.
    fn decide(&mut self, at: usize) -> Option<Decision> {
        let parents = self.parents(at);
        let now = self.now;
        let node = &mut self.nodes[at];
        if node.run.is_some() {
            return None;
        }
        node.ready = ready_at(&node.outcome, &parents).map(|at| node.ready.unwrap_or(at));
        let Node { plan, outcome, control, ready, .. } = &*node;
        let view = View { plan, outcome, control, ready: *ready, parents: &parents };
        Some(decide(&view, now * 1_000))
    }

    fn due(&self, at: usize) -> Due<usize> {
        let Node { plan, outcome, is_catch_up, .. } = &self.nodes[at];
        let since_ms = outcome.slot.map_or(i64::MIN, |slot| plan.schedule.next(slot).min(self.now) * 1_000);
        let (group, is_catch_up) = (plan.group.clone(), *is_catch_up);
        Due { view: at, priority: plan.priority, since_ms, group, is_catch_up, room: PLACE }
    }

    fn places(&self) -> Places {
        let running = || self.nodes.iter().filter(|node| node.run.is_some());
        let of = |group: &Arc<str>| running().filter(|node| node.plan.group.as_ref() == Some(group)).count() as u64;
        let free = |(group, limit): (&Arc<str>, &u64)| (Arc::clone(group), limit.checked_sub(of(group)).unwrap());
        let catch_ups = running().filter(|node| node.is_catch_up).count();
        Places {
            free: RUNS_MAX.checked_sub(running().count()).unwrap() * PLACE,
            free_catch_ups: CATCH_UPS_MAX.checked_sub(catch_ups).unwrap(),
            free_in_group: self.limits.iter().map(free).collect(),
        }
    }

    fn begin(&mut self, at: usize, duration: i64) {
        let parents = self.parents(at);
        let now = self.now;
        let node = &mut self.nodes[at];
        let Node { plan, outcome, control, ready, .. } = &*node;
        let view = View { plan, outcome, control, ready: *ready, parents: &parents };
        let Decision::Run { asked_for } = decide(&view, now * 1_000) else { panic!("it was due a moment ago") };
        if plan.schedule.is_every() && !asked_for {
            check_parents(&view, now);
        }
        if let (Some(share), true, false, 0) =
            (plan.options.skip_millionths, plan.schedule.is_every(), asked_for, outcome.attempts)
            && outcome.slot.is_some()
        {
            let slot = plan.schedule.floor(now);
            let period = plan.schedule.next(slot) - slot;
            assert!(now - slot <= period * share / 1_000_000 + 1, "a run that begins too late is left out");
        }
        node.run = Some((Started::now(&view, asked_for, now), now + duration));
    }

    fn end_runs(&mut self) {
        for node in &mut self.nodes {
            let Some((started, end)) = node.run.take_if(|(_, end)| *end <= self.now) else { continue };
            let fails = self.rng.below(100) < self.failures_percent;
            let ended = Ended {
                at: end,
                duration_ms: 0,
                error: fails.then(|| "no".to_owned()),
                amounts: Amounts::default(),
                spread: 0,
            };
            node.is_catch_up = false;
            let before = std::mem::take(&mut node.outcome);
            node.outcome = after(&node.plan, &before, &started, ended);
            node.attempts_max = node.attempts_max.max(node.outcome.attempts);
            if !fails && !started.asked_for {
                node.served.push((started.at, node.outcome.slot.unwrap()));
            }
        }
    }

    fn run_until(&mut self, end: i64) {
        while self.now < end {
            let wake = self.begin_due();
            self.now = wake.max(self.now).min(end);
            self.end_runs();
        }
    }

    /// What is not durable is gone.
    fn restart(&mut self) {
        for node in &mut self.nodes {
            (node.run, node.ready) = (None, None);
            let json = serde_json::to_string(&node.outcome).unwrap();
            node.outcome = serde_json::from_str(&json).unwrap();
        }
        for at in 0..self.nodes.len() {
            let is_due = matches!(self.decide(at), Some(Decision::Run { .. }));
            self.nodes[at].is_catch_up = is_due;
        }
    }
}

/// Whatever a scheduled run serves, each dependency has served before.
fn check_parents(view: &View<'_>, now: i64) {
    let due = view.outcome.slot.map(|slot| view.plan.schedule.next(slot));
    for parent in view.parents {
        let Parent::Known { next, .. } = parent else { panic!("a view runs without its dependency") };
        let next = next.expect("the dependency has run");
        assert!(due.is_none_or(|due| due < next || view.outcome.attempts > 0), "at {now}: {due:?} before {next}");
    }
}

fn increasing(served: &[(i64, i64)]) -> bool {
    served.windows(2).all(|pair| pair[0].1 < pair[1].1)
}

const PERIODS: [&str; 7] =
    ["1 HOUR", "5 HOUR", "1 DAY OFFSET 3 HOUR", "1 WEEK", "45 MINUTE", "1 MONTH OFFSET 2 DAY", "2 DAY"];

/// A view that depends on nothing: it starts at each slot, or when the run before it ends, and then serves the latest.
#[test]
fn independent_views_run_as_arithmetic_says() {
    for seed in 0..40 {
        let rng = SeededRng::new(1_000 + seed);
        let clause = format!("EVERY {}", PERIODS[rng.below(7) as usize]);
        let mut world = World::new(seed, &[(clause.clone(), Vec::new())]);
        world.duration_max = 1 + rng.below(10_000);
        let begin = world.now;
        world.run_until(begin + YEAR);
        let node = &world.nodes[0];
        let schedule = &node.plan.schedule;
        let mut expected: Option<i64> = None;
        for (start, slot) in &node.served {
            match expected {
                // the first run is that of CREATE
                None => assert_eq!(*start, begin),
                Some(due) => assert!(due <= *start && due <= *slot, "{clause}: due {due}, ran {start}"),
            }
            assert_eq!(*slot, schedule.floor(*start), "{clause}: a run serves the slot that it starts in");
            expected = Some(schedule.next(*slot));
        }
        let slots = std::iter::successors(Some(schedule.floor(begin)), |slot| Some(schedule.next(*slot)));
        let slots = slots.take_while(|slot| *slot < begin + YEAR - 20_000).count();
        if world.duration_max < 2_700 {
            assert!(slots <= node.served.len(), "{clause}: every slot is served: {} of {slots}", node.served.len());
        }
        assert!(increasing(&node.served), "{clause}");
    }
}

fn random_world(seed: u64) -> World {
    let rng = SeededRng::new(seed);
    let count = 2 + rng.below(12) as usize;
    let mut clauses: Vec<(String, Vec<usize>)> = Vec::new();
    for at in 0..count {
        let parents: Vec<usize> = (0..at).filter(|_| rng.below(3) == 0).collect();
        let names = parents.iter().map(|id| format!("v{id}")).collect::<Vec<_>>().join(", ");
        let schedule = match rng.below(4) {
            0 if !parents.is_empty() => String::new(),
            1 => format!("AFTER {} MINUTE", 1 + rng.below(3_000)),
            _ => format!("EVERY {}", PERIODS[rng.below(7) as usize]),
        };
        let depends = if names.is_empty() { String::new() } else { format!(" DEPENDS ON {names}") };
        let retries = rng.below(4);
        let group = ["", " CONCURRENCY GROUP one", " CONCURRENCY GROUP two"][rng.below(3) as usize];
        let late = if rng.below(4) == 0 { ", refresh_skip_ratio = 0.4" } else { "" };
        let clause =
            format!("{schedule}{depends}{group} PRIORITY {} SETTINGS refresh_retries = {retries}{late}", rng.below(3));
        clauses.push((clause, parents));
    }
    let mut world = World::new(seed, &clauses);
    world.limits = [("one", 1), ("two", 2)].map(|(name, limit)| (Arc::from(name), limit)).into();
    world.duration_max = 1 + rng.below(5_000);
    world
}

#[test]
fn worlds_of_views_keep_their_laws_over_years() {
    for seed in 0..24 {
        let mut world = random_world(seed);
        world.failures_percent = [0, 5, 40][seed as usize % 3];
        let rng = SeededRng::new(seed + 7_777);
        for _ in 0..30 {
            let stretch = rng.below(30 * 86_400) as i64;
            world.run_until(world.now + stretch);
            match rng.below(5) {
                0 => world.restart(),
                // down for a while
                1 => {
                    world.restart();
                    world.now += rng.below(40 * 86_400) as i64;
                }
                2 => {
                    let at = rng.below(world.nodes.len() as u64) as usize;
                    let control = &mut world.nodes[at].control;
                    control.switch = if control.switch == Switch::On { Switch::Off } else { Switch::On };
                }
                3 => {
                    let at = rng.below(world.nodes.len() as u64) as usize;
                    world.nodes[at].control.requested += 1 + rng.below(2);
                }
                _ => {}
            }
        }
        for (at, node) in world.nodes.iter().enumerate() {
            if node.plan.schedule.is_every() {
                assert!(increasing(&node.served), "seed {seed}, view {at}: slots increase");
            }
            let retries = node.plan.options.retries as u32;
            assert!(node.attempts_max <= retries + 1, "seed {seed}, view {at}: {} tries", node.attempts_max);
        }
        comes_to_rest(&mut world, seed);
    }
}

/// With nothing in the way, every view comes to the slot of the moment: nobody waits for ever.
fn comes_to_rest(world: &mut World, seed: u64) {
    world.failures_percent = 0;
    world.nodes.iter_mut().for_each(|node| node.control.switch = Switch::On);
    let before: Vec<u64> = world.nodes.iter().map(|node| node.outcome.successes).collect();
    world.run_until(world.now + 100 * 86_400);
    for (at, node) in world.nodes.iter().enumerate() {
        assert!(before[at] < node.outcome.successes, "seed {seed}, view {at} is stuck: {:?}", node.outcome);
    }
}

/// Downtime leads to one run of each view, not to one for each slot that was missed.
#[test]
fn after_downtime_there_is_one_catch_up() {
    let mut world = World::new(1, &[("EVERY 1 HOUR".to_owned(), Vec::new())]);
    world.run_until(world.now + 86_400);
    let runs = world.nodes[0].served.len();
    world.restart();
    world.now += 30 * 86_400;
    world.run_until(world.now + 1);
    assert_eq!(world.nodes[0].served.len(), runs + 1);
    let (start, slot) = *world.nodes[0].served.last().unwrap();
    assert_eq!(slot, world.nodes[0].plan.schedule.floor(start));
}

/// A clock that is set back makes nothing run again; one that is set on, runs once.
#[test]
fn a_clock_that_is_set_repeats_nothing() {
    let mut world = World::new(2, &[("EVERY 1 DAY".to_owned(), Vec::new())]);
    world.run_until(world.now + 10 * 86_400);
    let runs = world.nodes[0].served.len();
    world.now -= 5 * 86_400;
    world.run_until(world.now + 4 * 86_400);
    assert_eq!(world.nodes[0].served.len(), runs);
    world.now += 100 * 86_400;
    world.run_until(world.now + 2);
    assert_eq!(world.nodes[0].served.len(), runs + 1);
}

#[test]
fn a_chain_of_hundreds_runs_in_order() {
    let view = |at: usize| match at {
        0 => ("EVERY 1 DAY".to_owned(), Vec::new()),
        _ => (format!("EVERY 1 DAY DEPENDS ON v{}", at - 1), vec![at - 1]),
    };
    let mut world = World::new(3, &(0..400).map(view).collect::<Vec<_>>());
    world.run_until(world.now + 3 * 86_400);
    let starts: Vec<i64> = world.nodes.iter().map(|node| node.served.last().unwrap().0).collect();
    assert!(starts.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(world.nodes.iter().all(|node| node.served.len() == 4));
}

#[test]
fn a_cycle_is_spelled_out() {
    let name = |name: &str| store::QualifiedName::new("d", name);
    let known: BTreeMap<_, _> =
        [("b", "c"), ("c", "a"), ("x", "y")].map(|(from, to)| (name(from), vec![name(to)])).into();
    let of = |view: &store::QualifiedName| known.get(view).cloned().unwrap_or_default();
    let way = cycle(&name("a"), &[name("x"), name("b")], &of).unwrap();
    assert_eq!(way, [name("a"), name("b"), name("c"), name("a")]);
    assert_eq!(cycle(&name("a"), &[name("a")], &of).unwrap(), [name("a"), name("a")]);
    assert_eq!(cycle(&name("q"), &[name("b")], &of), None);
}

/// A world that comes up again begins a few of what it missed at a time, the greater priorities first.
#[test]
fn a_start_is_no_storm() {
    let view = |at: usize| (format!("EVERY 1 DAY PRIORITY {}", at % 5), Vec::new());
    let mut world = World::new(4, &(0..60).map(view).collect::<Vec<_>>());
    world.duration_max = 100;
    world.run_until(world.now + 86_400);
    world.restart();
    world.now += 10 * 86_400;
    world.restart();
    let (begin, before) = (world.now, world.nodes.iter().map(|node| node.served.len()).collect::<Vec<_>>());
    world.begin_due();
    let running = world.nodes.iter().filter(|node| node.run.is_some());
    assert_eq!(running.map(|node| node.plan.priority).collect::<Vec<_>>(), [4; CATCH_UPS_MAX]);
    world.run_until(begin + 5_000);
    for (node, before) in world.nodes.iter().zip(before) {
        assert_eq!(node.served.len(), before + 1, "each runs once");
    }
}

/// Late by more than the share: the slot is left out and the next one waited for; late by less, or asked for: it runs.
#[test]
fn a_run_that_is_too_late_is_left_out() {
    let clause = "EVERY 1 DAY SETTINGS refresh_skip_ratio = 0.25".to_owned();
    let mut world = World::new(5, &[(clause, Vec::new())]);
    world.run_until(world.now + 2 * 86_400);
    let midnight = world.nodes[0].plan.schedule.floor(world.now);
    let runs = |world: &World| world.nodes[0].served.len();
    let before = runs(&world);
    world.now = midnight + 86_400 + 7 * 3_600;
    world.run_until(midnight + 2 * 86_400);
    assert_eq!(runs(&world), before, "seven hours of a day are more than a quarter");
    world.run_until(midnight + 2 * 86_400 + 1);
    assert_eq!(runs(&world), before + 1);
    world.now = midnight + 3 * 86_400 + 5 * 3_600;
    world.run_until(world.now + 1);
    assert_eq!(runs(&world), before + 2, "five hours are less");
}

/// In a zone with daylight saving three o'clock comes each day, whatever UTC says; on the day that leaves it out, when the clock goes on.
#[test]
fn slots_follow_the_wall_clock_over_daylight_saving() {
    let clause = "EVERY 1 DAY OFFSET 2 HOUR 30 MINUTE SETTINGS refresh_timezone = 'Europe/Berlin'".to_owned();
    let mut world = World::new(6, &[(clause, Vec::new())]);
    // 2025-03-28 00:00 UTC; clocks go on by an hour on the 30th, at two
    world.now = 1_743_120_000;
    world.run_until(world.now + 4 * 86_400);
    let schedule = &world.nodes[0].plan.schedule;
    let of_day: Vec<i64> = world.nodes[0].served.iter().skip(1).map(|(_, slot)| slot.rem_euclid(86_400) / 60).collect();
    assert_eq!(of_day, [90, 90, 60, 30], "UTC minutes of day: 02:30 is 01:30 in winter and 00:30 in summer");
    // 2025-10-24; they go back on the 26th
    assert_eq!(schedule.passed(1_761_264_000, 1_761_264_000 + 4 * 86_400), 4);
}
