//! Aggregates through DataFusion: types, states and combinators.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, RecordBatch, UInt64Array};
use arrow::datatypes::{Float64Type, Schema, UInt64Type};
use datafusion::datasource::MemTable;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::SessionContext;

use super::*;

fn table() -> (SessionContext, datafusion::prelude::DataFrame) {
    let schema =
        Arc::new(Schema::new(vec![Field::new("k", ArrowType::UInt64, true), Field::new("v", ArrowType::UInt64, true)]));
    let k: ArrayRef = Arc::new(UInt64Array::from_iter_values((0..1000u64).map(|i| i % 3)));
    let v: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..1000u64));
    let batch = RecordBatch::try_new(schema.clone(), vec![k, v]).unwrap();
    let batches: Vec<_> = (0..4).map(|i| vec![batch.slice(i * 250, 250)]).collect();
    let context = SessionContext::new();
    let frame = context.read_table(Arc::new(MemTable::try_new(schema, batches).unwrap())).unwrap();
    (context, frame)
}

fn call(name: &str, args: &[DataType], exprs: Vec<Expr>) -> Expr {
    resolve_udaf(name, &[], args).unwrap().udaf.call(exprs)
}

#[tokio::test]
async fn groups_go_through_both_phases() {
    let (_context, frame) = table();
    let aggregates = vec![
        call("sum", &[DataType::UInt64], vec![col("v")]).alias("s"),
        call("count", &[], vec![lit(1u8)]).alias("c"),
        call("avg", &[DataType::UInt64], vec![col("v")]).alias("a"),
    ];
    let batches =
        frame.aggregate(vec![col("k")], aggregates).unwrap().sort_by(vec![col("k")]).unwrap().collect().await.unwrap();
    let rows = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(rows.column(1).as_primitive::<UInt64Type>().values(), &[166833, 166167, 166500]);
    assert_eq!(rows.column(2).as_primitive::<UInt64Type>().values(), &[334, 333, 333]);
    let means = rows.column(3).as_primitive::<Float64Type>();
    assert_eq!(means, &Float64Array::from(vec![499.5, 499.0, 500.0]));
}

#[tokio::test]
async fn states_are_columns_and_merge() {
    let (_context, frame) = table();
    let state = resolve_udaf("sumState", &[], &[DataType::UInt64]).unwrap();
    let states = frame
        .aggregate(vec![col("k")], vec![state.udaf.call(vec![col("v")]).alias("s")])
        .unwrap()
        .aggregate(vec![], vec![call("sumMerge", &[state.result], vec![col("s")]).alias("t")])
        .unwrap();
    let batches = states.collect().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<UInt64Type>().value(0), 499_500);
}

#[tokio::test]
async fn window_frames_grow_and_slide() {
    use datafusion::logical_expr::expr::WindowFunction;
    use datafusion::logical_expr::{
        ExprFunctionExt, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
    };
    let (_context, frame) = table();
    let max = resolve_udaf("max", &[], &[DataType::UInt64]).unwrap().udaf;
    let sum = resolve_udaf("sum", &[], &[DataType::UInt64]).unwrap().udaf;
    let over = |udaf: &Arc<AggregateUDF>, preceding: ScalarValue| {
        Expr::from(WindowFunction::new(WindowFunctionDefinition::AggregateUDF(udaf.clone()), vec![col("v")]))
            .order_by(vec![col("v").sort(true, false)])
            .window_frame(WindowFrame::new_bounds(
                WindowFrameUnits::Rows,
                WindowFrameBound::Preceding(preceding),
                WindowFrameBound::CurrentRow,
            ))
            .build()
            .unwrap()
    };
    let rows = frame
        .window(vec![
            over(&sum, ScalarValue::UInt64(Some(1))).alias("two"),
            over(&max, ScalarValue::UInt64(None)).alias("all"),
            row_number().order_by(vec![col("v").sort(true, false)]).build().unwrap().alias("n"),
        ])
        .unwrap()
        .sort_by(vec![col("v")])
        .unwrap()
        .collect()
        .await
        .unwrap();
    let rows = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
    assert_eq!(&rows.column(2).as_primitive::<UInt64Type>().values()[..4], &[0, 1, 3, 5]);
    assert_eq!(rows.column(3).as_primitive::<UInt64Type>().value(999), 999);
}

#[test]
fn functions_of_one_signature_are_equal() {
    let a = resolve_udaf("sum", &[], &[DataType::UInt64]).unwrap();
    let b = resolve_udaf("SUM", &[], &[DataType::UInt64]).unwrap();
    let c = resolve_udaf("sum", &[], &[DataType::UInt8]).unwrap();
    assert_eq!(a.udaf, b.udaf);
    assert_ne!(a.udaf, c.udaf);
    assert_eq!(distinct_name("COUNT"), "uniqExact");
    assert_eq!(distinct_name("sum"), "sumDistinct");
    let error = resolve_udaf("summ", &[], &[DataType::UInt64]).unwrap_err();
    assert_eq!(error.code(), types::ErrorCode::UNKNOWN_AGGREGATE_FUNCTION);
}
