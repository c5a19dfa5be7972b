//! Rows of `COPY … TO STDOUT` (text format) to blocks.
//!
//! A line is a row, cells are separated by tabs, NULL is `\N`; line ends, tabs and backslashes in cells are escaped. Bytes
//! come in pieces of any length. Nothing here panics: what is no row is an error.

use format::{ColumnBuilder, Misfit, unescape_cell};
use types::text::Zone;
use types::{Block, DataType, Header};

use super::columns::Class;
use crate::error::{Error, Kind, Result};
use crate::rows::RowBuilder;

/// Rows being read.
pub(super) struct Decoder {
    rows: RowBuilder<Class>,
    /// The piece of a line that has come.
    pending: Vec<u8>,
    cell: Vec<u8>,
}

impl Decoder {
    /// Rows of these columns; `class` says what the column of a name is there.
    pub(super) fn new(header: Header, class: impl Fn(&str) -> Class, rows_max: usize, zone: Zone) -> Decoder {
        let rows = RowBuilder::new(Kind::Postgres, header, class, append, rows_max, zone);
        Decoder { rows, pending: Vec::new(), cell: Vec::new() }
    }

    /// Takes bytes as they came.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.pending.is_empty() {
                self.line(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.pending);
                whole.extend_from_slice(line);
                self.line(&whole)?;
                whole.clear();
                self.pending = whole;
            }
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// True when a block should be taken.
    pub(super) fn is_full(&self) -> bool {
        self.rows.is_full()
    }

    /// The rows so far.
    pub(super) fn take(&mut self) -> Result<Option<Block>> {
        self.rows.take()
    }

    /// Ends the input; the last rows.
    pub(super) fn finish(&mut self) -> Result<Option<Block>> {
        if !self.pending.is_empty() {
            return Err(malformed());
        }
        self.take()
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        let mut cells = line.split(|byte| *byte == b'\t');
        for at in 0..self.rows.width() {
            let cell = cells.next().ok_or_else(malformed)?;
            if cell == b"\\N" {
                self.rows.cell(at, None)?;
            } else if cell.contains(&b'\\') {
                self.cell.clear();
                unescape_cell(cell, &mut self.cell);
                self.rows.cell(at, Some(&self.cell))?;
            } else {
                self.rows.cell(at, Some(cell))?;
            }
        }
        if cells.next().is_some() {
            return Err(malformed());
        }
        self.rows.end_row();
        Ok(())
    }
}

fn memchr(byte: u8, bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|other| *other == byte)
}

fn malformed() -> Error {
    Error::Refused {
        kind: Kind::Postgres,
        place: "COPY".to_owned(),
        reason: "a row that does not have the columns that were asked for".to_owned(),
    }
}

/// A value that is not NULL.
fn append(column: &mut ColumnBuilder, ty: &DataType, class: Class, text: &[u8]) -> std::result::Result<(), Misfit> {
    if let DataType::Array(element) = ty {
        // an array that does not begin at 1 says so: [2:3]={7,8}
        let begin = if text.first() == Some(&b'[') { memchr(b'=', text).map_or(0, |at| at + 1) } else { 0 };
        let mut cursor = Cursor { text, at: begin, delimiter: if class == Class::Box { b';' } else { b',' }, class };
        cursor.list(column, element)?;
        return if cursor.at == text.len() { Ok(()) } else { Err(Misfit) };
    }
    scalar(column, ty, class, text)
}

fn scalar(column: &mut ColumnBuilder, ty: &DataType, class: Class, text: &[u8]) -> std::result::Result<(), Misfit> {
    match (class, ty.base()) {
        (Class::Bool, ty) if ty.is_number() => column.append_text(if text == b"t" { b"1" } else { b"0" }),
        // the wall clock there, as the real engine reads it: 2024-02-29 12:34:56.5+02 without its offset
        (Class::TimestampTz(_), DataType::DateTime(_) | DataType::DateTime64 { .. }) => {
            let offset = text.iter().skip(10).position(|byte| matches!(byte, b'+' | b'-')).map(|at| at + 10);
            let ends_in_digits = text.last().is_some_and(u8::is_ascii_digit);
            column.append_text(offset.filter(|_| ends_in_digits).and_then(|at| text.get(..at)).unwrap_or(text))
        }
        _ => column.append_text(text),
    }
}

/// A place in the text of an array.
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    delimiter: u8,
    class: Class,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// `{…}` as one cell of `column`, whose elements are `element`. As deep as the type is, and no deeper.
    fn list(&mut self, column: &mut ColumnBuilder, element: &DataType) -> std::result::Result<(), Misfit> {
        if !self.eat(b'{') {
            return Err(Misfit);
        }
        let child = column.list_child().ok_or(Misfit)?;
        if !self.eat(b'}') {
            loop {
                match element {
                    DataType::Array(inner) => self.list(child, inner)?,
                    element => self.element(child, element)?,
                }
                if self.eat(b'}') {
                    break;
                }
                if !self.eat(self.delimiter) {
                    return Err(Misfit);
                }
            }
        }
        column.end_list();
        Ok(())
    }

    fn element(&mut self, column: &mut ColumnBuilder, ty: &DataType) -> std::result::Result<(), Misfit> {
        let mut value = Vec::new();
        if self.eat(b'"') {
            loop {
                match self.peek().ok_or(Misfit)? {
                    b'"' => break,
                    b'\\' => {
                        self.at += 1;
                        value.push(self.peek().ok_or(Misfit)?);
                    }
                    byte => value.push(byte),
                }
                self.at += 1;
            }
            self.at += 1;
            return scalar(column, ty, self.class, &value);
        }
        while let Some(byte) = self.peek().filter(|byte| !matches!(byte, b'{' | b'}') && *byte != self.delimiter) {
            if byte == b'\\' {
                self.at += 1;
            }
            value.push(self.peek().ok_or(Misfit)?);
            self.at += 1;
        }
        match value.as_slice() {
            [] => Err(Misfit),
            null if null.eq_ignore_ascii_case(b"NULL") => {
                column.append_default();
                Ok(())
            }
            value => scalar(column, ty, self.class, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use types::Column as HeaderColumn;
    use types::text::{Quoting, write_cell};

    use super::*;

    fn decoder(columns: &[(&str, Class)]) -> Decoder {
        let named =
            |(at, (ty, _)): (usize, &(&str, Class))| HeaderColumn::new(at.to_string(), DataType::parse(ty).unwrap());
        let header: Vec<HeaderColumn> = columns.iter().enumerate().map(named).collect();
        Decoder::new(Header::new(header), |name| columns[name.parse::<usize>().unwrap()].1, 100, Zone::Utc)
    }

    /// The rows as ClickHouse's texts, cells separated by `|`.
    fn rows(columns: &[(&str, Class)], input: &[u8]) -> Result<Vec<String>> {
        let mut decoder = decoder(columns);
        decoder.push(input)?;
        let Some(block) = decoder.finish()? else { return Ok(vec![]) };
        let cell = |row: usize, at: usize| {
            let mut out = Vec::new();
            let ty = &block.header().columns()[at].ty;
            write_cell(&mut out, ty, block.array(at), row, Quoting::Escaped, Zone::Utc);
            String::from_utf8(out).unwrap()
        };
        Ok((0..block.rows()).map(|r| (0..columns.len()).map(|at| cell(r, at)).collect::<Vec<_>>().join("|")).collect())
    }

    #[test]
    fn cells_are_separated_by_tabs_and_escapes_resolved() {
        let columns = [("Int32", Class::Integer), ("Nullable(String)", Class::Text)];
        let read = rows(&columns, b"1\ta\\tb\\nc\\\\d\n2\t\\N\n3\t\\\\N\n4\t\n").unwrap();
        assert_eq!(read, ["1|a\\tb\\nc\\\\d", "2|\\N", "3|\\\\N", "4|"]);
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let input = b"1\tab\\\\c\n22\t\\N\n";
        let columns = [("Int32", Class::Integer), ("Nullable(String)", Class::Text)];
        let whole = rows(&columns, input).unwrap();
        for at in 0..input.len() {
            let mut decoder = decoder(&columns);
            decoder.push(&input[..at]).unwrap();
            decoder.push(&input[at..]).unwrap();
            assert_eq!(decoder.finish().unwrap().unwrap().rows(), whole.len(), "cut at {at}");
        }
    }

    #[test]
    fn arrays_have_quotes_nulls_and_dimensions() {
        let read = |ty: &str, class, text: &str| rows(&[(ty, class)], format!("{text}\n").as_bytes());
        let ok = |ty: &str, class, text: &str| read(ty, class, text).unwrap().concat();
        assert_eq!(ok("Array(Nullable(Int32))", Class::Integer, "{1,NULL,-3}"), "[1,NULL,-3]");
        assert_eq!(ok("Array(Int32)", Class::Integer, "{1,NULL}"), "[1,0]");
        assert_eq!(ok("Array(Array(Int32))", Class::Integer, "{{1,2},{3,4}}"), "[[1,2],[3,4]]");
        assert_eq!(ok("Array(Array(Int32))", Class::Integer, "{}"), "[]");
        assert_eq!(ok("Array(Int32)", Class::Integer, "[2:3]={7,8}"), "[7,8]");
        assert_eq!(ok("Array(Int32)", Class::Integer, "\\N"), "[]");
        assert_eq!(ok("Array(UInt8)", Class::Bool, "{t,f}"), "[1,0]");
        let quoted = r#"{"a b","d\\"e\\\\f",NULL,"NULL","",x}"#;
        assert_eq!(ok("Array(Nullable(String))", Class::Text, quoted), r#"['a b','d"e\\f',NULL,'NULL','','x']"#);
        assert_eq!(ok("Array(String)", Class::Box, "{(1,1),(0,0);(2,2),(0,0)}"), "['(1,1),(0,0)','(2,2),(0,0)']");
        for text in ["{{1}}", "{", "{1", "{1,}", "1", "{1}x", "{\"a}", "{a}", "{1,{2}}"] {
            assert!(matches!(read("Array(Int32)", Class::Integer, text), Err(Error::BadValue { .. })), "{text}");
        }
        assert!(read("Array(Array(Int32))", Class::Integer, "{1}").is_err());
    }

    #[test]
    fn edge_values() {
        let ok = |ty: &str, class, text: &str| rows(&[(ty, class)], format!("{text}\n").as_bytes()).unwrap().concat();
        assert_eq!(ok("Float64", Class::Float, "-Infinity"), "-inf");
        assert_eq!(ok("Float64", Class::Float, "NaN"), "nan");
        assert_eq!(ok("UInt8", Class::Bool, "t"), "1");
        assert_eq!(ok("Int64", Class::Bool, "f"), "0");
        assert_eq!(ok("Bool", Class::Bool, "t"), "true");
        assert_eq!(ok("String", Class::Bool, "t"), "t");
        assert_eq!(ok("Date32", Class::Date, "1969-12-31"), "1969-12-31");
        let time = "DateTime64(6)";
        assert_eq!(ok(time, Class::Timestamp(6), "1960-06-01 01:02:03.5"), "1960-06-01 01:02:03.500000");
        assert_eq!(ok(time, Class::TimestampTz(6), "1900-01-01 08:27:52+08:27:52"), "1900-01-01 08:27:52.000000");
        assert_eq!(ok(time, Class::TimestampTz(6), "2024-02-29 12:34:56.78-03"), "2024-02-29 12:34:56.780000");
        assert_eq!(ok("String", Class::TimestampTz(6), "2024-02-29 12:34:56-03"), "2024-02-29 12:34:56-03");
    }

    #[test]
    fn what_a_type_cannot_hold_is_named_with_its_column() {
        let cases = [
            ("DateTime64(6)", Class::Timestamp(6), "infinity"),
            ("DateTime64(6)", Class::TimestampTz(6), "0044-03-15 00:00:00+00 BC"),
            ("Date32", Class::Date, "-infinity"),
            ("Decimal(38, 19)", Class::Numeric(None), "NaN"),
            ("Decimal(38, 19)", Class::Numeric(None), "99999999999999999999999"),
            ("Int8", Class::Integer, "128"),
        ];
        for (ty, class, text) in cases {
            let error = rows(&[(ty, class)], format!("{text}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains(ty) && error.contains(text), "{error}");
        }
    }

    #[test]
    fn rows_of_another_shape_are_errors() {
        for input in [&b"1\n"[..], b"1\t2\t3\n", b"1\t2"] {
            assert!(rows(&[("Int32", Class::Integer), ("Int32", Class::Integer)], input).is_err());
        }
        let mut decoder = decoder(&[("Int32", Class::Integer)]);
        decoder.push(b"").unwrap();
        assert!(decoder.finish().unwrap().is_none());
    }
}
