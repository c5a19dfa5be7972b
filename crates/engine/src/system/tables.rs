//! The system tables that show what the engine and the store do: merges, metrics, events, errors, logs, views, disks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use query::definition::Definition;
use query::system::{Cell, Rows, SYSTEM, header_of};
use query::{QueryContext, SystemTable};
use store::{QualifiedName, Store, TableDef, ViewDef};
use types::{Block, Header};
use views::ViewCosts;

use crate::ddl::names_in;
use crate::processes::Processes;
use crate::telemetry::Telemetry;
use crate::telemetry::queries::seconds;

/// What the tables look at.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) store: Arc<Store>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) processes: Processes,
    pub(crate) costs: Arc<ViewCosts>,
    pub(crate) folder: PathBuf,
    pub(crate) drop_delay: Duration,
    pub(crate) started_ns: i64,
}

type Fill = fn(&Sources, &QueryContext, &mut Rows) -> query::Result<()>;

/// A table that one function fills.
struct Table {
    name: &'static str,
    header: Header,
    sources: Sources,
    fill: Fill,
}

/// All of them.
pub(super) fn all(sources: &Sources) -> Vec<Arc<dyn SystemTable>> {
    let fills: [(&'static str, Fill); 11] = [
        ("merges", merges),
        ("metrics", metrics),
        ("events", events),
        ("asynchronous_metrics", asynchronous_metrics),
        ("errors", errors),
        ("disks", disks),
        ("dropped_tables", dropped_tables),
        ("views", views),
        ("query_log", query_log),
        ("part_log", part_log),
        ("backups", backups),
    ];
    let table = |(name, fill)| {
        Arc::new(Table { name, header: header_of(SYSTEM, name), sources: sources.clone(), fill })
            as Arc<dyn SystemTable>
    };
    fills.into_iter().map(table).collect()
}

impl SystemTable for Table {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> &Header {
        &self.header
    }

    fn rows(&self, ctx: &QueryContext) -> query::Result<Vec<Block>> {
        let mut rows = Rows::new(&self.header);
        (self.fill)(&self.sources, ctx, &mut rows)?;
        Ok(vec![rows.block()?])
    }
}

fn merges(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    for merge in sources.store.merges().running() {
        let Some(table) = ctx.snapshot.catalog.table_by_id(merge.table) else { continue };
        let elapsed_ns = ctx.now_ns.saturating_sub(merge.started_ns).max(0);
        let progress = if merge.rows == 0 { 0.0 } else { merge.rows_done as f64 / merge.rows as f64 };
        rows.push([
            ("database", table.database.clone().into()),
            ("table", table.name.clone().into()),
            ("elapsed", (elapsed_ns as f64 / 1e9).into()),
            ("progress", progress.min(1.0).into()),
            ("num_parts", merge.inputs.len().into()),
            ("source_part_names", Cell::Texts(merge.inputs.iter().map(ToString::to_string).collect())),
            ("result_part_name", merge.output.to_string().into()),
            ("partition_id", merge.output.partition_id.to_string().into()),
            ("total_size_bytes_compressed", merge.size_bytes.into()),
            ("rows_read", merge.rows_done.into()),
            ("rows_written", merge.rows_done.into()),
            ("merge_type", "Regular".into()),
            ("merge_algorithm", "Horizontal".into()),
        ]);
    }
    Ok(())
}

/// Values of this moment.
fn metrics(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    let runtime = &ctx.runtime;
    let (index_bytes, indexes) = runtime.key_indexes.size();
    let parts: usize = ctx.snapshot.parts.tables().map(|(_, parts)| parts.count()).sum();
    let values = [
        ("Query", sources.processes.list().len(), "Statements that run now"),
        ("Merge", sources.store.merges().running().len(), "Merges that run now"),
        ("MemoryTracking", runtime.memory.reserved(), "Bytes that queries hold"),
        ("PartsActive", parts, "Active parts of all tables"),
        ("PartsInMemory", memory_parts(ctx), "Active parts whose rows are in memory"),
        ("AttachedTable", ctx.snapshot.catalog.tables().count(), "Tables and views"),
        ("AttachedDatabase", ctx.snapshot.catalog.databases().count(), "Databases"),
        ("GranuleCacheBytes", sources.store.granule_cache().size_bytes(), "Bytes of decoded granules in the cache"),
        ("KeyIndexBytes", index_bytes, "Bytes of key indexes"),
        ("KeyIndexes", indexes, "Key indexes"),
        ("CompiledPlans", runtime.plans.len(), "Plans that are kept"),
        ("LogBytes", usize::try_from(sources.store.log_bytes()).unwrap_or(usize::MAX), "Bytes of the log"),
        ("BackgroundTasks", runtime.env.spawner.running().len(), "Tasks that run beside the statements"),
    ];
    for (name, value, text) in values {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let cells = [("metric", name.into()), ("name", name.into()), ("value", value.into())];
        rows.push(cells.into_iter().chain([("description", text.into())]));
    }
    Ok(())
}

fn memory_parts(ctx: &QueryContext) -> usize {
    ctx.snapshot.parts.parts().filter(|(_, part)| part.is_in_memory()).count()
}

/// Counts since the start.
fn events(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    let (hits, misses) = sources.store.granule_cache().hits_and_misses();
    let (plans, plan_hits) = ctx.runtime.plans.asked_and_hits();
    let caches = [
        ("GranuleCacheHits", hits),
        ("GranuleCacheMisses", misses),
        ("PlanCacheHits", plan_hits),
        ("PlanCacheMisses", plans - plan_hits),
        ("Plannings", ctx.runtime.plans.plannings()),
    ];
    let store = sources.store.stats().all().into_iter().map(|(name, value)| (format!("Store{}", camel(name)), value));
    let queries = sources.telemetry.events().into_iter().map(|(name, value)| (name.to_owned(), value));
    let caches = caches.into_iter().map(|(name, value)| (name.to_owned(), value));
    for (name, value) in queries.chain(caches).chain(store).filter(|(_, value)| *value != 0) {
        rows.push([("event", name.as_str().into()), ("name", name.as_str().into()), ("value", value.into())]);
    }
    Ok(())
}

/// `log_groups` is `LogGroups`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(word).collect()
}

/// What is measured when it is asked for.
fn asynchronous_metrics(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    let running = sources.processes.list();
    let clock = &ctx.runtime.env.clock;
    let oldest_ns = running.iter().map(|process| process.started_ns).min();
    let oldest_s = oldest_ns.map_or(0.0, |started| clock.monotonic_ns().saturating_sub(started) as f64 / 1e9);
    let rows_total: u64 = ctx.snapshot.parts.tables().map(|(_, parts)| parts.rows()).sum();
    let bytes_total: u64 = ctx.snapshot.parts.tables().map(|(_, parts)| parts.size_bytes()).sum();
    let parts_max = ctx
        .snapshot
        .parts
        .tables()
        .flat_map(|(_, parts)| parts.partitions().map(|id| parts.partition_count(id)).collect::<Vec<_>>());
    let values = [
        ("Uptime", (clock.now_ns() - sources.started_ns) as f64 / 1e9, "Seconds since the start"),
        ("oldest_snapshot_age", oldest_s, "Seconds that the oldest snapshot of a statement is held"),
        ("TotalRowsOfMergeTreeTables", rows_total as f64, "Rows of all tables"),
        ("TotalBytesOfMergeTreeTables", bytes_total as f64, "Bytes of all tables"),
        ("MaxPartCountForPartition", parts_max.max().unwrap_or(0) as f64, "Parts of the partition that has most"),
        ("NumberOfDatabases", ctx.snapshot.catalog.databases().count() as f64, "Databases"),
        ("NumberOfTables", ctx.snapshot.catalog.tables().count() as f64, "Tables and views"),
        ("MemoryPartBytes", ctx.snapshot.parts.memory_bytes() as f64, "Bytes of rows in memory"),
        (
            "WriteAmplification",
            sources.store.stats().write_amplification(),
            "Bytes written since the start, log and merges too, for each byte that inserts brought",
        ),
        ("LastCommit", ctx.snapshot.seq.0 as f64, "Number of the last commit"),
    ];
    for (name, value, text) in values {
        rows.push([("metric", name.into()), ("value", value.into()), ("description", text.into())]);
    }
    Ok(())
}

fn errors(sources: &Sources, _: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    for (code, error) in sources.telemetry.errors() {
        rows.push([
            ("name", code.name().into()),
            ("code", i64::from(code.0).into()),
            ("value", error.count.into()),
            ("last_error_time", seconds(error.at_ns)),
            ("last_error_message", error.message.into()),
            ("query_id", error.query_id.into()),
        ]);
    }
    Ok(())
}

/// Tables that UNDROP can bring back, and when they end. They have no file of their own that defines them.
fn dropped_tables(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    let delay_ns = i64::try_from(sources.drop_delay.as_nanos()).unwrap_or(i64::MAX);
    for (index, retired) in ctx.snapshot.catalog.retired().into_iter().enumerate() {
        let table = &retired.table;
        rows.push([
            ("index", index.into()),
            ("database", table.database.clone().into()),
            ("table", table.name.clone().into()),
            ("uuid", Cell::Uuid(table.uuid.to_be_bytes())),
            ("engine", table.engine.clone().into()),
            ("table_dropped_time", seconds(retired.at_ns.saturating_add(delay_ns))),
        ]);
    }
    Ok(())
}

fn disks(sources: &Sources, _: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    let (free, total) = sources.telemetry.disk_bytes();
    let free = Cell::UInt(free);
    rows.push([
        ("name", "default".into()),
        ("path", sources.folder.display().to_string().into()),
        ("free_space", free.clone()),
        ("total_space", total.into()),
        ("unreserved_space", free),
        ("keep_free_space", sources.store.config().free_bytes_min.into()),
        ("type", "Local".into()),
        ("object_storage_type", "None".into()),
        ("metadata_type", "None".into()),
    ]);
    Ok(())
}

/// Every view: what it reads, where its rows go, what the last insert through it cost.
fn views(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    sources.costs.retain(|view| ctx.snapshot.catalog.table_by_id(view).is_some());
    for database in ctx.snapshot.catalog.databases() {
        for view in ctx.snapshot.catalog.tables_of(&database.name) {
            if let Some(def) = &view.view {
                rows.push(view_row(sources, ctx, view, def));
            }
        }
    }
    Ok(())
}

fn view_row(sources: &Sources, ctx: &QueryContext, view: &TableDef, def: &ViewDef) -> Vec<(&'static str, Cell)> {
    let kind = match def {
        ViewDef::Plain => 0_u64,
        ViewDef::Incremental { .. } => 1,
        ViewDef::Window { .. } => 2,
        ViewDef::Refreshable { .. } => 3,
        ViewDef::Live { .. } => 4,
    };
    let mut row: Vec<(&'static str, Cell)> = vec![
        ("database", view.database.clone().into()),
        ("name", view.name.clone().into()),
        ("uuid", Cell::Uuid(view.uuid.to_be_bytes())),
        ("kind", kind.into()),
    ];
    if let Some((database, name)) = source_of(view, def) {
        row.push(("source_database", database.into()));
        row.push(("source_table", name.into()));
    }
    let target = def.target().and_then(|target| ctx.snapshot.catalog.target(target));
    if let Some(target) = target {
        let parts = ctx.snapshot.table_parts(target.id);
        let applied = parts.into_iter().flat_map(|parts| parts.parts()).map(|part| part.seq.0).max();
        row.extend([
            ("target_database", target.database.clone().into()),
            ("target_table", target.name.clone().into()),
            ("rows", parts.map_or(0, |parts| parts.rows()).into()),
            ("bytes", parts.map_or(0, |parts| parts.size_bytes()).into()),
            ("last_commit", applied.unwrap_or(view.version).into()),
        ]);
    }
    let errors = def.errors().and_then(|errors| ctx.snapshot.catalog.table_by_id(errors));
    let waiting = errors.and_then(|errors| ctx.snapshot.table_parts(errors.id)).map_or(0, |parts| parts.rows());
    row.extend([
        ("status", status_of(def, waiting, ctx).into()),
        ("on_error", if def.errors().is_some() { "QUARANTINE" } else { "BLOCK" }.into()),
        ("errors_table", errors.map(|errors| errors.name.to_string()).unwrap_or_default().into()),
        ("quarantined_rows", waiting.into()),
    ]);
    let Some(cost) = sources.costs.of(view.id) else { return row };
    if cost.inserts != 0 {
        row.retain(|(name, _)| *name != "last_commit");
        row.extend([
            ("last_commit", cost.commit.into()),
            ("inserts", cost.inserts.into()),
            ("last_insert_time", seconds(cost.at_ns)),
            ("last_insert_ms", (cost.elapsed_ns as f64 / 1e6).into()),
            ("last_insert_read_rows", cost.read_rows.into()),
            ("last_insert_read_bytes", cost.read_bytes.into()),
            ("last_insert_written_rows", cost.written_rows.into()),
            ("last_insert_written_bytes", cost.written_bytes.into()),
        ]);
    }
    if let Some((at_ns, error)) = cost.error {
        row.extend([("last_error_time", seconds(at_ns)), ("last_error", error.into())]);
    }
    row
}

/// What inserts come from, or the first table that the query of another view names.
fn source_of(view: &TableDef, def: &ViewDef) -> Option<(String, String)> {
    if let Some(source) = def.named_source() {
        return Some((source.database.to_string(), source.name.to_string()));
    }
    // a definition that cannot be read is told of by whoever uses the view
    let query = match Definition::parse(view).ok()? {
        Definition::View(create) => create.query,
        Definition::MaterializedView(create) => create.query,
        _ => return None,
    };
    let first = names_in(&query, &view.database).into_iter().next()?;
    Some((first.database.to_string(), first.name.to_string()))
}

/// Whether inserts reach the target of a view.
fn status_of(def: &ViewDef, waiting: u64, ctx: &QueryContext) -> &'static str {
    let catalog = &ctx.snapshot.catalog;
    let is_gone = |source: &QualifiedName| !source.name.is_empty() && catalog.named(source).is_none();
    match def {
        _ if def.insert_source().is_some_and(is_gone) => "source gone",
        _ if def.target().is_some_and(|target| catalog.target(target).is_none()) => "target gone",
        _ if 0 < waiting => "quarantined",
        _ => "ok",
    }
}

fn query_log(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    sources.telemetry.queries().iter().for_each(|record| record.show(&ctx.runtime.config.host_name, rows));
    Ok(())
}

fn backups(sources: &Sources, _: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    sources.telemetry.backups.lock().show(rows);
    Ok(())
}

fn part_log(sources: &Sources, ctx: &QueryContext, rows: &mut Rows) -> query::Result<()> {
    sources.telemetry.parts().iter().for_each(|record| record.show(&ctx.runtime.config.host_name, rows));
    Ok(())
}
