//! Words and pieces of texts.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes that must stand together in a text, and what may stand beside them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Other bytes may stand before them: their first word may be the end of a longer one.
    pub open_start: bool,
    /// The same behind them.
    pub open_end: bool,
}

impl Piece {
    /// A whole text.
    pub fn whole(bytes: &[u8]) -> Piece {
        Piece { bytes: bytes.to_vec(), open_start: false, open_end: false }
    }

    /// The words that are whole in every text that has this piece.
    pub(super) fn words(&self) -> impl Iterator<Item = &[u8]> {
        let len = self.bytes.len();
        let is_whole = move |(start, word): &(usize, &[u8])| {
            !(self.open_start && *start == 0 || self.open_end && start + word.len() == len)
        };
        words(&self.bytes).filter(is_whole).map(|(_, word)| word)
    }
}

/// Runs of letters, digits and bytes that are not ASCII, with where they start.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.iter().position(is_letter)?;
        let run = text.get(start..)?.iter().take_while(|byte| is_letter(byte)).count();
        at = start + run;
        Some((start, text.get(start..at)?))
    })
}

/// All runs of `n` characters of a text that is written down. Of bytes that are no UTF-8 there is a run from each byte on:
/// whatever is looked for stands somewhere among them.
pub(super) fn ngrams(text: &[u8], n: usize) -> impl Iterator<Item = &[u8]> {
    let is_text = std::str::from_utf8(text).is_ok();
    let is_start = move |at: &usize| !is_text || text.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80);
    (0..text.len()).filter(is_start).filter_map(move |start| run(text, start, n))
}

/// The runs of `n` characters that every text has in which these bytes stand together. None of bytes that are no UTF-8: they
/// may begin or end within a character.
pub(super) fn wanted_ngrams(piece: &[u8], n: usize) -> impl Iterator<Item = &[u8]> {
    let piece = if std::str::from_utf8(piece).is_ok() { piece } else { &[] };
    ngrams(piece, n)
}

/// `n` characters from `start` on; none when there are fewer.
fn run(text: &[u8], start: usize, n: usize) -> Option<&[u8]> {
    let mut end = start;
    for _ in 0..n.max(1) {
        end += len_of(*text.get(end)?);
    }
    text.get(start..end)
}

/// Bytes of the character that begins with this one, as ClickHouse counts them.
fn len_of(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

pub(super) fn hash(word: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(word, seed)
}
