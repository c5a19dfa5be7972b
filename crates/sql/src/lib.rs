//! Text ↔ syntax tree of ClickHouse's dialect and Everview's additions.
//!
//! Pure: no I/O, no catalogue, no meaning. A name is only a name here; which tables, functions, types and settings
//! exist, is for the binder. The law of this crate is `parse(print(x)) == x`, and that no text makes it panic or
//! overflow the stack.
//!
//! In reading order: [`ast`] (the tree), `token` and `lexer` (bytes → tokens), `parser` (tokens → tree), `print`
//! (tree → text), `secrets` (text → text without credentials), [`foreign`] (tree → text for another database).

pub mod ast;
mod error;
pub mod foreign;
mod lexer;
mod literal;
mod parser;
mod print;
mod secrets;
mod token;

pub use ast::{Expr, Query, Span, Statement};
pub use error::{Error, Position, SYNTAX_ERROR, SyntaxError, TOO_BIG_AST, TOO_DEEP_RECURSION};
pub use print::{back_quote, column_name, quote_string};
pub use secrets::{has_secrets, hide_secrets};

use ast::{DataType, InsertSource, StatementKind};
use lexer::Lexer;
use parser::Parser;
use token::TokenKind;

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// The most levels of a tree: brackets, subqueries and operators together. Small enough that a walk with frames of a few
/// kilobytes stays within a thread's 2 MB.
pub const DEPTH_MAX: u32 = 200;
/// The most rules that are inside of each other while a text is read: brackets, calls, subqueries. A debug build takes
/// up to 13 KB of stack for one.
pub const NESTING_MAX: u32 = 100;
/// The most bytes of one statement, without the data of an INSERT.
pub const STATEMENT_BYTES_MAX: usize = 16 << 20;
/// The most expressions of one statement: ClickHouse's `max_expanded_ast_elements`.
pub const NODES_MAX: u32 = 500_000;

/// The text is one statement; semicolons may follow it.
///
/// Inline data of an INSERT is not read: [`ast::InsertData`] says where it stands.
pub fn parse_statement(text: &str) -> Result<Statement> {
    check_length(text)?;
    Parser::new(text, false).only_statement()
}

/// [`parse_statement`] of bytes that may go on with binary data after `INSERT … FORMAT name`.
pub fn parse_statement_bytes(bytes: &[u8]) -> Result<Statement> {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => return parse_statement(text),
        Err(error) => bytes.get(..error.valid_up_to()).unwrap_or_default(),
    };
    let text = std::str::from_utf8(valid).unwrap_or_default();
    let mut statement = parse_statement(text)?;
    if let StatementKind::Insert(insert) = &mut statement.kind
        && let InsertSource::Data(data) = &mut insert.source
        && let Ok(end) = u32::try_from(bytes.len())
    {
        data.data.end = end;
        return Ok(statement);
    }
    Err(Error::Syntax(Box::new(SyntaxError {
        position: Position::of(text, text.len()),
        found: String::new(),
        near: String::new(),
        expected: Vec::new(),
        hint: None,
        reason: Some("The query is not UTF-8"),
    })))
}

/// Statements with semicolons between them, each with the bytes it takes.
///
/// Inline data after VALUES ends at a semicolon outside of quotes and brackets, after FORMAT at one that ends its line.
pub fn parse_statements(text: &str) -> Result<Vec<(Statement, Span)>> {
    check_length(text)?;
    let mut parser = Parser::new(text, true);
    let mut statements = Vec::new();
    while let Some(statement) = parser.next_statement()? {
        statements.push(statement);
    }
    Ok(statements)
}

/// The text is one expression, perhaps with an alias.
pub fn parse_expression(text: &str) -> Result<Expr> {
    check_length(text)?;
    Parser::new(text, false).only_expression()
}

/// An expression at the beginning of the text, and the byte where it ends: for expressions in VALUES, where
/// `{'key': value}` is one too.
pub fn parse_expression_prefix(text: &str) -> Result<(Expr, usize)> {
    check_length(text)?;
    Parser::new(text, false).first_expression()
}

/// The text is one data type.
pub fn parse_data_type(text: &str) -> Result<DataType> {
    check_length(text)?;
    Parser::new(text, false).only_data_type()
}

/// True when the text has a parameter `{name:Type}` somewhere: a view whose SELECT has one takes it as an argument.
pub fn has_parameters(text: &str) -> bool {
    let mut lexer = Lexer::new(text, 0);
    loop {
        match lexer.next().kind {
            TokenKind::OpenCurly => return true,
            TokenKind::End | TokenKind::Bad(_) => return false,
            _ => {}
        }
    }
}

/// Positions are 32 bits wide.
fn check_length(text: &str) -> Result<()> {
    if u32::try_from(text.len()).is_ok() {
        return Ok(());
    }
    Err(Error::TooLong { max: u32::MAX as usize, position: Position { offset: 0, line: 1, column: 1 } })
}
