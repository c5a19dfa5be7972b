//! Functions over events in time: `windowFunnel`, `retention`, `sequenceMatch`, `sequenceCount`.

mod funnel;
mod pattern;
mod retention;
mod sequence;

pub(crate) use funnel::resolve as resolve_funnel;
pub(crate) use retention::resolve as resolve_retention;
pub(crate) use sequence::resolve as resolve_sequence;

use arrow::array::{Array, ArrayRef, BooleanArray};
use types::DataType;

use crate::bytes::{Reader, write_varint};
use crate::call::Call;
use crate::combinator::condition;
use crate::error::Result;
use crate::numeric::to_i128;

/// Conditions at most, as in ClickHouse.
const CONDITIONS_MAX: usize = 32;

/// Checks that all of `conditions` are conditions.
fn check_conditions(call: &Call<'_>, conditions: &[DataType], at_least: usize) -> Result<()> {
    if conditions.len() < at_least || conditions.len() > CONDITIONS_MAX {
        return Err(call.argument_count("at most 32 conditions, and at least the ones it needs"));
    }
    match conditions.iter().find(|ty| !matches!(ty.base(), DataType::UInt8 | DataType::Bool)) {
        Some(other) => Err(call.argument_type(other, "UInt8 as conditions")),
        None => Ok(()),
    }
}

/// Checks that the first argument is a time.
fn check_time(call: &Call<'_>, time: &DataType) -> Result<()> {
    let base = time.base();
    if matches!(base, DataType::Date | DataType::DateTime(_) | DataType::DateTime64 { .. }) || base.is_unsigned() {
        Ok(())
    } else {
        Err(call.argument_type(time, "Date, DateTime, DateTime64 or an unsigned number as its first argument"))
    }
}

/// One row: when it was, and which conditions it met (bit 0 is the first).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    time: i64,
    met: u32,
}

/// The events of a batch.
pub(crate) struct Events {
    times: Vec<i128>,
    conditions: Vec<BooleanArray>,
}

impl Events {
    /// `time` is the type of the first argument; all others are conditions.
    fn new(time: &DataType, args: &[ArrayRef]) -> Result<Events> {
        let times = to_i128(time, &args[0])?;
        Ok(Events { times, conditions: conditions(&args[1..])? })
    }

    fn event(&self, row: usize) -> Event {
        Event { time: self.times[row] as i64, met: met(&self.conditions, row) }
    }
}

fn conditions(args: &[ArrayRef]) -> Result<Vec<BooleanArray>> {
    args.iter().map(condition).collect()
}

fn met(conditions: &[BooleanArray], row: usize) -> u32 {
    let is_met = |condition: &BooleanArray| condition.is_valid(row) && condition.value(row);
    conditions.iter().enumerate().fold(0, |met, (i, condition)| met | u32::from(is_met(condition)) << i)
}

fn write_events(events: &[Event], out: &mut Vec<u8>) {
    // sorted, so that equal bags of events are equal bytes
    let mut events = events.to_vec();
    events.sort_unstable();
    write_varint(events.len() as u64, out);
    for event in events {
        out.extend_from_slice(&event.time.to_le_bytes());
        write_varint(u64::from(event.met), out);
    }
}

fn read_events(bytes: &mut Reader<'_>) -> Result<Vec<Event>> {
    let count = bytes.count(9)?;
    (0..count)
        .map(|_| {
            let time = i64::from_le_bytes(bytes.array()?);
            Ok(Event { time, met: u32::try_from(bytes.varint()?).map_err(|_| bytes.damaged())? })
        })
        .collect()
}
