//! `mapAdd`, `mapSubtract`: values added up by key; `mapPopulateSeries`: a series of keys without gaps.
//!
//! Takes maps, or tuples of an array of keys and an array of values, and gives the same kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type, UInt64Type};
use types::{DataType, ErrorCode};

use super::{entries, map_of};
use crate::arrays::order;
use crate::arrays::steps::fields;
use crate::columns::{Lists, OFFSET_MAX, Offsets, saturated, tuples};
use crate::common_type;
use crate::convert::Converter;
use crate::error::{Error, Result};
use crate::frame::{Call, Operand, Resolved};
use crate::request::Request;

/// The longest series of one row: more would be a mistake, and memory.
const SERIES_MAX: u64 = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

/// Map, or tuple of two arrays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Map,
    Arrays,
}

/// Shape, key type and value type of an argument.
fn parts_of(request: &Request<'_>, i: usize) -> Result<(Shape, DataType, DataType)> {
    match request.ty(i) {
        DataType::Map(entry) => Ok((Shape::Map, entry.0.clone(), entry.1.clone())),
        DataType::Tuple(fields) => match (fields.first().map(|f| &f.ty), fields.get(1).map(|f| &f.ty)) {
            (Some(DataType::Array(key)), Some(DataType::Array(value))) if fields.len() == 2 => {
                Ok((Shape::Arrays, (**key).clone(), (**value).clone()))
            }
            _ => Err(request.wrong_type(i, "Map or Tuple of two Arrays")),
        },
        _ => Err(request.wrong_type(i, "Map or Tuple of two Arrays")),
    }
}

/// The type of sums of values.
fn sum_type(ty: &DataType) -> Option<DataType> {
    use DataType::*;
    Some(match ty {
        UInt8 | UInt16 | UInt32 | UInt64 | Bool => UInt64,
        Int8 | Int16 | Int32 | Int64 => Int64,
        Float32 | Float64 => Float64,
        _ => return None,
    })
}

pub(super) fn resolve(request: &Request<'_>, sign: Sign) -> Result<Resolved> {
    request.arity(2..=usize::MAX)?;
    let (shape, _, value) = parts_of(request, 0)?;
    let sum = sum_type(&value).ok_or_else(|| request.wrong_type(0, "values that are numbers of at most 64 bits"))?;
    let mut keys = Vec::new();
    for i in 0..request.args.len() {
        let (other, key, value) = parts_of(request, i)?;
        if other != shape || sum_type(&value).as_ref() != Some(&sum) {
            return Err(request.wrong_types());
        }
        keys.push(key);
    }
    let key = common_type(&keys)?;
    let converters = keys.iter().map(|from| Converter::new(from, &key, request.context)).collect::<Result<Vec<_>>>()?;
    let result = match shape {
        Shape::Map => DataType::map(key, sum.clone()),
        Shape::Arrays => DataType::tuple([DataType::array(key), DataType::array(sum.clone())]),
    };
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let mut pairs = Vec::with_capacity(args.len());
        for (arg, to_key) in args.iter().zip(&converters) {
            let (lists, keys, values) = laid_flat(arg, shape, call.rows)?;
            pairs.push((lists, to_key.array(&keys)?, arrow::compute::cast(&values, &sum.arrow_type())?));
        }
        let (offsets, keys, values) = add_up(&pairs, sign, call.rows)?;
        Ok(shaped(shape, offsets, keys, values, call.rows))
    }))
}

/// An operand's keys and values, and where each row's lie.
fn laid_flat(arg: &Operand, shape: Shape, rows: usize) -> Result<(Lists, ArrayRef, ArrayRef)> {
    let array = arg.expand(rows)?;
    match shape {
        Shape::Map => {
            let lists = Lists::of_array(&array)?;
            let (keys, values) = entries(&lists)?;
            Ok((lists, keys, values))
        }
        Shape::Arrays => {
            let arrays = fields(&array)?;
            let (keys, values) = (Lists::of_array(&arrays[0])?, Lists::of_array(&arrays[1])?);
            if keys.offsets != values.offsets {
                return Err(Error::ArrayLengths("mapAdd".to_owned()));
            }
            Ok((keys.clone(), keys.elements, values.elements))
        }
    }
}

fn shaped(shape: Shape, offsets: Offsets, keys: ArrayRef, values: ArrayRef, rows: usize) -> ArrayRef {
    let offsets = offsets.into_buffer();
    match shape {
        Shape::Map => map_of(offsets, keys, values),
        Shape::Arrays => {
            let list = |values| Arc::new(crate::columns::list_of(offsets.clone(), values)) as ArrayRef;
            tuples(vec![list(keys), list(values)], rows)
        }
    }
}

/// Where a row's sums come from: for each key, in order, a position of it and the positions of its values.
type Addends = Vec<(u32, Vec<usize>)>;

fn add_up(pairs: &[(Lists, ArrayRef, ArrayRef)], sign: Sign, rows: usize) -> Result<(Offsets, ArrayRef, ArrayRef)> {
    let keys: Vec<&dyn Array> = pairs.iter().map(|(_, keys, _)| keys.as_ref()).collect();
    let values: Vec<&dyn Array> = pairs.iter().map(|(_, _, values)| values.as_ref()).collect();
    let (keys, values) = (arrow::compute::concat(&keys)?, arrow::compute::concat(&values)?);
    let order = order::sort_keys(&keys, false)?;
    let mut addends: Addends = Vec::new();
    let mut offsets = Offsets::with_capacity(rows);
    let first_length = pairs[0].1.len();
    for row in 0..rows {
        let mut sums = BTreeMap::new();
        let mut start = 0;
        for (lists, keys, _) in pairs {
            for i in lists.range(row).map(|i| start + i) {
                sums.entry(order.row(i)).or_insert_with(|| (i as u32, Vec::new())).1.push(i);
            }
            start += keys.len();
        }
        addends.extend(sums.into_values());
        offsets.end(addends.len())?;
    }
    let picked: UInt32Array = addends.iter().map(|(key, _)| *key).collect::<Vec<_>>().into();
    let keys = arrow::compute::take(&keys, &picked, None)?;
    // what stands in the first map is added whatever the sign
    let negative = |i: usize| sign == Sign::Minus && i >= first_length;
    Ok((offsets, keys, sums_of(&values, &addends, negative)))
}

fn sums_of(values: &ArrayRef, addends: &Addends, negative: impl Fn(usize) -> bool) -> ArrayRef {
    match values.data_type() {
        ArrowType::Int64 => {
            let values = values.as_primitive::<Int64Type>().values();
            let signed = |i: &usize| if negative(*i) { values[*i].wrapping_neg() } else { values[*i] };
            let sum = |(_, of): &(u32, Vec<usize>)| of.iter().map(signed).fold(0, i64::wrapping_add);
            Arc::new(Int64Array::from_iter_values(addends.iter().map(sum)))
        }
        ArrowType::Float64 => {
            let values = values.as_primitive::<Float64Type>().values();
            let signed = |i: &usize| if negative(*i) { -values[*i] } else { values[*i] };
            Arc::new(Float64Array::from_iter_values(addends.iter().map(|(_, of)| of.iter().map(signed).sum())))
        }
        _ => {
            let values = values.as_primitive::<UInt64Type>().values();
            let signed = |i: &usize| if negative(*i) { values[*i].wrapping_neg() } else { values[*i] };
            let sum = |(_, of): &(u32, Vec<usize>)| of.iter().map(signed).fold(0, u64::wrapping_add);
            Arc::new(UInt64Array::from_iter_values(addends.iter().map(sum)))
        }
    }
}

/// `mapPopulateSeries(map [, last])`: every key from the least to the greatest (or `last`), 0 where there was none.
pub(super) fn populate_series(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    let DataType::Map(entry) = request.ty(0) else { return Err(request.wrong_type(0, "Map")) };
    let small = |ty: &DataType| ty.is_integer() && ty.integer_width() <= Some(8);
    if !small(&entry.0) || !small(&entry.1) {
        return Err(request.wrong_type(0, "Map of integers of at most 64 bits"));
    }
    if request.args.len() == 2 && !small(request.ty(1)) {
        return Err(request.wrong_type(1, "an integer"));
    }
    let (key, value) = (entry.0.clone(), entry.1.clone());
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let (keys, values) = entries(&lists)?;
        let keys = saturated(&keys)?;
        let last = args.get(1).map(crate::columns::Integers::of).transpose()?;
        let mut series = Vec::new();
        let mut positions: Vec<Option<u32>> = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let mut known = BTreeMap::new();
            for i in lists.range(row) {
                known.entry(keys.value(i)).or_insert(i as u32);
            }
            let (Some((&first, _)), Some((&greatest, _))) = (known.first_key_value(), known.last_key_value()) else {
                offsets.end(series.len())?;
                continue;
            };
            let greatest = last.as_ref().map_or(greatest, |last| last.get(row));
            check_length(first, greatest, series.len())?;
            for key in first..=greatest {
                series.push(key);
                positions.push(known.get(&key).copied());
            }
            offsets.end(series.len())?;
        }
        let series: ArrayRef = Arc::new(Int64Array::from(series));
        let series = arrow::compute::cast(&series, &key.arrow_type())?;
        let values = crate::arrays::pick::pick_or_default(&values, &value, &positions)?;
        Ok(map_of(offsets.into_buffer(), series, values))
    }))
}

fn check_length(first: i64, last: i64, so_far: usize) -> Result<()> {
    let length = last.abs_diff(first);
    if last >= first && (length >= SERIES_MAX || so_far + length as usize > OFFSET_MAX) {
        return Err(Error::TooLarge {
            function: "mapPopulateSeries".to_owned(),
            reason: format!("{length} keys, at most {SERIES_MAX}"),
            code: ErrorCode::TOO_LARGE_ARRAY_SIZE,
        });
    }
    Ok(())
}
