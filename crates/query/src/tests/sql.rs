//! Statements from text to rows.

use std::sync::Arc;

use parts::MergeMode;
use types::Block;
use types::text::{Quoting, Zone, write_cell};

use super::context;
use super::tables::snapshot;
use crate::{Error, QueryContext, Result, select};

/// Rows as TabSeparated prints them, one string a row.
pub(super) fn lines(blocks: &[Block]) -> Vec<String> {
    let mut lines = Vec::new();
    for block in blocks {
        for row in 0..block.rows() {
            let mut cells = Vec::new();
            for (column, array) in block.header().columns().iter().zip(block.arrays()) {
                let mut text = Vec::new();
                write_cell(&mut text, &column.ty, array.as_ref(), row, Quoting::Escaped, Zone::default());
                cells.push(String::from_utf8_lossy(&text).into_owned());
            }
            lines.push(cells.join("\t"));
        }
    }
    lines
}

async fn run_in(sql: &str, ctx: &Arc<QueryContext>) -> Result<Vec<String>> {
    let statement = sql::parse_statement(sql)?;
    let sql::ast::StatementKind::Query(query) = &statement.kind else { panic!("no query: {sql}") };
    Ok(lines(&select(query, ctx).await?.collect().await?))
}

async fn run(sql: &str) -> Vec<String> {
    run_in(sql, &tables()).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn fails(sql: &str) -> Error {
    run_in(sql, &tables()).await.expect_err(sql)
}

/// A query over the table `d.t` of two parts.
fn tables() -> Arc<QueryContext> {
    let snapshot = snapshot(MergeMode::Plain, &[&[(1, 10, "a"), (2, 11, "b")], &[(3, 20, "c")]]);
    Arc::new(context(&[]).with_snapshot(snapshot).with_database("d"))
}

#[tokio::test]
async fn tables_and_table_functions_are_read() {
    assert_eq!(run("SELECT id, name FROM t ORDER BY id DESC LIMIT 2").await, ["3\tc", "2\tb"]);
    assert_eq!(run("SELECT sum(number), count() FROM numbers(10)").await, ["45\t10"]);
    assert_eq!(run("SELECT * FROM numbers(10, 5, 2)").await, ["10", "12", "14"]);
    assert_eq!(run("SELECT * FROM generateSeries(1, 7, 3)").await, ["1", "4", "7"]);
    assert_eq!(run("SELECT * FROM values('a UInt16', 1, 300)").await, ["1", "300"]);
    assert_eq!(run("SELECT * FROM values('x', 'y')").await, ["x", "y"]);
    assert_eq!(run("SELECT count() FROM null('a UInt8')").await, ["0"]);
    assert_eq!(run("SELECT * FROM format(CSV, 'a UInt8, b String', '1,x\n2,y\n')").await, ["1\tx", "2\ty"]);
    assert_eq!(run("SELECT number FROM system.numbers WHERE number < 3").await, ["0", "1", "2"]);
    assert_eq!(run("SELECT number FROM system.numbers LIMIT 3").await, ["0", "1", "2"]);
    assert_eq!(run("SELECT sum(zero) FROM zeros(5)").await, ["0"]);
    assert_eq!(run("SELECT 1, NULL").await, ["1\t\\N"]);
}

#[tokio::test]
async fn joins_groups_and_subqueries_run() {
    let join =
        "SELECT t.name, n.number FROM t JOIN (SELECT number FROM numbers(3)) AS n ON t.id = n.number ORDER BY t.id";
    assert_eq!(run(join).await, ["a\t1", "b\t2"]);
    assert_eq!(run("SELECT id > 1 AS b, sum(version) FROM t GROUP BY b ORDER BY b").await, ["0\t10", "1\t31"]);
    assert_eq!(run("SELECT id FROM t WHERE id IN (SELECT number FROM numbers(2, 5)) ORDER BY id").await, ["2", "3"]);
    assert_eq!(run("SELECT id, (SELECT max(version) FROM t) FROM t WHERE id = 1").await, ["1\t20"]);
}

#[tokio::test]
async fn virtual_columns_say_where_a_row_is() {
    let rows = run("SELECT id, _part, _table, _database FROM t ORDER BY id").await;
    assert_eq!(rows, ["1\tall_1_1_0\tt\td", "2\tall_1_1_0\tt\td", "3\tall_2_2_0\tt\td"]);
    assert_eq!(run("SELECT * FROM t WHERE id = 3").await, ["3\t20\tc"]);
}

#[tokio::test]
async fn system_tables_show_the_snapshot() {
    let tables = "SELECT name, engine, total_rows, sorting_key, primary_key FROM system.tables WHERE database = 'd'";
    assert_eq!(run(tables).await, ["t\tMergeTree\t3\tid\tid"]);
    let engine = "SELECT engine_full FROM system.tables WHERE database = currentDatabase()";
    assert_eq!(run(engine).await, ["MergeTree ORDER BY id"]);
    let columns = "SELECT name, type, default_kind, default_expression, is_in_primary_key FROM system.columns \
                   WHERE database = 'd' ORDER BY position";
    let expected =
        ["id\tUInt64\t\t\t1", "version\tUInt64\t\t\t0", "name\tString\tDEFAULT\tconcat(\\'n\\', toString(id))\t0"];
    assert_eq!(run(columns).await, expected);
    let parts = "SELECT partition, name, rows FROM system.parts WHERE table = 't' AND active ORDER BY name";
    assert_eq!(run(parts).await, ["tuple()\tall_1_1_0\t2", "tuple()\tall_2_2_0\t1"]);
    assert_eq!(run("SELECT name FROM system.databases ORDER BY name").await.len(), 4);
    assert_eq!(run("SELECT table_name FROM INFORMATION_SCHEMA.TABLES WHERE table_schema = 'd'").await, ["t"]);
    assert_eq!(run("SELECT value FROM system.settings WHERE name = 'join_use_nulls'").await, ["0"]);
    assert_eq!(run("SELECT name FROM system.functions WHERE name IN ('sum', 'toString') ORDER BY name").await.len(), 2);
    assert_eq!(run("SELECT dummy FROM system.one").await, ["0"]);
}

/// Every system table can be read whole, whatever is in it.
#[tokio::test]
async fn every_system_table_can_be_read() {
    let ctx = tables();
    let names: Vec<_> = ctx.runtime.system.iter().map(|table| (table.database(), table.name())).collect();
    for (database, name) in names {
        let sql = format!("SELECT * FROM {database}.{name} LIMIT 3");
        run_in(&sql, &ctx).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    for (sql, code) in [
        ("SELECT * FROM nothing", 60),
        ("SELECT * FROM no.t", 81),
        ("SELECT * FROM nonsense(1)", 46),
        ("SELECT * FROM url('http://10.1.2.3/x', CSV, 'a UInt8')", 491),
        ("SELECT * FROM mysql('10.1.2.3', 'd', 't', 'u', 'p')", 491),
        ("SELECT * FROM input('a UInt8')", 48),
        ("SELECT * FROM numbers(-1)", 43),
        ("SELECT * FROM numbers(1, 2, 3, 4)", 42),
        ("SELECT * FROM numbers(1, 2, 0)", 36),
        ("SELECT * FROM format(Nonsense, 'a UInt8', '1')", 73),
        ("SELECT toUInt8(name) FROM t", 6),
        ("SELECT nothing FROM t", 47),
    ] {
        let error = fails(sql).await;
        assert_eq!(error.code().0, code, "{sql}: {error}");
        assert!(!error.to_string().contains("DataFusion"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn the_plan_cache_gives_the_same_rows_over_another_snapshot() {
    let ctx = tables();
    let sql = "SELECT count(), max(id) FROM t WHERE id > 1";
    assert_eq!(run_in(sql, &ctx).await.unwrap(), ["2\t3"]);
    assert_eq!(ctx.runtime.plans.len(), 1);
    let more = Arc::new(ctx.with_snapshot(Arc::new((*ctx.snapshot).clone())));
    assert_eq!(run_in(sql, &more).await.unwrap(), ["2\t3"]);
    assert_eq!(ctx.runtime.plans.len(), 1);
}

#[tokio::test]
async fn explain_shows_hash_join_pushed_filter_and_pruned_granules() {
    let ctx = tables();
    let sql = "EXPLAIN SELECT a.name, count() FROM t AS a JOIN t AS b ON a.id = b.id WHERE a.id = 3 GROUP BY a.name";
    let statement = sql::parse_statement(sql).unwrap();
    let sql::ast::StatementKind::Explain(explain) = &statement.kind else { panic!("no EXPLAIN") };
    let text = lines(&[crate::explain::explain(explain, &ctx).await.unwrap()]).join("\n");
    assert!(text.contains("HashJoinExec: mode=CollectLeft, join_type=Inner"), "{text}");
    assert!(text.contains("prune=[id = 3], parts=1/2, granules=1/2"), "{text}");
}

#[tokio::test]
async fn an_inserted_block_is_read_at_every_place_that_names_the_table() {
    let ctx = tables();
    let table = ctx.snapshot.catalog.table("d", "t").unwrap();
    let block = super::tables::rows(&[(8, 1, "x"), (9, 2, "y")]);
    let ctx = Arc::new(ctx.with_override(table.id, block));
    let join = "SELECT a.id, b.name, (SELECT count() FROM t) FROM t AS a JOIN t AS b ON a.id = b.id ORDER BY a.id";
    assert_eq!(run_in(join, &ctx).await.unwrap(), ["8\tx\t2", "9\ty\t2"]);
    let within = "SELECT id FROM t WHERE id IN (SELECT id FROM t WHERE version > 1)";
    assert_eq!(run_in(within, &ctx).await.unwrap(), ["9"]);
}

#[tokio::test]
async fn columns_that_parts_do_not_have_come_from_their_default() {
    let ctx = tables();
    let table = ctx.snapshot.catalog.table("d", "t").unwrap();
    let added = super::tables::with_columns(table, "extra String DEFAULT name, more UInt8");
    let snapshot =
        ctx.snapshot.apply(&store::Commit::of(vec![store::Edit::AlterTable(Arc::new(added))])).unwrap().snapshot;
    let ctx = Arc::new(ctx.with_snapshot(Arc::new(snapshot)));
    assert_eq!(run_in("SELECT extra, more FROM t ORDER BY id LIMIT 2", &ctx).await.unwrap(), ["a\t0", "b\t0"]);
    assert_eq!(run_in("SELECT id FROM t WHERE extra = 'c'", &ctx).await.unwrap(), ["3"]);
}

#[tokio::test]
async fn files_are_read_inside_their_folder_only() {
    let machine = env::simulated::Machine::new(1, 0);
    env::Disk::create_dir(&*machine.disk, std::path::Path::new("/files")).await.unwrap();
    machine.disk.plant(std::path::Path::new("/files/one.csv"), b"1,a\n2,b\n");
    machine.disk.plant(std::path::Path::new("/files/two.csv"), b"3,c\n");
    let config = crate::RuntimeConfig { user_files: Some("/files".into()), ..crate::RuntimeConfig::default() };
    let parts = crate::RuntimeParts { env: machine.env(), system: crate::SystemTables::standard() };
    let mut ctx = context(&[]);
    ctx.runtime = crate::Runtime::new(config, parts).unwrap();
    let ctx = Arc::new(ctx);
    let file = |path: &str| format!("SELECT * FROM file('{path}', 'CSV', 'id UInt8, name String') ORDER BY id");
    assert_eq!(run_in(&file("one.csv"), &ctx).await.unwrap(), ["1\ta", "2\tb"]);
    assert_eq!(run_in(&file("*.csv"), &ctx).await.unwrap(), ["1\ta", "2\tb", "3\tc"]);
    assert_eq!(run_in(&file("../one.csv"), &ctx).await.unwrap_err().code().0, 497);
    assert_eq!(run_in(&file("none.csv"), &ctx).await.unwrap_err().code().0, 107);
}

/// The tables of [`tables`] with a view of that definition beside them.
fn with_view(sql: &str, view: store::ViewDef) -> Arc<QueryContext> {
    let ctx = tables();
    let table = ctx.snapshot.catalog.table("d", "t").unwrap();
    let view = store::TableDef {
        id: types::TableId(9),
        name: "v".into(),
        sql: sql.into(),
        kind: store::TableKind::View,
        columns: table.columns.project(&[0, 2]),
        schema: None,
        view: Some(view),
        ..(**table).clone()
    };
    let create = store::Commit::of(vec![store::Edit::CreateTable(Arc::new(view))]);
    let snapshot = ctx.snapshot.apply(&create).unwrap().snapshot;
    Arc::new(ctx.with_snapshot(Arc::new(snapshot)))
}

#[tokio::test]
async fn a_plain_view_runs_its_query() {
    let ctx = with_view("CREATE VIEW d.v AS SELECT id, name FROM t WHERE id > 1", store::ViewDef::Plain);
    assert_eq!(run_in("SELECT name FROM v ORDER BY id", &ctx).await.unwrap(), ["b", "c"]);
    assert_eq!(run_in("SELECT count() FROM d.v", &ctx).await.unwrap(), ["2"]);
}

#[tokio::test]
async fn a_materialized_view_is_read_as_its_table_and_its_plan_depends_on_both() {
    let names = |name: &str| store::QualifiedName::new("d", name);
    let view =
        store::ViewDef::Incremental { source: names("s"), target: store::Target::Named(names("t")), errors: None };
    let ctx = with_view("CREATE MATERIALIZED VIEW d.v TO d.t AS SELECT id FROM d.s", view);
    assert_eq!(run_in("SELECT count() FROM v", &ctx).await.unwrap(), ["3"]);
    let dropped = store::Commit::of(vec![store::Edit::DropTable { table: types::TableId(9) }]);
    let snapshot = ctx.snapshot.apply(&dropped).unwrap().snapshot;
    let ctx = Arc::new(ctx.with_snapshot(Arc::new(snapshot)));
    assert_eq!(run_in("SELECT count() FROM v", &ctx).await.unwrap_err().code().0, 60);
}

#[tokio::test]
async fn final_without_columns_still_counts() {
    let mode = MergeMode::Replacing { version: Some(1), is_deleted: None };
    let snapshot = snapshot(mode, &[&[(1, 1, "old"), (2, 1, "kept")], &[(1, 2, "new")]]);
    let ctx = Arc::new(context(&[]).with_snapshot(snapshot).with_database("d"));
    assert_eq!(run_in("SELECT count() FROM t FINAL", &ctx).await.unwrap(), ["2"]);
    assert_eq!(run_in("SELECT count() FROM t", &ctx).await.unwrap(), ["3"]);
    let prewhere = "SELECT name FROM t FINAL PREWHERE name != 'new' WHERE id = 1";
    assert_eq!(run_in(prewhere, &ctx).await.unwrap(), ["old"]);
}
