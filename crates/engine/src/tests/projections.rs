//! Projections say nothing that the rows do not: whatever was inserted, merged, changed, moved and dropped, a query gives
//! the same with and without them.

use std::path::Path;

use env::simulated::Machine;
use proptest::prelude::*;

use crate::testing::{code, config, done, open, rows, run};
use crate::{Credentials, Engine, Session};

const P: &str = "p (SELECT k, p, sum(v), count(), min(n), max(s), uniqExact(v), sumIf(v, v > 5) GROUP BY k, p)";
const Q: &str =
    "q (SELECT toStartOfHour(ts), k % 3 AS r, avg(v), any(s), quantileExact(0.5)(v) GROUP BY toStartOfHour(ts), r)";
const W: &str = "w (SELECT s, count(), sum(v) WHERE v > 3 GROUP BY s)";

fn create(name: &str, engine: &str) -> String {
    format!(
        "CREATE TABLE {name} (k UInt8, p UInt8, v Int64, s String, n Nullable(Int16), ts DateTime('UTC'), \
         PROJECTION {P}, PROJECTION {Q}, PROJECTION {W}, PROJECTION a (SELECT count(), sum(v), max(k))) \
         ENGINE = {engine} PARTITION BY p ORDER BY (k, v) \
         SETTINGS index_granularity = 4, deduplicate_merge_projection_mode = 'rebuild', \
         lightweight_mutation_projection_mode = 'drop', enable_block_number_column = 1, enable_block_offset_column = 1"
    )
}

/// Each with the projection that answers it; none where the rows must.
const QUERIES: &[(&str, Option<&str>)] = &[
    ("SELECT k, sum(v), count() FROM t GROUP BY k", Some("p")),
    ("SELECT k, p, min(n), max(s), uniqExact(v) FROM t GROUP BY k, p", Some("p")),
    (
        "SELECT k * 2 + p AS z, sum(v) + 1, sumIf(v, v > 5) FROM t WHERE k IN (1, 2, 3) GROUP BY z HAVING count() > 1",
        Some("p"),
    ),
    ("SELECT p, sum(v) FROM t WHERE k > 2 AND p != 1 GROUP BY p", Some("p")),
    ("SELECT x.k, sum(x.v) FROM t AS x WHERE x.k = 4 GROUP BY x.k", Some("p")),
    ("SELECT k, sum(v) FROM t GROUP BY k WITH ROLLUP", Some("p")),
    ("SELECT k, sum(v) FROM t GROUP BY k WITH TOTALS", Some("p")),
    ("SELECT a, sum(b) FROM (SELECT k AS a, v AS b FROM t WHERE p = 0) GROUP BY a", Some("p")),
    ("SELECT h, avg(v), quantileExact(0.5)(v) FROM (SELECT toStartOfHour(ts) AS h, v FROM t) GROUP BY h", Some("q")),
    ("SELECT toHour(toStartOfHour(ts)), k % 3, avg(v) FROM t GROUP BY 1, 2", Some("q")),
    ("SELECT s, count(), sum(v) FROM t WHERE v > 3 GROUP BY s", Some("w")),
    ("SELECT count(), sum(v), max(k) FROM t", Some("a")),
    ("SELECT k, sum(v) FROM t PREWHERE k < 4 GROUP BY k", Some("p")),
    ("SELECT k, sum(v) FROM t WHERE v > 3 GROUP BY k", None),
    ("SELECT k, sum(v + 1) FROM t GROUP BY k", None),
    ("SELECT s, count() FROM t GROUP BY s", None),
    ("SELECT s, sum(v) FROM t WHERE v > 2 GROUP BY s", None),
];

fn with(query: &str, settings: &str) -> String {
    format!("{query} SETTINGS {settings}")
}

async fn both(session: &mut Session, query: &str) -> [Vec<String>; 2] {
    // a query that prefers a projection is planned as one that reads much
    let on = with(query, "preferred_optimize_projection_name = 'none'");
    [rows(session, &with(query, "optimize_use_projections = 0")).await, rows(session, &on).await]
}

fn insert(rows: u32, seed: u16) -> String {
    format!(
        "INSERT INTO t SELECT h % 7, h % 3, h % 41, ['red', 'blue', 'green', ''][h % 4 + 1], \
         if(h % 5 = 0, NULL, h % 31), toDateTime(h % 20000, 'UTC') \
         FROM (SELECT cityHash64(number, {seed}) AS h FROM numbers({rows}))"
    )
}

#[derive(Clone, Debug)]
enum Op {
    Run(String),
    Restart,
    Checkpoint,
}

fn op() -> impl Strategy<Value = Op> {
    let one = |text: &'static str| Just(Op::Run(text.to_owned()));
    let of = |text: fn(u8) -> String| (0u8..7).prop_map(move |k| Op::Run(text(k)));
    prop_oneof![
        4 => (1u32..60, any::<u16>()).prop_map(|(rows, seed)| Op::Run(insert(rows, seed))),
        1 => one("OPTIMIZE TABLE t FINAL"),
        1 => of(|k| format!("ALTER TABLE t UPDATE s = 'blue red', n = NULL WHERE k = {k}")),
        1 => of(|k| format!("ALTER TABLE t DELETE WHERE k = {k}")),
        1 => of(|k| format!("DELETE FROM t WHERE k = {k} AND v > 10")),
        1 => of(|k| format!("ALTER TABLE t DROP PARTITION {}", k % 3)),
        1 => of(|k| format!("ALTER TABLE t DETACH PARTITION {}", k % 3)),
        1 => of(|k| format!("ALTER TABLE t ATTACH PARTITION {}", k % 3)),
        1 => of(|k| format!("ALTER TABLE t MOVE PARTITION {} TO TABLE u", k % 3)),
        1 => of(|k| format!("ALTER TABLE t ATTACH PARTITION {} FROM u", k % 3)),
        1 => of(|k| format!("ALTER TABLE t REPLACE PARTITION {} FROM u", k % 3)),
        1 => of(|k| format!("ALTER TABLE t CLEAR COLUMN n IN PARTITION {}", k % 3)),
        1 => one("ALTER TABLE t CLEAR COLUMN n"),
        1 => one("ALTER TABLE t DROP PROJECTION IF EXISTS p"),
        1 => Just(Op::Run(format!("ALTER TABLE t ADD PROJECTION IF NOT EXISTS {P}"))),
        1 => one("ALTER TABLE t CLEAR PROJECTION q"),
        1 => one("ALTER TABLE t MATERIALIZE PROJECTION p"),
        1 => one("ALTER TABLE t MATERIALIZE PROJECTION q IN PARTITION 1"),
        1 => one("RENAME TABLE t TO z, z TO t"),
        1 => Just(Op::Restart),
        1 => Just(Op::Checkpoint),
    ]
}

struct World {
    machine: Machine,
    engine: Engine,
    session: Session,
}

impl World {
    async fn open(machine: Machine) -> World {
        let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
        let session = engine.session(&Credentials::default()).unwrap();
        World { machine, engine, session }
    }

    async fn after(mut self, op: &Op) -> World {
        match op {
            Op::Run(text) => {
                // partitions of a table without the other's projections are not taken: nothing happens then
                let session = &mut self.session;
                let _code = code(session, text).await;
            }
            Op::Checkpoint => self.engine.inner.store.checkpoint().await.unwrap(),
            Op::Restart => {
                self.engine.close().await.unwrap();
                drop((self.session, self.engine));
                return World::open(self.machine).await;
            }
        }
        self
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_the_same_with_and_without_projections(
        engine in prop_oneof![3 => Just("MergeTree"), 1 => Just("ReplacingMergeTree"), 1 => Just("SummingMergeTree")],
        ops in prop::collection::vec(op(), 1..14),
    ) {
        run(async {
            let mut world = World::open(Machine::new(7, 1_763_000_000_000_000_000)).await;
            for name in ["t", "u"] {
                done(&mut world.session, &create(name, engine)).await;
            }
            done(&mut world.session, &insert(50, 1)).await;
            for (step, op) in ops.iter().enumerate() {
                world = world.after(op).await;
                // all of them in turn: planning each takes longer than what it does
                for (query, _) in QUERIES.iter().cycle().skip(step * 5).take(5) {
                    let [without, with] = both(&mut world.session, query).await;
                    prop_assert_eq!(without, with, "{} after {:?} of {:?}", query, op, &ops);
                }
            }
            world.engine.close().await.unwrap();
            Ok(())
        })?;
    }
}

/// The projections that a query's plan reads.
async fn used(session: &mut Session, query: &str) -> Option<String> {
    let plan = rows(session, &format!("EXPLAIN {}", with(query, "preferred_optimize_projection_name = 'none'"))).await;
    let of = plan.iter().find_map(|line| line.split_once("ScanExec: default.t projection ").map(|(_, rest)| rest));
    of.and_then(|rest| rest.split(',').next()).map(str::to_owned)
}

#[test]
fn a_projection_is_used_where_it_says_the_same_and_explain_shows_it() {
    run(async {
        let (engine, mut session) = open().await;
        done(&mut session, &create("t", "MergeTree")).await;
        done(&mut session, &insert(200, 3)).await;
        for (query, projection) in QUERIES {
            assert_eq!(used(&mut session, query).await.as_deref(), *projection, "{query}");
        }
        let grouped = "SELECT k, sum(v) FROM t GROUP BY k";
        assert_eq!(
            used(&mut session, "SELECT k, any(s) FROM t GROUP BY k").await,
            None,
            "a result that depends on an order"
        );
        let forced = with(grouped, "force_optimize_projection = 1");
        assert_eq!(code(&mut session, &forced).await, 0);
        done(&mut session, "ALTER TABLE t CLEAR PROJECTION p").await;
        assert_eq!(code(&mut session, &forced).await, 584, "no part has it");
        // what is forced is what a query reads, and nothing that is done on the way
        done(
            &mut session,
            "CREATE MATERIALIZED VIEW mv ENGINE = MergeTree ORDER BY s AS SELECT s, any(v) FROM t GROUP BY s",
        )
        .await;
        done(&mut session, "SET force_optimize_projection = 1").await;
        assert_eq!(code(&mut session, &insert(3, 4)).await, 0);
        assert_eq!(code(&mut session, "ALTER TABLE t UPDATE s = 'x' WHERE v = 3").await, 0);
        assert_eq!(code(&mut session, "ALTER TABLE t MATERIALIZE PROJECTION p").await, 0);
        assert_eq!(code(&mut session, grouped).await, 0);
        assert_eq!(code(&mut session, "SELECT s FROM t").await, 584);
        assert_eq!(code(&mut session, "SELECT count() FROM t").await, 0);
        engine.close().await.unwrap();
    });
}

#[test]
fn rows_that_go_from_memory_to_a_file_get_their_projections() {
    run(async {
        let (engine, mut session) = open().await;
        done(&mut session, "CREATE TABLE t (k UInt32, v UInt64, PROJECTION p (SELECT k, sum(v) GROUP BY k)) ENGINE = MergeTree ORDER BY v").await;
        for seed in 0..12 {
            done(&mut session, &format!("INSERT INTO t SELECT number % 3, number + {seed} FROM numbers(5)")).await;
        }
        let kinds = "SELECT part_type, sum(parent_rows) FROM system.projection_parts GROUP BY part_type";
        assert_eq!(rows(&mut session, kinds).await, ["InMemory\t60"]);
        engine.inner.store.checkpoint().await.unwrap();
        assert_eq!(rows(&mut session, kinds).await, ["Compact\t60"]);
        let [without, with] = both(&mut session, "SELECT k, sum(v) FROM t GROUP BY k").await;
        assert_eq!(without, with);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_projection_of_many_groups_is_read_by_chunks_that_may_hold_what_is_asked_for() {
    run(async {
        let (engine, mut session) = open().await;
        done(&mut session, "CREATE TABLE t (k UInt32, v UInt64, PROJECTION p (SELECT k, sum(v) GROUP BY k)) ENGINE = MergeTree ORDER BY v").await;
        done(&mut session, "INSERT INTO t SELECT cityHash64(number) % 30000, number FROM numbers(60000)").await;
        for filter in ["1", "k = 20000", "k < 100", "k IN (1, 29999)", "k > 8191 AND k <= 8192"] {
            let [without, with] =
                both(&mut session, &format!("SELECT k, sum(v) FROM t WHERE {filter} GROUP BY k")).await;
            assert_eq!(without, with, "{filter}");
            let [without, with] = both(
                &mut session,
                &format!("SELECT count(), sum(k) FROM (SELECT k, sum(v) FROM t WHERE {filter} GROUP BY k)"),
            )
            .await;
            assert_eq!(without, with, "{filter}");
        }
        engine.close().await.unwrap();
    });
}
