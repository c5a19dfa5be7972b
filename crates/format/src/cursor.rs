//! ClickHouse's own text of values: quoted strings, arrays, tuples, maps, as in Values and inside TabSeparated cells.

use types::DataType;

use crate::build::{ColumnBuilder, Misfit};

/// A place in text. Containers nest at most [`DEPTH_MAX`] deep.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    pub(crate) at: usize,
    depth: usize,
}

/// Deeper text is a misfit: it must not overflow the stack.
const DEPTH_MAX: usize = 64;

/// Reads a whole container cell.
pub(crate) fn read_container(column: &mut ColumnBuilder, text: &[u8]) -> Result<(), Misfit> {
    let mut cursor = Cursor::new(text, 0);
    let len = column.len();
    let read = cursor.value(column).and_then(|()| {
        cursor.spaces();
        if cursor.at == text.len() { Ok(()) } else { Err(Misfit) }
    });
    if read.is_err() {
        column.truncate(len);
    }
    read
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Cursor<'a> {
        Cursor { bytes, at, depth: 0 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn spaces(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    pub(crate) fn eat(&mut self, symbol: u8) -> bool {
        self.spaces();
        let found = self.peek() == Some(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: u8) -> Result<(), Misfit> {
        if self.eat(symbol) { Ok(()) } else { Err(Misfit) }
    }

    /// A bare word or number: up to a delimiter.
    fn token(&mut self) -> &'a [u8] {
        self.spaces();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|b| matches!(b, b',' | b')' | b']' | b'}' | b':' | b'(' | b'[' | b'{' | b';'));
        let token = rest[..end.unwrap_or(rest.len())].trim_ascii_end();
        self.at += token.len();
        token
    }

    /// The text of a quoted string, escapes resolved.
    pub(crate) fn quoted(&mut self) -> Result<Vec<u8>, Misfit> {
        self.expect(b'\'')?;
        let mut out = Vec::new();
        loop {
            match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(b'\\'), Some(escaped)) => {
                    self.at += 2;
                    self.at += unescape(*escaped, self.bytes.get(self.at..).unwrap_or_default(), &mut out);
                }
                (Some(b'\''), Some(b'\'')) => {
                    out.push(b'\'');
                    self.at += 2;
                }
                (Some(b'\''), _) => {
                    self.at += 1;
                    return Ok(out);
                }
                (Some(byte), _) => {
                    out.push(*byte);
                    self.at += 1;
                }
                (None, _) => return Err(Misfit),
            }
        }
    }

    /// One value of the column's type. On a misfit the column may hold a part of it; the caller truncates.
    pub(crate) fn value(&mut self, column: &mut ColumnBuilder) -> Result<(), Misfit> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Misfit);
        }
        self.spaces();
        let read = match column.ty().base().clone() {
            DataType::Array(_) => self.list(column, b'[', b']'),
            DataType::Map(_) => self.map(column),
            DataType::Tuple(fields) => self.tuple(column, fields.len()),
            _ => self.scalar(column),
        };
        self.depth -= 1;
        read
    }

    fn scalar(&mut self, column: &mut ColumnBuilder) -> Result<(), Misfit> {
        if self.peek() == Some(b'\'') {
            let text = self.quoted()?;
            return column.append_text(&text);
        }
        let token = self.token();
        if token.eq_ignore_ascii_case(b"null") {
            return self.null(column);
        }
        // a bare word is no string
        if token.is_empty() || column.ty().base().is_string() {
            return Err(Misfit);
        }
        column.append_text(token)
    }

    fn null(&mut self, column: &mut ColumnBuilder) -> Result<(), Misfit> {
        if !column.is_nullable() {
            return Err(Misfit);
        }
        column.append_default();
        Ok(())
    }

    fn list(&mut self, column: &mut ColumnBuilder, open: u8, close: u8) -> Result<(), Misfit> {
        self.expect(open)?;
        let child = column.list_child().ok_or(Misfit)?;
        if !self.eat(close) {
            loop {
                self.value(child)?;
                if self.eat(close) {
                    break;
                }
                self.expect(b',')?;
            }
        }
        column.end_list();
        Ok(())
    }

    fn map(&mut self, column: &mut ColumnBuilder) -> Result<(), Misfit> {
        self.expect(b'{')?;
        let pairs = column.list_child().ok_or(Misfit)?;
        if !self.eat(b'}') {
            loop {
                let [key, value] = pairs.struct_children().ok_or(Misfit)? else { return Err(Misfit) };
                self.value(key)?;
                self.expect(b':')?;
                self.value(value)?;
                pairs.end_struct();
                if self.eat(b'}') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        column.end_list();
        Ok(())
    }

    fn tuple(&mut self, column: &mut ColumnBuilder, len: usize) -> Result<(), Misfit> {
        self.expect(b'(')?;
        for i in 0..len {
            if i > 0 {
                self.expect(b',')?;
            }
            let children = column.struct_children().ok_or(Misfit)?;
            self.value(children.get_mut(i).ok_or(Misfit)?)?;
        }
        self.eat(b',');
        self.expect(b')')?;
        column.end_struct();
        Ok(())
    }
}

/// Appends what `\escaped` means; returns how many bytes of `rest` it took besides.
pub(crate) fn unescape(escaped: u8, rest: &[u8], out: &mut Vec<u8>) -> usize {
    match escaped {
        b'n' => out.push(b'\n'),
        b't' => out.push(b'\t'),
        b'r' => out.push(b'\r'),
        b'0' => out.push(0),
        b'b' => out.push(8),
        b'f' => out.push(12),
        b'a' => out.push(7),
        b'v' => out.push(11),
        b'e' => out.push(27),
        b'x' => {
            let hex = |at: usize| rest.get(at).and_then(|b| char::from(*b).to_digit(16));
            if let (Some(high), Some(low)) = (hex(0), hex(1)) {
                out.push((high * 16 + low) as u8);
                return 2;
            }
            out.extend_from_slice(b"\\x");
        }
        // ClickHouse keeps the backslash of escapes that it does not know, but not of these
        b'\\' | b'\'' | b'"' | b'`' | b'/' | b'=' | 0..=0x1f => out.push(escaped),
        other => out.extend_from_slice(&[b'\\', other]),
    }
    0
}
