//! The files of the tree, read once.

use std::io;
use std::path::Path;

/// A text file of the tree.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// Folders that are made, not written.
const SKIPPED: &[&str] = &[".git", "target", "__pycache__"];

/// Greatest file that is looked at: what is longer was made by a program.
const SIZE_MAX_BYTES: u64 = 4 << 20;

/// Every text file under `root`, by path. Bytes that are no UTF-8 are no text.
pub fn read(root: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(folder: &Path, path: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let kind = entry.file_type()?;
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file()
            && entry.metadata()?.len() <= SIZE_MAX_BYTES
            && let Ok(text) = String::from_utf8(std::fs::read(entry.path())?)
        {
            files.push(File { path, text });
        }
    }
    Ok(())
}
