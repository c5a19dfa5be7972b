//! The columns of a source, asked for between two binds.

use std::sync::Arc;

use external::{Object, Objects};
use format::Format;
use futures::TryStreamExt;
use types::{ErrorCode, Header};

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
    let format = packed.format()?;
    let mut failed = None;
    for object in wait(ctx, packed.objects.list()).await? {
        match of_object(packed, format, &object, ctx).await {
            Ok(header) => return Ok(Described { header, format: Some(format) }),
            // an object without rows says nothing; the next one may
            Err(error) if error.code() == ErrorCode::CANNOT_EXTRACT_TABLE_STRUCTURE => failed = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(failed.unwrap_or_else(|| {
        let message = format!("{name}: nothing matches, so that its columns are not known: give the structure");
        Error::refused(ErrorCode::CANNOT_EXTRACT_TABLE_STRUCTURE, message)
    }))
}

async fn of_object(packed: &Packed, format: Format, object: &Object, ctx: &Arc<QueryContext>) -> Result<Header> {
    let objects: &dyn Objects = packed.objects.as_ref();
    let coding = packed.compression.of(&object.file)?;
    if format == Format::Parquet {
        return Ok(match footer(objects, object, coding, ctx).await? {
            Packing::Pieces(file, _) => file.header().clone(),
            Packing::Whole(blocks) => blocks.header().clone(),
        });
    }
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
    format::infer(format, &sample, &ctx.settings).map_err(|error| Error::reported(error.code(), &error))
}
