//! The rows of one whole sorting key in a part, without a scan: at the rows that the key index names where there is one, by
//! bisection in marks and granules otherwise.
//!
//! A part that was written with other key columns than the probe has says so ([`Part::read_key`] gives `None`), and the
//! caller reads it as any other query does. Never leaves out a row of the key, never gives one of another key.

use std::cmp::Ordering;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, make_comparator};
use arrow::compute::SortOptions;

use types::{Block, Column, DataType};

use crate::error::{Error, Result};
use crate::file::{Caching, FilePart};
use crate::key_index::{KeyHasher, KeyIndex};
use crate::part::{Part, PartData};
use crate::schema::PartSchema;

/// Rows that are read at once around a row that the index names: far more than a key of a keyed table has.
const RUN_ROWS: usize = 64;
/// More granules than this for one key are a scan, which others do better.
const GRANULES_MAX: usize = 64;
/// One of so many reads past the cache decodes the whole granule, so that what is asked often gets there.
const ADMIT_EVERY: u64 = 16;

/// One whole sorting key, as rows are compared with it.
#[derive(Clone, Debug)]
pub struct KeyProbe {
    columns: Vec<(Column, bool)>,
    values: Vec<ArrayRef>,
    hash: u64,
}

impl KeyProbe {
    /// The key with these values: one array of one row a column of the schema's sorting key, of its Arrow type. `None`
    /// for keys that have no direct order: none at all, floats, containers.
    pub fn new(schema: &PartSchema, values: Vec<ArrayRef>) -> Result<Option<KeyProbe>> {
        let columns = schema.sort_key.iter().map(|key| (schema.header.columns()[key.position].clone(), key.descending));
        let columns: Vec<(Column, bool)> = columns.collect();
        if columns.is_empty() || !columns.iter().all(|(column, _)| is_direct(&column.ty)) {
            return Ok(None);
        }
        let hash = KeyHasher::new(schema).hash_keys(&values, 1)?.first().copied().unwrap_or_default();
        Ok(Some(KeyProbe { columns, values, hash }))
    }

    /// The key's hash, as indexes have it.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Where the rows of the key are among sorted rows, of which these are the key columns, or the first ones of them.
    fn find(&self, arrays: &[ArrayRef], within: Range<usize>) -> Result<Range<usize>> {
        let columns = self.columns.iter().zip(arrays).zip(&self.values);
        let compare = columns
            .map(|(((column, descending), array), value)| comparison(&column.ty, array, value, *descending))
            .collect::<Result<Vec<_>>>()?;
        let order = |row: usize| {
            compare
                .iter()
                .map(|compare| compare(row))
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        };
        // the first row is the one that an index names
        let is_at_start = !within.is_empty() && order(within.start) != Ordering::Less;
        let start = if is_at_start { within.start } else { bisect(within.clone(), |row| order(row) == Ordering::Less) };
        let end = gallop(start..within.end, |row| order(row) != Ordering::Greater);
        Ok(start..end)
    }

    /// Where the key's columns are in a part; none when it was written with others.
    fn positions(&self, part: &Part) -> Option<Vec<usize>> {
        let header = &part.meta.header;
        let position = |(column, _): &(Column, bool)| {
            header.position(&column.name).filter(|position| header.columns()[*position].ty == column.ty)
        };
        let marks = part.meta.marks.header().columns();
        let marked = marks.len() <= self.columns.len()
            && marks.iter().zip(&self.columns).all(|(mark, (column, _))| mark == column);
        self.columns.iter().map(position).collect::<Option<Vec<_>>>().filter(|_| marked)
    }
}

/// True for types whose cells are in order as they are (and UUIDs, which have an order of their own).
fn is_direct(ty: &DataType) -> bool {
    match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => is_direct(inner),
        DataType::Enum(_) | DataType::Bool | DataType::Uuid | DataType::Ipv4 | DataType::Ipv6 => true,
        ty => ty.is_integer() || ty.is_string() || ty.is_date_or_time(),
    }
}

type Comparison = Box<dyn Fn(usize) -> Ordering + Send + Sync>;

/// Compares a row of `array` with `value`, in the order of the key.
fn comparison(ty: &DataType, array: &ArrayRef, value: &ArrayRef, descending: bool) -> Result<Comparison> {
    let inner = match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => inner,
        ty => ty,
    };
    if *inner == DataType::Uuid {
        let (array, value) = (array.clone(), value.clone());
        return Ok(Box::new(move |row| {
            let order = uuid_halves(&array, row).cmp(&uuid_halves(&value, 0));
            if descending { order.reverse() } else { order }
        }));
    }
    let options = SortOptions { descending, nulls_first: descending };
    let compare = make_comparator(array.as_ref(), value.as_ref(), options)?;
    Ok(Box::new(move |row| compare(row, 0)))
}

/// NULL last, then the second half before the first, as ClickHouse orders UUIDs.
fn uuid_halves(array: &ArrayRef, row: usize) -> (bool, [u8; 16]) {
    let mut bytes: [u8; 16] = array.as_fixed_size_binary().value(row).try_into().unwrap_or_default();
    bytes.rotate_left(8);
    (array.is_null(row), bytes)
}

/// The first of `rows` for which `before` is false.
fn bisect(rows: Range<usize>, before: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut end) = (rows.start, rows.end);
    while start < end {
        let middle = start + (end - start) / 2;
        if before(middle) { start = middle + 1 } else { end = middle }
    }
    start
}

/// As [`bisect`], for an answer that is near the start: only what lies around it is touched.
fn gallop(rows: Range<usize>, before: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut step) = (rows.start, 1);
    while step <= rows.end - start && before(start + step - 1) {
        start += step;
        step *= 2;
    }
    bisect(start..rows.end.min(start + step - 1), before)
}

impl Part {
    /// The rows of a key and of the columns at `columns` (positions of `meta.header`), in the part's order. `None` when
    /// the part was written with another key, or the key does not narrow it down.
    pub async fn read_key(
        &self,
        probe: &KeyProbe,
        columns: &[usize],
        index: Option<&KeyIndex>,
    ) -> Result<Option<Block>> {
        let Some(key) = probe.positions(self) else { return Ok(None) };
        let nothing = || Block::empty(self.meta.header.project(columns));
        if self.meta.rows == 0 || index.is_some_and(|index| !index.may_contain(probe.hash)) {
            return Ok(Some(nothing()));
        }
        let file = match &self.data {
            PartData::Memory(block) => {
                let arrays: Vec<ArrayRef> = key.iter().map(|position| block.array(*position).clone()).collect();
                let rows = probe.find(&arrays, 0..block.rows())?;
                return Ok(Some(block.project(columns).slice(rows.start, rows.len())));
            }
            PartData::File(file) => file,
        };
        let needed: Vec<usize> = key.iter().chain(columns).copied().collect();
        let cut = Cut { probe, file, key: key.len(), needed };
        let found = match index {
            Some(index) => cut.at_rows(index.lookup(probe.hash)).await?,
            None => cut.in_granules(self.granules_of(probe)?).await?,
        };
        let Some(found) = found else { return Ok(None) };
        Ok(Some(match found.as_slice() {
            [] => nothing(),
            [only] => only.clone(),
            several => Block::concat(&self.meta.header.project(columns), several)?,
        }))
    }

    /// The granules that can hold rows of the key.
    fn granules_of(&self, probe: &KeyProbe) -> Result<Range<usize>> {
        let marks = &self.meta.marks;
        let at = probe.find(marks.arrays(), 0..marks.rows())?;
        // A granule ends where the next one starts, so the one before the first equal mark may hold the key; the last
        // mark is the last row of all.
        let none_reaches = at.start == marks.rows();
        let start = if none_reaches { at.end } else { at.start.saturating_sub(1) };
        Ok(start..at.end.min(self.granules()).max(start))
    }
}

/// Takes the rows of a key out of a file, in blocks that have the key's columns first and those asked for after them.
struct Cut<'a> {
    probe: &'a KeyProbe,
    file: &'a FilePart,
    key: usize,
    needed: Vec<usize>,
}

impl Cut<'_> {
    /// The rows of the key in whole granules; `None` for too many of them.
    async fn in_granules(&self, granules: Range<usize>) -> Result<Option<Vec<Block>>> {
        if GRANULES_MAX < granules.len() {
            return Ok(None);
        }
        let mut found = Vec::with_capacity(granules.len());
        for granule in granules {
            let block = self.granule(granule).await?;
            let rows = self.find(&block, 0)?;
            found.push(self.rows(&block, rows));
        }
        Ok(Some(found))
    }

    /// The rows of the key at the rows that the index names, and after them while they go on; `None` when they go on for
    /// too long. A hash is not a key: there may be another one, before the one that is meant or instead of it.
    async fn at_rows(&self, firsts: Vec<u32>) -> Result<Option<Vec<Block>>> {
        let rows_max = self.file.meta().rows as usize;
        let mut found = Vec::with_capacity(firsts.len());
        let (mut at, mut granules) = (0, 0);
        for first in firsts {
            if (first as usize) < at {
                // found already, behind rows of another key
                continue;
            }
            at = first as usize;
            while at < rows_max {
                let (block, start) = self.around(at, at == first as usize).await?;
                let rows = self.find(&block, at - start)?;
                let goes_on = !rows.is_empty() && rows.end == block.rows();
                if !rows.is_empty() {
                    at = start + rows.end;
                    found.push(self.rows(&block, rows));
                }
                if !goes_on {
                    break;
                }
                granules += 1;
                if GRANULES_MAX < granules {
                    return Ok(None);
                }
            }
        }
        Ok(Some(found))
    }

    /// Rows from `row` on, and the number of the block's first row: its granule, where the cache has it or is to have it;
    /// only a few rows, page by page, where that is enough.
    async fn around(&self, row: usize, is_first: bool) -> Result<(Block, usize)> {
        let meta = self.file.meta();
        let granule = row / meta.index_granularity;
        if let Some(block) = self.file.cached_granule(&self.needed, granule) {
            return Ok((block, granule * meta.index_granularity));
        }
        if is_first && !self.file.admits(ADMIT_EVERY) {
            let end = (row + RUN_ROWS).min(meta.rows as usize);
            let distinct = distinct(&self.needed);
            let block = self.file.read_rows(&distinct, row..end).await?;
            return Ok((spread(&block, &distinct, &self.needed), row));
        }
        Ok((self.decoded(granule).await?, granule * meta.index_granularity))
    }

    async fn granule(&self, granule: usize) -> Result<Block> {
        match self.file.cached_granule(&self.needed, granule) {
            Some(block) => Ok(block),
            None => self.decoded(granule).await,
        }
    }

    /// A granule from the file; the cache has it then.
    async fn decoded(&self, granule: usize) -> Result<Block> {
        let distinct = distinct(&self.needed);
        let blocks = self.file.read(&distinct, granule..granule + 1, Caching::Use).await?;
        let block = blocks.first().ok_or(Error::Damaged("granule is missing in file"))?;
        Ok(spread(block, &distinct, &self.needed))
    }

    /// Where the key's rows are among those of a block from `start` on.
    fn find(&self, block: &Block, start: usize) -> Result<Range<usize>> {
        self.probe.find(block.arrays().get(..self.key).unwrap_or_default(), start..block.rows())
    }

    fn rows(&self, block: &Block, rows: Range<usize>) -> Block {
        let asked: Vec<usize> = (self.key..self.needed.len()).collect();
        block.project(&asked).slice(rows.start, rows.len())
    }
}

/// The positions without repetition: files give each column once.
fn distinct(needed: &[usize]) -> Vec<usize> {
    let mut distinct: Vec<usize> = Vec::with_capacity(needed.len());
    needed.iter().for_each(|position| {
        if !distinct.contains(position) {
            distinct.push(*position);
        }
    });
    distinct
}

/// A block of the columns at `distinct` as one of those at `needed`.
fn spread(block: &Block, distinct: &[usize], needed: &[usize]) -> Block {
    let place = |position: &usize| distinct.iter().position(|other| other == position).unwrap_or_default();
    block.project(&needed.iter().map(place).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
