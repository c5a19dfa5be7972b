//! Views that are changed in place: their SELECT, and what takes the place of what.

use futures::StreamExt;

use crate::testing::{code, done, open, rows, run};
use crate::{Credentials, Engine, Request};

#[test]
fn modify_query_extends_the_view_and_keeps_what_reads_it() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE s (k UInt8, v Int64) ENGINE = MergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW v ENGINE = SummingMergeTree ORDER BY k AS SELECT k, count() AS n FROM s GROUP BY k",
            "CREATE VIEW over AS SELECT k, n FROM v",
            "INSERT INTO s VALUES (1, 10), (1, 20)",
            "ALTER TABLE v MODIFY QUERY SELECT k, count() AS n, sum(v) AS total FROM s GROUP BY k",
            "INSERT INTO s VALUES (1, 5), (2, 7)",
        ] {
            done(&mut session, text).await;
        }
        let all = "SELECT k, sum(n), sum(total) FROM v GROUP BY k";
        assert_eq!(rows(&mut session, all).await, ["1\t3\t5", "2\t1\t7"]);
        assert_eq!(rows(&mut session, "SELECT k, sum(n) FROM over GROUP BY k").await, ["1\t3", "2\t1"]);
        // a column that the SELECT leaves out stays; one of another type is refused; so is a table that is not there
        done(&mut session, "ALTER TABLE v MODIFY QUERY SELECT k, sum(v) AS total FROM s GROUP BY k").await;
        done(&mut session, "INSERT INTO s VALUES (2, 1)").await;
        assert_eq!(rows(&mut session, all).await, ["1\t3\t5", "2\t1\t8"]);
        assert_eq!(code(&mut session, "ALTER TABLE v MODIFY QUERY SELECT nope FROM s").await, 47);
        assert_eq!(code(&mut session, "ALTER TABLE v MODIFY QUERY SELECT k FROM nope").await, 60);
        let state = "ALTER TABLE v MODIFY QUERY SELECT k, sumState(v) AS total FROM s GROUP BY k";
        assert_ne!(code(&mut session, state).await, 0);
        done(&mut session, "INSERT INTO s VALUES (2, 1)").await;
        assert_eq!(rows(&mut session, all).await, ["1\t3\t5", "2\t1\t9"]);
        // the columns of a TO table are its own
        for text in [
            "CREATE TABLE t (k UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW w TO t AS SELECT k, count() AS n FROM s GROUP BY k",
            "CREATE VIEW over_w AS SELECT n FROM w",
        ] {
            done(&mut session, text).await;
        }
        let more = "ALTER TABLE w MODIFY QUERY SELECT k, count() AS n, 1 AS x FROM s GROUP BY k";
        assert_eq!(code(&mut session, more).await, 8);
        // a view with TO shows the columns of its SELECT: what reads one of them is named
        let less = "ALTER TABLE w MODIFY QUERY SELECT k FROM s";
        assert_eq!(code(&mut session, less).await, 630);
        done(&mut session, "DROP VIEW over_w").await;
        done(&mut session, less).await;
        assert_eq!(code(&mut session, "SELECT n FROM w").await, 47);
        assert_eq!(rows(&mut session, "SELECT count() FROM w").await, ["0"]);
        engine.close().await.unwrap();
    });
}

async fn insert_in_turns(engine: &Engine, first: u64, count: u64) {
    let mut session = engine.session(&Credentials::default()).unwrap();
    for number in first..first + count {
        let text = format!("INSERT INTO s SELECT number % 5, {number} FROM numbers(3)");
        done(&mut session, &text).await;
    }
}

#[test]
fn a_view_is_replaced_in_one_commit_while_inserts_go_on() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE s (k UInt8, v UInt64) ENGINE = MergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW v ENGINE = SummingMergeTree ORDER BY k ON ERROR QUARANTINE
                AS SELECT k, count() AS n FROM s GROUP BY k",
            "INSERT INTO s SELECT number % 5, number FROM numbers(1000)",
        ] {
            done(&mut session, text).await;
        }
        let create = "CREATE OR REPLACE MATERIALIZED VIEW v ENGINE = SummingMergeTree ORDER BY k POPULATE
            ON ERROR QUARANTINE AS SELECT k, count() AS n, sum(v) AS total FROM s GROUP BY k";
        let replace = async {
            for _ in 0..5 {
                done(&mut session, create).await;
            }
        };
        let inserts =
            futures::future::join3(insert_in_turns(&engine, 0, 40), insert_in_turns(&engine, 100, 40), async {
                // the view is there all the time, with every row
                let mut reader = engine.session(&Credentials::default()).unwrap();
                for _ in 0..40 {
                    let both = "SELECT (SELECT count() FROM s) = (SELECT sum(n) FROM v)";
                    assert_eq!(rows(&mut reader, both).await, ["1"]);
                }
            });
        futures::future::join(replace, inserts).await;
        let again = rows(&mut session, "SELECT k, count(), sum(v) FROM s GROUP BY k").await;
        assert_eq!(rows(&mut session, "SELECT k, sum(n), sum(total) FROM v GROUP BY k").await, again);
        assert_eq!(rows(&mut session, "SELECT count() FROM s").await, ["1240"]);
        assert_eq!(
            rows(&mut session, "SELECT name FROM system.tables WHERE database = 'default' AND name NOT LIKE '.inner%'")
                .await,
            ["s", "v", "v_errors"]
        );

        // what cannot be filled leaves the old view as it is
        let bad = "CREATE OR REPLACE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY k POPULATE AS SELECT k, throwIf(v > 3) AS x FROM s";
        assert_eq!(code(&mut session, bad).await, 395);
        // a view that reads what would be gone is named
        done(&mut session, "CREATE VIEW over AS SELECT total FROM v").await;
        for populate in ["", "POPULATE"] {
            let less = format!(
                "CREATE OR REPLACE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY k {populate} AS SELECT k FROM s"
            );
            assert_eq!(code(&mut session, &less).await, 630);
        }
        assert_eq!(rows(&mut session, "SELECT k, sum(n), sum(total) FROM v GROUP BY k").await, again);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_view_with_to_is_replaced_in_one_commit_while_inserts_go_on() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE s (k UInt8, v UInt64) ENGINE = MergeTree ORDER BY k",
            "CREATE TABLE t (k UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW v TO t AS SELECT k, count() AS n FROM s GROUP BY k",
            "CREATE MATERIALIZED VIEW over ENGINE = SummingMergeTree ORDER BY k AS SELECT k, sum(n) AS n FROM t GROUP BY k",
            "INSERT INTO s SELECT number % 5, number FROM numbers(1000)",
        ] {
            done(&mut session, text).await;
        }
        // each replacement adds what is in the source at its commit, and what comes later is counted once
        let create = "CREATE OR REPLACE MATERIALIZED VIEW v TO t POPULATE AS SELECT k, count() AS n FROM s GROUP BY k";
        let replace = async {
            let mut added = 0;
            for _ in 0..5 {
                done(&mut session, create).await;
                let mut reader = engine.session(&Credentials::default()).unwrap();
                added += 1;
                drop(rows(&mut reader, "SELECT count() FROM t").await);
            }
            added
        };
        let inserts = futures::future::join(insert_in_turns(&engine, 0, 40), insert_in_turns(&engine, 100, 40));
        let (added, _) = futures::future::join(replace, inserts).await;
        let total = rows(&mut session, "SELECT sum(n) FROM t").await;
        assert_eq!(rows(&mut session, "SELECT sum(n) FROM over").await, total, "views over the target see it all");
        // 1,240 rows once by one view or the other, and `added` times what was there
        let total: u64 = total[0].parse().unwrap();
        assert!((1240 + added * 1000..=1240 + added * 1240).contains(&total), "{total}");
        assert_eq!((total - 1240) % 3, added * 1000 % 3, "inserts of three rows are whole");
        engine.close().await.unwrap();
    });
}

#[test]
fn a_populated_replacement_is_exact_between_the_kinds() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE s (k UInt8, v UInt64) ENGINE = MergeTree ORDER BY k",
            "INSERT INTO s SELECT number % 5, number FROM numbers(1000)",
        ] {
            done(&mut session, text).await;
        }
        let kinds = [
            ("own", "ENGINE = SummingMergeTree ORDER BY k"),
            ("a", "TO a"),
            ("b", "TO b"),
            ("own", "ENGINE = SummingMergeTree ORDER BY k"),
        ];
        for name in ["a", "b"] {
            let create =
                format!("CREATE TABLE {name} (k UInt8, n UInt64, t UInt64) ENGINE = SummingMergeTree ORDER BY k");
            done(&mut session, &create).await;
        }
        for (round, (_, kind)) in kinds.into_iter().enumerate() {
            let create = format!(
                "CREATE OR REPLACE MATERIALIZED VIEW v {kind} POPULATE AS
                 SELECT k, count() AS n, sum(v) AS t FROM s GROUP BY k"
            );
            let replace = async { done(&mut session, &create).await };
            let first = 1000 * round as u64;
            let inserts =
                futures::future::join(insert_in_turns(&engine, first, 15), insert_in_turns(&engine, first + 100, 15));
            futures::future::join(replace, inserts).await;
            // the target was empty before: with the new view it is the source, to the row
            let again = rows(&mut session, "SELECT k, count(), sum(v) FROM s GROUP BY k").await;
            assert_eq!(rows(&mut session, "SELECT k, sum(n), sum(t) FROM v GROUP BY k").await, again, "{kind}");
        }
        // what cannot be filled leaves the old view and the target as they are
        let before = rows(&mut session, "SELECT * FROM a").await;
        let bad = "CREATE OR REPLACE MATERIALIZED VIEW v TO a POPULATE AS SELECT k, throwIf(v > 3) AS n FROM s";
        assert_eq!(code(&mut session, bad).await, 395);
        assert_eq!(rows(&mut session, "SELECT * FROM a").await, before);
        done(&mut session, "INSERT INTO s VALUES (1, 1)").await;
        let again = rows(&mut session, "SELECT k, count(), sum(v) FROM s GROUP BY k").await;
        assert_eq!(rows(&mut session, "SELECT k, sum(n), sum(t) FROM v GROUP BY k").await, again);
        // dependants are named, a view does not come to read itself
        done(&mut session, "CREATE VIEW over AS SELECT t FROM v").await;
        done(&mut session, "CREATE TABLE c (k UInt8) ENGINE = MergeTree ORDER BY k").await;
        for populate in ["", "POPULATE"] {
            let less = format!("CREATE OR REPLACE MATERIALIZED VIEW v TO c {populate} AS SELECT k FROM s");
            assert_eq!(code(&mut session, &less).await, 630);
            let own = format!("CREATE OR REPLACE MATERIALIZED VIEW v TO c {populate} AS SELECT k FROM v");
            assert_eq!(code(&mut session, &own).await, 269);
        }
        engine.close().await.unwrap();
    });
}

/// An insert that was shaped by the old definition would be refused at its commit, again and again under a run of ALTERs.
#[test]
fn an_alter_of_a_view_waits_for_the_inserts_under_way() {
    for (alter, sums) in [
        ("ALTER TABLE v MODIFY QUERY SELECT k, 100 AS n FROM s", ["1\t1", "2\t100"]),
        ("ALTER TABLE v MODIFY ON ERROR QUARANTINE", ["1\t1", "2\t1"]),
    ] {
        run(async {
            let (engine, mut session) = open().await;
            done(&mut session, "CREATE TABLE s (k UInt8) ENGINE = MergeTree ORDER BY k").await;
            let create = "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY k AS SELECT k, 1 AS n FROM s";
            done(&mut session, create).await;
            let (ending, ended) = tokio::sync::oneshot::channel::<()>();
            let last = futures::stream::once(async move {
                ended.await.unwrap();
                Ok("1\n".into())
            });
            let data = last.boxed();
            let mut inserting = engine.session(&Credentials::default()).unwrap();
            let insert = Request { data: Some(data), ..Request::new("INSERT INTO s FORMAT TSV\n") };
            let insert = tokio::spawn(async move { inserting.execute(insert).await.map(drop) });
            engine.env().clock.sleep(std::time::Duration::from_millis(50)).await;
            let mut altering = engine.session(&Credentials::default()).unwrap();
            let change = tokio::spawn(async move { altering.execute(Request::new(alter)).await.map(drop) });
            engine.env().clock.sleep(std::time::Duration::from_secs(5)).await;
            assert!(!change.is_finished(), "{alter}: it waits");
            ending.send(()).unwrap();
            insert.await.unwrap().unwrap();
            change.await.unwrap().unwrap();
            done(&mut session, "INSERT INTO s VALUES (2)").await;
            assert_eq!(rows(&mut session, "SELECT k, n FROM v").await, sums, "{alter}");
            engine.close().await.unwrap();
        });
    }
}
