//! `dictGet` and its kind: which functions there are, and what each gives for the keys of a block.
//!
//! A key that is NULL gives NULL. Every call looks into what is loaded when its block comes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, ListArray, StructArray, UInt8Array, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::kernels::nullif::nullif;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType as ArrowType, UInt32Type, UInt64Type};
use functions::{Call, Kernel, Operand, QueryTime};
use types::DataType;

use super::cells::Found;
use super::content::{Content, Wanted, mapped, range_values};
use super::regexps::{self, RegexpTree};
use super::slots::Slot;
use super::structure::Layout;
use crate::error::{Error, Result};

/// What is given for a key that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Missing {
    /// The attribute's default.
    Default,
    /// The last argument.
    Given,
    /// NULL.
    Null,
}

/// What a function of the family does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Task {
    Get(Missing),
    /// The same of a table of engine Join.
    Join(Missing),
    Has,
    Hierarchy,
    IsIn,
    Children,
    Descendants,
    /// Every value of a tree of regular expressions; only those dictionaries know it.
    All,
}

/// A function of the family.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct DictionaryCall {
    pub(crate) name: &'static str,
    pub(crate) task: Task,
    /// The attribute must have this type: `dictGetUInt64`.
    pub(crate) ty: Option<&'static str>,
}

/// Every function of the family, those with a type in their names apart.
pub(crate) const NAMES: &[(&str, Task)] = &[
    ("dictGet", Task::Get(Missing::Default)),
    ("dictGetAll", Task::All),
    ("dictGetChildren", Task::Children),
    ("dictGetDescendants", Task::Descendants),
    ("dictGetHierarchy", Task::Hierarchy),
    ("dictGetOrDefault", Task::Get(Missing::Given)),
    ("dictGetOrNull", Task::Get(Missing::Null)),
    ("dictHas", Task::Has),
    ("dictIsIn", Task::IsIn),
];

/// Types in names of functions, and the functions of each.
const TYPED: &[(&str, &str, &str)] = &[
    ("UInt8", "dictGetUInt8", "dictGetUInt8OrDefault"),
    ("UInt16", "dictGetUInt16", "dictGetUInt16OrDefault"),
    ("UInt32", "dictGetUInt32", "dictGetUInt32OrDefault"),
    ("UInt64", "dictGetUInt64", "dictGetUInt64OrDefault"),
    ("Int8", "dictGetInt8", "dictGetInt8OrDefault"),
    ("Int16", "dictGetInt16", "dictGetInt16OrDefault"),
    ("Int32", "dictGetInt32", "dictGetInt32OrDefault"),
    ("Int64", "dictGetInt64", "dictGetInt64OrDefault"),
    ("Float32", "dictGetFloat32", "dictGetFloat32OrDefault"),
    ("Float64", "dictGetFloat64", "dictGetFloat64OrDefault"),
    ("Date", "dictGetDate", "dictGetDateOrDefault"),
    ("DateTime", "dictGetDateTime", "dictGetDateTimeOrDefault"),
    ("UUID", "dictGetUUID", "dictGetUUIDOrDefault"),
    ("IPv4", "dictGetIPv4", "dictGetIPv4OrDefault"),
    ("IPv6", "dictGetIPv6", "dictGetIPv6OrDefault"),
    ("String", "dictGetString", "dictGetStringOrDefault"),
];

impl DictionaryCall {
    /// The function of that name.
    pub(crate) fn of_name(name: &str) -> Option<DictionaryCall> {
        match name {
            "joinGet" => return Some(DictionaryCall { name: "joinGet", task: Task::Join(Missing::Default), ty: None }),
            "joinGetOrNull" => {
                return Some(DictionaryCall { name: "joinGetOrNull", task: Task::Join(Missing::Null), ty: None });
            }
            _ => {}
        }
        if !name.starts_with("dict") {
            return None;
        }
        if let Some((name, task)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(DictionaryCall { name, task: *task, ty: None });
        }
        TYPED.iter().find_map(|(ty, plain, or_default)| {
            let (name, missing) = match name {
                name if name == *plain => (*plain, Missing::Default),
                name if name == *or_default => (*or_default, Missing::Given),
                _ => return None,
            };
            Some(DictionaryCall { name, task: Task::Get(missing), ty: Some(ty) })
        })
    }
}

/// The names of all of them.
pub(crate) fn function_names() -> impl Iterator<Item = &'static str> {
    let typed = TYPED.iter().flat_map(|(_, plain, or_default)| [*plain, *or_default]);
    NAMES.iter().map(|(name, _)| *name).chain(typed).chain(["joinGet", "joinGetOrNull"])
}

/// What the kernel of one bound call knows. Its arguments are the columns of the key, then the value for the range, then
/// the default or the other key, each of the type that the dictionary has.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) slot: Arc<Slot>,
    pub(crate) call: DictionaryCall,
    /// Attributes by position.
    pub(crate) attributes: Vec<usize>,
    /// They were named in a tuple: the result is one.
    pub(crate) as_tuple: bool,
    /// How many levels below, for descendants, 0 for all; how many values, for all of a tree.
    pub(crate) level: usize,
    pub(crate) result: DataType,
}

impl Lookup {
    /// Tells calls apart that do not do the same.
    pub(crate) fn identity(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.slot.def.id.0, self.slot.def.version, self.call).hash(&mut hasher);
        (&self.attributes, self.as_tuple, self.level).hash(&mut hasher);
        hasher.finish()
    }

    fn look(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        let content = self.slot.content()?;
        let arrays = args.iter().map(|arg| Ok(arg.expand(call.rows)?)).collect::<Result<Vec<_>>>()?;
        let key = arrays.first().ok_or_else(|| Error::Plan("a lookup without a key".to_owned()))?;
        let result = match self.call.task {
            Task::Get(missing) | Task::Join(missing) => match &content.tree {
                Some(tree) => self.get_from(tree, &arrays, missing)?,
                None => self.get(&arrays, missing, &call.time)?,
            },
            Task::Has => {
                let found = self.found(&arrays, &call.time)?;
                Arc::new(found.there().map(|there| Some(u8::from(there))).collect::<UInt8Array>())
            }
            Task::IsIn => self.is_in(&content, key, arrays.get(1).unwrap_or(key))?,
            Task::Hierarchy => {
                let parents = content.parents(&self.slot.structure);
                let parents = parents.ok_or_else(|| Error::Plan("a dictionary lost its hierarchy".to_owned()))?;
                self.lists(key, |key| content.chain(&parents, key))?
            }
            Task::Children => self.lists(key, |key| Ok(content.children.get(&key).cloned().unwrap_or_default()))?,
            Task::Descendants => {
                let level = (self.level != 0).then_some(self.level);
                self.lists(key, |key| Ok(content.descendants(key, level)))?
            }
            Task::All => {
                let tree = content.tree.as_ref();
                self.all_from(tree.ok_or_else(|| Error::NotSupported("dictGetAll".to_owned()))?, key)?
            }
        };
        masked(result, key)
    }

    /// The key of each row, and the value that its range must hold.
    fn wanted(&self, arrays: &[ArrayRef]) -> Result<Wanted> {
        let structure = &self.slot.structure;
        let key = arrays.first().ok_or_else(|| Error::Plan("a lookup without a key".to_owned()))?;
        let rows = key.len();
        let (mut keys, mut addresses) = (Vec::new(), Vec::new());
        if structure.layout == Layout::IpTrie {
            addresses = addresses_of(key)?;
        } else if let Some(tuple) = key.as_struct_opt() {
            keys = tuple.columns().to_vec();
        } else if structure.has_points() {
            // NULL alone: the answer is NULL, whatever is found
            let nowhere: ArrayRef = Arc::new(Float64Array::from(vec![0.0; rows]));
            keys.extend([nowhere.clone(), nowhere]);
        } else {
            keys.push(key.clone());
        }
        let range = match structure.range {
            Some(_) => arrays.get(1).map(|values| range_values(values, 0)).transpose()?,
            None => None,
        };
        Ok(Wanted { keys, addresses, range, rows })
    }

    fn found(&self, arrays: &[ArrayRef], time: &QueryTime) -> Result<Found> {
        let wanted = self.wanted(arrays)?;
        let found = self.slot.find(&wanted, time)?;
        self.slot.count(wanted.rows, found.there().filter(|there| *there).count());
        Ok(found)
    }

    fn get(&self, arrays: &[ArrayRef], missing: Missing, time: &QueryTime) -> Result<ArrayRef> {
        let found = self.found(arrays, time)?;
        let there: BooleanArray = found.there().map(Some).collect();
        let absent: BooleanArray = found.there().map(|there| Some(!there)).collect();
        let mut columns = Vec::with_capacity(self.attributes.len());
        for (at, attribute) in self.attributes.iter().enumerate() {
            let values = found.attribute(*attribute)?;
            columns.push(match (missing, arrays.last()) {
                (Missing::Null, _) => nullif(&values, &absent)?,
                (Missing::Given, Some(given)) => zip(&there, &values, &self.default_of(at, given))?,
                _ => values,
            });
        }
        self.as_result(columns)
    }

    /// The given default of an attribute that was asked for.
    fn default_of(&self, at: usize, given: &ArrayRef) -> ArrayRef {
        match (self.as_tuple, given.as_struct_opt()) {
            (true, Some(tuple)) => tuple.column(at).clone(),
            _ => given.clone(),
        }
    }

    fn get_from(&self, tree: &RegexpTree, arrays: &[ArrayRef], missing: Missing) -> Result<ArrayRef> {
        let found = tree.find(&texts_of(arrays.first())?, &self.attributes, regexps::Wanted::One)?;
        let mut columns = Vec::with_capacity(found.values.len());
        for (at, (values, lengths)) in found.values.into_iter().zip(found.lengths).enumerate() {
            columns.push(match (missing, arrays.last()) {
                (Missing::Given, Some(given)) => {
                    let there: BooleanArray = lengths.iter().map(|length| Some(*length != 0)).collect();
                    zip(&there, &values, &self.default_of(at, given))?
                }
                _ => values,
            });
        }
        self.as_result(columns)
    }

    fn all_from(&self, tree: &RegexpTree, key: &ArrayRef) -> Result<ArrayRef> {
        let found = tree.find(&texts_of(Some(key))?, &self.attributes, regexps::Wanted::UpTo(self.level))?;
        let types = self.attributes.iter().map(|at| DataType::array(self.slot.structure.attributes[*at].ty.clone()));
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(found.values.len());
        for ((values, lengths), ty) in found.values.into_iter().zip(found.lengths).zip(types) {
            let ArrowType::List(field) = ty.arrow_type() else {
                return Err(Error::Plan("an array is no list".to_owned()));
            };
            columns.push(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?));
        }
        self.as_result(columns)
    }

    /// One column, or a tuple of some.
    fn as_result(&self, mut columns: Vec<ArrayRef>) -> Result<ArrayRef> {
        match (self.as_tuple, self.result.remove_nullable().arrow_type()) {
            (true, ArrowType::Struct(fields)) => Ok(Arc::new(StructArray::try_new(fields, columns, None)?)),
            _ => columns.pop().ok_or_else(|| Error::Plan("a lookup of no attribute".to_owned())),
        }
    }

    fn is_in(&self, content: &Content, child: &ArrayRef, ancestor: &ArrayRef) -> Result<ArrayRef> {
        let parents = content.parents(&self.slot.structure);
        let parents = parents.ok_or_else(|| Error::Plan("a dictionary lost its hierarchy".to_owned()))?;
        let (child, ancestor) = (child.as_primitive::<UInt64Type>(), ancestor.as_primitive::<UInt64Type>());
        let mut answers = Vec::with_capacity(child.len());
        for (child, ancestor) in child.values().iter().zip(ancestor.values()) {
            answers.push(u8::from(content.chain(&parents, *child)?.contains(ancestor)));
        }
        Ok(Arc::new(UInt8Array::from(answers)))
    }

    /// A list of keys for each key.
    fn lists(&self, keys: &ArrayRef, list: impl Fn(u64) -> Result<Vec<u64>>) -> Result<ArrayRef> {
        let keys = keys.as_primitive::<UInt64Type>();
        let (mut values, mut lengths) = (Vec::new(), Vec::with_capacity(keys.len()));
        for (row, key) in keys.values().iter().enumerate() {
            let found = if keys.is_null(row) { Vec::new() } else { list(*key)? };
            lengths.push(found.len());
            values.extend(found);
        }
        let ArrowType::List(field) = DataType::array(DataType::UInt64).arrow_type() else {
            return Err(Error::Plan("an array is no list".to_owned()));
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(UInt64Array::from(values)), None)?))
    }
}

impl Kernel for Lookup {
    fn run(&self, args: &[Operand], call: &Call) -> functions::Result<ArrayRef> {
        let failed = |error: Error| functions::Error::Thrown { code: error.code(), message: error.to_string() };
        self.look(args, call).map_err(failed)
    }
}

/// NULL where the key is.
fn masked(result: ArrayRef, key: &ArrayRef) -> Result<ArrayRef> {
    let Some(nulls) = key.nulls().filter(|nulls| nulls.null_count() != 0) else { return Ok(result) };
    if matches!(result.data_type(), ArrowType::List(_) | ArrowType::Struct(_)) {
        // an Array or Tuple cannot be NULL
        return Ok(result);
    }
    let all = NullBuffer::union(result.nulls(), Some(nulls));
    Ok(arrow::array::make_array(result.to_data().into_builder().nulls(all).build()?))
}

fn texts_of(key: Option<&ArrayRef>) -> Result<BinaryArray> {
    let texts = key.and_then(|key| key.as_binary_opt::<i32>());
    texts.cloned().ok_or_else(|| Error::Plan("a key of regular expressions is no text".to_owned()))
}

/// Addresses as numbers: UInt32 and IPv4 by the addresses of version 6 that stand for them.
fn addresses_of(key: &ArrayRef) -> Result<Vec<u128>> {
    if let Some(v4) = key.as_primitive_opt::<UInt32Type>() {
        return Ok(v4.values().iter().map(|address| mapped(*address)).collect());
    }
    let v6 = key.as_fixed_size_binary_opt().ok_or_else(|| Error::Plan("an address of no known type".to_owned()))?;
    let address = |bytes: Option<&[u8]>| {
        let bytes: [u8; 16] = bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        u128::from_be_bytes(bytes)
    };
    Ok(v6.iter().map(address).collect())
}
