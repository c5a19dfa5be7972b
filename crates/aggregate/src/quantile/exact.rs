//! `quantileExact` and its variants: all values are kept.

use std::cmp::Ordering;

use arrow::array::ArrayRef;
use types::DataType;

use super::{Ask, units};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_sized};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::error::Result;
use crate::object::{Family, made};

/// Which of the values, or what between them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The one at level × count, the upper median.
    Upper,
    /// The lower median.
    Low,
    /// The upper median.
    High,
    /// Interpolated between the neighbours, as Excel's PERCENTILE.INC.
    Inclusive,
    /// As PERCENTILE.EXC.
    Exclusive,
}

pub(super) fn resolve(call: &Call<'_>, ask: Ask, kind: &str, arg: &DataType) -> Result<Made> {
    let choice = match kind {
        "ExactLow" => Choice::Low,
        "ExactHigh" => Choice::High,
        "ExactInclusive" => Choice::Inclusive,
        "ExactExclusive" => Choice::Exclusive,
        _ => Choice::Upper,
    };
    if choice == Choice::Exclusive && ask.levels.iter().any(|level| *level == 0.0 || *level == 1.0) {
        return Err(call.bad_param_code("levels between 0 and 1, without both", super::PARAMETER_OUT_OF_BOUND));
    }
    let shape = Shape::of(arg.base());
    let width = match &shape {
        Shape::Bool | Shape::U8 | Shape::I8 => 1,
        Shape::U16 | Shape::I16 => 2,
        Shape::U32 | Shape::I32 | Shape::F32 => 4,
        Shape::D128(_) | Shape::Fixed(16, _) => 16,
        Shape::D256(_) | Shape::Fixed(32, _) => 32,
        _ => 8,
    };
    Ok(made(ask.result_type(), QuantileExact { ask, choice, arg: arg.base().clone(), shape, width }))
}

struct QuantileExact {
    ask: Ask,
    choice: Choice,
    arg: DataType,
    shape: Shape,
    /// Bytes of one value's cell.
    width: usize,
}

/// The values as cells, which sort as they do, one after another.
#[derive(Clone, Default)]
pub(super) struct Values {
    cells: Vec<u8>,
    sorted: bool,
}

impl QuantileExact {
    fn sort(&self, state: &mut Values) {
        if state.sorted {
            return;
        }
        let mut cells: Vec<&[u8]> = state.cells.chunks_exact(self.width).collect();
        cells.sort_unstable();
        state.cells = cells.concat();
        state.sorted = true;
    }

    /// The position of the value at `level`; `count` is not 0.
    fn position(&self, level: f64, count: usize) -> usize {
        let place = match self.choice {
            Choice::Low if level == 0.5 && count.is_multiple_of(2) => count / 2 - 1,
            Choice::Low | Choice::High if level == 0.5 => count / 2,
            _ => (level * count as f64) as usize,
        };
        place.min(count - 1)
    }

    fn chosen(&self, states: &mut [Values]) -> Result<ArrayRef> {
        let mut writer = CellWriter::new(&self.shape);
        // the quantile of nothing is NaN where there is one; an array of them has zeros, as in ClickHouse
        let nothing: &[u8] = match (&self.shape, self.ask.many) {
            (Shape::F32, false) => &[0xFF; 4],
            (Shape::F64, false) => &[0xFF; 8],
            _ => &[],
        };
        for state in states.iter_mut() {
            self.sort(state);
            let count = state.cells.len() / self.width;
            for level in self.ask.levels.iter() {
                if count > 0 {
                    let start = self.position(*level, count) * self.width;
                    writer.push(&mut &state.cells[start..start + self.width])?;
                } else if nothing.is_empty() {
                    writer.push_default();
                } else {
                    writer.push(&mut &*nothing)?;
                }
            }
        }
        self.ask.wrap(writer.finish()?, states.len())
    }

    fn interpolated(&self, states: &mut [Values]) -> Result<ArrayRef> {
        let mut numbers = Vec::with_capacity(states.len());
        for state in states.iter_mut() {
            self.sort(state);
            let mut writer = CellWriter::new(&self.shape);
            for cell in state.cells.chunks_exact(self.width) {
                writer.push(&mut &*cell)?;
            }
            numbers.push(units(&self.arg, &writer.finish()?)?.values().to_vec());
        }
        let inclusive = self.choice == Choice::Inclusive;
        self.ask.column(&mut numbers, |sorted, level| {
            let count = sorted.len() as f64;
            let height = if inclusive { level * (count - 1.0) + 1.0 } else { level * (count + 1.0) };
            between(sorted, height)
        })
    }
}

/// The value at the 1-based `height`, which need not be whole.
fn between(sorted: &[f64], height: f64) -> f64 {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return f64::NAN };
    let below = height as usize;
    if below < 1 {
        return *first;
    }
    match below.cmp(&sorted.len()) {
        Ordering::Less => sorted[below - 1] + (height - below as f64) * (sorted[below] - sorted[below - 1]),
        _ => *last,
    }
}

impl Family for QuantileExact {
    type State = Values;
    type Columns = CellReader;
    const NAME: &'static str = "quantileExact";

    fn columns(&self, args: &[ArrayRef]) -> Result<CellReader> {
        CellReader::new(&self.shape, &args[0], Nulls::Last)
    }

    fn add(&self, state: &mut Values, columns: &CellReader, row: usize) -> Result<()> {
        if !columns.is_nan(row) {
            columns.write(row, &mut state.cells);
            state.sorted = false;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Values, from: Values) -> Result<()> {
        into.cells.extend_from_slice(&from.cells);
        into.sorted = false;
        Ok(())
    }

    fn encode(&self, state: &Values, out: &mut Vec<u8>) {
        // sorted, so that equal bags of values are equal bytes
        let mut state = state.clone();
        self.sort(&mut state);
        write_sized(&state.cells, out);
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Values> {
        let cells = bytes.sized()?.to_vec();
        if cells.len() % self.width != 0 {
            return Err(bytes.damaged());
        }
        Ok(Values { cells, sorted: true })
    }

    fn finish(&self, states: &mut [Values]) -> Result<ArrayRef> {
        match self.choice {
            Choice::Inclusive | Choice::Exclusive => self.interpolated(states),
            Choice::Upper | Choice::Low | Choice::High => self.chosen(states),
        }
    }

    fn heap_bytes(&self, state: &Values) -> usize {
        state.cells.capacity()
    }
}
