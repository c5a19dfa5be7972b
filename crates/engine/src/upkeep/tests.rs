//! What is past its time goes by itself, on the simulated clock.

use std::time::Duration;

use crate::testing::{code, done, open, rows, run};
use crate::{Engine, Session};

/// The loop looks at least this often.
const LOOK: Duration = Duration::from_secs(6);

async fn pass(engine: &Engine, time: Duration) {
    engine.env().clock.sleep(time).await;
}

async fn count(session: &mut Session, table: &str) -> String {
    rows(session, &format!("SELECT count() FROM {table}")).await.join("")
}

/// `name` of every active part, in order.
async fn parts(session: &mut Session, table: &str) -> Vec<String> {
    rows(session, &format!("SELECT name FROM system.parts WHERE table = '{table}' AND active ORDER BY name")).await
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_part_past_its_time_is_dropped_without_a_merge() {
    run(async {
        let (engine, mut session) = open().await;
        done(
            &mut session,
            "CREATE TABLE t (d DateTime, v UInt64) ENGINE = MergeTree PARTITION BY toDate(d) ORDER BY v \
             TTL d + INTERVAL 90 DAY",
        )
        .await;
        done(
            &mut session,
            "CREATE MATERIALIZED VIEW mv ENGINE = SummingMergeTree ORDER BY day AS \
             SELECT toDate(d) AS day, count() AS n FROM t GROUP BY day",
        )
        .await;
        done(&mut session, "INSERT INTO t SELECT now() - (number % 90 + 1) * 86400 + 7200, number FROM numbers(900)")
            .await;
        assert_eq!(count(&mut session, "t").await, "900");
        let merges = engine.inner.store.stats().merges;
        let before = parts(&mut session, "t").await;
        pass(&engine, 2 * HOUR + LOOK).await;
        assert_eq!(count(&mut session, "t").await, "890", "the last day went when its time came");
        let after = parts(&mut session, "t").await;
        assert!(after.iter().all(|part| before.contains(part)), "the other parts are the same: {after:?}");
        assert_eq!(engine.inner.store.stats().merges, merges, "nothing was rewritten");
        assert_eq!(rows(&mut session, "SELECT sum(n) FROM mv").await, ["900"], "views keep what they saw");
        engine.close().await.unwrap();
    });
}

#[test]
fn rows_go_at_once_and_then_at_most_once_in_the_timeout() {
    run(async {
        let (engine, mut session) = open().await;
        done(
            &mut session,
            "CREATE TABLE t (d DateTime, v UInt64) ENGINE = MergeTree ORDER BY v TTL d + INTERVAL 1 DAY \
             SETTINGS merge_with_ttl_timeout = 7200",
        )
        .await;
        // row n is past its time in n hours
        done(&mut session, "INSERT INTO t SELECT now() - 86400 + number * 3600, number FROM numbers(1, 10)").await;
        assert_eq!(count(&mut session, "t").await, "10");
        pass(&engine, HOUR + LOOK).await;
        assert_eq!(count(&mut session, "t").await, "9", "the first goes as soon as its time has come");
        pass(&engine, HOUR).await;
        assert_eq!(count(&mut session, "t").await, "9", "the second waits for the timeout");
        pass(&engine, HOUR + LOOK).await;
        assert_eq!(count(&mut session, "t").await, "7");
        pass(&engine, 24 * HOUR).await;
        assert_eq!(count(&mut session, "t").await, "0");
        engine.close().await.unwrap();
    });
}

#[test]
fn values_of_columns_and_groups_of_rows_go_once() {
    run(async {
        let (engine, mut session) = open().await;
        done(
            &mut session,
            "CREATE TABLE c (d DateTime, k UInt64, v String DEFAULT 'gone' TTL d + INTERVAL 1 HOUR) \
             ENGINE = MergeTree ORDER BY k SETTINGS merge_with_ttl_timeout = 0",
        )
        .await;
        done(
            &mut session,
            "CREATE TABLE g (d DateTime, k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k \
             TTL d + INTERVAL 1 HOUR GROUP BY k SET v = sum(v), d = max(d) SETTINGS merge_with_ttl_timeout = 0",
        )
        .await;
        done(
            &mut session,
            "CREATE TABLE w (d DateTime, k UInt64) ENGINE = MergeTree ORDER BY k \
             TTL d + INTERVAL 1 HOUR DELETE WHERE k % 2 = 0 SETTINGS merge_with_ttl_timeout = 0",
        )
        .await;
        done(&mut session, "INSERT INTO c VALUES (now(), 1, 'a'), (now() + 7200, 2, 'b')").await;
        done(&mut session, "INSERT INTO g SELECT now(), number % 3, number FROM numbers(9)").await;
        done(&mut session, "INSERT INTO w SELECT now(), number FROM numbers(6)").await;
        pass(&engine, HOUR + LOOK).await;
        assert_eq!(rows(&mut session, "SELECT k, v FROM c").await, ["1\tgone", "2\tb"]);
        assert_eq!(rows(&mut session, "SELECT k, v FROM g").await, ["0\t9", "1\t12", "2\t15"]);
        assert_eq!(rows(&mut session, "SELECT k FROM w").await, ["1", "3", "5"]);
        let merges = engine.inner.store.stats().merges;
        pass(&engine, HOUR / 2).await;
        assert_eq!(engine.inner.store.stats().merges, merges, "what was dealt with is not dealt with again");
        pass(&engine, 4 * HOUR).await;
        assert_eq!(rows(&mut session, "SELECT k, v FROM c").await, ["1\tgone", "2\tgone"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn only_whole_parts_go_where_the_table_says_so_and_nothing_while_stopped() {
    run(async {
        let (engine, mut session) = open().await;
        for (table, settings) in [("only", "SETTINGS ttl_only_drop_parts = 1"), ("stopped", "")] {
            let text = format!(
                "CREATE TABLE {table} (d DateTime, v UInt64) ENGINE = MergeTree ORDER BY v TTL d + INTERVAL 1 HOUR {settings}"
            );
            done(&mut session, &text).await;
            done(&mut session, &format!("INSERT INTO {table} VALUES (now(), 1), (now() + 3600, 2)")).await;
        }
        done(&mut session, "SYSTEM STOP TTL MERGES stopped").await;
        pass(&engine, HOUR + LOOK).await;
        assert_eq!(count(&mut session, "only").await, "2");
        assert_eq!(count(&mut session, "stopped").await, "2");
        done(&mut session, "OPTIMIZE TABLE stopped FINAL").await;
        assert_eq!(count(&mut session, "stopped").await, "2");
        done(&mut session, "SYSTEM START TTL MERGES stopped").await;
        pass(&engine, LOOK).await;
        assert_eq!(count(&mut session, "stopped").await, "1");
        pass(&engine, HOUR).await;
        assert_eq!(count(&mut session, "only").await, "0");
        engine.close().await.unwrap();
    });
}

#[test]
fn a_new_ttl_rewrites_no_part_whose_days_are_known() {
    run(async {
        let (engine, mut session) = open().await;
        let create = "CREATE TABLE t (d DateTime, v UInt64) ENGINE = MergeTree PARTITION BY toDate(d) ORDER BY v";
        done(&mut session, create).await;
        let insert = "INSERT INTO t SELECT now() - (number % 9 + 1) * 86400 + 7200, number FROM numbers(90)";
        done(&mut session, insert).await;
        done(&mut session, "ALTER TABLE t MODIFY TTL toStartOfHour(d) + INTERVAL 9 DAY").await;
        let (before, merges) = (parts(&mut session, "t").await, engine.inner.store.stats().merges);
        pass(&engine, 2 * HOUR + LOOK).await;
        let after = parts(&mut session, "t").await;
        assert_eq!((before.len(), after.len()), (9, 8));
        assert!(after.iter().all(|part| before.contains(part)), "the other parts are the same: {after:?}");
        assert_eq!(engine.inner.store.stats().merges, merges, "nothing was rewritten");
        engine.close().await.unwrap();
    });
}

#[test]
fn parts_that_say_nothing_of_a_rule_are_rewritten_once() {
    run(async {
        let (engine, mut session) = open().await;
        done(&mut session, "CREATE TABLE t (d DateTime, v UInt64) ENGINE = MergeTree ORDER BY v").await;
        done(&mut session, "INSERT INTO t SELECT now() + number, number FROM numbers(3)").await;
        // nothing is known of a time that may be any function of the row
        done(&mut session, "ALTER TABLE t MODIFY TTL if(v < 100, d, d) + INTERVAL 1 HOUR").await;
        pass(&engine, LOOK).await;
        assert_eq!(count(&mut session, "t").await, "3");
        pass(&engine, HOUR + LOOK).await;
        assert_eq!(count(&mut session, "t").await, "0", "dropped whole: the rewritten part knows its last moment");
        assert_eq!(code(&mut session, "OPTIMIZE TABLE t FINAL").await, 0);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_merge_rests_while_a_select_runs_and_still_ends() {
    run(async {
        let (engine, mut session) = open().await;
        let events = "SELECT value FROM system.events WHERE event = 'StoreMergeRests'";
        done(&mut session, "CREATE TABLE t (k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, "SYSTEM STOP MERGES").await;
        for _ in 0..12 {
            done(&mut session, "INSERT INTO t SELECT number, number FROM numbers(50000)").await;
        }
        // what is asked for does not rest
        done(&mut session, "CREATE TABLE o AS t").await;
        done(&mut session, "INSERT INTO o SELECT number, number FROM numbers(200000)").await;
        let mut asked = engine.session(&crate::Credentials::default()).unwrap();
        let asked = async { done(&mut asked, "OPTIMIZE TABLE o FINAL").await };
        futures::future::join(rows(&mut session, "SELECT sleep(2)"), asked).await;
        assert!(rows(&mut session, events).await.is_empty());

        done(&mut session, "SYSTEM START MERGES").await;
        assert_eq!(rows(&mut session, "SELECT sleep(3) + sleep(3)").await, ["0"]);
        assert_ne!(rows(&mut session, events).await, Vec::<String>::new(), "no merge rested");
        let left: usize = count(&mut session, "system.parts WHERE table = 't' AND active").await.parse().unwrap();
        assert!(left < 12, "a merge ended although a query ran all the time: {left} parts");
        engine.close().await.unwrap();
    });
}
