//! Views that work by themselves come back from a backup as they were, and go on at once.

use super::{done, machine, open, rows, run};
use crate::Session;

/// What they know of their runs, and rows that they could not take, is theirs as well.
const WORKERS: &[&str] = &[
    "CREATE DATABASE shop",
    "CREATE TABLE shop.events (t DateTime, k UInt32, v Float64, INDEX i v TYPE minmax) ENGINE = MergeTree ORDER BY k \
     TTL t + INTERVAL 1 YEAR",
    "CREATE TABLE shop.per_k (k UInt32, n UInt64) ENGINE = SummingMergeTree ORDER BY k",
    "CREATE MATERIALIZED VIEW shop.to_per_k TO shop.per_k AS SELECT k, count() AS n FROM shop.events GROUP BY k",
    "CREATE TABLE shop.inverse (k UInt32, w UInt64) ENGINE = MergeTree ORDER BY k",
    "CREATE MATERIALIZED VIEW shop.picky TO shop.inverse ON ERROR QUARANTINE AS \
     SELECT k, intDiv(100, k) AS w FROM shop.events",
    "CREATE MATERIALIZED VIEW shop.hourly REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY k AS \
     SELECT k, count() AS n FROM shop.events GROUP BY k",
    "CREATE TABLE shop.totals (n UInt64) ENGINE = MergeTree ORDER BY n",
    "CREATE MATERIALIZED VIEW shop.total REFRESH EVERY 1 HOUR DEPENDS ON shop.hourly TO shop.totals AS \
     SELECT sum(n) AS n FROM shop.hourly",
    "CREATE TABLE shop.journal (at DateTime, n UInt64) ENGINE = MergeTree ORDER BY at",
    "CREATE MATERIALIZED VIEW shop.write REFRESH EVERY 1 DAY APPEND TO shop.journal AS \
     SELECT now() AS at, count() AS n FROM shop.events",
];

const WORK: &[&str] = &[
    "SELECT count(), sum(k) FROM shop.events",
    "SELECT k, sum(n) FROM shop.per_k GROUP BY k",
    "SELECT * FROM shop.inverse",
    "SELECT * FROM shop.hourly",
    "SELECT * FROM shop.totals",
    "SELECT n FROM shop.journal",
    "SELECT count(), any(_reason) FROM shop.picky_errors",
    "SELECT view, status, last_success_time, next_refresh_time FROM system.view_refreshes",
    "SELECT name, status, quarantined_rows FROM system.views WHERE database = 'shop'",
    "VERIFY VIEW shop.to_per_k",
];

async fn work(session: &mut Session) -> Vec<Vec<String>> {
    let mut answers = Vec::new();
    for question in WORK {
        answers.push(rows(session, question).await);
    }
    answers
}

async fn add_events(session: &mut Session, from: u32) {
    let text = format!("INSERT INTO shop.events SELECT now(), number, number FROM numbers({from}, 40)");
    done(session, &text).await;
}

async fn refresh_all(session: &mut Session) {
    for view in ["hourly", "total", "write"] {
        done(session, &format!("SYSTEM REFRESH VIEW shop.{view}")).await;
        done(session, &format!("SYSTEM WAIT VIEW shop.{view}")).await;
    }
}

#[test]
fn refreshable_views_and_views_with_errors_come_back_and_work_at_once() {
    run(async {
        let machine = machine();
        let (engine, mut session) = open(&machine).await;
        let session = &mut session;
        for text in WORKERS {
            done(session, text).await;
        }
        add_events(session, 0).await;
        add_events(session, 1).await;
        refresh_all(session).await;
        let before = work(session).await;
        assert_eq!(before[6].len(), 1, "{before:?}");
        done(session, "BACKUP DATABASE shop TO File('shop')").await;
        done(session, "DROP DATABASE shop").await;
        done(session, "RESTORE DATABASE shop FROM File('shop')").await;
        assert_eq!(work(session).await, before);

        // nothing has to be restarted or waited for
        add_events(session, 50).await;
        refresh_all(session).await;
        assert_eq!(rows(session, "SELECT * FROM shop.totals").await, ["120"]);
        assert_eq!(rows(session, "SELECT max(n) FROM shop.journal").await, ["120"]);
        assert_eq!(rows(session, "SELECT sum(n) FROM shop.per_k").await, ["120"]);
        assert_eq!(rows(session, "SELECT count() FROM shop.inverse").await, ["80"]);
        add_events(session, 100).await;
        engine.env().clock.sleep(std::time::Duration::from_secs(3_700)).await;
        assert_eq!(rows(session, "SELECT * FROM shop.totals").await, ["160"], "it keeps its hours");
        done(session, "ALTER TABLE shop.picky MODIFY QUERY SELECT k, intDiv(100, k + 1) AS w FROM shop.events").await;
        done(session, "SYSTEM REPAIR VIEW shop.picky").await;
        assert_eq!(rows(session, "SELECT count() FROM shop.inverse").await, ["160"]);
        engine.close().await.unwrap();
    });
}
