//! Upper and lower case, reversal: of ASCII bytes, or of code points where the name says UTF8.

use types::DataType;

use super::shapes::{text_to_same, text_to_text};
use super::utf8;
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("lower", |request| text_to_same(request, lower)).any_case(),
    Definition::new("lower", |request| text_to_same(request, lower)).alias("lcase").any_case(),
    Definition::new("upper", |request| text_to_same(request, upper)).any_case(),
    Definition::new("upper", |request| text_to_same(request, upper)).alias("ucase").any_case(),
    Definition::new("lowerUTF8", |request| text_to_text(request, lower_utf8)),
    Definition::new("upperUTF8", |request| text_to_text(request, upper_utf8)),
    Definition::new("caseFoldUTF8", |request| text_to_text(request, lower_utf8)),
    Definition::new("reverse", resolve_reverse).any_case(),
    Definition::new("reverseUTF8", |request| text_to_text(request, reverse_utf8)),
    Definition::new("initcap", |request| text_to_text(request, initcap)).any_case(),
    Definition::new("initcapUTF8", |request| text_to_text(request, initcap_utf8)),
];

/// Of strings, or of arrays.
fn resolve_reverse(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    match request.ty(0) {
        DataType::Array(_) => crate::arrays::slice::reverse(request),
        _ => text_to_same(request, reverse),
    }
}

/// `lower`: ASCII letters only.
pub(crate) fn lower(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().map(u8::to_ascii_lowercase));
}

/// `upper`: ASCII letters only.
pub(crate) fn upper(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().map(u8::to_ascii_uppercase));
}

/// `lowerUTF8`; bytes that are not UTF-8 stay.
pub(crate) fn lower_utf8(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().to_lowercase().as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
}

/// `upperUTF8`; bytes that are not UTF-8 stay.
pub(crate) fn upper_utf8(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().to_uppercase().as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
}

/// `reverse`: bytes.
pub(crate) fn reverse(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().rev());
}

/// `reverseUTF8`: code points.
pub(crate) fn reverse_utf8(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + text.len(), 0);
    let mut end = out.len();
    let mut at = 0;
    while at < text.len() {
        let length = utf8::character_len(&text[at..]);
        out[end - length..end].copy_from_slice(&text[at..at + length]);
        end -= length;
        at += length;
    }
}

/// `initcap`: the first letter of each word of ASCII letters and digits large, the others small.
pub(crate) fn initcap(text: &[u8], out: &mut Vec<u8>) {
    let mut inside = false;
    for byte in text {
        out.push(if inside { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() });
        inside = byte.is_ascii_alphanumeric();
    }
}

/// `initcapUTF8`.
pub(crate) fn initcap_utf8(text: &[u8], out: &mut Vec<u8>) {
    let mut inside = false;
    let mut buffer = [0; 4];
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            let cased = if inside { single(c.to_lowercase(), c) } else { single(c.to_uppercase(), c) };
            out.extend_from_slice(cased.encode_utf8(&mut buffer).as_bytes());
            inside = c.is_alphanumeric();
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// The one character of `cased`, or `c` where the case has several (ß).
fn single(mut cased: impl Iterator<Item = char>, c: char) -> char {
    match (cased.next(), cased.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(f: fn(&[u8], &mut Vec<u8>), text: &str) -> String {
        let mut out = Vec::new();
        f(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cases_as_in_clickhouse() {
        assert_eq!(run(lower, "ÀB"), "Àb");
        assert_eq!(run(lower_utf8, "ÀÉß"), "àéß");
        assert_eq!(run(upper_utf8, "straße"), "STRASSE");
        assert_eq!(run(reverse_utf8, "aé"), "éa");
        assert_eq!(run(initcap, "hello wORLD foo-bar 1abc_d"), "Hello World Foo-Bar 1abc_D");
        assert_eq!(run(initcap_utf8, "éa bç"), "Éa Bç");
    }

    proptest::proptest! {
        #[test]
        fn reversing_twice_gives_the_text_back(text in proptest::collection::vec(proptest::num::u8::ANY, 0..24)) {
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            reverse(&text, &mut once);
            reverse(&once, &mut twice);
            proptest::prop_assert_eq!(&twice, &text);
            let mut reversed = Vec::new();
            reverse_utf8(&text, &mut reversed);
            proptest::prop_assert_eq!(reversed.len(), text.len());
        }
    }
}
