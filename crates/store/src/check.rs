//! `everview check`: reads everything in a data folder that is closed, and says what is wrong. Changes nothing.
//!
//! Steps: the folder's version and lock, every checkpoint, the log from the newest checkpoint on, through the same `apply`
//! as a start, then every byte of every part file that is named. Not checked: that views are their queries (that is
//! VERIFY VIEW's), and rows against each other.

use std::path::Path;
use std::sync::Arc;

use env::Env;
use futures::StreamExt;
use parts::cache::GranuleCache;
use parts::file::{Caching, FilePart};
use parts::{DiskPartStore, Part, PartData};
use types::CommitSeq;

use crate::active_part::ActivePart;
use crate::checkpoint::Checkpoints;
use crate::commit::{Commit, PartSource};
use crate::error::{Error, Result};
use crate::folder::DataFolder;
use crate::garbage::Garbage;
use crate::log::frame::{self, SegmentHeader};
use crate::recovery;
use crate::snapshot::Snapshot;

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckReport {
    /// The last commit.
    pub commit: CommitSeq,
    /// Part files that were read.
    pub parts: u64,
    /// Rows in them.
    pub rows: u64,
    /// Worth knowing and harmless: a torn tail that nobody was told of, files that the next start deletes.
    pub notes: Vec<String>,
    /// What is damaged or missing, each by name.
    pub problems: Vec<String>,
}

/// Checks the folder. An error is what keeps it from being checked at all: it is no data folder, a process has it open, it
/// was made by a newer program.
pub async fn check(env: &Env, folder: &Path) -> Result<CheckReport> {
    let folder = DataFolder::open_to_read(&*env.disk, folder).await?;
    let source = PartSource {
        part_store: Arc::new(DiskPartStore::to_read(Arc::clone(&env.disk), folder.parts())),
        cache: Arc::new(GranuleCache::new(0)),
        garbage: Arc::new(Garbage::default()),
    };
    let mut report = CheckReport::default();
    let checkpoints = Checkpoints { disk: &*env.disk, folder: &folder.checkpoints() };
    let snapshot = checkpoints.newest(&source).await?.unwrap_or_default();
    let snapshot = read_log(env, &folder, snapshot, &source, &mut report).await?;
    report.commit = snapshot.seq;
    read_parts(&snapshot, &source, &mut report).await?;
    Ok(report)
}

/// The log after a snapshot; ends at the first problem.
async fn read_log(
    env: &Env,
    folder: &DataFolder,
    mut snapshot: Snapshot,
    source: &PartSource,
    report: &mut CheckReport,
) -> Result<Snapshot> {
    let mut paths: Vec<_> = env.disk.list(&folder.log()).await?.into_iter().map(|entry| entry.name).collect();
    paths.retain(|name| name.ends_with(".log"));
    let last = paths.last().cloned();
    let checkpoint = snapshot.seq;
    let mut ends_with = None;
    if paths.is_empty()
        && let Some(what) = recovery::missing_log(checkpoint, source).await?
    {
        report.problems.push(format!("log: {what}"));
    }
    for name in paths {
        let bytes = env::read_all(&*env.disk, &folder.log().join(&name)).await?;
        let is_last = last.as_ref() == Some(&name);
        let first = match frame::decode_segment_header(&bytes) {
            SegmentHeader::First(first) => first,
            SegmentHeader::Newer(found) => {
                let path = folder.log().join(&name);
                return Err(Error::NewerFormat { path, found, known: frame::SEGMENT_VERSION });
            }
            SegmentHeader::Bad if is_last && !frame::was_durable(&bytes, 0, CommitSeq(0)) => {
                report.notes.push(format!("log/{name} was never begun"));
                continue;
            }
            SegmentHeader::Bad => {
                report.problems.push(format!("log/{name}: its header is not whole"));
                continue;
            }
        };
        let scan = frame::scan(&bytes, first);
        ends_with = Some((name.clone(), CommitSeq(scan.next.0 - 1))).filter(|_| scan.end == bytes.len());
        for record in &scan.records {
            let seq = record.seq;
            if seq <= snapshot.seq {
                continue;
            }
            if seq != snapshot.seq.next() {
                report.problems.push(format!(
                    "log/{name}: commits {} to {} are missing",
                    snapshot.seq.next(),
                    seq.0 - 1
                ));
                return Ok(snapshot);
            }
            let commit = Commit::decode(&record.payload, source).map_err(|reason| Error::Record { seq, reason })?;
            snapshot = snapshot.apply(&commit).map_err(|conflict| Error::Replay { seq, conflict })?.snapshot;
        }
        if scan.end < bytes.len() {
            let torn = is_last && !frame::was_durable(&bytes, scan.end, scan.next);
            let what = format!("log/{name}: commit {} at byte {} is not whole", scan.next, scan.end);
            if torn { &mut report.notes } else { &mut report.problems }.push(what);
        }
    }
    if let Some((name, end)) = ends_with.filter(|(_, end)| *end < checkpoint) {
        report
            .problems
            .push(format!("log/{name}: it ends with commit {end}, and a checkpoint has commit {checkpoint}"));
    }
    Ok(snapshot)
}

/// Every byte of every named part.
async fn read_parts(snapshot: &Snapshot, source: &PartSource, report: &mut CheckReport) -> Result<()> {
    let mut named = std::collections::BTreeSet::new();
    for (table, part) in snapshot.parts.parts().chain(snapshot.history.detached()) {
        let Some(file) = &part.file else { continue };
        named.insert(file.object().to_owned());
        report.parts += 1;
        match read_part(part, source).await {
            Ok(rows) => report.rows += rows,
            Err(error) => {
                let table = snapshot.catalog.kept_by_id(table).map(|def| def.qualified_name().to_string());
                let (name, rows, table) = (part.name(), part.rows(), table.unwrap_or_default());
                report
                    .problems
                    .push(format!("part {name} of table {table} ({rows} rows, parts/{}): {error}", file.object()));
            }
        }
    }
    for (object, bytes) in source.part_store.list().await? {
        if !named.contains(&object) {
            report.notes.push(format!("parts/{object} of {bytes} bytes is named by nothing"));
        }
    }
    Ok(())
}

/// Reads a part whole; gives its rows.
async fn read_part(part: &ActivePart, source: &PartSource) -> parts::Result<u64> {
    let Some(reference) = part.file.as_ref().and_then(|file| file.reference()) else { return Ok(0) };
    let file = FilePart::open(Arc::clone(&source.part_store), reference.clone(), Arc::clone(&source.cache)).await?;
    let meta = Arc::clone(file.meta());
    let columns: Vec<usize> = (0..meta.header.len()).collect();
    file.check_projections().await?;
    let opened = Part { name: part.name().clone(), meta, data: PartData::File(file) };
    let mut blocks = opened.read_all(&columns, Caching::Bypass);
    let mut rows = 0;
    while let Some(block) = blocks.next().await {
        rows += block?.rows() as u64;
    }
    Ok(rows)
}
