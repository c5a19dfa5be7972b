//! `uniqCombined`, `uniqCombined64`, `uniqHLL12`: HyperLogLog with 64-bit hashes, exact while there are few values.
//!
//! A set of hashes becomes registers when it would be larger than they are. The estimate is Ertl's improved one
//! ("New cardinality estimation algorithms for HyperLogLog sketches", 2017): no bias tables, right at any size.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use hashbrown::HashSet;

use super::{Keys, Mixed};
use crate::bytes::{Reader, write_varint};
use crate::cell::Shape;
use crate::error::Result;
use crate::object::Family;

pub(super) struct UniqHll {
    shapes: Vec<Shape>,
    /// There are 2^precision registers.
    precision: u8,
}

impl UniqHll {
    pub fn new(shapes: Vec<Shape>, precision: u8) -> UniqHll {
        UniqHll { shapes, precision }
    }

    /// Hashes kept as they are: as many as need the room of the registers.
    fn hashes_max(&self) -> usize {
        1 << (self.precision - 3)
    }

    fn insert(&self, state: &mut Hll, hash: u64) {
        match state {
            Hll::Set(hashes) => {
                hashes.insert(hash);
                if hashes.len() > self.hashes_max() {
                    let mut registers = vec![0; 1 << self.precision];
                    hashes.iter().for_each(|hash| self.raise(&mut registers, *hash));
                    *state = Hll::Registers(registers);
                }
            }
            Hll::Registers(registers) => self.raise(registers, hash),
        }
    }

    /// The first bits choose the register, the zeros after them its value.
    fn raise(&self, registers: &mut [u8], hash: u64) {
        let index = (hash >> (64 - self.precision)) as usize;
        let rest = hash << self.precision | 1 << (self.precision - 1);
        let rank = rest.leading_zeros() as u8 + 1;
        if let Some(register) = registers.get_mut(index) {
            *register = rank.max(*register);
        }
    }

    fn count(&self, state: &Hll) -> u64 {
        match state {
            Hll::Set(hashes) => hashes.len() as u64,
            Hll::Registers(registers) => estimate(registers, self.precision),
        }
    }
}

#[derive(Clone)]
pub(super) enum Hll {
    /// At most `hashes_max` hashes.
    Set(HashSet<u64, Mixed>),
    /// One value a register.
    Registers(Vec<u8>),
}

impl Default for Hll {
    fn default() -> Hll {
        Hll::Set(HashSet::default())
    }
}

fn estimate(registers: &[u8], precision: u8) -> u64 {
    let q = usize::from(64 - precision);
    let mut counts = vec![0f64; q + 2];
    registers.iter().for_each(|value| counts[usize::from(*value).min(q + 1)] += 1.0);
    let m = registers.len() as f64;
    let mut z = m * tau(1.0 - counts[q + 1] / m);
    for k in (1..=q).rev() {
        z = 0.5 * (z + counts[k]);
    }
    z += m * sigma(counts[0] / m);
    (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

impl Family for UniqHll {
    type State = Hll;
    type Columns = Keys;
    const NAME: &'static str = "uniqCombined";

    fn columns(&self, args: &[ArrayRef]) -> Result<Keys> {
        Keys::new(&self.shapes, args)
    }

    fn add(&self, state: &mut Hll, columns: &Keys, row: usize) -> Result<()> {
        self.insert(state, columns.hash64(row));
        Ok(())
    }

    fn merge(&self, into: &mut Hll, from: Hll) -> Result<()> {
        match (&mut *into, from) {
            (_, Hll::Set(hashes)) => hashes.into_iter().for_each(|hash| self.insert(into, hash)),
            (Hll::Registers(registers), Hll::Registers(other)) => {
                registers.iter_mut().zip(other).for_each(|(register, value)| *register = value.max(*register));
            }
            (Hll::Set(_), registers) => {
                if let Hll::Set(hashes) = std::mem::replace(into, registers) {
                    hashes.into_iter().for_each(|hash| self.insert(into, hash));
                }
            }
        }
        Ok(())
    }

    fn encode(&self, state: &Hll, out: &mut Vec<u8>) {
        match state {
            Hll::Set(hashes) => {
                let mut hashes: Vec<u64> = hashes.iter().copied().collect();
                hashes.sort_unstable();
                out.push(0);
                write_varint(hashes.len() as u64, out);
                hashes.into_iter().for_each(|hash| out.extend_from_slice(&hash.to_le_bytes()));
            }
            Hll::Registers(registers) => {
                out.push(1);
                out.extend_from_slice(registers);
            }
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Hll> {
        match bytes.u8()? {
            0 => {
                let count = bytes.count(8)?;
                if count > self.hashes_max() {
                    return Err(bytes.damaged());
                }
                Ok(Hll::Set((0..count).map(|_| bytes.u64()).collect::<Result<_>>()?))
            }
            1 => Ok(Hll::Registers(bytes.take(1 << self.precision)?.to_vec())),
            _ => Err(bytes.damaged()),
        }
    }

    fn finish(&self, states: &mut [Hll]) -> Result<ArrayRef> {
        Ok(Arc::new(UInt64Array::from_iter_values(states.iter().map(|state| self.count(state)))))
    }

    fn heap_bytes(&self, state: &Hll) -> usize {
        match state {
            Hll::Set(hashes) => hashes.capacity() * 9,
            Hll::Registers(registers) => registers.capacity(),
        }
    }
}
