//! Columns of Date, Date32, DateTime and DateTime64 as plain numbers with a shape and a zone.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, UInt16Array, UInt32Array};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use types::DataType;
use types::text::Zone;
use types::text::time::{Civil, civil_of};

use crate::error::Result;
use crate::frame::Operand;
use crate::request::Request;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// What the numbers of a column count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// Days since 1970-01-01, in no zone.
    Days,
    /// Ticks of 10^-precision seconds since 1970 UTC.
    Ticks(u8),
}

/// A date or time type as arithmetic sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Clock {
    pub(crate) shape: Shape,
    pub(crate) zone: Zone,
}

impl Clock {
    /// The clock of a date or time type, `None` for others; `session` is the zone of types without one.
    pub(crate) fn of(ty: &DataType, session: Zone) -> Option<Clock> {
        Some(match ty {
            DataType::Date | DataType::Date32 => Clock { shape: Shape::Days, zone: session },
            DataType::DateTime(zone) => Clock { shape: Shape::Ticks(0), zone: Zone::of(zone, session) },
            DataType::DateTime64 { precision, zone } => {
                Clock { shape: Shape::Ticks(*precision), zone: Zone::of(zone, session) }
            }
            _ => return None,
        })
    }

    /// Ticks a second; 1 for days.
    pub(crate) fn scale(self) -> i64 {
        match self.shape {
            Shape::Days => 1,
            Shape::Ticks(precision) => 10i64.pow(precision.min(18).into()),
        }
    }

    /// The wall clock at a value of the column.
    pub(crate) fn local(self, value: i64) -> Local {
        match self.shape {
            Shape::Days => Local { days: value, second: 0, ticks: 0 },
            Shape::Ticks(_) => {
                let scale = self.scale();
                let seconds = value.div_euclid(scale);
                let local = seconds + self.zone.offset_at(seconds);
                Local { days: local.div_euclid(DAY), second: local.rem_euclid(DAY), ticks: value.rem_euclid(scale) }
            }
        }
    }

    /// The value of the column at which the wall clock shows `local`; days forget the time of day.
    pub(crate) fn value(self, local: Local) -> i64 {
        match self.shape {
            Shape::Days => local.days,
            Shape::Ticks(_) => {
                let seconds = self.zone.to_utc(local.days.wrapping_mul(DAY).wrapping_add(local.second));
                seconds.wrapping_mul(self.scale()).wrapping_add(local.ticks)
            }
        }
    }

    /// Seconds since 1970 UTC at a value; a day begins in the clock's zone.
    pub(crate) fn seconds(self, value: i64) -> i64 {
        match self.shape {
            Shape::Days => self.zone.to_utc(value * DAY),
            Shape::Ticks(_) => value.div_euclid(self.scale()),
        }
    }
}

/// What a clock on the wall shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Local {
    /// Days since 1970-01-01.
    pub(crate) days: i64,
    /// Of the day.
    pub(crate) second: i64,
    /// Of the second.
    pub(crate) ticks: i64,
}

impl Local {
    pub(crate) fn civil(self) -> Civil {
        civil_of(self.days)
    }
}

/// The numbers of a date or time column (any integer column).
pub(crate) fn longs(array: &ArrayRef) -> Result<Int64Array> {
    Ok(arrow::compute::cast(array, &ArrowType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// Longs of an operand, read by row.
pub(crate) struct Longs {
    array: Int64Array,
    constant: bool,
}

impl Longs {
    pub(crate) fn of(operand: &Operand) -> Result<Longs> {
        Ok(Longs { array: longs(operand.array())?, constant: operand.is_constant() })
    }

    /// The number of a row; 0 where it is NULL.
    pub(crate) fn get(&self, row: usize) -> i64 {
        let row = if self.constant { 0 } else { row };
        if self.array.is_valid(row) { self.array.value(row) } else { 0 }
    }
}

/// A column of a date or time type from numbers, each wrapped to the type's width.
pub(crate) fn column(ty: &DataType, values: impl Iterator<Item = i64>) -> ArrayRef {
    match ty.arrow_type() {
        ArrowType::UInt16 => Arc::new(UInt16Array::from(values.map(|v| v as u16).collect::<Vec<_>>())),
        ArrowType::UInt32 => Arc::new(UInt32Array::from(values.map(|v| v as u32).collect::<Vec<_>>())),
        ArrowType::Int32 => Arc::new(Int32Array::from(values.map(|v| v as i32).collect::<Vec<_>>())),
        _ => Arc::new(Int64Array::from(values.collect::<Vec<_>>())),
    }
}

/// The clock of argument `i`, which must be a date or a time.
pub(crate) fn clock_of(request: &Request<'_>, i: usize) -> Result<Clock> {
    Clock::of(request.ty(i), request.context.zone)
        .ok_or_else(|| request.wrong_type(i, "Date, Date32, DateTime or DateTime64"))
}
