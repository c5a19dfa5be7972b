//! Data types: a name of one or more words and arguments in brackets.

use super::{Parse, Parser};
use crate::ast::{DataType, Ident, Literal, Span, TypeArgument};
use crate::literal;
use crate::token::TokenKind;

/// Type names of several words that SQL knows. Longer ones first.
const LONG_NAMES: &[&str] = &[
    "DOUBLE PRECISION",
    "CHAR LARGE OBJECT",
    "CHAR VARYING",
    "CHARACTER LARGE OBJECT",
    "CHARACTER VARYING",
    "NCHAR LARGE OBJECT",
    "NCHAR VARYING",
    "NATIONAL CHARACTER LARGE OBJECT",
    "NATIONAL CHARACTER VARYING",
    "NATIONAL CHAR VARYING",
    "NATIONAL CHARACTER",
    "NATIONAL CHAR",
    "BINARY LARGE OBJECT",
    "BINARY VARYING",
];

impl Parser<'_> {
    pub(super) fn data_type(&mut self) -> Parse<DataType> {
        self.nested(Self::data_type_here)
    }

    fn data_type_here(&mut self) -> Parse<DataType> {
        let start = self.start();
        let name = self.type_name()?;
        let mut arguments = Vec::new();
        if self.kind() == TokenKind::OpenRound {
            self.advance();
            if !self.eat(TokenKind::CloseRound, ")") {
                loop {
                    self.nodes += 1;
                    self.check_size()?;
                    arguments.push(self.type_argument()?);
                    if !self.comma() {
                        break;
                    }
                }
                self.close()?;
            }
        }
        let mut data_type = DataType { name, arguments, span: self.span_from(start) };
        for sign in ["UNSIGNED", "SIGNED"] {
            if self.at(sign) {
                let token = self.advance();
                data_type.name.push(' ');
                data_type.name.push_str(self.text_of(token));
            }
        }
        Ok(data_type)
    }

    fn type_name(&mut self) -> Parse<String> {
        if self.kind() != TokenKind::Word && self.kind() != TokenKind::QuotedName {
            return self.unexpected("data type");
        }
        let long = LONG_NAMES.iter().find(|name| self.at(name));
        let Some(long) = long else { return Ok(self.ident()?.name) };
        let mut name = String::with_capacity(long.len());
        for _ in long.split(' ') {
            let token = self.advance();
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(self.text_of(token));
        }
        Ok(name)
    }

    fn type_argument(&mut self) -> Parse<TypeArgument> {
        match self.kind() {
            TokenKind::String => {
                let text = self.string()?;
                if self.eat(TokenKind::Equals, "=") {
                    return Ok(TypeArgument::EnumValue(text, self.signed()?));
                }
                Ok(TypeArgument::Literal(Literal::String(text)))
            }
            TokenKind::Number | TokenKind::Minus => Ok(TypeArgument::Literal(self.number_literal()?)),
            TokenKind::Word | TokenKind::QuotedName => self.named_argument(),
            _ => self.unexpected("type argument"),
        }
    }

    /// A constant number with its sign.
    pub(super) fn number_literal(&mut self) -> Parse<Literal> {
        let negative = self.eat(TokenKind::Minus, "-");
        let token = self.expect(TokenKind::Number, "number")?;
        match literal::decode_number(self.text_of(token), negative) {
            Some(literal) => Ok(literal),
            None => self.because(token, "Wrong number"),
        }
    }

    /// `UInt8`, `id UInt8`, `a.b UInt8`, `max_types = 3`, `SKIP a.b`.
    fn named_argument(&mut self) -> Parse<TypeArgument> {
        let skips = self.at("SKIP") && matches!(self.peek(1).kind, TokenKind::Word | TokenKind::QuotedName);
        if skips {
            self.advance();
            if self.at("REGEXP") && self.peek(1).kind == TokenKind::String {
                self.advance();
                return Ok(TypeArgument::SkipRegexp(self.string()?));
            }
            return Ok(TypeArgument::SkipPath(self.dotted_ident()?));
        }
        let follows = self.peek(1).kind;
        if follows == TokenKind::Equals {
            let name = self.ident()?;
            self.advance();
            let value =
                if self.kind() == TokenKind::String { Literal::String(self.string()?) } else { self.number_literal()? };
            return Ok(TypeArgument::Parameter(name, value));
        }
        let is_pair = matches!(follows, TokenKind::Dot | TokenKind::QuotedName)
            || follows == TokenKind::Word && !LONG_NAMES.iter().any(|name| self.at(name)) && !self.is_signed_type();
        if is_pair {
            let name: Ident = self.dotted_ident()?;
            return Ok(TypeArgument::Named(name, self.data_type()?));
        }
        Ok(TypeArgument::Type(self.data_type()?))
    }

    /// `INT UNSIGNED` is one type, not a name and a type.
    fn is_signed_type(&mut self) -> bool {
        (self.is_word(1, "UNSIGNED") || self.is_word(1, "SIGNED"))
            && matches!(self.peek(2).kind, TokenKind::Comma | TokenKind::CloseRound)
    }

    /// Everything read so far was the whole text.
    pub(super) fn end_of_text(&mut self) -> Parse<()> {
        if self.eat(TokenKind::End, "end of text") { Ok(()) } else { Err(super::Failure::Unexpected) }
    }

    /// The position after the token read last.
    pub(super) fn position_after(&self) -> usize {
        Span::range(self.span_from(0)).end
    }
}
