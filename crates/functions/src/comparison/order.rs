//! The order of two columns of one type, row by row, containers included.
//!
//! Inside containers NULL comes last and equals NULL; at the top the caller has dealt with it.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray, StructArray};
use arrow::array::{Decimal256Array, Float64Array, Int64Array, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, Decimal256Type, Float64Type, Int64Type, UInt64Type, i256,
};
use types::DataType;

use crate::error::{Error, Result};

/// Two columns made ready to be compared.
pub(crate) enum Order {
    Longs(Int64Array, Int64Array),
    UnsignedLongs(UInt64Array, UInt64Array),
    Floats(Float64Array, Float64Array),
    Decimals(Decimal256Array, Decimal256Array),
    Flags(BooleanArray, BooleanArray),
    Bytes(BinaryArray, BinaryArray),
    Cells(FixedSizeBinaryArray, FixedSizeBinaryArray),
    Lists(ListArray, ListArray, Box<Order>),
    Tuples(StructArray, StructArray, Vec<Order>),
    Nothing,
}

impl Order {
    /// Both columns are of `ty`'s Arrow type.
    pub(crate) fn of(left: &ArrayRef, right: &ArrayRef, ty: &DataType) -> Result<Order> {
        use ArrowType as A;
        let pair = |to: &A| -> Result<(ArrayRef, ArrayRef)> { Ok((cast(left, to)?, cast(right, to)?)) };
        Ok(match left.data_type() {
            A::Null => Order::Nothing,
            A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::UInt8 | A::UInt16 | A::UInt32 => {
                let (a, b) = pair(&A::Int64)?;
                Order::Longs(a.as_primitive::<Int64Type>().clone(), b.as_primitive::<Int64Type>().clone())
            }
            A::UInt64 => Order::UnsignedLongs(
                left.as_primitive::<UInt64Type>().clone(),
                right.as_primitive::<UInt64Type>().clone(),
            ),
            A::Float32 | A::Float64 => {
                let (a, b) = pair(&A::Float64)?;
                Order::Floats(a.as_primitive::<Float64Type>().clone(), b.as_primitive::<Float64Type>().clone())
            }
            A::Decimal128(..) => Order::Decimals(widened(left), widened(right)),
            A::Decimal256(..) => Order::Decimals(
                left.as_primitive::<Decimal256Type>().clone(),
                right.as_primitive::<Decimal256Type>().clone(),
            ),
            A::Boolean => Order::Flags(left.as_boolean().clone(), right.as_boolean().clone()),
            A::Binary => Order::Bytes(left.as_binary::<i32>().clone(), right.as_binary::<i32>().clone()),
            A::FixedSizeBinary(_) => {
                Order::Cells(left.as_fixed_size_binary().clone(), right.as_fixed_size_binary().clone())
            }
            A::List(_) => {
                let (a, b): (&ListArray, &ListArray) = (left.as_list(), right.as_list());
                let inner = match ty.base() {
                    DataType::Array(inner) => (**inner).clone(),
                    DataType::Map(entry) => DataType::tuple([entry.0.clone(), entry.1.clone()]),
                    other => other.clone(),
                };
                Order::Lists(a.clone(), b.clone(), Box::new(Order::of(a.values(), b.values(), &inner)?))
            }
            A::Struct(_) => {
                let (a, b): (&StructArray, &StructArray) = (left.as_struct(), right.as_struct());
                let types: Vec<DataType> = match ty.base() {
                    DataType::Tuple(fields) => fields.iter().map(|field| field.ty.clone()).collect(),
                    _ => Vec::new(),
                };
                let fields = types
                    .iter()
                    .enumerate()
                    .map(|(i, ty)| Order::of(a.column(i), b.column(i), ty))
                    .collect::<Result<Vec<_>>>()?;
                Order::Tuples(a.clone(), b.clone(), fields)
            }
            other => {
                let reason = format!("columns of {other} have no order");
                return Err(Error::Internal { function: "comparison".to_owned(), reason });
            }
        })
    }

    /// The order of left row `a` and right row `b`; `None` when a NaN is met.
    pub(crate) fn compare(&self, a: usize, b: usize) -> Option<Ordering> {
        match self {
            Order::Longs(x, y) => Some(x.value(a).cmp(&y.value(b))),
            Order::UnsignedLongs(x, y) => Some(x.value(a).cmp(&y.value(b))),
            Order::Floats(x, y) => x.value(a).partial_cmp(&y.value(b)),
            Order::Decimals(x, y) => Some(x.value(a).cmp(&y.value(b))),
            Order::Flags(x, y) => Some(x.value(a).cmp(&y.value(b))),
            Order::Bytes(x, y) => Some(x.value(a).cmp(y.value(b))),
            Order::Cells(x, y) => Some(x.value(a).cmp(y.value(b))),
            Order::Nothing => Some(Ordering::Equal),
            Order::Lists(x, y, values) => {
                let range = |list: &ListArray, row: usize| {
                    list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize
                };
                let (left, right) = (range(x, a), range(y, b));
                let lengths = left.len().cmp(&right.len());
                for (i, j) in left.zip(right) {
                    match values.compare_nulls(i, j) {
                        Some(Ordering::Equal) => {}
                        other => return other,
                    }
                }
                Some(lengths)
            }
            Order::Tuples(_, _, fields) => {
                for field in fields {
                    match field.compare_nulls(a, b) {
                        Some(Ordering::Equal) => {}
                        other => return other,
                    }
                }
                Some(Ordering::Equal)
            }
        }
    }

    /// True when left row `a` is NaN .
    pub(crate) fn is_nan(&self, a: usize) -> bool {
        match self {
            Order::Floats(x, _) => x.value(a).is_nan(),
            _ => false,
        }
    }

    /// As [`Order::compare`], with NULL after everything else.
    fn compare_nulls(&self, a: usize, b: usize) -> Option<Ordering> {
        match self.nulls(a, b) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => self.compare(a, b),
        }
    }

    fn nulls(&self, a: usize, b: usize) -> (bool, bool) {
        fn of(x: &dyn Array, y: &dyn Array, a: usize, b: usize) -> (bool, bool) {
            (x.is_null(a), y.is_null(b))
        }
        match self {
            Order::Longs(x, y) => of(x, y, a, b),
            Order::UnsignedLongs(x, y) => of(x, y, a, b),
            Order::Floats(x, y) => of(x, y, a, b),
            Order::Decimals(x, y) => of(x, y, a, b),
            Order::Flags(x, y) => of(x, y, a, b),
            Order::Bytes(x, y) => of(x, y, a, b),
            Order::Cells(x, y) => of(x, y, a, b),
            Order::Lists(x, y, _) => of(x, y, a, b),
            Order::Tuples(x, y, _) => of(x, y, a, b),
            Order::Nothing => (true, true),
        }
    }
}

fn widened(array: &ArrayRef) -> Decimal256Array {
    array.as_primitive::<Decimal128Type>().unary::<_, Decimal256Type>(i256::from_i128)
}
