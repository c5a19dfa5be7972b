//! Rows of one whole sorting key: what a leaf, a filter and FINAL would give of a table, found without a plan.
//!
//! Where this cannot be sure to give exactly that (parts written with another key, types without a direct order, an
//! overridden table), it says so and gives nothing: the caller plans the query as any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use parking_lot::Mutex;
use parts::{KeyProbe, PartSchema, Purpose, apply_rule_to_key};
use store::{ActivePart, Snapshot, TableDef};
use types::{Block, Column, DataType, Header, Setting, TableId};

use super::adapt::Adapter;
use super::table::{StoredTable, TableOptions};
use super::virtuals::Place;
use crate::bind::relations::RelationColumn;
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::relations;

/// Tables that are remembered; past it all are forgotten.
const TABLES_MAX: usize = 1_024;
/// Ways to read one table that are remembered; past it all are forgotten.
const READS_MAX: usize = 256;

/// What is remembered of tables that were looked into by key.
#[derive(Debug, Default)]
pub struct PointTables {
    tables: Mutex<BTreeMap<TableId, Arc<PointTable>>>,
}

impl PointTables {
    /// What is known of a table of the context's snapshot; `None` for tables without a sorting key.
    pub fn get(&self, def: &Arc<TableDef>, snapshot: &Snapshot) -> Result<Option<Arc<PointTable>>> {
        if let Some(known) = self.tables.lock().get(&def.id).filter(|known| known.def.version == def.version) {
            return Ok(Some(known.clone()));
        }
        let Some(table) = PointTable::new(def, snapshot)? else { return Ok(None) };
        let table = Arc::new(table);
        let mut tables = self.tables.lock();
        if TABLES_MAX <= tables.len() {
            tables.clear();
        }
        tables.insert(def.id, table.clone());
        Ok(Some(table))
    }
}

/// A table that can be read by its key.
#[derive(Debug)]
pub struct PointTable {
    def: Arc<TableDef>,
    schema: Arc<PartSchema>,
    columns: Vec<RelationColumn>,
    key: Vec<Column>,
    reads: Mutex<Reads>,
}

/// By whether FINAL is asked for, and the columns.
type Reads = BTreeMap<(bool, Vec<usize>), Arc<PointRead>>;

impl PointTable {
    fn new(def: &Arc<TableDef>, _: &Snapshot) -> Result<Option<PointTable>> {
        let Some(schema) = def.schema.clone().filter(|schema| !schema.sort_key.is_empty()) else { return Ok(None) };
        let definition = Definition::parse(def)?;
        let settings = definition.storage().map_or(&[][..], |storage| &storage.settings);
        if settings.iter().any(|setting| setting.name.name == "max_partitions_to_read") {
            // a plan counts the partitions that it reads
            return Ok(None);
        }
        let columns = relations::columns(def, &definition)?;
        let key = schema.sort_key.iter().map(|key| schema.header.columns()[key.position].clone()).collect();
        Ok(Some(PointTable { def: def.clone(), schema, columns, key, reads: Mutex::default() }))
    }

    /// The columns of the sorting key, in its order. Computed ones have names that nobody can write.
    pub fn key(&self) -> &[Column] {
        &self.key
    }

    /// Every column that a query can name.
    pub fn columns(&self) -> &[RelationColumn] {
        &self.columns
    }

    /// True when FINAL means something for it.
    pub fn has_final(&self) -> bool {
        self.schema.has_final()
    }

    /// A stored column by name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.schema.header.position(name)
    }

    /// A reader of stored columns.
    pub fn read(&self, is_final: bool, columns: Vec<usize>, snapshot: &Snapshot) -> Result<Arc<PointRead>> {
        let what = (is_final, columns);
        if let Some(read) = self.reads.lock().get(&what) {
            return Ok(read.clone());
        }
        let read = Arc::new(PointRead::new(&self.def, &self.schema, &what, snapshot)?);
        let mut reads = self.reads.lock();
        if READS_MAX <= reads.len() {
            reads.clear();
        }
        reads.insert(what, read.clone());
        Ok(read)
    }
}

/// Reads the rows of one key.
#[derive(Debug)]
pub struct PointRead {
    table: StoredTable,
    schema: Arc<PartSchema>,
    /// The columns asked for, then what the rule looks at.
    needed: Vec<usize>,
    asked: Vec<usize>,
    rule: Option<PartSchema>,
    header: Header,
}

impl PointRead {
    fn new(
        def: &TableDef,
        schema: &Arc<PartSchema>,
        (is_final, columns): &(bool, Vec<usize>),
        snapshot: &Snapshot,
    ) -> Result<PointRead> {
        let table = StoredTable::new(def, snapshot, &TableOptions { is_final: *is_final, ..TableOptions::default() })?;
        let merges = *is_final && schema.has_final();
        let needed = if merges { schema.final_columns(columns) } else { columns.clone() };
        let rule = merges.then(|| schema.project(&needed)).transpose().map_err(Error::from)?;
        let header = schema.header.project(&needed);
        Ok(PointRead { table, schema: schema.clone(), needed, asked: (0..columns.len()).collect(), rule, header })
    }

    /// The rows of the key with these values (one array of one row a key column, of the column's Arrow type), in the order
    /// of insertion. `None`: plan the query.
    pub async fn rows(&self, ctx: &Arc<QueryContext>, values: Vec<ArrayRef>) -> Result<Option<Block>> {
        let apart = ctx.settings.flag(Setting::DoNotMergeAcrossPartitionsSelectFinal);
        if ctx.overrides.contains_key(&self.table.table())
            || ctx.newer_than.contains_key(&self.table.table())
            || (self.rule.is_some() && apart)
        {
            return Ok(None);
        }
        let Some(probe) = KeyProbe::new(&self.schema, values)? else { return Ok(None) };
        let mut found: Vec<Block> = Vec::new();
        for part in self.parts(ctx) {
            let Some(block) = self.rows_of(&part, &probe, ctx).await? else { return Ok(None) };
            if block.rows() != 0 {
                ctx.count_read(block.rows(), block.size_bytes())?;
                found.push(block);
            }
        }
        let block = match found.len() {
            1 => found.remove(0),
            _ => Block::concat(&self.header, &found)?,
        };
        let block = match &self.rule {
            Some(schema) => apply_rule_to_key(schema, &block, Purpose::Final)?,
            None => block,
        };
        Ok(Some(block.project(&self.asked)))
    }

    /// The parts, of equal keys the row inserted last wins, whichever partition it is in.
    fn parts(&self, ctx: &QueryContext) -> Vec<Arc<ActivePart>> {
        let parts = ctx.snapshot.table_parts(self.table.table()).into_iter().flat_map(|parts| parts.parts());
        let mut parts: Vec<Arc<ActivePart>> = parts.cloned().collect();
        if self.rule.is_some() {
            parts.sort_by_key(|part| part.name().min_block);
        }
        parts
    }

    async fn rows_of(&self, part: &ActivePart, probe: &KeyProbe, ctx: &Arc<QueryContext>) -> Result<Option<Block>> {
        let is_current = ctx.snapshot.is_current(self.table.table(), &self.schema, part);
        let today = ctx.snapshot.header_of(self.table.table(), part);
        if part.deleted.is_some() {
            // which of a key's rows are deleted is not known here
            return Ok(None);
        }
        let part = &part.part;
        let index = ctx.runtime.key_indexes.get(&ctx.runtime, part, &self.schema);
        // Most parts have the table's columns: nothing to adapt then.
        if is_current {
            return Ok(part.read_key(probe, &self.needed, index.as_deref()).await?);
        }
        let adapter = Adapter::of_block(&today, &self.table, ctx, &self.needed)?;
        match part.read_key(probe, adapter.stored(), index.as_deref()).await? {
            Some(block) => Ok(Some(adapter.adapt(&block, &Place::nowhere(self.table.def(ctx)?), None)?)),
            None => Ok(None),
        }
    }
}

/// The type of a key column without what only says how it is kept.
pub fn plain_type(ty: &DataType) -> &DataType {
    match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => plain_type(inner),
        ty => ty,
    }
}
