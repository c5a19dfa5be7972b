//! Blocks to bytes.

mod csv;
mod json;
mod json_cell;
mod json_columns;
mod native;
mod pretty;
mod row_binary;
mod tskv;
mod tsv;
mod values;
mod vertical;

use arrow::array::Array;
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

    /// Two rows behind the totals: the least and the greatest value of each column. Most formats leave them out.
    fn extremes(&mut self, _extremes: &Block, _out: &mut Vec<u8>) {}

    /// What stands after the last row.
    fn end(&mut self, statistics: &Statistics, out: &mut Vec<u8>);
}

/// An encoder of results with that header.
pub fn encoder(format: Format, header: &Header, settings: &Settings) -> Result<Box<dyn Encode>> {
    encoder_for(format, header, settings, 0)
}

/// As [`encoder`], for a client that speaks that revision of ClickHouse's protocol (0: of none). Only Native differs.
pub fn encoder_for(format: Format, header: &Header, settings: &Settings, revision: u64) -> Result<Box<dyn Encode>> {
    let zone = Zone::parse(settings.text(Setting::SessionTimezone)).unwrap_or_default();
    let json = json_cell::JsonStyle::new(zone, settings);
    let (object, array) = (json::Shape::Object, json::Shape::Array);
    let (none, names, types) = (tsv::Lines::None, tsv::Lines::Names, tsv::Lines::NamesAndTypes);
    let each_row = |style, shape, lines| Box::new(json::EachRow::new(header, style, shape, lines));
    let whole = |style, shape| Box::new(json::Whole::new(header, style, settings, shape));
    Ok(match format {
        Format::TabSeparated => Box::new(tsv::Tsv::new(header, zone, none)),
        Format::TabSeparatedRaw | Format::LineAsString => Box::new(tsv::Tsv::raw(header, zone, none)),
        Format::TabSeparatedRawWithNames => Box::new(tsv::Tsv::raw(header, zone, names)),
        Format::TabSeparatedRawWithNamesAndTypes => Box::new(tsv::Tsv::raw(header, zone, types)),
        Format::TabSeparatedWithNames => Box::new(tsv::Tsv::new(header, zone, names)),
        Format::TabSeparatedWithNamesAndTypes => Box::new(tsv::Tsv::new(header, zone, types)),
        Format::Tskv => Box::new(tskv::Tskv::new(header, zone)),
        Format::Markdown => Box::new(tskv::Markdown::new(header, zone)),
        Format::Csv => Box::new(csv::Csv::new(header, zone, settings, none)),
        Format::CsvWithNames => Box::new(csv::Csv::new(header, zone, settings, names)),
        Format::CsvWithNamesAndTypes => Box::new(csv::Csv::new(header, zone, settings, types)),
        Format::JsonEachRow => each_row(json, object, none),
        Format::JsonStringsEachRow => each_row(json.as_text(), object, none),
        Format::JsonCompactEachRow => each_row(json, array, none),
        Format::JsonCompactEachRowWithNames => each_row(json, array, names),
        Format::JsonCompactEachRowWithNamesAndTypes => each_row(json, array, types),
        Format::JsonCompactStringsEachRow => each_row(json.as_text(), array, none),
        Format::JsonCompactStringsEachRowWithNames => each_row(json.as_text(), array, names),
        Format::JsonCompactStringsEachRowWithNamesAndTypes => each_row(json.as_text(), array, types),
        Format::Json => whole(json, object),
        Format::JsonCompact => whole(json, array),
        Format::JsonStrings => whole(json.as_text(), object),
        Format::JsonCompactStrings => whole(json.as_text(), array),
        Format::JsonColumns => Box::new(json_columns::JsonColumns::new(header, zone, settings, object)),
        Format::JsonCompactColumns => Box::new(json_columns::JsonColumns::new(header, zone, settings, array)),
        Format::Values => Box::new(values::Values::new(header, zone)),
        Format::Vertical => Box::new(vertical::Vertical::new(header, zone)),
        Format::PrettyCompact => Box::new(pretty::PrettyCompact::new(header, zone, settings)),
        Format::RowBinary => Box::new(row_binary::RowBinary::new(header, none)),
        Format::RowBinaryWithNames => Box::new(row_binary::RowBinary::new(header, names)),
        Format::RowBinaryWithNamesAndTypes => Box::new(row_binary::RowBinary::new(header, types)),
        Format::Native => Box::new(native::Native::new(header, revision)),
        Format::Null => Box::new(Nothing),
        Format::Parquet => {
            return Err(Error::Unsuitable { name: format.name().to_owned(), direction: "output" });
        }
    })
}

/// True for NULLs, those of a column that has no other values included.
fn is_null(array: &dyn Array, row: usize) -> bool {
    array.is_null(row) || array.data_type().is_null()
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
