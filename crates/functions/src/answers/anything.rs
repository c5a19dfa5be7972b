//! Every function of part B with arguments of every kind: it may refuse them, it must not panic.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, NullArray, UInt8Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use types::DataType;

use crate::columns::Texts;
use crate::frame::{Arg, Call, FunctionContext, Operand};
use crate::maps::map_of;
use crate::query_time::QueryTime;
use crate::registry_b::FAMILIES;
use crate::{cast, resolve};

const ROWS: usize = 3;

fn texts(values: [&[u8]; ROWS]) -> ArrayRef {
    let mut texts = Texts::with_capacity(ROWS, 0);
    values.iter().for_each(|text| texts.push(text).expect("short texts fit"));
    texts.finish()
}

/// Columns of three rows: extremes, empty values, bytes that are no text.
fn columns() -> Vec<(DataType, ArrayRef)> {
    let mut columns: Vec<(DataType, ArrayRef)> = vec![
        (DataType::UInt8, Arc::new(UInt8Array::from(vec![0, 1, 255]))),
        (DataType::UInt64, Arc::new(UInt64Array::from(vec![0, 7, u64::MAX]))),
        (DataType::Int64, Arc::new(Int64Array::from(vec![i64::MIN, -1, i64::MAX]))),
        (DataType::Float64, Arc::new(Float64Array::from(vec![f64::NAN, -0.5, f64::INFINITY]))),
        (DataType::String, texts([b"", b"a\xff\xc3", "{\"é\": [1, \"x\"]}".as_bytes()])),
        (DataType::String, texts([b"(", b"http://u@a.b:1/?x=1&y#z", b"%s \\"])),
        (DataType::nullable(DataType::Nothing), Arc::new(NullArray::new(ROWS))),
    ];
    let from_text = [
        ("FixedString(4)", ["ab", "", "abcd"]),
        ("Nullable(UInt8)", ["1", "0", "200"]),
        ("LowCardinality(String)", ["", "%", "b"]),
        ("Date", ["1970-01-01", "2024-02-29", "2149-06-06"]),
        ("DateTime64(3)", ["2024-01-01 00:00:00.5", "1970-01-01 00:00:00", "2200-01-01 00:00:00"]),
        ("UUID", ["61f0c404-5cb3-11e7-907b-a6006ad3dba0"; ROWS]),
        ("IPv6", ["::1", "::", "ffff::"]),
        ("Decimal(9, 2)", ["1.5", "-99", "0"]),
        ("Int128", ["-1", "0", "170141183460469231731687303715884105727"]),
        ("Bool", ["true", "false", "1"]),
        ("Array(UInt8)", ["[]", "[1,2,1]", "[255]"]),
        ("Array(String)", ["[]", "['a','','(']", "['%','é']"]),
        ("Array(Nullable(Int32))", ["[NULL]", "[]", "[-1,NULL,5]"]),
        ("Array(Array(UInt8))", ["[]", "[[],[1]]", "[[1,2]]"]),
        ("Tuple(UInt8, String)", ["(1,'a')", "(0,'')", "(255,'z')"]),
    ];
    let rules = cast::Rules::new(cast::CastMode::Cast, &FunctionContext::default());
    for (ty, values) in from_text {
        let ty = DataType::parse(ty).expect("a type");
        let texts = texts(values.map(str::as_bytes));
        let column = cast::cast(&texts, &DataType::String, &ty, &rules).expect("values of the type");
        columns.push((ty, column));
    }
    let offsets = OffsetBuffer::from_lengths([0, 2, 1]);
    let values: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2, 0]));
    columns
        .push((DataType::map(DataType::String, DataType::UInt64), map_of(offsets, texts([b"a", b"a", b""]), values)));
    columns
}

/// The next of a fixed series of numbers.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn no_function_panics_on_any_arguments() {
    let columns = columns();
    let context = FunctionContext::default();
    let mut state = 1;
    let mut answered = 0;
    let mut wrong = std::collections::BTreeMap::new();
    for definition in FAMILIES.iter().flat_map(|family| family.iter()) {
        for attempt in 0..200 {
            let count = attempt % 5;
            let picked: Vec<(&(DataType, ArrayRef), usize)> =
                (0..count).map(|_| (&columns[next(&mut state) % columns.len()], next(&mut state) % 6)).collect();
            let args: Vec<Arg> = picked
                .iter()
                .map(|((ty, column), row)| match row {
                    0..ROWS => Arg::constant(ty.clone(), column.slice(*row, 1)),
                    _ => Arg::column(ty.clone()),
                })
                .collect();
            let Ok(function) = resolve(definition.name, &args, &context) else { continue };
            for rows in [ROWS, 0] {
                let operands: Vec<Operand> = picked
                    .iter()
                    .map(|((_, column), row)| match row {
                        0..ROWS => Operand::Constant(column.slice(*row, 1)),
                        _ => Operand::Full(column.slice(0, rows)),
                    })
                    .collect();
                let call = Call { rows, time: QueryTime::new(1_700_000_000_000_000_000, 7) };
                let run = std::panic::AssertUnwindSafe(|| function.run(&operands, &call));
                // errors about values are answers too; broken invariants are not
                match std::panic::catch_unwind(run) {
                    Ok(Err(error)) if error.code().0 == 49 => {
                        wrong.insert(definition.name, format!("{args:?}: {error}"));
                    }
                    Ok(_) => {}
                    Err(_) => {
                        wrong.insert(definition.name, format!("{args:?} panics"));
                    }
                }
                answered += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} functions: {wrong:#?}", wrong.len());
    assert!(answered > 5_000, "only {answered} calls were resolved");
}
