//! A column being read: cell after cell from text or JSON tokens, given out as an Arrow array.
//!
//! A cell that does not fit appends nothing and says so ([`Misfit`]); [`ColumnBuilder::truncate`] takes a half-read row
//! back, so that columns always agree on their length.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray, NullArray, StructArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as ArrowType, Field, i256};
use types::text::Zone;
use types::text::scan::{self, parse_f64};
use types::{DataType, ErrorCode, TupleField, wide};

use crate::cursor;
use crate::numbers::{Numbers, integer, wrapped, wrapped_bits};

/// A cell whose text its type cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Misfit;

/// Texts of the next block may be longer in sum: by so small a share they need no more room.
const SPARE_SHARE: usize = 16;

/// See the module: `append_…` and `truncate` keep it well formed, [`ColumnBuilder::finish`] gives the array.
pub struct ColumnBuilder {
    ty: DataType,
    zone: Zone,
    numbers: Numbers,
    /// One flag a row, only for types that can be NULL.
    valid: Option<Vec<bool>>,
    values: Values,
}

enum Values {
    Nothing(usize),
    Bool(Vec<bool>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    D128(Vec<i128>),
    D256(Vec<i256>),
    Bytes { offsets: Vec<i32>, data: Vec<u8> },
    Fixed { width: usize, data: Vec<u8> },
    List { offsets: Vec<i32>, child: Box<ColumnBuilder> },
    Struct { len: usize, children: Vec<ColumnBuilder> },
}

macro_rules! each_vec {
    ($values:expr, $v:ident => $body:expr, $($other:tt)*) => {
        match $values {
            Values::Bool($v) => $body,
            Values::U8($v) => $body,
            Values::U16($v) => $body,
            Values::U32($v) => $body,
            Values::U64($v) => $body,
            Values::I8($v) => $body,
            Values::I16($v) => $body,
            Values::I32($v) => $body,
            Values::I64($v) => $body,
            Values::F32($v) => $body,
            Values::F64($v) => $body,
            Values::D128($v) => $body,
            Values::D256($v) => $body,
            $($other)*
        }
    };
}

impl ColumnBuilder {
    /// A column of that type without cells; `zone` is that of times without one of their own. Integers that do not fit
    /// are misfits.
    pub fn new(ty: &DataType, zone: Zone) -> ColumnBuilder {
        ColumnBuilder::with_numbers(ty, zone, Numbers::Exact)
    }

    pub(crate) fn with_numbers(ty: &DataType, zone: Zone, numbers: Numbers) -> ColumnBuilder {
        let valid = ty.is_nullable().then(Vec::new);
        ColumnBuilder { values: Values::of(ty.base(), zone, numbers), ty: ty.clone(), zone, numbers, valid }
    }

    pub(crate) fn ty(&self) -> &DataType {
        &self.ty
    }

    pub(crate) fn zone(&self) -> Zone {
        self.zone
    }

    /// How many cells.
    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub fn len(&self) -> usize {
        each_vec!(&self.values, v => v.len(),
            Values::Nothing(len) => *len,
            Values::Bytes { offsets, .. } | Values::List { offsets, .. } => offsets.len() - 1,
            Values::Fixed { width, data } => data.len() / width,
            Values::Struct { len, .. } => *len,
        )
    }

    /// Takes back all rows from `len` on.
    pub fn truncate(&mut self, len: usize) {
        if let Some(valid) = &mut self.valid {
            valid.truncate(len);
        }
        each_vec!(&mut self.values, v => v.truncate(len),
            Values::Nothing(rows) => *rows = (*rows).min(len),
            Values::Bytes { offsets, data } => {
                offsets.truncate(len + 1);
                data.truncate(offsets.last().map_or(0, |end| *end as usize));
            }
            Values::Fixed { width, data } => data.truncate(len * *width),
            Values::List { offsets, child } => {
                offsets.truncate(len + 1);
                child.truncate(offsets.last().map_or(0, |end| *end as usize));
            }
            Values::Struct { len: rows, children } => {
                *rows = (*rows).min(len);
                children.iter_mut().for_each(|child| child.truncate(len));
            }
        );
    }

    pub(crate) fn is_nullable(&self) -> bool {
        self.valid.is_some() || self.ty == DataType::Nothing
    }

    fn mark(&mut self, valid: bool) {
        if let Some(flags) = &mut self.valid {
            flags.push(valid);
        }
    }

    /// NULL where the type has it, else its default value.
    pub fn append_default(&mut self) {
        self.mark(false);
        self.values.append_default(self.ty.base());
    }

    /// A whole cell of text without quotes or escapes.
    pub fn append_text(&mut self, text: &[u8]) -> Result<(), Misfit> {
        if let Values::List { .. } | Values::Struct { .. } = self.values {
            // states are no text, and have no brackets to begin with
            if matches!(self.ty.base(), DataType::AggregateFunction(_)) {
                return Err(Misfit);
            }
            return cursor::read_container(self, text);
        }
        self.values.append_text(self.ty.base(), text, (self.zone, self.numbers))?;
        self.mark(true);
        Ok(())
    }

    /// An unsigned integer token.
    pub(crate) fn append_u64(&mut self, value: u64) -> Result<(), Misfit> {
        match &mut self.values {
            Values::U64(v) if self.ty.base() == &DataType::UInt64 => v.push(value),
            Values::I64(v) if self.ty.base() == &DataType::Int64 => match i64::try_from(value) {
                Ok(value) => v.push(value),
                Err(_) if self.numbers == Numbers::Wrapped => v.push(value as i64),
                Err(_) => return Err(Misfit),
            },
            Values::F64(v) => v.push(value as f64),
            _ => return self.append_text(itoa::Buffer::new().format(value).as_bytes()),
        }
        self.mark(true);
        Ok(())
    }

    /// A signed integer token.
    pub(crate) fn append_i64(&mut self, value: i64) -> Result<(), Misfit> {
        match &mut self.values {
            Values::I64(v) if self.ty.base() == &DataType::Int64 => v.push(value),
            Values::F64(v) => v.push(value as f64),
            _ => return self.append_text(itoa::Buffer::new().format(value).as_bytes()),
        }
        self.mark(true);
        Ok(())
    }

    /// A floating-point token. Only floats, decimals, times and strings take it.
    pub(crate) fn append_f64(&mut self, value: f64) -> Result<(), Misfit> {
        match &mut self.values {
            Values::F64(v) => v.push(value),
            Values::F32(v) => v.push(value as f32),
            _ => {
                let mut text = Vec::new();
                types::text::write_f64(&mut text, value);
                return self.append_text(&text);
            }
        }
        self.mark(true);
        Ok(())
    }

    /// `true` or `false`.
    pub(crate) fn append_bool(&mut self, value: bool) -> Result<(), Misfit> {
        match &mut self.values {
            Values::Bool(v) => v.push(value),
            Values::Bytes { .. } => return self.append_text(if value { b"true" } else { b"false" }),
            _ => return self.append_u64(value.into()),
        }
        self.mark(true);
        Ok(())
    }

    /// The element column of an array or the pair column of a map, to append a cell's elements to before
    /// [`ColumnBuilder::end_list`].
    pub fn list_child(&mut self) -> Option<&mut ColumnBuilder> {
        match &mut self.values {
            Values::List { child, .. } => Some(child),
            _ => None,
        }
    }

    /// Ends the cell whose elements were appended to the child.
    pub fn end_list(&mut self) {
        if let Values::List { offsets, child } = &mut self.values {
            offsets.push(child.len() as i32);
        }
        self.mark(true);
    }

    /// The element columns of a tuple.
    pub(crate) fn struct_children(&mut self) -> Option<&mut [ColumnBuilder]> {
        match &mut self.values {
            Values::Struct { children, .. } => Some(children),
            _ => None,
        }
    }

    /// Ends the tuple whose elements were appended to the children.
    pub(crate) fn end_struct(&mut self) {
        if let Values::Struct { len, .. } = &mut self.values {
            *len += 1;
        }
        self.mark(true);
    }

    /// All cells; the builder is empty afterwards.
    pub fn finish(&mut self) -> ArrayRef {
        let nulls = self.valid.as_mut().map(|valid| NullBuffer::from(std::mem::take(valid)));
        let mut next = Values::of(self.ty.base(), self.zone, self.numbers);
        next.reserve_as(&self.values);
        std::mem::replace(&mut self.values, next).finish(self.ty.base(), nulls.filter(|nulls| nulls.null_count() > 0))
    }
}

impl Values {
    /// Room for as much as `before` has: blocks of one input are alike, and growing copies.
    fn reserve_as(&mut self, before: &Values) {
        match (self, before) {
            (Values::I64(next), Values::I64(before)) => next.reserve_exact(before.len()),
            (Values::U64(next), Values::U64(before)) => next.reserve_exact(before.len()),
            (Values::F64(next), Values::F64(before)) => next.reserve_exact(before.len()),
            (Values::Bytes { offsets, data }, Values::Bytes { offsets: offsets_before, data: data_before }) => {
                offsets.reserve_exact(offsets_before.len());
                data.reserve_exact(data_before.len() + data_before.len() / SPARE_SHARE);
            }
            _ => {}
        }
    }

    fn of(ty: &DataType, zone: Zone, numbers: Numbers) -> Values {
        match ty.arrow_type() {
            ArrowType::Null => Values::Nothing(0),
            ArrowType::Boolean => Values::Bool(Vec::new()),
            ArrowType::UInt8 => Values::U8(Vec::new()),
            ArrowType::UInt16 => Values::U16(Vec::new()),
            ArrowType::UInt32 => Values::U32(Vec::new()),
            ArrowType::UInt64 => Values::U64(Vec::new()),
            ArrowType::Int8 => Values::I8(Vec::new()),
            ArrowType::Int16 => Values::I16(Vec::new()),
            ArrowType::Int32 => Values::I32(Vec::new()),
            ArrowType::Float32 => Values::F32(Vec::new()),
            ArrowType::Float64 => Values::F64(Vec::new()),
            ArrowType::Decimal128(..) => Values::D128(Vec::new()),
            ArrowType::Decimal256(..) => Values::D256(Vec::new()),
            ArrowType::Binary => Values::Bytes { offsets: vec![0], data: Vec::new() },
            ArrowType::FixedSizeBinary(width) => Values::Fixed { width: width as usize, data: Vec::new() },
            ArrowType::List(_) => {
                Values::List { offsets: vec![0], child: Box::new(Values::element(ty, zone, numbers)) }
            }
            ArrowType::Struct(_) => Values::Struct { len: 0, children: Values::fields(ty, zone, numbers) },
            _ => Values::I64(Vec::new()),
        }
    }

    fn element(ty: &DataType, zone: Zone, numbers: Numbers) -> ColumnBuilder {
        match ty {
            DataType::Array(inner) => ColumnBuilder::with_numbers(inner, zone, numbers),
            DataType::Map(entry) => {
                let field = |name: &str, ty: &DataType| TupleField { name: Some(name.into()), ty: ty.clone() };
                let pair = DataType::Tuple(vec![field("key", &entry.0), field("value", &entry.1)].into());
                ColumnBuilder::with_numbers(&pair, zone, numbers)
            }
            _ => ColumnBuilder::with_numbers(&DataType::Nothing, zone, numbers),
        }
    }

    fn fields(ty: &DataType, zone: Zone, numbers: Numbers) -> Vec<ColumnBuilder> {
        match ty {
            DataType::Tuple(fields) => {
                fields.iter().map(|field| ColumnBuilder::with_numbers(&field.ty, zone, numbers)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn append_default(&mut self, ty: &DataType) {
        let smallest = match ty {
            DataType::Enum(values) => values.values.first().map_or(0, |(_, number)| *number),
            _ => 0,
        };
        match self {
            Values::Nothing(len) => *len += 1,
            Values::Bool(v) => v.push(false),
            Values::U8(v) => v.push(0),
            Values::U16(v) => v.push(0),
            Values::U32(v) => v.push(0),
            Values::U64(v) => v.push(0),
            Values::I8(v) => v.push(smallest as i8),
            Values::I16(v) => v.push(smallest),
            Values::I32(v) => v.push(0),
            Values::I64(v) => v.push(0),
            Values::F32(v) => v.push(0.0),
            Values::F64(v) => v.push(0.0),
            Values::D128(v) => v.push(0),
            Values::D256(v) => v.push(i256::ZERO),
            Values::Bytes { offsets, data } => offsets.push(data.len() as i32),
            Values::Fixed { width, data } => data.extend_from_slice(&default_cell(ty, *width)),
            Values::List { offsets, child } => offsets.push(child.len() as i32),
            Values::Struct { len, children } => {
                *len += 1;
                children.iter_mut().for_each(ColumnBuilder::append_default);
            }
        }
    }

    /// Integers go through their own width first; one that does not fit is a misfit, or wrapped.
    fn append_text(&mut self, ty: &DataType, text: &[u8], (zone, numbers): (Zone, Numbers)) -> Result<(), Misfit> {
        match (self, ty) {
            (Values::Nothing(_), _) => return Err(Misfit),
            (Values::Bool(v), _) => v.push(parse_bool(text)?),
            (Values::U16(v), DataType::Date) => {
                let days = scan::parse_date(text).or_else(|| whole_day(text, zone)).ok_or(Misfit)?;
                v.push(days.clamp(0, u16::MAX.into()) as u16);
            }
            (Values::U32(v), DataType::DateTime(own)) => {
                let instant = scan::parse_date_time(text, Zone::of(own, zone)).ok_or(Misfit)?;
                v.push(instant.seconds.clamp(0, u32::MAX.into()) as u32);
            }
            (Values::U32(v), DataType::Ipv4) => v.push(scan::parse_ipv4(text).ok_or(Misfit)?),
            (Values::I32(v), DataType::Date32) => {
                let days = scan::parse_date(text).or_else(|| whole_day(text, zone)).ok_or(Misfit)?;
                v.push(i32::try_from(days).map_err(|_| Misfit)?);
            }
            (Values::I64(v), DataType::DateTime64 { precision, zone: own }) => {
                let instant = scan::parse_date_time(text, Zone::of(own, zone)).ok_or(Misfit)?;
                v.push(instant.ticks(*precision).ok_or(Misfit)?);
            }
            (Values::I8(v), DataType::Enum(values)) => {
                v.push(values.number(text).or_else(|| enum_number(values, text)).ok_or(Misfit)? as i8);
            }
            (Values::I16(v), DataType::Enum(values)) => {
                v.push(values.number(text).or_else(|| enum_number(values, text)).ok_or(Misfit)?);
            }
            (Values::U8(v), _) => {
                v.push(if let Ok(flag) = literal_bool(text) { flag.into() } else { integer(text, numbers)? })
            }
            (Values::U16(v), _) => v.push(integer(text, numbers)?),
            (Values::U32(v), _) => v.push(integer(text, numbers)?),
            (Values::U64(v), _) => v.push(integer(text, numbers)?),
            (Values::I8(v), _) => v.push(integer(text, numbers)?),
            (Values::I16(v), _) => v.push(integer(text, numbers)?),
            (Values::I32(v), _) => v.push(integer(text, numbers)?),
            (Values::I64(v), _) => v.push(integer(text, numbers)?),
            (Values::F32(v), _) => v.push(parse_f64(text).ok_or(Misfit)? as f32),
            (Values::F64(v), _) => v.push(parse_f64(text).ok_or(Misfit)?),
            (Values::D128(v), DataType::Decimal { precision, scale }) => {
                let value = scan::parse_decimal(text, *scale).and_then(i256::to_i128).ok_or(Misfit)?;
                let limit = 10u128.checked_pow((*precision).into()).unwrap_or(u128::MAX);
                v.push((value.unsigned_abs() < limit).then_some(value).ok_or(Misfit)?);
            }
            (Values::D256(v), DataType::Decimal { scale, .. }) => {
                v.push(scan::parse_decimal(text, *scale).ok_or(Misfit)?)
            }
            (Values::Bytes { offsets, data }, _) => {
                let end = i32::try_from(data.len() + text.len()).map_err(|_| Misfit)?;
                data.extend_from_slice(text);
                offsets.push(end);
            }
            (Values::Fixed { width, data }, ty) => data.extend_from_slice(&fixed_cell(ty, *width, text, numbers)?),
            _ => return Err(Misfit),
        }
        Ok(())
    }

    fn finish(self, ty: &DataType, nulls: Option<NullBuffer>) -> ArrayRef {
        match self {
            Values::Nothing(len) => Arc::new(NullArray::new(len)),
            Values::Bool(v) => Arc::new(BooleanArray::new(v.into(), nulls)),
            Values::U8(v) => Arc::new(UInt8Array::new(v.into(), nulls)),
            Values::U16(v) => Arc::new(UInt16Array::new(v.into(), nulls)),
            Values::U32(v) => Arc::new(UInt32Array::new(v.into(), nulls)),
            Values::U64(v) => Arc::new(UInt64Array::new(v.into(), nulls)),
            Values::I8(v) => Arc::new(Int8Array::new(v.into(), nulls)),
            Values::I16(v) => Arc::new(Int16Array::new(v.into(), nulls)),
            Values::I32(v) => Arc::new(Int32Array::new(v.into(), nulls)),
            Values::I64(v) => Arc::new(Int64Array::new(v.into(), nulls)),
            Values::F32(v) => Arc::new(Float32Array::new(v.into(), nulls)),
            Values::F64(v) => Arc::new(Float64Array::new(v.into(), nulls)),
            Values::D128(v) => Arc::new(Decimal128Array::new(v.into(), nulls).with_data_type(ty.arrow_type())),
            Values::D256(v) => Arc::new(Decimal256Array::new(v.into(), nulls).with_data_type(ty.arrow_type())),
            Values::Bytes { offsets, data } => {
                Arc::new(BinaryArray::new(OffsetBuffer::new(offsets.into()), Buffer::from_vec(data), nulls))
            }
            Values::Fixed { width, data } => {
                Arc::new(FixedSizeBinaryArray::new(width as i32, Buffer::from_vec(data), nulls))
            }
            Values::List { offsets, mut child } => {
                let child = child.finish();
                let child = match ty {
                    // the pair column of a map was built as a tuple; only the field names differ
                    DataType::Map(_) => rename_pair(ty, child),
                    _ => child,
                };
                let ArrowType::List(field) = ty.arrow_type() else { return Arc::new(NullArray::new(0)) };
                Arc::new(ListArray::new(field, OffsetBuffer::new(offsets.into()), child, nulls))
            }
            Values::Struct { len, mut children } => {
                let ArrowType::Struct(fields) = ty.arrow_type() else { return Arc::new(NullArray::new(0)) };
                if children.is_empty() {
                    return Arc::new(StructArray::new_empty_fields(len, nulls));
                }
                let arrays = children.iter_mut().map(ColumnBuilder::finish).collect();
                Arc::new(StructArray::new(fields, arrays, nulls))
            }
        }
    }
}

fn rename_pair(map: &DataType, pairs: ArrayRef) -> ArrayRef {
    let ArrowType::List(item) = map.arrow_type() else { return pairs };
    let ArrowType::Struct(fields) = item.data_type() else { return pairs };
    let columns: Vec<ArrayRef> = match pairs.as_any().downcast_ref::<StructArray>() {
        Some(pairs) => pairs.columns().to_vec(),
        None => return pairs,
    };
    let fields: Vec<Arc<Field>> = fields.iter().cloned().collect();
    Arc::new(StructArray::new(fields.into(), columns, None))
}

fn parse_bool(text: &[u8]) -> Result<bool, Misfit> {
    match text {
        b"1" => Ok(true),
        b"0" => Ok(false),
        other => literal_bool(other),
    }
}

fn literal_bool(text: &[u8]) -> Result<bool, Misfit> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["true", "t", "yes", "y", "on"]) {
        Ok(true)
    } else if is(&["false", "f", "no", "n", "off"]) {
        Ok(false)
    } else {
        Err(Misfit)
    }
}

/// A time whose day is meant; a bare number is days since 1970 when it is small, else seconds.
fn whole_day(text: &[u8], zone: Zone) -> Option<i64> {
    if let Some((days, _)) = scan::parse_date_prefix(text) {
        scan::parse_date_time(text, zone)?;
        return Some(days);
    }
    let number = i64::try_from(scan::parse_i128(text)?).ok()?;
    Some(if number <= u16::MAX.into() { number } else { (number + zone.offset_at(number)).div_euclid(86_400) })
}

fn enum_number(values: &types::EnumType, text: &[u8]) -> Option<i16> {
    let number = i16::try_from(scan::parse_i128(text)?).ok()?;
    values.name(number).map(|_| number)
}

fn default_cell(ty: &DataType, width: usize) -> Vec<u8> {
    match ty {
        DataType::Int128 | DataType::Int256 => {
            let mut cell = vec![0; width];
            cell[0] = 0x80;
            cell
        }
        _ => vec![0; width],
    }
}

fn fixed_cell(ty: &DataType, width: usize, text: &[u8], numbers: Numbers) -> Result<Vec<u8>, Misfit> {
    if numbers == Numbers::Wrapped {
        match ty {
            DataType::UInt128 => return Ok(wide::u128_to_cell(wrapped_bits(text, false)?).to_vec()),
            DataType::Int128 => return Ok(wide::i128_to_cell(wrapped_bits(text, true)? as i128).to_vec()),
            DataType::Int256 => {
                let (high, low) = wrapped(text, true)?;
                return Ok(wide::i256_to_cell(i256::from_parts(low, high as i128)).to_vec());
            }
            _ => {}
        }
    }
    let cell = match ty {
        DataType::Uuid => scan::parse_uuid(text).map(Vec::from),
        DataType::Ipv6 => scan::parse_ipv6(text).map(Vec::from),
        DataType::UInt128 => scan::parse_u128(text).map(|v| wide::u128_to_cell(v).to_vec()),
        DataType::Int128 => scan::parse_i128(text).map(|v| wide::i128_to_cell(v).to_vec()),
        DataType::UInt256 => wide::u256_from_text(text).map(|(high, low)| wide::u256_to_cell(high, low).to_vec()),
        DataType::Int256 => scan::parse_decimal(text, 0).map(|v| wide::i256_to_cell(v).to_vec()),
        _ => (text.len() <= width).then(|| {
            let mut cell = text.to_vec();
            cell.resize(width, 0);
            cell
        }),
    };
    cell.ok_or(Misfit)
}

/// The code that ClickHouse gives for text that is no value of the type.
pub(crate) fn misfit_code(ty: &DataType, text: &[u8]) -> ErrorCode {
    match ty.base() {
        DataType::Decimal { scale, .. } if scan::parse_decimal(text, *scale).is_some() => {
            ErrorCode::ARGUMENT_OUT_OF_BOUND
        }
        DataType::Bool => ErrorCode::CANNOT_PARSE_BOOL,
        DataType::Ipv4 => ErrorCode::CANNOT_PARSE_IPV4,
        DataType::Ipv6 => ErrorCode::CANNOT_PARSE_IPV6,
        DataType::Date | DataType::Date32 => ErrorCode::CANNOT_PARSE_DATE,
        DataType::DateTime(_) | DataType::DateTime64 { .. } => ErrorCode::CANNOT_PARSE_DATETIME,
        DataType::Uuid => ErrorCode::CANNOT_PARSE_UUID,
        DataType::Enum(_) => ErrorCode::UNKNOWN_ELEMENT_OF_ENUM,
        DataType::Array(_) => ErrorCode::CANNOT_READ_ARRAY_FROM_TEXT,
        DataType::FixedString(_) => ErrorCode::TOO_LARGE_STRING_SIZE,
        DataType::AggregateFunction(_) => ErrorCode::TYPE_MISMATCH,
        _ => ErrorCode::CANNOT_PARSE_TEXT,
    }
}
