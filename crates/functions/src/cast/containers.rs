//! Arrays, tuples and maps: element by element, and from text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, ListArray, NullBufferBuilder, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType as ArrowType;
use types::{DataType, ErrorCode, TupleField};

use super::rows::{Failure, Text, raise};
use super::split::{Brackets, split, split_pair, unquote};
use super::{Rules, cast, cast_strictly};
use crate::error::{Error, Result};

/// To an array, tuple or map type.
pub(super) fn convert(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    use DataType as T;
    match (from, to) {
        (T::Array(source), T::Array(target)) => {
            list(array, to, rules, |values, rules| cast(values, source, target, rules))
        }
        (T::Map(source), T::Map(target)) => list(array, to, rules, |values, rules| {
            entries(values, (&source.0, &source.1), (&target.0, &target.1), rules)
        }),
        (T::Array(inner), T::Map(target)) => match &**inner {
            T::Tuple(fields) if fields.len() == 2 => list(array, to, rules, |values, rules| {
                entries(values, (&fields[0].ty, &fields[1].ty), (&target.0, &target.1), rules)
            }),
            T::Nothing => list(array, to, rules, |values, _| Ok(new_null_array(&entry_type(to), values.len()))),
            _ => Err(mismatch(from, to)),
        },
        (T::Map(source), T::Array(inner)) => match &**inner {
            T::Tuple(fields) if fields.len() == 2 => {
                let pair = DataType::tuple([source.0.clone(), source.1.clone()]);
                let renamed = list(array, &T::array(pair.clone()), rules, |values, _| renamed(values, &pair))?;
                cast(&renamed, &T::array(pair), to, rules)
            }
            _ => Err(mismatch(from, to)),
        },
        (T::Tuple(fields), T::Map(target)) => match &**fields {
            [TupleField { ty: T::Array(keys), .. }, TupleField { ty: T::Array(values), .. }] => {
                from_two_arrays(array, (keys, values), (&target.0, &target.1), to, rules)
            }
            _ => Err(mismatch(from, to)),
        },
        (T::Tuple(source), T::Tuple(target)) => tuple(array, source, target, to, rules),
        (T::String | T::FixedString(_), T::Array(inner)) => parse_array(array, inner, to, rules),
        (T::String | T::FixedString(_), T::Tuple(fields)) => parse_tuple(array, fields, to, rules),
        (T::String | T::FixedString(_), T::Map(entry)) => parse_map(array, (&entry.0, &entry.1), to, rules),
        _ => Err(mismatch(from, to)),
    }
}

fn mismatch(from: &DataType, to: &DataType) -> Error {
    Error::TypeMismatch { from: from.to_string(), to: to.to_string() }
}

/// The values of a list converted, its offsets kept; only values inside the offsets are looked at.
fn list(
    array: &ArrayRef,
    to: &DataType,
    rules: &Rules,
    convert: impl Fn(&ArrayRef, &Rules) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let source: &ListArray = array.as_list();
    let offsets = source.value_offsets();
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    let values = source.values().slice(first as usize, (last - first) as usize);
    let values = convert(&values, rules)?;
    let lengths = offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize);
    list_of(to, OffsetBuffer::from_lengths(lengths), values, source.nulls().cloned())
}

fn list_of(to: &DataType, offsets: OffsetBuffer<i32>, values: ArrayRef, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let ArrowType::List(item) = to.arrow_type() else {
        return Err(Error::Internal { function: "CAST".to_owned(), reason: format!("{to} is no list") });
    };
    Ok(Arc::new(ListArray::try_new(item, offsets, values, nulls)?))
}

fn entry_type(map: &DataType) -> ArrowType {
    match map.arrow_type() {
        ArrowType::List(item) => item.data_type().clone(),
        other => other,
    }
}

/// Key-value pairs converted; the pair's own field names do not matter.
fn entries(
    values: &ArrayRef,
    from: (&DataType, &DataType),
    to: (&DataType, &DataType),
    rules: &Rules,
) -> Result<ArrayRef> {
    let pairs: &StructArray = values.as_struct();
    let keys = cast(pairs.column(0), from.0, to.0, rules)?;
    let mapped = cast(pairs.column(1), from.1, to.1, rules)?;
    let map = DataType::map(to.0.clone(), to.1.clone());
    struct_of(&entry_type(&map), vec![keys, mapped], pairs.nulls().cloned(), pairs.len())
}

/// The same columns as a struct with the field names of `to`.
fn renamed(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let pairs: &StructArray = values.as_struct();
    struct_of(&to.arrow_type(), pairs.columns().to_vec(), pairs.nulls().cloned(), pairs.len())
}

fn struct_of(ty: &ArrowType, columns: Vec<ArrayRef>, nulls: Option<NullBuffer>, rows: usize) -> Result<ArrayRef> {
    let ArrowType::Struct(fields) = ty else {
        return Err(Error::Internal { function: "CAST".to_owned(), reason: format!("{ty} is no struct") });
    };
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(rows, nulls)));
    }
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?))
}

/// `(keys, values)` as a map; both arrays of a row must be equally long.
fn from_two_arrays(
    array: &ArrayRef,
    from: (&DataType, &DataType),
    to: (&DataType, &DataType),
    map: &DataType,
    rules: &Rules,
) -> Result<ArrayRef> {
    let pair: &StructArray = array.as_struct();
    let (keys, values): (&ListArray, &ListArray) = (pair.column(0).as_list(), pair.column(1).as_list());
    if !keys.offsets().lengths().eq(values.offsets().lengths()) {
        return Err(Error::ArrayLengths("CAST AS Map".to_owned()));
    }
    let inside = |list: &ListArray| {
        let offsets = list.value_offsets();
        list.values().slice(offsets[0] as usize, (offsets[list.len()] - offsets[0]) as usize)
    };
    let columns = vec![cast(&inside(keys), from.0, to.0, rules)?, cast(&inside(values), from.1, to.1, rules)?];
    let rows = columns[0].len();
    let entries = struct_of(&entry_type(map), columns, None, rows)?;
    list_of(map, OffsetBuffer::from_lengths(keys.offsets().lengths()), entries, pair.nulls().cloned())
}

/// Tuples by position; by name when all elements of both have names and the names are not the same in order.
fn tuple(
    array: &ArrayRef,
    source: &[TupleField],
    target: &[TupleField],
    to: &DataType,
    rules: &Rules,
) -> Result<ArrayRef> {
    let tuples: &StructArray = array.as_struct();
    let named = |fields: &[TupleField]| !fields.is_empty() && fields.iter().all(|field| field.name.is_some());
    let by_name = named(source) && named(target);
    if !by_name && source.len() != target.len() {
        let from = DataType::Tuple(source.into());
        return Err(mismatch(&from, to));
    }
    let mut columns = Vec::with_capacity(target.len());
    for (position, field) in target.iter().enumerate() {
        let at = if by_name { source.iter().position(|other| other.name == field.name) } else { Some(position) };
        columns.push(match at {
            Some(at) => cast(tuples.column(at), &source[at].ty, &field.ty, rules)?,
            None => field.ty.default_array(tuples.len()),
        });
    }
    struct_of(&to.arrow_type(), columns, tuples.nulls().cloned(), tuples.len())
}

/// `[…]` texts: the elements' texts become one column, which is converted as a whole.
fn parse_array(array: &ArrayRef, inner: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let text = Text::of(array);
    let mut lengths = Vec::with_capacity(array.len());
    let mut nulls = NullBufferBuilder::new(array.len());
    let mut elements = Elements::default();
    for row in 0..array.len() {
        nulls.append(text.get(row).is_some());
        let parts = match text.get(row) {
            Some(bytes) => {
                split(bytes, Brackets::Square).map_err(|failure| raise(failure, &text.show(row), to, row))?
            }
            None => Vec::new(),
        };
        lengths.push(parts.len());
        for part in parts {
            elements.push(part, inner).map_err(|failure| raise(failure, &text.show(row), to, row))?;
        }
    }
    let values = cast_strictly(&elements.finish(), &DataType::nullable(DataType::String), inner, rules)?;
    list_of(to, OffsetBuffer::from_lengths(lengths), values, nulls.finish())
}

/// `{key:value,…}` texts, inside of other containers and of parameters: CAST takes none by itself.
fn parse_map(array: &ArrayRef, (key, value): (&DataType, &DataType), to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    let text = Text::of(array);
    let mut lengths = Vec::with_capacity(array.len());
    let mut nulls = NullBufferBuilder::new(array.len());
    let (mut keys, mut values) = (Elements::default(), Elements::default());
    for row in 0..array.len() {
        let wrong = |failure| raise(failure, &text.show(row), to, row);
        nulls.append(text.get(row).is_some());
        let pairs = match text.get(row) {
            Some(bytes) => split(bytes, Brackets::Curly).map_err(wrong)?,
            None => Vec::new(),
        };
        lengths.push(pairs.len());
        for pair in pairs {
            let (of_key, of_value) = split_pair(pair).map_err(wrong)?;
            keys.push(of_key, key).map_err(wrong)?;
            values.push(of_value, value).map_err(wrong)?;
        }
    }
    let string = DataType::nullable(DataType::String);
    let keys = cast_strictly(&keys.finish(), &string, key, rules)?;
    let values = cast_strictly(&values.finish(), &string, value, rules)?;
    let entries = lengths.iter().sum();
    let pairs = struct_of(&entry_type(to), vec![keys, values], None, entries)?;
    list_of(to, OffsetBuffer::from_lengths(lengths), pairs, nulls.finish())
}

/// `(…)` texts: one column of element texts a field.
fn parse_tuple(array: &ArrayRef, fields: &[TupleField], to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    const WRONG_COUNT: Failure =
        Failure::new(ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED, "a tuple of another number of elements");
    let text = Text::of(array);
    let mut columns: Vec<Elements> = fields.iter().map(|_| Elements::default()).collect();
    let mut nulls = NullBufferBuilder::new(array.len());
    for row in 0..array.len() {
        nulls.append(text.get(row).is_some());
        let Some(bytes) = text.get(row) else {
            columns.iter_mut().for_each(Elements::push_null);
            continue;
        };
        let wrong = |failure| raise(failure, &text.show(row), to, row);
        let parts = split(bytes, Brackets::Round).map_err(wrong)?;
        if parts.len() != fields.len() {
            return Err(wrong(WRONG_COUNT));
        }
        for ((part, field), column) in parts.into_iter().zip(fields).zip(&mut columns) {
            column.push(part, &field.ty).map_err(wrong)?;
        }
    }
    let string = DataType::nullable(DataType::String);
    let columns = columns
        .into_iter()
        .zip(fields)
        .map(|(column, field)| cast_strictly(&column.finish(), &string, &field.ty, rules))
        .collect::<Result<Vec<_>>>()?;
    struct_of(&to.arrow_type(), columns, nulls.finish(), array.len())
}

/// Texts of elements as they stand in a container: quoted where the type is written in quotes, `NULL` bare.
#[derive(Default)]
struct Elements {
    texts: BinaryBuilder,
}

impl Elements {
    fn push(&mut self, part: &[u8], ty: &DataType) -> std::result::Result<(), Failure> {
        if part.eq_ignore_ascii_case(b"NULL") && ty.is_nullable() {
            self.texts.append_null();
        } else if is_quoted(ty.base()) {
            self.texts.append_value(unquote(part)?);
        } else {
            self.texts.append_value(part);
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.texts.append_null();
    }

    fn finish(mut self) -> ArrayRef {
        Arc::new(self.texts.finish())
    }
}

/// True for types whose text stands in quotes inside containers.
fn is_quoted(ty: &DataType) -> bool {
    ty.is_string()
        || ty.is_date_or_time()
        || matches!(ty, DataType::Uuid | DataType::Ipv4 | DataType::Ipv6 | DataType::Enum(_))
}
