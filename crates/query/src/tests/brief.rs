//! A brief plan gives what a full one gives.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use parts::MergeMode;

use super::context;
use super::sql::lines;
use super::tables::snapshot;
use crate::bind::Bound;
use crate::compile::plan_physical;
use crate::run::Started;
use crate::{BlockStream, QueryContext, brief, session};

async fn rows_of(plan: Arc<dyn ExecutionPlan>, bound: &Bound, ctx: &Arc<QueryContext>) -> Vec<String> {
    let started = Started::new(plan, session::task(ctx), ctx).unwrap();
    let mut rows = lines(&BlockStream::new(bound.header.clone(), started, ctx.clone()).collect().await.unwrap());
    rows.sort();
    rows
}

fn bound(sql: &str, ctx: &QueryContext) -> Bound {
    let statement = sql::parse_statement(sql).unwrap();
    let sql::ast::StatementKind::Query(query) = &statement.kind else { panic!("no query: {sql}") };
    crate::prepare::bind(query, ctx).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Four parts of a table whose rows overlap.
fn ctx() -> Arc<QueryContext> {
    let names = ["a", "b", "c", "d", "e"];
    let row = |part: u64, id: u64| (id, part * 7 + id % 4, names[((id + part) % 5) as usize]);
    let parts: Vec<Vec<_>> = (0..4).map(|part| (part * 3..part * 3 + 9).map(|id| row(part, id)).collect()).collect();
    let parts: Vec<&[(u64, u64, &str)]> = parts.iter().map(Vec::as_slice).collect();
    let replacing = MergeMode::Replacing { version: Some(1), is_deleted: None };
    Arc::new(context(&[]).with_snapshot(snapshot(replacing, &parts)).with_database("d"))
}

#[tokio::test]
async fn brief_plans_give_the_rows_of_full_ones() {
    let ctx = ctx();
    for sql in [
        "SELECT id, name FROM t",
        "SELECT name FROM t WHERE id = 3",
        "SELECT id + 1 AS next, upper(name) FROM t WHERE next > 4 AND name != 'b'",
        "SELECT * FROM t FINAL WHERE version > 10",
        "SELECT * FROM t FINAL PREWHERE version > 10 WHERE id < 9",
        "SELECT count(), sum(version) FROM t",
        "SELECT count() FROM t WHERE id > 100",
        "SELECT name, count(), avg(version) FROM t GROUP BY name",
        "SELECT id % 3 AS k, groupArraySorted(3)(version), uniqExact(name) FROM t GROUP BY k HAVING count() > 2",
        "SELECT name, max(version) AS m FROM t WHERE id >= 2 GROUP BY name ORDER BY m DESC LIMIT 2",
        "SELECT id FROM t ORDER BY version DESC LIMIT 3 OFFSET 2",
        "SELECT k, sum(n) FROM (SELECT id AS k, count() AS n FROM t GROUP BY id, name) GROUP BY k",
        "SELECT if(id = 0, 0, intDiv(version, id)) AS q FROM t WHERE id != 0 AND intDiv(10, id) > 1",
        "SELECT name FROM t WHERE version >= toUInt64(now()) - toUInt64(now()) + 20",
        "SELECT arraySum(arrayMap(x -> x * id, [1, 2])) FROM t WHERE has(['a', 'c'], name)",
        "SELECT 1 FROM t WHERE 0",
        "SELECT sum(number) FROM numbers(10) WHERE number % 3 = 1",
    ] {
        let bound = bound(sql, &ctx);
        let short =
            brief::plan(&bound.plan, &ctx).await.unwrap().unwrap_or_else(|| panic!("not planned briefly: {sql}"));
        let full = plan_physical(&bound.plan, session::state(&ctx), &ctx).await.unwrap();
        assert_eq!(rows_of(short, &bound, &ctx).await, rows_of(full, &bound, &ctx).await, "{sql}");
    }
}

#[tokio::test]
async fn what_is_more_than_a_chain_over_one_table_is_planned_whole() {
    let ctx = ctx();
    for sql in [
        "SELECT * FROM t AS a JOIN t AS b ON a.id = b.id",
        "SELECT id FROM t UNION ALL SELECT id FROM t",
        "SELECT id, row_number() OVER (ORDER BY id) FROM t",
        "SELECT id FROM t WHERE version = (SELECT max(version) FROM t)",
        "SELECT name, count() FROM t GROUP BY name WITH ROLLUP",
        "SELECT sum(number) FROM numbers(1000000)",
        "SELECT number FROM system.numbers LIMIT 3",
    ] {
        assert!(brief::plan(&bound(sql, &ctx).plan, &ctx).await.unwrap().is_none(), "{sql}");
    }
}
