//! A table and a model of it: inserts, merges, mutations, changes of columns, partition operations and restarts, in any
//! order, give what a few lines of Rust over a list of rows give.
//!
//! Conditions are over keys, so that they mean the same before and after a merge; versions are unique, so that no tie
//! depends on the order of parts. Where the order of rows does count (Collapsing, Coalescing), a key is in one partition
//! only, and so merged is what FINAL is.

use std::collections::BTreeMap;
use std::path::Path;

use env::simulated::Machine;
use proptest::prelude::*;

use crate::config::DROP_DELAY;
use crate::testing::{config, done, rows, run};
use crate::{Credentials, Engine, EngineConfig, Session};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Replacing,
    /// ReplacingMergeTree with deletion marks: every third value is one.
    Deleted,
    /// VersionedCollapsingMergeTree of one version: odd values take back even ones.
    Versioned,
    /// VersionedCollapsingMergeTree: a row of a key takes back the one before, by its version, wherever that is.
    Versions,
    /// CollapsingMergeTree: a row of a key takes back the one before.
    Collapsing,
    /// CoalescingMergeTree: every third value is NULL.
    Coalescing,
    Summing,
    Max,
}

impl Kind {
    fn create(self, name: &str) -> String {
        let (ty, engine) = match self {
            Kind::Plain => ("Int64", "MergeTree"),
            Kind::Replacing => ("Int64", "ReplacingMergeTree(ver)"),
            Kind::Deleted => ("Int64, del UInt8 DEFAULT v % 3 = 0", "ReplacingMergeTree(ver, del)"),
            Kind::Versioned => (
                "Int64, sign Int8 DEFAULT if(v % 2 = 0, 1, -1), one UInt8 DEFAULT 1",
                "VersionedCollapsingMergeTree(sign, one)",
            ),
            Kind::Versions => ("Int64, sign Int8", "VersionedCollapsingMergeTree(sign, ver)"),
            Kind::Collapsing => ("Int64, sign Int8", "CollapsingMergeTree(sign)"),
            Kind::Coalescing => (
                "Nullable(Int64), w Nullable(Int64) DEFAULT if(v % 2 = 0, v, NULL), one Int64 DEFAULT ifNull(v, -1)",
                "CoalescingMergeTree",
            ),
            Kind::Summing => ("Int64", "SummingMergeTree(v)"),
            Kind::Max => ("SimpleAggregateFunction(max, Int64)", "AggregatingMergeTree"),
        };
        let settings = "SETTINGS index_granularity = 4, allow_dimensions_outside_sorting_key = 1";
        format!(
            "CREATE TABLE {name} (k UInt8, p UInt8, v {ty}, ver UInt64) ENGINE = {engine} PARTITION BY p ORDER BY k {settings}"
        )
    }

    /// Rows of a key are in one partition, and rows that are put aside are not followed by others: their order counts.
    fn is_ordered(self) -> bool {
        matches!(self, Kind::Collapsing | Kind::Coalescing)
    }

    /// Each row takes back the last one of its key.
    fn is_signed(self) -> bool {
        matches!(self, Kind::Collapsing | Kind::Versions)
    }

    fn query(self, column: Option<&str>) -> String {
        match self {
            Kind::Plain => format!("SELECT k, p, v, ver, {} FROM t", column.unwrap_or("0")),
            Kind::Replacing | Kind::Deleted => "SELECT k, p, v, ver FROM t FINAL".to_owned(),
            Kind::Versioned => "SELECT k, sum(sign), count() FROM t FINAL GROUP BY k".to_owned(),
            Kind::Versions => "SELECT k, p, v, ver, sign FROM t FINAL".to_owned(),
            Kind::Collapsing => "SELECT k, v, ver, sign FROM t FINAL".to_owned(),
            Kind::Coalescing => "SELECT k, v, w, one, ver FROM t FINAL".to_owned(),
            Kind::Summing => "SELECT k, sum(v) FROM t GROUP BY k".to_owned(),
            Kind::Max => "SELECT k, max(v) FROM t GROUP BY k".to_owned(),
        }
    }

    fn expected(self, table: &[Row]) -> Vec<String> {
        let mut keys: BTreeMap<u8, Vec<&Row>> = BTreeMap::new();
        table.iter().for_each(|row| keys.entry(row.k).or_default().push(row));
        let mut lines: Vec<String> = match self {
            Kind::Plain => table
                .iter()
                .map(|row| format!("{}\t{}\t{}\t{}\t{}", row.k, row.p, row.v, row.ver, row.x.unwrap_or(0)))
                .collect(),
            Kind::Replacing | Kind::Deleted => {
                let newest = keys.values().filter_map(|rows| rows.iter().max_by_key(|row| row.ver));
                let newest = newest.filter(|row| self == Kind::Replacing || row.born % 3 != 0);
                newest.map(|row| format!("{}\t{}\t{}\t{}", row.k, row.p, row.v, row.ver)).collect()
            }
            Kind::Versioned => {
                let sum = |rows: &[&Row]| rows.iter().map(|row| if row.born % 2 == 0 { 1 } else { -1 }).sum::<i64>();
                let left = keys.iter().map(|(k, rows)| (k, sum(rows))).filter(|(_, sum)| *sum != 0);
                left.map(|(k, sum)| format!("{k}\t{sum}\t{}", sum.abs())).collect()
            }
            Kind::Versions => versions(table),
            Kind::Collapsing => keys.values().flat_map(|rows| collapsed(rows)).collect(),
            Kind::Coalescing => keys.iter().map(|(k, rows)| coalesced(*k, rows)).collect(),
            Kind::Summing => {
                keys.iter().map(|(k, rows)| format!("{k}\t{}", rows.iter().map(|row| row.v).sum::<i64>())).collect()
            }
            Kind::Max => keys
                .iter()
                .map(|(k, rows)| format!("{k}\t{}", rows.iter().map(|row| row.v).max().unwrap_or(0)))
                .collect(),
        };
        lines.sort();
        lines
    }
}

/// Rows of one key and version take each other back.
fn versions(table: &[Row]) -> Vec<String> {
    let mut left: BTreeMap<(u8, u64), Vec<&Row>> = BTreeMap::new();
    for row in table {
        let rows = left.entry((row.k, row.ver)).or_default();
        match rows.iter().position(|other| other.sign != row.sign) {
            Some(at) => drop(rows.remove(at)),
            None => rows.push(row),
        }
    }
    let line = |row: &Row| format!("{}\t{}\t{}\t{}\t{}", row.k, row.p, row.v, row.ver, row.sign);
    left.values().flatten().map(|row| line(row)).collect()
}

/// The last row that says what is, and the first that takes back, as many as are not undone.
fn collapsed(rows: &[&Row]) -> Vec<String> {
    let (added, taken): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| 0 < row.sign);
    let ends_taken = rows.last().is_some_and(|row| row.sign < 0);
    if added.len() == taken.len() && ends_taken {
        return Vec::new();
    }
    let first = taken.first().filter(|_| added.len() <= taken.len());
    let last = added.last().filter(|_| taken.len() <= added.len());
    let line = |row: &&&Row| format!("{}\t{}\t{}\t{}", row.k, row.v, row.ver, row.sign);
    first.into_iter().chain(last).map(|row| line(&row)).collect()
}

/// The last value of each column that is not NULL.
fn coalesced(k: u8, rows: &[&Row]) -> String {
    let shown = |value: Option<i64>| value.map_or_else(|| "\\N".to_owned(), |value| value.to_string());
    let v = rows.iter().rev().find(|row| row.born % 3 != 0).map(|row| row.v);
    let w = rows.iter().rev().find(|row| row.born % 3 != 0 && row.born % 2 == 0).map(|row| row.born);
    let last = rows.last().expect("a key has rows");
    let one = if last.born % 3 == 0 { -1 } else { last.born };
    format!("{k}\t{}\t{}\t{one}\t{}", shown(v), shown(w), last.ver)
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    k: u8,
    p: u8,
    v: i64,
    /// The value that it was inserted with.
    born: i64,
    ver: u64,
    x: Option<i64>,
    sign: i8,
}

/// `k < below` in partition `p`, or in all.
#[derive(Clone, Copy, Debug)]
struct Which {
    below: u8,
    p: Option<u8>,
}

impl Which {
    fn text(self) -> String {
        match self.p {
            Some(p) => format!("k < {} AND p = {p}", self.below),
            None => format!("k < {}", self.below),
        }
    }

    fn holds(self, row: &Row) -> bool {
        row.k < self.below && self.p.is_none_or(|p| p == row.p)
    }
}

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<(u8, u8, i64)>),
    Optimize,
    Update(Which),
    Delete(Which),
    Lightweight(Which),
    AddColumn,
    DropColumn,
    RenameColumn,
    ClearColumn,
    Materialize,
    DropPartition(u8),
    Detach(u8),
    Attach(u8),
    Move(u8),
    AttachFrom(u8),
    ReplaceFrom(u8),
    DetachTable,
    DropTable,
    Checkpoint,
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let row = (0u8..8, 0u8..3, 1i64..100);
    let which = (0u8..9, prop::option::of(0u8..3)).prop_map(|(below, p)| Which { below, p });
    prop_oneof![
        6 => prop::collection::vec(row, 1..12).prop_map(Op::Insert),
        2 => Just(Op::Optimize),
        2 => which.clone().prop_map(Op::Update),
        1 => which.clone().prop_map(Op::Delete),
        2 => which.prop_map(Op::Lightweight),
        1 => Just(Op::AddColumn),
        1 => Just(Op::DropColumn),
        1 => Just(Op::RenameColumn),
        1 => Just(Op::ClearColumn),
        1 => Just(Op::Materialize),
        1 => (0u8..3).prop_map(Op::DropPartition),
        1 => (0u8..3).prop_map(Op::Detach),
        2 => (0u8..3).prop_map(Op::Attach),
        1 => (0u8..3).prop_map(Op::Move),
        1 => (0u8..3).prop_map(Op::AttachFrom),
        1 => (0u8..3).prop_map(Op::ReplaceFrom),
        1 => Just(Op::DetachTable),
        1 => Just(Op::DropTable),
        1 => Just(Op::Checkpoint),
        2 => Just(Op::Restart),
    ]
}

/// The tables as lists of rows.
#[derive(Default)]
struct Model {
    t: Vec<Row>,
    u: Vec<Row>,
    detached: Vec<Row>,
    /// The name of the column that comes and goes.
    column: Option<&'static str>,
    last_ver: u64,
}

impl Model {
    /// The statement of an operation, after the rows are changed as it will; none for those that mean nothing now.
    fn step(&mut self, kind: Kind, op: &Op) -> Option<String> {
        let new = |v: i64| v * 2;
        let is_plain = kind == Kind::Plain;
        Some(match op {
            Op::Insert(given) if kind.is_signed() => self.insert_signed(kind, given)?,
            Op::Insert(given) => {
                let mut values = Vec::new();
                for (k, p, v) in given {
                    let p = if kind.is_ordered() { k % 3 } else { *p };
                    self.last_ver += 1;
                    match kind {
                        Kind::Coalescing if v % 3 == 0 => values.push(format!("({k}, {p}, NULL, {})", self.last_ver)),
                        _ => values.push(format!("({k}, {p}, {v}, {})", self.last_ver)),
                    }
                    let x = self.column.map(|_| default_x(self.last_ver));
                    self.t.push(Row { k: *k, p, v: *v, born: *v, ver: self.last_ver, x, sign: 1 });
                }
                format!("INSERT INTO t (k, p, v, ver) VALUES {}", values.join(", "))
            }
            Op::Optimize => "OPTIMIZE TABLE t FINAL".to_owned(),
            Op::Update(which) => {
                self.t.iter_mut().filter(|row| which.holds(row)).for_each(|row| row.v = new(row.v));
                format!("ALTER TABLE t UPDATE v = v * 2 WHERE {}", which.text())
            }
            Op::Delete(which) => {
                self.t.retain(|row| !which.holds(row));
                format!("ALTER TABLE t DELETE WHERE {}", which.text())
            }
            Op::Lightweight(which) => {
                self.t.retain(|row| !which.holds(row));
                format!("DELETE FROM t WHERE {}", which.text())
            }
            Op::AddColumn if is_plain && self.column.is_none() => {
                self.column = Some("x");
                self.each_x(|row| Some(default_x(row.ver)));
                "ALTER TABLE t ADD COLUMN x Int64 DEFAULT ver * 3".to_owned()
            }
            Op::DropColumn => {
                let column = self.column.take()?;
                self.each_x(|_| None);
                format!("ALTER TABLE t DROP COLUMN {column}")
            }
            Op::RenameColumn => {
                let from = self.column?;
                let to = if from == "x" { "y" } else { "x" };
                self.column = Some(to);
                format!("ALTER TABLE t RENAME COLUMN {from} TO {to}")
            }
            Op::ClearColumn => {
                let column = self.column?;
                self.each_x(|row| Some(default_x(row.ver)));
                format!("ALTER TABLE t CLEAR COLUMN {column}")
            }
            Op::Materialize => format!("ALTER TABLE t MATERIALIZE COLUMN {}", self.column?),
            Op::DropPartition(p) => {
                self.t.retain(|row| row.p != *p);
                format!("ALTER TABLE t DROP PARTITION {p}")
            }
            Op::Detach(p) => {
                self.detached.extend(self.t.extract_if(.., |row| row.p == *p));
                format!("ALTER TABLE t DETACH PARTITION {p}")
            }
            Op::Attach(p) => {
                self.t.extend(self.detached.extract_if(.., |row| row.p == *p));
                format!("ALTER TABLE t ATTACH PARTITION {p}")
            }
            Op::Move(p) if self.column.is_none() && kind != Kind::Collapsing => {
                self.u.extend(self.t.extract_if(.., |row| row.p == *p));
                format!("ALTER TABLE t MOVE PARTITION {p} TO TABLE u")
            }
            Op::AttachFrom(p) if self.column.is_none() && is_plain => {
                self.t.extend(self.u.iter().filter(|row| row.p == *p).cloned());
                format!("ALTER TABLE t ATTACH PARTITION {p} FROM u")
            }
            Op::ReplaceFrom(p) if self.column.is_none() && self.u.iter().any(|row| row.p == *p) => {
                self.t.retain(|row| row.p != *p);
                self.t.extend(self.u.iter().filter(|row| row.p == *p).cloned());
                format!("ALTER TABLE t REPLACE PARTITION {p} FROM u")
            }
            Op::DetachTable => "DETACH TABLE t".to_owned(),
            Op::DropTable => "DROP TABLE t".to_owned(),
            _ => return None,
        })
    }

    /// What a program inserts that keeps the state of keys: a key that is there is taken back, and mostly there anew.
    fn insert_signed(&mut self, kind: Kind, given: &[(u8, u8, i64)]) -> Option<String> {
        let mut values = Vec::new();
        for (k, _, v) in given {
            let p = k % 3;
            if kind == Kind::Collapsing && self.detached.iter().any(|row| row.p == p) {
                continue;
            }
            let x = self.column.map(|_| v * 3);
            let last = self.t.iter().rfind(|row| row.k == *k).filter(|row| 0 < row.sign).cloned();
            let takes = last.is_some();
            if let Some(last) = last {
                values.push(format!("({k}, {}, {}, {}, -1)", last.p, last.v, last.ver));
                self.t.push(Row { sign: -1, born: last.v, x: self.column.map(|_| last.v * 3), ..last });
            }
            if !takes || v % 5 != 0 {
                self.last_ver += 1;
                values.push(format!("({k}, {p}, {v}, {}, 1)", self.last_ver));
                self.t.push(Row { k: *k, p, v: *v, born: *v, ver: self.last_ver, x, sign: 1 });
            }
        }
        (!values.is_empty()).then(|| format!("INSERT INTO t (k, p, v, ver, sign) VALUES {}", values.join(", ")))
    }

    fn each_x(&mut self, x: impl Fn(&Row) -> Option<i64>) {
        self.t.iter_mut().chain(&mut self.detached).for_each(|row| row.x = x(row));
    }
}

/// What the column that comes and goes has by itself. It is made of what no update changes: whether it follows what it is
/// made of depends on whether its part was merged since it came.
fn default_x(ver: u64) -> i64 {
    3 * i64::try_from(ver).expect("a history is short")
}

struct World {
    machine: Machine,
    engine: Engine,
    session: Session,
}

impl World {
    async fn open(machine: Machine) -> World {
        let config = EngineConfig { drop_delay: DROP_DELAY, ..config() };
        let engine = Engine::open(machine.env(), Path::new("/db"), config).await.unwrap();
        let session = engine.session(&Credentials::default()).unwrap();
        World { machine, engine, session }
    }

    async fn restart(self) -> World {
        self.engine.close().await.unwrap();
        drop((self.session, self.engine));
        World::open(self.machine).await
    }
}

async fn history(kind: Kind, ops: Vec<Op>) {
    let mut world = World::open(Machine::new(7, 1_763_000_000_000_000_000)).await;
    for name in ["t", "u"] {
        done(&mut world.session, &kind.create(name)).await;
    }
    let mut model = Model::default();
    for op in &ops {
        if let Some(statement) = model.step(kind, op) {
            done(&mut world.session, &statement).await;
        }
        match op {
            Op::Checkpoint => world.engine.inner.store.checkpoint().await.unwrap(),
            Op::Restart => world = world.restart().await,
            Op::DetachTable => done(&mut world.session, "ATTACH TABLE t").await,
            Op::DropTable => {
                world = world.restart().await;
                done(&mut world.session, "UNDROP TABLE t").await;
            }
            _ => {}
        }
        let found = rows(&mut world.session, &kind.query(model.column)).await;
        assert_eq!(found, kind.expected(&model.t), "{kind:?} after {op:?} of {ops:?}");
    }
    if kind.is_ordered() {
        done(&mut world.session, "OPTIMIZE TABLE t FINAL").await;
        let merged = rows(&mut world.session, &kind.query(None).replace(" FINAL", "")).await;
        assert_eq!(merged, kind.expected(&model.t), "{kind:?} merged after {ops:?}");
    }
    world.engine.close().await.unwrap();
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        2 => Just(Kind::Plain),
        1 => Just(Kind::Replacing),
        1 => Just(Kind::Deleted),
        1 => Just(Kind::Versioned),
        1 => Just(Kind::Versions),
        2 => Just(Kind::Collapsing),
        2 => Just(Kind::Coalescing),
        1 => Just(Kind::Summing),
        1 => Just(Kind::Max),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_what_its_model_is(
        kind in kind(),
        ops in prop::collection::vec(op(), 1..40),
    ) {
        run(history(kind, ops));
    }
}
