//! SummingMergeTree's maps: `Nested` columns `xMap.key, xMap.value…` whose values are added up by key.
//!
//! ```text
//! key [1,2] value [10,20]  +  key [2,3] value [-20,5]   =   key [1,3] value [10,5]
//! ```
//!
//! ClickHouse has two ways of doing it and so have we. One key column: keys come out sorted, entries whose sums are all
//! zero go, in groups of one row as well. Several: rows are merged one after another, and an entry goes when adding to it
//! makes it zero (a later row may bring it back); a group of one row stays as it is. Sums are made in 64 bits (wide types:
//! in their own) and cut to the column's type at the end, so an entry whose UInt8 sum wraps to 0 stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType as ArrowType, Field};
use types::{Block, Column, DataType, Header};

use self::wide_sum::WideSum;
use crate::error::{Error, Result};
use crate::order::KeyEncoder;
use crate::schema::{SortColumn, SumMap};

mod wide_sum;

/// The columns of one map after merging.
pub struct MergedMap {
    /// Header position and new array of each key and value column.
    pub columns: Vec<(usize, ArrayRef)>,
    /// Whether the map keeps a group's row from being dropped as zero.
    pub saves_row: Vec<bool>,
}

/// An entry of a merged map: the element that its key (and first value) stands in, and its sums.
struct Entry {
    element: usize,
    sums: Vec<WideSum>,
}

/// One map a group.
pub fn merged(block: &Block, starts: &[u32], map: &SumMap) -> Result<MergedMap> {
    let lists = Lists::new(block, map)?;
    let is_composite = 1 < map.keys.len();
    let mut merged = Vec::new();
    let mut ends = Vec::with_capacity(starts.len());
    let mut saves_row = Vec::with_capacity(starts.len());
    for group in starts.windows(2) {
        let rows = group[0] as usize..group[1] as usize;
        let before = merged.len();
        match (is_composite, rows.len()) {
            (true, 1) => merged.extend(lists.elements(rows.start).map(|element| lists.entry(element))),
            (true, _) => merged.extend(lists.merge_in_turn(rows)),
            (false, _) => merged.extend(lists.add_up(rows)),
        }
        ends.push(merged.len());
        saves_row.push(!is_composite || (1 < group[1] - group[0] && before < merged.len()));
    }
    let columns = lists.rebuild(&merged, &ends)?;
    Ok(MergedMap { columns, saves_row })
}

/// The arrays of one map, all of the same lengths.
struct Lists<'a> {
    map: &'a SumMap,
    offsets: OffsetBuffer<i32>,
    keys: arrow_row::Rows,
    key_values: Vec<ArrayRef>,
    value_types: Vec<DataType>,
    values: Vec<ArrayRef>,
}

impl<'a> Lists<'a> {
    fn new(block: &Block, map: &'a SumMap) -> Result<Lists<'a>> {
        let list = |position: &usize| block.array(*position).as_list::<i32>().clone();
        let keys: Vec<ListArray> = map.keys.iter().map(list).collect();
        let values: Vec<ListArray> = map.values.iter().map(list).collect();
        let first = keys.first().ok_or_else(|| Error::Schema("map without a key".to_owned()))?;
        let starts_at_zero = |list: &ListArray| list.offsets().first().copied().unwrap_or(0);
        // slices of lists need not start at element 0: cut the elements so that all do
        let cut = |list: &ListArray| {
            let (start, end) = (starts_at_zero(list), list.offsets().last().copied().unwrap_or(0));
            list.values().slice(start as usize, (end - start) as usize)
        };
        let lengths = |list: &ListArray| list.offsets().lengths().collect::<Vec<_>>();
        let wanted = lengths(first);
        if keys.iter().chain(&values).any(|list| lengths(list) != wanted) {
            return Err(Error::Schema("arrays of one nested column differ in length".to_owned()));
        }
        let item = |position: &usize| match &block.header().columns()[*position].ty {
            DataType::Array(item) => Ok((**item).clone()),
            other => Err(Error::Schema(format!("map column of type {other}"))),
        };
        let key_types = map.keys.iter().map(item).collect::<Result<Vec<_>>>()?;
        let header = Header::new(key_types.into_iter().map(|ty| Column::new("", ty)).collect::<Vec<_>>());
        let columns: Vec<SortColumn> = (0..header.len()).map(SortColumn::ascending).collect();
        let key_values: Vec<ArrayRef> = keys.iter().map(cut).collect();
        let elements = key_values.first().map_or(0, |array| array.len());
        Ok(Lists {
            map,
            offsets: OffsetBuffer::from_lengths(wanted),
            keys: KeyEncoder::new(&header, &columns)?.encode_arrays(&key_values, elements)?,
            key_values,
            value_types: map.values.iter().map(item).collect::<Result<_>>()?,
            values: values.iter().map(cut).collect(),
        })
    }

    /// The elements of one row's arrays.
    fn elements(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    fn entry(&self, element: usize) -> Entry {
        let sums = self.value_types.iter().zip(&self.values);
        Entry { element, sums: sums.map(|(ty, array)| WideSum::read(ty, array, element)).collect() }
    }

    fn add(&self, entry: &mut Entry, element: usize) {
        let values = self.value_types.iter().zip(&self.values);
        for (sum, (ty, array)) in entry.sums.iter_mut().zip(values) {
            sum.add(WideSum::read(ty, array, element));
        }
    }

    /// One key column: everything added up, then zeros dropped.
    fn add_up(&self, rows: std::ops::Range<usize>) -> Vec<Entry> {
        let mut entries: BTreeMap<&[u8], Entry> = BTreeMap::new();
        for element in rows.flat_map(|row| self.elements(row)) {
            match entries.get_mut(self.keys.row(element).data()) {
                Some(entry) => self.add(entry, element),
                None => {
                    entries.insert(self.keys.row(element).data(), self.entry(element));
                }
            }
        }
        entries.into_values().filter(|entry| !entry.sums.iter().all(WideSum::is_zero)).collect()
    }

    /// A composite key: an entry goes at the moment when it becomes zero.
    fn merge_in_turn(&self, rows: std::ops::Range<usize>) -> Vec<Entry> {
        let mut entries: BTreeMap<&[u8], Entry> = BTreeMap::new();
        for element in rows.flat_map(|row| self.elements(row)) {
            let key = self.keys.row(element).data();
            let Some(entry) = entries.get_mut(key) else {
                entries.insert(key, self.entry(element));
                continue;
            };
            self.add(entry, element);
            if entry.sums.iter().all(WideSum::is_zero) {
                entries.remove(key);
            }
        }
        entries.into_values().collect()
    }

    fn rebuild(&self, entries: &[Entry], ends: &[usize]) -> Result<Vec<(usize, ArrayRef)>> {
        let lengths = ends.iter().scan(0, |start, end| Some(end - std::mem::replace(start, *end)));
        let offsets: OffsetBuffer<i32> = OffsetBuffer::from_lengths(lengths);
        let elements = UInt32Array::from(entries.iter().map(|entry| entry.element as u32).collect::<Vec<_>>());
        let list = |values: ArrayRef| -> Result<ArrayRef> {
            let field = Arc::new(Field::new("item", values.data_type().clone(), true));
            Ok(Arc::new(ListArray::try_new(field, offsets.clone(), values, None)?))
        };
        let mut columns = Vec::with_capacity(self.map.keys.len() + self.map.values.len());
        for (position, keys) in self.map.keys.iter().zip(&self.key_values) {
            columns.push((*position, list(take(keys, &elements, None)?)?));
        }
        for (i, position) in self.map.values.iter().enumerate() {
            let ty: &ArrowType = self.values[i].data_type();
            let sums = entries.iter().map(|entry| &entry.sums[i]);
            columns.push((*position, list(WideSum::collect(&self.value_types[i], ty, sums)?)?));
        }
        Ok(columns)
    }
}
