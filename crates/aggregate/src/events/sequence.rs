//! `sequenceMatch(pattern)(time, c1, …)` and `sequenceCount`: whether, and how often, events follow a pattern.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt8Array, UInt64Array};
use types::DataType;

use super::pattern::Pattern;
use super::{Event, Events, check_conditions, check_time, read_events, write_events};
use crate::aggregate::Made;
use crate::bytes::Reader;
use crate::call::Call;
use crate::error::Result;
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let [pattern] = call.params else { return Err(call.param_count("one pattern")) };
    let Some((time, conditions)) = call.args.split_first() else {
        return Err(call.argument_count("a time and conditions"));
    };
    check_time(call, time)?;
    check_conditions(call, conditions, 1)?;
    let text = pattern.as_str().ok_or_else(|| call.bad_param("a string as pattern"))?;
    let pattern = Pattern::parse(text, conditions.len()).map_err(|expected| call.bad_param(expected))?;
    let count = call.function == "sequenceCount";
    let result = if count { DataType::UInt64 } else { DataType::UInt8 };
    Ok(made(result, Sequence { pattern, time: time.clone(), count }))
}

struct Sequence {
    pattern: Pattern,
    time: DataType,
    count: bool,
}

impl Sequence {
    /// How many matches there are that do not overlap; at most one unless counted.
    fn matches(&self, events: &mut [Event]) -> u64 {
        events.sort_by_key(|event| event.time);
        let (mut from, mut found) = (0, 0);
        while let Some(end) = self.pattern.find(events, from) {
            found += 1;
            from = end.max(from + 1);
            if !self.count || from >= events.len() {
                break;
            }
        }
        found
    }
}

impl Family for Sequence {
    type State = Vec<Event>;
    type Columns = Events;
    const NAME: &'static str = "sequenceMatch";

    fn columns(&self, args: &[ArrayRef]) -> Result<Events> {
        Events::new(&self.time, args)
    }

    fn add(&self, state: &mut Vec<Event>, columns: &Events, row: usize) -> Result<()> {
        let event = columns.event(row);
        // events that meet no condition do not count, as in ClickHouse
        if event.met != 0 {
            state.push(event);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Vec<Event>, from: Vec<Event>) -> Result<()> {
        into.extend(from);
        Ok(())
    }

    fn encode(&self, state: &Vec<Event>, out: &mut Vec<u8>) {
        write_events(state, out);
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Vec<Event>> {
        read_events(bytes)
    }

    fn finish(&self, states: &mut [Vec<Event>]) -> Result<ArrayRef> {
        let found: Vec<u64> = states.iter_mut().map(|events| self.matches(events)).collect();
        Ok(if self.count {
            Arc::new(UInt64Array::from(found))
        } else {
            Arc::new(UInt8Array::from_iter_values(found.into_iter().map(|n| u8::from(n > 0))))
        })
    }

    fn heap_bytes(&self, state: &Vec<Event>) -> usize {
        state.capacity() * size_of::<Event>()
    }
}
