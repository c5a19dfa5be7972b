//! `timeSlots(start, duration[, size])` and what `dateAdd` and its kin are: other names of `plus` and `minus`.

use arrow::array::ArrayRef;
use types::DataType;

use super::add::amounts;
use super::clock::{Longs, column};
use crate::columns::Offsets;
use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;
use crate::resolve::resolve;

const ADD: Definition = Definition::new("addDate", plus_or_minus).masks_nulls().any_case();
const SUBTRACT: Definition = Definition::new("subDate", plus_or_minus).masks_nulls().any_case();

pub(crate) const SLOTS: &[Definition] = &[
    Definition::new("timeSlots", time_slots),
    ADD,
    ADD.alias("date_add").any_case(),
    ADD.alias("dateAdd").any_case(),
    ADD.alias("DATE_ADD"),
    ADD.alias("timestamp_add").any_case(),
    ADD.alias("timestampAdd").any_case(),
    ADD.alias("addInterval"),
    ADD.alias("addTupleOfIntervals"),
    SUBTRACT,
    SUBTRACT.alias("date_sub").any_case(),
    SUBTRACT.alias("dateSub").any_case(),
    SUBTRACT.alias("DATE_SUB"),
    SUBTRACT.alias("timestamp_sub").any_case(),
    SUBTRACT.alias("timestampSub").any_case(),
    SUBTRACT.alias("subtractInterval"),
    SUBTRACT.alias("subtractTupleOfIntervals"),
];

/// `date_add(time, INTERVAL …)`, in either order.
fn plus_or_minus(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let name = if request.name == "addDate" { "plus" } else { "minus" };
    let interval_first = matches!(request.ty(0), DataType::Interval(_)) && request.ty(1).is_date_or_time();
    let mut args = request.args.to_vec();
    if interval_first {
        args.swap(0, 1);
    }
    let function = resolve(name, &args, request.context)?;
    Ok(Resolved::new(function.result.clone(), move |args, call| {
        if interval_first {
            return function.run(&[args[1].clone(), args[0].clone()], call);
        }
        function.run(args, call)
    }))
}

/// The starts of the slots of `size` seconds (1800) that the seconds from `start` on touch.
fn time_slots(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let DataType::DateTime(_) = request.ty(0) else { return Err(request.wrong_type(0, "DateTime")) };
    let size = request.optional_int(2)?.unwrap_or(1800);
    if size <= 0 {
        return Err(request.bad("a slot is longer than 0 seconds"));
    }
    const SLOTS_MAX: i64 = 1 << 24;
    let (time, duration) = (request.ty(0).clone(), request.ty(1).clone());
    Ok(Resolved::new(DataType::array(time.clone()), move |args, call| {
        let (starts, durations) = (Longs::of(&args[0])?, amounts(&args[1], &duration)?);
        let mut slots = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        for row in 0..call.rows {
            let first = starts.get(row).div_euclid(size);
            let last = starts.get(row).saturating_add(durations.get(row)).div_euclid(size);
            if last - first > SLOTS_MAX {
                return Err(Error::TooLarge {
                    function: "timeSlots".to_owned(),
                    reason: format!("{} slots, at most {SLOTS_MAX}", last - first),
                    code: types::ErrorCode::TOO_LARGE_ARRAY_SIZE,
                });
            }
            slots.extend((first..=last).map(|slot| slot * size));
            offsets.end(slots.len())?;
        }
        let values: ArrayRef = column(&time, slots.into_iter());
        Ok(offsets.finish(values))
    }))
}
