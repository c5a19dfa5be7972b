//! Arrays cut, padded and turned: `arraySlice`, `arrayResize`, `arrayPopBack`, `arrayReverse`, `arrayRotateLeft`…

use std::ops::Range;

use arrow::array::{Array, ArrayRef, UInt32Array};
use types::{DataType, ErrorCode};

use super::access::check_narrow;
use crate::columns::{Integers, Lists, Offsets};
use crate::common_type;
use crate::convert::Converter;
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The most elements `arrayResize` gives one array.
const RESIZED_MAX: u64 = 1 << 30;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("arraySlice", slice).sees_nulls(),
    Definition::new("arrayResize", resize).sees_nulls(),
    Definition::new("arrayPopBack", |request| pop(request, |range| range.start..range.end.max(range.start + 1) - 1)),
    Definition::new("arrayPopFront", |request| pop(request, |range| (range.start + 1).min(range.end)..range.end)),
    Definition::new("arrayReverse", reverse),
    Definition::new("arrayRotateLeft", |request| rotate(request, Direction::Left)),
    Definition::new("arrayRotateRight", |request| rotate(request, Direction::Right)),
    Definition::new("arrayShiftLeft", |request| shift(request, Direction::Left)).sees_nulls(),
    Definition::new("arrayShiftRight", |request| shift(request, Direction::Right)).sees_nulls(),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Left,
    Right,
}

/// The part of `length` elements (or bytes, or characters) that `substring(…, offset, count)` means: offsets count from 1, negative
/// ones from the end, a negative count leaves off that many at the end, no count means all.
pub(crate) fn window(length: usize, offset: i64, count: Option<i64>) -> Range<usize> {
    let length = length as i128;
    let (offset, count) = (i128::from(offset), count.map(i128::from));
    let start = match offset {
        0 => return 0..0,
        1.. => offset - 1,
        _ => length + offset,
    };
    let end = match count {
        None => length,
        Some(count @ 0..) => start + count,
        Some(count) => length + count,
    };
    let (start, end) = (start.clamp(0, length), end.clamp(0, length));
    start as usize..end.max(start) as usize
}

/// `arraySlice(array, offset [, length])`; NULL as offset means 1, as length all.
fn slice(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    super::element_type(request, 0)?;
    for i in 1..request.args.len() {
        check_narrow(request, i)?;
    }
    Ok(Resolved::new(request.ty(0).clone(), |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let offset = optional_integers(&args[1])?;
        let length = args.get(2).map(optional_integers).transpose()?.flatten();
        cut(&lists, |row, range| {
            let offset = offset.as_ref().and_then(|offset| offset.get_valid(row)).unwrap_or(1);
            let count = length.as_ref().and_then(|length| length.get_valid(row));
            let window = window(range.len(), offset, count);
            range.start + window.start..range.start + window.end
        })
    }))
}

/// The integers of an operand; `None` when it is the untyped NULL.
fn optional_integers(operand: &Operand) -> Result<Option<Integers>> {
    if operand.array().data_type().is_null() { Ok(None) } else { Integers::of(operand).map(Some) }
}

/// Of each list the part that `part` gives for its row and range.
fn cut(lists: &Lists, part: impl Fn(usize, Range<usize>) -> Range<usize>) -> Result<ArrayRef> {
    let mut positions = Vec::with_capacity(lists.elements.len());
    let mut offsets = Offsets::with_capacity(lists.len());
    for (row, range) in lists.ranges().enumerate() {
        positions.extend(part(row, range).map(|i| i as u32));
        offsets.end(positions.len())?;
    }
    Ok(offsets.finish(arrow::compute::take(&lists.elements, &UInt32Array::from(positions), None)?))
}

fn pop(request: &Request<'_>, part: fn(Range<usize>) -> Range<usize>) -> Result<Resolved> {
    request.arity(1..=1)?;
    super::element_type(request, 0)?;
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        cut(&lists, |_, range| if range.is_empty() { range } else { part(range) })
    }))
}

/// `reverse` of arrays is the same.
pub(crate) fn reverse(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    super::element_type(request, 0)?;
    Ok(Resolved::new(request.ty(0).clone(), |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let positions: Vec<u32> = lists.ranges().flat_map(|range| range.rev()).map(|i| i as u32).collect();
        Ok(lists.with_elements(arrow::compute::take(&lists.elements, &UInt32Array::from(positions), None)?))
    }))
}

/// `arrayResize(array, size [, filler])`; a negative size cuts and fills at the front.
fn resize(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let element = super::element_type(request, 0)?.clone();
    check_narrow(request, 1)?;
    let filler = request.args.get(2).map(|arg| arg.ty.clone());
    let common = match &filler {
        Some(filler) => common_type(&[element, filler.clone()])?,
        None if element == DataType::Nothing => {
            return Err(Error::NotImplemented("resizing an array of type Nothing without a value".to_owned()));
        }
        None => element,
    };
    let result = DataType::array(common.clone());
    let to_array = Converter::new(request.ty(0), &result, request.context)?;
    let to_filler = filler.map(|filler| Converter::new(&filler, &common, request.context)).transpose()?;
    let name = request.name.to_owned();
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let lists = Lists::of_array(&to_array.full(&args[0], call.rows)?)?;
        let sizes = Integers::of(&args[1])?;
        let filler = match &to_filler {
            Some(converter) => converter.operand(&args[2])?,
            None => Operand::Constant(common.default_array(1)),
        };
        let mut positions = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for (row, range) in lists.ranges().enumerate() {
            let size = sizes.get_valid(row).unwrap_or(0);
            let wanted = size.unsigned_abs();
            check_size(&name, wanted)?;
            let (wanted, fill) = (wanted as usize, (1, filler.index(row)));
            let missing = wanted.saturating_sub(range.len());
            if size < 0 {
                positions.extend(std::iter::repeat_n(fill, missing));
                positions.extend((range.end - wanted.min(range.len())..range.end).map(|i| (0, i)));
            } else {
                positions.extend(range.take(wanted).map(|i| (0, i)));
                positions.extend(std::iter::repeat_n(fill, missing));
            }
            offsets.end(positions.len())?;
        }
        let elements = arrow::compute::interleave(&[lists.elements.as_ref(), filler.array().as_ref()], &positions)?;
        Ok(offsets.finish(elements))
    }))
}

fn check_size(name: &str, size: u64) -> Result<()> {
    if size <= RESIZED_MAX {
        return Ok(());
    }
    Err(Error::TooLarge {
        function: name.to_owned(),
        reason: format!("{size} elements, at most {RESIZED_MAX}"),
        code: ErrorCode::TOO_LARGE_ARRAY_SIZE,
    })
}

/// Elements moved by a number of places; what falls off comes in at the other end.
fn rotate(request: &Request<'_>, direction: Direction) -> Result<Resolved> {
    request.arity(2..=2)?;
    super::element_type(request, 0)?;
    check_narrow(request, 1)?;
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let places = Integers::of(&args[1])?;
        let mut positions = Vec::with_capacity(lists.elements.len());
        for (row, range) in lists.ranges().enumerate() {
            let (start, length) = (range.start, range.len() as i128);
            let places = i128::from(places.get(row));
            let places = if direction == Direction::Left { places } else { -places };
            positions.extend((0..length).map(|i| start as u32 + (i + places).rem_euclid(length) as u32));
        }
        Ok(lists.with_elements(arrow::compute::take(&lists.elements, &UInt32Array::from(positions), None)?))
    }))
}

/// Elements moved by a number of places; what falls off is lost, a default (or the third argument) comes in.
fn shift(request: &Request<'_>, direction: Direction) -> Result<Resolved> {
    request.arity(2..=3)?;
    let element = super::element_type(request, 0)?.clone();
    check_narrow(request, 1)?;
    if let Some(filler) = request.args.get(2)
        && common_type(&[element.clone(), filler.ty.clone()]).as_ref().ok() != Some(&element)
    {
        return Err(request.wrong_type(2, format!("a value of {element}")));
    }
    let to_filler = request.args.get(2).map(|arg| Converter::new(&arg.ty, &element, request.context)).transpose()?;
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let places = Integers::of(&args[1])?;
        let filler = match &to_filler {
            Some(converter) => converter.operand(&args[2])?,
            None => Operand::Constant(element.default_array(1)),
        };
        let mut positions = Vec::with_capacity(lists.elements.len());
        for (row, range) in lists.ranges().enumerate() {
            let places = i128::from(places.get_valid(row).unwrap_or(0));
            let places = if direction == Direction::Left { places } else { -places };
            positions.extend(range.clone().map(|i| {
                let from = i as i128 + places;
                let inside = range.start as i128 <= from && from < range.end as i128;
                if inside { (0, from as usize) } else { (1, filler.index(row)) }
            }));
        }
        let elements = arrow::compute::interleave(&[lists.elements.as_ref(), filler.array().as_ref()], &positions)?;
        Ok(lists.with_elements(elements))
    }))
}

#[cfg(test)]
mod tests {
    use super::window;

    proptest::proptest! {
        #[test]
        fn windows_lie_inside(length in 0usize..20, offset in i64::MIN.., count in proptest::option::of(i64::MIN..)) {
            let window = window(length, offset, count);
            proptest::prop_assert!(window.start <= window.end && window.end <= length);
        }
    }
}
