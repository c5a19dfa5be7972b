//! Bytes → tokens, one at a time, so that the data after `INSERT … VALUES` is never looked at.
//!
//! Allocates nothing and decodes nothing: strings and numbers are decoded where the parser uses them.

use crate::token::{BadToken, Token, TokenKind};

/// Reads tokens from a position on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    position: usize,
    /// The token before this one: `t.1.2` has four points and numbers after `t`, but `1.2` and `.5` are numbers.
    previous: TokenKind,
}

impl<'a> Lexer<'a> {
    /// Starts at a byte. The text is at most `u32::MAX` bytes long.
    pub fn new(text: &'a str, position: usize) -> Self {
        Self { bytes: text.as_bytes(), position, previous: TokenKind::Comma }
    }

    /// The next token; at the end of the text always [`TokenKind::End`].
    pub fn next(&mut self) -> Token {
        if let Some(bad) = self.skip_blank() {
            return bad;
        }
        let start = self.position;
        let kind = self.lex();
        self.previous = kind;
        self.token(kind, start)
    }

    fn token(&self, kind: TokenKind, start: usize) -> Token {
        Token { kind, start: start as u32, end: self.position as u32 }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.position + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.bytes.get(self.position).is_some_and(|byte| wanted(*byte)) {
            self.position += 1;
        }
    }

    /// Skips blank and comments; a comment that is not closed is a token.
    fn skip_blank(&mut self) -> Option<Token> {
        loop {
            self.skip_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            let start = self.position;
            match (self.peek(0), self.peek(1)) {
                (b'-', b'-') | (b'#', b' ' | b'!') => self.skip_while(|byte| byte != b'\n'),
                (b'/', b'*') => {
                    let rest = self.bytes.get(start + 2..).unwrap_or_default();
                    let Some(length) = rest.windows(2).position(|pair| pair == b"*/") else {
                        self.position = self.bytes.len();
                        return Some(self.token(TokenKind::Bad(BadToken::OpenComment), start));
                    };
                    self.position = start + 2 + length + 2;
                }
                // A no-break space or a byte order mark, as editors and browsers leave them.
                (0xc2, 0xa0) => self.position += 2,
                (0xef, 0xbb) if self.peek(2) == 0xbf => self.position += 3,
                _ => return None,
            }
        }
    }

    fn lex(&mut self) -> TokenKind {
        let Some(&first) = self.bytes.get(self.position) else { return TokenKind::End };
        match first {
            b'x' | b'X' | b'b' | b'B' if self.peek(1) == b'\'' => {
                self.position += 1;
                self.quoted(b'\'', TokenKind::String, BadToken::OpenString)
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.skip_while(is_word_byte);
                TokenKind::Word
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() && !self.follows_operand() => self.number(),
            b'\'' => self.quoted(b'\'', TokenKind::String, BadToken::OpenString),
            b'`' => self.quoted(b'`', TokenKind::QuotedName, BadToken::OpenName),
            b'"' => self.quoted(b'"', TokenKind::QuotedName, BadToken::OpenName),
            b'$' => self.heredoc(),
            _ => self.symbol(first),
        }
    }

    /// From an opening quote to the closing one; a doubled quote or a backslash hides one.
    fn quoted(&mut self, quote: u8, kind: TokenKind, bad: BadToken) -> TokenKind {
        self.position += 1;
        loop {
            self.skip_while(|byte| byte != quote && byte != b'\\');
            match (self.peek(0), self.peek(1)) {
                (b'\\', _) => self.position += 2,
                (byte, next) if byte == quote && next == quote => self.position += 2,
                (byte, _) if byte == quote => {
                    self.position += 1;
                    return kind;
                }
                _ => {}
            }
            if self.bytes.len() <= self.position {
                self.position = self.bytes.len();
                return TokenKind::Bad(bad);
            }
        }
    }

    fn heredoc(&mut self) -> TokenKind {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let tag_length = rest.iter().skip(1).take_while(|byte| is_word_byte(**byte) && **byte != b'$').count() + 2;
        let tag = rest.get(..tag_length).filter(|tag| tag.ends_with(b"$"));
        let Some(tag) = tag else {
            self.position += 1;
            return TokenKind::Bad(BadToken::Character);
        };
        let body = rest.get(tag_length..).unwrap_or_default();
        match body.windows(tag_length).position(|window| window == tag) {
            Some(length) => {
                self.position += tag_length + length + tag_length;
                TokenKind::String
            }
            None => {
                self.position = self.bytes.len();
                TokenKind::Bad(BadToken::OpenHeredoc)
            }
        }
    }

    /// Whether a point here goes into what was read before.
    fn follows_operand(&self) -> bool {
        use TokenKind::{CloseCurly, CloseRound, CloseSquare, Dot, Number, QuotedName, Word};
        matches!(self.previous, Word | QuotedName | CloseRound | CloseSquare | CloseCurly | Number | Dot)
    }

    /// Digits, a fraction, an exponent. What goes on as a word (`1t`) is one; a number glued to a word after its
    /// fraction is bad.
    fn number(&mut self) -> TokenKind {
        let start = self.position;
        if self.previous == TokenKind::Dot {
            self.skip_while(|byte| byte.is_ascii_digit());
            return self.number_end(start);
        }
        let radix = (self.peek(0) == b'0').then(|| self.peek(1).to_ascii_lowercase());
        match radix {
            Some(b'x') if self.peek(2).is_ascii_hexdigit() => {
                self.position += 2;
                self.skip_while(|byte| byte.is_ascii_hexdigit() || byte == b'_');
                self.fraction(|byte| byte.is_ascii_hexdigit(), b'p');
            }
            Some(b'b') if matches!(self.peek(2), b'0' | b'1') => {
                self.position += 2;
                self.skip_while(|byte| matches!(byte, b'0' | b'1' | b'_'));
            }
            _ => {
                self.skip_while(|byte| byte.is_ascii_digit());
                while self.peek(0) == b'_' && self.peek(1).is_ascii_digit() {
                    self.position += 1;
                    self.skip_while(|byte| byte.is_ascii_digit());
                }
                self.fraction(|byte| byte.is_ascii_digit(), b'e');
            }
        }
        self.number_end(start)
    }

    fn fraction(&mut self, is_digit: impl Fn(u8) -> bool, exponent: u8) {
        if self.peek(0) == b'.' {
            self.position += 1;
            self.skip_while(&is_digit);
        }
        if self.peek(0).to_ascii_lowercase() == exponent {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.position += 1 + sign;
                self.skip_while(|byte| byte.is_ascii_digit());
            }
        }
    }

    fn number_end(&mut self, start: usize) -> TokenKind {
        if !is_word_byte(self.peek(0)) {
            return TokenKind::Number;
        }
        let whole = self.bytes.get(start..self.position).is_some_and(|read| read.iter().copied().all(is_word_byte));
        self.skip_while(is_word_byte);
        if whole { TokenKind::Word } else { TokenKind::Bad(BadToken::Number) }
    }

    fn symbol(&mut self, first: u8) -> TokenKind {
        let (kind, length) = match (first, self.peek(1)) {
            (b'(', _) => (TokenKind::OpenRound, 1),
            (b')', _) => (TokenKind::CloseRound, 1),
            (b'[', _) => (TokenKind::OpenSquare, 1),
            (b']', _) => (TokenKind::CloseSquare, 1),
            (b'{', _) => (TokenKind::OpenCurly, 1),
            (b'}', _) => (TokenKind::CloseCurly, 1),
            (b',', _) => (TokenKind::Comma, 1),
            (b';', _) => (TokenKind::Semicolon, 1),
            (b'.', _) => (TokenKind::Dot, 1),
            (b'*', _) => (TokenKind::Star, 1),
            (b'+', _) => (TokenKind::Plus, 1),
            (b'-', b'>') => (TokenKind::Arrow, 2),
            (b'-', _) => (TokenKind::Minus, 1),
            (b'/', _) => (TokenKind::Slash, 1),
            (b'%', _) => (TokenKind::Percent, 1),
            (b'|', b'|') => (TokenKind::Concat, 2),
            (b'=', b'=') => (TokenKind::Equals, 2),
            (b'=', _) => (TokenKind::Equals, 1),
            (b'!', b'=') | (b'<', b'>') => (TokenKind::NotEquals, 2),
            (b'<', b'=') if self.peek(2) == b'>' => (TokenKind::NullSafeEquals, 3),
            (b'<', b'=') => (TokenKind::LessOrEquals, 2),
            (b'<', _) => (TokenKind::Less, 1),
            (b'>', b'=') => (TokenKind::GreaterOrEquals, 2),
            (b'>', _) => (TokenKind::Greater, 1),
            (b'?', _) => (TokenKind::Question, 1),
            (b':', b':') => (TokenKind::DoubleColon, 2),
            (b':', _) => (TokenKind::Colon, 1),
            (b'@', _) => (TokenKind::At, 1),
            (b'^', _) => (TokenKind::Caret, 1),
            // Whole characters, so that a message can show them.
            (0xc0.., _) => {
                (TokenKind::Bad(BadToken::Character), 1 + usize::from(first >= 0xe0) + usize::from(first >= 0xf0) + 1)
            }
            _ => (TokenKind::Bad(BadToken::Character), 1),
        };
        self.position = (self.position + length).min(self.bytes.len());
        kind
    }
}

/// Bytes of a word after its first.
pub(crate) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}
