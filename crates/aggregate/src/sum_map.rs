//! `sumMap`, `minMap`, `maxMap` over arrays of keys and of values: a sum, minimum or maximum a key, sorted by key.
//!
//! Over a Map they are `-Map` of the function below. `sumMap` of arrays leaves out keys whose sums are all zero.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use types::state::sum_type;
use types::{DataType, ErrorCode, Value};

use crate::aggregate::Made;
use crate::bytes::{Reader, write_sized, write_varint};
use crate::call::{Call, is_number};
use crate::cell::{CellReader, CellWriter, Nulls, Shape};
use crate::combinator::{Combined, list_column, map};
use crate::error::{Error, Result};
use crate::extreme::Rule;
use crate::literal::literal_array;
use crate::numeric::{from_i128, to_f64, to_i128};
use crate::object::{Family, made};
use crate::rows::state_struct;

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    if let ([only], "sumMap" | "minMap" | "maxMap") = (call.args, call.function)
        && matches!(only.base(), DataType::Map(_))
    {
        let inner = call.function.strip_suffix("Map").unwrap_or_default();
        let below = Combined { name: call.function, inner, params: call.params, args: call.args, depth: 1 };
        return map::resolve(&below);
    }
    let arrays = arrays(call)?;
    let (key, values) = match arrays.split_first() {
        Some((key, values)) if !values.is_empty() => (key.clone(), values),
        _ => return Err(call.argument_count("a map, or an array of keys and arrays of values")),
    };
    let joins = values.iter().map(|value| Join::new(call, value)).collect::<Result<Vec<_>>>()?;
    let keep = keep(call, &key)?;
    let arrays = std::iter::once(key.clone()).chain(joins.iter().map(|join| join.result.clone()));
    let result = DataType::tuple(arrays.map(DataType::array));
    let is_sum = call.function.starts_with("sum");
    let as_tuple = call.args.len() == 1;
    let family = SumMap { key: Shape::of(&key), joins, keep, is_sum, as_tuple };
    Ok(Made { version: Some(1), ..made(result, family) })
}

/// The element types of the arrays, which may come as one tuple.
fn arrays(call: &Call<'_>) -> Result<Vec<DataType>> {
    let types: Vec<DataType> = match call.args {
        [DataType::Tuple(fields)] => fields.iter().map(|field| field.ty.clone()).collect(),
        args => args.to_vec(),
    };
    types
        .iter()
        .map(|ty| match ty.base() {
            DataType::Array(item) => Ok((**item).clone()),
            _ => Err(call.argument_type(ty, "arrays, or a map")),
        })
        .collect()
}

/// The keys that `sumMapFiltered` keeps, as cells.
fn keep(call: &Call<'_>, key: &DataType) -> Result<Option<BTreeSet<Vec<u8>>>> {
    if call.function != "sumMapFiltered" {
        call.no_params()?;
        return Ok(None);
    }
    let [Value::Array(keys)] = call.params else { return Err(call.bad_param("an array of the keys to keep")) };
    let shape = Shape::of(key);
    let cell = |value: &Value| {
        let array =
            literal_array(key, value).ok_or_else(|| call.bad_param("keys of the type of the first argument"))?;
        let mut cell = Vec::new();
        CellReader::new(&shape, &array, Nulls::First)?.write(0, &mut cell);
        Ok(cell)
    };
    keys.iter().map(cell).collect::<Result<_>>().map(Some)
}

/// How the values of one array are joined.
struct Join {
    /// The type of the argument's elements.
    item: DataType,
    result: DataType,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Whole,
    Float,
    Cells(Rule, Shape),
}

impl Join {
    fn new(call: &Call<'_>, item: &DataType) -> Result<Join> {
        let plain = item.remove_nullable();
        let rule = match call.function {
            "minMap" => Some(Rule::Min),
            "maxMap" => Some(Rule::Max),
            _ => None,
        };
        if let Some(rule) = rule {
            let kind = Kind::Cells(rule, Shape::of(&plain));
            return Ok(Join { item: item.clone(), result: plain, kind });
        }
        if !is_number(&plain)
            || plain.integer_width() == Some(32)
            || matches!(plain, DataType::Decimal { precision: 39.., .. })
        {
            return Err(call.argument_type(item, "numbers of at most 128 bits as values"));
        }
        let widened = if call.function == "sumMapWithOverflow" || plain.is_decimal() { None } else { sum_type(&plain) };
        let result = widened.unwrap_or_else(|| if plain == DataType::Bool { DataType::UInt8 } else { plain });
        let kind = if result.is_float() { Kind::Float } else { Kind::Whole };
        Ok(Join { item: item.clone(), result, kind })
    }
}

/// The joined value of one key.
#[derive(Clone, PartialEq)]
pub(crate) enum Slot {
    Whole(i128),
    Float(f64),
    /// `None` until there was a value that was not NULL.
    Cell(Option<Box<[u8]>>),
}

impl Slot {
    fn join(&mut self, other: &Slot, kind: &Kind) {
        match (self, other) {
            (Slot::Whole(sum), Slot::Whole(value)) => *sum = sum.wrapping_add(*value),
            (Slot::Float(sum), Slot::Float(value)) => *sum += value,
            (Slot::Cell(best), Slot::Cell(Some(cell))) => {
                let Kind::Cells(rule, _) = kind else { return };
                if best.as_ref().is_none_or(|best| rule.replaces(cell, best)) {
                    *best = Some(cell.clone());
                }
            }
            _ => {}
        }
    }

    fn is_zero(&self, ty: &DataType) -> bool {
        match self {
            // zero in the width of the result
            Slot::Whole(sum) => match ty.integer_width() {
                Some(width) if width < 16 => sum & ((1i128 << (width * 8)) - 1) == 0,
                _ => *sum == 0,
            },
            Slot::Float(sum) => *sum == 0.0,
            Slot::Cell(_) => false,
        }
    }
}

/// One array of values of a batch.
pub(crate) enum Values {
    Whole(Vec<i128>),
    Float(Vec<f64>),
    Cells(CellReader),
}

pub(crate) struct Columns {
    lists: Vec<ListArray>,
    keys: CellReader,
    values: Vec<Values>,
}

struct SumMap {
    key: Shape,
    joins: Vec<Join>,
    keep: Option<BTreeSet<Vec<u8>>>,
    is_sum: bool,
    as_tuple: bool,
}

type State = BTreeMap<Box<[u8]>, Vec<Slot>>;

impl SumMap {
    fn blank(&self) -> Vec<Slot> {
        self.joins
            .iter()
            .map(|join| match join.kind {
                Kind::Whole => Slot::Whole(0),
                Kind::Float => Slot::Float(0.0),
                Kind::Cells(..) => Slot::Cell(None),
            })
            .collect()
    }

    fn join(&self, state: &mut State, key: &[u8], slots: &[Slot]) {
        if let Some(old) = state.get_mut(key) {
            old.iter_mut().zip(slots).zip(&self.joins).for_each(|((old, new), join)| old.join(new, &join.kind));
        } else {
            state.insert(key.into(), slots.to_vec());
        }
    }

    /// The entries of a state that are shown.
    fn shown<'a>(&'a self, state: &'a State) -> impl Iterator<Item = (&'a [u8], &'a [Slot])> {
        state.iter().map(|(key, slots)| (&**key, slots.as_slice())).filter(|(_, slots)| {
            let zero = |(slot, join): (&Slot, &Join)| slot.is_zero(&join.result);
            !self.is_sum || !slots.iter().zip(&self.joins).all(zero)
        })
    }
}

fn lists_of(args: &[ArrayRef], as_tuple: bool) -> Result<Vec<ListArray>> {
    let arrays: &[ArrayRef] = match args {
        [only] if as_tuple => only.as_struct_opt().map_or(args, |fields| fields.columns()),
        args => args,
    };
    let list = |array: &ArrayRef| {
        array
            .as_list_opt::<i32>()
            .cloned()
            .ok_or_else(|| Error::ArrowType { expected: "List".to_owned(), found: array.data_type().to_string() })
    };
    arrays.iter().map(list).collect()
}

impl Family for SumMap {
    type State = State;
    type Columns = Columns;
    const NAME: &'static str = "sumMap";

    fn columns(&self, args: &[ArrayRef]) -> Result<Columns> {
        let lists = lists_of(args, self.as_tuple)?;
        let Some((keys, values)) = lists.split_first() else { return Err(Error::DamagedState(Self::NAME)) };
        let keys = CellReader::new(&self.key, keys.values(), Nulls::First)?;
        let values = self.joins.iter().zip(values).map(|(join, list)| {
            Ok(match &join.kind {
                Kind::Whole => Values::Whole(to_i128(&join.item, list.values())?),
                Kind::Float => Values::Float(to_f64(&join.item, list.values())?.values().to_vec()),
                Kind::Cells(rule, shape) => Values::Cells(CellReader::new(shape, list.values(), rule.nulls())?),
            })
        });
        let values = values.collect::<Result<_>>()?;
        Ok(Columns { lists, keys, values })
    }

    fn add(&self, state: &mut State, columns: &Columns, row: usize) -> Result<()> {
        let start = |list: &ListArray| list.value_offsets()[row] as usize;
        let length = columns.lists[0].value_length(row);
        if columns.lists.iter().any(|list| list.value_length(row) != length) {
            return Err(Error::Rows {
                function: Self::NAME,
                reason: "sizes of keys and values arrays do not match",
                code: ErrorCode::BAD_ARGUMENTS,
            });
        }
        let mut scratch = Vec::new();
        for i in 0..length as usize {
            let mut slots = self.blank();
            for ((slot, values), list) in slots.iter_mut().zip(&columns.values).zip(&columns.lists[1..]) {
                let at = start(list) + i;
                if list.values().is_valid(at) {
                    *slot = match values {
                        Values::Whole(numbers) => Slot::Whole(numbers[at]),
                        Values::Float(numbers) => Slot::Float(numbers[at]),
                        Values::Cells(cells) => {
                            let mut cell = Vec::new();
                            cells.write(at, &mut cell);
                            Slot::Cell(Some(cell.into()))
                        }
                    };
                }
            }
            let key = columns.keys.cell(start(&columns.lists[0]) + i, &mut scratch);
            if self.keep.as_ref().is_none_or(|keep| keep.contains(key)) {
                self.join(state, key, &slots);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: State) -> Result<()> {
        from.iter().for_each(|(key, slots)| self.join(into, key, slots));
        Ok(())
    }

    fn encode(&self, state: &State, out: &mut Vec<u8>) {
        write_varint(state.len() as u64, out);
        for (key, slots) in state {
            write_sized(key, out);
            for slot in slots {
                match slot {
                    Slot::Whole(sum) => out.extend_from_slice(&sum.to_le_bytes()),
                    Slot::Float(sum) => out.extend_from_slice(&sum.to_le_bytes()),
                    Slot::Cell(None) => out.push(0),
                    Slot::Cell(Some(cell)) => {
                        out.push(1);
                        write_sized(cell, out);
                    }
                }
            }
        }
    }

    fn decode(&self, bytes: &mut Reader<'_>) -> Result<State> {
        let count = bytes.count(2)?;
        let mut state = State::new();
        for _ in 0..count {
            let key = bytes.sized()?.into();
            let slots = self.joins.iter().map(|join| {
                Ok(match join.kind {
                    Kind::Whole => Slot::Whole(i128::from_le_bytes(bytes.array()?)),
                    Kind::Float => Slot::Float(bytes.f64()?),
                    Kind::Cells(..) => Slot::Cell(match bytes.u8()? {
                        0 => None,
                        _ => Some(bytes.sized()?.into()),
                    }),
                })
            });
            let slots = slots.collect::<Result<_>>()?;
            state.insert(key, slots);
        }
        Ok(state)
    }

    fn finish(&self, states: &mut [State]) -> Result<ArrayRef> {
        let mut keys = CellWriter::new(&self.key);
        let mut lengths = Vec::with_capacity(states.len());
        for state in states.iter() {
            let mut length = 0;
            for (mut key, _) in self.shown(state) {
                keys.push(&mut key)?;
                length += 1;
            }
            lengths.push(length);
        }
        let mut columns = vec![list_column(keys.finish()?, lengths.clone())?];
        for (i, join) in self.joins.iter().enumerate() {
            let slots = states.iter().flat_map(|state| self.shown(state)).map(|(_, slots)| &slots[i]);
            columns.push(list_column(value_column(join, slots)?, lengths.clone())?);
        }
        let names: Vec<String> = (1..=columns.len()).map(|i| i.to_string()).collect();
        state_struct(names.iter().map(String::as_str).zip(columns).collect())
    }

    fn heap_bytes(&self, state: &State) -> usize {
        state.keys().map(|key| key.len() + 64 + self.joins.len() * size_of::<Slot>()).sum()
    }
}

fn value_column<'a>(join: &Join, slots: impl Iterator<Item = &'a Slot>) -> Result<ArrayRef> {
    match &join.kind {
        Kind::Whole => {
            let numbers = slots.map(|slot| if let Slot::Whole(sum) = slot { *sum } else { 0 });
            from_i128(&join.result, &numbers.collect::<Vec<_>>())
        }
        Kind::Float => {
            let numbers = slots.map(|slot| if let Slot::Float(sum) = slot { *sum } else { 0.0 });
            let floats: ArrayRef = Arc::new(arrow::array::Float64Array::from_iter_values(numbers));
            Ok(arrow::compute::cast(&floats, &join.result.arrow_type())?)
        }
        Kind::Cells(_, shape) => {
            let mut writer = CellWriter::new(shape);
            for slot in slots {
                match slot {
                    Slot::Cell(Some(cell)) => writer.push(&mut &**cell)?,
                    _ => writer.push_default(),
                }
            }
            writer.finish()
        }
    }
}
