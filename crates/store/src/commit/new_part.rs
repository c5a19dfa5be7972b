//! A part that a commit brings: small ones ride in the record, big ones are files that were made durable before.

use std::sync::Arc;

use bytes::Bytes;
use parts::cache::GranuleCache;
use parts::file::FileRef;
use parts::{Part, PartData, PartMeta, PartStore, PartitionId, StagedPart, decode_inline, encode_inline};
use types::Block;

use crate::active_part::ActivePart;
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::garbage::{Garbage, PartFile};

/// A staged part and where its bytes are.
///
/// Made by [`NewPart::inline`], or by [`Store::stage_file`](crate::Store::stage_file) for a file.
#[derive(Clone, Debug)]
pub struct NewPart {
    staged: StagedPart,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// The encoded rows, made once, by whoever stages, so that the writer does not have to.
    Inline(Bytes),
    File(Arc<PartFile>),
}

/// What decoding parts needs from the store.
#[derive(Clone, Debug)]
pub(crate) struct PartSource {
    pub(crate) part_store: Arc<dyn PartStore>,
    pub(crate) cache: Arc<GranuleCache>,
    pub(crate) garbage: Arc<Garbage>,
}

impl NewPart {
    /// A part in memory that rides in the commit record. `None` when `staged` is a file.
    pub fn inline(staged: StagedPart) -> Option<NewPart> {
        let bytes = match &staged.data {
            PartData::Memory(block) => encode_inline(block),
            PartData::File(_) => return None,
        };
        Some(NewPart { staged, place: Place::Inline(bytes.into()) })
    }

    /// A part whose file is durable.
    pub(crate) fn in_file(staged: StagedPart, file: Arc<PartFile>) -> NewPart {
        NewPart { staged, place: Place::File(file) }
    }

    /// The part of a snapshot, for a checkpoint.
    pub(crate) fn of_active(active: &ActivePart) -> NewPart {
        let Part { name, meta, data } = active.part.clone();
        let place = match (&active.file, &data) {
            (Some(file), _) => Place::File(Arc::clone(file)),
            (None, PartData::Memory(block)) => Place::Inline(encode_inline(block).into()),
            (None, PartData::File(file)) => {
                debug_assert!(false, "the file of an active part lives as long as it");
                Place::Inline(encode_inline(&Block::empty(file.meta().header.clone())).into())
            }
        };
        NewPart { staged: StagedPart { partition_id: name.partition_id, meta, data }, place }
    }

    /// The part.
    pub fn staged(&self) -> &StagedPart {
        &self.staged
    }

    /// The partition that all its rows are of.
    pub fn partition_id(&self) -> &PartitionId {
        &self.staged.partition_id
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.staged.meta.rows
    }

    /// Its file, if it has one.
    pub fn file(&self) -> Option<&Arc<PartFile>> {
        match &self.place {
            Place::File(file) => Some(file),
            Place::Inline(_) => None,
        }
    }

    pub(crate) fn encode(&self, to: &mut Encoder) {
        to.text(self.staged.partition_id.as_str());
        match &self.place {
            Place::Inline(bytes) => {
                to.u8(0);
                to.bytes(&self.staged.meta.encode());
                to.bytes(bytes);
            }
            Place::File(file) => {
                to.u8(1);
                to.bytes(&self.staged.meta.encode());
                to.bytes(&file.reference().map(FileRef::encode).unwrap_or_default());
            }
        }
    }

    /// Reads no file, so that files that are gone since do not matter: a part in a file comes without its rows. Recovery
    /// opens those that are still named at the end.
    pub(crate) fn decode(from: &mut Decoder<'_>, source: &PartSource) -> Result<NewPart, DecodeError> {
        let wrong = |error: parts::Error| DecodeError::Part(error.to_string());
        let partition_id = PartitionId::parse(&from.text("partition id")?).map_err(wrong)?;
        let place = from.u8("place of part")?;
        let meta = Arc::new(PartMeta::decode(from.bytes("part metadata")?).map_err(wrong)?);
        match place {
            0 => {
                let bytes = Bytes::copy_from_slice(from.bytes("part rows")?);
                let block = decode_inline(&meta.header, &bytes).map_err(wrong)?;
                if block.rows() as u64 != meta.rows {
                    return Err(DecodeError::Value { what: "rows of a part", value: meta.rows });
                }
                let staged = StagedPart { partition_id, meta, data: PartData::Memory(block) };
                Ok(NewPart { staged, place: Place::Inline(bytes) })
            }
            1 => {
                let reference = FileRef::decode(from.bytes("part file")?).map_err(wrong)?;
                let file = PartFile::committed(reference, &source.garbage);
                let data = PartData::Memory(Block::empty(meta.header.clone()));
                Ok(NewPart { staged: StagedPart { partition_id, meta, data }, place: Place::File(file) })
            }
            value => Err(DecodeError::Value { what: "place of part", value: value.into() }),
        }
    }
}
