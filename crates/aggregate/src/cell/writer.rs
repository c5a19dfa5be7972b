//! Cells back to columns. The bytes may come from a disk: whatever they are, an error and never a panic.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, ListArray, NullArray, NullBufferBuilder,
    PrimitiveBuilder, StructArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;

use super::shape::{FixedOrder, Shape};
use crate::error::{Error, Result};

const DAMAGED: Error = Error::DamagedState("cell");

/// A column under construction from cells.
pub(crate) struct CellWriter {
    column: Column,
    raw: bool,
}

enum Column {
    Null(usize),
    Bool(BooleanBuilder),
    U8(PrimitiveBuilder<UInt8Type>),
    U16(PrimitiveBuilder<UInt16Type>),
    U32(PrimitiveBuilder<UInt32Type>),
    U64(PrimitiveBuilder<UInt64Type>),
    I8(PrimitiveBuilder<Int8Type>),
    I16(PrimitiveBuilder<Int16Type>),
    I32(PrimitiveBuilder<Int32Type>),
    I64(PrimitiveBuilder<Int64Type>),
    F32(PrimitiveBuilder<Float32Type>),
    F64(PrimitiveBuilder<Float64Type>),
    D128(PrimitiveBuilder<Decimal128Type>, ArrowType),
    D256(PrimitiveBuilder<Decimal256Type>, ArrowType),
    Bytes(BinaryBuilder),
    Fixed(FixedSizeBinaryBuilder, i32, FixedOrder),
    Nullable(Box<Column>),
    List { items: Box<Column>, offsets: Vec<i32>, length: usize, valid: NullBufferBuilder, ty: ArrowType },
    Struct { columns: Vec<Column>, valid: NullBufferBuilder, fields: Fields, rows: usize },
}

use arrow::datatypes::DataType as ArrowType;

impl CellWriter {
    /// An empty column for cells that stand alone (strings raw).
    pub fn new(shape: &Shape) -> CellWriter {
        CellWriter { column: Column::new(shape), raw: shape.is_raw() }
    }

    /// An empty column for cells that stand one after another.
    pub fn delimited(shape: &Shape) -> CellWriter {
        CellWriter { column: Column::new(shape), raw: false }
    }

    /// Adds the value whose cell begins `bytes`, and moves `bytes` behind it.
    pub fn push(&mut self, bytes: &mut &[u8]) -> Result<()> {
        match (&mut self.column, self.raw) {
            (Column::Bytes(builder), true) => {
                builder.append_value(std::mem::take(bytes));
                Ok(())
            }
            (column, _) => column.push(bytes),
        }
    }

    /// Adds the type's default value: zero, empty, NULL where it is nullable.
    pub fn push_default(&mut self) {
        self.column.push_default(false);
    }

    /// The column.
    pub fn finish(self) -> Result<ArrayRef> {
        self.column.finish()
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(DAMAGED)?;
    *bytes = rest;
    Ok(*head)
}

fn take_signed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let mut value = take::<N>(bytes)?;
    if let Some(first) = value.first_mut() {
        *first ^= 0x80;
    }
    Ok(value)
}

/// Calls the same method on whichever builder a column is; nested columns go to `$other`.
macro_rules! on_builder {
    ($column:expr, $builder:ident => $plain:expr, $($other:tt)*) => {
        match $column {
            Column::Bool($builder) => $plain,
            Column::U8($builder) => $plain,
            Column::U16($builder) => $plain,
            Column::U32($builder) => $plain,
            Column::U64($builder) => $plain,
            Column::I8($builder) => $plain,
            Column::I16($builder) => $plain,
            Column::I32($builder) => $plain,
            Column::I64($builder) => $plain,
            Column::F32($builder) => $plain,
            Column::F64($builder) => $plain,
            Column::D128($builder, _) => $plain,
            Column::D256($builder, _) => $plain,
            Column::Bytes($builder) => $plain,
            Column::Fixed($builder, ..) => $plain,
            $($other)*
        }
    };
}

impl Column {
    fn new(shape: &Shape) -> Column {
        match shape {
            Shape::Null => Column::Null(0),
            Shape::Bool => Column::Bool(BooleanBuilder::new()),
            Shape::U8 => Column::U8(PrimitiveBuilder::new()),
            Shape::U16 => Column::U16(PrimitiveBuilder::new()),
            Shape::U32 => Column::U32(PrimitiveBuilder::new()),
            Shape::U64 => Column::U64(PrimitiveBuilder::new()),
            Shape::I8 => Column::I8(PrimitiveBuilder::new()),
            Shape::I16 => Column::I16(PrimitiveBuilder::new()),
            Shape::I32 => Column::I32(PrimitiveBuilder::new()),
            Shape::I64 => Column::I64(PrimitiveBuilder::new()),
            Shape::F32 => Column::F32(PrimitiveBuilder::new()),
            Shape::F64 => Column::F64(PrimitiveBuilder::new()),
            Shape::D128(ty) => Column::D128(PrimitiveBuilder::new(), ty.clone()),
            Shape::D256(ty) => Column::D256(PrimitiveBuilder::new(), ty.clone()),
            Shape::Bytes => Column::Bytes(BinaryBuilder::new()),
            Shape::Fixed(width, order) => Column::Fixed(FixedSizeBinaryBuilder::new(*width), *width, *order),
            Shape::Nullable(inner) => Column::Nullable(Box::new(Column::new(inner))),
            Shape::List(item, ty) => Column::List {
                items: Box::new(Column::new(item)),
                offsets: vec![0],
                length: 0,
                valid: NullBufferBuilder::new(0),
                ty: ty.clone(),
            },
            Shape::Struct(shapes, fields) => Column::Struct {
                columns: shapes.iter().map(Column::new).collect(),
                valid: NullBufferBuilder::new(0),
                fields: fields.clone(),
                rows: 0,
            },
        }
    }

    fn push(&mut self, bytes: &mut &[u8]) -> Result<()> {
        match self {
            Column::Null(rows) => *rows += 1,
            Column::Bool(b) => b.append_value(take::<1>(bytes)? != [0]),
            Column::U8(b) => b.append_value(u8::from_be_bytes(take(bytes)?)),
            Column::U16(b) => b.append_value(u16::from_be_bytes(take(bytes)?)),
            Column::U32(b) => b.append_value(u32::from_be_bytes(take(bytes)?)),
            Column::U64(b) => b.append_value(u64::from_be_bytes(take(bytes)?)),
            Column::I8(b) => b.append_value(i8::from_be_bytes(take_signed(bytes)?)),
            Column::I16(b) => b.append_value(i16::from_be_bytes(take_signed(bytes)?)),
            Column::I32(b) => b.append_value(i32::from_be_bytes(take_signed(bytes)?)),
            Column::I64(b) => b.append_value(i64::from_be_bytes(take_signed(bytes)?)),
            Column::F32(b) => b.append_value(f32_of(u32::from_be_bytes(take(bytes)?))),
            Column::F64(b) => b.append_value(f64_of(u64::from_be_bytes(take(bytes)?))),
            Column::D128(b, _) => b.append_value(i128::from_be_bytes(take_signed(bytes)?)),
            Column::D256(b, _) => b.append_value(i256::from_be_bytes(take_signed(bytes)?)),
            Column::Bytes(b) => b.append_value(take_string(bytes)?),
            Column::Fixed(b, width, order) => {
                let (value, rest) = bytes.split_at_checked(*width as usize).ok_or(DAMAGED)?;
                *bytes = rest;
                b.append_value(fixed(value, *order))?;
            }
            Column::Nullable(inner) => match take::<1>(bytes)? {
                [1] => inner.push(bytes)?,
                _ => inner.push_default(true),
            },
            Column::List { items, offsets, length, valid, .. } => {
                while take::<1>(bytes)? == [1] {
                    items.push(bytes)?;
                    *length += 1;
                }
                offsets.push(i32::try_from(*length).map_err(|_| too_long())?);
                valid.append_non_null();
            }
            Column::Struct { columns, valid, rows, .. } => {
                columns.iter_mut().try_for_each(|column| column.push(bytes))?;
                valid.append_non_null();
                *rows += 1;
            }
        }
        Ok(())
    }

    /// The default value, or NULL.
    fn push_default(&mut self, null: bool) {
        match self {
            Column::Null(rows) => *rows += 1,
            Column::Nullable(inner) => inner.push_default(true),
            Column::List { offsets, length, valid, .. } => {
                // the length fitted when the last offset was pushed
                offsets.push(i32::try_from(*length).unwrap_or(i32::MAX));
                valid.append(!null);
            }
            Column::Struct { columns, valid, rows, .. } => {
                columns.iter_mut().for_each(|column| column.push_default(null));
                valid.append(!null);
                *rows += 1;
            }
            Column::Bool(b) if !null => b.append_value(false),
            Column::Bytes(b) if !null => b.append_value([]),
            Column::Fixed(b, width, _) if !null => {
                b.append_value(vec![0; *width as usize]).expect("a value of the builder's own width");
            }
            column if null => on_builder!(column, b => b.append_null(), _ => {}),
            column => column.push_zero(),
        }
    }

    fn push_zero(&mut self) {
        match self {
            Column::U8(b) => b.append_value(0),
            Column::U16(b) => b.append_value(0),
            Column::U32(b) => b.append_value(0),
            Column::U64(b) => b.append_value(0),
            Column::I8(b) => b.append_value(0),
            Column::I16(b) => b.append_value(0),
            Column::I32(b) => b.append_value(0),
            Column::I64(b) => b.append_value(0),
            Column::F32(b) => b.append_value(0.0),
            Column::F64(b) => b.append_value(0.0),
            Column::D128(b, _) => b.append_value(0),
            Column::D256(b, _) => b.append_value(i256::ZERO),
            _ => {}
        }
    }

    fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Column::Null(rows) => Arc::new(NullArray::new(rows)),
            Column::Nullable(inner) => inner.finish()?,
            Column::D128(mut b, ty) => Arc::new(b.finish().with_data_type(ty)),
            Column::D256(mut b, ty) => Arc::new(b.finish().with_data_type(ty)),
            Column::List { items, offsets, mut valid, ty, .. } => {
                let ArrowType::List(field) = ty else { return Err(DAMAGED) };
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::try_new(field, offsets, items.finish()?, valid.finish())?)
            }
            Column::Struct { columns, mut valid, fields, rows } => {
                let arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
                Arc::new(StructArray::try_new_with_length(fields, arrays, valid.finish(), rows)?)
            }
            mut other => on_builder!(&mut other, b => Arc::new(b.finish()) as ArrayRef, _ => return Err(DAMAGED)),
        })
    }
}

fn too_long() -> Error {
    Error::Arrow("more than 2^31 array elements in one column".to_owned())
}

fn take_string(bytes: &mut &[u8]) -> Result<Vec<u8>> {
    let mut value = Vec::new();
    loop {
        match take::<1>(bytes)? {
            [0] => match take::<1>(bytes)? {
                [0] => return Ok(value),
                _ => value.push(0),
            },
            [byte] => value.push(byte),
        }
    }
}

fn fixed(value: &[u8], order: FixedOrder) -> Vec<u8> {
    match order {
        FixedOrder::Bytes => value.to_vec(),
        FixedOrder::Uuid => {
            let (second, first) = value.split_at(value.len() / 2);
            [first, second].concat()
        }
    }
}

fn f64_of(sortable: u64) -> f64 {
    match sortable {
        0 | u64::MAX => f64::NAN,
        bits if bits >> 63 == 1 => f64::from_bits(bits & !(1 << 63)),
        bits => f64::from_bits(!bits),
    }
}

fn f32_of(sortable: u32) -> f32 {
    match sortable {
        0 | u32::MAX => f32::NAN,
        bits if bits >> 31 == 1 => f32::from_bits(bits & !(1 << 31)),
        bits => f32::from_bits(!bits),
    }
}
