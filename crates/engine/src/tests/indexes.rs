//! Skip indexes leave out granules and never rows: whatever was inserted, merged, changed and dropped, a query gives the
//! same with and without them.

use proptest::prelude::*;

use crate::Session;
use crate::testing::{code, done, open, rows, run};

const CREATE: &str = "CREATE TABLE t (k UInt64, v Int32, s String, n Nullable(Int16), a Array(String), \
    INDEX mm v TYPE minmax GRANULARITY 2, INDEX st v TYPE set(5), INDEX bl s TYPE bloom_filter(0.01), \
    INDEX ni (n, v) TYPE minmax, INDEX ns n TYPE set(0) GRANULARITY 3, INDEX ar a TYPE bloom_filter, \
    INDEX tk s TYPE tokenbf_v1(64, 2, 0), INDEX ng lower(s) TYPE ngrambf_v1(2, 64, 2, 7), INDEX fx v % 10 TYPE set(3)) \
    ENGINE = MergeTree ORDER BY k SETTINGS index_granularity = 4";

/// A condition over one of the columns, with a constant.
fn condition() -> impl Strategy<Value = String> {
    let number = -3i32..40;
    let word = prop::sample::select(vec!["red", "blue", "green", "Red", "re", "zz", "red blue", "e"]);
    prop_oneof![
        (number.clone(), prop::sample::select(vec!["=", "<", ">", ">=", "!="]))
            .prop_map(|(x, op)| format!("v {op} {x}")),
        (number.clone(), number.clone()).prop_map(|(x, y)| format!("v IN ({x}, {y})")),
        (number.clone(), 0i32..4).prop_map(|(x, span)| format!("n BETWEEN {x} AND {}", x + span)),
        number.clone().prop_map(|x| format!("n = {x}")),
        Just("n IS NULL".to_owned()),
        (0i32..12).prop_map(|x| format!("v % 10 = {x}")),
        word.clone().prop_map(|w| format!("s = '{w}'")),
        word.clone().prop_map(|w| format!("s LIKE '%{w}%'")),
        word.clone().prop_map(|w| format!("s LIKE '{w} %'")),
        word.clone().prop_map(|w| format!("startsWith(s, '{w}')")),
        word.clone().prop_map(|w| format!("endsWith(s, '{w}')")),
        prop::sample::select(vec!["red", "blue", "zz"]).prop_map(|w| format!("hasToken(s, '{w}')")),
        word.clone().prop_map(|w| format!("lower(s) LIKE '%{w}%'")),
        word.clone().prop_map(|w| format!("lower(s) = '{w}'")),
        word.prop_map(|w| format!("has(a, '{w}')")),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    let leaf = condition();
    leaf.prop_recursive(3, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

fn change() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (1u32..60, any::<u16>()).prop_map(|(rows, seed)| insert(rows, seed)),
        1 => Just("OPTIMIZE TABLE t FINAL".to_owned()),
        1 => (0u32..40).prop_map(|v| format!("ALTER TABLE t UPDATE v = v + 1, s = 'blue red' WHERE v = {v}")),
        1 => (0u32..40).prop_map(|v| format!("DELETE FROM t WHERE v = {v}")),
        1 => Just("ALTER TABLE t CLEAR COLUMN n".to_owned()),
        1 => Just("ALTER TABLE t MODIFY COLUMN v Int64".to_owned()),
        1 => Just("ALTER TABLE t DROP INDEX IF EXISTS mm".to_owned()),
        1 => Just("ALTER TABLE t ADD INDEX IF NOT EXISTS mm v TYPE minmax GRANULARITY 2".to_owned()),
        1 => Just("ALTER TABLE t CLEAR INDEX bl".to_owned()),
        1 => Just("ALTER TABLE t MATERIALIZE INDEX bl".to_owned()),
        1 => Just("ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a".to_owned()),
    ]
}

fn insert(rows: u32, seed: u16) -> String {
    format!(
        "INSERT INTO t SELECT number, h % 37, \
         ['red', 'blue', 'green sea', 'Red blue', 'dark red sky', ''][h % 6 + 1], if(h % 5 = 0, NULL, h % 31), \
         [['red'], ['blue', 'zz'], []][h % 3 + 1] FROM (SELECT number, cityHash64(number, {seed}) AS h FROM numbers({rows}))"
    )
}

async fn both(session: &mut Session, filter: &str) -> [Vec<String>; 2] {
    let text = |on: u8| format!("SELECT k, v, s, n, a FROM t WHERE {filter} SETTINGS use_skip_indexes = {on}");
    [rows(session, &text(0)).await, rows(session, &text(1)).await]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn answers_are_the_same_with_and_without_indexes(
        steps in prop::collection::vec((change(), prop::collection::vec(filter(), 1..4)), 1..8)
    ) {
        run(async {
            let (engine, mut session) = open().await;
            done(&mut session, CREATE).await;
            done(&mut session, &insert(50, 1)).await;
            for (change, filters) in steps {
                done(&mut session, &change).await;
                for filter in filters {
                    let [without, with] = both(&mut session, &filter).await;
                    prop_assert_eq!(without, with, "{} after {}", filter, change);
                }
            }
            engine.close().await.unwrap();
            Ok(())
        })?;
    }
}

/// `granules after/before` of each index that a query uses.
async fn used(session: &mut Session, filter: &str) -> String {
    let plan = rows(session, &format!("EXPLAIN indexes = 1 SELECT k FROM t WHERE {filter}")).await.join("\n");
    let used = plan.split(", index ").skip(1).map(|index| index.lines().next().unwrap_or_default().to_owned());
    used.collect::<Vec<_>>().join(" ")
}

#[test]
fn granules_are_left_out_and_explain_says_by_which_index() {
    run(async {
        let (engine, mut session) = open().await;
        done(&mut session, CREATE).await;
        done(&mut session, "INSERT INTO t SELECT number, number, concat('w', toString(number)), number, [toString(number)] FROM numbers(64)").await;
        assert_eq!(used(&mut session, "v = 20").await, "mm=2/16 st=1/2 ni=1/1");
        assert_eq!(used(&mut session, "n = 20").await, "ni=1/16 ns=1/1");
        assert_eq!(used(&mut session, "v % 10 = 3 AND k = 3").await, "fx=1/1");
        assert_eq!(used(&mut session, "k = 3").await, "");
        for filter in
            ["s = 'w7'", "hasToken(s, 'w7')", "lower(s) LIKE '%w7%'", "has(a, '7')", "k < 60 AND s LIKE 'w7 %'"]
        {
            let used = used(&mut session, filter).await;
            assert!(
                used.split([' ', '=', '/']).nth(1).is_some_and(|left| left.parse::<u32>().unwrap() < 8),
                "{filter}: {used}"
            );
            let count = rows(&mut session, &format!("SELECT count() > 0 FROM t WHERE {filter}")).await;
            assert_eq!(count, [u8::from(!filter.contains("LIKE 'w7 %'")).to_string()], "{filter}");
        }
        engine.close().await.unwrap();
    });
}

#[test]
fn indexes_are_added_materialized_cleared_and_dropped() {
    run(async {
        let (engine, mut session) = open().await;
        done(
            &mut session,
            "CREATE TABLE t (k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k SETTINGS index_granularity = 4",
        )
        .await;
        done(&mut session, "INSERT INTO t SELECT number, number FROM numbers(64)").await;
        done(&mut session, "CREATE INDEX i ON t (v) TYPE minmax GRANULARITY 1").await;
        assert_eq!(used(&mut session, "v = 7").await, "i=16/16", "parts of before have none");
        done(&mut session, "ALTER TABLE t MATERIALIZE INDEX i").await;
        assert_eq!(used(&mut session, "v = 7").await, "i=1/16");
        done(&mut session, "ALTER TABLE t CLEAR INDEX i").await;
        assert_eq!(used(&mut session, "v = 7").await, "i=16/16");
        done(&mut session, "OPTIMIZE TABLE t FINAL").await;
        assert_eq!(used(&mut session, "v = 7").await, "i=1/16", "a merge makes it again");
        assert_eq!(
            rows(&mut session, "SELECT name, type, data_compressed_bytes > 0 FROM system.data_skipping_indices").await,
            ["i\tminmax\t1"]
        );
        done(&mut session, "DROP INDEX i ON t").await;
        assert_eq!(used(&mut session, "v = 7").await, "");
        for (text, expected) in [
            ("DROP INDEX i ON t", 36),
            ("DROP INDEX IF EXISTS i ON t", 0),
            ("CREATE INDEX j ON t (v)", 80),
            ("ALTER TABLE t ADD INDEX j v TYPE set", 80),
            ("ALTER TABLE t ADD INDEX j v TYPE set(-1)", 80),
            ("ALTER TABLE t ADD INDEX j v TYPE bloom_filter(2)", 36),
            ("ALTER TABLE t ADD INDEX j v TYPE bloom_filter(0.1, 2)", 42),
            ("ALTER TABLE t ADD INDEX j v TYPE tokenbf_v1(1)", 36),
            ("ALTER TABLE t ADD INDEX j v TYPE tokenbf_v1(256, 2, 0)", 36),
            ("ALTER TABLE t ADD INDEX j now() TYPE minmax", 36),
            ("ALTER TABLE t ADD INDEX j 1 TYPE minmax", 80),
            ("ALTER TABLE t ADD INDEX j zz TYPE minmax", 47),
            ("ALTER TABLE t ADD INDEX j v TYPE foo", 80),
            ("ALTER TABLE t ADD INDEX j v TYPE minmax", 0),
            ("ALTER TABLE t ADD INDEX j v TYPE minmax", 44),
            ("SELECT * FROM t WHERE v = 1 SETTINGS force_data_skipping_indices = 'j'", 0),
            ("SELECT * FROM t WHERE v + 1 = 1 SETTINGS force_data_skipping_indices = 'j'", 277),
            ("SELECT * FROM t WHERE v = 1 SETTINGS force_data_skipping_indices = 'j', use_skip_indexes = 0", 0),
            (
                "SELECT * FROM t WHERE v = 1 SETTINGS force_data_skipping_indices = 'j', ignore_data_skipping_indices = 'j'",
                277,
            ),
        ] {
            assert_eq!(code(&mut session, text).await, expected, "{text}");
        }
        engine.close().await.unwrap();
    });
}

const MERGED: [&str; 6] = [
    "ReplacingMergeTree(ver)",
    "ReplacingMergeTree(ver, del)",
    "CollapsingMergeTree(sign)",
    "SummingMergeTree(v)",
    "AggregatingMergeTree",
    "CoalescingMergeTree",
];

fn merged_insert(rows: u32, seed: u16) -> String {
    format!(
        "INSERT INTO t SELECT number * 3 % 40, h % 7, ['red', 'blue', 'привет мир', '日本語', ''][h % 5 + 1], \
         if(h % 4 = 0, NULL, h % 9), {seed}, h % 5 = 0, if(h % 2 = 0, 1, -1), h % 6 \
         FROM (SELECT number, cityHash64(number, {seed}) AS h FROM numbers({rows}))"
    )
}

fn merged_condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0i32..8, prop::sample::select(vec!["=", "<", ">", "!="])).prop_map(|(x, op)| format!("v {op} {x}")),
        (0i32..9).prop_map(|x| format!("n = {x}")),
        (0i32..8).prop_map(|x| format!("x = {x}")),
        (0i32..40).prop_map(|x| format!("k < {x}")),
        (0i32..40).prop_map(|x| format!("k % 7 = {}", x % 7)),
        prop::sample::select(vec!["красный", "привет", "мир", "本語", "ed", "日本語"])
            .prop_map(|w| format!("s LIKE '%{w}%'")),
        prop::sample::select(vec!["red", "привет", "日本語"]).prop_map(|w| format!("hasToken(s, '{w}')")),
    ];
    prop::collection::vec(leaf, 1..3).prop_map(|leaves| leaves.join(" AND "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn final_is_the_same_with_and_without_indexes(
        engine in prop::sample::select(MERGED.to_vec()),
        steps in prop::collection::vec((0u32..60, any::<u16>(), prop::collection::vec(merged_condition(), 1..5)), 1..6)
    ) {
        run(async {
            let (database, mut session) = open().await;
            let create = format!(
                "CREATE TABLE t (k UInt64, v Int64, s String, n Nullable(Int16), ver UInt64, del UInt8, sign Int8, x UInt8, \
                 INDEX mm v TYPE minmax, INDEX st n TYPE set(3), INDEX ng s TYPE ngrambf_v1(3, 64, 2, 0), \
                 INDEX tk s TYPE tokenbf_v1(64, 2, 0), INDEX xx x TYPE bloom_filter, INDEX k7 k % 7 TYPE set(2)) \
                 ENGINE = {engine} ORDER BY (k, x) PRIMARY KEY k \
                 SETTINGS index_granularity = 4, allow_dimensions_outside_sorting_key = 1"
            );
            done(&mut session, &create).await;
            done(&mut session, "SYSTEM STOP MERGES t").await;
            for (rows_in, seed, filters) in steps {
                match rows_in {
                    0..5 => done(&mut session, "OPTIMIZE TABLE t FINAL").await,
                    count => done(&mut session, &merged_insert(count, seed)).await,
                }
                for filter in filters {
                    let text = |on: u8| format!("SELECT * FROM t FINAL WHERE {filter} SETTINGS use_skip_indexes_if_final = {on}");
                    let [without, with] = [rows(&mut session, &text(0)).await, rows(&mut session, &text(1)).await];
                    prop_assert_eq!(without, with, "{} of {}", filter, engine);
                }
            }
            database.close().await.unwrap();
            Ok(())
        })?;
    }
}

#[test]
fn under_final_what_indexes_leave_is_widened_to_its_rivals() {
    run(async {
        let (engine, mut session) = open().await;
        for text in [
            "CREATE TABLE t (k UInt64, a UInt64, s String, INDEX ia a TYPE minmax GRANULARITY 1) \
             ENGINE = ReplacingMergeTree ORDER BY k SETTINGS index_granularity = 2",
            "SYSTEM STOP MERGES t",
            "INSERT INTO t SELECT number, number, repeat(toString(number), 100) FROM numbers(20)",
            "INSERT INTO t SELECT number, number + 100, repeat(toString(number), 100) FROM numbers(5, 3)",
        ] {
            done(&mut session, text).await;
        }
        let used = async |session: &mut Session, filter: &str| {
            let plan =
                rows(session, &format!("EXPLAIN indexes = 1 SELECT k FROM t FINAL WHERE {filter}")).await.join("\n");
            let used = plan.split(", index ").skip(1).map(|index| index.lines().next().unwrap_or_default().to_owned());
            used.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(used(&mut session, "a = 5").await, "ia=1/12 PrimaryKeyExpand=4/1");
        assert_eq!(used(&mut session, "a = 105").await, "ia=1/12 PrimaryKeyExpand=4/1");
        assert_eq!(used(&mut session, "a = 15").await, "ia=1/12 PrimaryKeyExpand=3/1");
        assert_eq!(used(&mut session, "a = 5 SETTINGS use_skip_indexes_if_final = 0").await, "");
        assert_eq!(used(&mut session, "a = 5 SETTINGS use_skip_indexes_if_final_exact_mode = 0").await, "ia=1/12");
        let old = "SELECT k FROM t FINAL WHERE a = 5";
        assert_eq!(rows(&mut session, old).await, [""; 0]);
        let inexact = format!("{old} SETTINGS use_skip_indexes_if_final_exact_mode = 0");
        assert_eq!(rows(&mut session, &inexact).await, ["5"]);
        engine.close().await.unwrap();
    });
}
