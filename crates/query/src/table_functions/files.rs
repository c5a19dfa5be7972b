//! `file()` and `format()`: rows out of bytes that are in no table.
//!
//! Paths are relative to the user files folder and never lead out of it. How bytes become blocks is `format`'s.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use env::DiskFile;
use format::parquet::ParquetBlocks;
use format::{Decode, DecodeOptions, Format};
use futures::{StreamExt, stream};
use types::{Block, Header, Settings};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{Blocks, Read, Source};

/// The format that a file of this name is in, by its extension.
pub(super) fn format_of_path(path: &str) -> Option<Format> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "tsv" => Format::TabSeparated,
        "csv" => Format::Csv,
        "json" | "jsonl" | "ndjson" => Format::JsonEachRow,
        "parquet" => Format::Parquet,
        _ => return None,
    })
}

/// Blocks out of bytes that are all there.
pub(super) fn decode(format: Format, bytes: &Bytes, header: &Header, settings: &Settings) -> Result<Vec<Block>> {
    let mut decoder = Decoder::new(format, header, settings)?;
    let mut blocks = decoder.push(bytes)?;
    blocks.extend(decoder.finish()?);
    Ok(blocks)
}

/// Bytes in, blocks out, for formats that are read as a stream and for Parquet, which is not.
enum Decoder {
    Stream(Box<dyn Decode>),
    Parquet { bytes: BytesMut, header: Header, rows_max: usize },
}

impl Decoder {
    fn new(format: Format, header: &Header, settings: &Settings) -> Result<Decoder> {
        let options = DecodeOptions::new(header.clone(), settings.clone());
        match format {
            Format::Parquet => {
                Ok(Decoder::Parquet { bytes: BytesMut::new(), header: header.clone(), rows_max: PARQUET_ROWS })
            }
            other => Ok(Decoder::Stream(format::decoder(other, options, None).map_err(from_format)?)),
        }
    }

    /// Takes more bytes; gives the blocks that became complete.
    fn push(&mut self, more: &[u8]) -> Result<Vec<Block>> {
        match self {
            Decoder::Stream(decoder) => {
                decoder.push(more);
                drain(decoder.as_mut(), false)
            }
            Decoder::Parquet { bytes, .. } => {
                bytes.extend_from_slice(more);
                Ok(Vec::new())
            }
        }
    }

    /// There are no more bytes; gives what is left.
    fn finish(self) -> Result<Vec<Block>> {
        match self {
            Decoder::Stream(mut decoder) => drain(decoder.as_mut(), true),
            Decoder::Parquet { bytes, header, rows_max } => {
                let blocks = ParquetBlocks::open(bytes.freeze(), Some(&header), rows_max).map_err(from_format)?;
                blocks.map(|block| block.map_err(from_format)).collect()
            }
        }
    }
}

fn drain(decoder: &mut dyn Decode, last: bool) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    while let Some(decoded) = decoder.next(last).map_err(from_format)? {
        blocks.push(decoded.block);
    }
    Ok(blocks)
}

fn from_format(error: format::Error) -> Error {
    Error::reported(error.code(), &error)
}

/// Rows of a block that is read from a Parquet file.
const PARQUET_ROWS: usize = 65_536;

/// Files of the user files folder, read when the query runs.
pub struct Files {
    header: Header,
    format: Format,
    /// Inside the user files folder, as written.
    path: String,
    settings: Settings,
}

impl Files {
    /// `file(path, format, structure)`; the path is checked here, the file is looked for when the query runs.
    pub fn new(path: &str, format: Format, header: Header, ctx: &QueryContext) -> Result<Files> {
        let Some(_) = &ctx.runtime.config.user_files else {
            return Err(Error::NotSupported("table function \"file\" without a user files folder".to_owned()));
        };
        inside(path)?;
        Ok(Files { header, format, path: path.to_owned(), settings: ctx.settings.clone() })
    }
}

/// The path as parts below the user files folder; an error when it could lead out of it.
fn inside(path: &str) -> Result<PathBuf> {
    let relative = Path::new(path);
    let stays = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    match stays && !path.is_empty() && !path.contains('\0') {
        true => Ok(relative.components().filter(|part| matches!(part, Component::Normal(_))).collect()),
        false => Err(Error::FileOutside(path.to_owned())),
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({}, {})", self.path, self.format.name())
    }
}

impl Source for Files {
    fn name(&self) -> String {
        format!("file({}, {})", self.path, self.format.name())
    }

    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let state = Reading {
            ctx: ctx.clone(),
            pattern: inside(&self.path)?,
            text: self.path.clone(),
            columns: read.columns.clone(),
            format: self.format,
            header: self.header.clone(),
            settings: self.settings.clone(),
            files: None,
            open: None,
            decoder: None,
            ready: VecDeque::new(),
        };
        Ok(stream::try_unfold(state, |mut state| async move {
            let block = state.next().await?;
            Ok(block.map(|block| (block, state)))
        })
        .boxed())
    }
}

/// Bytes that are read from a file at once.
const CHUNK_BYTES: u64 = 1 << 20;

/// The files of one `file()` while they are read, one after another by name.
struct Reading {
    ctx: Arc<QueryContext>,
    pattern: PathBuf,
    text: String,
    columns: Arc<[usize]>,
    format: Format,
    header: Header,
    settings: Settings,
    /// Those not opened yet; none before the folder was listed.
    files: Option<VecDeque<PathBuf>>,
    open: Option<Open>,
    /// Of the open file.
    decoder: Option<Decoder>,
    ready: VecDeque<Block>,
}

struct Open {
    file: Box<dyn DiskFile>,
    at: u64,
    len: u64,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Block>> {
        loop {
            if let Some(block) = self.ready.pop_front() {
                return Ok(Some(block.project(&self.columns)));
            }
            self.ctx.check()?;
            match self.open.take() {
                Some(open) => self.read_chunk(open).await?,
                None if !self.open_next().await? => return Ok(None),
                None => {}
            }
        }
    }

    async fn read_chunk(&mut self, mut open: Open) -> Result<()> {
        let len = CHUNK_BYTES.min(open.len - open.at);
        let bytes = open.file.read_range(open.at, len).await.map_err(|error| unreadable(&self.text, &error))?;
        open.at += len;
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => Decoder::new(self.format, &self.header, &self.settings)?,
        };
        self.ready.extend(decoder.push(&bytes)?);
        if open.at < open.len {
            (self.open, self.decoder) = (Some(open), Some(decoder));
        } else {
            self.ready.extend(decoder.finish()?);
        }
        Ok(())
    }

    /// False when there is no further file.
    async fn open_next(&mut self) -> Result<bool> {
        if self.files.is_none() {
            self.files = Some(list(&self.ctx, &self.pattern, &self.text).await?);
        }
        let Some(path) = self.files.as_mut().and_then(VecDeque::pop_front) else { return Ok(false) };
        let disk = &self.ctx.runtime.env.disk;
        let file = disk.open(&path).await.map_err(|error| unreadable(&self.text, &error))?;
        let len = file.len().await.map_err(|error| unreadable(&self.text, &error))?;
        self.open = Some(Open { file, at: 0, len });
        Ok(true)
    }
}

/// The files that the path means: itself, or those of its folder that match `*` and `?` in its last part.
async fn list(ctx: &QueryContext, pattern: &Path, text: &str) -> Result<VecDeque<PathBuf>> {
    let folder = ctx.runtime.config.user_files.clone().unwrap_or_default();
    let path = folder.join(pattern);
    let name = pattern.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.contains(['*', '?']) {
        return Ok(VecDeque::from([path]));
    }
    let parent = path.parent().unwrap_or(&folder).to_owned();
    let entries = ctx.runtime.env.disk.list(&parent).await.map_err(|error| unreadable(text, &error))?;
    let found = entries.into_iter().filter(|entry| !entry.is_dir && matches(name.as_bytes(), entry.name.as_bytes()));
    Ok(found.map(|entry| parent.join(entry.name)).collect())
}

fn unreadable(path: &str, error: &env::Error) -> Error {
    Error::FileUnreadable { path: path.to_owned(), reason: error.to_string() }
}

/// `*` is any number of bytes, `?` one. Linear in practice: only the last `*` is tried again.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == b'?' || name.get(n) == Some(&c) => (p, n) = (p + 1, n + 1),
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (p, n) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|&c| c == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        for path in ["../x", "/etc/passwd", "a/../../b", "", "a\0b"] {
            assert_eq!(inside(path).unwrap_err().code().0, 497, "{path}");
        }
        assert_eq!(inside("./a/b.csv").unwrap(), Path::new("a/b.csv"));
    }

    #[test]
    fn stars_and_question_marks_match_names() {
        for (pattern, name, is_match) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "a.tsv", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*", "", true),
            ("*ab", "aab", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), is_match, "{pattern} {name}");
        }
    }
}
