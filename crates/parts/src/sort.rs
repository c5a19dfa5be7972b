//! Rows of a block in the order of the table's key.

use arrow::array::UInt32Array;
use types::Block;

use crate::error::Result;
use crate::order::KeyEncoder;
use crate::schema::PartSchema;

/// The rows of `block` sorted by the schema's key; rows of equal key keep their order.
pub fn sort_block(schema: &PartSchema, block: &Block) -> Result<Block> {
    if schema.sort_key.is_empty() || block.rows() < 2 {
        return Ok(block.clone());
    }
    let keys = KeyEncoder::of_sort_key(schema)?.encode(block)?;
    if (1..keys.num_rows()).all(|i| keys.row(i - 1) <= keys.row(i)) {
        return Ok(block.clone());
    }
    let mut order: Vec<u32> = (0..block.rows() as u32).collect();
    order.sort_by(|&a, &b| keys.row(a as usize).cmp(&keys.row(b as usize)));
    Ok(block.take(&UInt32Array::from(order))?)
}

/// True when the rows of `block` are in the order of the schema's key.
pub fn is_sorted(schema: &PartSchema, block: &Block) -> Result<bool> {
    let keys = KeyEncoder::of_sort_key(schema)?.encode(block)?;
    Ok((1..keys.num_rows()).all(|i| keys.row(i - 1) <= keys.row(i)))
}
