//! The grid of slots.

use env::Rng;
use env::simulated::SeededRng;
use types::ErrorCode;
use types::text::time::{Zone, write_date_time};

use super::{plan, try_plan};

/// Wednesday 2025-03-05 10:11:12 UTC.
const WEDNESDAY: i64 = 1_741_169_472;

fn shown(at: i64) -> String {
    let mut text = Vec::new();
    write_date_time(&mut text, at, Zone::Utc);
    String::from_utf8(text).unwrap()
}

#[test]
fn slots_are_where_the_real_engine_has_them() {
    for (clause, next) in [
        ("EVERY 1 WEEK OFFSET 2 DAY 18 HOUR", "2025-03-05 18:00:00"),
        ("EVERY 1 DAY OFFSET 18 HOUR", "2025-03-05 18:00:00"),
        ("EVERY 30 MINUTE OFFSET 15 MINUTE", "2025-03-05 10:15:00"),
        ("EVERY 45 MINUTE", "2025-03-05 10:30:00"),
        ("EVERY 5 HOUR", "2025-03-05 15:00:00"),
        ("EVERY 1 MONTH OFFSET 5 DAY 2 HOUR", "2025-03-06 02:00:00"),
        ("EVERY 1 YEAR OFFSET 1 MONTH", "2026-02-01 00:00:00"),
        ("EVERY 3 DAY", "2025-03-07 00:00:00"),
        ("EVERY 2 DAY", "2025-03-06 00:00:00"),
        ("EVERY 2 WEEK", "2025-03-10 00:00:00"),
        ("EVERY 5 MONTH", "2025-06-01 00:00:00"),
        ("EVERY 3 YEAR", "2027-01-01 00:00:00"),
        ("EVERY 10 YEAR", "2030-01-01 00:00:00"),
        ("AFTER 1 HOUR", "2025-03-05 11:11:12"),
        ("AFTER 1 MONTH 2 DAY", "2025-04-07 10:11:12"),
    ] {
        assert_eq!(shown(plan(clause).schedule.next(WEDNESDAY)), next, "{clause}");
    }
}

#[test]
fn a_time_zone_keeps_the_wall_clock_over_daylight_saving() {
    let daily = plan("EVERY 1 DAY OFFSET 3 HOUR SETTINGS refresh_timezone = 'Europe/Berlin'").schedule;
    // 2025-03-30: clocks go from 02:00 to 03:00
    let saturday = daily.next(1_743_206_400 - 1);
    assert_eq!(shown(saturday), "2025-03-29 02:00:00");
    assert_eq!(shown(daily.next(saturday)), "2025-03-30 01:00:00");
    assert_eq!(shown(daily.next(daily.next(saturday))), "2025-03-31 01:00:00");
    let hourly = plan("EVERY 1 HOUR SETTINGS refresh_timezone = 'Europe/Berlin'").schedule;
    // 2025-10-26: 02:00 comes twice, and both are slots
    let mut at = 1_761_436_800;
    for _ in 0..6 {
        assert_eq!(hourly.next(at), at + 3_600);
        at += 3_600;
    }
    let seoul = plan("EVERY 1 DAY OFFSET 3 HOUR SETTINGS refresh_timezone = 'Asia/Seoul'").schedule;
    assert_eq!(shown(seoul.next(WEDNESDAY)), "2025-03-05 18:00:00");
}

/// `floor(t) <= t < next(floor(t))`, whatever the period, offset and zone; in UTC clock periods are plain arithmetic.
#[test]
fn every_moment_lies_between_two_slots() {
    let rng = SeededRng::new(120);
    let zones = ["UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
    for _ in 0..3_000 {
        let zone = zones[rng.below(6) as usize];
        let (clause, seconds) = match rng.below(3) {
            0 => (format!("EVERY {} MONTH OFFSET {} DAY", 1 + rng.below(30), rng.below(28)), None),
            _ => {
                let period = 1 + rng.below(20 * 86_400) as i64;
                let offset = rng.below(period as u64) as i64;
                (format!("EVERY {period} SECOND OFFSET {offset} SECOND"), Some((period, offset)))
            }
        };
        let schedule = plan(&format!("{clause} SETTINGS refresh_timezone = '{zone}'")).schedule;
        let at = rng.below(4_000_000_000) as i64;
        let (floor, next) = (schedule.floor(at), schedule.next(at));
        assert!(floor <= at && at < next, "{clause} {zone}: {floor} <= {at} < {next}");
        assert_eq!((schedule.floor(floor), schedule.floor(next)), (floor, next), "{clause} {zone}: slots are slots");
        assert_eq!(schedule.next(floor), next, "{clause} {zone}: nothing lies between");
        if let (Some((period, offset)), "UTC") = (seconds, zone) {
            let since = (at + 3 * 86_400 - offset).rem_euclid(period);
            assert_eq!(floor, at - since, "{clause}");
        }
    }
}

#[test]
fn what_cannot_be_a_schedule_is_refused_by_name() {
    for (clause, code) in [
        ("EVERY 0 SECOND", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 MONTH 2 DAY", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 10 MILLISECOND", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY OFFSET 24 HOUR", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 MONTH OFFSET 28 DAY", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 QUARTER OFFSET 2 MONTH 22 DAY", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 11 MONTH OFFSET 10 MONTH", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 YEAR OFFSET 11 MONTH 24 DAY", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 SECOND 1 SECOND", ErrorCode::SYNTAX_ERROR),
        ("EVERY 18446744073709551615 YEAR", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS nope = 1", ErrorCode::UNKNOWN_SETTING),
        ("EVERY 1 DAY SETTINGS refresh_timezone = 'Mars/Olympus'", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS keep_generations = 101", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS keep_generations = -1", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS keep_generations = 3 APPEND", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS keep_generations = 3 REPLACE PARTITIONS", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS refresh_skip_ratio = 0", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS refresh_skip_ratio = 'much'", ErrorCode::BAD_ARGUMENTS),
        ("EVERY 1 DAY SETTINGS refresh_on_miss = 'maybe'", ErrorCode::BAD_ARGUMENTS),
        ("ON CHANGE", ErrorCode::NOT_IMPLEMENTED),
    ] {
        assert_eq!(try_plan(clause).unwrap_err().code(), code, "{clause}");
    }
    assert!(try_plan("EVERY 1 MONTH OFFSET 27 DAY 23 HOUR").is_ok());
    for longest in ["1 QUARTER OFFSET 2 MONTH 21 DAY", "10 MONTH OFFSET 9 MONTH", "1 YEAR OFFSET 11 MONTH 23 DAY"] {
        assert!(try_plan(&format!("EVERY {longest}")).is_ok(), "{longest}");
    }
}
