//! A part file opened for reading: only the pages of the granules and columns asked for are fetched, checked and decoded.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat;
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder};
use types::Block;

use super::checksum;
use super::layout::{FileRef, INDEX_KEY, IndexPlace, PROJECTION_KEY, ProjectionPlace, SECTION_KEY, Section};
use crate::cache::{GranuleCache, GranuleKey};
use crate::error::{Error, Result};
use crate::inline::decode_inline;
use crate::meta::PartMeta;
use crate::part_store::PartStore;
use crate::skip_index::SkipIndex;

/// Whether a read may use the cache of granules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caching {
    /// Looks there first and leaves there what it decoded: queries.
    Use,
    /// Neither: merges and mutations, which read everything once.
    Bypass,
}

/// An open part file. Cheap to clone.
#[derive(Clone)]
pub struct FilePart {
    inner: Arc<Inner>,
}

struct Inner {
    file: FileRef,
    meta: Arc<PartMeta>,
    parquet: ArrowReaderMetadata,
    indexes: Vec<IndexPlace>,
    projections: Vec<ProjectionPlace>,
    sums: Vec<u32>,
    store: Arc<dyn PartStore>,
    cache: Arc<GranuleCache>,
    number: u64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // nobody can ask for this number again
        self.cache.forget(self.number);
    }
}

impl FilePart {
    /// Opens a part file: one read, of everything that is not rows.
    pub async fn open(store: Arc<dyn PartStore>, file: FileRef, cache: Arc<GranuleCache>) -> Result<FilePart> {
        let tail = store.get_range(&file.object, file.body_bytes..file.bytes).await?;
        if crc32c::crc32c(&tail) != file.tail_checksum {
            return Err(Error::Checksum { object: file.object.to_string(), offset: file.body_bytes });
        }
        let parquet = decode_footer(&file, &tail)?;
        let entries = parquet.file_metadata().key_value_metadata();
        let entry = entries.into_iter().flatten().find(|entry| entry.key == SECTION_KEY);
        let entry =
            entry.and_then(|entry| entry.value.as_deref()).ok_or(Error::Damaged("part file without section"))?;
        let section = Section::decode(&tail, entry)?;
        let indexes = index_places(entries.into_iter().flatten(), &file)?;
        let projections = projection_places(entries.into_iter().flatten(), &file)?;
        let mut meta = PartMeta::decode(&section.meta)?;
        meta.bytes = file.bytes;
        check_granules(&meta, &parquet)?;
        let options = ArrowReaderOptions::new().with_schema(meta.header.arrow_schema());
        let parquet = ArrowReaderMetadata::try_new(Arc::new(parquet), options)?;
        let number = cache.register();
        let (meta, sums) = (Arc::new(meta), section.sums);
        let inner = Inner { file, meta, parquet, indexes, projections, sums, store, cache, number };
        Ok(FilePart { inner: Arc::new(inner) })
    }

    /// What is known of the part.
    pub fn meta(&self) -> &Arc<PartMeta> {
        &self.inner.meta
    }

    /// How to open it again.
    pub fn file(&self) -> &FileRef {
        &self.inner.file
    }

    pub(super) fn parquet(&self) -> &ParquetMetaData {
        self.inner.parquet.metadata()
    }

    /// True when the file has neither indexes nor projections.
    pub(super) fn has_rows_only(&self) -> bool {
        self.inner.indexes.is_empty() && self.inner.projections.is_empty()
    }

    /// One block a granule, of the columns at `columns`.
    pub async fn read(&self, columns: &[usize], granules: Range<usize>, caching: Caching) -> Result<Vec<Block>> {
        let mut found: Vec<Vec<Option<ArrayRef>>> =
            granules.clone().map(|g| self.cached(columns, g, caching)).collect();
        let missing: Vec<usize> = (0..columns.len()).filter(|&i| found.iter().any(|row| row[i].is_none())).collect();
        let first = found.iter().position(|row| row.iter().any(Option::is_none));
        let last = found.iter().rposition(|row| row.iter().any(Option::is_none));
        if let (Some(first), Some(last)) = (first, last) {
            let wanted: Vec<usize> = missing.iter().map(|&i| columns[i]).collect();
            let range = granules.start + first..granules.start + last + 1;
            for (offset, arrays) in self.decode(&wanted, range.clone()).await?.into_iter().enumerate() {
                for (&i, array) in missing.iter().zip(arrays) {
                    if caching == Caching::Use && found[first + offset][i].is_none() {
                        self.inner.cache.insert(self.key(columns[i], range.start + offset), array.clone());
                    }
                    found[first + offset][i] = Some(array);
                }
            }
        }
        let header = self.inner.meta.header.project(columns);
        let block = |(granule, arrays): (usize, Vec<Option<ArrayRef>>)| {
            let arrays: Vec<ArrayRef> = arrays.into_iter().flatten().collect();
            Ok(Block::with_rows(header.clone(), arrays, self.rows_of(granule).len())?)
        };
        granules.zip(found).map(block).collect()
    }

    /// The rows with these numbers, past the cache: for single keys, of which a page is enough.
    pub async fn read_rows(&self, columns: &[usize], rows: Range<usize>) -> Result<Block> {
        let header = self.inner.meta.header.project(columns);
        let places = self.places(columns)?;
        let mut blocks = Vec::new();
        for (group, inside) in self.groups_of(&rows) {
            for batch in self.decode_group(columns, group, inside).await? {
                let arrays: Vec<ArrayRef> = places.iter().map(|&place| batch.column(place).clone()).collect();
                blocks.push(Block::with_rows(header.clone(), arrays, batch.num_rows())?);
            }
        }
        Ok(Block::concat(&header, &blocks)?)
    }

    /// One granule of these columns (repetition allowed), when the cache has all of them.
    pub fn cached_granule(&self, columns: &[usize], granule: usize) -> Option<Block> {
        let arrays: Vec<ArrayRef> =
            columns.iter().map(|&column| self.inner.cache.get(self.key(column, granule))).collect::<Option<_>>()?;
        Block::with_rows(self.inner.meta.header.project(columns), arrays, self.rows_of(granule).len()).ok()
    }

    /// Bytes of a column in the file, compressed and not.
    pub fn column_bytes(&self, column: usize) -> (u64, u64) {
        let schema = self.inner.parquet.parquet_schema();
        let groups = self.inner.parquet.metadata().row_groups().iter();
        let chunks = groups.flat_map(|group| group.columns().iter().enumerate());
        let of_column = chunks.filter(|(leaf, _)| schema.get_column_root_idx(*leaf) == column);
        of_column.fold((0, 0), |(compressed, plain), (_, chunk)| {
            let bytes = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
            (compressed + bytes(chunk.compressed_size()), plain + bytes(chunk.uncompressed_size()))
        })
    }

    /// The bytes of an index that the file has; none when it was written without.
    pub fn index_bytes(&self, text: &str) -> Option<u64> {
        self.inner.indexes.iter().find(|place| *place.text == *text).map(|place| place.bytes)
    }

    /// The entries of an index; none when the file was written without it.
    pub async fn skip_index(&self, index: &SkipIndex) -> Result<Option<Block>> {
        let Some(number) = self.inner.indexes.iter().position(|place| place.text == index.text) else {
            return Ok(None);
        };
        let (place, header) = (&self.inner.indexes[number], index.entry_header());
        // columns of indexes are cached behind those of rows, as if they were of the granules 0, 1, …
        let key = |column: usize| GranuleKey {
            file: self.inner.number,
            column: u32::MAX - number as u32,
            granule: column as u32,
        };
        let cached: Option<Vec<ArrayRef>> = (0..header.len()).map(|column| self.inner.cache.get(key(column))).collect();
        let entries = match cached {
            Some(arrays) => Block::new(header, arrays)?,
            None => {
                let range = place.at..place.at + place.bytes;
                let bytes = self.checked_bytes(range).await?;
                let entries = decode_inline(&header, &bytes)?;
                let arrays = entries.arrays().iter().enumerate();
                arrays.for_each(|(column, array)| self.inner.cache.insert(key(column), array.clone()));
                entries
            }
        };
        if entries.rows() != index.entries(self.inner.meta.granules()) {
            return Err(Error::Damaged("skip index has another number of entries than its part"));
        }
        Ok(Some(entries))
    }

    /// Bytes of the body, whose checksums fit.
    pub(super) async fn checked_bytes(&self, range: Range<u64>) -> Result<Bytes> {
        let around = checksum::blocks_around(&range, self.inner.file.body_bytes);
        let object = &self.inner.file.object;
        let bytes = self.inner.store.get_range(object, around.clone()).await?;
        checksum::check(object, &self.inner.sums, around.start, &bytes)?;
        let cut = (range.start - around.start) as usize..(range.end - around.start) as usize;
        match bytes.len() < cut.end {
            true => Err(Error::Damaged("part file ends before what its footer names")),
            false => Ok(bytes.slice(cut)),
        }
    }

    /// The number and place of a projection; none when the file was written without.
    pub(super) fn projection_place(&self, text: &str) -> Option<(usize, &ProjectionPlace)> {
        self.inner.projections.iter().enumerate().find(|(_, place)| *place.text == *text)
    }

    /// Where projections are.
    pub(super) fn projection_places(&self) -> &[ProjectionPlace] {
        &self.inner.projections
    }

    pub(super) fn cached_projection(&self, number: usize, column: usize, chunk: usize) -> Option<ArrayRef> {
        self.inner.cache.get(self.projection_key(number, column, chunk))
    }

    pub(super) fn cache_projection(&self, (number, column, chunk): (usize, usize, usize), array: ArrayRef) {
        self.inner.cache.insert(self.projection_key(number, column, chunk), array);
    }

    /// Columns of projections are cached behind those of the rows and before those of indexes.
    fn projection_key(&self, number: usize, column: usize, chunk: usize) -> GranuleKey {
        let column = 1 << 31 | (number as u32) << 16 | column as u32;
        GranuleKey { file: self.inner.number, column, granule: chunk as u32 }
    }

    /// True for one of `every` reads of single rows: those decode a whole granule into the cache.
    pub fn admits(&self, every: u64) -> bool {
        self.inner.cache.misses().is_multiple_of(every)
    }

    fn cached(&self, columns: &[usize], granule: usize, caching: Caching) -> Vec<Option<ArrayRef>> {
        let get = |&column: &usize| match caching {
            Caching::Use => self.inner.cache.get(self.key(column, granule)),
            Caching::Bypass => None,
        };
        columns.iter().map(get).collect()
    }

    fn key(&self, column: usize, granule: usize) -> GranuleKey {
        GranuleKey { file: self.inner.number, column: column as u32, granule: granule as u32 }
    }

    fn rows_of(&self, granule: usize) -> Range<usize> {
        let (granularity, rows) = (self.inner.meta.index_granularity, self.inner.meta.rows as usize);
        granule * granularity..((granule + 1) * granularity).min(rows)
    }

    /// The arrays of `columns` (ascending or not, without repetition) of each granule, decoded from the file.
    async fn decode(&self, columns: &[usize], granules: Range<usize>) -> Result<Vec<Vec<ArrayRef>>> {
        let granularity = self.inner.meta.index_granularity;
        let wanted = granules.start * granularity..(granules.end * granularity).min(self.inner.meta.rows as usize);
        let mut decoded = Vec::with_capacity(granules.len());
        for (group, inside) in self.groups_of(&wanted) {
            let batches = self.decode_group(columns, group, inside.clone()).await?;
            decoded.extend(self.split(columns, &batches, inside.len())?);
        }
        if decoded.len() == granules.len() { Ok(decoded) } else { Err(Error::Damaged("granules are missing in file")) }
    }

    /// The row groups that hold `rows`, and which of their own rows these are.
    fn groups_of(&self, rows: &Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut found = Vec::new();
        let mut first = 0;
        for (number, group) in self.inner.parquet.metadata().row_groups().iter().enumerate() {
            let end = first + usize::try_from(group.num_rows()).unwrap_or(0);
            let inside = rows.start.max(first)..rows.end.min(end);
            if inside.start < inside.end {
                found.push((number, inside.start - first..inside.end - first));
            }
            first = end;
        }
        found
    }

    async fn decode_group(&self, columns: &[usize], group: usize, rows: Range<usize>) -> Result<Vec<RecordBatch>> {
        let mask = ProjectionMask::roots(self.inner.parquet.parquet_schema(), columns.iter().copied());
        let selection = RowSelection::from(vec![RowSelector::skip(rows.start), RowSelector::select(rows.len())]);
        let mut decoder = ParquetPushDecoderBuilder::new_with_metadata(self.inner.parquet.clone())
            .with_batch_size(self.inner.meta.index_granularity)
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_row_selection(selection)
            .build()?;
        let mut batches = Vec::new();
        loop {
            match decoder.try_decode()? {
                DecodeResult::NeedsData(ranges) => self.fetch(&mut decoder, ranges).await?,
                DecodeResult::Data(batch) => batches.push(batch),
                DecodeResult::Finished => return Ok(batches),
            }
        }
    }

    /// Gives the decoder checked bytes. Ranges whose blocks touch are fetched as one.
    async fn fetch(&self, decoder: &mut ParquetPushDecoder, ranges: Vec<Range<u64>>) -> Result<()> {
        let body = self.inner.file.body_bytes;
        let mut around: Vec<Range<u64>> = ranges.iter().map(|range| checksum::blocks_around(range, body)).collect();
        around.sort_by_key(|range| range.start);
        let mut fetches: Vec<Range<u64>> = Vec::new();
        for range in around {
            match fetches.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => fetches.push(range),
            }
        }
        let object = &self.inner.file.object;
        let mut fetched: Vec<(u64, Bytes)> = Vec::with_capacity(fetches.len());
        for range in fetches {
            let bytes = self.inner.store.get_range(object, range.clone()).await?;
            checksum::check(object, &self.inner.sums, range.start, &bytes)?;
            fetched.push((range.start, bytes));
        }
        let outside = || Error::Damaged("page outside of a part file's body");
        for range in ranges {
            let at = fetched.partition_point(|(start, _)| *start <= range.start).checked_sub(1).ok_or_else(outside)?;
            let (start, bytes) = &fetched[at];
            let cut = (range.start - start) as usize..(range.end.saturating_sub(*start)) as usize;
            if bytes.len() < cut.end || cut.end < cut.start {
                return Err(outside());
            }
            decoder.push_range(range, bytes.slice(cut))?;
        }
        Ok(())
    }

    /// Where each of `columns` is in a decoded batch, which has them in the file's order.
    fn places(&self, columns: &[usize]) -> Result<Vec<usize>> {
        let mut in_file = columns.to_vec();
        in_file.sort_unstable();
        let place = |column: &usize| in_file.binary_search(column).map_err(|_| Error::Damaged("column is not in file"));
        columns.iter().map(place).collect()
    }

    /// Batches to granules, in the order of `columns` (Parquet gives columns in the file's order).
    fn split(&self, columns: &[usize], batches: &[RecordBatch], rows: usize) -> Result<Vec<Vec<ArrayRef>>> {
        let granularity = self.inner.meta.index_granularity;
        let places = self.places(columns)?;
        let is_split = batches.len() == rows.div_ceil(granularity)
            && batches.iter().rev().skip(1).all(|batch| batch.num_rows() == granularity);
        let pick = |batch: &RecordBatch| places.iter().map(|&place| batch.column(place).clone()).collect::<Vec<_>>();
        if is_split {
            return Ok(batches.iter().map(pick).collect());
        }
        let [first, ..] = batches else { return Ok(Vec::new()) };
        let batch = arrow::compute::concat_batches(first.schema_ref(), batches)?;
        let starts = (0..rows).step_by(granularity);
        // copied, so that a cached granule does not hold the memory of all
        let cut = |start: usize| {
            let piece = batch.slice(start, granularity.min(rows - start));
            pick(&piece).iter().map(|array| Ok(concat(&[array.as_ref()])?)).collect::<Result<Vec<_>>>()
        };
        starts.map(cut).collect()
    }
}

/// Where the footer says that indexes are.
fn index_places<'a>(entries: impl Iterator<Item = &'a KeyValue>, file: &FileRef) -> Result<Vec<IndexPlace>> {
    let mut places = Vec::new();
    for entry in entries.filter(|entry| entry.key.starts_with(INDEX_KEY)) {
        let place = entry.value.as_deref().and_then(IndexPlace::decode);
        let inside = |place: &IndexPlace| place.at.checked_add(place.bytes).is_some_and(|end| end <= file.body_bytes);
        places.push(place.filter(inside).ok_or(Error::Damaged("skip index is not where its footer says"))?);
    }
    Ok(places)
}

/// Where the footer says that projections are.
fn projection_places<'a>(entries: impl Iterator<Item = &'a KeyValue>, file: &FileRef) -> Result<Vec<ProjectionPlace>> {
    let mut places = Vec::new();
    for entry in entries.filter(|entry| entry.key.starts_with(PROJECTION_KEY)) {
        let place = entry.value.as_deref().and_then(ProjectionPlace::decode);
        let inside = |place: &ProjectionPlace| place.end().is_some_and(|end| end <= file.body_bytes);
        places.push(place.filter(inside).ok_or(Error::Damaged("projection is not where its footer says"))?);
    }
    Ok(places)
}

/// Parquet's footer out of the file's last bytes.
fn decode_footer(file: &FileRef, tail: &Bytes) -> Result<ParquetMetaData> {
    let mut decoder = ParquetMetaDataPushDecoder::try_new(file.bytes)?
        .with_column_index_policy(PageIndexPolicy::Skip)
        .with_offset_index_policy(PageIndexPolicy::Required);
    loop {
        match decoder.try_decode()? {
            DecodeResult::NeedsData(ranges) => {
                for range in ranges {
                    let start = range.start.checked_sub(file.body_bytes);
                    let end = range.end.checked_sub(file.body_bytes).filter(|end| *end <= tail.len() as u64);
                    let (Some(start), Some(end)) = (start, end) else {
                        return Err(Error::Damaged("footer is larger than the part file's tail"));
                    };
                    decoder.push_range(range, tail.slice(start as usize..end as usize))?;
                }
            }
            DecodeResult::Data(metadata) => return Ok(metadata),
            DecodeResult::Finished => return Err(Error::Damaged("part file without footer")),
        }
    }
}

/// Row groups hold whole granules, and as many rows as the metadata says.
fn check_granules(meta: &PartMeta, parquet: &ParquetMetaData) -> Result<()> {
    let mut rows = 0u64;
    for group in parquet.row_groups() {
        if !rows.is_multiple_of(meta.index_granularity as u64) {
            return Err(Error::Damaged("row group does not begin with a granule"));
        }
        rows += u64::try_from(group.num_rows()).map_err(|_| Error::Damaged("row group of less than no rows"))?;
    }
    if rows == meta.rows { Ok(()) } else { Err(Error::Damaged("part file has another number of rows")) }
}

impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePart({}, {} rows)", self.inner.file.object, self.inner.meta.rows)
    }
}
