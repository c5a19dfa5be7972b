//! The rows of a loaded dictionary and where each key's are. A value: a reload makes another one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType as ArrowType, Int64Type, UInt64Type};
use arrow::row::{RowConverter, SortField};
use types::{Block, ErrorCode, Header};

use super::polygons::{Borders, Polygons, coordinate};
use super::regexps::RegexpTree;
use super::structure::{Layout, Structure};
use crate::context::QueryContext;
use crate::error::{Error, Result};

/// Where a row is, in [`Content::block`]'s order.
pub(super) type Row = u32;

/// A range of a key, both ends inclusive, and its row.
type Range = (i128, i128, Row);

/// The rows of a dictionary.
#[derive(Debug)]
pub struct Content {
    /// Columns as [`Structure::header`] has them; one row a key, or a range of a key.
    pub block: Block,
    /// Each attribute's values by row, and at the end its default.
    values: Vec<ArrayRef>,
    index: Index,
    /// Of a complex key, how its columns become bytes.
    converter: Option<RowConverter>,
    last_range_wins: bool,
    /// Children by key of the parent, for dictionaries with a hierarchy.
    pub(super) children: HashMap<u64, Vec<u64>>,
    /// Of regular expressions, their tree; their rows are in no other index.
    pub(super) tree: Option<RegexpTree>,
}

#[derive(Debug)]
enum Index {
    Numbers(HashMap<u64, Row>),
    Tuples(HashMap<Box<[u8]>, Row>),
    NumberRanges(HashMap<u64, Vec<Range>>),
    TupleRanges(HashMap<Box<[u8]>, Vec<Range>>),
    /// Lengths of prefixes that there are, longest first, and rows by length and masked address.
    Prefixes(Vec<u8>, HashMap<(u8, u128), Row>),
    Polygons(Polygons),
}

/// Keys that are looked for, one a row.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The key's columns, of the structure's types; one column of addresses as numbers for prefixes.
    pub keys: Vec<ArrayRef>,
    /// Addresses, for prefixes.
    pub addresses: Vec<u128>,
    /// What the range must hold, as [`range_values`] gives it.
    pub range: Option<Vec<i128>>,
    /// How many.
    pub rows: usize,
}

impl Content {
    /// The content of loaded rows. Of rows with the same key the first counts, except that FLAT's is the last.
    pub fn new(structure: &Structure, rows: &Block) -> Result<Content> {
        let keys: Vec<ArrayRef> = rows.arrays()[..structure.keys.len()].to_vec();
        let converter = match structure.layout {
            Layout::IpTrie | Layout::Polygon | Layout::PolygonSimple => None,
            _ if structure.is_complex => Some(converter(&keys)?),
            _ => None,
        };
        let mut kept: Vec<u64> = Vec::with_capacity(rows.rows());
        let mut index = match structure.layout {
            Layout::IpTrie => prefixes(&keys, &mut kept)?,
            Layout::RangeHashed => ranges(structure, rows, &keys, converter.as_ref(), &mut kept)?,
            Layout::Polygon => polygons(&keys, Borders::HalfOpen, &mut kept)?,
            Layout::PolygonSimple => polygons(&keys, Borders::Inside, &mut kept)?,
            _ => single(structure, &keys, converter.as_ref(), &mut kept)?,
        };
        if let (Layout::Flat, Index::Numbers(rows)) = (structure.layout, &mut index) {
            sort_by_key(&mut kept, rows);
        }
        let kept = UInt64Array::from(kept);
        let arrays = rows.arrays().iter().map(|array| Ok(take(array, &kept, None)?)).collect::<Result<Vec<_>>>()?;
        let block = Block::with_rows(rows.header().clone(), arrays, kept.len())?;
        let first = rows.header().len() - structure.attributes.len();
        let attributes = structure.attributes.iter().zip(&block.arrays()[first..]);
        let values = attributes.map(|(attribute, array)| Ok(concat(&[array.as_ref(), attribute.default.as_ref()])?));
        let values = values.collect::<Result<Vec<_>>>()?;
        let last_range_wins = structure.last_range_wins;
        let children = HashMap::new();
        let mut content = Content { block, values, index, converter, last_range_wins, children, tree: None };
        content.children = content.children_of(structure);
        Ok(content)
    }

    /// The content of a tree of regular expressions: rows as its source gives them.
    pub(super) fn of_tree(structure: &Structure, rows: Block, ctx: &QueryContext) -> Result<Content> {
        let tree = Some(RegexpTree::new(structure, &rows, ctx)?);
        let (index, children) = (Index::Numbers(HashMap::new()), HashMap::new());
        let values = Vec::new();
        Ok(Content { block: rows, values, index, converter: None, last_range_wins: false, children, tree })
    }

    /// Where each key is; none where it is not.
    pub fn find(&self, wanted: &Wanted) -> Result<Vec<Option<Row>>> {
        let holding = |ranges: Option<&Vec<Range>>, row: usize| {
            let value = wanted.range.as_ref().and_then(|values| values.get(row)).copied()?;
            let holding = ranges?.iter().filter(|(min, max, _)| *min <= value && value <= *max);
            let chosen = match self.last_range_wins {
                true => holding.max_by_key(|(min, max, _)| (*min, *max)),
                false => holding.min_by_key(|(min, max, _)| (*min, *max)),
            };
            chosen.map(|(.., row)| *row)
        };
        Ok(match &self.index {
            Index::Numbers(rows) => numbers(wanted).iter().map(|key| rows.get(key).copied()).collect(),
            Index::NumberRanges(rows) => {
                numbers(wanted).iter().enumerate().map(|(at, key)| holding(rows.get(key), at)).collect()
            }
            Index::Tuples(rows) => {
                let keys = self.encoded(wanted)?;
                keys.iter().map(|key| rows.get(key.as_ref()).copied()).collect()
            }
            Index::TupleRanges(rows) => {
                let keys = self.encoded(wanted)?;
                keys.iter().enumerate().map(|(at, key)| holding(rows.get(key.as_ref()), at)).collect()
            }
            Index::Prefixes(lengths, rows) => {
                let longest = |address: &u128| {
                    lengths.iter().find_map(|length| rows.get(&(*length, masked(*address, *length))).copied())
                };
                wanted.addresses.iter().map(longest).collect()
            }
            Index::Polygons(polygons) => polygons.find(coordinate(&wanted.keys, 0)?, coordinate(&wanted.keys, 1)?)?,
        })
    }

    /// The values of an attribute at these rows, its default where there is none.
    pub fn attribute(&self, attribute: usize, rows: &[Option<Row>]) -> Result<ArrayRef> {
        let missing = self.block.rows() as u64;
        let at: UInt64Array = rows.iter().map(|row| Some(row.map_or(missing, u64::from))).collect();
        Ok(take(&self.values(attribute)?, &at, None)?)
    }

    /// All values of an attribute, by row, and at the end its default.
    pub(super) fn values(&self, attribute: usize) -> Result<ArrayRef> {
        self.values.get(attribute).cloned().ok_or_else(|| Error::Plan("no such attribute".to_owned()))
    }

    /// The keys as bytes that are equal when they are.
    pub(super) fn key_bytes(&self, wanted: &Wanted) -> Result<Vec<Vec<u8>>> {
        match self.converter {
            Some(_) => Ok(self.encoded(wanted)?.iter().map(|key| key.as_ref().to_vec()).collect()),
            None => Ok(numbers(wanted).iter().map(|key| key.to_be_bytes().to_vec()).collect()),
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.block.rows()
    }

    /// About how many bytes are held.
    pub fn size_bytes(&self) -> usize {
        self.block.size_bytes() * 2 + self.block.rows() * 24
    }

    fn encoded(&self, wanted: &Wanted) -> Result<arrow::row::Rows> {
        let converter = self.converter.as_ref().ok_or_else(|| Error::Plan("a key is no tuple".to_owned()))?;
        Ok(converter.convert_columns(&wanted.keys)?)
    }
}

fn converter(keys: &[ArrayRef]) -> Result<RowConverter> {
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    Ok(RowConverter::new(fields)?)
}

fn numbers(wanted: &Wanted) -> &[u64] {
    let column = wanted.keys.first().and_then(|key| key.as_primitive_opt::<UInt64Type>());
    column.map_or(&[], |column| column.values())
}

/// One row a key.
fn single(
    structure: &Structure,
    keys: &[ArrayRef],
    converter: Option<&RowConverter>,
    kept: &mut Vec<u64>,
) -> Result<Index> {
    if let Some(converter) = converter {
        let mut rows: HashMap<Box<[u8]>, Row> = HashMap::new();
        for (at, key) in converter.convert_columns(keys)?.iter().enumerate() {
            if !rows.contains_key(key.as_ref()) {
                rows.insert(key.as_ref().into(), row_number(kept.len())?);
                kept.push(at as u64);
            }
        }
        return Ok(Index::Tuples(rows));
    }
    let is_flat = structure.layout == Layout::Flat;
    let mut rows: HashMap<u64, Row> = HashMap::new();
    for (at, key) in keys[0].as_primitive::<UInt64Type>().values().iter().enumerate() {
        if is_flat && structure.flat_keys_max <= *key {
            let message = format!("identifier should be less than {}", structure.flat_keys_max);
            return Err(Error::refused(ErrorCode::ARGUMENT_OUT_OF_BOUND, message));
        }
        match rows.get(key) {
            Some(row) if is_flat => kept[*row as usize] = at as u64,
            Some(_) => {}
            None => {
                rows.insert(*key, row_number(kept.len())?);
                kept.push(at as u64);
            }
        }
    }
    Ok(Index::Numbers(rows))
}

/// Rows in the order of their keys.
fn sort_by_key(kept: &mut [u64], rows: &mut HashMap<u64, Row>) {
    let mut order: Vec<(u64, Row)> = rows.iter().map(|(key, row)| (*key, *row)).collect();
    order.sort_unstable();
    let sorted: Vec<u64> = order.iter().map(|(_, row)| kept[*row as usize]).collect();
    kept.copy_from_slice(&sorted);
    for (at, (key, _)) in order.iter().enumerate() {
        rows.insert(*key, at as Row);
    }
}

/// All rows of a key, with the ranges that they hold for.
fn ranges(
    structure: &Structure,
    rows: &Block,
    keys: &[ArrayRef],
    converter: Option<&RowConverter>,
    kept: &mut Vec<u64>,
) -> Result<Index> {
    let first = structure.keys.len();
    let from = range_values(rows.array(first), i128::MIN)?;
    let to = range_values(rows.array(first + 1), i128::MAX)?;
    kept.extend(0..rows.rows() as u64);
    let range = |at: usize| Ok::<_, Error>((from[at], to[at], row_number(at)?));
    if let Some(converter) = converter {
        let mut index: HashMap<Box<[u8]>, Vec<Range>> = HashMap::new();
        for (at, key) in converter.convert_columns(keys)?.iter().enumerate() {
            index.entry(key.as_ref().into()).or_default().push(range(at)?);
        }
        return Ok(Index::TupleRanges(index));
    }
    let mut index: HashMap<u64, Vec<Range>> = HashMap::new();
    for (at, key) in keys[0].as_primitive::<UInt64Type>().values().iter().enumerate() {
        index.entry(*key).or_default().push(range(at)?);
    }
    Ok(Index::NumberRanges(index))
}

/// Every polygon of every key.
fn polygons(keys: &[ArrayRef], borders: Borders, kept: &mut Vec<u64>) -> Result<Index> {
    let keys = keys.first().ok_or_else(|| Error::Plan("polygons without a column".to_owned()))?;
    kept.extend(0..keys.len() as u64);
    Ok(Index::Polygons(Polygons::new(keys, borders)?))
}

/// Numbers, dates and times, which all are integers in Arrow, as numbers that compare; NULL is `open`.
pub(super) fn range_values(array: &ArrayRef, open: i128) -> Result<Vec<i128>> {
    if let Some(array) = array.as_primitive_opt::<UInt64Type>() {
        return Ok(array.iter().map(|value| value.map_or(open, i128::from)).collect());
    }
    let numbers = arrow::compute::cast(array, &ArrowType::Int64)?;
    Ok(numbers.as_primitive::<Int64Type>().iter().map(|value| value.map_or(open, i128::from)).collect())
}

/// `10.0.0.0/8`, `2001:db8::/32`, an address alone.
fn prefixes(keys: &[ArrayRef], kept: &mut Vec<u64>) -> Result<Index> {
    let mut rows: HashMap<(u8, u128), Row> = HashMap::new();
    let mut lengths: Vec<u8> = Vec::new();
    for (at, text) in keys[0].as_binary::<i32>().iter().enumerate() {
        let text = String::from_utf8_lossy(text.unwrap_or_default()).into_owned();
        let (address, length) = prefix(&text).ok_or_else(|| {
            Error::refused(
                ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                format!("\"{text}\" is no prefix of addresses"),
            )
        })?;
        if !lengths.contains(&length) {
            lengths.push(length);
        }
        if let Entry::Vacant(entry) = rows.entry((length, masked(address, length))) {
            entry.insert(row_number(kept.len())?);
            kept.push(at as u64);
        }
    }
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(Index::Prefixes(lengths, rows))
}

/// Address and length of a prefix, addresses of version 4 as those of version 6 that stand for them.
pub(super) fn prefix(text: &str) -> Option<(u128, u8)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (text, None),
    };
    if let Ok(v4) = address.parse::<Ipv4Addr>() {
        let length = length.unwrap_or(32);
        return (length <= 32).then(|| (mapped(u32::from(v4)), length + 96));
    }
    let v6 = address.parse::<Ipv6Addr>().ok()?;
    let length = length.unwrap_or(128);
    (length <= 128).then(|| (u128::from(v6), length))
}

/// `::ffff:a.b.c.d`.
pub(super) fn mapped(v4: u32) -> u128 {
    0xffff_0000_0000 | u128::from(v4)
}

fn masked(address: u128, length: u8) -> u128 {
    match length {
        0 => 0,
        length => address & (u128::MAX << (128 - u32::from(length.min(128)))),
    }
}

fn row_number(row: usize) -> Result<Row> {
    let too_many = || Error::refused(ErrorCode::TOO_MANY_ROWS, "a dictionary has more than 4,294,967,295 rows");
    Row::try_from(row).map_err(|_| too_many())
}

impl Wanted {
    /// One key of a simple dictionary.
    pub(super) fn number(key: u64) -> Wanted {
        let keys: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(vec![key]))];
        Wanted { keys, addresses: Vec::new(), range: None, rows: 1 }
    }
}

impl Content {
    /// A content without rows.
    pub fn empty(structure: &Structure) -> Result<Content> {
        let header: Header = structure.header();
        Content::new(structure, &Block::empty(header))
    }

    /// Its rows as a table shows them: prefixes of addresses in the form in which they are kept.
    pub fn shown(&self, structure: &Structure) -> Result<Block> {
        if structure.has_points() && !structure.keeps_polygons() {
            let message = "a polygon dictionary is read as a table only with STORE_POLYGON_KEY_COLUMN 1 in its layout";
            return Err(Error::refused(ErrorCode::UNSUPPORTED_METHOD, message));
        }
        if structure.layout != Layout::IpTrie {
            return Ok(self.block.clone());
        }
        let texts = self.block.array(0).as_binary::<i32>().iter().map(|text| {
            let text = String::from_utf8_lossy(text.unwrap_or_default()).into_owned();
            prefix(&text).map(|(address, length)| format!("{}/{length}", Ipv6Addr::from(masked(address, length))))
        });
        let texts: arrow::array::BinaryArray = texts.map(|text| text.map(String::into_bytes)).collect();
        let mut arrays = self.block.arrays().to_vec();
        arrays[0] = Arc::new(texts);
        Ok(Block::with_rows(self.block.header().clone(), arrays, self.block.rows())?)
    }
}

/// NULLs become the least value of the type, or the greatest.
pub(super) fn without_nulls(array: &ArrayRef, ty: &types::DataType, least: bool) -> Result<ArrayRef> {
    let end = match (least, array.data_type()) {
        (true, _) => ty.default_array(1),
        (false, ArrowType::UInt8) => Arc::new(arrow::array::UInt8Array::from(vec![u8::MAX])),
        (false, ArrowType::UInt16) => Arc::new(arrow::array::UInt16Array::from(vec![u16::MAX])),
        (false, ArrowType::UInt32) => Arc::new(arrow::array::UInt32Array::from(vec![u32::MAX])),
        (false, ArrowType::UInt64) => Arc::new(UInt64Array::from(vec![u64::MAX])),
        (false, ArrowType::Int8) => Arc::new(arrow::array::Int8Array::from(vec![i8::MAX])),
        (false, ArrowType::Int16) => Arc::new(arrow::array::Int16Array::from(vec![i16::MAX])),
        (false, ArrowType::Int32) => Arc::new(arrow::array::Int32Array::from(vec![i32::MAX])),
        (false, ArrowType::Int64) => Arc::new(arrow::array::Int64Array::from(vec![i64::MAX])),
        (false, _) => {
            return Err(Error::NotSupported(format!("an open end of a dictionary's range of {ty}")));
        }
    };
    let nulls = arrow::compute::is_null(array)?;
    let ends = take(&end, &UInt64Array::from(vec![0; array.len()]), None)?;
    Ok(arrow::compute::kernels::zip::zip(&nulls, &ends, array)?)
}
