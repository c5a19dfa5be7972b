//! Functions of bitmaps, which are states of `groupBitmap`.

use std::sync::Arc;

use aggregate::Bitmap;
use arrow::array::{ArrayRef, AsArray, Int64Array, UInt64Array};
use arrow::datatypes::{DataType as ArrowType, UInt64Type};
use types::{AggregateSignature, DataType};

use crate::arrays::element_type;
use crate::arrays::vectors::truncated;
use crate::columns::{Integers, Lists, Offsets, saturated};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::strings::shapes::flags;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("bitmapBuild", build),
    Definition::new("bitmapToArray", to_array),
    Definition::new("bitmapCardinality", |request| number(request, |bitmap, _| bitmap.count())),
    Definition::new("bitmapMin", |request| number(request, |bitmap, none| bitmap.values().next().unwrap_or(none))),
    Definition::new("bitmapMax", |request| number(request, |bitmap, _| bitmap.values().last().unwrap_or(0))),
    Definition::new("bitmapContains", contains),
    Definition::new("bitmapAnd", |request| joined(request, Bitmap::and)),
    Definition::new("bitmapOr", |request| joined(request, Bitmap::or)),
    Definition::new("bitmapXor", |request| joined(request, Bitmap::xor)),
    Definition::new("bitmapAndnot", |request| joined(request, Bitmap::and_not)),
    Definition::new("bitmapAndCardinality", |request| joined_count(request, Bitmap::and)),
    Definition::new("bitmapOrCardinality", |request| joined_count(request, Bitmap::or)),
    Definition::new("bitmapXorCardinality", |request| joined_count(request, Bitmap::xor)),
    Definition::new("bitmapAndnotCardinality", |request| joined_count(request, Bitmap::and_not)),
    Definition::new("bitmapHasAny", |request| tested(request, |left, right| left.and(right).count() > 0)),
    Definition::new("bitmapHasAll", |request| tested(request, |left, right| right.and_not(left).count() == 0)),
    Definition::new("bitmapSubsetInRange", |request| {
        part(request, |values, from, to| values.filter(|value| (from..to).contains(value)).collect())
    }),
    Definition::new("bitmapSubsetLimit", |request| {
        part(request, |values, from, count| values.filter(|value| *value >= from).take(count as usize).collect())
    }),
    Definition::new("subBitmap", |request| {
        part(request, |values, skipped, count| values.skip(skipped as usize).take(count as usize).collect())
    }),
    Definition::new("bitmapTransform", transform),
];

/// The type of the numbers of a bitmap argument.
fn item(request: &Request<'_>, i: usize) -> Result<DataType> {
    match request.ty(i) {
        DataType::AggregateFunction(signature) if &*signature.name == "groupBitmap" && signature.args.len() == 1 => {
            Ok(signature.args[0].base().clone())
        }
        _ => Err(request.wrong_type(i, "a bitmap: AggregateFunction(groupBitmap, …)")),
    }
}

fn bitmap_type(item: DataType) -> DataType {
    DataType::AggregateFunction(Arc::new(AggregateSignature {
        name: "groupBitmap".into(),
        params: Vec::new(),
        args: vec![item],
        version: None,
    }))
}

/// Numbers by their bits, in the width of their type.
fn bits_of(array: &ArrayRef, ty: &DataType) -> Result<Vec<u64>> {
    if let Some(values) = array.as_primitive_opt::<UInt64Type>() {
        return Ok(values.values().to_vec());
    }
    let mask = match ty.integer_width() {
        Some(8) | None => u64::MAX,
        Some(width) => (1 << (width * 8)) - 1,
    };
    Ok(saturated(array)?.values().iter().map(|value| *value as u64 & mask).collect())
}

fn is_item(ty: &DataType) -> bool {
    ty.is_integer() && ty.integer_width() <= Some(8)
}

/// The set of an array's numbers.
fn build(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = element_type(request, 0)?.clone();
    if !is_item(&ty) {
        return Err(request.wrong_type(0, "an Array of integers of at most 64 bits"));
    }
    Ok(Resolved::new(bitmap_type(ty.clone()), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let values = bits_of(&lists.elements, &ty)?;
        let sets: Vec<Bitmap> = lists.ranges().map(|range| Bitmap::of(values[range].iter().copied())).collect();
        Ok(Bitmap::column(&sets)?)
    }))
}

/// The bitmaps of an operand, one a row.
fn bitmaps(operand: &Operand, rows: usize) -> Result<Vec<Bitmap>> {
    let array = operand.expand(rows)?;
    (0..rows).map(|row| Ok(Bitmap::read(&array, row)?)).collect()
}

/// The numbers: in the order in which they came when they are few, else ascending.
fn to_array(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = item(request, 0)?;
    Ok(Resolved::new(DataType::array(ty.clone()), move |args: &[Operand], call: &Call| {
        let mut values = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for bitmap in bitmaps(&args[0], call.rows)? {
            values.extend(bitmap.arrival().map(|value| value as i64));
            offsets.end(values.len())?;
        }
        Ok(offsets.finish(truncated(values.into_iter(), &ty)))
    }))
}

/// A number of a bitmap; `f` is also given the greatest number of its width, which stands for the least of none.
fn number(request: &Request<'_>, f: fn(&Bitmap, u64) -> u64) -> Result<Resolved> {
    request.arity(1..=1)?;
    let none = if item(request, 0)?.integer_width() == Some(8) { u64::MAX } else { u32::MAX.into() };
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        Ok(Arc::new(UInt64Array::from_iter_values(bitmaps(&args[0], call.rows)?.iter().map(|bitmap| f(bitmap, none)))))
    }))
}

fn contains(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    item(request, 0)?;
    if !is_item(request.ty(1)) {
        return Err(request.wrong_type(1, "an integer of at most 64 bits"));
    }
    let ty = request.ty(1).clone();
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let values = bits_of(args[1].array(), &ty)?;
        let bitmaps = bitmaps(&args[0], call.rows)?;
        Ok(flags(bitmaps.iter().enumerate().map(|(row, bitmap)| bitmap.contains(values[args[1].index(row)]))))
    }))
}

/// The type of the numbers of two bitmaps, which is the same.
fn items_of_two(request: &Request<'_>) -> Result<DataType> {
    request.arity(2..=2)?;
    let items = [item(request, 0)?, item(request, 1)?];
    if items[0] == items[1] { Ok(items[0].clone()) } else { Err(request.wrong_types()) }
}

fn pairs(args: &[Operand], rows: usize) -> Result<impl Iterator<Item = (Bitmap, Bitmap)>> {
    Ok(bitmaps(&args[0], rows)?.into_iter().zip(bitmaps(&args[1], rows)?))
}

type Join = fn(&Bitmap, &Bitmap) -> Bitmap;

fn joined(request: &Request<'_>, join: Join) -> Result<Resolved> {
    let ty = bitmap_type(items_of_two(request)?);
    Ok(Resolved::new(ty, move |args: &[Operand], call: &Call| {
        let sets: Vec<Bitmap> = pairs(args, call.rows)?.map(|(left, right)| join(&left, &right)).collect();
        Ok(Bitmap::column(&sets)?)
    }))
}

fn joined_count(request: &Request<'_>, join: Join) -> Result<Resolved> {
    items_of_two(request)?;
    Ok(Resolved::new(DataType::UInt64, move |args: &[Operand], call: &Call| {
        let counts = pairs(args, call.rows)?.map(|(left, right)| join(&left, &right).count());
        Ok(Arc::new(UInt64Array::from_iter_values(counts)))
    }))
}

fn tested(request: &Request<'_>, test: fn(&Bitmap, &Bitmap) -> bool) -> Result<Resolved> {
    items_of_two(request)?;
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        Ok(flags(pairs(args, call.rows)?.map(|(left, right)| test(&left, &right))))
    }))
}

type Part = fn(&mut dyn Iterator<Item = u64>, u64, u64) -> Vec<u64>;

/// Some of a bitmap's numbers, chosen by two numbers.
fn part(request: &Request<'_>, part: Part) -> Result<Resolved> {
    request.arity(3..=3)?;
    let ty = bitmap_type(item(request, 0)?);
    for i in 1..3 {
        if !is_item(request.ty(i)) || !request.ty(i).is_unsigned() {
            return Err(request.wrong_type(i, "an unsigned integer of at most 64 bits"));
        }
    }
    Ok(Resolved::new(ty, move |args: &[Operand], call: &Call| {
        let (first, second) = (Integers::of(&args[1])?, Integers::of(&args[2])?);
        let sets: Vec<Bitmap> = bitmaps(&args[0], call.rows)?
            .iter()
            .enumerate()
            .map(|(row, bitmap)| Bitmap::of(part(&mut bitmap.values(), first.get(row) as u64, second.get(row) as u64)))
            .collect();
        Ok(Bitmap::column(&sets)?)
    }))
}

/// `bitmapTransform(bitmap, from, to)`: numbers in `from` become those at the same place in `to`.
fn transform(request: &Request<'_>) -> Result<Resolved> {
    request.arity(3..=3)?;
    let ty = bitmap_type(item(request, 0)?);
    let types = [element_type(request, 1)?.clone(), element_type(request, 2)?.clone()];
    if !types.iter().all(is_item) {
        return Err(request.wrong_types());
    }
    let name = request.name.to_owned();
    Ok(Resolved::new(ty, move |args: &[Operand], call: &Call| {
        let (from, to) = (Lists::of(&args[1], call.rows)?, Lists::of(&args[2], call.rows)?);
        if from.offsets != to.offsets {
            return Err(crate::error::Error::ArrayLengths(name.clone()));
        }
        let (old, new) = (bits_of(&from.elements, &types[0])?, bits_of(&to.elements, &types[1])?);
        let mut sets = Vec::with_capacity(call.rows);
        for (row, bitmap) in bitmaps(&args[0], call.rows)?.iter().enumerate() {
            let range = from.range(row);
            let place = |value: &u64| range.clone().find(|&i| old[i] == *value);
            let (replaced, kept): (Vec<u64>, Vec<u64>) = bitmap.values().partition(|value| place(value).is_some());
            let new = replaced.iter().filter_map(place).map(|i| new[i]);
            sets.push(Bitmap::of(kept.iter().copied().chain(new)));
        }
        Ok(Bitmap::column(&sets)?)
    }))
}

/// Which bits of a number are set, as the numbers that they stand for or as their positions.
pub(crate) const BIT_DEFINITIONS: &[Definition] = &[
    Definition::new("bitmaskToArray", mask_to_array),
    Definition::new("bitmaskToList", mask_to_list),
    Definition::new("bitPositionsToArray", positions),
];

fn check_mask(request: &Request<'_>) -> Result<DataType> {
    request.arity(1..=1)?;
    if is_item(request.ty(0)) { Ok(request.ty(0).clone()) } else { Err(request.wrong_type(0, "an integer")) }
}

fn set_bits(value: u64) -> impl Iterator<Item = u32> {
    (0..64).filter(move |bit| value >> bit & 1 == 1)
}

fn mask_to_array(request: &Request<'_>) -> Result<Resolved> {
    let ty = check_mask(request)?;
    Ok(Resolved::new(DataType::array(ty.clone()), move |args: &[Operand], call: &Call| {
        let masks = bits_of(&args[0].expand(call.rows)?, &ty)?;
        let mut offsets = Offsets::with_capacity(call.rows);
        let mut values = Vec::new();
        for mask in masks {
            values.extend(set_bits(mask).map(|bit| (1u64 << bit) as i64));
            offsets.end(values.len())?;
        }
        Ok(offsets.finish(truncated(values.into_iter(), &ty)))
    }))
}

fn mask_to_list(request: &Request<'_>) -> Result<Resolved> {
    let ty = check_mask(request)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let mut texts = crate::columns::Texts::with_capacity(call.rows, call.rows * 8);
        for mask in bits_of(&args[0].expand(call.rows)?, &ty)? {
            let numbers: Vec<String> = set_bits(mask).map(|bit| (1u64 << bit).to_string()).collect();
            texts.push(numbers.join(",").as_bytes())?;
        }
        Ok(texts.finish())
    }))
}

fn positions(request: &Request<'_>) -> Result<Resolved> {
    let ty = check_mask(request)?;
    Ok(Resolved::new(DataType::array(DataType::UInt64), move |args: &[Operand], call: &Call| {
        let mut offsets = Offsets::with_capacity(call.rows);
        let mut values = Vec::new();
        for mask in bits_of(&args[0].expand(call.rows)?, &ty)? {
            values.extend(set_bits(mask).map(i64::from));
            offsets.end(values.len())?;
        }
        let values: ArrayRef = Arc::new(Int64Array::from(values));
        Ok(offsets.finish(arrow::compute::cast(&values, &ArrowType::UInt64)?))
    }))
}
