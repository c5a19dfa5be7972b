//! ON ERROR QUARANTINE: whatever breaks, is fixed and is repaired, in any order and across restarts, every row of the base
//! is in the view or in its errors and never in both; when all is repaired, views are their SELECT over the base.

use std::path::Path;

use env::simulated::Machine;
use proptest::prelude::*;

use crate::testing::{code, config, done, open, rows, run};
use crate::{Credentials, Engine, Session};

const CREATE: [&str; 7] = [
    "CREATE TABLE s (k UInt8, v Int64) ENGINE = MergeTree ORDER BY k",
    "CREATE TABLE t1 (k UInt8, n UInt64, total Int64) ENGINE = SummingMergeTree ORDER BY k",
    "CREATE TABLE t2 (r UInt8, n UInt64, total Int64) ENGINE = SummingMergeTree ORDER BY r",
    "CREATE TABLE t3 (r UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY r",
    "CREATE MATERIALIZED VIEW v1 TO t1 ON ERROR QUARANTINE AS SELECT k, count() AS n, sum(v) AS total FROM s GROUP BY k",
    "CREATE MATERIALIZED VIEW v2 TO t2 ON ERROR QUARANTINE
        AS SELECT toUInt8(k % 2) AS r, sum(n) AS n, sum(total) AS total FROM t1 GROUP BY r",
    "CREATE MATERIALIZED VIEW v3 TO t3 AS SELECT r, sum(n) AS n FROM t2 GROUP BY r",
];

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<(u8, i64)>),
    Optimize,
    Break(u8),
    Fix(u8),
    Repair(u8),
    Checkpoint,
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => prop::collection::vec((0u8..6, -20i64..80), 1..6).prop_map(Op::Insert),
        1 => Just(Op::Optimize),
        2 => (1u8..4).prop_map(Op::Break),
        2 => (1u8..4).prop_map(Op::Fix),
        3 => (1u8..3).prop_map(Op::Repair),
        1 => Just(Op::Checkpoint),
        2 => Just(Op::Restart),
    ]
}

/// Views throw over some rows when they are broken: the first over negative values, the others over great ones.
fn query(view: u8, broken: bool) -> &'static str {
    match (view, broken) {
        (1, false) => "SELECT k, count() AS n, sum(v) AS total FROM s GROUP BY k",
        (1, true) => "SELECT k, count() AS n, sum(v + throwIf(v < 0)) AS total FROM s GROUP BY k",
        (2, false) => "SELECT toUInt8(k % 2) AS r, sum(n) AS n, sum(total) AS total FROM t1 GROUP BY r",
        (2, true) => {
            "SELECT toUInt8(k % 2) AS r, sum(n) AS n, sum(total + throwIf(total > 60)) AS total FROM t1 GROUP BY r"
        }
        (_, false) => "SELECT r, sum(n) AS n FROM t2 GROUP BY r",
        (_, true) => "SELECT r, sum(n + throwIf(total > 70)) AS n FROM t2 GROUP BY r",
    }
}

async fn numbers(session: &mut Session, text: &str) -> Vec<i64> {
    let line = rows(session, text).await.remove(0);
    line.split('\t').map(|number| number.parse().unwrap()).collect()
}

/// No row is lost, none is there twice.
async fn every_row_once(session: &mut Session) {
    let base = numbers(session, "SELECT count(), sum(v) FROM s").await;
    let view = numbers(session, "SELECT sum(n), sum(total) FROM t1").await;
    let aside = numbers(session, "SELECT count(), sum(v) FROM v1_errors").await;
    assert_eq!(base, [view[0] + aside[0], view[1] + aside[1]], "v1");
    let below = numbers(session, "SELECT sum(n), sum(total) FROM t2").await;
    let aside = numbers(session, "SELECT sum(n), sum(total) FROM v2_errors").await;
    assert_eq!(view, [below[0] + aside[0], below[1] + aside[1]], "v2");
    assert_eq!(numbers(session, "SELECT sum(n) FROM t3").await, below[..1], "v3");
}

async fn start(machine: &Machine) -> (Engine, Session) {
    let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

async fn history(ops: Vec<Op>) {
    let machine = Machine::new(11, 1_763_000_000_000_000_000);
    let (mut engine, mut session) = start(&machine).await;
    for text in CREATE {
        done(&mut session, text).await;
    }
    for op in ops {
        match op {
            Op::Insert(values) => {
                let values: Vec<String> = values.iter().map(|(k, v)| format!("({k}, {v})")).collect();
                done(&mut session, &format!("INSERT INTO s VALUES {}", values.join(", "))).await;
            }
            Op::Optimize => done(&mut session, "OPTIMIZE TABLE v1_errors FINAL").await,
            Op::Break(view) => {
                done(&mut session, &format!("ALTER TABLE v{view} MODIFY QUERY {}", query(view, true))).await;
            }
            Op::Fix(view) => {
                done(&mut session, &format!("ALTER TABLE v{view} MODIFY QUERY {}", query(view, false))).await;
            }
            Op::Repair(view) => {
                let code = code(&mut session, &format!("SYSTEM REPAIR VIEW v{view}")).await;
                assert!(code == 0 || code == 395, "{code}");
            }
            Op::Checkpoint => engine.inner.store.checkpoint().await.unwrap(),
            Op::Restart => {
                engine.close().await.unwrap();
                drop((session, engine));
                (engine, session) = start(&machine).await;
            }
        }
        every_row_once(&mut session).await;
    }
    for view in [3, 2, 1] {
        done(&mut session, &format!("ALTER TABLE v{view} MODIFY QUERY {}", query(view, false))).await;
    }
    done(&mut session, "SYSTEM REPAIR VIEW v1").await;
    done(&mut session, "SYSTEM REPAIR VIEW v2").await;
    every_row_once(&mut session).await;
    let of = |query: &str| format!("SELECT * FROM ({query}) ORDER BY 1");
    assert_eq!(
        rows(&mut session, "SELECT k, sum(n), sum(total) FROM t1 GROUP BY k ORDER BY k").await,
        rows(&mut session, &of(query(1, false))).await
    );
    let again = "SELECT k % 2 AS r, count() AS n, sum(v) AS total FROM s GROUP BY r";
    assert_eq!(
        rows(&mut session, "SELECT r, sum(n), sum(total) FROM t2 GROUP BY r ORDER BY r").await,
        rows(&mut session, &of(again)).await
    );
    assert_eq!(rows(&mut session, "SELECT count() FROM v1_errors").await, ["0"]);
    assert_eq!(rows(&mut session, "SELECT sum(quarantined_rows) FROM system.views").await, ["0"]);
    engine.close().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_in_the_view_or_in_its_errors(ops in prop::collection::vec(op(), 1..24)) {
        run(history(ops));
    }
}

#[test]
fn what_is_put_aside_names_its_commit_and_reason_and_comes_back_in_order() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE s (k UInt8, v Int64, m String MATERIALIZED toString(v)) ENGINE = MergeTree ORDER BY tuple()",
            "CREATE TABLE t (k UInt8, v Int64, m String, of UInt64) ENGINE = MergeTree ORDER BY tuple()",
            "CREATE MATERIALIZED VIEW v TO t ON ERROR QUARANTINE
                AS SELECT k, v + throwIf(v < 0) AS v, m, (SELECT count() FROM s) AS of FROM s",
            "INSERT INTO s VALUES (1, 1)",
            "INSERT INTO s VALUES (2, -2), (1, 5)",
            "INSERT INTO s VALUES (3, -3)",
            "INSERT INTO s VALUES (4, 4)",
        ] {
            done(&mut session, text).await;
        }
        assert_eq!(rows(&mut session, "SELECT k, v, m FROM t").await, ["1\t1\t1", "4\t4\t4"]);
        let aside =
            "SELECT k, v, m, _commit - (SELECT min(_commit) FROM v_errors), _reason LIKE '%throwIf%' FROM v_errors";
        assert_eq!(rows(&mut session, aside).await, ["1\t5\t5\t0\t1", "2\t-2\t-2\t0\t1", "3\t-3\t-3\t1\t1"]);
        let views = "SELECT status, on_error, errors_table, quarantined_rows FROM system.views WHERE name = 'v'";
        assert_eq!(rows(&mut session, views).await, ["quarantined\tQUARANTINE\tv_errors\t3"]);

        assert_eq!(code(&mut session, "SYSTEM REPAIR VIEW v").await, 395);
        assert_eq!(rows(&mut session, "SELECT count() FROM t").await, ["2"]);
        assert_eq!(code(&mut session, "ALTER TABLE v MODIFY ON ERROR BLOCK").await, 705);
        assert_eq!(code(&mut session, "DROP TABLE v_errors").await, 630);
        // a column that the source gets, the errors get
        done(&mut session, "ALTER TABLE s ADD COLUMN w UInt8 DEFAULT 7, RENAME COLUMN k TO key").await;
        done(&mut session, "ALTER TABLE t ADD COLUMN w UInt8").await;
        let fixed = "SELECT key AS k, abs(v) AS v, m, w, (SELECT count() FROM s) AS of FROM s";
        done(&mut session, &format!("ALTER TABLE v MODIFY QUERY {fixed}")).await;
        done(&mut session, "SYSTEM REPAIR VIEW v").await;
        let all = "SELECT k, v, m, of, w FROM t";
        // each block came through alone: what the view saw of its source is the block
        assert_eq!(
            rows(&mut session, all).await,
            ["1\t1\t1\t1\t0", "1\t5\t5\t2\t7", "2\t2\t-2\t2\t7", "3\t3\t-3\t1\t7", "4\t4\t4\t1\t0"]
        );
        done(&mut session, "SYSTEM REPAIR VIEW v").await;
        assert_eq!(rows(&mut session, "SELECT count() FROM t").await, ["5"]);
        // rows that cannot be fixed are deleted
        done(&mut session, "ALTER TABLE v MODIFY QUERY SELECT key AS k, v + throwIf(v < 0) AS v, m FROM s").await;
        done(&mut session, "INSERT INTO s (key, v) VALUES (8, 8), (9, -9)").await;
        done(&mut session, "DELETE FROM v_errors WHERE v < 0").await;
        done(&mut session, "SYSTEM REPAIR VIEW v").await;
        assert_eq!(rows(&mut session, "SELECT v FROM t WHERE k >= 8").await, ["8"]);
        done(&mut session, "RENAME TABLE v TO w").await;
        assert_eq!(rows(&mut session, "SELECT count() FROM w_errors").await, ["0"]);
        done(&mut session, "ALTER TABLE w MODIFY ON ERROR BLOCK").await;
        assert_eq!(code(&mut session, "SELECT * FROM w_errors").await, 60);
        assert_eq!(code(&mut session, "INSERT INTO s (key, v) VALUES (9, -9)").await, 395);
        done(&mut session, "ALTER TABLE w MODIFY ON ERROR QUARANTINE").await;
        done(&mut session, "INSERT INTO s (key, v) VALUES (9, -9)").await;
        assert_eq!(rows(&mut session, "SELECT key, v, w FROM w_errors").await, ["9\t-9\t7"]);
        done(&mut session, "DROP TABLE w").await;
        assert_eq!(code(&mut session, "SELECT * FROM w_errors").await, 60);
        engine.close().await.unwrap();
    });
}

/// Window views whose blocks fail go back to where they were; everything else goes on, and what is repaired is a row like any
/// other.
#[test]
fn window_views_put_blocks_aside_and_take_them_later() {
    run(async {
        let machine = Machine::new(12, 1_763_000_000_000_000_000);
        let (engine, mut session) = start(&machine).await;
        for text in [
            "CREATE TABLE s (id UInt64, k UInt8, at DateTime('UTC'), v Int64) ENGINE = MergeTree ORDER BY id",
            "CREATE TABLE t (k UInt8, n UInt64, total Int64, start DateTime('UTC'), CONSTRAINT small CHECK n < 100)
                ENGINE = MergeTree ORDER BY (start, k)",
            "CREATE TABLE late (id UInt64, k UInt8, at DateTime('UTC'), v Int64) ENGINE = MergeTree ORDER BY id",
            "CREATE WINDOW VIEW w TO t LATE TO late DEDUPLICATE BY id WITHIN INTERVAL '60' SECOND
                WATERMARK = INTERVAL '0' SECOND ON ERROR QUARANTINE
                AS SELECT k, count() AS n, sum(v + throwIf(v < 0)) AS total, tumbleStart(win) AS start
                FROM s GROUP BY k, tumble(at, INTERVAL '10' SECOND) AS win",
            "INSERT INTO s VALUES (1, 1, 1000000000, 10), (2, 2, 1000000001, 20)",
            // the bad row would have closed the window, and ids of its block are not seen
            "INSERT INTO s VALUES (3, 1, 1000000002, 5), (4, 1, 1000000030, -1)",
            "INSERT INTO s VALUES (5, 1, 1000000003, 7)",
        ] {
            done(&mut session, text).await;
        }
        assert_eq!(rows(&mut session, "SELECT id FROM s").await.len(), 5);
        assert_eq!(rows(&mut session, "SELECT count() FROM t").await, ["0"]);
        assert_eq!(rows(&mut session, "SELECT id, _reason LIKE '%throwIf%' FROM w_errors").await, ["3\t1", "4\t1"]);
        let views = "SELECT status, on_error, quarantined_rows FROM system.views WHERE name = 'w'";
        assert_eq!(rows(&mut session, views).await, ["quarantined\tQUARANTINE\t2"]);
        assert_ne!(code(&mut session, "SYSTEM REPAIR VIEW w").await, 0);
        engine.close().await.unwrap();
        drop((session, engine));
        let (engine, mut session) = start(&machine).await;
        // corrected with SQL, and taken
        done(&mut session, "ALTER TABLE w_errors UPDATE v = 1 WHERE v < 0").await;
        done(&mut session, "SYSTEM REPAIR VIEW w").await;
        assert_eq!(rows(&mut session, "SELECT k, n, total FROM t").await, ["1\t3\t22", "2\t1\t20"]);
        assert_eq!(rows(&mut session, "SELECT count() FROM w_errors").await, ["0"]);
        // once: the ids are seen now
        done(&mut session, "INSERT INTO s VALUES (3, 1, 1000000031, 5), (4, 1, 1000000031, 5)").await;
        // a block of a closed window is late when it comes back
        done(&mut session, "INSERT INTO s VALUES (6, 1, 1000000032, -1), (7, 1, 1000000033, 3)").await;
        done(&mut session, "INSERT INTO s VALUES (8, 1, 1000000050, 1)").await;
        assert_eq!(rows(&mut session, "SELECT k, n, total FROM t").await, ["1\t1\t1", "1\t3\t22", "2\t1\t20"]);
        done(&mut session, "ALTER TABLE w_errors UPDATE v = 1 WHERE v < 0").await;
        done(&mut session, "SYSTEM REPAIR VIEW w").await;
        assert_eq!(rows(&mut session, "SELECT id FROM late").await, ["6", "7"]);
        // what the results meet on their way stops them, and nothing is lost
        done(&mut session, "INSERT INTO s SELECT 100 + number, 3, 1000000055, 1 FROM numbers(100)").await;
        done(&mut session, "INSERT INTO s VALUES (300, 1, 1000000070, 1)").await;
        done(&mut session, "INSERT INTO s VALUES (301, 1, 1000000056, 1)").await;
        assert_eq!(rows(&mut session, "SELECT id FROM w_errors").await, ["300"]);
        done(&mut session, "ALTER TABLE t DROP CONSTRAINT small").await;
        done(&mut session, "SYSTEM REPAIR VIEW w").await;
        let last = "SELECT k, n FROM t WHERE start = 1000000050";
        assert_eq!(rows(&mut session, last).await, ["1\t2", "3\t100"]);
        done(&mut session, "ALTER TABLE w MODIFY ON ERROR BLOCK").await;
        assert_eq!(code(&mut session, "INSERT INTO s VALUES (400, 1, 1000000071, -1)").await, 395);
        done(&mut session, "ALTER TABLE w MODIFY ON ERROR QUARANTINE").await;
        done(&mut session, "INSERT INTO s VALUES (400, 1, 1000000071, -1)").await;
        assert_eq!(rows(&mut session, "SELECT id FROM w_errors").await, ["400"]);
        engine.close().await.unwrap();
    });
}

/// A view above a window view fails after the window view took rows: it takes them back, within the insert as well.
#[test]
fn a_window_view_below_takes_back_what_it_took() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE s (k UInt8, at DateTime('UTC'), v Int64) ENGINE = MergeTree ORDER BY at",
            "CREATE TABLE m (k UInt8, at DateTime('UTC'), v Int64) ENGINE = MergeTree ORDER BY at",
            "CREATE TABLE t (k UInt8, n UInt64) ENGINE = MergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW v TO m ON ERROR QUARANTINE AS SELECT * FROM s",
            "CREATE WINDOW VIEW w TO t WATERMARK = INTERVAL '0' SECOND
                AS SELECT k, count() AS n FROM m GROUP BY k, tumble(at, INTERVAL '10' SECOND) AS win",
            // runs after the window view and fails: all of the block is put aside
            "CREATE MATERIALIZED VIEW z ENGINE = MergeTree ORDER BY v AS SELECT v + throwIf(v < 0) AS v FROM m",
            "INSERT INTO s VALUES (1, 1000000000, 1)",
            "INSERT INTO s VALUES (1, 1000000001, 1), (1, 1000000020, -1)",
            "INSERT INTO s SELECT 1, 1000000002, if(number = 3, -1, 1) FROM numbers(4) SETTINGS max_block_size = 1, \
             min_insert_block_size_rows = 1, min_insert_block_size_bytes = 1, max_insert_block_size = 1",
            "INSERT INTO s VALUES (1, 1000000010, 1)",
        ] {
            done(&mut session, text).await;
        }
        let aside = rows(&mut session, "SELECT count() FROM v_errors").await;
        let there = rows(&mut session, "SELECT count() FROM m").await;
        let (aside, there): (u64, u64) = (aside[0].parse().unwrap(), there[0].parse().unwrap());
        assert_eq!(aside + there, 8);
        // the window holds what is in the table before it, no more and no less
        assert_eq!(rows(&mut session, "SELECT n FROM t").await, [format!("{}", there - 1)]);
        done(&mut session, "ALTER TABLE z MODIFY QUERY SELECT v FROM m").await;
        done(&mut session, "SYSTEM REPAIR VIEW v").await;
        assert_eq!(rows(&mut session, "SELECT count() FROM m").await, ["8"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_view_is_verified_over_the_rows_that_are_not_put_aside() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        for text in [
            "CREATE TABLE s (k UInt8, v Nullable(Int64), m Map(String, UInt8)) ENGINE = MergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW v ENGINE = SummingMergeTree ORDER BY k ON ERROR QUARANTINE
                AS SELECT k, count() AS n, sum(v + throwIf(v = 13)) AS total FROM s GROUP BY k",
            "INSERT INTO s VALUES (1, 10, {'a': 1}), (1, NULL, {}), (2, 5, {'b': 2})",
            "INSERT INTO s VALUES (1, 10, {'a': 1}), (3, 13, {'c': 3})",
            "INSERT INTO s VALUES (1, 7, {})",
        ] {
            done(session, text).await;
        }
        assert_eq!(rows(session, "SELECT quarantined_rows FROM system.views WHERE name = 'v'").await, ["2"]);
        assert_eq!(rows(session, "VERIFY VIEW v").await, Vec::<String>::new());
        done(session, "ALTER TABLE v DELETE WHERE k = 2").await;
        assert_eq!(rows(session, "VERIFY VIEW v").await, ["missing\t(2)\t(2,1,5)\t\t1"]);
        engine.close().await.unwrap();
    });
}
