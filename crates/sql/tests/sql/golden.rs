//! Our texts against the real engine's.

use crate::cases::{self, Case};
use sql::ast::StatementKind;

const FILES: [&str; 4] = ["conformance.txt", "select.txt", "statements.txt", "layout.txt"];

/// What we say to a statement: sections by name.
fn answer(query: &str) -> Vec<(&'static str, String)> {
    match sql::parse_statement(query) {
        Ok(statement) => vec![("line", statement.to_string()), ("pretty", statement.to_pretty())],
        Err(error) => vec![("error", error.code().to_string())],
    }
}

fn expected<'a>(case: &'a Case, name: &str) -> Option<&'a str> {
    let diverges = case.section(&format!("diverges {name}"));
    // A text that fits one line is given once.
    diverges.or(case.section(name)).or(if name == "pretty" { expected(case, "line") } else { None })
}

/// What the engine says where it refuses for another reason than syntax, which the binder finds.
fn is_semantic(case: &Case) -> bool {
    case.section("error").is_some_and(|code| code != "62")
}

#[test]
fn prints_as_clickhouse_does() {
    let bless = std::env::var_os("SQL_BLESS").is_some();
    let mut wrong = Vec::new();
    for file in FILES {
        let mut all = cases::read(file);
        for case in &mut all {
            if case.section("diverges").is_some() || is_semantic(case) {
                continue;
            }
            for (name, text) in answer(&case.query) {
                if expected(case, name) == Some(text.as_str()) {
                    continue;
                }
                wrong.push(format!("{file}: {}\n{name}: {:?}\nours: {text:?}", case.query, expected(case, name)));
                if bless {
                    case.sections.insert(format!("diverges {name}"), text);
                }
            }
        }
        if bless {
            cases::write(file, &all);
        }
    }
    assert!(bless || wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn columns_are_named_as_in_clickhouse() {
    let bless = std::env::var_os("SQL_BLESS").is_some();
    let mut all = cases::read("names.txt");
    let mut wrong = Vec::new();
    for case in &mut all {
        let statement = sql::parse_statement(&format!("SELECT {}", case.query)).expect(&case.query);
        let StatementKind::Query(query) = &statement.kind else { panic!("{} is no query", case.query) };
        let select = query.as_select().expect("one SELECT");
        let names: Vec<String> = select.items.iter().map(sql::column_name).collect();
        let ours = names.join("\t");
        if expected(case, "name") != Some(&ours) {
            wrong.push(format!("{}\nname: {:?}\nours: {ours:?}", case.query, expected(case, "name")));
            case.sections.insert("diverges name".to_owned(), ours);
        }
    }
    if bless {
        cases::write("names.txt", &all);
    }
    assert!(bless || wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_printed_reads_as_the_same_tree() {
    for file in FILES {
        for case in cases::read(file) {
            let Ok(statement) = sql::parse_statement(&case.query) else { continue };
            for text in [statement.to_string(), statement.to_pretty()] {
                let again = sql::parse_statement(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
                assert_eq!(again, statement, "{}\n{text}", case.query);
            }
        }
    }
}

#[test]
fn every_file_of_the_engine_is_large_enough() {
    let counts = FILES.map(|file| cases::read(file).len());
    assert!(counts.iter().sum::<usize>() > 1_700, "cases went missing: {counts:?}");
}
