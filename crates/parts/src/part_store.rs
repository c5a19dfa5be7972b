//! Where the bytes of part files are: immutable objects by name, on a disk, in memory, later in an object store.
//!
//! An object is there whole or not at all, and never changes; nothing here knows what is in it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use crate::error::{Error, Result};

mod disk;

pub use disk::DiskPartStore;

/// Immutable objects by name. Names are letters, digits, `-`, `_` and `.`, as callers make them; one name is put once.
#[async_trait]
pub trait PartStore: Send + Sync + Debug {
    /// Begins an object. It is not there, for anyone, before [`PartSink::finish`].
    async fn put(&self, object: &str) -> Result<Box<dyn PartSink>>;

    /// Exactly these bytes of an object. [`Error::Gone`] when there is no such object; a range past the end is an error.
    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes>;

    /// Removes an object. No error when there is none. Readers in the middle of it may fail.
    async fn delete(&self, object: &str) -> Result<()>;

    /// All finished objects and their lengths in bytes, sorted by name.
    async fn list(&self) -> Result<Vec<(String, u64)>>;
}

/// An object being written. Dropping it before [`PartSink::finish`] leaves nothing that `list` shows.
#[async_trait]
pub trait PartSink: Send + Debug {
    /// Adds bytes at the end.
    async fn append(&mut self, bytes: Bytes) -> Result<()>;

    /// Makes the object durable, then visible.
    async fn finish(self: Box<Self>) -> Result<()>;
}

/// Puts a whole object.
pub async fn put_bytes(store: &dyn PartStore, object: &str, bytes: Bytes) -> Result<()> {
    let mut sink = store.put(object).await?;
    sink.append(bytes).await?;
    sink.finish().await
}

/// Objects in memory: for tests and for tables that are never written to a disk.
#[derive(Clone, Default, Debug)]
pub struct MemoryPartStore {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

impl MemoryPartStore {
    /// The whole object, for tests that damage bytes.
    pub fn bytes(&self, object: &str) -> Option<Bytes> {
        self.objects.lock().get(object).cloned()
    }

    /// Puts an object in place of one that may be there; only tests have a use for that.
    pub fn replace(&self, object: &str, bytes: Bytes) {
        self.objects.lock().insert(object.to_owned(), bytes);
    }
}

#[async_trait]
impl PartStore for MemoryPartStore {
    async fn put(&self, object: &str) -> Result<Box<dyn PartSink>> {
        let store = self.clone();
        Ok(Box::new(MemorySink { store, object: object.to_owned(), bytes: BytesMut::new() }))
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let bytes = self.bytes(object).ok_or_else(|| Error::Gone(object.to_owned()))?;
        let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        match range.filter(|(start, end)| start <= end && *end <= bytes.len()) {
            Some((start, end)) => Ok(bytes.slice(start..end)),
            None => Err(Error::Damaged("part file is shorter than its footer says")),
        }
    }

    async fn delete(&self, object: &str) -> Result<()> {
        self.objects.lock().remove(object);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<(String, u64)>> {
        Ok(self.objects.lock().iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect())
    }
}

#[derive(Debug)]
struct MemorySink {
    store: MemoryPartStore,
    object: String,
    bytes: BytesMut,
}

#[async_trait]
impl PartSink for MemorySink {
    async fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.store.replace(&self.object, self.bytes.freeze());
        Ok(())
    }
}
