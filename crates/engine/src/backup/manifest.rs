//! `backup.everview`: what is in a backup, as bytes. The picture is in docs/format/backup.md.
//!
//! Written last and whole; a folder without it is no backup. Arbitrary bytes are an error, never a panic.

use std::path::Path;
use std::sync::Arc;

use env::Disk;
use parts::FileRef;
use sha2::{Digest, Sha256};
use store::codec::{DecodeError, Decoder, Encoder};
use store::{DatabaseDef, TableDef};
use types::{ErrorCode, TableId};

use crate::error::{Error, Result};

/// The name of the file.
const FILE: &str = "backup.everview";
const MAGIC: &[u8] = b"EVBACKUP";
const VERSION: u8 = 1;
/// Bytes of the checksum at the end: SHA-256 of everything before it.
const SUM_BYTES: usize = 32;

/// What is in a backup.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Manifest {
    pub(super) uuid: u128,
    /// The commit that was backed up, and when it was made.
    pub(super) seq: u64,
    pub(super) at_ns: i64,
    pub(super) databases: Vec<Arc<DatabaseDef>>,
    pub(super) tables: Vec<SavedTable>,
    /// Concurrency groups that its views are in, with their limits.
    pub(super) groups: Vec<(Arc<str>, u64)>,
    /// How far its views have read its tables.
    pub(super) marks: Vec<SavedMark>,
    /// Named collections that its tables and views name, and their texts, values included.
    pub(super) collections: Vec<(Arc<str>, Arc<str>)>,
}

/// The last block of a table that a view has read; ids are those of the definitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SavedMark {
    pub(super) table: TableId,
    pub(super) reader: TableId,
    pub(super) block: u64,
}

/// A table or view, and its parts in the order of their blocks.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct SavedTable {
    pub(super) def: Arc<TableDef>,
    pub(super) parts: Vec<SavedPart>,
}

/// One part and where its file is.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct SavedPart {
    /// As it was called in its table; with the table's UUID, it says what is in the part.
    pub(super) name: String,
    pub(super) rows: u64,
    /// The folder of the backup that has the file; empty: this one.
    pub(super) folder: String,
    pub(super) file: FileRef,
}

impl Manifest {
    /// The part of a table that is the same as this one.
    pub(super) fn part(&self, table_uuid: u128, name: &str) -> Option<&SavedPart> {
        let table = self.tables.iter().find(|table| table.def.uuid == table_uuid)?;
        table.parts.iter().find(|part| part.name == name)
    }

    /// Makes the backup one: from here on it is there.
    pub(super) async fn write(&self, disk: &dyn Disk, folder: &Path) -> Result<u64> {
        let bytes = self.encode();
        env::disk::write_atomic(disk, &folder.join(FILE), &bytes).await?;
        Ok(bytes.len() as u64)
    }

    /// The backup in a folder.
    pub(super) async fn read(disk: &dyn Disk, folder: &Path) -> Result<Manifest> {
        if !Manifest::is_in(disk, folder).await? {
            let message = format!("there is no backup in '{}'", folder.display());
            return Err(Error::refused(ErrorCode::BACKUP_NOT_FOUND, message));
        }
        let bytes = env::disk::read_all(disk, &folder.join(FILE)).await?;
        Manifest::decode(&bytes).map_err(|reason| {
            let message = format!("backup in '{}' is damaged: {reason}", folder.display());
            Error::refused(ErrorCode::BACKUP_DAMAGED, message)
        })
    }

    /// True when the folder has a backup.
    pub(super) async fn is_in(disk: &dyn Disk, folder: &Path) -> Result<bool> {
        Ok(disk.exists(&folder.join(FILE)).await?)
    }

    fn encode(&self) -> Vec<u8> {
        let mut to = Encoder::default();
        to.u128(self.uuid);
        to.u64(self.seq);
        to.i64(self.at_ns);
        to.list(&self.databases, |to, database| to.bytes(&database.to_bytes()));
        to.list(&self.tables, |to, table| {
            to.bytes(&table.def.to_bytes());
            to.list(&table.parts, |to, part| {
                to.text(&part.name);
                to.u64(part.rows);
                to.text(&part.folder);
                to.bytes(&part.file.encode());
            });
        });
        // who has none writes what programs of before there were any can read
        if !self.groups.is_empty() || !self.marks.is_empty() || !self.collections.is_empty() {
            to.list(&self.groups, |to, (name, limit)| {
                to.text(name);
                to.u64(*limit);
            });
            to.list(&self.marks, |to, mark| {
                to.u64(mark.table.0);
                to.u64(mark.reader.0);
                to.u64(mark.block);
            });
        }
        if !self.collections.is_empty() {
            to.list(&self.collections, |to, (name, text)| {
                to.text(name);
                to.text(text);
            });
        }
        let mut bytes = [MAGIC, &[VERSION]].concat();
        bytes.extend(to.into_bytes());
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    fn decode(bytes: &[u8]) -> std::result::Result<Manifest, String> {
        let body_len = bytes.len().checked_sub(SUM_BYTES).ok_or("it is too short")?;
        let (body, sum) = bytes.split_at_checked(body_len).ok_or("it is too short")?;
        if Sha256::digest(body).as_slice() != sum {
            return Err("its checksum is wrong".to_owned());
        }
        let rest = body.strip_prefix(MAGIC).ok_or("it does not begin as one")?;
        let (version, rest) = rest.split_first().ok_or("it has no version")?;
        if *version != VERSION {
            return Err(format!("its version is {version}, this program knows {VERSION}"));
        }
        let mut from = Decoder::new(rest);
        let manifest = Manifest::decode_body(&mut from).map_err(|error| error.to_string())?;
        from.end().map_err(|error| error.to_string())?;
        Ok(manifest)
    }

    fn decode_body(from: &mut Decoder<'_>) -> std::result::Result<Manifest, DecodeError> {
        let mut manifest = Manifest {
            uuid: from.u128("uuid")?,
            seq: from.u64("commit")?,
            at_ns: from.i64("time")?,
            databases: from
                .list("databases", |from| Ok(Arc::new(DatabaseDef::from_bytes(from.bytes("database")?)?)))?,
            tables: from.list("tables", |from| {
                let def = Arc::new(TableDef::from_bytes(from.bytes("table")?)?);
                let parts = from.list("parts", |from| {
                    Ok(SavedPart {
                        name: from.text("part name")?.to_string(),
                        rows: from.u64("rows")?,
                        folder: from.text("folder")?.to_string(),
                        file: FileRef::decode(from.bytes("file")?)
                            .map_err(|error| DecodeError::Part(error.to_string()))?,
                    })
                })?;
                Ok(SavedTable { def, parts })
            })?,
            ..Manifest::default()
        };
        if !from.is_empty() {
            manifest.groups = from.list("groups", |from| Ok((from.text("group name")?, from.u64("limit")?)))?;
            manifest.marks = from.list("marks", |from| {
                let (table, reader) = (TableId(from.u64("table id")?), TableId(from.u64("table id")?));
                Ok(SavedMark { table, reader, block: from.u64("block")? })
            })?;
        }
        if !from.is_empty() {
            manifest.collections =
                from.list("named collections", |from| Ok((from.text("collection name")?, from.text("text")?)))?;
        }
        Ok(manifest)
    }
}
