//! `quantileTDigest`: centroids that are finer towards both ends (Dunning), in the variant that ClickHouse has, so that
//! answers are the same: 32-bit centroids, compressed after every 2,048 values.
//!
//! Merging adds the other's centroids; up to 2,048 of them it is exact, beyond that as good as the digest itself.

use arrow::array::{ArrayRef, Float64Array};
use types::DataType;

use super::{Ask, units};
use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::error::Result;
use crate::numeric::to_i128;
use crate::object::{Family, made};

/// How coarse centroids may be.
const EPSILON: f32 = 0.01;
/// Centroids at most.
const CENTROIDS_MAX: usize = 2048;
/// Values at most before they are compressed.
const UNMERGED_MAX: usize = 2048;

pub(super) fn resolve(ask: Ask, arg: &DataType, weight: Option<&DataType>) -> Made {
    made(ask.result_type(), QuantileTDigest { ask, arg: arg.clone(), weight: weight.cloned() })
}

struct QuantileTDigest {
    ask: Ask,
    arg: DataType,
    weight: Option<DataType>,
}

#[derive(Clone, Copy)]
struct Centroid {
    mean: f32,
    count: f32,
}

#[derive(Clone, Default)]
pub(super) struct Digest {
    centroids: Vec<Centroid>,
    count: f32,
    unmerged: usize,
}

impl Digest {
    fn add(&mut self, centroid: Centroid) {
        if centroid.mean.is_nan() || centroid.count <= 0.0 {
            return;
        }
        self.centroids.push(centroid);
        self.count += centroid.count;
        self.unmerged += 1;
        if self.unmerged > UNMERGED_MAX {
            self.compress();
        }
    }

    /// Sorts the centroids and joins neighbours while the joint weight is small against its distance to the ends.
    fn compress(&mut self) {
        if self.unmerged == 0 && self.centroids.len() <= CENTROIDS_MAX {
            return;
        }
        self.centroids.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        self.unmerged = 0;
        if self.centroids.len() <= 3 {
            return;
        }
        let limit = self.count * EPSILON * 4.0;
        let mut joined: Vec<Centroid> = Vec::with_capacity(self.centroids.len());
        let (mut sum, mut left) = (0f32, self.centroids[0]);
        for right in &self.centroids[1..] {
            let share = |position: f32| position / self.count * (1.0 - position / self.count);
            let error = share(sum + left.count * 0.5).min(share(sum + left.count + right.count * 0.5));
            let mergeable = !left.mean.is_infinite() && !right.mean.is_infinite() || left.mean == right.mean;
            if left.count + right.count <= limit * error && mergeable {
                left.count += right.count;
                if right.mean != left.mean {
                    left.mean += right.count * (right.mean - left.mean) / left.count;
                }
            } else {
                sum += left.count;
                joined.push(left);
                left = *right;
            }
        }
        joined.push(left);
        self.count = sum + left.count;
        self.centroids = joined;
        self.limit();
    }

    /// Joins runs of neighbours when there are still too many.
    fn limit(&mut self) {
        if self.centroids.len() <= CENTROIDS_MAX {
            return;
        }
        let run = self.centroids.len().div_ceil(CENTROIDS_MAX);
        self.centroids = self
            .centroids
            .chunks(run)
            .map(|chunk| {
                let count: f32 = chunk.iter().map(|c| c.count).sum();
                Centroid { mean: chunk.iter().map(|c| c.mean * c.count).sum::<f32>() / count, count }
            })
            .collect();
    }

    fn quantile(&mut self, level: f64) -> f64 {
        self.compress();
        let Some(first) = self.centroids.first().copied() else { return f64::NAN };
        let last = self.centroids[self.centroids.len() - 1];
        if self.centroids.len() == 1 {
            return f64::from(first.mean);
        }
        let x = level as f32 * self.count;
        let (mut before_x, mut sum, mut before) = (0f32, 0f32, first);
        for centroid in &self.centroids {
            let current_x = sum + centroid.count * 0.5;
            if current_x >= x {
                let left = if before.count == 1.0 { before_x + 0.5 } else { before_x };
                let right = if centroid.count == 1.0 { current_x - 0.5 } else { current_x };
                return f64::from(if x <= left {
                    before.mean
                } else if x >= right {
                    centroid.mean
                } else {
                    interpolate(x, left, before.mean, right, centroid.mean)
                });
            }
            sum += centroid.count;
            before_x = current_x;
            before = *centroid;
        }
        f64::from(last.mean)
    }
}

/// The value at `x` on the line through both points; infinite ends do not become NaN.
fn interpolate(x: f32, x1: f32, y1: f32, x2: f32, y2: f32) -> f32 {
    if y1.is_infinite() || y2.is_infinite() {
        return if y1 == y2 || x - x1 < x2 - x { y1 } else { y2 };
    }
    let share = (x - x1) / (x2 - x1);
    (1.0 - share) * y1 + share * y2
}

impl Family for QuantileTDigest {
    type State = Digest;
    type Columns = (Float64Array, Option<Vec<i128>>);
    const NAME: &'static str = "quantileTDigest";

    fn columns(&self, args: &[ArrayRef]) -> Result<Self::Columns> {
        let weights = match (&self.weight, args.get(1)) {
            (Some(ty), Some(array)) => Some(to_i128(ty, array)?),
            _ => None,
        };
        Ok((units(&self.arg, &args[0])?, weights))
    }

    fn add(&self, state: &mut Digest, (values, weights): &Self::Columns, row: usize) -> Result<()> {
        let count = weights.as_ref().map_or(1.0, |weights| weights[row] as f32);
        state.add(Centroid { mean: values.value(row) as f32, count });
        Ok(())
    }

    fn merge(&self, into: &mut Digest, from: Digest) -> Result<()> {
        from.centroids.into_iter().for_each(|centroid| into.add(centroid));
        Ok(())
    }

    fn encode(&self, state: &Digest, out: &mut Vec<u8>) {
        write_varint(state.unmerged as u64, out);
        write_varint(state.centroids.len() as u64, out);
        for centroid in &state.centroids {
            out.extend_from_slice(&centroid.mean.to_le_bytes());
            out.extend_from_slice(&centroid.count.to_le_bytes());
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Digest> {
        let unmerged = usize::try_from(bytes.varint()?).map_err(|_| bytes.damaged())?;
        let count = bytes.count(8)?;
        let mut centroids = Vec::with_capacity(count);
        for _ in 0..count {
            centroids.push(Centroid { mean: bytes.f32()?, count: bytes.f32()? });
        }
        let total = centroids.iter().map(|centroid| centroid.count).sum();
        Ok(Digest { centroids, count: total, unmerged: unmerged.min(count) })
    }

    fn finish(&self, states: &mut [Digest]) -> Result<ArrayRef> {
        self.ask.column(states, Digest::quantile)
    }

    fn heap_bytes(&self, state: &Digest) -> usize {
        state.centroids.capacity() * size_of::<Centroid>()
    }
}
