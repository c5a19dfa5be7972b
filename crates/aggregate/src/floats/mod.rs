//! States that are a few floating-point numbers: moments, covariances, regression, weighted and compensated means.
//!
//! The plain ones add up powers, as ClickHouse does, so that merging is addition; the `Stable` ones keep means and
//! central moments (Welford, Chan).

mod plain;
mod stable;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array};
use arrow::datatypes::Float64Type;
use types::DataType;

use crate::aggregate::{GroupedStates, Made, Rows};
use crate::call::{Call, is_number};
use crate::error::{Error, Result};
use crate::numeric::{primitive, to_f64};
use crate::rows::{state_columns, state_struct};

/// What a function does with its numbers. All zeros is the state of no rows.
#[derive(Clone, Copy)]
pub(crate) struct Algebra {
    /// Names of the numbers in the state column.
    pub fields: &'static [&'static str],
    /// Adds one row: one value an argument (a missing one is 0).
    pub add: fn(&mut [f64], f64, f64),
    /// Adds another state.
    pub merge: fn(&mut [f64], &[f64]),
    /// The results, one an output column (only regression has two).
    pub finish: fn(&[f64]) -> [f64; 2],
}

/// How results look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    F64,
    F32,
    /// `Tuple(k, b)`
    Pair,
}

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let Some((algebra, arity)) = plain::algebra(call.function).or_else(|| stable::algebra(call.function)) else {
        return Err(Error::Unsupported(format!("aggregate function \"{}\"", call.function)));
    };
    if arity == 1 {
        call.one_argument()?;
    } else {
        call.two_arguments()?;
    }
    let stable = call.function.ends_with("Stable");
    if let Some(other) = call.args.iter().find(|ty| !(is_number(ty) || stable && ty.base().is_date_or_time())) {
        return Err(call.argument_type(other, "a number"));
    }
    let singles = call.args.iter().all(|ty| *ty.base() == DataType::Float32);
    let moments = !stable && !matches!(call.function, "boundingRatio" | "avgWeighted" | "sumKahan");
    let output = match call.function {
        "simpleLinearRegression" => Output::Pair,
        _ if singles && moments => Output::F32,
        _ => Output::F64,
    };
    let args: Arc<[DataType]> = call.args.into();
    Ok(Made::new(result_type(output), move || Floats {
        algebra,
        output,
        args: args.clone(),
        values: Vec::new(),
        groups: 0,
    }))
}

fn result_type(output: Output) -> DataType {
    let field = |name: &str| types::TupleField { name: Some(name.into()), ty: DataType::Float64 };
    match output {
        Output::F64 => DataType::Float64,
        Output::F32 => DataType::Float32,
        Output::Pair => DataType::Tuple([field("k"), field("b")].into()),
    }
}

/// The numbers of all groups, group by group.
struct Floats {
    algebra: Algebra,
    output: Output,
    args: Arc<[DataType]>,
    values: Vec<f64>,
    groups: usize,
}

impl GroupedStates for Floats {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let first = to_f64(&self.args[0], &args[0])?;
        let second = match (self.args.get(1), args.get(1)) {
            (Some(ty), Some(array)) => Some(to_f64(ty, array)?),
            _ => None,
        };
        let (xs, ys) = (first.values(), second.as_ref().map(|array| array.values()));
        let (algebra, width, values) = (self.algebra, self.algebra.fields.len(), &mut self.values);
        rows.for_each(|row, group| {
            let state = &mut values[group * width..(group + 1) * width];
            (algebra.add)(state, xs[row], ys.map_or(0.0, |ys| ys[row]));
        });
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let width = self.algebra.fields.len();
        let columns = state_columns(states, width)?;
        let columns =
            columns[..width].iter().map(|c| Ok(primitive::<Float64Type>(c)?.values())).collect::<Result<Vec<_>>>()?;
        let mut other = vec![0.0; width];
        let (algebra, values) = (self.algebra, &mut self.values);
        rows.for_each(|row, group| {
            other.iter_mut().zip(&columns).for_each(|(value, column)| *value = column[row]);
            (algebra.merge)(&mut values[group * width..(group + 1) * width], &other);
        });
        Ok(())
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let width = self.algebra.fields.len();
        let fields = self.algebra.fields.iter().enumerate().map(|(i, name)| {
            let column = Float64Array::from_iter_values((0..n).map(|group| self.values[group * width + i]));
            (*name, Arc::new(column) as ArrayRef)
        });
        state_struct(fields.collect())
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let width = self.algebra.fields.len();
        let results: Vec<[f64; 2]> =
            (0..n).map(|group| (self.algebra.finish)(&self.values[group * width..(group + 1) * width])).collect();
        let column = |i: usize| Float64Array::from_iter_values(results.iter().map(|result| result[i]));
        Ok(match self.output {
            Output::F64 => Arc::new(column(0)),
            Output::F32 => Arc::new(Float32Array::from_iter_values(results.iter().map(|result| result[0] as f32))),
            Output::Pair => state_struct(vec![("1", Arc::new(column(0))), ("2", Arc::new(column(1)))])?,
        })
    }

    fn forget(&mut self, n: usize) {
        let n = n.min(self.groups);
        self.values.drain(..n * self.algebra.fields.len());
        self.values.shrink_to_fit();
        self.groups -= n;
    }

    fn groups(&self) -> usize {
        self.groups
    }

    fn grow(&mut self, total: usize) {
        if self.groups < total {
            self.groups = total;
            self.values.resize(total * self.algebra.fields.len(), 0.0);
        }
    }

    fn size_bytes(&self) -> usize {
        self.values.capacity() * 8
    }
}
