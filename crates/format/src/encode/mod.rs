//! Blocks to bytes.

mod csv;
mod json;
mod json_cell;
mod pretty;
mod row_binary;
mod tsv;
mod values;
mod vertical;

use types::text::Zone;
use types::{Block, Header, Setting, Settings};

use crate::error::{Error, Result};
use crate::names::Format;

/// What a query did, for formats that tell it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Statistics {
    /// Seconds from the start of the query.
    pub elapsed_seconds: f64,
    /// Rows read from tables.
    pub rows_read: u64,
    /// Bytes read from tables.
    pub bytes_read: u64,
    /// Rows there would have been without LIMIT, where it is known.
    pub rows_before_limit: Option<u64>,
}

/// An encoder of one result: `begin`, any number of `block`s, at most one `totals`, `end`. Each appends to `out`.
pub trait Encode: Send {
    /// What stands before the first row.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// The rows of a block; its columns are those of the header that the encoder was made for.
    fn block(&mut self, block: &Block, out: &mut Vec<u8>);

    /// The row of WITH TOTALS, after all blocks.
    fn totals(&mut self, totals: &Block, out: &mut Vec<u8>);

    /// What stands after the last row.
    fn end(&mut self, statistics: &Statistics, out: &mut Vec<u8>);
}

/// An encoder of results with that header.
pub fn encoder(format: Format, header: &Header, settings: &Settings) -> Result<Box<dyn Encode>> {
    let zone = Zone::parse(settings.text(Setting::SessionTimezone)).unwrap_or_default();
    Ok(match format {
        Format::TabSeparated => Box::new(tsv::Tsv::new(header, zone, tsv::Lines::None)),
        Format::TabSeparatedRaw => Box::new(tsv::Tsv::raw(header, zone)),
        Format::TabSeparatedWithNames => Box::new(tsv::Tsv::new(header, zone, tsv::Lines::Names)),
        Format::TabSeparatedWithNamesAndTypes => Box::new(tsv::Tsv::new(header, zone, tsv::Lines::NamesAndTypes)),
        Format::Csv => Box::new(csv::Csv::new(header, zone, settings, tsv::Lines::None)),
        Format::CsvWithNames => Box::new(csv::Csv::new(header, zone, settings, tsv::Lines::Names)),
        Format::CsvWithNamesAndTypes => Box::new(csv::Csv::new(header, zone, settings, tsv::Lines::NamesAndTypes)),
        Format::JsonEachRow => Box::new(json::EachRow::new(header, zone, settings, json::Shape::Object)),
        Format::JsonCompactEachRow => Box::new(json::EachRow::new(header, zone, settings, json::Shape::Array)),
        Format::Json => Box::new(json::Whole::new(header, zone, settings, json::Shape::Object)),
        Format::JsonCompact => Box::new(json::Whole::new(header, zone, settings, json::Shape::Array)),
        Format::Values => Box::new(values::Values::new(header, zone)),
        Format::Vertical => Box::new(vertical::Vertical::new(header, zone)),
        Format::PrettyCompact => Box::new(pretty::PrettyCompact::new(header, zone, settings)),
        Format::RowBinary => Box::new(row_binary::RowBinary::new(header, tsv::Lines::None)),
        Format::RowBinaryWithNames => Box::new(row_binary::RowBinary::new(header, tsv::Lines::Names)),
        Format::RowBinaryWithNamesAndTypes => Box::new(row_binary::RowBinary::new(header, tsv::Lines::NamesAndTypes)),
        Format::Null => Box::new(Nothing),
        Format::Parquet => {
            return Err(Error::Unsuitable { name: format.name().to_owned(), direction: "output" });
        }
    })
}

/// The format `Null`: no bytes at all.
struct Nothing;

impl Encode for Nothing {
    fn begin(&mut self, _: &mut Vec<u8>) {}
    fn block(&mut self, _: &Block, _: &mut Vec<u8>) {}
    fn totals(&mut self, _: &Block, _: &mut Vec<u8>) {}
    fn end(&mut self, _: &Statistics, _: &mut Vec<u8>) {}
}

#[cfg(test)]
mod tests;
