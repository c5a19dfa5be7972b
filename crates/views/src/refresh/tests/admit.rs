//! Who runs, out of those that are due: limits hold, priorities are obeyed, nobody waits without a reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use env::Rng;
use env::simulated::SeededRng;

use super::super::admit::{Due, Places, admit};

fn random_due(rng: &SeededRng, groups: &[Arc<str>]) -> Vec<Due<u64>> {
    let due = |view: u64| Due {
        view,
        priority: rng.below(4) as i64 - 1,
        since_ms: rng.below(5) as i64,
        group: groups.get(rng.below(groups.len() as u64 + 2) as usize).cloned(),
        is_catch_up: rng.below(3) == 0,
    };
    (0..rng.below(40)).map(due).collect()
}

#[test]
fn limits_hold_and_nobody_is_passed_over_without_a_reason() {
    let groups: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).to_vec();
    for seed in 0..400 {
        let rng = SeededRng::new(seed);
        let due = random_due(&rng, &groups);
        let places = Places {
            free: rng.below(20) as usize,
            free_catch_ups: rng.below(5) as usize,
            free_in_group: groups.iter().map(|group| (Arc::clone(group), rng.below(6))).collect(),
        };
        let admitted = admit(due.clone(), places.clone());
        let find = |view: &u64| due.iter().find(|due| due.view == *view).expect("it was due");
        let chosen: Vec<&Due<u64>> = admitted.iter().map(find).collect();
        let in_group = |group: &Arc<str>, of: &[&Due<u64>]| {
            of.iter().filter(|due| due.group.as_ref() == Some(group)).count() as u64
        };
        assert!(chosen.len() <= places.free, "seed {seed}");
        assert!(chosen.iter().filter(|due| due.is_catch_up).count() <= places.free_catch_ups, "seed {seed}");
        for (group, free) in &places.free_in_group {
            assert!(in_group(group, &chosen) <= *free, "seed {seed}: group {group} is above its limit");
        }
        // whoever waits: those that went before it took all places, or all of its group, or all of those that catch up
        let key = |due: &Due<u64>| (std::cmp::Reverse(due.priority), due.since_ms, due.view);
        for waiting in due.iter().filter(|due| !admitted.contains(&due.view)) {
            let before: Vec<&Due<u64>> = chosen.iter().copied().filter(|due| key(due) < key(waiting)).collect();
            let group_is_full = waiting.group.as_ref().is_some_and(|group| {
                places.free_in_group.get(group).is_none_or(|free| in_group(group, &before) == *free)
            });
            let catch_ups = before.iter().filter(|due| due.is_catch_up).count();
            let is_storm = waiting.is_catch_up && catch_ups == places.free_catch_ups;
            assert!(
                before.len() == places.free || group_is_full || is_storm,
                "seed {seed}: {waiting:?} waits for nobody"
            );
        }
    }
}

#[test]
fn the_greater_priority_goes_first_and_then_who_waits_longest() {
    let due = |view, priority, since_ms| Due { view, priority, since_ms, group: None, is_catch_up: false };
    let places = Places { free: 3, free_catch_ups: 3, free_in_group: BTreeMap::new() };
    let admitted = admit(vec![due(1, 0, 5), due(2, -1, 0), due(3, 7, 9), due(4, 0, 4)], places);
    assert_eq!(admitted, [3, 4, 1]);
}
