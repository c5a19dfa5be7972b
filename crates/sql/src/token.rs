//! What the lexer gives the parser.

/// A piece of the text, by its byte positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

/// What a token is. Keywords are words: which words are special depends on where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// `abc`, `_1`, `1t`
    Word,
    /// `` `a b` ``, `"a b"`
    QuotedName,
    /// `'text'`, `x'41'`, `b'01'`, `$tag$text$tag$`
    String,
    /// `1`, `1.5e3`, `0xFF`
    Number,
    OpenRound,
    CloseRound,
    OpenSquare,
    CloseSquare,
    OpenCurly,
    CloseCurly,
    Comma,
    Semicolon,
    Dot,
    Star,
    Plus,
    Minus,
    Arrow,
    Slash,
    Percent,
    Concat,
    Equals,
    NotEquals,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
    NullSafeEquals,
    Question,
    Colon,
    DoubleColon,
    At,
    Caret,
    /// No more text.
    End,
    /// Not a token of the language.
    Bad(BadToken),
}

/// Why bytes are no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadToken {
    Character,
    OpenString,
    OpenName,
    OpenComment,
    OpenHeredoc,
    Number,
}

impl BadToken {
    /// What is wrong with it, as part of a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            BadToken::Character => "Unrecognized character",
            BadToken::OpenString => "Single quoted string is not closed",
            BadToken::OpenName => "Quoted identifier is not closed",
            BadToken::OpenComment => "Multiline comment is not closed",
            BadToken::OpenHeredoc => "Heredoc is not closed",
            BadToken::Number => "Wrong number",
        }
    }
}
