//! The columns of a source, asked for between two binds.

use std::sync::Arc;

use external::{Object, Objects};
use format::Format;
use format::codec::Coding;
use futures::TryStreamExt;
use types::{Column, DataType, ErrorCode, Header};

use super::place::{Packed, Rows};
use super::reading::{Packing, footer, unpacked};
use super::{Outside, wait};
use crate::context::QueryContext;
use crate::error::{Error, Result};

/// Bytes of an object that columns are guessed from, at most.
const SAMPLE_BYTES: usize = 4 << 20;

/// What was found out about a source.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its columns.
    pub header: Header,
    /// The format of its bytes.
    pub(crate) format: Option<Format>,
}

/// Asks a source what columns it has.
pub(crate) async fn describe(outside: &Outside, ctx: &Arc<QueryContext>) -> Result<Described> {
    match &outside.rows {
        Rows::Table(table) => {
            let header = wait(ctx, table.columns()).await?;
            Ok(Described { header, format: None })
        }
        Rows::Objects(packed) => of_objects(packed, &outside.name(), ctx).await,
    }
}

async fn of_objects(packed: &Packed, name: &str, ctx: &Arc<QueryContext>) -> Result<Described> {
    let format = packed.format();
    let mut failed = None;
    let listed = wait(ctx, packed.objects.list()).await.map_err(|error| match error.code() {
        // as ClickHouse says it of a file that is to be looked into
        ErrorCode::FILE_DOESNT_EXIST => Error::reported(ErrorCode::CANNOT_STAT, &error),
        _ => error,
    });
    for object in listed? {
        match of_object(packed, format, &object, ctx).await {
            Ok((header, format)) => return Ok(Described { header, format: Some(format) }),
            // an object without rows says nothing; the next one may
            Err(error) if is_without_rows(&error) => failed = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(failed.unwrap_or_else(|| {
        let message = format!("{name}: nothing matches, so that its columns are not known: give the structure");
        Error::refused(ErrorCode::CANNOT_EXTRACT_TABLE_STRUCTURE, message)
    }))
}

/// Its columns, and its format: with a line of names, where it turns out to have one.
async fn of_object(
    packed: &Packed,
    format: Option<Format>,
    object: &Object,
    ctx: &Arc<QueryContext>,
) -> Result<(Header, Format)> {
    let objects: &dyn Objects = packed.objects.as_ref();
    let coding = packed.compression.of(&object.file)?;
    let sampled = match format {
        Some(Format::Parquet) => Vec::new(),
        Some(_) | None => sample(objects, object, coding, ctx).await?,
    };
    let format = match format {
        Some(format) => format,
        None => detected(&sampled, ctx).ok_or_else(|| {
            let message =
                format!("{}: the format cannot be told from the name nor the content: give it", packed.objects.name());
            Error::refused(ErrorCode::CANNOT_DETECT_FORMAT, message)
        })?,
    };
    if format == Format::Parquet {
        let header = match footer(objects, object, coding, ctx).await? {
            Packing::Pieces(file, _) => file.header().clone(),
            Packing::Whole(blocks, _) => blocks.header().clone(),
        };
        return Ok((header, format));
    }
    if let Some((format, header)) = with_names(format, &sampled, ctx) {
        return Ok((header, format));
    }
    let header = format::infer(format, &sampled, &ctx.settings);
    Ok((header.map_err(|error| Error::reported(error.code(), &error))?, format))
}

/// An object that has no rows says nothing; another one may.
fn is_without_rows(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::CANNOT_EXTRACT_TABLE_STRUCTURE | ErrorCode::CANNOT_DETECT_FORMAT)
}

/// The format that bytes are in, of those that say their columns.
fn detected(sample: &[u8], ctx: &QueryContext) -> Option<Format> {
    if sample.starts_with(b"PAR1") {
        return Some(Format::Parquet);
    }
    let columns = |format| format::infer(format, sample, &ctx.settings).ok().map(|header| header.len());
    let first = sample.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if matches!(first, b'{' | b'[') && columns(Format::JsonEachRow).is_some() {
        return Some(Format::JsonEachRow);
    }
    match (columns(Format::TabSeparated), columns(Format::Csv)) {
        // a bracket begins a value with commas of its own
        (tabs, Some(commas)) if commas > tabs.unwrap_or(0) && *first != b'[' => Some(Format::Csv),
        (Some(_), _) => Some(Format::TabSeparated),
        (None, _) => None,
    }
}

/// The beginning of an object, whole lines of it.
async fn sample(
    objects: &dyn Objects,
    object: &Object,
    coding: Option<Coding>,
    ctx: &Arc<QueryContext>,
) -> Result<Vec<u8>> {
    let mut bytes = unpacked(objects, object, coding, ctx).await?.bytes;
    let mut sample: Vec<u8> = Vec::new();
    let mut is_whole = false;
    while sample.len() < SAMPLE_BYTES {
        match wait(ctx, bytes.try_next()).await? {
            Some(piece) => sample.extend_from_slice(&piece),
            None => {
                is_whole = true;
                break;
            }
        }
    }
    if !is_whole {
        // the last line is cut off
        let lines = sample.iter().rposition(|byte| *byte == b'\n').map_or(sample.len(), |end| end + 1);
        sample.truncate(lines);
    }
    Ok(sample)
}

/// CSV and TabSeparated whose first line is names: all of its cells are texts, and below them there is something else.
fn with_names(format: Format, sample: &[u8], ctx: &QueryContext) -> Option<(Format, Header)> {
    let named = match format {
        Format::Csv => Format::CsvWithNames,
        Format::TabSeparated => Format::TabSeparatedWithNames,
        _ => return None,
    };
    let end = sample.iter().position(|byte| *byte == b'\n')?;
    let first = format::infer(format, sample.get(..end)?, &ctx.settings).ok()?;
    let below = format::infer(named, sample, &ctx.settings).ok()?;
    let is_text = |column: &Column| match &column.ty {
        DataType::Nullable(inner) => **inner == DataType::String,
        other => *other == DataType::String,
    };
    let has_names = first.columns().iter().all(is_text) && !below.columns().iter().all(is_text);
    has_names.then_some((named, below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::context;

    #[test]
    fn bytes_say_what_format_they_are_in() {
        let ctx = context(&[]);
        let cases: [(&str, Option<Format>); 9] = [
            ("PAR1…", Some(Format::Parquet)),
            ("{\"a\":1}\n{\"a\":2}\n", Some(Format::JsonEachRow)),
            (" [{\"a\":1},{\"a\":2}]", Some(Format::JsonEachRow)),
            ("[1,\"x\"]\n[2,\"y\"]\n", Some(Format::TabSeparated)),
            ("a,b\n1,x\n", Some(Format::Csv)),
            ("a\tb\n1\tx\n", Some(Format::TabSeparated)),
            ("5\n", Some(Format::TabSeparated)),
            ("hello world\n", Some(Format::TabSeparated)),
            ("", None),
        ];
        for (text, format) in cases {
            assert_eq!(detected(text.as_bytes(), &ctx), format, "{text}");
        }
    }

    #[test]
    fn a_line_of_names_is_told_by_what_is_below_it() {
        let ctx = context(&[]);
        let names = |text: &str| {
            let (_, header) = with_names(Format::Csv, text.as_bytes(), &ctx)?;
            Some(
                header
                    .columns()
                    .iter()
                    .map(|column| format!("{} {}", column.name, column.ty))
                    .collect::<Vec<_>>()
                    .join(","),
            )
        };
        assert_eq!(names("id,name\n1,x\n").as_deref(), Some("id Nullable(Int64),name Nullable(String)"));
        assert_eq!((names("a,b\nc,d\n"), names("1,2\n3,4\n"), names("id,name\n")), (None, None, None));
    }
}
