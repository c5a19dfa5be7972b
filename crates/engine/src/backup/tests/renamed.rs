//! RESTORE … AS and BACKUP … AS: what comes back under another name reads, writes and waits for what came back with it.

use super::{OBJECTS, QUESTIONS, code, done, insert_into, machine, open, rows, run};
use crate::Session;

/// Beside [`OBJECTS`]: a cascade, joins, errors, refreshes, and every way to name a table in a view.
const MORE: &[&str] = &[
    "CREATE TABLE shop.per_k (k UInt32, n UInt64) ENGINE = SummingMergeTree ORDER BY k",
    "CREATE MATERIALIZED VIEW shop.to_per_k TO shop.per_k AS SELECT k, count() AS n FROM shop.events GROUP BY k",
    "CREATE MATERIALIZED VIEW shop.cascade ENGINE = SummingMergeTree ORDER BY odd AS \
     SELECT k % 2 AS odd, sum(n) AS n FROM shop.per_k GROUP BY odd",
    "CREATE MATERIALIZED VIEW shop.joined ENGINE = MergeTree ORDER BY k AS \
     SELECT events.k AS k, shop.events.v AS v, latest.s AS s FROM shop.events LEFT JOIN shop.latest ON events.k = latest.k",
    "CREATE MATERIALIZED VIEW shop.looked ENGINE = MergeTree ORDER BY k AS \
     SELECT k, dictHas('shop.known', toUInt64(k)) AS is_known, joinGet('shop.names', 's', k) AS s FROM shop.events \
     WHERE k NOT IN shop.chosen OR k IN (SELECT k FROM shop.latest)",
    "CREATE VIEW shop.two AS SELECT s FROM shop.one(key = 2)",
    "CREATE VIEW shop.merged AS SELECT k FROM merge('shop', '^(mem|notes)$') WHERE k NOT IN (SELECT k FROM shop.sink)",
    "CREATE DICTIONARY shop.asked (k UInt64, s String) PRIMARY KEY k \
     SOURCE(CLICKHOUSE(QUERY 'SELECT k, max(s) FROM shop.latest GROUP BY k')) LAYOUT(HASHED()) LIFETIME(0)",
    "CREATE TABLE shop.inverse (k UInt32, w UInt64) ENGINE = MergeTree ORDER BY k",
    "CREATE MATERIALIZED VIEW shop.picky TO shop.inverse ON ERROR QUARANTINE AS \
     SELECT k, intDiv(100, k) AS w FROM shop.notes",
    "CREATE TABLE shop.late (t DateTime, k UInt32, v Float64) ENGINE = MergeTree ORDER BY k",
    "CREATE WINDOW VIEW shop.own ENGINE = MergeTree ORDER BY (w, k) LATE TO shop.late WATERMARK = INTERVAL '0' SECOND \
     ON ERROR QUARANTINE AS SELECT tumbleStart(w) AS w, k, count() AS n FROM shop.events GROUP BY k, tumble(t, INTERVAL '10' SECOND) AS w",
    "CREATE MATERIALIZED VIEW shop.hourly REFRESH EVERY 1 HOUR SETTINGS keep_generations = 2 ENGINE = MergeTree \
     ORDER BY k AS SELECT k, count() AS n FROM shop.events GROUP BY k",
    "CREATE TABLE shop.totals (n UInt64) ENGINE = MergeTree ORDER BY n",
    "CREATE MATERIALIZED VIEW shop.total REFRESH EVERY 1 HOUR DEPENDS ON shop.hourly TO shop.totals AS \
     SELECT sum(n) AS n FROM shop.hourly",
    "CREATE TABLE shop.journal (n UInt64) ENGINE = MergeTree ORDER BY n",
    "CREATE MATERIALIZED VIEW shop.write REFRESH EVERY 1 DAY APPEND TO shop.journal AS SELECT count() AS n FROM shop.events",
    "CREATE TABLE shop.marked (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS enable_block_number_column = 1, \
     enable_block_offset_column = 1",
    "CREATE MATERIALIZED VIEW shop.news REFRESH EVERY 1 YEAR APPEND INCREMENTAL ENGINE = MergeTree ORDER BY k AS \
     SELECT k FROM shop.marked",
];

const MORE_QUESTIONS: &[&str] = &[
    "SELECT k, sum(n) FROM shop.per_k GROUP BY k",
    "SELECT odd, sum(n) FROM shop.cascade GROUP BY odd",
    "SELECT k, count(), sum(v), max(s) FROM shop.joined GROUP BY k",
    "SELECT k, count(), sum(is_known), max(s) FROM shop.looked GROUP BY k",
    "SELECT * FROM shop.two",
    "SELECT * FROM shop.merged",
    "SELECT dictHas('shop.asked', toUInt64(number)) FROM numbers(9)",
    "SELECT * FROM shop.inverse",
    "SELECT count(), sum(k) FROM shop.picky_errors",
    "SELECT name, status, quarantined_rows FROM system.views WHERE database = 'shop'",
    "SELECT * FROM shop.own",
    "SELECT count() FROM shop.late",
    "SELECT count() FROM shop.own_errors",
    "SELECT * FROM shop.hourly",
    "SELECT k, n FROM shop.hourly GENERATION -1",
    "SELECT * FROM shop.totals",
    "SELECT * FROM shop.journal",
    "SELECT * FROM shop.news",
    "SELECT view, status, next_refresh_time FROM system.view_refreshes WHERE database = 'shop'",
    "SELECT view, run, status FROM system.view_refresh_history WHERE database = 'shop'",
    "VERIFY VIEW shop.to_per_k",
    "VERIFY VIEW shop.cascade",
    "VERIFY VIEW shop.own",
    "VERIFY VIEW shop.picky",
];

/// What a database answers, by the name that it has: the question as it is of `shop`, and the answer.
async fn answers(session: &mut Session, database: &str) -> Vec<(&'static str, Vec<String>)> {
    // what is loaded once and what is loaded later would differ
    done(session, "SYSTEM RELOAD DICTIONARIES").await;
    let mut answers = Vec::new();
    for asked in QUESTIONS.iter().chain(MORE_QUESTIONS) {
        let question = asked;
        let question = question.replace("'shop.", &format!("'{database}.")).replace("'shop'", &format!("'{database}'"));
        answers.push((*asked, rows(session, &question.replace(" shop.", &format!(" {database}."))).await));
    }
    answers
}

/// The first question that is answered otherwise.
async fn expect(session: &mut Session, database: &str, expected: &[(&'static str, Vec<String>)]) {
    for (given, expected) in answers(session, database).await.iter().zip(expected) {
        assert_eq!(given, expected, "in {database}");
    }
}

/// Rows for everything, and a refresh of each view that wants one.
async fn go_on(session: &mut Session, database: &str, round: u64) {
    // a view sees what its dictionary has when rows come
    done(session, "SYSTEM RELOAD DICTIONARIES").await;
    insert_into(session, database, round).await;
    done(session, &format!("INSERT INTO {database}.notes VALUES (0), ({round})")).await;
    done(session, &format!("INSERT INTO {database}.marked VALUES ({round})")).await;
    for view in ["hourly", "total", "write", "news"] {
        done(session, &format!("SYSTEM REFRESH VIEW {database}.{view}")).await;
        done(session, &format!("SYSTEM WAIT VIEW {database}.{view}")).await;
    }
}

/// Definitions in a database that still name another one.
async fn strangers(session: &mut Session, database: &str, other: &str) -> Vec<String> {
    let text = format!(
        "SELECT name, create_table_query FROM system.tables WHERE database = '{database}' AND \
         position(create_table_query, '{other}') > 0"
    );
    rows(session, &text).await
}

const NONE: Vec<String> = Vec::new();

#[test]
fn every_kind_of_object_comes_back_under_another_name_and_goes_on() {
    run(async {
        let machine = machine();
        let (engine, mut owned) = open(&machine).await;
        let session = &mut owned;
        for text in OBJECTS.iter().chain(MORE) {
            done(session, text).await;
        }
        go_on(session, "shop", 1).await;
        go_on(session, "shop", 2).await;
        done(session, "DELETE FROM shop.latest WHERE k = 3").await;
        let before = answers(session, "shop").await;
        done(session, "BACKUP DATABASE shop TO File('shop')").await;
        done(session, "BACKUP DATABASE shop AS third TO File('third')").await;

        // beside the original, and neither moves with the other
        done(session, "RESTORE DATABASE shop AS copy FROM File('shop')").await;
        expect(session, "copy", &before).await;
        assert_eq!(strangers(session, "copy", "shop").await, NONE);
        go_on(session, "copy", 3).await;
        let later = answers(session, "copy").await;
        expect(session, "shop", &before).await;
        go_on(session, "shop", 3).await;
        expect(session, "shop", &later).await;
        expect(session, "copy", &later).await;

        // without the original
        done(session, "DROP DATABASE shop").await;
        expect(session, "copy", &later).await;
        go_on(session, "copy", 4).await;
        let latest = answers(session, "copy").await;
        done(session, "ALTER TABLE copy.picky MODIFY QUERY SELECT k, intDiv(100, k + 1) AS w FROM copy.notes").await;
        done(session, "SYSTEM REPAIR VIEW copy.picky").await;
        assert_eq!(rows(session, "SELECT count() FROM copy.picky_errors").await, ["0"]);

        // saved under another name, it is called so
        done(session, "RESTORE DATABASE third FROM File('third')").await;
        expect(session, "third", &before).await;
        assert_eq!(strangers(session, "third", "shop").await, NONE);
        go_on(session, "third", 3).await;
        go_on(session, "third", 4).await;
        expect(session, "third", &latest).await;

        // a copy is saved as what it is, and survives a start
        done(session, "BACKUP DATABASE third TO File('again')").await;
        done(session, "RESTORE DATABASE third AS shop FROM File('again')").await;
        expect(session, "shop", &latest).await;
        assert_eq!(strangers(session, "shop", "third").await, NONE);
        engine.close().await.unwrap();
        drop((engine, owned));
        let (engine, mut session) = open(&machine).await;
        expect(&mut session, "shop", &latest).await;
        expect(&mut session, "third", &latest).await;
        engine.close().await.unwrap();
    });
}

async fn of(texts: &[&str]) -> (crate::Engine, Session) {
    let (engine, mut session) = open(&machine()).await;
    for text in texts {
        done(&mut session, text).await;
    }
    (engine, session)
}

#[test]
fn a_view_that_comes_back_alone_reads_what_is_there() {
    run(async {
        let (engine, mut session) = of(&[
            "CREATE TABLE s (k UInt32) ENGINE = MergeTree ORDER BY k",
            "CREATE TABLE t (k UInt32) ENGINE = MergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW v TO t AS SELECT k FROM s",
            "CREATE MATERIALIZED VIEW own ENGINE = MergeTree ORDER BY k AS SELECT s.k AS k FROM s",
            "CREATE MATERIALIZED VIEW e TO t ON ERROR QUARANTINE AS SELECT k + throwIf(k = 9) AS k FROM s",
            "INSERT INTO s VALUES (1), (9)",
            "BACKUP ALL TO File('all')",
            "CREATE DATABASE b",
            "RESTORE TABLE own AS own2, TABLE e AS b.e2 FROM File('all')",
        ])
        .await;
        let session = &mut session;
        assert_eq!(rows(session, "SELECT k FROM own2").await, ["1", "9"]);
        assert_eq!(rows(session, "SELECT count() FROM b.e2_errors").await, ["2"]);
        assert!(rows(session, "SHOW CREATE TABLE b.e2_errors").await[0].contains("rows over which view b.e2 failed"));
        done(session, "INSERT INTO s VALUES (2)").await;
        assert_eq!(rows(session, "SELECT k FROM own2").await, ["1", "2", "9"]);
        // of v and e what was, of all three what came
        assert_eq!(rows(session, "SELECT k FROM t").await, ["1", "2", "2", "2", "9"]);
        // the source alone elsewhere: the view goes with it
        done(session, "RESTORE TABLE s AS s2, TABLE own AS own3 FROM File('all')").await;
        done(session, "INSERT INTO s2 VALUES (3)").await;
        assert_eq!(rows(session, "SELECT k FROM own3").await, ["1", "3", "9"]);
        assert_eq!(rows(session, "SELECT k FROM own2").await, ["1", "2", "9"]);
        assert_eq!(rows(session, "VERIFY VIEW own3").await, NONE);
        done(session, "DROP TABLE own").await;
        done(session, "INSERT INTO s VALUES (4)").await;
        assert_eq!(rows(session, "SELECT k FROM own2").await, ["1", "2", "4", "9"]);
        // a database that is called otherwise takes along what was left out
        done(session, "RESTORE DATABASE default AS c EXCEPT TABLES s FROM File('all')").await;
        assert!(rows(session, "SHOW CREATE TABLE c.v").await[0].contains("FROM c.s"));
        engine.close().await.unwrap();
    });
}

/// The column of an inner table is called by the text that its view had.
#[test]
fn columns_without_a_name_of_their_own_keep_the_one_that_they_had() {
    run(async {
        let (engine, mut session) = of(&[
            "CREATE DATABASE a",
            "CREATE TABLE a.l (k UInt64, s String) ENGINE = MergeTree ORDER BY k",
            "INSERT INTO a.l VALUES (1, 'one')",
            "CREATE DICTIONARY a.d (k UInt64, s String) PRIMARY KEY k SOURCE(CLICKHOUSE(DB 'a' TABLE 'l')) \
             LAYOUT(HASHED()) LIFETIME(0)",
            "CREATE TABLE a.s (k UInt64) ENGINE = MergeTree ORDER BY k",
            "CREATE MATERIALIZED VIEW a.v ENGINE = MergeTree ORDER BY k AS SELECT k, dictGet('a.d', 's', k) FROM a.s",
            "CREATE VIEW a.w AS SELECT max(dictGet('a.d', 's', a.s.k)) FROM a.s",
            "BACKUP DATABASE a TO File('a')",
            "RESTORE DATABASE a AS b FROM File('a')",
            "INSERT INTO b.s VALUES (1)",
        ])
        .await;
        let session = &mut session;
        assert_eq!(rows(session, "SELECT `dictGet('a.d', 's', k)` FROM b.v").await, ["one"]);
        assert_eq!(rows(session, "SELECT * FROM b.w").await, ["one"]);
        assert_eq!(rows(session, "VERIFY VIEW b.v").await, NONE);
        done(session, "DROP DATABASE a").await;
        done(session, "INSERT INTO b.s VALUES (2)").await;
        assert_eq!(rows(session, "SELECT k FROM b.v").await, ["1", "2"]);
        engine.close().await.unwrap();
    });
}

/// A view that appends what is new knows what that is, or does not come back.
#[test]
fn no_row_is_appended_twice() {
    run(async {
        let (engine, mut session) = of(&[
            "CREATE TABLE s (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS enable_block_number_column = 1, \
             enable_block_offset_column = 1",
            "CREATE MATERIALIZED VIEW v REFRESH EVERY 1 YEAR APPEND INCREMENTAL ENGINE = MergeTree ORDER BY k AS SELECT k FROM s",
            "SYSTEM WAIT VIEW v",
            "BACKUP TABLE v TO File('empty')",
            "INSERT INTO s VALUES (1)",
            "SYSTEM REFRESH VIEW v",
            "SYSTEM WAIT VIEW v",
            "BACKUP ALL TO File('all')",
            "BACKUP TABLE v TO File('alone')",
            "INSERT INTO s VALUES (2)",
            "RESTORE TABLE v AS w, TABLE s AS t FROM File('all')",
            "INSERT INTO t VALUES (2)",
            "RESTORE TABLE v AS first FROM File('empty')",
        ])
        .await;
        let session = &mut session;
        for view in ["w", "first"] {
            done(session, &format!("SYSTEM REFRESH VIEW {view}")).await;
            done(session, &format!("SYSTEM WAIT VIEW {view}")).await;
            assert_eq!(rows(session, &format!("SELECT k FROM {view}")).await, ["1", "2"], "{view}");
        }
        // nobody knows what it has read of this table, or of one that was made anew
        assert_eq!(code(session, "RESTORE TABLE v AS x FROM File('all')").await, 48);
        assert_eq!(code(session, "RESTORE TABLE v AS x FROM File('alone')").await, 48);
        done(session, "RESTORE TABLE v AS x FROM File('alone') SETTINGS structure_only = 1").await;
        done(session, "DROP TABLE s").await;
        assert_eq!(code(session, "RESTORE TABLE v AS y FROM File('all')").await, 0, "all that will be there is new");
        done(session, "RESTORE TABLE s FROM File('all')").await;
        assert_eq!(code(session, "RESTORE TABLE v AS z FROM File('alone')").await, 48);
        engine.close().await.unwrap();
    });
}

#[test]
fn names_that_cannot_be_are_refused() {
    run(async {
        let (engine, mut session) = of(&[
            "CREATE TABLE s (k UInt32) ENGINE = MergeTree ORDER BY k",
            "CREATE TABLE t (k UInt32) ENGINE = MergeTree ORDER BY k",
            "CREATE VIEW v AS SELECT k FROM s",
            "CREATE MATERIALIZED VIEW e ENGINE = Memory ON ERROR QUARANTINE AS SELECT k FROM s",
            "CREATE MATERIALIZED VIEW r REFRESH EVERY 1 YEAR TO t AS SELECT k FROM s",
            "CREATE MATERIALIZED VIEW q REFRESH EVERY 1 YEAR DEPENDS ON r ENGINE = Memory AS SELECT k FROM s",
            "CREATE TABLE a_errors (k UInt32) ENGINE = Memory",
            "BACKUP ALL TO File('all')",
        ])
        .await;
        let session = &mut session;
        let tables = "SELECT count() FROM system.tables WHERE database NOT IN ('system', 'information_schema')";
        let there = rows(session, tables).await;
        for (text, expected) in [
            ("RESTORE TABLE s AS a, TABLE s AS b FROM File('all')", 648),
            ("RESTORE DATABASE default AS a, DATABASE default AS b FROM File('all')", 648),
            ("RESTORE TABLE s AS a, TABLE t AS a FROM File('all')", 608),
            ("RESTORE TABLE s AS system.s FROM File('all')", 497),
            ("RESTORE TABLE v AS t FROM File('all')", 608),
            ("RESTORE TABLE e AS a FROM File('all')", 608),
            ("RESTORE TABLE r AS r2 FROM File('all')", 36),
            ("BACKUP TABLE s AS a, TABLE t AS a TO File('y')", 608),
        ] {
            assert_eq!(code(session, text).await, expected, "{text}");
        }
        assert_eq!(rows(session, tables).await, there);
        done(session, "DROP TABLE s").await;
        assert_eq!(code(session, "RESTORE TABLE v AS s FROM File('all')").await, 269);
        done(session, "DROP TABLE r").await;
        assert_eq!(code(session, "RESTORE TABLE q AS r FROM File('all')").await, 36);
        // with its target it can have another name
        done(session, "RESTORE TABLE r AS r2, TABLE t AS t2, TABLE s AS s2 FROM File('all')").await;
        done(session, "INSERT INTO s2 VALUES (7)").await;
        done(session, "SYSTEM REFRESH VIEW r2").await;
        done(session, "SYSTEM WAIT VIEW r2").await;
        assert_eq!(rows(session, "SELECT k FROM t2").await, ["7"]);
        assert_eq!(rows(session, "SELECT k FROM t").await, NONE);
        engine.close().await.unwrap();
    });
}
