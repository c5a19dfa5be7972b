//! What can be wrong with a text.

use std::fmt;

/// ClickHouse's number of SYNTAX_ERROR.
pub const SYNTAX_ERROR: i32 = 62;
/// ClickHouse's number of TOO_DEEP_RECURSION.
pub const TOO_DEEP_RECURSION: i32 = 306;
/// ClickHouse's number of TOO_BIG_AST.
pub const TOO_BIG_AST: i32 = 168;

/// A text that is no statement, expression or type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something stands where it cannot.
    #[error("syntax error: {0}")]
    Syntax(Box<SyntaxError>),
    /// Nested deeper than [`crate::NESTING_MAX`], or a tree deeper than [`crate::DEPTH_MAX`].
    #[error("the statement is nested deeper than {max} levels (at {position})")]
    TooDeep {
        /// The limit.
        max: u32,
        /// Where it was passed.
        position: Position,
    },
    /// More bytes than [`crate::STATEMENT_BYTES_MAX`].
    #[error("the statement is longer than {max} bytes (at {position})")]
    TooLong {
        /// The limit.
        max: usize,
        /// Where it was passed.
        position: Position,
    },
    /// More expressions than [`crate::NODES_MAX`].
    #[error("the statement has more than {max} expressions (at {position})")]
    TooManyNodes {
        /// The limit.
        max: u32,
        /// Where it was passed.
        position: Position,
    },
}

/// Where something stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Byte, from 0.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

/// What was found and what could have stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// The token there; empty at the end of the text.
    pub found: String,
    /// The text from there on, cut to a readable length.
    pub near: String,
    /// What could have stood there; may be empty.
    pub expected: Vec<&'static str>,
    /// The expected word that is nearest to the token, when it is near.
    pub hint: Option<&'static str>,
    /// Why what stands there is wrong, when it is not only in the wrong place.
    pub reason: Option<&'static str>,
}

impl Error {
    /// The error without what the text says: for texts with credentials in them.
    #[must_use]
    pub fn without_text(self) -> Self {
        match self {
            Error::Syntax(error) => {
                Error::Syntax(Box::new(SyntaxError { found: "…".to_owned(), near: "…".to_owned(), ..*error }))
            }
            other => other,
        }
    }

    /// ClickHouse's number.
    pub fn code(&self) -> i32 {
        match self {
            Error::Syntax(_) | Error::TooLong { .. } => SYNTAX_ERROR,
            Error::TooDeep { .. } => TOO_DEEP_RECURSION,
            Error::TooManyNodes { .. } => TOO_BIG_AST,
        }
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        match self {
            Error::Syntax(error) => error.position,
            Error::TooDeep { position, .. }
            | Error::TooLong { position, .. }
            | Error::TooManyNodes { position, .. } => *position,
        }
    }
}

impl Position {
    /// The position of a byte in a text. An offset inside a character counts as its start.
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            offset,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, col {}", self.line, self.column)
    }
}

/// As ClickHouse says it: `failed at position 8 (FROM) (line 1, col 8): FROM t. Expected one of: a, b`.
impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = if self.found.is_empty() { "end of query" } else { &self.found };
        write!(f, "failed at position {} ({found}) ({}): {}", self.position.offset + 1, self.position, self.near)?;
        if let Some(reason) = self.reason {
            write!(f, ". {reason}")?;
        }
        if let Some(hint) = self.hint {
            write!(f, ". Maybe you meant: {hint}")?;
        }
        match self.expected.as_slice() {
            [] => Ok(()),
            [only] => write!(f, ". Expected {only}"),
            several => write!(f, ". Expected one of: {}", several.join(", ")),
        }
    }
}
