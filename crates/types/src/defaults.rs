//! The default value of every type: what a column holds where nothing was given.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, Int8Array, Int16Array, ListArray, StructArray,
    UInt32Array, new_empty_array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType as ArrowType, Fields, i256};

use crate::data_type::DataType;
use crate::wide::{i128_to_cell, i256_to_cell};

impl DataType {
    /// `rows` rows of the type's default: 0, `''`, 1970-01-01, `[]`, the smallest number of an enum, NULL of Nullable.
    ///
    /// States of aggregate functions have no default here (only `aggregate` knows the empty state): they are NULL.
    pub fn default_array(&self, rows: usize) -> ArrayRef {
        let one = self.default_row();
        if rows == 1 {
            return one;
        }
        take(&one, &UInt32Array::from(vec![0; rows]), None).expect("row 0 of an array of one row")
    }

    /// One row of the default.
    fn default_row(&self) -> ArrayRef {
        match self {
            DataType::Nullable(_) | DataType::Nothing | DataType::AggregateFunction(_) => {
                new_null_array(&self.arrow_type(), 1)
            }
            DataType::LowCardinality(inner) => inner.default_row(),
            DataType::SimpleAggregateFunction(signature) => signature.args[0].default_row(),
            DataType::Bool => Arc::new(BooleanArray::from(vec![false])),
            DataType::Int128 => fixed(&i128_to_cell(0)),
            DataType::Int256 => fixed(&i256_to_cell(i256::ZERO)),
            DataType::String => Arc::new(BinaryArray::from_vec(vec![b""])),
            DataType::Enum(values) => {
                let number = values.values.first().map_or(0, |(_, number)| *number);
                if values.wide {
                    Arc::new(Int16Array::from(vec![number]))
                } else {
                    Arc::new(Int8Array::from(vec![number as i8]))
                }
            }
            DataType::Array(_) | DataType::Map(_) => match self.arrow_type() {
                ArrowType::List(item) => {
                    let values = new_empty_array(item.data_type());
                    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([0]), values, None))
                }
                _ => unreachable!("arrays and maps are Arrow lists"),
            },
            DataType::Tuple(fields) if fields.is_empty() => Arc::new(StructArray::new_empty_fields(1, None)),
            DataType::Tuple(fields) => {
                let columns = fields.iter().map(|field| field.ty.default_row()).collect();
                Arc::new(StructArray::new(struct_fields(self), columns, None))
            }
            _ => zero(&self.arrow_type()),
        }
    }

    /// True for types T for which `LowCardinality(T)` exists as the result of a function.
    pub fn can_be_inside_low_cardinality(&self) -> bool {
        match self {
            DataType::Nullable(inner) => inner.can_be_inside_low_cardinality(),
            DataType::Bool | DataType::Enum(_) | DataType::Decimal { .. } | DataType::DateTime64 { .. } => false,
            DataType::Nothing | DataType::Array(_) | DataType::Map(_) | DataType::Tuple(_) => false,
            DataType::LowCardinality(_) | DataType::AggregateFunction(_) | DataType::SimpleAggregateFunction(_) => {
                false
            }
            _ => true,
        }
    }

    /// The type without LowCardinality anywhere in it.
    pub fn without_low_cardinality(&self) -> DataType {
        match self {
            DataType::LowCardinality(inner) => (**inner).clone(),
            DataType::Array(inner) => DataType::array(inner.without_low_cardinality()),
            DataType::Map(entry) => DataType::map(entry.0.without_low_cardinality(), entry.1.without_low_cardinality()),
            DataType::Tuple(fields) => {
                let mut fields = fields.to_vec();
                for field in &mut fields {
                    field.ty = field.ty.without_low_cardinality();
                }
                DataType::Tuple(fields.into())
            }
            other => other.clone(),
        }
    }
}

fn struct_fields(ty: &DataType) -> Fields {
    match ty.arrow_type() {
        ArrowType::Struct(fields) => fields,
        _ => unreachable!("tuples are Arrow structs"),
    }
}

fn zero(ty: &ArrowType) -> ArrayRef {
    match ty {
        ArrowType::FixedSizeBinary(width) => fixed(&vec![0; *width as usize]),
        number => cast(&Int8Array::from(vec![0]), number).expect("zero is a value of every number type"),
    }
}

fn fixed(cell: &[u8]) -> ArrayRef {
    let array = FixedSizeBinaryArray::try_from_iter(std::iter::once(cell)).expect("one value of its own width");
    Arc::new(array)
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn every_type_has_a_default_of_its_arrow_type() {
        for text in [
            "UInt8",
            "Int256",
            "Float32",
            "Bool",
            "String",
            "FixedString(3)",
            "UUID",
            "IPv4",
            "IPv6",
            "Date",
            "Date32",
            "DateTime",
            "DateTime64(3)",
            "Decimal(9, 2)",
            "Decimal(76, 5)",
            "Array(Tuple(UInt8, String))",
            "Map(String, UInt8)",
            "Tuple(a UInt8, b Nullable(String))",
            "Enum16('a' = -5)",
            "Nullable(Int8)",
            "LowCardinality(String)",
            "IntervalDay",
            "SimpleAggregateFunction(sum, UInt64)",
            "AggregateFunction(count)",
        ] {
            let ty = DataType::parse(text).unwrap();
            let array = ty.default_array(3);
            assert_eq!((array.len(), array.data_type()), (3, &ty.arrow_type()), "{text}");
            assert_eq!(ty.default_array(0).len(), 0);
        }
    }
}
