//! ClickHouse's order of rows as bytes: a key becomes a byte string whose order under `memcmp` is the key's order.
//!
//! Ascending keys put NULL last and NaN just before it, descending ones turn all of that round; -0.0 equals 0.0 and every
//! NaN equals every other; UUIDs compare by their second half first, as ClickHouse has it. That is done by rewriting the
//! columns, then `arrow-row` makes the bytes. (Cells of wide integers are in byte order already.)
//!
//! The bytes are for comparing inside one process. They are never stored.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, GenericListArray, ListArray, NullArray, StructArray,
};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType as ArrowType, Field, Float32Type, Float64Type};
use arrow_row::{RowConverter, Rows, SortField};
use types::{Block, DataType, Header};

use crate::error::Result;
use crate::schema::{PartSchema, SortColumn};

/// Turns rows into comparable bytes. Encoders of the same columns make comparable bytes.
#[derive(Debug)]
pub struct KeyEncoder {
    columns: Vec<SortColumn>,
    types: Vec<DataType>,
    converter: RowConverter,
}

impl KeyEncoder {
    /// An encoder of these columns of `header`. No column at all makes all rows equal.
    pub fn new(header: &Header, columns: &[SortColumn]) -> Result<KeyEncoder> {
        let types: Vec<DataType> = columns.iter().map(|column| header.columns()[column.position].ty.clone()).collect();
        let mut fields: Vec<SortField> = columns
            .iter()
            .zip(&types)
            .map(|(column, ty)| {
                let options = SortOptions { descending: column.descending, nulls_first: column.descending };
                SortField::new_with_options(ty.arrow_type(), options)
            })
            .collect();
        if fields.is_empty() {
            fields.push(SortField::new(ArrowType::Null));
        }
        Ok(KeyEncoder { columns: columns.to_vec(), types, converter: RowConverter::new(fields)? })
    }

    /// The encoder of a schema's whole sorting key.
    pub fn of_sort_key(schema: &PartSchema) -> Result<KeyEncoder> {
        KeyEncoder::new(&schema.header, &schema.sort_key)
    }

    /// The keys of all rows of `block`.
    pub fn encode(&self, block: &Block) -> Result<Rows> {
        let arrays: Vec<ArrayRef> = self.columns.iter().map(|column| block.array(column.position).clone()).collect();
        self.encode_arrays(&arrays, block.rows())
    }

    /// The keys of rows given as the key columns alone.
    pub fn encode_arrays(&self, arrays: &[ArrayRef], rows: usize) -> Result<Rows> {
        let columns: Vec<ArrayRef> = match arrays {
            [] => vec![Arc::new(NullArray::new(rows))],
            arrays => arrays.iter().zip(&self.types).map(|(array, ty)| comparable(ty, array)).collect(),
        };
        Ok(self.converter.convert_columns(&columns)?)
    }
}

/// The array rewritten so that Arrow's order of it is ClickHouse's order of `array`.
pub fn comparable(ty: &DataType, array: &ArrayRef) -> ArrayRef {
    match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => comparable(inner, array),
        DataType::SimpleAggregateFunction(signature) => match signature.args.first() {
            Some(inner) => comparable(inner, array),
            None => array.clone(),
        },
        DataType::Float32 => {
            let floats = array.as_primitive::<Float32Type>();
            Arc::new(floats.unary::<_, Float32Type>(|v| if v.is_nan() { f32::NAN } else { v + 0.0 })) as ArrayRef
        }
        DataType::Float64 => {
            let floats = array.as_primitive::<Float64Type>();
            Arc::new(floats.unary::<_, Float64Type>(|v| if v.is_nan() { f64::NAN } else { v + 0.0 })) as ArrayRef
        }
        DataType::Uuid => swap_halves(array),
        DataType::Array(inner) => comparable_items(inner, array),
        DataType::Map(entry) => comparable_items(&DataType::tuple([entry.0.clone(), entry.1.clone()]), array),
        DataType::Tuple(fields) if !fields.is_empty() => {
            let tuple = array.as_struct();
            let columns = fields.iter().zip(tuple.columns()).map(|(f, column)| comparable(&f.ty, column)).collect();
            Arc::new(StructArray::new(tuple.fields().clone(), columns, tuple.nulls().cloned()))
        }
        _ => array.clone(),
    }
}

fn comparable_items(inner: &DataType, array: &ArrayRef) -> ArrayRef {
    let list: &ListArray = array.as_list();
    let values = comparable(inner, list.values());
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Arc::new(GenericListArray::new(field, list.offsets().clone(), values, list.nulls().cloned()))
}

/// UUIDs with their halves swapped.
fn swap_halves(array: &ArrayRef) -> ArrayRef {
    let values = array.as_fixed_size_binary();
    let mut builder = FixedSizeBinaryBuilder::with_capacity(values.len(), values.value_length());
    for value in values.iter() {
        match value.and_then(|value| <[u8; 16]>::try_from(value).ok()) {
            Some(mut value) => {
                value.rotate_left(8);
                builder.append_value(value).expect("a UUID is 16 bytes");
            }
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

/// Where runs of equal keys start in sorted `keys`, with the number of rows as the last element. `[0]` for no rows.
pub fn group_starts(keys: &Rows) -> Vec<u32> {
    let rows = keys.num_rows();
    let mut starts = Vec::with_capacity(rows / 2 + 2);
    if 0 < rows {
        starts.push(0);
        starts.extend((1..rows).filter(|&i| keys.row(i) != keys.row(i - 1)).map(|i| i as u32));
    }
    starts.push(rows as u32);
    starts
}

#[cfg(test)]
mod tests {
    use arrow::array::{FixedSizeBinaryArray, Float64Array, Int64Array};
    use types::Column;

    use super::*;

    fn order(ty: DataType, array: ArrayRef, descending: bool) -> Vec<usize> {
        let header = Header::new(vec![Column::new("k", ty)]);
        let block = Block::new(header.clone(), vec![array]).unwrap();
        let keys = KeyEncoder::new(&header, &[SortColumn { position: 0, descending }]).unwrap().encode(&block).unwrap();
        let mut order: Vec<usize> = (0..block.rows()).collect();
        order.sort_by(|&a, &b| keys.row(a).cmp(&keys.row(b)));
        order
    }

    fn floats() -> ArrayRef {
        let inf = f64::INFINITY;
        let values = [Some(1.0), None, Some(f64::NAN), Some(-inf), Some(inf), Some(-0.0), Some(0.0), Some(-f64::NAN)];
        Arc::new(Float64Array::from(values.to_vec()))
    }

    #[test]
    fn null_comes_last_and_nan_before_it_and_minus_zero_is_zero() {
        let ty = DataType::nullable(DataType::Float64);
        assert_eq!(order(ty.clone(), floats(), false), [3, 5, 6, 0, 4, 2, 7, 1]);
        assert_eq!(order(ty, floats(), true), [1, 2, 7, 4, 0, 5, 6, 3]);
    }

    #[test]
    fn uuids_compare_by_their_second_half_and_wide_integers_by_value() {
        let uuid = |high: u64, low: u64| [high.to_be_bytes(), low.to_be_bytes()].concat();
        let uuids = [uuid(2, 1), uuid(1, 2), uuid(1 << 56, 2), uuid(1, 1 << 56)];
        let array = FixedSizeBinaryArray::try_from_iter(uuids.iter()).unwrap();
        assert_eq!(order(DataType::Uuid, Arc::new(array), false), [0, 1, 2, 3]);
        let wide = [1i128, -1, 256, i128::MIN].map(types::wide::i128_to_cell);
        let array = FixedSizeBinaryArray::try_from_iter(wide.iter()).unwrap();
        assert_eq!(order(DataType::Int128, Arc::new(array), false), [3, 1, 0, 2]);
    }

    #[test]
    fn an_empty_key_makes_all_rows_one_group() {
        let header = Header::new(vec![Column::new("a", DataType::Int64)]);
        let block = Block::new(header.clone(), vec![Arc::new(Int64Array::from(vec![2, 1, 3]))]).unwrap();
        let keys = KeyEncoder::new(&header, &[]).unwrap().encode(&block).unwrap();
        assert_eq!(group_starts(&keys), [0, 3]);
    }
}
