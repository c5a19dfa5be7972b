//! RowBinary: the inverse of the encoder. Lengths are checked before anything is allocated.

use arrow::datatypes::i256;
use types::{DataType, wide};

use super::rows::{Fault, Pending, Rows};
use super::{Decode, DecodeOptions, Decoded, ROW_BYTES_MAX};
use crate::build::{ColumnBuilder, Misfit};
use crate::error::{Error, Result};

pub(super) struct RowBinary {
    pending: Pending,
    rows: Rows,
    /// 0: no header, 1: names, 2: names and types.
    header: u8,
    fields: Vec<Option<usize>>,
    /// Builders of columns that the header names and the table does not have.
    skipped: Vec<Option<ColumnBuilder>>,
}

pub(super) fn decoder(options: DecodeOptions, header: u8) -> RowBinary {
    RowBinary {
        pending: Pending::default(),
        fields: (0..options.header.len()).map(Some).collect(),
        skipped: Vec::new(),
        header,
        rows: Rows::new(options),
    }
}

/// Why a value was not read.
pub(super) enum Stop {
    /// The bytes end inside it.
    More,
    /// They are no value of the type.
    Misfit,
}

impl From<Misfit> for Stop {
    fn from(_: Misfit) -> Stop {
        Stop::Misfit
    }
}

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// So many bytes must be left.
    pub(super) fn at_least(&self, count: usize) -> std::result::Result<(), Stop> {
        if self.bytes.len() - self.at < count { Err(Stop::More) } else { Ok(()) }
    }

    pub(super) fn take(&mut self, count: usize) -> std::result::Result<&'a [u8], Stop> {
        let end = self.at.checked_add(count).ok_or(Stop::Misfit)?;
        if count > ROW_BYTES_MAX {
            return Err(Stop::Misfit);
        }
        let taken = self.bytes.get(self.at..end).ok_or(Stop::More)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn number<const N: usize>(&mut self) -> std::result::Result<[u8; N], Stop> {
        self.take(N)?.try_into().map_err(|_| Stop::More)
    }

    pub(super) fn varint(&mut self) -> std::result::Result<usize, Stop> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.number()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(value).map_err(|_| Stop::Misfit);
            }
        }
        Err(Stop::Misfit)
    }

    pub(super) fn string(&mut self) -> std::result::Result<String, Stop> {
        let len = self.varint()?;
        Ok(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    pub(super) fn value(&mut self, ty: &DataType, column: &mut ColumnBuilder) -> std::result::Result<(), Stop> {
        match ty {
            DataType::Nullable(inner) => match self.number::<1>()? {
                [0] => self.value(inner, column),
                _ => {
                    column.append_default();
                    Ok(())
                }
            },
            DataType::LowCardinality(inner) => self.value(inner, column),
            DataType::SimpleAggregateFunction(s) => self.value(&s.args[0], column),
            DataType::String => {
                let len = self.varint()?;
                Ok(column.append_text(self.take(len)?)?)
            }
            DataType::Array(inner) => {
                let len = self.varint()?;
                for _ in 0..len {
                    self.value(inner, column.list_child().ok_or(Stop::Misfit)?)?;
                }
                column.end_list();
                Ok(())
            }
            DataType::Map(entry) => {
                let len = self.varint()?;
                for _ in 0..len {
                    let pairs = column.list_child().ok_or(Stop::Misfit)?;
                    let Some([key, value]) = pairs.struct_children() else { return Err(Stop::Misfit) };
                    self.value(&entry.0, key)?;
                    self.value(&entry.1, value)?;
                    pairs.end_struct();
                }
                column.end_list();
                Ok(())
            }
            DataType::Tuple(fields) => {
                for (i, field) in fields.iter().enumerate() {
                    let child = column.struct_children().and_then(|children| children.get_mut(i));
                    self.value(&field.ty, child.ok_or(Stop::Misfit)?)?;
                }
                column.end_struct();
                Ok(())
            }
            fixed => self.fixed(fixed, column),
        }
    }

    /// Values of a fixed width. Types with a text of their own go through it: they are rare in this format.
    fn fixed(&mut self, ty: &DataType, column: &mut ColumnBuilder) -> std::result::Result<(), Stop> {
        let text = match ty {
            DataType::Bool | DataType::UInt8 => return Ok(column.append_u64(self.number::<1>()?[0].into())?),
            DataType::UInt16 => return Ok(column.append_u64(u16::from_le_bytes(self.number()?).into())?),
            DataType::UInt32 => return Ok(column.append_u64(u32::from_le_bytes(self.number()?).into())?),
            DataType::UInt64 => return Ok(column.append_u64(u64::from_le_bytes(self.number()?))?),
            DataType::Int8 => return Ok(column.append_i64(i8::from_le_bytes(self.number()?).into())?),
            DataType::Int16 => return Ok(column.append_i64(i16::from_le_bytes(self.number()?).into())?),
            DataType::Int32 => return Ok(column.append_i64(i32::from_le_bytes(self.number()?).into())?),
            DataType::Int64 | DataType::Interval(_) => {
                return Ok(column.append_i64(i64::from_le_bytes(self.number()?))?);
            }
            DataType::Float32 => return Ok(column.append_f64(f32::from_le_bytes(self.number()?).into())?),
            DataType::Float64 => return Ok(column.append_f64(f64::from_le_bytes(self.number()?))?),
            DataType::FixedString(width) => return Ok(column.append_text(self.take(*width as usize)?)?),
            DataType::Date => day_text(u16::from_le_bytes(self.number()?).into()),
            DataType::Date32 => day_text(i32::from_le_bytes(self.number()?).into()),
            DataType::DateTime(_) => u32::from_le_bytes(self.number()?).to_string(),
            DataType::DateTime64 { precision, .. } => ticks_text(i64::from_le_bytes(self.number()?), *precision),
            DataType::Ipv4 => std::net::Ipv4Addr::from(u32::from_le_bytes(self.number()?)).to_string(),
            DataType::Ipv6 => std::net::Ipv6Addr::from(self.number::<16>()?).to_string(),
            DataType::Uuid => uuid_text(self.number()?),
            DataType::Enum(values) if values.wide => i16::from_le_bytes(self.number()?).to_string(),
            DataType::Enum(_) => i8::from_le_bytes(self.number()?).to_string(),
            DataType::UInt128 => u128::from_le_bytes(self.number()?).to_string(),
            DataType::Int128 => i128::from_le_bytes(self.number()?).to_string(),
            DataType::Int256 => i256::from_le_bytes(self.number()?).to_string(),
            DataType::UInt256 => {
                let mut bytes: [u8; 32] = self.number()?;
                bytes.reverse();
                let (high, low) = wide::u256_from_cell(&bytes).unwrap_or_default();
                wide::u256_to_text(high, low)
            }
            DataType::Decimal { precision, scale } => self.decimal(*precision, *scale)?,
            _ => return Err(Stop::Misfit),
        };
        Ok(column.append_text(text.as_bytes())?)
    }

    fn decimal(&mut self, precision: u8, scale: u8) -> std::result::Result<String, Stop> {
        let mut text = Vec::new();
        let value = match precision {
            0..=9 => i32::from_le_bytes(self.number()?).into(),
            10..=18 => i64::from_le_bytes(self.number()?).into(),
            19..=38 => i128::from_le_bytes(self.number()?),
            _ => {
                let value = i256::from_le_bytes(self.number()?);
                types::text::number::write_decimal256(&mut text, value, scale);
                return String::from_utf8(text).map_err(|_| Stop::Misfit);
            }
        };
        types::text::write_decimal(&mut text, value, scale);
        String::from_utf8(text).map_err(|_| Stop::Misfit)
    }
}

fn day_text(days: i64) -> String {
    let mut text = Vec::new();
    types::text::write_date(&mut text, days);
    String::from_utf8_lossy(&text).into_owned()
}

/// Ticks as seconds with a fraction, which is what times are read from.
fn ticks_text(ticks: i64, precision: u8) -> String {
    let mut text = Vec::new();
    types::text::write_decimal(&mut text, ticks.into(), precision);
    String::from_utf8_lossy(&text).into_owned()
}

/// Two little-endian halves.
fn uuid_text(mut bytes: [u8; 16]) -> String {
    bytes[..8].reverse();
    bytes[8..].reverse();
    let mut text = Vec::new();
    types::text::cell::write_uuid(&mut text, &bytes);
    String::from_utf8_lossy(&text).into_owned()
}

impl RowBinary {
    /// Reads the header. `false`: more bytes are needed.
    fn read_header(&mut self) -> Result<bool> {
        let zone = self.rows.options.zone();
        let mut reader = Reader { bytes: self.pending.rest(), at: 0 };
        let read = (|| {
            let count = reader.varint()?;
            let names = (0..count).map(|_| reader.string()).collect::<std::result::Result<Vec<_>, _>>()?;
            let with_types = self.header == 2;
            let types = (0..if with_types { count } else { 0 }).map(|_| reader.string());
            Ok((names, types.collect::<std::result::Result<Vec<_>, _>>()?))
        })();
        let (names, types) = match read {
            Ok(header) => header,
            Err(Stop::More) => return Ok(false),
            Err(Stop::Misfit) => return Err(Error::Broken { format: "RowBinary", reason: "bad header".to_owned() }),
        };
        let consumed = reader.at;
        self.fields = super::tsv::fields_of(&names, &self.rows)?;
        self.skipped = types
            .iter()
            .map(|ty| Ok(Some(ColumnBuilder::new(&DataType::parse(ty)?, zone))))
            .collect::<Result<Vec<_>>>()?;
        self.pending.consume(consumed);
        self.rows.bytes_read += consumed as u64;
        self.header = 0;
        Ok(true)
    }

    /// Reads the next row. `false`: more bytes are needed.
    fn step(&mut self) -> Result<bool> {
        let pending = std::mem::take(&mut self.pending);
        let mut reader = Reader { bytes: pending.rest(), at: 0 };
        if reader.bytes.is_empty() {
            self.pending = pending;
            return Ok(false);
        }
        self.rows.position += 1;
        let mut stopped = None;
        for (i, field) in self.fields.iter().enumerate() {
            let column = match field {
                Some(column) => &mut self.rows.columns[*column],
                None => match self.skipped.get_mut(i).and_then(Option::as_mut) {
                    Some(column) => column,
                    None => {
                        let reason = "a column that the table does not have cannot be skipped without types".to_owned();
                        return Err(Error::Broken { format: "RowBinary", reason });
                    }
                },
            };
            let ty = column.ty().clone();
            if let Err(stop) = reader.value(&ty, column) {
                stopped = Some((field.unwrap_or(0), stop));
                break;
            }
        }
        let consumed = reader.at;
        let read = self.ended(stopped, consumed);
        self.pending = pending;
        if matches!(read, Ok(true)) {
            self.pending.consume(consumed);
            self.rows.bytes_read += consumed as u64;
        }
        read
    }

    fn ended(&mut self, stopped: Option<(usize, Stop)>, consumed: usize) -> Result<bool> {
        match stopped {
            // a row of no bytes would be read for ever
            None if consumed == 0 => {
                Err(Error::Broken { format: "RowBinary", reason: "rows have no columns".to_owned() })
            }
            None => {
                self.rows.end_row(&[]);
                Ok(true)
            }
            Some((_, Stop::More)) => {
                self.rows.take_back();
                self.rows.position -= 1;
                Ok(false)
            }
            // where the next row begins is not known: the input ends here, whatever the caller keeps
            Some((column, Stop::Misfit)) => {
                self.rows.options.keep_bad_rows = false;
                self.rows.fail_row(Fault::Column(column, Vec::new()), &[])?;
                Ok(false)
            }
        }
    }
}

impl Decode for RowBinary {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.push(bytes);
    }

    fn next(&mut self, last: bool) -> Result<Option<Decoded>> {
        if self.header > 0 && !self.read_header()? {
            return Ok(None);
        }
        while !self.rows.is_full() && self.step()? {}
        if last && !self.rows.is_full() && !self.pending.rest().is_empty() {
            let reason = format!("{} bytes are left that are no whole row", self.pending.rest().len());
            return Err(Error::Broken { format: "RowBinary", reason });
        }
        self.rows.give(last)
    }
}
