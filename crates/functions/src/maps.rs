//! Functions of maps. A map is a list of entries in the order in which they came; a key may come twice, and the first wins.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt8Array, UInt32Array};
use arrow::buffer::OffsetBuffer;
use types::DataType;

use crate::arrays::{order, search};
use crate::columns::{Bytes, Lists, Offsets, list_of, named_struct, unexpected};
use crate::common_type;
use crate::convert::{Converter, converters};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::strings::like::LikePattern;
use crate::strings::search::like_pattern;

mod sum;

const fn row(name: &'static str, resolver: crate::frame::Resolver) -> Definition {
    Definition::new(name, resolver).sees_nulls()
}

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    row("map", map),
    row("mapKeys", |request| side(request, Side::Key)),
    row("mapValues", |request| side(request, Side::Value)),
    row("mapContainsKey", |request| contains(request, Side::Key)),
    row("mapContainsKey", |request| contains(request, Side::Key)).alias("mapContains"),
    row("mapContainsValue", |request| contains(request, Side::Value)),
    row("mapContainsKeyLike", |request| contains_like(request, Side::Key)),
    row("mapContainsValueLike", |request| contains_like(request, Side::Value)),
    row("mapExtractKeyLike", |request| extract_like(request, Side::Key)),
    row("mapExtractValueLike", |request| extract_like(request, Side::Value)),
    row("mapFromArrays", from_arrays),
    row("mapFromArrays", from_arrays).alias("MAP_FROM_ARRAYS").any_case(),
    row("mapConcat", concat),
    row("mapUpdate", update),
    row("mapAdd", |request| sum::resolve(request, sum::Sign::Plus)),
    row("mapSubtract", |request| sum::resolve(request, sum::Sign::Minus)),
    row("mapPopulateSeries", sum::populate_series),
];

/// Pairs of keys and values as a map column.
pub(crate) fn map_of(offsets: OffsetBuffer<i32>, keys: ArrayRef, values: ArrayRef) -> ArrayRef {
    let rows = keys.len();
    Arc::new(list_of(offsets, named_struct(&["key", "value"], vec![keys, values], rows)))
}

/// Keys and values of a map column laid flat.
pub(crate) fn entries(lists: &Lists) -> Result<(ArrayRef, ArrayRef)> {
    match lists.elements.as_struct_opt().map(|entries| entries.columns()) {
        Some([keys, values]) => Ok((keys.clone(), values.clone())),
        _ => Err(unexpected(lists.elements.data_type())),
    }
}

/// The key and value types of argument `i`.
fn entry_types<'a>(request: &'a Request<'_>, i: usize) -> Result<(&'a DataType, &'a DataType)> {
    match request.ty(i) {
        DataType::Map(entry) => Ok((&entry.0, &entry.1)),
        _ => Err(request.wrong_type(i, "Map")),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Key,
    Value,
}

impl Side {
    fn ty(self, (key, value): (&DataType, &DataType)) -> DataType {
        if self == Side::Key { key.clone() } else { value.clone() }
    }

    fn of(self, (keys, values): (ArrayRef, ArrayRef)) -> ArrayRef {
        if self == Side::Key { keys } else { values }
    }
}

fn check_key(request: &Request<'_>, key: &DataType) -> Result<()> {
    if key.is_nullable() { Err(request.bad(format!("a map's key cannot be {key}"))) } else { Ok(()) }
}

/// `map(k1, v1, k2, v2, …)`.
fn map(request: &Request<'_>) -> Result<Resolved> {
    if !request.args.len().is_multiple_of(2) {
        let expected = "an even number of".to_owned();
        return Err(Error::ArgumentCount { function: request.name.to_owned(), expected, got: request.args.len() });
    }
    let pairs = request.args.len() / 2;
    let types = |first: usize| -> Vec<DataType> { (0..pairs).map(|i| request.ty(i * 2 + first).clone()).collect() };
    let (key, value) = (common_type(&types(0))?, common_type(&types(1))?);
    if pairs > 0 {
        check_key(request, &key)?;
    }
    let (to_key, to_value) =
        (converters(&types(0), &key, request.context)?, converters(&types(1), &value, request.context)?);
    Ok(Resolved::new(DataType::map(key.clone(), value.clone()), move |args: &[Operand], call: &Call| {
        let column = |first: usize, to: &[Converter]| -> Result<ArrayRef> {
            let columns =
                (0..pairs).map(|i| to[i].full(&args[i * 2 + first], call.rows)).collect::<Result<Vec<_>>>()?;
            woven(&columns, call.rows)
        };
        if pairs == 0 {
            return Ok(DataType::map(key.clone(), value.clone()).default_array(call.rows));
        }
        let offsets = OffsetBuffer::from_repeated_length(pairs, call.rows);
        Ok(map_of(offsets, column(0, &to_key)?, column(1, &to_value)?))
    }))
}

/// Columns of `rows` rows as one: the first row of each, then the second of each…
pub(crate) fn woven(columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    if let [only] = columns {
        return Ok(only.clone());
    }
    let positions: Vec<(usize, usize)> =
        (0..rows).flat_map(|row| (0..columns.len()).map(move |column| (column, row))).collect();
    let columns: Vec<&dyn Array> = columns.iter().map(|column| column.as_ref()).collect();
    Ok(arrow::compute::interleave(&columns, &positions)?)
}

fn side(request: &Request<'_>, side: Side) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = side.ty(entry_types(request, 0)?);
    Ok(Resolved::new(DataType::array(ty), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        Ok(lists.with_elements(side.of(entries(&lists)?)))
    }))
}

fn contains(request: &Request<'_>, side: Side) -> Result<Resolved> {
    request.arity(2..=2)?;
    let ty = side.ty(entry_types(request, 0)?);
    let search = search::Search::new(request, &ty, 1)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let mut lists = Lists::of(&args[0], call.rows)?;
        lists.elements = side.of(entries(&lists)?);
        search.has(&lists, &args[1], call.rows)
    }))
}

/// Which keys (or values) match the LIKE pattern of their row.
fn like_entries(lists: &Lists, side: Side, pattern: &Operand) -> Result<Vec<bool>> {
    let texts = side.of(entries(lists)?);
    let texts = Bytes::of_array(&texts, false)?;
    let patterns = Bytes::of(pattern)?;
    let mut matches = Vec::with_capacity(lists.elements.len());
    let mut compiled: Option<(&[u8], LikePattern)> = None;
    for (row, range) in lists.ranges().enumerate() {
        let pattern = patterns.get(row);
        if compiled.as_ref().is_none_or(|(known, _)| *known != pattern) {
            compiled = Some((pattern, like_pattern("like", pattern, false)?));
        }
        let like = compiled.as_ref().map(|(_, like)| like);
        matches.extend(range.map(|i| like.is_some_and(|like| like.matches(texts.get(i)))));
    }
    Ok(matches)
}

fn check_like(request: &Request<'_>, side: Side) -> Result<()> {
    request.arity(2..=2)?;
    if !side.ty(entry_types(request, 0)?).base().is_string() {
        return Err(request.wrong_type(0, "Map of String"));
    }
    if !request.ty(1).is_string() {
        return Err(request.wrong_type(1, "String"));
    }
    Ok(())
}

fn contains_like(request: &Request<'_>, side: Side) -> Result<Resolved> {
    check_like(request, side)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let matches = like_entries(&lists, side, &args[1])?;
        let any = |range: std::ops::Range<usize>| u8::from(matches[range].contains(&true));
        Ok(Arc::new(UInt8Array::from_iter_values(lists.ranges().map(any))))
    }))
}

fn extract_like(request: &Request<'_>, side: Side) -> Result<Resolved> {
    check_like(request, side)?;
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let matches = like_entries(&lists, side, &args[1])?;
        let mut kept = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for range in lists.ranges() {
            kept.extend(range.filter(|&i| matches[i]).map(|i| i as u32));
            offsets.end(kept.len())?;
        }
        Ok(offsets.finish(arrow::compute::take(&lists.elements, &UInt32Array::from(kept), None)?))
    }))
}

/// `mapFromArrays(keys, values)`; a map is an array of its pairs here.
fn from_arrays(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let element = |i: usize| match request.ty(i) {
        DataType::Array(inner) => Ok((**inner).clone()),
        DataType::Map(entry) => Ok(DataType::tuple([entry.0.clone(), entry.1.clone()])),
        _ => Err(request.wrong_type(i, "Array or Map")),
    };
    let (key, value) = (element(0)?, element(1)?);
    check_key(request, &key)?;
    let maps = [0, 1].map(|i| matches!(request.ty(i), DataType::Map(_)));
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::map(key, value), move |args: &[Operand], call: &Call| {
        let (keys, values) = (Lists::of(&args[0], call.rows)?, Lists::of(&args[1], call.rows)?);
        if keys.offsets != values.offsets {
            return Err(Error::ArrayLengths(name.clone()));
        }
        let elements = |lists: &Lists, is_map: bool| {
            if is_map { crate::arrays::steps::as_tuples(&lists.elements) } else { Ok(lists.elements.clone()) }
        };
        Ok(map_of(keys.offsets.clone(), elements(&keys, maps[0])?, elements(&values, maps[1])?))
    }))
}

/// The entries of all maps one after another; `concat` of maps is the same.
pub(crate) fn concat(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    for i in 0..request.args.len() {
        entry_types(request, i)?;
    }
    crate::arrays::concat::joined(request)
}

/// The entries of the first map, with values of the second where it has the key, then what only the second has.
fn update(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    entry_types(request, 0)?;
    if request.ty(0) != request.ty(1) {
        return Err(request.wrong_types());
    }
    Ok(Resolved::new(request.ty(0).clone(), |args: &[Operand], call: &Call| {
        let (left, right) = (Lists::of(&args[0], call.rows)?, Lists::of(&args[1], call.rows)?);
        let ((left_keys, _), (right_keys, _)) = (entries(&left)?, entries(&right)?);
        let keys = order::keys_of_two(&left_keys, &right_keys)?;
        let mut taken = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let (mine, theirs) = (left.range(row), right.range(row));
            for i in mine.clone() {
                let newer = theirs.clone().find(|&j| keys.1.row(j) == keys.0.row(i));
                taken.push(newer.map_or((0, i), |j| (1, j)));
            }
            let only_theirs = |j: &usize| !mine.clone().any(|i| keys.0.row(i) == keys.1.row(*j));
            taken.extend(theirs.clone().filter(only_theirs).map(|j| (1, j)));
            offsets.end(taken.len())?;
        }
        let elements = arrow::compute::interleave(&[left.elements.as_ref(), right.elements.as_ref()], &taken)?;
        Ok(offsets.finish(elements))
    }))
}
