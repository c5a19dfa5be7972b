//! Sums of powers and products: merging is addition.

use super::Algebra;

const VARIANCE: &[&str] = &["count", "sum", "sum2"];
const SKEW: &[&str] = &["count", "sum", "sum2", "sum3"];
const KURT: &[&str] = &["count", "sum", "sum2", "sum3", "sum4"];
const COVARIANCE: &[&str] = &["count", "x", "y", "xy"];

/// The algebra of a function, and how many arguments it takes.
pub(super) fn algebra(function: &str) -> Option<(Algebra, usize)> {
    Some(match function {
        "varPop" => (Algebra { fields: VARIANCE, add: powers, merge: sum, finish: |s| one(var_pop(s)) }, 1),
        "varSamp" => (Algebra { fields: VARIANCE, add: powers, merge: sum, finish: |s| one(var_samp(s)) }, 1),
        "stddevPop" => (Algebra { fields: VARIANCE, add: powers, merge: sum, finish: |s| one(var_pop(s).sqrt()) }, 1),
        "stddevSamp" => (Algebra { fields: VARIANCE, add: powers, merge: sum, finish: |s| one(var_samp(s).sqrt()) }, 1),
        "skewPop" => (Algebra { fields: SKEW, add: powers, merge: sum, finish: |s| one(skew(s, var_pop(s))) }, 1),
        "skewSamp" => (Algebra { fields: SKEW, add: powers, merge: sum, finish: |s| one(skew(s, var_samp(s))) }, 1),
        "kurtPop" => (Algebra { fields: KURT, add: powers, merge: sum, finish: |s| one(kurt(s, var_pop(s))) }, 1),
        "kurtSamp" => (Algebra { fields: KURT, add: powers, merge: sum, finish: |s| one(kurt(s, var_samp(s))) }, 1),
        "covarPop" => (Algebra { fields: COVARIANCE, add: products, merge: sum, finish: covar_pop }, 2),
        "covarSamp" => (Algebra { fields: COVARIANCE, add: products, merge: sum, finish: covar_samp }, 2),
        "corr" => (
            Algebra { fields: &["count", "x", "y", "xy", "x2", "y2"], add: products, merge: sum, finish: correlation },
            2,
        ),
        "simpleLinearRegression" => {
            (Algebra { fields: &["count", "x", "y", "xx", "xy"], add: regression_row, merge: sum, finish: line }, 2)
        }
        "avgWeighted" => (Algebra { fields: &["sum", "weight"], add: weighted_row, merge: sum, finish: ratio }, 2),
        "sumKahan" => {
            (Algebra { fields: &["sum", "compensation"], add: kahan_row, merge: kahan_merge, finish: |s| one(s[0]) }, 1)
        }
        "boundingRatio" => {
            let fields = &["count", "left_x", "left_y", "right_x", "right_y"];
            (Algebra { fields, add: bounds_row, merge: bounds_merge, finish: slope }, 2)
        }
        _ => return None,
    })
}

fn one(value: f64) -> [f64; 2] {
    [value, 0.0]
}

fn sum(into: &mut [f64], from: &[f64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
}

/// count, x, x², x³…, as many as there are.
fn powers(state: &mut [f64], x: f64, _: f64) {
    let mut power = 1.0;
    for sum in state {
        *sum += power;
        power *= x;
    }
}

/// count, x, y, xy and, where there is room, x² and y².
fn products(state: &mut [f64], x: f64, y: f64) {
    let terms = [1.0, x, y, x * y, x * x, y * y];
    state.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
}

fn regression_row(state: &mut [f64], x: f64, y: f64) {
    state.iter_mut().zip([1.0, x, y, x * x, x * y]).for_each(|(sum, term)| *sum += term);
}

fn weighted_row(state: &mut [f64], x: f64, weight: f64) {
    state[0] += x * weight;
    state[1] += weight;
}

fn ratio(s: &[f64]) -> [f64; 2] {
    one(s[0] / s[1])
}

fn var_pop(s: &[f64]) -> f64 {
    if s[0] == 0.0 { f64::NAN } else { ((s[2] - s[1] * s[1] / s[0]) / s[0]).max(0.0) }
}

fn var_samp(s: &[f64]) -> f64 {
    if s[0] <= 1.0 { f64::NAN } else { ((s[2] - s[1] * s[1] / s[0]) / (s[0] - 1.0)).max(0.0) }
}

fn skew(s: &[f64], variance: f64) -> f64 {
    if variance > 0.0 {
        let moment =
            if s[0] == 1.0 { 0.0 } else { (s[3] - (3.0 * s[2] - 2.0 * s[1] * s[1] / s[0]) * s[1] / s[0]) / s[0] };
        moment / variance.powf(1.5)
    } else {
        f64::NAN
    }
}

fn kurt(s: &[f64], variance: f64) -> f64 {
    if variance > 0.0 {
        let inner = 6.0 * s[2] - 3.0 * s[1] * s[1] / s[0];
        let moment = if s[0] == 1.0 { 0.0 } else { (s[4] - (4.0 * s[3] - inner * s[1] / s[0]) * s[1] / s[0]) / s[0] };
        moment / variance.powi(2)
    } else {
        f64::NAN
    }
}

fn covar_pop(s: &[f64]) -> [f64; 2] {
    one(if s[0] == 0.0 { f64::NAN } else { (s[3] - s[1] * s[2] / s[0]) / s[0] })
}

fn covar_samp(s: &[f64]) -> [f64; 2] {
    one(if s[0] < 2.0 { f64::NAN } else { (s[3] - s[1] * s[2] / s[0]) / (s[0] - 1.0) })
}

fn correlation(s: &[f64]) -> [f64; 2] {
    let [n, x, y, xy, x2, y2] = [s[0], s[1], s[2], s[3], s[4], s[5]];
    one((n * xy - x * y) / ((n * x2 - x * x) * (n * y2 - y * y)).sqrt())
}

/// Slope and intercept by least squares; NaN where there is no line.
fn line(s: &[f64]) -> [f64; 2] {
    let [n, x, y, xx, xy] = [s[0], s[1], s[2], s[3], s[4]];
    let divisor = xx * n - x * x;
    if n == 0.0 || divisor == 0.0 {
        return [f64::NAN, f64::NAN];
    }
    let k = (xy * n - x * y) / divisor;
    [k, (y - k * x) / n]
}

fn kahan_row(state: &mut [f64], x: f64, _: f64) {
    let compensated = x - state[1];
    let new = state[0] + compensated;
    state[1] = (new - state[0]) - compensated;
    state[0] = new;
}

fn kahan_merge(into: &mut [f64], from: &[f64]) {
    if into[0] == 0.0 && into[1] == 0.0 {
        into.copy_from_slice(from);
        return;
    }
    if from[0] == 0.0 && from[1] == 0.0 {
        return;
    }
    let raw = into[0] + from[0];
    let rhs = raw - into[0];
    let errors = ((from[0] - rhs) + (into[0] - (raw - rhs))) - (into[1] + from[1]);
    into[0] = raw + errors;
    into[1] = -(errors - (into[0] - raw));
}

fn bounds_row(state: &mut [f64], x: f64, y: f64) {
    bounds_merge(state, &[1.0, x, y, x, y]);
}

/// Leftmost and rightmost point; of equal ones the first met.
fn bounds_merge(into: &mut [f64], from: &[f64]) {
    if from[0] == 0.0 {
        return;
    }
    if into[0] == 0.0 {
        into.copy_from_slice(from);
        return;
    }
    into[0] += from[0];
    if from[1] < into[1] {
        into[1..3].copy_from_slice(&from[1..3]);
    }
    if from[3] > into[3] {
        into[3..5].copy_from_slice(&from[3..5]);
    }
}

fn slope(s: &[f64]) -> [f64; 2] {
    one(if s[0] == 0.0 { f64::NAN } else { (s[4] - s[2]) / (s[3] - s[1]) })
}
