//! What the rules of sources find, and what they let pass.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

fn faults(files: &[File]) -> Vec<(String, usize)> {
    let mut findings = Findings::default();
    check(files, &mut findings);
    findings.faults.into_iter().map(|fault| (fault.path, fault.line)).collect()
}

fn lines(path: &str, text: &str) -> Vec<usize> {
    faults(&[file(path, text)]).into_iter().map(|(_, line)| line).collect()
}

#[test]
fn a_file_opens_with_a_promise() {
    assert_eq!(lines("crates/sql/src/a.rs", "//! For a.\n"), [0; 0]);
    assert_eq!(lines("crates/sql/src/a.rs", "use b;\n"), [1]);
}

#[test]
fn a_file_of_a_thousand_lines_is_the_longest() {
    let text = "//! Long.\n".repeat(1000);
    assert_eq!(lines("crates/sql/src/a.rs", &text), [0; 0]);
    assert_eq!(lines("crates/sql/src/a.rs", &(text + "//\n")), [0]);
}

#[test]
fn stubs_are_found_in_tests_too() {
    let text = format!("//! A.\nfn a() {{\n    {})\n}}\n", STUBS[0]);
    assert_eq!(lines("crates/sql/src/a.rs", &text), [3]);
    assert_eq!(lines("crates/sql/tests/a.rs", &text), [3]);
}

#[test]
fn unwrap_is_for_tests() {
    let bare = format!("//! A.\nfn a() {{\n    b(){UNWRAP}\n}}\n");
    assert_eq!(lines("crates/sql/src/a.rs", &bare), [3]);
    assert_eq!(lines("crates/sql/src/a/tests.rs", &bare), [0; 0]);
    let inside = format!(
        "//! A.\n#[cfg(test)]\nmod tests {{\n    fn a() {{\n        b(){UNWRAP}\n    }}\n}}\nfn c() {{\n    b(){UNWRAP}\n}}\n"
    );
    assert_eq!(lines("crates/sql/src/a.rs", &inside), [9]);
    let comment = format!("//! A.\n// not b(){UNWRAP}\n");
    assert_eq!(lines("crates/sql/src/a.rs", &comment), [0; 0]);
}

#[test]
fn a_module_declared_for_tests_is_a_test() {
    let lib = file("crates/sql/src/lib.rs", "//! Lib.\n#[cfg(test)]\npub(crate) mod testing;\nmod real;\n");
    let bare = format!("//! A.\nfn a() {{\n    b(){UNWRAP}\n}}\n");
    let testing = file("crates/sql/src/testing.rs", &bare);
    let real = file("crates/sql/src/real.rs", &bare);
    assert_eq!(faults(&[lib, testing, real]), [("crates/sql/src/real.rs".to_owned(), 3)]);
}

#[test]
fn the_clock_is_behind_env() {
    let text = format!("//! A.\nfn a() {{\n    {}()\n}}\n", OUTSIDE[1]);
    assert_eq!(lines("crates/store/src/a.rs", &text), [3]);
    assert_eq!(lines("crates/env/src/a.rs", &text), [0; 0]);
}

#[test]
fn a_long_function_is_noted() {
    let body = "    b();\n".repeat(FUNCTION_LINES_NOTED);
    let notes = |body: &str| {
        let mut findings = Findings::default();
        let text = format!("//! A.\npub async fn a(\n    b: u8,\n) {{\n{body}}}\n");
        check(&[file("crates/sql/src/a.rs", &text)], &mut findings);
        findings.notes.len()
    };
    assert_eq!(notes("    b();\n"), 0);
    assert_eq!(notes(&body), 1);
}
