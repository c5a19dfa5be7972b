//! `OPTIMIZE … DEDUPLICATE`: of rows that are equal in some columns, only the first stays.
//!
//! The columns hold the whole sorting key (callers refuse others), so equal rows lie in one run of equal keys: memory is
//! the rows of one key. A table without a key is one run.

use std::collections::HashSet;

use arrow::array::BooleanArray;
use arrow::compute::filter;
use futures::StreamExt;
use futures::stream;
use types::Block;

use crate::error::Result;
use crate::merge::Run;
use crate::order::KeyEncoder;
use crate::schema::{PartSchema, SortColumn};

/// The rows of a sorted run without those that equal an earlier one in the columns at `columns`.
pub fn deduplicated(schema: &PartSchema, rows: Run, columns: &[usize]) -> Result<Run> {
    let compared: Vec<SortColumn> = columns.iter().map(|&position| SortColumn::ascending(position)).collect();
    let state = State {
        keys: KeyEncoder::of_sort_key(schema)?,
        compared: KeyEncoder::new(&schema.header, &compared)?,
        key: Vec::new(),
        seen: HashSet::new(),
    };
    let blocks = stream::unfold((rows, state), |(mut rows, mut state)| async move {
        let block = rows.next().await?;
        let kept = block.and_then(|block| state.first_ones(&block));
        Some((kept, (rows, state)))
    });
    Ok(blocks.boxed())
}

struct State {
    keys: KeyEncoder,
    compared: KeyEncoder,
    /// The key of the rows in `seen`.
    key: Vec<u8>,
    seen: HashSet<Vec<u8>>,
}

impl State {
    fn first_ones(&mut self, block: &Block) -> Result<Block> {
        let (keys, compared) = (self.keys.encode(block)?, self.compared.encode(block)?);
        let mut keep = Vec::with_capacity(block.rows());
        for row in 0..block.rows() {
            let key = keys.row(row);
            if self.key != key.data() {
                self.key = key.data().to_vec();
                self.seen.clear();
            }
            keep.push(self.seen.insert(compared.row(row).data().to_vec()));
        }
        if keep.iter().all(|keep| *keep) {
            return Ok(block.clone());
        }
        let keep = BooleanArray::from(keep);
        let arrays = block.arrays().iter().map(|array| filter(array, &keep)).collect::<std::result::Result<_, _>>()?;
        Ok(Block::with_rows(block.header().clone(), arrays, keep.true_count())?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, UInt8Array};
    use arrow::datatypes::UInt8Type;
    use types::{Column, DataType, Header};

    use super::*;
    use crate::schema::MergeMode;

    #[test]
    fn the_first_of_equal_rows_stays_also_across_blocks() {
        let header = Header::new(vec![Column::new("k", DataType::UInt8), Column::new("v", DataType::UInt8)]);
        let schema = PartSchema {
            header: header.clone(),
            sort_key: vec![SortColumn::ascending(0)],
            primary_key_len: 1,
            partition_key: vec![],
            merge_mode: MergeMode::Plain,
            index_granularity: 4,
            min_max: vec![],
        };
        let block = |keys: &[u8], values: &[u8]| {
            let arrays: Vec<ArrayRef> =
                vec![Arc::new(UInt8Array::from(keys.to_vec())), Arc::new(UInt8Array::from(values.to_vec()))];
            Block::new(header.clone(), arrays).unwrap()
        };
        let blocks = [block(&[1, 1, 1], &[1, 2, 1]), block(&[1, 2, 2], &[2, 1, 1])];
        let run = stream::iter(blocks.map(Ok)).boxed();
        let kept = deduplicated(&schema, run, &[0, 1]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let kept: Vec<Block> = runtime.block_on(kept.map(|block| block.unwrap()).collect());
        let kept = Block::concat(&header, &kept).unwrap();
        assert_eq!(kept.array(0).as_primitive::<UInt8Type>().values(), &[1, 1, 2]);
        assert_eq!(kept.array(1).as_primitive::<UInt8Type>().values(), &[1, 2, 1]);
    }
}
