//! Commits to bytes and back: the payload of log records. Described in docs/format/log.md.

use std::sync::Arc;

use parts::{PartName, PartitionId};
use types::{CommitSeq, TableId};

use super::new_part::PartSource;
use super::{Commit, Edit, NewPart, Read, Replacement};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::definition::{DatabaseDef, QualifiedName, TableDef, Visibility};
use crate::history::ColumnChange;
use crate::row_ranges::RowRanges;

/// The version in the first byte of every record.
const RECORD_VERSION: u8 = 1;

impl Commit {
    /// The bytes that [`Commit::decode`] reads.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Encoder::default();
        to.u8(RECORD_VERSION);
        to.i64(self.at_ns);
        to.list(&self.reads, |to, read| read.encode(to));
        to.list(&self.edits, |to, edit| edit.encode(to));
        to.into_bytes()
    }

    /// Puts the time into bytes that [`Commit::encode`] made: the committer decides it after the caller has encoded.
    pub(crate) fn stamp(bytes: &mut [u8], at_ns: i64) {
        if let Some(place) = bytes.get_mut(1..9) {
            place.copy_from_slice(&at_ns.to_le_bytes());
        }
    }

    /// The commit that `bytes` were made from. Its files are kept: they are named by the log.
    pub(crate) fn decode(bytes: &[u8], source: &PartSource) -> Result<Commit, DecodeError> {
        let mut from = Decoder::new(bytes);
        match from.u8("record version")? {
            RECORD_VERSION => {}
            value => return Err(DecodeError::Value { what: "record version", value: value.into() }),
        }
        let commit = Commit {
            at_ns: from.i64("commit time")?,
            reads: from.list("reads", Read::decode)?,
            edits: from.list("edits", |from| Edit::decode(from, source))?,
        };
        from.end()?;
        Ok(commit)
    }
}

impl Read {
    fn encode(&self, to: &mut Encoder) {
        match self {
            Read::Definition { table, version } => {
                to.u8(0);
                to.u64(table.0);
                to.u64(*version);
            }
            Read::Views { source, changed } => {
                to.u8(1);
                source.encode(to);
                to.u64(changed.0);
            }
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Read, DecodeError> {
        match from.u8("read")? {
            0 => Ok(Read::Definition { table: table(from)?, version: from.u64("definition version")? }),
            1 => Ok(Read::Views {
                source: QualifiedName::decode(from)?,
                changed: CommitSeq(from.u64("change of views")?),
            }),
            value => Err(DecodeError::Value { what: "read", value: value.into() }),
        }
    }
}

fn table(from: &mut Decoder<'_>) -> Result<TableId, DecodeError> {
    from.u64("table id").map(TableId)
}

pub(crate) fn encode_name(name: &PartName, to: &mut Encoder) {
    to.text(&name.to_string());
}

pub(crate) fn decode_name(from: &mut Decoder<'_>) -> Result<PartName, DecodeError> {
    PartName::parse(&from.text("part name")?).map_err(|error| DecodeError::Part(error.to_string()))
}

fn encode_names(names: &[PartName], to: &mut Encoder) {
    to.list(names, |to, name| encode_name(name, to));
}

fn decode_names(from: &mut Decoder<'_>) -> Result<Vec<PartName>, DecodeError> {
    from.list("part names", decode_name)
}

pub(crate) fn decode_partition(from: &mut Decoder<'_>) -> Result<PartitionId, DecodeError> {
    PartitionId::parse(&from.text("partition id")?).map_err(|error| DecodeError::Part(error.to_string()))
}

impl Replacement {
    fn encode(&self, to: &mut Encoder) {
        encode_name(&self.input, to);
        to.option(self.output.as_ref(), |to, output| output.encode(to));
        self.changed.encode(to);
    }

    fn decode(from: &mut Decoder<'_>, source: &PartSource) -> Result<Replacement, DecodeError> {
        Ok(Replacement {
            input: decode_name(from)?,
            output: from.option("output", |from| NewPart::decode(from, source))?,
            changed: RowRanges::decode(from)?,
        })
    }
}

/// The first byte of each edit. On disk: never renumbered.
mod tag {
    pub(super) const CREATE_DATABASE: u8 = 0;
    pub(super) const DROP_DATABASE: u8 = 1;
    pub(super) const RENAME_DATABASE: u8 = 2;
    pub(super) const CREATE_TABLE: u8 = 3;
    pub(super) const DROP_TABLE: u8 = 4;
    pub(super) const RENAME_TABLE: u8 = 5;
    pub(super) const EXCHANGE_TABLES: u8 = 6;
    pub(super) const ALTER_TABLE: u8 = 7;
    pub(super) const FINISH_VIEW: u8 = 8;
    pub(super) const INSERT: u8 = 9;
    pub(super) const REWRITE: u8 = 10;
    pub(super) const MERGE: u8 = 11;
    pub(super) const COMPACT: u8 = 12;
    pub(super) const DROP_PARTS: u8 = 13;
    pub(super) const TRUNCATE: u8 = 14;
    pub(super) const TOKEN: u8 = 15;
    pub(super) const CHANGE_LAYOUT: u8 = 16;
    pub(super) const RECORD_MUTATION: u8 = 17;
    pub(super) const DETACH_PARTS: u8 = 18;
    pub(super) const ATTACH_PARTS: u8 = 19;
    pub(super) const DROP_DETACHED: u8 = 20;
    pub(super) const BLOCK: u8 = 21;
    pub(super) const DELETE_ROWS: u8 = 22;
    pub(super) const SET_VISIBILITY: u8 = 23;
    pub(super) const SHIFT_PARTS: u8 = 24;
    pub(super) const MOVE_MARK: u8 = 25;
    pub(super) const SET_GROUP: u8 = 26;
    pub(super) const RETIRE_TABLE: u8 = 27;
    pub(super) const UNDROP_TABLE: u8 = 28;
    pub(super) const SET_COLLECTION: u8 = 29;
}

impl Edit {
    fn encode(&self, to: &mut Encoder) {
        match self {
            Edit::CreateDatabase(database) => {
                to.u8(tag::CREATE_DATABASE);
                database.encode(to);
            }
            Edit::DropDatabase { name } => {
                to.u8(tag::DROP_DATABASE);
                to.text(name);
            }
            Edit::RenameDatabase { from, to: new } => {
                to.u8(tag::RENAME_DATABASE);
                to.text(from);
                to.text(new);
            }
            Edit::CreateTable(table) => {
                to.u8(tag::CREATE_TABLE);
                table.encode(to);
            }
            Edit::AlterTable(table) => {
                to.u8(tag::ALTER_TABLE);
                table.encode(to);
            }
            Edit::RenameTable { table, to: name } => {
                to.u8(tag::RENAME_TABLE);
                to.u64(table.0);
                name.encode(to);
            }
            Edit::ExchangeTables { a, b } => {
                to.u8(tag::EXCHANGE_TABLES);
                to.u64(a.0);
                to.u64(b.0);
            }
            Edit::DropTable { table } => encode_tagged(tag::DROP_TABLE, *table, to),
            Edit::RetireTable { table } => encode_tagged(tag::RETIRE_TABLE, *table, to),
            Edit::UndropTable { table } => encode_tagged(tag::UNDROP_TABLE, *table, to),
            Edit::FinishView { table } => encode_tagged(tag::FINISH_VIEW, *table, to),
            Edit::SetVisibility { table, visibility } => {
                encode_tagged(tag::SET_VISIBILITY, *table, to);
                to.u8(visibility.tag());
            }
            Edit::Insert { .. }
            | Edit::Rewrite { .. }
            | Edit::Merge { .. }
            | Edit::Compact { .. }
            | Edit::DropParts { .. }
            | Edit::Truncate { .. }
            | Edit::Token { .. } => self.encode_rows(to),
            Edit::ChangeLayout { .. }
            | Edit::RecordMutation { .. }
            | Edit::DeleteRows { .. }
            | Edit::DetachParts { .. }
            | Edit::AttachParts { .. }
            | Edit::DropDetached { .. }
            | Edit::ShiftParts { .. }
            | Edit::MoveMark { .. } => self.encode_history(to),
            Edit::SetGroup { name, from: before, to: after } => {
                to.u8(tag::SET_GROUP);
                to.text(name);
                to.option(before.as_ref(), |to, limit| to.u64(*limit));
                to.option(after.as_ref(), |to, limit| to.u64(*limit));
            }
            Edit::SetCollection { name, from: before, to: after } => {
                to.u8(tag::SET_COLLECTION);
                to.text(name);
                to.option(before.as_ref(), |to, text| to.text(text));
                to.option(after.as_ref(), |to, text| to.text(text));
            }
        }
    }

    /// The edits that concern rows.
    fn encode_rows(&self, to: &mut Encoder) {
        match self {
            Edit::Insert { table, version, parts } => {
                encode_tagged(tag::INSERT, *table, to);
                to.u64(*version);
                to.list(parts, |to, part| part.encode(to));
            }
            Edit::Rewrite { table, replacements } => {
                encode_tagged(tag::REWRITE, *table, to);
                to.list(replacements, |to, replacement| replacement.encode(to));
            }
            Edit::Merge { table, inputs, output } => {
                encode_tagged(tag::MERGE, *table, to);
                encode_names(inputs, to);
                to.option(output.as_ref(), |to, output| output.encode(to));
            }
            Edit::Compact { table, inputs } => {
                encode_tagged(tag::COMPACT, *table, to);
                encode_names(inputs, to);
            }
            Edit::DropParts { table, parts } => {
                encode_tagged(tag::DROP_PARTS, *table, to);
                encode_names(parts, to);
            }
            Edit::Truncate { table, partition } => {
                encode_tagged(tag::TRUNCATE, *table, to);
                to.option(partition.as_ref(), |to, partition| to.text(partition.as_str()));
            }
            Edit::Token { table, token, window: Some(window) } => {
                encode_tagged(tag::BLOCK, *table, to);
                to.text(token);
                to.u64((*window).into());
            }
            Edit::Token { table, token, window: None } => {
                encode_tagged(tag::TOKEN, *table, to);
                to.text(token);
            }
            Edit::CreateDatabase(_)
            | Edit::DropDatabase { .. }
            | Edit::RenameDatabase { .. }
            | Edit::CreateTable(_)
            | Edit::DropTable { .. }
            | Edit::RetireTable { .. }
            | Edit::UndropTable { .. }
            | Edit::RenameTable { .. }
            | Edit::ExchangeTables { .. }
            | Edit::AlterTable(_)
            | Edit::FinishView { .. }
            | Edit::SetVisibility { .. }
            | Edit::ChangeLayout { .. }
            | Edit::RecordMutation { .. }
            | Edit::DeleteRows { .. }
            | Edit::DetachParts { .. }
            | Edit::AttachParts { .. }
            | Edit::DropDetached { .. }
            | Edit::ShiftParts { .. }
            | Edit::MoveMark { .. }
            | Edit::SetGroup { .. }
            | Edit::SetCollection { .. } => debug_assert!(false, "encoded by encode"),
        }
    }

    /// The edits of a table's history.
    fn encode_history(&self, to: &mut Encoder) {
        let names = |tag: u8, table: &TableId, names: &[PartName], to: &mut Encoder| {
            encode_tagged(tag, *table, to);
            encode_names(names, to);
        };
        match self {
            Edit::DetachParts { table, parts } => names(tag::DETACH_PARTS, table, parts, to),
            Edit::AttachParts { table, parts } => names(tag::ATTACH_PARTS, table, parts, to),
            Edit::DropDetached { table, parts } => names(tag::DROP_DETACHED, table, parts, to),
            Edit::ChangeLayout { table, changes } => {
                encode_tagged(tag::CHANGE_LAYOUT, *table, to);
                to.list(changes, |to, change| change.encode(to));
            }
            Edit::RecordMutation { table, commands } => {
                encode_tagged(tag::RECORD_MUTATION, *table, to);
                to.list(commands, |to, command| to.text(command));
            }
            Edit::DeleteRows { table, rows } => {
                encode_tagged(tag::DELETE_ROWS, *table, to);
                to.list(rows, |to, (part, rows)| {
                    encode_name(part, to);
                    rows.encode(to);
                });
            }
            Edit::ShiftParts { tables, is_ring } => {
                to.u8(tag::SHIFT_PARTS);
                to.list(tables, |to, table| to.u64(table.0));
                to.u8(u8::from(*is_ring));
            }
            Edit::MoveMark { table, reader, from: before, to: after } => {
                encode_tagged(tag::MOVE_MARK, *table, to);
                to.u64(reader.0);
                to.option(before.as_ref(), |to, block| to.u64(*block));
                to.u64(*after);
            }
            _ => debug_assert!(false, "encoded by encode"),
        }
    }

    fn decode(from: &mut Decoder<'_>, source: &PartSource) -> Result<Edit, DecodeError> {
        let part = |from: &mut Decoder<'_>| NewPart::decode(from, source);
        Ok(match from.u8("edit")? {
            tag::CREATE_DATABASE => Edit::CreateDatabase(Arc::new(DatabaseDef::decode(from)?)),
            tag::DROP_DATABASE => Edit::DropDatabase { name: from.text("database name")? },
            tag::RENAME_DATABASE => {
                Edit::RenameDatabase { from: from.text("database name")?, to: from.text("database name")? }
            }
            tag::CREATE_TABLE => Edit::CreateTable(Arc::new(TableDef::decode(from)?)),
            tag::DROP_TABLE => Edit::DropTable { table: table(from)? },
            tag::RETIRE_TABLE => Edit::RetireTable { table: table(from)? },
            tag::UNDROP_TABLE => Edit::UndropTable { table: table(from)? },
            tag::RENAME_TABLE => Edit::RenameTable { table: table(from)?, to: QualifiedName::decode(from)? },
            tag::EXCHANGE_TABLES => Edit::ExchangeTables { a: table(from)?, b: table(from)? },
            tag::ALTER_TABLE => Edit::AlterTable(Arc::new(TableDef::decode(from)?)),
            tag::SET_VISIBILITY => {
                Edit::SetVisibility { table: table(from)?, visibility: Visibility::of_tag(from.u8("visibility")?)? }
            }
            tag::FINISH_VIEW => Edit::FinishView { table: table(from)? },
            tag::INSERT => Edit::Insert {
                table: table(from)?,
                version: from.u64("definition version")?,
                parts: from.list("parts", part)?,
            },
            tag::REWRITE => Edit::Rewrite {
                table: table(from)?,
                replacements: from.list("replacements", |from| Replacement::decode(from, source))?,
            },
            tag::MERGE => {
                Edit::Merge { table: table(from)?, inputs: decode_names(from)?, output: from.option("output", part)? }
            }
            tag::COMPACT => Edit::Compact { table: table(from)?, inputs: decode_names(from)? },
            tag::DROP_PARTS => Edit::DropParts { table: table(from)?, parts: decode_names(from)? },
            tag::TRUNCATE => {
                Edit::Truncate { table: table(from)?, partition: from.option("partition", decode_partition)? }
            }
            tag::CHANGE_LAYOUT => Edit::ChangeLayout {
                table: table(from)?,
                changes: from.list("changes of columns", ColumnChange::decode)?,
            },
            tag::RECORD_MUTATION => Edit::RecordMutation {
                table: table(from)?,
                commands: from.list("commands", |from| from.text("command"))?,
            },
            tag::DELETE_ROWS => Edit::DeleteRows {
                table: table(from)?,
                rows: from.list("deleted rows", |from| Ok((decode_name(from)?, RowRanges::decode(from)?)))?,
            },
            tag::DETACH_PARTS => Edit::DetachParts { table: table(from)?, parts: decode_names(from)? },
            tag::ATTACH_PARTS => Edit::AttachParts { table: table(from)?, parts: decode_names(from)? },
            tag::DROP_DETACHED => Edit::DropDetached { table: table(from)?, parts: decode_names(from)? },
            tag::SHIFT_PARTS => {
                Edit::ShiftParts { tables: from.list("tables", table)?, is_ring: from.u8("kind of shift")? != 0 }
            }
            tag::MOVE_MARK => Edit::MoveMark {
                table: table(from)?,
                reader: table(from)?,
                from: from.option("mark", |from| from.u64("block"))?,
                to: from.u64("block")?,
            },
            tag::SET_GROUP => Edit::SetGroup {
                name: from.text("group name")?,
                from: from.option("limit", |from| from.u64("limit"))?,
                to: from.option("limit", |from| from.u64("limit"))?,
            },
            tag::SET_COLLECTION => Edit::SetCollection {
                name: from.text("collection name")?,
                from: from.option("text", |from| from.text("text"))?,
                to: from.option("text", |from| from.text("text"))?,
            },
            tag::TOKEN => Edit::Token { table: table(from)?, token: from.text("token")?, window: None },
            tag::BLOCK => {
                let (table, token) = (table(from)?, from.text("block hash")?);
                let value = from.u64("window of block hashes")?;
                let window = u32::try_from(value).map_err(|_| DecodeError::Value { what: "window", value })?;
                Edit::Token { table, token, window: Some(window) }
            }
            value => return Err(DecodeError::Value { what: "edit", value: value.into() }),
        })
    }
}

fn encode_tagged(tag: u8, table: TableId, to: &mut Encoder) {
    to.u8(tag);
    to.u64(table.0);
}

#[cfg(test)]
mod tests;
