//! VERIFY VIEW finds nothing in a right view and everything in a wrong one: incremental, cascading and window views.

use crate::testing::{code, done, open, rows, run};

const TABLES: &str = "
    CREATE TABLE events (t DateTime, k UInt32, v Float64) ENGINE = MergeTree ORDER BY k;
    CREATE MATERIALIZED VIEW sums ENGINE = AggregatingMergeTree ORDER BY k AS
        SELECT k, sumState(v) AS s, countState() AS n, maxSimpleState(v) AS top FROM events GROUP BY k;
    CREATE TABLE totals (g UInt32, n UInt64) ENGINE = SummingMergeTree ORDER BY g;
    CREATE TABLE big (k UInt32, v Float64) ENGINE = MergeTree ORDER BY k;
    CREATE MATERIALIZED VIEW bigs TO big AS SELECT k, v FROM events WHERE v >= 50;
    CREATE TABLE closed (w DateTime, k UInt32, n UInt64) ENGINE = MergeTree ORDER BY (w, k);
    CREATE WINDOW VIEW win TO closed WATERMARK = INTERVAL '5' SECOND AS
        SELECT tumbleStart(w) AS w, k, count() AS n FROM events GROUP BY k, tumble(t, INTERVAL '10' SECOND) AS w;
    CREATE TABLE nothing (k UInt32) ENGINE = Null;
    CREATE MATERIALIZED VIEW of_nothing ENGINE = MergeTree ORDER BY k AS SELECT k FROM nothing;
    CREATE MATERIALIZED VIEW of_blocks ENGINE = MergeTree ORDER BY k AS SELECT k, count() AS n FROM events GROUP BY k;
";

#[test]
fn a_right_view_has_no_differences_and_a_wrong_one_shows_each() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        // `cascade` reads a table that comes after it in the list: make that first
        for statement in
            TABLES.split(';').map(str::trim).filter(|text| !text.is_empty() && !text.contains("VIEW cascade"))
        {
            done(session, statement).await;
        }
        done(session, "CREATE MATERIALIZED VIEW cascade TO totals AS SELECT k % 2 AS g, toUInt64(v > 0) AS n FROM big")
            .await;
        done(session, "SYSTEM STOP MERGES").await;
        for round in 0..4 {
            let insert = format!(
                "INSERT INTO events SELECT toDateTime(1000000 + {round} * 25 + number / 4), number % 5, number / 7 \
                 FROM numbers(100 * {round}, 100) SETTINGS max_insert_block_size = 30, min_insert_block_size_rows = 30"
            );
            done(session, &insert).await;
        }
        let views = ["sums", "bigs", "cascade", "win"];
        for view in views {
            assert_eq!(rows(session, &format!("VERIFY VIEW {view}")).await, Vec::<String>::new(), "{view}");
        }
        assert_ne!(rows(session, "SELECT count() FROM closed").await, ["0"]);

        done(session, "INSERT INTO sums SELECT 9, sumState(1.0), countState(), 1.0").await;
        assert_eq!(rows(session, "VERIFY VIEW sums").await, ["extra\t(9)\t\t(9,1,1,1)\t1"]);
        done(session, "ALTER TABLE sums DELETE WHERE k IN (3, 9)").await;
        let missing = rows(session, "VERIFY VIEW sums").await;
        assert!(missing.len() == 1 && missing[0].starts_with("missing\t(3)\t(3,"), "{missing:?}");
        done(session, "INSERT INTO totals VALUES (0, 5)").await;
        let different = rows(session, "VERIFY VIEW cascade").await;
        assert!(different.len() == 1 && different[0].starts_with("different\t(0)\t(0,"), "{different:?}");
        done(session, "ALTER TABLE closed DELETE WHERE k = 1").await;
        let missing = rows(session, "VERIFY VIEW win").await;
        assert!(!missing.is_empty() && missing.iter().all(|row| row.starts_with("missing\t(")), "{missing:?}");

        for (view, expected) in [("of_nothing", 48), ("of_blocks", 48), ("events", 48), ("none", 60)] {
            assert_eq!(code(session, &format!("VERIFY VIEW {view}")).await, expected, "{view}");
        }
        engine.close().await.unwrap();
    });
}
