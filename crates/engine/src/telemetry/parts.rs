//! What happened to parts, seen by comparing snapshots: `system.part_log`. A part that came and went between two looks is
//! not seen by itself, only as a source of the one it was merged into.

use std::collections::BTreeMap;
use std::sync::Arc;

use parts::PartName;
use query::system::{Cell, Rows};
use store::{ActivePart, Snapshot, TableDef, Visibility};
use types::TableId;

use super::queries::{days, seconds};

/// One event of one part.
#[derive(Clone, Debug)]
pub(crate) struct PartRecord {
    pub(crate) at_ns: i64,
    pub(crate) event: PartEvent,
    pub(crate) table: Arc<TableDef>,
    pub(crate) part: PartName,
    pub(crate) partition: String,
    pub(crate) is_in_memory: bool,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) uncompressed_bytes: u64,
    pub(crate) merged_from: Vec<PartName>,
}

/// The events of `system.part_log` that there are here, by their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PartEvent {
    New = 1,
    Merged = 2,
    Removed = 4,
    Mutated = 5,
}

/// The parts that were seen last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    tables: BTreeMap<TableId, SeenTable>,
    /// The first look only learns what there is.
    has_looked: bool,
    commit: u64,
}

#[derive(Debug, Default)]
struct SeenTable {
    /// Changes with every change of parts: last block, number, rows, bytes.
    mark: (u64, usize, u64, u64),
    parts: BTreeMap<PartName, PartRecord>,
}

impl Seen {
    /// What is new since the last look.
    pub(super) fn compare(&mut self, snapshot: &Snapshot, now_ns: i64) -> Vec<PartRecord> {
        if self.has_looked && self.commit == snapshot.seq.0 {
            return Vec::new();
        }
        let mut events = Vec::new();
        for (id, parts) in snapshot.parts.tables() {
            let listed = |def: &&Arc<TableDef>| def.visibility == Visibility::Listed;
            let Some(table) = snapshot.catalog.table_by_id(*id).filter(listed) else { continue };
            let known = self.tables.entry(*id).or_default();
            let mark = (parts.last_block(), parts.count(), parts.rows(), parts.size_bytes());
            if known.mark == mark {
                continue;
            }
            known.mark = mark;
            let now: BTreeMap<PartName, PartRecord> =
                parts.parts().map(|part| (part.name().clone(), record(table, part))).collect();
            if self.has_looked {
                changes(&known.parts, &now, now_ns, &mut events);
            }
            known.parts = now;
        }
        self.tables.retain(|id, _| snapshot.parts.table(*id).is_some());
        (self.has_looked, self.commit) = (true, snapshot.seq.0);
        events
    }
}

fn changes(
    before: &BTreeMap<PartName, PartRecord>,
    now: &BTreeMap<PartName, PartRecord>,
    now_ns: i64,
    events: &mut Vec<PartRecord>,
) {
    let gone = || before.values().filter(|record| !now.contains_key(&record.part));
    for record in now.values().filter(|record| !before.contains_key(&record.part)) {
        let same_blocks = |old: &&PartRecord| {
            old.part.partition_id == record.part.partition_id
                && record.part.min_block <= old.part.min_block
                && old.part.max_block <= record.part.max_block
        };
        let sources: Vec<PartName> = gone().filter(same_blocks).map(|old| old.part.clone()).collect();
        let event = match (record.part.mutation.is_some(), record.part.level) {
            (true, _) => PartEvent::Mutated,
            (false, 0) => PartEvent::New,
            (false, _) => PartEvent::Merged,
        };
        events.push(PartRecord { event, merged_from: sources, ..record.clone() });
    }
    events.extend(gone().map(|old| PartRecord { event: PartEvent::Removed, at_ns: now_ns, ..old.clone() }));
}

fn record(table: &Arc<TableDef>, part: &ActivePart) -> PartRecord {
    PartRecord {
        at_ns: part.created_ns,
        event: PartEvent::New,
        table: table.clone(),
        part: part.name().clone(),
        partition: parts::partition_text(&part.part.meta.partition),
        is_in_memory: part.is_in_memory(),
        rows: part.rows(),
        bytes: part.size_bytes(),
        uncompressed_bytes: part.part.meta.uncompressed_bytes,
        merged_from: Vec::new(),
    }
}

impl PartRecord {
    pub(crate) fn show(&self, host: &str, rows: &mut Rows) {
        let merge_reason = if self.event == PartEvent::Merged { 2_u64 } else { 1 };
        rows.push([
            ("hostname", host.into()),
            ("system_processor", std::env::consts::ARCH.into()),
            ("event_type", (self.event as i64).into()),
            ("merge_reason", merge_reason.into()),
            ("event_date", days(self.at_ns)),
            ("event_time", seconds(self.at_ns)),
            ("event_time_microseconds", (self.at_ns / 1_000).into()),
            ("database", self.table.database.clone().into()),
            ("table", self.table.name.clone().into()),
            ("table_uuid", Cell::Uuid(self.table.uuid.to_be_bytes())),
            ("part_name", self.part.to_string().into()),
            ("partition_id", self.part.partition_id.to_string().into()),
            ("partition", self.partition.as_str().into()),
            ("part_type", if self.is_in_memory { "InMemory" } else { "Compact" }.into()),
            ("part_storage_type", "Full".into()),
            ("disk_name", "default".into()),
            ("rows", self.rows.into()),
            ("size_in_bytes", self.bytes.into()),
            ("bytes_uncompressed", self.uncompressed_bytes.into()),
            ("merged_from", Cell::Texts(self.merged_from.iter().map(ToString::to_string).collect())),
        ]);
    }
}
