//! Who runs, out of those that are due: limits hold, priorities are obeyed, nobody waits without a reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use env::Rng;
use env::simulated::SeededRng;

use super::super::admit::{CORNER, Due, PLACE, Places, admit};

fn random_due(rng: &SeededRng, groups: &[Arc<str>]) -> Vec<Due<u64>> {
    let due = |view: u64| Due {
        view,
        priority: rng.below(4) as i64 - 1,
        since_ms: rng.below(5) as i64,
        group: groups.get(rng.below(groups.len() as u64 + 2) as usize).cloned(),
        is_catch_up: rng.below(3) == 0,
        room: if rng.below(2) == 0 { PLACE } else { CORNER },
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
            free: rng.below(20 * PLACE as u64) as usize,
            free_catch_ups: rng.below(5) as usize,
            free_in_group: groups.iter().map(|group| (Arc::clone(group), rng.below(6))).collect(),
        };
        let admitted = admit(due.clone(), places.clone());
        let find = |view: &u64| due.iter().find(|due| due.view == *view).expect("it was due");
        let chosen: Vec<&Due<u64>> = admitted.iter().map(find).collect();
        let in_group = |group: &Arc<str>, of: &[&Due<u64>]| {
            of.iter().filter(|due| due.group.as_ref() == Some(group)).count() as u64
        };
        let room = |of: &[&Due<u64>]| of.iter().map(|due| due.room).sum::<usize>();
        assert!(room(&chosen) <= places.free, "seed {seed}");
        assert!(chosen.iter().filter(|due| due.is_catch_up).count() <= places.free_catch_ups, "seed {seed}");
        for (group, free) in &places.free_in_group {
            assert!(in_group(group, &chosen) <= *free, "seed {seed}: group {group} is above its limit");
        }
        // whoever waits: those that went before it took all room, or all of its group, or all of those that catch up
        let key = |due: &Due<u64>| (std::cmp::Reverse(due.priority), due.since_ms, due.view);
        // or one that goes before it waits for more room than there is
        let mut is_kept_free = false;
        let mut sorted: Vec<&Due<u64>> = due.iter().collect();
        sorted.sort_by_key(|due| key(due));
        for waiting in sorted.into_iter().filter(|due| !admitted.contains(&due.view)) {
            let before: Vec<&Due<u64>> = chosen.iter().copied().filter(|due| key(due) < key(waiting)).collect();
            let group_is_full = waiting.group.as_ref().is_some_and(|group| {
                places.free_in_group.get(group).is_none_or(|free| in_group(group, &before) == *free)
            });
            let catch_ups = before.iter().filter(|due| due.is_catch_up).count();
            let is_storm = waiting.is_catch_up && catch_ups == places.free_catch_ups;
            let has_no_room = places.free < room(&before) + waiting.room;
            assert!(
                has_no_room || is_kept_free || group_is_full || is_storm,
                "seed {seed}: {waiting:?} waits for nobody"
            );
            is_kept_free |= has_no_room && !group_is_full && !is_storm;
        }
    }
}

#[test]
fn the_greater_priority_goes_first_and_then_who_waits_longest() {
    let due = |view, priority, since_ms| Due { view, priority, since_ms, group: None, is_catch_up: false, room: PLACE };
    let places = Places { free: 3 * PLACE, free_catch_ups: 3, free_in_group: BTreeMap::new() };
    let admitted = admit(vec![due(1, 0, 5), due(2, -1, 0), due(3, 7, 9), due(4, 0, 4)], places);
    assert_eq!(admitted, [3, 4, 1]);
}

#[test]
fn small_runs_share_a_place_and_a_large_one_waits_for_no_later_one() {
    let due = |view, since_ms, room| Due { view, priority: 0, since_ms, group: None, is_catch_up: false, room };
    let small = |views: std::ops::Range<u64>| views.map(|view| due(view, 0, CORNER)).collect::<Vec<_>>();
    let places = |free| Places { free, free_catch_ups: 0, free_in_group: BTreeMap::new() };
    assert_eq!(admit(small(0..100), places(2 * PLACE)).len(), 2 * PLACE);
    let mut mixed = small(0..5);
    mixed.push(due(5, 1, PLACE));
    mixed.extend(small(6..9).into_iter().map(|due| Due { since_ms: 2, ..due }));
    assert_eq!(admit(mixed.clone(), places(PLACE)), [0, 1, 2, 3, 4], "the later ones leave the large one its room");
    assert_eq!(admit(mixed, places(PLACE + 6)), [0, 1, 2, 3, 4, 5, 6]);
}
