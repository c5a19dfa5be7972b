//! LIKE patterns, compiled once: `%` any bytes, `_` one character (code point), `\` takes the next character as it is.
//!
//! Patterns that only ask for a prefix, a suffix, an equal text or a substring never reach the regular expression engine.

use memchr::memmem;
use regex::bytes::Regex;

use super::re2;

/// A compiled LIKE or ILIKE pattern.
pub(crate) enum LikePattern {
    Everything,
    Equals(Vec<u8>),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Contains(Box<memmem::Finder<'static>>),
    Regex(Regex),
}

/// Why a pattern is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LikeError {
    /// It ends with a lone backslash.
    TrailingEscape,
    /// Its regular expression could not be built.
    Pattern(String),
}

enum Token {
    Any,
    One,
    Literal(u8),
}

impl LikePattern {
    /// Compiles `pattern`.
    pub(crate) fn compile(pattern: &[u8], case_insensitive: bool) -> Result<LikePattern, LikeError> {
        let tokens = tokenize(pattern)?;
        if !case_insensitive && let Some(simple) = simple(&tokens) {
            return Ok(simple);
        }
        let regex = re2::compile(&to_regex(&tokens), case_insensitive).map_err(LikeError::Pattern)?;
        Ok(LikePattern::Regex(regex))
    }

    /// True when the whole of `text` matches.
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        match self {
            LikePattern::Everything => true,
            LikePattern::Equals(expected) => text == expected,
            LikePattern::Prefix(prefix) => text.starts_with(prefix),
            LikePattern::Suffix(suffix) => text.ends_with(suffix),
            LikePattern::Contains(finder) => finder.find(text).is_some(),
            LikePattern::Regex(regex) => regex.is_match(text),
        }
    }
}

fn tokenize(pattern: &[u8]) -> Result<Vec<Token>, LikeError> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                if !matches!(tokens.last(), Some(Token::Any)) {
                    tokens.push(Token::Any);
                }
            }
            b'_' => tokens.push(Token::One),
            b'\\' => match bytes.next().ok_or(LikeError::TrailingEscape)? {
                escaped @ (b'%' | b'_' | b'\\') => tokens.push(Token::Literal(escaped)),
                // an unknown escape stands for both of its characters
                other => tokens.extend([Token::Literal(b'\\'), Token::Literal(other)]),
            },
            other => tokens.push(Token::Literal(other)),
        }
    }
    Ok(tokens)
}

/// The pattern without a regular expression, where it needs none.
fn simple(tokens: &[Token]) -> Option<LikePattern> {
    let starts_open = matches!(tokens.first(), Some(Token::Any));
    let ends_open = matches!(tokens.last(), Some(Token::Any));
    let inner = match (starts_open, ends_open) {
        (true, true) if tokens.len() == 1 => return Some(LikePattern::Everything),
        (true, true) => &tokens[1..tokens.len() - 1],
        (true, false) => &tokens[1..],
        (false, true) => &tokens[..tokens.len() - 1],
        (false, false) => tokens,
    };
    let literal: Option<Vec<u8>> =
        inner.iter().map(|token| if let Token::Literal(byte) = token { Some(*byte) } else { None }).collect();
    let literal = literal?;
    Some(match (starts_open, ends_open) {
        (true, true) => LikePattern::Contains(Box::new(memmem::Finder::new(&literal).into_owned())),
        (true, false) => LikePattern::Suffix(literal),
        (false, true) => LikePattern::Prefix(literal),
        (false, false) => LikePattern::Equals(literal),
    })
}

/// The tokens as an anchored regular expression; bytes that are not UTF-8 make it fail to compile.
fn to_regex(tokens: &[Token]) -> Vec<u8> {
    let mut regex = b"^".to_vec();
    for (i, token) in tokens.iter().enumerate() {
        match token {
            Token::Any if i == 0 => regex.clear(),
            Token::Any if i + 1 == tokens.len() => return regex,
            Token::Any => regex.extend(b"(?s-u:.)*"),
            Token::One => regex.push(b'.'),
            Token::Literal(byte) if byte.is_ascii() && !byte.is_ascii_alphanumeric() => {
                regex.extend(format!("\\x{byte:02x}").as_bytes());
            }
            Token::Literal(byte) => regex.push(*byte),
        }
    }
    regex.push(b'$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_clickhouse() {
        for (text, pattern, expected) in [
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "_b_", true),
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("a\nb", "a_b", true),
            ("é", "_", true),
            ("a\\b", "a\\\\b", true),
            ("a%c", "a\\%c", true),
            ("axc", "a\\%c", false),
            ("ab", "a\\b", false),
            ("a\\b", "a\\b", true),
            ("", "", true),
            ("", "%", true),
            ("xaybz", "%a%b%", true),
            ("xbyaz", "%a%b%", false),
            ("a.c", "a.%c", true),
            ("abc", "a.%", false),
        ] {
            let like = LikePattern::compile(pattern.as_bytes(), false).unwrap();
            assert_eq!(like.matches(text.as_bytes()), expected, "{text} LIKE {pattern}");
        }
        assert!(LikePattern::compile("É%".as_bytes(), true).unwrap().matches("éa".as_bytes()));
        assert!(!LikePattern::compile(b"_", false).unwrap().matches(b"\xff"));
    }

    #[test]
    fn a_lone_backslash_at_the_end_is_refused() {
        assert_eq!(LikePattern::compile(b"ab\\", false).err(), Some(LikeError::TrailingEscape));
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_without_wildcards_matches_itself_alone(text in "[a-z.*+(){}\\[\\]^$|é]{0,12}", other in "[a-z]{0,3}") {
            let like = LikePattern::compile(text.as_bytes(), true).unwrap();
            proptest::prop_assert!(like.matches(text.as_bytes()));
            let like = LikePattern::compile(format!("%{text}%").as_bytes(), false).unwrap();
            let longer = format!("{other}{text}{other}");
            proptest::prop_assert!(like.matches(longer.as_bytes()));
        }

        #[test]
        fn no_pattern_panics(pattern in proptest::collection::vec(proptest::num::u8::ANY, 0..16)) {
            let _ = LikePattern::compile(&pattern, false);
            let _ = LikePattern::compile(&pattern, true);
        }
    }
}
