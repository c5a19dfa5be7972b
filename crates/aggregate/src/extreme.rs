//! `min`, `max`, `any`, `anyLast` and the bitwise functions: one value a group, replaced by a rule.
//!
//! `min` and `max` ignore NaN unless there is nothing else; of equal values the first met stays.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::*;
use types::DataType as Type;

use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::error::Result;
use crate::numeric::{from_primitive, primitive, to_primitive};
use crate::rows::{flag_column, flags, state_columns, state_struct};

/// Which of two values a group keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    Min,
    Max,
    First,
    Last,
}

impl Rule {
    /// Where NULL and NaN must sort so that the rule does not choose them.
    pub fn nulls(self) -> Nulls {
        if self == Rule::Max { Nulls::First } else { Nulls::Last }
    }

    /// True when a later value with cell `new` takes the place of `old`.
    #[inline]
    pub fn replaces(self, new: &[u8], old: &[u8]) -> bool {
        match self {
            Rule::Min => new < old,
            Rule::Max => new > old,
            Rule::First => false,
            Rule::Last => true,
        }
    }
}

pub(crate) fn resolve(call: &Call<'_>, rule: Rule) -> Result<Made> {
    call.no_params()?;
    let ty = plain(call.one_argument()?);
    Ok(made(ty, rule))
}

/// `any_respect_nulls` and `anyLast_respect_nulls`: NULL is a value like others.
pub(crate) fn resolve_with_nulls(call: &Call<'_>, rule: Rule) -> Result<Made> {
    call.no_params()?;
    Ok(made_of_cells(plain(call.one_argument()?), rule))
}

/// `groupBitAnd`, `groupBitOr`, `groupBitXor`.
pub(crate) fn resolve_bits(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let arg = call.one_argument()?;
    let ty = match arg.base() {
        Type::Bool => Type::UInt8,
        ty if ty.is_integer() => ty.clone(),
        _ => return Err(call.argument_type(arg, "a whole number")),
    };
    Ok(match call.function {
        "groupBitAnd" => by_number::<And>(&ty),
        "groupBitOr" => by_number::<Or>(&ty),
        _ => by_number::<Xor>(&ty),
    }
    .unwrap_or_else(|| made_of_cells(ty, Rule::First)))
}

/// The type whose values these are: without LowCardinality, which does not outlive aggregation.
fn plain(ty: &Type) -> Type {
    match ty {
        Type::SimpleAggregateFunction(signature) => signature.args.first().map_or(Type::Nothing, plain),
        other => other.remove_low_cardinality(),
    }
}

/// The states of one value of `ty` under `rule`.
pub(crate) fn made(ty: Type, rule: Rule) -> Made {
    let fast = match (&ty, rule) {
        // 128- and 256-bit integers have no Arrow number that sorts as they do
        (Type::UInt128 | Type::UInt256 | Type::Int128 | Type::Int256, _) => None,
        (ty, Rule::Min) => by_number::<Min>(ty),
        (ty, Rule::Max) => by_number::<Max>(ty),
        (ty, Rule::First) => by_number::<First>(ty),
        (ty, Rule::Last) => by_number::<Last>(ty),
    };
    fast.unwrap_or_else(|| made_of_cells(ty, rule))
}

fn made_of_cells(ty: Type, rule: Rule) -> Made {
    let shape = Shape::of(&ty);
    Made::new(ty, move || Cells { shape: shape.clone(), rule, values: Vec::new(), bytes: 0, scratch: Vec::new() })
}

/// How a number joins the number that a group has.
trait Join<T>: Send + Sync + 'static {
    fn join(old: T, new: T) -> T;

    /// What a group without rows has, where it is not the type's default.
    fn nothing() -> Option<T> {
        None
    }
}
struct Min;
struct Max;
struct First;
struct Last;
struct And;
struct Or;
struct Xor;

impl<T: ArrowNativeTypeOp> Join<T> for Min {
    #[inline]
    fn join(old: T, new: T) -> T {
        // the operators, not Arrow's total order: 0 and -0 are equal; only NaN is not equal to itself
        #[allow(clippy::eq_op)]
        if new < old || old != old { new } else { old }
    }
}
impl<T: ArrowNativeTypeOp> Join<T> for Max {
    #[inline]
    fn join(old: T, new: T) -> T {
        #[allow(clippy::eq_op)]
        if new > old || old != old { new } else { old }
    }
}
impl<T> Join<T> for First {
    fn join(old: T, _new: T) -> T {
        old
    }
}
impl<T> Join<T> for Last {
    fn join(_old: T, new: T) -> T {
        new
    }
}

macro_rules! bits {
    ($rule:ident, $op:tt, $($ty:ty),*) => {
        $(impl Join<$ty> for $rule {
            #[inline]
            fn join(old: $ty, new: $ty) -> $ty {
                old $op new
            }
        })*
    };
}
macro_rules! and {
    ($($ty:ty: $ones:expr),*) => {
        $(impl Join<$ty> for And {
            #[inline]
            fn join(old: $ty, new: $ty) -> $ty {
                old & new
            }

            fn nothing() -> Option<$ty> {
                Some($ones)
            }
        })*
    };
}
and!(u8: !0, u16: !0, u32: !0, u64: !0, i8: !0, i16: !0, i32: !0, i64: !0, i128: !0, i256: i256::MINUS_ONE);
bits!(Or, |, u8, u16, u32, u64, i8, i16, i32, i64, i128, i256);
bits!(Xor, ^, u8, u16, u32, u64, i8, i16, i32, i64, i128, i256);

/// Rules for every whole number type.
trait Whole:
    Join<u8> + Join<u16> + Join<u32> + Join<u64> + Join<i8> + Join<i16> + Join<i32> + Join<i64> + Join<i128> + Join<i256>
{
    /// The states for types that are not whole numbers, where the rule has a meaning.
    fn other(_ty: &Type) -> Option<Made> {
        None
    }
}
impl Whole for And {}
impl Whole for Or {}
impl Whole for Xor {}

macro_rules! whole_with_floats {
    ($($rule:ty),*) => {
        $(impl Whole for $rule {
            fn other(ty: &Type) -> Option<Made> {
                match ty {
                    Type::Float32 => Some(numbers::<Float32Type, $rule>(ty)),
                    Type::Float64 => Some(numbers::<Float64Type, $rule>(ty)),
                    _ => None,
                }
            }
        })*
    };
}
whole_with_floats!(Min, Max, First, Last);

fn by_number<R: Whole>(ty: &Type) -> Option<Made> {
    Some(match ty.arrow_type() {
        DataType::Boolean | DataType::UInt8 => numbers::<UInt8Type, R>(ty),
        DataType::UInt16 => numbers::<UInt16Type, R>(ty),
        DataType::UInt32 => numbers::<UInt32Type, R>(ty),
        DataType::UInt64 => numbers::<UInt64Type, R>(ty),
        DataType::Int8 => numbers::<Int8Type, R>(ty),
        DataType::Int16 => numbers::<Int16Type, R>(ty),
        DataType::Int32 => numbers::<Int32Type, R>(ty),
        DataType::Int64 => numbers::<Int64Type, R>(ty),
        DataType::Decimal128(..) => numbers::<Decimal128Type, R>(ty),
        DataType::Decimal256(..) => numbers::<Decimal256Type, R>(ty),
        DataType::FixedSizeBinary(_) if matches!(ty, Type::UInt128 | Type::Int128) => numbers::<Decimal128Type, R>(ty),
        DataType::FixedSizeBinary(_) if matches!(ty, Type::UInt256 | Type::Int256) => numbers::<Decimal256Type, R>(ty),
        _ => return R::other(ty),
    })
}

fn numbers<T: ArrowPrimitiveType, R: Join<T::Native>>(ty: &Type) -> Made {
    let ty = ty.clone();
    let blank = R::nothing().unwrap_or_else(|| blank::<T>(&ty));
    Made::new(ty.clone(), move || Numbers::<T, R> {
        blank,
        seen: Vec::new(),
        values: Vec::new(),
        ty: ty.clone(),
        rule: PhantomData,
    })
}

/// The value of a group without rows: 0, and the smallest number of an enum.
fn blank<T: ArrowPrimitiveType>(ty: &Type) -> T::Native {
    match ty {
        Type::Enum(_) => {
            ty.default_array(1).as_primitive_opt::<T>().map_or_else(T::Native::default, |one| one.value(0))
        }
        _ => T::Native::default(),
    }
}

/// One number a group.
struct Numbers<T: ArrowPrimitiveType, R> {
    blank: T::Native,
    seen: Vec<bool>,
    values: Vec<T::Native>,
    ty: Type,
    rule: PhantomData<R>,
}

impl<T: ArrowPrimitiveType, R: Join<T::Native>> Numbers<T, R> {
    fn join_all(&mut self, new: &[T::Native], rows: Rows<'_>) {
        if let ([seen], [value], None) = (self.seen.as_mut_slice(), self.values.as_mut_slice(), rows.filter) {
            if let Some((first, rest)) = new.get(..rows.groups.len()).and_then(<[_]>::split_first) {
                let start = if *seen { R::join(*value, *first) } else { *first };
                *value = rest.iter().fold(start, |old, new| R::join(old, *new));
                *seen = true;
            }
            return;
        }
        let (seen, values) = (&mut self.seen, &mut self.values);
        rows.for_each(|row, group| {
            values[group] = if seen[group] { R::join(values[group], new[row]) } else { new[row] };
            seen[group] = true;
        });
    }
}

impl<T: ArrowPrimitiveType, R: Join<T::Native>> GroupedStates for Numbers<T, R> {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let array = to_primitive(&self.ty, &args[0])?;
        self.join_all(primitive::<T>(&array)?.values(), rows);
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 2)?;
        let filter = crate::rows::and(rows.filter, flag_column(columns, 0)?);
        let array = to_primitive(&self.ty, &columns[1])?;
        self.join_all(primitive::<T>(&array)?.values(), Rows { filter: Some(&filter), ..rows });
        Ok(())
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let seen = flags(self.seen[..n].to_vec());
        let values = PrimitiveArray::<T>::new(self.values[..n].to_vec().into(), None);
        state_struct(vec![("seen", seen), ("value", from_primitive(Arc::new(values), &self.ty)?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let values = PrimitiveArray::<T>::new(self.values[..n].to_vec().into(), None);
        from_primitive(Arc::new(values), &self.ty)
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.seen, n);
        forget_first(&mut self.values, n);
    }

    fn groups(&self) -> usize {
        self.seen.len()
    }

    fn grow(&mut self, total: usize) {
        if self.seen.len() < total {
            self.seen.resize(total, false);
            self.values.resize(total, self.blank);
        }
    }

    fn size_bytes(&self) -> usize {
        self.seen.capacity() + self.values.capacity() * size_of::<T::Native>()
    }
}

/// One value of any type a group, as a cell.
struct Cells {
    shape: Shape,
    rule: Rule,
    values: Vec<Option<Box<[u8]>>>,
    bytes: usize,
    scratch: Vec<u8>,
}

impl Cells {
    fn join_all(&mut self, array: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        let reader = CellReader::new(&self.shape, array, self.rule.nulls())?;
        let (rule, scratch) = (self.rule, &mut self.scratch);
        let (values, bytes) = (&mut self.values, &mut self.bytes);
        rows.for_each(|row, group| {
            let old = &mut values[group];
            if rule == Rule::First && old.is_some() {
                return;
            }
            let new = reader.cell(row, scratch);
            if old.as_ref().is_none_or(|old| rule.replaces(new, old)) {
                *bytes = *bytes + new.len() - old.as_ref().map_or(0, |old| old.len());
                *old = Some(new.into());
            }
        });
        Ok(())
    }

    fn first(&self, n: usize) -> Result<(Vec<bool>, ArrayRef)> {
        let values = &self.values[..n];
        let mut writer = CellWriter::new(&self.shape);
        for value in values {
            match value {
                Some(cell) => writer.push(&mut &**cell)?,
                None => writer.push_default(),
            }
        }
        Ok((values.iter().map(Option::is_some).collect(), writer.finish()?))
    }
}

impl GroupedStates for Cells {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        self.join_all(&args[0], rows)
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 2)?;
        let filter = crate::rows::and(rows.filter, flag_column(columns, 0)?);
        self.join_all(&columns[1], Rows { filter: Some(&filter), ..rows })
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let (seen, values) = self.first(n)?;
        state_struct(vec![("seen", flags(seen)), ("value", values)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        Ok(self.first(n)?.1)
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.values, n);
        self.bytes = self.values.iter().flatten().map(|cell| cell.len()).sum();
    }

    fn groups(&self) -> usize {
        self.values.len()
    }

    fn grow(&mut self, total: usize) {
        if self.values.len() < total {
            self.values.resize(total, None);
        }
    }

    fn size_bytes(&self) -> usize {
        self.values.capacity() * size_of::<Option<Box<[u8]>>>() + self.bytes + self.scratch.capacity()
    }
}
