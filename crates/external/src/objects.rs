//! Sources that are bytes under names: pages of HTTP servers, objects of buckets, files.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::error::{Error, Kind, Result};

/// Bytes as they come.
pub type Bytestream = BoxStream<'static, Result<Bytes>>;

/// One name with bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Object {
    /// What its source knows it by; it means nothing to others.
    pub key: String,
    /// What `_path` shows.
    pub path: String,
    /// What `_file` shows: the last part.
    pub file: String,
    /// Bytes, where the list says it.
    pub size: Option<u64>,
    /// When it was changed last, in seconds since 1970, where the list says it.
    pub modified_s: Option<i64>,
}

/// An object of which pieces can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seekable {
    /// Bytes in all.
    pub size: u64,
    /// When it was changed last, in seconds since 1970, where that is known.
    pub modified_s: Option<i64>,
}

/// An object whose bytes are on their way.
pub struct Opened {
    /// How many bytes it has in all, where that is known. Fewer or more are an error of the stream.
    pub size: Option<u64>,
    /// When it was changed last, in seconds since 1970, where that is known.
    pub modified_s: Option<i64>,
    /// How it is packed in transit (`Content-Encoding`); the stream is still packed.
    pub encoding: Option<String>,
    /// The bytes, from the first on.
    pub bytes: Bytestream,
}

/// Named bytes that match what was asked for.
#[async_trait]
pub trait Objects: std::fmt::Debug + Send + Sync {
    /// Which source it is.
    fn kind(&self) -> Kind;

    /// Its name in EXPLAIN: no credentials.
    fn name(&self) -> String;

    /// The name that format and compression can be told from: what was asked for, without what is behind a `?`.
    fn hint(&self) -> &str;

    /// What there is, in a fixed order.
    async fn list(&self) -> Result<Vec<Object>>;

    /// What is known of an object of which pieces can be read; none where it can only be read from its beginning.
    async fn seekable(&self, object: &Object) -> Result<Option<Seekable>>;

    /// Exactly these bytes. Only of objects that are seekable.
    async fn range(&self, object: &Object, range: Range<u64>) -> Result<Bytes>;

    /// All bytes, as they are read.
    async fn open(&self, object: &Object) -> Result<Opened>;

    /// Writes what a statement gives as one object; what is there already is added to, replaced or an error, as the source
    /// and its settings have it. When it returns, the source has taken all of it.
    async fn write(&self, bytes: Bytestream) -> Result<()> {
        drop(bytes);
        Err(Error::ReadOnly { kind: self.kind(), what: "an object" })
    }

    /// Takes all bytes from what an INSERT would add to.
    async fn truncate(&self) -> Result<()> {
        Err(Error::NotSupported(format!("TRUNCATE of {}", self.kind().name())))
    }

    /// True when [`Objects::write`] adds to what is there already, so that no second line of names is wanted.
    async fn is_added_to(&self) -> Result<bool> {
        Ok(false)
    }
}
