//! Stored tables as leaves: pruning, FINAL, shares, overrides, columns added later.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, UInt64Array};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlanBuilder, col, lit};
use parts::{MergeMode, PartSchema, SortColumn, StagedPart};
use store::{Commit, DatabaseDef, Edit, NewPart, Readiness, Snapshot, TableDef, TableKind, Visibility};
use types::{Block, Column, DataType, DatabaseId, Header, TableId};

use super::{bound, context, numbers};
use crate::QueryContext;
use crate::compile::{Compiled, compile};
use crate::scan::{StoredTable, TableOptions, table_source};
use crate::table_functions::Numbers;

const TABLE: TableId = TableId(7);

fn header() -> Header {
    Header::new(vec![
        Column::new("id", DataType::UInt64),
        Column::new("version", DataType::UInt64),
        Column::new("name", DataType::String),
    ])
}

fn schema(merge_mode: MergeMode) -> Arc<PartSchema> {
    let schema = PartSchema {
        header: header(),
        sort_key: vec![SortColumn::ascending(0)],
        primary_key_len: 1,
        partition_key: Vec::new(),
        merge_mode,
        index_granularity: 4,
        min_max: vec![1],
    };
    Arc::new(schema.checked().unwrap())
}

fn replacing() -> MergeMode {
    MergeMode::Replacing { version: Some(1), is_deleted: None }
}

pub(crate) fn rows(rows: &[(u64, u64, &str)]) -> Block {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(BinaryArray::from_iter_values(rows.iter().map(|row| row.2))),
    ];
    Block::new(header(), arrays).unwrap()
}

fn table(schema: &Arc<PartSchema>) -> TableDef {
    TableDef {
        id: TABLE,
        database: "d".into(),
        name: "t".into(),
        uuid: 1,
        version: 0,
        sql: "CREATE TABLE d.t (id UInt64, version UInt64, name String DEFAULT concat('n', toString(id))) \
              ENGINE = MergeTree ORDER BY id"
            .into(),
        engine: "MergeTree".into(),
        kind: TableKind::MergeTree,
        columns: header(),
        schema: Some(schema.clone()),
        view: None,
        visibility: Visibility::Listed,
        readiness: Readiness::Ready,
        comment: "".into(),
        created_ns: 0,
    }
}

/// The table with columns added after its others, as ALTER TABLE would do it.
pub(crate) fn with_columns(def: &TableDef, added: &str) -> TableDef {
    let more = crate::table_functions::parse_structure("extra String, more UInt8").unwrap();
    let header = Header::new([def.columns.columns(), more.columns()].concat());
    let schema = PartSchema { header: header.clone(), ..(**def.schema.as_ref().unwrap()).clone() };
    let sql = def.sql.replace(") ENGINE", &format!(", {added}) ENGINE")).into();
    TableDef { sql, columns: header, schema: Some(Arc::new(schema.checked().unwrap())), ..def.clone() }
}

/// A database `d` with a table `t` of these parts.
pub(crate) fn snapshot(merge_mode: MergeMode, parts: &[&[(u64, u64, &str)]]) -> Arc<Snapshot> {
    let schema = schema(merge_mode);
    let database = DatabaseDef {
        id: DatabaseId(1),
        name: "d".into(),
        engine: "Atomic".into(),
        uuid: 2,
        comment: "".into(),
        created_ns: 0,
    };
    let create = [Edit::CreateDatabase(Arc::new(database)), Edit::CreateTable(Arc::new(table(&schema)))];
    let mut snapshot = Snapshot::default().apply(&Commit::of(create.to_vec())).unwrap().snapshot;
    for part in parts {
        let version = snapshot.catalog.table_by_id(TABLE).unwrap().version;
        let staged = StagedPart::in_memory(&schema, &parts::Derived::default(), rows(part)).unwrap();
        let insert = Edit::Insert { table: TABLE, version, parts: vec![NewPart::inline(staged).unwrap()] };
        snapshot = snapshot.apply(&Commit::of(vec![insert])).unwrap().snapshot;
    }
    Arc::new(snapshot)
}

fn query(snapshot: &Arc<Snapshot>) -> QueryContext {
    context(&[]).with_snapshot(snapshot.clone())
}

fn leaf(ctx: &QueryContext, is_final: bool, prewhere: Option<&Expr>) -> LogicalPlanBuilder {
    let def = ctx.snapshot.catalog.table("d", "t").unwrap();
    let source =
        StoredTable::new(def, &ctx.snapshot, &TableOptions { is_final, prewhere, ..TableOptions::default() }).unwrap();
    LogicalPlanBuilder::scan("t", table_source(Arc::new(source)), None).unwrap()
}

async fn run(plan: LogicalPlanBuilder, header: Header, ctx: &QueryContext) -> (Vec<Block>, u64) {
    let plan = plan.build().unwrap();
    let ctx = Arc::new(QueryContext { counters: Arc::new(crate::Counters::new(1)), ..ctx.clone() });
    let compiled = compile(&bound(&plan, header.clone()), &ctx).await.unwrap();
    let blocks = compiled.collect(&ctx).await.unwrap();
    (blocks, ctx.counters.progress().read_rows)
}

async fn ids(plan: LogicalPlanBuilder, ctx: &QueryContext) -> (Vec<u64>, u64) {
    let header = Header::new(vec![Column::new("id", DataType::UInt64)]);
    let (blocks, read) = run(plan.project(vec![col("t.id")]).unwrap(), header, ctx).await;
    (numbers(&blocks), read)
}

fn twelve() -> Vec<(u64, u64, &'static str)> {
    (0..12).map(|id| (id, id / 6, "x")).collect()
}

#[tokio::test]
async fn a_condition_on_the_key_reads_the_granules_that_can_hold_it() {
    let ctx = query(&snapshot(MergeMode::Plain, &[&twelve()]));
    let plan = leaf(&ctx, false, None).filter(col("t.id").eq(lit(5_u64))).unwrap();
    assert_eq!(ids(plan, &ctx).await, (vec![5], 4));
    let plan = leaf(&ctx, false, None).filter(col("t.id").in_list(vec![lit(1_u64), lit(11_u64)], false)).unwrap();
    assert_eq!(ids(plan, &ctx).await, (vec![1, 11], 8));
}

#[tokio::test]
async fn smallest_and_largest_values_leave_out_whole_parts() {
    let ctx = query(&snapshot(MergeMode::Plain, &[&[(1, 10, "a"), (2, 11, "b")], &[(3, 20, "c")]]));
    let plan = leaf(&ctx, false, None).filter(col("t.version").gt(lit(15_u64))).unwrap();
    assert_eq!(ids(plan, &ctx).await, (vec![3], 1));
}

#[tokio::test]
async fn final_merges_parts_before_the_filter_decides() {
    let ctx = query(&snapshot(replacing(), &[&[(1, 1, "old"), (2, 1, "kept")], &[(1, 2, "new")]]));
    let name = |text: &str| lit(datafusion::common::ScalarValue::Binary(Some(text.as_bytes().to_vec())));
    assert_eq!(ids(leaf(&ctx, false, None), &ctx).await.0, [1, 2, 1]);
    assert_eq!(ids(leaf(&ctx, true, None), &ctx).await.0, [1, 2]);
    // The row that is filtered by is the one that won, so "old" is not found.
    let plan = leaf(&ctx, true, None).filter(col("t.name").eq(name("old"))).unwrap();
    assert_eq!(ids(plan, &ctx).await.0, [0_u64; 0]);
    // The version must not leave parts out either.
    let plan = leaf(&ctx, true, None).filter(col("t.version").lt(lit(2_u64))).unwrap();
    assert_eq!(ids(plan, &ctx).await.0, [2]);
    // PREWHERE drops rows before they meet.
    let prewhere = col("name").not_eq(name("new"));
    let plan = leaf(&ctx, true, Some(&prewhere)).filter(col("t.name").eq(name("old"))).unwrap();
    assert_eq!(ids(plan, &ctx).await.0, [1]);
}

#[tokio::test]
async fn a_block_that_stands_for_the_table_is_read_instead_of_it() {
    let ctx =
        query(&snapshot(MergeMode::Plain, &[&[(1, 1, "a")]])).with_override(TABLE, rows(&[(8, 1, "x"), (9, 1, "y")]));
    let plan = leaf(&ctx, false, None).filter(col("t.id").gt(lit(8_u64))).unwrap();
    assert_eq!(ids(plan, &ctx).await.0, [9]);
}

#[tokio::test]
async fn a_plan_over_another_definition_is_refused_at_its_next_run() {
    let old = query(&snapshot(MergeMode::Plain, &[&[(1, 1, "a")]]));
    let plan = leaf(&old, false, None).build().unwrap();
    let def = old.snapshot.catalog.table_by_id(TABLE).unwrap();
    let virtuals = crate::scan::Virtual::of(def).into_iter().map(|(_, column)| column);
    let header = Header::new(header().columns().iter().cloned().chain(virtuals).collect::<Vec<_>>());
    let compiled = compile(&bound(&plan, header.clone()), &old).await.unwrap();
    let altered = {
        let def = old.snapshot.catalog.table_by_id(TABLE).unwrap();
        let def = TableDef { comment: "other".into(), ..(**def).clone() };
        old.snapshot.apply(&Commit::of(vec![Edit::AlterTable(Arc::new(def))])).unwrap().snapshot
    };
    let new = Arc::new(query(&Arc::new(altered)));
    assert_eq!(compiled.collect(&new).await.unwrap_err().code().0, 236);
}

/// The leaves of a plan that joins, the one that is held in memory first.
async fn sides(plan: &Compiled, ctx: &QueryContext) -> Vec<String> {
    let lines = plan.explain(&Arc::new(ctx.clone())).await.unwrap();
    let leaf = |line: &String| {
        line.trim_start().strip_prefix("ScanExec: ").and_then(|rest| rest.split(',').next()).map(str::to_owned)
    };
    lines.iter().filter_map(leaf).collect()
}

#[tokio::test]
async fn a_join_holds_its_smaller_side_and_is_planned_again_when_that_is_another() {
    let many: Vec<(u64, u64, &str)> = (0..200_000).map(|id| (id, 0, "x")).collect();
    let small = query(&snapshot(MergeMode::Plain, &[&[(1, 1, "a"), (2, 1, "b")]]));
    let large = query(&snapshot(MergeMode::Plain, &[&many]));
    let thousand = table_source(Arc::new(Numbers::new("numbers", 0, 1_000, 1)));
    let thousand = LogicalPlanBuilder::scan("n", thousand, None).unwrap().build().unwrap();
    let on = (vec!["t.id"], vec!["n.number"]);
    let plan = leaf(&small, false, None).join(thousand, JoinType::Inner, on, None).unwrap();
    let plan = plan.project(vec![col("t.id")]).unwrap().build().unwrap();
    let header = Header::new(vec![Column::new("id", DataType::UInt64)]);
    let compiled = compile(&bound(&plan, header), &small).await.unwrap();
    assert_eq!(sides(&compiled, &small).await, ["d.t", "numbers"]);
    assert_eq!(numbers(&compiled.collect(&Arc::new(small.clone())).await.unwrap()), [1, 2]);

    assert_eq!(sides(&compiled, &large).await, ["numbers", "d.t"], "the table grew");
    assert_eq!(numbers(&compiled.collect(&Arc::new(large)).await.unwrap()), (0..1_000).collect::<Vec<u64>>());
    assert_eq!(sides(&compiled, &small).await, ["d.t", "numbers"], "and is small again");
    let block = small.with_override(TABLE, rows(&[(7, 1, "x")]));
    assert_eq!(sides(&compiled, &block).await, ["d.t", "numbers"], "a block in its place is small, too");
}

#[tokio::test]
async fn large_tables_are_read_in_shares_that_together_are_everything() {
    let all: Vec<(u64, u64, &str)> = (0..140_000).map(|id| (id, 0, "x")).collect();
    let (one, two) = all.split_at(99_999);
    let mut ctx = query(&snapshot(MergeMode::Plain, &[one, two]));
    let mut config = ctx.runtime.config.clone();
    config.threads = 3;
    let parts = crate::RuntimeParts { env: ctx.runtime.env.clone(), system: ctx.runtime.system.clone() };
    ctx.runtime = crate::Runtime::new(config, parts).unwrap();
    let (mut found, read) = ids(leaf(&ctx, false, None), &ctx).await;
    found.sort_unstable();
    assert_eq!(found, (0..140_000).collect::<Vec<u64>>());
    assert_eq!(read, 140_000);
}
