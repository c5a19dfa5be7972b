//! `sum`, `sumWithOverflow`, `avg` and `sumCount`: adding up, in the widest type of the kind or in the argument's own.
//!
//! Sums wrap modulo their width, as ClickHouse's do.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, PrimitiveArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::*;
use types::DataType as Type;
use types::state::{average_type, sum_type};

use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::call::{Call, is_number};
use crate::error::Result;
use crate::numeric::{from_primitive, i256_to_f64, primitive, scale_unit, to_primitive};
use crate::rows::{state_columns, state_struct};

/// A number to which numbers of type `I` can be added.
trait Plus<I>: Copy + Default {
    fn plus(self, other: I) -> Self;
}

macro_rules! plus_integers {
    ($($from:ty => $to:ty),*) => {
        $(impl Plus<$from> for $to {
            #[inline]
            fn plus(self, other: $from) -> $to {
                self.wrapping_add(other as $to)
            }
        })*
    };
}
plus_integers!(u8 => u64, u16 => u64, u32 => u64, u64 => u64, i8 => i64, i16 => i64, i32 => i64, i64 => i64);
plus_integers!(u8 => u8, u16 => u16, u32 => u32, i8 => i8, i16 => i16, i32 => i32, i128 => i128);

impl Plus<i256> for i256 {
    fn plus(self, other: i256) -> i256 {
        self.wrapping_add(other)
    }
}
impl Plus<f32> for f64 {
    #[inline]
    fn plus(self, other: f32) -> f64 {
        self + f64::from(other)
    }
}
impl Plus<f64> for f64 {
    #[inline]
    fn plus(self, other: f64) -> f64 {
        self + other
    }
}
impl Plus<f32> for f32 {
    #[inline]
    fn plus(self, other: f32) -> f32 {
        self + other
    }
}

/// What becomes of sums and counts.
#[derive(Clone)]
enum Kind {
    /// The sum.
    Sum,
    /// The mean, as this type; the argument's scale divides it.
    Average { result: Type, unit: f64, unsigned: bool },
    /// Both.
    SumCount,
}

/// `sum`: the widest type of the kind.
pub(crate) fn resolve_sum(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let arg = call.one_argument()?;
    let result = sum_type(arg.base()).ok_or_else(|| call.argument_type(arg, "a number"))?;
    Ok(widening(arg, result, Kind::Sum))
}

/// `sumWithOverflow`: the argument's own type.
pub(crate) fn resolve_own(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let arg = call.one_argument()?;
    if !is_number(arg) {
        return Err(call.argument_type(arg, "a number"));
    }
    Ok(own_type(arg))
}

/// The states of sums in the argument's own type; `arg` must be a number.
pub(crate) fn own_type(arg: &Type) -> Made {
    let result = match arg.base() {
        Type::Bool => Type::UInt8,
        Type::Enum(values) if values.wide => Type::Int16,
        Type::Enum(_) => Type::Int8,
        other => other.clone(),
    };
    let (sum, kind) = (result.clone(), Kind::Sum);
    match &sum {
        Type::UInt8 => made::<UInt8Type, UInt8Type>(arg, result, sum, kind),
        Type::UInt16 => made::<UInt16Type, UInt16Type>(arg, result, sum, kind),
        Type::UInt32 => made::<UInt32Type, UInt32Type>(arg, result, sum, kind),
        Type::Int8 => made::<Int8Type, Int8Type>(arg, result, sum, kind),
        Type::Int16 => made::<Int16Type, Int16Type>(arg, result, sum, kind),
        Type::Int32 => made::<Int32Type, Int32Type>(arg, result, sum, kind),
        Type::Float32 => made::<Float32Type, Float32Type>(arg, result, sum, kind),
        _ => added(arg, result, average_type(arg.base()).unwrap_or(Type::Float64), sum, kind),
    }
}

/// `avg`: Float64, and the same type for dates and times.
pub(crate) fn resolve_avg(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let arg = call.one_argument()?;
    let temporal = arg.base().is_date_or_time();
    if !(arg.base().is_number() || temporal) {
        return Err(call.argument_type(arg, "a number, a date or a time"));
    }
    let result = if temporal { arg.base().clone() } else { Type::Float64 };
    let unsigned = arg.base().is_unsigned();
    let kind = Kind::Average { result: result.clone(), unit: scale_unit(arg), unsigned };
    Ok(widening(arg, result, kind))
}

/// `sumCount`: the pair.
pub(crate) fn resolve_sum_count(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let arg = call.one_argument()?;
    let sum =
        sum_type(arg.base()).filter(|_| arg.base().is_number()).ok_or_else(|| call.argument_type(arg, "a number"))?;
    Ok(widening(arg, Type::tuple([sum, Type::UInt64]), Kind::SumCount))
}

fn widening(arg: &Type, result: Type, kind: Kind) -> Made {
    let sum = average_type(arg.base()).unwrap_or(Type::Float64);
    added(arg, result, sum.clone(), sum, kind)
}

/// Sums of `arg` added up in numbers as wide as `wide`, kept as `sum`.
fn added(arg: &Type, result: Type, wide: Type, sum: Type, kind: Kind) -> Made {
    match wide {
        Type::UInt64 => match arg.base() {
            Type::UInt8 | Type::Bool => made::<UInt8Type, UInt64Type>(arg, result, sum, kind),
            Type::UInt16 | Type::Date => made::<UInt16Type, UInt64Type>(arg, result, sum, kind),
            Type::UInt32 | Type::DateTime(_) => made::<UInt32Type, UInt64Type>(arg, result, sum, kind),
            _ => made::<UInt64Type, UInt64Type>(arg, result, sum, kind),
        },
        Type::Int64 => match arg.base() {
            Type::Int8 => made::<Int8Type, Int64Type>(arg, result, sum, kind),
            Type::Enum(values) if !values.wide => made::<Int8Type, Int64Type>(arg, result, sum, kind),
            Type::Int16 | Type::Enum(_) => made::<Int16Type, Int64Type>(arg, result, sum, kind),
            Type::Int32 | Type::Date32 => made::<Int32Type, Int64Type>(arg, result, sum, kind),
            _ => made::<Int64Type, Int64Type>(arg, result, sum, kind),
        },
        Type::Float64 if *arg.base() == Type::Float32 => made::<Float32Type, Float64Type>(arg, result, sum, kind),
        Type::Float64 => made::<Float64Type, Float64Type>(arg, result, sum, kind),
        Type::UInt256 | Type::Int256 => made::<Decimal256Type, Decimal256Type>(arg, result, sum, kind),
        Type::Decimal { precision: 76, .. } => made::<Decimal256Type, Decimal256Type>(arg, result, sum, kind),
        _ => made::<Decimal128Type, Decimal128Type>(arg, result, sum, kind),
    }
}

fn made<I, O>(arg: &Type, result: Type, sum: Type, kind: Kind) -> Made
where
    I: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
    O::Native: Plus<I::Native> + Plus<O::Native> + Mean,
{
    let arg = arg.clone();
    match kind {
        Kind::Sum => Made::new(result, move || Sums::<I, O> {
            sums: Vec::new(),
            arg: arg.clone(),
            ty: sum.clone(),
            input: PhantomData,
        }),
        kind => Made::new(result, move || Means::<I, O> {
            sums: Vec::new(),
            counts: Vec::new(),
            arg: arg.clone(),
            sum: sum.clone(),
            kind: kind.clone(),
            input: PhantomData,
        }),
    }
}

fn add_all<T: Copy, S: Plus<T>>(sums: &mut [S], values: &[T], rows: Rows<'_>) {
    match (sums, rows.filter) {
        // one group: the compiler keeps the sum in registers
        ([only], None) if rows.groups.len() == values.len() => {
            *only = values.iter().fold(*only, |sum, value| sum.plus(*value));
        }
        (sums, _) => rows.for_each(|row, group| sums[group] = sums[group].plus(values[row])),
    }
}

struct Sums<I: ArrowPrimitiveType, O: ArrowPrimitiveType> {
    sums: Vec<O::Native>,
    /// The argument's type.
    arg: Type,
    /// The sum's type.
    ty: Type,
    input: PhantomData<fn(I)>,
}

impl<I, O> GroupedStates for Sums<I, O>
where
    I: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
    O::Native: Plus<I::Native> + Plus<O::Native>,
{
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let array = to_primitive(&self.arg, &args[0])?;
        add_all(&mut self.sums, primitive::<I>(&array)?.values(), rows);
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let array = to_primitive(&self.ty, &state_columns(states, 1)?[0])?;
        add_all(&mut self.sums, primitive::<O>(&array)?.values(), rows);
        Ok(())
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        state_struct(vec![("sum", self.result_column(n)?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        sums_array::<O>(self.sums[..n].to_vec(), &self.ty)
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.sums, n);
    }

    fn groups(&self) -> usize {
        self.sums.len()
    }

    fn grow(&mut self, total: usize) {
        if self.sums.len() < total {
            self.sums.resize(total, O::Native::default());
        }
    }

    fn size_bytes(&self) -> usize {
        self.sums.capacity() * size_of::<O::Native>()
    }
}

fn sums_array<O: ArrowPrimitiveType>(sums: Vec<O::Native>, ty: &Type) -> Result<ArrayRef> {
    from_primitive(Arc::new(PrimitiveArray::<O>::new(sums.into(), None)), ty)
}

/// A sum that has a mean.
trait Mean: Copy {
    fn to_f64(self, unsigned: bool) -> f64;
    /// The mean in whole numbers; `count` is not 0.
    fn whole_mean(self, count: u64) -> i64;
}

macro_rules! mean {
    ($($ty:ty: $as_unsigned:ty),*) => {
        $(impl Mean for $ty {
            fn to_f64(self, unsigned: bool) -> f64 {
                if unsigned { self as $as_unsigned as f64 } else { self as f64 }
            }
            fn whole_mean(self, count: u64) -> i64 {
                // dates and times, whose sums are far from the bounds; halves go to the even neighbour
                (self as f64 / count as f64).round_ties_even() as i64
            }
        })*
    };
}
mean!(u8: u8, u16: u16, u32: u32, u64: u64, i8: u8, i16: u16, i32: u32, i64: u64, i128: u128, f32: f32, f64: f64);

impl Mean for i256 {
    fn to_f64(self, unsigned: bool) -> f64 {
        i256_to_f64(self, unsigned)
    }
    fn whole_mean(self, count: u64) -> i64 {
        (self.to_f64(false) / count as f64).round_ties_even() as i64
    }
}

struct Means<I: ArrowPrimitiveType, O: ArrowPrimitiveType> {
    sums: Vec<O::Native>,
    counts: Vec<u64>,
    /// The argument's type.
    arg: Type,
    sum: Type,
    kind: Kind,
    input: PhantomData<fn(I)>,
}

impl<I, O> GroupedStates for Means<I, O>
where
    I: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
    O::Native: Plus<I::Native> + Plus<O::Native> + Mean,
{
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let array = to_primitive(&self.arg, &args[0])?;
        let values = primitive::<I>(&array)?.values();
        if let ([count], None) = (self.counts.as_mut_slice(), rows.filter) {
            *count += rows.groups.len() as u64;
            add_all(&mut self.sums, values, rows);
            return Ok(());
        }
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        rows.for_each(|row, group| {
            sums[group] = sums[group].plus(values[row]);
            counts[group] += 1;
        });
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 2)?;
        let array = to_primitive(&self.sum, &columns[0])?;
        add_all(&mut self.sums, primitive::<O>(&array)?.values(), rows);
        add_all(&mut self.counts, primitive::<UInt64Type>(&columns[1])?.values(), rows);
        Ok(())
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let sums = self.sums[..n].to_vec();
        let counts = self.counts[..n].to_vec();
        let sums = sums_array::<O>(sums, &self.sum)?;
        state_struct(vec![("sum", sums), ("count", Arc::new(UInt64Array::from(counts)))])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let sums = self.sums[..n].to_vec();
        let counts = self.counts[..n].to_vec();
        match &self.kind {
            Kind::Average { result, unit, unsigned } if *result == Type::Float64 => {
                let means = sums.into_iter().zip(counts).map(|(sum, n)| sum.to_f64(*unsigned) / n as f64 / unit);
                Ok(Arc::new(means.collect::<Float64Array>()))
            }
            Kind::Average { result, .. } => {
                let means = sums.into_iter().zip(counts).map(|(sum, n)| if n == 0 { 0 } else { sum.whole_mean(n) });
                let means: ArrayRef = Arc::new(means.collect::<PrimitiveArray<Int64Type>>());
                Ok(cast(&means, &result.arrow_type())?)
            }
            Kind::Sum => sums_array::<O>(sums, &self.sum),
            Kind::SumCount => {
                let counts: ArrayRef = Arc::new(UInt64Array::from(counts));
                state_struct(vec![("1", sums_array::<O>(sums, &self.sum)?), ("2", counts)])
            }
        }
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.sums, n);
        forget_first(&mut self.counts, n);
    }

    fn groups(&self) -> usize {
        self.sums.len()
    }

    fn grow(&mut self, total: usize) {
        if self.sums.len() < total {
            self.sums.resize(total, O::Native::default());
            self.counts.resize(total, 0);
        }
    }

    fn size_bytes(&self) -> usize {
        self.sums.capacity() * size_of::<O::Native>() + self.counts.capacity() * 8
    }
}
