//! Runs the SQL cases of `tests/sql` and tells which of them pass, per family and way of running.
//!
//! A case is `NNN_family_what.sql` with a `.reference` that the real engine gave; where Everview differs on purpose,
//! `NNN_….everview.sql` and `.everview.reference` stand beside it and are used instead. A case starts in an empty
//! database; its output is the TabSeparated result of every statement. `-- { serverError NAME }` behind a statement says
//! that it must fail with that name.
//!
//! ```text
//! conformance [--way embedded|restart|http] [--bless] [-v] [FILTER …]
//! ```
//! `tests/sql/passing.txt` lists the cases that passed once: one of them that fails makes this fail. `--bless` adds cases
//! that pass now. Never here: expectations made from our own output.

mod case;
mod http;
mod report;
mod ways;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use report::Report;

/// What was asked on the command line.
struct Arguments {
    way: String,
    bless: bool,
    verbose: bool,
    filters: Vec<String>,
}

fn arguments() -> Arguments {
    let mut given = std::env::args().skip(1);
    let mut arguments = Arguments { way: "embedded".to_owned(), bless: false, verbose: false, filters: Vec::new() };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--way" => arguments.way = given.next().unwrap_or_default(),
            "--bless" => arguments.bless = true,
            "-v" => arguments.verbose = true,
            _ => arguments.filters.push(argument),
        }
    }
    arguments
}

/// `tests/sql` of the workspace.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sql")
}

fn main() -> ExitCode {
    let arguments = arguments();
    let cases = match case::all(&folder(), &arguments.filters) {
        Ok(cases) if !cases.is_empty() => cases,
        Ok(_) => return fail("no case matches"),
        Err(error) => return fail(&error.to_string()),
    };
    let Some(way) = ways::Way::parse(&arguments.way) else { return fail("--way is embedded, restart or http") };
    let mut report = Report::default();
    for case in &cases {
        let outcome = ways::run(case, way);
        if arguments.verbose || !arguments.filters.is_empty() || !outcome.passed {
            outcome.print(case);
        }
        report.add(case, &outcome);
    }
    match report.finish(&folder(), way.name(), arguments.bless, arguments.filters.is_empty()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("conformance: {message}");
    ExitCode::FAILURE
}
