//! Means and central moments, which lose no digits to large sums. Of too few rows the answer is infinite, as in
//! ClickHouse.

use super::Algebra;

const VARIANCE: &[&str] = &["count", "mean", "m2"];
const COVARIANCE: &[&str] = &["count", "mean_x", "mean_y", "co_moment"];

/// The algebra of a function, and how many arguments it takes.
pub(super) fn algebra(function: &str) -> Option<(Algebra, usize)> {
    Some(match function {
        "varPopStable" => (Algebra { fields: VARIANCE, add, merge, finish: |s| one(pop(s[0], s[2])) }, 1),
        "varSampStable" => (Algebra { fields: VARIANCE, add, merge, finish: |s| one(samp(s[0], s[2])) }, 1),
        "stddevPopStable" => (Algebra { fields: VARIANCE, add, merge, finish: |s| one(pop(s[0], s[2]).sqrt()) }, 1),
        "stddevSampStable" => (Algebra { fields: VARIANCE, add, merge, finish: |s| one(samp(s[0], s[2]).sqrt()) }, 1),
        "covarPopStable" => {
            (Algebra { fields: COVARIANCE, add: add_pair, merge: merge_pair, finish: |s| one(pop(s[0], s[3])) }, 2)
        }
        "covarSampStable" => {
            (Algebra { fields: COVARIANCE, add: add_pair, merge: merge_pair, finish: |s| one(samp(s[0], s[3])) }, 2)
        }
        "corrStable" => {
            let fields = &["count", "mean_x", "mean_y", "co_moment", "m2_x", "m2_y"];
            (Algebra { fields, add: add_pair, merge: merge_pair, finish: correlation }, 2)
        }
        _ => return None,
    })
}

fn one(value: f64) -> [f64; 2] {
    [value, 0.0]
}

fn pop(count: f64, moment: f64) -> f64 {
    if count == 0.0 { f64::INFINITY } else { moment / count }
}

fn samp(count: f64, moment: f64) -> f64 {
    if count < 2.0 { f64::INFINITY } else { moment / (count - 1.0) }
}

fn correlation(s: &[f64]) -> [f64; 2] {
    one(if s[0] < 2.0 { f64::INFINITY } else { s[3] / (s[4] * s[5]).sqrt() })
}

fn add(state: &mut [f64], x: f64, _: f64) {
    let delta = x - state[1];
    state[0] += 1.0;
    state[1] += delta / state[0];
    state[2] += delta * (x - state[1]);
}

fn merge(into: &mut [f64], from: &[f64]) {
    let total = into[0] + from[0];
    if from[0] == 0.0 {
        return;
    }
    if into[0] == 0.0 {
        into.copy_from_slice(from);
        return;
    }
    let delta = from[1] - into[1];
    into[2] += from[2] + delta * delta * into[0] * from[0] / total;
    into[1] = (into[1] * into[0] + from[1] * from[0]) / total;
    into[0] = total;
}

/// count, both means, the co-moment and, where there is room, both second moments.
fn add_pair(state: &mut [f64], x: f64, y: f64) {
    merge_pair(state, &[1.0, x, y, 0.0, 0.0, 0.0]);
}

fn merge_pair(into: &mut [f64], from: &[f64]) {
    if from[0] == 0.0 {
        return;
    }
    let total = into[0] + from[0];
    let (dx, dy) = (from[1] - into[1], from[2] - into[2]);
    let shared = into[0] * from[0] / total;
    into[3] += from[3] + dx * dy * shared;
    if let [_, _, _, _, m2_x, m2_y] = into {
        *m2_x += from[4] + dx * dx * shared;
        *m2_y += from[5] + dy * dy * shared;
    }
    into[1] += dx * from[0] / total;
    into[2] += dy * from[0] / total;
    into[0] = total;
}
