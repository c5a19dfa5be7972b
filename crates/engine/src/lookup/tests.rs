//! A lookup gives what a fresh plan gives, whatever happened to the table; and users get it from plain SQL.

use types::Settings;

use super::*;
use crate::testing::{context, done, lines, open, run};
use crate::{Engine, Session};

/// By lookup and by a fresh plan: both the same rows, in any order; true when it was a lookup.
async fn compare(engine: &Engine, settings: &Settings, text: &str) -> bool {
    let statement = sql::parse_statement(text).unwrap();
    let sql::ast::StatementKind::Query(query) = &statement.kind else { panic!("{text}") };
    let ctx = context(engine, settings);
    let Some(found) = answer(query, &ctx).await.unwrap_or_else(|error| panic!("{text}: {error}")) else {
        return false;
    };
    let ctx = context(engine, settings);
    let prepared = query::prepare(query, &ctx).await.unwrap();
    let planned = prepared.compiled.collect(&ctx).await.unwrap();
    let planned = Block::concat(prepared.header(), &planned).unwrap();
    assert_eq!(found.header(), planned.header(), "{text}");
    assert_eq!(lines(&found), lines(&planned), "{text}");
    true
}

const TABLES: &str = "
    CREATE TABLE latest (k UInt32, s String, v UInt64, n Nullable(Int16), ver UInt32)
        ENGINE = ReplacingMergeTree(ver) PARTITION BY k % 2 ORDER BY (k, s) SETTINGS index_granularity = 4;
    CREATE TABLE gone (k UInt32, s String, v UInt64, n Nullable(Int16), ver UInt32, d UInt8)
        ENGINE = ReplacingMergeTree(ver, d) ORDER BY (k, s);
    CREATE TABLE sums (k UInt32, s String, v UInt64, n Nullable(Int16), ver UInt32)
        ENGINE = SummingMergeTree ORDER BY (k, s) SETTINGS index_granularity = 4;
    CREATE TABLE plain (k UInt32, s String, v UInt64, n Nullable(Int16), ver UInt32)
        ENGINE = MergeTree PRIMARY KEY k ORDER BY (k, s) SETTINGS index_granularity = 4;
    CREATE MATERIALIZED VIEW states ENGINE = AggregatingMergeTree ORDER BY (k, s) AS
        SELECT k, s, sumState(v) AS total, argMaxState(v, ver) AS last, maxSimpleState(ver) AS top FROM plain GROUP BY k, s;
    CREATE TABLE one (k LowCardinality(String), t DateTime, v UInt8) ENGINE = ReplacingMergeTree ORDER BY k;
";

/// What is asked of each table of the first four: `{t}` and `{w}` stand for the table and the condition.
const SHAPES: &[&str] = &[
    "SELECT * FROM {t} FINAL WHERE {w}",
    "SELECT * FROM {t} WHERE {w}",
    "SELECT v, n AS other, k FROM {t} WHERE {w}",
    "SELECT argMax(v, ver), count() AS c, min(n) FROM {t} WHERE {w}",
    "SELECT k, s, sum(v), any(n) FROM {t} WHERE {w} GROUP BY k, s",
    "SELECT sum(v) FROM {t} FINAL WHERE {w} GROUP BY k",
];

async fn compare_all(engine: &Engine, dice: &mut dyn FnMut(u64) -> u64) -> usize {
    let settings = Settings::default();
    let mut looked_up = 0;
    for table in ["latest", "gone", "sums", "plain"] {
        for shape in SHAPES {
            if table == "plain" && shape.contains("FINAL") {
                continue;
            }
            let filter = match dice(2) {
                0 => format!("k = {} AND s = 's{}'", dice(8), dice(3)),
                _ => format!("'s{}' = s AND k = {}", dice(3), dice(8)),
            };
            let text = shape.replace("{t}", table).replace("{w}", &filter);
            looked_up += usize::from(compare(engine, &settings, &text).await);
        }
    }
    let filter = format!("k = {} AND s = 's{}'", dice(8), dice(3));
    for shape in [
        "SELECT k, sumMerge(total), argMaxMerge(last) AS l, max(top) FROM states WHERE {w} GROUP BY k",
        "SELECT sumMerge(total) FROM states WHERE {w}",
        "SELECT * FROM states FINAL WHERE {w}",
    ] {
        looked_up += usize::from(compare(engine, &settings, &shape.replace("{w}", &filter)).await);
    }
    let few = format!("SELECT * FROM one FINAL WHERE k IN ('a{}', 'a{}', 'a1')", dice(5), dice(5));
    looked_up + usize::from(compare(engine, &settings, &few).await)
}

/// One change of the tables.
async fn change(session: &mut Session, dice: &mut dyn FnMut(u64) -> u64, step: u64) {
    let table = ["latest", "gone", "sums", "plain"][dice(4) as usize];
    let more = if table == "gone" { ", toUInt8(rand(2) % 3 = 0)" } else { "" };
    let columns = if table == "gone" { "k, s, v, n, ver, d" } else { "k, s, v, n, ver" };
    match dice(10) {
        0 => done(session, &format!("ALTER TABLE {table} DELETE WHERE k = {} AND v % 2 = 1", dice(8))).await,
        1 => done(session, &format!("OPTIMIZE TABLE {table} FINAL")).await,
        2 => {
            done(session, &format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS x{step} String DEFAULT toString(v)"))
                .await
        }
        3 => {
            done(session, &format!("RENAME TABLE {table} TO other")).await;
            done(session, &format!("RENAME TABLE other TO {table}")).await;
        }
        4 => {
            done(
                session,
                &format!("INSERT INTO one SELECT concat('a', toString(number)), now(), {step} FROM numbers(4)"),
            )
            .await
        }
        _ => {
            let rows = if dice(2) == 0 { 3 } else { 40 };
            let text = format!(
                "INSERT INTO {table} ({columns}) SELECT rand() % 8, concat('s', toString(rand(1) % 3)), number + {step}, \
                 if(number % 3 = 0, NULL, number), {step}{more} FROM numbers({rows})"
            );
            done(session, &text).await;
        }
    }
}

#[test]
fn a_lookup_gives_what_a_fresh_plan_gives_whatever_happened_to_the_table() {
    run(async {
        let (engine, mut session) = open().await;
        session.script(TABLES, async |_| Ok(())).await.unwrap();
        let mut state = 1u64;
        let mut dice = move |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        let mut looked_up = 0;
        for step in 1..=30 {
            change(&mut session, &mut dice, step).await;
            looked_up += compare_all(&engine, &mut dice).await;
        }
        assert!(500 < looked_up, "{looked_up} lookups");
        assert!(0 < engine.inner.runtime.key_indexes.size().1, "no part was asked often enough for an index");
        engine.close().await.unwrap();
    });
}

#[test]
fn what_is_not_surely_a_lookup_is_planned() {
    run(async {
        let (engine, mut session) = open().await;
        session.script(TABLES, async |_| Ok(())).await.unwrap();
        done(&mut session, "INSERT INTO latest VALUES (1, 'a', 2, 3, 4), (300, 'a', 2, 3, 4)").await;
        let mut settings = Settings::default();
        for (text, is_lookup) in [
            ("SELECT v FROM latest FINAL WHERE k = 1 AND s = 'a'", true),
            ("SELECT v FROM latest FINAL WHERE k = 300 AND s = 'a' LIMIT 1", true),
            ("SELECT v FROM latest FINAL WHERE k = 1", false),
            ("SELECT v FROM latest FINAL WHERE k = 1 AND s = 'a' AND v = 2", false),
            ("SELECT v FROM latest FINAL WHERE k = 1 AND k = 2", false),
            ("SELECT v FROM latest FINAL WHERE k = 1 OR s = 'a'", false),
            ("SELECT v FROM latest FINAL WHERE k = 1.0 AND s = 'a'", false),
            ("SELECT v FROM latest FINAL WHERE k = NULL AND s = 'a'", false),
            ("SELECT v FROM latest FINAL WHERE k = -1 AND s = 'a'", false),
            ("SELECT v AS k FROM latest FINAL WHERE k = 1 AND s = 'a'", false),
            ("SELECT v + 1 FROM latest FINAL WHERE k = 1 AND s = 'a'", false),
            ("SELECT DISTINCT v FROM latest FINAL WHERE k = 1 AND s = 'a'", false),
            ("SELECT _part FROM latest WHERE k = 1 AND s = 'a'", false),
            ("SELECT v FROM latest FINAL WHERE k = 1 AND s = 'a' GROUP BY k, v", false),
        ] {
            assert_eq!(compare(&engine, &settings, text).await, is_lookup, "{text}");
        }
        settings.set("aggregate_functions_null_for_empty", "1").unwrap();
        assert!(!compare(&engine, &settings, "SELECT sum(v) FROM latest WHERE k = 9 AND s = ''").await);
        engine.close().await.unwrap();
    });
}
