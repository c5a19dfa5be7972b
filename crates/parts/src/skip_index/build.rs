//! Rows to entries, as they are written.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, ListArray, UInt8Array, UInt32Array};
use arrow::buffer::OffsetBuffer;
use types::{Block, DataType};

use super::{Filter, SkipIndex, SkipKind, bloom, text};
use crate::error::Result;
use crate::key_index::hash_values;
use crate::meta::MinMaxBuilder;
use crate::order::KeyEncoder;
use crate::schema::SortColumn;

/// Gathers the entries of one index while its columns pass in the order of the part.
pub(crate) struct Builder {
    index: SkipIndex,
    rows_each: usize,
    /// Rows of the entry under way.
    held: Vec<Block>,
    held_rows: usize,
    entries: Vec<Block>,
}

impl Builder {
    pub(crate) fn new(index: &SkipIndex, index_granularity: usize) -> Builder {
        let rows_each = index_granularity.saturating_mul(index.granularity).max(1);
        Builder { index: index.clone(), rows_each, held: Vec::new(), held_rows: 0, entries: Vec::new() }
    }

    pub(crate) fn push(&mut self, columns: &Block) -> Result<()> {
        let mut start = 0;
        while start < columns.rows() {
            let take = (self.rows_each - self.held_rows).min(columns.rows() - start);
            self.held.push(columns.slice(start, take));
            self.held_rows += take;
            start += take;
            if self.held_rows == self.rows_each {
                self.end_entry()?;
            }
        }
        Ok(())
    }

    /// All entries.
    pub(crate) fn finish(mut self) -> Result<Block> {
        if 0 < self.held_rows {
            self.end_entry()?;
        }
        Ok(Block::concat(&self.index.entry_header(), &self.entries)?)
    }

    fn end_entry(&mut self) -> Result<()> {
        let rows = Block::concat(&self.index.columns, &std::mem::take(&mut self.held))?;
        self.held_rows = 0;
        let mut arrays: Vec<ArrayRef> = Vec::new();
        match self.index.kind {
            SkipKind::MinMax => {
                for position in 0..rows.header().len() {
                    arrays.extend(min_max(&rows, position)?);
                }
            }
            SkipKind::Set { values_max } => arrays = set(&rows, values_max)?,
            SkipKind::Bloom { false_positives } => {
                for (column, array) in rows.header().columns().iter().zip(rows.arrays()) {
                    let hashes = different_hashes(&column.ty, array)?;
                    arrays.push(bytes_of(&bloom::of_hashes(&hashes, false_positives)));
                }
            }
            SkipKind::Tokens(filter) => {
                let hash_all = |text: &[u8], add: &mut dyn FnMut(u64)| {
                    text::words(text).for_each(|(_, word)| add(text::hash(word, filter.seed)));
                };
                arrays.extend(rows.arrays().iter().map(|array| of_texts(array, filter, &hash_all)));
            }
            SkipKind::Ngrams { n, filter } => {
                let hash_all = |text: &[u8], add: &mut dyn FnMut(u64)| {
                    text::ngrams(text, n).for_each(|piece| add(text::hash(piece, filter.seed)));
                };
                arrays.extend(rows.arrays().iter().map(|array| of_texts(array, filter, &hash_all)));
            }
        }
        self.entries.push(Block::new(self.index.entry_header(), arrays)?);
        Ok(())
    }
}

/// Smallest, largest, and whether there are NULLs: 0 none, 1 some, 2 nothing else.
fn min_max(rows: &Block, position: usize) -> Result<[ArrayRef; 3]> {
    let mut builder = MinMaxBuilder::new(rows.header(), position)?;
    builder.push(rows)?;
    let known = builder.finish();
    let nulls = |kind: u8| -> ArrayRef { Arc::new(UInt8Array::from(vec![kind])) };
    if known.values.len() < 2 {
        let nothing = known.column.ty.default_array(1);
        return Ok([nothing.clone(), nothing, nulls(2)]);
    }
    Ok([known.values.slice(0, 1), known.values.slice(1, 1), nulls(known.has_null.into())])
}

/// Whether there are too many values, then the different rows, a list a column.
fn set(rows: &Block, values_max: usize) -> Result<Vec<ArrayRef>> {
    let key: Vec<SortColumn> = (0..rows.header().len()).map(SortColumn::ascending).collect();
    let keys = KeyEncoder::new(rows.header(), &key)?.encode(rows)?;
    let (mut seen, mut first) = (BTreeSet::new(), Vec::new());
    for row in 0..rows.rows() {
        if seen.insert(keys.row(row).data()) {
            first.push(row as u32);
        }
        if values_max != 0 && values_max < first.len() {
            break;
        }
    }
    let full = values_max != 0 && values_max < first.len();
    let first = if full { Vec::new() } else { first };
    let different = rows.take(&UInt32Array::from(first))?;
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(UInt8Array::from(vec![u8::from(full)]))];
    for (column, values) in rows.header().columns().iter().zip(different.arrays()) {
        let ty = DataType::Array(Arc::new(column.ty.clone())).arrow_type();
        let arrow::datatypes::DataType::List(item) = ty else { continue };
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        arrays.push(Arc::new(ListArray::try_new(item, offsets, values.clone(), None)?));
    }
    Ok(arrays)
}

/// The hashes of the different values, of arrays those of their items; NULL has none.
fn different_hashes(ty: &DataType, array: &ArrayRef) -> Result<Vec<u64>> {
    let mut hashes: Vec<u64> = match (ty, array.as_list_opt::<i32>()) {
        (DataType::Array(item), Some(lists)) => hash_values(item, &items_of(lists))?.into_iter().flatten().collect(),
        _ => hash_values(ty, array)?.into_iter().flatten().collect(),
    };
    hashes.sort_unstable();
    hashes.dedup();
    Ok(hashes)
}

/// The items of all lists, one after the other.
pub(super) fn items_of(lists: &ListArray) -> ArrayRef {
    let (start, end) = match (lists.value_offsets().first(), lists.value_offsets().last()) {
        (Some(start), Some(end)) => (*start as usize, *end as usize),
        _ => (0, 0),
    };
    lists.values().slice(start, end - start)
}

/// What puts the hashes of a text into a filter.
type HashAll<'a> = &'a dyn Fn(&[u8], &mut dyn FnMut(u64));

fn of_texts(array: &ArrayRef, filter: Filter, hash_all: HashAll<'_>) -> ArrayRef {
    let mut bits = bloom::empty(filter.bytes, u8::try_from(filter.hashes).unwrap_or(u8::MAX));
    for_each_text(array, &mut |text| hash_all(text, &mut |hash| bloom::add(&mut bits, hash)));
    bytes_of(&bits)
}

/// Every text of a column of texts, or of lists of texts.
fn for_each_text(array: &ArrayRef, with: &mut dyn FnMut(&[u8])) {
    if let Some(texts) = array.as_binary_opt::<i32>() {
        texts.iter().flatten().for_each(with);
    } else if let Some(texts) = array.as_fixed_size_binary_opt() {
        texts.iter().flatten().for_each(with);
    } else if let Some(lists) = array.as_list_opt::<i32>() {
        for_each_text(&items_of(lists), with);
    }
}

fn bytes_of(bytes: &[u8]) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values([bytes]))
}
