//! JSONEachRow: a JSON object a row, read by `serde_json` straight into the columns.
//!
//! Where dead letters are kept a row is a line. Elsewhere an object may span lines, and rows may stand in an array.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use types::{DataType, Setting};

use super::rows::{Fault, Pending, Rows};
use super::{Decode, DecodeOptions, Decoded, ROW_BYTES_MAX};
use crate::build::ColumnBuilder;
use crate::error::{Error, Result};

pub(super) struct Json {
    pending: Pending,
    rows: Rows,
    skip_unknown: bool,
    strict: bool,
}

pub(super) fn decoder(options: DecodeOptions) -> Json {
    Json {
        pending: Pending::default(),
        skip_unknown: options.settings.flag(Setting::InputFormatSkipUnknownFields),
        strict: options.strict_types,
        rows: Rows::new(options),
    }
}

impl Json {
    /// Reads one line that is one row.
    fn line(&mut self, line: &[u8]) -> Result<()> {
        self.rows.position += 1;
        let mut input = serde_json::Deserializer::from_slice(line);
        let read = self.object(&mut input).and_then(|()| match input.end() {
            Ok(()) => Ok(()),
            Err(error) => Err(Fault::Row("not_json", error.to_string())),
        });
        match read {
            Ok(()) => self.rows.end_row(line),
            Err(fault) => self.rows.fail_row(fault, line)?,
        }
        Ok(())
    }

    fn object<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        input: &mut serde_json::Deserializer<R>,
    ) -> std::result::Result<(), Fault> {
        let skip_unknown = self.skip_unknown;
        let mut row = Row { rows: &mut self.rows, strict: self.strict, skip_unknown, misfit: None, unknown: None };
        let parsed = input.deserialize_map(RowVisitor(&mut row));
        let Row { misfit, unknown, .. } = row;
        if let Err(error) = parsed {
            return Err(Fault::Row("not_json", error.to_string()));
        }
        match (misfit, unknown) {
            (Some(column), _) => Err(Fault::Column(column, Vec::new())),
            (None, Some(name)) => Err(Fault::Unknown(name)),
            (None, None) => Ok(()),
        }
    }

    /// Reads one object that may span lines. `false`: more bytes are needed.
    fn spanning(&mut self, last: bool) -> Result<bool> {
        let rest = self.pending.rest();
        let skipped = rest.iter().take_while(|b| b.is_ascii_whitespace() || matches!(b, b',' | b'[' | b']')).count();
        if skipped == rest.len() {
            self.rows.bytes_read += skipped as u64;
            self.pending.consume(skipped);
            return Ok(false);
        }
        let start = rest[skipped..].to_vec();
        let mut stream = serde_json::Deserializer::from_slice(&start).into_iter::<IgnoredAny>();
        let end = match stream.next() {
            Some(Ok(_)) => stream.byte_offset(),
            Some(Err(error)) if !last && (error.is_eof() || is_at_end(&error, &start)) => return Ok(false),
            _ => memchr::memchr(b'\n', &start).unwrap_or(start.len()),
        };
        self.pending.consume(skipped + end);
        self.rows.bytes_read += (skipped + end) as u64;
        self.line(&start[..end])?;
        Ok(true)
    }

    /// Reads the next row. `false`: more bytes are needed.
    fn step(&mut self, last: bool) -> Result<bool> {
        let line = self.pending.line(last);
        let rest = self.pending.rest();
        let whole = line.filter(|(end, _)| {
            let text = rest[..*end].trim_ascii();
            self.rows.options.keep_bad_rows || text.is_empty() || (text.starts_with(b"{") && text.ends_with(b"}"))
        });
        let Some((end, next)) = whole else {
            return if self.rows.options.keep_bad_rows { Ok(false) } else { self.spanning(last) };
        };
        // taken out so that the row can be read while the columns are written
        let mut pending = std::mem::take(&mut self.pending);
        let text = pending.rest()[..end].trim_ascii();
        let multiline = !self.rows.options.keep_bad_rows && !text.is_empty() && !balanced(text);
        let read = if multiline || text.is_empty() { Ok(()) } else { self.line(text) };
        if !multiline {
            pending.consume(next);
            self.rows.bytes_read += next as u64;
        }
        self.pending = pending;
        read?;
        if multiline { self.spanning(last) } else { Ok(true) }
    }
}

/// True when the error is about the very last byte: a lone `-` there may become a number.
fn is_at_end(error: &serde_json::Error, text: &[u8]) -> bool {
    let lines_before = error.line().saturating_sub(1);
    let start: usize = text.split_inclusive(|b| *b == b'\n').take(lines_before).map(<[u8]>::len).sum();
    start + error.column() >= text.len()
}

/// A cheap test that a line holds whole objects: as many `{` as `}`. Braces in strings make it wrong only towards the
/// slower path, which reads any JSON.
fn balanced(text: &[u8]) -> bool {
    let open = memchr::memchr_iter(b'{', text).count();
    open == 1 && memchr::memchr_iter(b'}', text).count() == 1
}

impl Decode for Json {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.push(bytes);
    }

    fn next(&mut self, last: bool) -> Result<Option<Decoded>> {
        while !self.rows.is_full() && self.step(last)? {}
        if self.pending.rest().len() > ROW_BYTES_MAX {
            return Err(Error::RowTooLarge { row: self.rows.position + 1, limit_bytes: ROW_BYTES_MAX });
        }
        self.rows.give(last)
    }
}

struct Row<'a> {
    rows: &'a mut Rows,
    strict: bool,
    skip_unknown: bool,
    /// The first column (in the order of the table) whose value does not fit.
    misfit: Option<usize>,
    /// The first key that is no column, unless such are skipped.
    unknown: Option<String>,
}

/// What a key means.
enum Key {
    Column(usize),
    Skipped,
    Unknown(String),
}

struct RowVisitor<'a, 'b>(&'b mut Row<'a>);

impl<'de> Visitor<'de> for RowVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let row = self.0;
        // keys mostly come in the order of the columns
        let mut guess = 0;
        while let Some(found) = map.next_key_seed(KeySeed { row, guess })? {
            match found {
                Key::Column(column) => {
                    guess = column + 1;
                    if row.rows.has(column) {
                        // a key that comes again: the last one counts
                        let rows = row.rows.columns[column].len() - 1;
                        row.rows.columns[column].truncate(rows);
                    }
                    let cell = map.next_value_seed(CellSeed { rows: row.rows, column, strict: row.strict })?;
                    if !cell {
                        row.misfit = Some(row.misfit.map_or(column, |first| first.min(column)));
                        let rows = row.rows.columns[column].len();
                        if !row.rows.has(column) || rows == 0 {
                            row.rows.append_absent(column);
                        }
                    }
                }
                Key::Skipped => {
                    map.next_value::<IgnoredAny>()?;
                }
                Key::Unknown(name) => {
                    map.next_value::<IgnoredAny>()?;
                    row.unknown.get_or_insert(name);
                }
            }
        }
        Ok(())
    }
}

struct KeySeed<'a, 'b> {
    row: &'b Row<'a>,
    guess: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> std::result::Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, '_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<Self::Value, E> {
        let header = &self.row.rows.options.header;
        if header.columns().get(self.guess).is_some_and(|column| &*column.name == key) {
            return Ok(Key::Column(self.guess));
        }
        Ok(match header.position(key) {
            Some(column) => Key::Column(column),
            None if self.row.skip_unknown => Key::Skipped,
            None => Key::Unknown(key.to_owned()),
        })
    }
}

/// A top-level value; `false` when it does not fit its column.
pub(super) struct CellSeed<'a> {
    pub(super) rows: &'a mut Rows,
    pub(super) column: usize,
    pub(super) strict: bool,
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> std::result::Result<bool, D::Error> {
        let before = self.rows.columns[self.column].len();
        let read =
            input.deserialize_any(ValueVisitor { column: &mut self.rows.columns[self.column], strict: self.strict })?;
        match read {
            Token::Fits => Ok(true),
            Token::Null => Ok(self.rows.append_null(self.column).is_ok()),
            Token::Misfit => {
                self.rows.columns[self.column].truncate(before);
                Ok(false)
            }
        }
    }
}

/// What became of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Fits,
    Misfit,
    /// NULL for the caller to place.
    Null,
}

impl From<std::result::Result<(), crate::build::Misfit>> for Token {
    fn from(appended: std::result::Result<(), crate::build::Misfit>) -> Token {
        if appended.is_ok() { Token::Fits } else { Token::Misfit }
    }
}

struct ValueVisitor<'a> {
    column: &'a mut ColumnBuilder,
    strict: bool,
}

impl ValueVisitor<'_> {
    fn refuses_number(&self) -> bool {
        self.strict && self.column.ty().base().is_string()
    }
}

impl<'de> Visitor<'de> for ValueVisitor<'_> {
    type Value = Token;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Token, E> {
        if self.strict && *self.column.ty().base() != DataType::Bool {
            return Ok(Token::Misfit);
        }
        Ok(self.column.append_bool(value).into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Token, E> {
        if self.refuses_number() {
            return Ok(Token::Misfit);
        }
        Ok(self.column.append_u64(value).into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Token, E> {
        if self.refuses_number() {
            return Ok(Token::Misfit);
        }
        Ok(self.column.append_i64(value).into())
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Token, E> {
        if self.refuses_number() || self.column.ty().base().is_integer() {
            return Ok(Token::Misfit);
        }
        Ok(self.column.append_f64(value).into())
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Token, E> {
        if self.strict && self.column.ty().base().is_number() {
            return Ok(Token::Misfit);
        }
        Ok(self.column.append_text(value.as_bytes()).into())
    }

    fn visit_unit<E>(self) -> std::result::Result<Token, E> {
        Ok(Token::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Token, A::Error> {
        let strict = self.strict;
        let mut fits = true;
        if let Some(child) = self.column.list_child() {
            while let Some(token) = seq.next_element_seed(ElementSeed { column: child, strict })? {
                fits &= token == Token::Fits;
            }
            self.column.end_list();
        } else if let Some(children) = self.column.struct_children() {
            for child in children {
                fits &= seq.next_element_seed(ElementSeed { column: child, strict })? == Some(Token::Fits);
            }
            fits &= seq.next_element::<IgnoredAny>()?.is_none();
            self.column.end_struct();
        } else {
            fits = false;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(if fits { Token::Fits } else { Token::Misfit })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Token, A::Error> {
        let strict = self.strict;
        let fits = match self.column.ty().base().clone() {
            DataType::Map(_) => read_map(self.column, &mut map, strict)?,
            DataType::Tuple(fields) => read_named_tuple(self.column, &fields, &mut map, strict)?,
            _ => false,
        };
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(if fits { Token::Fits } else { Token::Misfit })
    }
}

fn read_map<'de, A: MapAccess<'de>>(
    column: &mut ColumnBuilder,
    map: &mut A,
    strict: bool,
) -> std::result::Result<bool, A::Error> {
    let Some(pairs) = column.list_child() else { return Ok(false) };
    let mut fits = true;
    while let Some(name) = map.next_key::<String>()? {
        let Some([key, value]) = pairs.struct_children() else { return Ok(false) };
        fits &= key.append_text(name.as_bytes()).is_ok();
        fits &= map.next_value_seed(ElementSeed { column: value, strict })? == Token::Fits;
        if !fits {
            return Ok(false);
        }
        pairs.end_struct();
    }
    column.end_list();
    Ok(fits)
}

fn read_named_tuple<'de, A: MapAccess<'de>>(
    column: &mut ColumnBuilder,
    fields: &[types::TupleField],
    map: &mut A,
    strict: bool,
) -> std::result::Result<bool, A::Error> {
    let before = column.len();
    while let Some(name) = map.next_key::<String>()? {
        let position = fields.iter().position(|field| field.name.as_deref() == Some(name.as_str()));
        let child = column.struct_children().and_then(|children| children.get_mut(position?));
        match child {
            Some(child) if child.len() == before => {
                if map.next_value_seed(ElementSeed { column: child, strict })? != Token::Fits {
                    return Ok(false);
                }
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    for child in column.struct_children().unwrap_or_default() {
        if child.len() == before {
            child.append_default();
        }
    }
    column.end_struct();
    Ok(true)
}

/// A value inside a container: NULL is placed here.
struct ElementSeed<'a> {
    column: &'a mut ColumnBuilder,
    strict: bool,
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_> {
    type Value = Token;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> std::result::Result<Token, D::Error> {
        let token = input.deserialize_any(ValueVisitor { column: &mut *self.column, strict: self.strict })?;
        if token == Token::Null {
            self.column.append_default();
            return Ok(Token::Fits);
        }
        Ok(token)
    }
}
