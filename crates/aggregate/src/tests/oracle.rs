//! The table of the real engine's answers.

use types::DataType;
use types::state::base_function;

use super::text::shown;
use super::{Case, cases, close};
use crate::Rows;

/// Why the answer of a case is another than the engine's, on purpose.
fn diverges(case: &Case) -> Option<&'static str> {
    let base = base_function(case.name);
    match case.expected {
        Ok((ty, _)) if ty.contains("Nullable(Tuple") => Some("there is no Nullable(Tuple) here"),
        _ if base == Some("topK") => Some("of ties the first met, where the engine has the order of its hash table"),
        _ if case.name == "uniq" && case.types == [DataType::Uuid] => Some("the engine hashes half of a UUID"),
        _ if case.name == "argMax" && case.rows == 4 => {
            Some("the first of equal keys, where the engine has the last unless it groups")
        }
        _ => None,
    }
}

/// The characters in order: equal for the same elements in another order.
fn sorted(text: &str) -> Vec<char> {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters
}

/// How many cases diverge, see [`diverges`].
const DIVERGENT: usize = 31;

fn answer(case: &Case) -> std::result::Result<(String, String), u16> {
    let aggregate = case.resolve().map_err(|error| error.code().0)?;
    let mut states = aggregate.grouped();
    let groups = vec![0; case.rows];
    states.grow(1);
    states.update(&case.columns, Rows::all(&groups, 1)).map_err(|error| error.code().0)?;
    let results = states.result_column(1).map_err(|error| error.code().0)?;
    let ty = aggregate.result_type();
    assert_eq!(results.data_type(), &ty.arrow_type(), "{}", case.line);
    Ok((ty.to_string(), shown(&ty, &results, 0)))
}

#[test]
fn every_answer_is_the_real_engines() {
    let mut wrong = Vec::new();
    let mut divergent = 0;
    for case in cases() {
        if diverges(&case).is_some() {
            divergent += 1;
            continue;
        }
        let expected = case.expected.map(|(ty, value)| (DataType::parse(ty).unwrap().to_string(), value.to_owned()));
        let found = answer(&case);
        let right = match (&expected, &found) {
            // sorted here, in the order of its hash table there
            (Ok((ty, value)), Ok((found_ty, found))) if case.name == "groupUniqArray" => {
                ty == found_ty && sorted(value) == sorted(found)
            }
            (Ok((ty, value)), Ok((found_ty, found))) => ty == found_ty && close(ty, value, found),
            (expected, found) => expected == found,
        };
        if !right {
            wrong.push(format!("{}\n    found {found:?}", case.line));
        }
    }
    assert_eq!(divergent, DIVERGENT, "counted, so that no new one goes unseen");
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

/// Several groups at once give what each gives alone, and a filter leaves rows out.
#[test]
fn groups_do_not_touch_each_other() {
    for case in cases().filter(|case| case.expected.is_ok()) {
        let Ok(aggregate) = case.resolve() else { continue };
        let mut alone = aggregate.grouped();
        alone.grow(2);
        alone.update(&case.columns, Rows::all(&vec![1; case.rows], 2)).unwrap();
        let mut many = aggregate.grouped();
        for (group, keep) in [(0, true), (1, false), (2, true)] {
            let filter = arrow::array::BooleanArray::from(vec![keep; case.rows]);
            let rows = Rows { groups: &vec![group; case.rows], filter: Some(&filter), total: 3 };
            many.update(&case.columns, rows).unwrap();
        }
        let ty = aggregate.result_type();
        let (alone, many) = (alone.result_column(2).unwrap(), many.result_column(3).unwrap());
        for (group, expected) in [(0, 1), (1, 0), (2, 1)] {
            let (found, expected) = (shown(&ty, &many, group), shown(&ty, &alone, expected));
            assert!(close(&ty.to_string(), &found, &expected), "{}: {found} for {expected}", case.line);
        }
    }
}
