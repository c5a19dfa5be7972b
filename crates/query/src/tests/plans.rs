//! The shapes of plans: joins, pushed filters and pruned granules.

use std::sync::Arc;

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use futures::StreamExt;
use types::{Column, DataType, Header};

use super::{bound, context, numbers};
use crate::compile::{Compiled, compile};
use crate::scan::table_source;
use crate::table_functions::Numbers;
use crate::{Error, QueryContext};

fn number_header() -> Header {
    Header::new(vec![Column::new("number", DataType::UInt64)])
}

fn scan(source: Numbers) -> LogicalPlanBuilder {
    LogicalPlanBuilder::scan("t", table_source(Arc::new(source)), None).unwrap()
}

async fn compiled(plan: &LogicalPlan, ctx: &QueryContext) -> Compiled {
    compile(&bound(plan, number_header()), ctx).await.unwrap()
}

#[tokio::test]
async fn filters_reach_the_leaf_and_the_plan_runs_again() {
    let plan = scan(Numbers::endless("system.numbers")).filter(col("number").lt(lit(5_u64))).unwrap().build().unwrap();
    let ctx = context(&[]);
    let compiled = compiled(&plan, &ctx).await;
    let text = compiled.explain(&Arc::new(ctx)).await.unwrap().join("\n");
    assert!(text.contains("prune=[number < 5]"), "{text}");
    for _ in 0..2 {
        let ctx = Arc::new(context(&[]));
        assert_eq!(numbers(&compiled.collect(&ctx).await.unwrap()), [0, 1, 2, 3, 4]);
        assert_eq!(ctx.counters.progress().read_rows, 5);
    }
}

#[tokio::test]
async fn a_limit_ends_a_source_without_end() {
    let plan = scan(Numbers::endless("system.numbers")).limit(2, Some(3)).unwrap().build().unwrap();
    let ctx = Arc::new(context(&[]));
    assert_eq!(numbers(&compiled(&plan, &ctx).await.collect(&ctx).await.unwrap()), [2, 3, 4]);
}

#[tokio::test]
async fn a_cancelled_query_says_so() {
    let plan = scan(Numbers::endless("system.numbers")).build().unwrap();
    let ctx = Arc::new(context(&[]));
    let mut stream = compiled(&plan, &ctx).await.run(&ctx).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    ctx.cancel.cancel();
    assert!(matches!(stream.next().await, Some(Err(Error::Cancelled))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn limits_on_rows_have_clickhouses_codes() {
    let plan = scan(Numbers::new("numbers", 0, 100_000, 1)).build().unwrap();
    for (setting, code) in [("max_rows_to_read", 158), ("max_result_rows", 396)] {
        let ctx = Arc::new(context(&[(setting, "70000")]));
        let error = compiled(&plan, &ctx).await.collect(&ctx).await.unwrap_err();
        assert_eq!(error.code().0, code, "{setting}");
    }
    let ctx = Arc::new(context(&[("max_result_rows", "10"), ("result_overflow_mode", "break")]));
    let rows: usize = compiled(&plan, &ctx).await.collect(&ctx).await.unwrap().iter().map(|b| b.rows()).sum();
    assert!((10..100_000).contains(&rows));
}

#[tokio::test]
async fn an_aggregation_over_its_memory_is_code_241() {
    use datafusion::functions_aggregate::expr_fn::count;
    let rows = scan(Numbers::new("numbers", 0, 1_000_000, 1));
    let plan = rows.aggregate(vec![col("number")], vec![count(lit(1_i64))]).unwrap();
    let plan = plan.project(vec![col("number")]).unwrap().build().unwrap();
    let ctx = Arc::new(context(&[("max_memory_usage", "1000000")]));
    let error = compiled(&plan, &ctx).await.collect(&ctx).await.unwrap_err();
    assert_eq!(error.code().0, 241, "{error}");
}
