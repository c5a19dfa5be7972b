//! Refreshable views at work on a simulated machine: large graphs, backups, VERIFY VIEW.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use env::Rng;
use env::simulated::{Machine, SeededRng};

use crate::testing::{code, config, done, open, rows, run};
use crate::{Credentials, Engine, Session};

/// Views of the graph.
const VIEWS: usize = 120;

/// A view that depends on nothing says which minute it was refreshed in; all others the earliest of what theirs say.
fn definition(at: usize, parents: &[usize]) -> String {
    let mut text = format!("CREATE MATERIALIZED VIEW v{at} REFRESH EVERY 1 MINUTE");
    if parents.is_empty() {
        text.push_str(" ENGINE = Memory EMPTY AS SELECT toUnixTimestamp(toStartOfMinute(now())) AS x");
        return text;
    }
    let names = parents.iter().map(|parent| format!("v{parent}")).collect::<Vec<_>>();
    write!(text, " DEPENDS ON {} ENGINE = Memory EMPTY AS SELECT min(x) AS x FROM (", names.join(", ")).unwrap();
    text.push_str(&names.iter().map(|name| format!("SELECT x FROM {name}")).collect::<Vec<_>>().join(" UNION ALL "));
    text.push(')');
    text
}

/// A slot of a graph of hundreds is that of all of it: nobody runs before those that it depends on.
#[test]
fn a_graph_of_hundreds_runs_in_order() {
    run(async {
        let (engine, mut session) = open().await;
        let rng = SeededRng::new(300);
        for at in 0..VIEWS {
            let near = at.saturating_sub(20) as u64;
            let count = if at < 5 { 0 } else { 1 + rng.below(3) };
            let mut parents: Vec<usize> = (0..count).map(|_| (near + rng.below(at as u64 - near)) as usize).collect();
            parents.sort_unstable();
            parents.dedup();
            done(&mut session, &definition(at, &parents)).await;
        }
        for _ in 0..2 {
            engine.env().clock.sleep(Duration::from_secs(60)).await;
            let idle = "SELECT count() FROM system.view_refreshes WHERE status != 'Scheduled' OR exception != ''";
            assert_eq!(rows(&mut session, idle).await, ["0"]);
            let now = rows(&mut session, "SELECT toUnixTimestamp(toStartOfMinute(now()))").await;
            let all = (0..VIEWS).map(|at| format!("SELECT x FROM v{at}")).collect::<Vec<_>>().join(" UNION ALL ");
            let found = rows(&mut session, &format!("SELECT DISTINCT x FROM ({all})")).await;
            assert_eq!(found, now, "all views are of this minute");
        }
        engine.close().await.unwrap();
    });
}

async fn with_backups() -> (Engine, Session) {
    let mut config = config();
    config.backups = Some("/db/backups".into());
    let env = Machine::new(9, 1_763_000_000_000_000_000).env();
    let engine = Engine::open(env, Path::new("/db"), config).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

async fn refresh(session: &mut Session, view: &str) {
    done(session, &format!("SYSTEM REFRESH VIEW {view}")).await;
    done(session, &format!("SYSTEM WAIT VIEW {view}")).await;
}

/// A restored view works at once: its group is there, its earlier contents are, and it appends what is new to it only.
#[test]
fn restored_views_go_on_where_they_were() {
    run(async {
        let (engine, mut session) = with_backups().await;
        let session = &mut session;
        for text in [
            "CREATE DATABASE shop",
            "CREATE CONCURRENCY GROUP heavy LIMIT 2",
            "CREATE TABLE shop.src (k UInt32, day Date) ENGINE = MergeTree PARTITION BY day ORDER BY k SETTINGS \
             enable_block_number_column = 1, enable_block_offset_column = 1",
            "INSERT INTO shop.src VALUES (1, '2025-01-02'), (2, '2025-01-01')",
            "CREATE MATERIALIZED VIEW shop.fed REFRESH EVERY 1 YEAR CONCURRENCY GROUP heavy APPEND INCREMENTAL ENGINE = \
             MergeTree ORDER BY k AS SELECT k FROM shop.src",
            "CREATE MATERIALIZED VIEW shop.sums REFRESH EVERY 1 YEAR SETTINGS keep_generations = 2 ENGINE = MergeTree \
             ORDER BY n AS SELECT count() AS n FROM shop.src",
            "SYSTEM WAIT VIEW shop.fed",
            "SYSTEM WAIT VIEW shop.sums",
            "INSERT INTO shop.src VALUES (3, '2025-01-01'), (4, '2025-01-02')",
        ] {
            done(session, text).await;
        }
        refresh(session, "shop.sums").await;
        assert_eq!(rows(session, "SELECT k FROM shop.fed").await, ["1", "2"]);
        done(session, "BACKUP DATABASE shop TO File('shop')").await;
        done(session, "DROP DATABASE shop").await;
        done(session, "DROP CONCURRENCY GROUP heavy").await;
        done(session, "RESTORE DATABASE shop FROM File('shop')").await;
        assert_eq!(rows(session, "SELECT name, limit FROM system.concurrency_groups").await, ["heavy\t2"]);
        assert_eq!(rows(session, "SELECT n FROM shop.sums").await, ["4"]);
        assert_eq!(rows(session, "SELECT n FROM shop.sums GENERATION -1").await, ["2"]);
        refresh(session, "shop.fed").await;
        assert_eq!(rows(session, "SELECT k FROM shop.fed").await, ["1", "2", "3", "4"], "each row once");
        done(session, "INSERT INTO shop.src VALUES (5, '2025-01-03')").await;
        done(session, "OPTIMIZE TABLE shop.src FINAL").await;
        refresh(session, "shop.fed").await;
        assert_eq!(rows(session, "SELECT k FROM shop.fed").await, ["1", "2", "3", "4", "5"]);
        done(session, "SYSTEM ROLLBACK VIEW shop.sums").await;
        assert_eq!(rows(session, "SELECT n FROM shop.sums").await, ["2"]);
        refresh(session, "shop.sums").await;
        assert_eq!(rows(session, "SELECT n FROM shop.sums").await, ["5"]);
        engine.close().await.unwrap();
    });
}

/// VERIFY VIEW compares the content with what a refresh would make of it now.
#[test]
fn verify_view_says_what_a_refresh_would_change() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        for text in [
            "CREATE TABLE src (k UInt32, v UInt32) ENGINE = MergeTree ORDER BY k",
            "INSERT INTO src VALUES (1, 10), (2, 20)",
            "CREATE MATERIALIZED VIEW sums REFRESH EVERY 1 YEAR ENGINE = MergeTree ORDER BY k AS SELECT k, sum(v) AS s FROM \
             src GROUP BY k",
            "CREATE MATERIALIZED VIEW log REFRESH EVERY 1 YEAR APPEND ENGINE = MergeTree ORDER BY k AS SELECT k FROM src",
            "SYSTEM WAIT VIEW sums",
        ] {
            done(session, text).await;
        }
        assert_eq!(rows(session, "VERIFY VIEW sums").await, [""; 0]);
        done(session, "INSERT INTO src VALUES (2, 1), (3, 30)").await;
        assert_eq!(rows(session, "VERIFY VIEW sums").await.len(), 3, "two rows are missing, one is extra");
        refresh(session, "sums").await;
        assert_eq!(rows(session, "VERIFY VIEW sums").await, [""; 0]);
        assert_eq!(code(session, "VERIFY VIEW log").await, 48, "what was appended cannot be computed again");
        engine.close().await.unwrap();
    });
}

/// Unchanged views write nothing while they are due every second, and their last slot is known after a restart.
#[test]
fn unchanged_views_cost_no_commits() {
    run(async {
        let machine = Machine::new(11, 1_763_000_000_000_000_000);
        let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
        let mut session = engine.session(&Credentials::default()).unwrap();
        done(&mut session, "CREATE TABLE src (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, "INSERT INTO src VALUES (1)").await;
        for at in 0..20 {
            let view =
                format!("CREATE MATERIALIZED VIEW v{at} REFRESH EVERY 1 SECOND ENGINE = Memory AS SELECT k FROM src");
            done(&mut session, &view).await;
        }
        engine.env().clock.sleep(Duration::from_secs(10)).await;
        let before = engine.inner.store.snapshot().seq.0;
        engine.env().clock.sleep(Duration::from_secs(150)).await;
        let commits = engine.inner.store.snapshot().seq.0 - before;
        // every minute one, and those that join the small parts of each view's record
        assert!(commits < 30, "3,000 refreshes were left out, with {commits} commits");
        let last = "SELECT min(status), max(status), count() FROM system.view_refresh_history WHERE run > 10";
        let known = rows(&mut session, last).await;
        assert!(known[0].starts_with("skipped: unchanged\tskipped: unchanged\t"), "{known:?}");
        let runs = "SELECT min(run) FROM (SELECT max(run) AS run FROM system.view_refresh_history GROUP BY view)";
        let count: u64 = rows(&mut session, runs).await[0].parse().unwrap();
        assert!(count > 30, "{count}");
        drop(session);
        engine.close().await.unwrap();
        drop(engine);
        let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
        let mut session = engine.session(&Credentials::default()).unwrap();
        let after: u64 = rows(&mut session, runs).await[0].parse().unwrap();
        assert!(count <= after, "what was left out is recorded at the end: {after} of {count}");
        engine.close().await.unwrap();
    });
}

/// Commits wake the loop, and it goes on sleeping for what is left, not for the whole time again.
#[test]
fn commits_between_slots_delay_no_start() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        for text in [
            "CREATE TABLE src (n UInt64) ENGINE = MergeTree ORDER BY n",
            "CREATE MATERIALIZED VIEW v REFRESH EVERY 1 SECOND ENGINE = Memory EMPTY AS SELECT count() AS n FROM src",
        ] {
            done(session, text).await;
        }
        for n in 0..40 {
            engine.env().clock.sleep(Duration::from_millis(170)).await;
            done(session, &format!("INSERT INTO src VALUES ({n})")).await;
        }
        let late = "SELECT count() >= 5, max(delay_ms) FROM system.view_refresh_history";
        assert_eq!(rows(session, late).await, ["1\t0"]);
        engine.close().await.unwrap();
    });
}

/// What a SELECT makes of the time is a parameter of its plan, wherever it stands: later runs plan nothing, and give what a
/// fresh plan gives.
#[test]
fn refreshes_over_the_time_use_the_plan_of_the_one_before() {
    const SELECTS: [&str; 9] = [
        "SELECT sum(n) + toUnixTimestamp(now()) AS x FROM src",
        "SELECT n AS x FROM src WHERE at > now() - INTERVAL 30 SECOND AND at <= now()",
        "SELECT countIf(at < now() - 15) AS x, max(now()) AS y, today() AS z FROM src GROUP BY n % 2 ORDER BY x",
        "SELECT n AS x, dateDiff('second', at, now()) AS y FROM src ORDER BY y, now() LIMIT 5",
        "SELECT count() AS x FROM src WHERE at IN (SELECT max(at) FROM src WHERE at < now() - 3)",
        "SELECT a.n AS x, (SELECT count() FROM src WHERE at < now()) AS y FROM src AS a JOIN src AS b ON a.n = b.n AND \
         b.at < now() - toIntervalSecond(10)",
        "SELECT x, now() AS y FROM (SELECT n AS x FROM src WHERE at > now() - 20 UNION ALL SELECT toUnixTimestamp(now()))",
        "SELECT if(max(at) > now(), 'ahead', toString(now())) AS x, sum(n) AS y FROM src HAVING y > toSecond(now()) % 2",
        "SELECT n AS x, count() OVER (PARTITION BY n % 3) + toUnixTimestamp(now()) AS y FROM src",
    ];
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        done(session, "CREATE TABLE src (n UInt64, at DateTime) ENGINE = MergeTree ORDER BY at").await;
        done(session, "INSERT INTO src SELECT number, now() - 40 + number * 3 FROM numbers(40)").await;
        for (at, select) in SELECTS.iter().enumerate() {
            let text = format!("CREATE MATERIALIZED VIEW v{at} REFRESH EVERY 1 YEAR ENGINE = Memory EMPTY AS {select}");
            done(session, &text).await;
            refresh(session, &format!("v{at}")).await;
        }
        let plannings = || engine.inner.runtime.plans.plannings();
        for _ in 0..3 {
            engine.env().clock.sleep(Duration::from_secs(11)).await;
            for (at, select) in SELECTS.iter().enumerate() {
                let before = plannings();
                refresh(session, &format!("v{at}")).await;
                assert_eq!(plannings(), before, "{select}");
                let fresh = rows(session, &format!("SELECT * FROM ({select}) ORDER BY ALL")).await;
                assert_eq!(rows(session, &format!("SELECT * FROM v{at} ORDER BY ALL")).await, fresh, "{select}");
                assert!(!fresh.is_empty());
            }
        }
        engine.close().await.unwrap();
    });
}

/// The SELECT of a view is planned by its first refresh, and again when something that it reads is defined anew. What
/// binding makes of the time is of one run.
#[test]
fn refreshes_use_the_plan_of_the_one_before() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        for text in [
            "CREATE TABLE src (n UInt64) ENGINE = MergeTree ORDER BY n",
            "INSERT INTO src VALUES (1)",
            "CREATE MATERIALIZED VIEW v REFRESH EVERY 1 YEAR ENGINE = Memory EMPTY AS SELECT sum(n) AS n, (SELECT max(n) \
             FROM src) AS newest FROM src",
            "CREATE MATERIALIZED VIEW clock REFRESH EVERY 1 YEAR ENGINE = Memory EMPTY AS SELECT count() AS n FROM \
             numbers(toUInt64(toUnixTimestamp(now()) - 1763000000))",
        ] {
            done(session, text).await;
        }
        refresh(session, "v").await;
        refresh(session, "clock").await;
        let plannings = || engine.inner.runtime.plans.plannings();
        let before = plannings();
        for n in 2..5 {
            done(session, &format!("INSERT INTO src VALUES ({n})")).await;
            refresh(session, "v").await;
        }
        assert_eq!(plannings(), before);
        assert_eq!(rows(session, "SELECT * FROM v").await, ["10\t4"]);
        done(session, "ALTER TABLE src ADD COLUMN m UInt64 DEFAULT n * 2").await;
        done(session, "ALTER TABLE v MODIFY QUERY SELECT sum(m) AS n, max(m) AS newest FROM src").await;
        refresh(session, "v").await;
        assert_eq!(rows(session, "SELECT * FROM v").await, ["20\t8"]);
        engine.env().clock.sleep(Duration::from_secs(100)).await;
        refresh(session, "clock").await;
        let now = rows(session, "SELECT toUnixTimestamp(now()) - 1763000000").await;
        assert_eq!(rows(session, "SELECT n FROM clock").await, now);
        let of_now = "SELECT count() FROM numbers(toUInt64(toUnixTimestamp(now()) - 1763000000))";
        assert_eq!(rows(session, of_now).await, now);
        engine.env().clock.sleep(Duration::from_secs(7)).await;
        assert_ne!(rows(session, of_now).await, now, "the plan cache keeps no time either");
        engine.close().await.unwrap();
    });
}

/// Refreshes have limits of their own: those of simultaneous queries are for sessions.
#[test]
fn more_small_views_run_together_than_sessions_may() {
    const VIEWS: usize = 160;
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        for at in 0..VIEWS {
            let text =
                format!("CREATE MATERIALIZED VIEW v{at} REFRESH EVERY 1 SECOND ENGINE = Memory AS SELECT now() AS at");
            done(session, &text).await;
        }
        for _ in 0..4 {
            engine.env().clock.sleep(Duration::from_secs(1)).await;
            assert_eq!(rows(session, "SELECT countIf(exception != '') FROM system.view_refreshes").await, ["0"]);
        }
        let runs = "SELECT count() >= 480, uniqExact(view), countIf(exception != '') FROM system.view_refresh_history";
        assert_eq!(rows(session, runs).await, [format!("1\t{VIEWS}\t0")]);
        engine.close().await.unwrap();
    });
}

/// A backfill reads the partitions of the source that can hold rows of those that are asked for, wherever a condition on
/// the target's key may go; what it writes is what the whole query gives of them.
#[test]
fn a_backfill_reads_what_it_needs() {
    run(async {
        let (engine, mut session) = open().await;
        let session = &mut session;
        for text in [
            "CREATE TABLE src (ts DateTime('Asia/Seoul'), day Date, city String, n UInt32) ENGINE = MergeTree PARTITION \
             BY toYYYYMM(day) ORDER BY (ts, city)",
            "INSERT INTO src SELECT toDateTime('2025-01-01 00:00:00', 'Asia/Seoul') + number * 600 AS ts, toDate(ts), \
             ['a', 'b', 'c'][number % 3 + 1], number FROM numbers(12960)",
        ] {
            done(session, text).await;
        }
        // the columns of the target and its partitions, the SELECT, what to fill anew, whether less is read
        let cases = [
            ("day Date, n UInt64", "toYYYYMM(day)", "SELECT day, sum(n) AS n FROM src GROUP BY day", "202502", true),
            ("day Date, n UInt64", "day", "SELECT day, sum(n) AS n FROM src GROUP BY day", "'2025-02-03'", true),
            (
                "day Date, n UInt64",
                "toMonday(day)",
                "SELECT day, sum(n) AS n FROM src GROUP BY day",
                "'2025-02-03'",
                true,
            ),
            (
                "day Date, city String, place UInt64",
                "(toYear(day), toYYYYMM(day))",
                "SELECT day, city, rank() OVER (PARTITION BY day ORDER BY n) AS place FROM src",
                "(2025, 202503)",
                true,
            ),
            (
                "ts DateTime('Asia/Seoul'), n UInt64",
                "toYYYYMM(ts)",
                "SELECT toStartOfHour(ts) AS ts, sum(n) AS n FROM src GROUP BY ts",
                "202501",
                false,
            ),
            ("day DateTime('UTC'), n UInt64", "toDate(day)", "SELECT day, n FROM src", "'2025-02-01'", false),
            ("day Date, n UInt64", "toYYYYMM(day)", "SELECT day, n FROM src ORDER BY n LIMIT 9000", "202502", false),
            ("city String, n UInt64", "city", "SELECT city, sum(n) AS n FROM src GROUP BY city", "'b'", false),
        ];
        for (at, (columns, key, select, partition, is_pruned)) in cases.into_iter().enumerate() {
            let engine = format!("MergeTree PARTITION BY {key} ORDER BY tuple()");
            for name in ["whole", "part"] {
                let view = format!(
                    "CREATE MATERIALIZED VIEW {name}{at} REFRESH EVERY 1 YEAR TO {name}_of{at} EMPTY AS {select}"
                );
                done(session, &format!("CREATE TABLE {name}_of{at} ({columns}) ENGINE = {engine}")).await;
                done(session, &view).await;
            }
            refresh(session, &format!("whole{at}")).await;
            done(session, &format!("SYSTEM REFRESH VIEW part{at} PARTITION {partition}")).await;
            done(session, &format!("SYSTEM WAIT VIEW part{at}")).await;
            let filled = rows(session, &format!("SELECT * FROM part_of{at}")).await;
            let id = rows(session, &format!("SELECT DISTINCT _partition_id FROM part_of{at}")).await;
            assert_eq!(id.len(), 1, "{select} of {key}");
            let of_whole = format!("SELECT * FROM whole_of{at} WHERE _partition_id = '{}'", id[0]);
            assert_eq!(filled, rows(session, &of_whole).await, "{select} of {key}");
            let read =
                format!("SELECT max(read_rows) < 12960 FROM system.view_refresh_history WHERE view = 'part{at}'");
            assert_eq!(rows(session, &read).await, [if is_pruned { "1" } else { "0" }], "{select} of {key}");
        }
        engine.close().await.unwrap();
    });
}
