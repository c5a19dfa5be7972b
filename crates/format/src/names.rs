//! The formats by name.

use types::error::nearest;

use crate::error::{Error, Result};

/// A format, its variants with header lines included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)] // ClickHouse's formats of those names
pub enum Format {
    TabSeparated,
    TabSeparatedRaw,
    TabSeparatedRawWithNames,
    TabSeparatedRawWithNamesAndTypes,
    LineAsString,
    Tskv,
    Markdown,
    TabSeparatedWithNames,
    TabSeparatedWithNamesAndTypes,
    Csv,
    CsvWithNames,
    CsvWithNamesAndTypes,
    JsonEachRow,
    JsonCompactEachRow,
    JsonCompactEachRowWithNames,
    JsonCompactEachRowWithNamesAndTypes,
    JsonStringsEachRow,
    JsonCompactStringsEachRow,
    JsonCompactStringsEachRowWithNames,
    JsonCompactStringsEachRowWithNamesAndTypes,
    Json,
    JsonCompact,
    JsonStrings,
    JsonCompactStrings,
    JsonColumns,
    JsonCompactColumns,
    Values,
    Vertical,
    PrettyCompact,
    RowBinary,
    RowBinaryWithNames,
    RowBinaryWithNamesAndTypes,
    Native,
    Parquet,
    Null,
}

/// Every format with the names that mean it, ClickHouse's own first, and whether it can be read and written.
pub const FORMATS: &[(Format, &[&str], bool, bool)] = &[
    (Format::TabSeparated, &["TabSeparated", "TSV"], true, true),
    (Format::TabSeparatedRaw, &["TabSeparatedRaw", "TSVRaw", "Raw"], true, true),
    (Format::TabSeparatedRawWithNames, &["TabSeparatedRawWithNames", "TSVRawWithNames", "RawWithNames"], true, true),
    (
        Format::TabSeparatedRawWithNamesAndTypes,
        &["TabSeparatedRawWithNamesAndTypes", "TSVRawWithNamesAndTypes", "RawWithNamesAndTypes"],
        true,
        true,
    ),
    (Format::LineAsString, &["LineAsString"], true, true),
    (Format::Tskv, &["TSKV"], false, true),
    (Format::Markdown, &["Markdown", "MD"], false, true),
    (Format::TabSeparatedWithNames, &["TabSeparatedWithNames", "TSVWithNames"], true, true),
    (Format::TabSeparatedWithNamesAndTypes, &["TabSeparatedWithNamesAndTypes", "TSVWithNamesAndTypes"], true, true),
    (Format::Csv, &["CSV"], true, true),
    (Format::CsvWithNames, &["CSVWithNames"], true, true),
    (Format::CsvWithNamesAndTypes, &["CSVWithNamesAndTypes"], true, true),
    (Format::JsonEachRow, &["JSONEachRow", "JSONLines", "NDJSON", "JSONL"], true, true),
    (Format::JsonCompactEachRow, &["JSONCompactEachRow"], true, true),
    (Format::JsonCompactEachRowWithNames, &["JSONCompactEachRowWithNames"], true, true),
    (Format::JsonCompactEachRowWithNamesAndTypes, &["JSONCompactEachRowWithNamesAndTypes"], true, true),
    (Format::JsonStringsEachRow, &["JSONStringsEachRow"], false, true),
    (Format::JsonCompactStringsEachRow, &["JSONCompactStringsEachRow"], false, true),
    (Format::JsonCompactStringsEachRowWithNames, &["JSONCompactStringsEachRowWithNames"], false, true),
    (Format::JsonCompactStringsEachRowWithNamesAndTypes, &["JSONCompactStringsEachRowWithNamesAndTypes"], false, true),
    (Format::Json, &["JSON"], false, true),
    (Format::JsonCompact, &["JSONCompact"], false, true),
    (Format::JsonStrings, &["JSONStrings"], false, true),
    (Format::JsonCompactStrings, &["JSONCompactStrings"], false, true),
    (Format::JsonColumns, &["JSONColumns"], false, true),
    (Format::JsonCompactColumns, &["JSONCompactColumns"], false, true),
    (Format::Values, &["Values"], true, true),
    (Format::Vertical, &["Vertical"], false, true),
    (Format::PrettyCompact, &["PrettyCompact", "PrettyCompactMonoBlock", "Pretty"], false, true),
    (Format::RowBinary, &["RowBinary"], true, true),
    (Format::RowBinaryWithNames, &["RowBinaryWithNames"], true, true),
    (Format::RowBinaryWithNamesAndTypes, &["RowBinaryWithNamesAndTypes"], true, true),
    (Format::Native, &["Native"], true, true),
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

    /// True when states of aggregates are written as bytes of their own type, not as strings.
    pub fn writes_states(self) -> bool {
        matches!(
            self,
            Format::Native | Format::RowBinary | Format::RowBinaryWithNames | Format::RowBinaryWithNamesAndTypes
        )
    }

    /// ClickHouse's own name.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, ..)| *format == self).map_or("", |(_, names, ..)| names[0])
    }
}

/// The `Content-Type` that answers in a format have.
pub fn content_type(format: Format) -> &'static str {
    use Format as F;
    match format {
        F::TabSeparated
        | F::TabSeparatedRaw
        | F::TabSeparatedRawWithNames
        | F::TabSeparatedRawWithNamesAndTypes
        | F::Tskv
        | F::TabSeparatedWithNames
        | F::TabSeparatedWithNamesAndTypes => "text/tab-separated-values; charset=UTF-8",
        F::Csv => "text/csv; charset=UTF-8; header=absent",
        F::CsvWithNames | F::CsvWithNamesAndTypes => "text/csv; charset=UTF-8; header=present",
        F::Json | F::JsonCompact | F::JsonStrings | F::JsonCompactStrings | F::JsonColumns | F::JsonCompactColumns => {
            "application/json; charset=UTF-8"
        }
        F::JsonEachRow
        | F::JsonStringsEachRow
        | F::JsonCompactEachRow
        | F::JsonCompactEachRowWithNames
        | F::JsonCompactEachRowWithNamesAndTypes
        | F::JsonCompactStringsEachRow
        | F::JsonCompactStringsEachRowWithNames
        | F::JsonCompactStringsEachRowWithNamesAndTypes => "application/x-ndjson; charset=UTF-8",
        F::Markdown => "text/markdown; charset=UTF-8",
        F::RowBinary | F::RowBinaryWithNames | F::RowBinaryWithNamesAndTypes | F::Native | F::Parquet => {
            "application/octet-stream"
        }
        F::Values | F::Vertical | F::PrettyCompact | F::Null | F::LineAsString => "text/plain; charset=UTF-8",
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
