//! A block: some rows of some columns, each column an Arrow array of the one Arrow type its ClickHouse type has.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_empty_array};
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::data_type::DataType;
use crate::error::{Error, Result};

/// A named column of a ClickHouse type.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Column {
    /// The name, as the user wrote it.
    pub name: Arc<str>,
    /// The ClickHouse type.
    pub ty: DataType,
}

impl Column {
    /// A column `name` of type `ty`.
    pub fn new(name: impl Into<Arc<str>>, ty: DataType) -> Column {
        Column { name: name.into(), ty }
    }
}

/// The names and ClickHouse types of a block's columns, in order. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Header {
    columns: Arc<[Column]>,
}

impl Header {
    /// A header of these columns. Names may repeat (a SELECT may give two columns one name).
    pub fn new(columns: impl Into<Arc<[Column]>>) -> Header {
        Header { columns: columns.into() }
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// True when there is no column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The position of the first column of that name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// The first column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    /// The header of the columns at `positions`, in that order.
    pub fn project(&self, positions: &[usize]) -> Header {
        Header::new(positions.iter().map(|&i| self.columns[i].clone()).collect::<Vec<_>>())
    }

    /// The Arrow schema: same names and order, every field nullable (ClickHouse's nullability lives in the header).
    pub fn arrow_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns.iter().map(|c| Field::new(&*c.name, c.ty.arrow_type(), true)).collect::<Vec<_>>(),
        ))
    }
}

/// Some rows. Cheap to clone: columns are shared.
///
/// Invariant: one array a header column, of that column's [`DataType::arrow_type`], all of `rows` length; a column whose
/// type is not Nullable holds no Arrow null.
#[derive(Clone, PartialEq)]
pub struct Block {
    header: Header,
    arrays: Arc<[ArrayRef]>,
    rows: usize,
}

impl Block {
    /// A block of these columns, all of one length. An error names the column that does not fit its type.
    pub fn new(header: Header, arrays: Vec<ArrayRef>) -> Result<Block> {
        let rows = arrays.first().map_or(0, |array| array.len());
        Block::with_rows(header, arrays, rows)
    }

    /// As [`Block::new`], for blocks that may have no column but still a number of rows.
    pub fn with_rows(header: Header, arrays: Vec<ArrayRef>, rows: usize) -> Result<Block> {
        if header.len() != arrays.len() {
            return Err(Error::BlockShape(format!("{} columns, {} arrays", header.len(), arrays.len())));
        }
        for (column, array) in header.columns().iter().zip(&arrays) {
            if array.len() != rows {
                return Err(Error::BlockShape(format!(
                    "column \"{}\" has {} rows of {rows}",
                    column.name,
                    array.len()
                )));
            }
            if array.data_type() != &column.ty.arrow_type() {
                return Err(Error::BlockShape(format!(
                    "column \"{}\" of type {} holds {}, expected {}",
                    column.name,
                    column.ty,
                    array.data_type(),
                    column.ty.arrow_type()
                )));
            }
        }
        Ok(Block { header, arrays: arrays.into(), rows })
    }

    /// A block of no rows.
    pub fn empty(header: Header) -> Block {
        let arrays = header.columns().iter().map(|c| new_empty_array(&c.ty.arrow_type())).collect::<Vec<_>>();
        Block { header, arrays: arrays.into(), rows: 0 }
    }

    /// The columns of a record batch, taken by position as the header says.
    pub fn from_record_batch(header: Header, batch: &RecordBatch) -> Result<Block> {
        Block::with_rows(header, batch.columns().to_vec(), batch.num_rows())
    }

    /// The same columns as a record batch.
    pub fn to_record_batch(&self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(self.header.arrow_schema(), self.arrays.to_vec(), &options)
            .map_err(|error| Error::BlockShape(error.to_string()))
    }

    /// Names and types.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All columns in order.
    pub fn arrays(&self) -> &[ArrayRef] {
        &self.arrays
    }

    /// The column at `position`.
    pub fn array(&self, position: usize) -> &ArrayRef {
        &self.arrays[position]
    }

    /// The first column of that name.
    pub fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.header.position(name).map(|position| &self.arrays[position])
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns at `positions`, in that order.
    pub fn project(&self, positions: &[usize]) -> Block {
        Block {
            header: self.header.project(positions),
            arrays: positions.iter().map(|&i| self.arrays[i].clone()).collect::<Vec<_>>().into(),
            rows: self.rows,
        }
    }

    /// Rows `offset .. offset + length`, without copying. Must lie inside the block.
    pub fn slice(&self, offset: usize, length: usize) -> Block {
        let arrays = self.arrays.iter().map(|array| array.slice(offset, length)).collect::<Vec<_>>();
        Block { header: self.header.clone(), arrays: arrays.into(), rows: length }
    }

    /// The rows at `indices` (UInt32 or UInt64 array without nulls), in that order.
    pub fn take(&self, indices: &dyn Array) -> Result<Block> {
        let arrays = self
            .arrays
            .iter()
            .map(|array| arrow::compute::take(array, indices, None))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| Error::BlockShape(error.to_string()))?;
        Ok(Block { header: self.header.clone(), arrays: arrays.into(), rows: indices.len() })
    }

    /// The rows of all blocks, which have the same header, one after another.
    pub fn concat(header: &Header, blocks: &[Block]) -> Result<Block> {
        if let [only] = blocks {
            return Ok(only.clone());
        }
        let mut arrays = Vec::with_capacity(header.len());
        for (position, column) in header.columns().iter().enumerate() {
            let pieces: Vec<&dyn Array> = blocks.iter().map(|block| block.arrays[position].as_ref()).collect();
            arrays.push(if pieces.is_empty() {
                new_empty_array(&column.ty.arrow_type())
            } else {
                arrow::compute::concat(&pieces).map_err(|error| Error::BlockShape(error.to_string()))?
            });
        }
        Block::with_rows(header.clone(), arrays, blocks.iter().map(Block::rows).sum())
    }

    /// About how many bytes of memory the columns hold (shared buffers are counted in full).
    pub fn size_bytes(&self) -> usize {
        self.arrays.iter().map(|array| array.get_array_memory_size()).sum()
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.header.columns().iter().map(|column| &*column.name).collect();
        write!(f, "Block({} rows of {})", self.rows, names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, UInt32Array, UInt64Array};

    use super::*;

    fn block() -> Block {
        let header = Header::new(vec![Column::new("id", DataType::UInt64)]);
        Block::new(header, vec![Arc::new(UInt64Array::from(vec![1, 2, 3]))]).unwrap()
    }

    #[test]
    fn a_column_of_another_arrow_type_is_refused_by_name() {
        let header = Header::new(vec![Column::new("id", DataType::UInt64)]);
        let error = Block::new(header, vec![Arc::new(Int32Array::from(vec![1]))]).unwrap_err();
        assert!(error.to_string().contains("\"id\" of type UInt64 holds Int32"), "{error}");
    }

    #[test]
    fn slices_takes_and_concats_keep_rows() {
        let block = block();
        let taken = block.take(&UInt32Array::from(vec![2, 0])).unwrap();
        assert_eq!(taken.array(0).as_ref(), &UInt64Array::from(vec![3, 1]) as &dyn Array);
        let joined = Block::concat(block.header(), &[block.slice(1, 2), taken]).unwrap();
        assert_eq!(joined.array(0).as_ref(), &UInt64Array::from(vec![2, 3, 3, 1]) as &dyn Array);
    }

    #[test]
    fn a_block_without_columns_still_counts_rows() {
        let block = Block::with_rows(Header::default(), vec![], 5).unwrap();
        assert_eq!(block.to_record_batch().unwrap().num_rows(), 5);
    }
}
