//! Sets of whole numbers as Roaring bitmaps: `groupBitmap`, `groupBitmapAnd`, `groupBitmapOr`, `groupBitmapXor`, and the
//! [`Bitmap`] that scalar functions work on.

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder};
use roaring::RoaringTreemap;
use std::sync::Arc;
use types::{AggregateSignature, DataType};

use crate::aggregate::Made;
use crate::bytes::{Reader, write_varint};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::numeric::{from_i128, to_i128};
use crate::object::{Family, VERSION, made};
use crate::rows::{state_columns, state_struct};

const NAME: &str = "groupBitmap";

/// Up to so many numbers a set remembers the order in which they came, as in ClickHouse.
const SMALL_MAX: u64 = 32;

/// A set of whole numbers of up to 64 bits; negative ones as their two's complement in their type's width.
///
/// Invariant: `order` holds exactly the numbers of `set` as long as there are at most [`SMALL_MAX`], and is empty beyond.
#[derive(Clone, Default, Debug)]
pub struct Bitmap {
    set: RoaringTreemap,
    order: Vec<u64>,
}

impl PartialEq for Bitmap {
    /// Sets of the same numbers are equal, in whatever order these came.
    fn eq(&self, other: &Bitmap) -> bool {
        self.set == other.set
    }
}

impl Bitmap {
    /// The set of these numbers.
    pub fn of(values: impl IntoIterator<Item = u64>) -> Bitmap {
        let mut bitmap = Bitmap::default();
        values.into_iter().for_each(|value| bitmap.insert(value));
        bitmap
    }

    /// The set as it is, its numbers in ascending order.
    fn ascending(set: RoaringTreemap) -> Bitmap {
        let order = if set.len() <= SMALL_MAX { set.iter().collect() } else { Vec::new() };
        Bitmap { set, order }
    }

    fn insert(&mut self, value: u64) {
        if !self.set.insert(value) {
            return;
        }
        if self.set.len() <= SMALL_MAX {
            self.order.push(value);
        } else {
            self.order = Vec::new();
        }
    }

    /// The set in the `groupBitmap` state at `row` of a state column; a NULL state is the empty set.
    pub fn read(states: &ArrayRef, row: usize) -> Result<Bitmap> {
        let columns = state_columns(states, 1)?;
        let bytes = columns[0].as_binary_opt::<i32>().ok_or_else(|| Error::ArrowType {
            expected: "Binary".to_owned(),
            found: columns[0].data_type().to_string(),
        })?;
        if states.is_null(row) || bytes.is_null(row) {
            return Ok(Bitmap::default());
        }
        Bitmap::from_bytes(bytes.value(row))
    }

    /// State bytes, as they stand in a state column, back to the set. No bytes are the empty set.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Bitmap> {
        match bytes.split_first() {
            None | Some((&VERSION, [])) => Ok(Bitmap::default()),
            Some((&VERSION, payload)) => Bitmap::decode(payload),
            Some(_) => Err(Error::DamagedState(NAME)),
        }
    }

    fn decode(payload: &[u8]) -> Result<Bitmap> {
        let mut bytes = Reader::new(payload, NAME);
        match bytes.u8()? {
            0 => {
                let count = bytes.count(8)?;
                let values = (0..count).map(|_| bytes.u64()).collect::<Result<Vec<_>>>()?;
                if bytes.is_empty() { Ok(Bitmap::of(values)) } else { Err(bytes.damaged()) }
            }
            1 => {
                let mut rest = bytes.rest();
                let set = RoaringTreemap::deserialize_from(&mut rest).map_err(|_| bytes.damaged())?;
                if rest.is_empty() { Ok(Bitmap::ascending(set)) } else { Err(bytes.damaged()) }
            }
            _ => Err(bytes.damaged()),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        if self.set.len() <= SMALL_MAX {
            out.push(0);
            write_varint(self.set.len(), out);
            self.order.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        } else {
            out.push(1);
            self.set.serialize_into(out).expect("writing to memory cannot fail");
        }
    }

    /// A state column of these sets.
    pub fn column(sets: &[Bitmap]) -> Result<ArrayRef> {
        let mut builder = BinaryBuilder::new();
        for set in sets {
            let mut bytes = vec![VERSION];
            set.encode(&mut bytes);
            builder.append_value(&bytes);
        }
        state_struct(vec![("bytes", Arc::new(builder.finish()))])
    }

    /// The numbers, ascending.
    pub fn values(&self) -> impl Iterator<Item = u64> + '_ {
        self.set.iter()
    }

    /// The numbers in the order in which they came when there are at most 32, else ascending.
    pub fn arrival(&self) -> impl Iterator<Item = u64> + '_ {
        let small = self.order.iter().copied();
        let large = if self.order.is_empty() { Some(self.set.iter()) } else { None };
        small.chain(large.into_iter().flatten())
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.set.len()
    }

    /// True when `value` is in the set.
    pub fn contains(&self, value: u64) -> bool {
        self.set.contains(value)
    }

    /// In both.
    pub fn and(&self, other: &Bitmap) -> Bitmap {
        Bitmap::ascending(&self.set & &other.set)
    }

    /// In one or both.
    pub fn or(&self, other: &Bitmap) -> Bitmap {
        if self.count() + other.count() <= SMALL_MAX {
            return Bitmap::of(self.arrival().chain(other.arrival()));
        }
        Bitmap::ascending(&self.set | &other.set)
    }

    /// In exactly one.
    pub fn xor(&self, other: &Bitmap) -> Bitmap {
        Bitmap::ascending(&self.set ^ &other.set)
    }

    /// In this one and not in the other.
    pub fn and_not(&self, other: &Bitmap) -> Bitmap {
        Bitmap::ascending(&self.set - &other.set)
    }
}

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    call.no_params()?;
    let arg = call.one_argument()?;
    let whole = |ty: &DataType| {
        (ty.base().is_integer() && ty.base().integer_width() <= Some(8)) || *ty.base() == DataType::Bool
    };
    if call.function == NAME {
        if !whole(arg) {
            return Err(call.argument_type(arg, "a whole number of at most 64 bits"));
        }
        let item = if *arg.base() == DataType::Bool { DataType::UInt8 } else { arg.base().clone() };
        let family = GroupBitmap { item: item.clone(), arg: Some(arg.clone()), join: Join::Or };
        return Ok(made(item, family));
    }
    let DataType::AggregateFunction(state) = arg else {
        return Err(call.argument_type(arg, "AggregateFunction(groupBitmap, …)"));
    };
    let item = match state.args.as_slice() {
        [item] if &*state.name == NAME && whole(item) => item.base().clone(),
        _ => return Err(call.argument_type(arg, "AggregateFunction(groupBitmap, …)")),
    };
    let join = match call.function {
        "groupBitmapAnd" => Join::And,
        "groupBitmapXor" => Join::Xor,
        _ => Join::Or,
    };
    let signature =
        AggregateSignature { name: NAME.into(), params: Vec::new(), args: vec![item.clone()], version: None };
    let family = GroupBitmap { item: item.clone(), arg: None, join };
    Ok(Made { state: Some(signature), ..made(item, family) })
}

#[derive(Clone, Copy)]
enum Join {
    And,
    Or,
    Xor,
}

struct GroupBitmap {
    item: DataType,
    /// The type of rows that are numbers; `None` when they are states.
    arg: Option<DataType>,
    join: Join,
}

pub(crate) enum Column {
    Numbers(Vec<u64>),
    States(ArrayRef),
}

/// The width's bits of a number.
fn unsigned(ty: &DataType, value: i128) -> u64 {
    match ty.base().integer_width() {
        Some(1) => u64::from(value as u8),
        Some(2) => u64::from(value as u16),
        Some(4) => u64::from(value as u32),
        _ => value as u64,
    }
}

impl GroupBitmap {
    fn join(&self, into: &mut Option<Bitmap>, set: Bitmap) {
        *into = Some(match (into.take(), self.join) {
            (None, _) => set,
            (Some(known), Join::And) => known.and(&set),
            (Some(known), Join::Or) => known.or(&set),
            (Some(known), Join::Xor) => known.xor(&set),
        });
    }
}

impl Family for GroupBitmap {
    /// `None` when there was no row: for the intersection that is not the empty set.
    type State = Option<Bitmap>;
    type Columns = Column;
    const NAME: &'static str = NAME;

    fn columns(&self, args: &[ArrayRef]) -> Result<Column> {
        Ok(match &self.arg {
            Some(ty) => Column::Numbers(to_i128(ty, &args[0])?.into_iter().map(|v| unsigned(ty, v)).collect()),
            None => Column::States(Arc::clone(&args[0])),
        })
    }

    fn add(&self, state: &mut Option<Bitmap>, columns: &Column, row: usize) -> Result<()> {
        match columns {
            Column::Numbers(numbers) => {
                state.get_or_insert_default().insert(numbers[row]);
            }
            Column::States(states) => self.join(state, Bitmap::read(states, row)?),
        }
        Ok(())
    }

    fn merge(&self, into: &mut Option<Bitmap>, from: Option<Bitmap>) -> Result<()> {
        if let Some(set) = from {
            self.join(into, set);
        }
        Ok(())
    }

    fn encode(&self, state: &Option<Bitmap>, out: &mut Vec<u8>) {
        if let Some(set) = state {
            set.encode(out);
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<Option<Bitmap>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        Bitmap::decode(bytes.rest()).map(Some)
    }

    fn finish(&self, states: &mut [Option<Bitmap>]) -> Result<ArrayRef> {
        let counts = states.iter().map(|state| state.as_ref().map_or(0, |set| i128::from(set.count())));
        from_i128(&self.item, &counts.collect::<Vec<_>>())
    }

    fn heap_bytes(&self, state: &Option<Bitmap>) -> usize {
        state.as_ref().map_or(0, |set| set.set.serialized_size() + set.order.capacity() * 8)
    }
}
