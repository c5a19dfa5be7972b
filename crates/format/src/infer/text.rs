//! Cells of TabSeparated and CSV, and what a text may be.

use types::text::scan;

use super::{DEPTH_MAX, Kind, ROWS_MAX};
use crate::decode::unescape_cell;

/// A cell of a line.
pub(super) struct Cell {
    pub(super) text: String,
    /// In quotes: a number in quotes is a text.
    is_quoted: bool,
    is_null: bool,
}

pub(super) fn tsv(bytes: &[u8]) -> Vec<Vec<Cell>> {
    let cell = |raw: &[u8]| {
        let mut text = Vec::new();
        // containers keep the escapes of their strings
        match raw.first() {
            Some(b'[' | b'(' | b'{') => text.extend_from_slice(raw),
            _ => unescape_cell(raw, &mut text),
        }
        Cell { text: lossy(&text), is_quoted: false, is_null: raw == b"\\N" }
    };
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.filter(|line| !line.is_empty()).take(ROWS_MAX);
    lines.map(|line| line.split(|byte| *byte == b'\t').map(cell).collect()).collect()
}

pub(super) fn csv(bytes: &[u8], delimiter: u8) -> Vec<Vec<Cell>> {
    let (mut lines, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() && lines.len() < ROWS_MAX {
        let mut line = Vec::new();
        loop {
            let (cell, after) = csv_cell(rest, delimiter);
            line.push(cell);
            match after.split_first() {
                Some((byte, after)) if *byte == delimiter => rest = after,
                Some((_, after)) => {
                    rest = after;
                    break;
                }
                None => {
                    rest = after;
                    break;
                }
            }
        }
        let is_blank = matches!(line.as_slice(), [only] if only.text.is_empty() && !only.is_quoted);
        if !is_blank {
            lines.push(line);
        }
    }
    lines
}

/// The first cell, and what follows it: a delimiter, a line end or nothing.
fn csv_cell(bytes: &[u8], delimiter: u8) -> (Cell, &[u8]) {
    let Some(quote @ (b'"' | b'\'')) = bytes.first().copied() else {
        let end = bytes.iter().position(|byte| *byte == delimiter || *byte == b'\n').unwrap_or(bytes.len());
        let (raw, after) = bytes.split_at(end);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw).trim_ascii();
        return (Cell { text: lossy(raw), is_quoted: false, is_null: raw.is_empty() || raw == b"\\N" }, after);
    };
    let (mut text, mut at) = (Vec::new(), 1);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte == quote {
            if bytes.get(at) != Some(&quote) {
                break;
            }
            at += 1;
        }
        text.push(*byte);
    }
    let after = bytes.get(at..).unwrap_or_default();
    let skipped = after.iter().take_while(|byte| **byte != delimiter && **byte != b'\n').count();
    let after = after.get(skipped..).unwrap_or_default();
    (Cell { text: lossy(&text), is_quoted: true, is_null: false }, after)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Cell {
    pub(super) fn kind(&self) -> Kind {
        if self.is_null {
            return Kind::Null;
        }
        if let Some(kind) = container(&self.text) {
            return kind;
        }
        if self.is_quoted {
            return Kind::of_time(&self.text).unwrap_or(Kind::Text);
        }
        scalar(&self.text)
    }
}

/// A bare word.
fn scalar(text: &str) -> Kind {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number =
        digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.bytes().any(|b| b.is_ascii_digit());
    match text {
        "true" | "false" | "True" | "False" | "TRUE" | "FALSE" => Kind::Bool,
        "nan" | "NaN" | "inf" | "-inf" | "Infinity" | "-Infinity" => Kind::Float,
        _ if is_number && text.parse::<i64>().is_ok() => Kind::Int,
        _ if is_number && text.parse::<u64>().is_ok() => Kind::UInt,
        _ if is_number && scan::parse_f64(text.as_bytes()).is_some() => Kind::Float,
        _ => Kind::of_time(text).unwrap_or(Kind::Text),
    }
}

/// The kind of a text that is an array or a tuple as a whole.
fn container(text: &str) -> Option<Kind> {
    if !text.starts_with(['[', '(']) {
        return None;
    }
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let kind = reader.value(0)?;
    (reader.at == text.len()).then_some(kind)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn spaces(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Option<Kind> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.spaces()? {
            b'[' => {
                let items = self.items(b']', depth)?;
                Some(Kind::Array(Box::new(items.into_iter().fold(Kind::Null, Kind::merge))))
            }
            b'(' => Some(Kind::Tuple(self.items(b')', depth)?.into_iter().map(|kind| (None, kind)).collect())),
            quote @ (b'\'' | b'"') => {
                let start = self.at + 1;
                self.at = start;
                while *self.bytes.get(self.at)? != quote {
                    self.at += if self.bytes[self.at] == b'\\' { 2 } else { 1 };
                }
                let text = String::from_utf8_lossy(self.bytes.get(start..self.at)?).into_owned();
                self.at += 1;
                Some(Kind::of_time(&text).unwrap_or(Kind::Text))
            }
            _ => {
                let rest = self.bytes.get(self.at..)?;
                let length = rest.iter().take_while(|byte| !matches!(byte, b',' | b']' | b')')).count();
                self.at += length;
                let word = String::from_utf8_lossy(rest.get(..length)?.trim_ascii()).into_owned();
                if word.eq_ignore_ascii_case("null") {
                    return Some(Kind::Null);
                }
                Some(scalar(&word)).filter(|kind| *kind != Kind::Text)
            }
        }
    }

    /// The values up to `close`.
    fn items(&mut self, close: u8, depth: usize) -> Option<Vec<Kind>> {
        self.at += 1;
        let mut items = Vec::new();
        if self.spaces()? == close {
            self.at += 1;
            return Some(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            let next = self.spaces()?;
            self.at += 1;
            match next {
                b',' => {}
                byte if byte == close => return Some(items),
                _ => return None,
            }
        }
    }
}
