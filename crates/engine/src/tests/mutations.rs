//! Mutations that are queued: their order, their end, what they do not touch, and that a restart loses none.

use std::path::Path;

use env::simulated::Machine;
use proptest::prelude::*;

use crate::testing::{code, config, done, open, rows, run};
use crate::{Credentials, Engine, Session};

async fn start(machine: &Machine) -> (Engine, Session) {
    let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

/// Waits for everything that is queued for `t`.
async fn settled(engine: &Engine, session: &mut Session) {
    while rows(session, "SELECT count() FROM system.mutations WHERE NOT is_done").await != ["0"] {
        engine.env().clock.sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[test]
fn a_mutation_that_cannot_be_done_waits_until_it_is_killed_and_the_others_behind_it() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE m (a UInt32, b String) ENGINE = MergeTree ORDER BY a",
            "INSERT INTO m VALUES (1, 'x'), (2, 'y')",
            "SET mutations_sync = 0",
            "ALTER TABLE m UPDATE b = toString(throwIf(a = 2)) WHERE 1",
            "ALTER TABLE m UPDATE b = 'later' WHERE a = 1",
            "INSERT INTO m VALUES (1, 'new')",
        ] {
            done(&mut session, text).await;
        }
        let list = "SELECT mutation_id, command, is_done, parts_to_do FROM system.mutations";
        let failed = "SELECT latest_fail_error_code_name FROM system.mutations WHERE latest_fail_reason != ''";
        while rows(&mut session, failed).await.is_empty() {
            engine.env().clock.sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(rows(&mut session, failed).await, ["FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"]);
        let both = [
            "mutation_2.txt\t(UPDATE b = toString(throwIf(a = 2)) WHERE 1)\t0\t1",
            "mutation_3.txt\t(UPDATE b = \\'later\\' WHERE a = 1)\t0\t1",
        ];
        assert_eq!(rows(&mut session, list).await, both);
        assert_eq!(rows(&mut session, "SELECT a, b FROM m").await, ["1\tnew", "1\tx", "2\ty"]);
        // what waits for them is told why; a merge leaves the parts apart
        assert_eq!(code(&mut session, "DELETE FROM m WHERE a = 2").await, 341);
        done(&mut session, "OPTIMIZE TABLE m FINAL").await;
        assert_eq!(rows(&mut session, "SELECT count() FROM system.parts WHERE active AND table = 'm'").await, ["2"]);
        // what is wrong whatever the rows are is said at once
        assert_eq!(code(&mut session, "ALTER TABLE m UPDATE nope = 1 WHERE 1").await, 16);

        let kill = "KILL MUTATION WHERE mutation_id = 'mutation_2.txt'";
        let killed = rows(&mut session, kill).await;
        assert_eq!(killed, ["waiting\tdefault\tm\tmutation_2.txt\t(UPDATE b = toString(throwIf(a = 2)) WHERE 1)"]);
        settled(&engine, &mut session).await;
        assert_eq!(rows(&mut session, "SELECT a, b FROM m").await, ["1\tlater", "1\tnew", "2\ty"]);
        assert_eq!(
            rows(&mut session, "SELECT command, is_done FROM system.mutations").await,
            ["(UPDATE b = \\'later\\' WHERE a = 1)\t1"]
        );
        done(&mut session, "OPTIMIZE TABLE m FINAL").await;
        assert_eq!(rows(&mut session, "SELECT count() FROM system.parts WHERE active AND table = 'm'").await, ["1"]);
        engine.close().await.unwrap();
    });
}

#[test]
fn an_update_of_a_file_writes_the_columns_that_it_changes_and_what_reads_them_is_told() {
    run(async {
        let machine = Machine::new(7, 0);
        let (engine, mut session) = start(&machine).await;
        for text in [
            "CREATE TABLE m (a UInt32, b String, c UInt32, d UInt64 MATERIALIZED c * 2) ENGINE = MergeTree ORDER BY a \
             SETTINGS index_granularity = 64",
            "INSERT INTO m SELECT number, concat('b', toString(number)), number % 10 FROM numbers(1000)",
            "OPTIMIZE TABLE m FINAL",
            "ALTER TABLE m UPDATE c = c + 100 WHERE b = 'b77' OR a = 500",
        ] {
            done(&mut session, text).await;
        }
        let amended = "SELECT value FROM system.events WHERE event = 'StoreAmendedParts'";
        assert_eq!(rows(&mut session, amended).await, ["1"]);
        let changed = "SELECT a, b, c, d FROM m WHERE c >= 100";
        assert_eq!(rows(&mut session, changed).await, ["500\tb500\t100\t200", "77\tb77\t107\t214"]);
        let whole = "SELECT count(), sum(a), sum(c), sum(d), uniqExact(b), sum(length(b)) FROM m";
        assert_eq!(rows(&mut session, whole).await, ["1000\t499500\t4700\t9400\t1000\t3890"]);
        // nothing to change is no new part; two commands at once, deleted rows and skip indexes take the long way
        let name = "SELECT name FROM system.parts WHERE active AND table = 'm'";
        let before = rows(&mut session, name).await;
        done(&mut session, "ALTER TABLE m UPDATE c = 1 WHERE b = 'none'").await;
        assert_eq!(rows(&mut session, name).await, before);
        for text in [
            "ALTER TABLE m UPDATE c = 1 WHERE a = 1, UPDATE b = 'two' WHERE c = 2",
            "DELETE FROM m WHERE a >= 990",
            "ALTER TABLE m UPDATE c = 3 WHERE a < 10",
            "ALTER TABLE m ADD INDEX i c TYPE minmax",
            "ALTER TABLE m MATERIALIZE INDEX i",
            "ALTER TABLE m UPDATE c = 4 WHERE a < 10",
        ] {
            done(&mut session, text).await;
        }
        assert_eq!(rows(&mut session, amended).await, ["1"]);
        assert_eq!(rows(&mut session, "SELECT count(), sum(c), countIf(b = 'two') FROM m").await, ["990\t4650\t99"]);
        assert_eq!(rows(&mut session, "SELECT count() FROM m WHERE c = 4 AND a < 10").await, ["10"]);
        engine.close().await.unwrap();
        drop((engine, session));
        let (engine, mut session) = start(&machine).await;
        assert_eq!(rows(&mut session, "SELECT count(), sum(c), countIf(b = 'two') FROM m").await, ["990\t4650\t99"]);
        engine.close().await.unwrap();
    });
}

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<(u8, i64)>),
    Add(u8),
    Twice(u8),
    Delete(u8),
    Throw,
    Kill,
    Lightweight(u8),
    Optimize,
    Settle,
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => prop::collection::vec((0u8..8, 0i64..50), 1..8).prop_map(Op::Insert),
        2 => (0u8..9).prop_map(Op::Add),
        2 => (0u8..9).prop_map(Op::Twice),
        1 => (0u8..9).prop_map(Op::Delete),
        1 => Just(Op::Throw),
        2 => Just(Op::Kill),
        1 => (0u8..9).prop_map(Op::Lightweight),
        1 => Just(Op::Optimize),
        1 => Just(Op::Settle),
        2 => Just(Op::Restart),
    ]
}

/// The table as a list of rows, as it will be when all that is queued is done.
async fn history(ops: Vec<Op>) {
    let machine = Machine::new(5, 1_763_000_000_000_000_000);
    let (mut engine, mut session) = start(&machine).await;
    done(&mut session, "CREATE TABLE t (k UInt8, v Int64) ENGINE = MergeTree ORDER BY k").await;
    let mut model: Vec<(u8, i64)> = Vec::new();
    let kill = "KILL MUTATION WHERE command LIKE '%throwIf%'";
    for op in ops {
        let text = match &op {
            Op::Insert(values) => {
                model.extend(values);
                let values: Vec<String> = values.iter().map(|(k, v)| format!("({k}, {v})")).collect();
                format!("INSERT INTO t VALUES {}", values.join(", "))
            }
            Op::Add(below) => {
                model.iter_mut().filter(|(k, _)| k < below).for_each(|(_, v)| *v += 7);
                format!("ALTER TABLE t UPDATE v = v + 7 WHERE k < {below} SETTINGS mutations_sync = 0")
            }
            Op::Twice(below) => {
                model.iter_mut().filter(|(k, _)| k < below).for_each(|(_, v)| *v *= 2);
                format!("ALTER TABLE t UPDATE v = v * 2 WHERE k < {below} SETTINGS mutations_sync = 0")
            }
            Op::Delete(below) => {
                model.retain(|(k, _)| k >= below);
                format!("ALTER TABLE t DELETE WHERE k < {below} SETTINGS mutations_sync = 0")
            }
            Op::Throw => "ALTER TABLE t UPDATE v = v + throwIf(k < 100) WHERE 1 SETTINGS mutations_sync = 0".to_owned(),
            Op::Lightweight(below) => {
                done(&mut session, kill).await;
                model.retain(|(k, _)| k >= below);
                format!("DELETE FROM t WHERE k < {below}")
            }
            Op::Optimize => "OPTIMIZE TABLE t FINAL".to_owned(),
            Op::Kill => kill.to_owned(),
            Op::Settle => {
                done(&mut session, kill).await;
                settled(&engine, &mut session).await;
                continue;
            }
            Op::Restart => {
                engine.close().await.unwrap();
                drop((session, engine));
                (engine, session) = start(&machine).await;
                continue;
            }
        };
        done(&mut session, &text).await;
    }
    done(&mut session, kill).await;
    settled(&engine, &mut session).await;
    let mut expected: Vec<String> = model.iter().map(|(k, v)| format!("{k}\t{v}")).collect();
    expected.sort();
    assert_eq!(rows(&mut session, "SELECT k, v FROM t").await, expected);
    engine.close().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn queued_mutations_touch_the_rows_before_them_in_their_order(ops in prop::collection::vec(op(), 1..30)) {
        run(history(ops));
    }
}

/// The real engine fails such a mutation: it reads the column alone.
#[test]
fn a_default_that_stands_for_null_may_read_other_columns() {
    run(async {
        let (_engine, mut session) = open().await;
        for text in [
            "CREATE TABLE t (k UInt32, c Nullable(UInt8) DEFAULT k * 2) ENGINE = MergeTree ORDER BY k",
            "INSERT INTO t VALUES (4, NULL), (5, 1)",
            "ALTER TABLE t MODIFY COLUMN c UInt8",
        ] {
            done(&mut session, text).await;
        }
        assert_eq!(rows(&mut session, "SELECT k, c FROM t").await, ["4\t8", "5\t1"]);
        assert_eq!(rows(&mut session, "SELECT k FROM t WHERE c = 8").await, ["4"]);
    });
}

#[test]
fn text_is_no_state_of_an_aggregate() {
    run(async {
        let (_engine, mut session) = open().await;
        done(&mut session, "CREATE TABLE t (k UInt8, a AggregateFunction(avg, Float64)) ENGINE = MergeTree ORDER BY k")
            .await;
        // it was read as a container that holds itself, until the stack was gone
        assert_eq!(code(&mut session, "INSERT INTO t VALUES (1, 'x')").await, 70);
        assert_eq!(code(&mut session, "INSERT INTO t FORMAT TSV 1\tx").await, 53);
        assert_eq!(code(&mut session, r#"INSERT INTO t FORMAT JSONEachRow {"k": 1, "a": "x"}"#).await, 53);
        assert_eq!(rows(&mut session, "SELECT count() FROM t").await, ["0"]);
    });
}

#[test]
fn a_delete_is_whole_whatever_the_session_says_of_answers() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        let columns = "(k UInt64, _part_offset UInt8) ENGINE = MergeTree ORDER BY k";
        for (table, columns) in [("t", "(k UInt64) ENGINE = MergeTree ORDER BY k"), ("own", columns)] {
            done(session, &format!("CREATE TABLE {table} {columns}")).await;
            done(session, &format!("INSERT INTO {table} (k) SELECT number FROM numbers(50000)")).await;
            done(session, &format!("INSERT INTO {table} (k) SELECT number FROM numbers(50000, 50000)")).await;
            let breaks =
                "force_primary_key = 1, max_result_rows = 10, result_overflow_mode = 'break', max_block_size = 1000";
            done(session, &format!("DELETE FROM {table} WHERE k % 10 = 3 SETTINGS {breaks}")).await;
            let left = format!("SELECT count(), countIf(k % 10 = 3) FROM {table}");
            assert_eq!(rows(session, &left).await, ["90000\t0"], "{table}");
            done(session, &format!("DELETE FROM {table} WHERE k < 70000")).await;
            assert_eq!(rows(session, &format!("SELECT count(), min(k) FROM {table}")).await, ["27000\t70000"]);
        }
        // a limit on reading is an error, never a reason to stop half way
        let reads = "SETTINGS max_rows_to_read = 2000, read_overflow_mode = 'break', max_block_size = 1000";
        assert_eq!(code(session, &format!("DELETE FROM t WHERE k % 10 = 4 {reads}")).await, 341);
        assert_eq!(rows(session, "SELECT count() FROM t").await, ["27000"]);
        engine.close().await.unwrap();
    });
}
