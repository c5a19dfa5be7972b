//! How state types are named, what is refused, and with which code.

use types::{DataType, ErrorCode, Value};

use crate::{check_simple, resolve};

fn types(text: &str) -> Vec<DataType> {
    text.split("; ").filter(|ty| !ty.is_empty()).map(|ty| DataType::parse(ty).unwrap()).collect()
}

fn result(name: &str, params: &[Value], args: &str) -> String {
    resolve(name, params, &types(args)).unwrap().result_type().to_string()
}

#[test]
fn state_types_are_named_as_the_real_engine_names_them() {
    for (name, args, expected) in [
        ("sumState", "UInt8", "AggregateFunction(sum, UInt8)"),
        ("countState", "", "AggregateFunction(count)"),
        ("sumStateIf", "UInt8; UInt8", "AggregateFunction(sum, UInt8)"),
        ("sumIfState", "UInt8; UInt8", "AggregateFunction(sumIf, UInt8, UInt8)"),
        ("countStateIf", "UInt8", "AggregateFunction(count)"),
        ("uniqArrayState", "Array(UInt8)", "AggregateFunction(uniqArray, Array(UInt8))"),
        ("sumOrNullState", "UInt8", "AggregateFunction(sumOrNull, UInt8)"),
        ("uniqState", "LowCardinality(String)", "AggregateFunction(uniq, String)"),
        ("sumMapState", "Array(UInt8); Array(UInt8)", "AggregateFunction(1, sumMap, Array(UInt8), Array(UInt8))"),
        ("sumMapState", "Map(String, UInt64)", "AggregateFunction(sumMap, Map(String, UInt64))"),
        ("avgMergeState", "AggregateFunction(avg, Float64)", "AggregateFunction(avg, Float64)"),
        ("sumSimpleState", "UInt8", "SimpleAggregateFunction(sum, UInt64)"),
        ("groupBitmapOrState", "AggregateFunction(groupBitmap, UInt32)", "AggregateFunction(groupBitmap, UInt32)"),
    ] {
        assert_eq!(result(name, &[], args), expected, "{name}");
    }
    let level = Value::Float(types::F64(0.9));
    assert_eq!(result("quantileState", &[level], "UInt8"), "AggregateFunction(quantile(0.9), UInt8)");
}

#[test]
fn quantile_states_merge_whatever_their_levels() {
    let level = [Value::Float(types::F64(0.1))];
    let state = "AggregateFunction(quantiles(0.5, 0.9), UInt32)";
    assert_eq!(result("quantileMerge", &level, state), "Float64");
    assert_eq!(result("quantilesMerge", &level, state), "Array(Float64)");
}

#[test]
fn refusals_have_the_real_engines_codes() {
    let code = |name: &str, params: &[Value], args: &str| resolve(name, params, &types(args)).unwrap_err().code();
    let number = |n: u64| [Value::UInt(n)];
    assert_eq!(code("nosuch", &[], "UInt8"), ErrorCode::UNKNOWN_AGGREGATE_FUNCTION);
    assert_eq!(code("sumIF", &[], "UInt8; UInt8"), ErrorCode::UNKNOWN_AGGREGATE_FUNCTION);
    assert_eq!(code("sum", &[], "String"), ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT);
    assert_eq!(code("sum", &[], "UInt8; UInt8"), ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH);
    assert_eq!(code("sum", &number(1), "UInt8"), ErrorCode::AGGREGATE_FUNCTION_DOESNT_ALLOW_PARAMETERS);
    assert_eq!(code("sumMerge", &[], "AggregateFunction(count, UInt8)"), ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT);
    assert_eq!(code("sumMerge", &[], "UInt8"), ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT);
    assert_eq!(code("sumIf", &[], "UInt8; String"), ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT);
    assert_eq!(code("sumArray", &[], "UInt8"), ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT);
    assert_eq!(code("topK", &number(0), "UInt8"), ErrorCode::ARGUMENT_OUT_OF_BOUND);
    assert_eq!(code("groupArray", &number(0), "UInt8"), ErrorCode::BAD_ARGUMENTS);
    assert_eq!(code("quantile", &number(2), "UInt8"), ErrorCode(12));
    assert_eq!(code(&format!("sum{}", "OrDefault".repeat(20)), &[], "UInt8"), ErrorCode::NOT_IMPLEMENTED);
    assert_eq!(code(&format!("sum{}", "If".repeat(1 << 20)), &[], "UInt8"), ErrorCode::UNKNOWN_AGGREGATE_FUNCTION);
    let hint = resolve("smu", &[], &types("UInt8")).unwrap_err().to_string();
    assert_eq!(hint, "unknown aggregate function \"smu\"");
    let hint = resolve("uniqExat", &[], &types("UInt8")).unwrap_err().to_string();
    assert_eq!(hint, "unknown aggregate function \"uniqExat\" (did you mean \"uniqExact\"?)");
}

#[test]
fn simple_functions_store_their_result() {
    let check = |text: &str| match DataType::parse(text).unwrap() {
        DataType::SimpleAggregateFunction(signature) => check_simple(&signature).map_err(|error| error.code()),
        other => panic!("{other}"),
    };
    assert_eq!(check("SimpleAggregateFunction(sum, UInt64)"), Ok(()));
    assert_eq!(check("SimpleAggregateFunction(any, LowCardinality(String))"), Ok(()));
    assert_eq!(check("SimpleAggregateFunction(max, Nullable(DateTime))"), Ok(()));
    assert_eq!(check("SimpleAggregateFunction(groupUniqArrayArray, Array(String))"), Ok(()));
    assert_eq!(check("SimpleAggregateFunction(maxMap, Map(String, UInt8))"), Ok(()));
    assert_eq!(check("SimpleAggregateFunction(avg, Float64)"), Err(ErrorCode::BAD_ARGUMENTS));
    assert_eq!(check("SimpleAggregateFunction(sum, UInt8)"), Err(ErrorCode::BAD_ARGUMENTS));
    assert_eq!(check("SimpleAggregateFunction(nosuch, UInt8)"), Err(ErrorCode::UNKNOWN_AGGREGATE_FUNCTION));
}
