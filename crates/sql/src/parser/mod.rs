//! Tokens → tree: the cursor that every part of the grammar uses.
//!
//! Recursive descent; operators by binding power (`expr`). A failed attempt notes what it wanted at which token, so
//! that the error tells what could have stood at the furthest token reached. Nothing here panics: indexes go through
//! `get`, depth and size are counted.

mod alter;
mod backup;
mod create;
mod data_type;
mod dictionary;
mod expr;
mod from;
mod function;
mod insert;
mod operand;
mod select;
mod settings;
mod show;
mod statement;
mod storage;
mod system;
mod view;

use crate::ast::{Expr, ExprKind, Ident, ObjectName, Span, With};
use crate::error::{Error, Position, SyntaxError};
use crate::lexer::Lexer;
use crate::literal;
use crate::token::{Token, TokenKind};
use crate::{NESTING_MAX, NODES_MAX, STATEMENT_BYTES_MAX};

/// Bytes of the text that an error shows.
const NEAR_BYTES_MAX: usize = 160;
/// Things that an error lists as expected.
const EXPECTED_MAX: usize = 12;

/// A rule's answer.
pub(crate) type Parse<T> = std::result::Result<T, Failure>;

/// Why a rule failed. Small, because it travels far; [`Parser::error`] makes the [`Error`] of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    /// At the furthest token reached.
    Unexpected,
    /// At this byte, for this reason.
    Because(u32, &'static str),
    /// Nested deeper than this limit, at this byte.
    TooDeep(u32, u32),
    /// Too many bytes, at this byte.
    TooLong(u32),
    /// Too many expressions, at this byte.
    TooManyNodes(u32),
}

/// The cursor.
pub(crate) struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// Tokens read so far; never empty.
    tokens: Vec<Token>,
    /// The next token, an index into `tokens`, which reaches at least that far.
    next: usize,
    /// The furthest token where something was wanted, and what.
    furthest: usize,
    wanted: Vec<&'static str>,
    /// First byte of the statement being read.
    statement_start: u32,
    /// Rules being inside of each other now.
    depth: u32,
    /// Levels of the expression read last.
    height: u32,
    /// Expressions made so far.
    nodes: u32,
    /// A WITH already read, of the SELECT that comes next.
    pending_with: Option<With>,
    /// Several statements in one text: then inline data ends at a semicolon.
    script: bool,
    /// Whether `{'key': value}` is an expression: only in VALUES, as in ClickHouse.
    map_literals: bool,
}

impl<'a> Parser<'a> {
    /// Reads from a byte on. The text is at most `u32::MAX` bytes long.
    pub fn new(text: &'a str, script: bool) -> Self {
        let mut parser = Self {
            text,
            lexer: Lexer::new(text, 0),
            tokens: Vec::with_capacity(64),
            next: 0,
            furthest: 0,
            wanted: Vec::with_capacity(32),
            statement_start: 0,
            depth: 0,
            height: 0,
            nodes: 0,
            pending_with: None,
            script,
            map_literals: false,
        };
        parser.restart(0);
        parser
    }

    /// Begins anew at a byte.
    fn restart(&mut self, position: u32) {
        self.lexer = Lexer::new(self.text, position as usize);
        self.tokens.clear();
        let first = self.lexer.next();
        self.tokens.push(first);
        self.next = 0;
        self.furthest = 0;
        self.wanted.clear();
        self.statement_start = first.start;
        self.depth = 0;
        self.height = 0;
        self.nodes = 0;
        self.pending_with = None;
    }

    // ---- tokens ----

    fn token(&self) -> Token {
        self.tokens.get(self.next).copied().unwrap_or(Token { kind: TokenKind::End, start: 0, end: 0 })
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    /// The token after `ahead` others.
    fn peek(&mut self, ahead: usize) -> Token {
        while self.tokens.len() <= self.next + ahead {
            let token = self.lexer.next();
            self.tokens.push(token);
        }
        self.tokens.get(self.next + ahead).copied().unwrap_or(self.token())
    }

    fn advance(&mut self) -> Token {
        let token = self.token();
        self.peek(1);
        self.next += 1;
        token
    }

    /// The text of a token.
    fn text_of(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    /// The first byte of the next token.
    fn start(&self) -> u32 {
        self.token().start
    }

    /// From a byte to the end of the token read last.
    fn span_from(&self, start: u32) -> Span {
        let end = self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.end);
        Span::new(start, end.max(start))
    }

    // ---- wanting ----

    /// Notes that something could have stood at the next token.
    fn want(&mut self, what: &'static str) {
        if self.next > self.furthest {
            self.furthest = self.next;
            self.wanted.clear();
        }
        if self.next == self.furthest {
            self.wanted.push(what);
        }
    }

    fn unexpected<T>(&mut self, wanted: &'static str) -> Parse<T> {
        self.want(wanted);
        Err(Failure::Unexpected)
    }

    fn because<T>(&self, token: Token, reason: &'static str) -> Parse<T> {
        Err(Failure::Because(token.start, reason))
    }

    /// Takes a token of this kind.
    fn eat(&mut self, kind: TokenKind, name: &'static str) -> bool {
        if self.kind() == kind {
            self.advance();
            return true;
        }
        self.want(name);
        false
    }

    fn expect(&mut self, kind: TokenKind, name: &'static str) -> Parse<Token> {
        let token = self.token();
        if self.eat(kind, name) { Ok(token) } else { Err(Failure::Unexpected) }
    }

    fn comma(&mut self) -> bool {
        self.eat(TokenKind::Comma, ",")
    }

    fn open(&mut self) -> Parse<()> {
        self.expect(TokenKind::OpenRound, "(").map(drop)
    }

    fn close(&mut self) -> Parse<()> {
        self.expect(TokenKind::CloseRound, ")").map(drop)
    }

    /// Whether the token after `ahead` others is this word.
    fn is_word(&mut self, ahead: usize, word: &str) -> bool {
        let token = self.peek(ahead);
        token.kind == TokenKind::Word && self.text_of(token).eq_ignore_ascii_case(word)
    }

    /// Whether these words, in upper case and with single spaces, come next. Notes nothing.
    fn at(&mut self, phrase: &str) -> bool {
        // Most attempts end here, at the first letter.
        let letter = self.text.as_bytes().get(self.start() as usize).map(u8::to_ascii_uppercase);
        if letter.as_ref() != phrase.as_bytes().first() {
            return false;
        }
        phrase.split(' ').enumerate().all(|(ahead, word)| self.is_word(ahead, word))
    }

    /// Takes these words.
    fn accept(&mut self, phrase: &'static str) -> bool {
        if self.kind() == TokenKind::Word && self.at(phrase) {
            for _ in phrase.split(' ') {
                self.advance();
            }
            return true;
        }
        self.want(phrase);
        false
    }

    fn expect_words(&mut self, phrase: &'static str) -> Parse<()> {
        if self.accept(phrase) { Ok(()) } else { Err(Failure::Unexpected) }
    }

    /// Tries a rule; when it fails, nothing was read. Limits are not forgiven.
    fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<Option<T>> {
        let (next, depth, height) = (self.next, self.depth, self.height);
        match rule(self) {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Unexpected | Failure::Because(..)) => {
                (self.next, self.depth, self.height) = (next, depth, height);
                Ok(None)
            }
            Err(limit) => Err(limit),
        }
    }

    /// One deeper. Every rule that can stand inside itself goes through here.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= NESTING_MAX {
            return Err(Failure::TooDeep(NESTING_MAX, self.start()));
        }
        if self.token().end.saturating_sub(self.statement_start) as usize > STATEMENT_BYTES_MAX {
            return Err(Failure::TooLong(self.start()));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Items with commas between them; at least one.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.comma() {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// [`Parser::list`] inside of ALTER: a comma before the next action ends it.
    fn list_in_alter<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = vec![item(self)?];
        while !self.at_next_action() && self.comma() {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A comma and two words, the first of which begins an action of ALTER.
    fn at_next_action(&mut self) -> bool {
        const ACTIONS: [&str; 14] = [
            "ADD",
            "ALTER",
            "CLEAR",
            "COMMENT",
            "DELETE",
            "DROP",
            "FREEZE",
            "MATERIALIZE",
            "MODIFY",
            "MOVE",
            "REMOVE",
            "RENAME",
            "RESET",
            "UPDATE",
        ];
        self.kind() == TokenKind::Comma
            && self.peek(2).kind == TokenKind::Word
            && ACTIONS.iter().any(|word| self.is_word(1, word))
    }

    /// `(items)`; possibly none.
    fn bracketed<T>(&mut self, item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        self.open()?;
        if self.eat(TokenKind::CloseRound, ")") {
            return Ok(Vec::new());
        }
        let items = self.list(item)?;
        self.close()?;
        Ok(items)
    }

    // ---- nodes ----

    /// An expression from a byte to the token read last.
    fn node(&mut self, kind: ExprKind, start: u32) -> Expr {
        self.nodes += 1;
        Expr::at(kind, self.span_from(start))
    }

    /// Call after [`Parser::node`] wherever nodes come in numbers.
    fn check_size(&self) -> Parse<()> {
        if self.nodes > NODES_MAX { Err(Failure::TooManyNodes(self.start())) } else { Ok(()) }
    }

    // ---- names and constants ----

    /// A name: a word, a quoted name, `{parameter:Identifier}`.
    fn ident(&mut self) -> Parse<Ident> {
        let token = self.token();
        let span = Span::new(token.start, token.end);
        match token.kind {
            TokenKind::Word => {
                self.advance();
                Ok(Ident { name: self.text_of(token).to_owned(), is_parameter: false, span })
            }
            TokenKind::QuotedName => {
                self.advance();
                let Some(name) = literal::decode_name(self.text_of(token)) else {
                    return self.because(token, "The name is not UTF-8");
                };
                if name.is_empty() {
                    return self.because(token, "A name must not be empty");
                }
                Ok(Ident { name, is_parameter: false, span })
            }
            TokenKind::OpenCurly => {
                let ident = self.attempt(Self::ident_parameter)?;
                ident.map_or_else(|| self.unexpected("identifier"), Ok)
            }
            _ => self.unexpected("identifier"),
        }
    }

    fn ident_parameter(&mut self) -> Parse<Ident> {
        let start = self.start();
        self.expect(TokenKind::OpenCurly, "{")?;
        let name = self.word("parameter name")?.to_owned();
        self.expect(TokenKind::Colon, ":")?;
        self.expect_words("Identifier")?;
        self.expect(TokenKind::CloseCurly, "}")?;
        Ok(Ident { name, is_parameter: true, span: self.span_from(start) })
    }

    fn word(&mut self, what: &'static str) -> Parse<&'a str> {
        let token = self.expect(TokenKind::Word, what)?;
        Ok(self.text_of(token))
    }

    /// A name or a string, where ClickHouse takes both.
    fn ident_or_string(&mut self) -> Parse<Ident> {
        if self.kind() != TokenKind::String {
            return self.ident();
        }
        let start = self.start();
        let name = self.string_text()?;
        Ok(Ident { name, is_parameter: false, span: self.span_from(start) })
    }

    /// `[database.]name`.
    fn object_name(&mut self) -> Parse<ObjectName> {
        let first = self.ident()?;
        if self.eat(TokenKind::Dot, ".") {
            return Ok(ObjectName { database: Some(first), name: self.ident()? });
        }
        Ok(ObjectName { database: None, name: first })
    }

    /// `a`, `a.b`: one name with points, as columns of Nested have.
    fn dotted_ident(&mut self) -> Parse<Ident> {
        let mut ident = self.ident()?;
        while self.eat(TokenKind::Dot, ".") {
            let part = self.ident()?;
            ident.name.push('.');
            ident.name.push_str(&part.name);
            ident.span = ident.span.to(part.span);
        }
        Ok(ident)
    }

    fn string(&mut self) -> Parse<Vec<u8>> {
        let token = self.expect(TokenKind::String, "string literal")?;
        match literal::decode_string(self.text_of(token)) {
            Some(bytes) => Ok(bytes),
            None => self.because(token, "Wrong digits in a string of digits"),
        }
    }

    /// A string that is used as text: a comment, a path, a pattern.
    fn string_text(&mut self) -> Parse<String> {
        let token = self.token();
        String::from_utf8(self.string()?).or_else(|_| self.because(token, "The string is not UTF-8"))
    }

    fn unsigned(&mut self) -> Parse<u64> {
        let token = self.expect(TokenKind::Number, "unsigned integer")?;
        match literal::decode_number(self.text_of(token), false) {
            Some(crate::ast::Literal::UInt(value)) => Ok(value),
            _ => self.because(token, "Must be an integer"),
        }
    }

    fn signed(&mut self) -> Parse<i64> {
        let negative = self.eat(TokenKind::Minus, "-");
        let token = self.token();
        let value = i128::from(self.unsigned()?);
        i64::try_from(if negative { -value } else { value }).or_else(|_| self.because(token, "Must fit 64 bits"))
    }

    /// Tokens up to the end of the statement, joined by one space.
    fn rest_of_statement(&mut self) -> String {
        let mut words = String::new();
        while !matches!(self.kind(), TokenKind::End | TokenKind::Semicolon | TokenKind::Bad(_)) {
            let token = self.advance();
            let glued = matches!(token.kind, TokenKind::Comma | TokenKind::CloseRound | TokenKind::Dot)
                || words.ends_with(['(', '.'])
                || words.is_empty();
            if !glued {
                words.push(' ');
            }
            words.push_str(self.text_of(token));
        }
        words
    }

    /// The statement must be over: end of text, or a semicolon, which is taken.
    fn end_of_statement(&mut self) -> Parse<()> {
        if self.eat(TokenKind::Semicolon, ";") || self.eat(TokenKind::End, "end of query") {
            return Ok(());
        }
        Err(Failure::Unexpected)
    }

    // ---- errors ----

    /// What a caller is told about a failure.
    pub fn error(&mut self, failure: Failure) -> Error {
        let position = |offset: u32| Position::of(self.text, offset as usize);
        let (token, reason) = match failure {
            Failure::TooDeep(max, at) => return Error::TooDeep { max, position: position(at) },
            Failure::TooLong(at) => return Error::TooLong { max: STATEMENT_BYTES_MAX, position: position(at) },
            Failure::TooManyNodes(at) => return Error::TooManyNodes { max: NODES_MAX, position: position(at) },
            Failure::Unexpected => (self.tokens.get(self.furthest).copied().unwrap_or(self.token()), None),
            Failure::Because(at, reason) => {
                let found = self.tokens.iter().find(|token| token.start == at).copied();
                (found.unwrap_or(self.token()), Some(reason))
            }
        };
        let reason = match token.kind {
            TokenKind::Bad(bad) => Some(bad.reason()),
            _ => reason,
        };
        let mut expected = Vec::new();
        if reason.is_none() {
            for wanted in &self.wanted {
                if expected.len() < EXPECTED_MAX && !expected.contains(wanted) {
                    expected.push(*wanted);
                }
            }
        }
        let found = self.text_of(token);
        Error::Syntax(Box::new(SyntaxError {
            position: position(token.start),
            hint: (token.kind == TokenKind::Word && reason.is_none()).then(|| nearest(found, &self.wanted)).flatten(),
            found: shorten(found),
            near: shorten(self.text.get(token.start as usize..).unwrap_or("")),
            expected,
            reason,
        }))
    }
}

/// The beginning of a text, with points where it was cut.
fn shorten(text: &str) -> String {
    if text.len() <= NEAR_BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(NEAR_BYTES_MAX);
    format!("{}...", text.get(..end).unwrap_or(""))
}

/// The wanted keyword that a misspelled word most likely stands for.
fn nearest(word: &str, wanted: &[&'static str]) -> Option<&'static str> {
    /// Longer words are no keywords; the comparison takes quadratic time.
    const WORD_BYTES_MAX: usize = 32;
    if word.len() < 3 || word.len() > WORD_BYTES_MAX {
        return None;
    }
    let upper = word.to_ascii_uppercase();
    let allowed = if word.len() < 6 { 1 } else { 2 };
    let first_words = wanted.iter().filter_map(|phrase| {
        let first = phrase.split(' ').next()?;
        let is_keyword = first.bytes().all(|byte| byte.is_ascii_uppercase());
        is_keyword.then(|| (edit_distance(upper.as_bytes(), first.as_bytes()), *phrase))
    });
    first_words
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, phrase)| phrase)
}

/// How many bytes must be put in, left out or changed.
fn edit_distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.iter().enumerate() {
        let mut before = index + 1;
        let mut diagonal = index;
        for (b, above) in right.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *above;
            before = changed.min(diagonal + 1).min(before + 1);
            *above = before;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(left.len())
}
