//! `groupArrayMovingSum` and `groupArrayMovingAvg`: for each value the sum or mean of it and those before it.

use arrow::array::ArrayRef;
use types::DataType;
use types::state::sum_type;

use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::call::{Call, is_number};
use crate::combinator::list_column;
use crate::error::Result;
use crate::number::{Number, is_float};
use crate::object::{Family, made};

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let arg = call.one_argument()?;
    let window = call.optional_size()?;
    let sum = sum_type(arg.base()).filter(|_| is_number(arg) && arg.base().integer_width() <= Some(16));
    let Some(sum) = sum else { return Err(call.argument_type(arg, "a number of at most 128 bits")) };
    let average = call.function == "groupArrayMovingAvg";
    let item = if average && !sum.is_decimal() { DataType::Float64 } else { sum };
    let result = DataType::array(item.clone());
    let arg = arg.clone();
    let window = window.map(|window| window as usize);
    Ok(if is_float(&item) {
        made(result, Moving::<f64> { arg, item, window, average, number: std::marker::PhantomData })
    } else {
        made(result, Moving::<i128> { arg, item, window, average, number: std::marker::PhantomData })
    })
}

struct Moving<N> {
    arg: DataType,
    item: DataType,
    /// How many values each result is of; all before it when `None`.
    window: Option<usize>,
    average: bool,
    number: std::marker::PhantomData<N>,
}

/// A number that can be divided by how many there are.
trait Divide: Number {
    fn divide(self, count: usize) -> Self;
}
impl Divide for f64 {
    fn divide(self, count: usize) -> f64 {
        self / count as f64
    }
}
impl Divide for i128 {
    fn divide(self, count: usize) -> i128 {
        self / count.max(1) as i128
    }
}

impl<N: Divide> Family for Moving<N> {
    type State = Vec<N>;
    type Columns = Vec<N>;
    const NAME: &'static str = "groupArrayMovingSum";

    fn columns(&self, args: &[ArrayRef]) -> Result<Vec<N>> {
        N::of_column(&self.arg, &args[0])
    }

    fn add(&self, state: &mut Vec<N>, columns: &Vec<N>, row: usize) -> Result<()> {
        state.push(columns[row]);
        Ok(())
    }

    fn merge(&self, into: &mut Vec<N>, from: Vec<N>) -> Result<()> {
        into.extend(from);
        Ok(())
    }

    fn encode(&self, state: &Vec<N>, out: &mut Vec<u8>) {
        write_varint(state.len() as u64, out);
        state.iter().for_each(|value| value.write(out));
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Vec<N>> {
        let count = bytes.count(8)?;
        (0..count).map(|_| N::read(bytes)).collect()
    }

    fn finish(&self, states: &mut [Vec<N>]) -> Result<ArrayRef> {
        let mut results = Vec::new();
        for values in states.iter() {
            let window = self.window.unwrap_or(values.len());
            let mut sum = N::default();
            for (i, value) in values.iter().enumerate() {
                sum = sum.plus(*value);
                if let Some(gone) = i.checked_sub(window) {
                    sum = sum.minus(values[gone]);
                }
                results.push(if self.average { sum.divide(window) } else { sum });
            }
        }
        list_column(N::to_column(&self.item, &results)?, states.iter().map(Vec::len))
    }

    fn heap_bytes(&self, state: &Vec<N>) -> usize {
        state.capacity() * size_of::<N>()
    }
}
