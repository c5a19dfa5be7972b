//! Rows of system tables, written cell by cell and named by column, as blocks.
//!
//! System tables are small and wide; clarity counts here, not speed. A column that a row does not name has the default
//! of its type.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, FixedSizeBinaryBuilder, ListArray, PrimitiveBuilder, StructArray, UInt64Array,
    new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as ArrowType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use types::{Block, DataType, Header};

use crate::error::{Error, Result};

/// One value of a row.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    /// NULL.
    Null,
    /// String.
    Text(String),
    /// Any number that is not negative, dates and times too.
    UInt(u64),
    /// Any number.
    Int(i64),
    /// Float32, Float64.
    Float(f64),
    /// UUID.
    Uuid([u8; 16]),
    /// Array(String).
    Texts(Vec<String>),
    /// Array of numbers.
    UInts(Vec<u64>),
    /// Map(String, String).
    TextMap(Vec<(String, String)>),
    /// Map(String, UInt64).
    UIntMap(Vec<(String, u64)>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<Arc<str>> for Cell {
    fn from(text: Arc<str>) -> Cell {
        Cell::Text(text.to_string())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Cell {
        Cell::UInt(number)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Cell {
        Cell::UInt(number as u64)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Int(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Cell {
        Cell::UInt(u64::from(flag))
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Cell {
        Cell::Float(number)
    }
}

impl From<Vec<String>> for Cell {
    fn from(texts: Vec<String>) -> Cell {
        Cell::Texts(texts)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}

/// The rows of one system table while they are written.
#[derive(Debug)]
pub struct Rows {
    header: Header,
    rows: Vec<BTreeMap<&'static str, Cell>>,
}

impl Rows {
    /// No rows yet.
    pub fn new(header: &Header) -> Rows {
        Rows { header: header.clone(), rows: Vec::new() }
    }

    /// The columns that rows are made for.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// A row of these cells; columns that are not named have their default.
    pub fn push(&mut self, cells: impl IntoIterator<Item = (&'static str, Cell)>) {
        let row: BTreeMap<&'static str, Cell> = cells.into_iter().collect();
        debug_assert!(row.keys().all(|name| self.header.position(name).is_some()), "a cell of no column: {row:?}");
        self.rows.push(row);
    }

    /// All rows as one block; an error when a cell does not fit its column.
    pub fn block(self) -> Result<Block> {
        let mut arrays = Vec::with_capacity(self.header.len());
        for column in self.header.columns() {
            // information_schema has each column again under its name in capitals
            let small = column.name.to_lowercase();
            let cell = |row: &'_ BTreeMap<&'static str, Cell>| row.contains_key(&*column.name);
            let named = self.rows.iter().any(cell) || column.name.chars().any(char::is_lowercase);
            let name: &str = if named { &column.name } else { &small };
            let cells: Vec<Option<&Cell>> = self.rows.iter().map(|row| row.get(name)).collect();
            let array = array(&column.ty, &cells)
                .ok_or_else(|| Error::Plan(format!("a system table's cell does not fit column \"{}\"", column.name)))?;
            arrays.push(array);
        }
        Ok(Block::with_rows(self.header, arrays, self.rows.len())?)
    }
}

/// The cells as an array of `ty`'s Arrow type; none where a cell does not fit.
fn array(ty: &DataType, cells: &[Option<&Cell>]) -> Option<ArrayRef> {
    if cells.is_empty() {
        return Some(new_empty_array(&ty.arrow_type()));
    }
    if cells.iter().all(|cell| cell.is_none()) {
        return Some(ty.default_array(cells.len()));
    }
    let nullable = ty.is_nullable();
    Some(match ty.arrow_type() {
        ArrowType::UInt8 => numbers::<UInt8Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::UInt16 => numbers::<UInt16Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::UInt32 => numbers::<UInt32Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::UInt64 => numbers::<UInt64Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::Int8 => numbers::<Int8Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::Int16 => numbers::<Int16Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::Int32 => numbers::<Int32Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::Int64 => numbers::<Int64Type>(cells, nullable, |v| v.try_into().ok())?,
        ArrowType::Float32 => floats::<Float32Type>(cells, nullable, |v| v as f32)?,
        ArrowType::Float64 => floats::<Float64Type>(cells, nullable, |v| v)?,
        ArrowType::Binary => texts(cells, nullable)?,
        ArrowType::FixedSizeBinary(16) => uuids(cells)?,
        ArrowType::List(item) => lists(cells, &item)?,
        _ => return None,
    })
}

fn numbers<T: ArrowPrimitiveType>(
    cells: &[Option<&Cell>],
    nullable: bool,
    convert: impl Fn(i128) -> Option<T::Native>,
) -> Option<ArrayRef> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(cells.len());
    for cell in cells {
        match cell {
            Some(Cell::UInt(v)) => builder.append_value(convert(i128::from(*v))?),
            Some(Cell::Int(v)) => builder.append_value(convert(i128::from(*v))?),
            Some(Cell::Null) | None if nullable => builder.append_null(),
            None => builder.append_value(convert(0)?),
            Some(_) => return None,
        }
    }
    Some(Arc::new(builder.finish()))
}

fn floats<T: ArrowPrimitiveType>(
    cells: &[Option<&Cell>],
    nullable: bool,
    convert: impl Fn(f64) -> T::Native,
) -> Option<ArrayRef> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(cells.len());
    for cell in cells {
        match cell {
            Some(Cell::Float(v)) => builder.append_value(convert(*v)),
            Some(Cell::UInt(v)) => builder.append_value(convert(*v as f64)),
            Some(Cell::Null) | None if nullable => builder.append_null(),
            None => builder.append_value(convert(0.0)),
            Some(_) => return None,
        }
    }
    Some(Arc::new(builder.finish()))
}

fn texts(cells: &[Option<&Cell>], nullable: bool) -> Option<ArrayRef> {
    let mut builder = BinaryBuilder::new();
    for cell in cells {
        match cell {
            Some(Cell::Text(text)) => builder.append_value(text),
            Some(Cell::Null) | None if nullable => builder.append_null(),
            None => builder.append_value(b""),
            Some(_) => return None,
        }
    }
    Some(Arc::new(builder.finish()))
}

fn uuids(cells: &[Option<&Cell>]) -> Option<ArrayRef> {
    let mut builder = FixedSizeBinaryBuilder::new(16);
    for cell in cells {
        match cell {
            Some(Cell::Uuid(bytes)) => builder.append_value(bytes).ok()?,
            None => builder.append_value([0; 16]).ok()?,
            Some(_) => return None,
        }
    }
    Some(Arc::new(builder.finish()))
}

/// Arrays and maps (lists of pairs).
fn lists(cells: &[Option<&Cell>], item: &Arc<Field>) -> Option<ArrayRef> {
    let (mut texts, mut values, mut numbers) = (BinaryBuilder::new(), BinaryBuilder::new(), Vec::new());
    let mut lengths = Vec::with_capacity(cells.len());
    for cell in cells {
        lengths.push(match cell {
            Some(Cell::Texts(items)) => {
                items.iter().for_each(|item| texts.append_value(item));
                items.len()
            }
            Some(Cell::UInts(items)) => {
                numbers.extend_from_slice(items);
                items.len()
            }
            Some(Cell::TextMap(items)) => {
                items.iter().for_each(|(key, value)| {
                    texts.append_value(key);
                    values.append_value(value);
                });
                items.len()
            }
            Some(Cell::UIntMap(items)) => {
                items.iter().for_each(|(key, value)| {
                    texts.append_value(key);
                    numbers.push(*value);
                });
                items.len()
            }
            None => 0,
            Some(_) => return None,
        });
    }
    let texts: ArrayRef = Arc::new(texts.finish());
    let numbers: ArrayRef = Arc::new(UInt64Array::from(numbers));
    let items: ArrayRef = match item.data_type() {
        ArrowType::Binary => texts,
        ArrowType::UInt64 => numbers,
        ArrowType::Struct(fields) => {
            let values = match fields.get(1)?.data_type() {
                ArrowType::Binary => Arc::new(values.finish()),
                ArrowType::UInt64 => numbers,
                _ => return None,
            };
            Arc::new(StructArray::try_new(fields.clone(), vec![texts, values], None).ok()?)
        }
        _ => return None,
    };
    let list = ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), items, None).ok()?;
    Some(Arc::new(list))
}

#[cfg(test)]
mod tests {
    use types::Column;

    use super::*;

    #[test]
    fn columns_that_no_row_names_have_their_default() {
        let header = Header::new(vec![
            Column::new("name", DataType::String),
            Column::new("rows", DataType::nullable(DataType::UInt64)),
            Column::new("uuid", DataType::Uuid),
            Column::new("tags", DataType::array(DataType::String)),
        ]);
        let mut rows = Rows::new(&header);
        rows.push([("name", Cell::from("t"))]);
        rows.push([("rows", Cell::from(3_u64)), ("tags", Cell::from(vec!["a".to_owned()]))]);
        let block = rows.block().unwrap();
        assert_eq!(block.rows(), 2);
        assert!(block.column("rows").unwrap().is_null(0));
        assert!(block.column("uuid").unwrap().is_valid(0));
    }

    #[test]
    fn a_cell_that_does_not_fit_is_an_error() {
        let header = Header::new(vec![Column::new("n", DataType::UInt8)]);
        let mut rows = Rows::new(&header);
        rows.push([("n", Cell::from(300_u64))]);
        assert!(rows.block().is_err());
    }
}
