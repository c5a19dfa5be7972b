//! The laws of states: whatever way rows are split, and states are merged, the answer is that of all rows at once.

use arrow::array::{Array, ArrayRef};
use proptest::prelude::*;
use types::state::base_function;

use super::text::shown;
use super::{Case, cases, close};
use crate::{Aggregate, Emit, Rows, empty_states, merge_states};

/// The states of the rows in these ranges, one state each.
fn states_of(aggregate: &Aggregate, case: &Case, cuts: &[usize]) -> ArrayRef {
    let mut states = aggregate.grouped();
    states.grow(cuts.len() + 1);
    let mut start = 0;
    for (group, end) in cuts.iter().copied().chain([case.rows]).enumerate() {
        let rows = end - start;
        states.update(&case.slice(start, rows), Rows::all(&vec![group; rows], cuts.len() + 1)).unwrap();
        start = end;
    }
    states.states(Emit::All).unwrap()
}

fn merged(aggregate: &Aggregate, states: &ArrayRef, order: &[usize]) -> String {
    let mut merged = aggregate.grouped();
    merged.grow(1);
    for row in order {
        merged.merge(&states.slice(*row, 1), Rows::all(&[0], 1)).unwrap();
    }
    shown(&aggregate.result_type(), &merged.result_column(1).unwrap(), 0)
}

fn whole(aggregate: &Aggregate, case: &Case) -> String {
    let mut states = aggregate.grouped();
    states.grow(1);
    states.update(&case.columns, Rows::all(&vec![0; case.rows], 1)).unwrap();
    shown(&aggregate.result_type(), &states.result_column(1).unwrap(), 0)
}

/// Functions whose answer depends on the order of rows, by their documentation.
fn depends_on_order(case: &Case) -> bool {
    let base = base_function(case.name).unwrap();
    matches!(
        base,
        "any"
            | "anyLast"
            | "any_respect_nulls"
            | "anyLast_respect_nulls"
            | "anyHeavy"
            | "argMin"
            | "argMax"
            | "groupArray"
            | "groupArrayLast"
            | "groupArrayMovingSum"
            | "groupArrayMovingAvg"
            | "groupConcat"
            | "groupArrayInsertAt"
            | "deltaSum"
            | "deltaSumTimestamp"
            | "topK"
            | "topKWeighted"
            | "boundingRatio"
            | "sequenceMatch"
            | "sequenceCount"
            | "exponentialMovingAverage"
            | "min"
            | "max"
    ) || (base == "groupUniqArray" && !case.params.is_empty())
}

/// Functions that promise less than the whole: `deltaSumTimestamp` takes rows of one block as they come and puts states
/// in order; of `anyHeavy` only a value that most rows have is certain.
fn is_loose(case: &Case) -> bool {
    matches!(base_function(case.name), Some("deltaSumTimestamp" | "anyHeavy"))
}

#[test]
fn states_are_what_the_types_table_says() {
    for case in cases() {
        let Ok(aggregate) = case.resolve() else { continue };
        let states = states_of(&aggregate, &case, &[0]);
        assert_eq!(states.data_type(), &aggregate.state_type().arrow_type(), "{}", case.line);
        let empty = empty_states(aggregate.state_signature(), 2).unwrap();
        assert_eq!(empty.data_type(), states.data_type(), "{}", case.line);
        let nulls = arrow::array::new_null_array(states.data_type(), 1);
        let merged = merge_states(aggregate.state_signature(), &nulls, &[0], 1).unwrap();
        assert_eq!(&merged, &empty.slice(0, 1), "{}: a NULL state is that of no rows", case.line);
    }
}

#[test]
fn decoding_what_was_encoded_gives_it_back() {
    for case in cases() {
        let Ok(aggregate) = case.resolve() else { continue };
        let states = states_of(&aggregate, &case, &[case.rows / 2]);
        let again = merge_states(aggregate.state_signature(), &states, &[0, 1], 2).unwrap();
        assert_eq!(&states, &again, "{}", case.line);
    }
}

#[test]
fn any_split_of_rows_merges_to_the_whole() {
    for case in cases().filter(|case| !is_loose(case)) {
        let Ok(aggregate) = case.resolve() else { continue };
        let expected = whole(&aggregate, &case);
        let ty = aggregate.result_type().to_string();
        for cut in 0..=case.rows {
            let states = states_of(&aggregate, &case, &[cut]);
            let found = merged(&aggregate, &states, &[0, 1]);
            assert!(close(&ty, &found, &expected), "{} cut at {cut}: {found}, whole {expected}", case.line);
            if !depends_on_order(&case) {
                let found = merged(&aggregate, &states, &[1, 0]);
                assert!(close(&ty, &found, &expected), "{} cut at {cut}, reversed: {found}", case.line);
            }
        }
    }
}

#[test]
fn results_do_not_end_a_state_and_emitted_groups_leave_the_others() {
    for case in cases() {
        let Ok(aggregate) = case.resolve() else { continue };
        let ty = aggregate.result_type();
        let mut states = aggregate.grouped();
        let cut = case.rows / 2;
        states.grow(3);
        states.update(&case.slice(0, cut), Rows::all(&vec![2; cut], 3)).unwrap();
        states.result_column(3).unwrap();
        let first = states.finish(Emit::First(2)).unwrap();
        assert_eq!(first.len(), 2);
        states.update(&case.slice(cut, case.rows - cut), Rows::all(&vec![0; case.rows - cut], 1)).unwrap();
        let found = shown(&ty, &states.finish(Emit::All).unwrap(), 0);
        assert!(close(&ty.to_string(), &found, &whole(&aggregate, &case)), "{}: {found}", case.line);
        assert_eq!(states.groups(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// `(a + b) + c = a + (b + c)`, with the state of no rows anywhere.
    #[test]
    fn merging_is_associative(seed in any::<usize>(), x in any::<usize>(), y in any::<usize>()) {
        let all: Vec<Case> = cases().collect();
        for case in all.iter().skip(seed % 13).step_by(13).filter(|case| !is_loose(case)) {
            let Ok(aggregate) = case.resolve() else { continue };
            let (x, y) = (x % (case.rows + 1), y % (case.rows + 1));
            let states = states_of(&aggregate, case, &[x.min(y), x.max(y)]);
            let signature = aggregate.state_signature();
            let empty = empty_states(signature, 1).unwrap();
            let right = merge_states(signature, &states.slice(1, 2), &[0, 0], 1).unwrap();
            let right = arrow::compute::concat(&[&states.slice(0, 1), &empty, &right]).unwrap();
            let left = merge_states(signature, &states.slice(0, 2), &[0, 0], 1).unwrap();
            let left = arrow::compute::concat(&[&left, &states.slice(2, 1), &empty]).unwrap();
            let (left, right) = (merged(&aggregate, &left, &[0, 1, 2]), merged(&aggregate, &right, &[0, 1, 2]));
            prop_assert!(close(&aggregate.result_type().to_string(), &left, &right), "{}: {left}, {right}", case.line);
        }
    }

    /// Bytes from a disk are a state or an error, never a panic.
    #[test]
    fn no_bytes_can_panic_a_state(bytes in proptest::collection::vec(any::<u8>(), 0..64), seed in any::<usize>()) {
        let all: Vec<Case> = cases().collect();
        let mut bytes = bytes;
        if let Some(version) = bytes.first_mut() {
            *version = 1;
        }
        for case in all.iter().skip(seed % 7).step_by(7) {
            let Ok(aggregate) = case.resolve() else { continue };
            let fields = types::state::state_fields(aggregate.state_signature());
            if fields.len() == 1 && fields[0].name() == "bytes" {
                let array: ArrayRef = std::sync::Arc::new(arrow::array::BinaryArray::from_vec(vec![&bytes]));
                let states = crate::rows::state_struct(vec![("bytes", array)]).unwrap();
                let mut merged = aggregate.grouped();
                merged.grow(1);
                if merged.merge(&states, Rows::all(&[0], 1)).is_ok() {
                    let _ = merged.result_column(1);
                }
            }
        }
    }
}
