//! What is known of a part without reading its rows: how many, the sparse primary index, smallest and largest values.
//!
//! Built from the sorted rows as they pass ([`MetaBuilder`]); written into the footer of part files and handed to the
//! store, which keeps it in the snapshot.

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::DataType as ArrowType;
use types::{Block, Column, Header, Value};

use crate::derived::Derived;
use crate::error::{Error, Result};
use crate::partition::value_at;
use crate::schema::PartSchema;
use crate::sort::words::KeyColumn;

mod codec;

/// The version of the layout of part files and of encoded metadata.
pub const FORMAT_VERSION: u32 = 1;

/// What is known of a part without reading its rows.
#[derive(Clone, PartialEq, Debug)]
pub struct PartMeta {
    /// The columns that the part holds, as the table had them when it was written.
    pub header: Header,
    /// How many rows.
    pub rows: u64,
    /// Bytes on disk; of parts in memory, about the bytes of memory.
    pub bytes: u64,
    /// Bytes of the columns before compression.
    pub uncompressed_bytes: u64,
    /// Rows in each granule but the last.
    pub index_granularity: usize,
    /// The partition key's columns and their value in this part: one row, or none when there are no rows.
    pub partition: Block,
    /// The primary key's columns: the first row of each granule, then the last row of the part.
    pub marks: Block,
    /// Smallest and largest values of the schema's `min_max` columns, in that order, then of computed ones ([`Derived`]).
    pub min_max: Vec<MinMax>,
}

/// The smallest and largest value of one column.
#[derive(Clone, Debug)]
pub struct MinMax {
    /// The column.
    pub column: Column,
    /// Two values, smallest and largest, NULL left out; none when all rows are NULL.
    pub values: ArrayRef,
    /// True when a row is NULL.
    pub has_null: bool,
}

impl PartialEq for MinMax {
    fn eq(&self, other: &MinMax) -> bool {
        self.column == other.column && self.values.as_ref() == other.values.as_ref() && self.has_null == other.has_null
    }
}

impl PartMeta {
    /// The metadata of a part in memory. `block` is sorted.
    pub fn of_block(schema: &PartSchema, derived: &Derived, block: &Block) -> Result<PartMeta> {
        let mut builder = MetaBuilder::new(schema, derived)?;
        builder.push(block)?;
        let mut meta = builder.finish()?;
        meta.bytes = meta.uncompressed_bytes;
        meta.min_max.extend(derived.projections().iter().map(|(projection, _)| projection.marker()));
        Ok(meta)
    }

    /// How many granules.
    pub fn granules(&self) -> usize {
        usize::try_from(self.rows).unwrap_or(usize::MAX).div_ceil(self.index_granularity.max(1))
    }

    /// The partition key's values; empty for no partition key (and for no rows).
    pub fn partition_values(&self) -> Result<Vec<Value>> {
        if self.partition.rows() == 0 {
            return Ok(Vec::new());
        }
        let columns = self.partition.header().columns().iter().zip(self.partition.arrays());
        columns.map(|(column, array)| value_at(&column.ty, array, 0)).collect()
    }
}

/// Gathers a part's metadata while its sorted rows pass.
#[derive(Debug)]
pub struct MetaBuilder {
    schema: PartSchema,
    rows: usize,
    bytes: u64,
    partition: Option<Block>,
    marks: Vec<Block>,
    last: Option<Block>,
    min_max: Vec<MinMaxBuilder>,
    derived: Derived,
    bounds: Vec<MinMaxBuilder>,
}

impl MetaBuilder {
    /// Nothing seen yet.
    pub fn new(schema: &PartSchema, derived: &Derived) -> Result<MetaBuilder> {
        let min_max = schema.min_max.iter().map(|&p| MinMaxBuilder::new(&schema.header, p)).collect::<Result<_>>()?;
        let computed = derived.header();
        let bounds = (0..computed.len()).map(|p| MinMaxBuilder::new(&computed, p)).collect::<Result<_>>()?;
        Ok(MetaBuilder {
            schema: schema.clone(),
            rows: 0,
            bytes: 0,
            partition: None,
            marks: Vec::new(),
            last: None,
            min_max,
            derived: derived.clone(),
            bounds,
        })
    }

    /// The next rows, in the order of the key.
    pub fn push(&mut self, block: &Block) -> Result<()> {
        if block.rows() == 0 {
            return Ok(());
        }
        let granularity = self.schema.index_granularity;
        let first_mark = self.rows.next_multiple_of(granularity) - self.rows;
        let marked: Vec<u32> = (first_mark..block.rows()).step_by(granularity).map(|row| row as u32).collect();
        let key: Vec<usize> = self.primary_key();
        self.marks.push(block.project(&key).take(&UInt32Array::from(marked))?);
        let last = UInt32Array::from(vec![block.rows() as u32 - 1]);
        self.last = Some(block.project(&key).take(&last)?);
        if self.partition.is_none() {
            // taken, not sliced: a slice would hold the whole block's memory
            self.partition = Some(block.project(&self.schema.partition_key).take(&UInt32Array::from(vec![0]))?);
        }
        for builder in &mut self.min_max {
            builder.push(block)?;
        }
        if let Some(computed) = self.derived.compute(block)? {
            self.bounds.iter_mut().try_for_each(|builder| builder.push(&computed))?;
        }
        self.rows += block.rows();
        self.bytes += block.arrays().iter().map(sliced_bytes).sum::<u64>();
        Ok(())
    }

    fn primary_key(&self) -> Vec<usize> {
        self.schema.sort_key.iter().take(self.schema.primary_key_len).map(|column| column.position).collect()
    }

    /// Everything seen; `bytes` is still to be filled in by the writer.
    pub fn finish(mut self) -> Result<PartMeta> {
        let key = self.schema.header.project(&self.primary_key());
        self.marks.extend(self.last.take());
        let partition_header = self.schema.header.project(&self.schema.partition_key);
        Ok(PartMeta {
            rows: self.rows as u64,
            bytes: 0,
            uncompressed_bytes: self.bytes,
            index_granularity: self.schema.index_granularity,
            partition: self.partition.unwrap_or_else(|| Block::empty(partition_header)),
            marks: Block::concat(&key, &self.marks)?,
            min_max: self
                .min_max
                .into_iter()
                .chain(self.bounds)
                .map(MinMaxBuilder::finish)
                .chain(self.derived.known().iter().cloned())
                .collect(),
            header: self.schema.header,
        })
    }
}

/// Bytes of the rows of an array that may be a slice of a larger one.
pub(crate) fn sliced_bytes(array: &ArrayRef) -> u64 {
    let of_nulls = array.nulls().map_or(0, |nulls| nulls.len().div_ceil(8) as u64);
    match array.data_type() {
        // Arrow counts all items of an array, whatever is sliced off
        ArrowType::List(_) => {
            let list = array.as_list::<i32>();
            let (start, end) = (list.value_offsets()[0] as usize, list.value_offsets()[list.len()] as usize);
            let of_offsets = size_of_val(list.value_offsets()) as u64;
            of_nulls + of_offsets + sliced_bytes(&list.values().slice(start, end - start))
        }
        ArrowType::Struct(_) => of_nulls + array.as_struct().columns().iter().map(sliced_bytes).sum::<u64>(),
        _ => array.to_data().get_slice_memory_size().map_or(0, |bytes| bytes as u64),
    }
}

impl MinMax {
    /// The bounds of all rows of several; at least one, all of the same column.
    pub(crate) fn of_all(all: &[&MinMax]) -> Result<MinMax> {
        let first = all.first().ok_or(Error::Damaged("bounds of nothing"))?;
        let mut builder = MinMaxBuilder {
            column: first.column.clone(),
            position: 0,
            values: arrow::array::new_empty_array(&first.column.ty.arrow_type()),
            has_null: all.iter().any(|known| known.has_null),
        };
        let values: Vec<&dyn arrow::array::Array> = all.iter().map(|known| known.values.as_ref()).collect();
        builder.values = builder.of(&arrow::compute::concat(&values)?)?;
        Ok(builder.finish())
    }
}

/// Gathers the smallest and largest value of one column.
#[derive(Debug)]
pub(crate) struct MinMaxBuilder {
    column: Column,
    position: usize,
    /// Smallest and largest value so far; none before the first.
    values: ArrayRef,
    has_null: bool,
}

impl MinMaxBuilder {
    pub(crate) fn new(header: &Header, position: usize) -> Result<MinMaxBuilder> {
        let column =
            header.columns().get(position).ok_or(Error::Damaged("column of min and max is not there"))?.clone();
        let values = arrow::array::new_empty_array(&column.ty.arrow_type());
        Ok(MinMaxBuilder { column, position, values, has_null: false })
    }

    pub(crate) fn push(&mut self, block: &Block) -> Result<()> {
        let array = block.array(self.position);
        self.has_null |= 0 < array.null_count();
        let smallest_and_largest = self.of(array)?;
        let both = arrow::compute::concat(&[self.values.as_ref(), smallest_and_largest.as_ref()])?;
        self.values = self.of(&both)?;
        Ok(())
    }

    /// The first smallest and the first largest value, NULL left out.
    fn of(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let keys = KeyColumn::new(&self.column.ty, array, false)?;
        let found = keys.extremes((0..array.len() as u32).filter(|&row| array.is_valid(row as usize)));
        let found: Vec<u32> = found.into_iter().flat_map(|(min, max)| [min, max]).collect();
        Ok(arrow::compute::take(array, &UInt32Array::from(found), None)?)
    }

    pub(crate) fn finish(self) -> MinMax {
        MinMax { column: self.column, values: self.values, has_null: self.has_null }
    }
}
