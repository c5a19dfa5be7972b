//! What statements and parts did can be asked for.

use crate::testing::{code, done, open, rows, run};

#[test]
fn statements_are_remembered_with_their_ends() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        done(session, "CREATE TABLE t (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(session, "INSERT INTO t SELECT number FROM numbers(10)").await;
        done(session, "SELECT count() FROM t WHERE k + 0 > 4 SETTINGS log_comment = 'mine'").await;
        assert_eq!(code(session, "SELECT nothing FROM t").await, 47);
        assert_eq!(code(session, "SELEC").await, 62);
        done(session, "SELECT 'secret' SETTINGS log_queries = 0").await;
        done(session, "SYSTEM FLUSH LOGS").await;
        let log =
            "SELECT query_kind, exception_code, read_rows, written_rows, result_rows FROM system.query_log WHERE ";
        assert_eq!(
            rows(session, &format!("{log} type = 'QueryFinish' AND log_comment = 'mine'")).await,
            ["Select\t0\t10\t0\t1"]
        );
        assert_eq!(
            rows(session, &format!("{log} type = 2 AND query_kind = 'Insert'")).await,
            ["Insert\t0\t10\t10\t10"]
        );
        let named =
            "SELECT databases, tables, query_kind FROM system.query_log WHERE log_comment = 'mine' AND type = 1";
        assert_eq!(rows(session, named).await, ["[\'default\']\t[\'default.t\']\tSelect"]);
        done(session, "ALTER TABLE t ADD COLUMN c UInt8 AFTER k").await;
        done(session, "RENAME TABLE t TO u").await;
        done(session, "RENAME TABLE u TO t").await;
        let named = "SELECT query_kind, databases, tables, columns FROM system.query_log \
                     WHERE type = 2 AND query_kind IN ('Alter', 'Rename') ORDER BY event_time_microseconds LIMIT 2";
        let expected = [
            "Alter\t['default']\t['default.t']\t['default.t.c','default.t.k']",
            "Rename\t['default']\t['default.t','default.u']\t[]",
        ];
        assert_eq!(rows(session, named).await, expected);
        let disk = "SELECT total_space >= free_space FROM system.disks";
        assert_eq!(rows(session, disk).await, ["1"]);
        assert_eq!(code(session, "SYSTEM FLUSH LOGS nothing_log").await, 36);
        done(session, "SYSTEM FLUSH LOGS query_log, system.part_log").await;
        let failed = "SELECT exception_code, query FROM system.query_log WHERE type = 'ExceptionBeforeStart'";
        assert_eq!(
            rows(session, failed).await,
            ["36\tSYSTEM FLUSH LOGS nothing_log", "47\tSELECT nothing FROM t", "62\tSELEC"]
        );
        assert_eq!(
            rows(
                session,
                "SELECT count() FROM system.query_log WHERE query LIKE '%secret%' AND query NOT LIKE '%count%'"
            )
            .await,
            ["0"]
        );
        assert_eq!(rows(session, "SELECT code, value FROM system.errors").await, ["36\t1", "47\t1", "62\t1"]);
        assert_eq!(rows(session, "SELECT value FROM system.events WHERE event = 'InsertedRows'").await, ["10"]);
        assert_eq!(rows(session, "SELECT value FROM system.metrics WHERE metric = 'Query'").await, ["1"]);
        assert_eq!(
            rows(session, "SELECT count() FROM system.asynchronous_metrics WHERE metric = 'oldest_snapshot_age'").await,
            ["1"]
        );
        assert_eq!(rows(session, "SELECT count() FROM system.processes").await, ["1"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn events_of_parts_are_remembered() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        done(session, "CREATE TABLE t (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(session, "SYSTEM STOP MERGES").await;
        for _ in 0..2 {
            done(session, "INSERT INTO t SELECT number FROM numbers(1000)").await;
        }
        done(session, "SYSTEM FLUSH LOGS").await;
        done(session, "OPTIMIZE TABLE t FINAL").await;
        done(session, "SYSTEM FLUSH LOGS").await;
        let log = "SELECT event_type, part_name, rows, length(merged_from) FROM system.part_log";
        let expected = [
            "MergeParts\tall_1_2_1\t2000\t2",
            "NewPart\tall_1_1_0\t1000\t0",
            "NewPart\tall_2_2_0\t1000\t0",
            "RemovePart\tall_1_1_0\t1000\t0",
            "RemovePart\tall_2_2_0\t1000\t0",
        ];
        assert_eq!(rows(session, log).await, expected);
        engine.close().await.unwrap();
    });
}

#[test]
fn views_say_what_their_last_insert_cost() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        done(session, "CREATE TABLE t (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(session, "CREATE MATERIALIZED VIEW v ENGINE = SummingMergeTree ORDER BY k AS SELECT k % 2 AS k, count() AS n FROM t GROUP BY k").await;
        done(session, "CREATE VIEW p AS SELECT * FROM t").await;
        done(session, "INSERT INTO t SELECT number FROM numbers(10)").await;
        let views = "SELECT name, kind, source_table, rows, inserts, last_insert_read_rows, last_insert_written_rows, \
                     last_commit > 0, last_error FROM system.views";
        let expected = ["p\tPlain\tt\t\\N\t0\t\\N\t\\N\t0\t", "v\tIncremental\tt\t2\t1\t10\t2\t1\t"];
        assert_eq!(rows(session, views).await, expected);
        engine.close().await.unwrap();
    });
}

#[test]
fn caches_are_dropped_and_unknown_commands_refused() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        for words in ["UNCOMPRESSED", "MARK", "COMPILED EXPRESSION", "QUERY", "DNS"] {
            done(session, &format!("SYSTEM DROP {words} CACHE")).await;
        }
        assert_eq!(code(session, "SYSTEM DROP S3 CLIENT CACHE").await, 48);
        assert_eq!(code(session, "SYSTEM RELOAD CONFIG").await, 48);
        engine.close().await.unwrap();
    });
}

#[test]
fn columns_of_parts_have_their_bytes() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        done(session, "CREATE TABLE t (k UInt32, s String DEFAULT toString(k)) ENGINE = MergeTree ORDER BY k % 10")
            .await;
        done(session, "INSERT INTO t (k) SELECT number FROM numbers(1000)").await;
        let columns = "SELECT column, type, column_position, default_kind, default_expression, \
                       column_data_compressed_bytes > 0, rows FROM system.parts_columns WHERE table = 't'";
        assert_eq!(
            rows(session, columns).await,
            ["k\tUInt32\t1\t\t\t1\t1000", "s\tString\t2\tDEFAULT\ttoString(k)\t1\t1000"]
        );
        engine.close().await.unwrap();
    });
}
