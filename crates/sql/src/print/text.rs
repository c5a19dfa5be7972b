//! Names, strings and numbers.

use super::Printer;
use crate::ast::{Ident, Literal, ObjectName};
use crate::lexer::is_word_byte;

/// Words that could be read as something else than a name where an expression or table stands. The first line is
/// ClickHouse's own list.
const QUOTED_WORDS: &[&str] = &[
    "ALL", "DISTINCT", "FALSE", "FROM", "INF", "NAN", "NULL", "SELECT", "TABLE", "TOP", "TRUE", "VALUES", "CASE",
    "EXISTS", "INFINITY", "INTERVAL", "NOT", "WITH",
];

impl Printer {
    /// A name, back-quoted where it must be.
    pub(super) fn ident(&mut self, ident: &Ident) {
        if ident.is_parameter {
            self.text("{");
            self.text(&ident.name);
            self.text(":Identifier}");
        } else if needs_quotes(&ident.name) {
            self.quoted_ident(ident);
        } else {
            self.text(&ident.name);
        }
    }

    /// A name, always back-quoted: columns of a definition.
    pub(super) fn quoted_ident(&mut self, ident: &Ident) {
        if ident.is_parameter {
            return self.ident(ident);
        }
        let quoted = back_quote(&ident.name);
        self.text(&quoted);
    }

    /// `a.b` of Nested as the one name it is; each part quoted where it must be.
    pub(super) fn dotted_ident(&mut self, ident: &Ident) {
        let plain = ident.name.split('.').all(|part| !part.is_empty() && !needs_quotes(part));
        if plain && !ident.is_parameter {
            self.text(&ident.name);
        } else {
            self.ident(ident);
        }
    }

    /// A part of a path: that of a JSON column (`` :`Int64` ``) is printed as it is.
    pub(super) fn path_part(&mut self, ident: &Ident) {
        let json = ident.name.strip_suffix('`').and_then(|name| {
            let (sign, name) = name.split_once('`')?;
            matches!(sign, ":" | "^").then_some((sign, name))
        });
        match json {
            Some((sign, name)) => {
                self.text(sign);
                self.ident(&Ident::new(name));
            }
            None => self.ident(ident),
        }
    }

    pub(super) fn path(&mut self, parts: &[Ident]) {
        for (index, part) in parts.iter().enumerate() {
            if index == 0 {
                self.ident(part);
            } else {
                self.text(".");
                self.path_part(part);
            }
        }
    }

    pub(super) fn object_name(&mut self, name: &ObjectName) {
        if let Some(database) = &name.database {
            self.ident(database);
            self.text(".");
        }
        self.ident(&name.name);
    }

    pub(super) fn string(&mut self, text: &str) {
        let quoted = quote_string(text.as_bytes());
        self.text(&quoted);
    }

    pub(super) fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Null => self.text("NULL"),
            Literal::Bool(value) => self.display(value),
            Literal::UInt(value) => self.display(value),
            Literal::Int(value) => self.display(value),
            Literal::Float(value) => self.float(*value),
            Literal::String(bytes) => {
                let quoted = quote_string(bytes);
                self.text(&quoted);
            }
        }
    }

    /// Shortest digits that give the same number; a point at the end tells it from an integer.
    fn float(&mut self, value: f64) {
        if value.is_nan() {
            return self.text("nan");
        }
        if value.is_infinite() {
            return self.text(if value < 0.0 { "-inf" } else { "inf" });
        }
        // ClickHouse's bounds: an exponent from 1e21 up and below 1e-6.
        let magnitude = value.abs();
        if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
            return self.display(format_args!("{value:e}"));
        }
        let begin = self.out.len();
        self.display(value);
        if !self.out.get(begin..).unwrap_or("").contains('.') {
            self.text(".");
        }
    }
}

/// Whether a name must be quoted to be read as one.
fn needs_quotes(name: &str) -> bool {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let plain = starts && bytes.all(|byte| is_word_byte(byte) && byte != b'$');
    !plain || QUOTED_WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

/// `` `name` ``.
pub fn back_quote(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    out.push('`');
    escape(name, '`', &mut out);
    out.push('`');
    out
}

/// `'text'`. Bytes that are no UTF-8 become `\xFF`.
pub fn quote_string(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('\'');
    for chunk in bytes.utf8_chunks() {
        escape(chunk.valid(), '\'', &mut out);
        for byte in chunk.invalid() {
            out.push_str("\\x");
            out.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')));
        }
    }
    out.push('\'');
    out
}

fn escape(text: &str, quote: char, out: &mut String) {
    for c in text.chars() {
        match c {
            '\0' => out.push_str("\\0"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
}
