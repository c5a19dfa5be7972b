//! Decisions are pages `docs/decisions/NNN-what.md`, each with a number of its own and a heading.

use std::collections::BTreeMap;

use super::tree::File;
use super::{Finding, Findings};

const FOLDER: &str = "docs/decisions/";

/// Checks names and headings of the decisions.
pub fn check(files: &[File], findings: &mut Findings) {
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for file in files {
        let Some(name) = file.path.strip_prefix(FOLDER) else { continue };
        let mut fault = |what: String| findings.faults.push(Finding::new(&file.path, 0, what));
        match number(name) {
            None => fault("a decision is named NNN-what.md".to_owned()),
            Some(number) => {
                if let Some(other) = numbers.insert(number, name) {
                    fault(format!("{other} has the number {number} too"));
                }
            }
        }
        if !file.text.starts_with("# ") {
            fault("a decision opens with a heading".to_owned());
        }
    }
}

/// The number of a page that is named as it should be.
fn number(name: &str) -> Option<&str> {
    let (number, rest) = name.split_once('-')?;
    let digits = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    let what = rest.strip_suffix(".md")?;
    let words = !what.is_empty() && what.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (digits && words).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(names: &[&str]) -> usize {
        let file = |name: &&str| File { path: format!("{FOLDER}{name}"), text: "# Heading\n".to_owned() };
        let files: Vec<File> = names.iter().map(file).collect();
        let mut findings = Findings::default();
        check(&files, &mut findings);
        findings.faults.len()
    }

    #[test]
    fn numbers_are_three_digits_and_unique() {
        assert_eq!(faults(&["001-one.md", "002-two-words.md"]), 0);
        assert_eq!(faults(&["1-one.md"]), 1);
        assert_eq!(faults(&["one.md"]), 1);
        assert_eq!(faults(&["001-one.md", "001-two.md"]), 1);
    }
}
