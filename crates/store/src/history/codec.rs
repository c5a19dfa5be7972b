//! What happened to tables, to bytes and back, inside commit records and checkpoints.

use std::sync::Arc;

use types::CommitSeq;

use super::{ColumnChange, LayoutChange, MutationRecord, TableHistory};
use crate::active_part::ActivePart;
use crate::checkpoint::VERSION_WITH_HISTORY;
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::commit::codec::{decode_partition, encode_name};
use crate::commit::{NewPart, PartSource};
use crate::row_ranges::RowRanges;

impl ColumnChange {
    pub(crate) fn encode(&self, to: &mut Encoder) {
        match self {
            ColumnChange::Renamed { from, to: new } => {
                to.u8(0);
                to.text(from);
                to.text(new);
            }
            ColumnChange::Forgotten { column, partition } => {
                to.u8(1);
                to.text(column);
                to.option(partition.as_ref(), |to, partition| to.text(partition.as_str()));
            }
        }
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<ColumnChange, DecodeError> {
        match from.u8("change of a column")? {
            0 => Ok(ColumnChange::Renamed { from: from.text("column name")?, to: from.text("column name")? }),
            1 => Ok(ColumnChange::Forgotten {
                column: from.text("column name")?,
                partition: from.option("partition", decode_partition)?,
            }),
            value => Err(DecodeError::Value { what: "change of a column", value: value.into() }),
        }
    }
}

impl MutationRecord {
    fn encode(&self, to: &mut Encoder) {
        to.u64(self.number);
        to.i64(self.at_ns);
        to.list(&self.commands, |to, command| to.text(command));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<MutationRecord, DecodeError> {
        Ok(MutationRecord {
            number: from.u64("mutation number")?,
            at_ns: from.i64("commit time")?,
            commands: from.list("commands", |from| from.text("command"))?,
        })
    }
}

impl TableHistory {
    pub(crate) fn encode(&self, to: &mut Encoder) {
        to.list(&self.layout, |to, change| {
            to.u64(change.seq.0);
            change.change.encode(to);
        });
        to.list(&self.mutations, |to, mutation| mutation.encode(to));
        to.list(&self.detached, |to, part| encode_active(part, to));
    }

    pub(crate) fn decode(from: &mut Decoder<'_>, source: &PartSource) -> Result<TableHistory, DecodeError> {
        let layout = from.list("changes of columns", |from| {
            Ok(LayoutChange { seq: CommitSeq(from.u64("commit")?), change: ColumnChange::decode(from)? })
        })?;
        let mutations = from.list("mutations", MutationRecord::decode)?;
        let detached =
            from.list("detached parts", |from| decode_active(from, VERSION_WITH_HISTORY, source).map(Arc::new))?;
        Ok(TableHistory { layout, mutations, detached })
    }
}

/// A part of a snapshot with its place in the history.
pub(crate) fn encode_active(part: &ActivePart, to: &mut Encoder) {
    encode_name(part.name(), to);
    to.u64(part.seq.0);
    to.i64(part.created_ns);
    NewPart::of_active(part).encode(to);
    to.option(part.deleted.as_ref(), |to, deleted| deleted.encode(to));
}

/// The part that [`encode_active`] wrote; a part in a file comes without its rows.
pub(crate) fn decode_active(
    from: &mut Decoder<'_>,
    version: u32,
    source: &PartSource,
) -> Result<ActivePart, DecodeError> {
    let name = crate::commit::codec::decode_name(from)?;
    let (seq, created_ns) = (CommitSeq(from.u64("commit")?), from.i64("commit time")?);
    let part = NewPart::decode(from, source)?;
    if *part.partition_id() != name.partition_id {
        return Err(DecodeError::Part(format!("part {name} is of another partition")));
    }
    let file = part.file().cloned();
    let deleted = match VERSION_WITH_HISTORY <= version {
        true => from.option("deleted rows", RowRanges::decode)?.map(Arc::new),
        false => None,
    };
    Ok(ActivePart { part: part.staged().clone().named(name), seq, created_ns, file, deleted })
}
