//! The expressions of test tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, NullArray};
use arrow::array::{UInt8Array, UInt16Array, UInt32Array, UInt64Array};
use types::DataType;

/// An expression.
#[derive(Clone)]
pub(crate) enum Ast {
    Literal(DataType, ArrayRef),
    Variable(String),
    Call(String, Vec<Ast>),
    Lambda(Vec<String>, Box<Ast>),
}

/// Parses all of `text`; panics when it is none, being for tests only.
pub(super) fn parse(text: &str) -> Ast {
    let mut parser = Parser { rest: text.trim() };
    let ast = parser.expression(0);
    assert!(parser.rest.is_empty(), "left over in {text}: {}", parser.rest);
    ast
}

/// The text of a string literal.
pub(super) fn literal_text(ast: &Ast) -> String {
    match ast {
        Ast::Literal(DataType::String, value) => {
            String::from_utf8_lossy(arrow::array::AsArray::as_binary::<i32>(value).value(0)).into_owned()
        }
        _ => panic!("not a string literal"),
    }
}

const OPERATORS: &[(&str, u8, &str)] = &[
    ("!=", 1, "notEquals"),
    ("<=", 1, "lessOrEquals"),
    (">=", 1, "greaterOrEquals"),
    ("=", 1, "equals"),
    ("<", 1, "less"),
    (">", 1, "greater"),
    ("LIKE ", 1, "like"),
    ("ILIKE ", 1, "ilike"),
    ("||", 2, "concat"),
    ("+", 3, "plus"),
    ("-", 3, "minus"),
    ("*", 4, "multiply"),
    ("/", 4, "divide"),
    ("%", 4, "modulo"),
];

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) {
        assert!(self.eat(token), "expected {token} before {}", self.rest);
    }

    fn expression(&mut self, binding: u8) -> Ast {
        if let Some(lambda) = self.lambda() {
            return lambda;
        }
        let mut left = self.unary();
        'next: loop {
            self.space();
            for (token, power, name) in OPERATORS {
                if *power > binding && self.rest.starts_with(token) && !self.rest.starts_with("->") {
                    self.rest = &self.rest[token.len()..];
                    let right = self.expression(*power);
                    left = Ast::Call((*name).to_owned(), vec![left, right]);
                    continue 'next;
                }
            }
            return left;
        }
    }

    /// `x -> …` or `(x, y) -> …`.
    fn lambda(&mut self) -> Option<Ast> {
        self.space();
        let before = self.rest;
        let mut names = Vec::new();
        let in_parentheses = self.eat("(");
        loop {
            self.space();
            match self.word() {
                Some(name) => names.push(name.to_owned()),
                None => break,
            }
            if !in_parentheses || !self.eat(",") {
                break;
            }
        }
        let closed = !in_parentheses || self.eat(")");
        if closed && !names.is_empty() && self.eat("->") {
            return Some(Ast::Lambda(names, Box::new(self.expression(0))));
        }
        self.rest = before;
        None
    }

    fn word(&mut self) -> Option<&'a str> {
        let starts = self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let length = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        if !starts {
            return None;
        }
        self.rest = rest;
        Some(word)
    }

    fn unary(&mut self) -> Ast {
        self.space();
        if self.rest.starts_with('-') {
            self.rest = &self.rest[1..];
            if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                let negative = self.number(true);
                return self.postfix(negative);
            }
            return Ast::Call("negate".to_owned(), vec![self.unary()]);
        }
        let primary = self.primary();
        self.postfix(primary)
    }

    fn postfix(&mut self, mut ast: Ast) -> Ast {
        loop {
            self.space();
            if self.eat("[") {
                let index = self.expression(0);
                self.expect("]");
                ast = Ast::Call("arrayElement".to_owned(), vec![ast, index]);
            } else if self.rest.starts_with('.') && self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
                self.rest = &self.rest[1..];
                let index = self.number(false);
                ast = Ast::Call("tupleElement".to_owned(), vec![ast, index]);
            } else {
                return ast;
            }
        }
    }

    fn primary(&mut self) -> Ast {
        match self.rest.chars().next() {
            Some('\'') => self.string(),
            Some('[') => {
                self.eat("[");
                Ast::Call("array".to_owned(), self.list("]"))
            }
            Some('(') => {
                self.eat("(");
                let mut items = self.list(")");
                if items.len() == 1 { items.remove(0) } else { Ast::Call("tuple".to_owned(), items) }
            }
            Some(c) if c.is_ascii_digit() => self.number(false),
            _ => self.name(),
        }
    }

    fn name(&mut self) -> Ast {
        let name = self.word().unwrap_or_else(|| panic!("no expression at {}", self.rest));
        if self.rest.starts_with('(') {
            self.eat("(");
            return Ast::Call(name.to_owned(), self.list(")"));
        }
        match name {
            "NULL" => Ast::Literal(DataType::nullable(DataType::Nothing), Arc::new(NullArray::new(1))),
            "true" | "false" => Ast::Literal(DataType::Bool, Arc::new(BooleanArray::from(vec![name == "true"]))),
            "nan" => Ast::Literal(DataType::Float64, Arc::new(Float64Array::from(vec![f64::NAN]))),
            "inf" => Ast::Literal(DataType::Float64, Arc::new(Float64Array::from(vec![f64::INFINITY]))),
            variable => Ast::Variable(variable.to_owned()),
        }
    }

    fn list(&mut self, close: &str) -> Vec<Ast> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.expression(0));
            self.eat(",");
        }
        items
    }

    fn string(&mut self) -> Ast {
        let mut bytes = Vec::new();
        let mut characters = self.rest[1..].char_indices();
        let mut buffer = [0; 4];
        while let Some((at, c)) = characters.next() {
            match c {
                '\'' => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ast::Literal(DataType::String, super::text_column(&bytes));
                }
                '\\' => match characters.next().map(|(_, c)| c) {
                    Some('n') => bytes.push(b'\n'),
                    Some('t') => bytes.push(b'\t'),
                    Some('r') => bytes.push(b'\r'),
                    Some('0') => bytes.push(0),
                    Some('x') => {
                        let digits: String = characters.by_ref().take(2).map(|(_, c)| c).collect();
                        bytes.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
                    }
                    Some(c @ ('\\' | '\'')) => bytes.push(c as u8),
                    Some(c) => {
                        bytes.push(b'\\');
                        bytes.extend(c.encode_utf8(&mut buffer).as_bytes());
                    }
                    None => break,
                },
                c => bytes.extend(c.encode_utf8(&mut buffer).as_bytes()),
            }
        }
        panic!("string does not end: {}", self.rest)
    }

    fn number(&mut self, negative: bool) -> Ast {
        let length =
            self.rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | 'e')).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        match text.parse::<u64>() {
            Ok(value) if negative => integer(-(value as i64)),
            Ok(value) => unsigned(value),
            Err(_) => {
                let value: f64 = text.parse().expect("a number");
                let value = if negative { -value } else { value };
                Ast::Literal(DataType::Float64, Arc::new(Float64Array::from(vec![value])))
            }
        }
    }
}

fn unsigned(value: u64) -> Ast {
    let (ty, array): (DataType, ArrayRef) = match value {
        0..=0xFF => (DataType::UInt8, Arc::new(UInt8Array::from(vec![value as u8]))),
        0x100..=0xFFFF => (DataType::UInt16, Arc::new(UInt16Array::from(vec![value as u16]))),
        0x1_0000..=0xFFFF_FFFF => (DataType::UInt32, Arc::new(UInt32Array::from(vec![value as u32]))),
        _ => (DataType::UInt64, Arc::new(UInt64Array::from(vec![value]))),
    };
    Ast::Literal(ty, array)
}

fn integer(value: i64) -> Ast {
    let (ty, array): (DataType, ArrayRef) = match value {
        -0x80..=-1 => (DataType::Int8, Arc::new(Int8Array::from(vec![value as i8]))),
        -0x8000..=-0x81 => (DataType::Int16, Arc::new(Int16Array::from(vec![value as i16]))),
        -0x8000_0000..=-0x8001 => (DataType::Int32, Arc::new(Int32Array::from(vec![value as i32]))),
        _ => (DataType::Int64, Arc::new(Int64Array::from(vec![value]))),
    };
    Ast::Literal(ty, array)
}
