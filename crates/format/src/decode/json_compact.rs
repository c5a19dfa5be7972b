//! JSONCompactEachRow: a JSON array a row, its values in the order of the columns or of a line of names.

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::json::CellSeed;
use super::rows::{Fault, Pending, Rows};
use super::{Decode, DecodeOptions, Decoded, ROW_BYTES_MAX};
use crate::error::{Error, Result};

pub(super) struct JsonCompact {
    pending: Pending,
    rows: Rows,
    /// Lines before the rows: 1 names, 2 names and types.
    header_lines: u8,
    with_names: bool,
    fields: Vec<Option<usize>>,
}

pub(super) fn decoder(options: DecodeOptions, header_lines: u8) -> JsonCompact {
    JsonCompact {
        pending: Pending::default(),
        fields: (0..options.header.len()).map(Some).collect(),
        header_lines,
        with_names: header_lines > 0,
        rows: Rows::new(options),
    }
}

impl JsonCompact {
    /// The next array. `false`: more bytes are needed.
    fn step(&mut self, last: bool) -> Result<bool> {
        let rest = self.pending.rest();
        let skipped = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
        let row = rest.get(skipped..).unwrap_or_default();
        if row.is_empty() {
            return Ok(false);
        }
        let mut stream = serde_json::Deserializer::from_slice(row).into_iter::<IgnoredAny>();
        let length = match stream.next() {
            Some(Ok(_)) => stream.byte_offset(),
            Some(Err(error)) if !last && error.is_eof() => return Ok(false),
            _ => memchr::memchr(b'\n', row).unwrap_or(row.len()),
        };
        let row = row.get(..length).unwrap_or_default().to_vec();
        self.pending.consume(skipped + length);
        self.rows.bytes_read += (skipped + length) as u64;
        if self.header_lines > 0 {
            self.header_lines -= 1;
            self.header(&row)?;
        } else {
            self.row(&row)?;
        }
        Ok(true)
    }

    fn header(&mut self, line: &[u8]) -> Result<()> {
        let names: Vec<String> = serde_json::from_slice(line)
            .map_err(|error| Error::BadRow { row: 0, reason: format!("expected an array of names: {error}") })?;
        if std::mem::take(&mut self.with_names) {
            self.fields = super::tsv::fields_of(&names, &self.rows)?;
        }
        Ok(())
    }

    fn row(&mut self, row: &[u8]) -> Result<()> {
        self.rows.position += 1;
        let strict = self.rows.options.strict_types;
        let mut values = Values { rows: &mut self.rows, fields: &self.fields, strict, misfit: None };
        let mut input = serde_json::Deserializer::from_slice(row);
        let read = input.deserialize_seq(&mut values);
        let misfit = values.misfit;
        match (read, misfit) {
            (Err(error), _) => self.rows.fail_row(Fault::Row("not_json", error.to_string()), row),
            (Ok(()), Some(column)) => self.rows.fail_row(Fault::Column(column, Vec::new()), row),
            (Ok(()), None) => {
                self.rows.end_row(row);
                Ok(())
            }
        }
    }
}

struct Values<'a> {
    rows: &'a mut Rows,
    fields: &'a [Option<usize>],
    strict: bool,
    misfit: Option<usize>,
}

impl<'de> Visitor<'de> for &mut Values<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a JSON array of {} values", self.fields.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<(), A::Error> {
        for (count, field) in self.fields.iter().enumerate() {
            let read = match field {
                Some(column) => {
                    seq.next_element_seed(CellSeed { rows: self.rows, column: *column, strict: self.strict })?
                }
                None => seq.next_element::<IgnoredAny>()?.map(|_| true),
            };
            match read {
                Some(true) => {}
                Some(false) => self.misfit = self.misfit.or(*field),
                None => return Err(serde::de::Error::invalid_length(count, &self)),
            }
        }
        match seq.next_element::<IgnoredAny>()? {
            Some(_) => Err(serde::de::Error::invalid_length(self.fields.len() + 1, &self)),
            None => Ok(()),
        }
    }
}

impl Decode for JsonCompact {
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
