//! Everview's additions to the dialect, and the statements of the CTR pipeline.

use sql::ast::*;

/// Read, and printed back as written when the text is already canonical.
const CANONICAL: &[&str] = &[
    "CREATE WINDOW VIEW w TO t LATE TO l DEDUPLICATE BY event_id WITHIN INTERVAL 1 HOUR WATERMARK = INTERVAL 5 SECOND \
     ALLOWED_LATENESS = INTERVAL 30 SECOND ON ERROR QUARANTINE AS SELECT product_id, tumbleStart(win), tumbleEnd(win) \
     FROM events GROUP BY product_id, tumble(event_time, toIntervalSecond('10')) AS win",
    "CREATE WINDOW VIEW w ENGINE = MergeTree ORDER BY a WATERMARK = INTERVAL 1 MINUTE 30 SECOND AS SELECT a FROM e GROUP \
     BY a, hop(t, toIntervalMinute(1), toIntervalMinute(5)) AS win",
    "CREATE MATERIALIZED VIEW v REFRESH EVERY 1 DAY OFFSET 3 HOUR RANDOMIZE FOR 5 MINUTE DEPENDS ON a, b CONCURRENCY \
     GROUP heavy PRIORITY 10 SETTINGS refresh_retries = 3, keep_generations = 5, refresh_timezone = 'Asia/Seoul' REPLACE \
     PARTITIONS TO t AS SELECT 1",
    "CREATE CONCURRENCY GROUP heavy LIMIT 2",
    "CREATE OR REPLACE CONCURRENCY GROUP heavy LIMIT 3",
    "ALTER CONCURRENCY GROUP heavy LIMIT 4",
    "ALTER CONCURRENCY GROUP IF EXISTS heavy LIMIT 4",
    "DROP CONCURRENCY GROUP IF EXISTS heavy",
    "SYSTEM REFRESH VIEW db.v PARTITION '2025-01-01', ID '202502', (1, 2)",
    "CREATE MATERIALIZED VIEW v REFRESH ON CHANGE WITHIN 1 SECOND TO t AS SELECT 1",
    "CREATE MATERIALIZED VIEW v REFRESH ON CHANGE ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a",
    "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY a ON ERROR QUARANTINE AS SELECT 1 AS a",
    "CREATE MATERIALIZED VIEW v TO t ON ERROR BLOCK AS SELECT 1",
    "ALTER TABLE v (MODIFY ON ERROR QUARANTINE)",
    "SELECT a FROM v GENERATION -1",
    "SELECT a FROM v AS x FINAL GENERATION -2 INNER JOIN u GENERATION 0 ON 1",
    "SYSTEM ROLLBACK VIEW db.v TO GENERATION -1",
    "SYSTEM REPAIR VIEW v",
    "VERIFY VIEW db.v",
    "EXPLAIN REFRESH v",
    "CREATE TABLE events (`a` Int8, CONSTRAINT ok CHECK a > 0) ENGINE = `Null` SETTINGS dead_letter_table = 'events_dead'",
    "CREATE MATERIALIZED VIEW latest ENGINE = ReplacingMergeTree(window_end) ORDER BY product_id SETTINGS redis_hash = \
     'ctr:latest', redis_value = 'latest_ctr' AS SELECT product_id, ctr AS latest_ctr FROM ctr_results_raw",
];

#[test]
fn our_additions_are_read_and_printed() {
    for text in CANONICAL {
        let statement = sql::parse_statement(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(statement.to_string(), *text);
        let pretty = statement.to_pretty();
        assert_eq!(sql::parse_statement(&pretty).expect(&pretty), statement);
    }
}

#[test]
fn spans_of_time_are_read_in_every_spelling() {
    for spelling in ["INTERVAL '90' SECOND", "INTERVAL 90 SECOND", "INTERVAL '90 seconds'", "interval 90 seconds"] {
        let text = format!("CREATE WINDOW VIEW w TO t WATERMARK = {spelling} AS SELECT 1");
        let StatementKind::CreateWindowView(view) = sql::parse_statement(&text).expect(&text).kind else { panic!() };
        let expected = TimeSpan { parts: vec![TimePart { count: 90, unit: IntervalUnit::Second }] };
        assert_eq!(view.watermark, Some(expected), "{text}");
    }
}

#[test]
fn the_pipeline_of_the_seed_is_laid_out_like_show_create() {
    let text = "CREATE MATERIALIZED VIEW ctr_latest_view\nENGINE = ReplacingMergeTree(window_end)\nORDER BY product_id\n\
                AS SELECT\n    product_id,\n    ctr AS latest_ctr,\n    window_end AS latest_window_end\nFROM ctr_results_raw";
    assert_eq!(sql::parse_statement(text).expect(text).to_pretty(), text);
}
