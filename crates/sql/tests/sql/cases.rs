//! Reads the files of `tests/data`.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// One statement and the sections that follow it: `line`, `pretty`, `error`, `name`, `diverges line`…
pub struct Case {
    pub query: String,
    pub sections: BTreeMap<String, String>,
}

impl Case {
    pub fn section(&self, name: &str) -> Option<&str> {
        self.sections.get(name).map(String::as_str)
    }
}

pub fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

pub fn read(file: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(path(file)).expect("the data file is in the repository");
    let mut cases: Vec<Case> = Vec::new();
    let mut section = String::new();
    for line in text.lines() {
        if line == "@query" {
            cases.push(Case { query: String::new(), sections: BTreeMap::new() });
            section.clear();
            continue;
        }
        let case = cases.last_mut().expect("a file begins with @query");
        if let Some(name) = line.strip_prefix('@') {
            let (name, value) = match name.strip_prefix("error ") {
                Some(code) => ("error", code),
                None => (name, ""),
            };
            case.sections.insert(name.to_owned(), value.to_owned());
            section = name.to_owned();
            continue;
        }
        let target =
            if section.is_empty() { &mut case.query } else { case.sections.entry(section.clone()).or_default() };
        if !target.is_empty() {
            target.push('\n');
        }
        target.push_str(line);
    }
    cases
}

/// Writes the cases back: `SQL_BLESS=1` keeps the engine's answers and notes ours beside those that differ.
pub fn write(file: &str, cases: &[Case]) {
    let mut text = String::new();
    for case in cases {
        text.push_str(&format!("@query\n{}\n", case.query));
        for name in [
            "line",
            "pretty",
            "error",
            "name",
            "diverges line",
            "diverges pretty",
            "diverges name",
            "diverges error",
            "diverges",
        ] {
            match (name, case.section(name)) {
                (_, None) => {}
                ("error", Some(code)) => text.push_str(&format!("@error {code}\n")),
                (_, Some(value)) => text.push_str(&format!("@{name}\n{value}\n")),
            }
        }
    }
    std::fs::write(path(file), text).expect("the data file can be written");
}
