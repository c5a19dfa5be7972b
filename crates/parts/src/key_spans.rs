//! Which granules of any part have keys between those of some others: under FINAL the rivals of a row are in these.
//!
//! Ends are inclusive: rows of equal key may end one granule and begin the next. Never leaves out a granule that has a key in
//! between.

use std::ops::Range;

use crate::error::Result;
use crate::meta::PartMeta;
use crate::order::KeyEncoder;
use crate::schema::PartSchema;

/// Stretches of keys.
#[derive(Debug)]
pub struct KeySpans {
    encoder: KeyEncoder,
    /// First and last key of each, inclusive.
    spans: Vec<(Vec<u8>, Vec<u8>)>,
}

impl KeySpans {
    /// None yet. Parts whose marks are of another key than the schema's primary key are not for it.
    pub fn new(schema: &PartSchema) -> Result<KeySpans> {
        let key = schema.sort_key.get(..schema.primary_key_len).unwrap_or_default();
        Ok(KeySpans { encoder: KeyEncoder::new(&schema.header, key)?, spans: Vec::new() })
    }

    /// True when the part's marks are keys of this schema.
    pub fn knows(schema: &PartSchema, meta: &PartMeta) -> bool {
        let key = schema.sort_key.iter().take(schema.primary_key_len);
        let key = key.map(|key| schema.header.columns().get(key.position).map(|column| &column.ty));
        let marks = meta.marks.header().columns().iter().map(|column| Some(&column.ty));
        key.eq(marks) && meta.granules() < meta.marks.rows()
    }

    /// Adds the keys of these granules.
    pub fn add(&mut self, meta: &PartMeta, granules: &[Range<usize>]) -> Result<()> {
        let keys = self.encoder.encode_arrays(meta.marks.arrays(), meta.marks.rows())?;
        for range in granules.iter().filter(|range| range.end < keys.num_rows()) {
            self.spans.push((keys.row(range.start).data().to_vec(), keys.row(range.end).data().to_vec()));
        }
        Ok(())
    }

    /// Puts stretches that touch together; to be called before [`KeySpans::reached`].
    pub fn join(&mut self) {
        self.spans.sort_unstable();
        let mut joined: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(self.spans.len());
        for (first, last) in self.spans.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if first <= *end => *end = std::mem::take(end).max(last),
                _ => joined.push((first, last)),
            }
        }
        self.spans = joined;
    }

    /// Those of the granules that have keys in one of the stretches, ascending and disjoint.
    pub fn reached(&self, meta: &PartMeta, granules: &[Range<usize>]) -> Result<Vec<Range<usize>>> {
        let keys = self.encoder.encode_arrays(meta.marks.arrays(), meta.marks.rows())?;
        let mut reached: Vec<Range<usize>> = Vec::new();
        for granule in granules.iter().flat_map(Clone::clone) {
            if keys.num_rows() <= granule + 1 {
                continue;
            }
            let (first, last) = (keys.row(granule), keys.row(granule + 1));
            // the first stretch that does not end before the granule
            let at = self.spans.partition_point(|(_, end)| end.as_slice() < first.data());
            if self.spans.get(at).is_none_or(|(start, _)| last.data() < start.as_slice()) {
                continue;
            }
            match reached.last_mut() {
                Some(end) if end.end == granule => end.end += 1,
                _ => reached.push(granule..granule + 1),
            }
        }
        Ok(reached)
    }
}
