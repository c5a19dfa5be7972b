//! From a data folder to the snapshot it was in: newest whole checkpoint, then the log after it, through the same `apply`.
//!
//! Promise: every acknowledged commit is in the result, every other whole or not at all. What cannot be read is refused by
//! name and nothing is changed, except that a torn tail that nobody was told of is cut off, and a part whose file is damaged
//! or gone is put aside by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use env::Env;
use parts::file::FilePart;
use parts::{Part, PartData, PartName};
use types::{CommitSeq, TableId};

use crate::active_part::ActivePart;
use crate::checkpoint::Checkpoints;
use crate::commit::{Commit, Edit, PartSource};
use crate::config::StoreConfig;
use crate::definition::Readiness;
use crate::error::{Error, Result};
use crate::folder::DataFolder;
use crate::log::{FileLog, LogStore, Record};
use crate::snapshot::Snapshot;

/// What a start found.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) snapshot: Snapshot,
    pub(crate) log: FileLog,
    /// Active parts whose files are damaged or gone, to be put aside by the first commit.
    pub(crate) broken: Vec<(TableId, PartName)>,
}

/// Reads the folder.
pub(crate) async fn recover(
    env: &Env,
    folder: &DataFolder,
    config: &StoreConfig,
    source: &PartSource,
) -> Result<Recovered> {
    let checkpoints = Checkpoints { disk: &*env.disk, folder: &folder.checkpoints() };
    let mut snapshot = checkpoints.newest(source).await?.unwrap_or_default();
    let checkpoint = snapshot.seq;
    let mut log = FileLog::open(Arc::clone(&env.disk), &folder.log(), config).await?;
    if log.has_no_segment()
        && let Some(what) = missing_log(checkpoint, source).await?
    {
        return Err(Error::Damaged { path: folder.log(), what });
    }
    log.read_from(checkpoint, &mut |record| repeat(&mut snapshot, &record, source)).await?;
    delete_unnamed(&snapshot, source).await?;
    let broken = open_files(&mut snapshot, source).await?;
    checkpoints.remove_before(checkpoint).await?;
    tracing::info!(checkpoint = checkpoint.0, commit = snapshot.seq.0, "data folder is open");
    Ok(Recovered { snapshot, log, broken })
}

/// What a log without segments means: none in a folder that was never written to, and otherwise that commits are missing
/// which nothing else tells of. A checkpoint always has a segment after it, and no part file is made before the first one.
pub(crate) async fn missing_log(checkpoint: CommitSeq, source: &PartSource) -> Result<Option<String>> {
    if CommitSeq(0) < checkpoint {
        return Ok(Some(format!("its segments are gone, and with them what came after commit {checkpoint}")));
    }
    let files = source.part_store.list().await?.len();
    Ok((0 < files).then(|| format!("its segments are gone, and with them what the {files} files of parts belong to")))
}

/// Applies one record of the log.
fn repeat(snapshot: &mut Snapshot, record: &Record, source: &PartSource) -> Result<()> {
    let seq = record.seq;
    debug_assert_eq!(seq, snapshot.seq.next(), "the log has no gaps");
    let commit = Commit::decode(&record.payload, source).map_err(|reason| Error::Record { seq, reason })?;
    let applied = snapshot.apply(&commit).map_err(|conflict| Error::Replay { seq, conflict })?;
    for part in &applied.removed {
        if let Some(file) = &part.file {
            file.give_up();
        }
    }
    *snapshot = applied.snapshot;
    Ok(())
}

/// A file that the snapshot does not name was staged by a process that died, and goes.
async fn delete_unnamed(snapshot: &Snapshot, source: &PartSource) -> Result<()> {
    let parts = snapshot.parts.parts().chain(snapshot.history.detached());
    let named: BTreeSet<&str> = parts.filter_map(|(_, part)| part.file.as_ref()).map(|file| file.object()).collect();
    for (object, _) in source.part_store.list().await? {
        if !named.contains(object.as_str()) {
            source.part_store.delete(&object).await?;
        }
    }
    Ok(())
}

/// Opens the files that are still named; replay has left their parts without rows. Gives the active parts that are
/// damaged or gone, each said in the log; those of earlier starts are aside already.
async fn open_files(snapshot: &mut Snapshot, source: &PartSource) -> Result<Vec<(TableId, PartName)>> {
    let parts = snapshot.parts.parts().filter(|(_, part)| !part.is_in_memory());
    let in_files: Vec<(TableId, Arc<ActivePart>)> = parts.map(|(table, part)| (table, Arc::clone(part))).collect();
    let mut broken = Vec::new();
    for (table, part) in in_files {
        match open(&part, source).await? {
            Ok(opened) => snapshot.parts.table_mut(table).replace(opened),
            Err(what) => {
                let name = snapshot.catalog.kept_by_id(table).map(|def| def.qualified_name().to_string());
                let (name, file) = (name.unwrap_or_default(), part.file.as_ref().map_or("", |file| file.object()));
                tracing::error!(table = name, part = %part.name(), rows = part.rows(), file, what, "a part is damaged: \
                     it is put aside, and its rows are missing");
                broken.push((table, part.name().clone()));
            }
        }
    }
    let detached: Vec<TableId> = snapshot.history.detached().map(|(table, _)| table).collect();
    for table in BTreeSet::from_iter(detached) {
        for part in &mut snapshot.history.table_mut(table).detached {
            match open(part, source).await? {
                Ok(opened) => *part = Arc::new(opened),
                Err(what) => tracing::warn!(part = %part.name(), what, "a detached part is damaged"),
            }
        }
    }
    Ok(broken)
}

/// So often is a file read before it is called damaged: what is wrong with the bytes may be wrong with the way they came, and
/// a part that is put aside is missing until somebody attaches it again.
const READS_MAX: usize = 5;

/// The part with its rows, or what is wrong with its file. A disk that fails is an error: it says nothing of the file.
async fn open(part: &ActivePart, source: &PartSource) -> Result<std::result::Result<ActivePart, String>> {
    let Some(reference) = part.file.as_ref().and_then(|file| file.reference()) else { return Ok(Ok(part.clone())) };
    let open = || FilePart::open(Arc::clone(&source.part_store), reference.clone(), Arc::clone(&source.cache));
    let mut opened = open().await;
    for _ in 1..READS_MAX {
        if !opened.as_ref().is_err_and(parts::Error::is_damage) {
            break;
        }
        opened = open().await;
    }
    match opened {
        Ok(file) => {
            let opened = Part { name: part.name().clone(), meta: Arc::clone(file.meta()), data: PartData::File(file) };
            Ok(Ok(ActivePart { part: opened, ..part.clone() }))
        }
        Err(error) if error.is_damage() => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// The commit that puts damaged parts aside; none when there are none.
pub(crate) fn put_aside(broken: Vec<(TableId, PartName)>) -> Option<Commit> {
    let mut tables: BTreeMap<TableId, Vec<PartName>> = BTreeMap::new();
    for (table, part) in broken {
        tables.entry(table).or_default().push(part);
    }
    let edits: Vec<Edit> = tables.into_iter().map(|(table, parts)| Edit::DetachParts { table, parts }).collect();
    (!edits.is_empty()).then(|| Commit::of(edits))
}

/// The commit that drops what was being built when the process died; none when nothing was.
pub(crate) fn drop_unfinished(snapshot: &Snapshot) -> Option<Commit> {
    let unfinished = snapshot.catalog.tables().filter(|table| table.readiness == Readiness::Building);
    let edits: Vec<Edit> = unfinished.map(|table| Edit::DropTable { table: table.id }).collect();
    (!edits.is_empty()).then(|| Commit::of(edits))
}

/// The commit that a fresh folder begins with: the database `default`.
pub(crate) fn first_commit(env: &Env, snapshot: &Snapshot) -> Option<Commit> {
    if snapshot.seq != CommitSeq(0) {
        return None;
    }
    let database = crate::definition::DatabaseDef {
        id: snapshot.catalog.next_database_id(),
        name: "default".into(),
        engine: "Atomic".into(),
        uuid: env.rng.uuid(),
        comment: "".into(),
        created_ns: env.clock.now_ns(),
    };
    Some(Commit::of(vec![Edit::CreateDatabase(Arc::new(database))]))
}
