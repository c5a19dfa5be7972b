//! RE2 patterns, as ClickHouse reads them, rewritten for the `regex` crate.
//!
//! Both engines are linear in the text; they differ in spelling: RE2's `\d \w \s \b` are ASCII, `[` inside a class and a
//! lone `{` are ordinary characters, `\Q…\E` quotes, `\101` is octal. Never interprets flags: `(?i)` passes through.

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// The most memory a compiled pattern may take, in bytes: as RE2's default budget.
const COMPILED_SIZE_MAX: usize = 8 << 20;

/// The most memory a set of compiled patterns may take, in bytes.
const COMPILED_SET_SIZE_MAX: usize = 64 << 20;

/// How patterns are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags {
    /// Letters match in either case.
    pub case_insensitive: bool,
    /// `.` matches a new line.
    pub dot_matches_new_line: bool,
}

/// Compiles an RE2 pattern over bytes. `.` matches a new line, as in all ClickHouse functions.
///
/// The error is the reason in words.
pub(crate) fn compile(pattern: &[u8], case_insensitive: bool) -> Result<Regex, String> {
    compile_with(pattern, Flags { case_insensitive, dot_matches_new_line: true })
}

/// All of some patterns at once, each of which [`compile_with`] took; none where together they would take too much memory.
pub fn set_of<'a>(patterns: impl Iterator<Item = &'a [u8]>, flags: Flags) -> Option<RegexSet> {
    let texts = patterns.map(|pattern| std::str::from_utf8(pattern).ok().map(translate));
    RegexSetBuilder::new(texts.collect::<Option<Vec<_>>>()?)
        .dot_matches_new_line(flags.dot_matches_new_line)
        .case_insensitive(flags.case_insensitive)
        .octal(true)
        .size_limit(COMPILED_SET_SIZE_MAX)
        .build()
        .ok()
}

/// Compiles an RE2 pattern over bytes. The error is the reason in words.
pub fn compile_with(pattern: &[u8], flags: Flags) -> Result<Regex, String> {
    let text = std::str::from_utf8(pattern).map_err(|_| "invalid UTF-8".to_string())?;
    RegexBuilder::new(&translate(text))
        .dot_matches_new_line(flags.dot_matches_new_line)
        .case_insensitive(flags.case_insensitive)
        .octal(true)
        .size_limit(COMPILED_SIZE_MAX)
        .build()
        .map_err(|error| error.to_string())
}

/// `text` so that, as a pattern, it matches itself only: every character but letters, digits, `_` and what is not ASCII
/// gets a backslash.
pub(crate) fn quote(text: &str, into: &mut String) {
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
            into.push_str(&format!("\\x{:02x}", c as u32));
        } else {
            into.push(c);
        }
    }
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '\\' => escape(rest, false, &mut out),
            '[' => class(rest, &mut out),
            '{' => {
                out.push_str(if is_repetition(rest) { "{" } else { "\\{" });
                &rest[1..]
            }
            '}' => {
                // closes a repetition that was let through, or stands for itself; both engines take it bare
                out.push('}');
                &rest[1..]
            }
            _ => {
                out.push(c);
                &rest[c.len_utf8()..]
            }
        };
    }
    out
}

/// `{n}`, `{n,}` or `{n,m}` at the start of `text`.
fn is_repetition(text: &str) -> bool {
    let Some((inner, _)) = text[1..].split_once('}') else { return false };
    let (low, high) = inner.split_once(',').unwrap_or((inner, ""));
    !low.is_empty() && [low, high].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
}

/// The escape sequence that `text` starts with; gives what follows it.
fn escape<'a>(text: &'a str, in_class: bool, out: &mut String) -> &'a str {
    let mut characters = text.chars();
    characters.next();
    let Some(c) = characters.next() else {
        out.push('\\'); // a trailing backslash is an error in both engines
        return "";
    };
    let rest = characters.as_str();
    match c {
        'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        'w' => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
        's' => out.push_str(if in_class { r"\t\n\f\r " } else { r"[\t\n\f\r ]" }),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'S' => out.push_str(r"[^\t\n\f\r ]"),
        'b' if !in_class => out.push_str(r"(?-u:\b)"),
        'B' if !in_class => out.push_str(r"(?-u:\B)"),
        'C' if !in_class => out.push_str("(?-u:.)"),
        'Q' if !in_class => {
            let (quoted, after) = rest.split_once(r"\E").unwrap_or((rest, ""));
            quote(quoted, out);
            return after;
        }
        // the name of a class of Unicode, whose bracket opens no repetition
        'p' | 'P' if rest.starts_with('{') && rest.contains('}') => {
            let (name, after) = rest.split_at(rest.find('}').map_or(rest.len(), |end| end + 1));
            out.push('\\');
            out.push(c);
            out.push_str(name);
            return after;
        }
        '<' | '>' | '\'' | '"' | '`' | '%' | ',' | ':' | ';' | '=' | '@' | '_' | '!' | '/' | ' ' => {
            quote(c.encode_utf8(&mut [0; 4]), out)
        }
        _ => {
            out.push('\\');
            out.push(c);
        }
    }
    rest
}

/// The bracketed class that `text` starts with; gives what follows it.
fn class<'a>(text: &'a str, out: &mut String) -> &'a str {
    out.push('[');
    let mut rest = &text[1..];
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(']') {
        out.push_str(r"\]");
        rest = after;
    }
    while let Some(c) = rest.chars().next() {
        match c {
            ']' => {
                out.push(']');
                return &rest[1..];
            }
            '\\' => {
                rest = escape(rest, true, out);
                continue;
            }
            '[' if rest.starts_with("[:") => {
                if let Some(end) = rest.find(":]") {
                    out.push_str(&rest[..end + 2]);
                    rest = &rest[end + 2..];
                    continue;
                }
                out.push_str(r"\[");
            }
            // ordinary in RE2, set operators of the regex crate when doubled
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if rest.starts_with("--") => out.push_str(r"\-"),
            _ => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern.as_bytes(), false).unwrap().is_match(text.as_bytes())
    }

    #[test]
    fn what_re2_reads_differently_is_rewritten() {
        for (pattern, text, expected) in [
            ("a.b", "a\nb", true),
            ("^.$", "é", true),
            (r"^\d+$", "1٣", false),
            (r"\w", "é", false),
            (r"\bb", "é b", true),
            ("[[]", "a[b", true),
            ("[&&]", "a&&b", true),
            ("x{", "x{", true),
            ("x{,2}", "x{,2}", true),
            ("a{2,}$", "aaa", true),
            (r"a\<b", "a<b", true),
            (r"a\/?b", "ab", true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            (r"\101", "A", true),
            (r"\x78", "x", true),
            (r"[\d-]+$", "1-2", true),
            (r"^[^\W]+$", "ab_1", true),
            ("[]a]", "]", true),
            ("[[:alpha:]]", "q", true),
            (r"^\p{L}\pL[\p{Lu}]$", "éaÉ", true),
            (r"^\P{L}{2}$", "1é", false),
            ("(?i)ABC", "abc", true),
            ("", "a", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_broken_pattern_is_an_error() {
        assert!(compile(b"(", false).is_err());
        assert!(compile(b"a\\", false).is_err());
        assert!(compile(b"\xff", false).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in ".{0,24}") {
            let _ = compile(pattern.as_bytes(), false);
        }
    }
}
