//! Runs lines `expression => value :: type` (or `=> !code`) that the real engine answered.
//!
//! Expressions are literals, `[…]`, `(…)`, `f(…)`, the four signs, `%` and `x::Type`. Each is run
//! over constants, over full columns of three equal rows, and over columns with a NULL among them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BooleanArray, StructArray};
use types::DataType;
use types::text::{Quoting, Zone, write_cell};

use crate::cast::{CastMode, Rules, cast};
use crate::error::Result;
use crate::frame::{Arg, Call, FunctionContext, Operand, repeat};
use crate::query_time::QueryTime;
use crate::resolve::resolve;

/// A value and its type: one row.
type Typed = (DataType, ArrayRef);

/// Asserts every line of `script`; `#` begins a comment.
pub(crate) fn check(script: &str) {
    let mut wrong = Vec::new();
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let (expression, expected) = line.split_once(" => ").expect("a line is `expression => answer`");
        for full in [false, true] {
            let got = match evaluate(expression, full) {
                Ok((ty, array)) => format!("{} :: {ty}", print(&ty, &array)),
                Err(error) => format!("!{}", error.code().0),
            };
            if got != expected {
                wrong.push(format!(
                    "{expression}\n    expected {expected}\n    got      {got}{}",
                    if full { " (full)" } else { "" }
                ));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn print(ty: &DataType, array: &ArrayRef) -> String {
    let mut out = Vec::new();
    write_cell(&mut out, ty, array.as_ref(), 0, Quoting::Escaped, Zone::Utc);
    String::from_utf8_lossy(&out).into_owned()
}

/// The value of an expression; `full` runs its functions over columns instead of constants.
pub(crate) fn evaluate(expression: &str, full: bool) -> Result<Typed> {
    let mut parser = Parser { rest: expression.as_bytes(), full };
    let value = parser.sum()?;
    assert!(parser.rest.is_empty(), "unread: {}", String::from_utf8_lossy(parser.rest));
    Ok(value)
}

fn context() -> FunctionContext {
    FunctionContext::default()
}

fn call(name: &str, args: Vec<Typed>, full: bool) -> Result<Typed> {
    let resolved: Vec<Arg> = args.iter().map(|(ty, array)| Arg::constant(ty.clone(), array.clone())).collect();
    let function = resolve(name, &resolved, &context())?;
    let rows = if full { 3 } else { 1 };
    let operands = args
        .iter()
        .map(|(_, array)| Ok(if full { Operand::Full(repeat(array, rows)?) } else { Operand::Constant(array.clone()) }))
        .collect::<Result<Vec<_>>>()?;
    // 2025-03-05 10:00:00.123456789
    let time = QueryTime::new(1_741_168_800_123_456_789, 7);
    let array = function.run(&operands, &Call { rows, time })?;
    assert_eq!(array.len(), rows, "{name} must give as many rows as it gets");
    let value = array.slice(rows - 1, 1);
    if full {
        check_nulls(name, &args, &value);
    }
    Ok((function.result, value))
}

/// The same call with a NULL in the middle row of its first argument: that row alone must become NULL (or the default,
/// where the result has no NULL).
fn check_nulls(name: &str, args: &[Typed], value: &ArrayRef) {
    let definition = crate::registry::definition(name).expect("it was resolved");
    let Some(at) = args.iter().position(|(ty, _)| ty.can_be_inside_nullable() && *ty != DataType::Nothing) else {
        return;
    };
    if definition.nulls == crate::frame::Nulls::Seen || args.iter().any(|(ty, _)| *ty.base() == DataType::Nothing) {
        return;
    }
    let mut resolved: Vec<Arg> = args.iter().map(|(ty, array)| Arg::constant(ty.clone(), array.clone())).collect();
    resolved[at].ty = resolved[at].ty.to_nullable();
    let function = resolve(name, &resolved, &context()).expect("it was resolved without NULL");
    let indices = arrow::array::UInt32Array::from(vec![Some(0), None, Some(0)]);
    let operand = |i: usize, array: &ArrayRef| {
        if i == at {
            Operand::Full(arrow::compute::take(array, &indices, None).expect("rows 0 and NULL exist"))
        } else {
            Operand::Full(repeat(array, 3).expect("a row repeats"))
        }
    };
    let operands: Vec<Operand> = args.iter().enumerate().map(|(i, (_, array))| operand(i, array)).collect();
    let time = QueryTime::new(1_741_168_800_123_456_789, 7);
    let array = match function.run(&operands, &Call { rows: 3, time }) {
        Ok(array) => array,
        Err(error) => panic!("{name} fails on NULL: {error}"),
    };
    assert_eq!(&array.slice(0, 1), value, "{name} before a NULL");
    assert_eq!(&array.slice(2, 1), value, "{name} after a NULL");
    assert_eq!(array.is_null(1), function.result.is_nullable(), "{name} of NULL");
}

struct Parser<'a> {
    rest: &'a [u8],
    full: bool,
}

impl Parser<'_> {
    fn spaces(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn eat(&mut self, text: &str) -> bool {
        self.spaces();
        match self.rest.strip_prefix(text.as_bytes()) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Result<Typed> {
        let mut left = self.product()?;
        loop {
            let name = if self.eat("+") {
                "plus"
            } else if self.eat("-") {
                "minus"
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = call(name, vec![left, right], self.full)?;
        }
    }

    fn product(&mut self) -> Result<Typed> {
        let mut left = self.primary()?;
        loop {
            let name = if self.eat("*") {
                "multiply"
            } else if self.eat("/") {
                "divide"
            } else if self.eat("%") {
                "modulo"
            } else {
                return Ok(left);
            };
            let right = self.primary()?;
            left = call(name, vec![left, right], self.full)?;
        }
    }

    fn primary(&mut self) -> Result<Typed> {
        self.spaces();
        let mut value = match self.rest.first().copied().expect("an expression") {
            b'[' => {
                let items = self.list("[", "]")?;
                array_of(&items)?
            }
            b'(' => {
                let items = self.list("(", ")")?;
                if items.len() == 1 { items[0].clone() } else { tuple_of(&items) }
            }
            b'\'' => {
                let text = self.string();
                (DataType::String, Arc::new(BinaryArray::from_vec(vec![&text])) as ArrayRef)
            }
            b'-' if !self.rest.get(1).is_some_and(u8::is_ascii_digit) => {
                self.rest = &self.rest[1..];
                let value = self.primary()?;
                call("negate", vec![value], self.full)?
            }
            b'-' | b'0'..=b'9' => self.number()?,
            _ => self.word()?,
        };
        while self.eat("::") {
            let end = type_end(self.rest);
            let ty = DataType::parse(std::str::from_utf8(&self.rest[..end]).unwrap().trim())?;
            self.rest = &self.rest[end..];
            let array = cast(&value.1, &value.0, &ty, &Rules::new(CastMode::Cast, &context()))?;
            value = (ty, array);
        }
        Ok(value)
    }

    fn list(&mut self, open: &str, close: &str) -> Result<Vec<Typed>> {
        assert!(self.eat(open));
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.sum()?);
            self.eat(",");
        }
        Ok(items)
    }

    fn string(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut at = 1;
        loop {
            match self.rest[at] {
                b'\\' => {
                    at += 1;
                    text.push(match self.rest[at] {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'0' => 0,
                        other => other,
                    });
                }
                b'\'' => break,
                other => text.push(other),
            }
            at += 1;
        }
        self.rest = &self.rest[at + 1..];
        text
    }

    fn number(&mut self) -> Result<Typed> {
        let exponent = |i: usize| i > 0 && matches!(self.rest[i - 1], b'e' | b'E');
        let length = (0..self.rest.len())
            .find(|&i| {
                let byte = self.rest[i];
                let sign = matches!(byte, b'-' | b'+') && (i == 0 || exponent(i));
                !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || sign)
            })
            .unwrap_or(self.rest.len());
        let text = std::str::from_utf8(&self.rest[..length]).unwrap().to_owned();
        self.rest = &self.rest[length..];
        let string: ArrayRef = Arc::new(BinaryArray::from_vec(vec![text.as_bytes()]));
        let ty = literal_type(&text);
        Ok((ty.clone(), cast(&string, &DataType::String, &ty, &Rules::new(CastMode::Cast, &context()))?))
    }

    fn word(&mut self) -> Result<Typed> {
        let length = self.rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        assert!(length > 0, "unexpected {}", String::from_utf8_lossy(self.rest));
        let word = String::from_utf8(self.rest[..length].to_vec()).unwrap();
        self.rest = &self.rest[length..];
        if self.rest.first() == Some(&b'(') {
            let args = self.list("(", ")")?;
            return call(&word, args, self.full);
        }
        let null = DataType::nullable(DataType::Nothing);
        Ok(match word.as_str() {
            "NULL" => (null.clone(), null.default_array(1)),
            "true" | "false" => (DataType::Bool, Arc::new(BooleanArray::from(vec![word == "true"]))),
            "nan" => (DataType::Float64, Arc::new(arrow::array::Float64Array::from(vec![f64::NAN]))),
            "inf" => (DataType::Float64, Arc::new(arrow::array::Float64Array::from(vec![f64::INFINITY]))),
            other => panic!("what is {other}?"),
        })
    }
}

fn type_end(rest: &[u8]) -> usize {
    let mut depth = 0;
    for (i, byte) in rest.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return i,
            b')' => depth -= 1,
            b',' | b' ' | b'+' | b'*' | b']' | b':' if depth == 0 => return i,
            _ => {}
        }
    }
    rest.len()
}

fn literal_type(text: &str) -> DataType {
    if let Ok(value) = text.parse::<u64>() {
        let width = [1usize, 2, 4].into_iter().find(|width| value < 1 << (8 * width)).unwrap_or(8);
        return DataType::integer(false, width);
    }
    if let Ok(value) = text.parse::<i64>() {
        let width = [1usize, 2, 4].into_iter().find(|width| value >= -(1 << (8 * width - 1))).unwrap_or(8);
        return DataType::integer(true, width);
    }
    DataType::Float64
}

fn array_of(items: &[Typed]) -> Result<Typed> {
    let types: Vec<DataType> = items.iter().map(|(ty, _)| ty.clone()).collect();
    let inner = crate::common::common_type(&types)?;
    let rules = Rules::new(CastMode::Cast, &context());
    let cells = items.iter().map(|(ty, array)| cast(array, ty, &inner, &rules)).collect::<Result<Vec<_>>>()?;
    let values = if cells.is_empty() {
        arrow::array::new_empty_array(&inner.arrow_type())
    } else {
        arrow::compute::concat(&cells.iter().map(|cell| cell.as_ref() as &dyn Array).collect::<Vec<_>>())?
    };
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
    Ok((DataType::array(inner), Arc::new(crate::columns::list_of(offsets, values))))
}

fn tuple_of(items: &[Typed]) -> Typed {
    let ty = DataType::tuple(items.iter().map(|(ty, _)| ty.clone()));
    let arrow::datatypes::DataType::Struct(fields) = ty.arrow_type() else { panic!("tuples are structs") };
    let columns = items.iter().map(|(_, array)| array.clone()).collect();
    (ty, Arc::new(StructArray::new(fields, columns, None)))
}
