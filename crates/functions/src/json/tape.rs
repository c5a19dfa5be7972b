//! JSON text as a flat list of nodes: one pass, no allocation but the list itself, which is kept from row to row.
//!
//! ```text
//! {"a": [1, 2]}   ─▶   Object{after: 5}  Key "a"  Array{after: 5}  Number 1  Number 2
//! ```

use types::text::write_f64;

/// How deep objects and arrays may be nested.
const DEPTH_MAX: usize = 1024;

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// A number, as written between `start` and `end`.
    Number,
    /// A string: `start` and `end` lie inside its quotes.
    Text,
    /// Its nodes up to `after` are values.
    Array,
    /// Its nodes up to `after` are keys (texts) and values in turn.
    Object,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// The index of the first node behind this one and all inside it.
    after: u32,
}

/// A number as JSON functions see it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Number {
    Signed(i64),
    /// Beyond `i64`.
    Unsigned(u64),
    Double(f64),
}

/// Parsed texts, one at a time.
#[derive(Default)]
pub(crate) struct Tape {
    nodes: Vec<Node>,
}

/// A node of a parsed text.
#[derive(Clone, Copy)]
pub(crate) struct Json<'a> {
    tape: &'a Tape,
    text: &'a [u8],
    index: usize,
}

impl Tape {
    /// The value that is all of `text`; `None` when it is no JSON.
    pub(crate) fn parse<'a>(&'a mut self, text: &'a [u8]) -> Option<Json<'a>> {
        self.nodes.clear();
        if text.len() > u32::MAX as usize {
            return None;
        }
        let mut parser = Parser { text, at: 0, nodes: &mut self.nodes };
        parser.value(0)?;
        parser.space();
        if parser.at != text.len() {
            return None;
        }
        Some(Json { tape: self, text, index: 0 })
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    nodes: &'a mut Vec<Node>,
}

impl Parser<'_> {
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.space();
        if self.text.get(self.at) == Some(&byte) {
            self.at += 1;
            return Some(());
        }
        None
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node { kind, start: start as u32, end: end as u32, after: index as u32 + 1 });
        index
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.space();
        match self.text.get(self.at)? {
            b'{' => self.container(Kind::Object, b'}', depth),
            b'[' => self.container(Kind::Array, b']', depth),
            b'"' => self.string(),
            b't' => self.word(b"true", Kind::Bool(true)),
            b'f' => self.word(b"false", Kind::Bool(false)),
            b'n' => self.word(b"null", Kind::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<()> {
        let end = self.at + word.len();
        if self.text.get(self.at..end)? != word {
            return None;
        }
        self.push(kind, self.at, end);
        self.at = end;
        Some(())
    }

    fn container(&mut self, kind: Kind, close: u8, depth: usize) -> Option<()> {
        if depth >= DEPTH_MAX {
            return None;
        }
        let index = self.push(kind, self.at, self.at);
        self.at += 1;
        if self.eat(close).is_none() {
            loop {
                if kind == Kind::Object {
                    self.space();
                    self.string()?;
                    self.eat(b':')?;
                }
                self.value(depth + 1)?;
                if self.eat(b',').is_none() {
                    self.eat(close)?;
                    break;
                }
            }
        }
        let after = self.nodes.len() as u32;
        let node = &mut self.nodes[index];
        (node.after, node.end) = (after, self.at as u32);
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        if self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            match *self.text.get(at)? {
                b'"' => break,
                b'\\' => match *self.text.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' => {
                        self.text.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                        at += 6;
                    }
                    _ => return None,
                },
                0..0x20 => return None,
                _ => at += 1,
            }
        }
        self.push(Kind::Text, start, at);
        self.at = at + 1;
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.text.get(self.at)? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Kind::Number, start, self.at);
        Some(())
    }
}

impl<'a> Json<'a> {
    fn node(self) -> &'a Node {
        &self.tape.nodes[self.index]
    }

    /// What it is.
    pub(crate) fn kind(self) -> Kind {
        self.node().kind
    }

    /// The text of a number, or between the quotes of a string, as written.
    pub(crate) fn written(self) -> &'a [u8] {
        &self.text[self.node().start as usize..self.node().end as usize]
    }

    /// The number; doubles where it has a point or exponent, or does not fit 64 bits.
    pub(crate) fn number(self) -> Option<Number> {
        if self.kind() != Kind::Number {
            return None;
        }
        number_of(self.written())
    }

    /// Elements of an array or values of an object, in order.
    pub(crate) fn values(self) -> impl Iterator<Item = Json<'a>> {
        self.members().map(|(_, value)| value)
    }

    /// Values with their keys (`None` in arrays), in order.
    pub(crate) fn members(self) -> impl Iterator<Item = (Option<Json<'a>>, Json<'a>)> {
        let is_object = self.kind() == Kind::Object;
        let mut next = self.index + 1;
        let end = match self.kind() {
            Kind::Array | Kind::Object => self.node().after as usize,
            _ => next,
        };
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let key = is_object.then_some(Json { index: next, ..self });
            let value = Json { index: next + usize::from(is_object), ..self };
            next = value.node().after as usize;
            Some((key, value))
        })
    }

    /// How many elements or members it has; 0 for plain values.
    pub(crate) fn len(self) -> usize {
        self.values().count()
    }

    /// The value of the first member of that key.
    pub(crate) fn member(self, name: &[u8], any_case: bool) -> Option<Json<'a>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let mut buffer = Vec::new();
        let found = |key: Json<'a>| {
            buffer.clear();
            key.unescape(&mut buffer);
            if any_case { buffer.eq_ignore_ascii_case(name) } else { buffer == name }
        };
        let mut found = found;
        self.members().find(|(key, _)| key.is_some_and(&mut found)).map(|(_, value)| value)
    }

    /// Element or member number `index`, from 1, from the end when negative.
    pub(crate) fn at(self, index: i64) -> Option<(Option<Json<'a>>, Json<'a>)> {
        let position = match index {
            1.. => usize::try_from(index - 1).ok()?,
            0 => return None,
            _ => self.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
        };
        self.members().nth(position)
    }

    /// Appends the characters of a string.
    pub(crate) fn unescape(self, out: &mut Vec<u8>) {
        let mut rest = self.written();
        while let Some(at) = memchr::memchr(b'\\', rest) {
            out.extend_from_slice(&rest[..at]);
            rest = append_escape(&rest[at..], out);
        }
        out.extend_from_slice(rest);
    }

    /// Appends the value as JSON without spaces.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Null => out.extend_from_slice(b"null"),
            Kind::Bool(true) => out.extend_from_slice(b"true"),
            Kind::Bool(false) => out.extend_from_slice(b"false"),
            Kind::Number => match self.number() {
                Some(Number::Double(value)) => write_f64(out, value),
                _ => out.extend_from_slice(self.written()),
            },
            Kind::Text => self.write_text(out),
            Kind::Array | Kind::Object => {
                let (open, close) = if self.kind() == Kind::Array { (b'[', b']') } else { (b'{', b'}') };
                out.push(open);
                for (i, (key, value)) in self.members().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    if let Some(key) = key {
                        key.write_text(out);
                        out.push(b':');
                    }
                    value.write(out);
                }
                out.push(close);
            }
        }
    }

    fn write_text(self, out: &mut Vec<u8>) {
        let mut text = Vec::new();
        self.unescape(&mut text);
        super::write::quoted(&text, super::write::Slashes::Plain, out);
    }
}

/// A number as written; `None` when it is none.
pub(crate) fn number_of(written: &[u8]) -> Option<Number> {
    let text = std::str::from_utf8(written).ok()?;
    if let Ok(value) = text.parse() {
        return Some(Number::Signed(value));
    }
    if let Ok(value) = text.parse() {
        return Some(Number::Unsigned(value));
    }
    text.parse().ok().map(Number::Double)
}

/// Appends what the escape at the start of `text` means, and gives what follows it.
fn append_escape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 4)?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let plain = match text.get(1) {
        Some(b'u') => {
            let Some(first) = unit(2) else { return &text[text.len()..] };
            let is_low = |unit: &u32| (0xDC00..0xE000).contains(unit);
            let low = (text.get(6..8) == Some(br"\u")).then(|| unit(8)).flatten().filter(is_low);
            let (code, length) = match (first, low) {
                (0xD800..0xDC00, Some(low)) => (0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12),
                _ => (first, 6),
            };
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return &text[length..];
        }
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(other) => *other,
        None => return b"",
    };
    out.push(plain);
    &text[2..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_key_and_by_number() {
        let mut tape = Tape::default();
        let json = tape.parse(br#" {"a": [1, {"b": "x\u00e9\n"}], "c": null} "#).unwrap();
        assert_eq!(json.len(), 2);
        let inner = json.member(b"a", false).unwrap().at(-1).unwrap().1.member(b"b", false).unwrap();
        let mut text = Vec::new();
        inner.unescape(&mut text);
        assert_eq!(text, "xé\n".as_bytes());
        assert!(json.at(2).unwrap().1.kind() == Kind::Null && json.at(3).is_none() && json.at(0).is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_written_parses_again(text in "[\\[\\]{}:,\"0-9a-c\\\\ .eE+-]{0,24}") {
            let mut tape = Tape::default();
            if let Some(json) = tape.parse(text.as_bytes()) {
                let mut written = Vec::new();
                json.write(&mut written);
                let mut again = Vec::new();
                Tape::default().parse(&written).unwrap().write(&mut again);
                proptest::prop_assert_eq!(written, again);
            }
        }

        #[test]
        fn it_agrees_with_another_parser(text in "(\\[|\\]|\\{|\\}|:|,|\"a\"|1|0|-1.5|true|null| ){0,12}") {
            let valid = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            proptest::prop_assert_eq!(Tape::default().parse(text.as_bytes()).is_some(), valid);
        }
    }
}
