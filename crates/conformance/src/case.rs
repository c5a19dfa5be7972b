//! A case: statements, what each must give, and the whole output that is expected.

use std::io;
use std::path::Path;

/// One case.
pub struct Case {
    /// `NNN_family_what`.
    pub name: String,
    /// Statements in order.
    pub statements: Vec<Statement>,
    /// What the case must print.
    pub reference: Vec<u8>,
    /// Differs from the real engine on purpose.
    pub diverges: bool,
    /// Looks at work while it runs, so that a restart between two statements would change what it sees. Such a case begins
    /// with `-- one process: why`.
    pub one_process: bool,
}

/// One statement.
pub struct Statement {
    /// Its text, without the semicolon.
    pub text: String,
    /// The name of the error that it must fail with.
    pub error: Option<String>,
}

impl Case {
    /// The family: `inc`, `ref`, `agg`…
    pub fn family(&self) -> &str {
        self.name.split('_').nth(1).unwrap_or("other")
    }
}

/// The cases of a folder whose names contain any of the filters, by name.
pub fn all(folder: &Path, filters: &[String]) -> io::Result<Vec<Case>> {
    let mut names: Vec<String> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
        .filter(|name| !name.ends_with(".everview"))
        .filter(|name| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())))
        .collect();
    names.sort();
    names.into_iter().map(|name| read(folder, name)).collect()
}

fn read(folder: &Path, name: String) -> io::Result<Case> {
    let ours = folder.join(format!("{name}.everview.sql"));
    let diverges = ours.exists();
    let stem = if diverges { format!("{name}.everview") } else { name.clone() };
    let text = std::fs::read_to_string(folder.join(format!("{stem}.sql")))?;
    let reference = std::fs::read(folder.join(format!("{stem}.reference")))?;
    let one_process = text.starts_with("-- one process:");
    Ok(Case { statements: split(&text), reference, diverges, one_process, name })
}

/// Splits at semicolons outside quotes and comments; takes the expectation behind each.
pub fn split(text: &str) -> Vec<Statement> {
    let bytes = text.as_bytes();
    let (mut statements, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => at = end_of_quoted(bytes, at, quote),
            b'-' if bytes[at..].starts_with(b"--") => at = end_of_line(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => {
                at = text[at..].find("*/").map_or(bytes.len(), |end| at + end + 1);
            }
            b';' => {
                let line_end = end_of_line(bytes, at);
                let error = expectation(text[at + 1..line_end].trim());
                push(&mut statements, &text[start..at], error.clone());
                start = if error.is_some() { line_end } else { at + 1 };
                at = start;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    push(&mut statements, &text[start.min(text.len())..], None);
    statements
}

fn push(statements: &mut Vec<Statement>, text: &str, error: Option<String>) {
    let is_blank = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("--"));
    if !is_blank {
        statements.push(Statement { text: text.trim().to_owned(), error });
    }
}

fn end_of_quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

fn end_of_line(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |end| start + end)
}

/// The name in `-- { serverError NAME }`.
fn expectation(comment: &str) -> Option<String> {
    let inside = comment.strip_prefix("--")?.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    Some(inside.strip_prefix("serverError")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_quotes() {
        let found = split("SELECT ';' -- a;\n; SELECT 1; -- { serverError NO_SUCH }\n-- end\nSELECT 2");
        let texts: Vec<&str> = found.iter().map(|statement| statement.text.as_str()).collect();
        assert_eq!(texts, ["SELECT ';' -- a;", "SELECT 1", "-- end\nSELECT 2"]);
        assert_eq!(found[1].error.as_deref(), Some("NO_SUCH"));
    }
}
