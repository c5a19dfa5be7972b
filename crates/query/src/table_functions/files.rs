//! `file()` and `format()`: rows out of bytes that are in no table.
//!
//! Paths are relative to the user files folder and never lead out of it. How bytes become blocks is `format`'s.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use format::Format;
use futures::{StreamExt, TryFutureExt, stream};
use types::{Header, Settings};

use super::reading::{OpenFile, Reading, Wanted, unreadable};
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
        let what = Wanted {
            ctx: ctx.clone(),
            format: self.format,
            header: self.header.clone(),
            columns: read.columns.clone(),
            settings: self.settings.clone(),
        };
        let (pattern, text) = (inside(&self.path)?, self.path.clone());
        let files = async move { list(&what.ctx, &pattern, &text).await.map(|files| (what, text, files)) };
        let blocks = files.map_ok(|(what, text, files)| {
            let state = (what, text, files, None::<Reading>);
            stream::try_unfold(state, |(what, text, mut files, mut open)| async move {
                loop {
                    what.ctx.check()?;
                    let reading = match open.take() {
                        Some(reading) => reading,
                        None => match files.pop_front() {
                            None => return Ok(None),
                            Some(path) => Reading::open(&what, &path, &text).await?,
                        },
                    };
                    let mut reading = reading;
                    if let Some(block) = reading.next(&what).await? {
                        return Ok(Some((block, (what, text, files, Some(reading)))));
                    }
                }
            })
        });
        Ok(blocks.try_flatten_stream().boxed())
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

/// The columns that the first of the files has, where its format says so itself.
pub(crate) async fn structure(ctx: &QueryContext, path: &str, format: Format) -> Result<Header> {
    if format != Format::Parquet {
        let what = format!("table function \"file\" of {} without its third argument, the structure", format.name());
        return Err(Error::NotSupported(what));
    }
    let files = list(ctx, &inside(path)?, path).await?;
    let none = || Error::FileUnreadable { path: path.to_owned(), reason: "no file matches".to_owned() };
    let file = OpenFile::open(ctx, files.front().ok_or_else(none)?, path).await?;
    Ok(file.footer().await?.header().clone())
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
