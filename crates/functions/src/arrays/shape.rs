//! Arrays of arrays and of tuples: `arrayFlatten`, `arrayZip`, `arrayTranspose`, `arrayShingles`.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::buffer::OffsetBuffer;
use types::DataType;

use super::access::check_narrow;
use super::pick::pick;
use crate::columns::{Integers, Lists, Offsets, tuples};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("arrayFlatten", flatten),
    Definition::new("arrayFlatten", flatten).alias("flatten").any_case(),
    Definition::new("arrayZip", zip),
    Definition::new("arrayZipUnaligned", zip_unaligned),
    Definition::new("arrayTranspose", transpose),
    Definition::new("arrayShingles", shingles),
];

/// All arrays inside arrays as one.
fn flatten(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let mut element = super::element_type(request, 0)?;
    let mut depth = 0;
    while let DataType::Array(inner) = element {
        element = inner;
        depth += 1;
    }
    Ok(Resolved::new(DataType::array(element.clone()), move |args: &[Operand], call: &Call| {
        let mut lists = Lists::of(&args[0], call.rows)?;
        for _ in 0..depth {
            let inner = Lists::of_array(&lists.elements)?;
            let offsets = lists.offsets.iter().map(|&at| inner.offsets[at as usize]).collect();
            lists = Lists { offsets: OffsetBuffer::new(offsets), elements: inner.elements };
        }
        Ok(lists.with_elements(lists.elements.clone()))
    }))
}

/// Arrays of one length as one array of tuples.
fn zip(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    let types =
        (0..request.args.len()).map(|i| super::element_type(request, i).cloned()).collect::<Result<Vec<_>>>()?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(DataType::tuple(types)), move |args: &[Operand], call: &Call| {
        let lists = args.iter().map(|arg| Lists::of(arg, call.rows)).collect::<Result<Vec<_>>>()?;
        if lists.iter().any(|other| other.offsets != lists[0].offsets) {
            return Err(Error::ArrayLengths(name.clone()));
        }
        let length = lists[0].elements.len();
        let columns = lists.iter().map(|list| list.elements.clone()).collect();
        Ok(lists[0].with_elements(tuples(columns, length)))
    }))
}

/// As `arrayZip`, NULL where an array is shorter than another.
fn zip_unaligned(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    let types = (0..request.args.len())
        .map(|i| {
            let ty = super::element_type(request, i)?.to_nullable();
            if ty.is_nullable() { Ok(ty) } else { Err(request.wrong_type(i, "elements that can be NULL")) }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Resolved::new(DataType::array(DataType::tuple(types)), |args: &[Operand], call: &Call| {
        let lists = args.iter().map(|arg| Lists::of(arg, call.rows)).collect::<Result<Vec<_>>>()?;
        let mut positions: Vec<Vec<Option<u32>>> = vec![Vec::new(); lists.len()];
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let longest = lists.iter().map(|list| list.range(row).len()).max().unwrap_or(0);
            for (list, positions) in lists.iter().zip(&mut positions) {
                let range = list.range(row);
                positions.extend((0..longest).map(|i| (i < range.len()).then(|| (range.start + i) as u32)));
            }
            offsets.end(positions[0].len())?;
        }
        let columns = lists
            .iter()
            .zip(&positions)
            .map(|(list, positions)| pick(&list.elements, positions))
            .collect::<Result<Vec<_>>>()?;
        Ok(offsets.finish(tuples(columns, positions[0].len())))
    }))
}

/// Rows as columns; inner arrays must have one length.
fn transpose(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let DataType::Array(_) = super::element_type(request, 0)? else {
        return Err(request.wrong_type(0, "Array of Array"));
    };
    let name = request.name.to_owned();
    Ok(Resolved::new(request.ty(0).clone(), move |args: &[Operand], call: &Call| {
        let outer = Lists::of(&args[0], call.rows)?;
        let inner = Lists::of_array(&outer.elements)?;
        let (mut rows, mut columns) = (Offsets::with_capacity(call.rows), Offsets::with_capacity(inner.len()));
        let mut positions = Vec::with_capacity(inner.elements.len());
        let mut written = 0;
        for range in outer.ranges() {
            let width = range.clone().next().map_or(0, |first| inner.range(first).len());
            if range.clone().any(|i| inner.range(i).len() != width) {
                return Err(Error::ArrayLengths(name.clone()));
            }
            for column in 0..width {
                positions.extend(range.clone().map(|i| (inner.range(i).start + column) as u32));
                columns.end(positions.len())?;
                written += 1;
            }
            rows.end(written)?;
        }
        let elements = arrow::compute::take(&inner.elements, &UInt32Array::from(positions), None)?;
        Ok(rows.finish(columns.finish(elements)))
    }))
}

/// Every run of `length` neighbours.
fn shingles(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    super::element_type(request, 0)?;
    check_narrow(request, 1)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::array(request.ty(0).clone()), move |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[0], call.rows)?;
        let lengths = Integers::of(&args[1])?;
        let (mut rows, mut runs) = (Offsets::with_capacity(call.rows), Offsets::with_capacity(call.rows));
        let mut positions: Vec<u32> = Vec::new();
        let mut written = 0;
        for (row, range) in lists.ranges().enumerate() {
            let length = usize::try_from(lengths.get(row)).ok().filter(|length| (1..=range.len()).contains(length));
            let Some(length) = length else {
                let reason = format!("a length of {} for an array of {}", lengths.get(row), range.len());
                return Err(Error::BadArgument { function: name.clone(), reason });
            };
            for start in range.start..=range.end - length {
                positions.extend((start..start + length).map(|i| i as u32));
                runs.end(positions.len())?;
                written += 1;
            }
            rows.end(written)?;
        }
        let elements: ArrayRef = arrow::compute::take(&lists.elements, &UInt32Array::from(positions), None)?;
        Ok(rows.finish(runs.finish(elements)))
    }))
}
