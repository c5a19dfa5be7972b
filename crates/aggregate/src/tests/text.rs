//! Columns from text and back, for tests: literals as they stand in SQL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StructArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as ArrowType, Field};
use types::text::scan::{parse_date, parse_date_time, parse_ipv4, parse_uuid};
use types::text::{Quoting, Zone, write_cell};
use types::{DataType, F64, Value};

use crate::literal::literal_array;
use crate::numeric::from_i128;

/// Literals out of a text, from the front.
pub struct Scanner<'a>(pub &'a str);

impl Scanner<'_> {
    fn eat(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self, end: char) -> Vec<Value> {
        let mut values = Vec::new();
        while !self.eat(end) {
            values.push(self.value());
            self.eat(',');
        }
        values
    }

    /// The next literal.
    pub fn value(&mut self) -> Value {
        if self.eat('[') {
            return Value::Array(self.list(']').into());
        }
        if self.eat('(') {
            return Value::Tuple(self.list(')').into());
        }
        if self.eat('{') {
            let mut entries = Vec::new();
            while !self.eat('}') {
                let key = self.value();
                assert!(self.eat(':'));
                entries.push((key, self.value()));
                self.eat(',');
            }
            return Value::Map(entries.into());
        }
        if self.eat('\'') {
            let (text, rest) = self.0.split_once('\'').unwrap();
            self.0 = rest;
            return Value::text(text);
        }
        let end = self.0.find([',', ')', ']', '}', ' ', ':']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        match word {
            "NULL" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            word => word
                .parse::<u64>()
                .map(Value::UInt)
                .or_else(|_| word.parse::<i64>().map(Value::Int))
                .unwrap_or_else(|_| Value::Float(F64(word.parse().unwrap()))),
        }
    }

    /// Rows in parentheses, until the end.
    pub fn rows(&mut self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        while self.eat('(') {
            rows.push(self.list(')'));
        }
        rows
    }
}

/// A column of these values.
pub fn column(ty: &DataType, values: &[Value]) -> ArrayRef {
    let rows: Vec<ArrayRef> = values.iter().map(|value| one(ty, value)).collect();
    let rows: Vec<&dyn Array> = rows.iter().map(|row| row.as_ref()).collect();
    if rows.is_empty() { new_empty_array(&ty.arrow_type()) } else { arrow::compute::concat(&rows).unwrap() }
}

fn one(ty: &DataType, value: &Value) -> ArrayRef {
    let base = match ty {
        DataType::Nullable(_) if *value == Value::Null => return ty.default_array(1),
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => return one(inner, value),
        other => other,
    };
    match (base, value) {
        (DataType::Array(item), Value::Array(values)) => list(ty, column(item, values), values.len()),
        (DataType::Map(entry), Value::Map(entries)) => {
            let keys: Vec<Value> = entries.iter().map(|(key, _)| key.clone()).collect();
            let values: Vec<Value> = entries.iter().map(|(_, value)| value.clone()).collect();
            let ArrowType::List(item) = ty.arrow_type() else { unreachable!() };
            let ArrowType::Struct(fields) = item.data_type() else { unreachable!() };
            let columns = vec![column(&entry.0, &keys), column(&entry.1, &values)];
            let entries = StructArray::try_new_with_length(fields.clone(), columns, None, keys.len()).unwrap();
            list(ty, Arc::new(entries), keys.len())
        }
        (DataType::Tuple(fields), Value::Tuple(values)) => {
            let ArrowType::Struct(arrow) = ty.arrow_type() else { unreachable!() };
            let columns = fields.iter().zip(values.iter()).map(|(field, value)| one(&field.ty, value)).collect();
            Arc::new(StructArray::new(arrow, columns, None))
        }
        (DataType::FixedString(n), Value::String(text)) => {
            let mut bytes = text.to_vec();
            bytes.resize(*n as usize, 0);
            fixed(bytes)
        }
        (DataType::Uuid, Value::String(text)) => fixed(parse_uuid(text).unwrap().to_vec()),
        (DataType::Ipv4, Value::String(text)) => from_i128(ty, &[parse_ipv4(text).unwrap().into()]).unwrap(),
        (DataType::Date, Value::String(text)) => from_i128(ty, &[parse_date(text).unwrap().into()]).unwrap(),
        (DataType::DateTime(_), Value::String(text)) => {
            from_i128(ty, &[parse_date_time(text, Zone::Utc).unwrap().ticks(0).unwrap().into()]).unwrap()
        }
        (DataType::DateTime64 { precision, .. }, Value::String(text)) => {
            from_i128(ty, &[parse_date_time(text, Zone::Utc).unwrap().ticks(*precision).unwrap().into()]).unwrap()
        }
        (DataType::UInt256, Value::UInt(number)) => fixed(types::wide::u256_to_cell(0, u128::from(*number)).to_vec()),
        (base, value) => literal_array(base, value).unwrap_or_else(|| panic!("{base} {value:?}")),
    }
}

fn fixed(bytes: Vec<u8>) -> ArrayRef {
    Arc::new(arrow::array::FixedSizeBinaryArray::try_from_iter(std::iter::once(bytes)).unwrap())
}

fn list(ty: &DataType, items: ArrayRef, length: usize) -> ArrayRef {
    let ArrowType::List(field) = ty.arrow_type() else { unreachable!() };
    let _: &Arc<Field> = &field;
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([length]), items, None))
}

/// The value at `row` as TabSeparated shows it.
pub fn shown(ty: &DataType, array: &ArrayRef, row: usize) -> String {
    let mut text = Vec::new();
    write_cell(&mut text, ty, array.as_ref(), row, Quoting::Escaped, Zone::Utc);
    String::from_utf8(text).unwrap()
}
