//! BACKUP: parts to a folder, each read back, then the manifest.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use env::Disk;
use futures::{StreamExt, TryStreamExt, stream};
use parts::{
    Caching, Derived, DiskPartStore, FilePart, FileRef, GranuleCache, Maturity, MergeMode, PartData, PartSchema,
    PartStore, SortColumn, write_part,
};
use query::QueryContext;
use store::{ActivePart, TableDef};
use types::{ErrorCode, Header, TableId};

use super::Task;
use super::choose::{Chosen, Shelf};
use super::manifest::{Manifest, SavedMark, SavedPart, SavedTable};
use super::restore::is_wanted;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Bytes that are copied at once.
const COPY_BYTES: u64 = 4 << 20;

/// What was written or read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saved {
    pub(crate) files: u64,
    pub(crate) parts: u64,
    pub(crate) bytes: u64,
    pub(crate) uncompressed_bytes: u64,
    pub(crate) files_read: u64,
    pub(crate) bytes_read: u64,
}

/// Makes a backup of the context's snapshot.
pub(super) async fn run(engine: &Engine, task: &Task, ctx: &Arc<QueryContext>) -> Result<Saved> {
    let disk = &*engine.env().disk;
    if Manifest::is_in(disk, &task.folder).await? {
        let message = format!("there is a backup in '{}' already", task.folder.display());
        return Err(Error::refused(ErrorCode::BACKUP_ALREADY_EXISTS, message));
    }
    let base = match &task.base {
        Some(folder) => Some((folder.display().to_string(), Manifest::read(disk, folder).await?)),
        None => None,
    };
    let files = files_of(&engine.env().disk, &task.folder).await?;
    // what a backup that was not finished left
    for (object, _) in files.list().await? {
        files.delete(&object).await?;
    }
    let catalog = &ctx.snapshot.catalog;
    let shelf = Shelf {
        tables: catalog.tables().filter(|def| def.readiness == store::Readiness::Ready).cloned().collect(),
        databases: catalog.databases().map(|database| database.name.clone()).collect(),
        database: &ctx.caller.database,
        catalog: &ctx.snapshot.catalog,
    };
    let choice = shelf.choose(&task.elements, &|_| None)?;
    let mut saver = Saver { engine, ctx, files, base, saved: Saved::default() };
    let mut manifest = Manifest {
        uuid: engine.env().rng.uuid(),
        seq: ctx.snapshot.seq.0,
        at_ns: ctx.snapshot.at_ns,
        ..Manifest::default()
    };
    for (name, to) in &choice.databases {
        let def = catalog.database(name).ok_or_else(|| query::Error::UnknownDatabase(name.to_string()))?;
        manifest.databases.push(Arc::new(store::DatabaseDef { name: to.clone(), ..(**def).clone() }));
    }
    let wanted = catalog.collections().filter(|(name, _)| is_wanted(name, &task.elements, &choice));
    let collections = wanted.map(|(name, text)| (name.clone(), text.clone())).collect();
    for Chosen { from, def } in choice.tables {
        let parts = if task.structure_only { Vec::new() } else { saver.table(&from).await? };
        manifest.tables.push(SavedTable { def, parts });
    }
    add_refreshes(&mut manifest, ctx)?;
    manifest.collections = collections;
    ctx.check()?;
    saver.saved.bytes += manifest.write(disk, &task.folder).await?;
    saver.saved.files += 1;
    Ok(saver.saved)
}

/// What refreshable views need beside tables: their concurrency groups, and how far they have read their sources.
fn add_refreshes(manifest: &mut Manifest, ctx: &QueryContext) -> Result<()> {
    let catalog = &ctx.snapshot.catalog;
    let is_saved = |id: TableId| manifest.tables.iter().any(|table| table.def.id == id);
    let mut marks = Vec::new();
    for table in &manifest.tables {
        let known = ctx.snapshot.table_parts(table.def.id).into_iter().flat_map(|parts| parts.marks());
        let saved = known.filter(|(reader, _)| is_saved(**reader));
        marks.extend(saved.map(|(reader, block)| SavedMark { table: table.def.id, reader: *reader, block: *block }));
        let group = views::refresh::Plan::of_view(&table.def)?.and_then(|plan| plan.group);
        let known = group.and_then(|group| catalog.group(&group).map(|limit| (group, limit)));
        if let Some(known) = known.filter(|known| !manifest.groups.contains(known)) {
            manifest.groups.push(known);
        }
    }
    manifest.marks = marks;
    Ok(())
}

/// The part files of a backup.
pub(super) async fn files_of(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Arc<dyn PartStore>> {
    Ok(Arc::new(DiskPartStore::open(Arc::clone(disk), folder.join("parts")).await?))
}

struct Saver<'a> {
    engine: &'a Engine,
    ctx: &'a Arc<QueryContext>,
    files: Arc<dyn PartStore>,
    base: Option<(String, Manifest)>,
    saved: Saved,
}

impl Saver<'_> {
    async fn table(&mut self, def: &TableDef) -> Result<Vec<SavedPart>> {
        let (Some(schema), Some(parts)) = (&def.schema, self.ctx.snapshot.table_parts(def.id)) else {
            return Ok(Vec::new());
        };
        let mut parts: Vec<Arc<ActivePart>> = parts.parts().cloned().collect();
        parts.sort_by_key(|part| part.name().min_block);
        let mut saved = Vec::with_capacity(parts.len());
        for part in parts {
            self.ctx.check()?;
            self.saved.parts += 1;
            self.saved.uncompressed_bytes += part.part.meta.uncompressed_bytes;
            if rows_left(&part) == 0 {
                continue;
            }
            saved.push(match self.in_base(def, &part) {
                Some(known) => known,
                None => self.part(def, schema, &part).await?,
            });
        }
        Ok(saved)
    }

    /// Where the base backup has the part. A part never changes, so its name and table say what is in it; that rows of it
    /// are deleted since shows in their number, which only gets smaller.
    fn in_base(&self, def: &TableDef, part: &ActivePart) -> Option<SavedPart> {
        let (folder, base) = self.base.as_ref()?;
        if !self.ctx.snapshot.has_todays_columns(def.id, part) {
            // the base has it under names that columns had then
            return None;
        }
        let known =
            base.part(def.uuid, &part.name().to_string()).filter(|known| known.rows == rows_left(part))?.clone();
        let folder = if known.folder.is_empty() { folder.clone() } else { known.folder.clone() };
        Some(SavedPart { folder, ..known })
    }

    async fn part(&mut self, def: &TableDef, schema: &PartSchema, part: &ActivePart) -> Result<SavedPart> {
        let todays = self.ctx.snapshot.has_todays_columns(def.id, part);
        let file = match &part.part.data {
            // a part whose columns were renamed or dropped since is written as it reads today: a restored one has no past
            _ if !todays => {
                let object = format!("{:032x}.parquet", self.engine.env().rng.uuid());
                let rows = crate::alter::rows_as(part, def, &schema.header, self.ctx)?;
                write_part(schema, &Derived::default(), rows, Maturity::Young, &*self.files, &object).await?.1
            }
            PartData::File(file) if part.deleted.is_none() => self.copy(file.file()).await?,
            // rows that are in no file, and those of a file that are not deleted
            PartData::File(_) | PartData::Memory(_) => {
                let header = &part.part.meta.header;
                let object = format!("{:032x}.parquet", self.engine.env().rng.uuid());
                let columns: Vec<usize> = (0..header.len()).collect();
                let rows = part.read_all(&columns, Caching::Bypass);
                write_part(
                    &schema_over(schema, header)?,
                    &Derived::default(),
                    rows,
                    Maturity::Young,
                    &*self.files,
                    &object,
                )
                .await?
                .1
            }
        };
        let rows = rows_left(part);
        self.saved.files += 1;
        self.saved.bytes += file.bytes;
        self.verify(&file, rows).await?;
        Ok(SavedPart { name: part.name().to_string(), rows, folder: String::new(), file })
    }

    async fn copy(&self, file: &FileRef) -> Result<FileRef> {
        let source = self.engine.inner.store.part_store();
        let mut sink = self.files.put(&file.object).await?;
        let mut at = 0;
        while at < file.bytes {
            self.ctx.check()?;
            let end = file.bytes.min(at + COPY_BYTES);
            let bytes: Bytes = source.get_range(&file.object, at..end).await?;
            sink.append(bytes).await?;
            at = end;
        }
        sink.finish().await?;
        Ok(file.clone())
    }

    /// Reads every row of a file back, past all its checksums.
    async fn verify(&self, file: &FileRef, rows: u64) -> Result<()> {
        let opened = FilePart::open(self.files.clone(), file.clone(), Arc::new(GranuleCache::new(0))).await?;
        let columns: Vec<usize> = (0..opened.meta().header.len()).collect();
        let (mut read, granules) = (0, opened.meta().granules());
        for granule in 0..granules {
            self.ctx.check()?;
            let blocks = opened.read(&columns, granule..granule + 1, Caching::Bypass).await?;
            read += blocks.iter().map(|block| block.rows() as u64).sum::<u64>();
        }
        if read == rows {
            return Ok(());
        }
        let message = format!("file \"{}\" of the backup has {read} rows instead of {rows}", file.object);
        Err(Error::refused(ErrorCode::BACKUP_DAMAGED, message))
    }
}

/// The rows of a part that are not deleted.
fn rows_left(part: &ActivePart) -> u64 {
    part.rows() - part.deleted.as_ref().map_or(0, |deleted| deleted.count())
}

/// The layout of a part that was written when its table had these columns. Its rows are past the engine's rule, so none is
/// applied.
pub(super) fn schema_over(schema: &PartSchema, header: &Header) -> Result<PartSchema> {
    let place = |position: usize| header.position(&schema.header.columns()[position].name);
    let sort_key: Vec<SortColumn> = schema
        .sort_key
        .iter()
        .map_while(|key| Some(SortColumn { position: place(key.position)?, descending: key.descending }))
        .collect();
    Ok(PartSchema {
        header: header.clone(),
        primary_key_len: schema.primary_key_len.min(sort_key.len()),
        sort_key,
        partition_key: schema.partition_key.iter().filter_map(|position| place(*position)).collect(),
        merge_mode: MergeMode::Plain,
        index_granularity: schema.index_granularity,
        min_max: schema.min_max.iter().filter_map(|position| place(*position)).collect(),
    }
    .checked()?)
}

/// All rows of a part file, checked as they are read.
pub(super) fn rows_of(file: &FilePart) -> parts::Run {
    let columns: Arc<[usize]> = (0..file.meta().header.len()).collect();
    let file = file.clone();
    let granules = 0..file.meta().granules();
    let read = move |granule: usize| {
        let (file, columns) = (file.clone(), columns.clone());
        async move {
            let blocks = file.read(&columns, granule..granule + 1, Caching::Bypass).await?;
            Ok::<_, parts::Error>(stream::iter(blocks.into_iter().map(Ok)))
        }
    };
    stream::iter(granules).then(read).try_flatten().boxed()
}
