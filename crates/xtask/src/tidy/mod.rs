//! The style as a test: which crate may know which, how long a file may be, what no file may say.
//!
//! Steps: read every file of the tree, check the manifests against the law, each Rust file against the rules of sources,
//! each text against the forbidden words, the decisions against their numbering. What it finds is printed as
//! `path:line: what is wrong`; one finding makes it fail. Notes (files over 600 lines, functions over 70) do not.
//!
//! Not checked here: formatting (`cargo fmt`), lints (`cargo clippy`), names, comments that say what instead of why.

mod decisions;
mod law;
mod source;
mod tree;
mod words;

use std::path::Path;
use std::process::ExitCode;

/// What breaks a rule, or is only worth a look.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The file, from the root of the tree, with `/`.
    pub path: String,
    /// The line from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, what: what.into() }
    }

    fn print(&self, kind: &str) {
        match self.line {
            0 => println!("{kind}: {}: {}", self.path, self.what),
            line => println!("{kind}: {}:{line}: {}", self.path, self.what),
        }
    }
}

/// What was found in a tree.
#[derive(Default)]
pub struct Findings {
    /// These make tidy fail.
    pub faults: Vec<Finding>,
    /// These are printed only.
    pub notes: Vec<Finding>,
}

/// Checks the tree at `root` and prints what it finds; success when no rule is broken.
pub fn run(root: &Path) -> ExitCode {
    let files = match tree::read(root) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("tidy: cannot read the tree: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut findings = check(&files);
    findings.notes.sort();
    findings.faults.sort();
    findings.notes.iter().for_each(|note| note.print("note"));
    findings.faults.iter().for_each(|fault| fault.print("fault"));
    println!("tidy: {} files, {} notes, {} faults", files.len(), findings.notes.len(), findings.faults.len());
    if findings.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(files: &[tree::File]) -> Findings {
    let mut findings = Findings::default();
    law::check(files, &mut findings);
    source::check(files, &mut findings);
    words::check(files, &mut findings);
    decisions::check(files, &mut findings);
    findings
}
