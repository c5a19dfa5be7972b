//! From a data folder to the snapshot it was in: newest whole checkpoint, then the log after it, through the same `apply`.
//!
//! Promise: every acknowledged commit is in the result, every other whole or not at all. What cannot be read is refused by
//! name and nothing is changed; only a torn tail that nobody was told of is cut off.

use std::collections::BTreeSet;
use std::sync::Arc;

use env::Env;
use parts::file::FilePart;
use parts::{Part, PartData};
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
    log.read_from(checkpoint, &mut |record| repeat(&mut snapshot, &record, source)).await?;
    check_files(folder, &snapshot, source).await?;
    open_files(&mut snapshot, source).await?;
    checkpoints.remove_before(checkpoint).await?;
    tracing::info!(checkpoint = checkpoint.0, commit = snapshot.seq.0, "data folder is open");
    Ok(Recovered { snapshot, log })
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

/// Every file that the snapshot names must be there; every other was staged by a process that died, and goes.
async fn check_files(folder: &DataFolder, snapshot: &Snapshot, source: &PartSource) -> Result<()> {
    let there: BTreeSet<String> = source.part_store.list().await?.into_iter().map(|(object, _)| object).collect();
    let parts = snapshot.parts.parts().chain(snapshot.history.detached());
    let named: BTreeSet<&str> = parts.filter_map(|(_, part)| part.file.as_ref()).map(|file| file.object()).collect();
    if let Some(missing) = named.iter().find(|object| !there.contains(**object)) {
        let path = folder.parts().join(missing);
        return Err(Error::Damaged { path, what: "it is gone, and a table needs it".to_owned() });
    }
    for object in there.iter().filter(|object| !named.contains(object.as_str())) {
        source.part_store.delete(object).await?;
    }
    Ok(())
}

/// Opens the files that are still named; replay has left their parts without rows.
async fn open_files(snapshot: &mut Snapshot, source: &PartSource) -> Result<()> {
    let in_files: Vec<(TableId, Arc<ActivePart>)> = snapshot
        .parts
        .parts()
        .filter(|(_, part)| !part.is_in_memory())
        .map(|(table, part)| (table, Arc::clone(part)))
        .collect();
    for (table, part) in in_files {
        if let Some(opened) = open(&part, source).await? {
            snapshot.parts.table_mut(table).replace(opened);
        }
    }
    let detached: Vec<TableId> = snapshot.history.detached().map(|(table, _)| table).collect();
    for table in BTreeSet::from_iter(detached) {
        let history = snapshot.history.table_mut(table);
        for part in &mut history.detached {
            if let Some(opened) = open(part, source).await? {
                *part = Arc::new(opened);
            }
        }
    }
    Ok(())
}

/// The part with its rows; none when they are in memory.
async fn open(part: &ActivePart, source: &PartSource) -> Result<Option<ActivePart>> {
    let Some(reference) = part.file.as_ref().and_then(|file| file.reference()) else { return Ok(None) };
    let (store, cache) = (Arc::clone(&source.part_store), Arc::clone(&source.cache));
    let file = FilePart::open(store, reference.clone(), cache).await?;
    let opened = Part { name: part.name().clone(), meta: Arc::clone(file.meta()), data: PartData::File(file) };
    Ok(Some(ActivePart { part: opened, ..part.clone() }))
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
