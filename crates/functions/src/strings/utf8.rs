//! Code points of byte strings that may not be UTF-8. A byte that starts no valid sequence is a character by itself.

/// How many bytes the character at the start of `text` has; at least 1 unless `text` is empty.
pub(crate) fn character_len(text: &[u8]) -> usize {
    let Some(&first) = text.first() else { return 0 };
    let expected = match first {
        0..0xC0 => return 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0.. => 4,
    };
    let continued = text.iter().skip(1).take(expected - 1).take_while(|&&byte| byte & 0xC0 == 0x80).count();
    1 + continued
}

/// How many code points: every byte that continues none starts one.
pub(crate) fn count(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// Where each character of `text` starts, and its length at the end.
pub(crate) fn boundaries(text: &[u8], into: &mut Vec<usize>) {
    into.clear();
    let mut at = 0;
    while at < text.len() {
        into.push(at);
        at += character_len(&text[at..]);
    }
    into.push(text.len());
}

/// Appends `text` with every run of invalid bytes replaced by U+FFFD.
pub(crate) fn to_valid(text: &[u8], into: &mut Vec<u8>) {
    let mut replaced = false;
    for chunk in text.utf8_chunks() {
        if !chunk.valid().is_empty() {
            into.extend_from_slice(chunk.valid().as_bytes());
            replaced = false;
        }
        if !chunk.invalid().is_empty() && !replaced {
            into.extend_from_slice("\u{FFFD}".as_bytes());
            replaced = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_cut_where_they_start() {
        assert_eq!(count("héllo".as_bytes()), 5);
        let mut cuts = Vec::new();
        boundaries("aé\u{1F600}".as_bytes(), &mut cuts);
        assert_eq!(cuts, [0, 1, 3, 7]);
        boundaries(b"\xc3", &mut cuts);
        assert_eq!(cuts, [0, 1]);
    }

    #[test]
    fn one_replacement_a_run() {
        for (bytes, expected) in [(&b"a\xff\xffb"[..], "a\u{FFFD}b"), (b"\x61\xF0\x80\x80\x80b", "a\u{FFFD}b")] {
            let mut out = Vec::new();
            to_valid(bytes, &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }
}
