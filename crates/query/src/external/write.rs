//! Rows on their way out: INSERT into a source elsewhere.

use std::sync::Arc;

use bytes::Bytes;
use external::objects::Bytestream;
use format::Statistics;
use format::codec::Encoder;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use types::text::Zone;
use types::{Block, ErrorCode, Header};

use super::place::{Packed, Rows};
use super::{Outside, wait};
use crate::context::QueryContext;
use crate::error::{Error, Result};

/// What an INSERT writes to.
pub struct Writing {
    outside: Outside,
    header: Header,
}

impl Writing {
    /// An INSERT into a source with these columns.
    pub fn new(outside: Outside, header: Header) -> Writing {
        Writing { outside, header }
    }

    /// The columns of the rows.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Writes blocks of these columns; returns when the source has taken them.
    pub async fn run(&self, blocks: BoxStream<'static, Result<Block>>, ctx: &Arc<QueryContext>) -> Result<()> {
        let blocks = blocks.map_err(|error| external::Error::Input { code: error.code(), message: error.to_string() });
        match &self.outside.rows {
            Rows::Table(table) => {
                let zone = Zone::parse(ctx.time_zone()).unwrap_or_default();
                wait(ctx, table.insert(&self.header, zone, blocks.boxed())).await
            }
            Rows::Objects(packed) => {
                let bytes = encoded(packed, &self.header, blocks.boxed(), ctx).await?;
                wait(ctx, packed.objects.write(bytes)).await
            }
        }
    }
}

/// What a statement's rows are written with.
struct Packer {
    encoder: Box<dyn format::Encode>,
    packer: Encoder,
    blocks: BoxStream<'static, external::Result<Block>>,
    is_added_to: bool,
}

async fn encoded(
    packed: &Packed,
    header: &Header,
    blocks: BoxStream<'static, external::Result<Block>>,
    ctx: &Arc<QueryContext>,
) -> Result<Bytestream> {
    let format = packed.format().ok_or_else(|| packed.no_format())?;
    let coding = packed.compression.of(packed.objects.hint())?;
    let wrong = |error: &dyn std::fmt::Display| Error::reported(ErrorCode::LOGICAL_ERROR, &error.to_string());
    let packer = Encoder::new(coding, 3).map_err(|error| wrong(&error))?;
    let encoder = format::encoder(format, header, &ctx.settings);
    let encoder = encoder.map_err(|error| Error::reported(error.code(), &error))?;
    let is_added_to = wait(ctx, packed.objects.is_added_to()).await?;
    let state = Some((Packer { encoder, packer, blocks, is_added_to }, true));
    Ok(stream::try_unfold(state, |state| async move {
        let Some((mut packer, is_first)) = state else { return Ok(None) };
        let mut out = Vec::new();
        if is_first {
            packer.encoder.begin(&mut out);
            if packer.is_added_to {
                // lines of names are there already
                out.clear();
            }
        }
        let packing = |error: std::io::Error| external::Error::BadCompression {
            place: "the rows of the INSERT".to_owned(),
            reason: error.to_string(),
        };
        match packer.blocks.try_next().await? {
            Some(block) => {
                packer.encoder.block(&block, &mut out);
                let bytes = packer.packer.push(out.into()).map_err(packing)?;
                Ok(Some((bytes, Some((packer, false)))))
            }
            None => {
                packer.encoder.end(&Statistics::default(), &mut out);
                let bytes = packer.packer.push(out.into()).map_err(packing)?;
                let end = packer.packer.finish().map_err(packing)?;
                Ok(Some((Bytes::from([bytes, end].concat()), None)))
            }
        }
    })
    .boxed())
}
