//! The JSONExtract family: a path of keys and positions (from 1, from the end when negative) into a JSON text, and what
//! stands there as a value.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int8Array, UInt64Array};
use types::{DataType, EnumType};

use super::column::Column;
use super::tape::{Json, Kind, Number, Tape};
use crate::arrays::access::check_narrow;
use crate::columns::{Bytes, Integers, Offsets, Texts, tuples};
use crate::error::Result;
use crate::frame::{Call, Definition, FunctionContext, Operand, Resolved};
use crate::request::Request;
use crate::strings::shapes::{TextLists, check_text, flags, text_test, texts_to_text};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("JSONHas", has),
    Definition::new("JSONLength", length),
    Definition::new("JSONType", json_type),
    Definition::new("JSONKey", key),
    Definition::new("JSONExtract", |request| typed(request, Keys::Exact)),
    Definition::new("JSONExtractCaseInsensitive", |request| typed(request, Keys::AnyCase)),
    Definition::new("JSONExtractInt", |request| plain(request, DataType::Int64, Keys::Exact)),
    Definition::new("JSONExtractIntCaseInsensitive", |request| plain(request, DataType::Int64, Keys::AnyCase)),
    Definition::new("JSONExtractUInt", |request| plain(request, DataType::UInt64, Keys::Exact)),
    Definition::new("JSONExtractUIntCaseInsensitive", |request| plain(request, DataType::UInt64, Keys::AnyCase)),
    Definition::new("JSONExtractFloat", |request| plain(request, DataType::Float64, Keys::Exact)),
    Definition::new("JSONExtractFloatCaseInsensitive", |request| plain(request, DataType::Float64, Keys::AnyCase)),
    Definition::new("JSONExtractBool", |request| boolean(request, Keys::Exact)),
    Definition::new("JSONExtractBoolCaseInsensitive", |request| boolean(request, Keys::AnyCase)),
    Definition::new("JSONExtractString", |request| plain(request, DataType::String, Keys::Exact)),
    Definition::new("JSONExtractStringCaseInsensitive", |request| plain(request, DataType::String, Keys::AnyCase)),
    Definition::new("JSONExtractRaw", |request| raw(request, Keys::Exact)),
    Definition::new("JSONExtractRawCaseInsensitive", |request| raw(request, Keys::AnyCase)),
    Definition::new("JSONExtractArrayRaw", |request| array_raw(request, Keys::Exact)),
    Definition::new("JSONExtractArrayRawCaseInsensitive", |request| array_raw(request, Keys::AnyCase)),
    Definition::new("JSONExtractKeys", |request| keys(request, Keys::Exact)),
    Definition::new("JSONExtractKeysCaseInsensitive", |request| keys(request, Keys::AnyCase)),
    Definition::new("JSONExtractKeysAndValues", |request| keys_and_values(request, Keys::Exact)),
    Definition::new("JSONExtractKeysAndValuesCaseInsensitive", |request| keys_and_values(request, Keys::AnyCase)),
    Definition::new("JSONExtractKeysAndValuesRaw", |request| keys_and_values_raw(request, Keys::Exact)),
    Definition::new("JSONExtractKeysAndValuesRawCaseInsensitive", |request| {
        keys_and_values_raw(request, Keys::AnyCase)
    }),
    Definition::new("JSONArrayLength", array_length),
    Definition::new("JSONArrayLength", array_length).alias("JSON_ARRAY_LENGTH").any_case(),
    Definition::new("isValidJSON", |request| text_test(request, |text| Tape::default().parse(text).is_some())),
    Definition::new("JSONMergePatch", merge_patch),
    Definition::new("JSONMergePatch", merge_patch).alias("jsonMergePatch"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Exact,
    AnyCase,
}

/// A text, then a path; `behind` arguments follow it.
fn check(request: &Request<'_>, behind: usize) -> Result<()> {
    request.arity(1 + behind..=usize::MAX)?;
    check_text(request, 0)?;
    for i in 1..request.args.len() - behind {
        if !request.ty(i).is_string() {
            if !request.ty(i).is_integer() {
                return Err(request.wrong_type(i, "a key (String) or a position (integer)"));
            }
            check_narrow(request, i)?;
        }
    }
    Ok(())
}

enum Step<'a> {
    Key(Bytes<'a>),
    Position(Integers),
}

/// The texts and paths of all rows.
struct Lookups<'a> {
    texts: Bytes<'a>,
    steps: Vec<Step<'a>>,
    keys: Keys,
}

impl<'a> Lookups<'a> {
    fn of(args: &'a [Operand], keys: Keys) -> Result<Lookups<'a>> {
        let step = |operand: &'a Operand| match operand.array().data_type() {
            arrow::datatypes::DataType::Binary | arrow::datatypes::DataType::FixedSizeBinary(_) => {
                Bytes::of(operand).map(Step::Key)
            }
            _ => Integers::of(operand).map(Step::Position),
        };
        Ok(Lookups { texts: Bytes::of(&args[0])?, steps: args[1..].iter().map(step).collect::<Result<_>>()?, keys })
    }

    /// Calls `each` with what stands at the end of every row's path, and the key under which it stands.
    fn for_each_row(
        &self,
        rows: usize,
        mut each: impl FnMut(Option<Json<'_>>, Option<Json<'_>>) -> Result<()>,
    ) -> Result<()> {
        let mut tape = Tape::default();
        for row in 0..rows {
            let mut found = tape.parse(self.texts.get(row));
            let mut last_key = None;
            for step in &self.steps {
                let Some(json) = found else { break };
                (last_key, found) = match step {
                    Step::Key(names) => (None, json.member(names.get(row), self.keys == Keys::AnyCase)),
                    Step::Position(positions) => match json.at(positions.get(row)) {
                        Some((key, value)) => (key, Some(value)),
                        None => (None, None),
                    },
                };
            }
            each(found, last_key)?;
        }
        Ok(())
    }
}

fn has(request: &Request<'_>) -> Result<Resolved> {
    check(request, 0)?;
    Ok(Resolved::new(DataType::UInt8, |args: &[Operand], call: &Call| {
        let mut found = Vec::with_capacity(call.rows);
        Lookups::of(args, Keys::Exact)?.for_each_row(call.rows, |json, _| {
            found.push(json.is_some());
            Ok(())
        })?;
        Ok(flags(found.into_iter()))
    }))
}

fn length(request: &Request<'_>) -> Result<Resolved> {
    check(request, 0)?;
    Ok(Resolved::new(DataType::UInt64, |args: &[Operand], call: &Call| {
        let mut lengths = Vec::with_capacity(call.rows);
        Lookups::of(args, Keys::Exact)?.for_each_row(call.rows, |json, _| {
            lengths.push(json.map_or(0, |json| json.len() as u64));
            Ok(())
        })?;
        Ok(Arc::new(UInt64Array::from(lengths)))
    }))
}

/// The elements of a text that is an array; NULL for any other.
fn array_length(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    check_text(request, 0)?;
    Ok(Resolved::new(DataType::nullable(DataType::UInt64), |args: &[Operand], call: &Call| {
        let mut lengths = Vec::with_capacity(call.rows);
        Lookups::of(args, Keys::Exact)?.for_each_row(call.rows, |json, _| {
            lengths.push(json.filter(|json| json.kind() == Kind::Array).map(|json| json.len() as u64));
            Ok(())
        })?;
        Ok(Arc::new(UInt64Array::from(lengths)))
    }))
}

/// ClickHouse's names and numbers of JSON's kinds.
const KINDS: [(&str, i16); 8] = [
    ("Null", 0),
    ("String", 34),
    ("Array", 91),
    ("Bool", 98),
    ("Double", 100),
    ("Int64", 105),
    ("UInt64", 117),
    ("Object", 123),
];

fn json_type(request: &Request<'_>) -> Result<Resolved> {
    check(request, 0)?;
    let values = KINDS.iter().map(|(name, number)| ((*name).into(), *number)).collect();
    let ty = DataType::Enum(Arc::new(EnumType { wide: false, values }));
    Ok(Resolved::new(ty, |args: &[Operand], call: &Call| {
        let mut kinds = Vec::with_capacity(call.rows);
        Lookups::of(args, Keys::Exact)?.for_each_row(call.rows, |json, _| {
            kinds.push(json.map_or(0, kind_number));
            Ok(())
        })?;
        Ok(Arc::new(Int8Array::from(kinds)))
    }))
}

fn kind_number(json: Json<'_>) -> i8 {
    match json.kind() {
        Kind::Null => 0,
        Kind::Text => 34,
        Kind::Array => 91,
        Kind::Bool(_) => 98,
        Kind::Object => 123,
        Kind::Number => match json.number() {
            Some(Number::Signed(_)) => 105,
            Some(Number::Unsigned(_)) => 117,
            _ => 100,
        },
    }
}

/// The key of the member that a path's last position names.
fn key(request: &Request<'_>) -> Result<Resolved> {
    check(request, 0)?;
    Ok(Resolved::new(DataType::String, |args: &[Operand], call: &Call| {
        let mut result = Texts::with_capacity(call.rows, 0);
        Lookups::of(args, Keys::Exact)?.for_each_row(call.rows, |_, key| {
            if let Some(key) = key {
                key.unescape(result.bytes());
            }
            result.end()
        })?;
        Ok(result.finish())
    }))
}

fn extract(args: &[Operand], ty: &DataType, keys: Keys, rows: usize, context: &FunctionContext) -> Result<ArrayRef> {
    let mut column = Column::new(ty, context)?;
    Lookups::of(args, keys)?.for_each_row(rows, |json, _| column.push(json).map(drop))?;
    column.finish()
}

/// A value of one type.
fn plain(request: &Request<'_>, ty: DataType, keys: Keys) -> Result<Resolved> {
    check(request, 0)?;
    let context = request.context.clone();
    Ok(Resolved::new(ty.clone(), move |args: &[Operand], call: &Call| extract(args, &ty, keys, call.rows, &context)))
}

/// A Bool, which this function gives as UInt8.
fn boolean(request: &Request<'_>, keys: Keys) -> Result<Resolved> {
    check(request, 0)?;
    let context = request.context.clone();
    Ok(Resolved::new(DataType::UInt8, move |args: &[Operand], call: &Call| {
        let values = extract(args, &DataType::Bool, keys, call.rows, &context)?;
        let values = values.as_boolean();
        Ok(flags((0..call.rows).map(|row| values.value(row))))
    }))
}

/// The type that the last argument names.
fn last_type(request: &Request<'_>) -> Result<DataType> {
    request.arity(2..=usize::MAX)?;
    check(request, 1)?;
    Ok(DataType::parse(&request.constant_text(request.args.len() - 1)?)?)
}

/// `JSONExtract(json, path…, 'Type')`.
fn typed(request: &Request<'_>, keys: Keys) -> Result<Resolved> {
    let ty = last_type(request)?;
    Column::new(&ty, request.context)?;
    let context = request.context.clone();
    Ok(Resolved::new(ty.clone(), move |args: &[Operand], call: &Call| {
        extract(&args[..args.len() - 1], &ty, keys, call.rows, &context)
    }))
}

fn raw(request: &Request<'_>, keys: Keys) -> Result<Resolved> {
    check(request, 0)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let mut result = Texts::with_capacity(call.rows, 0);
        Lookups::of(args, keys)?.for_each_row(call.rows, |json, _| {
            if let Some(json) = json {
                json.write(result.bytes());
            }
            result.end()
        })?;
        Ok(result.finish())
    }))
}

fn array_raw(request: &Request<'_>, keys: Keys) -> Result<Resolved> {
    check(request, 0)?;
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let mut result = TextLists::with_capacity(call.rows, 0);
        let mut buffer = Vec::new();
        Lookups::of(args, keys)?.for_each_row(call.rows, |json, _| {
            for value in json.iter().filter(|json| json.kind() == Kind::Array).flat_map(|json| json.values()) {
                buffer.clear();
                value.write(&mut buffer);
                result.push(&buffer)?;
            }
            result.end_row()
        })?;
        Ok(result.finish())
    }))
}

fn keys(request: &Request<'_>, keys: Keys) -> Result<Resolved> {
    check(request, 0)?;
    Ok(Resolved::new(DataType::array(DataType::String), move |args: &[Operand], call: &Call| {
        let mut result = TextLists::with_capacity(call.rows, 0);
        let mut buffer = Vec::new();
        Lookups::of(args, keys)?.for_each_row(call.rows, |json, _| {
            for key in json.iter().flat_map(|json| json.members()).filter_map(|(key, _)| key) {
                buffer.clear();
                key.unescape(&mut buffer);
                result.push(&buffer)?;
            }
            result.end_row()
        })?;
        Ok(result.finish())
    }))
}

/// Members whose value fits the type that the last argument names.
fn keys_and_values(request: &Request<'_>, keys: Keys) -> Result<Resolved> {
    let ty = last_type(request)?;
    Column::new(&ty, request.context)?;
    let context = request.context.clone();
    let result = DataType::array(DataType::tuple([DataType::String, ty.clone()]));
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let mut names = Texts::with_capacity(call.rows, 0);
        let mut values = Column::new(&ty, &context)?;
        let mut kept: Vec<bool> = Vec::new();
        let mut offsets = Offsets::with_capacity(call.rows);
        let mut count = 0;
        Lookups::of(&args[..args.len() - 1], keys)?.for_each_row(call.rows, |json, _| {
            for (key, value) in json.iter().flat_map(|json| json.members()) {
                let Some(key) = key else { break };
                let fits = values.push(Some(value))?;
                kept.push(fits);
                if fits {
                    key.unescape(names.bytes());
                    names.end()?;
                    count += 1;
                }
            }
            offsets.end(count)
        })?;
        let values = arrow::compute::filter(&values.finish()?, &kept.into())?;
        Ok(offsets.finish(tuples(vec![names.finish(), values], count)))
    }))
}

fn keys_and_values_raw(request: &Request<'_>, keys: Keys) -> Result<Resolved> {
    check(request, 0)?;
    let result = DataType::array(DataType::tuple([DataType::String, DataType::String]));
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let (mut names, mut values) = (Texts::with_capacity(call.rows, 0), Texts::with_capacity(call.rows, 0));
        let mut offsets = Offsets::with_capacity(call.rows);
        Lookups::of(args, keys)?.for_each_row(call.rows, |json, _| {
            for (key, value) in json.iter().flat_map(|json| json.members()) {
                let Some(key) = key else { break };
                key.unescape(names.bytes());
                names.end()?;
                value.write(values.bytes());
                values.end()?;
            }
            offsets.end(names.len())
        })?;
        let count = names.len();
        Ok(offsets.finish(tuples(vec![names.finish(), values.finish()], count)))
    }))
}

/// The second object's members over the first's, objects inside objects too.
fn merge_patch(request: &Request<'_>) -> Result<Resolved> {
    fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
        match (target, patch) {
            (serde_json::Value::Object(target), serde_json::Value::Object(patch)) => {
                for (key, value) in patch {
                    merge(target.entry(key).or_insert(serde_json::Value::Null), value);
                }
            }
            (target, patch) => *target = patch,
        }
    }
    texts_to_text(request, |left, right, out| {
        let parse = |text| serde_json::from_slice::<serde_json::Value>(text).ok();
        match (parse(left), parse(right)) {
            (Some(mut target), Some(patch)) => {
                merge(&mut target, patch);
                out.extend_from_slice(target.to_string().as_bytes());
            }
            _ => out.extend_from_slice(left),
        }
    })
}
