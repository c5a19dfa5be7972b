//! Parts cut into slices of the key, so that each slice can be merged by itself: rows of one key are all in the same one.
//!
//! ```text
//! primary key     a ───────────── k ───────────── s ───────────── z
//! slice                  0               1               2
//! granules        a part's granule that holds a cut is read for both slices, which take their own rows of it
//! ```

use std::ops::Range;

use futures::StreamExt;
use types::Block;

use crate::error::Result;
use crate::key_spans::KeySpans;
use crate::merge::Run;
use crate::meta::PartMeta;
use crate::order::KeyEncoder;
use crate::schema::PartSchema;

/// Where a table's key is cut.
#[derive(Debug)]
pub struct KeySlices {
    encoder: KeyEncoder,
    /// The first key of each slice but the first, ascending.
    cuts: Vec<Vec<u8>>,
}

/// The keys of one slice.
#[derive(Clone, Debug)]
pub struct KeySlice {
    /// The first key inside; without it, all from the smallest on.
    lower: Option<Vec<u8>>,
    /// The first key behind.
    upper: Option<Vec<u8>>,
}

impl KeySlices {
    /// At most `count` slices with about as many granules each; `pieces` are those that are read. None where the parts'
    /// marks do not tell, so that there is only one slice.
    pub fn of(schema: &PartSchema, pieces: &[(&PartMeta, &[Range<usize>])], count: usize) -> Result<Option<KeySlices>> {
        let key = schema.sort_key.get(..schema.primary_key_len).unwrap_or_default();
        if key.is_empty() || count < 2 || !pieces.iter().all(|(meta, _)| KeySpans::knows(schema, meta)) {
            return Ok(None);
        }
        let encoder = KeyEncoder::new(&schema.header, key)?;
        let mut firsts: Vec<Vec<u8>> = Vec::new();
        for (meta, granules) in pieces {
            let keys = encoder.encode_arrays(meta.marks.arrays(), meta.marks.rows())?;
            firsts.extend(granules.iter().flat_map(Clone::clone).map(|granule| keys.row(granule).data().to_vec()));
        }
        firsts.sort_unstable();
        let mut cuts: Vec<Vec<u8>> =
            (1..count).filter_map(|slice| firsts.get(firsts.len() * slice / count).cloned()).collect();
        cuts.dedup();
        Ok(Some(KeySlices { encoder, cuts }))
    }

    /// The slice of this number; none when there are fewer.
    pub fn slice(&self, number: usize) -> Option<KeySlice> {
        let cut = |at: Option<usize>| at.and_then(|at| self.cuts.get(at).cloned());
        let slice = KeySlice { lower: cut(number.checked_sub(1)), upper: cut(Some(number)) };
        (number <= self.cuts.len()).then_some(slice)
    }

    /// Those of a part's granules that have keys of the slice, ascending and disjoint.
    pub fn granules(&self, slice: &KeySlice, meta: &PartMeta, granules: &[Range<usize>]) -> Result<Vec<Range<usize>>> {
        let keys = self.encoder.encode_arrays(meta.marks.arrays(), meta.marks.rows())?;
        let mut inside: Vec<Range<usize>> = Vec::new();
        for granule in granules.iter().flat_map(Clone::clone) {
            // the last key of a granule is at most the first of the next one
            if slice.is_behind(keys.row(granule + 1).data()) || slice.is_before(keys.row(granule).data()) {
                continue;
            }
            match inside.last_mut() {
                Some(last) if last.end == granule => last.end += 1,
                _ => inside.push(granule..granule + 1),
            }
        }
        Ok(inside)
    }
}

impl KeySlice {
    /// True when the slice begins behind this key.
    fn is_behind(&self, key: &[u8]) -> bool {
        self.lower.as_ref().is_some_and(|lower| key < lower.as_slice())
    }

    /// True when the slice ends before this key.
    fn is_before(&self, key: &[u8]) -> bool {
        self.upper.as_ref().is_some_and(|upper| upper.as_slice() <= key)
    }

    /// The rows of a sorted run that are in the slice. `schema` is that of the run's blocks.
    pub fn rows(&self, schema: &PartSchema, run: Run) -> Result<Run> {
        let key = schema.sort_key.get(..schema.primary_key_len).unwrap_or_default();
        let (encoder, slice) = (KeyEncoder::new(&schema.header, key)?, self.clone());
        Ok(run.map(move |block| slice.cut(&encoder, block?)).boxed())
    }

    fn cut(&self, encoder: &KeyEncoder, block: Block) -> Result<Block> {
        if block.rows() == 0 {
            return Ok(block);
        }
        let (first, last) = (encoder.encode(&block.slice(0, 1))?, encoder.encode(&block.slice(block.rows() - 1, 1))?);
        let (first, last) = (first.row(0), last.row(0));
        if !self.is_behind(first.data()) && !self.is_before(last.data()) {
            return Ok(block);
        }
        let keys = encoder.encode(&block)?;
        let place = |is_left: &dyn Fn(&[u8]) -> bool| {
            let (mut low, mut high) = (0, block.rows());
            while low < high {
                let middle = low.midpoint(high);
                match is_left(keys.row(middle).data()) {
                    true => low = middle + 1,
                    false => high = middle,
                }
            }
            low
        };
        let start = place(&|key| self.is_behind(key));
        let end = place(&|key| !self.is_before(key)).max(start);
        Ok(block.slice(start, end - start))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, UInt64Array};
    use arrow::datatypes::UInt64Type;
    use futures::{StreamExt, TryStreamExt, stream};
    use proptest::prelude::*;
    use types::{Column, DataType, Header};

    use super::*;
    use crate::derived::Derived;
    use crate::schema::{MergeMode, SortColumn};

    fn schema(descending: bool) -> PartSchema {
        let schema = PartSchema {
            header: Header::new(vec![Column::new("k", DataType::UInt64)]),
            sort_key: vec![SortColumn { position: 0, descending }],
            primary_key_len: 1,
            partition_key: vec![],
            merge_mode: MergeMode::Plain,
            index_granularity: 4,
            min_max: vec![],
        };
        schema.checked().unwrap()
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_slice_and_rows_of_a_key_in_the_same(
            parts in proptest::collection::vec(proptest::collection::vec(0u64..40, 1..60), 1..5),
            count in 2usize..6,
            descending in any::<bool>(),
        ) {
            let schema = schema(descending);
            let block = |keys: &Vec<u64>| {
                let keys: ArrayRef = Arc::new(UInt64Array::from(keys.clone()));
                crate::sort::sort_block(&schema, &Block::new(schema.header.clone(), vec![keys]).unwrap()).unwrap()
            };
            let blocks: Vec<Block> = parts.iter().map(block).collect();
            let metas: Vec<PartMeta> =
                blocks.iter().map(|block| PartMeta::of_block(&schema, &Derived::default(), block).unwrap()).collect();
            let granules: Vec<Vec<Range<usize>>> = metas.iter().map(|meta| Vec::from([0..meta.granules()])).collect();
            let pieces: Vec<(&PartMeta, &[Range<usize>])> =
                metas.iter().zip(&granules).map(|(meta, granules)| (meta, granules.as_slice())).collect();
            let slices = KeySlices::of(&schema, &pieces, count).unwrap().unwrap();
            let mut found: Vec<Vec<u64>> = Vec::new();
            for number in 0..count {
                let Some(slice) = slices.slice(number) else { continue };
                let mut keys: Vec<u64> = Vec::new();
                for (block, (meta, granules)) in blocks.iter().zip(&pieces) {
                    let read = slices.granules(&slice, meta, granules).unwrap();
                    let pieces = read.into_iter().map(|range| {
                        let rows = range.start * 4..(range.end * 4).min(block.rows());
                        Ok(block.slice(rows.start, rows.len()))
                    });
                    let run = slice.rows(&schema, stream::iter(pieces.collect::<Vec<_>>()).boxed()).unwrap();
                    for block in futures::executor::block_on(run.try_collect::<Vec<Block>>()).unwrap() {
                        keys.extend(block.array(0).as_primitive::<UInt64Type>().values());
                    }
                }
                keys.sort_unstable();
                found.push(keys);
            }
            let mut all: Vec<u64> = found.concat();
            all.sort_unstable();
            let mut expected: Vec<u64> = parts.concat();
            expected.sort_unstable();
            prop_assert_eq!(all, expected);
            for (at, keys) in found.iter().enumerate() {
                let elsewhere = |key: &u64| found.iter().enumerate().any(|(other, keys)| other != at && keys.contains(key));
                prop_assert!(!keys.iter().any(elsewhere), "a key in two slices");
            }
        }
    }
}
