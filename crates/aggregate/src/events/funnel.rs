//! `windowFunnel(window, modes…)(time, c1, c2, …)`: how many of the conditions were met one after another within
//! `window` of the first.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt8Array};
use types::DataType;

use super::{Event, Events, check_conditions, check_time, read_events, write_events};
use crate::aggregate::Made;
use crate::bytes::Reader;
use crate::call::Call;
use crate::error::Result;
use crate::object::{Family, made};

#[derive(Clone, Copy, Default)]
struct Modes {
    /// No row that meets no condition may be in between.
    order: bool,
    /// A condition met again ends the chain.
    deduplication: bool,
    /// Times must grow.
    increase: bool,
}

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let Some((window, modes)) = call.params.split_first() else { return Err(call.param_count("a window")) };
    let window = window.as_u64().ok_or_else(|| call.bad_param("a whole number as window"))?;
    let mut chosen = Modes::default();
    for mode in modes {
        match mode.as_str() {
            Some("strict_order") => chosen.order = true,
            Some("strict_deduplication" | "strict") => chosen.deduplication = true,
            Some("strict_increase") => chosen.increase = true,
            _ => return Err(call.bad_param("strict_order, strict_deduplication or strict_increase as modes")),
        }
    }
    let Some((time, conditions)) = call.args.split_first() else {
        return Err(call.argument_count("a time and conditions"));
    };
    check_time(call, time)?;
    check_conditions(call, conditions, 1)?;
    let family = Funnel { window, modes: chosen, time: time.clone(), levels: conditions.len() };
    Ok(made(DataType::UInt8, family))
}

struct Funnel {
    window: u64,
    modes: Modes,
    time: DataType,
    levels: usize,
}

impl Funnel {
    /// The events as (time, condition), a row that meets several conditions once for each; condition `None` for rows
    /// that meet none, which matter in strict order only.
    fn steps(&self, events: &[Event]) -> Vec<(i64, Option<usize>)> {
        let mut steps = Vec::with_capacity(events.len());
        for event in events {
            steps.extend((0..self.levels).filter(|i| event.met >> i & 1 == 1).map(|i| (event.time, Some(i))));
            if self.modes.order && event.met == 0 {
                steps.push((event.time, None));
            }
        }
        steps.sort();
        steps
    }

    fn level(&self, events: &[Event]) -> u8 {
        let steps = self.steps(events);
        // of each reached level: when its chain began, and when the level was reached
        let mut reached: Vec<Option<(i64, i64)>> = vec![None; self.levels];
        let mut begun = false;
        for (i, (time, condition)) in steps.iter().enumerate() {
            let Some(level) = *condition else {
                if begun {
                    break;
                }
                continue;
            };
            if self.modes.deduplication && reached[level].is_some() {
                return i.checked_sub(1).and_then(|before| steps[before].1).map_or(0, |level| level as u8 + 1);
            }
            if level == 0 {
                reached[0] = Some((*time, *time));
                begun = true;
                if self.levels == 1 {
                    return 1;
                }
                continue;
            }
            match reached[level - 1] {
                None if self.modes.order && begun => {
                    return reached.iter().position(Option::is_none).unwrap_or(self.levels) as u8;
                }
                None => {}
                Some((start, before)) => {
                    let in_window = time.abs_diff(start) <= self.window && start <= *time;
                    if in_window && (!self.modes.increase || before < *time) {
                        reached[level] = Some((start, *time));
                        if level + 1 == self.levels {
                            return self.levels as u8;
                        }
                    }
                }
            }
        }
        reached.iter().rposition(Option::is_some).map_or(0, |level| level as u8 + 1)
    }
}

impl Family for Funnel {
    type State = Vec<Event>;
    type Columns = Events;
    const NAME: &'static str = "windowFunnel";

    fn columns(&self, args: &[ArrayRef]) -> Result<Events> {
        Events::new(&self.time, args)
    }

    fn add(&self, state: &mut Vec<Event>, columns: &Events, row: usize) -> Result<()> {
        let event = columns.event(row);
        if event.met != 0 || self.modes.order {
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
        Ok(Arc::new(UInt8Array::from_iter_values(states.iter().map(|events| self.level(events)))))
    }

    fn heap_bytes(&self, state: &Vec<Event>) -> usize {
        state.capacity() * size_of::<Event>()
    }
}
