//! Values of one type as values of another: `CAST`, `::`, `toInt32(…)`, INSERT's conversion, and the accurate, OrNull
//! and OrDefault variants of them.
//!
//! ```text
//! cast        Nullable, LowCardinality, NULL rules ─▶ convert
//! convert     text_in │ text_out │ numbers │ decimals │ times │ containers │ enums   (by the two base types)
//! ```
//!
//! Numbers wrap unless the mode is accurate; text that is no value of the type is an error with text and row.

mod containers;
mod decimals;
mod enums;
mod numbers;
mod rows;
mod split;
mod text_in;
mod text_out;
mod times;

use arrow::array::{Array, ArrayRef, new_empty_array, new_null_array};
use arrow::compute::{is_null, kernels::zip::zip};
use types::text::Zone;
use types::text::best_effort::DayOrder;
use types::{DataType, Setting};

use crate::error::{Error, Result};
use crate::frame::{Arg, Function, FunctionContext, Resolved};
use crate::resolve::function_of;

pub(crate) use decimals::{fits_storage, power_of_ten, scale_of, storage_digits as decimal_storage_digits};

/// What happens to values that the target type cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CastMode {
    /// `CAST`, `::`, `toX`: numbers wrap, text that cannot be parsed is an error.
    Cast,
    /// `accurateCast`: a number that does not fit is an error.
    Accurate,
    /// `accurateCastOrNull`, `toXOrNull`: what does not fit is NULL. The target is Nullable.
    OrNull,
    /// `accurateCastOrDefault`, `toXOrZero`: what does not fit is the type's default.
    OrDefault,
    /// A SELECT's column on its way into a table: as `Cast`, but NULL becomes the default of a type without NULL.
    Insert,
}

/// How times are read from text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeText {
    /// `YYYY-MM-DD hh:mm:ss` and numbers of seconds.
    Basic,
    /// Whatever people write.
    BestEffort(DayOrder),
}

/// A cast's mode and what it takes from the session.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rules {
    /// What happens to values that do not fit.
    pub mode: CastMode,
    /// The zone of times without one of their own.
    pub zone: Zone,
    /// How times are read from text.
    pub times: TimeText,
}

impl Rules {
    /// The session's rules in that mode.
    pub fn new(mode: CastMode, context: &FunctionContext) -> Rules {
        let order = match context.settings.text(Setting::DateTimeInputFormat) {
            "best_effort_us" => DayOrder::MonthFirst,
            _ => DayOrder::DayFirst,
        };
        Rules { mode, zone: context.zone, times: TimeText::BestEffort(order) }
    }

    /// The same with another way to read times.
    pub fn with_times(mut self, times: TimeText) -> Rules {
        self.times = times;
        self
    }

    /// Text on its way to a Nullable type: what is no value of it is NULL, as in ClickHouse. Texts of Bool, of Enum and of
    /// containers stay errors.
    fn of_text(self, from: &DataType, to: &DataType) -> Rules {
        use DataType as T;
        let is_strict = matches!(
            to.base(),
            T::String | T::Bool | T::Enum(_) | T::Interval(_) | T::Array(_) | T::Map(_) | T::Tuple(_)
        );
        let may_be = matches!(self.mode, CastMode::Cast | CastMode::Accurate | CastMode::Insert);
        match may_be && to.is_nullable() && from.base().is_string() && !is_strict {
            true => Rules { mode: CastMode::OrNull, ..self },
            false => self,
        }
    }

    /// True when a number that does not fit must not wrap.
    fn is_accurate(&self) -> bool {
        matches!(self.mode, CastMode::Accurate | CastMode::OrNull | CastMode::OrDefault)
    }
}

/// `array` of type `from` as a column of type `to`.
///
/// Errors name the value and its row; types that cannot become each other are refused even when there are no rows.
pub fn cast(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    cast_strictly(array, from, to, &rules.of_text(from, to))
}

/// As [`cast`], but text that is no value of a Nullable type is an error.
fn cast_strictly(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    if from == to {
        return Ok(array.clone());
    }
    let (source, target) = (from.base(), to.base());
    if *source == DataType::Nothing && from.is_nullable() && !takes_null(to, rules) {
        return Err(Error::CannotConvert { what: "NULL".to_owned(), to: to.to_string() });
    }
    let converted = convert(array, source, target, rules)?;
    if converted.null_count() == 0 || to.is_nullable() || rules.mode == CastMode::OrNull {
        return Ok(converted);
    }
    match rules.mode {
        CastMode::Insert | CastMode::OrDefault => fill_nulls(&converted, target),
        _ if matches!(target, DataType::Nothing | DataType::AggregateFunction(_)) => Ok(converted),
        _ => Err(Error::UnexpectedNull(to.to_string())),
    }
}

fn takes_null(to: &DataType, rules: &Rules) -> bool {
    to.is_nullable() || matches!(rules.mode, CastMode::OrNull | CastMode::Insert | CastMode::OrDefault)
}

/// NULLs replaced by the default of `ty`.
pub(crate) fn fill_nulls(array: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    let default = ty.default_array(1);
    Ok(zip(&is_null(array)?, &arrow::array::Scalar::new(default), array)?)
}

/// The function that casts columns of type `from` to `to`; refuses types that cannot become each other.
pub fn cast_function(from: &DataType, to: &DataType, mode: CastMode, context: &FunctionContext) -> Result<Function> {
    let rules = Rules::new(mode, context);
    let resolved = cast_resolved(from, to, rules)?;
    Ok(function_of("CAST", resolved, &[Arg::column(from.clone())], context, mode as u64))
}

/// As [`cast_function`], for resolvers that see NULL: the first operand is cast, others are not looked at.
pub(crate) fn cast_resolved(from: &DataType, to: &DataType, rules: Rules) -> Result<Resolved> {
    resolved_by(from, to, rules, cast)
}

/// As [`cast_resolved`], for definitions that mask NULLs: NULL stays NULL, though neither type says so.
pub(crate) fn masked_cast_resolved(from: &DataType, to: &DataType, rules: Rules) -> Result<Resolved> {
    resolved_by(from, to, rules, cast_keeping_nulls)
}

/// As [`cast`], but NULL stays NULL in any mode.
pub(crate) fn cast_keeping_nulls(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    if from == to { Ok(array.clone()) } else { convert(array, from.base(), to.base(), rules) }
}

type Caster = fn(&ArrayRef, &DataType, &DataType, &Rules) -> Result<ArrayRef>;

fn resolved_by(from: &DataType, to: &DataType, rules: Rules, caster: Caster) -> Result<Resolved> {
    check(from, to, &rules)?;
    let (from, to) = (from.clone(), to.clone());
    Ok(Resolved::new(to.clone(), move |args, call| {
        let operand = args
            .first()
            .ok_or_else(|| Error::Internal { function: "CAST".to_owned(), reason: "it has no argument".to_owned() })?;
        let array = caster(operand.array(), &from, &to, &rules)?;
        if operand.is_constant() { crate::frame::repeat(&array, call.rows) } else { Ok(array) }
    }))
}

/// Refuses types that cannot become each other.
pub fn check(from: &DataType, to: &DataType, rules: &Rules) -> Result<()> {
    // the text of a map is read inside of other containers only, as in ClickHouse
    if from.base().is_string() && matches!(to.base(), DataType::Map(_)) {
        return Err(Error::TypeMismatch { from: from.to_string(), to: to.to_string() });
    }
    cast(&new_empty_array(&from.arrow_type()), from, to, rules).map(|_| ())
}

/// Between base types; NULLs stay NULL.
fn convert(array: &ArrayRef, from: &DataType, to: &DataType, rules: &Rules) -> Result<ArrayRef> {
    use DataType as T;
    match (from, to) {
        (from, to) if from == to => Ok(array.clone()),
        (T::Nothing, _) => Ok(new_null_array(&to.arrow_type(), array.len())),
        (T::AggregateFunction(_), _) | (_, T::AggregateFunction(_)) => same_state(array, from, to),
        (T::Array(_) | T::Map(_) | T::Tuple(_), T::String) => text_out::to_string(array, from, rules),
        (_, T::Array(_) | T::Map(_) | T::Tuple(_)) => containers::convert(array, from, to, rules),
        (T::Array(_) | T::Map(_) | T::Tuple(_), _) => Err(Error::ArgumentType {
            function: format!("CAST AS {to}"),
            position: 1,
            ty: from.to_string(),
            expected: "a plain value".to_owned(),
        }),
        (_, T::Enum(values)) => enums::to_enum(array, from, values, to, rules),
        (_, T::String) => text_out::to_string(array, from, rules),
        (_, T::FixedString(width)) => text_out::to_fixed_string(array, from, *width, rules),
        (T::String | T::FixedString(_), _) => text_in::parse_column(array, from, to, rules),
        (T::Uuid, T::UInt128) => crate::wide::column(to, crate::wide::integers(array, from)?),
        (T::UInt128, T::Uuid) => crate::wide::column(to, crate::wide::integers(array, from)?),
        (T::Uuid, _) | (_, T::Uuid) => Err(not_between(from, to)),
        (T::Ipv4 | T::Ipv6, _) | (_, T::Ipv4 | T::Ipv6) => numbers::addresses(array, from, to, rules),
        (T::Interval(_), T::Interval(_)) => numbers::intervals(array, from, to, rules),
        (_, T::Date | T::Date32 | T::DateTime(_) | T::DateTime64 { .. }) => times::to_time(array, from, to, rules),
        (_, T::Decimal { .. }) => decimals::to_decimal(array, from, to, rules),
        (T::Decimal { .. } | T::DateTime64 { .. }, _) => decimals::from_decimal(array, from, to, rules),
        _ => numbers::convert(array, from, to, rules),
    }
}

fn not_between(from: &DataType, to: &DataType) -> Error {
    Error::NotImplemented(format!("conversion from {from} to {to}"))
}

/// States convert to no other type: their bytes mean something to their own function only.
fn same_state(array: &ArrayRef, from: &DataType, to: &DataType) -> Result<ArrayRef> {
    if from.arrow_type() == to.arrow_type() && same_signature(from, to) {
        return Ok(array.clone());
    }
    Err(Error::CannotConvert { what: from.to_string(), to: to.to_string() })
}

/// Equal but for the version that ClickHouse prints, or a spelling of the same argument types.
fn same_signature(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::AggregateFunction(a), DataType::AggregateFunction(b)) => {
            a.name == b.name && a.params == b.params && a.args == b.args
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
