//! What is restored is what was backed up: every kind of object, incrementally, after a kill, and never half.

mod renamed;
mod workers;

use std::path::Path;

use env::simulated::Machine;

use crate::testing::{code, config, done, rows, run};
use crate::{Credentials, Engine, Session};

async fn open(machine: &Machine) -> (Engine, Session) {
    let mut config = config();
    config.backups = Some("/db/backups".into());
    let engine = Engine::open(machine.env(), Path::new("/db"), config).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

fn machine() -> Machine {
    Machine::new(3, 1_763_000_000_000_000_000)
}

const OBJECTS: &[&str] = &[
    "CREATE DATABASE shop",
    "CREATE TABLE shop.events (t DateTime, k UInt32, v Float64, PROJECTION p (SELECT k, count(), max(t) GROUP BY k)) \
     ENGINE = MergeTree PARTITION BY k % 2 ORDER BY (k, t)",
    "CREATE TABLE shop.latest (k UInt32, s String, ver UInt32) ENGINE = ReplacingMergeTree(ver) ORDER BY k",
    "CREATE TABLE shop.mem (k UInt32) ENGINE = Memory",
    "CREATE TABLE shop.sink (k UInt32) ENGINE = Null",
    "CREATE VIEW shop.seen AS SELECT k, count() AS n FROM shop.events GROUP BY k",
    "CREATE MATERIALIZED VIEW shop.sums ENGINE = AggregatingMergeTree ORDER BY k AS \
     SELECT k, sumState(v) AS s FROM shop.events GROUP BY k",
    "CREATE TABLE shop.closed (w DateTime, k UInt32, n UInt64) ENGINE = MergeTree ORDER BY (w, k)",
    "CREATE WINDOW VIEW shop.win TO shop.closed WATERMARK = INTERVAL '5' SECOND AS \
     SELECT tumbleStart(w) AS w, k, count() AS n FROM shop.events GROUP BY k, tumble(t, INTERVAL '10' SECOND) AS w",
    "CREATE TABLE t (k UInt32) ENGINE = MergeTree ORDER BY k",
    "CREATE TABLE shop.notes (k UInt32) ENGINE = Log",
    "CREATE TABLE shop.chosen (k UInt32) ENGINE = Set",
    "CREATE TABLE shop.names (k UInt32, s String) ENGINE = Join(ANY, LEFT, k)",
    "CREATE TABLE shop.kept (k UInt32) ENGINE = MergeTree ORDER BY k",
    "CREATE TABLE shop.soon AS shop.kept \
     ENGINE = Buffer('shop', 'kept', 1, 10000, 10000, 10000, 1000000, 1000000, 10000000)",
    "CREATE TABLE shop.both (k UInt32) ENGINE = Merge('shop', '^(mem|notes)$')",
    "CREATE VIEW shop.one AS SELECT s FROM shop.latest FINAL WHERE k = {key:UInt32}",
    "CREATE DICTIONARY shop.known (k UInt64, s String DEFAULT '?') PRIMARY KEY k \
     SOURCE(CLICKHOUSE(DB 'shop' TABLE 'latest')) LAYOUT(HASHED()) LIFETIME(0)",
    "CREATE TABLE shop.listed (k UInt64, s String) ENGINE = Dictionary('shop.known')",
];

const QUESTIONS: &[&str] = &[
    "SELECT count(), sum(k), sum(v), max(t) FROM shop.events",
    "SELECT k, count(), max(t) FROM shop.events GROUP BY k SETTINGS force_optimize_projection = 1",
    "SELECT * FROM shop.latest FINAL",
    "SELECT * FROM shop.mem",
    "SELECT * FROM shop.seen",
    "SELECT k, sumMerge(s) FROM shop.sums GROUP BY k",
    "SELECT * FROM shop.closed",
    "SELECT * FROM t",
    "SELECT count(), sum(k) FROM shop.notes",
    "SELECT count() FROM numbers(300) WHERE number IN shop.chosen",
    "SELECT joinGet('shop.names', 's', toUInt32(number)) FROM numbers(4)",
    "SELECT count(), sum(k) FROM shop.soon",
    "SELECT count(), sum(k) FROM shop.both",
    "SELECT * FROM shop.one(key = 2)",
    "SELECT dictGet('shop.known', 's', toUInt64(number)) != '' FROM numbers(3)",
    // loaded anew at each start
    "SELECT 0 < count() FROM shop.listed",
    "SELECT name, engine FROM system.tables WHERE database IN ('shop', 'default') AND name NOT LIKE '.%'",
    "VERIFY VIEW shop.sums",
    "VERIFY VIEW shop.win",
];

async fn insert(session: &mut Session, round: u64) {
    insert_into(session, "shop", round).await;
    done(session, &format!("INSERT INTO t SELECT number + {round} FROM numbers(200)")).await;
}

async fn insert_into(session: &mut Session, shop: &str, round: u64) {
    for text in [
        format!(
            "INSERT INTO {shop}.events SELECT toDateTime(1000000 + {round} * 25 + number / 4), number % 5, number / 7 \
             FROM numbers(100)"
        ),
        format!("INSERT INTO {shop}.latest SELECT number % 7, toString(number + {round}), {round} FROM numbers(20)"),
        format!("INSERT INTO {shop}.mem VALUES ({round})"),
        format!("INSERT INTO {shop}.notes VALUES ({round})"),
        format!("INSERT INTO {shop}.chosen SELECT number + {round} FROM numbers(100)"),
        format!("INSERT INTO {shop}.names VALUES ({round}, 'round {round}')"),
        format!("INSERT INTO {shop}.soon VALUES ({round})"),
    ] {
        done(session, &text).await;
    }
}

async fn answers(session: &mut Session) -> Vec<Vec<String>> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        answers.push(rows(session, question).await);
    }
    answers
}

async fn filled(machine: &Machine) -> (Engine, Session) {
    let (engine, mut session) = open(machine).await;
    for text in OBJECTS {
        done(&mut session, text).await;
    }
    insert(&mut session, 1).await;
    insert(&mut session, 2).await;
    done(&mut session, "DELETE FROM shop.latest WHERE k = 3").await;
    done(&mut session, "DELETE FROM t WHERE k % 7 = 1").await;
    (engine, session)
}

async fn drop_all(session: &mut Session) {
    done(session, "DROP DATABASE shop").await;
    done(session, "DROP TABLE t").await;
}

#[test]
fn every_kind_of_object_comes_back_and_goes_on() {
    run(async {
        let machine = machine();
        let (engine, mut owned) = filled(&machine).await;
        let session = &mut owned;
        let before = answers(session).await;
        assert!(rows(session, "BACKUP ALL TO File('all')").await[0].ends_with("\tBACKUP_CREATED"));
        insert(session, 3).await;
        let later = answers(session).await;
        drop_all(session).await;
        assert!(rows(session, "RESTORE ALL FROM File('all')").await[0].ends_with("\tRESTORED"));
        assert_eq!(answers(session).await, before);
        // the views still work, the window view with the windows that were open
        insert(session, 3).await;
        assert_eq!(answers(session).await, later);
        engine.close().await.unwrap();
        drop((engine, owned));
        let (engine, mut session) = open(&machine).await;
        assert_eq!(answers(&mut session).await, later);
        engine.close().await.unwrap();
    });
}

#[test]
fn tables_and_databases_come_back_beside_the_old_ones() {
    run(async {
        let (engine, mut session) = filled(&machine()).await;
        let session = &mut session;
        done(session, "BACKUP TABLE t, TABLE shop.latest TO File('some/tables')").await;
        done(session, "RESTORE TABLE t AS u, TABLE shop.latest AS copy.latest FROM File('some/tables')").await;
        assert_eq!(rows(session, "SELECT * FROM u").await, rows(session, "SELECT * FROM t").await);
        let latest = rows(session, "SELECT * FROM shop.latest FINAL").await;
        assert_eq!(rows(session, "SELECT * FROM copy.latest FINAL").await, latest);
        done(session, "BACKUP DATABASE shop EXCEPT TABLES mem TO File('shop') SETTINGS structure_only = 1").await;
        done(session, "DROP DATABASE shop").await;
        done(session, "RESTORE DATABASE shop FROM File('shop')").await;
        assert_eq!(rows(session, "SELECT count() FROM shop.events").await, ["0"]);
        assert_eq!(code(session, "SELECT count() FROM shop.mem").await, 60);
        engine.close().await.unwrap();
    });
}

#[test]
fn an_incremental_backup_holds_only_what_is_new() {
    run(async {
        let (engine, mut session) = filled(&machine()).await;
        let session = &mut session;
        done(session, "SYSTEM STOP MERGES").await;
        done(session, "BACKUP TABLE t TO File('base')").await;
        done(session, "INSERT INTO t SELECT number FROM numbers(7000)").await;
        done(session, "BACKUP TABLE t TO File('more') SETTINGS base_backup = File('base')").await;
        // a part of the base with fewer rows is another part
        done(session, "DELETE FROM t WHERE k < 50").await;
        done(session, "INSERT INTO t VALUES (1)").await;
        done(session, "BACKUP TABLE t TO File('most') SETTINGS base_backup = File('more')").await;
        let counts = "SELECT num_files, num_entries, base_backup_name FROM system.backups";
        let expected = ["2\t3\tFile(\\'base\\')", "3\t2\t", "5\t4\tFile(\\'more\\')"];
        assert_eq!(rows(session, counts).await, expected);
        let before = rows(session, "SELECT count(), sum(k) FROM t").await;
        done(session, "DROP TABLE t").await;
        done(session, "RESTORE TABLE t FROM File('most')").await;
        assert_eq!(rows(session, "SELECT count(), sum(k) FROM t").await, before);
        engine.close().await.unwrap();
    });
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    run(async {
        let machine = machine();
        let (engine, mut session) = filled(&machine).await;
        let session = &mut session;
        done(session, "BACKUP TABLE t TO File('x')").await;
        for (text, expected) in [
            ("BACKUP TABLE t TO File('x')", 598),
            ("BACKUP TABLE t TO Disk('backups', 'x')", 48),
            ("BACKUP TABLE t TO File('../x')", 497),
            ("BACKUP TABLE t TO File('/etc/x')", 497),
            ("BACKUP TABLE t TO File('')", 497),
            ("BACKUP TABLE nothing TO File('y')", 60),
            ("BACKUP DATABASE nothing TO File('y')", 81),
            ("BACKUP TABLE t TO File('y') SETTINGS password = 'p'", 48),
            ("RESTORE TABLE t FROM File('none')", 599),
            ("RESTORE TABLE u FROM File('x')", 605),
            ("RESTORE TABLE t AS u FROM File('x') SETTINGS create_table = 'must exist'", 60),
            ("RESTORE TABLE t FROM File('x') SETTINGS create_table = 'create'", 57),
            ("RESTORE TABLE t AS shop.latest FROM File('x')", 608),
            ("RESTORE TABLE t AS shop.seen FROM File('x')", 608),
            ("BACKUP TABLE t TO File('y') SETTINGS nothing = 1", 115),
            ("BACKUP TABLE t TO File('y.zip')", 48),
            ("RESTORE TABLE t FROM File('x')", 608),
        ] {
            assert_eq!(code(session, text).await, expected, "{text}");
        }
        let files = machine.disk.paths();
        let is_part = |path: &&std::path::PathBuf| {
            path.starts_with("/db/backups/x") && path.extension().is_some_and(|end| end == "parquet")
        };
        let part = files.iter().find(is_part).unwrap();
        machine.disk.flip_bit(part, 100, 3);
        assert_ne!(code(session, "RESTORE TABLE t AS u FROM File('x')").await, 0);
        assert_eq!(code(session, "SELECT count() FROM u").await, 60);
        machine.disk.flip_bit(Path::new("/db/backups/x/backup.everview"), 30, 3);
        assert_eq!(code(session, "RESTORE TABLE t AS u FROM File('x')").await, 601);
        engine.close().await.unwrap();
    });
}

#[test]
fn an_asynchronous_backup_is_told_of_in_the_system_table() {
    run(async {
        let (engine, mut session) = filled(&machine()).await;
        let session = &mut session;
        assert_eq!(
            rows(session, "BACKUP TABLE t TO File('x') SETTINGS id = 'mine' ASYNC").await,
            ["mine\tCREATING_BACKUP"]
        );
        while rows(session, "SELECT status FROM system.backups WHERE id = 'mine'").await != ["BACKUP_CREATED"] {
            engine.env().clock.sleep(std::time::Duration::from_millis(10)).await;
        }
        done(session, "RESTORE TABLE t AS u FROM File('x') ASYNC").await;
        while rows(session, "SELECT count() FROM system.backups WHERE status = 'RESTORED'").await != ["1"] {
            engine.env().clock.sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(rows(session, "SELECT * FROM u").await, rows(session, "SELECT * FROM t").await);
        engine.close().await.unwrap();
    });
}

#[test]
fn rows_come_back_into_a_table_that_is_there_and_empty_or_are_added_where_that_is_asked_for() {
    run(async {
        let (engine, mut session) = filled(&machine()).await;
        let session = &mut session;
        let all = "SELECT count(), sum(k) FROM t";
        let before = rows(session, all).await;
        done(session, "BACKUP TABLE t TO File('x')").await;
        done(session, "TRUNCATE TABLE t").await;
        assert!(rows(session, "RESTORE TABLE t FROM File('x')").await[0].ends_with("\tRESTORED"));
        assert_eq!(rows(session, all).await, before);
        assert_eq!(code(session, "RESTORE TABLE t FROM File('x')").await, 608);
        done(session, "RESTORE TABLE t FROM File('x') SETTINGS structure_only = 1").await;
        assert_eq!(rows(session, all).await, before);
        done(session, "RESTORE TABLE t FROM File('x') SETTINGS allow_non_empty_tables = 1").await;
        let doubled = format!("SELECT count() = 2 * {}, sum(k) = 2 * {} FROM t", pair(&before).0, pair(&before).1);
        assert_eq!(rows(session, &doubled).await, ["1\t1"]);
        engine.close().await.unwrap();
    });
}

fn pair(rows: &[String]) -> (&str, &str) {
    rows[0].split_once('\t').unwrap()
}

/// Over HTTP the end of a request cancels what it left running.
#[test]
fn an_asynchronous_backup_outlives_its_request() {
    run(async {
        let (engine, mut session) = filled(&machine()).await;
        let session = &mut session;
        for text in [
            "BACKUP TABLE t TO File('x') SETTINGS id = 'b' ASYNC",
            "RESTORE TABLE t AS u FROM File('x') SETTINGS id = 'r' ASYNC",
        ] {
            let request = crate::Request::new(text);
            let cancel = request.cancel.clone();
            drop(session.execute(request).await.unwrap());
            cancel.cancel();
            while rows(session, "SELECT status FROM system.backups WHERE status IN ('CREATING_BACKUP', 'RESTORING')")
                .await
                != Vec::<String>::new()
            {
                engine.env().clock.sleep(std::time::Duration::from_millis(10)).await;
            }
        }
        let status = "SELECT id, status FROM system.backups";
        assert_eq!(rows(session, status).await, ["b\tBACKUP_CREATED", "r\tRESTORED"]);
        engine.close().await.unwrap();
    });
}

/// True when the statement was answered before the power went.
async fn answered(machine: &Machine, session: &mut Session, text: &'static str) -> bool {
    tokio::select! {
        biased;
        () = machine.disk.power_lost() => false,
        answer = session.execute(crate::Request::new(text)) => answer.is_ok(),
    }
}

/// The power goes at every so many disk calls: a backup or a restore is whole then, or not there.
#[test]
fn a_cut_in_the_middle_leaves_all_or_nothing() {
    for after in [1, 9, 23, 40, 61, 90] {
        run(async {
            let mut machine = machine();
            let (engine, mut session) = filled(&machine).await;
            let before = answers(&mut session).await;
            machine.disk.lose_power_after(after);
            let acknowledged = answered(&machine, &mut session, "BACKUP ALL TO File('all')").await;
            drop((session, engine));
            machine.cut_power();
            let (engine, mut session) = open(&machine).await;
            assert_eq!(answers(&mut session).await, before, "cut after {after}");
            match code(&mut session, "BACKUP ALL TO File('all')").await {
                0 => assert!(!acknowledged, "cut after {after}: an acknowledged backup is gone"),
                code => assert_eq!(code, 598, "cut after {after}"),
            }
            drop_all(&mut session).await;
            machine.disk.lose_power_after(after);
            let acknowledged = answered(&machine, &mut session, "RESTORE ALL FROM File('all')").await;
            drop((session, engine));
            machine.cut_power();
            let (engine, mut session) = open(&machine).await;
            let names = "SELECT count() FROM system.tables WHERE database = 'shop' OR name = 't'";
            if rows(&mut session, names).await == ["0"] {
                assert!(!acknowledged, "cut after {after}: an acknowledged restore is gone");
                done(&mut session, "RESTORE ALL FROM File('all')").await;
            }
            assert_eq!(answers(&mut session).await, before, "restored after a cut after {after}");
            engine.close().await.unwrap();
        });
    }
}

/// A part keeps the columns it was written with; what became of them since must not be lost on the way through a backup.
#[test]
fn columns_renamed_and_dropped_since_come_back_under_their_names_of_today() {
    run(async {
        let (engine, mut session) = open(&machine()).await;
        let session = &mut session;
        done(session, "CREATE TABLE c (k UInt32, a UInt32, b UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(session, "INSERT INTO c SELECT number, number * 2, number * 3 FROM numbers(500)").await;
        assert!(rows(session, "BACKUP TABLE c TO File('base')").await[0].ends_with("\tBACKUP_CREATED"));
        done(session, "ALTER TABLE c DROP COLUMN a").await;
        done(session, "ALTER TABLE c RENAME COLUMN b TO a").await;
        done(session, "DELETE FROM c WHERE k % 2 = 1").await;
        let before = rows(session, "SELECT k, a FROM c").await;
        let backup = "BACKUP TABLE c TO File('next') SETTINGS base_backup = File('base')";
        assert!(rows(session, backup).await[0].ends_with("\tBACKUP_CREATED"));
        done(session, "DROP TABLE c").await;
        assert!(rows(session, "RESTORE TABLE c FROM File('next')").await[0].ends_with("\tRESTORED"));
        assert_eq!(rows(session, "SELECT k, a FROM c").await, before);
        engine.close().await.unwrap();
    });
}
