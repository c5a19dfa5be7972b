//! Rows of a block in the order of the table's key.
//!
//! A key's columns are looked at one after the other, a word at a time, and only as far as rows are equal: caching
//! multikey quicksort (Bentley, Sedgewick: Fast Algorithms for Sorting and Searching Strings, 1997; caching: Rantala,
//! Kärkkäinen: Engineering Radix Sort for Strings, 2008). Keys mostly differ in their first words, and what rows of one
//! hour or one customer have in common is skipped, so that whole keys are neither built nor compared.

pub(crate) mod words;

use arrow::array::UInt32Array;
use types::Block;

use crate::error::Result;
use crate::order::KeyEncoder;
use crate::schema::{PartSchema, SortColumn};
use words::KeyColumn;

/// The rows of `block` sorted by the schema's key; rows of equal key keep their order.
pub fn sort_block(schema: &PartSchema, block: &Block) -> Result<Block> {
    if schema.sort_key.is_empty() || block.rows() < 2 {
        return Ok(block.clone());
    }
    SortedRows::of(schema, block)?.take(block)
}

/// The numbers of a block's rows in the order of the key.
pub(crate) struct SortedRows {
    /// Rows of equal key are in the order of their numbers.
    pub(crate) order: Vec<u32>,
    /// Where runs of equal keys start in `order`, with the number of rows as the last element.
    pub(crate) starts: Vec<u32>,
}

impl SortedRows {
    /// The order of the block's rows. With no key at all, all rows are equal.
    pub(crate) fn of(schema: &PartSchema, block: &Block) -> Result<SortedRows> {
        let column = |key: &SortColumn| {
            let ty = &block.header().columns()[key.position].ty;
            KeyColumn::new(ty, block.array(key.position), key.descending)
        };
        let columns = schema.sort_key.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(sorted(&columns, block.rows()))
    }

    fn is_identity(&self) -> bool {
        self.order.iter().enumerate().all(|(at, row)| at == *row as usize)
    }

    /// The block's rows in this order.
    pub(crate) fn take(self, block: &Block) -> Result<Block> {
        if self.is_identity() {
            return Ok(block.clone());
        }
        Ok(block.take(&UInt32Array::from(self.order))?)
    }
}

/// True when the rows of `block` are in the order of the schema's key.
pub fn is_sorted(schema: &PartSchema, block: &Block) -> Result<bool> {
    let keys = KeyEncoder::of_sort_key(schema)?.encode(block)?;
    Ok((1..keys.num_rows()).all(|i| keys.row(i - 1) <= keys.row(i)))
}

/// Rows that are equal in all columns before `column`, and there in their first `depth` bytes.
struct Equal {
    start: usize,
    end: usize,
    column: usize,
    depth: usize,
}

fn sorted(columns: &[KeyColumn], rows: usize) -> SortedRows {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let mut is_start = vec![true; rows];
    let mut scratch: Vec<(u64, u32)> = Vec::with_capacity(rows);
    let mut spare = Vec::new();
    let mut waiting = vec![Equal { start: 0, end: rows, column: 0, depth: 0 }];
    while let Some(equal) = waiting.pop() {
        let Some(column) = columns.get(equal.column) else {
            is_start[equal.start..equal.end].iter_mut().skip(1).for_each(|is_start| *is_start = false);
            continue;
        };
        let rows = &mut order[equal.start..equal.end];
        let depth = equal.depth + column.common(rows, equal.depth);
        scratch.clear();
        scratch.extend(rows.iter().map(|row| (column.word(*row, depth), *row)));
        sort_words(&mut scratch, &mut spare);
        let mut start = equal.start;
        for run in scratch.chunk_by(|a, b| a.0 == b.0) {
            let end = start + run.len();
            if run.len() > 1 {
                let (column, depth) = match column.goes_on(run[0].0) {
                    true => (equal.column, depth + words::BYTES_OF_WORD),
                    false => (equal.column + 1, 0),
                };
                waiting.push(Equal { start, end, column, depth });
            }
            start = end;
        }
        rows.iter_mut().zip(&scratch).for_each(|(row, sorted)| *row = sorted.1);
    }
    let starts = is_start.iter().enumerate().filter(|(_, is_start)| **is_start).map(|(at, _)| at as u32);
    let starts = starts.chain([rows as u32]).collect();
    SortedRows { order, starts }
}

/// Fewer words than these are sorted by comparing.
const RADIX_ROWS_MIN: usize = 2_048;

/// Sorts by words; the rows of equal words, which come in the order of their numbers, stay in it. Many words go by one byte
/// after the other, least significant first (Knuth: The Art of Computer Programming 3, 5.2.5), without the bytes that all
/// of them share: a word is mostly a few digits or the difference of two times.
fn sort_words(words: &mut Vec<(u64, u32)>, spare: &mut Vec<(u64, u32)>) {
    if words.len() < RADIX_ROWS_MIN {
        // row numbers differ: an unstable sort of pairs is a stable one of words
        return words.sort_unstable();
    }
    if words.is_sorted_by_key(|word| word.0) {
        return;
    }
    let first = words[0].0;
    let differing = words.iter().fold(0, |differing, word| differing | (word.0 ^ first));
    spare.resize(words.len(), (0, 0));
    for shift in (0..u64::BITS).step_by(8).filter(|shift| differing >> shift & 0xff != 0) {
        let byte = |word: &(u64, u32)| (word.0 >> shift & 0xff) as usize;
        let mut counts = [0usize; 256];
        words.iter().for_each(|word| counts[byte(word)] += 1);
        let mut next = counts;
        let mut sum = 0;
        for (next, count) in next.iter_mut().zip(counts) {
            *next = sum;
            sum += count;
        }
        for word in words.iter() {
            let at = &mut next[byte(word)];
            spare[*at] = *word;
            *at += 1;
        }
        std::mem::swap(words, spare);
    }
}

#[cfg(test)]
mod tests;
