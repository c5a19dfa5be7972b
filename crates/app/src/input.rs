//! Files of events: their format by their name, their bytes unpacked, and what they are told by.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::server::codec::{self, Coding};
use bytes::Bytes;
use engine::{Data, Env, Format, InputKind};
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::{Error, Result};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// A file is told by its beginning, among other things.
const HASHED_BYTES: u64 = 64 << 10;

/// An input, opened.
pub(crate) struct Input {
    pub(crate) data: Data,
    pub(crate) format: Format,
    pub(crate) kind: InputKind,
    /// What dead letters say they came from.
    pub(crate) source: String,
    /// Its size as it lies there; `None` where nobody knows.
    pub(crate) size_bytes: Option<u64>,
    /// How many of those bytes were taken so far.
    pub(crate) taken_bytes: Arc<AtomicU64>,
}

impl Input {
    /// Opens a file or a pipe, or standard input for `-`.
    pub(crate) async fn open(env: &Env, path: &Path) -> Result<Input> {
        if path == Path::new("-") {
            return Ok(Input::once(standard_input(), Format::JsonEachRow, "stdin".to_owned()));
        }
        let failed = |reason: String| Error::Read { path: path.to_owned(), reason };
        let kind = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.file_type();
        if kind.is_dir() {
            return Err(failed("it is a folder, not a file".to_owned()));
        }
        if !kind.is_file() {
            // a pipe made by a shell has no name that tells anything
            let (format, coding) = kind_of(path).unwrap_or((Format::JsonEachRow, None));
            let data = unpacked(pipe_bytes(path.to_owned()), coding, path)?;
            return Ok(Input::once(data, format, path.display().to_string()));
        }
        let (format, coding) = kind_of(path)?;
        let canonical = std::fs::canonicalize(path).map_err(|error| failed(error.to_string()))?;
        let file = env.disk.open(&canonical).await.map_err(|error| failed(error.to_string()))?;
        let size_bytes = file.len().await.map_err(|error| failed(error.to_string()))?;
        let beginning = file.read_range(0, size_bytes.min(HASHED_BYTES)).await;
        let beginning = beginning.map_err(|error| failed(error.to_string()))?;
        let identity = format!("{}:{size_bytes}:{:016x}", canonical.display(), hash(&beginning));
        let taken_bytes = Arc::new(AtomicU64::new(0));
        let taken = Arc::clone(&taken_bytes);
        let packed = file_bytes(file, size_bytes).inspect_ok(move |piece| {
            taken.fetch_add(piece.len() as u64, Ordering::Relaxed);
        });
        Ok(Input {
            data: unpacked(packed.boxed(), coding, path)?,
            format,
            kind: InputKind::File(identity),
            source: canonical.display().to_string(),
            size_bytes: Some(size_bytes),
            taken_bytes,
        })
    }

    fn once(data: Data, format: Format, source: String) -> Input {
        Input { data, format, kind: InputKind::Once, source, size_bytes: None, taken_bytes: Arc::default() }
    }
}

fn unpacked(packed: Data, coding: Option<Coding>, path: &Path) -> Result<Data> {
    let failed = |error: io::Error| Error::Read { path: path.to_owned(), reason: error.to_string() };
    match coding {
        None => Ok(packed),
        Some(coding) => codec::unpack(packed, coding).map_err(failed),
    }
}

/// Format and packing by the name's end.
fn kind_of(path: &Path) -> Result<(Format, Option<Coding>)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let (stem, coding) = match name.rsplit_once('.') {
        Some((stem, "gz")) => (stem, Some(Coding::Gzip)),
        Some((stem, "zst")) => (stem, Some(Coding::Zstd)),
        _ => (name.as_str(), None),
    };
    let format = match stem.rsplit_once('.') {
        Some((_, "ndjson" | "jsonl" | "json")) => Format::JsonEachRow,
        Some((_, "csv")) => Format::CsvWithNames,
        Some((_, "parquet")) => Format::Parquet,
        _ => return Err(Error::UnknownInput(name)),
    };
    Ok((format, coding))
}

/// FNV-1a: tells files apart, protects against nobody.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn file_bytes(file: Box<dyn env::DiskFile>, size: u64) -> Data {
    let pieces = stream::unfold((file, 0), move |(file, at)| async move {
        if size <= at {
            return None;
        }
        let len = (size - at).min(CHUNK_BYTES as u64);
        let piece = file.read_range(at, len).await.map_err(io::Error::other);
        // after an error nobody asks again
        let next = if piece.is_ok() { at + len } else { size };
        Some((piece, (file, next)))
    });
    pieces.boxed()
}

/// Standard input, piece by piece.
pub(crate) fn standard_input() -> Data {
    reader_bytes(tokio::io::stdin())
}

/// A pipe, opened when it is first read: that waits for who writes to it.
fn pipe_bytes(path: PathBuf) -> Data {
    stream::once(tokio::fs::File::open(path)).map_ok(reader_bytes).try_flatten().boxed()
}

fn reader_bytes(reader: impl AsyncRead + Send + Unpin + 'static) -> Data {
    let pieces = stream::unfold(reader, |mut reader| async move {
        let mut piece = vec![0; CHUNK_BYTES];
        match reader.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(Bytes::from(piece)), reader))
            }
            Err(error) => Some((Err(error), reader)),
        }
    });
    pieces.boxed()
}

/// `FILE` or `table=FILE`. A file whose own name holds `=` wins over the second reading when it is there.
pub(crate) fn table_and_file(text: &str) -> (Option<String>, PathBuf) {
    match text.split_once('=') {
        Some((table, file)) if !Path::new(text).exists() && !table.contains('/') => {
            (Some(table.to_owned()), PathBuf::from(file))
        }
        _ => (None, PathBuf::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_format_and_packing() {
        let kind = |name: &str| kind_of(Path::new(name)).unwrap();
        assert_eq!(kind("a/events.NDJSON"), (Format::JsonEachRow, None));
        assert_eq!(kind("events.json.gz"), (Format::JsonEachRow, Some(Coding::Gzip)));
        assert_eq!(kind("events.csv.zst"), (Format::CsvWithNames, Some(Coding::Zstd)));
        assert_eq!(kind("events.parquet"), (Format::Parquet, None));
        assert!(kind_of(Path::new("events.txt")).is_err() && kind_of(Path::new("gz")).is_err());
    }

    #[test]
    fn a_table_may_stand_before_the_file() {
        assert_eq!(table_and_file("events=a.csv"), (Some("events".to_owned()), PathBuf::from("a.csv")));
        assert_eq!(table_and_file("dir/a=b.csv"), (None, PathBuf::from("dir/a=b.csv")));
        assert_eq!(table_and_file("-"), (None, PathBuf::from("-")));
    }
}
