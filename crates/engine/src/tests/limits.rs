//! Limits of queries: memory (with spilling), time, rows and bytes read and given, statements at once, KILL QUERY.

use std::time::Duration;

use futures::StreamExt;

use crate::testing::{code, done, rows};
use crate::{Answer, Credentials, Engine, EngineConfig, Request, Session};

/// On the real disk: DataFusion's spill files are not simulated.
struct World {
    engine: Engine,
    session: Session,
    _folder: tempfile::TempDir,
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

async fn open(change: impl FnOnce(&mut EngineConfig)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let mut config = EngineConfig::server(&path);
    change(&mut config);
    let engine = Engine::open(env::real::env(), &path, config).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    World { engine, session, _folder: folder }
}

/// How many rows a statement gives, and their error.
async fn count(session: &mut Session, text: &str) -> Result<usize, u16> {
    let answer = session.execute(Request::new(text.to_owned())).await.map_err(|error| error.code().0)?;
    let Answer::Rows(mut answer) = answer else { return Ok(0) };
    let mut rows = 0;
    while let Some(block) = answer.next_block().await {
        rows += block.map_err(|error| error.code().0)?.rows();
    }
    Ok(rows)
}

const HUNGRY: &[(&str, usize)] = &[
    ("SELECT cityHash64(number) AS a, toString(number) FROM numbers(300000) ORDER BY a", 300_000),
    ("SELECT toString(number) AS a, count() FROM numbers(200000) GROUP BY a", 200_000),
    (
        "SELECT a.s FROM (SELECT toString(number) AS s FROM numbers(200000)) AS a \
         JOIN (SELECT toString(number) AS s FROM numbers(200000)) AS b ON a.s = b.s",
        200_000,
    ),
];

#[test]
fn sorts_aggregations_and_joins_spill_before_they_are_over_the_limit() {
    run(async {
        let mut world = open(|config| config.runtime.threads = 1).await;
        for (text, rows) in HUNGRY {
            let text = format!("{text} SETTINGS max_memory_usage = 8000000");
            assert_eq!(count(&mut world.session, &text).await, Ok(*rows), "{text}");
        }
        world.engine.close().await.unwrap();

        let mut world = open(|config| config.runtime.spill_dir = None).await;
        for (text, _) in HUNGRY {
            let text = format!("{text} SETTINGS max_memory_usage = 2000000");
            assert_eq!(count(&mut world.session, &text).await, Err(241), "{text}");
        }
        assert_eq!(count(&mut world.session, "SELECT 1").await, Ok(1));
        world.engine.close().await.unwrap();
    });
}

/// The rows of a statement's answer, in their order.
async fn in_order(session: &mut Session, text: &str) -> Vec<String> {
    let Ok(Answer::Rows(answer)) = session.execute(Request::new(text.to_owned())).await else {
        panic!("no rows: {text}")
    };
    let bytes = answer.encode_all().await.unwrap_or_else(|error| panic!("{text}: {error}"));
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

/// Files that sorts and aggregations of the statement with that remark wrote, and the most memory that it held.
async fn spilled(session: &mut Session, remark: &str) -> (u64, u64, u64) {
    let text = format!(
        "SELECT ProfileEvents['ExternalSortWritePart'], ProfileEvents['ExternalAggregationWritePart'], memory_usage \
         FROM system.query_log WHERE type = 'QueryFinish' AND log_comment = '{remark}'"
    );
    let found = rows(session, &text).await;
    let mut numbers = found[0].split('\t').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap())
}

/// Sorts and aggregations with the setting that makes them spill, by what they write (the place in [`spilled`]).
const GATHERING: &[(&str, &str)] = &[
    ("SELECT cityHash64(number) AS a, toString(number) FROM numbers(150000) ORDER BY a", "sort"),
    ("SELECT a, s FROM (SELECT number % 7 AS a, repeat('x', 20) AS s FROM numbers(150000)) ORDER BY a, s", "sort"),
    ("SELECT toString(number) AS a, count(), sum(number) FROM numbers(100000) GROUP BY a", "group_by"),
    ("SELECT number % 20000 AS a, number % 3 AS b, uniqExact(number) FROM numbers(120000) GROUP BY a, b", "group_by"),
    ("SELECT number % 40000 AS a, number % 2 AS b, count() FROM numbers(120000) GROUP BY ROLLUP(a, b)", "group_by"),
];

#[test]
fn sorts_and_aggregations_spill_where_settings_say_so_and_answer_the_same() {
    run(async {
        for threads in [1, 3] {
            let mut world = open(|config| config.runtime.threads = threads).await;
            let session = &mut world.session;
            done(session, "CREATE TABLE t (k UInt64, s String) ENGINE = MergeTree ORDER BY tuple()").await;
            done(session, "INSERT INTO t SELECT cityHash64(number), toString(number) FROM numbers(150000)").await;
            let of_table = [
                ("SELECT k, s FROM t ORDER BY k", "sort"),
                ("SELECT s, max(k), count() FROM t GROUP BY s", "group_by"),
            ];
            for (number, (text, what)) in GATHERING.iter().chain(&of_table).enumerate() {
                let (whole, early) = (format!("whole{number}"), format!("early{number}"));
                let with = |settings: &str| format!("{text} SETTINGS max_block_size = 8000, {settings}");
                let mut expected = in_order(session, &with(&format!("log_comment = '{whole}'"))).await;
                let setting = format!("log_comment = '{early}', max_bytes_before_external_{what} = 1500000");
                let mut found = in_order(session, &with(&setting)).await;
                if *what == "group_by" {
                    expected.sort();
                    found.sort();
                }
                assert!(expected == found, "{threads} threads: {text}");

                let (sort, aggregation, whole) = spilled(session, &whole).await;
                assert_eq!((sort, aggregation), (0, 0), "{threads} threads: {text}");
                let (sort, aggregation, early) = spilled(session, &early).await;
                let (written, other) = if *what == "sort" { (sort, aggregation) } else { (aggregation, sort) };
                assert!(1 < written && other == 0, "{written} and {other} files, {threads} threads: {text}");
                // more operators hold a run each, which is much for so few rows
                assert!(early < whole || threads != 1, "{early} of {whole} bytes: {text}");
            }
            let files = "SELECT value > 14 FROM system.events WHERE event = 'ExternalProcessingFilesTotal'";
            assert_eq!(rows(session, files).await, ["1"]);
            world.engine.close().await.unwrap();
        }
    });
}

#[test]
fn where_a_query_spills_by_setting_it_never_fails_for_it() {
    run(async {
        let mut world = open(|config| config.runtime.threads = 2).await;
        let session = &mut world.session;
        // as little as can be asked for, of everything; each has few rows of many bytes, or states that grow for ever
        let settings = "max_bytes_before_external_sort = 1, max_bytes_before_external_group_by = 1";
        for text in [
            "SELECT repeat(toString(number), 200000) AS s FROM numbers(20) ORDER BY s",
            "SELECT groupArray(repeat('x', 100)) FROM numbers(30000) GROUP BY number % 1",
            "SELECT number % 2, groupUniqArray(toString(number)) FROM numbers(60000) GROUP BY 1",
            "SELECT DISTINCT toString(number) FROM numbers(80000) LIMIT 60000",
            "SELECT a, count() FROM (SELECT toString(number) AS a FROM numbers(80000) ORDER BY a) GROUP BY a ORDER BY a",
            "SELECT count() FROM (SELECT toString(number) AS a, sum(number) FROM numbers(80000) GROUP BY a WITH TOTALS)",
        ] {
            let expected = count(session, text).await;
            let found = count(session, &format!("{text} SETTINGS max_block_size = 1000, {settings}")).await;
            assert!(expected.is_ok() && expected == found, "{expected:?}, {found:?}: {text}");
        }
        // a share of what the server has left
        let text = "SELECT toString(number) AS a FROM numbers(100000) ORDER BY a SETTINGS log_comment = 'share'";
        count(session, &format!("{text}, max_bytes_ratio_before_external_sort = 0.000001")).await.unwrap();
        assert!(0 < spilled(session, "share").await.0);
        assert_eq!(code(session, "SELECT 1 SETTINGS max_bytes_ratio_before_external_sort = 1").await, 36);
        world.engine.close().await.unwrap();

        // nothing can spill: the setting means nothing
        let mut world = open(|config| config.runtime.spill_dir = None).await;
        for (text, rows) in HUNGRY {
            assert_eq!(count(&mut world.session, &format!("{text} SETTINGS {settings}")).await, Ok(*rows), "{text}");
        }
        world.engine.close().await.unwrap();
    });
}

#[test]
fn what_a_killed_process_spilled_is_removed_at_the_start() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let left = path.join("tmp/datafusion-old");
        std::fs::create_dir_all(&left).unwrap();
        std::fs::write(left.join("rows"), "spilled").unwrap();
        let engine = Engine::open(env::real::env(), &path, EngineConfig::server(&path)).await.unwrap();
        assert!(!left.exists());
        let mut session = engine.session(&Credentials::default()).unwrap();
        assert_eq!(count(&mut session, "SELECT 1").await, Ok(1));
        engine.close().await.unwrap();
    });
}

#[test]
fn the_servers_memory_is_for_all_queries_together() {
    run(async {
        let change =
            |config: &mut EngineConfig| (config.runtime.memory_bytes, config.runtime.spill_dir) = (2_000_000, None);
        let mut world = open(change).await;
        assert_eq!(count(&mut world.session, HUNGRY[0].0).await, Err(241));
        assert_eq!(count(&mut world.session, "SELECT 1").await, Ok(1));
        world.engine.close().await.unwrap();
    });
}

#[test]
fn an_insert_takes_a_share_of_its_memory_at_a_time() {
    an_insert_is_done_within(|_| (), "SETTINGS max_memory_usage = 48000000");
    an_insert_is_done_within(|config| config.runtime.memory_bytes = 48_000_000, "");
}

/// An INSERT … SELECT and one of data of a client, each larger than what it may take.
fn an_insert_is_done_within(change: impl FnOnce(&mut EngineConfig), limit: &str) {
    run(async {
        let mut world = open(change).await;
        let session = &mut world.session;
        done(session, "CREATE TABLE t (k UInt64, s String) ENGINE = MergeTree ORDER BY k").await;
        done(session, &format!("INSERT INTO t SELECT number, repeat('x', 500) FROM numbers(100000) {limit}")).await;
        let line = format!("7\t{}\n", "y".repeat(500));
        let data = futures::stream::iter((0..100).map(move |_| Ok(line.repeat(1_000).into()))).boxed();
        let text = format!("INSERT INTO t {limit} FORMAT TabSeparated");
        session.execute(Request { data: Some(data), ..Request::new(text + "\n") }).await.unwrap();
        assert_eq!(
            rows(session, "SELECT count(), countIf(k = 7), sum(length(s)) FROM t").await,
            ["200000\t100001\t100000000"]
        );
        assert_eq!(rows(session, "SELECT count() >= 4 FROM system.parts WHERE table = 't'").await, ["1"]);
        world.engine.close().await.unwrap();
    });
}

#[test]
fn time_rows_and_bytes_end_a_query_or_break_it_off() {
    run(async {
        let mut world = open(|config| config.runtime.threads = 1).await;
        let session = &mut world.session;
        let endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";
        assert_eq!(code(session, &format!("{endless} SETTINGS max_execution_time = 0.1")).await, 159);
        let broken = format!("{endless} SETTINGS max_execution_time = 0.1, timeout_overflow_mode = 'break'");
        assert_eq!(rows(session, &broken).await, ["0"]);

        let read = "SELECT count() FROM numbers(1000000) WHERE number >= 0";
        assert_eq!(code(session, &format!("{read} SETTINGS max_rows_to_read = 1000")).await, 158);
        assert_eq!(code(session, &format!("{read} SETTINGS max_bytes_to_read = 1000")).await, 307);
        for limit in ["max_rows_to_read", "max_bytes_to_read"] {
            let text = format!(
                "SELECT count() BETWEEN 1000 AND 999999 FROM numbers(1000000) WHERE number >= 0 \
                                SETTINGS {limit} = 1000, read_overflow_mode = 'break'"
            );
            assert_eq!(rows(session, &text).await, ["1"], "{text}");
        }

        let given = "SELECT number FROM numbers(1000000)";
        assert_eq!(count(session, &format!("{given} SETTINGS max_result_rows = 10")).await, Err(396));
        assert_eq!(count(session, &format!("{given} SETTINGS max_result_bytes = 10")).await, Err(396));
        for limit in ["max_result_rows", "max_result_bytes"] {
            let text = format!("{given} SETTINGS {limit} = 10, result_overflow_mode = 'break'");
            let given = count(session, &text).await.unwrap();
            assert!((10..1_000_000).contains(&given), "{given} rows: {text}");
        }
        assert_ne!(code(session, "SET timeout_overflow_mode = 'any'").await, 0);
        world.engine.close().await.unwrap();
    });
}

/// Each would run for days.
const MULTIPLIES: &[&str] = &[
    "SELECT count() FROM t AS a JOIN t AS b ON a.k % 2 = b.k % 2 CROSS JOIN t AS c",
    "SELECT count() FROM t AS a JOIN t AS b ON a.k % 2 = b.k % 2 AND a.k > b.k + 1000000 CROSS JOIN t AS c",
    "SELECT count() FROM t AS a, t AS b, t AS c",
    "SELECT count() FROM t AS a JOIN t AS b ON a.k < b.k, t AS c",
    "SELECT count() FROM t ARRAY JOIN range(1000000) AS x ARRAY JOIN range(100000) AS y",
    "SELECT count() FROM (SELECT arrayJoin(range(1000000 + k)) AS x FROM t) AS a, t AS b, t AS c",
];

#[test]
fn what_multiplies_rows_ends_when_its_time_is_over_or_it_is_killed_and_lets_others_run() {
    run(async {
        let mut world = open(|_| {}).await;
        done(&mut world.session, "CREATE TABLE t (k UInt64) ENGINE = MergeTree ORDER BY k").await;
        done(&mut world.session, "INSERT INTO t SELECT number FROM numbers(20000)").await;
        for text in MULTIPLIES {
            assert_eq!(
                code(&mut world.session, &format!("{text} SETTINGS max_execution_time = 0.1")).await,
                159,
                "{text}"
            );
            let broken = format!("{text} SETTINGS max_execution_time = 0.1, timeout_overflow_mode = 'break'");
            assert_eq!(count(&mut world.session, &broken).await, Ok(1), "{text}");

            let mut session = world.engine.session(&Credentials::default()).unwrap();
            let request = Request { query_id: Some("long".to_owned()), ..Request::new(*text) };
            let running = tokio::spawn(async move {
                match session.execute(request).await {
                    Ok(Answer::Rows(rows)) => rows.collect().await.map(drop).map_err(|error| error.code().0),
                    Ok(_) => panic!("rows"),
                    Err(error) => Err(error.code().0),
                }
            });
            // asked in a task, so that a thread of the runtime must be free for it
            let mut session = world.session;
            world.session = tokio::spawn(async move {
                while rows(&mut session, "KILL QUERY WHERE query_id = 'long' AND read_rows > 0 SYNC").await.is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                session
            })
            .await
            .unwrap();
            assert_eq!(running.await.unwrap(), Err(394), "{text}");
        }
        world.engine.close().await.unwrap();
    });
}

#[test]
fn lists_are_taken_apart_in_little_memory() {
    run(async {
        let mut world = open(|_| {}).await;
        // the lists of one block would have more elements than a list can
        let text = "SELECT x FROM numbers(8192) ARRAY JOIN range(300000 + number % 2) AS x LIMIT 3";
        assert_eq!(rows(&mut world.session, text).await, ["0", "1", "2"]);
        let text = "SELECT count(), sum(x) FROM numbers(100) ARRAY JOIN range(20000 + number % 2) AS x \
                    SETTINGS max_memory_usage = 8000000";
        assert_eq!(rows(&mut world.session, text).await, ["2000050\t20000000000"]);
        world.engine.close().await.unwrap();
    });
}

#[test]
fn killed_queries_end_and_too_many_at_once_are_refused() {
    run(async {
        let mut world = open(|config| config.concurrent_queries_max = 3).await;
        let mut long = Vec::new();
        for id in ["a", "b"] {
            let mut session = world.engine.session(&Credentials::default()).unwrap();
            let text = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1 -- long";
            let request = Request { query_id: Some(id.to_owned()), ..Request::new(text) };
            long.push(tokio::spawn(async move {
                // the end may come before the first block or among the blocks
                match session.execute(request).await {
                    Ok(Answer::Rows(rows)) => rows.collect().await.map(drop).map_err(|error| error.code().0),
                    Ok(_) => panic!("rows"),
                    Err(error) => Err(error.code().0),
                }
            }));
        }
        let session = &mut world.session;
        while rows(session, "SELECT count() FROM system.processes WHERE query LIKE '%long'").await != ["2"] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(code(session, "SELECT 1 SETTINGS max_concurrent_queries_for_user = 2").await, 202);
        assert_eq!(code(session, "SELECT 1 SETTINGS max_concurrent_queries_for_all_users = 1").await, 202);
        let test = rows(session, "KILL QUERY WHERE query_id = 'a' TEST").await;
        assert!(test.len() == 1 && test[0].starts_with("unknown_status\ta\tdefault\tSELECT"), "{test:?}");
        assert_eq!(rows(session, "KILL QUERY WHERE query_id = 'none' SYNC").await, Vec::<String>::new());
        let killed = rows(session, "KILL QUERY WHERE user = 'default' AND query_id = 'a' SYNC").await;
        assert!(killed[0].starts_with("finished\ta"), "{killed:?}");
        assert_eq!(rows(session, "SELECT query_id FROM system.processes WHERE query_id IN ('a', 'b')").await, ["b"]);
        assert!(rows(session, "KILL QUERY WHERE query_id = 'b' ASYNC").await[0].starts_with("waiting\tb"));
        for task in long {
            assert_eq!(task.await.unwrap(), Err(394));
        }
        world.engine.close().await.unwrap();
    });
}

#[test]
fn what_its_client_left_is_logged_as_cancelled() {
    run(async {
        let mut world = open(|_| {}).await;
        done(&mut world.session, "CREATE TABLE t (k UInt64) ENGINE = MergeTree ORDER BY k").await;
        let request = |id: &str, text: &str| Request { query_id: Some(id.to_owned()), ..Request::new(text.to_owned()) };

        let mut session = world.engine.session(&Credentials::default()).unwrap();
        let answer = session.execute(request("left", "SELECT number FROM numbers(1000000000)")).await.unwrap();
        let Answer::Rows(mut left) = answer else { panic!("rows") };
        left.next_block().await.unwrap().unwrap();
        drop(left);
        let insert =
            request("insert", "INSERT INTO t SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) = 1");
        let waited = tokio::time::timeout(Duration::from_millis(100), session.execute(insert)).await;
        assert!(waited.is_err(), "it would run for days");
        let answer = session.execute(request("whole", "SELECT number FROM numbers(100000)")).await.unwrap();
        let Answer::Rows(whole) = answer else { panic!("rows") };
        whole.collect().await.unwrap();

        let logged = "SELECT query_id, type, exception_code FROM system.query_log \
                      WHERE type != 'QueryStart' AND query_id IN ('left', 'insert', 'whole', 'done') ORDER BY query_id";
        let left = ["insert\tExceptionWhileProcessing\t394", "left\tExceptionWhileProcessing\t394"];
        assert_eq!(rows(&mut world.session, logged).await, [left[0], left[1], "whole\tQueryFinish\t0"]);
        world.engine.close().await.unwrap();
    });
}

/// What the query log says of the last INSERT.
async fn insert_peak(session: &mut Session) -> u64 {
    let text = "SELECT memory_usage FROM system.query_log WHERE type = 'QueryFinish' AND query_kind = 'Insert' \
                ORDER BY event_time_microseconds DESC LIMIT 1";
    rows(session, text).await[0].parse().unwrap()
}

#[test]
fn an_insert_of_any_size_accounts_for_its_blocks_and_stays_within_its_memory() {
    run(async {
        let mut world = open(|_| ()).await;
        let session = &mut world.session;
        done(session, "CREATE TABLE t (k UInt64, s String) ENGINE = MergeTree ORDER BY k").await;
        done(
            session,
            "CREATE MATERIALIZED VIEW mv ENGINE = AggregatingMergeTree ORDER BY k AS \
             SELECT k % 1000 AS k, countState() AS n, uniqState(s) AS u FROM t GROUP BY k",
        )
        .await;
        let lines = |from: u64| (from..from + 2_000).map(|n| format!("{n}\t{n:0>200}\n")).collect::<String>();
        let (limit, bytes) = (32_000_000, 40 * 2_000 * 207);
        let data = futures::stream::iter((0..40).map(move |n| Ok(lines(n * 2_000).into()))).boxed();
        let text = format!("INSERT INTO t SETTINGS max_memory_usage = {limit} FORMAT TabSeparated\n");
        session.execute(Request { data: Some(data), ..Request::new(text) }).await.unwrap();
        assert_eq!(rows(session, "SELECT count(), uniqExact(k) FROM t").await, ["80000\t80000"]);
        assert_eq!(rows(session, "SELECT countMerge(n), uniq(k) FROM mv").await, ["80000\t1000"]);
        let peak = insert_peak(session).await;
        // one block is a sixteenth: shaped and sorted it is there several times
        assert!(limit / 16 * 4 < peak && peak <= limit, "{peak} of {limit} for {bytes} bytes");
        world.engine.close().await.unwrap();
    });
}

#[test]
fn an_insert_of_many_small_blocks_is_one_commit_whatever_its_size() {
    run(async {
        let mut world = open(|_| ()).await;
        let session = &mut world.session;
        done(session, "CREATE TABLE t (k UInt64, s String) ENGINE = MergeTree ORDER BY k").await;
        // more bytes than a record of the log may have, which packing does not make fewer
        done(
            session,
            "INSERT INTO t SELECT number, randomString(1000) FROM numbers(80000) \
             SETTINGS max_block_size = 500, min_insert_block_size_rows = 500, min_insert_block_size_bytes = 0",
        )
        .await;
        assert_eq!(rows(session, "SELECT count(), sum(length(s)) FROM t").await, ["80000\t80000000"]);
        world.engine.close().await.unwrap();
    });
}
