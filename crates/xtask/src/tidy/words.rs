//! Words that no file may say: folders of a developer's machine, and the names of tools that helped to write.

use super::tree::File;
use super::{Finding, Findings};

/// In two pieces each, so that this file passes its own check; compared in lower case.
const FORBIDDEN: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("/tmp/", "lab"),
    concat!("cla", "ude"),
    concat!("chat", "gpt"),
    concat!("anth", "ropic"),
    concat!("open", "ai"),
    concat!("llm", " session"),
];

/// Checks every text.
pub fn check(files: &[File], findings: &mut Findings) {
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (line, text) in file.text.lines().enumerate() {
            let text = text.to_lowercase();
            for word in FORBIDDEN.iter().filter(|word| text.contains(**word)) {
                findings.faults.push(Finding::new(&file.path, line + 1, format!("says {word:?}")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found_with_its_line() {
        let text = format!("fine\nsee {}notes\n", FORBIDDEN[0]);
        let mut findings = Findings::default();
        check(&[File { path: "docs/a.md".to_owned(), text }], &mut findings);
        assert_eq!(findings.faults.len(), 1);
        assert_eq!(findings.faults[0].line, 2);
    }
}
