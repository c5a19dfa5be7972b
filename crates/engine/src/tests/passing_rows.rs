//! Tables whose rows come from, or go to, elsewhere: dictionaries by the clock, Buffers past kills, Join and Set past starts.

use std::path::Path;
use std::time::Duration;

use env::simulated::Machine;

use crate::testing::{code, config, done, rows, run};
use crate::{Credentials, Engine, Session};

async fn open(machine: &Machine) -> (Engine, Session) {
    let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

fn machine() -> Machine {
    Machine::new(11, 1_763_000_000_000_000_000)
}

async fn wait(engine: &Engine, seconds: u64) {
    engine.env().clock.sleep(Duration::from_secs(seconds)).await;
}

const SOURCE: &str = "CREATE TABLE src (id UInt64, v String) ENGINE = MergeTree ORDER BY id";

#[test]
fn a_dictionary_is_loaded_again_when_its_lifetime_is_over() {
    run(async {
        let (engine, mut session) = open(&machine()).await;
        done(&mut session, SOURCE).await;
        done(&mut session, "INSERT INTO src VALUES (1, 'a')").await;
        done(
            &mut session,
            "CREATE DICTIONARY d (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) \
             LIFETIME(MIN 10 MAX 20)",
        )
        .await;
        let look = "SELECT dictGet('d', 'v', 2)";
        assert_eq!(rows(&mut session, look).await, [""]);
        done(&mut session, "INSERT INTO src VALUES (2, 'b')").await;
        wait(&engine, 9).await;
        assert_eq!(rows(&mut session, look).await, [""], "before its lifetime is over it stays");
        wait(&engine, 13).await;
        assert_eq!(rows(&mut session, look).await, ["b"], "after the longest lifetime it is new");
        engine.close().await.unwrap();
    });
}

#[test]
fn defaults_name_dictionaries_with_their_database_wherever_they_stand() {
    run(async {
        let (engine, mut session) = open(&machine()).await;
        for text in [
            "CREATE DATABASE o",
            "USE o",
            SOURCE,
            "INSERT INTO src VALUES (1, 'a')",
            "CREATE DICTIONARY d (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT()) \
             LIFETIME(0)",
            "CREATE TABLE t (id UInt64, s String, v String DEFAULT concat(dictGet('d', 'v', id), '!'), \
             k UInt8 DEFAULT s IN (dictGet('d', 'v', toUInt64(1)), 'b')) ENGINE = Memory",
            "USE default",
            "INSERT INTO o.t (id, s) VALUES (1, 'a'), (2, 'c')",
        ] {
            done(&mut session, text).await;
        }
        assert_eq!(rows(&mut session, "SELECT id, v, k FROM o.t").await, ["1\ta!\t1", "2\t!\t0"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_failed_reload_keeps_what_was_there_and_says_why() {
    run(async {
        let (engine, mut session) = open(&machine()).await;
        done(&mut session, SOURCE).await;
        done(&mut session, "INSERT INTO src VALUES (1, 'a')").await;
        done(
            &mut session,
            "CREATE DICTIONARY d (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(QUERY 'SELECT id, v FROM \
             default.src')) LAYOUT(FLAT()) LIFETIME(5)",
        )
        .await;
        assert_eq!(rows(&mut session, "SELECT dictGet('d', 'v', 1)").await, ["a"]);
        done(&mut session, "RENAME TABLE src TO gone").await;
        wait(&engine, 7).await;
        assert_eq!(rows(&mut session, "SELECT dictGet('d', 'v', 1)").await, ["a"]);
        let state = "SELECT status, error_count >= 1, last_exception LIKE '%UNKNOWN_TABLE%' FROM system.dictionaries";
        assert_eq!(rows(&mut session, state).await, ["LOADED\t1\t1"]);
        done(&mut session, "RENAME TABLE gone TO src").await;
        done(&mut session, "INSERT INTO src VALUES (2, 'b')").await;
        wait(&engine, 7).await;
        assert_eq!(rows(&mut session, "SELECT dictGet('d', 'v', 2)").await, ["b"]);
        assert_eq!(rows(&mut session, state).await, ["LOADED\t0\t0"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_dictionary_outlives_a_start_and_views_see_its_reloads() {
    run(async {
        let machine = machine();
        let (engine, mut session) = open(&machine).await;
        done(&mut session, SOURCE).await;
        done(&mut session, "INSERT INTO src VALUES (1, 'a')").await;
        done(
            &mut session,
            "CREATE DICTIONARY d (id UInt64, v String DEFAULT '?') PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) \
             LAYOUT(HASHED()) LIFETIME(0)",
        )
        .await;
        done(&mut session, "CREATE TABLE events (id UInt64) ENGINE = Null").await;
        done(
            &mut session,
            "CREATE MATERIALIZED VIEW mv ENGINE = MergeTree ORDER BY id AS SELECT id, dictGet('d', 'v', id) AS v FROM \
             events",
        )
        .await;
        done(&mut session, "INSERT INTO events VALUES (1), (2)").await;
        engine.close().await.unwrap();
        drop((engine, session));
        let (engine, mut session) = open(&machine).await;
        done(&mut session, "INSERT INTO src VALUES (2, 'b')").await;
        done(&mut session, "INSERT INTO events VALUES (2)").await;
        done(&mut session, "INSERT INTO src VALUES (3, 'c')").await;
        done(&mut session, "INSERT INTO events VALUES (3)").await;
        done(&mut session, "SYSTEM RELOAD DICTIONARY d").await;
        done(&mut session, "INSERT INTO events VALUES (3)").await;
        let all = rows(&mut session, "SELECT * FROM mv").await;
        assert_eq!(all, ["1\ta", "2\t?", "2\tb", "3\t?", "3\tc"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_dictionary_that_reads_itself_is_refused() {
    run(async {
        let (engine, mut session) = open(&machine()).await;
        done(
            &mut session,
            "CREATE DICTIONARY d (id UInt64, v UInt64) PRIMARY KEY id SOURCE(CLICKHOUSE(QUERY 'SELECT number, \
             dictGet(''default.d'', ''v'', number) FROM numbers(3)')) LAYOUT(FLAT()) LIFETIME(0)",
        )
        .await;
        assert_eq!(code(&mut session, "SELECT dictGet('d', 'v', 1)").await, 306);
        engine.close().await.unwrap();
    });
}

const BUFFER: &str = "CREATE TABLE b (k UInt32) ENGINE = Buffer(default, dst, 1, 10, 30, 5, 1000, 1, 10000000)";

#[test]
fn a_buffer_is_flushed_by_the_clock() {
    run(async {
        let (engine, mut session) = open(&machine()).await;
        done(&mut session, "CREATE TABLE dst (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, BUFFER).await;
        done(&mut session, "INSERT INTO b VALUES (1)").await;
        let there = "SELECT count() FROM dst";
        wait(&engine, 20).await;
        assert_eq!(rows(&mut session, there).await, ["0"], "few rows wait for the longest time");
        wait(&engine, 12).await;
        assert_eq!(rows(&mut session, there).await, ["1"]);
        done(&mut session, "INSERT INTO b SELECT number FROM numbers(6)").await;
        wait(&engine, 12).await;
        assert_eq!(rows(&mut session, there).await, ["7"], "enough rows wait for the shortest");
        engine.close().await.unwrap();
    });
}

#[test]
fn a_kill_neither_loses_nor_doubles_the_rows_of_a_buffer() {
    run(async {
        let mut machine = machine();
        let (engine, mut session) = open(&machine).await;
        done(&mut session, "CREATE TABLE dst (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, BUFFER).await;
        done(&mut session, "INSERT INTO b VALUES (1), (2)").await;
        machine.cut_power();
        drop((engine, session));
        let (engine, mut session) = open(&machine).await;
        assert_eq!(rows(&mut session, "SELECT * FROM b").await, ["1", "2"]);
        done(&mut session, "OPTIMIZE TABLE b").await;
        machine.cut_power();
        drop((engine, session));
        let (engine, mut session) = open(&machine).await;
        assert_eq!(rows(&mut session, "SELECT * FROM dst").await, ["1", "2"]);
        assert_eq!(rows(&mut session, "SELECT * FROM b").await, ["1", "2"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn what_the_destination_does_not_take_stays_in_the_buffer() {
    run(async {
        let machine = machine();
        let (engine, mut session) = open(&machine).await;
        done(&mut session, "CREATE TABLE dst (k UInt32, CONSTRAINT small CHECK k < 10) ENGINE = MergeTree ORDER BY k")
            .await;
        done(&mut session, BUFFER).await;
        done(&mut session, "INSERT INTO b VALUES (1), (99)").await;
        assert_eq!(code(&mut session, "OPTIMIZE TABLE b").await, 469);
        assert_eq!(rows(&mut session, "SELECT * FROM b").await, ["1", "99"]);
        done(&mut session, "DROP TABLE dst").await;
        assert_eq!(code(&mut session, "OPTIMIZE TABLE b").await, 60);
        engine.close().await.unwrap();
        drop((engine, session));
        let (engine, mut session) = open(&machine).await;
        assert_eq!(rows(&mut session, "SELECT * FROM b").await, ["1", "99"]);
        done(&mut session, "CREATE TABLE dst (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, "OPTIMIZE TABLE b").await;
        assert_eq!(rows(&mut session, "SELECT * FROM dst").await, ["1", "99"]);
        // with no destination they end with the flush
        done(
            &mut session,
            "CREATE TABLE s (k UInt32) ENGINE = Buffer('', '', 1, 999, 999, 999, 999, 9999999, 9999999)",
        )
        .await;
        done(&mut session, "INSERT INTO s VALUES (1)").await;
        assert_eq!(rows(&mut session, "SELECT * FROM s").await, ["1"]);
        done(&mut session, "OPTIMIZE TABLE s").await;
        assert!(rows(&mut session, "SELECT * FROM s").await.is_empty());
        engine.close().await.unwrap();
    });
}

#[test]
fn the_end_of_the_process_flushes() {
    run(async {
        let machine = machine();
        let (engine, mut session) = open(&machine).await;
        done(&mut session, "CREATE TABLE dst (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, BUFFER).await;
        done(&mut session, "INSERT INTO b VALUES (1)").await;
        engine.close().await.unwrap();
        drop((engine, session));
        let (engine, mut session) = open(&machine).await;
        assert_eq!(rows(&mut session, "SELECT * FROM dst").await, ["1"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn rows_of_join_and_set_outlive_a_start_unless_they_must_not() {
    run(async {
        let machine = machine();
        let (engine, mut session) = open(&machine).await;
        for (name, engine) in [("j", "Join(ANY, LEFT, k)"), ("s", "Set")] {
            done(&mut session, &format!("CREATE TABLE {name} (k UInt32) ENGINE = {engine}")).await;
            done(&mut session, &format!("CREATE TABLE {name}0 (k UInt32) ENGINE = {engine} SETTINGS persistent = 0"))
                .await;
            done(&mut session, &format!("INSERT INTO {name} VALUES (1), (2)")).await;
            done(&mut session, &format!("INSERT INTO {name}0 VALUES (1), (2)")).await;
        }
        let seen = "SELECT (SELECT count() FROM j), (SELECT count() FROM j0), 1 IN s, 1 IN s0";
        assert_eq!(rows(&mut session, seen).await, ["2\t2\t1\t1"]);
        engine.close().await.unwrap();
        drop((engine, session));
        let (engine, mut session) = open(&machine).await;
        assert_eq!(rows(&mut session, seen).await, ["2\t0\t1\t0"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_row_behind_another_of_its_key_does_not_come_forth() {
    run(async {
        let (engine, mut session) = open(&machine()).await;
        done(&mut session, "CREATE TABLE j (k UInt32, v String) ENGINE = Join(ANY, LEFT, k)").await;
        done(&mut session, "INSERT INTO j VALUES (1, 'first')").await;
        done(&mut session, "INSERT INTO j VALUES (1, 'second')").await;
        done(&mut session, "ALTER TABLE j DELETE WHERE v = 'first' SETTINGS mutations_sync = 2").await;
        assert!(rows(&mut session, "SELECT * FROM j").await.is_empty());
        engine.close().await.unwrap();
    });
}
