//! Reading operands row by row and writing result columns.
//!
//! Knows Arrow only; ClickHouse types, NULL rules and names of functions live above.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeBinaryArray, Float64Array, Int64Array, ListArray, StructArray,
    UInt32Array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType as ArrowType, Field, Float64Type, Int64Type, UInt64Type};
use types::ErrorCode;

use crate::error::{Error, Result};
use crate::frame::Operand;

/// Name of the element field of lists, as `types::DataType::arrow_type` has it.
const LIST_ITEM: &str = "item";

/// The most bytes one column of strings, and the most elements one column of lists may hold: what 32-bit offsets address.
pub(crate) const OFFSET_MAX: usize = i32::MAX as usize;

/// An operand of String or FixedString.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a> {
    column: BytesColumn<'a>,
    constant: bool,
}

#[derive(Clone, Copy)]
enum BytesColumn<'a> {
    Variable(&'a BinaryArray),
    Fixed(&'a FixedSizeBinaryArray),
    Nulls,
}

impl<'a> Bytes<'a> {
    /// The strings of `operand`.
    pub(crate) fn of(operand: &'a Operand) -> Result<Bytes<'a>> {
        Bytes::of_array(operand.array(), operand.is_constant())
    }

    /// The strings of `array`, whose one row stands for all when `constant`.
    pub(crate) fn of_array(array: &'a ArrayRef, constant: bool) -> Result<Bytes<'a>> {
        let column = match array.data_type() {
            ArrowType::Binary => BytesColumn::Variable(array.as_binary()),
            ArrowType::FixedSizeBinary(_) => BytesColumn::Fixed(array.as_fixed_size_binary()),
            ArrowType::Null => BytesColumn::Nulls,
            other => return Err(unexpected(other)),
        };
        Ok(Bytes { column, constant })
    }

    /// The value of `row`; where it is NULL, whatever lies below.
    pub(crate) fn get(&self, row: usize) -> &'a [u8] {
        let row = if self.constant { 0 } else { row };
        match self.column {
            BytesColumn::Variable(array) => array.value(row),
            BytesColumn::Fixed(array) => array.value(row),
            BytesColumn::Nulls => b"",
        }
    }

    /// True when all rows share one value.
    pub(crate) fn is_constant(&self) -> bool {
        self.constant
    }

    /// How many bytes there are in all, for capacities.
    pub(crate) fn size(&self) -> usize {
        match self.column {
            BytesColumn::Variable(array) => array.value_data().len(),
            BytesColumn::Fixed(array) => array.value_data().len(),
            BytesColumn::Nulls => 0,
        }
    }
}

/// The error for a column that the function was not resolved for.
pub(crate) fn unexpected(ty: &ArrowType) -> Error {
    Error::Internal { function: "kernel".to_owned(), reason: format!("a column of {ty}") }
}

/// An operand of integers as `i64`; what does not fit is the nearest that does.
pub(crate) struct Integers {
    column: Int64Array,
    constant: bool,
}

impl Integers {
    /// The integers of `operand` (any width up to 64 bits, Boolean too).
    pub(crate) fn of(operand: &Operand) -> Result<Integers> {
        Ok(Integers { column: saturated(operand.array())?, constant: operand.is_constant() })
    }

    /// The value of `row`.
    pub(crate) fn get(&self, row: usize) -> i64 {
        self.column.value(if self.constant { 0 } else { row })
    }

    /// The value of `row` unless it is NULL.
    pub(crate) fn get_valid(&self, row: usize) -> Option<i64> {
        let row = if self.constant { 0 } else { row };
        self.column.is_valid(row).then(|| self.column.value(row))
    }
}

/// A column of integers as `i64`; what does not fit is the nearest that does.
pub(crate) fn saturated(array: &ArrayRef) -> Result<Int64Array> {
    if *array.data_type() == ArrowType::UInt64 {
        let values = array.as_primitive::<UInt64Type>();
        return Ok(values.unary(|value| i64::try_from(value).unwrap_or(i64::MAX)));
    }
    Ok(arrow::compute::cast(array, &ArrowType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// A column of numbers as `f64`.
pub(crate) fn floats(array: &ArrayRef) -> Result<Float64Array> {
    Ok(arrow::compute::cast(array, &ArrowType::Float64)?.as_primitive::<Float64Type>().clone())
}

/// An operand of arrays or maps with one value a row, its elements laid flat from 0.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    /// Where each row's elements begin; one entry more than rows, the first is 0.
    pub(crate) offsets: OffsetBuffer<i32>,
    /// The elements of all rows.
    pub(crate) elements: ArrayRef,
}

impl Lists {
    /// The lists of `operand`, `rows` of them.
    pub(crate) fn of(operand: &Operand, rows: usize) -> Result<Lists> {
        Lists::of_array(&operand.expand(rows)?)
    }

    /// The lists of `array`.
    pub(crate) fn of_array(array: &ArrayRef) -> Result<Lists> {
        let list: &ListArray = array.as_list_opt().ok_or_else(|| unexpected(array.data_type()))?;
        let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
        let elements = list.values().slice(first as usize, (last - first) as usize);
        let offsets = if first == 0 {
            list.offsets().clone()
        } else {
            OffsetBuffer::new(list.value_offsets().iter().map(|o| o - first).collect())
        };
        Ok(Lists { offsets, elements })
    }

    /// Where the elements of `row` lie.
    pub(crate) fn range(&self, row: usize) -> Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// Where the elements of each row lie.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize)
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// For every element the row it belongs to.
    pub(crate) fn row_of_elements(&self) -> UInt32Array {
        let mut rows = Vec::with_capacity(self.elements.len());
        for (row, range) in self.ranges().enumerate() {
            rows.extend(std::iter::repeat_n(row as u32, range.len()));
        }
        UInt32Array::from(rows)
    }

    /// The same lists of other elements, one for each.
    pub(crate) fn with_elements(&self, elements: ArrayRef) -> ArrayRef {
        Arc::new(list_of(self.offsets.clone(), elements))
    }
}

/// A column of lists with the field name that all our lists have.
pub(crate) fn list_of(offsets: OffsetBuffer<i32>, values: ArrayRef) -> ListArray {
    let field = Arc::new(Field::new(LIST_ITEM, values.data_type().clone(), true));
    ListArray::new(field, offsets, values, None)
}

/// A column of strings being written.
pub(crate) struct Texts {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Vec<bool>,
    has_null: bool,
}

impl Texts {
    /// Nothing yet; about to hold `rows` strings of `bytes` together.
    pub(crate) fn with_capacity(rows: usize, bytes: usize) -> Texts {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Texts { bytes: Vec::with_capacity(bytes), offsets, nulls: Vec::with_capacity(rows), has_null: false }
    }

    /// The bytes so far: append the next string here, then call [`Texts::end`].
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends the string. Fails when the column outgrows its offsets.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.bytes.len() > OFFSET_MAX {
            return Err(too_large("bytes", self.bytes.len(), ErrorCode::TOO_LARGE_STRING_SIZE));
        }
        self.offsets.push(self.bytes.len() as i32);
        self.nulls.push(true);
        Ok(())
    }

    /// One whole string.
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(text);
        self.end()
    }

    /// NULL.
    pub(crate) fn push_null(&mut self) -> Result<()> {
        self.end()?;
        if let Some(last) = self.nulls.last_mut() {
            *last = false;
        }
        self.has_null = true;
        Ok(())
    }

    /// How many strings are ended.
    pub(crate) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// The column.
    pub(crate) fn finish(self) -> ArrayRef {
        let nulls = self.has_null.then(|| NullBuffer::from(self.nulls));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Arc::new(BinaryArray::new(offsets, Buffer::from_vec(self.bytes), nulls))
    }
}

/// The offsets of a column of lists being written.
pub(crate) struct Offsets(Vec<i32>);

impl Offsets {
    /// No list yet.
    pub(crate) fn with_capacity(rows: usize) -> Offsets {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Offsets(offsets)
    }

    /// The list ends where `elements` elements are written in all.
    pub(crate) fn end(&mut self, elements: usize) -> Result<()> {
        if elements > OFFSET_MAX {
            return Err(too_large("elements", elements, ErrorCode::TOO_LARGE_ARRAY_SIZE));
        }
        self.0.push(elements as i32);
        Ok(())
    }

    /// The offsets.
    pub(crate) fn into_buffer(self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(self.0))
    }

    /// The column of lists over `values`.
    pub(crate) fn finish(self, values: ArrayRef) -> ArrayRef {
        Arc::new(list_of(self.into_buffer(), values))
    }
}

fn too_large(of_what: &str, size: usize, code: ErrorCode) -> Error {
    let reason = format!("{size} {of_what} in one block, at most {OFFSET_MAX}");
    Error::TooLarge { function: "kernel".to_owned(), reason, code }
}

/// A column of tuples of these columns, which have one length.
pub(crate) fn tuples(columns: Vec<ArrayRef>, rows: usize) -> ArrayRef {
    let names: Vec<String> = (1..=columns.len()).map(|i| i.to_string()).collect();
    named_struct(&names.iter().map(String::as_str).collect::<Vec<_>>(), columns, rows)
}

/// A struct column with these field names.
pub(crate) fn named_struct(names: &[&str], columns: Vec<ArrayRef>, rows: usize) -> ArrayRef {
    if columns.is_empty() {
        return Arc::new(StructArray::new_empty_fields(rows, None));
    }
    let fields: arrow::datatypes::Fields =
        names.iter().zip(&columns).map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    Arc::new(StructArray::new(fields, columns, None))
}
