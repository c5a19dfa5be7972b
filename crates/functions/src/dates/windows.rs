//! The bounds of time windows: `tumble(time, size[, zone])`, `hop(time, step, size[, zone])`, and `…Start`, `…End` of them
//! (also of a window that was computed before).

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::Int64Type;
use types::{DataType, IntervalUnit};

use super::add::add;
use super::clock::{Clock, Longs, Shape, clock_of, column};
use super::interval::{floor_days, floor_seconds};
use crate::columns::tuples;
use crate::conversions::zone_argument;
use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;

pub(crate) const WINDOWS: &[Definition] = &[
    Definition::new("tumble", window),
    Definition::new("tumbleStart", window),
    Definition::new("tumbleEnd", window),
    Definition::new("hop", window),
    Definition::new("hopStart", window),
    Definition::new("hopEnd", window),
];

/// Which part of a window is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bound {
    Both,
    Start,
    End,
}

fn window(request: &Request<'_>) -> Result<Resolved> {
    let hops = request.name.starts_with("hop");
    let bound = match request.name {
        name if name.ends_with("Start") => Bound::Start,
        name if name.ends_with("End") => Bound::End,
        _ => Bound::Both,
    };
    if let (1, DataType::Tuple(fields)) =
        (request.args.len(), request.args.first().map_or(&DataType::Nothing, |a| &a.ty))
        && fields.len() == 2
        && bound != Bound::Both
    {
        let at = usize::from(bound == Bound::End);
        return Ok(Resolved::new(fields[at].ty.clone(), move |args, call| {
            let window = args[0].expand(call.rows)?;
            let window: &StructArray = window.as_struct();
            Ok(window.column(at).clone())
        }));
    }
    let intervals = if hops { 2 } else { 1 };
    request.arity(1 + intervals..=2 + intervals)?;
    let DataType::DateTime(own) = request.ty(0) else { return Err(request.wrong_type(0, "DateTime")) };
    let zone = if request.args.len() > 1 + intervals { zone_argument(request, 1 + intervals)? } else { own.clone() };
    let mut clock = clock_of(request, 0)?;
    if request.args.len() > 1 + intervals {
        clock.zone = request.constant_zone(1 + intervals)?;
    }
    let step = interval(request, 1)?;
    let size = if hops { interval(request, 2)? } else { step };
    if step.0 != size.0 {
        return Err(request.not_constant(2)); // ClickHouse's code for units that differ is ILLEGAL_COLUMN, too
    }
    if step.1 > size.1 {
        let reason = "the step is longer than the window".to_owned();
        return Err(Error::OutOfBound { function: request.name.to_owned(), reason });
    }
    let days = matches!(step.0, IntervalUnit::Week | IntervalUnit::Month | IntervalUnit::Quarter | IntervalUnit::Year);
    let ty = if days { DataType::Date } else { DataType::DateTime(zone) };
    Ok(Window { clock, ty, unit: step.0, step: step.1, size: size.1 }.resolved(bound))
}

/// Windows of `size` units, a new one every `step` units; a time belongs to the last that has begun.
struct Window {
    clock: Clock,
    /// Of the bounds: Date for weeks and longer.
    ty: DataType,
    unit: IntervalUnit,
    step: i64,
    size: i64,
}

impl Window {
    fn resolved(self, bound: Bound) -> Resolved {
        let result = match bound {
            Bound::Both => DataType::tuple([self.ty.clone(), self.ty.clone()]),
            Bound::Start | Bound::End => self.ty.clone(),
        };
        Resolved::new(result, move |args, call| {
            let times = Longs::of(&args[0])?;
            let starts = || column(&self.ty, (0..call.rows).map(|row| self.bounds(times.get(row)).0));
            let ends = || column(&self.ty, (0..call.rows).map(|row| self.bounds(times.get(row)).1));
            Ok(match bound {
                Bound::Both => tuples(vec![starts(), ends()], call.rows),
                Bound::Start => starts(),
                Bound::End => ends(),
            })
        })
    }

    /// Start and end of the window of a time, in the bounds' type.
    fn bounds(&self, time: i64) -> (i64, i64) {
        let days = self.ty == DataType::Date;
        let clock = if days { Clock { shape: Shape::Days, ..self.clock } } else { self.clock };
        let begin = if days {
            floor_days(self.clock.local(time).days, self.unit, self.step)
        } else {
            floor_seconds(self.clock, time, self.unit, self.step)
        };
        let end = add(clock, begin, self.unit, self.step, clock);
        (add(clock, end, self.unit, -self.size, clock), end)
    }
}

/// Unit and count of constant argument `i`; sub-second windows do not exist.
fn interval(request: &Request<'_>, i: usize) -> Result<(IntervalUnit, i64)> {
    let DataType::Interval(unit) = *request.ty(i) else { return Err(request.wrong_type(i, "a constant Interval")) };
    let value = request.constant(i).ok_or_else(|| request.not_constant(i))?;
    let count = if value.is_valid(0) { value.as_primitive::<Int64Type>().value(0) } else { 0 };
    let short = matches!(unit, IntervalUnit::Nanosecond | IntervalUnit::Microsecond | IntervalUnit::Millisecond);
    if count <= 0 || short {
        let reason = format!("a window of {count} {}s", unit.name().to_ascii_lowercase());
        return Err(Error::OutOfBound { function: request.name.to_owned(), reason });
    }
    Ok((unit, count))
}
