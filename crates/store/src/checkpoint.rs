//! A snapshot as one file, so that the log before it can go.
//!
//! Promise: a checkpoint is there whole or not at all, and says the same as the log up to its commit. A start takes the
//! newest that is whole and repeats the log after it. Rows in memory are inside it; files are named. The bytes are
//! described in docs/format/checkpoint.md.

mod codec;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use env::Disk;
use types::CommitSeq;

use crate::commit::PartSource;
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;

/// The version of checkpoints that this program writes.
pub const CHECKPOINT_VERSION: u32 = 2;

/// The first version that has what happened to tables.
pub(crate) const VERSION_WITH_HISTORY: u32 = 2;

const MAGIC: &[u8; 8] = b"EVERCKPT";
const HEADER_BYTES: usize = 40;
const CHECKED_BYTES: usize = 36;

/// The checkpoints of a data folder.
#[derive(Debug)]
pub(crate) struct Checkpoints<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) folder: &'a Path,
}

/// Why a checkpoint file is not used.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Unusable {
    /// Made by a later program: nothing else may be tried.
    Newer(u32),
    /// Its bytes are not those that were written.
    Damaged(String),
}

impl Checkpoints<'_> {
    /// The newest whole checkpoint; none in a folder that never had one.
    pub(crate) async fn newest(&self, source: &PartSource) -> Result<Option<Snapshot>> {
        let mut first_damage = None;
        for (_, path) in self.files().await?.into_iter().rev() {
            let bytes = env::read_all(self.disk, &path).await?;
            match decode(&bytes, source) {
                Ok(snapshot) => {
                    if let Some(damage) = &first_damage {
                        tracing::error!(%damage, used = %path.display(), "an older checkpoint is used");
                    }
                    return Ok(Some(snapshot));
                }
                Err(Unusable::Newer(found)) => {
                    return Err(Error::NewerFormat { path, found, known: CHECKPOINT_VERSION });
                }
                Err(Unusable::Damaged(what)) => {
                    first_damage.get_or_insert(Error::Damaged { path, what });
                }
            }
        }
        first_damage.map_or(Ok(None), Err)
    }

    /// Writes the checkpoint of `snapshot`; durable when this returns. Gives its length in bytes.
    pub(crate) async fn write(&self, snapshot: &Snapshot) -> Result<u64> {
        let path = self.folder.join(format!("{:020}.checkpoint", snapshot.seq.0));
        let bytes = encode(snapshot);
        env::write_atomic(self.disk, &path, &bytes).await?;
        Ok(bytes.len() as u64)
    }

    /// Removes all checkpoints before `seq`, and what a crash left unfinished.
    pub(crate) async fn remove_before(&self, seq: CommitSeq) -> Result<()> {
        for entry in self.disk.list(self.folder).await? {
            if entry.name.ends_with(".tmp") {
                self.disk.remove(&self.folder.join(&entry.name)).await?;
            }
        }
        for (old, path) in self.files().await? {
            if old < seq {
                self.disk.remove(&path).await?;
            }
        }
        self.disk.sync_dir(self.folder).await?;
        Ok(())
    }

    /// The checkpoint files, oldest first.
    async fn files(&self) -> Result<Vec<(CommitSeq, PathBuf)>> {
        let mut files = Vec::new();
        for entry in self.disk.list(self.folder).await? {
            let number = entry.name.strip_suffix(".checkpoint").and_then(|stem| stem.parse::<u64>().ok());
            if let Some(seq) = number {
                files.push((CommitSeq(seq), self.folder.join(&entry.name)));
            }
        }
        files.sort();
        Ok(files)
    }
}

impl Snapshot {
    /// The bytes of its checkpoint. Equal snapshots give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }
}

/// Header and body.
fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let body = codec::encode_body(snapshot);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&CHECKPOINT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&snapshot.seq.0.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn decode(bytes: &Bytes, source: &PartSource) -> std::result::Result<Snapshot, Unusable> {
    let damaged = |what: &str| Unusable::Damaged(what.to_owned());
    let header = bytes.get(..HEADER_BYTES).ok_or_else(|| damaged("it ends inside its header"))?;
    let body = bytes.slice(HEADER_BYTES..);
    let number = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    let long = |at: usize| header.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    let checked = header.get(..CHECKED_BYTES).unwrap_or_default();
    if !header.starts_with(MAGIC) || number(CHECKED_BYTES) != crc32c::crc32c(checked) {
        return Err(damaged("its header is not whole"));
    }
    let version = number(8);
    if CHECKPOINT_VERSION < version {
        return Err(Unusable::Newer(version));
    }
    if long(24) != body.len() as u64 || number(32) != crc32c::crc32c(&body) {
        return Err(damaged("its checksum is wrong"));
    }
    let seq = CommitSeq(long(16));
    codec::decode_body(&body, version, seq, source).map_err(|error| Unusable::Damaged(error.to_string()))
}
