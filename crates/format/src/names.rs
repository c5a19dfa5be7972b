//! The formats by name.

use types::error::nearest;

use crate::error::{Error, Result};

/// A format, its variants with header lines included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)] // ClickHouse's formats of those names
pub enum Format {
    TabSeparated,
    TabSeparatedRaw,
    TabSeparatedWithNames,
    TabSeparatedWithNamesAndTypes,
    Csv,
    CsvWithNames,
    CsvWithNamesAndTypes,
    JsonEachRow,
    JsonCompactEachRow,
    Json,
    JsonCompact,
    Values,
    Vertical,
    PrettyCompact,
    RowBinary,
    RowBinaryWithNames,
    RowBinaryWithNamesAndTypes,
    Parquet,
    Null,
}

/// Every format with the names that mean it, ClickHouse's own first, and whether it can be read and written.
pub const FORMATS: &[(Format, &[&str], bool, bool)] = &[
    (Format::TabSeparated, &["TabSeparated", "TSV"], true, true),
    (Format::TabSeparatedRaw, &["TabSeparatedRaw", "TSVRaw", "Raw", "LineAsString"], false, true),
    (Format::TabSeparatedWithNames, &["TabSeparatedWithNames", "TSVWithNames"], true, true),
    (Format::TabSeparatedWithNamesAndTypes, &["TabSeparatedWithNamesAndTypes", "TSVWithNamesAndTypes"], true, true),
    (Format::Csv, &["CSV"], true, true),
    (Format::CsvWithNames, &["CSVWithNames"], true, true),
    (Format::CsvWithNamesAndTypes, &["CSVWithNamesAndTypes"], true, true),
    (Format::JsonEachRow, &["JSONEachRow", "JSONLines", "NDJSON", "JSONL"], true, true),
    (Format::JsonCompactEachRow, &["JSONCompactEachRow"], false, true),
    (Format::Json, &["JSON"], false, true),
    (Format::JsonCompact, &["JSONCompact"], false, true),
    (Format::Values, &["Values"], true, true),
    (Format::Vertical, &["Vertical"], false, true),
    (Format::PrettyCompact, &["PrettyCompact", "PrettyCompactMonoBlock", "Pretty"], false, true),
    (Format::RowBinary, &["RowBinary"], true, true),
    (Format::RowBinaryWithNames, &["RowBinaryWithNames"], true, true),
    (Format::RowBinaryWithNamesAndTypes, &["RowBinaryWithNamesAndTypes"], true, true),
    (Format::Parquet, &["Parquet"], true, false),
    (Format::Null, &["Null"], false, true),
];

impl Format {
    /// The format of that name, in any case as ClickHouse allows.
    pub fn parse(name: &str) -> Result<Format> {
        let known = FORMATS.iter().find(|(_, names, ..)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
        known.map(|(format, ..)| *format).ok_or_else(|| Error::UnknownFormat {
            name: name.to_owned(),
            hint: nearest(name, FORMATS.iter().flat_map(|(_, names, ..)| names.iter().copied())),
        })
    }

    /// ClickHouse's own name.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, ..)| *format == self).map_or("", |(_, names, ..)| names[0])
    }
}

/// The `Content-Type` that answers in a format have.
pub fn content_type(format: Format) -> &'static str {
    match format {
        Format::TabSeparated
        | Format::TabSeparatedRaw
        | Format::TabSeparatedWithNames
        | Format::TabSeparatedWithNamesAndTypes => "text/tab-separated-values; charset=UTF-8",
        Format::Csv | Format::CsvWithNames | Format::CsvWithNamesAndTypes => "text/csv; charset=UTF-8; header=absent",
        Format::Json | Format::JsonCompact => "application/json; charset=UTF-8",
        Format::JsonEachRow | Format::JsonCompactEachRow => "application/x-ndjson; charset=UTF-8",
        Format::RowBinary | Format::RowBinaryWithNames | Format::RowBinaryWithNamesAndTypes | Format::Parquet => {
            "application/octet-stream"
        }
        Format::Values | Format::Vertical | Format::PrettyCompact | Format::Null => "text/plain; charset=UTF-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_unknown_ones_get_a_hint() {
        assert_eq!(Format::parse("tsv").unwrap(), Format::TabSeparated);
        assert_eq!(Format::parse("jsoneachrow").unwrap(), Format::JsonEachRow);
        assert_eq!(
            Format::parse("JSONEachRows").unwrap_err().to_string(),
            "unknown format \"JSONEachRows\" (did you mean \"JSONEachRow\"?)"
        );
    }
}
