//! Virtual columns: where a row is. They are given by the scan, and only those that are asked for are made.
//!
//! Names, types and values are ClickHouse's. The order of parts that `_part_index` counts is that of a read: partitions, then
//! blocks, without parts that were left out.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StructArray, UInt8Array, UInt32Array, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType as ArrowType;
use store::{ActivePart, TableDef, TableKind};
use types::{Block, Column, DataType};

use crate::error::{Error, Result};

/// A table setting under which ClickHouse keeps the number of each row's block through merges.
const KEEPS_BLOCKS: &str = "enable_block_number_column";

/// What a virtual column says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Virtual {
    Part,
    PartitionId,
    Database,
    Table,
    PartIndex,
    PartStartingOffset,
    PartUuid,
    PartitionValue,
    PartOffset,
    PartGranuleOffset,
    PartDataVersion,
    DiskName,
    RowExists,
    BlockNumber,
    BlockOffset,
}

/// Those that every table with rows of its own has.
const OF_ALL: [Virtual; 4] = [Virtual::Part, Virtual::PartitionId, Virtual::Database, Virtual::Table];
/// Those that tables of the MergeTree family have beside these.
const OF_PARTS: [Virtual; 11] = [
    Virtual::PartIndex,
    Virtual::PartStartingOffset,
    Virtual::PartUuid,
    Virtual::PartitionValue,
    Virtual::PartOffset,
    Virtual::PartGranuleOffset,
    Virtual::PartDataVersion,
    Virtual::DiskName,
    Virtual::RowExists,
    Virtual::BlockNumber,
    Virtual::BlockOffset,
];

impl Virtual {
    /// The virtual columns of a table, without those whose name is a column's own.
    pub(crate) fn of(def: &TableDef) -> Vec<(Virtual, Column)> {
        let stored = def.stored_columns();
        let is_parts = def.kind == TableKind::MergeTree;
        let all = OF_ALL.iter().chain(OF_PARTS.iter().filter(|_| is_parts));
        let columns = all.filter_map(|which| Some((*which, Column::new(which.name(), which.ty(def)?))));
        columns.filter(|(_, column)| stored.position(&column.name).is_none()).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Virtual::Part => "_part",
            Virtual::PartitionId => "_partition_id",
            Virtual::Database => "_database",
            Virtual::Table => "_table",
            Virtual::PartIndex => "_part_index",
            Virtual::PartStartingOffset => "_part_starting_offset",
            Virtual::PartUuid => "_part_uuid",
            Virtual::PartitionValue => "_partition_value",
            Virtual::PartOffset => "_part_offset",
            Virtual::PartGranuleOffset => "_part_granule_offset",
            Virtual::PartDataVersion => "_part_data_version",
            Virtual::DiskName => "_disk_name",
            Virtual::RowExists => "_row_exists",
            Virtual::BlockNumber => "_block_number",
            Virtual::BlockOffset => "_block_offset",
        }
    }

    /// None where the table has no such column: there is no value of a partition without a key.
    fn ty(self, def: &TableDef) -> Option<DataType> {
        Some(match self {
            Virtual::Part | Virtual::PartitionId | Virtual::Database | Virtual::Table | Virtual::DiskName => {
                DataType::LowCardinality(Arc::new(DataType::String))
            }
            Virtual::PartUuid => DataType::Uuid,
            Virtual::RowExists => DataType::UInt8,
            Virtual::PartitionValue => {
                let types = parts::partition::partition_types(def.schema.as_ref()?);
                if types.is_empty() {
                    return None;
                }
                DataType::tuple(types)
            }
            _ => DataType::UInt64,
        })
    }

    /// True when the value depends on the row, not only on its part.
    pub(super) fn counts_rows(self) -> bool {
        matches!(self, Virtual::PartOffset | Virtual::PartGranuleOffset | Virtual::BlockOffset | Virtual::RowExists)
    }
}

/// Where the rows of a read are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    def: Arc<TableDef>,
    /// None for a block that is in no part.
    part: Option<Arc<ActivePart>>,
    /// How many parts are read before it, and how many rows these have.
    before: (u64, u64),
}

impl Place {
    pub(super) fn nowhere(def: &Arc<TableDef>) -> Place {
        Place { def: Arc::clone(def), part: None, before: (0, 0) }
    }

    pub(super) fn of(def: &Arc<TableDef>, part: &Arc<ActivePart>, before: (u64, u64)) -> Place {
        Place { def: Arc::clone(def), part: Some(Arc::clone(part)), before }
    }

    /// The values of a column for `rows` rows, whose numbers in their part are `numbers` where the column counts rows.
    pub(super) fn array(&self, which: Virtual, rows: usize, numbers: Option<&[u32]>) -> Result<ArrayRef> {
        let text = |text: &str| Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(text, rows))) as ArrayRef;
        let number = |number: u64| Arc::new(UInt64Array::from_value(number, rows)) as ArrayRef;
        let Some(part) = &self.part else { return Ok(self.array_of_none(which, rows)) };
        let name = part.name();
        Ok(match which {
            Virtual::Part => text(&name.to_string()),
            Virtual::PartitionId => text(name.partition_id.as_str()),
            Virtual::Database => text(&self.def.database),
            Virtual::Table => text(&self.def.name),
            Virtual::DiskName => text("default"),
            Virtual::PartIndex => number(self.before.0),
            Virtual::PartStartingOffset => number(self.before.1),
            Virtual::PartUuid => DataType::Uuid.default_array(rows),
            Virtual::PartitionValue => partition_value(&part.part.meta.partition, rows)?,
            Virtual::PartDataVersion => number(name.mutation.unwrap_or(name.min_block)),
            Virtual::BlockNumber => {
                self.check_blocks(part)?;
                number(name.min_block)
            }
            Virtual::BlockOffset => {
                self.check_blocks(part)?;
                each(numbers, u64::from)
            }
            Virtual::PartOffset => each(numbers, u64::from),
            Virtual::PartGranuleOffset => {
                let granularity = part.part.meta.index_granularity.max(1) as u64;
                each(numbers, |row| u64::from(row) / granularity)
            }
            Virtual::RowExists => {
                let is_there =
                    |row: &u32| u8::from(part.deleted.as_ref().is_none_or(|deleted| !deleted.contains(*row)));
                Arc::new(UInt8Array::from_iter_values(numbers.unwrap_or_default().iter().map(is_there)))
            }
        })
    }

    /// The default of its type: the row is in no part.
    fn array_of_none(&self, which: Virtual, rows: usize) -> ArrayRef {
        match which.ty(&self.def) {
            Some(ty) => ty.default_array(rows),
            None => arrow::array::new_null_array(&ArrowType::Null, rows),
        }
    }

    /// A merge does not keep which block a row came with; ClickHouse does so where a setting says it.
    fn check_blocks(&self, part: &ActivePart) -> Result<()> {
        let is_merged = part.name().min_block != part.name().max_block;
        if is_merged && self.def.sql.contains(KEEPS_BLOCKS) {
            let message = "_block_number and _block_offset of rows that were merged";
            return Err(Error::NotSupported(message.to_owned()));
        }
        Ok(())
    }
}

fn each(numbers: Option<&[u32]>, value: impl Fn(u32) -> u64) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(numbers.unwrap_or_default().iter().map(|row| value(*row))))
}

/// The key of a partition, which has one row, as a tuple for each of `rows` rows.
fn partition_value(partition: &Block, rows: usize) -> Result<ArrayRef> {
    let ty = DataType::tuple(partition.header().columns().iter().map(|column| column.ty.clone()));
    let ArrowType::Struct(fields) = ty.arrow_type() else {
        return Err(Error::Plan("a tuple is no struct".to_owned()));
    };
    let again = UInt32Array::from_value(0, rows);
    let columns = partition.arrays().iter().map(|array| Ok(take(array, &again, None)?)).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, None, rows)?))
}
