//! Patterns of names: `*`, `**`, `?`, `{a,b}` and `{1..9}`.
//!
//! Braces are written out first ([`expand`]), the rest is matched ([`matches`]): `*` is any bytes but `/`, `**` any bytes,
//! `?` one byte but `/`.

use crate::error::{Error, Result};

/// The names that a pattern with braces means, in the order written. `{01..10}` keeps its zeros. Braces that are neither a
/// list nor a range stay as they are, as ClickHouse leaves them. More than `names_max` are an error.
pub fn expand(pattern: &str, names_max: usize) -> Result<Vec<String>> {
    let mut done = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, choices, after)) = next_braces(rest) {
        let count = done.len().checked_mul(choices.len()).filter(|count| *count <= names_max);
        if count.is_none() {
            let reason = format!("it means more than {names_max} names (glob_expansion_max_elements)");
            return Err(Error::BadPattern { pattern: pattern.to_owned(), reason });
        }
        let join =
            |prefix: &String| choices.iter().map(|choice| format!("{prefix}{before}{choice}")).collect::<Vec<_>>();
        done = done.iter().flat_map(join).collect();
        rest = after;
    }
    done.iter_mut().for_each(|name| name.push_str(rest));
    Ok(done)
}

/// The first braces that mean several names: what is before them, the names, what is behind.
fn next_braces(text: &str) -> Option<(String, Vec<String>, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('{')?;
        let inside = text.get(open + 1..)?;
        let close = inside.find('}')?;
        let (inside, after) = (inside.get(..close)?, inside.get(close + 1..)?);
        if let Some(choices) = choices(inside) {
            return Some((text.get(..open)?.to_owned(), choices, after));
        }
        from = open + 1;
    }
}

fn choices(inside: &str) -> Option<Vec<String>> {
    if inside.contains('{') {
        return None;
    }
    if let Some((first, last)) = inside.split_once("..") {
        return range(first, last);
    }
    inside.contains(',').then(|| inside.split(',').map(str::to_owned).collect())
}

/// The most numbers of one range: longer ones are no names that anyone has.
const RANGE_MAX: u64 = 1_000_000;

fn range(first: &str, last: &str) -> Option<Vec<String>> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return None;
    }
    let (from, to) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    if from.abs_diff(to) > RANGE_MAX {
        return None;
    }
    // zeros in front say how wide the numbers are
    let padded = [first, last].into_iter().any(|text| text.len() > 1 && text.starts_with('0'));
    let width = if padded { first.len().max(last.len()) } else { 0 };
    let name = |number: u64| format!("{number:0width$}");
    Some(if from <= to { (from..=to).map(name).collect() } else { (to..=from).rev().map(name).collect() })
}

/// True when the text has something to match in it.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// True when there are braces that mean several names.
pub fn has_braces(text: &str) -> bool {
    next_braces(text).is_some()
}

/// What all names that match have in front.
pub fn fixed_prefix(pattern: &str) -> &str {
    let end = pattern.find(['*', '?']).unwrap_or(pattern.len());
    pattern.get(..end).unwrap_or(pattern)
}

/// True when the name matches. Only the last `*` and the last `**` are tried again, so it is quick on any pattern.
pub fn matches(pattern: &str, name: &str) -> bool {
    matches_bytes(pattern.as_bytes(), name.as_bytes())
}

fn matches_bytes(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // where to go on when the rest does not match: behind a `*` (within a part of the path) or behind a `**`
    let mut star: Option<(usize, usize)> = None;
    let mut deep: Option<(usize, usize)> = None;
    while n < name.len() {
        let here = name.get(n).copied();
        match (pattern.get(p), pattern.get(p + 1)) {
            (Some(b'*'), Some(b'*')) => {
                deep = Some((p + 2, n));
                star = None;
                p += 2;
                continue;
            }
            (Some(b'*'), _) => {
                star = Some((p + 1, n));
                p += 1;
                continue;
            }
            (Some(b'?'), _) if here != Some(b'/') => {
                (p, n) = (p + 1, n + 1);
                continue;
            }
            (Some(c), _) if Some(*c) == here && *c != b'?' => {
                (p, n) = (p + 1, n + 1);
                continue;
            }
            _ => {}
        }
        match (star, deep) {
            (Some((at, from)), _) if name.get(from) != Some(&b'/') => {
                star = Some((at, from + 1));
                (p, n) = (at, from + 1);
            }
            (_, Some((at, from))) => {
                deep = Some((at, from + 1));
                star = None;
                (p, n) = (at, from + 1);
            }
            _ => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == b'*')
}

/// The same for paths of files: `**` as a whole part is any number of folders, none too, and means nothing else elsewhere.
pub fn matches_parts(pattern: &str, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    // how many parts the pattern so far may have taken
    let mut reached = vec![false; parts.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in pattern.split('/') {
        let mut next = vec![false; parts.len() + 1];
        for (at, slot) in next.iter_mut().enumerate() {
            let before = |at: usize| reached.get(at).copied().unwrap_or(false);
            *slot = match wanted {
                "**" => (0..=at).any(before),
                _ => at > 0 && before(at - 1) && parts.get(at - 1).is_some_and(|part| matches(wanted, part)),
            };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pattern: &str) -> Vec<String> {
        expand(pattern, 1_000).unwrap()
    }

    #[test]
    fn braces_are_lists_and_ranges() {
        assert_eq!(names("a{x,y}b"), ["axb", "ayb"]);
        assert_eq!(names("{1..3}"), ["1", "2", "3"]);
        assert_eq!(names("{08..11}"), ["08", "09", "10", "11"]);
        assert_eq!(names("{3..1}"), ["3", "2", "1"]);
        assert_eq!(names("{a,b}{1..2}"), ["a1", "a2", "b1", "b2"]);
        assert_eq!(names("plain"), ["plain"]);
        assert_eq!(names("{x}"), ["{x}"]);
        assert_eq!(names("{"), ["{"]);
        assert_eq!(names("{{a,b}"), ["{a", "{b"]);
    }

    #[test]
    fn too_many_names_are_refused_before_they_are_made() {
        assert!(expand("{1..1000}{1..1000}{1..1000}", 1_000).is_err());
        assert!(expand("{0..999999}", 1_000).is_err());
    }

    #[test]
    fn stars_stop_at_slashes_unless_there_are_two() {
        assert!(matches("a*c", "abc") && matches("a*c", "ac") && !matches("a*c", "a/c"));
        assert!(matches("a**c", "a/b/c") && matches("**", "x/y") && matches("**/z", "x/y/z"));
        assert!(matches("d/?.csv", "d/1.csv") && !matches("d?1", "d/1"));
        assert!(!matches("*.csv", "d/1.csv") && matches("*/*.csv", "d/1.csv"));
        assert!(matches("a*b*c", "aXbYbZc") && !matches("a*b", "abc"));
        assert!(matches("**/b*/c", "a/b/x/b1/c"));
        assert!(!matches("", "a") && matches("*", ""));
    }

    #[test]
    fn two_stars_between_slashes_are_any_folders_of_files() {
        assert!(matches_parts("**/*.csv", "a.csv") && matches_parts("**/*.csv", "d/e/a.csv"));
        assert!(matches_parts("d/**", "d/e/a.csv") && !matches_parts("d/**", "e/a.csv"));
        assert!(matches_parts("d/*.csv", "d/a.csv") && !matches_parts("d/*.csv", "d/e/a.csv"));
        assert!(matches_parts("**/e/**/a", "d/e/f/g/a") && !matches_parts("**/e/**/a", "d/f/a"));
    }

    #[test]
    fn the_worst_patterns_are_quick() {
        let pattern = "*a".repeat(40);
        assert!(!matches(&pattern, &"a".repeat(39)));
        assert!(!matches(&format!("{}b", "**a".repeat(40)), &"a".repeat(5_000)));
    }
}
