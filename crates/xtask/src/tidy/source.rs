//! The rules of Rust sources, line by line.
//!
//! It reads text, not syntax, and trusts `cargo fmt`: an item ends at the line that closes it at its own indentation.
//! Not seen: a forbidden call behind a `use … as`, or inside a string that spans lines.

use std::collections::BTreeSet;

use super::tree::File;
use super::{Finding, Findings};

/// A file with more lines fails.
const FILE_LINES_MAX: usize = 1000;
/// A file with more lines is printed: what second thing lives in it?
const FILE_LINES_NOTED: usize = 600;
/// A function with more lines is printed; a long `match` of one call an arm may be.
const FUNCTION_LINES_NOTED: usize = 70;

/// Left for later, or left behind. In two pieces, so that this file passes its own check.
const STUBS: &[&str] = &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!(")];
const UNWRAP: &str = concat!(".unw", "rap()");
/// The outside that only `env` may touch.
const OUTSIDE: &[&str] = &[
    concat!("SystemTime", "::now"),
    concat!("Instant", "::now"),
    concat!("spawn_", "blocking"),
    concat!("thread", "::sleep"),
];
/// The doors to the outside, the process around them, and what only tests.
const OUTSIDE_ALLOWED: &[&str] = &["env", "app", "server", "conformance", "simulator", "xtask"];

/// Checks every Rust file.
pub fn check(files: &[File], findings: &mut Findings) {
    let tests = test_modules(files);
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        check_length(file, findings);
        check_promise(file, findings);
        check_lines(file, is_test(&file.path, &tests), findings);
        note_functions(file, findings);
    }
}

fn check_length(file: &File, findings: &mut Findings) {
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        findings.faults.push(Finding::new(&file.path, 0, format!("{lines} lines, at most {FILE_LINES_MAX}")));
    } else if lines > FILE_LINES_NOTED {
        findings.notes.push(Finding::new(&file.path, 0, format!("{lines} lines")));
    }
}

fn check_promise(file: &File, findings: &mut Findings) {
    if !file.text.starts_with("//!") {
        findings.faults.push(Finding::new(&file.path, 1, "a file opens with //! and what it is for"));
    }
}

fn check_lines(file: &File, all_test: bool, findings: &mut Findings) {
    let outside_allowed = OUTSIDE_ALLOWED.iter().any(|name| file.path.starts_with(&format!("crates/{name}/")));
    let mut skipped = Skipped::default();
    for (at, line) in file.text.lines().enumerate() {
        let test = skipped.takes(line) || all_test;
        if line.trim_start().starts_with("//") {
            continue;
        }
        let mut fault = |what: String| findings.faults.push(Finding::new(&file.path, at + 1, what));
        for stub in STUBS.iter().filter(|stub| line.contains(**stub)) {
            fault(format!("{stub}) is left"));
        }
        if test {
            continue;
        }
        if line.contains(UNWRAP) {
            fault(format!("{UNWRAP} outside tests: say why it cannot fail, or pass the error on"));
        }
        if !outside_allowed {
            for call in OUTSIDE.iter().filter(|call| line.contains(**call)) {
                fault(format!("{call} outside env"));
            }
        }
    }
}

fn note_functions(file: &File, findings: &mut Findings) {
    let mut open: Option<(usize, usize, &str)> = None;
    for (at, line) in file.text.lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        match open {
            Some((start, depth, head)) if depth == indentation && line.trim_start().starts_with('}') => {
                let lines = (at - start).saturating_sub(1);
                if lines > FUNCTION_LINES_NOTED {
                    findings.notes.push(Finding::new(&file.path, start + 1, format!("{lines} lines: {head}")));
                }
                open = None;
            }
            Some((_, depth, _)) if depth == indentation && line.trim_end().ends_with(';') => open = None,
            None if is_function(line) && !line.trim_end().ends_with(['}', ';']) => {
                open = Some((at, indentation, line.trim()));
            }
            _ => {}
        }
    }
}

/// True for a line that opens a function.
fn is_function(line: &str) -> bool {
    let words = ["pub", "pub(crate)", "pub(super)", "async", "const", "default"];
    let mut rest = line.trim_start();
    while let Some((word, after)) = rest.split_once(' ') {
        match word {
            "fn" => return true,
            _ if words.contains(&word) => rest = after,
            _ => return false,
        }
    }
    false
}

/// Follows `#[cfg(test)]` through a file: true for the lines of the item behind it.
#[derive(Default)]
enum Skipped {
    #[default]
    No,
    /// Behind the attribute, before the item's first line.
    Announced,
    /// Inside the item; ends at `}` with this indentation.
    Inside(usize),
}

impl Skipped {
    /// True when the line belongs to a test.
    fn takes(&mut self, line: &str) -> bool {
        let trimmed = line.trim_start();
        let indentation = line.len() - trimmed.len();
        match self {
            Skipped::No if trimmed.starts_with("#[cfg(test)]") || trimmed.starts_with("#[cfg(all(test") => {
                *self = Skipped::Announced;
                true
            }
            Skipped::No => false,
            Skipped::Announced => {
                if !trimmed.starts_with("#[") && !trimmed.starts_with("//") {
                    *self = if line.ends_with([';', '}', ',']) { Skipped::No } else { Skipped::Inside(indentation) };
                }
                true
            }
            Skipped::Inside(depth) => {
                if indentation == *depth && trimmed.starts_with('}') {
                    *self = Skipped::No;
                }
                true
            }
        }
    }
}

/// The modules that other files declare under `#[cfg(test)]`, as paths without `.rs`.
fn test_modules(files: &[File]) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let mut announced = false;
        for line in file.text.lines().map(str::trim) {
            if line.starts_with("#[cfg(test)]") {
                announced = true;
            } else if announced && !line.starts_with("#[") {
                announced = false;
                let declared = line.rsplit_once("mod ").and_then(|(_, name)| name.strip_suffix(';'));
                if let Some(name) = declared {
                    modules.insert(format!("{}/{name}", home(&file.path)));
                }
            }
        }
    }
    modules
}

/// The folder in which the children of a module lie: `src/a.rs` has them in `src/a`, `src/lib.rs` in `src`.
fn home(path: &str) -> &str {
    for root in ["/mod.rs", "/lib.rs", "/main.rs"] {
        if let Some(folder) = path.strip_suffix(root) {
            return folder;
        }
    }
    path.strip_suffix(".rs").unwrap_or(path)
}

fn is_test(path: &str, tests: &BTreeSet<String>) -> bool {
    let folder = path.split('/').any(|part| ["tests", "tests.rs", "examples", "benches"].contains(&part));
    let bare = path.strip_suffix(".rs").unwrap_or(path);
    folder || tests.iter().any(|test| bare == test || bare.starts_with(&format!("{test}/")))
}

#[cfg(test)]
mod tests;
