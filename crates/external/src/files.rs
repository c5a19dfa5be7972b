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

    /// The path of a name in the folder; an error when a symbolic link in it leads out of the folder, which may be one
    /// itself.
    async fn inside(&self, name: &str) -> Result<PathBuf> {
        let (path, disk) = (self.folder.join(name), &self.env.disk);
        let failed = |error: env::Error| Files::unreadable(name, &error);
        // of a file that is to be made the folders above it count
        let mut there = path.as_path();
        while !disk.exists(there).await.map_err(failed)? {
            match there.parent().filter(|above| above.starts_with(&self.folder)) {
                Some(above) => there = above,
                None => return Ok(path),
            }
        }
        let real = disk.real_path(there).await.map_err(failed)?;
        match real.starts_with(disk.real_path(&self.folder).await.map_err(failed)?) {
            true => Ok(path),
            false => Err(Error::FileOutside(name.to_owned())),
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
            let path = self.inside(&folder).await?;
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
                    // a link is a file where it leads to one of the folder; elsewhere a pattern does not see it
                    if entry.is_link && !self.is_file_inside(&name).await? {
                        continue;
                    }
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

    /// True when a symbolic link leads to a file of the folder.
    async fn is_file_inside(&self, name: &str) -> Result<bool> {
        match self.inside(name).await {
            Ok(path) => {
                let exists = self.env.disk.exists(&path).await.map_err(|error| Files::unreadable(name, &error))?;
                // a folder cannot be opened as a file
                Ok(exists && self.env.disk.open(&path).await.is_ok())
            }
            Err(Error::FileOutside(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn opened(&self, object: &Object) -> Result<(Box<dyn DiskFile>, u64)> {
        let failed = |error: env::Error| Files::unreadable(&object.key, &error);
        let file = self.env.disk.open(&self.inside(&object.key).await?).await.map_err(failed)?;
        let len = file.len().await.map_err(failed)?;
        Ok((file, len))
    }

    async fn modified_s(&self, object: &Object) -> Result<Option<i64>> {
        let modified = self.env.disk.modified_s(&self.folder.join(&object.key)).await;
        modified.map_err(|error| Files::unreadable(&object.key, &error))
    }

    /// The one file that is written.
    async fn target(&self) -> Result<PathBuf> {
        if glob::is_pattern(&self.pattern) || glob::has_braces(&self.pattern) {
            return Err(Error::ReadOnly { kind: Kind::File, what: "what a pattern names" });
        }
        self.inside(&self.pattern).await
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
            let exists = self.env.disk.exists(&self.inside(&name).await?).await;
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
        let (path, disk) = (self.target().await?, &self.env.disk);
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
        let (path, disk) = (self.target().await?, &self.env.disk);
        let failed = |error: env::Error| Files::unreadable(&self.pattern, &error);
        if !disk.exists(&path).await.map_err(failed)? {
            return Ok(());
        }
        let file = disk.open(&path).await.map_err(failed)?;
        file.truncate(0).await.map_err(failed)?;
        file.sync().await.map_err(failed)
    }

    async fn is_added_to(&self) -> Result<bool> {
        let path = self.target().await?;
        let exists = self.env.disk.exists(&path).await;
        Ok(!self.options.replaces && exists.map_err(|error| Files::unreadable(&self.pattern, &error))?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use futures::TryStreamExt;

    use super::*;

    const OPTIONS: FilesOptions = FilesOptions { names_max: 10, replaces: false, empty_if_missing: false };

    fn files(folder: &Path, pattern: &str) -> Files {
        Files::new(env::real::env(), folder.to_owned(), pattern, OPTIONS).unwrap()
    }

    async fn read(folder: &Path, pattern: &str) -> Result<Vec<u8>> {
        let (files, mut out) = (files(folder, pattern), Vec::new());
        for object in files.list().await? {
            let pieces: Vec<Bytes> = files.open(&object).await?.bytes.try_collect().await?;
            out.extend(pieces.concat());
        }
        Ok(out)
    }

    async fn write(folder: &Path, name: &str) -> Result<()> {
        files(folder, name).write(stream::iter([Ok(Bytes::from_static(b"new"))]).boxed()).await
    }

    #[tokio::test]
    async fn links_lead_nowhere_but_inside_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let (folder, outside) = (place.path().join("user_files"), place.path().join("outside"));
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("secret"), "secret").unwrap();
        fs::write(folder.join("sub/own"), "own").unwrap();
        symlink(outside.join("secret"), folder.join("file")).unwrap();
        symlink(&outside, folder.join("door")).unwrap();
        symlink(folder.join("sub/own"), folder.join("alias")).unwrap();
        let is_refused = |done: Result<()>| matches!(done, Err(Error::FileOutside(_)));
        for name in ["file", "door/secret", "door/*", "door/none"] {
            assert!(is_refused(read(&folder, name).await.map(drop)), "{name}");
        }
        for name in ["file", "door/secret", "door/new"] {
            assert!(is_refused(write(&folder, name).await), "{name}");
            assert!(is_refused(files(&folder, name).truncate().await), "{name}");
        }
        assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
        assert!(!outside.join("new").exists());
        // inside they are files like any other, and a pattern sees nothing else
        assert_eq!(read(&folder, "alias").await.unwrap(), b"own");
        assert_eq!(read(&folder, "**").await.unwrap(), b"ownown");
        // the folder may be a link itself
        let moved = place.path().join("moved");
        symlink(&folder, &moved).unwrap();
        write(&moved, "sub/own").await.unwrap();
        assert_eq!(read(&moved, "sub/*").await.unwrap(), b"ownnew");
    }
}
