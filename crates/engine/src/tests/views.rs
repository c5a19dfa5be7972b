//! Views that are changed in place: their SELECT, and what takes the place of what.

use crate::testing::{code, done, open, rows, run};
use crate::{Credentials, Engine};

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
        done(&mut session, "ALTER TABLE w MODIFY QUERY SELECT k FROM s").await;
        assert_eq!(rows(&mut session, "SELECT count() FROM over_w").await, ["0"]);
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
