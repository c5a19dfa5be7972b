//! The columns of bytes that come without a structure, guessed from their values as ClickHouse does.
//!
//! Every value has a [`Kind`]; the kinds of a column's values are merged. Columns are Nullable, names are `c1`, `c2`… where
//! the format has none. What ClickHouse would give a Dynamic type is refused.

use serde_json::Value as Json;
use types::text::scan;
use types::{Column, DataType, Header, Setting, Settings};

use crate::error::{Error, Result};
use crate::names::Format;

mod text;

/// Rows that are looked at.
const ROWS_MAX: usize = 25_000;
/// Containers nest at most so deep.
const DEPTH_MAX: usize = 64;

/// What a value may be.
#[derive(Clone, PartialEq, Debug)]
enum Kind {
    /// NULL, or nothing seen yet.
    Null,
    Bool,
    Int,
    UInt,
    Float,
    Date,
    DateTime,
    DateTime64,
    Text,
    Array(Box<Kind>),
    /// Elements with their names, where they have any.
    Tuple(Vec<(Option<String>, Kind)>),
    /// Values without a common type.
    Mixed,
}

/// The structure of `bytes` in a format.
pub fn infer(format: Format, bytes: &[u8], settings: &Settings) -> Result<Header> {
    let delimiter = settings.text(Setting::FormatCsvDelimiter).bytes().next().unwrap_or(b',');
    let columns = match format {
        Format::LineAsString => return Ok(Header::new(vec![Column::new("line", DataType::String)])),
        Format::JsonEachRow => json_objects(bytes)?,
        Format::JsonCompactEachRow => json_arrays(bytes, 0)?,
        Format::JsonCompactEachRowWithNames => json_arrays(bytes, 1)?,
        Format::JsonCompactEachRowWithNamesAndTypes => return json_header(bytes),
        Format::TabSeparated | Format::TabSeparatedRaw => lines(text::tsv(bytes), 0),
        Format::TabSeparatedWithNames | Format::TabSeparatedRawWithNames => lines(text::tsv(bytes), 1),
        Format::Csv => lines(text::csv(bytes, delimiter), 0),
        Format::CsvWithNames => lines(text::csv(bytes, delimiter), 1),
        Format::TabSeparatedWithNamesAndTypes | Format::TabSeparatedRawWithNamesAndTypes => {
            return declared(text::tsv(bytes));
        }
        Format::CsvWithNamesAndTypes => return declared(text::csv(bytes, delimiter)),
        other => return Err(unknown(&format!("format {} needs a structure", other.name()))),
    };
    if columns.is_empty() {
        return Err(unknown("the data is empty"));
    }
    let column = |(name, kind): (String, Kind)| Ok(Column::new(name, kind.column_type()?));
    Ok(Header::new(columns.into_iter().map(column).collect::<Result<Vec<_>>>()?))
}

fn unknown(reason: &str) -> Error {
    Error::NoStructure(reason.to_owned())
}

type Columns = Vec<(String, Kind)>;

fn json_objects(bytes: &[u8]) -> Result<Columns> {
    let mut columns: Columns = Vec::new();
    for row in json_rows(bytes) {
        let Json::Object(row) = row? else { return Err(unknown("a row is no JSON object")) };
        for (name, value) in row {
            let kind = Kind::of_json(&value, 0);
            match columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = std::mem::replace(known, Kind::Null).merge(kind),
                None => columns.push((name, kind)),
            }
        }
    }
    Ok(columns)
}

/// The JSON values of the input, at the top level or in one array.
fn json_rows(bytes: &[u8]) -> impl Iterator<Item = Result<Json>> {
    let wrong = |error: serde_json::Error| unknown(&format!("a row is no JSON: {error}"));
    serde_json::Deserializer::from_slice(bytes).into_iter::<Json>().take(ROWS_MAX).flat_map(move |row| match row {
        Ok(Json::Array(rows)) if rows.iter().all(Json::is_object) && !rows.is_empty() => {
            rows.into_iter().map(Ok).collect()
        }
        other => vec![other.map_err(wrong)],
    })
}

fn json_arrays(bytes: &[u8], header_lines: usize) -> Result<Columns> {
    let mut columns: Columns = Vec::new();
    for (number, row) in json_rows(bytes).enumerate() {
        let Json::Array(row) = row? else { return Err(unknown("a row is no JSON array")) };
        if number < header_lines {
            columns = row.iter().map(|name| (name.as_str().unwrap_or_default().to_owned(), Kind::Null)).collect();
            continue;
        }
        merge_row(&mut columns, row.iter().map(|value| Kind::of_json(value, 0)).collect());
    }
    Ok(columns)
}

fn json_header(bytes: &[u8]) -> Result<Header> {
    let mut lines = serde_json::Deserializer::from_slice(bytes).into_iter::<Vec<String>>();
    match (lines.next(), lines.next()) {
        (Some(Ok(names)), Some(Ok(types))) => named(names, types),
        _ => Err(unknown("the lines of names and types are missing")),
    }
}

fn declared(lines: Vec<Vec<text::Cell>>) -> Result<Header> {
    let mut lines = lines.into_iter().map(|line| line.into_iter().map(|cell| cell.text).collect::<Vec<String>>());
    match (lines.next(), lines.next()) {
        (Some(names), Some(types)) => named(names, types),
        _ => Err(unknown("the lines of names and types are missing")),
    }
}

fn named(names: Vec<String>, types: Vec<String>) -> Result<Header> {
    let column = |(name, ty): (String, String)| Ok(Column::new(name, DataType::parse(&ty)?));
    Ok(Header::new(names.into_iter().zip(types).map(column).collect::<Result<Vec<_>>>()?))
}

fn lines(lines: Vec<Vec<text::Cell>>, header_lines: usize) -> Columns {
    let mut columns: Columns = Vec::new();
    for (number, line) in lines.into_iter().enumerate() {
        if number < header_lines {
            columns = line.into_iter().map(|cell| (cell.text, Kind::Null)).collect();
            continue;
        }
        merge_row(&mut columns, line.iter().map(text::Cell::kind).collect());
    }
    // whatever it looks like, it can be read as text
    for (_, kind) in columns.iter_mut().filter(|(_, kind)| *kind == Kind::Mixed) {
        *kind = Kind::Text;
    }
    columns
}

/// One more row; columns that came without names are numbered.
fn merge_row(columns: &mut Columns, kinds: Vec<Kind>) {
    for (position, kind) in kinds.into_iter().enumerate() {
        match columns.get_mut(position) {
            Some((_, known)) => *known = std::mem::replace(known, Kind::Null).merge(kind),
            None => columns.push((format!("c{}", position + 1), kind)),
        }
    }
}

impl Kind {
    fn of_json(value: &Json, depth: usize) -> Kind {
        if depth > DEPTH_MAX {
            return Kind::Mixed;
        }
        match value {
            Json::Null => Kind::Null,
            Json::Bool(_) => Kind::Bool,
            Json::Number(number) if number.is_i64() => Kind::Int,
            Json::Number(number) if number.is_u64() => Kind::UInt,
            Json::Number(_) => Kind::Float,
            Json::String(text) => Kind::of_time(text).unwrap_or(Kind::Text),
            Json::Array(items) => {
                let kinds = items.iter().map(|item| Kind::of_json(item, depth + 1));
                Kind::Array(Box::new(kinds.fold(Kind::Null, Kind::merge)))
            }
            Json::Object(fields) => Kind::Tuple(
                fields.iter().map(|(name, value)| (Some(name.clone()), Kind::of_json(value, depth + 1))).collect(),
            ),
        }
    }

    /// A date or time written as `2020-01-02[ 03:04:05[.678]]`.
    fn of_time(text: &str) -> Option<Kind> {
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let kind = match shape.as_str() {
            "0000-00-00" => Kind::Date,
            "0000-00-00 00:00:00" | "0000-00-00T00:00:00" => Kind::DateTime,
            other if other.starts_with("0000-00-00 00:00:00.") && other[20..].bytes().all(|b| b == b'0') => {
                Kind::DateTime64
            }
            _ => return None,
        };
        let is_one = scan::parse_date_prefix(text.as_bytes()).is_some();
        is_one.then_some(kind)
    }

    /// The kind that values of both have.
    fn merge(self, other: Kind) -> Kind {
        use Kind as K;
        let is_number = |kind: &Kind| matches!(kind, K::Int | K::UInt | K::Float);
        let is_time = |kind: &Kind| matches!(kind, K::Date | K::DateTime | K::DateTime64);
        let is_plain = |kind: &Kind| is_number(kind) || is_time(kind) || matches!(kind, K::Bool | K::Text);
        match (self, other) {
            (a, b) if a == b => a,
            (K::Null, kind) | (kind, K::Null) => kind,
            (a, b) if is_number(&a) && is_number(&b) => K::Float,
            (K::Bool, number) | (number, K::Bool) if is_number(&number) => number,
            (a, b) if is_time(&a) && is_time(&b) => {
                if a == K::DateTime64 || b == K::DateTime64 {
                    K::DateTime64
                } else {
                    K::DateTime
                }
            }
            (K::Array(a), K::Array(b)) => K::Array(Box::new(a.merge(*b))),
            (K::Tuple(a), K::Tuple(b)) => merge_tuples(a, b),
            (a, b) if (a == K::Text && is_plain(&b)) || (b == K::Text && is_plain(&a)) => K::Text,
            _ => K::Mixed,
        }
    }

    fn column_type(self) -> Result<DataType> {
        let plain = match self {
            Kind::Null | Kind::Text => DataType::String,
            Kind::Bool => DataType::Bool,
            Kind::Int => DataType::Int64,
            Kind::UInt => DataType::UInt64,
            Kind::Float => DataType::Float64,
            Kind::Date => DataType::Date,
            Kind::DateTime => DataType::parse("DateTime")?,
            Kind::DateTime64 => DataType::parse("DateTime64(9)")?,
            Kind::Array(element) => return Ok(DataType::array(element.column_type()?)),
            Kind::Tuple(elements) => {
                let field = |(name, kind): (Option<String>, Kind)| {
                    Ok(types::TupleField { name: name.map(Into::into), ty: kind.column_type()? })
                };
                return Ok(DataType::Tuple(elements.into_iter().map(field).collect::<Result<Vec<_>>>()?.into()));
            }
            Kind::Mixed => return Err(unknown("values of one column have no common type (Dynamic is not supported)")),
        };
        Ok(DataType::nullable(plain))
    }
}

/// Named elements by name, others by position.
fn merge_tuples(mut a: Vec<(Option<String>, Kind)>, b: Vec<(Option<String>, Kind)>) -> Kind {
    let is_named = a.iter().chain(&b).all(|(name, _)| name.is_some());
    if !is_named && a.len() != b.len() {
        return Kind::Mixed;
    }
    for (position, (name, kind)) in b.into_iter().enumerate() {
        let place = if is_named { a.iter().position(|(known, _)| *known == name) } else { Some(position) };
        match place.and_then(|place| a.get_mut(place)) {
            Some((_, known)) => *known = std::mem::replace(known, Kind::Null).merge(kind),
            None => a.push((name, kind)),
        }
    }
    Kind::Tuple(a)
}

#[cfg(test)]
mod tests;
