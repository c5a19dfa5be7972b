//! Files of the user files folder. Nothing outside of it can be named.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use env::{DiskFile, Env};
use futures::{StreamExt, stream};

use crate::error::{Error, Kind, Result};
use crate::glob;
use crate::objects::{Bytestream, Object, Objects, Opened, Seekable};

/// Bytes that are read from a file at once.
const CHUNK_BYTES: u64 = 1 << 20;
/// Files of one pattern, at most.
const FILES_MAX: usize = 1_000_000;

/// Files that match a pattern.
#[derive(Clone, Debug)]
pub struct Files {
    env: Env,
    folder: PathBuf,
    /// Relative to the folder, without `.`.
    pattern: String,
    options: FilesOptions,
}

/// What settings say of files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilesOptions {
    /// `glob_expansion_max_elements`.
    pub names_max: usize,
    /// `engine_file_truncate_on_insert`: an INSERT replaces the file instead of adding to it.
    pub replaces: bool,
    /// `engine_file_empty_if_not_exists`: a file that is not there has no rows.
    pub empty_if_missing: bool,
}

impl Files {
    /// The files that a path with patterns means; an error when it could lead out of the folder. Relative paths are in the
    /// folder; an absolute one must be below it.
    pub fn new(env: Env, folder: PathBuf, path: &str, options: FilesOptions) -> Result<Files> {
        let outside = || Error::FileOutside(path.to_owned());
        let relative = Path::new(path);
        let relative = match relative.is_absolute() {
            true => relative.strip_prefix(&folder).map_err(|_| outside())?,
            false => relative,
        };
        let mut pattern = PathBuf::new();
        for part in relative.components() {
            match part {
                Component::Normal(name) => pattern.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(outside()),
            }
        }
        // only as a whole part of the path it is any number of folders
        let pattern: PathBuf = pattern
            .components()
            .map(|part| match part.as_os_str().to_str() {
                Some(name) if name != "**" => name.replace("**", "*").into(),
                _ => part.as_os_str().to_owned(),
            })
            .collect();
        let pattern = pattern.to_str().filter(|text| !text.is_empty() && !text.contains('\0'));
        let pattern = pattern.ok_or_else(outside)?.to_owned();
        let files = Files { env, folder, pattern, options };
        // braces could put together what stands apart
        for name in glob::expand(&files.pattern, options.names_max)? {
            if name.split('/').any(|part| part == "..") || name.starts_with('/') {
                return Err(outside());
            }
        }
        Ok(files)
    }

    fn object(&self, relative: String, size: Option<u64>) -> Object {
        let file = relative.rsplit('/').next().unwrap_or_default().to_owned();
        Object {
            path: self.folder.join(&relative).to_string_lossy().into_owned(),
            key: relative,
            file,
            size,
            modified_s: None,
        }
    }

    fn unreadable(key: &str, error: &env::Error) -> Error {
        Error::Unreadable { path: key.to_owned(), reason: error.to_string() }
    }

    /// The files below the fixed part of a pattern that match it, by name.
    async fn matching(&self, pattern: &str) -> Result<Vec<Object>> {
        let start = glob::fixed_prefix(pattern).rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let is_deep = pattern.contains("**");
        let depth_max = pattern.matches('/').count();
        let (mut found, mut left) = (Vec::new(), vec![start]);
        while let Some(folder) = left.pop() {
            let path = self.folder.join(&folder);
            if !self.env.disk.exists(&path).await.map_err(|error| Files::unreadable(&folder, &error))? {
                continue;
            }
            let entries = self.env.disk.list(&path).await.map_err(|error| Files::unreadable(&folder, &error))?;
            for entry in entries {
                let name = if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) };
                if entry.is_dir {
                    if is_deep || name.matches('/').count() < depth_max {
                        left.push(name);
                    }
                } else if glob::matches_parts(pattern, &name) {
                    if found.len() == FILES_MAX {
                        let reason = format!("more than {FILES_MAX} files match");
                        return Err(Error::BadPattern { pattern: pattern.to_owned(), reason });
                    }
                    found.push(self.object(name, Some(entry.len)));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    async fn opened(&self, object: &Object) -> Result<(Box<dyn DiskFile>, u64)> {
        let failed = |error: env::Error| Files::unreadable(&object.key, &error);
        let file = self.env.disk.open(&self.folder.join(&object.key)).await.map_err(failed)?;
        let len = file.len().await.map_err(failed)?;
        Ok((file, len))
    }

    async fn modified_s(&self, object: &Object) -> Result<Option<i64>> {
        let modified = self.env.disk.modified_s(&self.folder.join(&object.key)).await;
        modified.map_err(|error| Files::unreadable(&object.key, &error))
    }

    /// The one file that is written.
    fn target(&self) -> Result<PathBuf> {
        if glob::is_pattern(&self.pattern) || glob::has_braces(&self.pattern) {
            return Err(Error::ReadOnly { kind: Kind::File, what: "what a pattern names" });
        }
        Ok(self.folder.join(&self.pattern))
    }
}

#[async_trait]
impl Objects for Files {
    fn kind(&self) -> Kind {
        Kind::File
    }

    fn name(&self) -> String {
        format!("file({})", self.pattern)
    }

    fn hint(&self) -> &str {
        &self.pattern
    }

    async fn list(&self) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        let names = glob::expand(&self.pattern, self.options.names_max)?;
        // of several names those count that are there
        let may_miss = self.options.empty_if_missing || names.len() > 1;
        for name in names {
            if glob::is_pattern(&name) {
                objects.extend(self.matching(&name).await?);
                continue;
            }
            let exists = self.env.disk.exists(&self.folder.join(&name)).await;
            match exists.map_err(|error| Files::unreadable(&name, &error))? {
                true => objects.push(self.object(name, None)),
                false if may_miss => {}
                false => return Err(Error::Missing { kind: Kind::File, place: name }),
            }
        }
        Ok(objects)
    }

    async fn seekable(&self, object: &Object) -> Result<Option<Seekable>> {
        let (_, size) = self.opened(object).await?;
        Ok(Some(Seekable { size, modified_s: self.modified_s(object).await? }))
    }

    async fn range(&self, object: &Object, range: Range<u64>) -> Result<Bytes> {
        let (file, len) = self.opened(object).await?;
        if len < range.end || range.end < range.start {
            return Err(Error::WrongSize {
                kind: Kind::File,
                place: object.key.clone(),
                promised: range.end,
                got: len,
            });
        }
        let bytes = file.read_range(range.start, range.end - range.start).await;
        bytes.map_err(|error| Files::unreadable(&object.key, &error))
    }

    async fn open(&self, object: &Object) -> Result<Opened> {
        let (file, len) = self.opened(object).await?;
        let modified_s = self.modified_s(object).await?;
        let key = object.key.clone();
        let bytes = stream::try_unfold((file, 0), move |(file, at)| {
            let key = key.clone();
            async move {
                if len <= at {
                    return Ok(None);
                }
                let end = len.min(at + CHUNK_BYTES);
                let bytes = file.read_range(at, end - at).await;
                let bytes = bytes.map_err(|error| Files::unreadable(&key, &error))?;
                Ok(Some((bytes, (file, end))))
            }
        });
        Ok(Opened { size: Some(len), modified_s, encoding: None, bytes: bytes.boxed() })
    }

    /// Adds to the file, or makes it. When the statement fails, the file is as it was.
    async fn write(&self, mut bytes: Bytestream) -> Result<()> {
        let (path, disk) = (self.target()?, &self.env.disk);
        let failed = |error: env::Error| Files::unreadable(&self.pattern, &error);
        let is_added_to = self.is_added_to().await?;
        if let Some(folder) = path.parent() {
            disk.create_dir(folder).await.map_err(failed)?;
        }
        // a whole new file comes under its name when it is whole
        let unfinished = self.folder.join(format!("{}.{:032x}.tmp", self.pattern, self.env.rng.uuid()));
        let file = match is_added_to {
            true => disk.open(&path).await,
            false => disk.create(&unfinished).await,
        };
        let file = file.map_err(failed)?;
        let before = file.len().await.map_err(failed)?;
        let written = async {
            while let Some(piece) = bytes.next().await {
                file.append(&piece?).await.map_err(failed)?;
            }
            file.sync().await.map_err(failed)
        };
        match (written.await, is_added_to) {
            (Ok(()), true) => {}
            (Ok(()), false) => disk.rename(&unfinished, &path).await.map_err(failed)?,
            (Err(error), true) => {
                file.truncate(before).await.map_err(failed)?;
                return Err(error);
            }
            (Err(error), false) => {
                disk.remove(&unfinished).await.map_err(failed)?;
                return Err(error);
            }
        }
        match path.parent() {
            Some(folder) => disk.sync_dir(folder).await.map_err(failed),
            None => Ok(()),
        }
    }

    async fn truncate(&self) -> Result<()> {
        let (path, disk) = (self.target()?, &self.env.disk);
        let failed = |error: env::Error| Files::unreadable(&self.pattern, &error);
        if !disk.exists(&path).await.map_err(failed)? {
            return Ok(());
        }
        let file = disk.open(&path).await.map_err(failed)?;
        file.truncate(0).await.map_err(failed)?;
        file.sync().await.map_err(failed)
    }

    async fn is_added_to(&self) -> Result<bool> {
        let path = self.target()?;
        let exists = self.env.disk.exists(&path).await;
        Ok(!self.options.replaces && exists.map_err(|error| Files::unreadable(&self.pattern, &error))?)
    }
}
