//! [`LogStore`] over files: `log/<first seq, 20 digits>.log`, each begun durable before its first record.
//!
//! Steps of a start: list segments, read those after the checkpoint, refuse damage, cut the torn tail of the last one,
//! sync it. Records of a process that was killed were perhaps never synced; they are given to readers only after that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use env::{Disk, DiskFile};
use types::CommitSeq;

use super::frame::{self, SEGMENT_HEADER_BYTES, SEGMENT_VERSION, SegmentHeader};
use super::{Durable, LogStore, Record};
use crate::config::StoreConfig;
use crate::error::{Error, Result};

/// The log in a folder.
#[derive(Debug)]
pub struct FileLog {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// A segment that has grown to this gets a successor.
    segment_bytes_max: u64,
    segments: Vec<Segment>,
    /// The file of the last segment; none before the first append to a log without segments.
    current: Option<Box<dyn DiskFile>>,
    appended: CommitSeq,
    durable: CommitSeq,
    /// What the start found behind the last whole record, until it is cut off.
    torn: Option<Torn>,
    fenced: bool,
}

#[derive(Clone, Debug)]
struct Segment {
    path: PathBuf,
    first: CommitSeq,
    len: u64,
}

/// What was being written when the process died.
#[derive(Debug)]
enum Torn {
    /// A record of the last segment, which is to end here.
    Record { end: usize },
    /// A segment that was not begun.
    Segment(PathBuf),
}

impl FileLog {
    /// The log in `folder`, which exists. Nothing is read yet.
    pub async fn open(disk: Arc<dyn Disk>, folder: &Path, config: &StoreConfig) -> Result<FileLog> {
        let mut segments = Vec::new();
        for entry in disk.list(folder).await? {
            let number = entry.name.strip_suffix(".log").and_then(|stem| stem.parse::<u64>().ok());
            if let Some(first) = number {
                segments.push(Segment { path: folder.join(&entry.name), first: CommitSeq(first), len: entry.len });
            }
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(FileLog {
            disk,
            folder: folder.to_path_buf(),
            segment_bytes_max: config.segment_bytes_max,
            segments,
            current: None,
            appended: CommitSeq(0),
            durable: CommitSeq(0),
            torn: None,
            fenced: false,
        })
    }

    /// Whether there is no segment: the log was never begun, or it is gone.
    pub(crate) fn has_no_segment(&self) -> bool {
        self.segments.is_empty()
    }

    /// Reads one segment and visits its records after `after`. What is torn is left for [`FileLog::settle`].
    async fn read_segment(
        &mut self,
        position: usize,
        after: CommitSeq,
        visit: &mut (dyn FnMut(Record) -> Result<()> + Send),
    ) -> Result<()> {
        let Some(segment) = self.segments.get(position).cloned() else { return Ok(()) };
        let is_last = position + 1 == self.segments.len();
        let bytes = env::read_all(&*self.disk, &segment.path).await?;
        let damaged = |what: String| Error::Damaged { path: segment.path.clone(), what };
        match frame::decode_segment_header(&bytes) {
            SegmentHeader::First(first) if first == segment.first => {}
            SegmentHeader::First(first) => return Err(damaged(format!("it begins with commit {first}"))),
            SegmentHeader::Newer(found) => {
                return Err(Error::NewerFormat { path: segment.path, found, known: SEGMENT_VERSION });
            }
            SegmentHeader::Bad if is_last && !frame::was_durable(&bytes, 0, CommitSeq(0)) => {
                self.torn = self.segments.pop().map(|segment| Torn::Segment(segment.path));
                return Ok(());
            }
            SegmentHeader::Bad => return Err(damaged("its header is not whole".to_owned())),
        }
        let scan = frame::scan(&bytes, segment.first);
        if self.appended.next() < segment.first {
            let missing = self.appended.next();
            return Err(damaged(format!("commits {missing} to {} before it are missing", segment.first.0 - 1)));
        }
        if scan.end < bytes.len() {
            // What is wrong with the bytes may be wrong with the way they came: cut only what reads the same again.
            if env::read_all(&*self.disk, &segment.path).await? != bytes {
                return Err(damaged("it does not read the same twice".to_owned()));
            }
            self.check_tail(position, &bytes, scan.end, scan.next)?;
            self.torn = Some(Torn::Record { end: scan.end });
        }
        for record in scan.records {
            if after < record.seq {
                visit(record)?;
            }
        }
        self.appended = self.appended.max(CommitSeq(scan.next.0 - 1));
        Ok(())
    }

    /// Only the tail of the last segment may be torn, and only if nobody was told that it is durable.
    fn check_tail(&self, position: usize, bytes: &Bytes, end: usize, next: CommitSeq) -> Result<()> {
        let is_last = position + 1 == self.segments.len();
        if is_last && !frame::was_durable(bytes, end, next) {
            return Ok(());
        }
        let path = self.segments.get(position).map(|segment| segment.path.clone()).unwrap_or_default();
        Err(Error::Damaged { path, what: format!("commit {next} at byte {end} is not whole") })
    }

    /// Cuts off what is torn, opens the last segment for appending and makes what it holds durable.
    async fn settle(&mut self, after: CommitSeq) -> Result<()> {
        let torn = self.torn.take();
        if self.appended < after || (self.segments.is_empty() && CommitSeq(0) < after) {
            self.start_anew(after, torn).await?;
        } else if let Some(torn) = torn {
            self.cut(torn).await?;
        }
        if let Some(last) = self.segments.last() {
            let file = self.disk.open(&last.path).await?;
            file.sync().await?;
            self.current = Some(file);
        }
        self.disk.sync_dir(&self.folder).await?;
        self.durable = self.appended;
        Ok(())
    }

    async fn cut(&mut self, torn: Torn) -> Result<()> {
        match (torn, self.segments.last_mut()) {
            (Torn::Record { end }, Some(segment)) => {
                tracing::warn!(
                    segment = %segment.path.display(),
                    bytes = segment.len.saturating_sub(end as u64),
                    "the last record was not written whole and never acknowledged: cut off"
                );
                let file = self.disk.open(&segment.path).await?;
                file.truncate(end as u64).await?;
                segment.len = end as u64;
            }
            (Torn::Segment(path), _) => {
                // Its header was never whole, so no record was acknowledged from it.
                tracing::warn!(segment = %path.display(), "a log segment was never begun: removed");
                self.disk.remove(&path).await?;
                self.disk.sync_dir(&self.folder).await?;
            }
            (Torn::Record { .. }, None) => {}
        }
        Ok(())
    }

    /// The log ends before the checkpoint that is made of it, though it was durable up to there. Where it is torn, nobody was
    /// told of anything behind that, and it goes on behind the checkpoint, in a segment that is there before anything goes.
    /// Where it is not, whole records are gone, and maybe later ones with them.
    async fn start_anew(&mut self, after: CommitSeq, torn: Option<Torn>) -> Result<()> {
        let last = self.segments.last().map_or(&self.folder, |segment| &segment.path);
        let Some(torn) = torn else {
            let what = format!("it ends with commit {}, and a checkpoint has commit {after}", self.appended);
            return Err(Error::Damaged { path: last.clone(), what });
        };
        tracing::warn!(log = %last.display(), checkpoint = after.0, "the log is torn: it goes on behind the checkpoint");
        let first = after.next();
        let path = self.path_of(first);
        env::write_atomic(&*self.disk, &path, &frame::encode_segment_header(first)).await?;
        let mut old: Vec<PathBuf> = self.segments.drain(..).map(|segment| segment.path).collect();
        if let Torn::Segment(unborn) = torn {
            old.push(unborn);
        }
        for old in old.iter().filter(|old| **old != path) {
            self.disk.remove(old).await?;
        }
        self.segments.push(Segment { path, first, len: SEGMENT_HEADER_BYTES as u64 });
        self.appended = after;
        Ok(())
    }

    /// The file of the segment that begins with a commit.
    fn path_of(&self, first: CommitSeq) -> PathBuf {
        self.folder.join(format!("{:020}.log", first.0))
    }

    /// Begins a segment whose first record is the next one. The one before is durable then, in every mode.
    async fn roll(&mut self) -> Result<()> {
        if let Some(current) = &self.current {
            current.sync().await?;
            self.durable = self.appended;
        }
        let first = self.appended.next();
        let path = self.path_of(first);
        let file = match self.begin_segment(&path, first).await {
            Err(env::Error::NoSpace(_)) => return Err(self.unmake(&path).await),
            made => made?,
        };
        self.segments.push(Segment { path, first, len: SEGMENT_HEADER_BYTES as u64 });
        self.current = Some(file);
        Ok(())
    }

    async fn begin_segment(&self, path: &Path, first: CommitSeq) -> env::Result<Box<dyn DiskFile>> {
        let file = self.disk.create(path).await?;
        file.append(&frame::encode_segment_header(first)).await?;
        file.sync().await?;
        self.disk.sync_dir(&self.folder).await?;
        Ok(file)
    }

    /// Removes a segment for which there was no room: durably, since later records go to the one before it.
    async fn unmake(&self, path: &Path) -> Error {
        let gone = async {
            if self.disk.exists(path).await? {
                self.disk.remove(path).await?;
            }
            self.disk.sync_dir(&self.folder).await
        };
        gone.await.map_or_else(Error::from, |()| Error::LogFull)
    }

    /// Takes back what a full disk let through of an append: durably, since who asked is told that nothing happened.
    async fn withdraw(&mut self) -> Error {
        let (Some(file), Some(segment)) = (&self.current, self.segments.last()) else { return Error::LogFull };
        let back = async {
            file.truncate(segment.len).await?;
            file.sync().await
        };
        match back.await {
            Ok(()) => {
                self.durable = self.appended;
                Error::LogFull
            }
            Err(error) => error.into(),
        }
    }

    fn encode(&self, group: &[Record]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in group {
            frame::encode_frame(record, self.durable, &mut bytes);
        }
        bytes
    }
}

#[async_trait]
impl LogStore for FileLog {
    async fn read_from(
        &mut self,
        after: CommitSeq,
        visit: &mut (dyn FnMut(Record) -> Result<()> + Send),
    ) -> Result<Durable> {
        // Segments that end before `after` need not be read.
        let needed = self.segments.iter().rposition(|segment| segment.first <= after.next()).unwrap_or(0);
        self.appended = after;
        if let Some(first) = self.segments.get(needed)
            && first.first <= after
        {
            self.appended = CommitSeq(first.first.0 - 1);
        }
        let mut position = needed;
        while position < self.segments.len() {
            let before = self.segments.len();
            self.read_segment(position, after, visit).await?;
            position += usize::from(self.segments.len() == before);
        }
        self.settle(after).await?;
        Ok(Durable(self.durable))
    }

    async fn append(&mut self, group: &[Record], sync: bool) -> Result<Durable> {
        if self.fenced {
            return Err(Error::Fenced);
        }
        let Some(last) = group.last() else { return Ok(Durable(self.durable)) };
        debug_assert_eq!(group.first().map(|record| record.seq), Some(self.appended.next()), "records have no gaps");
        let is_full = self.segments.last().is_none_or(|segment| self.segment_bytes_max <= segment.len);
        if self.current.is_none() || is_full {
            self.roll().await?;
        }
        let bytes = self.encode(group);
        if let Some(file) = &self.current {
            match file.append(&bytes).await {
                Err(env::Error::NoSpace(_)) => return Err(self.withdraw().await),
                appended => appended?,
            }
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.len += bytes.len() as u64;
        }
        self.appended = last.seq;
        if sync { self.sync().await } else { Ok(Durable(self.durable)) }
    }

    async fn sync(&mut self) -> Result<Durable> {
        if self.fenced {
            return Err(Error::Fenced);
        }
        if let Some(file) = &self.current
            && self.durable < self.appended
        {
            file.sync().await?;
            self.durable = self.appended;
        }
        Ok(Durable(self.durable))
    }

    async fn free_up_to(&mut self, seq: CommitSeq) -> Result<()> {
        if self.fenced {
            return Err(Error::Fenced);
        }
        let last_is_freed = self.segments.last().is_some_and(|last| last.first <= seq) && self.appended <= seq;
        if last_is_freed {
            match self.roll().await {
                // The last segment stays until the next time; the others go and make room.
                Err(Error::LogFull) => {}
                rolled => rolled?,
            }
        }
        // A segment is free when its successor begins at or before `seq + 1`. The oldest goes first, so that a cut in
        // between leaves no gap.
        let freed = self.segments.iter().skip(1).take_while(|segment| segment.first <= seq.next()).count();
        for segment in self.segments.drain(..freed).collect::<Vec<_>>() {
            self.disk.remove(&segment.path).await?;
            self.disk.sync_dir(&self.folder).await?;
        }
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    fn fence(&mut self) {
        self.fenced = true;
    }
}
