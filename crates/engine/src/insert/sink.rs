//! What takes the rows of an INSERT: the insert path of a table, or a source elsewhere.

use query::expressions::Converter;
use tokio::sync::mpsc;
use types::Block;
use views::{Insert, Rows};

use crate::error::{Error, Result};

/// What takes rows.
pub(crate) enum Sink<'a> {
    /// A table, with the views over it.
    Table(&'a mut Insert),
    /// A source elsewhere.
    Outside(Box<Sender>),
}

/// The way to a source elsewhere.
pub(crate) struct Sender {
    blocks: mpsc::Sender<query::Result<Block>>,
    /// To the columns of the source.
    converter: Converter,
    written: Written,
}

/// What was handed on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl Sink<'_> {
    /// Rows on their way to a source elsewhere.
    pub(crate) fn outside(blocks: mpsc::Sender<query::Result<Block>>, converter: Converter) -> Sink<'static> {
        Sink::Outside(Box::new(Sender { blocks, converter, written: Written::default() }))
    }

    /// Takes rows.
    pub(super) async fn push(&mut self, rows: Rows) -> Result<()> {
        match self {
            Sink::Table(insert) => Ok(insert.push(rows).await?),
            Sink::Outside(sender) => {
                let block = sender.converter.convert(&rows.block)?;
                sender.written.rows += block.rows() as u64;
                sender.written.bytes += block.size_bytes() as u64;
                let gone = |_| Error::Input("the source ended before the rows did".to_owned());
                sender.blocks.send(Ok(block)).await.map_err(gone)
            }
        }
    }

    /// Tells a source elsewhere that no more rows come, and that they were not all.
    pub(crate) async fn fail(&mut self, error: &Error) {
        if let Sink::Outside(sender) = self {
            // a source that is gone need not be told
            let _unheard = sender.blocks.send(Err(query::Error::reported(error.code(), error))).await;
        }
    }

    /// What was handed on to a source elsewhere.
    pub(crate) fn written(&self) -> Written {
        match self {
            Sink::Table(_) => Written::default(),
            Sink::Outside(sender) => sender.written,
        }
    }

    /// Bad rows have a table of their own.
    pub(super) fn keeps_letters(&self) -> bool {
        matches!(self, Sink::Table(insert) if insert.table().dead_letters.is_some())
    }

    /// JSON values must have the JSON type of their column.
    pub(super) fn has_strict_types(&self) -> bool {
        matches!(self, Sink::Table(insert) if insert.table().strict_types)
    }
}
